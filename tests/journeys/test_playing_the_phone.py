"""Somebody without a phone plays one in Chromium, and the gateway, which knows nothing of it, believes what it should.

Each page is what it has to be in a browser: axe in both themes, narrow screens, no scripts.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from ipaddress import ip_network
from pathlib import Path
from urllib.parse import urlsplit

import pytest
from playwright.sync_api import Page, expect

from idp.effects import Effects
from idp.errors import Reason
from idp.gateways.outbound import Outbound
from idp.gateways.smart_id.anchors import read_anchors
from idp.gateways.smart_id.answers import Ended, SessionState, Signed
from idp.gateways.smart_id.callback import callback_url, check_callback
from idp.gateways.smart_id.door import LinkedSession, SmartId, code_of, open_smart_id
from idp.gateways.smart_id.environment import Environment, Revocation, read_pin
from idp.gateways.smart_id.interactions import Interaction
from idp.gateways.smart_id.links import PageLanguage
from idp.gateways.smart_id.words import Flow, Scheme, Screen
from tests.support.browser import PHONE, OpenPage
from tests.support.builders import Clock
from tests.support.certificates import Authority
from tests.support.looks import looks_right
from tests.support.remote import Remote, Reply
from tests.support.smart_id.authority import SmartIdAuthority
from tests.support.smart_id.running import Emulator, running_emulator
from tests.support.smart_id.service import NAME, RELYING_PARTY

pytestmark = pytest.mark.browser

ANNA = "PNOLV-040404-10003-DEMO-Q"
REFUSES = "PNOLV-030403-10016-MOCK-Q"
TEXT = "Identitātes pārbaude lietotāja kontam “anna.berzina-kalnina”, Dienvidkurzemes novada pašvaldība"
SHOWN = (
    Interaction(screen=Screen.CONFIRMATION, text=TEXT),
    Interaction(screen=Screen.TEXT_AND_PIN, text="Identitātes pārbaude"),
)
PUSHED = (Interaction(screen=Screen.CODE_CHOICE, text=TEXT), SHOWN[1])
VALUE = "RrKjjT4aggzu27YBddX1bQ"


@dataclass
class Site:
    """Who asks, and the pages of whom it asks. The clock stands still."""

    smart_id: SmartId
    emulator: Emulator
    page: Page

    @property
    def pages(self) -> str:
        return self.emulator.service.origin.replace("https:", "http:")

    def opens(self, path: str) -> None:
        self.page.goto(self.pages + path)

    def begins(self, *, callback: str | None = None) -> LinkedSession:
        return self.smart_id.begin_with_link(SHOWN, callback_url=callback)

    def scans(self) -> None:
        self.opens("/phone")
        self.page.get_by_role("button", name="Scan the QR code that is on the screen now").click()
        expect(self.page.locator("#page-title")).to_have_text("DEMO asks who you are")

    def answer(self, session_id: str) -> SessionState:
        return self.smart_id.poll(session_id, wait_milliseconds=1000)


@pytest.fixture(scope="module")
def people() -> SmartIdAuthority:
    return SmartIdAuthority()


@pytest.fixture
def site(
    people: SmartIdAuthority, authority: Authority, tmp_path: Path, open_page: OpenPage
) -> Iterator[Site]:
    """The browser does not know our authority, as that of a newcomer does not: it is let through where TLS is needed."""
    clock = Clock()
    with running_emulator(authority.server(), people, clock, folder=tmp_path) as emulator:
        emulator.service.pushes_answer_themselves = False
        environment = Environment(
            base_url=emulator.base_url,
            relying_party_id=RELYING_PARTY,
            relying_party_name=NAME,
            anchors=read_anchors(emulator.anchors.read_bytes(), Scheme.DEMO),
            pins=frozenset({read_pin(emulator.pin)}),
            revocation=Revocation.REQUIRED,
            countries=frozenset({"LV"}),
        )
        outbound = Outbound(
            ca_file=authority.ca_file, allowed=[ip_network("127.0.0.0/8"), ip_network("::1/128")]
        )
        smart_id = open_smart_id(environment, Effects(now=clock), responders=outbound)
        page = open_page(viewport=PHONE, java_script_enabled=False, ignore_https_errors=True)
        yield Site(smart_id, emulator, page)


def test_a_code_is_scanned_and_confirmed(site: Site):
    session = site.begins()
    site.scans()
    expect(site.page.locator(".asked")).to_contain_text(TEXT)
    site.page.get_by_label("PIN").fill("1234")
    site.page.get_by_role("button", name="Confirm").click()
    expect(site.page.locator("#page-title")).to_have_text("Confirmed")
    signed = site.answer(session.created.session_id)
    assert isinstance(signed, Signed)
    verified = site.smart_id.confirm(signed, session.asked, returned=None)
    assert (verified.document_number, verified.flow) == (ANNA, Flow.QR)


def test_an_account_that_refuses_and_a_person_who_cancels(site: Site):
    for who, button, reason in (
        (REFUSES, "Confirm", Reason.SMART_ID_CANCELLED),
        (ANNA, "Cancel", Reason.SMART_ID_CANCELLED_SCREEN),
    ):
        session = site.begins()
        site.scans()
        site.page.get_by_label("Whose phone").select_option(who)
        site.page.get_by_label("PIN").fill("1234")
        site.page.get_by_role("button", name=button).click()
        expect(site.page.locator("#page-title")).to_contain_text("Ended with USER_REFUSED")
        ended = site.answer(session.created.session_id)
        assert isinstance(ended, Ended)
        assert ended.reason is reason


def test_on_one_device_the_browser_comes_back_to_the_site(site: Site, remote: Remote):
    html = {"Content-Type": "text/html"}
    remote.answers["/back"] = Reply(
        b"<!doctype html><title>Back</title><h1>Back at the site</h1>", headers=html
    )
    session = site.begins(callback=callback_url(f"{remote.base_url}/back", VALUE))
    site.page.goto(site.smart_id.same_device_link(session, language=PageLanguage.LATVIAN))
    site.page.get_by_label("PIN").fill("12345")
    site.page.get_by_role("button", name="Confirm").click()
    expect(site.page.get_by_role("heading", name="Back at the site")).to_be_visible()
    returned = check_callback(
        urlsplit(site.page.url).query,
        expected_value=VALUE,
        session_secret=session.created.session_secret,
    )
    signed = site.answer(session.created.session_id)
    assert isinstance(signed, Signed)
    assert site.smart_id.confirm(signed, session.asked, returned=returned).flow is Flow.WEB2APP


def test_a_notification_is_answered_with_one_of_three_codes(site: Site):
    asked = site.smart_id.prepare_notification(PUSHED, document_number=ANNA)
    session = site.smart_id.notify(asked)
    site.opens("/phone")
    site.page.get_by_role("link", name=ANNA).click()
    site.page.get_by_label(code_of(asked)).check()
    site.page.get_by_label("PIN").fill("1234")
    site.page.get_by_role("button", name="Confirm").click()
    expect(site.page.locator(".push .ended")).to_have_text("Confirmed.")
    signed = site.answer(session.session_id)
    assert isinstance(signed, Signed)
    assert site.smart_id.confirm(signed, asked, returned=None).document_number == ANNA


def test_the_service_is_made_to_fail_and_mended(site: Site):
    site.opens("/admin")
    site.page.get_by_label("What happens").select_option("580")
    site.page.get_by_label("Everything from now on, until it is cleared").check()
    site.page.get_by_role("button", name="Force it").click()
    expect(site.page.locator("#forced")).to_contain_text("580")
    assert site.emulator.service.forcing.always
    site.page.get_by_role("button", name="Clear").click()
    expect(site.page.locator("#forced")).to_contain_text("Nothing is forced")
    assert site.begins()


def test_every_page_looks_right(site: Site, open_page: OpenPage):
    page = open_page(viewport=PHONE, ignore_https_errors=True)
    site.smart_id.notify(site.smart_id.prepare_notification(PUSHED, document_number=ANNA))
    site.smart_id.notify(site.smart_id.prepare_notification(SHOWN, document_number=ANNA))
    session = site.begins()
    token = session.created.session_token
    page.goto(f"{site.pages}/phone")
    looks_right(page, "the phone")
    page.get_by_role("button", name="Scan the QR code that is on the screen now").click()
    expect(page.locator("#page-title")).to_have_text("DEMO asks who you are")
    looks_right(page, "a session")
    page.get_by_role("button", name="Confirm").click()
    expect(page.locator("#error")).to_be_visible()
    looks_right(page, "a session with an error")
    page.get_by_role("button", name="Cancel").click()
    expect(page.locator("#page-title")).to_contain_text("Ended with")
    for path in (f"/phone/session/{token}", f"/phone/inbox?account={ANNA}", "/admin", "/phone/nowhere"):
        page.goto(f"{site.pages}{path}")
        looks_right(page, path)
