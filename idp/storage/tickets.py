"""Reads and writes enrolment tickets. Using and revoking one are a conditional statement each.

Not here: who may make one, and what it opens (`login/tickets.py`).
"""

from enum import StrEnum

from sqlalchemy import bindparam, delete, select, update

from idp.effects import Instant
from idp.models.tickets import EnrolmentTicket
from idp.storage.posts import works_in
from idp.storage.prepared import Prepared
from idp.storage.unit import Unit, record, records, table_of

_AT_ONCE = 500

_tickets = table_of(EnrolmentTicket)
_is_open = (
    _tickets.c.used_at.is_(None),
    _tickets.c.revoked_at.is_(None),
    _tickets.c.expires_at > bindparam("now"),
)
_TICKET = Prepared(select(_tickets).where(_tickets.c.id == bindparam("ticket")))
_BY_CODE = Prepared(select(_tickets).where(_tickets.c.code_hash == bindparam("code")))
_USE = Prepared(
    update(_tickets)
    .where(_tickets.c.id == bindparam("ticket"), *_is_open)
    .values(used_at=bindparam("now"))
    .returning(_tickets.c.id)
)
_REVOKE = Prepared(
    update(_tickets)
    .where(_tickets.c.id == bindparam("ticket"), *_is_open)
    .values(revoked_at=bindparam("now"))
    .returning(_tickets.c.id)
)
_REVOKE_OF_USER = Prepared(
    update(_tickets)
    .where(_tickets.c.user_id == bindparam("user"), *_is_open)
    .values(revoked_at=bindparam("now"))
    .returning(_tickets.c.id)
)
_REVOKE_MADE_BY = Prepared(
    update(_tickets)
    .where(_tickets.c.user_id == bindparam("user"), _tickets.c.made_by == bindparam("maker"), *_is_open)
    .values(revoked_at=bindparam("now"))
    .returning(_tickets.c.id)
)
_OLD = Prepared(
    delete(_tickets).where(
        _tickets.c.id.in_(
            select(_tickets.c.id).where(_tickets.c.expires_at < bindparam("before")).limit(_AT_ONCE)
        )
    )
)


class TicketState(StrEnum):
    OPEN = "open"
    USED = "used"
    REVOKED = "revoked"
    EXPIRED = "expired"


class TicketStore:
    def __init__(self, unit: Unit) -> None:
        self._unit = unit

    def add(self, ticket: EnrolmentTicket) -> None:
        self._unit.add(ticket)

    def find(self, ticket_id: str) -> EnrolmentTicket | None:
        row = self._unit.first(_TICKET, {"ticket": ticket_id})
        return record(EnrolmentTicket, row) if row else None

    def find_by_code(self, code_hash: str) -> EnrolmentTicket | None:
        """Whatever its state."""
        row = self._unit.first(_BY_CODE, {"code": code_hash})
        return record(EnrolmentTicket, row) if row else None

    def use(self, ticket_id: str, now: Instant) -> bool:
        """False when it is over, revoked or used. Of all who race for it, one gets it."""
        return self._unit.first(_USE, {"ticket": ticket_id, "now": now}) is not None

    def revoke(self, ticket_id: str, now: Instant) -> bool:
        """False when it opened nothing any more."""
        return self._unit.first(_REVOKE, {"ticket": ticket_id, "now": now}) is not None

    def revoke_of_user(self, user_id: str, now: Instant) -> list[str]:
        """Ids of those that were open."""
        return [row[0] for row in self._unit.rows(_REVOKE_OF_USER, {"user": user_id, "now": now})]

    def revoke_made_by(self, user_id: str, made_by: str, now: Instant) -> list[str]:
        """Of this person's, those that were open and made so; ids."""
        values = {"user": user_id, "maker": made_by, "now": now}
        return [row[0] for row in self._unit.rows(_REVOKE_MADE_BY, values)]

    def list_tickets(
        self,
        *,
        now: Instant,
        user_id: str | None = None,
        municipality: str | None = None,
        after: str | None = None,
        limit: int = 100,
    ) -> list[EnrolmentTicket]:
        """By id, from the one after `after`; with `municipality`, about those who now work there alone."""
        statement = select(_tickets).order_by(_tickets.c.id).limit(limit)
        if user_id is not None:
            statement = statement.where(_tickets.c.user_id == user_id)
        if municipality is not None:
            statement = statement.where(works_in(_tickets.c.user_id, municipality, now))
        if after is not None:
            statement = statement.where(_tickets.c.id > after)
        return records(EnrolmentTicket, self._unit.rows(Prepared(statement)))

    def remove_old(self, before: Instant) -> int:
        """A batch of those that expired before; fewer than a full one means that none is left."""
        return self._unit.changed(_OLD, {"before": before})


def state_of(ticket: EnrolmentTicket, now: Instant) -> TicketState:
    if ticket.used_at is not None:
        return TicketState.USED
    if ticket.revoked_at is not None:
        return TicketState.REVOKED
    return TicketState.OPEN if now < ticket.expires_at else TicketState.EXPIRED
