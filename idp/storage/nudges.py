"""Who was advised when. Taking a turn is one conditional statement, or one insert."""

from sqlalchemy import bindparam, select, update

from idp.effects import Instant
from idp.models.nudges import Nudge
from idp.storage.prepared import Prepared
from idp.storage.unit import Unit, table_of

_nudges = table_of(Nudge)
_SHOWN = Prepared(select(_nudges.c.shown_at).where(_nudges.c.user_id == bindparam("user")))
_TAKE = Prepared(
    update(_nudges)
    .where(_nudges.c.user_id == bindparam("user"), _nudges.c.shown_at <= bindparam("before"))
    .values(shown_at=bindparam("at"))
)


class NudgeStore:
    def __init__(self, unit: Unit) -> None:
        self._unit = unit

    def last(self, user_id: str) -> Instant | None:
        row = self._unit.first(_SHOWN, {"user": user_id})
        return row[0] if row else None

    def take(self, user_id: str, now: Instant, *, not_since: Instant) -> bool:
        """False when one was shown since then; of all who ask at once, one gets it."""
        if self._unit.changed(_TAKE, {"user": user_id, "before": not_since, "at": now}) == 1:
            return True
        return self._unit.add_unless_there(Nudge(user_id=user_id, shown_at=now), "user_id")
