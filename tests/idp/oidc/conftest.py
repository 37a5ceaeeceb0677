"""A house for each test, copied from one whose tables and signing keys were made once."""

import shutil
from collections.abc import Iterator
from pathlib import Path

import pytest
from sqlalchemy import make_url

from idp.models.people import User
from idp.oidc.authorize import Browser
from idp.storage import migrate
from tests.idp.oidc.house import House
from tests.support.builders import RIGA, World, add_municipality
from tests.support.relying_party import RelyingParty


@pytest.fixture(scope="session")
def _prepared(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("house") / "prepared.sqlite3"
    migrate.upgrade(f"sqlite:///{path}")
    world = World(f"sqlite:///{path}")
    with world.database.begin() as work:
        if work.people.find_municipality(RIGA) is None:
            add_municipality(work)
    house = House(world)
    for scope in ("national", RIGA, "operator"):
        house.permit(scope)
    house.openid.keys.reload()
    world.database.dispose()
    return path


@pytest.fixture
def house(_prepared: Path, tmp_path: Path) -> Iterator[House]:
    path = tmp_path / "visvaris.sqlite3"
    shutil.copy(_prepared, path)
    world = World(f"sqlite:///{path}")
    yield House(world)
    world.database.dispose()


@pytest.fixture
def anna(house: House) -> User:
    """An employee of Rīga."""
    user = house.add_person(
        "anna",
        email="anna@example.lv",
        email_verified=True,
        phone_number="+371 20000000",
        address={"locality": "Rīga", "country": "LV"},
        profile={"locale": "lv-LV", "zoneinfo": "Europe/Riga"},
    )
    house.employ(user, RIGA, roles=["jurists"])
    return user


@pytest.fixture
def browser(house: House, anna: User) -> Browser:
    """Anna's, in which she has just signed in with her password."""
    return house.sign_in(anna)


@pytest.fixture
def app(house: House) -> RelyingParty:
    """An application of ours: confidential, no consent page."""
    return house.add_client()


@pytest.fixture(params=["sqlite", "postgresql", "redis"])
def everywhere(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[House]:
    """A house of its own on each, without keys yet: making the first ones is a race too."""
    url = f"sqlite:///{tmp_path / 'race.sqlite3'}"
    if request.param == "postgresql":
        url = request.getfixturevalue("postgres_url")
    redis_url = request.getfixturevalue("redis_url") if request.param == "redis" else None
    migrate.upgrade(url)
    world = World(url, redis_url)
    with world.database.begin() as work:
        if work.people.find_municipality(RIGA) is None:
            add_municipality(work)
    house = House(world)
    for scope in ("national", RIGA):
        house.permit(scope)
    assert make_url(url).get_backend_name() in {"sqlite", "postgresql"}
    yield house
    world.database.dispose()


@pytest.fixture
def berta(everywhere: House) -> User:
    user = everywhere.add_person("berta")
    everywhere.employ(user)
    return user
