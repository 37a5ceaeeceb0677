"""First arrivals at the same moment, on both databases: however many, one link and one account."""

from collections.abc import Iterator
from dataclasses import dataclass

import pytest

from idp.errors import AlreadyExistsError, Reason
from idp.login.sessions import Visitor
from idp.methods.base import Arrived, Rejected, Verified
from idp.models.arrivals import DirectoryArrival, Invitation
from idp.models.directories import Directory
from idp.models.person_code import PersonCode
from idp.people.first_arrivals import FirstArrivals
from idp.policy import NATIONAL
from idp.storage import arrivals, migrate
from idp.storage.municipalities import load
from tests.support.at_once import at_once
from tests.support.builders import RIGA, World, add_employment, add_rule, add_user
from tests.support.directories import add_directory

CODE = "010180-10001"
WAITS = Rejected(Reason.ARRIVAL_WAITS, counted=False)
VISITOR = Visitor(browser="b", address="192.0.2.1")


@dataclass
class Riga:
    world: World
    directory: Directory

    def arrives(self, guid: str, matched: str = CODE, *, rule: str = "") -> Verified | Rejected:
        """As `login/flow.py` does it: once more where another request was first."""
        arrived = Arrived(
            source=self.directory.id,
            subject=guid,
            method="directory",
            rule=rule or self.directory.arrival,
            matched=matched,
            names=("anna",),
        )
        first = FirstArrivals(self.world.effects)
        for _ in range(2):
            try:
                with self.world.database.begin() as work:
                    return first.whose(work, arrived, VISITOR)
            except AlreadyExistsError:
                continue
        raise AssertionError("twice")

    def counts(self) -> tuple[int, int, int]:
        """Links, people, and those who wait."""
        with self.world.database.read() as work:
            links = work.directories.list_links(self.directory.id, limit=1000)
            return len(links), len(work.people.list_users()), len(work.arrivals.list_of(RIGA))


@pytest.fixture
def riga(database_url: str) -> Iterator[Riga]:
    migrate.upgrade(database_url)
    with World(database_url) as world:
        with world.database.begin() as work:
            load(work)
            for scope in (NATIONAL, RIGA):
                work.rules.replace_scope(scope, [])
                add_rule(work, scope, ["directory"])
            directory = add_directory(work, arrival="person_code")
        yield Riga(world, directory)


def employs(riga: Riga, code: str = CODE) -> None:
    with riga.world.database.begin() as work:
        user = add_user(work, "anna.ours")
        add_employment(work, user.id)
        work.people.set_person_code(user.id, PersonCode.parse(code), at=1.0)


def test_a_hundred_arrivals_at_once_are_one_link(riga: Riga):
    """attack 39"""
    employs(riga)
    outcomes = at_once(100, lambda _: riga.arrives("g1"))
    assert len({each.credential_id for each in outcomes if isinstance(each, Verified)}) == 1
    assert all(isinstance(each, Verified) for each in outcomes)
    assert riga.counts() == (1, 1, 0)


def test_of_two_entries_at_once_with_one_code_one_waits(riga: Riga):
    """attack 39"""
    employs(riga)
    outcomes = at_once(20, lambda number: riga.arrives(f"g{number % 2}"))
    assert {each.user_id for each in outcomes if isinstance(each, Verified)} != set()
    refused = [each for each in outcomes if isinstance(each, Rejected)]
    assert refused == [WAITS] * 10
    assert riga.counts() == (1, 1, 1)


def switch(riga: Riga, **columns: object) -> None:
    for name, value in columns.items():
        setattr(riga.directory, name, value)
    with riga.world.database.begin() as work:
        work.directories.put(riga.directory)


@pytest.mark.parametrize("rule", ["person_code", "employee_number"])
def test_a_hundred_arrivals_of_somebody_new_are_one_account(riga: Riga, rule: str):
    switch(riga, arrival=rule, creates_accounts=True)
    outcomes = at_once(100, lambda _: riga.arrives("g1"))
    assert len({each.user_id for each in outcomes if isinstance(each, Verified)}) == 1
    assert riga.counts() == (1, 1, 0)


def test_of_two_new_ones_at_once_with_one_number_one_waits(riga: Riga):
    switch(riga, arrival="employee_number", creates_accounts=True)
    at_once(10, lambda number: riga.arrives(f"g{number % 2}", "R-1"))
    assert riga.counts() == (1, 1, 1)


def test_who_waits_is_one_row_and_the_oldest_make_room(riga: Riga, monkeypatch: pytest.MonkeyPatch):
    """attack 43"""
    at_once(20, lambda _: riga.arrives("g1", ""))
    assert riga.counts() == (0, 0, 1)
    monkeypatch.setattr(arrivals, "WAITING_AT_MOST", 3)
    for number in range(2, 8):
        riga.world.clock.move(1)
        riga.arrives(f"g{number}", "")
    with riga.world.database.read() as work:
        assert [each.object_guid for each in work.arrivals.list_of(RIGA)] == ["g7", "g6", "g5"]


def test_a_directory_that_was_switched_off_meanwhile_links_nobody(riga: Riga):
    """attack 25"""
    employs(riga)
    switch(riga, enabled=False)
    assert riga.arrives("g1") == Rejected(Reason.DIRECTORY_UNKNOWN_ENTRY)
    assert riga.counts() == (0, 1, 0)


def test_what_another_rule_read_is_compared_by_none(riga: Riga):
    """attack 39: a rule that changed while somebody proved their password."""
    employs(riga)
    assert riga.arrives("g1", rule="employee_number") == WAITS
    switch(riga, creates_accounts=True)
    assert riga.arrives("g2", "010180-10002", rule="employee_number") == WAITS
    assert riga.counts() == (0, 1, 2)


@pytest.mark.parametrize("scope", [NATIONAL, RIGA])
def test_where_the_rules_do_not_allow_it_nobody_is_linked_made_or_queued(riga: Riga, scope: str):
    employs(riga)
    switch(riga, creates_accounts=True)
    with riga.world.database.begin() as work:
        work.rules.replace_scope(scope, [])
    for guid, code in (("g1", CODE), ("g2", "010180-10002"), ("g3", "")):
        assert riga.arrives(guid, code) == Rejected(Reason.METHOD_NOT_OFFERED)
    assert riga.counts() == (0, 1, 0)


def test_an_entry_without_a_name_of_letters_still_gets_a_username(riga: Riga):
    """attack 45"""
    switch(riga, arrival="employee_number", creates_accounts=True)
    first = FirstArrivals(riga.world.effects)
    arrived = Arrived(
        source=riga.directory.id,
        subject="g1",
        method="directory",
        rule="employee_number",
        matched="1",
        given_name="A\u202eB\n",
        names=("@@", "\u202e"),
    )
    with riga.world.database.begin() as work:
        assert isinstance(first.whose(work, arrived, VISITOR), Verified)
        (made,) = work.people.list_users()
    assert made.username.startswith("persona-")
    assert made.given_name == "A B"


def test_what_is_old_is_erased(riga: Riga):
    employs(riga)
    with riga.world.database.begin() as work:
        user = work.people.find_user_by_username("anna.ours")
        assert user is not None
        for number, at in enumerate((10.0, 20.0)):
            work.arrivals.queue(
                DirectoryArrival(
                    id=f"a{number}",
                    directory_id=riga.directory.id,
                    object_guid=f"g{number}",
                    name="",
                    account_name="",
                    first_at=1.0,
                    last_at=at,
                )
            )
            work.invitations.add(
                Invitation(
                    id=f"i{number}",
                    code_hash=f"h{number}",
                    user_id=user.id,
                    source=riga.directory.id,
                    maker_municipality=None,
                    made_by="command-line",
                    made_at=1.0,
                    expires_at=at,
                )
            )
        assert (work.arrivals.remove_old(15.0), work.invitations.remove_old(15.0)) == (1, 1)
        assert [each.id for each in work.arrivals.list_of(RIGA)] == ["a1"]
        listed = work.invitations.list_of_source(riga.directory.id, after=None, limit=9)
        assert [each.id for each in listed] == ["i1"]


def test_an_invitation_is_used_once_however_many_try(riga: Riga):
    """attack 33"""
    employs(riga)
    with riga.world.database.begin() as work:
        user = work.people.find_user_by_username("anna.ours")
        assert user is not None
        work.invitations.add(
            Invitation(
                id="i",
                code_hash="h",
                user_id=user.id,
                source=riga.directory.id,
                maker_municipality=None,
                made_by="command-line",
                made_at=1.0,
                expires_at=2e9,
            )
        )

    def use(_: int) -> bool:
        with riga.world.database.begin() as work:
            return work.invitations.use("i", 5.0)

    assert at_once(20, use).count(True) == 1
