"""A sign-in or a letter that was left half-way on a shared computer is over when a session there would be (attack 22).

That it is over once somebody else has signed in: `test_two_people_and_several_tabs.py`, and here for letters.
"""

import pytest

from idp.models.municipality_rules import SHARED_IDLE_MINUTES, MunicipalityRules
from idp.models.networks import Network
from idp.policy import NATIONAL, Level
from tests.support.actors import WITH_KEYS, Browser, Employee, Hall
from tests.support.administrators import Api, administrator, program, token_of
from tests.support.builders import RIGA
from tests.support.letters import PrintedLetter, chooses, letter_for, sets_up_authenticator, uses

IDLE = SHARED_IDLE_MINUTES * 60


@pytest.fixture
def shared(browser: Browser) -> Browser:
    browser.opens("/")
    browser.presses("shared-on")
    return browser


@pytest.fixture
def clara(hall: Hall) -> Employee:
    """Is asked for a code after the password."""
    hall.rule(RIGA, Level.MULTI_FACTOR)
    return hall.employee("clara", given_name="Clara", family_name="Celma", totp=True)


def leaves_at_the_code(browser: Browser, who: Employee) -> str:
    """Where the page is found again."""
    browser.opens("/")
    browser.identifies(who)
    assert browser.page.has("code")
    return browser.page.path


def is_over(browser: Browser, where: str, who: Employee) -> bool:
    page = browser.opens(where)
    names_somebody = who.username in page.content.text.casefold()
    assert names_somebody == (page.status == 200)
    return page.status == 410


def test_a_page_that_waits_for_a_code_is_over_when_nobody_came_back(
    hall: Hall, shared: Browser, clara: Employee
) -> None:
    """attack 22: also for who sends the right code, and has the form still open"""
    where = leaves_at_the_code(shared, clara)
    form = shared.page.form("code")
    hall.clock.move(IDLE - 1)
    assert not is_over(shared, where, clara)
    hall.clock.move(1)
    assert is_over(shared, where, clara)
    answer = shared.posts(form.action, {**form.fields, "code": clara.code()})
    assert answer.status == 410
    assert not shared.is_signed_in


def test_it_leaves_the_screen_by_itself_at_that_time(hall: Hall, shared: Browser, clara: Employee) -> None:
    """attack 22: the name stood there until somebody touched the computer"""
    where = leaves_at_the_code(shared, clara).partition("?")[0]
    assert shared.page.headers["refresh"] == f"{IDLE}; url={where}"
    hall.clock.move(100.5)
    assert shared.opens(where).headers["refresh"] == f"{IDLE - 100}; url={where}"
    assert shared.presses(code="000000").headers["refresh"] == f"{IDLE - 100}; url={where}"
    assert "refresh" not in shared.opens("/").headers, "a page that names nobody may stay"


def test_ones_own_computer_waits_for_as_long_as_a_sign_in_may_take(
    hall: Hall, browser: Browser, clara: Employee
) -> None:
    where = leaves_at_the_code(browser, clara)
    assert "refresh" not in browser.page.headers
    hall.clock.move(29 * 60)
    assert not is_over(browser, where, clara)
    browser.presses(code=clara.code())
    assert browser.is_signed_in


def test_who_takes_the_mark_away_gains_no_time(hall: Hall, shared: Browser, clara: Employee) -> None:
    """attack 22: the next person does so, and then goes back"""
    where = leaves_at_the_code(shared, clara)
    shared.opens("/")
    shared.presses("shared-off")
    assert not is_over(shared, where, clara)
    hall.clock.move(IDLE)
    assert is_over(shared, where, clara)


def test_a_mark_that_comes_late_holds(hall: Hall, browser: Browser, clara: Employee) -> None:
    where = leaves_at_the_code(browser, clara)
    browser.opens("/")
    browser.presses("shared-on")
    hall.clock.move(IDLE)
    assert is_over(browser, where, clara)


def test_a_network_that_is_shared_counts_as_the_mark_does(hall: Hall, clara: Employee) -> None:
    network = Network(id="n", municipality=RIGA, name="Klientu centrs", cidr="198.51.100.0/24", shared=True)
    with hall.world.database.begin() as work:
        work.networks.add(network)
    browser = hall.browser("198.51.100.7")
    where = leaves_at_the_code(browser, clara)
    hall.clock.move(IDLE)
    assert is_over(browser, where, clara)


def test_the_municipality_of_its_person_says_how_long(hall: Hall, shared: Browser, clara: Employee) -> None:
    with hall.world.database.begin() as work:
        work.municipality_rules.put(RIGA, MunicipalityRules(shared_idle_minutes=3))
    where = leaves_at_the_code(shared, clara)
    hall.clock.move(179)
    assert not is_over(shared, where, clara)
    hall.clock.move(1)
    assert is_over(shared, where, clara)


def test_whoever_is_over_begins_anew_and_gets_in(hall: Hall, shared: Browser, clara: Employee) -> None:
    where = leaves_at_the_code(shared, clara)
    hall.clock.move(IDLE)
    assert is_over(shared, where, clara)
    shared.follows("login-restart")
    shared.enters(clara)
    assert shared.is_signed_in


# Letters ----------------------------------------------------------------------------------------------


@pytest.fixture
def letter(hall: Hall, anna: Employee) -> PrintedLetter:
    """For somebody who lost the phone."""
    for scope in (NATIONAL, RIGA):
        hall.rule(scope, methods=WITH_KEYS)
    manager = administrator(hall, "parvaldnieks", RIGA)
    return letter_for(Api(hall, token_of(hall, program(hall), manager)), anna)


def test_a_letter_left_open_on_a_shared_computer_serves_nobody_who_comes_later(
    hall: Hall, shared: Browser, anna: Employee, letter: PrintedLetter
) -> None:
    """attack 22: they would set up a way of their own to sign in as its person"""
    where = uses(shared, anna.username, letter.code).path
    assert shared.page.headers["refresh"] == f"{IDLE}; url={where}"
    chooses(shared, "totp")
    form = shared.page.form("code")
    hall.clock.move(IDLE)
    assert is_over(shared, where, anna)
    assert shared.posts(form.action, {**form.fields, "code": "000000"}).status == 410
    uses(shared, anna.username, letter.code)
    assert sets_up_authenticator(shared, anna).has("recovery-codes")


@pytest.mark.parametrize("marked", [False, True], ids=["one's own", "shared"])
def test_a_letter_is_closed_once_somebody_else_signed_in(
    hall: Hall, browser: Browser, anna: Employee, letter: PrintedLetter, marked: bool
) -> None:
    """attack 22"""
    if marked:
        browser.opens("/")
        browser.presses("shared-on")
    where = uses(browser, anna.username, letter.code).path
    assert not is_over(browser, where, anna)
    hall.clock.move(31)
    browser.signs_in(hall.employee("berta", given_name="Berta"))
    assert is_over(browser, where, anna)
