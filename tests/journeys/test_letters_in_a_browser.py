"""Enrolment letters as people use them: Chromium, a letter of the running provider, and what it leads to."""

from collections.abc import Callable
from dataclasses import dataclass

import pyotp
import pytest
from playwright.sync_api import Page, Route, expect

from idp.effects import Effects
from idp.oidc.client_metadata import register
from tests.support.administrators import CONSOLE, SCOPE
from tests.support.browser import DESK, PHONE, OpenPage
from tests.support.builders import RIGA
from tests.support.looks import looks_right
from tests.support.pages import Parsed
from tests.support.relying_party import RelyingParty, query_of
from tests.support.running_server import Resident, RunningServer
from tests.support.virtual_authenticators import Plug

pytestmark = pytest.mark.browser

WHOLE_PICTURE = """() => {
  const svg = document.querySelector(".qr-code");
  const [paper, ink] = [svg, [...svg.querySelectorAll("path")].at(-1)].map((each) => each.getBoundingClientRect());
  const quiet = 3.9 * (ink.width / 37);
  return ink.width > 80 && ink.left - paper.left > quiet && paper.right - ink.right > quiet
    && ink.top - paper.top > quiet && paper.bottom - ink.bottom > quiet;
}"""
"""Nothing of the QR is cut off, and it has its quiet zone."""
NAMES = {"given_name": "Ārija-Wilhelmīne", "family_name": "Krastmala-Zvirbulēna"}


@dataclass(frozen=True)
class Paper:
    markup: str

    @property
    def shown(self) -> str:
        return Parsed(self.markup).ids["letter-code"]

    @property
    def code(self) -> str:
        return self.shown.replace("-", "")


@pytest.fixture(scope="module")
def desks() -> dict[str, str]:
    """Tokens of operators, by issuer: one for each running server."""
    return {}


def operators_token(server: RunningServer) -> str:
    audience = f"{server.issuer}/api/v1"
    registration = register(
        {**CONSOLE, "visvaris": {"first_party": True, "resources": [audience]}}, Effects()
    )
    with server.database.begin() as work:
        work.clients.add(registration.client)
    console = RelyingParty(
        issuer=server.issuer,
        client_id=registration.client.client_id,
        redirect_uri=CONSOLE["redirect_uris"][0],
        http=server.http,
        secret=registration.secret,
    )
    operator, window = server.hire(totp=True, roles=["operator"]), server.browser()
    question = console.ask(scope=f"openid {SCOPE}", resource=audience)
    window.opens(f"/authorize?{query_of(question.url)}")
    window.presses(username=operator.username, password=operator.password)
    window.presses(code=operator.code())
    answer = console.read_answer(question, window.left_for or "")
    return console.redeem(question, answer["code"], resource=audience).access_token


Order = Callable[..., Paper]


@pytest.fixture
def order(server: RunningServer, desks: dict[str, str]) -> Order:
    """Has an operator make a letter for somebody."""

    def make(who: Resident, language: str = "lv") -> Paper:
        if server.issuer not in desks:
            desks[server.issuer] = operators_token(server)
        reply = server.http.post(
            f"{server.issuer}/api/v1/enrolment-tickets",
            json={"user": who.username, "language": language},
            headers={"Authorization": f"Bearer {desks[server.issuer]}"},
        )
        assert reply.status_code == 201, reply.text
        return Paper(reply.text)

    return make


def newcomer(server: RunningServer, *atvk: str, **columns: str) -> Resident:
    """With nothing to sign in with."""
    who = server.hire(*(atvk or (RIGA,)), **columns)
    with server.database.begin() as work:
        user = work.people.find_user_by_username(who.username)
        assert user is not None
        work.people.remove_credentials(user.id, None)
    return who


def scans(page: Page, server: RunningServer, letter: Paper) -> None:
    page.goto(f"{server.issuer}/enrol#{letter.code}")


def types(page: Page, server: RunningServer, who: Resident, letter: Paper) -> None:
    page.goto(f"{server.issuer}/enrol")
    page.locator("#username").fill(who.username)
    page.locator("#code").fill(letter.shown.lower())
    page.locator("#login-submit").click()


def unfolds(page: Page, server: RunningServer, letter: Paper) -> None:
    """Opens the letter where the console shows it, at the provider's own address."""
    address = f"{server.issuer}/admin/letter"

    def answer(route: Route) -> None:
        route.fulfill(body=letter.markup, content_type="text/html; charset=utf-8")

    page.route(address, answer)
    page.goto(address)


def test_a_scanned_letter_leads_to_a_passkey_that_signs_in(
    server: RunningServer, desk: Page, order: Order
) -> None:
    """The code is put into its field, leaves the address bar, and is in no address that is asked for"""
    laptop, who = Plug(desk).laptop(), newcomer(server)
    letter, asked = order(who), []
    desk.on("request", lambda request: asked.append(request.url))
    scans(desk, server, letter)
    expect(desk.locator("#code")).to_have_value(letter.shown)
    expect(desk).to_have_url(f"{server.issuer}/enrol")
    expect(desk.locator("#username")).to_be_focused()
    desk.locator("#username").fill(who.username)
    desk.locator("#login-submit").click()
    desk.locator("#method-passkey").click()
    expect(desk.locator("#page-title")).to_have_text("Piekļuves atslēga")
    desk.locator("#login-submit").click()
    expect(desk.locator("#recovery-codes li")).to_have_count(10)
    assert len(laptop.credentials) == 1
    assert not any(letter.code in address.partition("#")[0] for address in asked)
    desk.locator("#login-submit").click()
    laptop.is_at_hand(touched=False)
    desk.locator("#sign-in").click()
    expect(desk.locator("#method-passkey")).to_be_visible()
    laptop.is_at_hand(touched=True)
    desk.locator("#method-passkey").click()
    expect(desk).to_have_url(f"{server.issuer}/")
    desk.go_back()
    scans(desk, server, letter)
    desk.locator("#username").fill(who.username)
    desk.locator("#login-submit").click()
    expect(desk.get_by_role("alert")).to_contain_text("vairs nav derīga")


def test_a_second_scan_on_the_open_page_is_taken_too(server: RunningServer, desk: Page, order: Order) -> None:
    desk.goto(f"{server.issuer}/enrol")
    letter = order(newcomer(server))
    scans(desk, server, letter)
    expect(desk.locator("#code")).to_have_value(letter.shown)
    expect(desk).to_have_url(f"{server.issuer}/enrol")


def test_what_is_no_code_is_not_put_into_the_field(server: RunningServer, desk: Page) -> None:
    for rubbish in ("main", "<script>alert(1)</script>", "x" * 500, "%E0%A4%A"):
        desk.goto(f"{server.issuer}/enrol#{rubbish}")
        expect(desk.locator("#code")).to_have_value("")


def test_without_scripts_the_letter_is_typed_and_an_authenticator_set_up(
    server: RunningServer, open_page: OpenPage, order: Order
) -> None:
    page, who = open_page(viewport=PHONE, java_script_enabled=False), server.hire(RIGA)
    letter = order(who)
    scans(page, server, letter)
    expect(page.locator("#code")).to_have_value("")
    types(page, server, who, letter)
    page.locator("#method-totp").click()
    page.get_by_text("Nevarat noskenēt?").click()
    secret = page.locator("#totp-key").inner_text().replace(" ", "")
    page.locator("#code").fill("000000")
    page.locator("#login-submit").click()
    expect(page.locator("#code-error")).to_be_visible()
    who.totp_secret = pyotp.TOTP(secret).secret
    page.locator("#code").fill(who.code())
    page.locator("#login-submit").click()
    expect(page.locator("#recovery-codes li")).to_have_count(10)
    page.locator("#login-submit").click()
    page.locator("#sign-in").click()
    page.locator("#username").fill(who.username)
    page.locator("#password").fill(who.password)
    page.locator("#login-submit").click()
    page.locator("#code").fill(who.code())
    page.locator("#login-submit").click()
    expect(page).to_have_url(f"{server.issuer}/")


def test_a_refused_key_leaves_the_letter_as_good_as_before(
    server: RunningServer, desk: Page, order: Order
) -> None:
    laptop, who = Plug(desk).laptop(isUserVerified=False), newcomer(server)
    letter = order(who)
    types(desk, server, who, letter)
    desk.locator("#method-passkey").click()
    desk.locator("#login-submit").click()
    expect(desk.get_by_role("alert").filter(has_text="PIN")).to_be_visible()
    laptop.verifies(user=True)
    types(desk, server, who, letter)
    desk.locator("#method-passkey").click()
    desk.locator("#login-submit").click()
    expect(desk.locator("#recovery-codes")).to_be_visible()


def test_the_letter_prints_on_one_sheet_without_what_is_for_the_screen(
    server: RunningServer, desk: Page, order: Order
) -> None:
    unfolds(desk, server, order(newcomer(server, "0027000", **NAMES)))
    expect(desk.get_by_role("note")).to_be_visible()
    desk.emulate_media(media="print")
    expect(desk.get_by_role("note")).to_be_hidden()
    for part in ("#letter-code", "#letter-until", "#letter-number", ".qr-code", ".letter-address"):
        expect(desk.locator(part)).to_be_visible()
    assert desk.evaluate(WHOLE_PICTURE)
    sheets = desk.pdf(format="A4", margin={"top": "15mm", "bottom": "15mm", "left": "18mm", "right": "18mm"})
    assert sheets.count(b"/Type /Page\n") == 1


# Every page --------------------------------------------------------------------------------------------------


def _question(page: Page, server: RunningServer, order: Order) -> None:
    scans(page, server, order(newcomer(server)))


def _wrong(page: Page, server: RunningServer, order: Order) -> None:
    types(page, server, newcomer(server), Paper('<b id="letter-code">0000-0000</b>'))
    expect(page.get_by_role("alert")).to_be_visible()


def _choice(page: Page, server: RunningServer, order: Order) -> None:
    who = server.hire("0027000", **NAMES)
    types(page, server, who, order(who))
    expect(page.locator("#method-totp")).to_be_visible()


def _passkey(page: Page, server: RunningServer, order: Order) -> None:
    who = newcomer(server)
    types(page, server, who, order(who))
    page.locator("#method-passkey").click()
    expect(page.locator("#label")).to_be_visible()


def _done(page: Page, server: RunningServer, order: Order) -> None:
    page.goto(f"{server.issuer}/enrol/done")


def _over(page: Page, server: RunningServer, order: Order) -> None:
    page.goto(f"{server.issuer}/enrol/long-ago")


def _letter(page: Page, server: RunningServer, order: Order) -> None:
    unfolds(page, server, order(newcomer(server, "0027000", **NAMES)))


def _letter_in_english(page: Page, server: RunningServer, order: Order) -> None:
    unfolds(page, server, order(newcomer(server), language="en"))


EVERY_PAGE: dict[str, Callable[[Page, RunningServer, Order], None]] = {
    "question": _question,
    "wrong": _wrong,
    "choice": _choice,
    "passkey": _passkey,
    "done": _done,
    "over": _over,
    "letter": _letter,
    "letter-in-english": _letter_in_english,
}


@pytest.mark.parametrize("viewport", [DESK, PHONE], ids=["desk", "phone"])
@pytest.mark.parametrize("name", EVERY_PAGE)
def test_every_page_about_letters_is_accessible_in_both_themes_and_fits_a_phone(
    server: RunningServer, open_page: OpenPage, order: Order, name: str, viewport: dict[str, int]
) -> None:
    page = open_page(viewport=viewport)
    EVERY_PAGE[name](page, server, order)
    looks_right(page, name)
