"""Directories and links, on both databases."""

import pytest

from idp.crypto import SealError
from idp.errors import AlreadyExistsError
from idp.models.directories import Directory, DirectoryLink
from idp.models.people import Credential
from idp.storage.municipalities import load
from idp.storage.reseal import reseal_all
from tests.support.at_once import at_once
from tests.support.builders import KEKAVA, MASTER_KEY, RIGA, START, World, add_user, make_vault
from tests.support.directories import add_directory

GUID = "00112233-4455-6677-8899-aabbccddeeff"
OTHER_GUID = "ffeeddcc-bbaa-9988-7766-554433221100"


@pytest.fixture(autouse=True)
def municipalities(world: World) -> None:
    with world.database.begin() as work:
        load(work)


def add(world: World, **columns: object) -> Directory:
    with world.database.begin() as work:
        return add_directory(work, **columns)


def link(
    world: World, user_id: str, directory: Directory, guid: str = GUID, credential_id: str = "c"
) -> None:
    credential = Credential(
        id=credential_id, user_id=user_id, method="directory", secret="", created_at=START
    )
    made = DirectoryLink(
        credential_id=credential_id,
        user_id=user_id,
        directory_id=directory.id,
        object_guid=guid,
        linked_by="x",
    )
    with world.database.begin() as work:
        work.people.add_credential(credential)
        work.directories.add_link(made)


@pytest.fixture
def anna(world: World) -> str:
    with world.database.begin() as work:
        return add_user(work).id


def test_what_is_kept_is_read_again(world: World):
    kept = add(world)
    with world.database.read() as work:
        found = work.directories.find_by_name(RIGA, kept.name)
        assert found is not None
        assert found.controllers == kept.controllers
        assert found.roles == kept.roles
        assert work.directories.password_of(found) == "secret"
        assert [each.id for each in work.directories.list_all()] == [kept.id]


def test_a_municipality_may_have_several_each_with_a_name_of_its_own(world: World):
    add(world, name="a")
    add(world, name="b")
    add(world, name="a", municipality=KEKAVA)
    with pytest.raises(AlreadyExistsError):
        add(world, name="a")


def test_the_password_opens_in_its_own_row_only(world: World):
    one, two = add(world, name="a"), add(world, name="b")
    assert "secret" not in repr(one)
    assert "secret" not in one.password_sealed
    two.password_sealed = one.password_sealed
    with world.database.read() as work, pytest.raises(SealError):
        work.directories.password_of(two)


def test_the_password_is_sealed_anew_with_the_others(world: World):
    add(world)
    both = make_vault(world.effects, b"n" * 32, MASTER_KEY)
    with world.database.begin() as work:
        assert reseal_all(work, both) >= 1
    newest = World(world.url, vault=make_vault(world.effects, b"n" * 32))
    with newest, newest.database.read() as work:
        (kept,) = work.directories.list_all()
        assert work.directories.password_of(kept) == "secret"


def test_an_entry_is_one_person_and_a_person_one_entry_of_a_directory(world: World, anna: str):
    """attack 39"""
    one, two = add(world, name="a"), add(world, name="b")
    with world.database.begin() as work:
        juris = add_user(work, "juris").id
    link(world, anna, one)
    with pytest.raises(AlreadyExistsError):
        link(world, juris, one, credential_id="d")
    with pytest.raises(AlreadyExistsError):
        link(world, anna, one, guid=OTHER_GUID, credential_id="e")
    link(world, juris, two, credential_id="f")
    with world.database.read() as work:
        assert [each.id for each in work.people.credentials_of(juris)] == ["f"]
        found = work.directories.find_link_of_entry(one.id, GUID)
        assert found is not None
        assert found.user_id == anna


def test_the_link_goes_with_its_credential(world: World, anna: str):
    kept = add(world)
    link(world, anna, kept)
    with world.database.begin() as work:
        assert work.people.remove_credential(anna, "c")
    with world.database.read() as work:
        assert work.directories.find_link("c") is None
        assert work.directories.find_link_of_entry(kept.id, GUID) is None


def test_an_entry_that_two_are_linked_to_at_once_becomes_one_persons(world: World):
    """attack 39"""
    kept = add(world)
    with world.database.begin() as work:
        people = [add_user(work, f"person{number}").id for number in range(4)]

    def try_to_link(number: int) -> bool:
        try:
            link(world, people[number], kept, credential_id=f"c{number}")
        except AlreadyExistsError:
            return False
        return True

    assert sorted(at_once(4, try_to_link)) == [False, False, False, True]
    with world.database.read() as work:
        assert sum(len(work.people.credentials_of(each)) for each in people) == 1
