"""A municipality that requires the password of its network from its people, or offers it beside ours.

It is what its rules name: with ours and the network's it is offered, with the network's alone required.
Whoever would be shut out by that is found before it is done. Not here: the rules themselves (`policy.py`),
whose password is asked of a person for whom both would do (`login/delegation.py`).
"""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from typing import Final

from idp.events import Event, EventType
from idp.login.standing import Person, Standings, rule_of
from idp.login.ways import Ways
from idp.methods.base import Method
from idp.models.people import PolicyRule
from idp.policy import Rule
from idp.storage.database import Database
from idp.storage.work import Work

_AT_ONCE: Final = 500


@dataclass(frozen=True, slots=True)
class ShutOut:
    """Somebody who could come in and then could not. `is_linked`: they are an entry of a directory."""

    username: str
    display_name: str
    is_linked: bool


class DirectoryDemand:
    def __init__(self, database: Database, methods: Mapping[str, Method], standings: Standings) -> None:
        self._database = database
        self._standings = standings
        self._ways = Ways(methods, standings)
        beside_username = [each.facts for each in methods.values() if each.facts.with_username]
        self._ours = frozenset(facts.id for facts in beside_username if not facts.elsewhere)
        self._theirs = frozenset(facts.id for facts in beside_username if facts.elsewhere)

    def is_required(self, rules: list[PolicyRule]) -> bool:
        allowed = {method for rule in rules for method in rule.methods}
        return bool(allowed & self._theirs) and not allowed & self._ours

    def changed(self, rules: list[PolicyRule], *, required: bool) -> list[PolicyRule]:
        """The same rules, with every one that has either password naming what it then names."""
        return [_with(rule, self._renamed(frozenset(rule.methods), required=required)) for rule in rules]

    def shut_out(self, municipality: str, rules: list[PolicyRule]) -> Iterator[ShutOut]:
        """Who works there and comes in somewhere now, and would not under these rules."""
        for person in self._people(municipality):
            then = replace(person, rules=_rules_then(person, municipality, rules))
            if self._loses(person, then):
                yield ShutOut(
                    person.user.username, person.user.display_name, bool(person.enrolled & self._theirs)
                )

    def put(self, work: Work, municipality: str, rules: list[PolicyRule], *, by: str, shut_out: int) -> None:
        work.rules.replace_scope(municipality, rules)
        work.audit.append(
            Event(
                type=EventType.MUNICIPALITY_RULES_CHANGED,
                actor_id=by,
                municipality=municipality,
                detail={"directory_required": self.is_required(rules), "shut_out": shut_out},
            )
        )

    def _renamed(self, methods: frozenset[str], *, required: bool) -> frozenset[str]:
        if not methods & (self._ours | self._theirs):
            return methods
        return methods - self._ours | self._theirs if required else methods | self._ours | self._theirs

    def _loses(self, now: Person, then: Person) -> bool:
        if self._ways.opens(now) and not self._ways.opens(then):
            return True
        return any(
            self._ways.leads_in(now, place) and not self._ways.leads_in(then, place)
            for place in (None, *now.employments)
        )

    def _people(self, municipality: str) -> Iterator[Person]:
        after: str | None = None
        while True:
            with self._database.read() as work:
                users = work.people.list_users(after=after, limit=_AT_ONCE)
            for user in users:
                person = self._standings.find_person(user.id)
                if person and any(post.municipality == municipality for post in person.employments):
                    yield person
            if len(users) < _AT_ONCE:
                return
            after = users[-1].username


def _with(rule: PolicyRule, methods: frozenset[str]) -> PolicyRule:
    return PolicyRule(
        id=rule.id,
        scope=rule.scope,
        methods=sorted(methods),
        minimum_level=rule.minimum_level,
        first_enrolment=rule.first_enrolment,
    )


def _rules_then(person: Person, municipality: str, rules: list[PolicyRule]) -> tuple[Rule, ...]:
    others = (rule for rule in person.rules if rule.scope != municipality)
    return (*others, *map(rule_of, rules))
