"""A service that keeps failing is left alone for a while: with the emulator's faults, and a clock that is moved."""

import threading
from typing import Any

import pytest

from idp.effects import Effects
from idp.errors import Reason, Refused
from idp.gateways.smart_id.breaker import COUNTED, FAILURES, REST_SECONDS, WINDOW_SECONDS, Breaker
from idp.gateways.smart_id.door import SmartId
from idp.gateways.smart_id.interactions import Interaction
from idp.gateways.smart_id.outcomes import Handling, handling_of
from idp.gateways.smart_id.words import Screen
from tests.idp.gateways.smart_id.conftest import Rig
from tests.support.at_once import at_once
from tests.support.builders import Clock

SHOWN = (Interaction(screen=Screen.TEXT_AND_PIN, text="Pārbaude"),)
RESTING = Reason.SMART_ID_RESTING


def begin(smart_id: SmartId) -> Reason | None:
    """Why no session began; None when one did."""
    try:
        smart_id.begin_with_link(SHOWN, callback_url=None)
    except Refused as refused:
        return refused.reason
    return None


def fail_until_it_rests(rig: Rig, smart_id: SmartId, status: int = 503) -> None:
    rig.service.faults.status = status
    for _ in range(FAILURES):
        assert begin(smart_id) is not RESTING
    assert begin(smart_id) is RESTING


# ------------------------------------------------------------------------------------------ the gateway and the emulator


@pytest.mark.parametrize("status", [500, 503, 580])
def test_after_failures_in_a_row_nobody_is_sent_there(rig: Rig, smart_id: SmartId, status: int):
    fail_until_it_rests(rig, smart_id, status)
    arrived = len(rig.service.asked)
    assert begin(smart_id) is RESTING
    assert len(rig.service.asked) == arrived
    assert not smart_id.is_well


def test_dropped_connections_count_too(rig: Rig, smart_id: SmartId):
    rig.service.faults.dropped = True
    told = [begin(smart_id) for _ in range(FAILURES + 1)]
    assert told == [Reason.SMART_ID_UNREACHABLE] * FAILURES + [RESTING]


def test_answers_that_come_too_late_count_too(rig: Rig, smart_id: SmartId, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr("idp.gateways.smart_id.door._CREATE_SECONDS", 0.2)
    rig.service.faults.slow = threading.Event()
    try:
        told = [begin(smart_id) for _ in range(FAILURES + 1)]
    finally:
        rig.service.faults.slow.set()
    assert told == [Reason.SMART_ID_TOO_SLOW] * FAILURES + [RESTING]


def test_after_the_rest_one_call_finds_it_well_again(rig: Rig, smart_id: SmartId):
    fail_until_it_rests(rig, smart_id)
    rig.service.faults.status = None
    rig.clock.move(REST_SECONDS - 1)
    assert begin(smart_id) is RESTING
    rig.clock.move(1)
    assert begin(smart_id) is None
    assert smart_id.is_well
    assert begin(smart_id) is None


def test_a_probe_that_fails_begins_another_rest(rig: Rig, smart_id: SmartId):
    fail_until_it_rests(rig, smart_id)
    rig.clock.move(REST_SECONDS)
    assert begin(smart_id) is Reason.SMART_ID_UNAVAILABLE
    assert begin(smart_id) is RESTING
    rig.clock.move(REST_SECONDS - 1)
    assert begin(smart_id) is RESTING


def test_notifications_and_links_rest_together_and_sessions_are_still_waited_for(rig: Rig, smart_id: SmartId):
    begun = smart_id.begin_with_link(SHOWN, callback_url=None)
    fail_until_it_rests(rig, smart_id)
    rig.service.faults.status = None
    asked = smart_id.prepare_notification(SHOWN, document_number="PNOLV-040404-10003-DEMO-Q")
    with pytest.raises(Refused) as caught:
        smart_id.notify(asked)
    assert caught.value.reason is RESTING
    rig.service.patience = 0
    assert smart_id.poll(begun.created.session_id, wait_milliseconds=1000)


def test_a_refusal_is_an_answer_and_ends_the_row(rig: Rig, smart_id: SmartId):
    """Nobody who asks for what there is not makes the service rest for everybody."""
    for status in [503] * (FAILURES - 1) + [404, *[503] * (FAILURES - 1), 403]:
        rig.service.faults.status = status
        assert begin(smart_id) is not RESTING
    assert smart_id.is_well


def test_failures_long_apart_are_no_row(rig: Rig, smart_id: SmartId):
    rig.service.faults.status = 503
    for _ in range(FAILURES + 2):
        assert begin(smart_id) is Reason.SMART_ID_UNAVAILABLE
        rig.clock.move(WINDOW_SECONDS / (FAILURES - 2))
    assert smart_id.is_well


def test_a_key_that_is_not_the_services_neither_opens_nor_closes_it(rig: Rig, smart_id: SmartId):
    stranger = rig.smart_id(pins=frozenset({bytes(32)}))
    for _ in range(FAILURES + 1):
        assert begin(stranger) is Reason.SMART_ID_WRONG_SERVER_KEY
    fail_until_it_rests(rig, smart_id)
    rig.clock.move(REST_SECONDS)
    smart_id._service = stranger._service
    assert begin(smart_id) is Reason.SMART_ID_WRONG_SERVER_KEY
    assert not smart_id.is_well


# -------------------------------------------------------------------------------------------------------- the breaker


def refuse(reason: Reason) -> Any:
    def ask() -> None:
        raise Refused(reason)

    return ask


def opened(clock: Clock) -> Breaker:
    breaker = Breaker(Effects(now=clock))
    for _ in range(FAILURES):
        with pytest.raises(Refused):
            breaker.call(refuse(Reason.SMART_ID_UNREACHABLE))
    assert not breaker.is_closed
    return breaker


def test_only_one_of_many_is_let_through_after_a_rest():
    clock = Clock()
    breaker = opened(clock)
    clock.move(REST_SECONDS)
    asked = threading.Semaphore(0)

    def attempt(_: int) -> Reason | None:
        def ask() -> None:
            asked.release()
            raise Refused(Reason.SMART_ID_TOO_SLOW)

        try:
            breaker.call(ask)
        except Refused as refused:
            return refused.reason
        return None

    told = at_once(8, attempt)
    assert told.count(Reason.SMART_ID_TOO_SLOW) == 1
    assert told.count(RESTING) == 7
    assert asked.acquire(blocking=False)
    assert not asked.acquire(blocking=False)


def test_a_probe_that_breaks_down_does_not_keep_it_open_for_ever():
    clock = Clock()
    breaker = opened(clock)
    clock.move(REST_SECONDS)

    def broken() -> None:
        raise ZeroDivisionError

    with pytest.raises(ZeroDivisionError):
        breaker.call(broken)
    with pytest.raises(Refused):
        breaker.call(lambda: None)
    clock.move(REST_SECONDS)
    breaker.call(lambda: None)
    assert breaker.is_closed


def test_a_clock_that_is_set_back_does_not_make_a_rest_longer():
    clock = Clock()
    breaker = opened(clock)
    clock.move(-3600)
    breaker.call(lambda: None)
    assert breaker.is_closed


def test_what_counts_is_a_service_that_is_not_well():
    assert {handling_of(reason) for reason in COUNTED} == {Handling.LATER}
    assert handling_of(RESTING) is Handling.LATER
    assert RESTING.public == Reason.SMART_ID_UNREACHABLE.public
