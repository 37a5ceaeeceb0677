"""What a failure costs, whoever it is: a look and a bind at the directory, and the work of a password of ours."""

from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any

import pytest

from idp.errors import Reason
from idp.gateways.ldap.door import Door
from idp.gateways.ldap.outcomes import Bind
from idp.methods.base import Arrived, Challenge, Proved, Rejected, Renewal, Subject, Verified
from idp.methods.directory.answers import Answers
from idp.methods.directory.doors import Doors
from idp.methods.directory.method import DirectoryPassword
from idp.people import directories
from idp.storage.municipalities import load
from tests.support.at_once import at_once
from tests.support.builders import World, add_employment, add_user
from tests.support.directories import (
    ACCOUNT_PASSWORD,
    PASSWORD,
    add_directory,
    description_of,
    person,
    route_to,
)
from tests.support.samba import Controller

NEW = "Pavisam-jauna-88"
pytestmark = pytest.mark.allow_hosts(["127.0.0.0/8", "::1", "localhost"])


@dataclass
class Watched:
    """The method, with all that it does for a failure written down."""

    world: World
    controller: Controller
    binds: list[str] = field(default_factory=list)
    failures: list[str] = field(default_factory=list)
    has_room: bool = True
    method: DirectoryPassword = field(init=False)

    def __post_init__(self) -> None:
        self.method = DirectoryPassword(
            doors=Doors(self.world.database, self.world.effects),
            answers=Answers(self.world.effects),
            throttle=self.world.storage.throttle,
            effects=self.world.effects,
            clock=lambda: 0.0,
            fail_like=self.fails,
        )

    def fails(self, password: str, started: float) -> bool:
        self.failures.append(password)
        return self.has_room

    def asks(self, subject: Subject | None, **answer: str) -> Proved:
        with self.world.database.begin() as work:
            return self.method.verify(work, subject, Challenge(), answer)


@pytest.fixture
def watched(sqlite_url: str, riga_domain: Controller, monkeypatch: pytest.MonkeyPatch) -> Iterator[Watched]:
    from idp.storage import migrate

    migrate.upgrade(sqlite_url)
    bind = Door.bind
    with World(sqlite_url) as world:
        made = Watched(world, riga_domain)

        def watched_bind(door: Door, upn: str, password: str, **more: Any) -> object:
            made.binds.append(upn)
            return bind(door, upn, password, **more)

        monkeypatch.setattr(Door, "bind", watched_bind)
        yield made


@pytest.fixture
def anna(watched: Watched) -> Subject:
    described = description_of(watched.controller)
    guid = watched.controller.change()["anna"]["guid"]
    with watched.world.database.begin() as work:
        load(work)
        directory = add_directory(work, password=described.pop("password"), **described)
        user = add_user(work, "anna")
        add_employment(work, user.id)
        directories.link(work, directory, user, guid, work.effects, by="test")
        return Subject(user, work.people.credentials_of(user.id))


def test_a_right_password_waits_for_nothing(watched: Watched, anna: Subject):
    outcome = watched.asks(anna, password=PASSWORD)
    assert outcome == Verified(anna.credentials[0].id, user_id=anna.user.id)
    assert watched.failures == []


def test_every_failure_is_one_bind_and_the_work_of_a_password_of_ours(watched: Watched, anna: Subject):
    """attack 28: no name is told from another by what it costs."""
    for name in ("anna@ad.riga.test", "nobody@ad.riga.test", "juris@ad.riga.test", "RIGA\\nobody"):
        watched.binds.clear()
        watched.failures.clear()
        assert isinstance(watched.asks(None, username=name, password="wrong"), Rejected)
        assert (len(watched.binds), watched.failures) == (1, ["wrong"]), name


def test_attempts_that_are_spent_cost_the_same_and_never_reach_the_entry(watched: Watched, anna: Subject):
    for _ in range(3):
        watched.asks(anna, password="wrong")
    watched.binds.clear()
    watched.failures.clear()
    assert watched.asks(anna, password=PASSWORD) == Rejected(Reason.DIRECTORY_ATTEMPTS_SPENT)
    assert len(watched.binds) == len(watched.failures) == 1
    assert "anna" not in watched.binds[0]


def test_nobody_is_bound_as_the_entry_of_somebody_who_may_not(watched: Watched, anna: Subject):
    """Who left may not come in: their account there must not be locked by way of us."""
    with watched.world.database.begin() as work:
        work.connection().exec_driver_sql("UPDATE employments SET municipality = '0031000'")
    watched.asks(None, username="anna@ad.riga.test", password=PASSWORD)
    assert "anna" not in watched.binds[0]


def test_an_entry_that_is_nobodys_is_tried_as_seldom_as_others(watched: Watched, anna: Subject):
    """attack 29: nobody locks it out by way of us, under whichever name."""
    for name in ("juris@ad.riga.test", "RIGA\\juris") * 4:
        assert isinstance(watched.asks(None, username=name, password="wrong"), Rejected)
    assert sum("juris" in upn for upn in watched.binds) == 3
    spent = watched.asks(None, username="juris@ad.riga.test", password=PASSWORD)
    assert spent == Rejected(Reason.DIRECTORY_ATTEMPTS_SPENT)


def test_who_proves_an_entry_that_is_nobodys_arrives_as_that_entry(watched: Watched, anna: Subject):
    """attack 39: and with nothing by which they are known, unless the rule says so."""
    guid = watched.controller.change()["juris"]["guid"]
    arrived = watched.asks(None, username="RIGA\\juris", password=PASSWORD)
    assert isinstance(arrived, Arrived)
    assert (arrived.subject, arrived.matched, arrived.refused) == (guid, "", None)
    assert arrived.names == ("juris", "juris@ad.riga.test")
    assert "juris" not in repr(arrived)
    assert watched.failures == []


def test_a_credential_that_is_blocked_makes_its_entry_nobodys_for_nobody(watched: Watched, anna: Subject):
    """attack 39: what was switched off here must not come back as a first arrival."""
    with watched.world.database.begin() as work:
        work.people.block_credential(anna.credentials[0].id, at=1.0)
    outcome = watched.asks(None, username="anna@ad.riga.test", password=PASSWORD)
    assert outcome == Rejected(Reason.DIRECTORY_UNKNOWN_ENTRY)
    assert "anna" not in watched.binds[-1]


def test_no_room_for_that_work_is_no_answer(watched: Watched, anna: Subject):
    watched.has_room = False
    assert watched.asks(anna, password="wrong") == Rejected(Reason.THROTTLED)


def test_a_new_password_is_written_twice_before_anybody_is_asked(watched: Watched, anna: Subject):
    outcome = watched.asks(anna, password=PASSWORD, new_password="a", new_password_again="b")
    assert outcome == Rejected(Reason.PASSWORDS_DIFFER, counted=False, renewal=Renewal("directory"))
    assert watched.binds == []


def test_who_does_not_know_the_old_password_asks_nothing_of_a_new_one(
    watched: Watched, anna: Subject, monkeypatch: pytest.MonkeyPatch
):
    """attack 28: a directory may judge the new password before it looks at the old one."""
    monkeypatch.delattr(Door, "change_password")
    outcome = watched.asks(anna, password="wrong", new_password="a", new_password_again="a")
    assert outcome == Rejected(Reason.DIRECTORY_WRONG_OLD_PASSWORD, renewal=Renewal("directory"))
    assert watched.failures == ["wrong"]


def test_guesses_at_the_same_moment_are_no_more_than_one_after_the_other(watched: Watched, anna: Subject):
    """attack 29"""
    outcomes = at_once(8, lambda _: watched.asks(anna, password="wrong"))
    assert outcomes.count(Rejected(Reason.DIRECTORY_WRONG_PASSWORD)) == 3
    assert outcomes.count(Rejected(Reason.DIRECTORY_ATTEMPTS_SPENT)) == 5
    assert sum("anna" in upn for upn in watched.binds) == 3


def test_a_hundred_guesses_at_once_under_every_name_lock_nobody_out(watched: Watched, anna: Subject):
    """attack 29: the directory would lock the entry after five."""
    names = [None, "anna@ad.riga.test", "RIGA\\anna", "riga\\ANNA"]

    def guesses(number: int) -> Proved:
        name = names[number % len(names)]
        if name is None:
            return watched.asks(anna, password=f"guess {number}")
        return watched.asks(None, username=name, password=f"guess {number}")

    outcomes = at_once(100, guesses)
    assert outcomes.count(Rejected(Reason.DIRECTORY_WRONG_PASSWORD)) == 3
    assert sum("anna" in upn for upn in watched.binds) == 3
    door = Door(route_to(watched.controller))
    assert door.bind(watched.controller.upn("anna"), PASSWORD) is Bind.PASSED


def test_a_new_password_that_is_sent_twice_is_set_once(watched: Watched, anna: Subject):
    guid = watched.controller.change(person("twice"))["twice"]["guid"]
    with watched.world.database.begin() as work:
        (directory,) = work.directories.list_all()
        user = add_user(work, "twice")
        add_employment(work, user.id)
        directories.link(work, directory, user, guid, work.effects, by="test")
        twice = Subject(user, work.people.credentials_of(user.id))
    new = {"password": PASSWORD, "new_password": NEW, "new_password_again": NEW}
    outcomes = at_once(2, lambda _: watched.asks(twice, **new))
    assert sum(isinstance(each, Verified) for each in outcomes) >= 1
    with watched.world.database.read() as work:
        changed = [each for each in work.audit.activity_of(user.id) if each.type.endswith("password_changed")]
    assert len(changed) == 1
    assert Door(route_to(watched.controller)).bind(watched.controller.upn("twice"), NEW) is Bind.PASSED


def test_no_secret_is_in_what_is_printed_of_any_of_it(watched: Watched, anna: Subject):
    with watched.world.database.begin() as work:
        asked = watched.method._doors.for_person(anna.user, anna.of("directory"))
        assert asked is not None
        assert ACCOUNT_PASSWORD not in repr(asked)
        assert ACCOUNT_PASSWORD not in repr(asked.door)
        assert ACCOUNT_PASSWORD not in repr(asked.door.pool)
        assert asked.directory.password_sealed not in repr(asked)
        assert "BEGIN CERTIFICATE" not in repr(asked.door)
        assert work.directories.password_of(asked.directory) == ACCOUNT_PASSWORD
