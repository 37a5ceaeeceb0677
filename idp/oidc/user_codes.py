"""User codes (RFC 8628 section 6.1): eight letters that are read from one screen and typed on another.

No vowels, so that no code is a word. Of letters and digits that look alike one is in use, and the others are
read as it: a code cannot be misread. Eight of eighteen letters are 33 bits, which is enough only because
guesses are counted (`device_approval.py`).
"""

import re
from typing import Final

from idp.effects import Effects

ALPHABET: Final = "BCDFGHJKLMNPRSTVXZ"
LENGTH: Final = 8
_LOOK_ALIKES: Final = str.maketrans("0OQ1I2568U", "DDDLLZSGBV")
_IGNORED: Final = re.compile(r"[\s\u2010-\u2015-]")
_TYPED_AT_MOST: Final = 64
_EVEN: Final = 256 - 256 % len(ALPHABET)
"""Bytes from here on would make some letters likelier than others."""


def new_user_code(effects: Effects) -> str:
    letters = ""
    while len(letters) < LENGTH:
        letters += "".join(ALPHABET[byte % len(ALPHABET)] for byte in effects.random(LENGTH) if byte < _EVEN)
    return letters[:LENGTH]


def canonical_user_code(typed: str) -> str | None:
    """In any case, with any spaces and hyphens; None for what cannot be a code."""
    if len(typed) > _TYPED_AT_MOST:
        return None
    code = _IGNORED.sub("", typed)
    if not code.isascii():
        return None
    code = code.upper().translate(_LOOK_ALIKES)
    return code if len(code) == LENGTH and set(code) <= set(ALPHABET) else None


def shown_user_code(code: str) -> str:
    half = LENGTH // 2
    return f"{code[:half]}-{code[half:]}"
