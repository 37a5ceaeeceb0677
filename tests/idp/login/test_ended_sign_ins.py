"""Sign-ins ended by somebody who was not at their browser, and ways to sign in that are set aside."""

from collections.abc import Iterator
from dataclasses import replace

import pytest

from idp.crypto import token_hash
from idp.errors import Reason
from idp.login.limits import REFUSAL_PAUSE_SECONDS, Limits, Wait
from idp.login.sessions import Visitor
from idp.login.transaction import (
    LIFETIME_SECONDS,
    Application,
    Ended,
    Requirements,
    Transaction,
    Transactions,
)
from idp.models.methods import Factor, MethodFacts, Proof
from idp.storage import migrate
from tests.support.at_once import at_once
from tests.support.builders import World

BROWSER = "b" * 43
ASKED = MethodFacts(id="asked", factor=Factor.POSSESSION, amr=("mca",))


@pytest.fixture
def world(sqlite_url: str) -> Iterator[World]:
    migrate.upgrade(sqlite_url)
    with World(sqlite_url) as made:
        yield made


@pytest.fixture
def transactions(world: World) -> Transactions:
    return Transactions(world.storage.shelf, world.vault, world.effects)


@pytest.fixture
def limits(world: World) -> Limits:
    return Limits(world.storage.throttle, world.storage.shelf, world.effects)


@pytest.fixture
def begun(world: World, transactions: Transactions) -> Transaction:
    transaction = Transaction(
        id=world.effects.new_id(),
        browser=token_hash(BROWSER),
        requirements=Requirements(set_aside=("asked",)),
        return_to="/authorize/abc",
        expires_at=world.clock() + LIFETIME_SECONDS,
        application=Application(name="Līgumi"),
        user_id="anna",
        proofs=(Proof("password", world.clock()),),
    )
    transactions.begin(transaction)
    return transaction


def test_what_is_set_aside_is_kept_with_the_sign_in(begun: Transaction, transactions: Transactions) -> None:
    assert transactions.find(begun.id, browser=BROWSER) == begun


def test_an_ended_one_is_gone_and_says_why_to_its_browser(
    begun: Transaction, transactions: Transactions
) -> None:
    assert transactions.end(begun.id, Reason.REFUSED_ELSEWHERE)
    assert transactions.find(begun.id, browser=BROWSER) is None
    ended = transactions.find_ended(begun.id, browser=BROWSER)
    assert ended == Ended(Reason.REFUSED_ELSEWHERE, "/authorize/abc", "Līgumi")
    assert transactions.find_ended(begun.id, browser="c" * 43) is None
    assert not transactions.take(begun), "nobody finishes it"


def test_an_ended_one_leads_nowhere_as_a_finished_one_would(
    begun: Transaction, transactions: Transactions
) -> None:
    transactions.end(begun.id, Reason.WRONG_NUMBER)
    assert transactions.find_finished(begun.id, browser=BROWSER) is None


def test_a_finished_one_is_not_ended_afterwards(begun: Transaction, transactions: Transactions) -> None:
    assert transactions.take(begun)
    assert not transactions.end(begun.id, Reason.WRONG_NUMBER)
    assert transactions.find_finished(begun.id, browser=BROWSER) == "/authorize/abc"
    assert transactions.find_ended(begun.id, browser=BROWSER) is None
    assert not transactions.end("no-such-id", Reason.WRONG_NUMBER)


def test_who_read_it_before_does_not_bring_it_back(begun: Transaction, transactions: Transactions) -> None:
    """attack 23: a proof given at the very moment of the refusal"""
    proven = replace(begun, proofs=(*begun.proofs, Proof("totp", 1.0)))

    def act(turn: int) -> None:
        if turn == 0:
            transactions.end(begun.id, Reason.REFUSED_ELSEWHERE)
        else:
            transactions.put(proven)

    at_once(20, act)
    assert transactions.find(begun.id, browser=BROWSER) is None


def visitor(browser: str) -> Visitor:
    return Visitor(browser=browser, address="192.0.2.1")


def test_who_asks_from_the_persons_own_browser_is_counted_apart(world: World, limits: Limits) -> None:
    limits.remember_browser(username="anna", visitor=visitor("own"))
    for _ in range(5):
        asker = limits.charge_asking(username="anna", method=ASKED, visitor=visitor("strange"))
        assert isinstance(asker, str)
    refused = limits.charge_asking(username="anna", method=ASKED, visitor=visitor("strange too"))
    assert refused == Wait(900)
    own = limits.charge_asking(username="anna", method=ASKED, visitor=visitor("own"))
    assert isinstance(own, str)
    limits.pause_asking(asker)
    assert isinstance(limits.charge_asking(username="anna", method=ASKED, visitor=visitor("own")), str)
    assert isinstance(limits.charge_asking(username="berta", method=ASKED, visitor=visitor("strange")), str)
    limits.pause_asking(own)
    assert limits.charge_asking(username="anna", method=ASKED, visitor=visitor("own")) == Wait(
        REFUSAL_PAUSE_SECONDS
    )


def test_of_a_hundred_who_ask_at_once_as_many_are_let_as_one_by_one(world: World, limits: Limits) -> None:
    """attack 29: race past the counter"""
    asked = at_once(100, lambda _: limits.charge_asking(username="anna", method=ASKED, visitor=visitor("x")))
    assert sum(isinstance(each, str) for each in asked) == 5


def test_what_is_given_back_was_not_asked_in_vain(world: World, limits: Limits) -> None:
    for _ in range(20):
        asker = limits.charge_asking(username="anna", method=ASKED, visitor=visitor("x"))
        assert isinstance(asker, str)
        limits.give_back_asking(asker)
