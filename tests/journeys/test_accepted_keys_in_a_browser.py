"""Which keys are accepted, as employees meet it in Chromium, whose authenticators attest in the format `packed`."""

from collections.abc import Callable

import pytest
from playwright.sync_api import Page, expect

from idp.models.authenticators import AttestationRule
from tests.journeys.test_passkeys_in_a_browser import sign_in
from tests.support.browser import PHONE, OpenPage
from tests.support.builders import ADAZI
from tests.support.looks import looks_right
from tests.support.running_server import Resident, RunningServer
from tests.support.virtual_authenticators import Plug

pytestmark = pytest.mark.browser

NOT_ACCEPTED = "Jūsu kontam šāda veida atslēga nav atļauta."
MAY_ASK = "vai drīkstam redzēt atslēgas marku un modeli"


def demands(server: RunningServer, **columns: str) -> None:
    """In a municipality where nobody else of these tests works."""
    with server.database.begin() as work:
        work.rules.put_attestation_rule(AttestationRule(scope=ADAZI, **columns))


def test_a_real_browser_s_attestation_is_read_and_a_key_that_nobody_vouches_for_is_refused(
    server: RunningServer, desk: Page
) -> None:
    plug, who = Plug(desk), server.hire(ADAZI)
    plug.laptop()
    demands(server, attestation="mds")
    sign_in(desk, server, who, "/account/methods/passkey")
    expect(desk.locator("main")).to_contain_text(MAY_ASK)
    desk.locator("#login-submit").click()
    expect(desk.get_by_role("alert").filter(has_text=NOT_ACCEPTED)).to_be_visible()
    demands(server, binding="device_bound_or_attested")
    desk.locator("#login-submit").click()
    expect(desk.locator("#recovery-codes li")).to_have_count(10)


def _asked(page: Page, server: RunningServer, who: Resident) -> None:
    sign_in(page, server, who, "/account/methods/security_key")
    expect(page.locator("main")).to_contain_text(MAY_ASK)


def _refused(page: Page, server: RunningServer, who: Resident) -> None:
    Plug(page).laptop()
    sign_in(page, server, who, "/account/methods/passkey")
    page.locator("#login-submit").click()
    expect(page.get_by_role("alert").filter(has_text=NOT_ACCEPTED)).to_be_visible()


def _no_longer_accepted(page: Page, server: RunningServer, who: Resident) -> None:
    """A key from before the demand, seen by its owner who came in with password and code."""
    demands(server)
    Plug(page).laptop()
    sign_in(page, server, who, "/account/methods/passkey")
    page.locator("#code").fill(who.code())
    page.locator("#login-submit").click()
    page.locator("#label").fill("Dienvidkurzemes novada pašvaldības klēts dators")
    page.locator("#login-submit").click()
    page.locator("#login-submit").click()
    expect(page.locator("#account-method-passkey")).to_contain_text("klēts dators")
    demands(server, attestation="mds")
    page.goto(f"{server.issuer}/account")
    expect(page.locator("#account-method-passkey")).to_contain_text("Ar to nevar pieslēgties")


PAGES: dict[str, Callable[[Page, RunningServer, Resident], None]] = {
    "asked": _asked,
    "refused": _refused,
    "no longer accepted": _no_longer_accepted,
}


@pytest.mark.parametrize("name", PAGES)
def test_its_pages_are_accessible_in_both_themes_and_fit_a_phone(
    server: RunningServer, open_page: OpenPage, name: str
) -> None:
    page = open_page(viewport=PHONE)
    demands(server, attestation="mds")
    PAGES[name](page, server, server.hire(ADAZI, totp=name == "no longer accepted"))
    looks_right(page, name)
