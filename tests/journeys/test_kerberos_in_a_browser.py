"""Computers at work sign in by their tickets through a real proxy: curl, and Chromium with and without a ticket."""

import ssl
import subprocess
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import httpx
import pytest
from playwright.sync_api import Browser, Page, Route, expect

from idp.gateways.kerberos.keytab import read_keytab
from idp.models.networks import Network
from idp.people import keytabs
from tests.support.browser import OpenPage, browser_of_a_computer
from tests.support.certificates import Authority
from tests.support.directories import connect_municipality, person
from tests.support.looks import looks_right
from tests.support.nginx import PROXY_ADDRESS, Ports, nginx
from tests.support.running_server import Resident, RunningServer, running_server
from tests.support.samba import Controller
from tests.support.services import free_port
from tests.support.tickets import Computer, serve

pytestmark = [pytest.mark.browser, pytest.mark.allow_hosts(["127.0.0.0/8", "::1", "localhost"])]

DIENVIDKURZEME = "0027000"
"""The longest name there is."""
HOST, NAME, NOBODY_HERE = "localhost", "kzarija", "kznezinamais"
HERE = ("127.0.0.1/32", "::1/128")


@dataclass(frozen=True)
class Office:
    """The provider behind nginx, a domain, and somebody in it. Its network is where the tests run."""

    server: RunningServer
    controller: Controller
    ca_file: Path
    arija: Resident

    def application(self) -> str:
        """Where somebody is sent who opens one."""
        return self.server.application("demo-web").ask().url


@pytest.fixture(scope="session")
def keytab(_riga_domain: Controller, tmp_path_factory: pytest.TempPathFactory) -> bytes:
    """For the provider as it is called here; and people in the domain."""
    _riga_domain.change(person(NAME), person(NOBODY_HERE))
    return serve(_riga_domain, tmp_path_factory.mktemp("keytab") / "k", name="http-localhost", host=HOST)


@pytest.fixture(scope="module")
def office(
    tmp_path_factory: pytest.TempPathFactory, authority: Authority, _riga_domain: Controller, keytab: bytes
) -> Iterator[Office]:
    folder = tmp_path_factory.mktemp("nginx")
    ports = Ports(people=free_port(), certificates=free_port(), provider=free_port())
    issuer = f"https://{HOST}:{ports.people}"
    with (
        running_server(issuer=issuer, port=ports.provider, IDP_TRUSTED_PROXIES=PROXY_ADDRESS) as server,
        nginx(folder, ports, authority.server(name="nginx-at-work")),
    ):
        yield Office(server, _riga_domain, authority.ca_file, settled(server, _riga_domain, keytab))


def settled(server: RunningServer, domain: Controller, keytab: bytes) -> Resident:
    """A directory with keys, a network, rules that allow it, and who is somebody there."""
    arija = server.hire(DIENVIDKURZEME, given_name="Ārija-Wilhelmīne", family_name="Krastmala-Zvirbulēna")
    guid = domain.change()[NAME]["guid"]
    connect_municipality(server.database, domain, DIENVIDKURZEME, {arija.username: guid}, name="Domēns")
    with server.database.begin() as work:
        for cidr in HERE:
            work.networks.add(Network(id=cidr, municipality=DIENVIDKURZEME, name="Birojs", cidr=cidr))
        directory = work.directories.find_by_name(DIENVIDKURZEME, "Domēns")
        assert directory is not None
        keytabs.keep(work, directory, read_keytab(keytab), work.effects, automatic=True, by="test")
    return arija


@pytest.fixture
def computer(office: Office, tmp_path: Path) -> Computer:
    """At which nobody is logged in yet."""
    return Computer(office.controller, tmp_path / "computer", host=HOST)


@pytest.fixture
def at_work(office: Office, computer: Computer, browser: Browser, tmp_path: Path) -> Iterator[Page]:
    """A browser at a computer at which somebody is logged in."""
    computer.log_in(NAME)
    with browser_of_a_computer(browser, tmp_path / "profile", computer.environment, asked_by=HOST) as page:
        yield page


@pytest.fixture
def elsewhere(office: Office, open_page: OpenPage) -> Page:
    """A browser on the same network, without a ticket."""
    return open_page(ignore_https_errors=True)


def signed_in_as(page: Page, who: Resident) -> None:
    expect(page.locator("#page-title")).to_have_text("Mans konts")
    expect(page.locator("body")).to_contain_text(who.username)


def test_one_click_signs_in(office: Office, at_work: Page) -> None:
    at_work.goto(f"{office.server.issuer}/account")
    looks_right(at_work, "the sign-in page at a computer at work")
    at_work.locator("#method-kerberos").click()
    signed_in_as(at_work, office.arija)


def test_on_the_way_to_an_application_not_even_that(office: Office, at_work: Page) -> None:
    at_work.goto(office.application())
    expect(at_work.locator("#consent-allow")).to_be_visible()
    expect(at_work.locator("main")).to_contain_text("Ārija-Wilhelmīne")


def test_who_is_nobody_here_yet_is_told_so_when_they_press_and_is_kept_from_nothing(
    office: Office, computer: Computer, browser: Browser, tmp_path: Path
) -> None:
    computer.log_in(NOBODY_HERE)
    profile = tmp_path / "profile"
    with browser_of_a_computer(browser, profile, computer.environment, asked_by=HOST) as page:
        page.goto(office.application())
        expect(page.locator("#username")).to_be_visible()
        expect(page.locator("#computer-failed")).to_have_count(0)
        page.locator("#method-kerberos").click()
        expect(page.locator("#arrival-waits")).to_be_visible()
        expect(page.locator("#error-code")).to_have_text("arrival_waits")
        looks_right(page, "the page for who waits to be linked, at a computer at work")
        page.locator("#login-restart").click()
        expect(page.locator("#username")).to_be_visible()


def test_a_browser_without_a_ticket_comes_to_the_usual_page_by_itself(
    office: Office, elsewhere: Page
) -> None:
    elsewhere.goto(office.application())
    expect(elsewhere.locator("#username")).to_be_visible()
    expect(elsewhere.locator("#computer-failed")).to_have_count(0)
    elsewhere.locator("#method-kerberos").click()
    expect(elsewhere.locator("#computer-failed")).to_be_visible()
    looks_right(elsewhere, "the sign-in page after the computer had nothing to say")
    someone = office.server.hire(DIENVIDKURZEME)
    elsewhere.locator("#username").fill(someone.username)
    elsewhere.locator("#password").fill(someone.password)
    elsewhere.locator("#login-submit").click()
    expect(elsewhere.locator("#consent-allow")).to_be_visible()


def test_the_page_that_asks_leads_on_also_for_who_stays_on_it(office: Office, elsewhere: Page) -> None:
    def stay(route: Route) -> None:
        answer = route.fetch()
        headers = {name: value for name, value in answer.headers.items() if name != "refresh"}
        route.fulfill(response=answer, headers=headers)

    elsewhere.route("**/negotiate", stay)
    elsewhere.goto(f"{office.server.issuer}/account")
    elsewhere.locator("#method-kerberos").click()
    expect(elsewhere.locator("#other-ways")).to_be_visible()
    looks_right(elsewhere, "the page that asks the computer")
    elsewhere.locator("#other-ways").click()
    expect(elsewhere.locator("#username")).to_be_visible()


# Without a browser ----------------------------------------------------------------------------------------


def curl(office: Office, computer: Computer, *arguments: str) -> str:
    jar = str(computer.directory / "cookies")
    command = ["curl", "--silent", "--show-error", "--cacert", str(office.ca_file), "--cookie", jar]
    done = subprocess.run(
        [*command, "--cookie-jar", jar, *arguments],
        env=computer.environment,
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode in {0, 7}, done.stderr  # nobody listens where the application would be
    return done.stdout


def test_so_does_curl(office: Office, computer: Computer) -> None:
    computer.log_in(NAME)
    curl(office, computer, "--location", "--negotiate", "--user", ":", office.application())
    assert office.arija.username in curl(office, computer, f"{office.server.issuer}/account")


def test_curl_without_a_ticket_is_shown_the_other_ways(office: Office, computer: Computer) -> None:
    shown = curl(office, computer, "--location", "--negotiate", "--user", ":", office.application())
    assert "other-ways" in shown
    assert office.arija.username not in curl(office, computer, f"{office.server.issuer}/account")


@pytest.mark.parametrize("length", [64_000, 70_000])
def test_the_proxy_lets_the_longest_tickets_through(office: Office, length: int) -> None:
    """Groups make them long; what is too long the provider says itself."""
    with httpx.Client(verify=ssl.create_default_context(cafile=office.ca_file), timeout=20) as http:
        asked = http.get(office.application(), follow_redirects=True)
        assert asked.status_code == 401
        answered = http.get(asked.url, headers={"Authorization": "Negotiate " + "A" * length})
    assert answered.status_code == 303
    assert str(asked.url).removesuffix("/negotiate").endswith(answered.headers["Location"])
