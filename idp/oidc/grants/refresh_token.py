"""A refresh token becomes its successor and a new access token (RFC 6749 section 6, RFC 9700 section 4.14.2).

Rotation is one conditional UPDATE: one row, or somebody was here before. Within ten seconds and until the
successor is used, the same client showing the same token gets the same answer again: two processes of one
program, or a lost response, are no theft. The answer is kept sealed under the old token itself, so that only
its holder can read it. Any other reuse ends the family. For a client of FAPI 2.0 nothing rotates: it comes
with the same token each time, until the family ends (`fapi2.py`). No ID token comes with it: OpenID Connect
Core 12.2 leaves that open, the person was not here, and one with a new `iat` would look as if they had been.
"""

import json
from typing import Any, Final

from idp.crypto import SealError, open_for_holder, seal_for_holder, token_hash
from idp.effects import Effects, Instant
from idp.events import Event, EventType
from idp.models.clients import Client
from idp.models.grants import RefreshToken
from idp.models.people import Employment, UserStatus
from idp.oidc import authorization_details, fapi2
from idp.oidc.authorization_details import Details
from idp.oidc.errors import ErrorCode, ProtocolError
from idp.oidc.grants.base import (
    TokenRequest,
    choose_audience,
    narrow_scopes,
    refresh_bound_to,
    token_answer,
)
from idp.oidc.grants.posts import acts_in_a_post, post_problem
from idp.oidc.jose import TokenError
from idp.oidc.people import find_current_employment
from idp.oidc.scopes import may_have
from idp.oidc.senders import hold_kept
from idp.oidc.tokens import AccessTokens, Confirmation, PersonGrant
from idp.storage.database import Database
from idp.storage.grants import RefreshRow

RETRY_SECONDS: Final = 10.0
_NONCE_BYTES: Final = 12
_REFUSED: Final = "The refresh token is not valid."


class RefreshTokens:
    grant_type = "refresh_token"

    def __init__(
        self, *, issuer: str, database: Database, access_tokens: AccessTokens, effects: Effects
    ) -> None:
        self._issuer = issuer
        self._database = database
        self._access_tokens = access_tokens
        self._effects = effects

    def exchange(self, request: TokenRequest) -> dict[str, Any]:
        token = request.form.get("refresh_token")
        now = self._effects.now()
        with self._database.read() as work:
            row = work.grants.find_refresh(token_hash(token))
            employment = (
                find_current_employment(work, row.employment_id, now=now) if row is not None else None
            )
        if row is None:
            raise ProtocolError(ErrorCode.INVALID_GRANT, _REFUSED, detail="no such token")
        hold_family(row, employment, client=request.client, now=now)
        hold_kept(row.confirmation, request.bound_to, refused=_refusal)
        if row.used_at is not None:
            return self._again(row, token, request)
        scopes = narrow_scopes(request.form, still_granted(row, request.client))
        audience = choose_audience(request.form, allowed=tuple(row.audiences), default=self._issuer)
        details = authorization_details.narrow(request.form, row.authorization_details)
        rotates = fapi2.rotates_refresh_tokens(request.client)
        successor = self._effects.new_token() if rotates else None
        grant = _grant(row, employment, request.client, details)
        access_token = self._access_tokens.for_person(
            grant, audience=audience, scopes=scopes, bound_to=request.bound_to
        )
        answer = token_answer(
            access_token,
            scopes=scopes,
            refresh_token=successor,
            authorization_details=details,
            bound_to=request.bound_to,
        )
        if successor is None:
            return answer
        bound_to = refresh_bound_to(request)
        if not self._rotate(row, token, successor=successor, answer=answer, bound_to=bound_to, now=now):
            with self._database.read() as work:
                row = work.grants.find_refresh(row.token_hash) or row
            return self._again(row, token, request)
        return answer

    def _rotate(
        self,
        row: RefreshRow,
        token: str,
        *,
        successor: str,
        answer: dict[str, Any],
        bound_to: Confirmation,
        now: Instant,
    ) -> bool:
        sealed = seal_for_holder(token, json.dumps(answer).encode(), self._effects.random(_NONCE_BYTES))
        successor_hash = token_hash(successor)
        with self._database.begin() as work:
            if not work.grants.use_refresh(
                row.token_hash, at=now, successor_hash=successor_hash, answer=sealed
            ):
                return False
            if bound_to and bound_to != row.confirmation:
                work.grants.bind_family(row.family_id, dict(bound_to))
            work.grants.add_refresh(
                RefreshToken(
                    token_hash=successor_hash,
                    family_id=row.family_id,
                    issued_at=now,
                    expires_at=row.family_expires_at,
                )
            )
        return True

    def _again(self, row: RefreshRow, token: str, request: TokenRequest) -> dict[str, Any]:
        """The same answer for a retry; the end of the family for anything else."""
        now = self._effects.now()
        with self._database.read() as work:
            is_retry = (
                row.used_at is not None
                and now - row.used_at <= RETRY_SECONDS
                and row.successor_hash is not None
                and row.answer is not None
                and work.grants.refresh_is_unused(row.successor_hash)
            )
        if is_retry and row.answer is not None:
            try:
                answer: dict[str, Any] = json.loads(open_for_holder(token, row.answer))
            except SealError:
                raise ProtocolError(
                    ErrorCode.INVALID_GRANT, _REFUSED, detail="the kept answer does not open"
                ) from None
            self._hold_same_key(answer["access_token"], request)
            return answer
        with self._database.begin() as work:
            work.grants.revoke_family(row.family_id, now)
            work.audit.append(
                Event(
                    type=EventType.REFRESH_REPLAYED,
                    user_id=row.user_id,
                    municipality=row.municipality,
                    client_id=row.client_id,
                    session_id=row.session_id,
                    address=request.remote,
                )
            )
        raise ProtocolError(ErrorCode.INVALID_GRANT, _REFUSED, detail="used before: the family is revoked")

    def _hold_same_key(self, access_token: str, request: TokenRequest) -> None:
        """A kept answer is for who had it: another key gets nothing, and destroys nothing."""
        try:
            bound_to = self._access_tokens.verify(access_token).bound_to
        except TokenError:
            raise _refusal("the kept answer is good no more") from None
        if bound_to != request.bound_to:
            raise _refusal("the kept answer is bound to another key")


def _refusal(detail: str) -> ProtocolError:
    return ProtocolError(ErrorCode.INVALID_GRANT, _REFUSED, detail=detail)


def hold_family(row: RefreshRow, employment: Employment | None, *, client: Client, now: Instant) -> None:
    """Everything the token hangs on must still hold, whatever a cleanup has or has not removed yet."""
    problem = _problem(row, employment, client=client, now=now)
    if problem:
        raise ProtocolError(ErrorCode.INVALID_GRANT, _REFUSED, detail=problem)


def _problem(row: RefreshRow, employment: Employment | None, *, client: Client, now: Instant) -> str | None:
    if row.client_id != client.client_id:
        return "issued to another client"
    if row.family_revoked_at is not None:
        return "the family is revoked"
    if now >= min(row.expires_at, row.family_expires_at):
        return "expired"
    if row.user_status != UserStatus.ACTIVE.value:
        return "the user is not active"
    if row.employment_id is not None:
        problem = post_problem(
            employment,
            scopes=row.scopes,
            client=client,
            user_roles=row.user_roles,
            details=row.authorization_details,
        )
        if problem is not None:
            return problem
    if not set(row.audiences) <= set(client.resources) or not authorization_details.are_allowed(
        row.authorization_details, client
    ):
        return "the client may no longer use a resource or a type of authorization details"
    return None


def still_granted(row: RefreshRow, client: Client) -> tuple[str, ...]:
    """What was granted, less what has been taken from the client's registration since."""
    scopes = tuple(scope for scope in row.scopes if may_have(scope, client))
    if not scopes:
        raise ProtocolError(
            ErrorCode.INVALID_GRANT, _REFUSED, detail="the client may have none of the scopes"
        )
    return scopes


def _grant(row: RefreshRow, employment: Employment | None, client: Client, details: Details) -> PersonGrant:
    """`auth_time`, `acr` and `amr` stay those of the sign-in."""
    post = employment if acts_in_a_post(row.scopes, client) else None
    return PersonGrant(
        family_id=row.family_id,
        user_id=row.user_id,
        client_id=row.client_id,
        session_id=row.session_id,
        scopes=tuple(row.scopes),
        acr=row.acr,
        amr=tuple(row.amr),
        auth_time=row.auth_time,
        municipality=post.municipality if post is not None else None,
        roles=tuple(post.roles) if post is not None else (),
        authorization_details=details,
    )
