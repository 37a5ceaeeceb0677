"""What readings of a directory did, on pages for who looks after the municipality; and saying yes to one."""

import re

import pytest

from idp.languages import catalogue
from idp.login.transaction import FRESH_SECONDS
from idp.models.directory_sync import RunState
from tests.support.actors import Browser, Employee, Hall
from tests.support.administrators import administrator
from tests.support.builders import KEKAVA, RIGA
from tests.support.directories import connect, person
from tests.support.directory_sync import Synced
from tests.support.samba import Controller

pytestmark = pytest.mark.allow_hosts(["127.0.0.0/8", "::1", "localhost"])


def said(english: str) -> str:
    return catalogue("lv").gettext(english)


@pytest.fixture
def synced(hall: Hall, riga_domain: Controller) -> Synced:
    return Synced(connect(hall, riga_domain, name="Rīgas domēns", roles={}))


@pytest.fixture
def crowd(request: pytest.FixtureRequest, synced: Synced) -> list[Employee]:
    """Seven people, all of them disabled since they were read; that is held."""
    of_this_test = re.sub(r"[^a-z]", "", request.node.name)[-12:]
    names = [f"{of_this_test}{number}" for number in range(7)]
    people = synced.employ_all([person(name) for name in names])
    synced.run()
    synced.riga.controller.change(*({"do": "disable", "name": name} for name in names))
    synced.run()
    return people


@pytest.fixture
def rigas(hall: Hall) -> Employee:
    return administrator(hall, "rigas", RIGA)


@pytest.fixture
def browser(hall: Hall, rigas: Employee) -> Browser:
    browser = hall.browser()
    browser.signs_in(rigas)
    return browser


def address_of(synced: Synced, run: str = "") -> str:
    return f"/directories/{synced.directory.id}" + (f"/{run}" if run else "")


def latest(synced: Synced) -> str:
    with synced.riga.hall.world.database.read() as work:
        return work.directory_syncs.list_runs(synced.directory.id, limit=1)[0].id


def state_of(synced: Synced, run: str) -> str:
    with synced.riga.hall.world.database.read() as work:
        found = work.directory_syncs.find_run(synced.directory.id, run)
    assert found is not None
    return found.state


def test_its_administrator_comes_from_the_portal_to_who_waits_and_agrees(
    hall: Hall, browser: Browser, synced: Synced, crowd: list[Employee]
):
    held = latest(synced)
    browser.opens("/")
    page = browser.follows("municipal-directories")
    assert "Rīgas domēns" in page.content.text
    assert said("Waits for your yes") in page.content.text
    page = browser.follows("Rīgas domēns")
    assert page.path == address_of(synced)
    page = browser.opens(address_of(synced, held))
    assert all(each.username in page.content.text for each in crowd)
    assert said("switched off in the network") in page.content.text
    hall.clock.move(1)  # two readings of one moment would have no latest
    page = browser.presses("confirm-reading")
    assert (page.status, page.path) == (200, address_of(synced, latest(synced)))
    assert latest(synced) != held
    assert state_of(synced, held) == RunState.CONFIRMED
    assert all(synced.is_blocked(each) for each in crowd)
    assert not browser.opens(address_of(synced, held)).has("confirm-reading")


def test_what_was_confirmed_before_is_not_done_again(browser: Browser, synced: Synced, crowd: list[Employee]):
    held = address_of(synced, latest(synced))
    browser.opens(held)
    form = browser.page.form(button="confirm-reading")
    assert browser.posts(held, form.fields).status == 200
    again = browser.posts(held, form.fields)
    assert again.status == 409
    assert said(
        "It was confirmed before, or other people would be shut out by now. See the latest reading."
    ) in (again.content.text)


def test_who_signed_in_longer_ago_is_asked_again_and_nothing_is_done_meanwhile(
    hall: Hall, browser: Browser, rigas: Employee, synced: Synced, crowd: list[Employee]
):
    """attack 24: a session that was left open agrees to nothing"""
    held = latest(synced)
    browser.opens(address_of(synced, held))
    hall.clock.move(FRESH_SECONDS + 1)
    page = browser.presses("confirm-reading")
    assert page.path.startswith("/login/")
    assert state_of(synced, held) == RunState.HELD
    assert not any(synced.is_blocked(each) for each in crowd)


def test_a_form_of_another_site_agrees_to_nothing(browser: Browser, synced: Synced, crowd: list[Employee]):
    """attack 24"""
    held = latest(synced)
    assert browser.posts(address_of(synced, held), {"csrf_token": "x"}).status == 403
    assert state_of(synced, held) == RunState.HELD


@pytest.mark.parametrize("who", ["of another municipality", "no administrator"])
def test_for_others_there_is_nothing(hall: Hall, synced: Synced, crowd: list[Employee], who: str):
    """attack 40"""
    other = (
        administrator(hall, "kekavas", KEKAVA)
        if who == "of another municipality"
        else hall.employee("zane", totp=True)
    )
    hall.rule(KEKAVA)
    browser = hall.browser()
    browser.signs_in(other)
    assert not browser.opens("/").has("municipal-directories")
    held = address_of(synced, latest(synced))
    for address in ("/directories", address_of(synced), held):
        assert browser.opens(address).status == 404
    form_token = browser.opens("/account").form(button=None).fields["csrf_token"]
    assert browser.posts(held, {"csrf_token": form_token}).status == 404
    assert state_of(synced, latest(synced)) == RunState.HELD


def test_one_factor_is_not_enough(hall: Hall, synced: Synced):
    one = administrator(hall, "viens", RIGA)
    with hall.world.database.begin() as work:
        work.connection().exec_driver_sql("delete from credentials where method = 'totp'")
    browser = hall.browser()
    browser.signs_in(one)
    assert browser.opens("/directories").path.startswith("/login/")


def test_a_directory_that_does_not_answer_changes_nothing(
    browser: Browser, synced: Synced, crowd: list[Employee]
):
    held = latest(synced)
    browser.opens(address_of(synced, held))
    synced.riga.put(controllers=["127.0.0.1:1"])
    page = browser.presses("confirm-reading")
    assert page.status == 409
    assert not any(synced.is_blocked(each) for each in crowd)
