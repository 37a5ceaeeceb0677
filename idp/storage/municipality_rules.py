"""Reads and writes what each municipality decides beyond methods. What nobody decided is as the model has it.

For a sign-in the days are read with the other rules (`storage/rules.py`), in the same statement; the minutes
only for sessions on shared computers.
"""

from sqlalchemy import ColumnElement, Select, bindparam, func, or_, select

from idp.effects import Instant
from idp.models.municipality_rules import SHARED_IDLE_MINUTES, MunicipalityRuleRow, MunicipalityRules
from idp.models.people import Employment
from idp.storage.prepared import Prepared
from idp.storage.unit import Unit, record, table_of

_rules = table_of(MunicipalityRuleRow)
_employments = table_of(Employment)
_RULES = Prepared(select(_rules).where(_rules.c.atvk == bindparam("code")))
_VOUCHING = Prepared(select(_rules.c.atvk).where(_rules.c.vouching_hours > 0).limit(1))


def least_shared_minutes(user: ColumnElement[str]) -> Select[tuple[int | None]]:
    """Of the municipalities where this person has a post at the parameter `now`; NULL without one."""
    return (
        select(func.min(func.coalesce(_rules.c.shared_idle_minutes, SHARED_IDLE_MINUTES)))
        .select_from(_employments.outerjoin(_rules, _rules.c.atvk == _employments.c.municipality))
        .where(
            _employments.c.user_id == user,
            or_(_employments.c.starts_at.is_(None), _employments.c.starts_at <= bindparam("now")),
            or_(_employments.c.ends_at.is_(None), _employments.c.ends_at > bindparam("now")),
        )
    )


_LEAST_MINUTES = Prepared(least_shared_minutes(bindparam("user")))


class MunicipalityRuleStore:
    def __init__(self, unit: Unit) -> None:
        self._unit = unit

    def of(self, atvk: str) -> MunicipalityRules:
        row = self._unit.first(_RULES, {"code": atvk})
        if row is None:
            return MunicipalityRules()
        found = record(MunicipalityRuleRow, row)
        return MunicipalityRules(
            remember_days=found.remember_days,
            shared_idle_minutes=found.shared_idle_minutes,
            vouching_hours=found.vouching_hours,
        )

    def put(self, atvk: str, rules: MunicipalityRules) -> None:
        """Raises AlreadyExistsError when there is no such municipality."""
        row = MunicipalityRuleRow(
            atvk=atvk,
            remember_days=rules.remember_days,
            shared_idle_minutes=rules.shared_idle_minutes,
            vouching_hours=rules.vouching_hours,
        )
        self._unit.put(row, "atvk")

    def shared_idle_minutes_for(self, user_id: str, now: Instant) -> int:
        """The least of the municipalities where this person has a post now."""
        row = self._unit.first(_LEAST_MINUTES, {"user": user_id, "now": now})
        least = row[0] if row else None
        return SHARED_IDLE_MINUTES if least is None else int(least)

    def is_vouching_anywhere(self) -> bool:
        """Whether any municipality lets its people vouch for one another."""
        return self._unit.first(_VOUCHING) is not None
