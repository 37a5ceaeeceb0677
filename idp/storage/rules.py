"""Reads and writes what municipalities allow. Not here: what follows from it (`policy.py`)."""

from collections.abc import Iterable

from sqlalchemy import bindparam, delete, select

from idp.models.people import PolicyRule
from idp.storage.prepared import Prepared
from idp.storage.unit import Unit, record, table_of

_rules = table_of(PolicyRule)
_OF_SCOPE = Prepared(select(_rules).where(_rules.c.scope == bindparam("scope")).order_by(_rules.c.id))
_REMOVE_SCOPE = Prepared(delete(_rules).where(_rules.c.scope == bindparam("scope")))


class RuleStore:
    def __init__(self, unit: Unit) -> None:
        self._unit = unit

    def rules_for(self, scopes: Iterable[str]) -> list[PolicyRule]:
        found = (self._unit.rows(_OF_SCOPE, {"scope": scope}) for scope in sorted(set(scopes)))
        return [record(PolicyRule, row) for rows in found for row in rows]

    def add(self, rule: PolicyRule) -> None:
        self._unit.add(rule)

    def replace_scope(self, scope: str, rules: Iterable[PolicyRule]) -> None:
        """All rules of a scope at once; none means nothing is allowed there."""
        given = list(rules)
        if any(rule.scope != scope for rule in given):
            raise ValueError("a rule of another scope")
        self._unit.changed(_REMOVE_SCOPE, {"scope": scope})
        for rule in given:
            self._unit.add(rule)
