"""What a person granted becomes tokens, once, whichever kind of code stands for it.

The insert of the family, whose `code_hash` is unique, is the act that spends the code. It comes before any
token is made: of two parallel redemptions one inserts, and the other finds the winner's family and revokes
it. Session, user and post are looked at in the same transaction, as they are now. Not here: what a code is
bound to, which is its own grant's to know.
"""

from dataclasses import dataclass, field, replace
from typing import Any, Final

from idp.crypto import token_hash
from idp.effects import Effects, Instant
from idp.events import Event, EventType
from idp.models.clients import Client
from idp.models.grants import RefreshToken, TokenFamily
from idp.models.people import Employment, User, UserStatus
from idp.models.sessions import BrowserSession
from idp.oidc.authorization_details import Details
from idp.oidc.claims import values_of
from idp.oidc.codes import Granted
from idp.oidc.errors import ErrorCode, ProtocolError
from idp.oidc.grants.base import TokenRequest, refresh_bound_to, token_answer
from idp.oidc.grants.posts import acts_in_a_post, post_problem
from idp.oidc.id_tokens import IdTokens
from idp.oidc.people import find_current_employment, read_person
from idp.oidc.scopes import Scope
from idp.oidc.tokens import ACCESS_TOKEN_SECONDS, BEARER, AccessTokens, Confirmation, PersonGrant
from idp.oidc.verified_requests import VERIFIED_CLAIMS, allowed_now
from idp.storage.database import Database
from idp.storage.work import Work

_REFUSED: Final = "The code is not valid."


@dataclass(frozen=True, slots=True)
class Redeemed:
    grant: PersonGrant
    claims: dict[str, Any] = field(repr=False)
    """For the ID token, beside those it always has."""


class Redemption:
    def __init__(
        self,
        *,
        database: Database,
        access_tokens: AccessTokens,
        id_tokens: IdTokens,
        effects: Effects,
        refresh_seconds: float,
    ) -> None:
        self._database = database
        self._access_tokens = access_tokens
        self._id_tokens = id_tokens
        self._effects = effects
        self._refresh_seconds = refresh_seconds

    def redeem(
        self,
        code: str,
        granted: Granted,
        request: TokenRequest,
        *,
        audience: str,
        details: Details = (),
    ) -> dict[str, Any]:
        """The answer of RFC 6749 section 5.1; `details` are for this access token. Raises ProtocolError."""
        if Scope.OPENID in granted.scopes:
            self._id_tokens.require_mintable(request.client)
        refresh_token = self._effects.new_token() if Scope.OFFLINE_ACCESS in granted.scopes else None
        redeemed = self._spend(code, granted, refresh_token, request)
        if redeemed is None:
            raise self.not_there(code, request)
        access_token = self._access_tokens.for_person(
            replace(redeemed.grant, authorization_details=details),
            audience=audience,
            scopes=granted.scopes,
            bound_to=request.bound_to,
        )
        id_token = None
        if Scope.OPENID in granted.scopes:
            id_token = self._id_tokens.mint(
                redeemed.grant,
                request.client,
                nonce=granted.nonce,
                access_token=access_token,
                claims=redeemed.claims,
            )
        return token_answer(
            access_token,
            scopes=granted.scopes,
            refresh_token=refresh_token,
            id_token=id_token,
            authorization_details=details,
            bound_to=request.bound_to,
        )

    def not_there(self, code: str, request: TokenRequest) -> ProtocolError:
        """RFC 6749 section 4.1.2: a code used again "SHOULD revoke all tokens previously issued" from it."""
        with self._database.read() as work:
            family = work.grants.find_family_by_code(token_hash(code))
        if family is None:
            return ProtocolError(ErrorCode.INVALID_GRANT, _REFUSED, detail="no such code")
        with self._database.begin() as work:
            revoke_after_replay(work, family, now=self._effects.now(), request=request)
        return ProtocolError(ErrorCode.INVALID_GRANT, _REFUSED, detail="the code was used before")

    def _spend(
        self, code: str, granted: Granted, refresh_token: str | None, request: TokenRequest
    ) -> Redeemed | None:
        """None when it is spent. Raises ProtocolError when what it hangs on is no longer there."""
        now = self._effects.now()
        offline = Scope.OFFLINE_ACCESS in granted.scopes
        family = family_of(
            granted,
            family_id=self._effects.new_id(),
            code=code,
            now=now,
            seconds=self._refresh_seconds if offline else ACCESS_TOKEN_SECONDS,
            refresh_bound_to=refresh_bound_to(request),
        )
        with self._database.begin() as work:
            if not work.grants.add_family(family):
                return None
            if refresh_token is not None:
                work.grants.add_refresh(_refresh_token(refresh_token, family))
            return hand_out(
                work,
                family,
                granted,
                request.client,
                names=granted.claims.get("id_token", []),
                event=issued(granted, address=request.remote),
            )


def family_of(
    granted: Granted,
    *,
    family_id: str,
    code: str,
    now: Instant,
    seconds: float,
    refresh_bound_to: Confirmation = BEARER,
) -> TokenFamily:
    return TokenFamily(
        id=family_id,
        code_hash=token_hash(code),
        user_id=granted.user_id,
        client_id=granted.client_id,
        session_id=granted.session_id,
        scopes=list(granted.scopes),
        audiences=list(granted.resources),
        acr=granted.acr,
        amr=list(granted.amr),
        auth_time=granted.auth_time,
        created_at=now,
        expires_at=now + seconds,
        employment_id=granted.employment_id,
        municipality=granted.municipality,
        requested={
            **granted.claims,
            **({VERIFIED_CLAIMS: granted.verified_claims} if granted.verified_claims else {}),
        },
        authorization_details=[dict(detail) for detail in granted.authorization_details],
        confirmation=dict(refresh_bound_to),
    )


def hand_out(
    work: Work, family: TokenFamily, granted: Granted, client: Client, *, names: list[str], event: Event
) -> Redeemed:
    """What every way to a person's tokens holds and writes down, in the unit of work that adds the family.

    `names`: of the claims for the ID token. Raises ProtocolError when what the grant hangs on is no longer
    there.
    """
    now = family.created_at
    hold_session(work.sessions.find_held(granted.session_id), now=now)
    user = active(work.people.find_user(granted.user_id))
    employment = find_current_employment(work, granted.employment_id, now=now)
    hold_post(employment, user, granted, client)
    work.sessions.add_client(granted.session_id, granted.client_id, now)
    work.audit.append(event)
    person = read_person(
        work,
        user,
        employment_id=granted.employment_id,
        names=names,
        now=now,
        verified=allowed_now(names, granted.verified_claims, "id_token", client),
    )
    post = employment if acts_in_a_post(granted.scopes, client) else None
    return Redeemed(_person_grant(family, granted, post), values_of(person, names))


def hold_session(session: BrowserSession | None, *, now: Instant) -> None:
    if session is None or session.ended_at is not None or now >= session.expires_at:
        raise ProtocolError(ErrorCode.INVALID_GRANT, _REFUSED, detail="the session has ended")


def active(user: User | None) -> User:
    if user is None or user.status != UserStatus.ACTIVE.value:
        raise ProtocolError(ErrorCode.INVALID_GRANT, _REFUSED, detail="the user is not active")
    return user


def hold_post(post: Employment | None, user: User, granted: Granted, client: Client) -> None:
    if granted.employment_id is None:
        return
    problem = post_problem(
        post,
        scopes=granted.scopes,
        client=client,
        user_roles=user.roles,
        details=granted.authorization_details,
    )
    if problem:
        raise ProtocolError(ErrorCode.INVALID_GRANT, _REFUSED, detail=problem)


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


def _refresh_token(token: str, family: TokenFamily) -> RefreshToken:
    return RefreshToken(
        token_hash=token_hash(token),
        family_id=family.id,
        issued_at=family.created_at,
        expires_at=family.expires_at,
    )


def _person_grant(family: TokenFamily, granted: Granted, post: Employment | None) -> PersonGrant:
    return PersonGrant(
        family_id=family.id,
        user_id=granted.user_id,
        client_id=granted.client_id,
        session_id=granted.session_id,
        scopes=granted.scopes,
        acr=granted.acr,
        amr=granted.amr,
        auth_time=granted.auth_time,
        municipality=post.municipality if post is not None else None,
        roles=tuple(post.roles) if post is not None else (),
    )


def issued(granted: Granted, *, address: str, **detail: str) -> Event:
    return Event(
        type=EventType.TOKENS_ISSUED,
        user_id=granted.user_id,
        municipality=granted.municipality,
        client_id=granted.client_id,
        session_id=granted.session_id,
        address=address,
        detail={"scope": " ".join(granted.scopes), "acr": granted.acr, **detail},
    )
