"""Sign-ins in progress: bound to a browser, sealed, finished once."""

from collections.abc import Callable, Iterator, Mapping
from dataclasses import replace
from pathlib import Path
from typing import cast

import pytest
from sqlalchemy import text

from idp.crypto import token_hash
from idp.login.transaction import LIFETIME_SECONDS, Application, Requirements, Transaction, Transactions
from idp.models.methods import Proof
from idp.policy import Level
from idp.storage import migrate
from idp.storage.ephemeral import JSON, Shelf
from tests.support.at_once import at_once
from tests.support.builders import World

BROWSER = "b" * 43


@pytest.fixture
def world(tmp_path: Path) -> Iterator[World]:
    url = f"sqlite:///{tmp_path / 'sign-ins.sqlite3'}"
    migrate.upgrade(url)
    with World(url) as made:
        yield made


@pytest.fixture
def transactions(world: World) -> Transactions:
    return Transactions(world.storage.shelf, world.vault, world.effects)


def begun(world: World) -> Transaction:
    return Transaction(
        id=world.effects.new_id(),
        browser=token_hash(BROWSER),
        requirements=Requirements(
            level=Level.MULTI_FACTOR, not_before=world.clock(), municipalities=("0001000",), login_hint="anna"
        ),
        return_to="/authorize/abc",
        expires_at=world.clock() + LIFETIME_SECONDS,
        application=Application(name="Līgumi", links=(("Terms of use", "https://a.example/terms"),)),
        user_id="anna",
        proofs=(Proof("password", world.clock()), Proof("security_key", world.clock(), user_verified=True)),
        challenges={"password": {"state": "kept"}},
    )


def test_what_is_put_is_found_as_it_was(world: World, transactions: Transactions) -> None:
    transaction = begun(world)
    transactions.begin(transaction)
    assert transactions.find(transaction.id, browser=BROWSER) == transaction


def test_another_browser_finds_nothing(world: World, transactions: Transactions) -> None:
    """Neither the sign-in nor where it led (attacks 21, 24)."""
    transaction = begun(world)
    transactions.begin(transaction)
    assert transactions.find(transaction.id, browser="c" * 43) is None
    transactions.take(transaction)
    assert transactions.find_finished(transaction.id, browser="c" * 43) is None
    assert transactions.find_finished(transaction.id, browser=BROWSER) == "/authorize/abc"


def test_an_expired_one_is_not_found_whether_or_not_anybody_cleaned_up(
    world: World, transactions: Transactions
) -> None:
    """Attack 30."""
    transaction = begun(world)
    transactions.begin(transaction)
    world.clock.move(LIFETIME_SECONDS)
    assert transactions.find(transaction.id, browser=BROWSER) is None


def test_it_ends_once(world: World, transactions: Transactions) -> None:
    transaction = begun(world)
    transactions.begin(transaction)
    assert at_once(20, lambda _: transactions.take(transaction)).count(True) == 1


def test_a_challenge_is_spent_once_of_any_number_at_once(world: World, transactions: Transactions) -> None:
    """attack 32: single use. Another challenge of the same method, or the same in another sign-in, is another."""
    transaction = begun(world)
    assert at_once(50, lambda _: transactions.spend_challenge(transaction, "password")).count(True) == 1
    anew = replace(transaction, challenges={"password": {"state": "another"}})
    assert transactions.spend_challenge(anew, "password")
    assert transactions.spend_challenge(begun(world), "password")
    assert not transactions.spend_challenge(transaction, "password")


def test_a_late_request_does_not_bring_a_finished_one_back(world: World, transactions: Transactions) -> None:
    """Its proofs would sign in whoever uses the browser next (attack 22)."""
    transaction = begun(world)
    transactions.begin(transaction)
    assert transactions.take(transaction)
    transactions.put(transaction)
    assert transactions.find(transaction.id, browser=BROWSER) is None


class Interrupted:
    """The Shelf, where something else happens right after something was marked there."""

    def __init__(self, shelf: Shelf, then: Callable[[], None]) -> None:
        self._shelf = shelf
        self._then = then

    def __getattr__(self, name: str) -> object:
        return getattr(self._shelf, name)

    def add(self, kind: str, key: str, value: Mapping[str, JSON], *, expires_at: float) -> bool:
        added = self._shelf.add(kind, key, value, expires_at=expires_at)
        self._then()
        return added

    def put(self, kind: str, key: str, value: Mapping[str, JSON], *, expires_at: float) -> None:
        self._shelf.put(kind, key, value, expires_at=expires_at)
        self._then()


def test_a_request_that_fails_meanwhile_does_not_take_the_end_from_the_one_that_passed(
    world: World, transactions: Transactions
) -> None:
    """Else nobody would be signed in by a right answer that a browser sent twice (attack 23)."""
    transaction = begun(world)
    transactions.begin(transaction)
    shelf = Interrupted(world.storage.shelf, lambda: transactions.put(transaction))
    assert Transactions(cast("Shelf", shelf), world.vault, world.effects).take(transaction)
    assert transactions.find(transaction.id, browser=BROWSER) is None


def test_the_database_holds_nothing_readable_of_it(world: World, transactions: Transactions) -> None:
    """A dump opens no sign-in (attack 44)."""
    transaction = begun(world)
    transactions.begin(transaction)
    with world.database.read() as work:
        stored = str(work.connection().execute(text("SELECT kind, key, value FROM shelf")).all())
    assert transaction.id not in stored
    assert "anna" not in stored
    assert "kept" not in stored
