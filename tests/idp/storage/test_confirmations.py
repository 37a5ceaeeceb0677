"""Who owns an account, as a row: one account for each person, names sealed, and gone with a changed code."""

from dataclasses import replace

import pytest

from idp.errors import AlreadyExistsError
from idp.models.confirmations import Assurance, Confirmation, ConfirmedBy, IdentityRead
from idp.models.people import User
from idp.models.person_code import PersonCode
from idp.storage.prepared import Prepared
from idp.storage.unit import table_of
from tests.support.at_once import at_once
from tests.support.builders import START, World, add_user

READ = IdentityRead(
    code=PersonCode.parse("320000-00015"),
    given_name="Anna",
    family_name="Bērziņa",
    confirmed_by=ConfirmedBy.SMART_ID,
    assurance=Assurance.HIGH,
    read_at=START,
    flow="QR",
    certificate_fingerprint="ab" * 32,
    evidence="cd" * 32,
)


def put(world: World, user: User, read: IdentityRead = READ) -> Confirmation:
    with world.database.begin() as work:
        return work.confirmations.put(user.id, read, consent_version="1", consent_language="lv")


@pytest.fixture
def anna(world: World) -> User:
    with world.database.begin() as work:
        return add_user(work)


def test_what_was_read_is_kept_and_the_code_is_set(world: World, anna: User) -> None:
    put(world, anna)
    with world.database.read() as work:
        found = work.confirmations.find(anna.id)
        code = work.people.person_code_of(work.people.get_user(anna.id))
    assert found is not None
    assert (found.given_name, found.family_name, found.confirmation.assurance) == ("Anna", "Bērziņa", "high")
    assert code == READ.code


def test_names_and_codes_are_not_in_what_is_stored(world: World, anna: User) -> None:
    put(world, anna)
    with world.database.read() as work:
        (row,) = work.rows(Prepared(table_of(Confirmation).select()))
    stored = " ".join(map(str, row))
    for secret in ("Anna", "Bērziņa", "32000000015", "320000-00015"):
        assert secret not in stored


def test_one_person_has_one_account(world: World, anna: User) -> None:
    """attack 39"""
    put(world, anna)
    with world.database.begin() as work:
        berta = add_user(work, "berta")
    with pytest.raises(AlreadyExistsError):
        put(world, berta)
    with world.database.read() as work:
        assert not work.confirmations.is_confirmed(berta.id)
        assert work.people.get_user(berta.id).person_code_sealed is None


def test_of_many_accounts_at_once_one_gets_the_person(world: World) -> None:
    with world.database.begin() as work:
        accounts = [add_user(work, f"user-{number}") for number in range(10)]
        work.people.set_person_code(accounts[0].id, PersonCode.parse("320000-00023"), at=START)

    def link(number: int) -> bool:
        try:
            put(world, accounts[number])
        except AlreadyExistsError:
            return False
        return True

    assert at_once(10, link).count(True) == 1


def test_a_confirmation_ends_with_the_code_it_was_about(world: World, anna: User) -> None:
    put(world, anna)
    with world.database.begin() as work:
        work.people.set_person_code(anna.id, PersonCode.parse("320000-00023"), at=START)
        assert not work.confirmations.is_confirmed(anna.id)
        assert work.confirmations.find(anna.id) is None


def test_the_same_person_confirms_anew_by_other_means(world: World, anna: User) -> None:
    first = put(world, anna)
    later = replace(READ, confirmed_by=ConfirmedBy.EPARAKSTS, read_at=START + 100, family_name="Kalniņa")
    put(world, anna, later)
    with world.database.begin() as work:
        found = work.confirmations.find(anna.id)
        assert work.confirmations.is_of(first, later)
        assert not work.confirmations.is_of(first, replace(READ, code=PersonCode.parse("320000-00023")))
    assert found is not None
    assert (found.family_name, found.confirmation.confirmed_by) == ("Kalniņa", "eparaksts")


def test_removing_leaves_the_code(world: World, anna: User) -> None:
    put(world, anna)
    with world.database.begin() as work:
        assert work.confirmations.remove(anna.id)
        assert not work.confirmations.remove(anna.id)
        assert not work.confirmations.is_confirmed(anna.id)
        assert work.people.get_user(anna.id).person_code_sealed is not None
