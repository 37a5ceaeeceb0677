"""“It was not me” and the account page in Chromium: the whole way, with and without scripts, and how it looks."""

from collections.abc import Callable
from pathlib import Path

import pytest
from playwright.sync_api import Page, expect

from idp.events import Event, EventType
from idp.models.grants import Consent
from tests.support.browser import PHONE, OpenPage
from tests.support.builders import add_client, add_family
from tests.support.looks import looks_right
from tests.support.running_server import Resident, RunningServer

pytestmark = pytest.mark.browser

DIENVIDKURZEME = "0027000"
"""The longest name."""
LONG = {
    "given_name": "Aleksandra-Konstance",
    "family_name": "Vītoliņa-Jaunzemniece",
    "email": "aleksandra-konstance.vitolina-jaunzemniece@dienvidkurzeme.example.lv",
}
APPLICATION = "Pašvaldību iepirkumu un līgumu uzskaites sistēma „Dienvidkurzeme”"


def sign_in(page: Page, server: RunningServer, who: Resident, path: str = "/") -> None:
    page.goto(f"{server.issuer}{path}")
    prove(page, who)


def prove(page: Page, who: Resident) -> None:
    if page.locator("#username").is_visible():
        page.locator("#username").fill(who.username)
    page.locator("#password").fill(who.password)
    page.locator("#login-submit").click()
    if who.authenticator is not None:
        page.locator("#code").fill(who.code())
        page.locator("#login-submit").click()
    expect(page.locator("#login-submit")).to_have_count(0)  # a click does not wait for what it leads to


def employee(server: RunningServer) -> Resident:
    return server.hire(DIENVIDKURZEME, totp=True, **LONG)


def latest(server: RunningServer, who: Resident, kind: EventType = EventType.SIGNED_IN) -> int:
    with server.database.read() as work:
        user = work.people.find_user_by_username(who.username)
        assert user is not None
        return work.audit.activity_of(user.id, types=[kind], limit=1)[0].seq


def reported(page: Page, server: RunningServer, open_page: OpenPage) -> Resident:
    """Somebody elsewhere was signed in; the person says so."""
    who = employee(server)
    sign_in(open_page(), server, who)
    seq = latest(server, who)
    sign_in(page, server, who, f"/account/not-me?event={seq}")
    page.locator("#not-me").click()
    expect(page.locator("#case-prove")).to_be_visible()
    return who


def asked(page: Page, server: RunningServer, open_page: OpenPage) -> Resident:
    who = reported(page, server, open_page)
    page.locator("#case-prove").click()
    prove(page, who)
    expect(page.locator("#case-keep")).to_be_visible()
    return who


@pytest.mark.parametrize("scripts", [True, False], ids=["with scripts", "without scripts"])
def test_the_whole_way_in_a_browser(server: RunningServer, open_page: OpenPage, scripts: bool) -> None:
    who = employee(server)
    thief, owner = open_page(), open_page(java_script_enabled=scripts)
    sign_in(thief, server, who)
    expect(thief).to_have_url(f"{server.issuer}/")
    seq = latest(server, who)
    sign_in(owner, server, who, "/account")
    owner.locator(f"#event-{seq} a").click()
    expect(owner.locator("#page-title")).to_have_text("Vai tas nebijāt Jūs?")
    owner.locator("#not-me").click()
    thief.goto(f"{server.issuer}/account")
    expect(thief.locator("#username")).to_be_visible()
    owner.locator("#case-prove").click()
    prove(owner, who)
    expect(owner.locator("#page-title")).to_have_text("Vai šis ir Jūsu?")
    owner.locator("#case-keep").click()
    expect(owner.locator("#page-title")).to_have_text("Vai to zina vēl kāds?")
    owner.goto(f"{server.issuer}/account")
    owner.locator("#case-unfinished a").click()
    owner.locator("#case-renew").click()
    owner.locator("#current_password").fill(who.password)
    for field in ("#new_password", "#new_password_again"):
        owner.locator(field).fill("upe-akmens-vilnis")
    owner.locator("#login-submit").click()
    owner.locator("#case-finish").click()
    expect(owner.locator("#case-steps")).to_contain_text("Jūs to nomainījāt")
    expect(owner.locator("#case-number")).to_be_visible()


def test_activity_is_filtered_and_downloaded(server: RunningServer, desk: Page) -> None:
    who = employee(server)
    sign_in(desk, server, who, "/account")
    desk.locator("#all-activity").click()
    expect(desk.locator("tbody tr")).to_have_count(1)
    desk.locator("#kind").select_option("ways")
    desk.locator("#activity-show").click()
    expect(desk.locator(".empty")).to_be_visible()
    desk.locator("#kind").select_option("logins")
    desk.locator("#activity-show").click()
    with desk.expect_download() as download:
        desk.locator("#activity-csv").click()
    assert download.value.suggested_filename.endswith(".csv")
    assert Path(download.value.path()).read_text("utf-8-sig").startswith('"Laiks";"Kas notika"')


def test_the_language_is_chosen_for_good(server: RunningServer, desk: Page, open_page: OpenPage) -> None:
    who = employee(server)
    sign_in(desk, server, who, "/account")
    desk.locator("#language").select_option("en")
    desk.locator("#language-save").click()
    expect(desk.locator("html")).to_have_attribute("lang", "en")
    other = open_page()
    sign_in(other, server, who)
    expect(other.locator("html")).to_have_attribute("lang", "en")
    other.locator("#lang-lv").click()
    expect(other.locator("html")).to_have_attribute("lang", "lv")


# How it looks -------------------------------------------------------------------------------------------


def _busy(page: Page, server: RunningServer, path: str) -> None:
    """Somebody with a long name and a long day."""
    who = employee(server)
    sign_in(page, server, who, path)
    with server.database.begin() as work:
        user = work.people.find_user_by_username(who.username)
        assert user is not None
        client = work.clients.find("app-long") or add_client(work, "app-long", name=APPLICATION)
        detail = {"browser": "Chrome, Android"}
        for kind in (EventType.CONSENT_GIVEN, EventType.DEVICE_APPROVED, EventType.SESSION_ENDED):
            work.audit.append(
                Event(
                    type=kind,
                    user_id=user.id,
                    client_id=client.client_id,
                    address="2001:db8:85a3:8d3:1319:8a2e:370:7348",
                    detail=detail,
                )
            )
        for _ in range(60):
            work.audit.append(
                Event(
                    type=EventType.METHOD_FAILED,
                    user_id=user.id,
                    method="password",
                    address="192.0.2.10",
                    detail=detail,
                )
            )
        work.grants.save_consent(
            Consent(
                user_id=user.id,
                client_id=client.client_id,
                scopes=["openid", "profile", "email", "employment", "offline_access"],
                granted_at=1_760_000_000.0,
            )
        )
        add_family(work, user.id, client.client_id)
    page.goto(f"{server.issuer}{path}")


def _account(page: Page, server: RunningServer, open_page: OpenPage) -> None:
    _busy(page, server, "/account")


def _activity(page: Page, server: RunningServer, open_page: OpenPage) -> None:
    _busy(page, server, "/account/activity")


def _activity_later(page: Page, server: RunningServer, open_page: OpenPage) -> None:
    _busy(page, server, "/account/activity")
    page.locator("#activity-older").click()


def _activity_empty(page: Page, server: RunningServer, open_page: OpenPage) -> None:
    sign_in(page, server, employee(server), "/account/activity?kind=account")


def _explain(page: Page, server: RunningServer, open_page: OpenPage) -> None:
    who = employee(server)
    sign_in(open_page(), server, who)
    sign_in(page, server, who, f"/account/not-me?event={latest(server, who)}")


def _prove(page: Page, server: RunningServer, open_page: OpenPage) -> None:
    reported(page, server, open_page)


def _ask_sessions(page: Page, server: RunningServer, open_page: OpenPage) -> None:
    who = reported(page, server, open_page)
    sign_in(open_page(), server, who)
    page.locator("#case-prove").click()
    prove(page, who)
    expect(page.locator("#case-end")).to_be_visible()


def _ask_way(page: Page, server: RunningServer, open_page: OpenPage) -> None:
    asked(page, server, open_page)


def _ask_password(page: Page, server: RunningServer, open_page: OpenPage) -> None:
    asked(page, server, open_page)
    page.locator("#case-keep").click()
    expect(page.locator("#case-renew")).to_be_visible()


def _end(page: Page, server: RunningServer, open_page: OpenPage) -> None:
    _ask_password(page, server, open_page)
    page.locator("#case-keep").click()
    page.locator("#case-finish").click()
    expect(page.locator("#case-steps")).to_be_visible()


def _finish(page: Page, server: RunningServer, open_page: OpenPage) -> None:
    _ask_password(page, server, open_page)
    page.locator("#case-keep").click()
    expect(page.locator("#case-finish")).to_be_visible()


def _unfinished(page: Page, server: RunningServer, open_page: OpenPage) -> None:
    asked(page, server, open_page)
    page.goto(f"{server.issuer}/account")
    expect(page.locator("#case-unfinished")).to_be_visible()


EVERY_PAGE: dict[str, Callable[[Page, RunningServer, OpenPage], None]] = {
    "account": _account,
    "account-unfinished": _unfinished,
    "activity": _activity,
    "activity-later": _activity_later,
    "activity-empty": _activity_empty,
    "not-me": _explain,
    "prove": _prove,
    "ask-sessions": _ask_sessions,
    "ask-way": _ask_way,
    "ask-password": _ask_password,
    "finish": _finish,
    "end": _end,
}


@pytest.mark.parametrize("name", EVERY_PAGE)
def test_every_page_is_accessible_in_both_themes_and_fits_a_phone(
    server: RunningServer, open_page: OpenPage, name: str
) -> None:
    page = open_page(viewport=PHONE)
    EVERY_PAGE[name](page, server, open_page)
    looks_right(page, name)
