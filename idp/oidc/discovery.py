"""What the provider says about itself (OpenID Connect Discovery 1.0, RFC 8414), and its keys as served.

Only registered metadata members, and only what is true: a member that is missing means its default. Both
documents may be cached by anybody and read from any origin.
"""

import hashlib
import json
from typing import Any, Final

from idp.oidc.authorization_request import Prompt, ResponseMode
from idp.oidc.claims import BY_SCOPE
from idp.oidc.client_auth import ASSERTION_ALGORITHMS, AuthMethod
from idp.oidc.grant_types import DEVICE_CODE, TOKEN_EXCHANGE
from idp.oidc.keys import ALGORITHMS, KeyRing
from idp.oidc.requests import Request, Response
from idp.oidc.scopes import Scope
from idp.policy import Level

PATHS: Final = ("/.well-known/openid-configuration", "/.well-known/oauth-authorization-server")
GRANT_TYPES: Final = (
    *("authorization_code", "refresh_token", "client_credentials"),
    *(DEVICE_CODE, TOKEN_EXCHANGE),
)
_PUBLIC: Final = (
    ("Content-Type", "application/json"),
    ("Access-Control-Allow-Origin", "*"),
    ("Cache-Control", "public, max-age=300"),
)


def metadata(issuer: str, *, highest: Level) -> dict[str, Any]:
    confidential = [method.value for method in AuthMethod if method is not AuthMethod.NONE]
    return {
        "issuer": issuer,
        "authorization_endpoint": f"{issuer}/authorize",
        "token_endpoint": f"{issuer}/token",
        "userinfo_endpoint": f"{issuer}/userinfo",
        "jwks_uri": f"{issuer}/jwks",
        "introspection_endpoint": f"{issuer}/introspect",
        "revocation_endpoint": f"{issuer}/revoke",
        "device_authorization_endpoint": f"{issuer}/device_authorization",
        "end_session_endpoint": f"{issuer}/logout",
        "scopes_supported": [scope.value for scope in Scope],
        "response_types_supported": ["code"],
        "response_modes_supported": [mode.value for mode in ResponseMode],
        "grant_types_supported": list(GRANT_TYPES),
        "acr_values_supported": [level.acr for level in Level if Level.NONE < level <= highest],
        "subject_types_supported": ["public"],
        "id_token_signing_alg_values_supported": list(ALGORITHMS),
        "token_endpoint_auth_methods_supported": [method.value for method in AuthMethod],
        "token_endpoint_auth_signing_alg_values_supported": list(ASSERTION_ALGORITHMS),
        "introspection_endpoint_auth_methods_supported": confidential,
        "introspection_endpoint_auth_signing_alg_values_supported": list(ASSERTION_ALGORITHMS),
        "revocation_endpoint_auth_methods_supported": [method.value for method in AuthMethod],
        "revocation_endpoint_auth_signing_alg_values_supported": list(ASSERTION_ALGORITHMS),
        "code_challenge_methods_supported": ["S256"],
        "authorization_response_iss_parameter_supported": True,
        "prompt_values_supported": [prompt.value for prompt in Prompt],
        "display_values_supported": ["page"],
        "claim_types_supported": ["normal"],
        "claims_supported": [
            *("sub", "iss", "aud", "exp", "iat", "auth_time", "nonce", "acr", "amr", "sid"),
            *(name for names in BY_SCOPE.values() for name in names),
        ],
        "claims_parameter_supported": True,
        "request_parameter_supported": False,
        "request_uri_parameter_supported": False,
        "ui_locales_supported": ["lv", "en"],
    }


class Discovery:
    def __init__(self, issuer: str, *, keys: KeyRing, highest: Level) -> None:
        """`highest`: the level that every method together reaches."""
        self._keys = keys
        self._document = json.dumps(metadata(issuer, highest=highest), separators=(",", ":")).encode()
        self._etag = f'"{hashlib.sha256(self._document).hexdigest()[:32]}"'

    def configuration(self, request: Request) -> Response:
        return _published(request, self._document, self._etag)

    def jwks(self, request: Request) -> Response:
        keys = self._keys.current()
        return _published(request, keys.document, keys.etag)


def _published(request: Request, document: bytes, etag: str) -> Response:
    headers = (*_PUBLIC, ("ETag", etag))
    if etag in request.headers.get("if-none-match", ""):
        return Response(304, headers)
    return Response(200, headers, document)
