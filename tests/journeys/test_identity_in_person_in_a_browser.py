"""Confirming in person as people do it: Chromium, a code of the running provider, and the page it is typed on."""

from collections.abc import Callable

import pytest
from playwright.sync_api import Page, Route, expect

from idp.effects import Effects
from idp.oidc.client_metadata import register
from tests.support.administrators import CONSOLE, SCOPE
from tests.support.browser import DESK, PHONE, OpenPage
from tests.support.in_person import PAPER
from tests.support.looks import looks_right
from tests.support.pages import Parsed
from tests.support.relying_party import RelyingParty, query_of
from tests.support.running_server import Resident, RunningServer

pytestmark = pytest.mark.browser

DIENVIDKURZEME = "0027000"
NAMES = {"given_name": "Ārija-Wilhelmīne", "family_name": "Krastmala-Zvirbulēna"}


def administrator_of(server: RunningServer, atvk: str) -> Resident:
    who = server.hire(atvk, totp=True)
    with server.database.begin() as work:
        user = work.people.find_user_by_username(who.username)
        assert user is not None
        role = """UPDATE employments SET roles = '["administrator"]' WHERE user_id = ?"""
        work.connection().exec_driver_sql(role, (user.id,))
    return who


def token_of(server: RunningServer, who: Resident) -> str:
    audience = f"{server.issuer}/api/v1"
    document = {**CONSOLE, "visvaris": {"first_party": True, "resources": [audience]}}
    registration = register(document, Effects())
    with server.database.begin() as work:
        work.clients.add(registration.client)
    console = RelyingParty(
        issuer=server.issuer,
        client_id=registration.client.client_id,
        redirect_uri=CONSOLE["redirect_uris"][0],
        http=server.http,
        secret=registration.secret,
    )
    question, window = console.ask(scope=f"openid employment {SCOPE}", resource=audience), server.browser()
    window.opens(f"/authorize?{query_of(question.url)}")
    window.presses(username=who.username, password=who.password)
    window.presses(code=who.code())
    answer = console.read_answer(question, window.left_for or "")
    return console.redeem(question, answer["code"], resource=audience).access_token


class Desks:
    """Two administrators of one town hall."""

    def __init__(self, server: RunningServer, atvk: str = DIENVIDKURZEME) -> None:
        self.server = server
        self.tokens = [token_of(server, administrator_of(server, atvk)) for _ in range(2)]

    def letter_for(self, who: Resident, code: str, language: str = "lv") -> str:
        """The page with the code, for somebody in whose document this personal code stands."""
        first, second = ({"Authorization": f"Bearer {token}"} for token in self.tokens)
        checks = f"{self.server.issuer}/api/v1/identity-checks"
        stated = {**PAPER, **NAMES, "user": who.username, "personal_code": code}
        made = self.server.http.post(checks, json=stated, headers=first)
        assert made.status_code == 201, made.text
        given = self.server.http.post(
            f"{checks}/{made.json()['id']}/approval", json={"language": language}, headers=second
        )
        assert given.status_code == 201, given.text
        return given.text

    def code_for(self, who: Resident, code: str) -> str:
        return Parsed(self.letter_for(who, code)).ids["letter-code"]


@pytest.fixture
def desks(server: RunningServer) -> Desks:
    """Their tokens are good for five minutes."""
    return Desks(server)


@pytest.fixture
def who(server: RunningServer) -> Resident:
    return server.hire(DIENVIDKURZEME, **NAMES)


def signs_in(page: Page, server: RunningServer, who: Resident) -> None:
    page.goto(f"{server.issuer}/account/identity")
    page.locator("#username").fill(who.username)
    page.locator("#password").fill(who.password)
    page.locator("#login-submit").click()
    expect(page.locator("#identity-in_person")).to_be_visible()


def asks_for_field(page: Page, server: RunningServer, who: Resident) -> None:
    signs_in(page, server, who)
    page.locator("#consent").check()
    page.locator("#identity-in_person").click()
    expect(page.locator("#code")).to_be_focused()


def types(page: Page, code: str) -> None:
    page.locator("#code").fill(code.lower())
    page.locator("#in-person-enter").click()


@pytest.mark.parametrize("scripts", [True, False], ids=["with-scripts", "without-scripts"])
def test_a_code_from_the_town_hall_is_typed_and_the_account_is_mine(
    server: RunningServer, open_page: OpenPage, desks: Desks, who: Resident, scripts: bool
) -> None:
    code = desks.code_for(who, "320000-10015" if scripts else "320000-10023")
    page, asked = open_page(viewport=PHONE, java_script_enabled=scripts), []
    page.on("request", lambda request: asked.append(request.url))
    asks_for_field(page, server, who)
    types(page, "0000-0000")
    expect(page.locator("#code-error")).to_be_visible()
    expect(page.locator("#code")).to_have_value("")
    types(page, code)
    expect(page.locator("#identity-name")).to_have_text("Ārija-Wilhelmīne Krastmala-Zvirbulēna")
    page.locator("#identity-link").click()
    expect(page.locator("#identity-confirmed")).to_be_visible()
    page.goto(f"{server.issuer}/account")
    expect(page.locator("#confirmed-as")).to_contain_text("Klātienē pašvaldībā")
    bare = code.replace("-", "").lower()
    assert not any(bare in address.replace("-", "").lower() for address in asked)


def test_neither_the_code_nor_what_stands_in_the_document_is_in_the_log(
    server: RunningServer, desk: Page, desks: Desks, who: Resident
) -> None:
    """attack 44"""
    code = desks.code_for(who, "320000-10031")
    asks_for_field(desk, server, who)
    types(desk, code)
    expect(desk.locator("#identity-name")).to_be_visible()
    written = server.log.read_text(errors="replace")
    assert "/api/v1/identity-checks" in written
    for secret in (code, code.replace("-", ""), "320000-10031", "32000010031", *desks.tokens):
        assert secret not in written


def test_the_letter_prints_on_one_sheet_without_what_is_for_the_screen(
    server: RunningServer, desk: Page, desks: Desks, who: Resident
) -> None:
    unfolds(desk, server, desks.letter_for(who, "320000-10049"))
    expect(desk.get_by_role("note")).to_be_visible()
    desk.emulate_media(media="print")
    expect(desk.get_by_role("note")).to_be_hidden()
    for part in ("#letter-code", "#letter-until", "#letter-number"):
        expect(desk.locator(part)).to_be_visible()
    sheets = desk.pdf(format="A4", margin={"top": "15mm", "bottom": "15mm", "left": "18mm", "right": "18mm"})
    assert sheets.count(b"/Type /Page\n") == 1


# Every page -----------------------------------------------------------------------------------------------


def unfolds(page: Page, server: RunningServer, markup: str) -> None:
    """Opens the letter where a console shows it, at the provider's own address."""
    address = f"{server.issuer}/admin/code"

    def answer(route: Route) -> None:
        route.fulfill(body=markup, content_type="text/html; charset=utf-8")

    page.route(address, answer)
    page.goto(address)


def _ways(page: Page, server: RunningServer, who: Resident, _: Callable[[], Desks]) -> None:
    signs_in(page, server, who)


def _field(page: Page, server: RunningServer, who: Resident, _: Callable[[], Desks]) -> None:
    asks_for_field(page, server, who)


def _wrong(page: Page, server: RunningServer, who: Resident, _: Callable[[], Desks]) -> None:
    asks_for_field(page, server, who)
    types(page, "0000-0000-0000-0000-0000-0000-0000")
    expect(page.locator("#code-error")).to_be_visible()


def _wait(page: Page, server: RunningServer, who: Resident, _: Callable[[], Desks]) -> None:
    asks_for_field(page, server, who)
    for number in range(6):
        expect(page.locator("#code")).to_have_value("")
        types(page, f"{number}" * 28)
        expect(page.locator("#page-title")).to_be_visible()
    expect(page.get_by_role("status")).to_be_visible()


def _letter(page: Page, server: RunningServer, who: Resident, desks: Callable[[], Desks]) -> None:
    unfolds(page, server, desks().letter_for(who, "320000-10057"))


def _letter_in_english(page: Page, server: RunningServer, who: Resident, desks: Callable[[], Desks]) -> None:
    unfolds(page, server, desks().letter_for(who, "320000-10065", "en"))


EVERY_PAGE: dict[str, Callable[[Page, RunningServer, Resident, Callable[[], Desks]], None]] = {
    "ways": _ways,
    "field": _field,
    "wrong": _wrong,
    "wait": _wait,
    "letter": _letter,
    "letter-in-english": _letter_in_english,
}


@pytest.mark.parametrize("viewport", [DESK, PHONE], ids=["desk", "phone"])
@pytest.mark.parametrize("name", EVERY_PAGE)
def test_every_page_of_it_is_accessible_in_both_themes_and_fits_a_phone(
    server: RunningServer, open_page: OpenPage, who: Resident, name: str, viewport: dict[str, int]
) -> None:
    page = open_page(viewport=viewport)
    EVERY_PAGE[name](page, server, who, lambda: Desks(server))
    looks_right(page, name)
