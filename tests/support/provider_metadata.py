"""Provider metadata as registered specifications define it: which members there are, and who defined them.

A member that is in none of them earns a warning of certification, and a warning is a failure.
"""

from collections.abc import Mapping

BY_SPECIFICATION: Mapping[str, frozenset[str]] = {
    "OpenID Connect Discovery 1.0": frozenset(
        {
            *("issuer", "authorization_endpoint", "token_endpoint", "userinfo_endpoint", "jwks_uri"),
            *("registration_endpoint", "scopes_supported", "response_types_supported"),
            *("response_modes_supported", "grant_types_supported", "acr_values_supported"),
            *("subject_types_supported", "id_token_signing_alg_values_supported"),
            *("id_token_encryption_alg_values_supported", "id_token_encryption_enc_values_supported"),
            *("userinfo_signing_alg_values_supported", "userinfo_encryption_alg_values_supported"),
            *("userinfo_encryption_enc_values_supported", "request_object_signing_alg_values_supported"),
            *("request_object_encryption_alg_values_supported",),
            *("request_object_encryption_enc_values_supported", "token_endpoint_auth_methods_supported"),
            *("token_endpoint_auth_signing_alg_values_supported", "display_values_supported"),
            *("claim_types_supported", "claims_supported", "service_documentation"),
            *("claims_locales_supported", "ui_locales_supported", "claims_parameter_supported"),
            *("request_parameter_supported", "request_uri_parameter_supported"),
            *("require_request_uri_registration", "op_policy_uri", "op_tos_uri"),
        }
    ),
    "RFC 8414": frozenset(
        {
            *("revocation_endpoint", "revocation_endpoint_auth_methods_supported"),
            *("revocation_endpoint_auth_signing_alg_values_supported", "introspection_endpoint"),
            *("introspection_endpoint_auth_methods_supported", "signed_metadata"),
            *("introspection_endpoint_auth_signing_alg_values_supported",),
            *("code_challenge_methods_supported",),
        }
    ),
    "RFC 8628": frozenset({"device_authorization_endpoint"}),
    "RFC 8705": frozenset({"mtls_endpoint_aliases", "tls_client_certificate_bound_access_tokens"}),
    "RFC 9101": frozenset({"require_signed_request_object"}),
    "RFC 9126": frozenset({"pushed_authorization_request_endpoint", "require_pushed_authorization_requests"}),
    "RFC 9207": frozenset({"authorization_response_iss_parameter_supported"}),
    "RFC 9396": frozenset({"authorization_details_types_supported"}),
    "RFC 9449": frozenset({"dpop_signing_alg_values_supported"}),
    "RFC 9701": frozenset(
        {
            *("introspection_signing_alg_values_supported", "introspection_encryption_alg_values_supported"),
            *("introspection_encryption_enc_values_supported",),
        }
    ),
    "RFC 9728": frozenset({"protected_resources"}),
    "JARM": frozenset(
        {
            *("authorization_signing_alg_values_supported", "authorization_encryption_alg_values_supported"),
            *("authorization_encryption_enc_values_supported",),
        }
    ),
    "Initiating User Registration": frozenset({"prompt_values_supported"}),
    "OpenID Connect for Identity Assurance 1.0": frozenset(
        {
            *("trust_frameworks_supported", "claims_in_verified_claims_supported", "evidence_supported"),
            *("documents_supported", "documents_methods_supported", "documents_check_methods_supported"),
            *("electronic_records_supported",),
        }
    ),
    "RP-Initiated Logout": frozenset({"end_session_endpoint"}),
    "Back-Channel Logout": frozenset(
        {"backchannel_logout_supported", "backchannel_logout_session_supported"}
    ),
}
REGISTERED = frozenset[str]().union(*BY_SPECIFICATION.values())
