"""How often one may try to confirm who one is: by account, by address, and longer after each failure."""

from collections.abc import Iterator
from dataclasses import replace
from itertools import count
from pathlib import Path

import pytest

from idp.login.limits import Wait
from idp.login.places import Places
from idp.login.sessions import Visitor
from idp.models.networks import Network
from idp.people.identity.limits import IdentityLimits
from idp.people.identity.sittings import Purpose, Sitting
from tests.support.at_once import at_once
from tests.support.builders import RIGA, START, World, add_municipality, make_database

SITTING = Sitting(
    id="s", browser="b", purpose=Purpose.ACCOUNT, user_id="anna", username="anna", expires_at=START + 900
)
VISITOR = Visitor(browser="b", address="192.0.2.10")


@pytest.fixture
def world(tmp_path: Path) -> Iterator[World]:
    url = f"sqlite:///{tmp_path / 'visvaris.sqlite3'}"
    make_database(url).dispose()
    with World(url) as made:
        yield made


@pytest.fixture
def limits(world: World) -> IdentityLimits:
    return IdentityLimits(world.storage.throttle, Places(world.database, world.effects))


def starts(limits: IdentityLimits, *, address: str = VISITOR.address) -> int:
    """How many people may begin from there at once."""
    visitor = replace(VISITOR, address=address)
    for number in count():
        if limits.charge_start(replace(SITTING, user_id=f"user-{number}"), visitor) is not None:
            return number
        assert number < 500
    raise AssertionError


def test_an_address_may_begin_twenty_and_a_town_hall_four_hundred(
    world: World, limits: IdentityLimits
) -> None:
    with world.database.begin() as work:
        add_municipality(work, RIGA)
        work.networks.add(
            Network(id="n", municipality=RIGA, cidr="203.0.113.0/24", name="Dome", shared=False)
        )
    assert starts(limits) == 20
    assert starts(limits, address="203.0.113.7") == 400


def test_an_account_may_begin_five_times_in_an_hour(world: World, limits: IdentityLimits) -> None:
    for _ in range(5):
        assert limits.charge_start(SITTING, VISITOR) is None
    assert isinstance(limits.charge_start(SITTING, VISITOR), Wait)
    world.clock.move(3601)
    assert limits.charge_start(SITTING, VISITOR) is None


def test_after_three_failures_a_quarter_of_an_hour_and_twice_as_long_each_time_up_to_a_day(
    world: World, limits: IdentityLimits
) -> None:
    waited = []
    for failure in range(9):
        limits.count_failure(SITTING, VISITOR)
        refused = limits.charge_start(SITTING, VISITOR)
        assert isinstance(refused, Wait) == (failure >= 2)
        if isinstance(refused, Wait):
            waited.append(refused.seconds)
            world.clock.move(refused.seconds - 1)
            assert isinstance(limits.charge_start(SITTING, VISITOR), Wait)
            world.clock.move(1)
    assert waited[:7] == [900, 1800, 3600, 7200, 14400, 28800, 57600]


def test_one_that_succeeded_makes_failures_forgotten(limits: IdentityLimits) -> None:
    for _ in range(3):
        limits.count_failure(SITTING, VISITOR)
    assert isinstance(limits.charge_start(SITTING, VISITOR), Wait)
    limits.succeeded(SITTING, VISITOR)
    assert limits.charge_start(SITTING, VISITOR) is None


def test_of_many_at_once_five_begin(limits: IdentityLimits) -> None:
    """attack 36"""
    outcomes = at_once(20, lambda _: limits.charge_start(SITTING, VISITOR))
    assert outcomes.count(None) == 5


def test_a_strangers_failures_with_a_name_are_not_its_owners(limits: IdentityLimits) -> None:
    named = replace(SITTING, purpose=Purpose.RECOVERY)
    stranger = replace(VISITOR, address="198.51.100.7")
    for _ in range(3):
        limits.count_failure(named, stranger)
    assert isinstance(limits.charge_start(named, stranger), Wait)
    assert limits.charge_start(named, VISITOR) is None
    assert limits.charge_start(SITTING, VISITOR) is None
