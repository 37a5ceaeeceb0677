"""Coming for the first time by the password of the network, in Chromium: waiting, and using an invitation."""

import time

import pytest
from playwright.sync_api import Page, expect

from idp.crypto import token_hash
from idp.login.ticket_codes import new_ticket_code
from idp.models.arrivals import Invitation
from idp.models.directories import Directory
from tests.support.directories import PASSWORD, connect_municipality, person
from tests.support.looks import looks_right
from tests.support.running_server import RunningServer
from tests.support.samba import Controller

pytestmark = [pytest.mark.browser, pytest.mark.allow_hosts(["127.0.0.0/8", "::1", "localhost"])]

DIENVIDKURZEME = "0027000"
"""The longest name there is."""


def newcomer(server: RunningServer, domain: Controller) -> tuple[str, Directory]:
    """The UPN of an entry that is nobody's, in a directory of its own."""
    name = f"new{time.monotonic_ns()}"[:19]
    suffix = f"{name}.test"
    domain.change(person(name, upn=f"{name}@{suffix}"))
    connect_municipality(
        server.database,
        domain,
        DIENVIDKURZEME,
        {},
        name=name,
        upn_suffixes=[suffix],
        netbios_name="",
        arrival="invitation",
    )
    with server.database.read() as work:
        directory = work.directories.find_by_name(DIENVIDKURZEME, name)
    assert directory is not None
    return f"{name}@{suffix}", directory


def invites(server: RunningServer, directory: Directory, username: str) -> str:
    with server.database.begin() as work:
        code, now = new_ticket_code(work.effects), work.effects.now()
        user = work.people.find_user_by_username(username)
        assert user is not None
        work.invitations.add(
            Invitation(
                id=work.effects.new_id(),
                code_hash=token_hash(code),
                user_id=user.id,
                source=directory.id,
                maker_municipality=None,
                made_by="command-line",
                made_at=now,
                expires_at=now + 3600,
            )
        )
    return code


def test_who_waits_is_told_what_to_do(server: RunningServer, riga_domain: Controller, phone: Page) -> None:
    upn, _ = newcomer(server, riga_domain)
    phone.goto(f"{server.issuer}/account")
    phone.locator("#username").fill(upn)
    phone.locator("#password").fill(PASSWORD)
    phone.locator("#login-submit").click()
    expect(phone.locator("#arrival-waits")).to_be_visible()
    expect(phone.locator("#error-code")).to_have_text("arrival_waits")
    looks_right(phone, "waiting to be linked")
    phone.locator("#use-invitation").click()
    expect(phone.locator("#network_name")).to_be_visible()


def test_an_invitation_is_opened_and_used(server: RunningServer, riga_domain: Controller, desk: Page) -> None:
    upn, directory = newcomer(server, riga_domain)
    hired = server.hire(DIENVIDKURZEME, given_name="Ārija-Wilhelmīne", family_name="Krastmala-Zvirbulēna")
    code = invites(server, directory, hired.username)
    desk.goto(f"{server.issuer}/invited#{code}")
    expect(desk.locator("#code")).not_to_have_value("")
    expect(desk).to_have_url(f"{server.issuer}/invited")
    looks_right(desk, "an invitation")
    desk.locator("#username").fill(hired.username)
    desk.locator("#network_name").fill("arija")
    desk.locator("#password").fill(PASSWORD)
    desk.locator("#login-submit").click()
    expect(desk.locator("#network_name")).to_have_attribute("aria-invalid", "true")
    looks_right(desk, "a name of no network")
    desk.locator("#network_name").fill(upn)
    desk.locator("#password").fill(PASSWORD)
    desk.locator("#login-submit").click()
    expect(desk.locator("#sign-in")).to_be_visible()
    looks_right(desk, "linked")
    desk.goto(f"{server.issuer}/account")
    desk.locator("#username").fill(upn)
    desk.locator("#password").fill(PASSWORD)
    desk.locator("#login-submit").click()
    expect(desk.locator("#page-title")).to_have_text("Mans konts")
