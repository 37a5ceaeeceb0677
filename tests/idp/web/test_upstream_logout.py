"""An upstream says that somebody is gone: what it began here ends, once, and nothing else does."""

import json
from collections.abc import Iterator

import pytest

from tests.support.actors import Browser, Employee
from tests.support.certificates import Authority
from tests.support.upstream.place import Place, place_of
from tests.support.upstream.provider import LOGOUT_EVENT, TENANT, Colleague, Shape, unsigned

NOW = 1_760_000_000


@pytest.fixture(params=list(Shape), ids=lambda shape: shape.value)
def place(request: pytest.FixtureRequest, fresh_database: str, authority: Authority) -> Iterator[Place]:
    with place_of(fresh_database, authority, request.param) as made:
        made.add()
        yield made


@pytest.fixture
def anna(place: Place) -> Employee:
    made = place.hall.employee("anna")
    place.link(made)
    return made


@pytest.fixture
def browser(place: Place, anna: Employee) -> Browser:
    made = place.hall.browser()
    place.signs_in(made)
    assert made.is_signed_in
    return made


def tells(place: Place, token: str) -> int:
    """As a server does it: from elsewhere, with no cookie and no token of a form."""
    server = place.hall.browser("198.51.100.7")
    page = server.posts(
        "/login/upstream/backchannel-logout", {"logout_token": token}, Origin="https://elsewhere.example"
    )
    assert page.headers["cache-control"] == "no-store"
    return page.status


def test_what_it_began_ends_and_who_was_not_meant_stays(
    place: Place, anna: Employee, browser: Browser
) -> None:
    other, window = place.hall.employee("zane"), place.hall.browser()
    first, place.op.who = place.op.who, Colleague("k2")
    place.link(other)
    place.signs_in(window)
    by_password = place.hall.browser()
    by_password.signs_in(anna)
    assert tells(place, place.op.logout_token(first)) == 200
    assert not browser.is_signed_in
    assert window.is_signed_in
    assert by_password.is_signed_in
    (ended,) = place.events("session.ended")
    assert (ended.user_id, json.loads(ended.detail)["upstream"]) == (anna.user.id, place.row.id)


def test_its_own_session_is_name_enough(place: Place, browser: Browser) -> None:
    sid = "S-1-5-21-1-2-3-k1"
    assert tells(place, place.op.logout_token(sub=None, sid=sid)) == 200
    assert browser.is_signed_in == (place.op.shape is Shape.ENTRA)  # which told no sid


def test_both_names_must_be_of_one(place: Place, browser: Browser) -> None:
    assert tells(place, place.op.logout_token(sid="another")) == 200
    assert browser.is_signed_in


def test_a_sign_in_that_is_half_way_becomes_none(place: Place, anna: Employee, browser: Browser) -> None:
    place.hall.clock.move(10)
    window = place.hall.browser()
    back = place.op.visit(place.leaves(window))
    place.op.seen_at = place.hall.clock() - 5
    place.hall.clock.move(5)
    assert tells(place, place.op.logout_token()) == 200
    page = window.opens(back)
    assert page.has("leave")  # asked anew
    assert not window.is_signed_in


def test_a_token_counts_once(place: Place, browser: Browser) -> None:
    """Or whoever saw one could end sessions for ever."""
    token = place.op.logout_token()
    assert tells(place, token) == 200
    place.hall.clock.move(5)
    place.signs_in(browser)
    assert tells(place, token) == 400
    assert browser.is_signed_in


LIES = {
    "another issuer": {"iss": "https://evil.example"},
    "another client": {"aud": "other"},
    "another tenant": {"tid": "other"},
    "with a nonce": {"nonce": "n"},
    "about nothing": {"events": None},
    "about something else": {"events": {"http://schemas.openid.net/event/other": {}}},
    "an event that is no object": {"events": {LOGOUT_EVENT: "yes"}},
    "about nobody": {"sub": None},
    "without a number": {"jti": None},
    "old": {"iat": NOW - 601},
    "of tomorrow": {"iat": NOW + 61},
    "never made": {"iat": None},
    "expired": {"exp": NOW - 61},
    "never expires": {"exp": None},
}


@pytest.mark.parametrize("changes", LIES.values(), ids=LIES.keys())
def test_a_token_that_says_something_wrong_ends_nothing(
    place: Place, browser: Browser, changes: dict[str, object]
) -> None:
    if "tid" in changes and place.op.shape is Shape.ADFS:
        place.row.tenant = TENANT
        with place.hall.world.database.begin() as work:
            work.connection().exec_driver_sql(f"update upstreams set tenant = '{TENANT}'")
    assert tells(place, place.op.logout_token(**changes)) == 400
    assert browser.is_signed_in


def test_an_id_token_is_no_logout_token(place: Place, browser: Browser) -> None:
    """attack 16"""
    claims = {
        "iss": place.op.issuer,
        "aud": "9f3a-visvaris",
        "sub": "s",
        "iat": NOW,
        "exp": NOW + 60,
        "nonce": "n",
    }
    assert tells(place, place.op.sign(claims)) == 400
    assert browser.is_signed_in


@pytest.mark.parametrize("token", ["", "x", "a.b.c", "x" * 9000])
def test_what_is_no_token_ends_nothing(place: Place, browser: Browser, token: str) -> None:
    assert tells(place, token) == 400
    assert browser.is_signed_in


def test_nobody_is_believed_unsigned(place: Place, browser: Browser) -> None:
    place.op.signs = lambda _, claims: unsigned(claims)
    assert tells(place, place.op.logout_token()) == 400
    assert browser.is_signed_in


def test_one_that_is_switched_off_ends_nothing_either(place: Place, browser: Browser) -> None:
    with place.hall.world.database.begin() as work:
        work.upstreams.switch(place.row.id, on=False)
    assert tells(place, place.op.logout_token()) == 400
