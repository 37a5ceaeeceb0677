"""Reads and writes cases of "it was not me". What a case leads to is `people/cases.py`'s."""

from collections.abc import Iterable
from enum import StrEnum
from typing import Any, Final

from sqlalchemy import ColumnElement, Integer, bindparam, exists, select, update

from idp.effects import Instant
from idp.models.cases import Case, CaseMunicipality, CaseReport
from idp.storage.prepared import Prepared
from idp.storage.unit import Unit, record, records, table_of

_REPORTS_AT_MOST: Final = 200

_cases = table_of(Case)
_places = table_of(CaseMunicipality)
_reports = table_of(CaseReport)


class CaseState(StrEnum):
    """Whether an administrator still has something to do."""

    OPEN = "open"
    CLOSED = "closed"


_STATES: Final[dict[CaseState, ColumnElement[bool]]] = {
    CaseState.OPEN: _cases.c.closed_at.is_(None),
    CaseState.CLOSED: _cases.c.closed_at.is_not(None),
}
_unfinished = (_cases.c.finished_at.is_(None), _cases.c.closed_at.is_(None))

_CASE = Prepared(select(_cases).where(_cases.c.id == bindparam("case")))
_HELD = Prepared(select(_cases).where(_cases.c.id == bindparam("case")).with_for_update())
_UNFINISHED = Prepared(select(_cases).where(_cases.c.user_id == bindparam("user"), *_unfinished))
_BY_EVENT = Prepared(
    select(_cases)
    .join(_reports, _reports.c.case_id == _cases.c.id)
    .where(_reports.c.event_seq == bindparam("seq", type_=Integer))
)
_REPORTS = Prepared(
    select(_reports)
    .where(_reports.c.case_id == bindparam("case"))
    .order_by(_reports.c.event_seq)
    .limit(_REPORTS_AT_MOST)
)
_PLACES = Prepared(
    select(_places.c.municipality)
    .where(_places.c.case_id == bindparam("case"))
    .order_by(_places.c.municipality)
)
_SET_STEPS = Prepared(
    update(_cases)
    .where(_cases.c.id == bindparam("case"), *_unfinished)
    .values(steps=bindparam("taken", type_=_cases.c.steps.type))
)
_FINISH = Prepared(
    update(_cases).where(_cases.c.id == bindparam("case"), *_unfinished).values(finished_at=bindparam("at"))
)
_CLOSE = Prepared(
    update(_cases)
    .where(_cases.c.id == bindparam("case"), _cases.c.closed_at.is_(None))
    .values(closed_at=bindparam("at"), closed_by=bindparam("actor"))
)


class CaseStore:
    def __init__(self, unit: Unit) -> None:
        self._unit = unit

    def add(self, case: Case, municipalities: Iterable[str]) -> None:
        """Raises AlreadyExistsError when the person has one that is not finished."""
        self._unit.add(case)
        for municipality in sorted(set(municipalities)):
            self._unit.add(CaseMunicipality(case_id=case.id, municipality=municipality))

    def find(self, case_id: str) -> Case | None:
        row = self._unit.first(_CASE, {"case": case_id})
        return record(Case, row) if row else None

    def find_held(self, case_id: str) -> Case | None:
        """Nobody else changes it before this unit of work is over."""
        row = self._unit.first(_HELD, {"case": case_id})
        return record(Case, row) if row else None

    def find_unfinished(self, user_id: str) -> Case | None:
        """The one that this person is in the middle of."""
        row = self._unit.first(_UNFINISHED, {"user": user_id})
        return record(Case, row) if row else None

    def find_by_event(self, seq: int) -> Case | None:
        row = self._unit.first(_BY_EVENT, {"seq": seq})
        return record(Case, row) if row else None

    def add_report(self, report: CaseReport) -> bool:
        """False when that event was reported before."""
        return self._unit.add_unless_there(report, "event_seq")

    def reports_of(self, case_id: str) -> list[CaseReport]:
        """In the order of the events."""
        return records(CaseReport, self._unit.rows(_REPORTS, {"case": case_id}))

    def municipalities_of(self, case_id: str) -> list[str]:
        return [municipality for (municipality,) in self._unit.rows(_PLACES, {"case": case_id})]

    def set_steps(self, case_id: str, steps: list[dict[str, Any]]) -> bool:
        """False when the case is over. Whoever calls holds the case."""
        return self._unit.changed(_SET_STEPS, {"case": case_id, "taken": steps}) == 1

    def finish(self, case_id: str, at: Instant) -> bool:
        """False when it was over before."""
        return self._unit.changed(_FINISH, {"case": case_id, "at": at}) == 1

    def close(self, case_id: str, by: str, at: Instant) -> bool:
        """False when somebody did before."""
        return self._unit.changed(_CLOSE, {"case": case_id, "actor": by, "at": at}) == 1

    def list_cases(
        self,
        state: CaseState | None = None,
        *,
        municipality: str | None = None,
        after: str | None = None,
        limit: int = 100,
    ) -> list[Case]:
        """By id, from the one after `after`; with `municipality`, those that are its business alone."""
        statement = select(_cases).order_by(_cases.c.id).limit(limit)
        if state is not None:
            statement = statement.where(_STATES[state])
        if municipality is not None:
            statement = statement.where(
                exists().where(_places.c.case_id == _cases.c.id, _places.c.municipality == municipality)
            )
        if after is not None:
            statement = statement.where(_cases.c.id > after)
        return records(Case, self._unit.rows(Prepared(statement)))


def state_of(case: Case) -> CaseState:
    return CaseState.OPEN if case.closed_at is None else CaseState.CLOSED
