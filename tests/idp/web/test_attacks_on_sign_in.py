"""What somebody tries who is not the person, or not on the person's browser."""

import pytest

from idp.login.transaction import Requirements
from idp.policy import Level
from tests.support.actors import Browser, Employee, Hall
from tests.support.at_once import at_once
from tests.support.builders import RIGA


def test_signing_in_makes_a_new_session_whatever_cookie_was_there(browser: Browser, anna: Employee) -> None:
    """Session fixation (attack 21)."""
    planted = "p" * 43
    browser.http.cookies.set("__Host-visvaris-session", planted, domain="login.example.lv", path="/")
    browser.signs_in(anna)
    assert browser.session not in {None, planted}


def test_a_step_up_rotates_the_session_and_the_old_token_is_dead(
    hall: Hall, browser: Browser, anna: Employee
) -> None:
    """Session fixation at a gain of level (attack 21)."""
    hall.rule(RIGA, methods=["password"])
    browser.signs_in(anna)
    before = browser.session or ""
    hall.rule(RIGA, Level.MULTI_FACTOR)
    browser.opens("/")
    assert browser.page.has("code")
    browser.presses(code=anna.code())
    assert browser.page.path == "/"
    assert browser.session != before
    assert hall.provider.sessions.find(before) is None
    assert browser.is_signed_in


def test_the_session_keeps_its_id_and_its_proofs_through_a_step_up(
    hall: Hall, browser: Browser, anna: Employee
) -> None:
    hall.rule(RIGA, methods=["password"])
    browser.signs_in(anna)
    before = hall.provider.sessions.find(browser.session)
    hall.rule(RIGA, Level.MULTI_FACTOR)
    browser.opens("/")
    browser.presses(code=anna.code())
    after = hall.provider.sessions.find(browser.session)
    assert before is not None
    assert after is not None
    assert after.session_id == before.session_id
    assert {proof.method for proof in after.proofs} == {"password", "totp"}


def test_after_signing_out_the_next_person_on_the_browser_gets_nothing_of_the_first(
    hall: Hall, browser: Browser, anna: Employee
) -> None:
    """Contamination between users of one browser (attack 22)."""
    other = hall.employee("otra")
    browser.signs_in(anna)
    first = hall.provider.sessions.find(browser.session)
    old = browser.session or ""
    browser.signs_out()
    assert hall.provider.sessions.find(old) is None
    browser.signs_in(other)
    second = hall.provider.sessions.find(browser.session)
    assert first is not None
    assert second is not None
    assert second.session_id != first.session_id
    assert second.username == "otra"
    assert {proof.method for proof in second.proofs} == {"password"}


def test_another_person_signing_in_over_a_session_ends_it(
    hall: Hall, browser: Browser, anna: Employee
) -> None:
    """The first person's session does not linger, and lends no proof (attack 22)."""
    other = hall.employee("otra")
    page = browser.opens("/account")
    stale = page.form()
    browser.signs_in(anna)
    old = browser.session or ""
    page = browser.opens(_transaction(hall, browser, Requirements(fresh=True, not_before=hall.clock())))
    assert page.has("username")
    browser.identifies(other)
    assert hall.provider.sessions.find(old) is None
    assert hall.events(anna)[-1] == "session.signed_out"
    session = hall.provider.sessions.find(browser.session)
    assert session is not None
    assert session.user_id == other.user.id
    assert stale.action.startswith("/login/")


def test_proofs_of_one_person_do_not_help_another_in_the_same_sign_in(
    hall: Hall, browser: Browser, anna: Employee
) -> None:
    """The password of one and the authenticator of another make no sign-in (attacks 22, 23)."""
    hall.rule(RIGA, Level.MULTI_FACTOR)
    mallory = hall.employee("malorija", totp=True)
    browser.opens("/")
    page = browser.identifies(mallory)
    assert page.has("code")
    where = page.path
    token = page.form().fields["csrf_token"]
    browser.posts(
        f"{where}?method=password",
        {"csrf_token": token, "username": anna.username, "password": anna.password},
    )
    page = browser.posts(f"{where}?method=totp", {"csrf_token": token, "code": mallory.code()})
    assert page.status == 422
    assert not browser.is_signed_in


@pytest.mark.parametrize(
    "fields", [{}, {"method": "totp", "code": ""}, {"method": "nonsense"}, {"choice": "continue"}]
)
def test_no_step_is_skipped_by_sending_an_empty_or_early_form(
    hall: Hall, browser: Browser, anna: Employee, fields: dict[str, str]
) -> None:
    """Stage skipping (attack 23)."""
    page = browser.opens("/")
    token = page.form().fields["csrf_token"]
    browser.posts(page.path, {"csrf_token": token, **fields})
    assert browser.page.path.startswith("/login/")
    assert not browser.is_signed_in


def test_a_code_alone_is_no_sign_in(hall: Hall, browser: Browser, anna: Employee) -> None:
    """The second factor cannot be answered before anybody is known (attack 23)."""
    page = browser.opens("/")
    token = page.form().fields["csrf_token"]
    page = browser.posts(
        f"{page.path}?method=totp", {"csrf_token": token, "username": "anna", "code": anna.code()}
    )
    assert page.has("password")
    assert hall.events(anna) == []
    assert not browser.is_signed_in


def test_a_method_the_municipality_does_not_allow_is_refused_at_the_moment_of_use(
    hall: Hall, browser: Browser, anna: Employee
) -> None:
    """Offered earlier is not offered now (attack 23)."""
    hall.rule(RIGA, Level.MULTI_FACTOR)
    browser.opens("/")
    browser.identifies(anna)
    hall.rule(RIGA, Level.MULTI_FACTOR, methods=["password", "recovery_code"])
    browser.presses(code=anna.code())
    assert not browser.is_signed_in


def test_a_password_is_refused_where_passwords_are_gone(hall: Hall, browser: Browser, anna: Employee) -> None:
    hall.rule(RIGA, methods=["totp"])
    browser.opens("/")
    assert browser.identifies(anna).status == 422
    assert not browser.is_signed_in


def test_the_wrong_password_on_the_way_does_not_enrol_anything(hall: Hall, browser: Browser) -> None:
    """Nobody sets up a second factor before the first is proven (attack 33)."""
    hall.rule(RIGA, Level.MULTI_FACTOR)
    newcomer = hall.employee("jauna")
    page = browser.opens("/")
    browser.presses(username=newcomer.username, password="wrong-wrong-wrong")
    page = browser.opens(f"{page.path}?method=totp")
    assert not page.has("totp-key")
    assert page.has("password")


def test_a_person_with_a_second_factor_cannot_set_up_another_instead(
    hall: Hall, browser: Browser, anna: Employee
) -> None:
    """A password alone does not add an authenticator to an account that has one (attack 33)."""
    hall.rule(RIGA, Level.MULTI_FACTOR)
    browser.opens("/")
    page = browser.identifies(anna)
    page = browser.opens(f"{page.path}?method=totp")
    assert not page.has("totp-key")
    assert browser.opens("/account/methods/totp").path.startswith("/login/")


def test_an_old_session_must_prove_itself_anew_before_it_sets_up_a_method(
    hall: Hall, browser: Browser
) -> None:
    """An unattended browser does not add somebody else's authenticator (attack 33)."""
    newcomer = hall.employee("jauna")
    browser.signs_in(newcomer)
    hall.clock.move(11 * 60)
    hall.rule(RIGA, Level.MULTI_FACTOR)
    page = browser.opens("/")
    assert page.has("password")
    assert not page.has("totp-key")
    assert browser.presses(password=newcomer.password).has("totp-key")


def test_a_sign_in_belongs_to_the_browser_that_began_it(hall: Hall, browser: Browser, anna: Employee) -> None:
    """A link to somebody else's sign-in leads nowhere (attacks 21, 24)."""
    page = browser.opens("/")
    other = hall.browser()
    assert other.opens(page.path).status == 410


def test_a_form_from_another_site_changes_nothing(hall: Hall, browser: Browser, anna: Employee) -> None:
    """Login CSRF (attack 24)."""
    page = browser.opens("/")
    form = page.form()
    data = {**form.fields, "username": anna.username, "password": anna.password}
    without_token = {name: value for name, value in data.items() if name != "csrf_token"}
    stranger = hall.browser()
    stranger.opens("/")
    foreign = {**data, "csrf_token": stranger.page.form().fields["csrf_token"]}
    for sent, headers in (
        (without_token, {}),
        (foreign, {}),
        (data, {"Origin": "https://evil.test"}),
        (data, {"Origin": "null"}),
        (data, {"Sec-Fetch-Site": "cross-site"}),
        (data, {"Sec-Fetch-Site": "same-site"}),
    ):
        refused = browser.posts(form.action, sent, **headers)
        assert refused.status == 403
        assert refused.error_code == "form_not_accepted"
    assert browser.posts(form.action, data, Origin=hall.issuer).has("code")


def test_a_blocked_users_session_is_dead_at_its_next_use(
    hall: Hall, browser: Browser, anna: Employee
) -> None:
    """Disabled in the middle (attack 25)."""
    browser.signs_in(anna)
    hall.block(anna)
    assert not browser.is_signed_in


def test_a_user_blocked_between_two_factors_gets_no_session(
    hall: Hall, browser: Browser, anna: Employee
) -> None:
    """Half-authenticated and disabled (attack 25)."""
    browser.opens("/")
    assert browser.identifies(anna).has("code")
    hall.block(anna)
    browser.presses(code=anna.code())
    assert browser.page.has("username")
    assert not browser.is_signed_in


@pytest.mark.parametrize("who", ["unknown", "wrong", "blocked"])
def test_nobody_learns_who_exists(hall: Hall, browser: Browser, anna: Employee, who: str) -> None:
    """The same words and the same status (attack 28)."""
    hall.block(hall.employee("slegta"))
    username, password = {
        "unknown": ("nav-tada", anna.password),
        "wrong": (anna.username, "wrong-wrong-wrong"),
        "blocked": ("slegta", anna.password),
    }[who]
    browser.opens("/")
    page = browser.presses(username=username, password=password)
    assert page.status == 422
    words = page.words.replace(username, "…")
    assert "Nepareizs lietotājvārds vai parole." in words
    assert not browser.is_signed_in
    browser.opens("/")
    assert (
        browser.presses(username="cits-nezinams", password="x" * 20).words.replace("cits-nezinams", "…")
        == words
    )


def test_a_code_is_good_once_also_when_sent_twenty_times_at_once(
    hall: Hall, browser: Browser, anna: Employee
) -> None:
    """Replay inside the window, in parallel (attack 31)."""
    browsers = [hall.browser(f"192.0.2.{number}") for number in range(20)]
    for each in browsers[:5]:
        each.opens("/")
        assert each.identifies(anna).has("code")
    code = anna.code()
    paths = at_once(5, lambda number: browsers[number].presses(code=code).path)
    assert paths.count("/") == 1


def test_a_used_code_does_not_open_a_second_browser(hall: Hall, browser: Browser, anna: Employee) -> None:
    """Replay (attack 31)."""
    browser.signs_in(anna)
    other = hall.browser()
    other.opens("/")
    other.identifies(anna)
    page = other.presses(code=anna.code())
    assert page.status == 422
    assert "Kods nav derīgs" in page.words


def test_the_key_of_an_authenticator_is_never_shown_again(
    hall: Hall, browser: Browser, anna: Employee
) -> None:
    """Neither on the account page nor when another is set up (attack 31)."""
    assert anna.authenticator is not None
    browser.signs_in(anna)
    secret = anna.authenticator.secret
    assert secret not in browser.opens("/account").words.replace(" ", "")
    page = browser.opens("/account/methods/totp")
    assert page.has("totp-key")
    assert secret not in page.words.replace(" ", "")


def test_an_idle_session_ends_and_so_does_an_old_one(hall: Hall, browser: Browser, anna: Employee) -> None:
    """Limits hold at use, without any cleanup (attack 30)."""
    browser.signs_in(anna)
    hall.clock.move(59 * 60)
    assert browser.is_signed_in
    hall.clock.move(60 * 60)
    assert not browser.is_signed_in
    browser.signs_in(anna)
    assert browser.is_signed_in
    seen = []
    for _ in range(14):
        hall.clock.move(55 * 60)
        seen.append(browser.is_signed_in)
    assert seen == [True] * 13 + [False]


def _transaction(hall: Hall, browser: Browser, requirements: Requirements) -> str:
    known = browser.http.cookies.get("__Host-visvaris-browser") or ""
    session = hall.provider.sessions.find(browser.session)
    return "/login/" + hall.provider.login.start(
        requirements, return_to="/account", browser=known, signed_in=session
    )


def test_a_sign_in_left_half_way_begins_no_session_once_all_were_ended(
    hall: Hall, browser: Browser, anna: Employee
) -> None:
    """attack 21, attack 34: whoever knows the password waits at the second factor until the owner is done"""
    thief = hall.browser()
    thief.opens("/")
    thief.identifies(anna)
    hall.clock.move(31)
    browser.signs_in(anna)
    hall.clock.move(31)
    other = hall.browser()
    other.signs_in(anna)
    browser.opens("/account")
    browser.presses("end-other-sessions")
    hall.clock.move(31)
    page = thief.presses(code=anna.code())
    assert page.status == 410
    assert not thief.is_signed_in
    hall.clock.move(31)
    assert hall.browser().signs_in(anna).path == "/"
