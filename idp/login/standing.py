"""What is known of a person now, held against what is required: enough, not enough, or not allowed at all.

The decision about methods is `policy.decide`; here it gets its facts, and the person's posts are matched.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Final, TypeAlias

from idp.attestation_policy import applicable
from idp.effects import Effects, Instant
from idp.errors import Reason
from idp.login.accepted_keys import demand_of, refused_keys
from idp.login.sessions import SignedIn
from idp.login.transaction import Requirements
from idp.methods.base import Method, Subject
from idp.models.computers import RememberedComputer
from idp.models.methods import Factor, MethodFacts, Proof
from idp.models.people import Employment, PolicyRule, User
from idp.models.upstreams import Words
from idp.policy import (
    NATIONAL,
    OPERATOR,
    REMEMBERED,
    Decision,
    Level,
    Rule,
    Situation,
    amr_of,
    decide,
    level_of,
)
from idp.storage.database import Database
from idp.storage.work import Work

_NO_LIMIT: Final = Requirements()
_DAY: Final = 86400


class Missing(StrEnum):
    NO_SESSION = "no_session"
    LEVEL = "level"
    TOO_OLD = "too_old"
    ACCOUNT_SELECTION = "account_selection"
    EMPLOYMENT = "employment"
    OTHER_USER = "other_user"


@dataclass(frozen=True, slots=True)
class Person:
    """A user with all that decisions about them need, read at one moment."""

    user: User
    subject: Subject
    employments: tuple[Employment, ...]
    rules: tuple[Rule, ...]
    enrolled: frozenset[str]
    refused_keys: Mapping[str, Reason] = field(default_factory=dict)
    """Credentials that are in order and of a kind this person may not use, and why."""
    words: Words = field(default_factory=Words)
    """What credentials on the word of somebody else are worth now."""
    remember_days: Mapping[str, int] = field(default_factory=dict)
    """For how long each municipality lets computers be remembered; one that does not is not there."""

    @property
    def unaccepted(self) -> frozenset[str]:
        """What is set up and opens nothing, for no credential of it is of a kind that may be used."""
        if not self.refused_keys:
            return frozenset()
        refused = {each.method for each in self.subject.credentials if each.id in self.refused_keys}
        working = {
            each.method
            for each in self.subject.credentials
            if each.blocked_at is None and each.id not in self.refused_keys
        }
        return self.enrolled & (refused - working)

    @property
    def blocked(self) -> frozenset[str]:
        """What is set up and opens nothing any more, for every credential of it is blocked."""
        blocked = {each.method for each in self.subject.credentials if each.blocked_at is not None}
        working = {each.method for each in self.subject.credentials if each.blocked_at is None}
        return self.enrolled & (blocked - working)

    @property
    def usable(self) -> frozenset[str]:
        return self.enrolled - self.blocked - self.unaccepted

    def still_proven(self, proofs: Iterable[Proof]) -> tuple[Proof, ...]:
        """Those whose credential is still there; one that does not say which is worth what its method is.

        A remembered computer is no credential: `Standings.decide` looks at each.
        """
        there = {each.id for each in self.subject.credentials}
        methods = self.enrolled | {each.method for each in self.subject.credentials}
        return tuple(
            proof
            for proof in proofs
            if proof.method == REMEMBERED.id
            or (proof.method in methods if proof.credential_id is None else proof.credential_id in there)
        )

    @property
    def tenants(self) -> frozenset[str]:
        """Every municipality the person works for; the system as a whole for an operator with no post."""
        posts = frozenset(post.municipality for post in self.employments)
        return posts or frozenset(_operator(self.user))

    def vouched_for_elsewhere(self, tenants: frozenset[str]) -> frozenset[str]:
        """Credentials on the word of another municipality than the one the person acts for, or than all."""
        return frozenset(
            each.id
            for each in self.subject.credentials
            if each.vouched_by is not None and not tenants <= {each.vouched_by}
        )

    @property
    def withdrawn(self) -> frozenset[str]:
        """Credentials on somebody's word who has taken it back: what was proved by them counts no more."""
        return frozenset(
            each.id
            for each in self.subject.credentials
            if each.vouched_by is not None and each.blocked_at is not None
        )

    def only_among(self, refused: frozenset[str]) -> frozenset[str]:
        """What is set up with nothing but these."""
        if not refused:
            return frozenset()
        others = {each.method for each in self.subject.credentials if each.id not in refused}
        return (
            self.enrolled & {each.method for each in self.subject.credentials if each.id in refused} - others
        )

    def days_to_remember(self, acting: Employment | None) -> int:
        """The least of those for whom the person acts; never for who runs the system."""
        if OPERATOR in self.user.roles:
            return 0
        return min((self.remember_days.get(tenant, 0) for tenant in _tenants(self, acting)), default=0)

    def remembering(self, computer: RememberedComputer, now: Instant) -> frozenset[str]:
        """The municipalities for which this computer is remembered now, by their rules of now."""
        if OPERATOR in self.user.roles or computer.user_id != self.user.id or now < computer.made_at:
            return frozenset()
        if computer.credential_id in self.refused_keys:
            return frozenset()
        return frozenset(tenant for tenant, days in self.remember_days.items() if now < _end(computer, days))

    def is_remembered(self, computer: RememberedComputer, acting: Employment | None, now: Instant) -> bool:
        """For all for whom the person acts."""
        return frozenset() < _tenants(self, acting) <= self.remembering(computer, now)

    def remembered_until(self, computer: RememberedComputer, now: Instant) -> Instant | None:
        """The longest that any of the person's municipalities lets it; None where it counts for none."""
        counting = self.remembering(computer, now)
        return max((_end(computer, self.remember_days[tenant]) for tenant in counting), default=None)


@dataclass(frozen=True, slots=True, kw_only=True)
class Satisfied:
    """`auth_time` is that of the oldest proof counted: everything told was proved then or later."""

    signed_in: SignedIn
    person: Person = field(repr=False)
    level: Level
    acr: str
    amr: tuple[str, ...]
    auth_time: Instant
    employment: Employment | None
    municipality: str | None


@dataclass(frozen=True, slots=True)
class NeedsSignIn:
    reason: Missing


@dataclass(frozen=True, slots=True)
class NotAllowed:
    reason: Reason


Standing: TypeAlias = Satisfied | NeedsSignIn | NotAllowed


@dataclass(frozen=True, slots=True)
class Posts:
    """`fitting`: the posts the requirements accept; `acting`: the one the person acts in, when that is
    clear.
    """

    fitting: tuple[Employment, ...] = ()
    acting: Employment | None = None
    refused: Reason | None = None


class Standings:
    def __init__(self, database: Database, methods: Mapping[str, Method], effects: Effects) -> None:
        self._database = database
        self._methods = methods
        self._facts: tuple[MethodFacts, ...] = tuple(method.facts for method in methods.values())
        self._effects = effects
        self._on_a_word = frozenset(facts.id for facts in self._facts if facts.factor is Factor.UPSTREAM)

    @property
    def highest(self) -> Level:
        """What a person who has set up every method there is could reach."""
        return level_of((Proof(facts.id, 0.0) for facts in self._facts), self._facts)

    def find_person(self, user_id: str) -> Person | None:
        with self._database.read() as work:
            return self.read_person(work, user_id)

    def read_person(self, work: Work, user_id: str) -> Person | None:
        """None for a user who is gone or blocked."""
        user = work.people.find_user(user_id)
        if user is None or not user.is_active:
            return None
        credentials = work.people.credentials_of(user_id)
        employments = tuple(work.people.employments_of(user_id, now=self._effects.now()))
        roles = _roles_by_scope(user, employments)
        rules, demands, remember_days = work.rules.rules_and_demands_for(roles)
        subject = Subject(user, credentials, applicable(map(demand_of, demands), roles))
        return Person(
            user=user,
            subject=subject,
            employments=employments,
            rules=tuple(map(rule_of, rules)),
            enrolled=frozenset(
                method.facts.id for method in self._methods.values() if method.is_enrolled(subject)
            ),
            refused_keys=refused_keys(work, subject),
            words=self._words(work, subject),
            remember_days=remember_days,
        )

    def decide(
        self,
        person: Person,
        requirements: Requirements,
        *,
        proofs: Iterable[Proof],
        acting: Employment | None,
    ) -> Decision:
        """What is set aside still counts as set up: leaving it out must not ask for less."""
        set_aside = self._with_sharing(frozenset(requirements.set_aside))
        proofs = tuple(map(person.words.worth, (each for each in proofs if each.method not in set_aside)))
        computer = self._computer_of(proofs)
        if computer is not None and computer.method in set_aside:
            computer = None
        tenants = _tenants(person, acting)
        foreign = person.vouched_for_elsewhere(tenants) | person.words.silenced
        return decide(
            Situation(
                methods=self._facts,
                enrolled=person.enrolled,
                blocked=self._with_sharing(person.blocked) | (person.enrolled & set_aside),
                unaccepted=self._with_sharing(person.unaccepted | person.only_among(foreign)),
                refused_credentials=frozenset(person.refused_keys) | foreign | person.withdrawn,
                rules=person.rules,
                tenants=tenants,
                proofs=proofs,
                remembering=person.remembering(computer, self._effects.now()) if computer else frozenset(),
                remembered_method=computer.method if computer else "",
                demanded=requirements.level,
                not_before=requirements.not_before,
            )
        )

    def _with_sharing(self, methods: frozenset[str]) -> frozenset[str]:
        """Also those that have no credentials but those of one of these."""
        if not methods:
            return methods
        return methods | {facts.id for facts in self._facts if facts.credential_of in methods}

    def reachable(self, person: Person, acting: Employment | None = None) -> Decision:
        """What the person would have with every way to sign in they set up just used."""
        now = self._effects.now()
        useless = self._with_sharing(person.blocked | person.unaccepted)
        proofs = [Proof(method, now) for method in person.usable - useless]
        return self.decide(person, _NO_LIMIT, proofs=proofs, acting=acting)

    def is_allowed_nationally(self, method_id: str) -> bool:
        """Whether anybody at all may use it; all that can be said before it is known who asks."""
        with self._database.read() as work:
            return any(method_id in rule.methods for rule in work.rules.rules_for({NATIONAL}))

    def of(self, signed_in: SignedIn | None, requirements: Requirements) -> Standing:
        if signed_in is None:
            return NeedsSignIn(Missing.NO_SESSION)
        if requirements.expected_user not in {None, signed_in.user_id}:
            return NeedsSignIn(Missing.OTHER_USER)
        if requirements.select_account:
            return NeedsSignIn(Missing.ACCOUNT_SELECTION)
        person = self.find_person(signed_in.user_id)
        if person is None:
            return NeedsSignIn(Missing.NO_SESSION)
        posts = match_posts(person, requirements, chosen=signed_in.employment_id)
        if posts.refused is not None:
            return NotAllowed(posts.refused)
        if requirements.needs_employment and posts.acting is None:
            return NeedsSignIn(Missing.EMPLOYMENT)
        proofs = person.still_proven(signed_in.proofs)
        decision = self.decide(person, requirements, proofs=proofs, acting=posts.acting)
        if not decision.enough:
            return NeedsSignIn(self._why_not(person, requirements, signed_in, posts.acting))
        return Satisfied(
            signed_in=signed_in,
            person=person,
            level=decision.reached,
            acr=decision.reached.acr,
            amr=amr_of(decision.counted, self._facts),
            auth_time=min(proof.at for proof in decision.counted),
            employment=posts.acting,
            municipality=posts.acting.municipality if posts.acting else None,
        )

    def _words(self, work: Work, subject: Subject) -> Words:
        """Reads nothing for people who stand on nobody's word."""
        if self._on_a_word.isdisjoint(each.method for each in subject.credentials):
            return Words()
        return work.upstreams.words_of(subject.user.id)

    def _computer_of(self, proofs: tuple[Proof, ...]) -> RememberedComputer | None:
        """As it is now; None when it was forgotten. Reads nothing where no proof is that of one."""
        told = next((proof for proof in proofs if proof.method == REMEMBERED.id), None)
        if told is None:
            return None
        with self._database.read() as work:
            return work.computers.find(told.credential_id or "")

    def _why_not(
        self, person: Person, requirements: Requirements, signed_in: SignedIn, acting: Employment | None
    ) -> Missing:
        whenever = Requirements(level=requirements.level, set_aside=requirements.set_aside)
        proofs = person.still_proven(signed_in.proofs)
        decision = self.decide(person, whenever, proofs=proofs, acting=acting)
        return Missing.TOO_OLD if decision.enough else Missing.LEVEL


def match_posts(person: Person, requirements: Requirements, *, chosen: str | None) -> Posts:
    """One fitting post is taken silently; among several the person's earlier choice holds, if it fits."""
    fitting = tuple(post for post in person.employments if _fits(post, person.user, requirements))
    if not fitting and (refused := _refusal(person, requirements)):
        return Posts(refused=refused)
    earlier = next((post for post in fitting if post.id == chosen), None)
    only = fitting[0] if len(fitting) == 1 else None
    return Posts(fitting, earlier or only)


def _fits(post: Employment, user: User, requirements: Requirements) -> bool:
    in_municipality = not requirements.municipalities or post.municipality in requirements.municipalities
    return in_municipality and _has_role((*post.roles, *user.roles), requirements)


def _has_role(roles: Sequence[str], requirements: Requirements) -> bool:
    return not requirements.roles or not set(roles).isdisjoint(requirements.roles)


def _refusal(person: Person, requirements: Requirements) -> Reason | None:
    """Why nobody without a fitting post may go on; None when no post is called for."""
    if requirements.needs_employment and not person.employments:
        return Reason.NO_EMPLOYMENT
    if requirements.needs_employment or requirements.municipalities:
        return Reason.CLIENT_NOT_ALLOWED
    return None if _has_role(person.user.roles, requirements) else Reason.CLIENT_NOT_ALLOWED


def _tenants(person: Person, acting: Employment | None) -> frozenset[str]:
    return person.tenants if acting is None else frozenset({acting.municipality})


def _end(computer: RememberedComputer, days: int) -> Instant:
    """A shorter rule counts from when it was made; a longer one gives it nothing."""
    return min(computer.expires_at, computer.made_at + days * _DAY)


def rule_of(row: PolicyRule) -> Rule:
    return Rule(row.scope, frozenset(row.methods), Level(row.minimum_level), row.first_enrolment)


def _roles_by_scope(user: User, employments: Iterable[Employment]) -> dict[str, frozenset[str]]:
    """Every scope whose rules hold for this person, with the roles they have there."""
    everywhere = frozenset(user.roles)
    found = dict.fromkeys((NATIONAL, *_operator(user)), everywhere)
    for post in employments:
        roles = everywhere | frozenset(post.roles)
        found[post.municipality] = found.get(post.municipality, frozenset()) | roles
        found[NATIONAL] |= roles
    return found


def _operator(user: User) -> tuple[str, ...]:
    return (OPERATOR,) if OPERATOR in user.roles else ()
