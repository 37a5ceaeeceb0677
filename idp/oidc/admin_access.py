"""Who may use the API of administrators (`/api/v1`): decided from a token and the database as it is now.

A token opens it only when it was asked for this API by name (RFC 8707), with its scope, by an application
that an operator registered for both; and then no more than its holder may: an operator or a service of the
system everything, a municipality's administrator what concerns people who work there. Roles, posts and
registrations are read at each request, never from the token. Not here: what the API does (`web/api.py`).
"""

from dataclasses import dataclass
from typing import Final

from idp.effects import Instant
from idp.models.clients import Client
from idp.oidc.core import Core
from idp.oidc.errors import ErrorCode, ProtocolError
from idp.oidc.jose import TokenError
from idp.oidc.people import find_current_employment
from idp.oidc.scopes import registered_scopes
from idp.oidc.tokens import AccessToken
from idp.policy import ADMINISTRATOR, OPERATOR, Level
from idp.storage.work import Work

SCOPE: Final = "visvaris.admin"
LEAST: Final = Level.MULTI_FACTOR
_REALM: Final = 'Bearer realm="visvaris"'


@dataclass(frozen=True, slots=True)
class Administrator:
    """`actor_id`: a user's, or that of a service's client. `municipality` None is the system as a whole.

    `signed_in_at`: when a person proved who they are; of a service None.
    """

    actor_id: str
    client_id: str
    municipality: str | None
    signed_in_at: Instant | None = None

    @property
    def is_service(self) -> bool:
        """A program in its own name, with nobody behind it."""
        return self.actor_id == self.client_id

    def must_be_fresh(self, seconds: float, now: Instant) -> None:
        """Raises ProtocolError for a person who signed in longer ago."""
        if self.signed_in_at is not None and self.signed_in_at < now - seconds:
            raise _too_weak(f', max_age="{seconds:.0f}"')

    def may_see(self, work: Work, user_id: str, now: Instant) -> bool:
        if self.municipality is None:
            return True
        posts = work.people.employments_of(user_id, now=now)
        return any(post.municipality == self.municipality for post in posts)


def audience_of(issuer: str) -> str:
    return f"{issuer}/api/v1"


class AdminAccess:
    def __init__(self, core: Core) -> None:
        self._audience = audience_of(core.options.issuer)
        self._database = core.database
        self._clients = core.clients
        self._access_tokens = core.access_tokens
        self._effects = core.effects

    def authorize(self, authorization: str) -> Administrator:
        """`authorization` is the header's value. Raises ProtocolError."""
        token = self._verified(read_bearer(authorization))
        client = self._clients.find(token.client_id)
        if client is None or not may_still(client, self._audience):
            raise _invalid("the client is no longer registered for this API")
        if token.family_id is None:
            return self._service(token, client)
        return self._person(token.family_id)

    def _verified(self, text: str) -> AccessToken:
        try:
            token = self._access_tokens.verify(text)
        except TokenError as error:
            raise _invalid(str(error)) from None
        if token.audiences != (self._audience,):
            raise _invalid("for another audience")
        if token.bound_to:
            raise _invalid("bound to a key that was not shown")
        if "act" in token.claims:
            raise _invalid("delegated")
        if SCOPE not in token.scopes:
            raise _refusal(
                ErrorCode.INSUFFICIENT_SCOPE,
                f"The access token needs the scope {SCOPE}.",
                status=403,
                told=f', scope="{SCOPE}"',
            )
        return token

    def _service(self, token: AccessToken, client: Client) -> Administrator:
        if token.subject != client.client_id or not self._access_tokens.is_alive(token):
            raise _invalid("not a living token of the service itself")
        return Administrator(client.client_id, client.client_id, client.service_municipality)

    def _person(self, family_id: str) -> Administrator:
        now = self._effects.now()
        with self._database.read() as work:
            found = work.grants.find_active_family_with_user(family_id, now)
            if found is None:
                raise _invalid("the family is not alive")
            post = find_current_employment(work, found.family.employment_id, now=now)
        if (Level.from_acr(found.family.acr) or Level.NONE) < LEAST:
            raise _too_weak(f', acr_values="{LEAST.acr}"')
        user_id, client_id = found.user.id, found.family.client_id
        if OPERATOR in found.user.roles:
            return Administrator(user_id, client_id, None, found.family.auth_time)
        if post is not None and post.user_id == user_id and ADMINISTRATOR in post.roles:
            return Administrator(user_id, client_id, post.municipality, found.family.auth_time)
        raise ProtocolError(
            ErrorCode.ACCESS_DENIED, "This is for administrators.", detail="no such role now", status=403
        )


def may_still(client: Client, audience: str) -> bool:
    return not client.disabled and SCOPE in registered_scopes(client) and audience in client.resources


def read_bearer(authorization: str) -> str:
    """RFC 6750 section 3.1: who shows no token learns that one is needed and nothing more."""
    scheme, _, token = authorization.partition(" ")
    if scheme.lower() != "bearer" or not token.strip():
        raise ProtocolError(
            ErrorCode.INVALID_TOKEN,
            "An access token is needed.",
            status=401,
            headers=(("WWW-Authenticate", _REALM),),
        )
    return token.strip()


def _invalid(detail: str) -> ProtocolError:
    return _refusal(ErrorCode.INVALID_TOKEN, "The access token is not valid here.", status=401, detail=detail)


def _too_weak(told: str) -> ProtocolError:
    """RFC 9470 section 3: stronger, or done again; `told` is which."""
    return _refusal(
        ErrorCode.INSUFFICIENT_USER_AUTHENTICATION,
        "A stronger sign-in is needed.",
        status=401,
        told=told,
    )


def _refusal(
    error: ErrorCode, description: str, *, status: int, detail: str = "", told: str = ""
) -> ProtocolError:
    challenge = f'{_REALM}, error="{error.value}", error_description="{description}"{told}'
    return ProtocolError(
        error, description, detail=detail, status=status, headers=(("WWW-Authenticate", challenge),)
    )
