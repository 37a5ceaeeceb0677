"""Every way a session may end and every status of the service, as one of our reasons, and what each
calls for.

Closed at both ends: what the service may say tomorrow fails as unknown.
"""

from enum import Enum, auto
from typing import Final

from idp.errors import Reason
from idp.gateways.identity import Handling

END_RESULTS: Final = {
    "USER_REFUSED": Reason.SMART_ID_CANCELLED,
    "USER_REFUSED_INTERACTION": Reason.SMART_ID_CANCELLED_SCREEN,
    "USER_REFUSED_CERT_CHOICE": Reason.SMART_ID_CANCELLED_CHOICE,
    "TIMEOUT": Reason.SMART_ID_TIMEOUT,
    "WRONG_VC": Reason.SMART_ID_WRONG_CODE,
    "REQUIRED_INTERACTION_NOT_SUPPORTED_BY_APP": Reason.SMART_ID_OLD_APP,
    "DOCUMENT_UNUSABLE": Reason.SMART_ID_DOCUMENT_UNUSABLE,
    "ACCOUNT_UNUSABLE": Reason.SMART_ID_ACCOUNT_UNUSABLE,
    "PROTOCOL_FAILURE": Reason.SMART_ID_PROTOCOL_FAILURE,
    "EXPECTED_LINKED_SESSION": Reason.SMART_ID_LINKED_SESSION,
    "SERVER_ERROR": Reason.SMART_ID_SERVER_ERROR,
}
"""Spec section 4, all but OK."""

_STATUSES: Final = {
    400: Reason.SMART_ID_BAD_REQUEST,
    401: Reason.SMART_ID_NOT_ACCEPTED,
    403: Reason.SMART_ID_NOT_PERMITTED,
    471: Reason.SMART_ID_NO_SUITABLE_ACCOUNT,
    472: Reason.SMART_ID_ACCOUNT_PROBLEM,
    480: Reason.SMART_ID_API_TOO_OLD,
    580: Reason.SMART_ID_MAINTENANCE,
}
"""Spec section 6. 471 and 472 are of before version 3.2."""


class Call(Enum):
    CREATE = auto()
    SESSION = auto()


_HANDLING: Final = {
    Reason.SMART_ID_CANCELLED: Handling.PERSON,
    Reason.SMART_ID_CANCELLED_SCREEN: Handling.PERSON,
    Reason.SMART_ID_CANCELLED_CHOICE: Handling.PERSON,
    Reason.SMART_ID_TIMEOUT: Handling.PERSON,
    Reason.SMART_ID_SESSION_UNKNOWN: Handling.PERSON,
    Reason.SMART_ID_OLD_APP: Handling.ACCOUNT,
    Reason.SMART_ID_DOCUMENT_UNUSABLE: Handling.ACCOUNT,
    Reason.SMART_ID_ACCOUNT_UNUSABLE: Handling.ACCOUNT,
    Reason.SMART_ID_ACCOUNT_PROBLEM: Handling.ACCOUNT,
    Reason.SMART_ID_NO_ACCOUNT: Handling.ACCOUNT,
    Reason.SMART_ID_NO_SUITABLE_ACCOUNT: Handling.ACCOUNT,
    Reason.SMART_ID_IDENTIFIER_KIND: Handling.ACCOUNT,
    Reason.SMART_ID_COUNTRY: Handling.ACCOUNT,
    Reason.SMART_ID_BAD_REQUEST: Handling.OPERATOR,
    Reason.SMART_ID_NOT_ACCEPTED: Handling.OPERATOR,
    Reason.SMART_ID_NOT_PERMITTED: Handling.OPERATOR,
    Reason.SMART_ID_API_TOO_OLD: Handling.OPERATOR,
    Reason.SMART_ID_WRONG_SERVER_KEY: Handling.OPERATOR,
    Reason.SMART_ID_UNKNOWN_STATUS: Handling.OPERATOR,
    Reason.SMART_ID_UNKNOWN_RESULT: Handling.OPERATOR,
    Reason.SMART_ID_SERVER_ERROR: Handling.LATER,
    Reason.SMART_ID_UNAVAILABLE: Handling.LATER,
    Reason.SMART_ID_MAINTENANCE: Handling.LATER,
    Reason.SMART_ID_UNREACHABLE: Handling.LATER,
    Reason.SMART_ID_TOO_SLOW: Handling.LATER,
    Reason.SMART_ID_RESTING: Handling.LATER,
    Reason.SMART_ID_STATUS_UNREACHABLE: Handling.LATER,
}


def handling_of(reason: Reason) -> Handling:
    """An answer in which something does not hold is an alarm, whatever it is."""
    return _HANDLING.get(reason, Handling.ALARM)


def of_end_result(end_result: str) -> Reason | None:
    """None for OK."""
    return None if end_result == "OK" else END_RESULTS.get(end_result, Reason.SMART_ID_UNKNOWN_RESULT)


def of_status(status: int, call: Call, *, no_suitable_account: bool = False) -> Reason:
    """For every status but 200. `no_suitable_account`: whether the body of a 404 lists that code."""
    if status == 404:
        if call is Call.SESSION:
            return Reason.SMART_ID_SESSION_UNKNOWN
        return Reason.SMART_ID_NO_SUITABLE_ACCOUNT if no_suitable_account else Reason.SMART_ID_NO_ACCOUNT
    if status in _STATUSES:
        return _STATUSES[status]
    return Reason.SMART_ID_UNAVAILABLE if 500 <= status < 600 else Reason.SMART_ID_UNKNOWN_STATUS
