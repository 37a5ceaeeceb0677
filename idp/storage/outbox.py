"""What every outbox is: rows that wait, are claimed, delivered, postponed, given up, and tried again.

A row is claimed by one conditional update that counts the attempt and moves its time on, so of several
workers one has it, and the claim of one that died lapses. Not here: what is in a row (`notices.py`,
`mails.py`).
"""

from enum import StrEnum
from typing import Any, Final, Protocol

from sqlalchemy import ColumnElement, Table, bindparam, delete, or_, select, update

from idp.effects import Instant
from idp.storage.posts import works_in
from idp.storage.prepared import Prepared
from idp.storage.unit import Unit

_AT_ONCE: Final = 500


class State(StrEnum):
    """What became of a row. `given_up` is the dead-letter list."""

    WAITING = "waiting"
    GIVEN_UP = "given_up"
    DELIVERED = "delivered"


class Row(Protocol):
    """As the models of outboxes have them."""

    @property
    def delivered_at(self) -> Any: ...

    @property
    def given_up_at(self) -> Any: ...


def state_of(row: Row) -> State:
    if row.delivered_at is not None:
        return State.DELIVERED
    return State.WAITING if row.given_up_at is None else State.GIVEN_UP


class Outbox:
    """The statements of one table."""

    def __init__(self, table: Table) -> None:
        row = table.c
        self.states: Final[dict[State, tuple[ColumnElement[bool], ...]]] = {
            State.WAITING: (row.delivered_at.is_(None), row.given_up_at.is_(None)),
            State.GIVEN_UP: (row.delivered_at.is_(None), row.given_up_at.is_not(None)),
            State.DELIVERED: (row.delivered_at.is_not(None),),
        }
        self.waiting: Final = self.states[State.WAITING]
        is_it = row.id == bindparam("row_id")
        is_mine = (is_it, row.attempts == bindparam("mine"), *self.waiting)
        self._user_id = row.user_id
        self._claim = Prepared(
            update(table)
            .where(is_it, row.attempts == bindparam("seen"), *self.waiting)
            .values(attempts=row.attempts + 1, next_at=bindparam("lapses"))
        )
        self._delivered = Prepared(
            update(table)
            .where(is_it, row.delivered_at.is_(None))
            .values(delivered_at=bindparam("at"), given_up_at=None, last_error=None)
        )
        self._postpone = Prepared(
            update(table).where(*is_mine).values(next_at=bindparam("at"), last_error=bindparam("why"))
        )
        self._give_up = Prepared(
            update(table).where(*is_mine).values(given_up_at=bindparam("at"), last_error=bindparam("why"))
        )
        self._retry = Prepared(
            update(table)
            .where(is_it, *self.states[State.GIVEN_UP])
            .values(given_up_at=None, attempts=0, next_at=bindparam("at"))
        )
        is_old = or_(
            row.delivered_at < bindparam("delivered_before"), row.given_up_at < bindparam("given_up_before")
        )
        self._old = Prepared(delete(table).where(row.id.in_(select(row.id).where(is_old).limit(_AT_ONCE))))

    def claim(self, unit: Unit, row_id: str, *, seen: int, until: Instant) -> bool:
        """False when another worker has it. The attempt counts from here, whatever becomes of it."""
        return unit.changed(self._claim, {"row_id": row_id, "seen": seen, "lapses": until}) == 1

    def delivered(self, unit: Unit, row_id: str, at: Instant) -> bool:
        """Also after the claim lapsed, for it did arrive."""
        return unit.changed(self._delivered, {"row_id": row_id, "at": at}) == 1

    def postpone(self, unit: Unit, row_id: str, *, attempt: int, until: Instant, why: str) -> bool:
        """False, and nothing done, when somebody else has begun a later attempt."""
        values = {"row_id": row_id, "mine": attempt, "why": why, "at": until}
        return unit.changed(self._postpone, values) == 1

    def give_up(self, unit: Unit, row_id: str, *, attempt: int, at: Instant, why: str) -> bool:
        values = {"row_id": row_id, "mine": attempt, "why": why, "at": at}
        return unit.changed(self._give_up, values) == 1

    def retry(self, unit: Unit, row_id: str, at: Instant) -> bool:
        """As if it were new; False for one that was not given up."""
        return unit.changed(self._retry, {"row_id": row_id, "at": at}) == 1

    def remove_old(self, unit: Unit, *, delivered_before: Instant, given_up_before: Instant) -> int:
        """A batch; fewer than a full one means that none is left."""
        values = {"delivered_before": delivered_before, "given_up_before": given_up_before}
        return unit.changed(self._old, values)

    def is_about_one_who_works_in(self, municipality: str, now: Instant) -> ColumnElement[bool]:
        return works_in(self._user_id, municipality, now)
