"""Requests that wait to be approved, on every Shelf there is: few places, one decision, one use, two minutes."""

import pytest

from idp.models.approvals import Approval, ApprovalRequest, Decided, Occasion, Verdict
from idp.models.numbers import numbers, place
from idp.storage.approval_requests import LIFETIME_SECONDS, WAITING_AT_MOST, ApprovalRequests
from tests.support.at_once import at_once
from tests.support.builders import World

AT_ONCE = 100
OCCASION = Occasion(
    transaction_id="transaction",
    browser="a hash",
    asker="anna",
    application="Līgumi",
    client_id="agreements",
    municipality="0001000",
    address="192.0.2.10",
    user_agent="Firefox/140.0",
)
APPROVAL = Approval("credential", "session")


@pytest.fixture
def requests(short_lived: World) -> ApprovalRequests:
    return ApprovalRequests(short_lived.storage.shelf, short_lived.effects)


def begun(requests: ApprovalRequests, user_id: str = "anna") -> ApprovalRequest:
    request = requests.begin(user_id, OCCASION)
    assert isinstance(request, ApprovalRequest)
    return request


def test_what_waits_is_found_as_it_was_asked(requests: ApprovalRequests) -> None:
    request = begun(requests)
    assert requests.find(request.id) == request
    assert requests.waiting_for("anna") == [request]
    assert requests.waiting_for("berta") == []
    assert request.number in request.choices
    assert len(set(request.choices)) == 3
    assert all(10 <= number <= 99 for number in request.choices)


def test_the_right_number_stands_anywhere(short_lived: World) -> None:
    """A place that is right more often than others would be picked without looking."""
    drawn = [place(short_lived.effects) for _ in range(600)]
    assert all(150 < drawn.count(each) < 250 for each in range(3))
    assert len({numbers(short_lived.effects) for _ in range(50)}) > 45


def test_it_is_over_after_two_minutes(short_lived: World, requests: ApprovalRequests) -> None:
    """attack 30"""
    request = begun(requests)
    requests.approve(request, APPROVAL)
    short_lived.clock.move(LIFETIME_SECONDS)
    assert requests.find(request.id) is None
    assert requests.waiting_for("anna") == []
    assert not requests.take(request)
    assert not requests.is_approved(request.id)
    assert requests.take_approval(request.id) is None


def test_so_many_wait_and_no_more(short_lived: World, requests: ApprovalRequests) -> None:
    waiting = [begun(requests) for _ in range(WAITING_AT_MOST)]
    assert requests.begin("anna", OCCASION) == LIFETIME_SECONDS
    assert begun(requests, "berta"), "others are asked as before"
    assert requests.take(waiting[1])
    assert begun(requests).slot == waiting[1].slot
    short_lived.clock.move(30)
    assert requests.begin("anna", OCCASION) == LIFETIME_SECONDS - 30


def test_a_hundred_who_ask_at_once_get_the_few_places(requests: ApprovalRequests) -> None:
    asked = at_once(AT_ONCE, lambda _: requests.begin("anna", OCCASION))
    got = [each for each in asked if isinstance(each, ApprovalRequest)]
    assert sorted(each.slot for each in got) == list(range(WAITING_AT_MOST))
    assert len(requests.waiting_for("anna")) == WAITING_AT_MOST


def test_of_a_hundred_decisions_at_once_one_counts(requests: ApprovalRequests) -> None:
    """attack 11, for requests"""
    request = begun(requests)
    assert at_once(AT_ONCE, lambda _: requests.take(request)).count(True) == 1
    assert requests.find(request.id) is None
    assert requests.waiting_for("anna") == []


def test_of_a_hundred_uses_at_once_one_counts(requests: ApprovalRequests) -> None:
    """attack 32: replay"""
    request = begun(requests)
    requests.approve(request, APPROVAL)
    assert requests.is_approved(request.id)
    used = at_once(AT_ONCE, lambda _: requests.take_approval(request.id))
    assert sorted(used, key=str).count(APPROVAL) == 1
    assert used.count(None) == AT_ONCE - 1
    assert not requests.is_approved(request.id)


def test_what_was_decided_is_told_to_the_person_alone(requests: ApprovalRequests) -> None:
    request = begun(requests)
    decided = Decided(Verdict.REFUSED, "Līgumi", in_time=False)
    requests.remember(request, decided)
    assert requests.find_decided(request.id, user_id="anna") == decided
    assert requests.find_decided(request.id, user_id="berta") is None
    assert requests.find_decided("another", user_id="anna") is None
