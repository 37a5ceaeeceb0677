"""The code on an enrolment letter: 140 random bits in 28 letters and digits, to be scanned or typed.

Crockford's base 32, which has no letters that look like digits; what looks like one of them is read as it.
"""

import re
from typing import Final

from idp.effects import Effects

ALPHABET: Final = "0123456789ABCDEFGHJKMNPQRSTVWXYZ"
LENGTH: Final = 28
_GROUP: Final = 4
_TYPED_AT_MOST: Final = 100
_READ_AS: Final = str.maketrans("OILU", "011V")
_IGNORED: Final = re.compile(r"[\s\u2010-\u2015\u2212-]")


def new_ticket_code(effects: Effects) -> str:
    return "".join(ALPHABET[byte % len(ALPHABET)] for byte in effects.random(LENGTH))


def canonical_ticket_code(typed: str) -> str | None:
    """In any case, with any spaces and hyphens; None for what cannot be a code."""
    if len(typed) > _TYPED_AT_MOST:
        return None
    code = _IGNORED.sub("", typed)
    if not code.isascii():
        return None
    code = code.upper().translate(_READ_AS)
    return code if len(code) == LENGTH and set(code) <= set(ALPHABET) else None


def shown_ticket_code(code: str) -> str:
    return "-".join(code[start : start + _GROUP] for start in range(0, LENGTH, _GROUP))
