"""What employees do every morning, in a real browser: Chromium against the running provider."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from urllib.parse import urlsplit

import pytest
from playwright.sync_api import Page, Route, expect

from tests.support.browser import PHONE, OpenPage
from tests.support.builders import KEKAVA, RIGA
from tests.support.device import Device, Shown
from tests.support.looks import looks_right
from tests.support.running_server import Resident, RunningServer

pytestmark = pytest.mark.browser

DIENVIDKURZEME = "0027000"
"""The longest name."""
PAGE_BYTES = 60_000


def identify(page: Page, who: Resident, password: str | None = None) -> None:
    page.locator("#username").fill(who.username)
    page.locator("#password").fill(password or who.password)
    page.locator("#login-submit").click()


def confirm(page: Page, code: str) -> None:
    page.locator("#code").fill(code)
    page.locator("#login-submit").click()


def sign_in(page: Page, server: RunningServer, who: Resident, path: str = "/") -> None:
    page.goto(f"{server.issuer}{path}")
    identify(page, who)
    if who.authenticator is not None:
        confirm(page, who.code())


def set_up_authenticator(page: Page, who: Resident) -> None:
    who.totp_secret = page.locator("#totp-key").text_content().replace(" ", "")  # type: ignore[union-attr]
    confirm(page, who.code())


@contextmanager
def watched(page: Page, *, allowed: tuple[str, ...] = ()) -> Iterator[None]:
    """Nothing is asked of another origin, and nothing is said on the console, from here on."""
    asked: list[str] = []
    said: list[str] = []
    page.on("request", lambda request: asked.append(request.url))
    page.on("console", lambda message: said.append(message.text))
    page.on("pageerror", lambda error: said.append(str(error)))
    yield
    origin = page.evaluate("location.origin")
    strangers = [url for url in asked if not url.startswith((origin, "data:", *allowed))]
    assert strangers == []
    assert [text for text in said if "status of 4" not in text] == []


# The morning -----------------------------------------------------------------------------------------


def test_signing_in_with_a_code_opening_an_application_and_signing_out(
    server: RunningServer, desk: Page
) -> None:
    who = server.hire(RIGA, totp=True)
    sign_in(desk, server, who)
    expect(desk).to_have_url(f"{server.issuer}/")
    expect(desk.locator("#page-title")).to_have_text("Lietojumprogrammas")
    with watched(desk):
        desk.get_by_role("link", name="Pašvaldību līgumi").click()
        expect(desk.locator("#municipality-name")).to_have_text("Rīgas valstspilsēta")
        desk.goto(f"{server.issuer}/logout")
        desk.locator("#logout-confirm").click()
        expect(desk).to_have_url(f"{server.issuer}/logged-out")
        desk.goto(f"{server.issuer}/account")
    expect(desk.locator("#username")).to_be_visible()


def test_a_wrong_code_is_said_by_its_field_which_has_the_focus(server: RunningServer, desk: Page) -> None:
    who = server.hire(RIGA, totp=True)
    desk.goto(server.issuer)
    identify(desk, who)
    confirm(desk, "000000")
    expect(desk.locator("#code-error")).to_contain_text("Kods nav derīgs")
    expect(desk.locator("#code")).to_be_focused()
    expect(desk.locator("#code")).to_have_attribute("aria-invalid", "true")
    expect(desk).to_have_title("Kļūda: Apstipriniet, ka tas esat Jūs – visvaris.lv")
    confirm(desk, who.code())
    expect(desk).to_have_url(f"{server.issuer}/")


def test_a_wrong_password_keeps_the_name_and_asks_again(server: RunningServer, desk: Page) -> None:
    who = server.hire(RIGA)
    desk.goto(server.issuer)
    identify(desk, who, "nepareiza-parole-1")
    expect(desk.get_by_role("alert")).to_contain_text("Nepareizs lietotājvārds vai parole.")
    expect(desk.locator("#username")).to_have_value(who.username)
    expect(desk.locator("#password")).to_have_value("")
    identify(desk, who)
    expect(desk).to_have_url(f"{server.issuer}/")


def test_an_authenticator_is_set_up_from_the_account_page(server: RunningServer, desk: Page) -> None:
    who = server.hire(RIGA)
    sign_in(desk, server, who, "/account")
    desk.locator("#account-method-totp").get_by_role("link").click()
    expect(desk.locator("svg.qr-code")).to_be_visible()
    box = desk.locator("svg.qr-code").bounding_box()
    assert box is not None
    assert box["width"] >= 150
    set_up_authenticator(desk, who)
    expect(desk.locator("#recovery-codes li")).to_have_count(10)
    desk.locator("#login-submit").click()
    expect(desk).to_have_url(f"{server.issuer}/account")
    expect(desk.locator("#account-method-recovery_code")).to_contain_text("10")


def test_the_language_changes_with_one_click_and_is_remembered(server: RunningServer, desk: Page) -> None:
    desk.goto(server.issuer)
    expect(desk.locator("html")).to_have_attribute("lang", "lv")
    expect(desk.locator("#page-title")).to_have_text("Pieslēgties")
    here = desk.url
    desk.locator("#lang-en").click()
    expect(desk).to_have_url(here)
    expect(desk.locator("html")).to_have_attribute("lang", "en")
    expect(desk.locator("#page-title")).to_have_text("Log in")
    desk.goto(f"{server.issuer}/logged-out")
    expect(desk.locator("html")).to_have_attribute("lang", "en")


def test_the_page_is_dark_where_the_system_is(server: RunningServer, open_page: OpenPage) -> None:
    grounds = {}
    for scheme in ("light", "dark"):
        page = open_page(color_scheme=scheme)
        page.goto(server.issuer)
        # Through a canvas, since browsers answer in the notation the sheet uses.
        grounds[scheme] = page.evaluate(
            """() => {
              const pen = document.createElement("canvas").getContext("2d");
              pen.fillStyle = getComputedStyle(document.body).backgroundColor;
              pen.fillRect(0, 0, 1, 1);
              return pen.getImageData(0, 0, 1, 1).data[0];
            }"""
        )
    assert grounds["light"] > 200
    assert grounds["dark"] < 80


def test_everything_works_with_scripts_off(server: RunningServer, open_page: OpenPage) -> None:
    who = server.hire(RIGA, KEKAVA, totp=True)
    page = open_page(java_script_enabled=False)
    page.goto(f"{server.issuer}/connectors/agreements/")
    identify(page, who)
    page.locator("#municipality").select_option(index=0)
    page.locator("#login-submit").click()
    confirm(page, who.code())
    expect(page.locator("#municipality-name")).to_be_visible()
    page.goto(f"{server.issuer}/?q=nekas-tads")
    expect(page.locator(".empty").first).to_be_visible()


def test_the_keyboard_is_enough(server: RunningServer, desk: Page) -> None:
    who = server.hire(RIGA, totp=True)
    desk.goto(server.issuer)
    expect(desk.locator("#username")).to_be_focused()
    desk.keyboard.type(who.username)
    desk.locator("#password").focus()
    desk.keyboard.type(who.password)
    desk.keyboard.press("Enter")
    expect(desk.locator("#code")).to_be_focused()
    desk.keyboard.type(who.code())
    desk.keyboard.press("Enter")
    expect(desk).to_have_url(f"{server.issuer}/")
    desk.keyboard.press("Tab")
    expect(desk.locator(".skip-link")).to_be_focused()


def test_an_application_of_another_organisation_asks_and_is_reached_through_the_policy(
    server: RunningServer, desk: Page
) -> None:
    """The redirects after our forms lead to its origin, which the content security policy must allow."""
    who = server.hire(RIGA, totp=True)
    reached: list[str] = []

    def answer(route: Route) -> None:
        reached.append(route.request.url)
        route.fulfill(status=200, content_type="text/html", body="<title>there</title>")

    desk.route("http://localhost:9000/**", answer)
    question = server.application("demo-web").ask(scope="openid profile")
    desk.goto(question.url)
    identify(desk, who)
    confirm(desk, who.code())
    expect(desk.locator("#consent-allow")).to_be_visible()
    desk.locator("#consent-allow").click()
    expect(desk).to_have_title("there")
    assert "code=" in reached[0]
    # Now that consent is remembered, the way leads from the sign-in form straight to the application.
    desk.context.clear_cookies()
    desk.goto(server.application("demo-web").ask(scope="openid profile").url)
    identify(desk, who)
    confirm(desk, who.code())
    expect(desk).to_have_title("there")
    assert "code=" in reached[1]


@pytest.mark.parametrize("host", ["127.0.0.1", "[::1]"])
def test_an_installed_application_is_reached_wherever_it_listens_on_this_computer(
    server: RunningServer, desk: Page, host: str
) -> None:
    """A content security policy cannot name an IPv6 address, and must not be in the way all the same."""
    who = server.hire(RIGA)
    there = f"http://{host}:45678/callback"
    desk.route(
        f"http://{host}:45678/**",
        lambda route: route.fulfill(status=200, content_type="text/html", body="<title>there</title>"),
    )
    desk.goto(server.application("demo-desktop", redirect_uri=there).ask(scope="openid profile").url)
    identify(desk, who)
    desk.locator("#consent-allow").click()
    expect(desk).to_have_title("there")


# Every page ------------------------------------------------------------------------------------------


def _identify_page(page: Page, server: RunningServer) -> None:
    page.goto(server.issuer)


def _with_error(page: Page, server: RunningServer) -> None:
    page.goto(server.issuer)
    identify(page, server.hire(RIGA), "nepareiza-parole-1")


def _code_page(page: Page, server: RunningServer) -> None:
    page.goto(server.issuer)
    identify(page, server.hire(RIGA, totp=True))


def _enrolment(page: Page, server: RunningServer) -> None:
    sign_in(page, server, server.hire(RIGA), "/account/methods/totp")
    page.locator("summary").click()


def _recovery_codes(page: Page, server: RunningServer) -> None:
    who = server.hire(RIGA)
    sign_in(page, server, who, "/account/methods/totp")
    set_up_authenticator(page, who)


def _password_change(page: Page, server: RunningServer) -> None:
    sign_in(page, server, server.hire(RIGA), "/account/methods/password")


def _employment(page: Page, server: RunningServer) -> None:
    sign_in(page, server, server.hire(RIGA, KEKAVA), "/employment")


def _portal(page: Page, server: RunningServer) -> None:
    sign_in(page, server, server.hire(RIGA))


def _account(page: Page, server: RunningServer) -> None:
    sign_in(page, server, server.hire(RIGA, totp=True), "/account")


def _consent(page: Page, server: RunningServer) -> None:
    question = server.application("demo-web").ask(scope="openid profile email offline_access")
    sign_in(page, server, server.hire(RIGA), question.url.removeprefix(server.issuer))


def _logout(page: Page, server: RunningServer) -> None:
    sign_in(page, server, server.hire(RIGA))
    page.goto(f"{server.issuer}/logout")


def _logged_out(page: Page, server: RunningServer) -> None:
    page.goto(f"{server.issuer}/logged-out")


def _error(page: Page, server: RunningServer) -> None:
    page.goto(f"{server.issuer}/nowhere")


def _expired(page: Page, server: RunningServer) -> None:
    page.goto(f"{server.issuer}/login/none")


def _asks(server: RunningServer) -> Shown:
    return Device(server.application("demo-device", redirect_uri="none")).asks(
        "openid profile offline_access"
    )


def _device(page: Page, server: RunningServer) -> None:
    page.goto(f"{server.issuer}/device")


def _device_from_link(page: Page, server: RunningServer) -> None:
    page.goto(_asks(server).verification_uri_complete)


def _device_with_error(page: Page, server: RunningServer) -> None:
    _device(page, server)
    page.locator("#code").fill("BCDF-GHJK")
    page.locator("#login-submit").click()


def _device_confirm(page: Page, server: RunningServer) -> Shown:
    shown = _asks(server)
    page.goto(shown.verification_uri_complete)
    page.locator("#login-submit").click()
    identify(page, server.hire(DIENVIDKURZEME))
    expect(page.locator("#device-deny")).to_be_visible()
    return shown


def _device_let_in(page: Page, server: RunningServer) -> None:
    page.locator(f"#number-{_device_confirm(page, server).number}").click()


def _device_wrong_number(page: Page, server: RunningServer) -> None:
    page.locator(f".numbers button:not(#number-{_device_confirm(page, server).number})").first.click()


def _device_expired(page: Page, server: RunningServer) -> None:
    page.goto(f"{server.issuer}/device/none")


EVERY_PAGE: dict[str, Callable[[Page, RunningServer], object]] = {
    "identify": _identify_page,
    "identify-with-error": _with_error,
    "code": _code_page,
    "enrolment": _enrolment,
    "recovery-codes": _recovery_codes,
    "password-change": _password_change,
    "employment": _employment,
    "portal": _portal,
    "account": _account,
    "consent": _consent,
    "logout": _logout,
    "logged-out": _logged_out,
    "error": _error,
    "expired": _expired,
    "device": _device,
    "device-from-link": _device_from_link,
    "device-with-error": _device_with_error,
    "device-confirm": _device_confirm,
    "device-let-in": _device_let_in,
    "device-wrong-number": _device_wrong_number,
    "device-expired": _device_expired,
}


@pytest.mark.parametrize("name", EVERY_PAGE)
def test_every_page_is_accessible_in_both_themes_and_fits_a_phone(
    server: RunningServer, open_page: OpenPage, name: str
) -> None:
    """WCAG 2.2 AA by axe, no sideways scrolling at 320 px, nothing moving while it loads."""
    page = open_page(viewport=PHONE)
    with watched(page):
        EVERY_PAGE[name](page, server)
    looks_right(page, name)


@pytest.mark.parametrize("name", EVERY_PAGE)
def test_every_page_is_light_to_carry(server: RunningServer, open_page: OpenPage, name: str) -> None:
    """Under 60 kB with everything it loads, from an empty cache."""
    page = open_page()
    EVERY_PAGE[name](page, server)
    total = page.evaluate(
        """() => [...performance.getEntriesByType("navigation"), ...performance.getEntriesByType("resource")]
          .reduce((sum, entry) => sum + (entry.transferSize || entry.encodedBodySize), 0)"""
    )
    assert 0 < total < PAGE_BYTES
    assert urlsplit(page.url).netloc == urlsplit(server.issuer).netloc
