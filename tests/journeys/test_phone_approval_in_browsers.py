"""Approval on the phone as employees use it: Chromium at the desk and Chromium on a phone, the running provider.

What no honest browser does is in `tests/idp/web/test_phone_approval.py`.
"""

import time
from collections.abc import Callable
from dataclasses import dataclass

import pytest
from playwright.sync_api import Page, expect

from tests.support.browser import DESK, PHONE, OpenPage
from tests.support.builders import RIGA
from tests.support.looks import looks_right
from tests.support.running_server import STEP_SECONDS, Resident, RunningServer

pytestmark = pytest.mark.browser

LONG = "Personīgais tālrunis, kuru vienmēr nēsāju līdzi pat uz sapulcēm"
MOVED_ON = "visvaris-still-here"


@dataclass
class Employee:
    """With a computer and a phone; both profiles know nothing of each other."""

    server: RunningServer
    who: Resident
    desk: Page
    phone: Page

    def identifies(self, page: Page, path: str = "/") -> None:
        page.goto(f"{self.server.issuer}{path}")
        page.locator("#username").fill(self.who.username)
        page.locator("#password").fill(self.who.password)
        page.locator("#login-submit").click()

    def allows_phone(self, label: str = "") -> None:
        self.who.last_step = int(time.time()) // STEP_SECONDS - 1  # this moment's code, good for the longest
        self.identifies(self.phone, "/account/methods/phone_approval")
        self.phone.locator("#code").fill(self.who.code())
        self.phone.locator("#login-submit").click()
        self.phone.locator("#label").fill(label)
        self.phone.locator("#login-submit").click()
        expect(self.phone).to_have_url(f"{self.server.issuer}/account")

    def asks(self, path: str = "/") -> str:
        """The number at the desk."""
        self.identifies(self.desk, path)
        self.desk.locator("#method-phone_approval").click()
        return self.number

    @property
    def number(self) -> str:
        return self.desk.locator("#approval-number").inner_text()

    def opens_list(self) -> None:
        self.phone.goto(f"{self.server.issuer}/approve")

    def opens_request(self) -> None:
        self.opens_list()
        self.phone.get_by_role("link", name="Atvērt").first.click()
        expect(self.phone.locator("#approval-deny")).to_be_visible()


def employee_of(
    server: RunningServer, open_page: OpenPage, *, desk: Page | None = None, **options: object
) -> Employee:
    return Employee(
        server=server,
        who=server.hire(RIGA, totp=True),
        desk=desk or open_page(viewport=DESK, **options),
        phone=open_page(viewport=PHONE, is_mobile=True, has_touch=True, **options),
    )


@pytest.fixture
def anna(server: RunningServer, open_page: OpenPage) -> Employee:
    employee = employee_of(server, open_page)
    employee.allows_phone("Mans tālrunis")
    return employee


def stays(page: Page) -> None:
    """From here on it is seen whether the page was loaded anew."""
    page.evaluate(f"document.documentElement.dataset.mark = '{MOVED_ON}'")


def has_stayed(page: Page) -> bool:
    return bool(page.evaluate(f"document.documentElement.dataset.mark === '{MOVED_ON}'"))


def test_the_computer_goes_on_by_itself_once_the_number_is_picked(anna: Employee) -> None:
    polls: list[str] = []
    number = anna.asks()
    stays(anna.desk)
    anna.desk.on("response", lambda answer: polls.append(answer.url))
    anna.opens_request()
    expect(anna.phone.locator("#main")).to_contain_text("Chrome, Linux")
    anna.desk.wait_for_event("response")
    assert has_stayed(anna.desk), "nothing flashes while it waits"
    anna.phone.locator(f"#number-{number}").click()
    expect(anna.phone.locator("#page-title")).to_have_text("Pieslēgšanās apstiprināta")
    expect(anna.desk).to_have_url(f"{anna.server.issuer}/")
    assert any("/state?method=phone_approval" in url for url in polls)


def test_the_open_list_shows_a_request_that_comes(anna: Employee) -> None:
    anna.opens_list()
    expect(anna.phone.locator("#main")).to_contain_text("Neviens pieprasījums negaida.")
    stays(anna.phone)
    anna.phone.wait_for_event("response")
    assert has_stayed(anna.phone)
    number = anna.asks()
    anna.phone.get_by_role("link", name="Atvērt").click()
    anna.phone.locator(f"#number-{number}").click()
    expect(anna.desk).to_have_url(f"{anna.server.issuer}/")


def test_the_computer_says_at_once_that_it_was_refused(anna: Employee) -> None:
    anna.asks()
    anna.opens_request()
    anna.phone.locator("#approval-deny").click()
    expect(anna.phone.locator("#page-title")).to_have_text("Pieslēgšanās noraidīta")
    expect(anna.desk.locator("#error-code")).to_have_text("refused_elsewhere")
    expect(anna.desk.locator("#login-restart")).to_be_visible()


def test_the_code_on_the_screen_leads_to_the_request(anna: Employee) -> None:
    """What the camera of the phone would open."""
    number = anna.asks()
    anna.opens_list()
    link = anna.phone.get_by_role("link", name="Atvērt").get_attribute("href")
    title = anna.desk.locator(".qr").get_attribute("aria-label")
    assert title == "QR kods ar saiti tālrunim"
    anna.phone.goto("about:blank")
    anna.phone.goto(f"{anna.server.issuer}{link}")
    anna.phone.locator(f"#number-{number}").click()
    expect(anna.desk).to_have_url(f"{anna.server.issuer}/")


def test_without_scripts_on_either_side_it_works_too(server: RunningServer, open_page: OpenPage) -> None:
    """The computer's page loads itself anew while it waits; a button goes on."""
    anna = employee_of(server, open_page, java_script_enabled=False)
    anna.allows_phone()
    number = anna.asks()
    with anna.desk.expect_navigation():
        pass
    assert anna.number == number
    anna.desk.locator("#login-submit").click()
    expect(anna.desk.get_by_role("status")).to_contain_text("vēl nav apstiprināts")
    anna.opens_request()
    anna.phone.locator(f"#number-{number}").click()
    expect(anna.phone.locator("#page-title")).to_have_text("Pieslēgšanās apstiprināta")
    anna.desk.locator("#login-submit").click()
    expect(anna.desk).to_have_url(f"{server.issuer}/")


# Every page --------------------------------------------------------------------------------------------------


def _enrolment(anna: Employee) -> Page:
    anna.phone.goto(f"{anna.server.issuer}/account/methods/phone_approval")
    return anna.phone


def _account(anna: Employee) -> Page:
    anna.phone.goto(f"{anna.server.issuer}/account/methods/phone_approval")
    anna.phone.locator("#label").fill(LONG)
    anna.phone.locator("#login-submit").click()
    expect(anna.phone.locator(".key")).to_have_count(1)
    return anna.phone


def _at_the_desk(anna: Employee) -> Page:
    question = anna.server.application("demo-web").ask(scope="openid", acr_values="urn:visvaris:acr:mfa")
    anna.asks(question.url.removeprefix(anna.server.issuer))
    return anna.desk


def _nothing_waits(anna: Employee) -> Page:
    anna.opens_list()
    return anna.phone


def _list(anna: Employee) -> Page:
    anna.asks()
    anna.opens_list()
    return anna.phone


def _request(anna: Employee) -> Page:
    anna.asks()
    anna.opens_request()
    return anna.phone


def _approved(anna: Employee) -> Page:
    number = anna.asks()
    anna.opens_request()
    anna.phone.locator(f"#number-{number}").click()
    return anna.phone


def _wrong(anna: Employee) -> Page:
    number = anna.asks()
    anna.opens_request()
    anna.phone.locator(f".numbers button:not(#number-{number})").first.click()
    expect(anna.phone.locator("#error-code")).to_have_text("approval_number_mismatch")
    return anna.phone


def _refused(anna: Employee) -> Page:
    anna.asks()
    anna.opens_request()
    anna.phone.locator("#approval-deny").click()
    return anna.phone


def _refused_at_the_desk(anna: Employee) -> Page:
    _refused(anna)
    expect(anna.desk.locator("#error-code")).to_have_text("refused_elsewhere")
    return anna.desk


def _paused_at_the_desk(anna: Employee) -> Page:
    _refused_at_the_desk(anna)
    anna.identifies(anna.desk)
    anna.desk.locator("#method-phone_approval").click()
    expect(anna.desk.get_by_role("status")).to_contain_text("15 min")
    return anna.desk


def _gone(anna: Employee) -> Page:
    anna.phone.goto(f"{anna.server.issuer}/approve/no-such-request")
    return anna.phone


def _not_allowed(anna: Employee) -> Page:
    anna.identifies(anna.desk)
    anna.desk.locator("#code").fill(anna.who.code())
    anna.desk.locator("#login-submit").click()
    anna.desk.goto(f"{anna.server.issuer}/approve")
    return anna.desk


EVERY_PAGE: dict[str, Callable[[Employee], Page]] = {
    "enrolment": _enrolment,
    "account": _account,
    "at-the-desk": _at_the_desk,
    "nothing-waits": _nothing_waits,
    "list": _list,
    "request": _request,
    "approved": _approved,
    "wrong-number": _wrong,
    "refused": _refused,
    "refused-at-the-desk": _refused_at_the_desk,
    "paused-at-the-desk": _paused_at_the_desk,
    "gone": _gone,
    "not-allowed": _not_allowed,
}


@pytest.mark.parametrize("name", EVERY_PAGE)
def test_every_page_of_it_is_accessible_in_both_themes_and_fits_a_phone(anna: Employee, name: str) -> None:
    looks_right(EVERY_PAGE[name](anna), name)
