"""A hundred at once over the whole provider, on every storage there is: one decision on the phone, one sign-in."""

from collections.abc import Iterator

import pytest

from idp.login.approvals import Approver
from idp.login.look import Look
from idp.login.sessions import Visitor
from idp.login.steps import Done
from idp.methods.base import Pending
from idp.models.approvals import ApprovalRequest
from idp.storage import municipalities
from tests.support.actors import Browser, Employee, Hall
from tests.support.at_once import at_once
from tests.support.builders import make_database
from tests.support.phone import APPROVER_COOKIE, asks_phone, confirms, permit, phone_of

AT_ONCE = 100
METHOD = "phone_approval"


@pytest.fixture(params=["sqlite", "postgresql", "redis"])
def hall(request: pytest.FixtureRequest, sqlite_url: str) -> Iterator[Hall]:
    url = request.getfixturevalue("postgres_url") if request.param == "postgresql" else sqlite_url
    redis_url = request.getfixturevalue("redis_url") if request.param == "redis" else None
    database = make_database(url)
    with database.begin() as work:
        municipalities.load(work)
    database.dispose()
    made = Hall(url, redis_url=redis_url)
    permit(made)
    yield made
    made.close()


@pytest.fixture
def anna(hall: Hall) -> Employee:
    return hall.employee("anna", totp=True)


def visitor_of(browser: Browser) -> Visitor:
    return Visitor(
        browser=browser.http.cookies["__Host-visvaris-browser"],
        address="192.0.2.10",
        session_token=browser.session,
    )


def approver_of(hall: Hall, phone: Browser) -> Approver:
    signed_in = hall.provider.sessions.find(phone.session)
    assert signed_in is not None
    person = hall.provider.standings.find_person(signed_in.user_id)
    assert person is not None
    credential = hall.provider.approvals.credential_of(person, phone.http.cookies[APPROVER_COOKIE])
    assert credential is not None
    return Approver(person=person, credential=credential, signed_in=signed_in, visitor=visitor_of(phone))


def look_of(hall: Hall, desk: Browser) -> Look:
    transaction_id = desk.page.path.partition("?")[0].rpartition("/")[2]
    transaction = hall.provider.login.find(
        transaction_id, browser=desk.http.cookies["__Host-visvaris-browser"]
    )
    assert transaction is not None
    return hall.provider.login.look(transaction, None)


def test_of_all_who_use_one_approval_one_signs_in(hall: Hall, anna: Employee) -> None:
    """attacks 11, 32"""
    phone, desk = phone_of(hall, anna), hall.browser()
    confirms(phone, asks_phone(desk, anna))
    look, visitor = look_of(hall, desk), visitor_of(desk)

    def press(_: int) -> object:
        outcome = hall.provider.login.answer(look, METHOD, {}, visitor=visitor, signed_in=None)
        if not isinstance(outcome, Look):
            return outcome
        assert isinstance(outcome.step, Done)
        return hall.provider.login.finish(outcome, visitor=visitor, signed_in=None)

    # The counters of attempts let so many through at once; the others are told to wait, which is no answer.
    outcomes = at_once(AT_ONCE, press)
    finished = [each for each in outcomes if hasattr(each, "return_to")]
    assert len(finished) == 1
    assert not [each for each in outcomes if each is None]
    assert [each for each in outcomes if isinstance(each, Pending)]
    events = hall.events(anna)
    assert events.count("sign_in.completed") == 2, "the phone's and the computer's"


def test_of_all_decisions_on_one_request_one_counts(hall: Hall, anna: Employee) -> None:
    """Approvals, refusals and wrong numbers, from one phone."""
    phone, desk = phone_of(hall, anna), hall.browser()
    asks_phone(desk, anna)
    approver, approvals = approver_of(hall, phone), hall.provider.approvals
    (request,) = approvals.waiting_for(approver)
    assert isinstance(request, ApprovalRequest)
    wrong = next(number for number in request.choices if number != request.number)
    choices = (str(request.number), "deny", str(wrong))
    at_once(AT_ONCE, lambda turn: approvals.decide(request.id, approver, choice=choices[turn % 3]))
    decided = [event for event in hall.events(anna) if event.startswith("approval.")]
    assert len(decided) == 1
    if decided == ["approval.given"]:
        desk.presses("login-submit")
        assert desk.is_signed_in
    else:
        assert desk.opens(desk.page.path).error_code in {"refused_elsewhere", "wrong_number"}
