from dataclasses import fields

import pytest

from idp.errors import AlreadyExistsError
from idp.models.grants import Consent, TokenFamily
from idp.models.people import UserStatus
from idp.storage.grants import RefreshRow
from tests.support.at_once import at_once
from tests.support.builders import START, World, add_client, add_family, add_refresh, add_user, family


@pytest.fixture
def held(world: World) -> TokenFamily:
    """A user's family of tokens for an application, with one refresh token of hash `t1`."""
    with world.database.begin() as work:
        anna = add_user(work, roles=["operator"])
        add_client(work)
        made = add_family(
            work,
            anna.id,
            "portal",
            session_id="s1",
            municipality="0001000",
            requested={"userinfo": {"name": None}},
        )
        add_refresh(work, made.id, "t1")
    return made


def is_alive(world: World, family_id: str) -> bool:
    with world.database.read() as work:
        alive = work.grants.family_is_alive(family_id, world.clock())
        assert (work.grants.find_active_family_with_user(family_id, world.clock()) is not None) == alive
    return alive


def test_a_family_is_read_as_it_was_added(world: World, held: TokenFamily):
    with world.database.read() as work:
        assert work.grants.find_family(held.id) == held
        assert work.grants.find_family_by_code(held.code_hash) == held
        assert work.grants.find_family("x") is None
        active = work.grants.find_active_family_with_user(held.id, START)
        assert active is not None
        assert active.family == held
        assert active.user == work.people.get_user(held.user_id)


def test_a_code_makes_one_family(world: World, held: TokenFamily):
    """attack 11"""
    with world.database.begin() as work:
        again = family(work, held.user_id, "portal", code_hash=held.code_hash)
        assert not work.grants.add_family(again)
        assert work.grants.find_family(again.id) is None


def test_of_parallel_redemptions_of_a_code_one_wins(world: World, held: TokenFamily):
    """attack 11"""

    def redeem(_: int) -> bool:
        with world.database.begin() as work:
            return work.grants.add_family(family(work, held.user_id, "portal", code_hash="the code"))

    assert sum(at_once(20, redeem)) == 1


def test_a_family_lives_until_its_end(world: World, held: TokenFamily):
    """attack 30"""
    assert is_alive(world, held.id)
    world.clock.at = held.expires_at
    assert not is_alive(world, held.id)
    assert not is_alive(world, "unknown")


def test_a_revoked_family_is_dead_and_revoked_once(world: World, held: TokenFamily):
    with world.database.begin() as work:
        assert work.grants.revoke_family(held.id, START)
        assert not work.grants.revoke_family(held.id, START + 1)
    assert not is_alive(world, held.id)


def test_a_blocked_user_has_no_live_family(world: World, held: TokenFamily):
    """attack 14"""
    with world.database.begin() as work:
        work.people.set_status(held.user_id, UserStatus.BLOCKED, at=START)
    assert not is_alive(world, held.id)


def test_a_disabled_client_has_no_live_family(world: World, held: TokenFamily):
    """attack 14"""
    with world.database.begin() as work:
        work.clients.set_disabled("portal", True)
    assert not is_alive(world, held.id)


def test_families_of_a_user_are_revoked_for_one_client_or_all(world: World, held: TokenFamily):
    with world.database.begin() as work:
        add_client(work, "other")
        liga = add_user(work, "liga")
        second, hers = add_family(work, held.user_id, "other"), add_family(work, liga.id, "other")
        assert work.grants.revoke_families_of_user(held.user_id, START, "portal") == 1
        assert work.grants.revoke_families_of_user(held.user_id, START) == 1
    assert [is_alive(world, each.id) for each in (held, second, hers)] == [False, False, True]


def test_all_but_those_of_one_session_are_revoked_whatever_they_were_allowed(world: World, held: TokenFamily):
    """attack 14"""
    with world.database.begin() as work:
        mine = add_family(work, held.user_id, "portal", session_id="s2")
        hers = add_family(work, add_user(work, "liga").id, "portal", session_id="s1")
        assert work.grants.revoke_other_families(held.user_id, "s2", START) == 1
        assert work.grants.revoke_other_families(held.user_id, "s2", START) == 0
    assert [is_alive(world, each.id) for each in (held, mine, hers)] == [False, True, True]


@pytest.mark.parametrize("keep_offline", [True, False])
def test_what_outlives_a_session_is_what_was_allowed_to(world: World, held: TokenFamily, keep_offline: bool):
    with world.database.begin() as work:
        online = add_family(work, held.user_id, "portal", session_id="s1", scopes=["openid"])
        elsewhere = add_family(work, held.user_id, "portal", session_id="s2", scopes=["openid"])
        ended = work.grants.revoke_session_families("s1", START, keep_offline=keep_offline)
    assert ended == (1 if keep_offline else 2)
    assert [is_alive(world, each.id) for each in (held, online, elsewhere)] == [keep_offline, False, True]


def test_a_refresh_token_is_found_with_what_its_family_may_have(world: World, held: TokenFamily):
    with world.database.read() as work:
        row = work.grants.find_refresh("t1")
        assert work.grants.find_refresh("t2") is None
    assert row is not None
    of_family = {"user_id", "client_id", "session_id", "scopes", "audiences", "acr", "amr", "auth_time"}
    of_family |= {"employment_id", "municipality", "requested"}
    assert of_family < {field.name for field in fields(RefreshRow)}
    assert {name: getattr(row, name) for name in of_family} == {
        name: getattr(held, name) for name in of_family
    }
    assert (row.token_hash, row.family_id, row.issued_at, row.expires_at) == (
        "t1",
        held.id,
        START,
        START + 86400,
    )
    assert (row.used_at, row.successor_hash, row.answer) == (None, None, None)
    assert (row.family_expires_at, row.family_revoked_at) == (held.expires_at, None)
    assert (row.user_status, row.user_roles) == (UserStatus.ACTIVE, ["operator"])


def test_a_refresh_token_is_used_once(world: World, held: TokenFamily):
    """attack 14"""
    with world.database.begin() as work:
        assert work.grants.refresh_is_unused("t1")
        assert work.grants.use_refresh("t1", at=START, successor_hash="t2", answer="sealed")
        assert not work.grants.refresh_is_unused("t1")
        assert not work.grants.use_refresh("t1", at=START + 1, successor_hash="t3", answer="other")
        row = work.grants.find_refresh("t1")
    assert row is not None
    assert (row.used_at, row.successor_hash, row.answer) == (START, "t2", "sealed")
    assert "sealed" not in repr(row)


def test_of_parallel_uses_of_a_refresh_token_one_wins(world: World, held: TokenFamily):
    """attack 14"""

    def use(number: int) -> bool:
        with world.database.begin() as work:
            return work.grants.use_refresh("t1", at=START, successor_hash=f"s{number}", answer="a")

    assert sum(at_once(20, use)) == 1


def test_a_refresh_token_needs_its_family(world: World):
    with pytest.raises(AlreadyExistsError), world.database.begin() as work:
        add_refresh(work, "no family", "t1")


def test_consent_is_saved_replaced_and_withdrawn(world: World):
    with world.database.begin() as work:
        anna = add_user(work)
        add_client(work, "a")
        add_client(work, "b")
        work.grants.save_consent(Consent(user_id=anna.id, client_id="a", scopes=["openid"], granted_at=START))
        wider = Consent(user_id=anna.id, client_id="a", scopes=["openid", "email"], granted_at=START + 1)
        work.grants.save_consent(wider)
        later = Consent(user_id=anna.id, client_id="b", scopes=["openid"], granted_at=START + 2)
        work.grants.save_consent(later)
        assert work.grants.find_consent(anna.id, "a") == wider
        assert work.grants.consents_of(anna.id) == [later, wider]
        assert work.grants.withdraw_consent(anna.id, "a")
        assert not work.grants.withdraw_consent(anna.id, "a")
        assert work.grants.find_consent(anna.id, "a") is None
