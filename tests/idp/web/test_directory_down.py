"""A municipality's directory that does not answer: who comes in meanwhile, what is said, and who gets to know."""

import json
from collections.abc import Iterator
from typing import Any

import pytest
from sqlalchemy import select

from idp.errors import Reason
from idp.events import EventType
from idp.gateways.ldap.door import Door
from idp.gateways.ldap.outcomes import Bind, DirectoryError, Fault
from idp.languages import catalogue
from idp.methods.base import Subject
from idp.models.sessions import BrowserSession
from idp.people.directory_watch import DirectoryWatch
from idp.policy import NATIONAL, Level
from idp.storage.prepared import Prepared
from idp.storage.unit import records, table_of
from tests.idp.web.test_api import assert_refused, conforms
from tests.support.actors import EVERY_METHOD, WITH_KEYS, Browser, Employee, Hall
from tests.support.actors import PASSWORD as OUR_PASSWORD
from tests.support.administrators import Api, administrator, program, token_of
from tests.support.builders import KEKAVA, RIGA
from tests.support.directories import PASSWORD, Connected, connect, person
from tests.support.samba import Controller

pytestmark = pytest.mark.allow_hosts(["127.0.0.0/8", "::1", "localhost"])
NOWHERE = ["127.0.0.1:1"]
NEW = "Pavisam-jauna-88"
_SESSIONS = Prepared(select(table_of(BrowserSession)))


def said(english: str) -> str:
    return catalogue("lv").gettext(english)


WRONG = said(Reason.UNKNOWN_USER.public)
UNCHECKED = said(Reason.DIRECTORY_UNREACHABLE.public)


@pytest.fixture
def riga(hall: Hall, riga_domain: Controller) -> Connected:
    return connect(hall, riga_domain)


@pytest.fixture
def anna(riga: Connected) -> Employee:
    return riga.employs("anna")


@pytest.fixture
def browser(hall: Hall) -> Browser:
    return hall.browser()


def tries(browser: Browser, name: str, password: str, **more: str) -> str:
    browser.opens("/")
    browser.presses(username=name, password=password)
    if more:
        browser.presses(username=name, password=password, **more)
    return browser.page.content.text


def proofs(hall: Hall) -> list[dict[str, Any]]:
    with hall.world.database.read() as work:
        (session,) = records(BrowserSession, work.rows(_SESSIONS))
    return list(session.proofs)


def readiness(browser: Browser) -> tuple[int, dict[str, str]]:
    answer = browser.http.get("/healthz/ready")
    return answer.status_code, answer.json()


# Ways that are left ---------------------------------------------------------------------------------------


def test_the_page_says_which_ways_are_left_and_of_nobody_what_they_have(
    browser: Browser, riga: Connected, anna: Employee
):
    """attack 28: the same for whoever is linked, also without a passkey, and for who does not exist."""
    for scope in (NATIONAL, RIGA):
        riga.hall.rule(scope, methods=[*WITH_KEYS, "directory"])
    riga.put(controllers=NOWHERE)
    told = [
        tries(browser, name, PASSWORD).replace(name, "") for name in (anna.username, "nobody@ad.riga.test")
    ]
    assert told[0] == told[1]
    assert UNCHECKED in told[0]
    assert said("Until it answers you can log in with: %(ways)s.") % {"ways": said("Passkey")} in told[0]


def test_where_no_way_is_left_none_is_promised(browser: Browser, riga: Connected, anna: Employee):
    riga.put(controllers=NOWHERE)
    started = said("Until it answers you can log in with: %(ways)s.").partition("%")[0]
    assert started not in tries(browser, anna.username, PASSWORD)
    assert UNCHECKED in browser.page.content.text


def test_nobody_else_waits_or_hears_of_it(browser: Browser, riga: Connected, anna: Employee):
    riga.put(controllers=NOWHERE, fallback="local")
    assert UNCHECKED not in tries(browser, "nobody", "wrong")
    browser.signs_in(riga.hall.employee("juris"))
    assert browser.is_signed_in


# The password kept here -----------------------------------------------------------------------------------


def test_without_leave_the_password_kept_here_opens_nothing(
    browser: Browser, riga: Connected, anna: Employee
):
    riga.put(controllers=NOWHERE)
    assert UNCHECKED in tries(browser, anna.username, OUR_PASSWORD)
    assert not browser.page.has("own_secret")
    form = browser.page.form("username", "password")
    data = {**form.fields, "username": anna.username, "password": OUR_PASSWORD, "own_secret": "1"}
    browser.posts(form.action, data)
    assert UNCHECKED in browser.page.content.text
    assert not browser.is_signed_in


def test_with_leave_it_does_and_session_and_trail_say_so(browser: Browser, riga: Connected, anna: Employee):
    riga.put(controllers=NOWHERE, fallback="local")
    assert UNCHECKED in tries(browser, anna.username, OUR_PASSWORD)
    assert not browser.is_signed_in
    browser.presses(username=anna.username, password=OUR_PASSWORD, own_secret="1")
    assert browser.is_signed_in
    assert [(each["method"], each["instead_of"]) for each in proofs(riga.hall)] == [("password", "directory")]
    assert EventType.DIRECTORY_FALLBACK.value in riga.hall.events(anna)
    browser.opens("/account/activity")
    assert said("Logged in with the password kept here, since the municipality's network did not answer") in (
        browser.page.content.text
    )


def test_it_is_a_password_like_any_and_guessing_at_it_counts(
    browser: Browser, riga: Connected, anna: Employee
):
    """attack 29: else an outage would be the time to guess."""
    riga.put(controllers=NOWHERE, fallback="local")
    for _ in range(5):
        assert WRONG in tries(browser, anna.username, "wrong", own_secret="1")
    tries(browser, anna.username, OUR_PASSWORD, own_secret="1")
    assert not browser.is_signed_in
    assert browser.page.status == 429


def test_the_password_of_the_network_is_no_guess_at_it(browser: Browser, riga: Connected, anna: Employee):
    riga.put(controllers=NOWHERE, fallback="local")
    for _ in range(12):
        assert UNCHECKED in tries(browser, anna.username, PASSWORD)
    browser.presses(username=anna.username, password=OUR_PASSWORD, own_secret="1")
    assert browser.is_signed_in


def test_while_the_directory_answers_it_alone_is_asked(browser: Browser, riga: Connected, anna: Employee):
    """attack 25: who was switched off there would come in by a password that was kept here."""
    riga.put(fallback="local")
    browser.opens("/")
    form = browser.page.form("username", "password")
    data = {**form.fields, "username": anna.username, "own_secret": "1"}
    browser.posts(form.action, {**data, "password": OUR_PASSWORD})
    assert WRONG in browser.page.content.text
    assert not browser.is_signed_in
    browser.posts(form.action, {**data, "password": PASSWORD})
    assert browser.is_signed_in


def test_rules_that_allow_no_password_are_not_got_round(browser: Browser, riga: Connected, anna: Employee):
    riga.hall.rule(RIGA, methods=["directory", "totp", "recovery_code"])
    riga.put(controllers=NOWHERE, fallback="local")
    tries(browser, anna.username, OUR_PASSWORD, own_secret="1")
    assert not browser.is_signed_in


def test_it_is_one_factor_with_or_without_the_directory(browser: Browser, riga: Connected):
    riga.hall.rule(RIGA, Level.MULTI_FACTOR, methods=[*EVERY_METHOD, "directory"])
    ilze = riga.employs("anna", totp=True)
    riga.put(controllers=NOWHERE, fallback="local")
    tries(browser, ilze.username, OUR_PASSWORD, own_secret="1")
    assert browser.page.has("code")
    browser.presses(code=ilze.code())
    assert browser.is_signed_in


# What was sent and never answered -------------------------------------------------------------------------


@pytest.fixture
def deaf(monkeypatch: pytest.MonkeyPatch) -> Iterator[list[str]]:
    """A directory that hears passwords and does not answer them, and still answers questions."""
    heard: list[str] = []

    def hears(door: Door, who: str, password: str, **_: object) -> Bind:
        heard.append(who)
        raise DirectoryError(Fault.UNREACHABLE, "no answer in time", sent=True)

    monkeypatch.setattr(Door, "bind", hears)
    return heard


def test_passwords_that_were_sent_count_against_the_lock_out_and_nobody_is_told_of_a_wrong_one(
    browser: Browser, riga: Connected, anna: Employee, deaf: list[str], monkeypatch: pytest.MonkeyPatch
):
    """attack 29: each may have counted there."""
    for _ in range(riga.directory.attempts):
        assert UNCHECKED in tries(browser, anna.username, "guess")
    monkeypatch.setattr(Door, "bind_nobody", lambda *_: None)
    for _ in range(3):
        riga.hall.clock.move(60)
        assert UNCHECKED in tries(browser, anna.username, PASSWORD)
    assert len(deaf) == riga.directory.attempts
    monkeypatch.undo()
    riga.hall.clock.move(riga.directory.attempt_minutes * 60)
    browser.signs_in(anna)
    assert browser.is_signed_in


def test_a_directory_that_goes_away_after_a_new_password_was_set_leaves_it_written_down(
    browser: Browser, riga: Connected, monkeypatch: pytest.MonkeyPatch
):
    riga.controller.change(person("vanishes", state="must_change"))
    somebody = riga.employs("vanishes")
    tries(browser, somebody.username, PASSWORD)
    change = Door.change_password

    def then_goes(door: Door, *arguments: Any, **named: Any) -> Any:
        changed = change(door, *arguments, **named)
        monkeypatch.setattr(
            Door, "bind", lambda *_, **__: (_ for _ in ()).throw(DirectoryError(Fault.UNREACHABLE, "gone"))
        )
        return changed

    monkeypatch.setattr(Door, "change_password", then_goes)
    browser.presses(password=PASSWORD, new_password=NEW, new_password_again=NEW)
    assert UNCHECKED in browser.page.content.text
    assert EventType.DIRECTORY_PASSWORD_CHANGED.value in riga.hall.events(somebody)


# Who gets to know -----------------------------------------------------------------------------------------


def looks(riga: Connected) -> int:
    return DirectoryWatch(riga.hall.world.database, riga.hall.world.effects).look()


def test_readiness_says_degraded_and_stays_ready_until_it_is_back(browser: Browser, riga: Connected):
    assert readiness(browser) == (200, {"status": "ok", "directories": "ok"})
    riga.put(controllers=NOWHERE)
    assert looks(riga) == 1
    assert readiness(browser) == (200, {"status": "ok", "directories": "degraded"})
    riga.put(controllers=[riga.controller.address])
    assert looks(riga) == 0
    assert readiness(browser) == (200, {"status": "ok", "directories": "ok"})


def test_where_nobody_has_a_directory_readiness_names_none(hall: Hall, browser: Browser):
    assert readiness(browser) == (200, {"status": "ok"})


def test_a_sign_in_is_enough_to_know_it_and_to_know_that_it_is_over(
    browser: Browser, riga: Connected, anna: Employee
):
    riga.put(controllers=NOWHERE)
    tries(browser, anna.username, PASSWORD)
    assert readiness(browser)[1]["directories"] == "degraded"
    riga.put(controllers=[riga.controller.address])
    browser.signs_in(anna)
    assert readiness(browser)[1]["directories"] == "ok"


@pytest.mark.parametrize(
    ("name", "columns", "sees"),
    [
        ("administrators", {"roles": ["administrator"]}, True),
        ("kolega", {"roles": ["clerk"]}, False),
        ("kekavas", {"roles": ["administrator"], "atvk": KEKAVA}, False),
    ],
)
def test_administrators_of_that_municipality_see_it_on_their_first_page_and_nobody_else(
    browser: Browser, riga: Connected, name: str, columns: dict[str, Any], sees: bool
):
    employee = riga.hall.employee(name, municipalities=[columns.get("atvk", RIGA)])
    with riga.hall.world.database.begin() as work:
        work.connection().exec_driver_sql(
            f"UPDATE employments SET roles = '{json.dumps(columns['roles'])}' WHERE id = '{employee.posts[0].id}'"
        )
    browser.signs_in(employee)
    silent = catalogue("lv").gettext("The directory “%(name)s” does not answer") % {"name": "Rīgas domēns"}
    riga.put(controllers=NOWHERE)
    looks(riga)
    assert (silent in browser.opens("/").content.text) is sees
    riga.put(controllers=[riga.controller.address])
    looks(riga)
    assert silent not in browser.opens("/").content.text


def test_an_operator_sees_it_of_all(browser: Browser, riga: Connected):
    operator = riga.hall.employee("operators", roles=["operator"], totp=True)
    riga.put(controllers=NOWHERE)
    looks(riga)
    browser.signs_in(operator)
    assert "Rīgas domēns" in browser.opens("/").content.text


def test_each_controller_that_is_silent_is_told_though_others_answer(riga: Connected):
    riga.put(controllers=[*NOWHERE, riga.controller.address])
    assert looks(riga) == 0
    with riga.hall.world.database.read() as work:
        (seen,) = work.directory_states.list_of(RIGA)
    assert seen.state is not None
    assert (seen.state.fault, dict(seen.state.silent)) == ("", {"127.0.0.1:1": "unreachable"})


def test_one_that_is_switched_off_is_not_asked(browser: Browser, riga: Connected):
    riga.put(controllers=NOWHERE, enabled=False)
    assert looks(riga) == 0
    assert readiness(browser) == (200, {"status": "ok"})


def test_since_when_it_is_silent_does_not_move(riga: Connected):
    riga.put(controllers=NOWHERE)
    looks(riga)
    since = riga.hall.clock()
    riga.hall.clock.move(600)
    looks(riga)
    with riga.hall.world.database.read() as work:
        (seen,) = work.directory_states.list_of(RIGA)
    assert seen.state is not None
    assert (seen.state.since, seen.state.seen_at) == (since, since + 600)


def test_the_api_tells_administrators_of_their_own_municipality(riga: Connected):
    """attack 40"""
    program_of = program(riga.hall)
    ours = Api(riga.hall, token_of(riga.hall, program_of, administrator(riga.hall, "rigas", RIGA)))
    theirs = Api(riga.hall, token_of(riga.hall, program_of, administrator(riga.hall, "kekavas", KEKAVA)))
    path = f"/municipalities/{RIGA}/directory-status"
    before = ours.get(path).json()
    conforms(before, "directory_statuses")
    assert [each["answers"] for each in before["directories"]] == [None]
    riga.put(controllers=NOWHERE)
    looks(riga)
    after = ours.get(path).json()
    conforms(after, "directory_statuses")
    (status,) = after["directories"]
    assert (status["answers"], status["fault"]) == (False, "unreachable")
    assert status["silent_controllers"] == {"127.0.0.1:1": "unreachable"}
    assert_refused(theirs.get(path), 404, "not_found")
    assert theirs.get(f"/municipalities/{KEKAVA}/directory-status").json() == {"directories": []}


# Half-way -------------------------------------------------------------------------------------------------


def test_a_link_that_is_blocked_half_way_leads_no_further(browser: Browser, riga: Connected):
    """attack 25: nor does a session that was begun by it."""
    riga.hall.rule(RIGA, Level.MULTI_FACTOR, methods=[*EVERY_METHOD, "directory"])
    ilze = riga.employs("anna", totp=True)
    browser.opens("/")
    browser.identifies(ilze)
    assert browser.page.has("code")
    inside = riga.hall.browser()
    riga.hall.clock.move(60)
    inside.signs_in(ilze)
    assert inside.is_signed_in
    with riga.hall.world.database.begin() as work:
        work.connection().exec_driver_sql("UPDATE credentials SET blocked_at = 1 WHERE method = 'directory'")
    riga.hall.clock.move(60)
    browser.presses(code=ilze.code())
    assert not browser.is_signed_in
    assert not inside.is_signed_in


def test_once_more_asked_who_they_are_it_is_the_directory_that_is_asked(
    browser: Browser, riga: Connected, anna: Employee
):
    """A password of ours is not offered beside it, whatever the step."""
    browser.signs_in(anna)
    with riga.hall.world.database.read() as work:
        subject = Subject(anna.user, work.people.credentials_of(anna.user.id))
    found = riga.hall.provider.standings.find_person(anna.user.id)
    assert found is not None
    assert subject.of("password")
    decision = riga.hall.provider.standings.reachable(found)
    assert "directory" in decision.offered
    assert "password" not in decision.offered
