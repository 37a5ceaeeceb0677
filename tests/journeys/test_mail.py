"""Mail as it is deployed: a worker beside the server, a relay of somebody else's; and, without one, the page for it."""

import re
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from uuid import uuid4

import pytest
from playwright.sync_api import FrameLocator, Page, expect

from tests.support.browser import PHONE, OpenPage
from tests.support.builders import RIGA
from tests.support.certificates import Authority
from tests.support.looks import looks_right
from tests.support.mail_relay import MailRelay, mail_relay
from tests.support.running_server import Resident, RunningServer, running_server

DIENVIDKURZEME = "0027000"
RECORDED = "anna-marija.berzina-kalnina@dienvidkurzemes-novada-pasvaldiba.example.lv"
PATIENCE_SECONDS = 30


@pytest.fixture
def new() -> str:
    """An address of nobody else: only so many letters go to one."""
    return f"anna.marija.{uuid4().hex}@majas.example.com"


def arrives(relay: MailRelay, count: int) -> None:
    deadline = time.monotonic() + PATIENCE_SECONDS
    while len(relay.taken) < count and time.monotonic() < deadline:
        time.sleep(0.05)
    assert len(relay.taken) == count


@contextmanager
def deployed(relay: MailRelay, authority: Authority) -> Iterator[RunningServer]:
    settings = {
        "IDP_MAIL_HOST": "localhost",
        "IDP_MAIL_PORT": str(relay.port),
        "IDP_MAIL_FROM": "visvaris@visvaris.example",
        "IDP_MAIL_USERNAME": "visvaris",
        "IDP_MAIL_PASSWORD": "relay-secret-word",
        "IDP_OUTBOUND_CA_FILE": str(authority.ca_file),
    }
    with running_server("--with-worker", **settings) as server:
        yield server
        server.close_browsers()


def test_who_signs_in_for_the_first_time_is_told_by_mail_within_seconds(authority: Authority) -> None:
    """attack 27, 44: from the settings to the wire"""
    with mail_relay(authority.server()) as relay:
        relay.offers.append("AUTH PLAIN")
        relay.logins["visvaris"] = "relay-secret-word"
        with deployed(relay, authority) as server:
            anna = server.hire(RIGA, email=RECORDED)
            browser = server.browser()
            browser.http.headers["X-Forwarded-Host"] = "evil.example"
            browser.opens("/")
            browser.identifies(anna)  # type: ignore[arg-type]
            arrives(relay, 1)
            (taken,) = relay.taken
            assert taken.recipients == [RECORDED]
            assert taken.login == ("visvaris", "relay-secret-word")
            (link,) = re.findall(r"https?://\S+", taken.part("plain"))
            assert re.fullmatch(rf"{re.escape(server.issuer)}/account/not-me\?event=\d+", link)
            assert browser.opens("/mail").status == 404
            log = server.log.read_text()
        assert "mail delivered" in log
        for secret in ("relay-secret-word", RECORDED):
            assert secret not in log


@pytest.mark.browser
def test_an_address_is_added_and_confirmed_by_the_letter(
    server: RunningServer, desk: Page, open_page: OpenPage, new: str
) -> None:
    anna = server.hire(DIENVIDKURZEME, email=RECORDED, given_name="Anna Marija")
    _sign_in(desk, server, anna)
    desk.goto(f"{server.issuer}/account")
    desk.locator("#contact-add").click()
    desk.locator("#contact").fill(new)
    desk.locator("#login-submit").click()
    card = desk.locator(".method-card").filter(has_text=new)
    expect(card).to_contain_text("Nav apstiprināta")

    desk.goto(f"{server.issuer}/mail")
    row = desk.locator("#kept-mails tr").filter(has_text=new)
    row.get_by_role("link").click()
    letter = _letter(desk)
    expect(letter.locator("#page-title")).to_have_text("Apstipriniet šo adresi")
    address = letter.get_by_role("link", name="Apstiprināt adresi").get_attribute("href")
    assert address is not None

    phone = open_page(viewport=PHONE)
    phone.goto(address)
    expect(phone.locator("#username")).to_be_visible()  # the letter signs nobody in
    phone.locator("#username").fill(anna.username)
    phone.locator("#password").fill(anna.password)
    phone.locator("#login-submit").click()
    expect(phone.locator("#page-title")).to_have_text("Apstiprināt adresi")
    phone.locator("#contact-confirm").click()
    expect(phone.locator(".method-card").filter(has_text=new)).to_contain_text("Apstiprināta")


def _sign_in(page: Page, server: RunningServer, who: Resident) -> None:
    page.goto(f"{server.issuer}/")
    page.locator("#username").fill(who.username)
    page.locator("#password").fill(who.password)
    page.locator("#login-submit").click()
    expect(page.locator("#page-title")).to_be_visible()


def _letter(page: Page) -> FrameLocator:
    return page.frame_locator(".mail-frame")


def _open_letter(page: Page) -> None:
    page.locator("#kept-mails").get_by_role("link").first.click()


def _show_error(page: Page) -> None:
    page.evaluate("document.querySelectorAll('form').forEach((form) => { form.noValidate = true; })")
    page.locator("#contact").fill("nav adrese")
    page.locator("#login-submit").click()
    expect(page.locator("#contact-error")).to_be_visible()


def _look(page: Page) -> None:
    expect(page.locator("#page-title")).to_be_visible()


def _remove(page: Page) -> None:
    page.locator(".method-card").filter(has_text="majas.example.com").get_by_role("link").click()


def _open_confirmation(page: Page) -> None:
    page.locator("#kept-mails tr").filter(has_text="majas.example.com").get_by_role("link").first.click()
    page.locator(".mail-links a").first.click()
    expect(page.locator("#contact-confirm")).to_be_visible()


@pytest.mark.browser
@pytest.mark.parametrize(
    ("path", "go_on"),
    [
        ("/account", _look),
        ("/account/contacts/add", _look),
        ("/account/contacts/add", _show_error),
        ("/account", _remove),
        ("/mail", _look),
        ("/mail", _open_letter),
        ("/mail", _open_confirmation),
    ],
    ids=["account", "add", "error", "remove", "list", "letter", "confirm"],
)
def test_pages_look_right_with_long_names(
    server: RunningServer, desk: Page, path: str, go_on: Callable[[Page], None], new: str
) -> None:
    anna = server.hire(DIENVIDKURZEME, email=RECORDED, given_name="Anna Marija")
    _sign_in(desk, server, anna)
    desk.goto(f"{server.issuer}/account/contacts/add")
    desk.locator("#contact").fill(new)
    desk.locator("#login-submit").click()
    expect(desk.locator(".method-card").filter(has_text=new)).to_be_visible()
    desk.goto(f"{server.issuer}{path}")
    go_on(desk)
    looks_right(desk, path)


@pytest.mark.browser
def test_a_letter_fits_a_phone_and_is_accessible(server: RunningServer, desk: Page) -> None:
    anna = server.hire(DIENVIDKURZEME, email=RECORDED)
    _sign_in(desk, server, anna)
    desk.goto(f"{server.issuer}/mail")
    _open_letter(desk)
    letter = desk.context.request.get(f"{desk.url}/html").text()
    desk.goto("about:blank")  # where scripts may look at it, which the page it is shown on does not let them
    desk.set_content(letter)
    looks_right(desk, "letter")
