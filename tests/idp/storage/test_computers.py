"""Remembered computers as rows: rotated by one, and forgotten by whatever changes how their person signs in."""

from collections.abc import Callable

import pytest

from idp.models.computers import RememberedComputer
from idp.models.municipality_rules import MunicipalityRules
from idp.models.people import Credential, User, UserStatus
from idp.storage.municipalities import load
from idp.storage.work import Work
from tests.support.at_once import at_once
from tests.support.builders import RIGA, START, World, add_credential, add_session, add_user

Act = Callable[[Work, str], object]


def computer(user_id: str, number: int = 1, **columns: object) -> RememberedComputer:
    values = {
        "id": f"c{number}",
        "series_hash": f"series {number}",
        "token_hash": "first",
        "browser_hash": "browser",
        "method": "totp",
        "credential_id": "t",
        "made_at": START,
        "last_used_at": START,
        "rotated_at": START,
        "expires_at": START + 100,
    }
    return RememberedComputer(user_id=user_id, **{**values, **columns})


@pytest.fixture
def anna(world: World) -> User:
    with world.database.begin() as work:
        anna, berta = add_user(work), add_user(work, "berta")
        add_credential(work, anna.id, "totp", id="t")
        add_credential(work, anna.id, "password", id="p")
        work.computers.add(computer(anna.id))
        work.computers.add(computer(berta.id, 2))
    return anna


def test_of_a_hundred_at_once_one_rotates(world: World, anna: User) -> None:
    """attack 36"""

    def rotate(number: int) -> bool:
        with world.database.begin() as work:
            return work.computers.rotate(
                "c1", presented="first", browser="browser", new=f"n{number}", at=START + 1
            )

    assert at_once(100, rotate).count(True) == 1
    with world.database.read() as work:
        kept = work.computers.find("c1")
    assert kept is not None
    assert (kept.rotated_at, kept.last_used_at) == (START + 1, START + 1)
    assert kept.token_hash.startswith("n")


@pytest.mark.parametrize("wrong", [{"presented": "other"}, {"browser": "other"}], ids=str)
def test_another_token_or_browser_does_not(world: World, anna: User, wrong: dict[str, str]) -> None:
    asked = {"presented": "first", "browser": "browser", **wrong}
    with world.database.begin() as work:
        assert not work.computers.rotate("c1", new="n", at=START, **asked)


def test_of_a_hundred_at_once_one_forgets(world: World, anna: User) -> None:
    def forget(_: int) -> bool:
        with world.database.begin() as work:
            return work.computers.forget(anna.id, "c1")

    assert at_once(100, forget).count(True) == 1


def _add_key(work: Work, user_id: str) -> object:
    return work.people.add_key(
        Credential(id="k", user_id=user_id, method="key", secret="", created_at=START, key_id="key")
    )


CHANGES: dict[str, Act] = {
    "a way set up": lambda work, user: add_credential(work, user, "totp"),
    "a key set up": _add_key,
    "one removed": lambda work, user: work.people.remove_credential(user, "t"),
    "all of a method removed": lambda work, user: work.people.remove_credentials(user, "password"),
    "all removed": lambda work, user: work.people.remove_credentials(user, None),
    "a key blocked": lambda work, _: work.people.block_credential("t", at=START),
    "the person blocked": lambda work, user: work.people.set_status(user, UserStatus.BLOCKED, at=START),
    "the person let in again": lambda work, user: work.people.set_status(user, UserStatus.ACTIVE, at=START),
    "signed out elsewhere": lambda work, user: work.sessions.end_others(user, "kept", START),
    "signed out everywhere": lambda work, user: work.sessions.end_all_of_user(user, START),
}
USES: dict[str, Act] = {
    "a code accepted": lambda work, _: work.people.accept_step("t", 5, at=START),
    "used": lambda work, _: work.people.touch_credential("t", at=START),
    "renamed": lambda work, user: work.people.rename_credential(user, "t", "Mans"),
    "hashed better": lambda work, _: work.people.replace_secret("p", old="a hash", new="better"),
    "signed in": add_session,
}


@pytest.mark.parametrize("change", CHANGES)
def test_they_are_forgotten_in_the_same_act_as(world: World, anna: User, change: str) -> None:
    """attack 36: no way of changing it can forget to; another person's stay"""
    with world.database.begin() as work:
        CHANGES[change](work, anna.id)
        assert work.computers.find("c1") is None
        assert work.computers.find("c2") is not None


@pytest.mark.parametrize("use", USES)
def test_they_stay_when(world: World, anna: User, use: str) -> None:
    with world.database.begin() as work:
        assert USES[use](work, anna.id) is not False
        assert work.computers.find("c1") is not None


def test_a_change_that_is_undone_forgets_nothing(world: World, anna: User) -> None:
    with pytest.raises(RuntimeError), world.database.begin() as work:
        work.people.remove_credentials(anna.id, None)
        raise RuntimeError
    with world.database.read() as work:
        assert work.computers.find("c1") is not None


def test_expired_ones_are_not_listed_and_are_removed(world: World, anna: User) -> None:
    with world.database.begin() as work:
        work.computers.add(computer(anna.id, 3, last_used_at=START + 5))
        assert [each.id for each in work.computers.list_of(anna.id, START)] == ["c3", "c1"]
        assert work.computers.list_of(anna.id, START + 100) == []
        assert work.computers.remove_old(START + 100) == 0
        assert work.computers.remove_old(START + 101) == 3


def test_what_a_municipality_did_not_decide_is_never(world: World) -> None:
    with world.database.begin() as work:
        load(work)
        assert work.municipality_rules.of(RIGA) == MunicipalityRules(remember_days=0)
        assert work.rules.rules_and_demands_for([RIGA])[2] == {}
        for days in (30, 7):
            work.municipality_rules.put(RIGA, MunicipalityRules(remember_days=days))
        assert work.municipality_rules.of(RIGA).remember_days == 7
        assert work.rules.rules_and_demands_for([RIGA, "national"])[2] == {RIGA: 7}


@pytest.mark.parametrize("minutes", [-1, 0, 61, 10**9])
def test_shared_computers_wait_for_an_hour_at_most(minutes: int) -> None:
    with pytest.raises(ValueError, match="1 to 60"):
        MunicipalityRules(shared_idle_minutes=minutes)


@pytest.mark.parametrize("days", [-1, 31, 10**9])
def test_more_than_a_month_is_no_rule(days: int) -> None:
    with pytest.raises(ValueError, match="0 to 30"):
        MunicipalityRules(remember_days=days)
