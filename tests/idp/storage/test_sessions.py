from dataclasses import fields

import pytest

from idp.errors import AlreadyExistsError
from idp.models.people import UserStatus
from idp.models.sessions import BrowserSession
from idp.storage.work import Work
from tests.support.at_once import at_once
from tests.support.builders import START, World, add_client, add_session, add_user

PROOFS = [{"method": "m1", "at": START}, {"method": "m2", "at": START + 1}]


def rotate(work: Work, session: BrowserSession, old: str, new: str) -> bool:
    return work.sessions.rotate(
        session.id, old_hash=old, new_hash=new, proofs=PROOFS, at=START + 2, employment_id="e1"
    )


def test_a_session_is_found_by_its_token_with_who_it_belongs_to(world: World):
    with world.database.begin() as work:
        anna = add_user(work, given_name="Anna", family_name="Bērziņa")
        session = add_session(work, anna.id, "hash", proofs=PROOFS)
    with world.database.read() as work:
        row = work.sessions.find_by_token("hash")
        assert work.sessions.find_by_token("other") is None
    assert row is not None
    for field in fields(row)[:-4]:
        assert getattr(row, field.name) == getattr(session, field.name)
    assert (row.username, row.display_name, row.user_status) == ("anna", "Anna Bērziņa", UserStatus.ACTIVE)
    assert "hash" not in repr(row).replace("token_hash", "")


def test_a_blocked_user_shows_on_the_session_at_once(world: World):
    """attack 25"""
    with world.database.begin() as work:
        anna = add_user(work)
        add_session(work, anna.id, "hash")
        work.people.set_status(anna.id, UserStatus.BLOCKED, at=START)
        row = work.sessions.find_by_token("hash")
    assert row is not None
    assert row.user_status == UserStatus.BLOCKED
    assert row.display_name == "anna"


def test_after_rotation_the_old_token_opens_nothing(world: World):
    """attack 21"""
    with world.database.begin() as work:
        session = add_session(work, add_user(work).id, "old")
        assert rotate(work, session, "old", "new")
        assert work.sessions.find_by_token("old") is None
        row = work.sessions.find_by_token("new")
        assert not rotate(work, session, "old", "newer")
    assert row is not None
    assert (row.id, row.proofs, row.last_seen_at, row.employment_id) == (session.id, PROOFS, START + 2, "e1")


def test_of_parallel_rotations_one_wins(world: World):
    """attack 21"""
    with world.database.begin() as work:
        session = add_session(work, add_user(work).id, "old")

    def attempt(number: int) -> bool:
        with world.database.begin() as work:
            return rotate(work, session, "old", f"new {number}")

    assert sum(at_once(20, attempt)) == 1


def test_an_ended_session_neither_rotates_nor_ends_again(world: World):
    with world.database.begin() as work:
        session = add_session(work, add_user(work).id, "hash")
        assert work.sessions.end(session.id, START + 1)
        assert not work.sessions.end(session.id, START + 2)
        assert not rotate(work, session, "hash", "new")
        work.sessions.touch(session.id, START + 9)
        row = work.sessions.find_by_token("hash")
    assert row is not None
    assert (row.ended_at, row.last_seen_at) == (START + 1, START)


def test_being_seen_only_moves_forward(world: World):
    with world.database.begin() as work:
        session = add_session(work, add_user(work).id, "hash")
        work.sessions.touch(session.id, START + 60)
        work.sessions.touch(session.id, START + 30)
        found = work.sessions.find(session.id)
    assert found is not None
    assert found.last_seen_at == START + 60


def test_ending_the_others_keeps_this_one_and_other_people(world: World):
    """attack 22"""
    with world.database.begin() as work:
        anna, liga = add_user(work, "anna"), add_user(work, "liga")
        mine, second, third = (add_session(work, anna.id) for _ in range(3))
        hers = add_session(work, liga.id)
        work.sessions.end(third.id, START)
        assert work.sessions.end_others(anna.id, mine.id, START) == [second.id]
        assert [session.id for session in work.sessions.of_user(anna.id, now=START, idle_seconds=60)] == [
            mine.id
        ]
        assert work.sessions.end_all_of_user(anna.id, START) == [mine.id]
        assert [session.id for session in work.sessions.of_user(liga.id, now=START, idle_seconds=60)] == [
            hers.id
        ]


def test_sessions_shown_are_those_that_still_open_something(world: World):
    """attack 30"""
    with world.database.begin() as work:
        anna = add_user(work)
        add_session(work, anna.id, last_seen_at=START - 3600)
        add_session(work, anna.id, expires_at=START)
        old, new = (add_session(work, anna.id, last_seen_at=START - age) for age in (20, 10))
        shown = work.sessions.of_user(anna.id, now=START, idle_seconds=3600)
    assert [session.id for session in shown] == [new.id, old.id]


def test_a_token_belongs_to_one_session(world: World):
    with pytest.raises(AlreadyExistsError), world.database.begin() as work:
        anna = add_user(work)
        add_session(work, anna.id, "hash")
        add_session(work, anna.id, "hash")


def test_applications_reached_are_noted_once(world: World):
    with world.database.begin() as work:
        session = add_session(work, add_user(work).id)
        for client_id in ("b", "a"):
            add_client(work, client_id)
        work.sessions.add_client(session.id, "b", START)
        work.sessions.add_client(session.id, "a", START + 1)
        work.sessions.add_client(session.id, "b", START + 2)
        assert [client.client_id for client in work.sessions.clients_of(session.id)] == ["b", "a"]
