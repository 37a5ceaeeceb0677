"""What the provider says about itself (OpenID Connect Discovery 1.0, RFC 8414), and its keys as served.

Only registered metadata members, and only what is true: a member that is missing means its default. Both
documents may be cached by anybody and read from any origin.
"""

import hashlib
import json
from typing import Any, Final

from idp.oidc import (
    authorization_details,
    client_auth_metadata,
    dpop_proofs,
    implicit,
    request_objects,
    verified_claims,
)
from idp.oidc.authorization_request import Prompt, modes_for
from idp.oidc.claims import BY_SCOPE
from idp.oidc.encryption import CONTENT_ALGORITHMS, KEY_ALGORITHMS
from idp.oidc.grant_types import DEVICE_CODE, IMPLICIT, TOKEN_EXCHANGE
from idp.oidc.keys import ALGORITHMS, KeyRing
from idp.oidc.options import Options, RegistrationMode
from idp.oidc.requests import Request, Response
from idp.oidc.response_types import ResponseType
from idp.oidc.scopes import Scope
from idp.policy import Level

PATHS: Final = ("/.well-known/openid-configuration", "/.well-known/oauth-authorization-server")
GRANT_TYPES: Final = (
    *("authorization_code", "refresh_token", "client_credentials"),
    *(DEVICE_CODE, TOKEN_EXCHANGE),
)
"""Those there always are."""
SUBJECT_TYPES: Final = ("public", "pairwise")
_PUBLIC: Final = (
    ("Content-Type", "application/json"),
    ("Access-Control-Allow-Origin", "*"),
    ("Cache-Control", "public, max-age=300"),
)


def metadata(options: Options, *, highest: Level) -> dict[str, Any]:
    document = _metadata(options, highest=highest)
    return {**document, **client_auth_metadata.aliases(document, options)}


def _metadata(options: Options, *, highest: Level) -> dict[str, Any]:
    issuer, closed = options.issuer, options.registration is RegistrationMode.OFF
    return {
        "issuer": issuer,
        "authorization_endpoint": f"{issuer}/authorize",
        "pushed_authorization_request_endpoint": f"{issuer}/par",
        "require_pushed_authorization_requests": False,
        "token_endpoint": f"{issuer}/token",
        "userinfo_endpoint": f"{issuer}/userinfo",
        "jwks_uri": f"{issuer}/jwks",
        "introspection_endpoint": f"{issuer}/introspect",
        "revocation_endpoint": f"{issuer}/revoke",
        "device_authorization_endpoint": f"{issuer}/device_authorization",
        "end_session_endpoint": f"{issuer}/logout",
        **({} if closed else {"registration_endpoint": f"{issuer}/register"}),
        "backchannel_logout_supported": True,
        "backchannel_logout_session_supported": True,
        "scopes_supported": [scope.value for scope in Scope],
        **_flows(options),
        "acr_values_supported": [level.acr for level in Level if Level.NONE < level <= highest],
        "subject_types_supported": list(SUBJECT_TYPES),
        "id_token_signing_alg_values_supported": list(ALGORITHMS),
        "introspection_signing_alg_values_supported": list(ALGORITHMS),
        **client_auth_metadata.supported(options),
        "id_token_encryption_alg_values_supported": list(KEY_ALGORITHMS),
        "id_token_encryption_enc_values_supported": list(CONTENT_ALGORITHMS),
        "userinfo_signing_alg_values_supported": list(ALGORITHMS),
        "userinfo_encryption_alg_values_supported": list(KEY_ALGORITHMS),
        "userinfo_encryption_enc_values_supported": list(CONTENT_ALGORITHMS),
        "code_challenge_methods_supported": ["S256"],
        "authorization_response_iss_parameter_supported": True,
        "prompt_values_supported": [prompt.value for prompt in Prompt],
        "authorization_signing_alg_values_supported": list(ALGORITHMS),
        "authorization_details_types_supported": list(authorization_details.TYPES),
        "display_values_supported": ["page", "popup", "touch", "wap"],
        "claim_types_supported": ["normal"],
        "claims_supported": [
            *("sub", "iss", "aud", "exp", "iat", "auth_time", "nonce", "acr", "amr", "sid"),
            *(name for names in BY_SCOPE.values() for name in names),
        ],
        "claims_parameter_supported": True,
        **verified_claims.METADATA,
        "request_parameter_supported": True,
        "request_uri_parameter_supported": True,
        "require_request_uri_registration": True,
        "request_object_signing_alg_values_supported": list(request_objects.ALGORITHMS),
        "ui_locales_supported": ["lv", "en"],
        "dpop_signing_alg_values_supported": list(dpop_proofs.ALGORITHMS),
        **({"tls_client_certificate_bound_access_tokens": True} if options.client_certificates else {}),
    }


def _flows(options: Options) -> dict[str, Any]:
    """What a client may ask to be answered with, how, and what it may trade for tokens."""
    offered = implicit.is_offered(options.registration)
    response_types = [each for each in ResponseType if offered or not each.is_implicit]
    modes = {mode: None for response_type in response_types for mode in modes_for(response_type)}
    return {
        "response_types_supported": [response_type.value for response_type in response_types],
        "response_modes_supported": [mode.value for mode in modes],
        "grant_types_supported": [*GRANT_TYPES, *([IMPLICIT] if offered else [])],
    }


class Discovery:
    def __init__(self, options: Options, *, keys: KeyRing, highest: Level) -> None:
        """`highest`: the level that every method together reaches."""
        self._keys = keys
        self._document = json.dumps(metadata(options, highest=highest), separators=(",", ":")).encode()
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
