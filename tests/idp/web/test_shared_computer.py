"""A computer that several people use: marked by whoever sits there, and nothing of anybody stays in it."""

import pytest

from idp.login.places import READ_EVERY_SECONDS
from idp.models.municipality_rules import SHARED_IDLE_MINUTES, MunicipalityRules
from idp.models.networks import Network
from tests.support.actors import ISSUER, WITH_KEYS, Browser, Employee, Hall
from tests.support.authenticator import Authenticator
from tests.support.builders import KEKAVA, RIGA
from tests.support.passkeys import asked_for, sets_up
from tests.support.remembered import KEPT, allow, computers_of, has_it_remembered, kept_by

SHARED_IDLE_SECONDS = SHARED_IDLE_MINUTES * 60
MARK = "__Host-visvaris-shared"
BROWSER = "__Host-visvaris-browser"


@pytest.fixture
def shared(browser: Browser) -> Browser:
    browser.opens("/")
    browser.presses("shared-on")
    return browser


def test_it_is_marked_before_anybody_signs_in_and_stays_marked(shared: Browser, anna: Employee) -> None:
    assert shared.page.has("shared-marked")
    shared.signs_in(anna)
    shared.signs_out()
    assert shared.opens("/").has("shared-marked")
    assert not shared.presses("shared-off").has("shared-marked")
    assert shared.http.cookies.get(MARK) is None


def test_a_form_of_another_site_marks_nothing(browser: Browser) -> None:
    """attack 24"""
    browser.opens("/")
    browser.posts("/shared-computer", {"shared": "1"})
    assert browser.http.cookies.get(MARK) is None


def test_marking_leads_nowhere_else(browser: Browser) -> None:
    """attack 8"""
    form = browser.opens("/").form(button="shared-on")
    browser.posts(form.action, {**form.fields, "back": "https://evil.example/"})
    assert browser.left_for is None


def test_a_session_there_ends_when_it_was_unused_for_ten_minutes(
    hall: Hall, shared: Browser, anna: Employee
) -> None:
    """attack 30: at use"""
    shared.signs_in(anna)
    hall.clock.move(SHARED_IDLE_SECONDS - 1)
    assert shared.is_signed_in
    hall.clock.move(SHARED_IDLE_SECONDS)
    assert not shared.is_signed_in


def waits(hall: Hall, atvk: str, minutes: int) -> None:
    with hall.world.database.begin() as work:
        work.municipality_rules.put(atvk, MunicipalityRules(shared_idle_minutes=minutes))


@pytest.mark.parametrize("minutes", [1, 3, 25])
def test_a_municipality_says_how_long_its_peoples_sessions_wait_there(
    hall: Hall, shared: Browser, anna: Employee, minutes: int
) -> None:
    waits(hall, RIGA, minutes)
    waits(hall, KEKAVA, 1)
    shared.signs_in(anna)
    hall.clock.move(minutes * 60 - 1)
    assert shared.is_signed_in
    hall.clock.move(minutes * 60)
    assert not shared.is_signed_in


def test_who_is_at_work_there_stays_signed_in(hall: Hall, shared: Browser, anna: Employee) -> None:
    """Also where a minute is the limit: each page counts as use."""
    waits(hall, RIGA, 1)
    shared.signs_in(anna)
    for _ in range(8):
        hall.clock.move(40)
        assert shared.is_signed_in


def test_a_shorter_limit_counts_at_once_and_of_several_posts_the_least(hall: Hall, shared: Browser) -> None:
    """attack 30: at use"""
    both = hall.employee("berta", municipalities=[RIGA, KEKAVA])
    waits(hall, RIGA, 30)
    shared.signs_in(both)
    if shared.page.has("employment-submit"):
        shared.presses(municipality=both.posts[0].id)
    hall.clock.move(SHARED_IDLE_SECONDS - 1)
    assert shared.is_signed_in, "Ķekava decided nothing: ten minutes"
    waits(hall, KEKAVA, 2)
    hall.clock.move(119)
    assert shared.is_signed_in
    hall.clock.move(120)
    assert not shared.is_signed_in


def test_a_municipality_does_not_make_sessions_wait_longer_than_they_do_anywhere(
    hall: Hall, shared: Browser, anna: Employee
) -> None:
    waits(hall, RIGA, 60)
    shared.signs_in(anna)
    hall.clock.move(60 * 60)
    assert not shared.is_signed_in


def test_it_is_not_listed_any_more_either(hall: Hall, shared: Browser, anna: Employee) -> None:
    shared.signs_in(anna)
    other = hall.browser()
    hall.clock.move(31)
    other.signs_in(anna)
    hall.clock.move(SHARED_IDLE_SECONDS)
    with hall.world.database.read() as work:
        assert len(hall.provider.sessions.of_user(work, anna.user.id)) == 1


def test_taking_the_mark_away_makes_no_open_session_longer(
    hall: Hall, shared: Browser, anna: Employee
) -> None:
    shared.signs_in(anna)
    shared.http.cookies.delete(MARK)
    hall.clock.move(SHARED_IDLE_SECONDS)
    assert not shared.is_signed_in


def test_elsewhere_a_session_waits_for_an_hour(hall: Hall, browser: Browser, anna: Employee) -> None:
    browser.signs_in(anna)
    hall.clock.move(SHARED_IDLE_SECONDS + 60)
    assert browser.is_signed_in


def test_a_network_marks_its_computers_and_nobody_there_says_otherwise(hall: Hall, anna: Employee) -> None:
    network = Network(id="n", municipality=RIGA, name="Klientu centrs", cidr="198.51.100.0/24", shared=True)
    with hall.world.database.begin() as work:
        work.networks.add(network)
    there, elsewhere = hall.browser("198.51.100.7"), hall.browser()
    hall.clock.move(READ_EVERY_SECONDS)
    assert there.opens("/").has("shared-marked")
    assert not there.page.has("shared-off")
    there.signs_in(anna)
    assert there.opens("/account").has("switch-person")
    assert "Klientu centrs (198.51.100.7)" in there.page.content.text
    hall.clock.move(SHARED_IDLE_SECONDS)
    assert not there.is_signed_in
    assert not elsewhere.opens("/").has("shared-marked")


def test_it_is_never_remembered(hall: Hall, shared: Browser, anna: Employee) -> None:
    """attack 36: neither by the box nor by a form of one's own"""
    allow(hall)
    shared.opens("/")
    shared.identifies(anna)
    assert not shared.page.has("remember")
    form = shared.page.form("code")
    shared.posts(form.action, {**form.fields, "code": anna.code(), "remember": "1"})
    assert shared.is_signed_in
    assert kept_by(shared) is None


def test_what_was_remembered_before_is_gone_with_the_mark(
    hall: Hall, browser: Browser, anna: Employee
) -> None:
    """attack 36"""
    allow(hall)
    has_it_remembered(browser, anna)
    kept = kept_by(browser)
    browser.signs_out()
    browser.opens("/")
    browser.presses("shared-on")
    assert kept_by(browser) is None
    browser.http.cookies.set(KEPT, kept or "", domain="login.example.lv", path="/")
    hall.clock.move(31)
    browser.opens("/")
    browser.identifies(anna)
    assert browser.page.has("code"), "and a copy of it does not count there"


def test_one_click_on_every_page_hands_over_to_the_next(hall: Hall, shared: Browser, anna: Employee) -> None:
    """attack 22"""
    shared.signs_in(anna)
    for path in ("/", "/account", "/account/activity", "/device"):
        assert shared.opens(path).has("switch-person"), path
    before = shared.http.cookies.get(BROWSER)
    session = shared.session
    page = shared.presses("switch-person")
    assert page.has("username")
    assert "Anna" not in page.content.text
    assert hall.events(anna)[-1] == "session.signed_out"
    assert shared.http.cookies.get(BROWSER) != before
    shared.http.cookies.set("__Host-visvaris-session", session or "", domain="login.example.lv", path="/")
    assert not shared.is_signed_in


def test_on_a_computer_of_ones_own_nobody_is_asked(browser: Browser, anna: Employee) -> None:
    browser.signs_in(anna)
    assert not browser.opens("/account").has("switch-person")


def test_another_site_switches_nobody(shared: Browser, anna: Employee) -> None:
    """attack 24"""
    shared.signs_in(anna)
    shared.posts("/switch")
    assert shared.is_signed_in


def test_signing_out_clears_what_the_browser_holds(shared: Browser, anna: Employee) -> None:
    """attack 22, attack 26"""
    shared.signs_in(anna)
    before = shared.http.cookies.get(BROWSER)
    form = shared.opens("/logout").form(button="logout-confirm")
    reply = shared.http.post(form.action, data=form.fields, follow_redirects=False)
    assert reply.headers["Clear-Site-Data"] == '"cache", "storage"'
    assert shared.http.cookies.get(BROWSER) not in {None, before}


def test_a_sign_in_left_half_way_is_out_of_reach_for_the_next(
    hall: Hall, shared: Browser, anna: Employee
) -> None:
    """attack 21, attack 22: the page that waits for the second factor names its person"""
    shared.opens("/")
    shared.identifies(anna)
    waiting = shared.page.path
    assert "anna" in shared.page.content.text
    token = shared.page.form("code").fields["csrf_token"]
    shared.posts("/switch", {"csrf_token": token})
    assert "anna" not in shared.opens(waiting).content.text


def test_who_is_asked_anew_is_not_named_to_the_next(shared: Browser, anna: Employee) -> None:
    """attack 22: the field for the username is empty"""
    shared.signs_in(anna)
    assert 'value="anna"' not in shared.http.get("/account", follow_redirects=True).text.partition("<main")[0]
    page = shared.opens("/")
    assert page.status == 200


def test_a_passkey_is_made_on_what_its_owner_carries(hall: Hall, shared: Browser, anna: Employee) -> None:
    """The computer's own would open for whoever unlocks it."""
    for scope in ("national", RIGA):
        hall.rule(scope, methods=WITH_KEYS)
    shared.signs_in(anna)
    form = shared.opens("/account/methods/passkey").form("credential")
    assert asked_for(form)["authenticatorSelection"]["authenticatorAttachment"] == "cross-platform"


def test_elsewhere_the_computer_itself_may_keep_it(hall: Hall, browser: Browser, anna: Employee) -> None:
    for scope in ("national", RIGA):
        hall.rule(scope, methods=WITH_KEYS)
    browser.signs_in(anna)
    form = browser.opens("/account/methods/passkey").form("credential")
    assert "authenticatorAttachment" not in asked_for(form)["authenticatorSelection"]


def test_it_approves_nothing_for_anybody(hall: Hall, shared: Browser, anna: Employee) -> None:
    """attack 33: the browser of many is nobody's second device"""
    methods = [*WITH_KEYS, "phone_approval"]
    for scope in ("national", RIGA):
        hall.rule(scope, methods=methods)
    shared.signs_in(anna)
    assert shared.opens("/account/methods/phone_approval").status == 404
    own = hall.browser()
    hall.clock.move(31)
    own.signs_in(anna)
    assert own.opens("/account/methods/phone_approval").status == 200


def test_passkeys_are_not_offered_by_the_field_there(hall: Hall, browser: Browser, anna: Employee) -> None:
    """The browser would list whose passkeys it knows."""
    for scope in ("national", RIGA):
        hall.rule(scope, methods=WITH_KEYS)
    browser.signs_in(anna)
    sets_up(browser, Authenticator(ISSUER))
    browser.signs_out()
    assert "conditional" in browser.http.get("/", follow_redirects=True).text
    browser.opens("/")
    browser.presses("shared-on")
    page = browser.http.get("/", follow_redirects=True).text
    assert 'autocomplete="off"' in page
    assert "username webauthn" not in page


def test_a_mark_that_comes_late_holds_for_the_session_that_is_open(
    hall: Hall, browser: Browser, anna: Employee
) -> None:
    """attack 36: and what the computer was remembered by is worth nothing, also to who copied it"""
    allow(hall)
    has_it_remembered(browser, anna)
    form = browser.opens("/account/choose?device=key&shared=yes").form(button="advice-mark")
    browser.posts(form.action, form.fields)
    assert browser.opens("/account").has("switch-person")
    assert computers_of(hall, anna) == []
    browser.http.cookies.delete(MARK)
    hall.clock.move(SHARED_IDLE_SECONDS)
    assert not browser.is_signed_in
