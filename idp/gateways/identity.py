"""A person as services of electronic identity tell of them, and what a refusal of such a service calls for.

Not here: how each service proves it (its own package), and which account is whose.
"""

import datetime as dt
import re
from dataclasses import dataclass, field
from enum import Enum, auto
from typing import Final

_BALTIC_CODE: Final = re.compile(r"([1-6])(\d{6})\d{4}", re.ASCII)
_LATVIAN_CODE: Final = re.compile(r"(\d{2})(\d{2})(\d{2})-(\d)\d{3,4}", re.ASCII)
_LATVIAN_WITHOUT_DATE: Final = range(32, 40)


class IdentifierKind(Enum):
    """ETSI EN 319 412-1: a national code, a passport, an identity card."""

    NATIONAL_CODE = "PNO"
    PASSPORT = "PAS"
    IDENTITY_CARD = "IDC"


@dataclass(frozen=True, slots=True, kw_only=True)
class Identity:
    """`country` is that which gave the code. Nothing of a person is in the repr."""

    kind: IdentifierKind
    country: str
    code: str = field(repr=False)
    given_name: str = field(repr=False)
    surname: str = field(repr=False)
    date_of_birth: dt.date | None = field(repr=False)

    @property
    def identifier(self) -> str:
        return f"{self.kind.value}{self.country}-{self.code}"


class Handling(Enum):
    """What a refusal by such a service calls for, beside what the person is told."""

    PERSON = auto()
    """The person decided or was late: they may try again."""
    ACCOUNT = auto()
    """The person has to do something about their means of identity first, or take another."""
    ALARM = auto()
    """Somebody may be attacking, or we have a bug that looks the same: no new try by itself."""
    OPERATOR = auto()
    """Our registration, configuration or program is wrong, for everybody."""
    LATER = auto()
    """The service is not well: what counts towards the circuit breaker."""


def born_by_code(country: str, code: str) -> dt.date | None:
    """None where the code does not say. Raises ValueError for a day that never was, or another form of code.

    No checksum: it is for what people type, and not all codes in certificates have a right one.
    """
    match country:
        case "EE" | "LT":
            matched = _BALTIC_CODE.fullmatch(code)
            if matched is None:
                raise ValueError("not a code of that country")
            year, month, day = matched[2][:2], matched[2][2:4], matched[2][4:]
            return dt.date(1800 + 100 * ((int(matched[1]) - 1) // 2) + int(year), int(month), int(day))
        case "LV":
            if code[:2].isdecimal() and int(code[:2]) in _LATVIAN_WITHOUT_DATE:
                return None
            matched = _LATVIAN_CODE.fullmatch(code)
            if matched is None or matched[4] not in "012":
                raise ValueError("not a code of that country")
            return dt.date(1800 + 100 * int(matched[4]) + int(matched[3]), int(matched[2]), int(matched[1]))
        case _:
            return None
