"""Names that are the same, and Latvian alphabetical order.

By table, since the C library's locale may be missing and SQLite knows none.
"""

import unicodedata
from typing import TypeAlias

_ALPHABET = "aāàáâãäåbcčdeēéfgģhiīyjkķlļmnņoōõöpqrŗsštuūüvwxzž"
_RANK = {letter: rank for rank, letter in enumerate(_ALPHABET)}
_DIGIT, _LETTER, _OTHER = 1, 2, 3

SortKey: TypeAlias = tuple[tuple[tuple[int, int], ...], str]


def sort_key(text: str) -> SortKey:
    """A letter with a mark comes right after the plain one; spaces first, then digits, then letters."""
    folded = unicodedata.normalize("NFC", text).lower()
    return tuple(_weight(character) for character in folded), text


def fold(text: str) -> str:
    """For comparing names as people and registers write them: without regard to case, marks and spacing."""
    decomposed = unicodedata.normalize("NFKD", text).casefold()
    letters = "".join(each for each in decomposed if not unicodedata.combining(each))
    return " ".join(letters.replace("-", " ").split())


def _weight(character: str) -> tuple[int, int]:
    if character in _RANK:
        return _LETTER, _RANK[character]
    if character.isdigit():
        return _DIGIT, ord(character)
    if not character.isalnum():
        return 0, ord(character)
    base = unicodedata.normalize("NFD", character)[0]
    return (_LETTER, _RANK[base]) if base in _RANK else (_OTHER, ord(character))
