"""Checks of documents as rows: approved once, by another; used or revoked once; and what was stated, sealed and gone."""

import pytest

from idp.models.in_person import DocumentKind, IdentityCheck, Stated
from idp.models.person_code import PersonCode
from idp.storage.in_person import CheckState, state_of
from idp.storage.municipalities import load
from idp.storage.prepared import Prepared
from idp.storage.unit import table_of
from tests.support.at_once import at_once
from tests.support.builders import KEKAVA, RIGA, START, World, add_employment, add_user

STATED = Stated(code=PersonCode.parse("320000-00015"), given_name="Anna", family_name="Bērziņa")


@pytest.fixture
def check(world: World) -> IdentityCheck:
    with world.database.begin() as work:
        load(work)
        anna = add_user(work)
        add_employment(work, anna.id, RIGA)
        made = IdentityCheck(
            id="c1",
            user_id=anna.id,
            municipality=RIGA,
            document=DocumentKind.PASSPORT.value,
            stated_sealed="",
            made_by="first",
            made_at=START,
            expires_at=START + 100,
        )
        work.identity_checks.add(made, STATED)
    return made


def approve(world: World, by: str = "second", code: str = "h1", at: float = START) -> bool:
    with world.database.begin() as work:
        return work.identity_checks.approve("c1", by=by, code_hash=code, until=at + 100, now=at)


def use(world: World, at: float = START) -> bool:
    with world.database.begin() as work:
        return work.identity_checks.use("c1", at)


def find(world: World) -> IdentityCheck:
    with world.database.read() as work:
        found = work.identity_checks.find("c1")
    assert found is not None
    return found


def test_what_was_stated_is_read_back_and_not_in_what_is_stored(world: World, check: IdentityCheck) -> None:
    """attack 44"""
    with world.database.read() as work:
        (row,) = work.rows(Prepared(table_of(IdentityCheck).select()))
        assert work.identity_checks.stated_in(find(world)) == STATED
    stored = " ".join(map(str, row))
    for secret in ("Anna", "Bērziņa", "32000000015", "320000-00015"):
        assert secret not in stored
    assert "Anna" not in repr(STATED)


def test_of_a_hundred_who_approve_at_once_one_does(world: World, check: IdentityCheck) -> None:
    """attack 33"""
    assert at_once(100, lambda number: approve(world, f"second{number}", f"h{number}")).count(True) == 1
    found = find(world)
    assert found.approved_by is not None
    assert found.code_hash == f"h{found.approved_by.removeprefix('second')}"


def test_who_made_it_and_whom_it_is_about_do_not_approve_it(world: World, check: IdentityCheck) -> None:
    assert not approve(world, "first")
    assert not approve(world, check.user_id)
    assert state_of(find(world), START) is CheckState.WAITING


def test_of_a_hundred_at_once_one_uses_it(world: World, check: IdentityCheck) -> None:
    """attack 33"""
    assert approve(world)
    assert at_once(100, lambda _: use(world)).count(True) == 1


def test_it_is_used_or_revoked_and_not_both(world: World, check: IdentityCheck) -> None:
    """attack 33: an administrator revokes it while it is used"""
    assert approve(world)

    def act(number: int) -> bool:
        with world.database.begin() as work:
            checks = work.identity_checks
            return checks.use("c1", START) if number % 2 else checks.revoke("c1", by="x", now=START)

    assert at_once(10, act).count(True) == 1
    found = find(world)
    assert (found.used_at is None) != (found.revoked_at is None)


def test_nothing_that_was_not_approved_is_used(world: World, check: IdentityCheck) -> None:
    assert not use(world)


def test_approved_or_not_it_ends_on_time(world: World, check: IdentityCheck) -> None:
    """attack 30: expiry is checked at use"""
    assert not approve(world, at=START + 100)
    assert approve(world, at=START + 99)
    assert not use(world, START + 199)
    assert use(world, START + 198)


@pytest.mark.parametrize("ends", ["use", "revoke", "revoke_of_user"])
def test_what_was_stated_goes_with_its_purpose(world: World, check: IdentityCheck, ends: str) -> None:
    assert approve(world)
    with world.database.begin() as work:
        match ends:
            case "use":
                assert work.identity_checks.use("c1", START)
            case "revoke":
                assert work.identity_checks.revoke("c1", by="x", now=START)
            case _:
                assert work.identity_checks.revoke_of_user(check.user_id, by="x", now=START) == ["c1"]
                assert work.identity_checks.revoke_of_user(check.user_id, by="x", now=START) == []
    found = find(world)
    assert found.stated_sealed == ""
    with world.database.read() as work:
        assert work.identity_checks.stated_in(found) is None


@pytest.mark.parametrize(
    ("columns", "at", "expected"),
    [
        ({}, 99, CheckState.WAITING),
        ({}, 100, CheckState.EXPIRED),
        ({"approved_at": START + 1}, 99, CheckState.APPROVED),
        ({"approved_at": START + 1}, 100, CheckState.EXPIRED),
        ({"approved_at": START + 1, "used_at": START + 2}, 200, CheckState.USED),
        ({"revoked_at": START + 1}, 200, CheckState.REVOKED),
    ],
)
def test_its_state_is_told_from_the_row_and_the_clock(
    world: World, check: IdentityCheck, columns: dict[str, float], at: float, expected: CheckState
) -> None:
    for name, value in columns.items():
        setattr(check, name, value)
    assert state_of(check, START + at) is expected


def test_they_are_listed_for_a_person_or_for_where_they_were_made_and_people_work_now(
    world: World, check: IdentityCheck
) -> None:
    """attack 40"""
    with world.database.begin() as work:
        add_employment(work, check.user_id, KEKAVA)
    with world.database.read() as work:
        checks = work.identity_checks
        assert checks.list_checks(now=START) == [check]
        assert checks.list_checks(now=START, user_id=check.user_id, municipality=RIGA) == [check]
        assert checks.list_checks(now=START, municipality=KEKAVA) == []
        assert checks.list_checks(now=START, user_id="x") == []
        assert checks.list_checks(now=START, after="c1") == []


def test_old_ones_make_room(world: World, check: IdentityCheck) -> None:
    with world.database.begin() as work:
        assert work.identity_checks.remove_old(START + 100) == 0
        assert work.identity_checks.remove_old(START + 101) == 1
        assert work.identity_checks.find("c1") is None
