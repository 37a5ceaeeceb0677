"""Reads and writes what each municipality decides beyond methods. What nobody decided is the strictest.

For a sign-in they are read with the other rules (`storage/rules.py`), in the same statement.
"""

from sqlalchemy import bindparam, select

from idp.models.municipality_rules import MunicipalityRuleRow, MunicipalityRules
from idp.storage.prepared import Prepared
from idp.storage.unit import Unit, record, table_of

_rules = table_of(MunicipalityRuleRow)
_RULES = Prepared(select(_rules).where(_rules.c.atvk == bindparam("code")))
_VOUCHING = Prepared(select(_rules.c.atvk).where(_rules.c.vouching_hours > 0).limit(1))


class MunicipalityRuleStore:
    def __init__(self, unit: Unit) -> None:
        self._unit = unit

    def of(self, atvk: str) -> MunicipalityRules:
        row = self._unit.first(_RULES, {"code": atvk})
        if row is None:
            return MunicipalityRules()
        found = record(MunicipalityRuleRow, row)
        return MunicipalityRules(remember_days=found.remember_days, vouching_hours=found.vouching_hours)

    def put(self, atvk: str, rules: MunicipalityRules) -> None:
        """Raises AlreadyExistsError when there is no such municipality."""
        row = MunicipalityRuleRow(
            atvk=atvk, remember_days=rules.remember_days, vouching_hours=rules.vouching_hours
        )
        self._unit.put(row, "atvk")

    def is_vouching_anywhere(self) -> bool:
        """Whether any municipality lets its people vouch for one another."""
        return self._unit.first(_VOUCHING) is not None
