"""The rules an authorization request must keep, one small function each, and which are held where.

What fails in `BEFORE_READING` or `BEFORE_REDIRECT` is shown to the person on a page of ours, because an error
must never be sent to an address nobody registered (RFC 6749 section 4.1.2.1). What fails in `CHECKS` goes
back to the client. At `/par` everything goes back to the client, in JSON. Not here: what a request object and
parameters that are JSON must be (`request_objects.py`, `claims.py`, `authorization_details.py`).
"""

import re
from collections.abc import Callable
from dataclasses import dataclass
from enum import Enum, auto
from typing import Any, Final

from idp.models.clients import Client, ClientKind
from idp.oidc import fapi2, implicit, redirect_uris
from idp.oidc.authorization_request import Prompt, ResponseMode, modes_for
from idp.oidc.authorization_response import must_be_signed
from idp.oidc.errors import ErrorCode, ProtocolError
from idp.oidc.requests import Parameters, refuse_duplicates
from idp.oidc.response_types import ResponseType, find_response_type
from idp.oidc.scopes import Scope
from idp.policy import Level

_S256_CHALLENGE: Final = re.compile(r"[A-Za-z0-9_-]{43}")
_SECONDS: Final = re.compile(r"[0-9]{1,9}")
_THUMBPRINT: Final = _S256_CHALLENGE
_ECHOED_AT_MOST: Final = 1000


class Channel(Enum):
    """How a request came to us. A pushed one keeps its channel when the browser brings its reference."""

    OPEN = auto()
    """As parameters, by the browser."""
    SIGNED = auto()
    """As a request object, brought or named by the browser."""
    PUSHED = auto()
    PUSHED_SIGNED = auto()
    """As a request object that the client pushed."""


@dataclass(frozen=True, slots=True)
class Asked:
    """A request of a known client."""

    parameters: Parameters
    client: Client
    channel: Channel = Channel.OPEN
    pushed: str | None = None
    """The reference it was kept under since it was pushed."""
    offers_implicit: bool = False
    """Whether the provider has the implicit flow now."""

    @property
    def response_type(self) -> ResponseType:
        """As asked; `code` for what does not exist, which has been refused before anything hangs on it."""
        return find_response_type(self.parameters.find("response_type")) or ResponseType.CODE

    @property
    def registered(self) -> dict[str, Any]:
        return self.client.registered


Check = Callable[[Asked], None]


def client_and_reference_come_once(asked: Asked) -> None:
    if {"client_id", "request", "request_uri"} & set(asked.parameters.duplicated()):
        raise ProtocolError(ErrorCode.INVALID_REQUEST, "A parameter is included more than once.")


def client_is_enabled(asked: Asked) -> None:
    if asked.client.disabled:
        raise ProtocolError(ErrorCode.UNAUTHORIZED_CLIENT, "The application is not enabled.")


def redirect_uri_is_registered(asked: Asked) -> None:
    """OpenID Connect Core 3.1.2.1: REQUIRED, and "MUST exactly match one of the Redirection URI values"."""
    installed = asked.client.kind == ClientKind.INSTALLED.value
    uri = asked.parameters.get("redirect_uri")
    if not redirect_uris.matches(uri, asked.registered.get("redirect_uris", ()), any_loopback_port=installed):
        raise ProtocolError(
            ErrorCode.INVALID_REQUEST, "The redirect URI is not registered for the application."
        )


def redirect_uri_is_fit_for_the_profile(asked: Asked) -> None:
    """FAPI 2.0 Security Profile section 5.3.2.2: also one that was registered before the profile was."""
    if not fapi2.may_be_answered_at(asked.client, asked.parameters.get("redirect_uri")):
        raise ProtocolError(ErrorCode.INVALID_REQUEST, "The redirect URI must use https.")


def redirect_uri_comes_once(asked: Asked) -> None:
    if "redirect_uri" in asked.parameters.duplicated():
        raise ProtocolError(ErrorCode.INVALID_REQUEST, "A parameter is included more than once.")


def parameters_come_once(asked: Asked) -> None:
    refuse_duplicates(asked.parameters)


def echoed_values_are_short(asked: Asked) -> None:
    """They come back in a URL, where servers commonly stop reading at 8 kB."""
    for name in ("state", "nonce"):
        if len(asked.parameters.find(name) or "") > _ECHOED_AT_MOST:
            raise ProtocolError(ErrorCode.INVALID_REQUEST, f"The parameter {name} is too long.")


def is_pushed_where_it_must(asked: Asked) -> None:
    """RFC 9126 section 6; FAPI 2.0 Security Profile section 5.3.2.2."""
    if fapi2.holds_for(asked.client) or asked.registered.get("require_pushed_authorization_requests"):
        raise ProtocolError(ErrorCode.INVALID_REQUEST, "The client must push its authorization requests.")


def is_signed_where_it_must(asked: Asked) -> None:
    """RFC 9101 section 10.5."""
    if asked.registered.get("require_signed_request_object"):
        raise ProtocolError(ErrorCode.INVALID_REQUEST, "The client must send a signed request object.")


def registration_is_absent(asked: Asked) -> None:
    """OpenID Connect Core 7.2.1: only for self-issued providers."""
    if asked.parameters.has("registration"):
        raise ProtocolError(
            ErrorCode.REGISTRATION_NOT_SUPPORTED, "The parameter registration is not supported."
        )


def response_type_exists(asked: Asked) -> None:
    if find_response_type(asked.parameters.get("response_type")) is None:
        raise ProtocolError(ErrorCode.UNSUPPORTED_RESPONSE_TYPE, "The response type is not supported.")


def client_may_use_the_response_type(asked: Asked) -> None:
    """Whichever way it is offered and registered now (attack 7)."""
    implicit.hold(asked.client, asked.response_type, offered=asked.offers_implicit)


def response_mode_fits_the_type(asked: Asked) -> None:
    """Attack 7: no token in a query, no code in a fragment."""
    mode = asked.parameters.find("response_mode")
    if mode is not None and mode not in modes_for(asked.response_type):
        raise ProtocolError(ErrorCode.INVALID_REQUEST, "The response mode is not supported.")


def response_is_signed_where_it_must(asked: Asked) -> None:
    """Asked for in the clear, the answer would lose what the client registered for (attack 7)."""
    mode = ResponseMode(asked.parameters.find("response_mode") or modes_for(asked.response_type)[0])
    if must_be_signed(asked.client) and not mode.is_signed:
        raise ProtocolError(ErrorCode.INVALID_REQUEST, "The client must ask for a response mode with jwt.")


def client_may_use_codes(asked: Asked) -> None:
    if asked.response_type.is_implicit:
        return
    if "authorization_code" not in asked.registered.get("grant_types", ("authorization_code",)):
        raise ProtocolError(
            ErrorCode.UNAUTHORIZED_CLIENT, "The client is not registered for the authorization code grant."
        )


def pkce_is_s256(asked: Asked) -> None:
    """RFC 7636 section 4.3, RFC 9700 section 2.1.1: `plain` proves nothing to whoever saw the request."""
    challenge, method = (
        asked.parameters.find("code_challenge"),
        asked.parameters.find("code_challenge_method"),
    )
    if challenge is None:
        if method is not None:
            raise ProtocolError(ErrorCode.INVALID_REQUEST, "A code challenge method needs a code challenge.")
        if needs_challenge(asked):
            raise ProtocolError(ErrorCode.INVALID_REQUEST, "A code challenge is required (PKCE, S256).")
        return
    if method != "S256":
        raise ProtocolError(ErrorCode.INVALID_REQUEST, "The code challenge method must be S256.")
    if not _S256_CHALLENGE.fullmatch(challenge):
        raise ProtocolError(ErrorCode.INVALID_REQUEST, "The code challenge is not an S256 challenge.")


def needs_challenge(asked: Asked) -> bool:
    """Where no code is given there is none to protect."""
    if asked.response_type.is_implicit:
        return False
    return asked.client.pkce_required or is_public(asked.client) or fapi2.holds_for(asked.client)


def tokens_come_with_a_nonce(asked: Asked) -> None:
    """OpenID Connect Core 3.2.2.1: REQUIRED, for nothing else tells a stolen ID token from one asked for."""
    if asked.response_type.is_implicit and not asked.parameters.has("nonce"):
        raise ProtocolError(ErrorCode.INVALID_REQUEST, "The response type needs a nonce.")


def tokens_are_of_openid_connect(asked: Asked) -> None:
    scopes = (asked.parameters.find("scope") or "").split()
    if asked.response_type.is_implicit and Scope.OPENID not in scopes:
        raise ProtocolError(ErrorCode.INVALID_SCOPE, "The response type needs the scope openid.")


def tokens_are_for_userinfo_alone(asked: Asked) -> None:
    """What went through a browser opens no API."""
    if not asked.response_type.is_implicit:
        return
    if asked.parameters.has("resource"):
        raise ProtocolError(ErrorCode.INVALID_TARGET, "The response type gives no access to a resource.")
    if asked.parameters.has("authorization_details"):
        raise ProtocolError(
            ErrorCode.INVALID_AUTHORIZATION_DETAILS, "The response type takes no authorization details."
        )


def tokens_are_bound_to_no_key(asked: Asked) -> None:
    """Whoever names a key expects tokens that are bound to it, and would get others."""
    if asked.response_type.is_implicit and asked.parameters.has("dpop_jkt"):
        raise ProtocolError(ErrorCode.INVALID_REQUEST, "The response type gives no tokens bound to a key.")


def prompt_is_understood(asked: Asked) -> None:
    """OpenID Connect Core 3.1.2.1: `none` with any other value is an error."""
    prompts = (asked.parameters.find("prompt") or "").split()
    if not set(prompts) <= set(Prompt):
        raise ProtocolError(ErrorCode.INVALID_REQUEST, "A value of the parameter prompt is not supported.")
    if Prompt.NONE in prompts and len(set(prompts)) > 1:
        raise ProtocolError(ErrorCode.INVALID_REQUEST, "The prompt none cannot be combined with others.")


def max_age_is_a_number(asked: Asked) -> None:
    max_age = asked.parameters.find("max_age")
    if max_age is not None and not _SECONDS.fullmatch(max_age):
        raise ProtocolError(ErrorCode.INVALID_REQUEST, "The parameter max_age is not a number of seconds.")


def resources_are_registered(asked: Asked) -> None:
    """RFC 8707 section 2: an invalid or unknown resource is `invalid_target`."""
    if not set(asked.parameters.all("resource")) <= set(asked.client.resources):
        raise ProtocolError(
            ErrorCode.INVALID_TARGET, "The client is not registered for a resource it asks for."
        )


def key_is_a_thumbprint(asked: Asked) -> None:
    """RFC 9449 section 10: `dpop_jkt` is a SHA-256 thumbprint (RFC 7638) in base64url."""
    jkt = asked.parameters.find("dpop_jkt")
    if jkt is not None and not _THUMBPRINT.fullmatch(jkt):
        raise ProtocolError(ErrorCode.INVALID_REQUEST, "The parameter dpop_jkt is not a thumbprint.")


BEFORE_READING: Final[tuple[Check, ...]] = (client_and_reference_come_once, client_is_enabled)
"""Held against what the browser brings, before a reference or an object in it is followed."""

BEFORE_REDIRECT: Final[tuple[Check, ...]] = (
    redirect_uri_comes_once,
    redirect_uri_is_registered,
    redirect_uri_is_fit_for_the_profile,
)

EVERYWHERE: Final = frozenset(Channel)
BROUGHT: Final = frozenset({Channel.OPEN, Channel.SIGNED})
UNSIGNED: Final = frozenset({Channel.OPEN, Channel.PUSHED})

CHECKS: Final[tuple[tuple[Check, frozenset[Channel]], ...]] = (
    (parameters_come_once, EVERYWHERE),
    (is_pushed_where_it_must, BROUGHT),
    (is_signed_where_it_must, UNSIGNED),
    (echoed_values_are_short, EVERYWHERE),
    (registration_is_absent, EVERYWHERE),
    (response_type_exists, EVERYWHERE),
    (client_may_use_the_response_type, EVERYWHERE),
    (response_mode_fits_the_type, EVERYWHERE),
    (response_is_signed_where_it_must, EVERYWHERE),
    (client_may_use_codes, EVERYWHERE),
    (pkce_is_s256, EVERYWHERE),
    (tokens_come_with_a_nonce, EVERYWHERE),
    (tokens_are_of_openid_connect, EVERYWHERE),
    (tokens_are_for_userinfo_alone, EVERYWHERE),
    (tokens_are_bound_to_no_key, EVERYWHERE),
    (prompt_is_understood, EVERYWHERE),
    (max_age_is_a_number, EVERYWHERE),
    (resources_are_registered, EVERYWHERE),
    (key_is_a_thumbprint, EVERYWHERE),
)
"""`/authorize` and `/par` read a request through the same table; the channel says which rows count."""


def hold(checks: tuple[Check, ...], asked: Asked) -> None:
    """Raises ProtocolError at the first rule that is broken."""
    for check in checks:
        check(asked)


def hold_all(asked: Asked) -> None:
    """Those of `CHECKS` that count for the channel. Raises ProtocolError at the first that is broken."""
    hold(tuple(check for check, channels in CHECKS if asked.channel in channels), asked)


def may_be_told(asked: Asked) -> bool:
    """Whether an error may go back to the redirect URI that the request itself names."""
    try:
        hold(BEFORE_REDIRECT, asked)
    except ProtocolError:
        return False
    return True


def is_public(client: Client) -> bool:
    """RFC 6749 section 2.1: it has nothing to authenticate with."""
    return client.registered.get("token_endpoint_auth_method") == "none"


def preferred_levels(asked: Asked, voluntary: tuple[str, ...] = ()) -> tuple[int, ...]:
    """Core 3.1.2.1: `acr_values` in order of preference; unknown ones are passed over.

    `voluntary`: those of an `acr` in the `claims` parameter that is not essential (Core 5.5.1.1), which mean
    the same.
    """
    text = asked.parameters.find("acr_values")
    named = text.split() if text is not None else voluntary or asked.registered.get("default_acr_values", ())
    return tuple(int(level) for value in named if (level := Level.from_acr(value)) is not None)


def max_age(asked: Asked) -> int | None:
    """Registration 2: `default_max_age` counts when the request names none."""
    text = asked.parameters.find("max_age")
    if text is not None:
        return int(text)
    default = asked.registered.get("default_max_age")
    return int(default) if default is not None else None
