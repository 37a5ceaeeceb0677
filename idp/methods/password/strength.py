"""Which passwords are good enough to be set: length, well-known ones, and the person's own names.

The list in `idp/data/breached_passwords.txt.gz` holds the commonest breached passwords and the words people
build passwords from; `tools/make_breached_passwords.py` says where they come from and makes it. A password is
too well known when it is on the list, when it is a listed word and predictable trimmings (`Password1234!`),
when it repeats a short or listed part, or when it only walks along the keyboard or the alphabet
(`qwertyuiop12`).

Not here: any rule about kinds of characters. NIST SP 800-63B section 3.1.1.2 advises against such rules, and
so do we.
"""

import gzip
import re
import unicodedata
from collections.abc import Iterable, Iterator
from functools import cache
from importlib.resources import files

from idp.errors import Reason

SHORTEST = 12
LONGEST = 256

_SHORTEST_NAME_PART = 4
_SHORTEST_REPEAT = 8
_SHORTEST_WALK = 3
_MOST_OUTSIDE_WALKS = 2

_LEET = (
    str.maketrans("013457@$!|€", "oieastasiie"),
    str.maketrans("013457@$!|€", "oleastaslle"),
    str.maketrans("0134579@$!", "oieastgasi"),
)
_ROWS = (
    *(
        "1234567890",
        "qwertyuiop",
        "asdfghjkl",
        "zxcvbnm",
        "qwertzuiop",
        "yxcvbnm",
        "azertyuiop",
        "qsdfghjklm",
        "wxcvbn",
    ),
    *("1qaz", "2wsx", "3edc", "4rfv", "5tgb", "6yhn", "7ujm", "8ik", "9ol"),
    *("zaq1", "xsw2", "cde3", "vfr4", "bgt5", "nhy6", "mju7"),
    *(
        "1q2w3e4r5t6y7u8i9o0p",
        "q1w2e3r4t5y6u7i8o9p0",
        "1qa2ws3ed4rf5tg6yh7uj8ik9ol",
        "!@#$%^&*()",
        '!"#¤%&/()=',
    ),
    *("abcdefghijklmnopqrstuvwxyz", "0123456789", "789456123", "147258369"),
)
_WALKS = tuple(walk for row in _ROWS for walk in (row, row[::-1]))


def normalise(password: str) -> str:
    """OpaqueString (RFC 8265 section 4.2): NFC, and any space is a plain space. Case and everything else
    stay.
    """
    whole = password.encode(errors="replace").decode()  # lone surrogates cannot be hashed
    spaced = "".join(" " if unicodedata.category(character) == "Zs" else character for character in whole)
    return unicodedata.normalize("NFC", spaced)


def fault(password: str, names: Iterable[str]) -> Reason | None:
    """Why the (normalised) password may not be set by a person with these names, or None."""
    if len(password) < SHORTEST:
        return Reason.PASSWORD_TOO_SHORT
    if len(password) > LONGEST:
        return Reason.PASSWORD_TOO_LONG
    folded = _fold(password)
    forms = (folded, *(folded.translate(table) for table in _LEET))
    if _has_name(forms, names):
        return Reason.PASSWORD_HAS_NAME
    if _is_repeated(folded) or _is_a_walk(folded) or any(_is_listed(form) for form in _with_leet(folded)):
        return Reason.PASSWORD_COMMON
    return None


@cache
def _listed() -> frozenset[str]:
    packed = files("idp").joinpath("data", "breached_passwords.txt.gz").read_bytes()
    return frozenset(gzip.decompress(packed).decode().split("\n"))


def _with_leet(folded: str) -> Iterator[str]:
    """The password as written, then with digits and signs read as letters inside the word but not in its
    trimmings.
    """
    yield folded
    head, word, tail = _trimmed(folded)
    for table in _LEET:
        yield head + word.translate(table) + tail
        yield folded.translate(table)
    # What ends `P@ssw0rd$$` may be letters in disguise, as tried above, or trimmings.
    letters = re.sub(r"[^a-z]", "", folded)
    if len(letters) * 2 >= len(folded):
        yield letters


def _is_listed(form: str) -> bool:
    listed = _listed()
    if form in listed:
        return True
    head, word, tail = _trimmed(form)
    return (word in listed or _unit(word) in listed) and (
        len(word) * 2 >= len(form) or _is_predictable(head + tail)
    )


def _is_predictable(trimmings: str) -> bool:
    """Years, signs, and digits in a row: nothing but a digit or two that one would have to guess."""
    digits = re.sub(r"[^0-9]", "", re.sub(r"(?:19|20)\d\d", "", trimmings))
    return _is_a_walk(digits)


def _trimmed(text: str) -> tuple[str, str, str]:
    """Leading non-letters, the word, trailing non-letters."""
    match = re.fullmatch(r"([^a-z]*)(.*?)([^a-z]*)", text, re.DOTALL)
    return (match[1], match[2], match[3]) if match else ("", text, "")


def _is_repeated(text: str) -> bool:
    """Nothing but one part again and again, where the part is short or listed itself."""
    unit = _unit(text)
    return unit != text and (
        len(unit) < _SHORTEST_REPEAT or any(_is_listed(form) for form in _with_leet(unit))
    )


def _unit(text: str) -> str:
    """The shortest part of which the text consists, the last repetition perhaps cut short; the text itself
    otherwise.
    """
    for size in range(1, len(text) // 2 + 1):
        if all(text[i] == text[i % size] for i in range(size, len(text))):
            return text[:size]
    return text


def _is_a_walk(text: str) -> bool:
    """Whether runs along keyboard rows, columns, the alphabet or one key cover all but a character or two."""
    outside = 0
    at = 0
    while at < len(text):
        length = _walk_at(text, at)
        if length < _SHORTEST_WALK:
            outside += 1
            length = 1
        at += length
    return outside <= _MOST_OUTSIDE_WALKS


def _walk_at(text: str, at: int) -> int:
    same = len(text) - at - len(text[at:].lstrip(text[at]))
    longest = same
    for walk in _WALKS:
        length = longest + 1
        while at + length <= len(text) and text[at : at + length] in walk:
            longest = length
            length += 1
    return longest


def _has_name(forms: Iterable[str], names: Iterable[str]) -> bool:
    parts = {
        part
        for name in names
        for part in re.split(r"[^a-z0-9]+", _fold(name))
        if len(part) >= _SHORTEST_NAME_PART
    }
    return any(part in form for part in parts for form in forms)


def _fold(text: str) -> str:
    """Case-folded and without diacritics: what a guesser would try."""
    decomposed = unicodedata.normalize("NFKD", text.casefold())
    return "".join(character for character in decomposed if not unicodedata.combining(character))
