"""What a directory can answer: to a password, to a new password, and instead of an answer. Closed lists.

Active Directory tells why a bind failed by a code in the text of the answer ([MS-ADTS] 5.1.1.1; the codes
are Windows system errors, [MS-ERREF] 2.2).
"""

import re
from enum import Enum
from typing import Final


class Bind(Enum):
    PASSED = "passed"
    WRONG_PASSWORD = "wrong_password"  # noqa: S105  the name of an outcome
    UNKNOWN_ENTRY = "unknown_entry"
    NOT_AT_THIS_TIME = "not_at_this_time"
    NOT_FROM_HERE = "not_from_here"
    PASSWORD_EXPIRED = "password_expired"  # noqa: S105  the name of an outcome
    DISABLED = "disabled"
    ACCOUNT_EXPIRED = "account_expired"
    MUST_CHANGE = "must_change"
    LOCKED_OUT = "locked_out"
    EMPTY_PASSWORD = "empty_password"  # noqa: S105  the name of an outcome
    """Never asked: many directories take it for a bind of nobody, which passes (RFC 4513 section 5.1.2)."""
    REFUSED = "refused"
    """For a reason that is not on this list."""


class Change(Enum):
    CHANGED = "changed"
    WRONG_PASSWORD = "wrong_password"  # noqa: S105  the name of an outcome
    AGAINST_POLICY = "against_policy"
    """Too short, too simple, too young or used before: the directory does not say which."""
    REFUSED = "refused"


class Fault(Enum):
    """Why there is no answer. No person's doing, and no failed attempt of anybody."""

    UNREACHABLE = "unreachable"
    UNTRUSTED = "untrusted"
    """No controller showed a certificate of the municipality's authority for its name."""
    ACCOUNT_REFUSED = "account_refused"
    """Our own account was not let in."""
    BROKEN = "broken"
    """The directory answered what makes no sense here."""


class DirectoryError(Exception):
    """`told` is for the administrator, one clause, and holds no secret. `sent`: somebody's password had been
    sent by then, and may have been counted there.
    """

    def __init__(self, fault: Fault, told: str, *, sent: bool = False) -> None:
        super().__init__(f"{fault.value}: {told}")
        self.fault = fault
        self.told = told
        self.sent = sent


_CODES: Final = {
    "525": Bind.UNKNOWN_ENTRY,
    "52e": Bind.WRONG_PASSWORD,
    "530": Bind.NOT_AT_THIS_TIME,
    "531": Bind.NOT_FROM_HERE,
    "532": Bind.PASSWORD_EXPIRED,
    "533": Bind.DISABLED,
    "701": Bind.ACCOUNT_EXPIRED,
    "773": Bind.MUST_CHANGE,
    "775": Bind.LOCKED_OUT,
}
_WRONG_OLD_PASSWORD: Final = re.compile(r"\b0*56\b")
"""ERROR_INVALID_PASSWORD at the head of the text."""


def bind_refused(text: str) -> Bind:
    """From the text that came with `invalidCredentials`. One without a known code is a plain refusal."""
    found = re.search(r"\bdata ([0-9a-f]{3})\b", text, re.IGNORECASE)
    return _CODES.get(found[1].lower(), Bind.REFUSED) if found else Bind.REFUSED


def change_refused(text: str) -> Change:
    """From the text that came with `constraintViolation`."""
    head = text.partition(":")[0]
    return Change.WRONG_PASSWORD if _WRONG_OLD_PASSWORD.search(head) else Change.AGAINST_POLICY
