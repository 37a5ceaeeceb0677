"""Mails are delivered at least once, tried again ever later, and given up in the open; the clock is the test's."""

import threading
from itertools import pairwise
from typing import Any

import pytest
from sqlalchemy import text
from structlog.testing import capture_logs

from idp import worker
from idp.gateways.mail import Envelope, KeptHere, MailError
from idp.people.mailing import BACK_OFF_SECONDS, CLAIM_SECONDS
from idp.storage.outbox import State
from idp.storage.prepared import Prepared
from tests.idp.people.conftest import PostOffice
from tests.support.actors import Employee, Hall
from tests.support.at_once import at_once


class DiesError(BaseException):
    """The process is killed."""


def test_what_happened_arrives_at_every_address(office: PostOffice, anna: Employee) -> None:
    office.happens(anna.user)
    office.deliver()
    (taken,) = office.relay.taken
    assert taken.recipients == ["anna@pasvaldiba.example.lv"]
    assert taken.message["Subject"] == "visvaris.lv: Iestatīts pieslēgšanās veids"
    assert "Ja tas nebijāt Jūs" in taken.part("plain")
    assert "<h1" in taken.part("html")
    assert office.the_one().delivered_at == office.hall.clock()
    office.deliver()
    assert len(office.relay.taken) == 1


def test_what_fails_is_tried_again_ever_later_and_given_up(office: PostOffice, anna: Employee) -> None:
    office.happens(anna.user)
    office.relay.trouble["RCPT"] = [b"451 later\r\n"] * 50
    tries = []
    for _ in range(20 * 3600 // 10):
        before = office.the_one().attempts
        office.deliver()
        if office.the_one().attempts > before:
            tries.append(office.hall.clock())
        office.hall.clock.move(10)
    waits = [later - earlier for earlier, later in pairwise(tries)]
    assert waits == list(BACK_OFF_SECONDS)
    dead = office.the_one()
    assert dead.given_up_at == tries[-1]
    assert dead.last_error == "the relay answered 451 to RCPT"
    assert office.mails(State.GIVEN_UP) == [dead]


def test_once_the_relay_is_well_the_same_letter_arrives(office: PostOffice, anna: Employee) -> None:
    office.happens(anna.user)
    office.relay.trouble["MAIL"] = [b"421 ill\r\n"]
    office.deliver()
    assert office.relay.taken == []
    office.hall.clock.move(BACK_OFF_SECONDS[0])
    office.deliver()
    (taken,) = office.relay.taken
    assert office.the_one().id in taken.message["Message-ID"]
    assert (office.the_one().attempts, office.the_one().last_error) == (2, None)


def test_one_that_cannot_arrive_does_not_keep_the_others(office: PostOffice, anna: Employee) -> None:
    berta = office.hall.employee("berta", email="not an address")
    office.happens(berta.user)
    office.happens(anna.user)
    office.deliver()
    assert [taken.recipients for taken in office.relay.taken] == [["anna@pasvaldiba.example.lv"]]
    (dead,) = office.mails(State.GIVEN_UP)
    assert dead.last_error == "no mail can be sent to such an address"


def test_a_worker_that_dies_before_sending_loses_nothing(office: PostOffice, anna: Employee) -> None:
    class Dying(KeptHere):
        def send(self, envelope: Envelope) -> None:
            raise DiesError

    office.happens(anna.user)
    with pytest.raises(DiesError):
        office.another_worker(Dying()).deliver_next()
    office.deliver()
    assert office.relay.taken == [], "the claim has not lapsed"
    office.hall.clock.move(CLAIM_SECONDS)
    office.deliver()
    assert len(office.relay.taken) == 1


def test_a_worker_that_dies_after_sending_sends_the_same_letter_again(
    office: PostOffice, anna: Employee
) -> None:
    door = office.door()

    class Dying(KeptHere):
        def send(self, envelope: Envelope) -> None:
            door.send(envelope)
            raise DiesError

    office.happens(anna.user)
    with pytest.raises(DiesError):
        office.another_worker(Dying()).deliver_next()
    office.hall.clock.move(CLAIM_SECONDS)
    office.deliver()
    assert len({taken.message["Message-ID"] for taken in office.relay.taken}) == 1
    assert len(office.relay.taken) == 2


def test_a_letter_that_cannot_be_written_counts_as_an_attempt(office: PostOffice, anna: Employee) -> None:
    class Broken:
        def write(self, *_: Any) -> None:
            raise ZeroDivisionError("anna@pasvaldiba.example.lv")

    office.happens(anna.user)
    assert not office.another_worker(letters=Broken()).deliver_next()
    assert office.the_one().last_error == "could not be written"
    assert office.the_one().next_at == office.hall.clock() + BACK_OFF_SECONDS[0]


def test_of_many_workers_each_mail_is_sent_by_one(office: PostOffice, hall: Hall) -> None:
    for number in range(12):
        office.happens(hall.employee(f"user{number}", email=f"user{number}@example.lv").user)
    workers = [office.another_worker() for _ in range(6)]

    def work(number: int) -> None:
        while workers[number].deliver_next():
            pass

    at_once(6, work)
    while office.mails(State.WAITING):
        office.deliver()
        office.hall.clock.move(CLAIM_SECONDS)
    sent = sorted(taken.recipients[0] for taken in office.relay.taken)
    assert sent == sorted(f"user{number}@example.lv" for number in range(12))


def test_a_person_who_is_gone_is_told_nothing(office: PostOffice, anna: Employee) -> None:
    office.happens(anna.user)
    with office.hall.world.database.begin() as work:
        work.changed(Prepared(text("DELETE FROM users WHERE id = :id")), {"id": anna.user.id})
    office.deliver()
    assert office.relay.said == []
    assert office.the_one().last_error == "the person is gone"


def test_kept_mail_goes_nowhere_and_is_done(office: PostOffice, anna: Employee) -> None:
    office.happens(anna.user)
    assert office.another_worker(KeptHere()).deliver_next()
    assert office.the_one().delivered_at is not None
    assert office.relay.said == []


def test_the_log_names_no_address_and_no_words(office: PostOffice, anna: Employee) -> None:
    """attack 44"""
    office.relay.trouble["RCPT"] = [b"550 anna@pasvaldiba.example.lv is unknown\r\n"]
    with capture_logs() as lines:
        office.happens(anna.user)
        office.deliver()
        office.hall.clock.move(BACK_OFF_SECONDS[0])
        office.deliver()
    assert [line["event"] for line in lines] == ["mail not delivered", "mail delivered"]
    assert "anna@" not in str(lines)
    assert "not-me" not in str(lines)


def test_the_loop_delivers_until_it_is_told_to_stop(
    office: PostOffice, anna: Employee, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(worker, "LOOK_SECONDS", 0.01)
    office.happens(anna.user)
    stop = threading.Event()
    loop = threading.Thread(target=worker.deliver_mails, args=(office.mailing, stop))
    loop.start()
    for _ in range(1000):
        if office.relay.taken:
            break
        stop.wait(0.01)
    stop.set()
    loop.join(10)
    assert not loop.is_alive()
    assert len(office.relay.taken) == 1


def test_the_loop_outlives_what_it_did_not_expect(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(worker, "LOOK_SECONDS", 0.0)
    stop, looks = threading.Event(), []

    class Broken:
        def deliver_next(self) -> bool:
            looks.append(1)
            if len(looks) == 3:
                stop.set()
            raise MailError("x")

    with capture_logs() as lines:
        worker.deliver_mails(Broken(), stop)  # type: ignore[arg-type]
    assert len(looks) == 3
    assert {line["event"] for line in lines} == {"mails cannot be delivered"}
