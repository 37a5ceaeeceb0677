"""Client metadata that says how a client proves itself (RFC 7591 section 2, RFC 8705 section 2), what of it
must go together, and what the provider says about it in turn (RFC 8414 section 2, RFC 8705 section 5).
"""

from collections.abc import Callable, Mapping
from typing import Any, Final

from idp.oidc import metadata_values as values
from idp.oidc.auth_methods import WITH_KEYS, AuthMethod, method_of, offered_methods
from idp.oidc.certificate_names import EXPECTED_NAMES
from idp.oidc.client_assertions import ASSERTION_ALGORITHMS, KEY_ALGORITHMS, SECRET_ALGORITHMS
from idp.oidc.options import Options

MEMBERS: Final[Mapping[str, Callable[[object], Any]]] = {
    "token_endpoint_auth_method": values.one_of(*(method.value for method in AuthMethod)),
    "token_endpoint_auth_signing_alg": values.one_of(*ASSERTION_ALGORITHMS),
    "jwks": values.jwks,
    "jwks_uri": values.page,
    **{name: expected.read for name, expected in EXPECTED_NAMES.items()},
}
_SIGNS_BY: Final[Mapping[AuthMethod, tuple[str, ...]]] = {
    AuthMethod.PRIVATE_KEY_JWT: KEY_ALGORITHMS,
    AuthMethod.SECRET_JWT: SECRET_ALGORITHMS,
}
_ALIASED: Final = (
    *("token_endpoint", "introspection_endpoint", "revocation_endpoint", "userinfo_endpoint"),
    *("pushed_authorization_request_endpoint", "device_authorization_endpoint"),
)

Registered = Mapping[str, Any]


def publishes_keys_in_one_place(registered: Registered) -> bool:
    """RFC 7591 section 2: "MUST NOT both be present"."""
    return not {"jwks", "jwks_uri"} <= set(registered)


def has_the_keys_it_proves_itself_by(registered: Registered) -> bool:
    return method_of(registered) not in WITH_KEYS or not {"jwks", "jwks_uri"}.isdisjoint(registered)


def signs_by_what_its_method_knows(registered: Registered) -> bool:
    alg = registered.get("token_endpoint_auth_signing_alg")
    return alg is None or alg in _SIGNS_BY.get(method_of(registered), ASSERTION_ALGORITHMS)


def is_named_once_in_its_certificate(registered: Registered) -> bool:
    """RFC 8705 section 2.1.2: "exactly one of"."""
    named = EXPECTED_NAMES.keys() & set(registered)
    return method_of(registered) is not AuthMethod.TLS or len(named) == 1


RULES: Final[tuple[tuple[Callable[[Registered], bool], str], ...]] = (
    (publishes_keys_in_one_place, "jwks and jwks_uri must not both be there"),
    (
        has_the_keys_it_proves_itself_by,
        "private_key_jwt and self_signed_tls_client_auth need the keys in jwks or jwks_uri",
    ),
    (
        signs_by_what_its_method_knows,
        "token_endpoint_auth_signing_alg is not one that token_endpoint_auth_method goes with",
    ),
    (is_named_once_in_its_certificate, f"tls_client_auth needs exactly one of {', '.join(EXPECTED_NAMES)}"),
)


def broken_rule(registered: Registered) -> str | None:
    """What is wrong; None when nothing is."""
    return next((told for holds, told in RULES if not holds(registered)), None)


def supported(options: Options) -> dict[str, Any]:
    """For discovery: at the token, introspection and revocation endpoints. Only what can succeed."""
    methods = [method.value for method in offered_methods(options)]
    algorithms = list(ASSERTION_ALGORITHMS)
    return {
        "token_endpoint_auth_methods_supported": methods,
        "token_endpoint_auth_signing_alg_values_supported": algorithms,
        "introspection_endpoint_auth_methods_supported": [
            method for method in methods if method != AuthMethod.NONE.value
        ],
        "introspection_endpoint_auth_signing_alg_values_supported": algorithms,
        "revocation_endpoint_auth_methods_supported": methods,
        "revocation_endpoint_auth_signing_alg_values_supported": algorithms,
    }


def aliases(document: Mapping[str, Any], options: Options) -> dict[str, Any]:
    """RFC 8705 section 5: where a client that has a certificate finds those endpoints of `document`."""
    if not options.client_certificates:
        return {}
    origin = options.mtls_origin or options.issuer
    found = {name: document[name] for name in _ALIASED if name in document}
    return {
        "mtls_endpoint_aliases": {name: origin + url[len(options.issuer) :] for name, url in found.items()}
    }
