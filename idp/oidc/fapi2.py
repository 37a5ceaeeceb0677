"""What the FAPI 2.0 Security Profile asks of a client: a rule each about its registration, in a table, and
what holds for it at use, since a registration may also become `fapi2` after it was made.

Not here: what such a client may say in an authorization request (`authorize_checks.py`) and how it proves
itself (`client_auth.py`).
"""

from collections.abc import Callable, Mapping
from typing import Any, Final
from urllib.parse import urlsplit

from idp.models.clients import Client, Profile
from idp.oidc.auth_methods import OF_FAPI, method_of
from idp.oidc.client_assertions import FAPI_ALGORITHMS

GRANT_TYPES: Final = frozenset({"authorization_code", "refresh_token", "client_credentials"})
SIGNING_ALGORITHM: Final = "ES256"
"""What we sign with for such a client, of the algorithms that 5.4.1 leaves."""
_DEFAULT_ALGORITHM: Final = "RS256"
_LOOPBACK: Final = frozenset({"127.0.0.1", "::1"})
_SIGNED_BY_US: Final = (
    *("id_token_signed_response_alg", "userinfo_signed_response_alg"),
    *("introspection_signed_response_alg", "authorization_signed_response_alg"),
)
_SIGNED_BY_THE_CLIENT: Final = ("token_endpoint_auth_signing_alg", "request_object_signing_alg")

Registered = Mapping[str, Any]
Own = Mapping[str, Any]
"""The members of `visvaris`."""


def holds_for(client: Client) -> bool:
    return client.profile == Profile.FAPI2.value


# At use ------------------------------------------------------------------------------------------------


def rotates_refresh_tokens(client: Client) -> bool:
    """5.3.2.1: "shall not use refresh token rotation except in extraordinary circumstances". A client of the
    profile authenticates, so its refresh token is bound to it and worth nothing to whoever copies it.
    """
    return not holds_for(client)


def may_use_grant(client: Client, grant_type: str) -> bool:
    """5.3.2.1, whatever was registered before."""
    return not holds_for(client) or grant_type in GRANT_TYPES


def algorithm_for(client: Client, member: str) -> str:
    """By which we sign what `member` of the registration is about: RS256 unless registered otherwise (Core 2,
    RFC 9701 section 6, JARM section 3), and never one that 5.4.1 leaves out for a client of the profile.
    """
    registered = str(client.registered.get(member, _DEFAULT_ALGORITHM))
    return SIGNING_ALGORITHM if holds_for(client) and registered not in FAPI_ALGORITHMS else registered


def may_be_answered_at(client: Client, redirect_uri: str) -> bool:
    """5.3.2.2."""
    native = client.registered.get("application_type") == "native"
    return not holds_for(client) or _is_over_tls(redirect_uri, native=native)


# At registration ---------------------------------------------------------------------------------------


def proves_itself_without_a_secret(registered: Registered, _own: Own) -> bool:
    """5.3.2.1."""
    return method_of(registered) in OF_FAPI


def has_only_grant_types_of_the_profile(registered: Registered, _own: Own) -> bool:
    """5.3.2.1: no password grant; and none that the profile does not speak of."""
    return GRANT_TYPES.issuperset(registered["grant_types"])


def is_signed_for_by_its_algorithms(registered: Registered, _own: Own) -> bool:
    """5.4.1: PS256, ES256 or EdDSA."""
    named = (registered.get(name) for name in (*_SIGNED_BY_US, *_SIGNED_BY_THE_CLIENT))
    return all(alg in FAPI_ALGORITHMS for alg in named if alg is not None)


def is_answered_over_tls(registered: Registered, _own: Own) -> bool:
    """5.3.2.2: https, or an installed application's loopback address."""
    native = registered["application_type"] == "native"
    return all(_is_over_tls(uri, native=native) for uri in registered.get("redirect_uris", ()))


def _is_over_tls(uri: str, *, native: bool) -> bool:
    parts = urlsplit(uri)
    return parts.scheme == "https" or (native and parts.scheme == "http" and parts.hostname in _LOOPBACK)


def gets_bound_tokens(registered: Registered, _own: Own) -> bool:
    """5.3.2.1."""
    asked = ("dpop_bound_access_tokens", "tls_client_certificate_bound_access_tokens")
    return any(registered.get(name) is True for name in asked)


def pushes_its_requests(registered: Registered, _own: Own) -> bool:
    """5.3.2.2: "shall reject authorization requests sent without" PAR."""
    return registered.get("require_pushed_authorization_requests") is not False


def sends_a_challenge(_registered: Registered, own: Own) -> bool:
    """5.3.2.2."""
    return own.get("pkce_required") is not False


_ALGORITHMS_TOLD: Final = (
    f"{', '.join((*_SIGNED_BY_US, *_SIGNED_BY_THE_CLIENT))} must be one of {', '.join(FAPI_ALGORITHMS)}"
)
RULES: Final[tuple[tuple[Callable[[Registered, Own], bool], str], ...]] = (
    (
        proves_itself_without_a_secret,
        f"token_endpoint_auth_method must be one of {', '.join(sorted(OF_FAPI))}",
    ),
    (has_only_grant_types_of_the_profile, f"grant_types may hold {', '.join(sorted(GRANT_TYPES))}"),
    (is_signed_for_by_its_algorithms, _ALGORITHMS_TOLD),
    (
        is_answered_over_tls,
        "redirect_uris must use https, or the loopback address of an installed application",
    ),
    (
        gets_bound_tokens,
        "dpop_bound_access_tokens or tls_client_certificate_bound_access_tokens must be true",
    ),
    (pushes_its_requests, "require_pushed_authorization_requests must not be false"),
    (sends_a_challenge, "pkce_required must not be false"),
)


def defaults(own: Own) -> dict[str, str]:
    """In place of what a registration that says nothing means elsewhere."""
    if own.get("profile") != Profile.FAPI2.value:
        return {}
    return {"id_token_signed_response_alg": SIGNING_ALGORITHM}


def broken_rule(registered: Registered, own: Own) -> str | None:
    """What the registration would have to say; None when it does, or is of another profile."""
    if own.get("profile") != Profile.FAPI2.value:
        return None
    return next((told for holds, told in RULES if not holds(registered, own)), None)
