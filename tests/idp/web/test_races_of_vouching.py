"""Many at once over the whole provider, on SQLite and PostgreSQL: one vote each, one sitting, and a stop that holds."""

from collections.abc import Iterator

import pytest

from idp.errors import Reason
from idp.login.sessions import Visitor
from idp.models.vouching import VouchingState
from idp.people.vouching import Vouched, Voucher
from idp.storage import municipalities
from tests.support.actors import Browser, Employee, Hall
from tests.support.at_once import at_once
from tests.support.builders import make_database
from tests.support.vouching import Circle, colleague

AT_ONCE = 100


@pytest.fixture(params=["sqlite", "postgresql"])
def circle(request: pytest.FixtureRequest, sqlite_url: str) -> Iterator[Circle]:
    url = request.getfixturevalue("postgres_url") if request.param == "postgresql" else sqlite_url
    database = make_database(url)
    with database.begin() as work:
        municipalities.load(work)
    database.dispose()
    hall = Hall(url)
    yield Circle(hall)
    hall.close()


def visitor_of(browser: Browser) -> Visitor:
    return Visitor(
        browser=browser.http.cookies["__Host-visvaris-browser"],
        address="192.0.2.10",
        session_token=browser.session,
    )


def voucher_of(circle: Circle, who: Employee) -> Voucher:
    browser = circle.comes(who)
    signed_in = circle.hall.provider.sessions.find(browser.session)
    person = circle.hall.provider.standings.find_person(who.user.id)
    assert signed_in is not None
    assert person is not None
    return Voucher(person=person, signed_in=signed_in, visitor=visitor_of(browser))


def test_one_voucher_who_presses_a_hundred_times_counts_once(circle: Circle) -> None:
    circle.asks()
    request = circle.request()
    berta = voucher_of(circle, circle.berta)
    vouching = circle.hall.provider.vouching
    outcomes = at_once(AT_ONCE, lambda _: vouching.vouch(request.id, berta, choice=str(request.shown)))
    assert outcomes.count(Vouched.FIRST) == 1
    assert Vouched.SECOND not in outcomes
    assert circle.again(request).vouchers == (circle.berta.user.id,)
    assert circle.hall.events(circle.anna).count("vouching.vouched") == 1


def test_a_hundred_who_ask_in_one_browser_have_one_request(circle: Circle) -> None:
    circle.lost.opens("/recover")
    visitor, vouching = visitor_of(circle.lost), circle.hall.provider.vouching
    at_once(AT_ONCE, lambda _: vouching.ask("anna", visitor))
    assert len(vouching.of_browser(visitor)) == 1
    assert circle.hall.events(circle.anna).count("vouching.asked") == 1


def test_used_a_hundred_times_at_once_it_gives_one_sitting(circle: Circle) -> None:
    request = circle.is_ready()
    visitor, vouching = visitor_of(circle.lost), circle.hall.provider.vouching
    outcomes = at_once(AT_ONCE, lambda _: vouching.finish(request, visitor))
    assert len([each for each in outcomes if isinstance(each, str)]) == 1
    assert outcomes.count(Reason.VOUCHING_OVER) == AT_ONCE - 1
    assert circle.hall.events(circle.anna).count("recovery.begun") == 1


def test_stopped_and_used_at_once_nobody_is_let_in_after_the_stop(circle: Circle) -> None:
    """attack 34: when the stop was first there is no sitting; when it was second the sitting opens nothing."""
    request = circle.is_ready()
    visitor, vouching = visitor_of(circle.lost), circle.hall.provider.vouching
    own = circle.hall.provider.sessions.find(circle.comes(circle.anna, "/").session)
    assert own is not None

    def act(number: int) -> str | Reason | bool:
        if number % 2:
            return vouching.stop_own(request.id, own, visitor)
        return vouching.finish(request, visitor)

    outcomes = at_once(AT_ONCE, act)
    assert outcomes.count(True) == 1
    for sitting in (each for each in outcomes if isinstance(each, str)):
        assert circle.hall.provider.tickets.find(sitting, browser=visitor.browser) is None
    state = circle.again(request).state(circle.hall.clock())
    assert state in {VouchingState.STOPPED, VouchingState.FINISHED}


def test_two_plain_colleagues_at_once_are_still_not_enough(circle: Circle) -> None:
    circle.asks()
    request = circle.request()
    plain = [voucher_of(circle, circle.karlis), voucher_of(circle, colleague(circle.hall, "dace"))]
    vouching = circle.hall.provider.vouching
    outcomes = at_once(2, lambda number: vouching.vouch(request.id, plain[number], choice=str(request.shown)))
    assert sorted(map(str, outcomes)) == ["first", "needs_leader"]
    assert circle.again(request).ready_at is None
