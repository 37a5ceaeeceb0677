"""A service acts for whoever called it (RFC 8693, delegation): a token it was shown becomes one for the next.

Nothing widens. The new token has no scope the old one lacks or the caller is not registered for, one audience
of those the caller is registered for (and, for a token of the caller's own, of those that were granted), the
authorization details of the old one or fewer, since they say for what it may be used, the same person,
municipality, roles and sign-in, no later end, and the chain of who acts in `act`. It is of the same family,
so it dies with it. There is no impersonation, no refresh token, no ID token, and none for the provider
itself: what was granted to the application that began is not its services' to read at userinfo.
"""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, Final

from idp.effects import Effects
from idp.events import Event, EventType
from idp.models.clients import Client
from idp.oidc.authorization_details import narrow
from idp.oidc.authorize_checks import is_public
from idp.oidc.errors import ErrorCode, ProtocolError
from idp.oidc.grant_types import TOKEN_EXCHANGE
from idp.oidc.grants.base import TokenRequest, narrow_scopes, token_answer
from idp.oidc.introspection import is_for
from idp.oidc.jose import TokenError
from idp.oidc.requests import Parameters
from idp.oidc.scopes import Scope, may_have
from idp.oidc.tokens import ACCESS_TOKEN_SECONDS, AccessToken, AccessTokens
from idp.storage.database import Database

ACCESS_TOKEN_TYPE: Final = "urn:ietf:params:oauth:token-type:access_token"  # noqa: S105  the name of a type
ACTORS_AT_MOST: Final = 4
"""How long the chain of services may grow: more than any real one, less than a loop."""


@dataclass(frozen=True, slots=True)
class Exchange:
    """What the rules judge: the token shown, the caller's own if it sent one, and who asks."""

    subject: AccessToken
    actor: AccessToken | None
    request: TokenRequest

    @property
    def caller(self) -> Client:
        return self.request.client


def subject_was_shown_to_caller(exchange: Exchange) -> bool:
    """The caller is whom the token is for, or who it was given to."""
    return is_for(exchange.subject, exchange.caller)


def own_token_stays_with_its_key(exchange: Exchange) -> bool:
    """A token of the caller's own that is bound to a key does not become one that is bound to none.

    Another client's key cannot be asked for: the caller proves itself instead, and the new token is bound to
    the key *it* proves.
    """
    subject = exchange.subject
    is_own = subject.client_id == exchange.caller.client_id
    return not is_own or not subject.bound_to or subject.bound_to == exchange.request.bound_to


def may_act_names_the_caller(exchange: Exchange) -> bool:
    """RFC 8693 section 4.4; a member that says more than we understand is taken for somebody else."""
    named = exchange.subject.claims.get("may_act")
    return named is None or named == {"sub": exchange.caller.client_id}


def municipality_is_the_callers(exchange: Exchange) -> bool:
    """A service that is for some municipalities acts for no other, on nobody's behalf."""
    own, open_to = exchange.caller.service_municipality, exchange.caller.municipalities
    acted_for = exchange.subject.claims.get("municipality")
    return own in {None, acted_for} and (not open_to or acted_for in open_to)


def chain_is_short(exchange: Exchange) -> bool:
    return len(exchange.subject.actors) < ACTORS_AT_MOST


def actor_is_the_caller(exchange: Exchange) -> bool:
    """Nobody lends their name: an actor token is the caller's own, for itself and not for a person."""
    actor, own = exchange.actor, exchange.caller.client_id
    return actor is None or (
        (actor.client_id, actor.subject) == (own, own)
        and actor.family_id is None
        and actor.actor is None
        and actor.bound_to in ({}, exchange.request.bound_to)
    )


RULES: Final[tuple[Callable[[Exchange], bool], ...]] = (
    subject_was_shown_to_caller,
    own_token_stays_with_its_key,
    may_act_names_the_caller,
    municipality_is_the_callers,
    chain_is_short,
    actor_is_the_caller,
)


class TokenExchange:
    grant_type = TOKEN_EXCHANGE

    def __init__(
        self, *, issuer: str, database: Database, access_tokens: AccessTokens, effects: Effects
    ) -> None:
        self._issuer = issuer
        self._database = database
        self._access_tokens = access_tokens
        self._effects = effects

    def exchange(self, request: TokenRequest) -> dict[str, Any]:
        if is_public(request.client):
            raise ProtocolError(ErrorCode.UNAUTHORIZED_CLIENT, "A public client cannot exchange tokens.")
        form = request.form
        hold_types(form)
        subject = self._read(form, "subject_token")
        actor = self._read(form, "actor_token") if form.has("actor_token") else None
        hold_rules(Exchange(subject, actor, request))
        audience = choose_target(form, request.client, issuer=self._issuer)
        self._hold_resources(subject, request.client, audience)
        details = narrow(form, subject.claims.get("authorization_details", ()))
        scopes = choose_scopes(form, subject, request.client)
        token = self._access_tokens.exchanged(
            subject,
            client_id=request.client.client_id,
            audience=audience,
            scopes=scopes,
            actor=acting(request.client, subject),
            authorization_details=details,
            bound_to=request.bound_to,
        )
        self._write_down(subject, request, audience=audience, scopes=scopes)
        return {
            **token_answer(token, scopes=scopes, authorization_details=details, bound_to=request.bound_to),
            "issued_token_type": ACCESS_TOKEN_TYPE,
            "expires_in": int(min(ACCESS_TOKEN_SECONDS, subject.expires_at - self._effects.now())),
        }

    def _read(self, form: Parameters, name: str) -> AccessToken:
        """RFC 8693 section 2.2.2: a token that is invalid for any reason is `invalid_request`."""
        try:
            token = self._access_tokens.verify(form.get(name))
        except TokenError as error:
            raise _unfit(name, str(error)) from None
        if not self._access_tokens.is_alive(token):
            raise _unfit(name, "no longer alive")
        return token

    def _hold_resources(self, subject: AccessToken, client: Client, audience: str) -> None:
        """A person's token that the application itself got does not lead where that was not granted, which
        its refresh token would not either.
        """
        if subject.client_id != client.client_id or subject.family_id is None or subject.actor is not None:
            return
        with self._database.read() as work:
            family = work.grants.find_family(subject.family_id)
        if family is None or audience not in family.audiences:
            raise ProtocolError(ErrorCode.INVALID_TARGET, "The resource is not among those granted.")

    def _write_down(
        self, subject: AccessToken, request: TokenRequest, *, audience: str, scopes: tuple[str, ...]
    ) -> None:
        """A write for each, unlike client credentials: somebody acts in a person's name."""
        with self._database.begin() as work:
            family = work.grants.find_family(subject.family_id) if subject.family_id is not None else None
            work.audit.append(
                Event(
                    type=EventType.TOKEN_EXCHANGED,
                    user_id=family.user_id if family is not None else None,
                    municipality=subject.claims.get("municipality"),
                    client_id=request.client.client_id,
                    session_id=family.session_id if family is not None else None,
                    address=request.remote,
                    detail={
                        "shown_by": subject.client_id,
                        "audience": audience,
                        "scope": " ".join(scopes),
                    },
                )
            )


def hold_types(form: Parameters) -> None:
    """RFC 8693 section 2.1: a type stands beside each token, and beside nothing else."""
    if form.get("subject_token_type") != ACCESS_TOKEN_TYPE:
        raise _unsupported("subject_token_type")
    if form.find("requested_token_type") not in {None, ACCESS_TOKEN_TYPE}:
        raise _unsupported("requested_token_type")
    if form.has("actor_token") != form.has("actor_token_type"):
        raise ProtocolError(
            ErrorCode.INVALID_REQUEST, "The parameters actor_token and actor_token_type go together."
        )
    if form.find("actor_token_type") not in {None, ACCESS_TOKEN_TYPE}:
        raise _unsupported("actor_token_type")


def hold_rules(exchange: Exchange) -> None:
    for rule in RULES:
        if not rule(exchange):
            name = "actor_token" if rule is actor_is_the_caller else "subject_token"
            raise _unfit(name, f"against the rule {rule.__name__}")


def choose_target(form: Parameters, client: Client, *, issuer: str) -> str:
    """One, named by the caller, of those it is registered for; section 2.2.2: `invalid_target` otherwise."""
    named = (*form.all("resource"), *form.all("audience"))
    if len(set(named)) != 1:
        raise ProtocolError(ErrorCode.INVALID_TARGET, "Name one resource the token is for.")
    if named[0] not in client.resources or named[0] == issuer:
        raise ProtocolError(ErrorCode.INVALID_TARGET, "The client is not registered for this resource.")
    return named[0]


def choose_scopes(form: Parameters, subject: AccessToken, client: Client) -> tuple[str, ...]:
    """Of what the token shown has, what the caller is registered for; less, where it asks for less."""
    most = tuple(
        scope for scope in subject.scopes if scope != Scope.OFFLINE_ACCESS and may_have(scope, client)
    )
    if not most:
        raise ProtocolError(ErrorCode.INVALID_SCOPE, "The token has no scope that the client may have.")
    return narrow_scopes(form, most)


def acting(client: Client, subject: AccessToken) -> dict[str, Any]:
    """Section 4.1: the outermost `act` is who acts now, the one within whom it acts after."""
    before = {"act": subject.actor} if subject.actor is not None else {}
    return {"sub": client.client_id, **before}


def _unfit(name: str, detail: str) -> ProtocolError:
    return ProtocolError(
        ErrorCode.INVALID_REQUEST, f"The {name} is not valid for this exchange.", detail=detail
    )


def _unsupported(name: str) -> ProtocolError:
    return ProtocolError(
        ErrorCode.INVALID_REQUEST, f"The {name} is not supported; it is {ACCESS_TOKEN_TYPE}."
    )
