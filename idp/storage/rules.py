"""Reads and writes what municipalities allow, what they demand of keys, and reads what else they decided.

Not here: what follows from it (`policy.py`, `attestation_policy.py`).
"""

from collections.abc import Iterable

from sqlalchemy import String, bindparam, cast, delete, select

from idp.models.authenticators import AttestationRule
from idp.models.municipality_rules import MunicipalityRuleRow
from idp.models.people import PolicyRule
from idp.storage.prepared import Prepared
from idp.storage.unit import Unit, record, records, table_of

_rules = table_of(PolicyRule)
_demands = table_of(AttestationRule)
_decided = table_of(MunicipalityRuleRow)
_OF_SCOPE = Prepared(select(_rules).where(_rules.c.scope == bindparam("scope")).order_by(_rules.c.id))
_REMOVE_SCOPE = Prepared(delete(_rules).where(_rules.c.scope == bindparam("scope")))
_asked = select(cast(bindparam("scope"), String).label("scope")).subquery("asked")
_WITH_DEMANDS = Prepared(
    select(
        *_rules.c, *(column.label(f"demand_{column.name}") for column in _demands.c), _decided.c.remember_days
    )
    .select_from(
        _asked.outerjoin(_rules, _rules.c.scope == _asked.c.scope)
        .outerjoin(_demands, _demands.c.scope == _asked.c.scope)
        .outerjoin(_decided, _decided.c.atvk == _asked.c.scope)
    )
    .order_by(_rules.c.id, _demands.c.role)
)
_DEMANDS = Prepared(select(_demands).order_by(_demands.c.scope, _demands.c.role))
_REMOVE_DEMAND = Prepared(
    delete(_demands).where(_demands.c.scope == bindparam("of_scope"), _demands.c.role == bindparam("of_role"))
)
_RULE_CELLS = len(_rules.c)


class RuleStore:
    def __init__(self, unit: Unit) -> None:
        self._unit = unit

    def rules_for(self, scopes: Iterable[str]) -> list[PolicyRule]:
        found = (self._unit.rows(_OF_SCOPE, {"scope": scope}) for scope in sorted(set(scopes)))
        return [record(PolicyRule, row) for rows in found for row in rows]

    def rules_and_demands_for(
        self, scopes: Iterable[str]
    ) -> tuple[list[PolicyRule], list[AttestationRule], dict[str, int]]:
        """All in the statements that the rules alone would take: every sign-in asks for them.

        Also demands of a scope without rules: they are on a person's keys, whichever of their posts acts.
        The third is for how many days a scope lets computers be remembered; one that does not is not there.
        """
        rules: dict[str, PolicyRule] = {}
        demands: dict[tuple[str, str], AttestationRule] = {}
        days: dict[str, int] = {}
        for scope in sorted(set(scopes)):
            for row in self._unit.rows(_WITH_DEMANDS, {"scope": scope}):
                rule, demand, remembered = row[:_RULE_CELLS], row[_RULE_CELLS:-1], row[-1]
                if rule[0] is not None:
                    rules[rule[0]] = record(PolicyRule, rule)
                if demand[0] is not None:
                    demands[demand[0], demand[1]] = record(AttestationRule, demand)
                if remembered:
                    days[scope] = remembered
        return list(rules.values()), list(demands.values()), days

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

    def attestation_rules(self) -> list[AttestationRule]:
        """Of all scopes and roles."""
        return records(AttestationRule, self._unit.rows(_DEMANDS))

    def put_attestation_rule(self, rule: AttestationRule) -> None:
        """In place of the one for the same scope and role."""
        self._unit.put(rule, "scope", "role")

    def remove_attestation_rule(self, scope: str, role: str) -> bool:
        """False when there was none."""
        return self._unit.changed(_REMOVE_DEMAND, {"of_scope": scope, "of_role": role}) == 1
