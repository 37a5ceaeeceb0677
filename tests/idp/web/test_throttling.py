"""How often one may try, seen from outside (attack 29)."""

import pytest

from tests.support.actors import Browser, Employee, Hall
from tests.support.at_once import at_once

FREE = 5


def _fails(browser: Browser, username: str, password: str = "wrong-wrong-wrong") -> int:
    browser.opens("/")
    return browser.presses(username=username, password=password).status


def _fails_until_told_to_wait(browser: Browser, username: str) -> int:
    """How many attempts were looked at."""
    for count in range(50):
        if _fails(browser, username) == 429:
            return count
    raise AssertionError("never told to wait")


def test_after_a_few_failures_one_must_wait_and_is_told_how_long(browser: Browser, anna: Employee) -> None:
    assert _fails_until_told_to_wait(browser, anna.username) == FREE
    assert 0 < int(browser.page.headers["retry-after"]) <= 60
    assert "sekund" in browser.page.words


def test_an_unknown_name_is_counted_as_a_known_one_is(hall: Hall, browser: Browser, anna: Employee) -> None:
    """Attacks 28, 29."""
    assert _fails_until_told_to_wait(browser, "nav-tada") == _fails_until_told_to_wait(
        hall.browser("192.0.2.77"), anna.username
    )


def test_every_way_to_write_a_name_shares_one_counter(browser: Browser, anna: Employee) -> None:
    """Case and width variants (attacks 29, 45)."""
    names = ["anna", "ANNA", "Anna", " anna ", "ａｎｎａ"]
    statuses = [_fails(browser, name) for name in [*names, "aNNa"]]
    assert statuses == [422] * FREE + [429]


def test_the_right_password_is_not_looked_at_while_waiting(browser: Browser, anna: Employee) -> None:
    _fails_until_told_to_wait(browser, anna.username)
    assert _fails(browser, anna.username, anna.password) == 429


def test_nobody_is_locked_out_for_longer_than_a_minute(hall: Hall, browser: Browser, anna: Employee) -> None:
    for _ in range(30):
        _fails(browser, anna.username)
        hall.clock.move(61)
    browser.opens("/")
    assert browser.identifies(anna).has("code")
    hall.clock.move(10)
    assert browser.presses(code=anna.code()).path == "/"


def test_a_stranger_cannot_lock_somebody_out_of_their_own_browser(
    hall: Hall, browser: Browser, anna: Employee
) -> None:
    """Lock-out as denial of service (attack 29)."""
    browser.signs_in(anna)
    browser.signs_out()
    stranger = hall.browser("198.51.100.7")
    _fails_until_told_to_wait(stranger, anna.username)
    hall.clock.move(30)
    _fails_until_told_to_wait(stranger, anna.username)
    assert browser.signs_in(anna).path == "/"


def test_a_passed_password_does_not_clear_the_counter_of_codes(
    hall: Hall, browser: Browser, anna: Employee
) -> None:
    """The counter cleared by another success (attack 29)."""
    statuses = []
    for _ in range(FREE + 1):
        browser.opens("/")
        browser.identifies(anna)
        statuses.append(browser.presses(code="000000").status)
    assert statuses == [422] * FREE + [429]


def test_parallel_attempts_do_not_slip_past_the_counter(hall: Hall, anna: Employee) -> None:
    """Race past the counter (attack 29)."""
    browsers = [hall.browser(f"192.0.2.{number}") for number in range(12)]
    for each in browsers:
        each.opens("/")
    statuses = at_once(12, lambda n: browsers[n].presses(username="anna", password="wrong-wrong").status)
    assert statuses.count(422) == FREE


def test_one_address_that_tries_many_names_is_slowed_down(hall: Hall) -> None:
    browser = hall.browser("203.0.113.9")
    browser.opens("/")
    page = browser.page
    data = page.form().fields
    statuses = [
        browser.posts(page.form().action, {**data, "username": f"vards{n}", "password": "x" * 12}).status
        for n in range(102)
    ]
    assert statuses[:100] == [422] * 100
    assert statuses[101] == 429


@pytest.mark.parametrize("header", ["X-Forwarded-For", "Forwarded"])
def test_a_made_up_forwarding_header_does_not_give_a_new_address(hall: Hall, header: str) -> None:
    """X-Forwarded-For against rate limits (attacks 27, 29)."""
    browser = hall.browser("203.0.113.9")
    browser.opens("/")
    page = browser.page
    data = page.form().fields
    statuses = [
        browser.posts(
            page.form().action,
            {**data, "username": f"vards{n}", "password": "x" * 12},
            **{header: f"10.0.{n}.1" if header.startswith("X") else f"for=10.0.{n}.1"},
        ).status
        for n in range(102)
    ]
    assert 429 in statuses
