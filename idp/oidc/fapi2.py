"""What FAPI 2.0 asks of a client's registration beside what holds for all: rules in a table.

FAPI 2.0 Security Profile and Message Signing, as far as requests and responses at the authorization endpoint
and ID tokens go. Not here: how such a client authenticates; what is held against each request
(`authorize_checks.py`, `request_objects.py`).
"""

from collections.abc import Callable, Mapping
from typing import Any, Final
from urllib.parse import urlsplit

from idp.models.clients import Client, Profile
from idp.oidc.errors import ErrorCode, ProtocolError

DEFAULTS: Final[Mapping[str, str]] = {"id_token_signed_response_alg": "ES256"}

_REFUSED_ALGORITHM: Final = "RS256"
"""Section 5.4.1 allows PS256, ES256 and EdDSA."""
_ALGORITHM_MEMBERS: Final = (
    "id_token_signed_response_alg",
    "authorization_signed_response_alg",
    "request_object_signing_alg",
)


def holds_for(client: Client) -> bool:
    return client.profile == Profile.FAPI2.value


Rule = Callable[[Mapping[str, Any], Mapping[str, Any]], str | None]
"""Gets the registered members and our own; says what is wrong, if anything is."""


def algorithms_are_allowed(registered: Mapping[str, Any], _own: Mapping[str, Any]) -> str | None:
    for name in _ALGORITHM_MEMBERS:
        if registered.get(name) == _REFUSED_ALGORITHM:
            return f"{name}: the profile fapi2 does not allow {_REFUSED_ALGORITHM}"
    return None


def requests_are_pushed(registered: Mapping[str, Any], _own: Mapping[str, Any]) -> str | None:
    """Section 5.3.2.2: "shall reject authorization requests sent without" PAR."""
    if registered.get("require_pushed_authorization_requests") is False:
        return "require_pushed_authorization_requests: the profile fapi2 always requires them"
    return None


def pkce_is_required(_registered: Mapping[str, Any], own: Mapping[str, Any]) -> str | None:
    """Section 5.3.2.2: "shall require PKCE with S256"."""
    if own.get("pkce_required") is False:
        return "visvaris.pkce_required: the profile fapi2 always requires it"
    return None


def redirects_are_safe(registered: Mapping[str, Any], _own: Mapping[str, Any]) -> str | None:
    """Section 5.3.2.2: no http but for the loopback interface of installed applications."""
    installed = registered.get("application_type") == "native"
    schemes = {urlsplit(uri).scheme for uri in registered.get("redirect_uris", ())}
    if "http" in schemes and not installed:
        return "redirect_uris: the profile fapi2 asks for https"
    return None


RULES: Final[tuple[Rule, ...]] = (
    algorithms_are_allowed,
    requests_are_pushed,
    pkce_is_required,
    redirects_are_safe,
)


def hold_registration(registered: Mapping[str, Any], own: Mapping[str, Any]) -> None:
    """Raises ProtocolError at the first rule that is broken."""
    for rule in RULES:
        problem = rule(registered, own)
        if problem is not None:
            raise ProtocolError(ErrorCode.INVALID_CLIENT_METADATA, problem)
