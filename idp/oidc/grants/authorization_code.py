"""A code becomes tokens, once (RFC 6749 section 4.1.3, RFC 7636 section 4.6, OpenID Connect Core 3.1.3).

The insert of the family, whose `code_hash` is unique, is the act that spends the code. It comes before any
token is made: of two parallel redemptions one inserts, and the other finds the winner's family and revokes
it.
"""

import base64
import hashlib
import hmac
import re
from collections.abc import Collection
from dataclasses import dataclass, field, replace
from typing import Any, Final

from idp.crypto import token_hash
from idp.effects import Effects, Instant
from idp.events import Event, EventType
from idp.models.clients import Client
from idp.models.grants import RefreshToken, TokenFamily
from idp.models.people import UserStatus
from idp.oidc import authorization_details
from idp.oidc.claims import values_of
from idp.oidc.codes import CodeContents, Codes
from idp.oidc.errors import ErrorCode, ProtocolError
from idp.oidc.grants.base import TokenRequest, choose_audience, refresh_bound_to, token_answer
from idp.oidc.id_tokens import IdTokens
from idp.oidc.people import find_current_employment, read_person
from idp.oidc.requests import Parameters
from idp.oidc.scopes import Scope
from idp.oidc.senders import JKT, hold_kept
from idp.oidc.tokens import ACCESS_TOKEN_SECONDS, AccessTokens, PersonGrant
from idp.storage.database import Database
from idp.storage.work import Work

_VERIFIER: Final = re.compile(r"[A-Za-z0-9._~-]{43,128}")
_REFUSED: Final = "The authorization code is not valid."


@dataclass(frozen=True, slots=True)
class Redeemed:
    grant: PersonGrant
    claims: dict[str, Any] = field(repr=False)
    """For the ID token, beside those it always has."""


class AuthorizationCode:
    grant_type = "authorization_code"

    def __init__(
        self,
        *,
        issuer: str,
        database: Database,
        codes: Codes,
        access_tokens: AccessTokens,
        id_tokens: IdTokens,
        effects: Effects,
        refresh_seconds: float,
    ) -> None:
        self._issuer = issuer
        self._database = database
        self._codes = codes
        self._access_tokens = access_tokens
        self._id_tokens = id_tokens
        self._effects = effects
        self._refresh_seconds = refresh_seconds

    def exchange(self, request: TokenRequest) -> dict[str, Any]:
        code = request.form.get("code")
        contents = self._codes.find(code)
        if contents is None:
            raise self._not_there(code, request)
        try:
            hold_bindings(contents, request)
            audience = choose_audience(request.form, allowed=contents.resources, default=self._issuer)
            details = authorization_details.narrow(request.form, contents.authorization_details)
        except ProtocolError:
            self._codes.destroy(code)
            raise
        if Scope.OPENID in contents.scopes:
            self._id_tokens.require_mintable(request.client)
        refresh_token = self._effects.new_token() if Scope.OFFLINE_ACCESS in contents.scopes else None
        redeemed = self._redeem(code, contents, refresh_token, request)
        self._codes.destroy(code)
        if redeemed is None:
            raise self._not_there(code, request)
        redeemed = replace(redeemed, grant=replace(redeemed.grant, authorization_details=details))
        return self._answer(contents, redeemed, request, audience=audience, refresh_token=refresh_token)

    def _redeem(
        self, code: str, contents: CodeContents, refresh_token: str | None, request: TokenRequest
    ) -> Redeemed | None:
        """Spends the code; None when it is spent. Raises ProtocolError when the person is no longer there."""
        now = self._effects.now()
        family = self._family(code, contents, request, now)
        with self._database.begin() as work:
            if not work.grants.add_family(family):
                return None
            session = work.sessions.find_held(contents.session_id)
            user = work.people.find_user(contents.user_id)
            if session is None or session.ended_at is not None or now >= session.expires_at:
                raise ProtocolError(ErrorCode.INVALID_GRANT, _REFUSED, detail="the session has ended")
            if user is None or user.status != UserStatus.ACTIVE.value:
                raise ProtocolError(ErrorCode.INVALID_GRANT, _REFUSED, detail="the user is not active")
            if refresh_token is not None:
                work.grants.add_refresh(
                    RefreshToken(
                        token_hash=token_hash(refresh_token),
                        family_id=family.id,
                        issued_at=now,
                        expires_at=family.expires_at,
                    )
                )
            work.sessions.add_client(contents.session_id, contents.client_id, now)
            work.audit.append(_issued(contents, request))
            employment = find_current_employment(work, contents.employment_id, now=now)
            acting = employment.municipality if employment is not None else None
            if not authorization_details.are_within(contents.authorization_details, acting):
                raise ProtocolError(ErrorCode.INVALID_GRANT, _REFUSED, detail="the post has ended")
            names = contents.claims.get("id_token", [])
            person = read_person(work, user, employment_id=contents.employment_id, names=names, now=now)
        post = employment if acts_in_a_post(contents.scopes, request.client) else None
        grant = PersonGrant(
            family_id=family.id,
            user_id=contents.user_id,
            client_id=contents.client_id,
            session_id=contents.session_id,
            scopes=contents.scopes,
            acr=contents.acr,
            amr=contents.amr,
            auth_time=contents.auth_time,
            municipality=post.municipality if post is not None else None,
            roles=tuple(post.roles) if post is not None else (),
        )
        return Redeemed(grant, values_of(person, names))

    def _family(self, code: str, contents: CodeContents, request: TokenRequest, now: Instant) -> TokenFamily:
        offline = Scope.OFFLINE_ACCESS in contents.scopes
        return TokenFamily(
            id=self._effects.new_id(),
            code_hash=token_hash(code),
            user_id=contents.user_id,
            client_id=contents.client_id,
            session_id=contents.session_id,
            scopes=list(contents.scopes),
            audiences=list(contents.resources),
            acr=contents.acr,
            amr=list(contents.amr),
            auth_time=contents.auth_time,
            created_at=now,
            expires_at=now + (self._refresh_seconds if offline else ACCESS_TOKEN_SECONDS),
            employment_id=contents.employment_id,
            municipality=contents.municipality,
            requested=dict(contents.claims),
            authorization_details=[dict(detail) for detail in contents.authorization_details],
            confirmation=dict(refresh_bound_to(request)),
        )

    def _answer(
        self,
        contents: CodeContents,
        redeemed: Redeemed,
        request: TokenRequest,
        *,
        audience: str,
        refresh_token: str | None,
    ) -> dict[str, Any]:
        access_token = self._access_tokens.for_person(
            redeemed.grant, audience=audience, scopes=contents.scopes, bound_to=request.bound_to
        )
        id_token = None
        if Scope.OPENID in contents.scopes:
            id_token = self._id_tokens.mint(
                redeemed.grant,
                request.client,
                nonce=contents.nonce,
                access_token=access_token,
                claims=redeemed.claims,
            )
        return token_answer(
            access_token,
            scopes=contents.scopes,
            refresh_token=refresh_token,
            id_token=id_token,
            authorization_details=redeemed.grant.authorization_details,
            bound_to=request.bound_to,
        )

    def _not_there(self, code: str, request: TokenRequest) -> ProtocolError:
        """RFC 6749 section 4.1.2: a code used again "SHOULD revoke all tokens previously issued" from it."""
        with self._database.read() as work:
            family = work.grants.find_family_by_code(token_hash(code))
        if family is None:
            return ProtocolError(ErrorCode.INVALID_GRANT, _REFUSED, detail="no such code")
        with self._database.begin() as work:
            revoke_after_replay(work, family, now=self._effects.now(), request=request)
        return ProtocolError(ErrorCode.INVALID_GRANT, _REFUSED, detail="the code was used before")


def hold_bindings(contents: CodeContents, request: TokenRequest) -> None:
    """RFC 6749 section 4.1.3: "issued to the authenticated client", and the redirect URI is "identical"."""
    if contents.client_id != request.client.client_id:
        raise ProtocolError(ErrorCode.INVALID_GRANT, _REFUSED, detail="issued to another client")
    if request.form.find("redirect_uri") != contents.redirect_uri:
        raise ProtocolError(ErrorCode.INVALID_GRANT, _REFUSED, detail="for another redirect URI")
    hold_code_verifier(contents.code_challenge, request.form)
    if contents.dpop_jkt is not None:
        hold_kept({JKT: contents.dpop_jkt}, request.bound_to, refused=_refusal)


def _refusal(detail: str) -> ProtocolError:
    return ProtocolError(ErrorCode.INVALID_GRANT, _REFUSED, detail=detail)


def hold_code_verifier(challenge: str | None, form: Parameters) -> None:
    """RFC 7636 section 4.6; RFC 9700 section 2.1.1: a verifier without a challenge is a downgrade."""
    verifier = form.find("code_verifier")
    if challenge is None and verifier is None:
        return
    if challenge is None or verifier is None or not _VERIFIER.fullmatch(verifier):
        raise ProtocolError(
            ErrorCode.INVALID_GRANT, _REFUSED, detail="code challenge and verifier do not go together"
        )
    computed = base64.urlsafe_b64encode(hashlib.sha256(verifier.encode()).digest()).rstrip(b"=").decode()
    if not hmac.compare_digest(computed, challenge):
        raise ProtocolError(ErrorCode.INVALID_GRANT, _REFUSED, detail="wrong code verifier")


def acts_in_a_post(scopes: Collection[str], client: Client) -> bool:
    """Whether the access token says for which municipality the person acts."""
    return client.needs_employment or Scope.EMPLOYMENT in scopes


def revoke_after_replay(work: Work, family: TokenFamily, *, now: Instant, request: TokenRequest) -> None:
    work.grants.revoke_family(family.id, now)
    work.audit.append(
        Event(
            type=EventType.CODE_REPLAYED,
            user_id=family.user_id,
            client_id=family.client_id,
            session_id=family.session_id,
            address=request.remote,
            detail={"presented_by": request.client.client_id},
        )
    )


def _issued(contents: CodeContents, request: TokenRequest) -> Event:
    return Event(
        type=EventType.TOKENS_ISSUED,
        user_id=contents.user_id,
        municipality=contents.municipality,
        client_id=contents.client_id,
        session_id=contents.session_id,
        address=request.remote,
        detail={"scope": " ".join(contents.scopes), "acr": contents.acr},
    )
