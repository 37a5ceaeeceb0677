import pytest
from sqlalchemy import text

from idp.crypto import SealError
from idp.errors import AlreadyExistsError
from idp.models.keys import KeyState, SigningKey
from tests.support.at_once import at_once
from tests.support.builders import START, World, make_vault


def add_key(world: World, kid: str, state: KeyState = KeyState.NEXT, at: float = START) -> None:
    with world.database.begin() as work:
        sealed = work.keys.seal_private(kid, b"the private half")
        work.keys.add(
            SigningKey(
                kid=kid, alg="ES256", state=state, public={"kid": kid}, private_sealed=sealed, created_at=at
            )
        )


def test_a_private_half_is_sealed_to_its_row(world: World):
    add_key(world, "k1")
    with world.database.begin() as work:
        (key,) = work.keys.signing_keys()
        assert work.keys.open_private(key) == b"the private half"
        assert "the private half" not in key.private_sealed
        assert key.private_sealed not in repr(key)
        key.kid = "k2"
        with pytest.raises(SealError):
            work.keys.open_private(key)


def test_keys_change_state_and_leave_when_long_retired(world: World):
    for number, kid in enumerate(("old", "new")):
        add_key(world, kid, at=START + number)
    with world.database.begin() as work:
        assert [key.kid for key in work.keys.signing_keys()] == ["new", "old"]
        assert work.keys.set_state("old", KeyState.RETIRED, at=START + 10)
        assert work.keys.set_state("new", KeyState.ACTIVE, at=START + 10)
        assert not work.keys.set_state("none", KeyState.ACTIVE, at=START)
        assert [(key.state, key.retired_at) for key in work.keys.signing_keys()] == [
            ("active", None),
            ("retired", START + 10),
        ]
        assert work.keys.remove_retired_before(START + 10) == 0
        assert work.keys.remove_retired_before(START + 11) == 1
        assert [key.kid for key in work.keys.signing_keys()] == ["new"]


def test_a_key_id_is_taken_once(world: World):
    add_key(world, "k1")
    with pytest.raises(AlreadyExistsError):
        add_key(world, "k1")


def test_processes_that_race_for_a_purpose_key_agree(world: World):
    worlds = [World(world.url, clock=world.clock) for _ in range(8)]
    keys = at_once(8, lambda number: worlds[number].database.lookup_key("form").key)
    assert len(keys) == 8
    assert len(set(keys)) == 1
    for each in worlds:
        each.database.dispose()


def test_purposes_have_keys_of_their_own(world: World):
    assert world.database.lookup_key("form") != world.database.lookup_key("browser")
    assert world.database.lookup_key("form") == world.database.lookup_key("form")


def test_a_purpose_key_made_in_a_block_that_failed_is_not_kept(world: World):
    with pytest.raises(ZeroDivisionError), world.database.begin() as work:
        made = world.vault.lookup_key(work, "form")
        _ = 1 / 0
    assert world.database.lookup_key("form") != made


def test_a_purpose_key_is_at_rest_only_sealed(world: World):
    key = world.database.lookup_key("form").key
    with world.database.read() as work:
        stored = work.connection().execute(text("SELECT secret_sealed FROM sealed_secrets")).scalar_one()
    assert stored.startswith("s1.")
    assert key.hex() not in stored
    assert "form" not in repr(key)
    with World(world.url, vault=make_vault(world.effects, b"x" * 32)) as stranger, pytest.raises(SealError):
        stranger.database.lookup_key("form")
