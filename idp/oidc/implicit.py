"""For whom the implicit flow is (OpenID Connect Core 3.2), and that it is for nobody else.

Core 15.2 makes it mandatory for a provider at which anybody may register, and RFC 9700 section 2.1.2 advises
against it: tokens come through the browser, where histories, extensions and scripts can see them. So it
exists while registration is open, and then for a plain web application that registered for exactly this. The
rules are held at registration and again at each use, since a registration and the provider's settings both
change. Not here: what such a request must say (`authorize_checks.py`), making its tokens
(`grants/implicit.py`).
"""

from collections.abc import Callable, Iterable, Mapping
from typing import Any, Final
from urllib.parse import urlsplit

from idp.models.clients import Client, Profile
from idp.oidc.errors import ErrorCode, ProtocolError
from idp.oidc.grant_types import DEVICE_CODE, IMPLICIT
from idp.oidc.options import RegistrationMode
from idp.oidc.redirect_uris import is_of_this_computer
from idp.oidc.response_types import ResponseType
from idp.oidc.scopes import Scope

Registered = Mapping[str, Any]


def is_offered(registration: RegistrationMode) -> bool:
    """Core 15.2 is about providers that anybody may register at; an initial access token is not anybody's."""
    return registration is RegistrationMode.OPEN


# What must be true of an application -------------------------------------------------------------------


def is_a_web_application(registered: Registered, _profile: str) -> bool:
    """An installed one has loopback redirects and the code flow (RFC 8252 section 8.2); a device has no
    browser.
    """
    return registered.get("application_type") == "web" and DEVICE_CODE not in registered["grant_types"]


def is_of_the_plain_profile(_registered: Registered, profile: str) -> bool:
    """FAPI 2.0 Security Profile section 5.3.2.2 knows `code` alone."""
    return profile == Profile.OIDC.value


def is_answered_over_https_elsewhere(registered: Registered, _profile: str) -> bool:
    """OpenID Connect Registration 2: https only, and "MUST NOT use localhost as the hostname"."""
    return all(
        urlsplit(uri).scheme == "https" and not is_of_this_computer(uri)
        for uri in registered.get("redirect_uris", ())
    )


def takes_bearer_tokens(registered: Registered, _profile: str) -> bool:
    """No key is proven at the authorization endpoint, so its tokens cannot be bound to one."""
    bound = ("dpop_bound_access_tokens", "tls_client_certificate_bound_access_tokens")
    return not any(registered.get(name) for name in bound)


def is_told_no_personal_code(registered: Registered, _profile: str) -> bool:
    """It would stand in the address of a page."""
    return Scope.PERSON_CODE not in str(registered.get("scope", "")).split()


RULES: Final[tuple[tuple[Callable[[Registered, str], bool], str], ...]] = (
    (is_of_the_plain_profile, "grant_types: implicit is not for this profile"),
    (is_a_web_application, "grant_types: implicit is for web applications"),
    (
        is_answered_over_https_elsewhere,
        "grant_types: with implicit, redirect_uris must use https and not name this computer",
    ),
    (takes_bearer_tokens, "grant_types: implicit gives no tokens that are bound to a key or a certificate"),
    (is_told_no_personal_code, "grant_types: with implicit, scope may not hold person_code"),
)


def _broken_rule(registered: Registered, profile: str) -> str | None:
    return next((told for holds, told in RULES if not holds(registered, profile)), None)


# At registration ---------------------------------------------------------------------------------------


def broken_rule(registered: Registered, own: Mapping[str, Any], *, offered: bool) -> str | None:
    """What the registration would have to say; None when it does, or has nothing to do with this flow."""
    by_grant = IMPLICIT in registered["grant_types"]
    by_type = bool(_implicit_among(registered["response_types"]))
    if not (by_grant or by_type):
        return None
    if not offered:
        return "grant_types, response_types: the implicit flow is not offered here"
    if by_grant is not by_type:
        return "response_types must hold id_token or id_token token exactly when grant_types has implicit"
    return _broken_rule(registered, own.get("profile", Profile.OIDC.value))


def _implicit_among(response_types: Iterable[str]) -> list[str]:
    return [name for name in response_types if name in set(ResponseType) and ResponseType(name).is_implicit]


# At use ------------------------------------------------------------------------------------------------


def has_registered(client: Client, response_type: ResponseType) -> bool:
    return response_type in client.registered.get("response_types", ())


def hold(client: Client, response_type: ResponseType, *, offered: bool) -> None:
    """Whether it may be answered so now, whatever was registered before. Raises ProtocolError (attack 7)."""
    if not response_type.is_implicit:
        return
    if not offered:
        raise ProtocolError(ErrorCode.UNSUPPORTED_RESPONSE_TYPE, "The response type is not supported.")
    registered = has_registered(client, response_type) and IMPLICIT in client.registered.get(
        "grant_types", ()
    )
    broken = _broken_rule(client.registered, client.profile) if registered else "it did not register for it"
    if broken is not None:
        raise ProtocolError(
            ErrorCode.UNAUTHORIZED_CLIENT, "The client may not use this response type.", detail=broken
        )
