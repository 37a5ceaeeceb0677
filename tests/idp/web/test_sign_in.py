"""Signing in, as an employee meets it."""

from idp.policy import Level
from tests.support.actors import Browser, Employee, Hall
from tests.support.builders import RIGA


def test_the_first_page_asks_a_stranger_to_sign_in(browser: Browser) -> None:
    page = browser.opens("/")
    assert page.path.startswith("/login/")
    assert page.has("username")
    assert page.has("password")
    assert page.has("login-submit")


def test_a_password_opens_the_portal_where_one_factor_is_enough(browser: Browser, anna: Employee) -> None:
    assert browser.signs_in(anna).path == "/"
    assert browser.page.has("page-title")


def test_password_and_code_open_the_portal_where_two_are_asked_for(
    hall: Hall, browser: Browser, anna: Employee
) -> None:
    hall.rule(RIGA, Level.MULTI_FACTOR)
    browser.opens("/")
    assert browser.identifies(anna).has("code")
    assert browser.presses(code=anna.code()).path == "/"
