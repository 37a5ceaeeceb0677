"""Confirming whose account it is, in Chromium: by a code that changes each second, on the same device, and all the
ways in which it comes to nothing.
"""

import re
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from urllib.parse import urlsplit

import pytest
from playwright.sync_api import Browser, Page, expect
from sqlalchemy import text

from idp.models.confirmations import Assurance, ConfirmedBy, IdentityRead
from idp.models.person_code import PersonCode
from idp.storage.prepared import Prepared
from tests.support.browser import PHONE, OpenPage, another_browser, open_pages
from tests.support.certificates import Authority
from tests.support.identity import PhoneInHand
from tests.support.looks import looks_right
from tests.support.nginx import PROXY_ADDRESS, Ports, nginx
from tests.support.running_server import Resident, RunningServer, running_server
from tests.support.services import free_port
from tests.support.smart_id.accounts import Account, Behaviour
from tests.support.smart_id.authority import Person, SmartIdAuthority
from tests.support.smart_id.running import running_emulator
from tests.support.smart_id.service import NAME, RELYING_PARTY

pytestmark = pytest.mark.browser

DIENVIDKURZEME = "0027000"


@dataclass
class WallClock:
    """The real one, moved on for the service alone."""

    ahead: float = 0.0

    def __call__(self) -> float:
        return time.time() + self.ahead


@dataclass
class Place:
    server: RunningServer
    phone: PhoneInHand
    clock: WallClock
    numbers: Iterator[int]

    def somebody(self, **behaviour: object) -> Account:
        """Whom nobody has confirmed anything as yet."""
        number = next(self.numbers)
        person = Person(f"PNOLV-32{number:04d}-{number:05d}", "ANNA", "BĒRZIŅA")
        account = Account(f"{person.identifier}-TEST-Q", person)
        return self.phone.service.add(replace(account, **behaviour))  # type: ignore[arg-type]

    def is_confirmed(self, who: Resident) -> bool:
        with self.server.database.read() as work:
            user = work.people.find_user_by_username(who.username)
            assert user is not None
            return work.confirmations.is_confirmed(user.id)

    def reasons(self, who: Resident) -> list[str | None]:
        with self.server.database.read() as work:
            user = work.people.find_user_by_username(who.username)
            assert user is not None
            found = work.audit.activity_of(user.id)
        return [each.reason for each in found if each.type == "identity.refused"]

    def confirmed_before(self, who: Resident, account: Account) -> None:
        with self.server.database.begin() as work:
            user = work.people.find_user_by_username(who.username)
            assert user is not None
            read = IdentityRead(
                code=PersonCode.parse(account.identifier),
                given_name="Anna",
                family_name="Bērziņa",
                confirmed_by=ConfirmedBy.SMART_ID,
                assurance=Assurance.HIGH,
                read_at=time.time(),
            )
            work.confirmations.put(user.id, read, consent_version="1", consent_language="lv")


@pytest.fixture(scope="module")
def place(tmp_path_factory: pytest.TempPathFactory, authority: Authority) -> Iterator[Place]:
    """Behind TLS, since the app brings people back to no other address."""
    folder = tmp_path_factory.mktemp("identity")
    ports = Ports(people=free_port(), certificates=free_port(), provider=free_port())
    (folder / "clients-ca.pem").write_bytes(authority.ca_file.read_bytes())
    issuer = f"https://localhost:{ports.people}"
    clock = WallClock()
    with running_emulator(authority.server(), SmartIdAuthority(), clock, folder=folder) as emulator:
        settings = {
            "IDP_TRUSTED_PROXIES": PROXY_ADDRESS,
            "IDP_SMART_ID_BASE_URL": emulator.base_url,
            "IDP_SMART_ID_SCHEME_NAME": "smart-id-demo",
            "IDP_SMART_ID_RP_UUID": RELYING_PARTY,
            "IDP_SMART_ID_RP_NAME": NAME,
            "IDP_SMART_ID_ANCHORS_FILE": str(emulator.anchors),
            "IDP_SMART_ID_PINS": emulator.pin,
            "IDP_SMART_ID_REVOCATION": "required",
            "IDP_SMART_ID_COUNTRIES": "LV",
            "IDP_SMART_ID_CA_FILE": str(authority.ca_file),
            "IDP_OUTBOUND_CA_FILE": str(authority.ca_file),
            "IDP_OUTBOUND_ALLOW": "127.0.0.0/8,::1/128",
        }
        with (
            running_server(issuer=issuer, port=ports.provider, **settings) as server,
            nginx(folder, ports, authority.server(name="nginx-identity")),
        ):
            yield Place(server, PhoneInHand(emulator.service, clock), clock, iter(range(100, 9999)))


@pytest.fixture(scope="module")
def trusting(browser: Browser) -> Iterator[Browser]:
    """A browser to which the certificates of these tests are good."""
    with another_browser(browser, "--ignore-certificate-errors") as made:
        yield made


@pytest.fixture
def open_page(trusting: Browser) -> Iterator[OpenPage]:
    with open_pages(trusting) as opened:
        yield opened


def sign_in(page: Page, place: Place, who: Resident, path: str = "/account/identity") -> None:
    page.goto(f"{place.server.issuer}{path}")
    page.locator("#username").fill(who.username)
    page.locator("#password").fill(who.password)
    page.locator("#login-submit").click()
    if who.authenticator is not None:
        page.locator("#code").fill(who.code())
        page.locator("#login-submit").click()
    expect(page).to_have_url(f"{place.server.issuer}{path}")


def ask(page: Page) -> None:
    page.locator("#consent").check()
    page.locator("#identity-smart_id").click()
    expect(page.locator("#smart-id-qr")).to_be_visible()


def employee(place: Place, **columns: str) -> Resident:
    return place.server.hire(totp=True, **columns)


# The whole way --------------------------------------------------------------------------------------------


@pytest.mark.parametrize("scripts", [True, False], ids=["with scripts", "without scripts"])
def test_by_a_code_that_is_scanned(place: Place, open_page: OpenPage, scripts: bool) -> None:
    who, page = employee(place), open_page(java_script_enabled=scripts)
    sign_in(page, place, who)
    ask(page)
    place.phone.scan(place.somebody())
    expect(page.locator("#identity-name")).to_have_text("ANNA BĒRZIŅA")
    expect(page.locator("#identity-account")).to_have_text(who.username)
    assert not place.is_confirmed(who)
    page.locator("#identity-link").click()
    expect(page.locator("#confirmed-as")).to_contain_text("ANNA BĒRZIŅA")
    assert place.is_confirmed(who)


def test_the_code_on_the_page_changes_by_itself(place: Place, open_page: OpenPage) -> None:
    page = open_page()
    sign_in(page, place, employee(place))
    ask(page)
    image = page.locator("#smart-id-qr img")
    expect(image).to_be_visible()
    first = image.get_attribute("src")
    expect(image).not_to_have_attribute("src", first or "")


def test_on_the_same_device(place: Place, open_page: OpenPage) -> None:
    who, page = employee(place), open_page(viewport=PHONE, has_touch=True, is_mobile=True)
    sign_in(page, place, who)
    ask(page)
    link = page.locator("#open-app").get_attribute("href")
    followed = place.phone.service.phone.follow(link or "", place.somebody().document_number)
    page.goto(followed.callback or "")
    expect(page.locator("#identity-name")).to_have_text("ANNA BĒRZIŅA")
    assert urlsplit(page.url).query == ""
    page.go_back()
    assert "sessionSecretDigest" not in page.url
    page.go_forward()
    page.locator("#identity-link").click()
    expect(page.locator("#confirmed-as")).to_be_visible()
    assert place.is_confirmed(who)


def test_with_the_phone_that_newcomers_play(place: Place, open_page: OpenPage) -> None:
    """Both in one browser, as after `make run`: the code is scanned on one page, and the other goes on by itself."""
    who, page, app, account = employee(place), open_page(), open_page(viewport=PHONE), place.somebody()
    sign_in(page, place, who)
    ask(page)
    app.goto(f"{place.phone.service.origin.replace('https:', 'http:')}/phone")
    number = re.search(r"nr\. [0-9]{4}", page.locator("main").inner_text())
    assert number is not None
    waiting = app.get_by_role("listitem").filter(has_text=number[0])
    waiting.get_by_role("button", name="Scan the QR code that is on the screen now").click()
    app.get_by_label("Whose phone").select_option(account.document_number)
    app.get_by_label("PIN").fill("1234")
    app.get_by_role("button", name="Confirm").click()
    expect(app.locator("#page-title")).to_have_text("Confirmed")
    expect(page.locator("#identity-name")).to_have_text("ANNA BĒRZIŅA")


def test_the_button_opens_the_app_and_the_app_comes_back(place: Place, open_page: OpenPage) -> None:
    who, account = employee(place), place.somebody()
    page = open_page(viewport=PHONE, has_touch=True, is_mobile=True)
    sign_in(page, place, who)
    ask(page)
    page.locator("#open-app").click()
    page.get_by_label("Whose phone").select_option(account.document_number)
    page.get_by_label("PIN").fill("1234")
    page.get_by_role("button", name="Confirm").click()
    expect(page.locator("#identity-name")).to_have_text("ANNA BĒRZIŅA")
    page.locator("#identity-link").click()
    expect(page.locator("#confirmed-as")).to_be_visible()
    assert place.is_confirmed(who)


def test_a_first_factor_is_set_up_in_the_same_sitting(place: Place, open_page: OpenPage) -> None:
    who, page = place.server.hire(), open_page()
    sign_in(page, place, who)
    ask(page)
    place.phone.scan(place.somebody())
    page.locator("#identity-link").click()
    expect(page.locator("#identity-confirmed")).to_be_visible()
    page.goto(f"{place.server.issuer}/account/methods/totp")
    expect(page.locator("#totp-key")).to_be_attached()


def test_who_lost_everything_gets_back_in(place: Place, open_page: OpenPage) -> None:
    who, page, account = employee(place), open_page(), place.somebody()
    place.confirmed_before(who, account)
    page.goto(f"{place.server.issuer}/account")
    page.locator("#recover").click()
    page.locator("#username").fill(who.username)
    page.locator("#login-submit").click()
    ask(page)
    place.phone.scan(account)
    page.locator("#identity-link").click()
    expect(page).to_have_url(re.compile("/enrol/"))


# To nothing -----------------------------------------------------------------------------------------------


def test_refused_on_the_phone(place: Place, open_page: OpenPage) -> None:
    who, page = employee(place), open_page()
    sign_in(page, place, who)
    ask(page)
    place.phone.scan(place.somebody(behaviour=Behaviour("USER_REFUSED")))
    expect(page.get_by_role("alert")).to_contain_text("Jūs atcēlāt")
    assert not place.is_confirmed(who)


def test_nobody_answers(place: Place, open_page: OpenPage) -> None:
    who, page = employee(place), open_page()
    sign_in(page, place, who)
    ask(page)
    place.clock.ahead = 121
    try:
        expect(page.get_by_role("alert")).to_contain_text("netika pabeigta laikā")
    finally:
        place.clock.ahead = 0
    assert place.reasons(who) == ["smart_id_timeout"]


def test_another_person_confirms(place: Place, open_page: OpenPage) -> None:
    who, page = employee(place), open_page()
    with place.server.database.begin() as work:
        user = work.people.find_user_by_username(who.username)
        assert user is not None
        work.people.set_person_code(user.id, PersonCode.parse("290190-12346"), at=time.time())
    sign_in(page, place, who)
    ask(page)
    place.phone.scan(place.somebody())
    expect(page.get_by_role("alert")).to_contain_text("cits personas kods")
    assert not place.is_confirmed(who)


def test_the_identity_belongs_to_another_account(place: Place, open_page: OpenPage) -> None:
    owner, who, page, account = employee(place), employee(place), open_page(), place.somebody()
    place.confirmed_before(owner, account)
    sign_in(page, place, who)
    ask(page)
    place.phone.scan(account)
    expect(page.get_by_role("alert")).to_contain_text("citam kontam")
    expect(page.locator("body")).not_to_contain_text(owner.username)


def test_the_app_comes_back_to_another_browser(place: Place, open_page: OpenPage) -> None:
    who, page, other = employee(place), open_page(), open_page()
    sign_in(page, place, who)
    ask(page)
    callback = place.phone.open_app(place.somebody())
    other.goto(callback)
    expect(other.locator("#page-title")).to_have_text("Atgriezieties pārlūkprogrammā, kurā sākāt")
    page.goto(callback)
    expect(page.locator("#identity-name")).to_be_visible()


def test_the_app_comes_back_twice(place: Place, open_page: OpenPage) -> None:
    who, page = employee(place), open_page()
    sign_in(page, place, who)
    ask(page)
    callback = place.phone.open_app(place.somebody())
    page.goto(callback)
    page.locator("#identity-decline").click()
    expect(page.locator("#identity-smart_id")).to_be_visible()
    page.goto(callback)
    expect(page.locator("#identity-link")).to_have_count(0)
    assert not place.is_confirmed(who)


def test_the_answer_is_there_and_the_person_is_not(place: Place, open_page: OpenPage) -> None:
    who, page = employee(place), open_page()
    sign_in(page, place, who)
    ask(page)
    place.phone.open_app(place.somebody())
    expect(page.get_by_text("Lietotne ir atbildējusi.")).to_be_visible()
    expect(page.locator("#identity-link")).to_have_count(0)
    assert not place.is_confirmed(who)


def test_nothing_secret_is_left_anywhere(place: Place, open_page: OpenPage) -> None:
    """attacks 30, 37, 44: logs, metrics, mails, the trail, addresses that are kept, and what other addresses are told."""
    who, page, account = employee(place), open_page(viewport=PHONE), place.somebody()
    asked: list[tuple[str, str]] = []
    page.on("request", lambda request: asked.append((request.url, request.headers.get("referer", ""))))
    sign_in(page, place, who)
    ask(page)
    session = place.phone.session
    callback = place.phone.open_app(account)
    page.goto(callback)
    page.locator("#identity-link").click()
    expect(page.locator("#confirmed-as")).to_be_visible()
    query = urlsplit(callback).query
    code = account.person.identifier.removeprefix("PNOLV-")
    secrets = {
        *(value for part in query.split("&") for value in part.split("=")[1:]),
        *(session.secret, session.challenge, session.token, session.id),
        *(code, code.replace("-", ""), account.document_number),
    }
    with place.server.database.read() as work:
        stored = str(work.rows(Prepared(text("SELECT detail, reason, address FROM audit_events"))))
        mails = str(work.rows(Prepared(text("SELECT * FROM mails"))))
    metrics = place.server.http.get(f"{place.server.listens_at}/metrics").text
    for name, kept in {
        "log": place.server.log.read_text(),
        "trail": stored,
        "mails": mails,
        "metrics": metrics,
        "addresses": " ".join(url for url, _ in asked if url != callback),
        "referrers": " ".join(referrer for _, referrer in asked),
    }.items():
        assert [secret for secret in secrets if secret in kept] == [], name
    page.go_back()
    assert "?value" not in page.url


# How it looks ---------------------------------------------------------------------------------------------

LONG = {"given_name": "Aleksandra-Konstance", "family_name": "Vītoliņa-Jaunzemniece"}


def _choose(page: Page, place: Place) -> None:
    sign_in(page, place, place.server.hire(DIENVIDKURZEME, totp=True, **LONG))


def _missing_consent(page: Page, place: Place) -> None:
    _choose(page, place)
    page.locator("#identity-smart_id").click()
    expect(page.locator("#consent-error")).to_be_visible()


def _waiting(page: Page, place: Place) -> None:
    _choose(page, place)
    ask(page)


def _link(page: Page, place: Place) -> None:
    _waiting(page, place)
    account = place.somebody()
    person = replace(account.person, given_name="ALEKSANDRA-KONSTANCE", surname="VĪTOLIŅA-JAUNZEMNIECE")
    place.phone.scan(place.phone.service.add(replace(account, person=person)))
    expect(page.locator("#identity-name")).to_be_visible()


def _confirmed(page: Page, place: Place) -> None:
    _link(page, place)
    page.locator("#identity-link").click()
    expect(page.locator("#confirmed-as")).to_be_visible()
    page.locator("#identity-more").click()
    expect(page.locator("#identity-remove")).to_be_visible()


def _recover(page: Page, place: Place) -> None:
    page.goto(f"{place.server.issuer}/recover")


def _over(page: Page, place: Place) -> None:
    page.goto(f"{place.server.issuer}/identity/nothing")


def _other_browser(page: Page, place: Place) -> None:
    page.goto(f"{place.server.issuer}/identity/other-browser")


EVERY_PAGE: dict[str, Callable[[Page, Place], None]] = {
    "choose": _choose,
    "missing consent": _missing_consent,
    "waiting": _waiting,
    "link": _link,
    "confirmed": _confirmed,
    "recover": _recover,
    "over": _over,
    "other browser": _other_browser,
}


@pytest.mark.parametrize("name", EVERY_PAGE)
def test_every_page_is_accessible_in_both_themes_and_fits_a_phone(
    place: Place, open_page: OpenPage, name: str
) -> None:
    page = open_page(viewport=PHONE)
    EVERY_PAGE[name](page, place)
    looks_right(page, name)
