"""The ways in which a client can be registered to prove itself (IANA: OAuth Token Endpoint Authentication
Methods). Not here: doing it (`client_auth.py`).
"""

from collections.abc import Mapping
from enum import StrEnum
from typing import Any, Final

from idp.oidc.options import Options


class AuthMethod(StrEnum):
    BASIC = "client_secret_basic"
    POST = "client_secret_post"
    PRIVATE_KEY_JWT = "private_key_jwt"
    SECRET_JWT = "client_secret_jwt"  # noqa: S105  the name of a method
    TLS = "tls_client_auth"
    SELF_SIGNED_TLS = "self_signed_tls_client_auth"
    NONE = "none"


WITH_SECRET: Final = frozenset({AuthMethod.BASIC, AuthMethod.POST, AuthMethod.SECRET_JWT})
WITH_KEYS: Final = frozenset({AuthMethod.PRIVATE_KEY_JWT, AuthMethod.SELF_SIGNED_TLS})
"""Those whose public keys are registered."""
OF_FAPI: Final = frozenset({AuthMethod.PRIVATE_KEY_JWT, AuthMethod.TLS, AuthMethod.SELF_SIGNED_TLS})
"""FAPI 2.0 Security Profile 5.3.2.1: those by which nothing travels that could be used again."""


def method_of(registered: Mapping[str, Any]) -> AuthMethod:
    """RFC 7591 section 2: `client_secret_basic` where nothing is said."""
    return AuthMethod(registered.get("token_endpoint_auth_method", AuthMethod.BASIC))


def offered_methods(options: Options) -> tuple[AuthMethod, ...]:
    """Those that can succeed: certificates come only through a trusted proxy, and PKI takes authorities."""
    lacking = set()
    if not options.client_certificates:
        lacking = {AuthMethod.TLS, AuthMethod.SELF_SIGNED_TLS}
    elif not options.client_authorities:
        lacking = {AuthMethod.TLS}
    return tuple(method for method in AuthMethod if method not in lacking)
