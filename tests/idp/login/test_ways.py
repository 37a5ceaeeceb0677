"""Which ways lead in, by the rules alone: with methods that do nothing, in every place a person works."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import pytest

from idp.effects import Effects
from idp.login.standing import Person, Standings
from idp.login.ways import Ways
from idp.methods.base import Subject
from idp.models.methods import Factor, MethodFacts
from idp.models.people import Credential, Employment, User
from idp.policy import NATIONAL, Level, Rule

NOW = 1_000.0
A, B = "0001000", "0031000"
EVERY = frozenset({"known", "key", "code", "paper"})
ANNA = User(id="anna", username="anna", created_at=0, updated_at=0)


@dataclass
class Way:
    facts: MethodFacts

    def is_enrolled(self, subject: Subject) -> bool:
        return bool(subject.of(self.facts.id))


class Discovered(Way):
    """One whose answer says who gives it."""

    label = description = ""

    def __getattr__(self, name: str) -> Any:
        if name in {"begin", "verify", "begin_enrolment", "enrol", "begin_for_anybody", "claimed_user"}:
            return lambda: None
        raise AttributeError(name)


METHODS: dict[str, Any] = {
    "key": Discovered(
        MethodFacts(
            id="key",
            factor=Factor.POSSESSION,
            amr=(),
            phishing_resistant=True,
            enrollable=True,
            several=True,
        )
    ),
    "known": Way(MethodFacts(id="known", factor=Factor.KNOWLEDGE, amr=(), with_username=True)),
    "code": Way(MethodFacts(id="code", factor=Factor.POSSESSION, amr=(), enrollable=True)),
    "paper": Way(MethodFacts(id="paper", factor=Factor.POSSESSION, amr=(), backup=True)),
}


@pytest.fixture
def ways() -> Ways:
    standings = Standings(None, METHODS, Effects(now=lambda: NOW))  # type: ignore[arg-type]
    return Ways(METHODS, standings)


def rule(scope: str, methods: frozenset[str] = EVERY, minimum: Level = Level.ONE_FACTOR) -> Rule:
    return Rule(scope, methods, minimum, first_enrolment=True)


def person(
    *set_up: str, posts: Sequence[str] = (A,), rules: Sequence[Rule] = (), blocked: str = ""
) -> Person:
    """`set_up`: methods, or `method/id` where there are several."""
    credentials = [
        Credential(
            id=each,
            user_id="anna",
            method=each.partition("/")[0],
            secret="",
            created_at=0,
            blocked_at=NOW - 5 if each == blocked else None,
        )
        for each in set_up
    ]
    return Person(
        user=ANNA,
        subject=Subject(ANNA, credentials),
        employments=tuple(Employment(id=atvk, user_id="anna", municipality=atvk) for atvk in posts),
        rules=tuple(rules) or (rule(NATIONAL), *(rule(atvk) for atvk in posts)),
        enrolled=frozenset(each.partition("/")[0] for each in set_up),
    )


TWO_FACTORS = (rule(NATIONAL), rule(A, minimum=Level.MULTI_FACTOR))
PHR = (rule(NATIONAL), rule(A, minimum=Level.PHISHING_RESISTANT))


@pytest.mark.parametrize(
    ("who", "expected"),
    [
        (person(), False),
        (person("known"), True),
        (person("key"), True),
        (person("code"), False),
        (person("known", "code", rules=TWO_FACTORS), True),
        (person("known", rules=TWO_FACTORS), False),
        (person("known", "paper", rules=TWO_FACTORS), False),
        (person("key", rules=PHR), True),
        (person("known", "code", rules=PHR), False),
        (person("key", blocked="key"), False),
        (person("known", "key", blocked="key"), False),
        (person("known", rules=(rule(NATIONAL),)), False),
        (person("known", posts=()), False),
    ],
)
def test_what_leads_in(ways: Ways, who: Person, expected: bool) -> None:
    """attack 35"""
    assert ways.leads_in(who) == expected


@pytest.mark.parametrize(
    ("who", "lost", "expected"),
    [
        (person("known", "code"), "code", True),
        (person("known", "code", rules=TWO_FACTORS), "code", False),
        (person("known", "code", "key", rules=TWO_FACTORS), "code", True),
        (person("known", "code", "key", rules=PHR), "code", True),
        (person("known", "code", "key", rules=PHR), "key", False),
        (person("code", "key"), "key", False),
        (person("key/1", "key/2"), "key/1", True),
        (person("key/1", "key/2", blocked="key/2"), "key/1", False),
        (person("key/1", "key/2", blocked="key/2"), "key/2", True),
        (person("known", "key", "paper", rules=TWO_FACTORS, blocked="key"), "key", False),
        (person("known", "key", "paper", blocked="key"), "key", True),
    ],
)
def test_what_may_go(ways: Ways, who: Person, lost: str, expected: bool) -> None:
    """attack 35"""
    method, _, several = lost.partition("/")
    assert ways.may_lose(who, ways.without(who, method, lost if several else None)) == expected


def test_what_one_post_needs_stays_though_another_does_without(ways: Ways) -> None:
    """attack 35, attack 40"""
    rules = (rule(NATIONAL), rule(A), rule(B, frozenset({"known", "code"}), Level.MULTI_FACTOR))
    who = person("known", "code", "key", posts=(A, B), rules=rules)
    assert not ways.may_lose(who, ways.without(who, "code", None))
    assert ways.may_lose(who, ways.without(who, "key", None))


def test_all_that_can_be_proved_anywhere_is_to_be_proved(ways: Ways) -> None:
    """attack 33"""
    rules = (rule(NATIONAL), rule(A), rule(B, frozenset({"known"})))
    wanted = ways.to_prove(person("known", "code", posts=(A, B), rules=rules), since=NOW - 600)
    assert (wanted.level, wanted.municipalities) == (Level.MULTI_FACTOR, (A,))
    assert wanted.needs_employment
    assert wanted.not_before == NOW - 600
    alike = ways.to_prove(person("known", "code", posts=(A, B)), since=NOW - 600)
    assert (alike.level, alike.municipalities, alike.needs_employment) == (Level.MULTI_FACTOR, (), False)


def test_nothing_from_before_a_key_was_blocked_is_proof(ways: Ways) -> None:
    """attack 33"""
    assert ways.to_prove(person("known", "key", blocked="key"), since=NOW - 600).not_before == NOW - 5


@pytest.mark.parametrize(
    ("who", "expected"),
    [
        (person(), ("key",)),
        (person("known"), ("key", "code")),
        (person("known", "code", rules=TWO_FACTORS), ("key", "code")),
        (person("known", rules=PHR), ("key",)),
        (person("code"), ("key",)),
        (person(rules=(rule(NATIONAL), rule(A, EVERY - {"key"}, Level.MULTI_FACTOR))), ("known",)),
        (person("known", rules=(rule(NATIONAL), rule(A, frozenset({"known"})))), ()),
        (person(rules=(rule(NATIONAL), rule(A, EVERY - {"key"}, Level.PHISHING_RESISTANT))), ()),
        (person(rules=(rule(NATIONAL),)), ()),
        (person(posts=()), ()),
    ],
)
def test_what_a_letter_may_set_up(ways: Ways, who: Person, expected: tuple[str, ...]) -> None:
    assert ways.for_ticket(who) == expected


@pytest.mark.parametrize(
    ("who", "expected"),
    [
        (person(), False),
        (person("known", rules=TWO_FACTORS), True),
        (person("code", rules=TWO_FACTORS), False),
        (person("known", rules=PHR), True),
        (person("known", "code", rules=PHR), False),
    ],
)
def test_who_gets_somewhere(ways: Ways, who: Person, expected: bool) -> None:
    """Also only as far as to setting up a second factor."""
    assert ways.opens(who) == expected
