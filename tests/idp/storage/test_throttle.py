import pytest
from redis import Redis

from idp.effects import Effects
from idp.errors import StorageUnavailableError
from idp.storage.open import open_storage
from idp.storage.throttle import Bucket
from tests.support.at_once import at_once, in_processes
from tests.support.builders import World, make_vault
from tests.support.services import free_port

BUCKET = Bucket("user", free=3, base_seconds=1, cap_seconds=10, forget_seconds=600)
LONG = Bucket("long", free=5, base_seconds=300, cap_seconds=300, forget_seconds=600)


def waits(world: World, attempts: int, bucket: Bucket = BUCKET, key: str = "anna") -> list[float]:
    return [round(world.storage.throttle.charge(bucket, key), 3) for _ in range(attempts)]


def test_the_free_attempts_then_a_wait(short_lived: World):
    assert waits(short_lived, 5) == [0, 0, 0, 1, 1]


def test_an_attempt_that_must_wait_does_not_make_the_wait_longer(short_lived: World):
    """attack 29: nobody keeps somebody else locked out by trying on."""
    waits(short_lived, 3)
    short_lived.clock.move(0.6)
    assert waits(short_lived, 20) == [0.4] * 20
    short_lived.clock.move(0.4)
    assert waits(short_lived, 1) == [0]


def test_the_wait_doubles_up_to_its_cap(short_lived: World):
    waits(short_lived, 2)
    seen = []
    for _ in range(40):
        assert waits(short_lived, 1) == [0]
        (wait,) = waits(short_lived, 1)
        seen.append(wait)
        short_lived.clock.move(wait)
    assert seen == [1, 2, 4, 8] + [10] * 36


def test_all_is_forgotten_in_time(short_lived: World):
    waits(short_lived, 4)
    short_lived.clock.move(600)
    assert waits(short_lived, 4) == [0, 0, 0, 1]


def test_clearing_forgets_at_once_and_only_that_key(short_lived: World):
    """attack 29: one person's success does not clear another's count."""
    waits(short_lived, 3)
    waits(short_lived, 3, key="liga")
    short_lived.storage.throttle.clear(BUCKET, "anna")
    assert waits(short_lived, 1) == [0]
    assert waits(short_lived, 1, key="liga") == [1]


def test_asking_how_long_to_wait_counts_nothing(short_lived: World):
    throttle = short_lived.storage.throttle
    assert [throttle.wait(BUCKET, "anna") for _ in range(9)] == [0] * 9
    waits(short_lived, 3)
    assert [round(throttle.wait(BUCKET, "anna"), 3) for _ in range(9)] == [1] * 9
    short_lived.clock.move(1)
    assert throttle.wait(BUCKET, "anna") == 0
    assert waits(short_lived, 2) == [0, 2]
    short_lived.clock.move(601)
    assert throttle.wait(BUCKET, "anna") == 0


def test_buckets_do_not_share_counts(short_lived: World):
    waits(short_lived, 4)
    assert waits(short_lived, 1, bucket=LONG) == [0]


def test_a_refund_takes_one_charge_back(short_lived: World):
    waits(short_lived, 3)
    short_lived.storage.throttle.refund(BUCKET, "anna")
    assert waits(short_lived, 2) == [0, 1]


def test_a_refund_among_failures_does_not_lift_the_wait(short_lived: World):
    """attack 29: an attacker's own success between guesses buys no free guess."""
    waits(short_lived, 3)
    short_lived.clock.move(1)
    assert waits(short_lived, 1) == [0]
    short_lived.storage.throttle.refund(BUCKET, "anna")
    assert waits(short_lived, 1) == [1]


def test_a_refund_of_nothing_is_nothing(short_lived: World):
    short_lived.storage.throttle.refund(BUCKET, "anna")
    assert waits(short_lived, 4) == [0, 0, 0, 1]


def test_one_free_attempt_means_one(short_lived: World):
    assert waits(short_lived, 2, bucket=Bucket("one", 1, 7, 7, 60)) == [0, 7]


def test_attempts_at_once_cannot_race_past_the_count(short_lived: World):
    """attack 29"""
    granted = at_once(100, lambda _: short_lived.storage.throttle.charge(LONG, "anna"))
    assert granted.count(0.0) == 5
    assert all(wait > 299 for wait in granted if wait)


def charge_twenty_times(url: str, redis_url: str | None) -> int:
    effects = Effects()
    storage = open_storage(url, redis_url, make_vault(effects), effects)
    return sum(storage.throttle.charge(LONG, "anna") == 0.0 for _ in range(20))


def test_attempts_in_several_processes_cannot_race_past_the_count(short_lived: World):
    """attack 29"""
    assert in_processes(3, charge_twenty_times, short_lived.url, short_lived.redis_url) == 5


def test_forgotten_counts_are_purged(world: World):
    waits(world, 1)
    assert world.storage.throttle.purge(world.clock() + 599) == 0
    assert world.storage.throttle.purge(world.clock() + 600) == 1


def test_redis_keys_carry_their_type_and_no_name(migrated_sqlite: str, redis_url: str):
    world = World(migrated_sqlite, redis_url)
    waits(world, 1)
    with Redis.from_url(redis_url, decode_responses=True) as client:
        (key,) = client.keys()
        assert key.startswith("visvaris:throttle:user:")
        assert "anna" not in key
        assert 0 < client.pttl(key) <= 600_000


def test_without_redis_nothing_may_be_attempted(migrated_sqlite: str):
    throttle = World(migrated_sqlite, f"redis://127.0.0.1:{free_port()}/0").storage.throttle
    for act in (throttle.charge, throttle.refund, throttle.clear):
        with pytest.raises(StorageUnavailableError):
            act(BUCKET, "anna")


@pytest.mark.parametrize("numbers", [(0, 1, 1, 1), (1, 0, 1, 1), (1, 2, 1, 3), (1, 1, 3, 2)])
def test_a_bucket_that_makes_no_sense_is_refused(numbers: tuple[int, float, float, float]):
    with pytest.raises(ValueError, match="a bucket needs"):
        Bucket("wrong", *numbers)
