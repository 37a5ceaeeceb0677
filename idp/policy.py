"""decide(): which methods this person may use now, why not the others, and whether they have proven enough.

Pure: no clock, no storage. How proofs combine into a level is code under test, never configuration. Default
deny: a method may be used only where a national rule and a rule of every municipality one acts for permit
it. When the national floor, a municipality's floor and the application's demand differ, the strictest wins.
Not here: running a method (`methods/`), remembering proofs (`login/`).
"""

from collections.abc import Iterable
from dataclasses import dataclass
from enum import Enum, IntEnum
from typing import Final, assert_never

from idp.models.methods import Factor, MethodFacts, Proof

NATIONAL = "national"
OPERATOR = "operator"
ADMINISTRATOR: Final = "administrator"
"""The role, in a post, of who looks after a municipality's people."""
REMEMBERED: Final = MethodFacts(id="remembered_computer", factor=Factor.POSSESSION, amr=())
"""No way of signing in: a computer on which a second factor was passed before. Its proof is as old as that,
and counts where municipalities let it (`Situation.remembering`), beside something known, for no more than
two factors, and never where it matters when one signed in.
"""


class Level(IntEnum):
    """Ordered assurance; `acr` is its name in tokens (OpenID Connect Core 2, RFC 9470)."""

    NONE = 0
    ONE_FACTOR = 1
    MULTI_FACTOR = 2
    PHISHING_RESISTANT = 3

    @property
    def acr(self) -> str:
        return _ACR[self]

    @classmethod
    def from_acr(cls, acr: str) -> "Level | None":
        return next((level for level in cls if level and level.acr == acr), None)


_ACR = {
    Level.NONE: "",
    Level.ONE_FACTOR: "urn:visvaris:acr:1fa",
    Level.MULTI_FACTOR: "urn:visvaris:acr:mfa",
    Level.PHISHING_RESISTANT: "phr",
}


class Why(Enum):
    """Why a method is not offered now, most fundamental first."""

    NOT_ALLOWED_NATIONALLY = "not_allowed_nationally"
    NOT_ALLOWED_BY_MUNICIPALITY = "not_allowed_by_municipality"
    NOT_ENROLLED = "not_enrolled"
    BLOCKED = "blocked"
    NOT_ACCEPTED = "not_accepted"
    """Set up with keys of a kind that this person may not use (`attestation_policy.py`)."""
    ASKED_ELSEWHERE = "asked_elsewhere"
    """What is typed on its page is checked by somebody outside, whose word this person may use."""


@dataclass(frozen=True, slots=True)
class Rule:
    """What one scope permits and demands. `scope` is NATIONAL, OPERATOR or an ATVK code."""

    scope: str
    methods: frozenset[str]
    minimum: Level = Level.ONE_FACTOR
    first_enrolment: bool = False
    """A person without any second factor may enrol one after a single factor."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Situation:
    """All that a decision depends on.

    `blocked`: those of `enrolled` that open nothing any more. They still count as set up: what blocks a
    factor must not open the account to one factor less. `unaccepted`: likewise, where every key of it is of a
    kind that may not be used; `refused_credentials` are those, also where the method has better ones.
    `tenants`: every ATVK code the person acts for, or OPERATOR; empty means nobody permits anything.
    `not_before`: proofs older than this (Unix seconds) do not count (`max_age`, `prompt=login`).
    """

    methods: tuple[MethodFacts, ...]
    enrolled: frozenset[str]
    rules: tuple[Rule, ...]
    tenants: frozenset[str]
    proofs: tuple[Proof, ...] = ()
    demanded: Level = Level.ONE_FACTOR
    not_before: float | None = None
    blocked: frozenset[str] = frozenset()
    unaccepted: frozenset[str] = frozenset()
    refused_credentials: frozenset[str] = frozenset()
    remembering: frozenset[str] = frozenset()
    """Those of `tenants` for which the proof of a remembered computer among `proofs` holds now."""
    remembered_method: str = ""
    """By which the second factor was passed there: it must be allowed as if it were passed now."""


@dataclass(frozen=True, slots=True)
class Exclusion:
    method: str
    why: Why


@dataclass(frozen=True, slots=True, kw_only=True)
class Decision:
    """`offered` and the methods of `excluded` partition the situation's methods.

    `useful` are those of `offered` that would take the person further than the proofs that count already do.
    """

    required: Level
    reached: Level
    enough: bool
    offered: tuple[str, ...]
    useful: tuple[str, ...]
    excluded: tuple[Exclusion, ...]
    enrollable: tuple[str, ...]
    counted: tuple[Proof, ...]


def decide(situation: Situation) -> Decision:
    rules = _applicable(situation)
    required = max([situation.demanded, _own_floor(situation, rules), *(rule.minimum for rule in rules)])
    counted = _needed(
        tuple(proof for proof in situation.proofs if _counts(proof, situation, rules)), situation.methods
    )
    reached = level_of(counted, situation.methods)
    enough = reached >= required
    whys = {facts.id: _why_not(facts, situation, rules) for facts in situation.methods}
    if any(facts.with_username and facts.elsewhere and whys[facts.id] is None for facts in situation.methods):
        whys |= {each: Why.ASKED_ELSEWHERE for each in _on_the_same_page(situation) if whys[each] is None}
    offered = tuple(method for method, why in whys.items() if why is None)
    return Decision(
        required=required,
        reached=reached,
        enough=enough,
        offered=offered,
        useful=()
        if enough
        else tuple(
            facts.id
            for facts in situation.methods
            if facts.id in offered
            and _can_be_fresh(facts, situation)
            and _with(facts.id, counted, situation.methods) > reached
        ),
        excluded=tuple(Exclusion(method, why) for method, why in whys.items() if why is not None),
        enrollable=() if enough else _enrollable(situation, rules, counted, reached),
        counted=counted,
    )


def level_of(proofs: Iterable[Proof], methods: Iterable[MethodFacts]) -> Level:
    """How proofs combine: known and had make two factors; a phishing-resistant key is its own level.

    A key that somebody merely touched is that level only together with something known.
    """
    passed = _passed(proofs, methods)
    factors = _factors(passed)
    if any(
        facts.phishing_resistant and (_verified(facts, proof) or Factor.KNOWLEDGE in factors)
        for facts, proof in passed
    ):
        return Level.PHISHING_RESISTANT
    if {Factor.KNOWLEDGE, Factor.POSSESSION} <= factors:
        return Level.MULTI_FACTOR
    return Level.ONE_FACTOR if passed else Level.NONE


def amr_of(proofs: Iterable[Proof], methods: Iterable[MethodFacts]) -> tuple[str, ...]:
    """RFC 8176 values of the proofs, with `mfa` where two kinds of factor stand together.

    They do in a key that opens only to a PIN, a face or a fingerprint. A remembered computer is not told:
    no second factor was used.
    """
    passed = [(facts, proof) for facts, proof in _passed(proofs, methods) if facts is not REMEMBERED]
    values = dict.fromkeys(value for facts, _ in passed for value in facts.amr)
    verified = any(facts.phishing_resistant and _verified(facts, proof) for facts, proof in passed)
    if verified or len(_factors(passed)) > 1:
        values["mfa"] = None
    return tuple(values)


def _passed(proofs: Iterable[Proof], methods: Iterable[MethodFacts]) -> list[tuple[MethodFacts, Proof]]:
    known = {facts.id: facts for facts in (*methods, REMEMBERED)}
    return [(known[proof.method], proof) for proof in proofs if proof.method in known]


def _factors(passed: Iterable[tuple[MethodFacts, Proof]]) -> frozenset[Factor]:
    """What was vouched for elsewhere is something known, unless two factors were, by somebody believed."""
    found: set[Factor] = set()
    for facts, proof in passed:
        match facts.factor:
            case Factor.UPSTREAM if proof.multi_factor:
                found |= {Factor.KNOWLEDGE, Factor.POSSESSION}
            case Factor.UPSTREAM:
                found.add(Factor.KNOWLEDGE)
            case Factor.KNOWLEDGE | Factor.POSSESSION:
                found.add(facts.factor)
            case _:
                assert_never(facts.factor)
    return frozenset(found)


def _verified(facts: MethodFacts, proof: Proof) -> bool:
    return proof.user_verified or not facts.touch_is_enough


def _applicable(situation: Situation) -> tuple[Rule, ...]:
    scopes = {NATIONAL, *situation.tenants}
    return tuple(rule for rule in situation.rules if rule.scope in scopes)


def _own_floor(situation: Situation, rules: tuple[Rule, ...]) -> Level:
    """Who has set up a second factor is asked for it: a stolen password alone must not open their account."""
    usual = tuple(
        Proof(facts.id, 0.0)
        for facts in situation.methods
        if facts.id in situation.enrolled
        and not facts.backup
        and _refusal(facts.id, situation, rules) is None
    )
    return max(Level.ONE_FACTOR, min(level_of(usual, situation.methods), Level.MULTI_FACTOR))


def _permitted_by(rules: Iterable[Rule], scope: str, method: str) -> bool:
    return any(rule.scope == scope and method in rule.methods for rule in rules)


def _refusal(method: str, situation: Situation, rules: tuple[Rule, ...]) -> Why | None:
    if not _permitted_by(rules, NATIONAL, method):
        return Why.NOT_ALLOWED_NATIONALLY
    if not situation.tenants or not all(_permitted_by(rules, tenant, method) for tenant in situation.tenants):
        return Why.NOT_ALLOWED_BY_MUNICIPALITY
    return None


def _needed(proofs: tuple[Proof, ...], methods: tuple[MethodFacts, ...]) -> tuple[Proof, ...]:
    """Without a remembered computer that adds nothing to what was proved itself, or that stands alone.

    Nor does it beside what passes with nobody there: both would be the computer itself.
    """
    others = tuple(proof for proof in proofs if proof.method != REMEMBERED.id)
    if len(others) == len(proofs):
        return proofs
    unattended = {facts.id for facts in methods if facts.unattended}
    by_somebody = tuple(proof for proof in proofs if proof.method not in unattended)
    is_beside = any(proof.method != REMEMBERED.id for proof in by_somebody)
    return proofs if is_beside and level_of(by_somebody, methods) > level_of(others, methods) else others


def _counts(proof: Proof, situation: Situation, rules: tuple[Rule, ...]) -> bool:
    if proof.method == REMEMBERED.id:
        is_remembered = frozenset() < situation.tenants <= situation.remembering
        is_allowed = _refusal(situation.remembered_method, situation, rules) is None
        return situation.not_before is None and is_remembered and is_allowed
    fresh = situation.not_before is None or proof.at >= situation.not_before
    attended = all(_can_be_fresh(facts, situation) for facts in situation.methods if facts.id == proof.method)
    accepted = (
        proof.credential_id not in situation.refused_credentials and proof.method not in situation.unaccepted
    )
    return fresh and attended and accepted and _refusal(proof.method, situation, rules) is None


def _can_be_fresh(facts: MethodFacts, situation: Situation) -> bool:
    """Where it matters when somebody proved who they are, it takes somebody to be there."""
    return situation.not_before is None or not facts.unattended


def _why_not(facts: MethodFacts, situation: Situation, rules: tuple[Rule, ...]) -> Why | None:
    if refusal := _refusal(facts.id, situation, rules):
        return refusal
    if facts.id not in situation.enrolled:
        return Why.NOT_ENROLLED
    if facts.id in situation.blocked:
        return Why.BLOCKED
    return Why.NOT_ACCEPTED if facts.id in situation.unaccepted else None


def _on_the_same_page(situation: Situation) -> list[str]:
    """Ways that a directory's password goes before."""
    return [facts.id for facts in situation.methods if facts.with_username and not facts.elsewhere]


def _with(method: str, counted: tuple[Proof, ...], methods: tuple[MethodFacts, ...]) -> Level:
    """At best: who vouches elsewhere may or may not ask for two factors, which trying tells, once."""
    was_tried = any(proof.method == method for proof in counted)
    at_best = not was_tried and any(
        facts.id == method and facts.factor is Factor.UPSTREAM for facts in methods
    )
    return level_of((*counted, Proof(method, 0.0, multi_factor=at_best)), methods)


def _enrollable(
    situation: Situation, rules: tuple[Rule, ...], counted: tuple[Proof, ...], reached: Level
) -> tuple[str, ...]:
    """What may be set up right now to get further: only by one who has no second factor to prove instead."""
    if reached == Level.NONE or not all(
        any(rule.first_enrolment for rule in rules if rule.scope == tenant) for tenant in situation.tenants
    ):
        return ()
    if any(
        facts.id in situation.enrolled and facts.factor is Factor.POSSESSION for facts in situation.methods
    ):
        return ()
    return tuple(
        facts.id
        for facts in situation.methods
        if facts.enrollable
        and facts.id not in situation.enrolled
        and _refusal(facts.id, situation, rules) is None
        and _with(facts.id, counted, situation.methods) > reached
    )
