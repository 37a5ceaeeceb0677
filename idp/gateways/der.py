"""Just enough DER to read what the certificate library leaves as bytes; strict, and bounded by what it
is given.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Final

SEQUENCE: Final = 0x30
SET: Final = 0x31
OBJECT_IDENTIFIER: Final = 0x06
GENERALIZED_TIME: Final = 0x18
EXPLICIT_0: Final = 0xA0


@dataclass(frozen=True, slots=True)
class Element:
    tag: int
    content: bytes


def only(der: bytes, tag: int) -> bytes:
    """The content of the one element that fills these bytes. Raises ValueError."""
    elements = list(read(der))
    if len(elements) != 1 or elements[0].tag != tag:
        raise ValueError("not the one element that was expected")
    return elements[0].content


def read(der: bytes) -> Iterator[Element]:
    """One after another, definite lengths in their shortest form. Raises ValueError."""
    at = 0
    while at < len(der):
        tag = der[at]
        if tag & 0x1F == 0x1F:
            raise ValueError("a tag of several bytes")
        start, length = _length(der, at + 1)
        if start + length > len(der):
            raise ValueError("an element longer than what holds it")
        yield Element(tag, der[start : start + length])
        at = start + length


def _length(der: bytes, at: int) -> tuple[int, int]:
    """Where the content begins, and how long it is."""
    if at >= len(der):
        raise ValueError("an element without a length")
    first = der[at]
    if first < 0x80:
        return at + 1, first
    octets = der[at + 1 : at + 1 + (first & 0x7F)]
    length = int.from_bytes(octets)
    if not octets or len(octets) != first & 0x7F or octets[0] == 0 or length < 0x80:
        raise ValueError("a length that is not in its shortest form")
    return at + 1 + len(octets), length
