"""The password of a municipality's network in Chromium: one that is over, and a network that does not answer."""

import time

import pytest
from playwright.sync_api import Page, expect

from idp.models.people import Employment
from idp.policy import ADMINISTRATOR
from tests.support.directories import PASSWORD, connect_municipality, person
from tests.support.looks import looks_right
from tests.support.running_server import Resident, RunningServer
from tests.support.samba import Controller

pytestmark = [pytest.mark.browser, pytest.mark.allow_hosts(["127.0.0.0/8", "::1", "localhost"])]

DIENVIDKURZEME = "0027000"
"""The longest name there is."""
NEW = "Pavisam-jauna-88"


def works_there(
    server: RunningServer, domain: Controller, name: str, *, state: str = "fine", **columns: object
) -> Resident:
    domain.change(person(name, state=state))
    hired = server.hire(DIENVIDKURZEME, given_name="Ārija-Wilhelmīne", family_name="Krastmala-Zvirbulēna")
    guid = domain.change()[name]["guid"]
    connect_municipality(
        server.database, domain, DIENVIDKURZEME, {hired.username: guid}, name=name, **columns
    )
    return Resident(hired.username, PASSWORD, None)


def signs_in(page: Page, server: RunningServer, who: Resident) -> None:
    page.goto(f"{server.issuer}/account")
    page.locator("#username").fill(who.username)
    page.locator("#password").fill(who.password)
    page.locator("#login-submit").click()


def test_a_password_that_is_over_is_changed_on_the_way_in(
    server: RunningServer, riga_domain: Controller, desk: Page
) -> None:
    anna = works_there(server, riga_domain, f"over{time.monotonic_ns()}"[:19], state="must_change")
    signs_in(desk, server, anna)
    expect(desk.locator("#renewal-why")).to_be_visible()
    looks_right(desk, "a password that is over")
    for new, again in (("vienkarsi", "vienkarsi"), (NEW, NEW)):
        desk.locator("#password").fill(PASSWORD)
        desk.locator("#new_password").fill(new)
        desk.locator("#new_password_again").fill(again)
        desk.locator("#login-submit").click()
        if new != NEW:
            expect(desk.locator("#new_password")).to_have_attribute("aria-invalid", "true")
            looks_right(desk, "a new password that the network does not take")
    expect(desk.locator("#page-title")).to_have_text("Mans konts")
    looks_right(desk, "the account of somebody with a password of the network")


def test_a_municipality_has_its_own_page_for_that(
    server: RunningServer, riga_domain: Controller, phone: Page
) -> None:
    url = "https://parole.example.lv/"
    anna = works_there(
        server, riga_domain, f"page{time.monotonic_ns()}"[:19], state="must_change", change_url=url
    )
    signs_in(phone, server, anna)
    expect(phone.locator("#renewal-elsewhere")).to_have_attribute("href", url)
    looks_right(phone, "the municipality's own page")


def test_a_network_that_does_not_answer_is_said(
    server: RunningServer, riga_domain: Controller, phone: Page
) -> None:
    anna = works_there(server, riga_domain, f"down{time.monotonic_ns()}"[:19], controllers=["127.0.0.1:1"])
    signs_in(phone, server, anna)
    expect(phone.locator("main, body").first).to_contain_text("parole netika pārbaudīta")
    looks_right(phone, "a network that does not answer")


def test_meanwhile_a_password_kept_here_lets_in_and_an_administrator_sees_why(
    server: RunningServer, riga_domain: Controller, phone: Page
) -> None:
    name = f"Dienvidkurzemes novada pašvaldības tīkla {time.monotonic_ns()}"[:60]
    domain_name = f"meanwhile{time.monotonic_ns()}"[:19]
    riga_domain.change(person(domain_name))
    hired = server.hire(
        DIENVIDKURZEME,
        given_name="Ārija-Wilhelmīne",
        family_name="Krastmala-Zvirbulēna",
    )
    guid = riga_domain.change()[domain_name]["guid"]
    connect_municipality(
        server.database,
        riga_domain,
        DIENVIDKURZEME,
        {hired.username: guid},
        name=name,
        controllers=["127.0.0.1:1"],
        fallback="local",
    )
    with server.database.begin() as work:
        user = work.people.find_user_by_username(hired.username)
        assert user is not None
        work.people.add_employment(
            Employment(
                id=work.effects.new_id(),
                user_id=user.id,
                municipality=DIENVIDKURZEME,
                position="Administratore",
                roles=[ADMINISTRATOR],
            )
        )
    signs_in(phone, server, Resident(hired.username, PASSWORD, None))
    expect(phone.locator("#meanwhile")).to_be_focused()
    looks_right(phone, "ways that are left")
    phone.locator("#own_secret").check()
    phone.locator("#password").fill("certainly not it")
    phone.locator("#login-submit").click()
    expect(phone.locator("#own_secret")).to_be_checked()
    expect(phone.locator("#meanwhile")).to_have_count(0)
    looks_right(phone, "a password kept here that is wrong")
    phone.locator("#password").fill(hired.password)
    phone.locator("#login-submit").click()
    expect(phone.locator("#page-title")).to_have_text("Mans konts")
    phone.goto(server.issuer)
    expect(phone.locator("[id^=directory-silent-]", has_text=name)).to_be_visible()
    looks_right(phone, "an administrator's first page while a directory is silent")
