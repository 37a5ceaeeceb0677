"""Whose turn it is to read a directory, what readings did, and what came of the directory, on both databases."""

import pytest

from idp.effects import Instant
from idp.models.directories import Directory, DirectoryLink
from idp.models.directory_sync import (
    DirectoryLinkState,
    DirectorySyncEntry,
    DirectorySyncRun,
    Presence,
    RunState,
)
from idp.models.people import Credential, Employment
from idp.storage.municipalities import load
from tests.support.at_once import at_once
from tests.support.builders import KEKAVA, RIGA, START, World, add_employment, add_user
from tests.support.directories import add_directory

GUID = "00112233-4455-6677-8899-aabbccddeeff"


@pytest.fixture
def directory(world: World) -> Directory:
    with world.database.begin() as work:
        load(work)
        return add_directory(work)


@pytest.fixture
def anna(world: World, directory: Directory) -> str:
    """Linked, with a post in Rīga, one in Ķekava that begins later, and one that is over."""
    with world.database.begin() as work:
        user = add_user(work)
        add_employment(work, user.id, id="here")
        add_employment(work, user.id, KEKAVA, id="later", starts_at=START + 10)
        add_employment(work, user.id, KEKAVA, id="over", ends_at=START - 10)
        work.people.add_credential(
            Credential(id="c", user_id=user.id, method="directory", secret="", created_at=START)
        )
        work.directories.add_link(
            DirectoryLink(
                credential_id="c",
                user_id=user.id,
                directory_id=directory.id,
                object_guid=GUID,
                linked_by="x",
            )
        )
        return user.id


def run_of(
    directory: Directory, run_id: str = "r", at: Instant = START, **columns: object
) -> DirectorySyncRun:
    values = {"is_full": True, "asked_by": "x", "started_at": at, "described_at": START}
    return DirectorySyncRun(id=run_id, directory_id=directory.id, **values | columns)


def post(world: World, employment_id: str) -> Employment:
    with world.database.read() as work:
        return work.people.get_employment(employment_id)


def test_of_any_number_who_want_to_read_it_one_may(world: World, directory: Directory):
    def take(number: int) -> bool:
        with world.database.begin() as work:
            return work.directory_syncs.take_lease(
                directory.id, f"holder {number}", now=START, until=START + 60
            )

    assert at_once(20, take).count(True) == 1


def test_a_lease_lapses_and_is_its_holders_alone(world: World, directory: Directory):
    def take(holder: str, now: Instant) -> bool:
        with world.database.begin() as work:
            return work.directory_syncs.take_lease(directory.id, holder, now=now, until=now + 60)

    def renew(holder: str, until: Instant) -> bool:
        with world.database.begin() as work:
            return work.directory_syncs.renew_lease(directory.id, holder, until=until)

    assert take("a", START)
    assert not take("b", START + 59)
    assert renew("a", START + 100)
    assert not take("b", START + 60)
    assert take("b", START + 100)
    assert not renew("a", START + 200)
    with world.database.begin() as work:
        work.directory_syncs.release(directory.id, "a")
    assert not take("c", START + 101), "who lost it gives nothing back"


def test_what_was_held_is_confirmed_once(world: World, directory: Directory):
    with world.database.begin() as work:
        work.directory_syncs.add_run(run_of(directory, state=RunState.HELD.value))

    def confirm(number: int) -> bool:
        with world.database.begin() as work:
            return work.directory_syncs.turn(
                "r", old=RunState.HELD, new=RunState.CONFIRMED, by=f"administrator {number}"
            )

    assert at_once(20, confirm).count(True) == 1


def test_where_a_reading_stands_is_read_again_with_what_it_found(world: World, directory: Directory):
    made = run_of(directory)
    with world.database.begin() as work:
        work.directory_syncs.add_run(made)
    made.base, made.position, made.entries = 1, 2**40, 500
    told = {"presence": "present", "values": {"given_name": "Žanis", "email": "a\x00b\u202e"}}
    with world.database.begin() as work:
        for _ in range(2):
            entry = DirectorySyncEntry(run_id="r", object_guid=GUID, told=told)
            work.directory_syncs.keep_page(made, [entry])
    with world.database.read() as work:
        (left,) = work.directory_syncs.list_unfinished(directory.id)
        assert (left.base, left.position, left.entries) == (1, 2**40, 500)
        assert [each.told for each in work.directory_syncs.entries_of("r")] == [told]
    with world.database.begin() as work:
        work.directory_syncs.forget_entries("r")
        assert work.directory_syncs.entries_of("r") == []


def test_readings_are_listed_latest_first_and_go_with_time(world: World, directory: Directory):
    with world.database.begin() as work:
        for number in range(5):
            work.directory_syncs.add_run(run_of(directory, f"r{number}", START + number // 2))

    def listed(**more: str) -> list[str]:
        with world.database.read() as work:
            return [each.id for each in work.directory_syncs.list_runs(directory.id, limit=3, **more)]

    assert listed() == ["r4", "r2", "r3"]
    assert listed(after="r3") == ["r0", "r1"]
    with world.database.begin() as work:
        assert work.directory_syncs.find_run("another", "r4") is None
        assert work.directory_syncs.remove_old(START + 2) == 4
    assert listed() == ["r4"]


def test_a_linked_person_is_read_with_posts_and_what_is_known(world: World, directory: Directory, anna: str):
    with world.database.read() as work:
        (found,) = work.directory_syncs.linked(directory.id)
        assert (found.user.id, found.link.object_guid, found.state) == (anna, GUID, None)
        posts = work.directory_syncs.posts_of_linked(directory.id, now=START)
        assert [each.id for each in posts] == ["here", "later"]
        assert [each.id for each in work.directory_syncs.posts_of(anna, now=START)] == ["here", "later"]
        assert work.directory_syncs.count_linked(directory.id) == 1
    state = DirectoryLinkState(
        credential_id="c",
        directory_id=directory.id,
        presence=Presence.DISABLED.value,
        expires_at=START,
        groups=["CN=Lietveži"],
        ended_posts={"here": [None, START]},
    )
    with world.database.begin() as work:
        work.directory_syncs.put_state(state)
    with world.database.read() as work:
        (found,) = work.directory_syncs.linked(directory.id)
    assert found.state is not None
    assert (found.state.presence, found.state.groups) == ("disabled", ["CN=Lietveži"])
    assert found.state.ended_posts == {"here": [None, START]}


def test_what_is_known_goes_with_the_link(world: World, directory: Directory, anna: str):
    with world.database.begin() as work:
        work.directory_syncs.put_state(DirectoryLinkState(credential_id="c", directory_id=directory.id))
        work.people.remove_credentials(anna, "directory")
        assert work.directory_syncs.linked(directory.id) == []


def test_a_role_of_the_directory_is_told_from_one_given_by_hand(
    world: World, directory: Directory, anna: str
):
    with world.database.begin() as work:
        here = work.people.get_employment("here")
        work.directory_syncs.give_role(directory.id, here, "clerk")
        work.directory_syncs.give_role(directory.id, here, "archivist")
    assert post(world, "here").roles == ["clerk", "archivist"]
    with world.database.begin() as work:
        given = work.directory_syncs.roles_given(directory.id)
        assert {(each.employment_id, each.role, each.user_id) for each in given} == {
            ("here", "clerk", anna),
            ("here", "archivist", anna),
        }
        work.directory_syncs.take_role(directory.id, work.people.get_employment("here"), "clerk")
        assert [each.role for each in work.directory_syncs.roles_given(directory.id)] == ["archivist"]
    assert post(world, "here").roles == ["archivist"]


def test_a_post_is_taken_up_again_only_as_it_was_left(world: World, directory: Directory, anna: str):
    def resume(at: Instant) -> bool:
        with world.database.begin() as work:
            return work.directory_syncs.resume_post("here", ended_at=at, until=None)

    with world.database.begin() as work:
        work.directory_syncs.end_post("here", at=START)
    assert post(world, "here").municipality == RIGA
    assert not post(world, "here").is_current(START)
    assert not resume(START + 1)
    assert resume(START)
    assert post(world, "here").is_current(START)


def test_a_credential_that_was_blocked_for_another_reason_stays_so(
    world: World, directory: Directory, anna: str
):
    with world.database.begin() as work:
        assert work.people.block_credential("c", at=START)
        assert not work.directory_syncs.unblock_credential("c", since=START + 1)
        assert work.directory_syncs.unblock_credential("c", since=START)
        assert work.people.credentials_of(anna)[0].blocked_at is None


def test_data_are_put_and_nothing_else_of_the_account(world: World, directory: Directory, anna: str):
    with world.database.read() as work:
        user = work.people.get_user(anna)
    user.given_name, user.email, user.roles = "Žanete", "z@riga.example.lv", ["operator"]
    with world.database.begin() as work:
        work.directory_syncs.put_data(user, at=START + 1)
    with world.database.read() as work:
        found = work.people.get_user(anna)
    assert (found.given_name, found.email, found.updated_at) == ("Žanete", "z@riga.example.lv", START + 1)
    assert found.roles == []
