"""Which municipality stands where in which programme, and who may see it. Knows no HTTP.

The rows are the committed file `municipalities.json`, made from the customer's table; they change with a
release. A person or a program sees the municipality its token names; an operator sees all of them. What is
not to be seen is not there: the answer for a foreign code and for an invented one is the same.
"""

import json
from collections.abc import Iterable
from dataclasses import dataclass
from enum import StrEnum
from pathlib import Path
from typing import Any

DATA_FILE = Path(__file__).with_name("municipalities.json")
OPERATOR = "operator"
PAGE_SIZE = 50


class FineExchange(StrEnum):
    SWITCHING = "switching"
    OLD = "old"
    FORMER = "former"
    MANUAL = "manual"


class PoliceLog(StrEnum):
    IN_USE = "in_use"
    NOT_USED = "not_used"


class Preschool(StrEnum):
    MOVES_TO_STATE = "moves_to_state"
    NOT_LISTED = "not_listed"


class OrphansCourt(StrEnum):
    STAGE_3_MISSING = "stage_3_missing"
    NOT_REPORTED_MISSING = "not_reported_missing"


@dataclass(frozen=True, slots=True)
class Programmes:
    """`fines_inferred`: nobody stated how fines are exchanged; the state is what remained for the unnamed."""

    fines: FineExchange
    fines_known_problems: bool
    fines_inferred: bool
    police_log: PoliceLog
    free_vehicle_lookup: bool
    preschool: Preschool
    preschool_moves_on: str | None
    orphans_court: OrphansCourt
    fund_and_agency_exchange: bool
    npais_forwarding: bool


@dataclass(frozen=True, slots=True)
class Municipality:
    atvk: str
    iso_3166_2: str
    name: str
    short: str
    authority: str
    type: str
    programmes: Programmes


@dataclass(frozen=True, slots=True)
class Viewer:
    municipality: str | None
    roles: frozenset[str]

    def sees(self, atvk: str) -> bool:
        return atvk == self.municipality or OPERATOR in self.roles


@dataclass(frozen=True, slots=True)
class Page:
    """`after` names the last row when there are more."""

    rows: tuple[Municipality, ...]
    after: str | None


class UnknownCursorError(LookupError):
    """`after` names no row that this viewer could have been given."""


class Agreements:
    """Rows stand in Latvian order, as the file has them."""

    def __init__(self, rows: Iterable[Municipality]) -> None:
        self._rows = {row.atvk: row for row in rows}

    def list_municipalities(
        self, viewer: Viewer, *, limit: int = PAGE_SIZE, after: str | None = None
    ) -> Page:
        seen = [row for row in self._rows.values() if viewer.sees(row.atvk)]
        if after is not None:
            codes = [row.atvk for row in seen]
            if after not in codes:
                raise UnknownCursorError(after)
            seen = seen[codes.index(after) + 1 :]
        rows = tuple(seen[:limit])
        return Page(rows, rows[-1].atvk if len(seen) > limit else None)

    def find_municipality(self, viewer: Viewer, atvk: str) -> Municipality | None:
        return self._rows.get(atvk) if viewer.sees(atvk) else None


def read_municipalities(path: Path = DATA_FILE) -> Iterable[Municipality]:
    for row in json.loads(path.read_text(encoding="utf-8"))["municipalities"]:
        yield Municipality(**{**row, "programmes": _programmes(row["programmes"])})


def _programmes(raw: dict[str, Any]) -> Programmes:
    return Programmes(
        fines=FineExchange(raw["csdd_fines"]["state"]),
        fines_known_problems=raw["csdd_fines"]["known_problems"],
        fines_inferred=raw["csdd_fines"]["inferred"],
        police_log=PoliceLog(raw["enz"]["state"]),
        free_vehicle_lookup=raw["enz"]["free_vehicle_lookup"],
        preschool=Preschool(raw["preschool"]["state"]),
        preschool_moves_on=raw["preschool"]["moves_on"],
        orphans_court=OrphansCourt(raw["baris"]["state"]),
        fund_and_agency_exchange=raw["baris"]["fund_and_agency_exchange"],
        npais_forwarding=raw["baris"]["npais_forwarding"],
    )
