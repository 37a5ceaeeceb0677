"""Every error and status of the service as one of our reasons, and what each calls for.

Closed at both ends: what the service may say tomorrow fails as unknown.
"""

from enum import Enum, auto
from typing import Final

from idp.errors import Reason
from idp.gateways.identity import Handling

RETURNED_ERRORS: Final = {
    "access_denied": Reason.EPARAKSTS_DECLINED,
    "invalid_request": Reason.EPARAKSTS_BAD_REQUEST,
    "unsupported_response_type": Reason.EPARAKSTS_BAD_REQUEST,
    "invalid_scope": Reason.EPARAKSTS_NOT_PERMITTED,
    "unauthorized_client": Reason.EPARAKSTS_NOT_PERMITTED,
    "server_error": Reason.EPARAKSTS_UNAVAILABLE,
    "temporarily_unavailable": Reason.EPARAKSTS_UNAVAILABLE,
}
"""RFC 6749 section 4.1.2.1: what a browser brings back in place of a code."""

TOKEN_ERRORS: Final = {
    "invalid_grant": Reason.EPARAKSTS_CODE_REFUSED,
    "invalid_client": Reason.EPARAKSTS_CLIENT_REFUSED,
    "unauthorized_client": Reason.EPARAKSTS_NOT_PERMITTED,
    "invalid_scope": Reason.EPARAKSTS_NOT_PERMITTED,
    "invalid_request": Reason.EPARAKSTS_BAD_REQUEST,
    "unsupported_grant_type": Reason.EPARAKSTS_BAD_REQUEST,
}
"""RFC 6749 section 5.2."""


class Call(Enum):
    TOKEN = auto()
    USER = auto()


_HANDLING: Final = {
    Reason.EPARAKSTS_DECLINED: Handling.PERSON,
    Reason.EPARAKSTS_TOO_LATE: Handling.PERSON,
    Reason.EPARAKSTS_DOMAIN: Handling.ACCOUNT,
    Reason.EPARAKSTS_IDENTIFIER_KIND: Handling.ACCOUNT,
    Reason.EPARAKSTS_COUNTRY: Handling.ACCOUNT,
    Reason.EPARAKSTS_BAD_REQUEST: Handling.OPERATOR,
    Reason.EPARAKSTS_NOT_PERMITTED: Handling.OPERATOR,
    Reason.EPARAKSTS_UNKNOWN_ERROR: Handling.OPERATOR,
    Reason.EPARAKSTS_CLIENT_REFUSED: Handling.OPERATOR,
    Reason.EPARAKSTS_TOKEN_REFUSED: Handling.OPERATOR,
    Reason.EPARAKSTS_UNKNOWN_STATUS: Handling.OPERATOR,
    Reason.EPARAKSTS_UNAVAILABLE: Handling.LATER,
    Reason.EPARAKSTS_UNREACHABLE: Handling.LATER,
    Reason.EPARAKSTS_TOO_SLOW: Handling.LATER,
}


def handling_of(reason: Reason) -> Handling:
    """A return or an answer in which something does not hold is an alarm, whatever it is."""
    return _HANDLING.get(reason, Handling.ALARM)


def of_returned_error(error: str) -> Reason:
    return RETURNED_ERRORS.get(error, Reason.EPARAKSTS_UNKNOWN_ERROR)


def of_status(status: int, call: Call, *, error: str | None) -> Reason:
    """For every status but 200. `error`: the member of that name, where the body has one."""
    if status == 429 or 500 <= status < 600:
        return Reason.EPARAKSTS_UNAVAILABLE
    if call is Call.USER:
        return Reason.EPARAKSTS_TOKEN_REFUSED if status in {401, 403} else Reason.EPARAKSTS_UNKNOWN_STATUS
    if status == 401:
        return Reason.EPARAKSTS_CLIENT_REFUSED
    if status == 400 and error is not None:
        return TOKEN_ERRORS.get(error, Reason.EPARAKSTS_UNKNOWN_ERROR)
    return Reason.EPARAKSTS_UNKNOWN_STATUS
