"""What the protocol refuses: one exception type with a public and a private side.

`error` and `description` go to the client, `detail` to the log only. Descriptions use the characters RFC 6749
section 5.2 allows (no quotes, no backslash), so that they fit every channel.
"""

from enum import StrEnum


class ErrorCode(StrEnum):
    # RFC 6749
    INVALID_REQUEST = "invalid_request"
    INVALID_CLIENT = "invalid_client"
    INVALID_GRANT = "invalid_grant"
    UNAUTHORIZED_CLIENT = "unauthorized_client"
    UNSUPPORTED_GRANT_TYPE = "unsupported_grant_type"
    UNSUPPORTED_RESPONSE_TYPE = "unsupported_response_type"
    INVALID_SCOPE = "invalid_scope"
    ACCESS_DENIED = "access_denied"
    SERVER_ERROR = "server_error"
    # RFC 6750
    INVALID_TOKEN = "invalid_token"  # noqa: S105  the name of an error
    INSUFFICIENT_SCOPE = "insufficient_scope"
    # RFC 7591
    INVALID_REDIRECT_URI = "invalid_redirect_uri"
    INVALID_CLIENT_METADATA = "invalid_client_metadata"
    INVALID_SOFTWARE_STATEMENT = "invalid_software_statement"
    UNAPPROVED_SOFTWARE_STATEMENT = "unapproved_software_statement"
    # RFC 8628
    AUTHORIZATION_PENDING = "authorization_pending"
    SLOW_DOWN = "slow_down"
    EXPIRED_TOKEN = "expired_token"  # noqa: S105  the name of an error
    # RFC 8707
    INVALID_TARGET = "invalid_target"
    # RFC 9101
    INVALID_REQUEST_URI = "invalid_request_uri"
    INVALID_REQUEST_OBJECT = "invalid_request_object"
    # RFC 9396
    INVALID_AUTHORIZATION_DETAILS = "invalid_authorization_details"
    # RFC 9449
    INVALID_DPOP_PROOF = "invalid_dpop_proof"
    USE_DPOP_NONCE = "use_dpop_nonce"
    # RFC 9470
    INSUFFICIENT_USER_AUTHENTICATION = "insufficient_user_authentication"
    # OpenID Connect Core 3.1.2.6
    INTERACTION_REQUIRED = "interaction_required"
    LOGIN_REQUIRED = "login_required"
    ACCOUNT_SELECTION_REQUIRED = "account_selection_required"
    CONSENT_REQUIRED = "consent_required"
    REGISTRATION_NOT_SUPPORTED = "registration_not_supported"
    # OpenID Connect Core Error Code unmet_authentication_requirements 1.0
    UNMET_AUTHENTICATION_REQUIREMENTS = "unmet_authentication_requirements"
    # Of HTTP, where no specification names one
    NOT_FOUND = "not_found"
    METHOD_NOT_ALLOWED = "method_not_allowed"
    TOO_MANY = "too_many_requests"
    TOO_LARGE = "request_too_large"


class ProtocolError(Exception):
    def __init__(
        self,
        error: ErrorCode,
        description: str = "",
        *,
        detail: str = "",
        status: int = 400,
        headers: tuple[tuple[str, str], ...] = (),
    ) -> None:
        super().__init__(f"{error.value}: {detail or description}")
        self.error = error
        self.description = description
        self.detail = detail
        self.status = status
        self.headers = headers


def fit_for_description(text: str) -> str:
    """Of text that is not all ours (an address somebody registered): what RFC 6749 section 5.2 allows."""
    return "".join(mark for mark in text if " " <= mark <= "~" and mark not in '"\\')[:300]
