"""Attacks on confirming who owns an account and on the way back by it: what was left half-way, what was taken
back, what is counted, and what strangers can keep others from.
"""

import threading
from collections.abc import Iterator

import pyotp
import pytest

from idp.errors import Reason
from idp.login.sessions import Visitor
from idp.methods.registry import given_totp
from idp.models.confirmations import Assurance, ConfirmedBy, IdentityRead
from idp.models.people import Credential
from idp.models.person_code import PersonCode
from idp.people.identity.desk import Linked
from idp.people.identity.sittings import Purpose, Sitting
from idp.people.identity.smart_id import UNPROVEN_POLLS_AT_ONCE, Stage
from idp.policy import Level
from idp.storage import municipalities
from tests.support.actors import EVERY_METHOD, WITH_KEYS, Browser, Employee, Hall
from tests.support.at_once import at_once
from tests.support.builders import RIGA, make_database
from tests.support.identity import ANNA, ANNA_CODE, BERTA, IdentityRig, asks, confirms, was_confirmed
from tests.support.reporting import reports, seq_of
from tests.support.smart_id.accounts import Account, Behaviour


@pytest.fixture
def anna(rig: IdentityRig) -> Employee:
    """With a password and an authenticator; nothing is confirmed."""
    return rig.hall.employee("anna", totp=True)


@pytest.fixture
def confirmed_anna(rig: IdentityRig, anna: Employee) -> Employee:
    was_confirmed(rig.hall, anna)
    return anna


@pytest.fixture
def newcomer(rig: IdentityRig) -> Employee:
    """With a password from an old portal, where that alone does not suffice and sets nothing up."""
    rig.hall.rule(RIGA, Level.MULTI_FACTOR, first_enrolment=False, methods=EVERY_METHOD)
    return rig.hall.employee("jauna", given_name="Anna", family_name="Bērziņa")


@pytest.fixture
def browser(rig: IdentityRig) -> Browser:
    return rig.hall.browser()


def names(browser: Browser, username: str = "anna") -> None:
    browser.opens("/recover")
    browser.presses(username=username)


def recovers(rig: IdentityRig, browser: Browser) -> None:
    """As far as to the question whether this is the account."""
    names(browser)
    browser.presses("identity-smart_id", consent="1")
    rig.scan()
    browser.opens(browser.page.path)
    assert browser.page.has("identity-link")


def confirms_at_the_door(rig: IdentityRig, browser: Browser, who: Employee) -> None:
    """The same, with the password proved."""
    browser.signs_in(who)
    browser.presses("confirm-identity")
    browser.presses("identity-smart_id", consent="1")
    rig.scan()
    browser.opens(browser.page.path)
    assert browser.page.has("identity-link")


def ends_everything(rig: IdentityRig, who: Employee) -> None:
    """As a new password, or signing out elsewhere, does."""
    rig.hall.clock.move(1)
    with rig.hall.world.database.begin() as work:
        work.sessions.end_all_of_user(who.user.id, rig.hall.clock())


# Whose turn it is ----------------------------------------------------------------------------------------


def test_whoever_signs_in_next_at_a_browser_finds_no_recovery_of_somebody_else(
    rig: IdentityRig, browser: Browser, confirmed_anna: Employee
) -> None:
    """attack 22"""
    recovers(rig, browser)
    path, form = browser.page.path, browser.page.form(button="identity-link")
    rig.hall.clock.move(5)
    browser.signs_in(rig.hall.employee("berta", totp=True))
    assert browser.opens(path).status == 410
    assert browser.posts(path, {**form.fields, "answer": "link"}).status in {400, 403, 410}
    assert "recovery.begun" not in rig.hall.events(confirmed_anna)


def test_whoever_signs_in_next_at_a_browser_finds_no_first_sign_in_of_somebody_else(
    rig: IdentityRig, browser: Browser, newcomer: Employee
) -> None:
    """attack 22"""
    confirms_at_the_door(rig, browser, newcomer)
    path = browser.page.path
    rig.hall.clock.move(5)
    browser.signs_in(rig.hall.employee("berta", totp=True))
    assert browser.opens(path).status == 410


def test_a_shared_computer_keeps_a_recovery_for_ten_minutes_whoever_it_is_of(
    rig: IdentityRig, confirmed_anna: Employee
) -> None:
    """attack 28: how long it is kept does not tell whether there is such an account"""
    kept = []
    for username in ("anna", "nemana"):
        browser = rig.hall.browser()
        browser.opens("/recover")
        browser.posts("/shared-computer", {**browser.page.form().fields, "shared": "1"})
        names(browser, username)
        kept.append(browser.page.headers.get("refresh", "").partition(";")[0])
        rig.hall.clock.move(10 * 60)
        assert browser.opens(browser.page.path).status == 410
    assert kept == ["600", "600"]


def test_a_sign_in_that_ended_confirms_nothing(
    rig: IdentityRig, browser: Browser, newcomer: Employee
) -> None:
    """attack 23"""
    browser.signs_in(newcomer)
    transaction = browser.page.path.split("/")[2].partition("?")[0]
    browser.presses("confirm-identity")
    browser.presses("identity-smart_id", consent="1")
    rig.scan()
    page = browser.opens(browser.page.path)
    form = page.form(button="identity-link")
    browser.http.get(f"/login/{transaction}/anew")
    assert browser.posts(page.path, {**form.fields, "answer": "link"}).status == 410
    assert rig.confirmed(newcomer) is None


def test_what_was_proved_before_everything_was_ended_confirms_nothing(
    rig: IdentityRig, browser: Browser, newcomer: Employee
) -> None:
    """attack 36: the owner changed the password meanwhile"""
    confirms_at_the_door(rig, browser, newcomer)
    ends_everything(rig, newcomer)
    browser.presses("identity-link")
    assert rig.confirmed(newcomer) is None
    assert rig.reasons(newcomer) == ["identity_over"]


def test_a_session_of_yesterday_does_not_stand_in_for_a_password(
    rig: IdentityRig, browser: Browser, newcomer: Employee
) -> None:
    """attack 33: an unattended session, asked for more than it has"""
    rig.hall.rule(RIGA, methods=EVERY_METHOD)
    browser.signs_in(newcomer)
    rig.hall.rule(RIGA, Level.MULTI_FACTOR, first_enrolment=False, methods=EVERY_METHOD)
    page = browser.opens("/account/identity")
    assert not page.has("confirm-identity")
    token = page.form().fields["csrf_token"] if page.has("password") else ""
    assert browser.posts(f"{page.path.partition('?')[0]}/identity", {"csrf_token": token}).status in {
        400,
        403,
        410,
    }


def _cookie(browser: Browser) -> str:
    return browser.http.cookies.get("__Host-visvaris-browser") or ""


# No way round a second factor -----------------------------------------------------------------------------


def test_a_password_and_a_name_do_not_get_past_an_authenticator_by_asking_for_more(
    rig: IdentityRig, browser: Browser, anna: Employee
) -> None:
    """attack 34: what is asked for is out of the person's reach, so that they seem to have nothing."""
    rig.hall.rule("national", methods=WITH_KEYS)
    rig.hall.rule(RIGA, Level.PHISHING_RESISTANT, first_enrolment=False, methods=WITH_KEYS)
    page = browser.signs_in(anna)
    assert page.status == 403
    assert not page.has("confirm-identity")


def test_an_authenticator_that_was_set_up_meanwhile_is_not_passed_by(
    rig: IdentityRig, browser: Browser, newcomer: Employee
) -> None:
    """attack 34"""
    confirms_at_the_door(rig, browser, newcomer)
    with rig.hall.world.database.begin() as work:
        work.people.add_credential(_authenticator_of(rig.hall, newcomer))
    browser.presses("identity-link")
    assert rig.confirmed(newcomer) is None


def _authenticator_of(hall: Hall, who: Employee) -> Credential:
    made = given_totp(tuple(hall.provider.methods.values()), who.user, hall.world.effects.random(20))
    assert isinstance(made, Credential)
    return made


# Stopped by the owner -------------------------------------------------------------------------------------


def test_it_was_not_me_ends_the_way_in_that_was_opened(
    rig: IdentityRig, browser: Browser, confirmed_anna: Employee
) -> None:
    """attack 34: the owner is told, and stops it."""
    owner = rig.hall.browser("198.51.100.7")
    owner.signs_in(confirmed_anna)
    recovers(rig, browser)
    page = browser.presses("identity-link")
    assert page.path.startswith("/enrol/")
    rig.hall.clock.move(1)
    reports(owner, seq_of(rig.hall, confirmed_anna, "recovery.begun"))
    assert browser.opens(page.path).status == 410
    assert browser.opens(f"{page.path}?method=totp").status == 410


def test_everything_that_was_half_way_is_over_when_all_sessions_are_ended(
    rig: IdentityRig, browser: Browser, confirmed_anna: Employee
) -> None:
    recovers(rig, browser)
    ends_everything(rig, confirmed_anna)
    browser.presses("identity-link")
    assert rig.reasons(confirmed_anna) == ["identity_over"]
    assert "recovery.begun" not in rig.hall.events(confirmed_anna)


def test_who_takes_the_confirmation_back_takes_back_what_it_opened(
    rig: IdentityRig, browser: Browser, confirmed_anna: Employee
) -> None:
    owner = rig.hall.browser("198.51.100.7")
    owner.signs_in(confirmed_anna)
    recovers(rig, browser)
    page = browser.presses("identity-link")
    rig.hall.clock.move(1)
    owner.opens("/account/identity")
    owner.presses("identity-remove")
    assert rig.confirmed(confirmed_anna) is None
    assert browser.opens(page.path).status == 410


def test_an_identity_that_a_thief_linked_opens_nothing_once_the_owner_said_so(
    rig: IdentityRig, browser: Browser, anna: Employee
) -> None:
    """attack 34: it would let the thief in again and again."""
    thief = rig.hall.browser("198.51.100.7")
    thief.signs_in(anna)
    confirms(rig, thief)
    assert rig.confirmed(anna) is not None
    rig.hall.clock.move(31)
    browser.signs_in(anna)
    reports(browser, seq_of(rig.hall, anna, "identity.confirmed"))
    rig.hall.clock.move(1)
    again = rig.hall.browser("198.51.100.7")
    names(again)
    again.presses("identity-smart_id", consent="1")
    rig.scan()
    page = again.opens(again.page.path)
    assert not page.has("identity-link")
    assert rig.reasons(anna) == ["identity_other"]


def test_after_it_was_not_me_a_confirmation_begun_before_links_nothing(
    rig: IdentityRig, anna: Employee
) -> None:
    """attack 34: whoever sits at the other session proved it before that."""
    thief, owner = rig.hall.browser("198.51.100.7"), rig.hall.browser()
    thief.signs_in(anna)
    asks(thief)
    rig.scan()
    thief.opens(thief.page.path)
    rig.hall.clock.move(31)
    owner.signs_in(anna)
    reports(owner, seq_of(rig.hall, anna, "sign_in.completed"))
    thief.presses("identity-link")
    assert rig.confirmed(anna) is None


def test_who_cancels_leaves_nothing_that_could_be_linked(
    rig: IdentityRig, browser: Browser, confirmed_anna: Employee
) -> None:
    """attack 22: it was read in the very moment in which the person left."""
    names(browser)
    page = browser.presses("identity-smart_id", consent="1")
    form = page.form(button="identity-cancel")
    rig.scan()
    browser.opens(page.path)
    browser.posts(page.path, {**form.fields, "answer": "cancel"})
    assert browser.opens(page.path).status == 410
    assert browser.posts(page.path, {**form.fields, "answer": "link"}).status == 410


# What is linked is what was shown ------------------------------------------------------------------------


def test_while_an_identity_waits_to_be_linked_none_other_is_read_in_its_place(
    rig: IdentityRig, browser: Browser, anna: Employee
) -> None:
    """attack 37: another tab"""
    browser.signs_in(anna)
    asks(browser)
    path, form = browser.page.path, browser.page.form(button="identity-cancel")
    rig.scan()
    browser.opens(path)
    asked = len(rig.service.asked)
    page = browser.posts(path, {**form.fields, "way": "smart_id", "consent": "1"})
    assert page.content.ids["identity-name"] == "ANNA BĒRZIŅA"
    assert len(rig.service.asked) == asked


def test_of_two_accounts_that_link_one_identity_at_once_one_gets_it(
    postgres_url: str, redis_url: str
) -> None:
    """attack 36, attack 39: on PostgreSQL and Redis"""
    database = make_database(postgres_url)
    with database.begin() as work:
        municipalities.load(work)
    database.dispose()
    hall = Hall(postgres_url, redis_url=redis_url)
    desk = hall.provider.identity.desk
    ready = []
    for username in ("viena", "otra"):
        who, browser = hall.employee(username, totp=True), hall.browser()
        browser.signs_in(who)
        visitor = Visitor(browser=_cookie(browser), address="192.0.2.10", session_token=browser.session)
        signed_in = hall.provider.sessions.find(browser.session)
        assert signed_in is not None
        sitting = desk.agree(desk.begin_in_session(signed_in, visitor, language="lv"), language="lv")
        assert desk.hold(sitting, _read(hall), visitor) is None
        ready.append((who, sitting, signed_in, visitor))
    endings = at_once(2, lambda number: desk.link(*ready[number][1:]))
    assert [type(ending) for ending in endings].count(Linked) == 1
    assert endings.count(Reason.IDENTITY_TAKEN) == 1
    with hall.world.database.read() as work:
        assert [work.confirmations.is_confirmed(each[0].user.id) for each in ready].count(True) == 1
    hall.close()


def _read(hall: Hall) -> IdentityRead:
    return IdentityRead(
        code=PersonCode.parse(ANNA_CODE),
        given_name="ANNA",
        family_name="BĒRZIŅA",
        confirmed_by=ConfirmedBy.SMART_ID,
        assurance=Assurance.HIGH,
        read_at=hall.clock(),
    )


# What is counted ------------------------------------------------------------------------------------------


@pytest.fixture
def refuses(rig: IdentityRig) -> Account:
    document = "PNOLV-320000-00015-REFS-Q"
    return rig.service.add(Account(document, ANNA.person, behaviour=Behaviour("USER_REFUSED")))


def fails(rig: IdentityRig, browser: Browser, refuses: Account) -> None:
    names(browser)
    page = browser.presses("identity-smart_id", consent="1")
    assert page.status == 200
    rig.scan(refuses)
    browser.opens(browser.page.path)


def test_each_refusal_after_the_first_wait_makes_the_next_longer(
    rig: IdentityRig, browser: Browser, confirmed_anna: Employee, refuses: Account
) -> None:
    """attack 29: none is lost from the count."""
    waited = []
    for _ in range(3):
        fails(rig, browser, refuses)
    for _ in range(3):
        names(browser)
        page = browser.presses("identity-smart_id", consent="1")
        assert page.status == 429
        waited.append(round(int(page.headers["retry-after"]) / 900))
        rig.hall.clock.move(int(page.headers["retry-after"]))
        fails(rig, browser, refuses)
    assert waited == [1, 2, 4]


def test_who_waited_and_then_ran_out_of_time_does_not_wait_again(
    rig: IdentityRig, browser: Browser, confirmed_anna: Employee, refuses: Account
) -> None:
    """attack 29: a lockout must not outlast its time"""
    for _ in range(3):
        fails(rig, browser, refuses)
    rig.hall.clock.move(901)
    for _ in range(2):
        names(browser)
        assert browser.presses("identity-smart_id", consent="1").status == 200
        rig.hall.clock.move(151)
        browser.opens(browser.page.path)


def test_an_alarm_of_one_sitting_is_written_down_once(
    rig: IdentityRig, browser: Browser, confirmed_anna: Employee
) -> None:
    """attack 43: whoever names an account could fill its owner's trail."""
    names(browser)
    browser.presses("identity-smart_id", consent="1")
    callback = rig.open_app()
    other = rig.hall.browser()
    for _ in range(3):
        other.http.get(callback)
    path = browser.page.path
    browser.http.get(callback)
    browser.http.get(callback)
    for _ in range(3):
        browser.http.get(f"{path}/callback?x=y")
    seen = rig.hall.events(confirmed_anna)
    assert seen.count("identity.alarm") == 3


class SlowDoor:
    """Polls that are answered when the test says so."""

    def __init__(self, door: object) -> None:
        self._door = door
        self.go = threading.Event()
        self.is_slow = True

    def __getattr__(self, name: str) -> object:
        return getattr(self._door, name)

    def poll(self, session_id: str, *, wait_milliseconds: int) -> object:
        if self.is_slow:
            self.go.wait(60)
        return self._door.poll(session_id, wait_milliseconds=wait_milliseconds)  # type: ignore[attr-defined]


@pytest.fixture
def slow(rig: IdentityRig, monkeypatch: pytest.MonkeyPatch) -> Iterator[SlowDoor]:
    door = SlowDoor(rig.hall.provider.identity.smart_id._door)  # type: ignore[union-attr]
    monkeypatch.setattr(rig.hall.provider.identity.smart_id, "_door", door)
    yield door
    door.go.set()


def test_strangers_who_name_accounts_take_no_turn_from_who_is_signed_in(
    rig: IdentityRig, anna: Employee, slow: SlowDoor
) -> None:
    """attack 43"""
    way, desk = rig.hall.provider.identity.smart_id, rig.hall.provider.identity.desk
    assert way is not None

    def begun(purpose: Purpose, number: int) -> tuple[Sitting, Visitor]:
        visitor = Visitor(browser=f"b{number}", address=f"198.51.100.{number}")
        sitting = desk.sittings.begin(
            purpose,
            browser=visitor.browser,
            user_id=anna.user.id if purpose is Purpose.ACCOUNT else "",
            username=f"vards{number}",
            holder="",
            language="lv",
        )
        agreed = desk.agree(sitting, language="lv")
        assert way.begin(agreed, visitor) is None
        return agreed, visitor

    strangers = [begun(Purpose.RECOVERY, number) for number in range(6)]
    own = begun(Purpose.ACCOUNT, 6)
    told_to_wait = threading.Semaphore(0)

    def look(number: int) -> None:
        way.look(*strangers[number])
        told_to_wait.release()

    threads = [threading.Thread(target=look, args=(number,)) for number in range(len(strangers))]
    for thread in threads:
        thread.start()
    for _ in range(len(strangers) - UNPROVEN_POLLS_AT_ONCE):
        assert told_to_wait.acquire(timeout=20)
    slow.is_slow = False
    rig.scan()
    assert way.look(*own) is Stage.READ
    slow.go.set()
    for thread in threads:
        thread.join()


def test_a_block_between_the_page_and_the_button_ends_it(
    rig: IdentityRig, browser: Browser, confirmed_anna: Employee
) -> None:
    """attack 25"""
    recovers(rig, browser)
    rig.hall.block(confirmed_anna)
    browser.presses("identity-link")
    assert rig.reasons(confirmed_anna) == ["identity_other"]
    assert "recovery.begun" not in rig.hall.events(confirmed_anna)


def test_a_block_ends_the_way_in_that_was_opened(
    rig: IdentityRig, browser: Browser, confirmed_anna: Employee
) -> None:
    """attack 25"""
    recovers(rig, browser)
    page = browser.presses("identity-link")
    rig.hall.block(confirmed_anna)
    assert browser.opens(page.path).status == 410


def test_of_two_ways_in_that_were_opened_one_is_used(
    rig: IdentityRig, browser: Browser, confirmed_anna: Employee
) -> None:
    """attack 33"""
    recovers(rig, browser)
    first = browser.presses("identity-link").path
    recovers(rig, browser)
    second = browser.presses("identity-link").path
    rig.hall.clock.move(31)
    browser.opens(f"{first}?method=totp")
    confirmed_anna.authenticator = pyotp.TOTP(browser.page.content.ids["totp-key"].replace(" ", ""))
    assert browser.presses(code=confirmed_anna.code()).has("recovery-codes")
    assert browser.opens(second).status == 410


def test_who_needs_a_key_to_run_the_system_gets_back_in_by_no_smart_id(
    rig: IdentityRig, browser: Browser, confirmed_anna: Employee
) -> None:
    """attack 34"""
    rig.hall.rule("national", methods=WITH_KEYS)
    rig.hall.rule("operator", Level.PHISHING_RESISTANT, methods=WITH_KEYS)
    operator = rig.hall.employee("vara", totp=True, municipalities=(), roles=["operator"])
    was_confirmed(rig.hall, operator, BERTA.identifier)
    names(browser, "vara")
    browser.presses("identity-smart_id", consent="1")
    rig.scan(BERTA)
    assert not browser.opens(browser.page.path).has("identity-link")
    assert rig.reasons(operator) == ["identity_not_enough"]


def test_a_known_name_and_an_unknown_one_are_answered_alike_to_the_last_header(
    rig: IdentityRig, confirmed_anna: Employee
) -> None:
    """attack 28: also how often, and how long to wait"""
    seen = {}
    for username in ("anna", "nemana"):
        browser, told = rig.hall.browser(f"192.0.2.{len(seen)}"), []
        for _ in range(4):
            names(browser, username)
            page = browser.presses("identity-smart_id", consent="1")
            told.append((page.status, sorted(page.headers), page.headers.get("retry-after")))
            if page.status == 200:
                rig.scan(BERTA)
                page = browser.opens(page.path)
                told.append((page.status, sorted(page.headers), page.content.text.replace(username, "")))
        seen[username] = told
    assert seen["anna"] == seen["nemana"]
    assert seen["anna"][-1][0] == 429


def test_who_waited_for_their_turn_does_not_lose_it_to_strangers(
    rig: IdentityRig, confirmed_anna: Employee
) -> None:
    """attack 29: all together are bounded; who is told so has paid nothing."""
    desk = rig.hall.provider.identity.desk
    own = Visitor(browser="b", address="192.0.2.10")
    sitting = desk.begin_for_name("anna", own, language="lv")
    for _ in range(5):
        assert desk.limits.charge_start(sitting, own) is None
    wait = desk.limits.charge_start(sitting, own)
    assert wait is not None
    rig.hall.clock.move(wait.seconds)
    for number in range(120):
        stranger = Visitor(browser=f"b{number}", address=f"198.51.{number}.7")
        named = desk.begin_for_name(f"vards{number}", stranger, language="lv")
        assert desk.limits.charge_start(named, stranger) is None
    wait = desk.limits.charge_start(sitting, own)
    assert wait is not None
    assert wait.seconds <= 10
    rig.hall.clock.move(wait.seconds)
    assert desk.limits.charge_start(sitting, own) is None
