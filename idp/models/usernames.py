"""Usernames in their one canonical form, made once at the edge. Not here: who has which."""

import unicodedata

MAXIMUM_LENGTH = 128
_UNSEEN = {"Cc", "Cf", "Cn", "Co", "Cs", "Zl", "Zp"}


def canonical_username(text: str) -> str:
    """NFKC and case-folded, without surrounding space. Raises ValueError for what cannot be a username."""
    if len(text) > 4 * MAXIMUM_LENGTH:
        raise ValueError("too long for a username")
    folded = unicodedata.normalize("NFKC", unicodedata.normalize("NFKC", text).casefold()).strip()
    if not 1 <= len(folded) <= MAXIMUM_LENGTH:
        raise ValueError(f"a username has 1 to {MAXIMUM_LENGTH} characters")
    if any(unicodedata.category(character) in _UNSEEN for character in folded):
        raise ValueError("a username has no control or invisible characters")
    return folded
