"""Reads and writes what each municipality decides beyond methods. What nobody decided is the strictest.

For a sign-in they are read with the other rules (`storage/rules.py`), in the same statement.
"""

from sqlalchemy import bindparam, select

from idp.models.municipality_rules import MunicipalityRuleRow, MunicipalityRules
from idp.storage.prepared import Prepared
from idp.storage.unit import Unit, record, table_of

_rules = table_of(MunicipalityRuleRow)
_RULES = Prepared(select(_rules).where(_rules.c.atvk == bindparam("code")))


class MunicipalityRuleStore:
    def __init__(self, unit: Unit) -> None:
        self._unit = unit

    def of(self, atvk: str) -> MunicipalityRules:
        row = self._unit.first(_RULES, {"code": atvk})
        if row is None:
            return MunicipalityRules()
        return MunicipalityRules(remember_days=record(MunicipalityRuleRow, row).remember_days)

    def put(self, atvk: str, rules: MunicipalityRules) -> None:
        """Raises AlreadyExistsError when there is no such municipality."""
        self._unit.put(MunicipalityRuleRow(atvk=atvk, remember_days=rules.remember_days), "atvk")
