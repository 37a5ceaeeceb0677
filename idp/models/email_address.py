"""E-mail addresses a mail can be sent to: one addr-spec (RFC 5321 section 4.1.2) and nothing around it.

Deliberately narrow: no quoted local parts, comments, address literals or local parts beyond ASCII. What
passes holds no blank, control character, comma or angle bracket: it can stand in a header or a command.
"""

import re
from typing import Final

AT_MOST: Final = 254
"""RFC 5321 section 4.5.3.1.3, without the angle brackets."""
_LOCAL: Final = re.compile(r"[A-Za-z0-9!#$%&'*+/=?^_`{|}~-]+(?:\.[A-Za-z0-9!#$%&'*+/=?^_`{|}~-]+)*")
_LOCAL_AT_MOST: Final = 64
_LABEL: Final = re.compile(r"(?!-)[a-z0-9-]{1,63}(?<!-)")
_SHOWN: Final = 2


def canonical_email(typed: str) -> str:
    """The domain in lower case and as DNS writes it; the local part as typed. Raises ValueError."""
    local, at, domain = typed.strip().rpartition("@")
    try:
        domain = domain.encode("idna").decode().lower()
    except UnicodeError:
        raise ValueError("not a domain") from None
    address = f"{local}@{domain}"
    if not at or len(local) > _LOCAL_AT_MOST or not _LOCAL.fullmatch(local) or len(address) > AT_MOST:
        raise ValueError("not an e-mail address")
    labels = domain.split(".")
    if len(labels) < 2 or not all(map(_LABEL.fullmatch, labels)) or labels[-1].isdigit():
        raise ValueError("not a domain")
    return address


def same_mailbox_key(address: str) -> str:
    """Equal for what every mail server in use takes for one mailbox; counters and uniqueness go by it."""
    return address.casefold()


def masked(address: str) -> str:
    """For those who should recognise it, and not learn it: `an…@example.lv`."""
    local, _, domain = address.rpartition("@")
    return f"{local[: min(_SHOWN, len(local) - 1)]}…@{domain}"
