"""A remembered computer as its owner sees it: Chromium, the box, the next morning, and the account page."""

from collections.abc import Iterator

import pytest
from playwright.sync_api import Page, expect

from idp.models.municipality_rules import MunicipalityRules
from tests.support.looks import looks_right
from tests.support.running_server import Resident, RunningServer

pytestmark = pytest.mark.browser

DIENVIDKURZEME = "0027000"
"""The longest name there is."""
NAMES = {"given_name": "Ārija-Wilhelmīne", "family_name": "Krastmala-Zvirbulēna"}


@pytest.fixture
def owner(server: RunningServer) -> Iterator[Resident]:
    _decide(server, 14)
    yield server.hire(DIENVIDKURZEME, totp=True, **NAMES)
    _decide(server, 0)


def _decide(server: RunningServer, days: int) -> None:
    with server.database.begin() as work:
        work.municipality_rules.put(DIENVIDKURZEME, MunicipalityRules(remember_days=days))


def identifies(page: Page, server: RunningServer, who: Resident) -> None:
    page.goto(f"{server.issuer}/account")
    page.locator("#username").fill(who.username)
    page.locator("#password").fill(who.password)
    page.locator("#login-submit").click()


def test_the_box_is_ticked_once_and_the_password_is_enough_from_then_on(
    server: RunningServer, desk: Page, owner: Resident
) -> None:
    identifies(desk, server, owner)
    box = desk.get_by_label("Iegaumēt šo datoru 14 dienas")
    expect(box).not_to_be_checked()
    looks_right(desk, "the second factor with its box")
    box.check()
    desk.locator("#code").fill("000000")
    desk.locator("#login-submit").click()
    expect(desk.locator("#code-error")).to_be_visible()
    expect(box).to_be_checked()
    looks_right(desk, "the second factor that was wrong")
    desk.locator("#code").fill(owner.code())
    desk.locator("#login-submit").click()
    expect(desk.locator("#computers")).to_have_text("Iegaumētie datori")
    expect(desk.locator("section[aria-labelledby=computers]")).to_contain_text("Šī pārlūkprogramma")
    looks_right(desk, "the account page with a computer")

    desk.goto(f"{server.issuer}/logout")
    desk.locator("#logout-confirm").click()
    identifies(desk, server, owner)
    expect(desk).to_have_url(f"{server.issuer}/account")

    desk.locator("#forget-1").click()
    expect(desk.locator("#code")).to_be_visible()
    desk.locator("#code").fill(owner.code())
    desk.locator("#login-submit").click()
    expect(desk).to_have_url(f"{server.issuer}/account")
    expect(desk.locator("#computers")).to_have_count(0)
    expect(desk.locator("#activity")).to_be_visible()
    assert "Iegaumēts dators aizmirsts" in desk.content()


def test_a_box_is_reached_and_ticked_with_the_keyboard(
    server: RunningServer, desk: Page, owner: Resident
) -> None:
    identifies(desk, server, owner)
    expect(desk.locator("#code")).to_be_focused()
    desk.keyboard.press("Tab")
    expect(desk.locator("#remember")).to_be_focused()
    desk.keyboard.press("Space")
    expect(desk.locator("#remember")).to_be_checked()
