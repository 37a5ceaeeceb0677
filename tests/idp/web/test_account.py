"""The account page, and changing how one signs in."""

import pyotp
import pytest

from idp.policy import Level
from tests.support.actors import PASSWORD, Browser, Employee, Hall
from tests.support.builders import RIGA

NEW_PASSWORD = "upe-akmens-vilnis"


def _set_up_authenticator(browser: Browser, who: Employee) -> list[str]:
    """The recovery codes that came with it."""
    page = browser.opens("/account/methods/totp")
    who.authenticator = pyotp.TOTP(page.content.ids["totp-key"].replace(" ", ""))
    return browser.presses(code=who.code()).content.ids["recovery-codes"].split()


def _change_password(browser: Browser, old: str, new: str = NEW_PASSWORD) -> None:
    browser.opens("/account/methods/password")
    browser.presses(current_password=old, new_password=new, new_password_again=new)


def test_the_account_shows_methods_sessions_and_what_happened(browser: Browser, anna: Employee) -> None:
    browser.signs_in(anna)
    page = browser.opens("/account")
    assert page.has("account-method-password")
    assert page.has("account-method-totp")
    assert "Firefox, Linux" in page.words
    assert "Pieslēgšanās" in page.words
    assert "192.0.2.10" in page.words
    assert "09.10.2025. plkst. " in page.words


def test_an_authenticator_is_set_up_with_recovery_codes_and_raises_the_session(
    hall: Hall, browser: Browser
) -> None:
    employee = hall.employee("viens")
    browser.signs_in(employee)
    before = browser.session
    assert len(_set_up_authenticator(browser, employee)) == 10
    assert browser.session != before
    assert hall.provider.sessions.find(before) is None
    assert browser.presses().path == "/account"
    assert "10" in browser.page.content.ids["account-method-recovery_code"]


def test_a_change_asks_for_a_proof_of_the_last_ten_minutes(
    hall: Hall, browser: Browser, anna: Employee
) -> None:
    """Enrolment behind an old session (attack 33)."""
    browser.signs_in(anna)
    hall.clock.move(11 * 60)
    page = browser.opens("/account/methods/totp")
    assert page.path.startswith("/login/")
    browser.presses(password=anna.password)
    browser.presses(code=anna.code())
    assert browser.page.path == "/account/methods/totp"


def test_a_change_asks_for_all_that_the_person_can_prove(
    hall: Hall, browser: Browser, anna: Employee
) -> None:
    """Enrolment with one factor only (attack 33)."""
    hall.rule(RIGA, methods=["password"])
    browser.signs_in(anna)
    hall.rule(RIGA)
    assert browser.opens("/account/methods/password").has("code")


def test_a_form_for_a_change_cannot_be_sent_around_the_proof(
    hall: Hall, browser: Browser, anna: Employee
) -> None:
    browser.signs_in(anna)
    browser.opens("/account/methods/password")
    form = browser.page.form()
    hall.clock.move(11 * 60)
    data = {**form.fields, "current_password": PASSWORD, "new_password": NEW_PASSWORD}
    page = browser.posts(form.action, {**data, "new_password_again": NEW_PASSWORD})
    assert page.path.startswith("/login/")
    assert "method.enrolled" not in hall.events(anna)


def test_a_finished_set_up_cannot_be_sent_again(hall: Hall, browser: Browser) -> None:
    """Replay of an enrolment (attack 33)."""
    employee = hall.employee("viens")
    browser.signs_in(employee)
    page = browser.opens("/account/methods/totp")
    employee.authenticator = pyotp.TOTP(page.content.ids["totp-key"].replace(" ", ""))
    data = {**page.form().fields, "code": employee.code()}
    assert browser.posts(page.form().action, data).has("recovery-codes")
    hall.clock.move(30)
    again = browser.posts(page.form().action, {**data, "code": employee.code()})
    assert again.status == 422
    assert hall.events(employee).count("method.enrolled") == 1


def test_a_changed_password_ends_the_other_sessions(hall: Hall, browser: Browser) -> None:
    employee = hall.employee("viens")
    other = hall.browser("192.0.2.99")
    other.signs_in(employee)
    browser.signs_in(employee)
    _change_password(browser, PASSWORD)
    assert browser.page.path == "/account"
    assert browser.is_signed_in
    assert not other.is_signed_in
    other.opens("/")
    assert other.identifies(employee).status == 422
    assert other.presses(username="viens", password=NEW_PASSWORD).path == "/"


def test_a_replaced_authenticator_ends_the_other_sessions(hall: Hall, browser: Browser) -> None:
    """attack 36: whoever holds the lost phone is signed out with it."""
    employee = hall.employee("viens", totp=True)
    finder = hall.browser("198.51.100.7")
    finder.signs_in(employee)
    hall.clock.move(31)
    browser.signs_in(employee)
    _set_up_authenticator(browser, employee)
    assert browser.is_signed_in
    assert not finder.is_signed_in


def test_a_new_password_that_will_not_do_says_why_by_its_field(hall: Hall, browser: Browser) -> None:
    browser.signs_in(hall.employee("viens"))
    _change_password(browser, PASSWORD, "short")
    assert browser.page.status == 422
    assert "vismaz 12" in browser.page.content.ids["new_password-error"]
    assert browser.page.headers["content-type"].startswith("text/html")


def test_the_current_password_cannot_be_guessed_at_leisure(hall: Hall, browser: Browser) -> None:
    """Attack 29, at the form that changes a password."""
    browser.signs_in(hall.employee("viens"))
    statuses = []
    for _ in range(7):
        _change_password(browser, "wrong-wrong-wrong")
        statuses.append(browser.page.status)
    assert statuses[-1] == 429


def test_an_authenticator_is_removed_where_one_factor_is_enough(
    hall: Hall, browser: Browser, anna: Employee
) -> None:
    browser.signs_in(anna)
    browser.opens("/account")
    browser.follows("Noņemt")
    assert browser.page.path == "/account/methods/totp/remove"
    assert "method.removed" not in hall.events(anna)
    browser.presses("remove-confirm")
    assert "method.removed" in hall.events(anna)
    assert browser.page.path.startswith("/login/"), "the session was made with it"
    assert browser.identifies(anna).path == "/account"


def test_the_last_needed_factor_cannot_be_removed(hall: Hall, browser: Browser, anna: Employee) -> None:
    """Removing the last factor re-opens the password (attack 35)."""
    hall.rule(RIGA, Level.MULTI_FACTOR)
    browser.signs_in(anna)
    assert "Noņemt" not in browser.opens("/account").content.links
    assert browser.opens("/account/methods/totp/remove").status == 404
    token = browser.opens("/account/methods/password").form().fields["csrf_token"]
    refused = browser.posts("/account/methods/totp/remove", {"csrf_token": token})
    assert refused.status == 409
    assert refused.error_code == "last_method"


def test_new_recovery_codes_replace_the_old_ones(hall: Hall, browser: Browser) -> None:
    employee = hall.employee("viens")
    browser.signs_in(employee)
    old = _set_up_authenticator(browser, employee)
    browser.opens("/account/methods/recovery_code")
    new = browser.presses().content.ids["recovery-codes"].split()
    assert len(new) == 10
    assert not set(old) & set(new)


def test_few_recovery_codes_left_are_said(hall: Hall, browser: Browser) -> None:
    employee = hall.employee("viens")
    browser.signs_in(employee)
    codes = _set_up_authenticator(browser, employee)
    for code in codes[:7]:
        other = hall.browser()
        other.opens("/")
        other.identifies(employee)
        other.follows("method-recovery_code")
        assert other.presses(code=code).path == "/"
    assert "3 rezerves kodi" in other.page.words
    assert "3 rezerves kodi" in other.opens("/account").words


def test_other_sessions_are_ended_from_the_account_page(hall: Hall, browser: Browser, anna: Employee) -> None:
    other = hall.browser("192.0.2.99")
    other.signs_in(anna)
    hall.clock.move(30)
    browser.signs_in(anna)
    browser.opens("/account")
    assert "192.0.2.99" in browser.page.words
    browser.presses("end-other-sessions")
    assert not other.is_signed_in
    assert browser.is_signed_in


def test_nobody_ends_the_session_of_somebody_else(hall: Hall, browser: Browser, anna: Employee) -> None:
    """Another person's session by its id (attack 42)."""
    victim = hall.browser("192.0.2.99")
    victim.signs_in(hall.employee("viens"))
    theirs = hall.provider.sessions.find(victim.session)
    assert theirs is not None
    browser.signs_in(anna)
    token = browser.opens("/account/methods/password").form().fields["csrf_token"]
    browser.posts("/account/sessions/end", {"csrf_token": token, "session_id": theirs.session_id})
    assert victim.is_signed_in


@pytest.mark.parametrize("path", ["/account/methods/nonsense", "/account/methods/recovery_code"])
def test_what_one_may_not_set_up_does_not_exist(hall: Hall, browser: Browser, path: str) -> None:
    browser.signs_in(hall.employee("viens"))
    assert browser.opens(path).status == 404


def test_a_name_full_of_markup_is_shown_as_text(hall: Hall, browser: Browser) -> None:
    """Stored script in a display name (attack 42)."""
    browser.signs_in(
        hall.employee("viens", given_name="<script>alert(1)</script>", family_name='"><img src=x>')
    )
    markup = browser.opens("/account").content.markup
    assert "<script>alert" not in markup
    assert "<img" not in markup
