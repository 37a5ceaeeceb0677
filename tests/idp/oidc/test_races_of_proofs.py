"""One DPoP proof shown a hundred times at once counts once, on every storage there is."""

from collections.abc import Iterator
from pathlib import Path

import pytest
from redis import Redis
from redis.exceptions import ConnectionError as Unreachable

from idp.storage import migrate
from tests.idp.oidc.house import House
from tests.support.at_once import at_once
from tests.support.builders import World
from tests.support.dpop import ProvingParty, proving

ATTEMPTS = 100
OWN_TOKEN = {"grant_type": "client_credentials"}


@pytest.fixture(params=["sqlite", "postgresql", "redis"])
def everywhere(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[House]:
    url = f"sqlite:///{tmp_path / 'race.sqlite3'}"
    if request.param == "postgresql":
        url = request.getfixturevalue("postgres_url")
    redis_url = request.getfixturevalue("redis_url") if request.param == "redis" else None
    migrate.upgrade(url)
    world = World(url, redis_url)
    house = House(world)
    house.openid.keys.reload()
    yield house
    world.database.dispose()


@pytest.fixture
def party(everywhere: House) -> ProvingParty:
    return proving(everywhere.add_service())


def test_one_proof_gives_one_token(party: ProvingParty) -> None:
    """attack 20"""
    shown = party.prove("POST", "/token")
    replies = at_once(ATTEMPTS, lambda _: party.post_with("/token", OWN_TOKEN, shown))
    answers = [reply.json() for reply in replies]
    assert len([answer for answer in answers if "access_token" in answer]) == 1
    errors = [answer["error"] for answer in answers if "access_token" not in answer]
    assert errors == ["invalid_dpop_proof"] * (ATTEMPTS - 1)


def test_a_hundred_proofs_give_a_hundred_tokens(party: ProvingParty) -> None:
    shown = [party.prove("POST", "/token") for _ in range(ATTEMPTS)]
    replies = at_once(ATTEMPTS, lambda number: party.post_with("/token", OWN_TOKEN, shown[number]))
    assert {reply.status_code for reply in replies} == {200}


@pytest.mark.parametrize("everywhere", ["redis"], indirect=True)
def test_without_redis_no_proof_counts(
    everywhere: House, party: ProvingParty, monkeypatch: pytest.MonkeyPatch
) -> None:
    """attack 20: the store of what was used is gone, so nothing can be said to be new"""

    def gone(*_: object, **__: object) -> None:
        raise Unreachable("connection refused")

    monkeypatch.setattr(Redis, "execute_command", gone)
    reply = party.post_with("/token", OWN_TOKEN, party.prove("POST", "/token"))
    assert reply.status_code == 503
    assert "access_token" not in reply.json()
