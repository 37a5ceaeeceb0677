"""Enrolment tickets as rows: used or revoked once, and told by state."""

import pytest

from idp.models.tickets import EnrolmentTicket
from idp.storage.municipalities import load
from idp.storage.tickets import TicketState, state_of
from tests.support.at_once import at_once
from tests.support.builders import KEKAVA, RIGA, START, World, add_employment, add_user


@pytest.fixture
def ticket(world: World) -> EnrolmentTicket:
    with world.database.begin() as work:
        load(work)
        anna = add_user(work)
        add_employment(work, anna.id, RIGA)
        made = EnrolmentTicket(
            id="t1",
            code_hash="h1",
            user_id=anna.id,
            municipality=RIGA,
            made_by="somebody",
            made_at=START,
            expires_at=START + 100,
        )
        work.tickets.add(made)
    return made


def test_a_ticket_is_found_by_its_id_and_by_its_code(world: World, ticket: EnrolmentTicket):
    with world.database.read() as work:
        assert work.tickets.find("t1") == work.tickets.find_by_code("h1") == ticket
        assert work.tickets.find("x") is None
        assert work.tickets.find_by_code("x") is None
    assert "h1" not in repr(ticket)


def test_of_a_hundred_at_once_one_uses_it(world: World, ticket: EnrolmentTicket):
    """attack 33"""

    def use(_: int) -> bool:
        with world.database.begin() as work:
            return work.tickets.use("t1", START)

    assert at_once(100, use).count(True) == 1


def test_it_is_used_or_revoked_and_not_both(world: World, ticket: EnrolmentTicket):
    """attack 33: an administrator revokes it while it is used"""

    def act(number: int) -> bool:
        with world.database.begin() as work:
            return work.tickets.use("t1", START) if number % 2 else work.tickets.revoke("t1", START)

    assert at_once(10, act).count(True) == 1
    with world.database.read() as work:
        kept = work.tickets.find("t1")
    assert kept is not None
    assert (kept.used_at is None) != (kept.revoked_at is None)


@pytest.mark.parametrize(
    ("columns", "at", "expected"),
    [
        ({}, 99, TicketState.OPEN),
        ({}, 100, TicketState.EXPIRED),
        ({"used_at": START + 1}, 200, TicketState.USED),
        ({"revoked_at": START + 1}, 200, TicketState.REVOKED),
    ],
)
def test_its_state_is_told_from_the_row_and_the_clock(
    world: World, ticket: EnrolmentTicket, columns: dict[str, float], at: float, expected: TicketState
):
    """attack 30: expiry is checked at use"""
    for name, value in columns.items():
        setattr(ticket, name, value)
    assert state_of(ticket, START + at) is expected
    if not columns:
        with world.database.begin() as work:
            assert work.tickets.use("t1", START + at) == (expected is TicketState.OPEN)


def test_all_open_ones_of_a_person_are_revoked(world: World, ticket: EnrolmentTicket):
    with world.database.begin() as work:
        assert work.tickets.revoke_of_user(ticket.user_id, START) == ["t1"]
        assert work.tickets.revoke_of_user(ticket.user_id, START) == []
        assert work.tickets.revoke_of_user("x", START) == []


def test_they_are_listed_for_a_person_or_for_where_people_work_now(world: World, ticket: EnrolmentTicket):
    """attack 40"""
    with world.database.read() as work:
        assert work.tickets.list_tickets(now=START) == [ticket]
        assert work.tickets.list_tickets(now=START, user_id=ticket.user_id, municipality=RIGA) == [ticket]
        assert work.tickets.list_tickets(now=START, municipality=KEKAVA) == []
        assert work.tickets.list_tickets(now=START, user_id="x") == []
        assert work.tickets.list_tickets(now=START, after="t1") == []


def test_old_ones_make_room(world: World, ticket: EnrolmentTicket):
    with world.database.begin() as work:
        assert work.tickets.remove_old(START + 100) == 0
        assert work.tickets.remove_old(START + 101) == 1
        assert work.tickets.find("t1") is None
