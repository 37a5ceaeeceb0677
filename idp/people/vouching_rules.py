"""Who may be vouched for, who may vouch, and which two are enough: looked at in every step, as it is then.

Nobody whose usual sign-in is stronger than two factors, nobody of several municipalities, no operator. Not
here: the steps (`vouching.py`), how often one may try (`vouching_limits.py`).
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Final

from idp.effects import Effects
from idp.login.sessions import SignedIn
from idp.login.standing import Person, Standings
from idp.login.transaction import FRESH_SECONDS, Requirements
from idp.login.ways import Ways
from idp.methods.base import Method
from idp.models.people import Employment
from idp.models.vouching import VouchingRequest
from idp.policy import OPERATOR, Level
from idp.storage.work import Work

LEADS: Final = frozenset({"administrator", "manager"})
"""Roles in a post. One of the two who vouch has one of them there."""
UNTRIED_SECONDS: Final = 30 * 24 * 3600
"""For so long who was vouched for does not vouch: one who got in must not let in the next."""


@dataclass(frozen=True, slots=True)
class Candidate:
    """Somebody who may be vouched for now, where, and how long it can be stopped there."""

    person: Person = field(repr=False)
    municipality: str
    hours: int


class VouchingRules:
    def __init__(self, methods: Mapping[str, Method], standings: Standings, effects: Effects) -> None:
        self._ways = Ways(methods, standings)
        self._standings = standings
        self._effects = effects
        self._backups = tuple(each.facts.id for each in methods.values() if each.facts.backup)

    def requirements(self) -> Requirements:
        """What whoever vouches has proved in the last ten minutes, themself and not by codes on paper.

        A remembered computer is older than any such time, and so never counts.
        """
        return Requirements(
            level=Level.MULTI_FACTOR,
            not_before=self._effects.now() - FRESH_SECONDS,
            set_aside=self._backups,
        )

    def find_candidate(self, work: Work, user_id: str) -> Candidate | None:
        person = self._standings.read_person(work, user_id)
        if person is None or OPERATOR in person.user.roles or len(person.tenants) != 1:
            return None
        (municipality,) = person.tenants
        hours = work.municipality_rules.of(municipality).vouching_hours
        is_usual = self._ways.usual_level(person) <= Level.MULTI_FACTOR
        if hours < 1 or not is_usual or not self._ways.for_recovery(person):
            return None
        return Candidate(person, municipality, hours)

    def find_candidate_of(self, work: Work, request: VouchingRequest) -> Candidate | None:
        """None also when they work elsewhere since."""
        candidate = self.find_candidate(work, request.user_id) if request.user_id else None
        return candidate if candidate and candidate.municipality == request.municipality else None

    def roles_of_voucher(self, work: Work, request: VouchingRequest, user_id: str) -> frozenset[str] | None:
        """Those that somebody who may vouch for it has there; None for everybody else."""
        person = self._standings.read_person(work, user_id)
        posts = _posts_in(person, request.municipality)
        if not posts or user_id == request.user_id:
            return None
        if work.vouchings.was_let_in(user_id, self._effects.now() - UNTRIED_SECONDS):
            return None
        return frozenset(role for post in posts for role in post.roles)

    def are_enough(self, work: Work, request: VouchingRequest, first: str, second: str) -> bool:
        roles = [self.roles_of_voucher(work, request, user_id) for user_id in (first, second)]
        if first == second or None in roles:
            return False
        return any(each is not None and not each.isdisjoint(LEADS) for each in roles)

    def has_proved_there(self, request: VouchingRequest, person: Person, signed_in: SignedIn) -> bool:
        """Enough by the rules of that very municipality, whichever post the voucher acts in."""
        proofs = person.still_proven(signed_in.proofs)
        return any(
            self._standings.decide(person, self.requirements(), proofs=proofs, acting=post).enough
            for post in _posts_in(person, request.municipality)
        )


def _posts_in(person: Person | None, municipality: str | None) -> tuple[Employment, ...]:
    posts = person.employments if person is not None else ()
    return tuple(post for post in posts if post.municipality == municipality)
