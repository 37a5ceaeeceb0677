"""Signing in, as an employee meets it."""

from urllib.parse import urlencode

import pyotp

from idp.login.transaction import LIFETIME_SECONDS, Requirements
from idp.policy import Level
from tests.support.actors import Browser, Employee, Hall
from tests.support.builders import KEKAVA, RIGA


def test_the_first_page_asks_a_stranger_to_sign_in(browser: Browser) -> None:
    page = browser.opens("/")
    assert page.path.startswith("/login/")
    assert page.has("username")
    assert page.has("password")
    assert page.has("login-submit")


def test_a_password_opens_the_portal_where_one_factor_is_enough(hall: Hall, browser: Browser) -> None:
    browser.opens("/")
    assert browser.identifies(hall.employee("viens")).path == "/"
    assert browser.page.has("page-title")


def test_password_and_code_open_the_portal_where_two_are_asked_for(
    hall: Hall, browser: Browser, anna: Employee
) -> None:
    hall.rule(RIGA, Level.MULTI_FACTOR)
    browser.opens("/")
    assert browser.identifies(anna).has("code")
    assert browser.presses(code=anna.code()).path == "/"


def test_username_is_taken_in_any_case_and_width(browser: Browser, anna: Employee) -> None:
    """One canonical form, made once (attack 45)."""
    browser.opens("/")
    assert browser.presses(username=" ＡＮＮＡ ", password=anna.password).has("code")


def test_an_authenticator_is_set_up_on_the_way_where_two_factors_are_asked_for(
    hall: Hall, browser: Browser
) -> None:
    hall.rule(RIGA, Level.MULTI_FACTOR)
    newcomer = hall.employee("jauna")
    browser.opens("/account")
    page = browser.identifies(newcomer)
    assert page.has("totp-key")
    newcomer.authenticator = pyotp.TOTP(page.content.ids["totp-key"].replace(" ", ""))
    page = browser.presses(code=newcomer.code())
    assert page.has("recovery-codes")
    assert len(page.content.ids["recovery-codes"].split()) == 10
    assert browser.presses().path == "/account"
    assert hall.events(newcomer) == [
        *("method.passed", "method.enrolled", "recovery_codes.made", "sign_in.new_browser"),
        "sign_in.completed",
    ]


def test_a_key_being_set_up_stays_the_same_until_it_is_confirmed(hall: Hall, browser: Browser) -> None:
    hall.rule(RIGA, Level.MULTI_FACTOR)
    newcomer = hall.employee("jauna")
    browser.opens("/")
    key = browser.identifies(newcomer).content.ids["totp-key"]
    assert browser.presses(code="000000").content.ids["totp-key"] == key
    assert browser.page.status == 422
    assert browser.opens(browser.page.path).content.ids["totp-key"] == key


def test_a_recovery_code_stands_in_for_the_phone_once(hall: Hall, browser: Browser) -> None:
    hall.rule(RIGA, Level.MULTI_FACTOR)
    employee = hall.employee("jauna")
    browser.opens("/")
    page = browser.identifies(employee)
    employee.authenticator = pyotp.TOTP(page.content.ids["totp-key"].replace(" ", ""))
    code = browser.presses(code=employee.code()).content.ids["recovery-codes"].split()[0]

    other = hall.browser()
    other.opens("/")
    other.identifies(employee)
    other.follows("method-recovery_code")
    assert other.presses(code=code.lower()).path == "/"

    third = hall.browser()
    third.opens("/")
    third.identifies(employee)
    third.follows("method-recovery_code")
    page = third.presses(code=code)
    assert page.status == 422
    assert not third.is_signed_in


def test_a_person_with_two_posts_chooses_where_the_application_needs_it(hall: Hall, browser: Browser) -> None:
    hall.rule(KEKAVA)
    busy = hall.employee("divas", municipalities=[RIGA, KEKAVA])
    address = _asks(hall, browser, Requirements(needs_employment=True))
    browser.opens(address)
    page = browser.identifies(busy)
    assert page.has("municipality")
    post = next(post for post in busy.posts if post.municipality == KEKAVA)
    browser.presses(municipality=post.id)
    assert browser.page.path == "/account"
    session = hall.provider.sessions.find(browser.session)
    assert session is not None
    assert session.employment_id == post.id


def test_a_post_that_is_not_the_persons_own_cannot_be_chosen(hall: Hall, browser: Browser) -> None:
    """The form names a post by its id; somebody else's changes nothing (attack 42)."""
    hall.rule(KEKAVA)
    busy = hall.employee("divas", municipalities=[RIGA, KEKAVA])
    other = hall.employee("cita", municipalities=[RIGA])
    browser.opens(_asks(hall, browser, Requirements(needs_employment=True)))
    browser.identifies(busy)
    page = browser.presses(municipality=other.posts[0].id)
    assert page.has("municipality")
    assert not browser.is_signed_in


def test_whoever_has_no_fitting_post_is_told_so_and_gets_no_session(
    hall: Hall, browser: Browser, anna: Employee
) -> None:
    browser.opens(_asks(hall, browser, Requirements(municipalities=(KEKAVA,))))
    page = browser.enters(anna)
    assert page.status == 403
    assert page.error_code == "client_not_allowed"
    assert not browser.is_signed_in
    assert hall.events(anna)[-1] == "sign_in.refused"


def test_a_signed_in_person_may_go_on_or_change_the_account(
    hall: Hall, browser: Browser, anna: Employee
) -> None:
    browser.signs_in(anna)
    browser.opens(_asks(hall, browser, Requirements(select_account=True)))
    assert browser.page.has("account-continue")
    assert browser.presses("account-continue").path == "/account"

    other = hall.employee("otra")
    browser.opens(_asks(hall, browser, Requirements(select_account=True)))
    browser.presses("account-other")
    assert browser.page.has("username")
    browser.identifies(other)
    assert browser.page.path == "/account"
    session = hall.provider.sessions.find(browser.session)
    assert session is not None
    assert session.username == "otra"


def test_a_sign_in_left_too_long_leads_on(hall: Hall, browser: Browser, anna: Employee) -> None:
    """Expiry is checked at use (attack 30)."""
    browser.opens("/")
    hall.clock.move(LIFETIME_SECONDS)
    page = browser.identifies(anna)
    assert page.status == 410
    assert browser.follows("login-restart").has("username")


def test_two_tabs_end_up_signed_in_both(hall: Hall, browser: Browser, anna: Employee) -> None:
    first = browser.opens("/")
    second = browser.opens("/account")
    browser.opens(first.path)
    browser.enters(anna)
    assert browser.opens(second.path).path == "/account"


def test_the_back_button_after_the_end_leads_to_where_the_sign_in_led(
    browser: Browser, anna: Employee
) -> None:
    page = browser.opens("/account")
    browser.enters(anna)
    assert browser.opens(page.path).path == "/account"


def test_a_form_sent_twice_signs_in_once(hall: Hall, browser: Browser) -> None:
    anna = hall.employee("viens")
    page = browser.opens("/account")
    form = page.form()
    data = {**form.fields, "username": anna.username, "password": anna.password}
    browser.posts(form.action, data)
    assert browser.posts(form.action, data).path == "/account"
    assert hall.events(anna).count("sign_in.completed") == 1


def test_another_person_than_the_application_expects_gets_no_session(
    hall: Hall, browser: Browser, anna: Employee
) -> None:
    other = hall.employee("otra")
    browser.opens(_asks(hall, browser, Requirements(expected_user=anna.user.id)))
    page = browser.identifies(other)
    assert page.status == 403
    assert page.error_code == "other_user"
    assert not browser.is_signed_in
    browser.follows("login-restart")
    assert browser.enters(anna).path == "/account"


def test_whoever_works_nowhere_is_told_so(hall: Hall, browser: Browser) -> None:
    browser.opens("/")
    page = browser.identifies(hall.employee("bijusi", municipalities=[]))
    assert page.status == 422
    assert "nav amata" in page.words


def test_an_operator_needs_no_post(hall: Hall, browser: Browser) -> None:
    hall.rule("operator", Level.MULTI_FACTOR)
    operator = hall.employee("operators", municipalities=[], roles=["operator"], totp=True)
    assert browser.signs_in(operator).path == "/"


def test_what_the_application_hints_is_filled_in(hall: Hall, browser: Browser) -> None:
    page = browser.opens(_asks(hall, browser, Requirements(login_hint='anna"><b>')))
    assert page.content.ids["username"] == 'anna"><b>'


def test_the_language_is_remembered_and_the_way_back_stays_here(browser: Browser) -> None:
    """A way back that leaves the provider is not taken (attack 8)."""
    page = browser.opens("/")
    assert "Pieslēgties" in page.words
    page = browser.follows("lang-en")
    assert page.path.startswith("/login/")
    assert "Log in" in page.words
    for elsewhere in (
        "//evil.test",
        "https://evil.test",
        "/\\evil.test",
        "/\t/evil.test",
        "javascript:alert(1)",
    ):
        browser.opens(f"/language/lv?{urlencode({'back': elsewhere})}")
        assert browser.left_for is None


def _asks(hall: Hall, browser: Browser, requirements: Requirements) -> str:
    """The address an application would send this browser to."""
    browser.opens("/")
    browser_id = browser.http.cookies.get("__Host-visvaris-browser") or ""
    session = hall.provider.sessions.find(browser.session)
    transaction = hall.provider.login.start(
        requirements, return_to="/account", browser=browser_id, signed_in=session
    )
    return f"/login/{transaction}"
