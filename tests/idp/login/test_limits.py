"""Which attempts share a counter."""

from collections.abc import Iterator

import pytest

from idp.login.limits import Attempt, Limits, Wait, network_of
from idp.login.sessions import Visitor
from idp.models.methods import Factor, MethodFacts
from idp.storage import migrate
from tests.support.builders import World


@pytest.mark.parametrize(
    ("address", "network"),
    [
        ("192.0.2.1", "192.0.2.1"),
        ("2001:db8:1:2:3:4:5:6", "2001:db8:1:2::/64"),
        ("2001:db8:1:2:ffff::", "2001:db8:1:2::/64"),
        ("::ffff:192.0.2.1", "192.0.2.1"),
        ("unknown", "unknown"),
        ("", "unknown"),
    ],
)
def test_an_ipv6_customer_is_one_network(address: str, network: str) -> None:
    """Address variants (attack 29)."""
    assert network_of(address) == network


FIRST = MethodFacts(id="first", factor=Factor.KNOWLEDGE, amr=("pwd",), with_username=True)
LATER = MethodFacts(id="later", factor=Factor.POSSESSION, amr=("otp",))


@pytest.fixture
def world(sqlite_url: str) -> Iterator[World]:
    migrate.upgrade(sqlite_url)
    with World(sqlite_url) as opened:
        yield opened


def longest_wait(world: World, method: MethodFacts) -> float:
    """What one who goes on guessing for a day, each time as soon as allowed, has to wait in the end."""
    limits = Limits(world.storage.throttle, world.storage.shelf, world.effects)
    visitor = Visitor(address="192.0.2.1", browser="b", user_agent="", session_token=None)
    waits = [0.0]
    for _ in range(40):
        match limits.charge(username="anna", method=method, visitor=visitor):
            case Wait(seconds):
                waits.append(seconds)
                world.clock.move(seconds)
            case Attempt():
                pass
    return max(waits)


def test_a_stranger_makes_nobody_wait_longer_than_a_minute(world: World) -> None:
    """attack 29: lock-out as denial of service."""
    assert 0 < longest_wait(world, FIRST) <= 60


def test_guessing_at_codes_behind_a_known_password_gets_slower_than_that(world: World) -> None:
    """attack 31: a quarter of an hour between guesses leaves a six-digit code out of reach."""
    assert 600 < longest_wait(world, LATER) <= 900
