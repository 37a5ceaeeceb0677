"""Two people take turns at one computer in a town hall: Chromium, its mark, and the click between them."""

import pytest
from playwright.sync_api import Page, expect

from tests.support.looks import looks_right
from tests.support.running_server import Resident, RunningServer

pytestmark = pytest.mark.browser

DIENVIDKURZEME = "0027000"
"""The longest name there is."""


def signs_in(page: Page, who: Resident) -> None:
    page.locator("#username").fill(who.username)
    page.locator("#password").fill(who.password)
    page.locator("#login-submit").click()


def test_two_people_take_turns_and_neither_sees_the_other(server: RunningServer, desk: Page) -> None:
    """attack 22"""
    first = server.hire(DIENVIDKURZEME, given_name="Ārija-Wilhelmīne", family_name="Krastmala-Zvirbulēna")
    second = server.hire(DIENVIDKURZEME, given_name="Bērtulis", family_name="Ozols")
    desk.goto(f"{server.issuer}/account")
    desk.get_by_role("button", name="Šo datoru lieto vairāki cilvēki").click()
    expect(desk.locator("#shared-marked")).to_be_visible()
    looks_right(desk, "the sign-in page of a shared computer")
    signs_in(desk, first)
    expect(desk.locator("#page-title")).to_have_text("Mans konts")
    looks_right(desk, "the account page at a shared computer")

    for coming, gone in ((second, first), (first, second), (second, first)):
        desk.locator("#switch-person").click()
        expect(desk.locator("#username")).to_have_value("")
        assert gone.username not in desk.content()
        desk.go_back()
        expect(desk.locator("#username")).to_be_visible()
        assert gone.username not in desk.content()
        desk.goto(f"{server.issuer}/account")
        signs_in(desk, coming)
        expect(desk.locator("#switch-person")).to_be_visible()
        assert coming.username in desk.content()
        assert gone.username not in desk.content()
