"""Short-lived things of a connector: put, found, taken once, and unreadable to who steals the table."""

from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor

import pytest
from sqlalchemy import create_engine, text

from connectors.kit.effects import Effects
from connectors.kit.sealing import Sealer
from connectors.kit.shelf import Shelf, ShelfAwayError
from tests.connectors.conftest import Clock


@pytest.fixture
def shelf(database_url: str, effects: Effects) -> Iterator[Shelf]:
    opened = Shelf(database_url, sealer=Sealer([b"k" * 32], effects=effects), effects=effects)
    yield opened
    opened.close()


def test_what_is_put_is_found_and_taken_once(shelf: Shelf, clock: Clock) -> None:
    shelf.put("session", "a", {"name": "Ķirse"}, expires_at=clock.at + 60)
    assert shelf.find("session", "a") == {"name": "Ķirse"}
    assert shelf.take("session", "a") == {"name": "Ķirse"}
    assert shelf.take("session", "a") is None
    assert shelf.find("session", "a") is None


def test_kinds_share_no_keys(shelf: Shelf, clock: Clock) -> None:
    """attack 12: a sign-in in progress is not a session."""
    shelf.put("sign-in", "a", {}, expires_at=clock.at + 60)
    assert shelf.find("session", "a") is None
    assert shelf.take("session", "a") is None


def test_what_is_added_is_added_once_until_it_expires(shelf: Shelf, clock: Clock) -> None:
    """attack 20"""
    assert shelf.add("dpop-proof", "a", expires_at=clock.at + 60)
    assert not shelf.add("dpop-proof", "a", expires_at=clock.at + 90)
    assert shelf.add("another kind", "a", expires_at=clock.at + 60)
    clock.at += 60
    assert shelf.add("dpop-proof", "a", expires_at=clock.at + 60)


def test_of_many_who_add_one_does(shelf: Shelf, clock: Clock) -> None:
    """attack 20"""
    with ThreadPoolExecutor(16) as people:
        added = list(people.map(lambda _: shelf.add("dpop-proof", "a", expires_at=clock.at + 60), range(100)))
    assert added.count(True) == 1


def test_a_shelf_that_cannot_be_asked_says_so(shelf: Shelf, database_url: str, clock: Clock) -> None:
    engine = create_engine(database_url)
    with engine.begin() as connection:
        connection.execute(text("DROP TABLE connector_shelf"))
    engine.dispose()
    with pytest.raises(ShelfAwayError):
        shelf.add("dpop-proof", "a", expires_at=clock.at + 60)


def test_what_has_expired_is_not_there(shelf: Shelf, clock: Clock) -> None:
    """attack 30: whether or not it was swept out."""
    shelf.put("session", "a", {}, expires_at=clock.at + 60)
    shelf.put("session", "b", {}, expires_at=clock.at + 60)
    clock.at += 60
    assert shelf.find("session", "a") is None
    assert shelf.take("session", "b") is None


def test_putting_sweeps_out_what_has_expired(shelf: Shelf, database_url: str, clock: Clock) -> None:
    for number in range(10):
        shelf.put("sign-in", str(number), {}, expires_at=clock.at + 60)
    clock.at += 61
    shelf.put("sign-in", "last", {}, expires_at=clock.at + 60)
    assert len(rows(database_url)) == 1


def test_of_many_who_take_one_gets_it(shelf: Shelf, clock: Clock) -> None:
    """attack 11: a sign-in in progress is finished once, however often it is tried at the same time."""
    shelf.put("sign-in", "a", {"nonce": "n"}, expires_at=clock.at + 60)
    with ThreadPoolExecutor(16) as people:
        taken = list(people.map(lambda _: shelf.take("sign-in", "a"), range(100)))
    assert [value for value in taken if value is not None] == [{"nonce": "n"}]


def test_a_stolen_table_names_nobody_and_opens_nothing(shelf: Shelf, database_url: str, clock: Clock) -> None:
    """attack 44"""
    shelf.put("session", "the-cookie", {"name": "Anna"}, expires_at=clock.at + 60)
    dump = repr(rows(database_url))
    assert "the-cookie" not in dump
    assert "Anna" not in dump


def test_a_row_put_in_place_of_another_does_not_open(shelf: Shelf, database_url: str, clock: Clock) -> None:
    shelf.put("session", "a", {"who": "a"}, expires_at=clock.at + 60)
    shelf.put("session", "b", {"who": "b"}, expires_at=clock.at + 60)
    hashes = [row[0] for row in rows(database_url)]
    move = "UPDATE connector_shelf SET sealed = (SELECT s.sealed FROM connector_shelf s WHERE s.key_hash = :from_)"
    execute(database_url, f"{move} WHERE key_hash = :to", from_=hashes[0], to=hashes[1])
    assert sum(shelf.find("session", key) is not None for key in ("a", "b")) == 1


def test_a_second_process_finds_what_the_first_put(
    shelf: Shelf, database_url: str, clock: Clock, effects: Effects
) -> None:
    shelf.put("session", "a", {"who": "a"}, expires_at=clock.at + 60)
    second = Shelf(database_url, sealer=Sealer([b"n" * 32, b"k" * 32], effects=effects), effects=effects)
    assert second.find("session", "a") == {"who": "a"}
    second.close()


def test_without_its_key_a_row_is_as_good_as_gone(
    shelf: Shelf, database_url: str, clock: Clock, effects: Effects
) -> None:
    shelf.put("session", "a", {"who": "a"}, expires_at=clock.at + 60)
    other = Shelf(database_url, sealer=Sealer([b"n" * 32], effects=effects), effects=effects)
    assert other.find("session", "a") is None
    other.close()


def test_several_processes_may_start_at_once(database_url: str, effects: Effects) -> None:
    def start(_: int) -> None:
        Shelf(database_url, sealer=Sealer([b"k" * 32], effects=effects), effects=effects).close()

    with ThreadPoolExecutor(8) as processes:
        list(processes.map(start, range(16)))
    assert rows(database_url) == []


def rows(url: str) -> list[tuple[str, bytes, float]]:
    engine = create_engine(url)
    with engine.connect() as connection:
        found = connection.execute(text("SELECT key_hash, sealed, expires_at FROM connector_shelf")).all()
    engine.dispose()
    return [(row[0], row[1], row[2]) for row in found]


def execute(url: str, statement: str, **values: str) -> None:
    engine = create_engine(url)
    with engine.begin() as connection:
        connection.execute(text(statement), values)
    engine.dispose()


def test_everything_with_a_label_is_destroyed_together(shelf: Shelf, clock: Clock) -> None:
    for key, labels in (("a", ["one", "both"]), ("b", ["both", "both"]), ("c", ["three"])):
        shelf.put("session", key, {}, expires_at=clock.at + 60, labels=labels)
    assert shelf.take_labelled("sign-in", "both") == 0, "kinds share no labels"
    assert shelf.take_labelled("session", "both") == 2
    assert shelf.take_labelled("session", "both") == 0
    assert shelf.take_labelled("session", "one") == 0
    assert [shelf.find("session", key) for key in "abc"] == [None, None, {}]


def test_labels_are_swept_out_with_what_they_were_of(shelf: Shelf, clock: Clock) -> None:
    shelf.put("session", "a", {}, expires_at=clock.at + 60, labels=["x"])
    clock.at += 61
    shelf.put("session", "b", {}, expires_at=clock.at + 60, labels=["y"])
    with shelf._engine.connect() as connection:
        assert connection.execute(text("SELECT count(*) FROM connector_shelf_labels")).scalar_one() == 1


def test_of_several_who_add_the_same_one_is_first(shelf: Shelf, clock: Clock) -> None:
    with ThreadPoolExecutor(8) as threads:
        first = list(threads.map(lambda _: shelf.add("seen", "jti", expires_at=clock.at + 60), range(8)))
    assert sorted(first) == [False] * 7 + [True]
    clock.at += 61
    assert shelf.add("seen", "jti", expires_at=clock.at + 60), "forgotten with its time"
