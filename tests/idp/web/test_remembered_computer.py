"""A remembered computer, as people and thieves use it: asked for the password alone, until something ends that."""

from collections.abc import Callable

import pyotp
import pytest

from idp.login.look import Look
from idp.login.remembered import Kept
from idp.login.sessions import Visitor
from idp.login.standing import Satisfied
from idp.login.transaction import Requirements
from idp.methods.base import Method
from idp.models.people import UserStatus
from idp.policy import NATIONAL, Level
from idp.storage.prepared import Prepared, Values
from idp.storage.unit import Unit
from tests.support.actors import PASSWORD, WITH_KEYS, Browser, Employee, Hall
from tests.support.administrators import program
from tests.support.builders import KEKAVA, RIGA
from tests.support.relying_party import ProviderError, query_of
from tests.support.remembered import (
    DAY,
    KEPT,
    STEP,
    allow,
    comes_again,
    computers_of,
    has_it_remembered,
    keeps,
    kept_by,
)
from tests.support.reporting import reports, seq_of

Act = Callable[[Hall, Browser, Employee], None]


@pytest.fixture
def remembered(hall: Hall, browser: Browser, anna: Employee) -> Browser:
    """A browser of Anna's that was remembered for fourteen days."""
    allow(hall)
    assert has_it_remembered(browser, anna).path == "/"
    return browser


def is_asked(browser: Browser) -> bool:
    return browser.page.has("code")


# Offered and taken ------------------------------------------------------------------------------------


def test_the_password_alone_lets_in_where_the_computer_is_remembered(
    hall: Hall, remembered: Browser, anna: Employee
) -> None:
    assert comes_again(remembered, anna).path == "/"
    assert remembered.is_signed_in
    assert "remembered_computer.made" in hall.events(anna)


def test_nobody_is_offered_it_where_the_municipality_said_nothing(browser: Browser, anna: Employee) -> None:
    """Off unless a municipality decides otherwise."""
    browser.opens("/")
    browser.identifies(anna)
    assert is_asked(browser)
    assert not browser.page.has("remember")


def test_a_box_that_is_not_ticked_remembers_nothing(hall: Hall, browser: Browser, anna: Employee) -> None:
    allow(hall)
    browser.signs_in(anna)
    assert browser.is_signed_in
    assert kept_by(browser) is None
    assert computers_of(hall, anna) == []


def test_a_box_sent_where_none_is_shown_remembers_nothing(
    hall: Hall, browser: Browser, anna: Employee
) -> None:
    """attack 36: a form of one's own"""
    browser.opens("/")
    browser.identifies(anna)
    form = browser.page.form("code")
    browser.posts(form.action, {**form.fields, "code": anna.code(), "remember": "1"})
    assert browser.is_signed_in
    assert kept_by(browser) is None
    assert computers_of(hall, anna) == []


def test_the_box_stays_ticked_after_a_wrong_code(hall: Hall, browser: Browser, anna: Employee) -> None:
    allow(hall)
    browser.opens("/")
    browser.identifies(anna)
    page = browser.presses(code="000000", remember="1")
    assert page.status == 422
    assert page.form("code").fields["remember"] == "1"
    assert kept_by(browser) is None


def test_a_recovery_code_remembers_nothing(hall: Hall, browser: Browser, anna: Employee) -> None:
    """attack 36: paper is not this computer"""
    allow(hall)
    browser.signs_in(anna)
    hall.clock.move(STEP)
    browser.opens("/account/methods/recovery_code")
    codes = browser.presses().content.ids["recovery-codes"].split()
    other = hall.browser()
    other.opens("/")
    other.identifies(anna)
    other.follows("method-recovery_code")
    assert not other.page.has("remember")
    form = other.page.form("code")
    other.posts(form.action, {**form.fields, "code": codes[0], "remember": "1"})
    assert other.is_signed_in
    assert kept_by(other) is None


def test_the_cookie_is_of_this_host_alone_and_no_script_reads_it(
    hall: Hall, browser: Browser, anna: Employee
) -> None:
    allow(hall)
    browser.opens("/")
    browser.identifies(anna)
    form = browser.page.form("code")
    reply = browser.http.post(form.action, data={**form.fields, "code": anna.code(), "remember": "1"})
    (cookie,) = [each for each in reply.headers.get_list("set-cookie") if each.startswith(KEPT)]
    attributes = {part.strip().lower() for part in cookie.split(";")[1:]}
    assert {"secure", "httponly", "samesite=lax", "path=/", f"max-age={14 * 86400}"} <= attributes


def test_what_the_browser_keeps_stands_nowhere_in_the_database(
    hall: Hall, remembered: Browser, anna: Employee
) -> None:
    series, token = (kept_by(remembered) or "").split(".")
    (kept,) = computers_of(hall, anna)
    written = [str(value) for value in vars(kept).values()]
    assert not {series, token} & set(written)
    assert series not in repr(kept)
    assert token not in repr(kept)
    assert kept.token_hash not in repr(kept)


# How much it is worth ---------------------------------------------------------------------------------


def test_it_is_told_as_two_factors_and_as_no_second_method(
    hall: Hall, remembered: Browser, anna: Employee
) -> None:
    """No application may take it for a second factor that was used."""
    begun = hall.clock()
    comes_again(remembered, anna)
    signed_in = hall.provider.sessions.find(remembered.session)
    standing = hall.provider.standings.of(signed_in, Requirements(level=Level.MULTI_FACTOR))
    assert isinstance(standing, Satisfied)
    assert (standing.level, standing.amr, standing.auth_time) == (Level.MULTI_FACTOR, ("pwd",), begun)


@pytest.mark.parametrize(
    "asked",
    [{"max_age": "600"}, {"max_age": str(30 * 86400)}, {"prompt": "login"}],
    ids=str,
)
def test_it_never_counts_where_it_matters_when(
    hall: Hall, remembered: Browser, anna: Employee, asked: dict[str, str]
) -> None:
    """attack 36: `max_age` and `prompt=login` ask for the thing itself"""
    question = program(hall).ask(scope="openid", **asked)
    before = kept_by(remembered)
    comes_again(remembered, anna, f"/authorize?{query_of(question.url)}")
    assert remembered.left_for is None
    assert is_asked(remembered)
    assert kept_by(remembered) == before


def test_it_never_counts_where_a_key_is_asked_for(hall: Hall, remembered: Browser, anna: Employee) -> None:
    """attack 36: it is not phishing-resistant, whatever stands beside it"""
    for scope in (NATIONAL, RIGA):
        hall.rule(scope, methods=WITH_KEYS)
    before = kept_by(remembered)
    question = program(hall, own={"minimum_level": "phr"}).ask(scope="openid")
    comes_again(remembered, anna, f"/authorize?{query_of(question.url)}")
    assert remembered.left_for is None
    assert is_asked(remembered)
    assert kept_by(remembered) == before


def test_it_adds_and_removes_no_way_to_sign_in(hall: Hall, remembered: Browser, anna: Employee) -> None:
    """The ten-minute proof is of the second factor itself, also right after the computer was remembered."""
    comes_again(remembered, anna, "/account", after=STEP)
    assert remembered.page.path == "/account"
    remembered.opens("/account/methods/totp")
    assert is_asked(remembered)
    remembered.presses(code=anna.code())
    assert remembered.page.has("totp-key")


def test_a_password_that_is_wrong_is_wrong_there_too(hall: Hall, remembered: Browser, anna: Employee) -> None:
    hall.clock.move(DAY)
    before = kept_by(remembered)
    remembered.opens("/")
    assert remembered.identifies(anna, password="kaut kas cits pavisam").status == 422
    assert kept_by(remembered) == before


def test_signing_out_forgets_nothing(hall: Hall, remembered: Browser, anna: Employee) -> None:
    remembered.signs_out()
    assert comes_again(remembered, anna).path == "/"
    assert remembered.is_signed_in


# Thieves ----------------------------------------------------------------------------------------------


def test_each_use_changes_what_the_browser_keeps(hall: Hall, remembered: Browser, anna: Employee) -> None:
    """attack 36: rotated at each use"""
    seen = [kept_by(remembered)]
    for _ in range(3):
        comes_again(remembered, anna)
        seen.append(kept_by(remembered))
    assert len(set(seen)) == 4
    assert len({(each or "").split(".")[0] for each in seen}) == 1
    assert remembered.is_signed_in


def test_an_old_token_ends_the_series_and_its_person_is_told(
    hall: Hall, remembered: Browser, anna: Employee
) -> None:
    """attack 36: a copy of what the computer kept"""
    stolen = kept_by(remembered)
    comes_again(remembered, anna)
    keeps(remembered, stolen or "")
    comes_again(remembered, anna)
    assert is_asked(remembered)
    assert kept_by(remembered) is None
    assert computers_of(hall, anna) == []
    assert hall.events(anna).count("remembered_computer.replayed") == 1
    remembered.presses(code=anna.code())
    assert "Iegaumēts dators aizmirsts" in remembered.opens("/account").words


def test_who_took_it_with_the_browsers_own_cookie_and_used_it_first_is_found_out(
    hall: Hall, remembered: Browser, anna: Employee
) -> None:
    """attack 36: the thief comes first, the person later"""
    thief = hall.browser("203.0.113.7")
    for name in (KEPT, "__Host-visvaris-browser"):
        thief.http.cookies.set(
            name, remembered.http.cookies.get(name) or "", domain="login.example.lv", path="/"
        )
    comes_again(thief, anna)
    assert thief.is_signed_in
    comes_again(remembered, anna, after=STEP)
    assert is_asked(remembered)
    assert "remembered_computer.replayed" in hall.events(anna)
    assert thief.opens("/account").has("username"), "and is asked who it is"


def test_it_counts_in_its_own_browser_alone(hall: Hall, remembered: Browser, anna: Employee) -> None:
    """attack 36: the cookie without the browser's own"""
    thief = hall.browser("203.0.113.7")
    keeps(thief, kept_by(remembered) or "")
    comes_again(thief, anna)
    assert is_asked(thief)
    assert computers_of(hall, anna) == []
    assert "remembered_computer.replayed" in hall.events(anna)


@pytest.mark.parametrize(
    "value", ["", "x", "." * 87, "a" * 43, f"{'a' * 43}.{'b' * 43}", "%C4%81", "a" * 4000]
)
def test_nonsense_is_nothing(hall: Hall, remembered: Browser, anna: Employee, value: str) -> None:
    keeps(remembered, value)
    comes_again(remembered, anna)
    assert is_asked(remembered)
    assert kept_by(remembered) is None
    assert len(computers_of(hall, anna)) == 1
    assert "remembered_computer.replayed" not in hall.events(anna)


def test_a_wrong_token_of_a_living_series_ends_it(hall: Hall, remembered: Browser, anna: Employee) -> None:
    """attack 36"""
    series = (kept_by(remembered) or "").split(".")[0]
    keeps(remembered, f"{series}.{'b' * 43}")
    comes_again(remembered, anna)
    assert is_asked(remembered)
    assert computers_of(hall, anna) == []
    assert "remembered_computer.replayed" in hall.events(anna)


def test_another_person_on_the_same_computer_gets_nothing_of_it(
    hall: Hall, remembered: Browser, anna: Employee
) -> None:
    """attacks 21, 22, 36: bound to the person; what somebody else planted opens nothing"""
    berta = hall.employee("berta", totp=True)
    before = kept_by(remembered)
    comes_again(remembered, berta)
    assert is_asked(remembered)
    assert kept_by(remembered) == before
    assert "remembered_computer.replayed" not in hall.events(anna) + hall.events(berta)
    assert comes_again(remembered, anna).path == "/"


def test_the_session_gets_a_new_token_each_time(hall: Hall, remembered: Browser, anna: Employee) -> None:
    """attack 21: a session that was planted before is not the one that is signed in"""
    planted = remembered.session
    remembered.http.cookies.set("__Host-visvaris-session", planted or "", domain="login.example.lv")
    comes_again(remembered, anna)
    assert remembered.session not in {None, planted}


def test_a_page_opened_at_the_same_moment_gets_in_without_an_alarm(
    hall: Hall, remembered: Browser, anna: Employee
) -> None:
    kept = kept_by(remembered) or ""
    comes_again(remembered, anna)
    latest = kept_by(remembered) or ""
    keeps(remembered, kept)
    comes_again(remembered, anna, after=10)
    assert remembered.is_signed_in
    assert kept_by(remembered) == latest, "given once more: the answer before might have been lost"
    comes_again(remembered, anna)
    assert remembered.is_signed_in
    assert "remembered_computer.replayed" not in hall.events(anna)


def test_ten_seconds_later_it_is_an_old_token(hall: Hall, remembered: Browser, anna: Employee) -> None:
    """attack 36"""
    kept = kept_by(remembered) or ""
    comes_again(remembered, anna)
    keeps(remembered, kept)
    comes_again(remembered, anna, after=10.5)
    assert is_asked(remembered)
    assert "remembered_computer.replayed" in hall.events(anna)


def test_an_alarm_ends_every_session_that_leaned_on_it_and_tells_applications(
    hall: Hall, remembered: Browser, anna: Employee
) -> None:
    """attack 36: the thief's, too, with what was given there to be used in the person's absence"""
    own = hall.browser()
    hall.clock.move(STEP)
    own.signs_in(anna)
    app = program(hall, backchannel_logout_uri="https://app.example.lv/ended", scope="openid offline_access")
    question = app.ask(scope="openid offline_access", prompt="consent")
    thief = hall.browser("203.0.113.7")
    for name in (KEPT, "__Host-visvaris-browser"):
        thief.http.cookies.set(
            name, remembered.http.cookies.get(name) or "", domain="login.example.lv", path="/"
        )
    comes_again(thief, anna, f"/authorize?{query_of(question.url)}", after=STEP)
    if thief.left_for is None:
        form = thief.page.form(button="consent-allow")
        thief.posts(form.action, {**form.fields, "decision": "allow"})
    tokens = app.redeem(question, app.read_answer(question, thief.left_for or "")["code"])
    comes_again(remembered, anna, after=STEP)
    assert is_asked(remembered)
    assert hall.provider.sessions.find(thief.session) is None
    with pytest.raises(ProviderError):
        app.refresh(tokens.refresh_token or "")
    with hall.world.database.read() as work:
        (told,) = work.notices.list_notices(now=hall.clock())
    assert (told.client_id, told.session_id) == (app.client_id, tokens.claims["sid"])
    assert own.is_signed_in, "it leaned on the second factor itself"


# How it ends ------------------------------------------------------------------------------------------


def test_it_lasts_as_long_as_the_municipality_said(hall: Hall, remembered: Browser, anna: Employee) -> None:
    comes_again(remembered, anna, after=14 * DAY - 1)
    assert remembered.is_signed_in
    comes_again(remembered, anna, after=1)
    assert is_asked(remembered)
    assert "remembered_computer.replayed" not in hall.events(anna)


def test_a_shorter_rule_counts_from_when_it_was_made(hall: Hall, remembered: Browser, anna: Employee) -> None:
    comes_again(remembered, anna, after=3 * DAY)
    assert remembered.is_signed_in
    allow(hall, days=3)
    assert not remembered.is_signed_in, "also what was signed in with it asks anew"
    comes_again(remembered, anna, after=STEP)
    assert is_asked(remembered)


def test_a_longer_rule_gives_it_nothing(hall: Hall, remembered: Browser, anna: Employee) -> None:
    allow(hall, days=30)
    comes_again(remembered, anna, after=14 * DAY)
    assert is_asked(remembered)


def test_none_counts_once_the_municipality_forbids_it(
    hall: Hall, remembered: Browser, anna: Employee
) -> None:
    allow(hall, days=0)
    comes_again(remembered, anna)
    assert is_asked(remembered)
    assert not remembered.page.has("remember")
    remembered.presses(code=anna.code())
    assert "neatļauj" in remembered.opens("/account").words


def test_a_clock_that_went_back_before_it_was_made_lets_nobody_in(
    hall: Hall, remembered: Browser, anna: Employee
) -> None:
    """attack 37: a moved clock"""
    comes_again(remembered, anna, after=-1)
    assert is_asked(remembered)
    assert "remembered_computer.replayed" not in hall.events(anna)
    comes_again(remembered, anna, after=DAY)
    assert remembered.is_signed_in


def test_it_does_not_outlive_the_leave_to_use_what_it_was_made_with(
    hall: Hall, remembered: Browser, anna: Employee
) -> None:
    """attack 36: a municipality that forbids a method forbids what was remembered by it"""
    hall.rule(RIGA, Level.MULTI_FACTOR, methods=["password", "recovery_code"])
    page = comes_again(remembered, anna)
    assert not remembered.is_signed_in
    assert page.path.startswith("/login/")


def _changes_password(hall: Hall, browser: Browser, anna: Employee) -> None:
    browser.opens("/account/methods/password")
    if browser.page.has("code"):
        browser.presses(code=anna.code())
    new = "mežs-upe-tilts-saule"
    browser.presses(current_password=PASSWORD, new_password=new, new_password_again=new)
    anna.password = new


def _ends_other_sessions(hall: Hall, browser: Browser, anna: Employee) -> None:
    hall.clock.move(STEP)
    hall.browser().signs_in(anna)
    browser.opens("/account")
    browser.presses("end-other-sessions")


def _makes_codes(hall: Hall, browser: Browser, anna: Employee) -> None:
    browser.opens("/account/methods/recovery_code")
    browser.presses()


def _sets_up_anew(hall: Hall, browser: Browser, anna: Employee) -> None:
    browser.opens("/account/methods/totp")
    anna.authenticator = pyotp.TOTP(browser.page.content.ids["totp-key"].replace(" ", ""))
    browser.presses(code=anna.code())


def _is_blocked_and_let_in_again(hall: Hall, browser: Browser, anna: Employee) -> None:
    with hall.world.database.begin() as work:
        work.people.set_status(anna.user.id, UserStatus.BLOCKED, at=hall.clock())
        work.people.set_status(anna.user.id, UserStatus.ACTIVE, at=hall.clock())


def _forgets_it(hall: Hall, browser: Browser, anna: Employee) -> None:
    browser.opens("/account")
    browser.presses("forget-1")


def _says_that_a_session_was_not_them(hall: Hall, browser: Browser, anna: Employee) -> None:
    hall.clock.move(STEP)
    other = hall.browser()
    other.signs_in(anna)
    other.signs_out()
    reports(browser, seq_of(hall, anna, "session.signed_out"))


ENDINGS: list[Act] = [
    _says_that_a_session_was_not_them,
    _changes_password,
    _ends_other_sessions,
    _makes_codes,
    _sets_up_anew,
    _is_blocked_and_let_in_again,
    _forgets_it,
]


@pytest.mark.parametrize("act", ENDINGS)
def test_it_is_forgotten_with(hall: Hall, remembered: Browser, anna: Employee, act: Act) -> None:
    """attack 36: a password or a factor that changes, signing out everywhere, a block, and being forgotten"""
    act(hall, remembered, anna)
    assert computers_of(hall, anna) == []
    comes_again(remembered, anna)
    assert is_asked(remembered)
    assert "remembered_computer.replayed" not in hall.events(anna)


def test_what_was_signed_in_with_it_asks_again_once_it_is_forgotten(
    hall: Hall, remembered: Browser, anna: Employee
) -> None:
    comes_again(remembered, anna)
    other = hall.browser()
    other.signs_in(anna)
    other.opens("/account")
    other.presses("forget-1")
    remembered.opens("/account")
    assert is_asked(remembered)


def test_a_factor_changed_while_the_box_was_on_its_way_leaves_nothing_remembered(
    hall: Hall, browser: Browser, anna: Employee, monkeypatch: pytest.MonkeyPatch
) -> None:
    """attack 36: the sign-in was begun with what is no longer theirs"""
    allow(hall)
    browser.opens("/")
    browser.identifies(anna)
    remember = hall.provider.computers.remember

    def late(before: Look, after: Look, method: Method, visitor: Visitor) -> Kept | None:
        with hall.world.database.begin() as work:
            work.people.remove_credentials(anna.user.id, "totp")
        return remember(before, after, method, visitor)

    monkeypatch.setattr(hall.provider.computers, "remember", late)
    browser.presses(code=anna.code(), remember="1")
    assert computers_of(hall, anna) == []
    assert kept_by(browser) is None


def test_its_person_is_told_by_mail_that_it_was_made_and_that_it_was_copied(
    hall: Hall, browser: Browser
) -> None:
    allow(hall)
    dace = hall.employee("dace", totp=True, email="dace@pasvaldiba.example.lv")
    has_it_remembered(browser, dace)
    stolen = kept_by(browser) or ""
    comes_again(browser, dace)
    keeps(browser, stolen)
    comes_again(browser, dace)
    with hall.world.database.read() as work:
        told = {mail.about for mail in work.mails.list_mails(now=hall.clock(), limit=100)}
    assert {"remembered_computer.made", "remembered_computer.replayed"} <= told


# The account page -------------------------------------------------------------------------------------


def test_the_account_page_lists_them_and_forgets_one_or_all(
    hall: Hall, remembered: Browser, anna: Employee
) -> None:
    hall.clock.move(STEP)
    second = hall.browser()
    has_it_remembered(second, anna)
    page = second.opens("/account")
    assert page.has("computers")
    assert "Iegaumētie datori" in page.words
    assert len(computers_of(hall, anna)) == 2
    second.presses("forget-2")
    assert [each.made_at for each in computers_of(hall, anna)] == [hall.clock()]
    hall.clock.move(STEP)
    has_it_remembered(hall.browser(), anna)
    second.opens("/account")
    second.presses("forget-all-computers")
    assert computers_of(hall, anna) == []
    assert not second.page.has("computers")
    assert hall.events(anna).count("remembered_computer.forgotten") == 2


def test_nobody_forgets_another_persons(hall: Hall, remembered: Browser, anna: Employee) -> None:
    """attack 42"""
    berta = hall.employee("berta", totp=True)
    hers = hall.browser()
    has_it_remembered(hers, berta)
    hers.opens("/account")
    form = hers.page.form(button="forget-1")
    hers.posts(form.action, {**form.fields, "computer_id": computers_of(hall, anna)[0].id})
    assert len(computers_of(hall, anna)) == len(computers_of(hall, berta)) == 1


def test_the_same_computer_remembered_again_is_one(hall: Hall, remembered: Browser, anna: Employee) -> None:
    remembered.signs_out()
    hall.clock.move(STEP)
    remembered.http.cookies.delete(KEPT)
    has_it_remembered(remembered, anna)
    assert len(computers_of(hall, anna)) == 1


# Posts, operators, costs ------------------------------------------------------------------------------


def test_of_several_posts_the_strictest_municipality_decides(hall: Hall, browser: Browser) -> None:
    hall.rule(KEKAVA)
    busy = hall.employee("divas", totp=True, municipalities=[RIGA, KEKAVA])
    allow(hall, 14, RIGA)
    browser.opens("/")
    browser.identifies(busy)
    assert not browser.page.has("remember")
    allow(hall, 2, KEKAVA)
    other = hall.browser()
    has_it_remembered(other, busy)
    (kept,) = computers_of(hall, busy)
    assert kept.expires_at - kept.made_at == 2 * DAY
    comes_again(other, busy)
    assert other.is_signed_in
    allow(hall, 0, KEKAVA)
    assert not other.is_signed_in


def test_who_runs_the_system_is_never_remembered(hall: Hall, browser: Browser) -> None:
    allow(hall)
    operator = hall.employee("operators", totp=True, roles=["operator"])
    browser.opens("/")
    browser.identifies(operator)
    assert is_asked(browser)
    assert not browser.page.has("remember")


def test_applications_are_told_when_the_second_factor_was_passed(
    hall: Hall, remembered: Browser, anna: Employee
) -> None:
    """So that nothing that asks for a fresh sign-in, as the API of administrators does, takes it for one."""
    app = program(hall)
    begun = hall.clock()
    question = app.ask(scope="openid")
    comes_again(remembered, anna, f"/authorize?{query_of(question.url)}")
    answer = app.read_answer(question, remembered.left_for or "")
    tokens = app.redeem(question, answer["code"])
    claims = tokens.claims
    assert (claims["auth_time"], claims["amr"], claims["acr"]) == (begun, ["pwd"], Level.MULTI_FACTOR.acr)


def test_a_sign_in_without_it_asks_the_database_nothing_more(
    hall: Hall, anna: Employee, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Neither where it is not allowed nor where it is: the rule comes with the other rules."""
    seen: list[str] = []
    execute = Unit._execute

    def noting(unit: Unit, statement: Prepared, values: Values) -> object:
        seen.append(str(statement.statement))
        return execute(unit, statement, values)

    monkeypatch.setattr(Unit, "_execute", noting)
    counts = []
    for days in (0, 0, 14):
        allow(hall, days)
        browser = hall.browser()
        seen.clear()
        browser.signs_in(anna)
        counts.append(len(seen))
        assert seen
        assert not [each for each in seen if "FROM remembered_computers" in each]
        hall.clock.move(STEP)
    assert counts[1] == counts[2], "the very first also makes keys"
