"""Which ways of signing in lead in: those a person has, those left without one, those a ticket may add.

A person is looked at in every place: in each post, whose municipality's rules hold there, and with no post
chosen, where the rules of all of them hold at once. Reads nothing; the rules came with the person.
Not here: the rules themselves (`policy.py`), setting up and removing (`enrolment.py`).
"""

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import replace

from idp.effects import Instant
from idp.login.standing import Person, Standings
from idp.login.transaction import Requirements
from idp.methods.base import Discovering, Method
from idp.models.methods import Factor
from idp.models.people import Employment
from idp.policy import Level


class Ways:
    def __init__(self, methods: Mapping[str, Method], standings: Standings) -> None:
        facts = [method.facts for method in methods.values()]
        self._methods = methods
        self._standings = standings
        self._leaning = frozenset(each.id for each in facts if each.backup or each.companion)
        self._strong = tuple(each.id for each in facts if each.enrollable)
        self._known = tuple(
            each.id for each in facts if each.factor is Factor.KNOWLEDGE and not each.unattended
        )
        self._elsewhere = frozenset(each.id for each in facts if each.elsewhere)
        self._doors = frozenset(
            method.facts.id
            for method in methods.values()
            if method.facts.with_username or isinstance(method, Discovering)
        )
        """Those that say who it is. With none of them nobody gets as far as being asked for the others."""

    def to_prove(self, person: Person, *, since: Instant) -> Requirements:
        """All that this person can prove, wherever they can prove most of it, and since when.

        What was proved before a key of theirs was blocked may have been proved with its copy.
        """
        blocked = [each.blocked_at for each in person.subject.credentials if each.blocked_at is not None]
        since = max([since, *blocked])
        everywhere = self._standings.reachable(person).reached
        levels = [(post, self._standings.reachable(person, post).reached) for post in person.employments]
        highest = max([everywhere, *(level for _, level in levels)])
        if everywhere == highest:
            return Requirements(level=highest, not_before=since)
        best = {post.municipality for post, level in levels if level == highest}
        return Requirements(
            level=highest, not_before=since, municipalities=tuple(sorted(best)), needs_employment=True
        )

    def leads_in(self, person: Person, place: Employment | None = None) -> bool:
        """Whether what opens something is enough there; codes on paper and blocked keys are no way in."""
        lasting = replace(person, enrolled=person.enrolled - self._leaning)
        decision = self._standings.reachable(lasting, place)
        return decision.enough and not self._doors.isdisjoint(decision.offered)

    def opens(self, person: Person) -> bool:
        """Whether what is set up lets the person in somewhere, or as far as to setting up a second factor."""
        known = person.usable.intersection(self._known)
        return any(
            self.leads_in(person, place) or any(self._is_a_beginning(person, each, place) for each in known)
            for place in _places(person)
        )

    def may_lose(self, person: Person, without: Person) -> bool:
        """In no place is the person shut out by it: they still come in, or it made no difference there."""
        return all(
            self.leads_in(without, place)
            or self._standings.reachable(person, place).offered
            == self._standings.reachable(without, place).offered
            for place in _places(person)
        )

    def without(self, person: Person, method_id: str, credential_id: str | None) -> Person:
        """As they would be without that credential or any of the method, and without backups of nothing."""
        kept = [
            each
            for each in person.subject.credentials
            if each.method != method_id or credential_id not in {None, each.id}
        ]
        subject = replace(person.subject, credentials=kept)
        enrolled = person.enrolled
        if not self._methods[method_id].is_enrolled(subject):
            enrolled -= {method_id}
        if not self.has_strong(enrolled):
            enrolled -= self._leaning
        return replace(person, subject=subject, enrolled=enrolled)

    def has_strong(self, enrolled: frozenset[str]) -> bool:
        """Something that recovery codes stand in for."""
        return not enrolled.isdisjoint(self._strong)

    def for_ticket(self, person: Person) -> tuple[str, ...]:
        """What a ticket may set up: alone, or with the password there is, it must be enough to come in.

        Whatever else is set up may be lost. A first password only where nothing stronger would do without.
        """
        known = person.usable.intersection(self._known)
        places = tuple(_places(person))
        strong = tuple(
            method
            for method in self._strong
            if any(self._is_enough(person, method, known, place) for place in places)
        )
        if strong or known:
            return strong
        return tuple(
            method
            for method in self._known
            if method not in self._elsewhere
            and any(self._is_a_beginning(person, method, place) for place in places)
        )

    def for_recovery(self, person: Person) -> tuple[str, ...]:
        """What whoever proved anew who they are may set up: what a ticket may, and, in place of one that was
        forgotten, a password, where there is something else to come in with it.
        """
        offered = self.for_ticket(person)
        forgotten = tuple(
            method
            for method in self._known
            if method in person.enrolled and any(self.leads_in(person, place) for place in _places(person))
        )
        return (*offered, *(method for method in forgotten if method not in offered))

    def usual_level(self, person: Person) -> Level:
        """The most that is asked of this person anywhere they work."""
        return max(self._standings.reachable(person, place).required for place in _places(person))

    def is_known(self, method_id: str) -> bool:
        return method_id in self._known

    def _is_enough(
        self, person: Person, method: str, known: frozenset[str], place: Employment | None
    ) -> bool:
        having = _with_only(person, {method} | known)
        return method in self._standings.reachable(having, place).offered and self.leads_in(having, place)

    def _is_a_beginning(self, person: Person, method: str, place: Employment | None) -> bool:
        """With it the person comes in, or as far as to setting up a second factor."""
        having = replace(person, enrolled=person.enrolled | {method})
        if self.leads_in(having, place):
            return True
        decision = self._standings.reachable(_with_only(person, {method}), place)
        if method not in decision.offered or self.has_strong(having.enrolled):
            return False
        return any(
            self._is_enough(person, second, frozenset({method}), place) for second in decision.enrollable
        )


def _places(person: Person) -> Iterator[Employment | None]:
    yield None
    yield from person.employments


def _with_only(person: Person, methods: Iterable[str]) -> Person:
    """As if these were set up and nothing were blocked or lost."""
    return replace(person, subject=replace(person.subject, credentials=()), enrolled=frozenset(methods))
