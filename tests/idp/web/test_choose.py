"""Which should I use? Two questions with their answer, and a hint once a week that is in nobody's way."""

import pytest

from idp.login.advice import NUDGE_EVERY_SECONDS
from tests.support.actors import ISSUER, WITH_KEYS, Browser, Employee, Hall
from tests.support.authenticator import Authenticator
from tests.support.builders import RIGA
from tests.support.passkeys import sets_up


@pytest.fixture(autouse=True)
def keys_allowed(hall: Hall) -> None:
    for scope in ("national", RIGA):
        hall.rule(scope, methods=WITH_KEYS)


def advice(browser: Browser) -> list[str]:
    """Ids of what is advised, the best first."""
    return [each.removeprefix("advice-") for each in browser.page.content.ids if each.startswith("advice-")][
        1:
    ]


def test_two_questions_and_no_answer_before_they_are_answered(browser: Browser, anna: Employee) -> None:
    browser.signs_in(anna)
    browser.opens("/account")
    page = browser.follows("which-should-i-use")
    assert page.has("device-phone")
    assert page.has("shared-yes")
    assert not page.has("advice")


def test_the_answer_leads_straight_into_setting_it_up(browser: Browser, anna: Employee) -> None:
    browser.signs_in(anna)
    page = browser.opens("/account/choose?device=computer&shared=no")
    assert advice(browser) == ["passkey"]
    assert "/account/methods/passkey" in page.content.links.values()


def test_what_is_set_up_already_is_said_to_be(browser: Browser, anna: Employee) -> None:
    browser.signs_in(anna)
    page = browser.opens("/account/choose?device=phone&shared=no")
    assert advice(browser) == ["passkey", "totp"]
    assert "Jums tas jau ir" in page.content.text
    assert "/account/methods/totp" not in page.content.links.values()


def test_on_a_shared_computer_a_key_is_advised_and_the_computer_is_to_be_marked(
    browser: Browser, anna: Employee
) -> None:
    browser.signs_in(anna)
    browser.opens("/account/choose?device=computer&device=key&shared=yes")
    assert advice(browser)[-2:] == ["passkey", "security_key"]
    page = browser.presses("advice-mark")
    assert page.path.startswith("/account/choose?")
    assert not page.has("advice-mark")
    assert browser.http.cookies.get("__Host-visvaris-shared") == "1"


def test_who_has_nothing_is_told_whom_to_ask(browser: Browser, anna: Employee) -> None:
    browser.signs_in(anna)
    assert browser.opens("/account/choose?shared=no").has("advice-none")
    assert browser.opens("/account/choose?device=computer&shared=yes").has("advice-none")


def test_nonsense_is_no_device(browser: Browser, anna: Employee) -> None:
    browser.signs_in(anna)
    assert browser.opens("/account/choose?device=%00&device=toaster&shared=maybe").has("advice-none")


def test_what_the_municipality_forbids_is_not_advised(hall: Hall, browser: Browser, anna: Employee) -> None:
    hall.rule(RIGA, methods=["password", "totp", "recovery_code"])
    browser.signs_in(anna)
    browser.opens("/account/choose?device=computer&device=phone&device=key&shared=no")
    assert advice(browser) == ["totp"]


def test_a_hint_comes_once_a_week(hall: Hall, browser: Browser, anna: Employee) -> None:
    assert browser.signs_in(anna).has("nudge")
    assert not browser.opens("/").has("nudge")
    browser.signs_out()
    hall.clock.move(NUDGE_EVERY_SECONDS - 60)
    assert not browser.signs_in(anna).has("nudge")
    hall.clock.move(60)
    assert browser.opens("/").has("nudge")


def test_none_comes_to_who_has_a_passkey(hall: Hall, browser: Browser, anna: Employee) -> None:
    browser.opens("/login")
    browser.signs_in(anna, "/account")
    sets_up(browser, Authenticator(ISSUER))
    hall.clock.move(NUDGE_EVERY_SECONDS)
    browser.http.cookies.delete("__Host-visvaris-session")
    assert not browser.signs_in(anna).has("nudge")


def test_none_comes_where_no_passkey_may_be_used(hall: Hall, browser: Browser, anna: Employee) -> None:
    hall.rule(RIGA, methods=["password", "totp", "recovery_code"])
    assert not browser.signs_in(anna).has("nudge")


def test_none_comes_at_a_shared_computer(browser: Browser, anna: Employee) -> None:
    browser.opens("/")
    browser.presses("shared-on")
    assert not browser.signs_in(anna).has("nudge")
