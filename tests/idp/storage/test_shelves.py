import json
import sqlite3
from pathlib import Path

import pytest
from redis import Redis
from sqlalchemy import make_url

from idp.effects import Effects
from idp.errors import StorageUnavailableError
from idp.storage.open import open_storage
from tests.support.at_once import at_once, in_processes
from tests.support.builders import World, make_vault
from tests.support.services import free_port

VALUE = {"text": "Ķekava ♥", "number": 1760000000.123456, "yes": True, "none": None, "list": [{"a": [1]}]}


def test_what_was_put_is_found_as_it_was(short_lived: World):
    short_lived.storage.shelf.put("sign-in", "k", VALUE, expires_at=short_lived.clock() + 60)
    assert short_lived.storage.shelf.find("sign-in", "k") == VALUE


def test_putting_again_replaces(short_lived: World):
    shelf, later = short_lived.storage.shelf, short_lived.clock() + 60
    shelf.put("sign-in", "k", {"n": 1}, expires_at=later)
    shelf.put("sign-in", "k", {"n": 2}, expires_at=later)
    assert shelf.find("sign-in", "k") == {"n": 2}


def test_taking_leaves_nothing(short_lived: World):
    shelf = short_lived.storage.shelf
    shelf.put("code", "k", VALUE, expires_at=short_lived.clock() + 60)
    assert shelf.take("code", "k") == VALUE
    assert shelf.take("code", "k") is None
    assert shelf.find("code", "k") is None


def test_kinds_do_not_share_keys(short_lived: World):
    """attack 12"""
    shelf = short_lived.storage.shelf
    shelf.put("code", "k", {"kind": "code"}, expires_at=short_lived.clock() + 60)
    assert shelf.find("sign-in", "k") is None
    assert shelf.take("sign-in", "k") is None
    assert shelf.take("code", "k") == {"kind": "code"}


def test_an_expired_item_is_neither_found_nor_taken_nor_in_the_way(short_lived: World):
    """attack 30: nothing has cleaned up in between."""
    shelf, clock = short_lived.storage.shelf, short_lived.clock
    for key in ("a", "b", "c"):
        shelf.put("code", key, {}, expires_at=clock() + 60)
    clock.move(60)
    assert shelf.find("code", "a") is None
    assert shelf.take("code", "b") is None
    assert shelf.add("code", "c", {"n": 2}, expires_at=clock() + 60)
    assert shelf.find("code", "c") == {"n": 2}


def test_adding_succeeds_once(short_lived: World):
    """attack 17: what an assertion's `jti` is held against."""
    shelf, later = short_lived.storage.shelf, short_lived.clock() + 60
    assert shelf.add("jti", "k", {"n": 1}, expires_at=later)
    assert not shelf.add("jti", "k", {"n": 2}, expires_at=later)
    assert shelf.find("jti", "k") == {"n": 1}


def test_of_two_hundred_takes_at_once_one_wins(short_lived: World):
    """attack 11"""
    shelf = short_lived.storage.shelf
    shelf.put("code", "k", {"n": 1}, expires_at=short_lived.clock() + 60)
    taken = at_once(200, lambda _: shelf.take("code", "k"))
    assert len(taken) == 200
    assert [item for item in taken if item is not None] == [{"n": 1}]


def test_of_many_adds_at_once_one_wins(short_lived: World):
    """attack 20"""
    shelf, later = short_lived.storage.shelf, short_lived.clock() + 60
    assert sum(at_once(50, lambda number: shelf.add("jti", "k", {"n": number}, expires_at=later))) == 1


def take_fifty_times(url: str, redis_url: str | None) -> int:
    effects = Effects()
    storage = open_storage(url, redis_url, make_vault(effects), effects)
    return sum(storage.shelf.take("code", "k") is not None for _ in range(50))


def test_of_takes_in_several_processes_one_wins(short_lived: World):
    """attack 11: two hundred takes by four workers."""
    effects = Effects()
    storage = open_storage(short_lived.url, short_lived.redis_url, make_vault(effects), effects)
    storage.shelf.put("code", "k", {}, expires_at=effects.now() + 600)
    assert in_processes(4, take_fifty_times, short_lived.url, short_lived.redis_url) == 1
    storage.database.dispose()


def test_purging_removes_what_expired_and_only_that(world: World):
    shelf, clock = world.storage.shelf, world.clock
    for number in range(1100):
        shelf.put("code", f"old {number}", {}, expires_at=clock() + 1)
    shelf.put("code", "new", {"n": 1}, expires_at=clock() + 60)
    clock.move(30)
    assert shelf.purge(clock()) == 1100
    assert shelf.purge(clock()) == 0
    assert shelf.find("code", "new") == {"n": 1}


def test_a_stolen_database_holds_no_key_that_opens_anything(migrated_sqlite: str):
    world = World(migrated_sqlite)
    world.storage.shelf.put("code", "the-bearer-token", {}, expires_at=world.clock() + 60)
    world.database.dispose()
    with sqlite3.connect(str(make_url(migrated_sqlite).database)) as connection:
        assert "the-bearer-token" not in "\n".join(connection.iterdump())


def test_redis_holds_no_key_that_opens_anything_and_frees_its_room(migrated_sqlite: str, redis_url: str):
    world = World(migrated_sqlite, redis_url)
    world.storage.shelf.put("code", "the-bearer-token", {}, expires_at=world.clock() + 60)
    with Redis.from_url(redis_url, decode_responses=True) as client:
        (key,) = client.keys()
        assert key.startswith("visvaris:shelf:code:")
        assert "the-bearer-token" not in key + str(client.get(key))
        assert 0 < client.pttl(key) <= 60_000


def test_without_redis_nothing_is_decided(migrated_sqlite: str):
    """attack 20: a replay store that cannot be asked does not say "never seen"."""
    shelf = World(migrated_sqlite, f"redis://127.0.0.1:{free_port()}/0").storage.shelf
    for act in (shelf.find, shelf.take):
        with pytest.raises(StorageUnavailableError):
            act("jti", "k")
    for write in (shelf.add, shelf.put):
        with pytest.raises(StorageUnavailableError):
            write("jti", "k", {}, expires_at=2e9)


def test_a_full_or_broken_database_file_is_unavailable_not_a_stack_of_sql(tmp_path: Path):
    world = World(f"sqlite:///{tmp_path / 'missing' / 'visvaris.sqlite3'}")
    with pytest.raises(StorageUnavailableError) as raised:
        world.storage.shelf.put("code", "secret", {"password": "hunter22"}, expires_at=2e9)
    assert "hunter22" not in json.dumps([repr(raised.value), str(raised.value.__context__)])
