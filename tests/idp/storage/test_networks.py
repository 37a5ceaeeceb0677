"""Where an address is, on both databases: the smallest network that holds it says."""

import pytest

from idp.errors import AlreadyExistsError
from idp.login.places import READ_EVERY_SECONDS, Places
from idp.models.networks import Network
from idp.storage.municipalities import load
from tests.support.builders import KEKAVA, RIGA, World

HALL, DESK, OLD = "198.51.100.0/24", "198.51.100.128/25", "2001:db8::/32"


@pytest.fixture(autouse=True)
def municipalities(world: World) -> None:
    with world.database.begin() as work:
        load(work)


def names(world: World, municipality: str, cidr: str, name: str, *, shared: bool = False) -> None:
    network = Network(
        id=world.effects.new_id(), municipality=municipality, cidr=cidr, name=name, shared=shared
    )
    with world.database.begin() as work:
        work.networks.add(network)


def test_the_smallest_network_that_holds_it_says(world: World) -> None:
    names(world, RIGA, HALL, "Rātsnams")
    names(world, RIGA, DESK, "Klientu centrs", shared=True)
    names(world, KEKAVA, OLD, "Ķekavas skola")
    places = Places(world.database, world.effects)
    assert places.name_of("198.51.100.7") == "Rātsnams"
    assert not places.is_shared("198.51.100.7")
    assert places.name_of("198.51.100.200") == "Klientu centrs"
    assert places.is_shared("198.51.100.200")
    assert places.name_of("2001:db8::7") == "Ķekavas skola"


@pytest.mark.parametrize("address", ["", "unknown", "192.0.2.1", "198.51.100.7.", "::1"])
def test_anywhere_else_is_no_place(world: World, address: str) -> None:
    names(world, RIGA, HALL, "Rātsnams", shared=True)
    places = Places(world.database, world.effects)
    assert places.name_of(address) is None
    assert not places.is_shared(address)


def test_a_new_network_counts_within_half_a_minute(world: World) -> None:
    places = Places(world.database, world.effects)
    assert places.name_of("198.51.100.7") is None
    names(world, RIGA, HALL, "Rātsnams")
    assert places.name_of("198.51.100.7") is None
    world.clock.move(READ_EVERY_SECONDS)
    assert places.name_of("198.51.100.7") == "Rātsnams"


def test_only_its_municipality_changes_and_lists_it(world: World) -> None:
    """attack 40"""
    names(world, RIGA, HALL, "Rātsnams")
    with world.database.begin() as work:
        (network,) = work.networks.list_of(RIGA)
        assert work.networks.list_of(KEKAVA) == []
        assert work.networks.change(KEKAVA, network.id, name="Mūsu", shared=True) is None
        assert work.networks.list_of(RIGA) == [network]
        changed = work.networks.change(RIGA, network.id, name="Klientu centrs", shared=True)
        assert changed is not None
        assert work.networks.list_of(RIGA) == [changed]
    assert (changed.cidr, changed.name, changed.shared) == (HALL, "Klientu centrs", True)


def test_a_network_is_one_municipalitys_and_no_other_removes_it(world: World) -> None:
    """attack 40"""
    names(world, RIGA, HALL, "Rātsnams")
    with pytest.raises(AlreadyExistsError):
        names(world, KEKAVA, HALL, "Mūsu")
    with world.database.begin() as work:
        assert not work.networks.remove(KEKAVA, HALL)
        assert work.networks.remove(RIGA, HALL)
        assert work.networks.list_all() == []
