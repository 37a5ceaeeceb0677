"""Reads and writes invitations. Using and revoking one are a conditional statement each.

Not here: who may make one, and what it does (`people/invitations.py`).
"""

from enum import StrEnum

from sqlalchemy import bindparam, delete, select, update

from idp.effects import Instant
from idp.models.arrivals import Invitation
from idp.storage.prepared import Prepared
from idp.storage.unit import Unit, record, records, table_of

_AT_ONCE = 500

_invitations = table_of(Invitation)
_is_open = (
    _invitations.c.used_at.is_(None),
    _invitations.c.revoked_at.is_(None),
    _invitations.c.expires_at > bindparam("now"),
)
_INVITATION = Prepared(select(_invitations).where(_invitations.c.id == bindparam("invitation")))
_BY_CODE = Prepared(select(_invitations).where(_invitations.c.code_hash == bindparam("code")))
_USE = Prepared(
    update(_invitations)
    .where(_invitations.c.id == bindparam("invitation"), *_is_open)
    .values(used_at=bindparam("now"))
)
_REVOKE = Prepared(
    update(_invitations)
    .where(_invitations.c.id == bindparam("invitation"), *_is_open)
    .values(revoked_at=bindparam("now"))
)
_REVOKE_OF_PERSON = Prepared(
    update(_invitations)
    .where(
        _invitations.c.user_id == bindparam("person"), _invitations.c.source == bindparam("origin"), *_is_open
    )
    .values(revoked_at=bindparam("now"))
)
_REVOKE_OF_SOURCE = Prepared(
    update(_invitations)
    .where(_invitations.c.source == bindparam("origin"), *_is_open)
    .values(revoked_at=bindparam("now"))
)
_OLD = Prepared(
    delete(_invitations).where(
        _invitations.c.id.in_(
            select(_invitations.c.id).where(_invitations.c.expires_at < bindparam("before")).limit(_AT_ONCE)
        )
    )
)


class InvitationState(StrEnum):
    OPEN = "open"
    USED = "used"
    REVOKED = "revoked"
    EXPIRED = "expired"


class InvitationStore:
    def __init__(self, unit: Unit) -> None:
        self._unit = unit

    def add(self, invitation: Invitation) -> None:
        self._unit.add(invitation)

    def find(self, invitation_id: str) -> Invitation | None:
        row = self._unit.first(_INVITATION, {"invitation": invitation_id})
        return record(Invitation, row) if row else None

    def find_by_code(self, code_hash: str) -> Invitation | None:
        """Whatever its state."""
        row = self._unit.first(_BY_CODE, {"code": code_hash})
        return record(Invitation, row) if row else None

    def use(self, invitation_id: str, now: Instant) -> bool:
        """False when it is over, revoked or used. Of all who race for it, one gets it."""
        return self._unit.changed(_USE, {"invitation": invitation_id, "now": now}) == 1

    def revoke(self, invitation_id: str, now: Instant) -> bool:
        """False when it opened nothing any more."""
        return self._unit.changed(_REVOKE, {"invitation": invitation_id, "now": now}) == 1

    def revoke_of_person(self, user_id: str, source: str, now: Instant) -> int:
        """Those that were open; how many."""
        return self._unit.changed(_REVOKE_OF_PERSON, {"person": user_id, "origin": source, "now": now})

    def revoke_of_source(self, source: str, now: Instant) -> int:
        return self._unit.changed(_REVOKE_OF_SOURCE, {"origin": source, "now": now})

    def list_of_source(self, source: str, *, after: str | None, limit: int) -> list[Invitation]:
        """By id, from the one after `after`, whatever became of them."""
        statement = (
            select(_invitations)
            .where(_invitations.c.source == source)
            .order_by(_invitations.c.id)
            .limit(limit)
        )
        if after is not None:
            statement = statement.where(_invitations.c.id > after)
        return records(Invitation, self._unit.rows(Prepared(statement)))

    def remove_old(self, before: Instant) -> int:
        """A batch of those that expired before; fewer than a full one means that none is left."""
        return self._unit.changed(_OLD, {"before": before})


def state_of(invitation: Invitation, now: Instant) -> InvitationState:
    if invitation.used_at is not None:
        return InvitationState.USED
    if invitation.revoked_at is not None:
        return InvitationState.REVOKED
    return InvitationState.OPEN if now < invitation.expires_at else InvitationState.EXPIRED
