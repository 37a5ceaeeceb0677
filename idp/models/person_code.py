"""National personal codes, in every form people and systems write them, as one comparable value.

The country is part of the value: an eIDAS `LT/LV/…` is a Lithuanian code told to Latvia, and its digits may
equal a Latvian's. A code without a country is Latvian, since only Latvian forms ask for one. Never gated by a
checksum: codes issued since July 2017 have none by law (Fizisko personu reģistra likums 6(2)). Not a key and
never a `sub`: people change codes.
"""

import re
from dataclasses import dataclass

_LATVIAN = re.compile(r"([0-9]{6})-?([0-9]{5})")
_FOREIGN = re.compile(r"[0-9A-Z](?:[0-9A-Z+./-]{0,38}[0-9A-Z])?")
_SEMANTIC = re.compile(r"PNO([A-Z]{2})-(.+)")
"""ETSI EN 319 412-1 section 5.1.3: identity type, country, hyphen, identifier."""
_EIDAS = re.compile(r"([A-Z]{2})/([A-Z]{2})/(.+)")
"""Implementing Regulation (EU) 2015/1501: country of the identifier, country it is told to, identifier."""
_DASHES = dict.fromkeys(map(ord, "‐‑‒–—―−﹘﹣-"), "-")
_LONGEST = 64


@dataclass(frozen=True, slots=True)
class PersonCode:
    """`number`: for Latvia eleven digits without a hyphen; for other countries as they write it."""

    country: str
    number: str

    @classmethod
    def parse(cls, text: str) -> "PersonCode":
        """Raises ValueError, which does not repeat the text."""
        if len(text) > _LONGEST:
            raise ValueError("too long for a personal code")
        written = "".join(text.translate(_DASHES).split())
        written = "".join(chr(ord(c) - 32) if "a" <= c <= "z" else c for c in written)
        if match := _SEMANTIC.fullmatch(written):
            return cls._of(country=match[1], number=match[2])
        if match := _EIDAS.fullmatch(written):
            return cls._of(country=match[1], number=match[3])
        return cls._of(country="LV", number=written.removeprefix("PK:"))

    @classmethod
    def _of(cls, *, country: str, number: str) -> "PersonCode":
        if country != "LV":
            if not _FOREIGN.fullmatch(number):
                raise ValueError("not a personal code")
            return cls(country, number)
        match = _LATVIAN.fullmatch(number)
        if match is None:
            raise ValueError("not a Latvian personal code: six digits, a hyphen, five digits")
        return cls(country, match[1] + match[2])

    @property
    def canonical(self) -> str:
        """What is compared, indexed and told to applications: `PNOLV-` and eleven digits."""
        return f"PNO{self.country}-{self.number}"

    @property
    def written(self) -> str:
        """As people write it: `######-#####`."""
        return f"{self.number[:6]}-{self.number[6:]}" if self.country == "LV" else self.number

    @property
    def masked(self) -> str:
        """For pages and logs: the last three characters of a code long enough to spare them."""
        if self.country == "LV":
            return f"******-**{self.number[-3:]}"
        return "********" + (self.number[-3:] if len(self.number) >= 8 else "")

    def __repr__(self) -> str:
        return f"PersonCode({self.masked})"

    def __str__(self) -> str:
        return self.masked
