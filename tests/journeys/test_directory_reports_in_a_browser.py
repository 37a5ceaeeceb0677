"""What readings of a municipality's directory did, in Chromium: whoever looks after it reads it and says yes."""

import time
from dataclasses import dataclass

import pytest
from playwright.sync_api import Page, expect

from idp.effects import Effects
from idp.models.directories import Directory
from idp.models.people import Employment
from idp.people.directory_sync import Asked, DirectorySyncs
from idp.policy import ADMINISTRATOR
from tests.journeys.test_browser import sign_in
from tests.support.directories import connect_municipality, person
from tests.support.looks import looks_right
from tests.support.running_server import Resident, RunningServer
from tests.support.samba import Controller

pytestmark = [pytest.mark.browser, pytest.mark.allow_hosts(["127.0.0.0/8", "::1", "localhost"])]

DIENVIDKURZEME = "0027000"
"""The longest name there is."""
SIX_AND_ONE = 7
"""More than may always be shut out at once."""


@dataclass
class Network:
    """Of Dienvidkurzeme, under a name of its own, with seven people who have the role of a group there."""

    server: RunningServer
    directory_id: str

    @property
    def directory(self) -> Directory:
        with self.server.database.read() as work:
            return work.directories.get(self.directory_id)

    @property
    def address(self) -> str:
        return f"{self.server.issuer}/directories/{self.directory_id}"

    @property
    def latest(self) -> str:
        """The address of the latest reading."""
        with self.server.database.read() as work:
            (run,) = work.directory_syncs.list_runs(self.directory_id, limit=1)
        return f"{self.address}/{run.id}"

    def reads(self) -> None:
        DirectorySyncs(self.server.database, Effects()).run(self.directory, Asked())

    def falls_silent(self) -> None:
        directory = self.directory
        directory.controllers = ["127.0.0.1:1"]
        with self.server.database.begin() as work:
            work.directories.put(directory)


@pytest.fixture
def names() -> list[str]:
    """In the directory, of this test alone."""
    stem = f"rep{time.monotonic_ns()}"[-15:]
    return [f"{stem}{number}" for number in range(SIX_AND_ONE)]


@pytest.fixture
def network(server: RunningServer, riga_domain: Controller, names: list[str]) -> Network:
    group = f"{names[0]} Dienvidkurzemes novada pašvaldības lietveži"[:60]
    made = riga_domain.change(
        *(person(name) for name in names), {"do": "group", "name": group, "members": names}
    )
    hired = [server.hire(DIENVIDKURZEME) for _ in names]
    links = {who.username: made[name]["guid"] for who, name in zip(hired, names, strict=True)}
    called = f"Dienvidkurzemes novada pašvaldības un tās iestāžu tīkls {names[0]}"
    connect_municipality(
        server.database, riga_domain, DIENVIDKURZEME, links, name=called, roles={made[group]["dn"]: "clerk"}
    )
    with server.database.read() as work:
        found = work.directories.find_by_name(DIENVIDKURZEME, called)
    assert found is not None
    return Network(server, found.id)


@pytest.fixture
def administrator(server: RunningServer) -> Resident:
    hired = server.hire(DIENVIDKURZEME, totp=True)
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
    return hired


@pytest.fixture(params=["phone", "desk"])
def page(request: pytest.FixtureRequest) -> Page:
    found: Page = request.getfixturevalue(request.param)
    return found


def test_reports_of_readings_are_read_on_any_screen_and_agreed_to(
    server: RunningServer,
    riga_domain: Controller,
    network: Network,
    administrator: Resident,
    names: list[str],
    page: Page,
) -> None:
    sign_in(page, server, administrator)
    expect(page.locator("#municipal-directories")).to_be_visible()
    page.goto(f"{server.issuer}/directories")
    looks_right(page, "directories, one of which was not read yet")
    page.goto(network.address)
    looks_right(page, "no readings yet")
    network.reads()
    page.goto(network.latest)
    expect(page.locator("#done")).to_be_visible()
    looks_right(page, "a reading that gave roles")
    riga_domain.change(*({"do": "disable", "name": name} for name in names))
    network.reads()
    page.goto(f"{server.issuer}/directories")
    looks_right(page, "directories, one of which waits")
    page.goto(network.address)
    expect(page.locator("#reading-2")).to_be_visible()
    looks_right(page, "readings, one of which waits")
    held = network.latest
    page.goto(held)
    expect(page.locator("#held tbody tr")).to_have_count(SIX_AND_ONE)
    looks_right(page, "a reading that waits")
    page.locator("#confirm-reading").click()
    expect(page.locator("#done")).to_be_visible()
    looks_right(page, "a reading that shut people out")
    page.goto(held)
    expect(page.locator("#confirm-reading")).to_have_count(0)
    looks_right(page, "a reading that was agreed to")


def test_a_yes_that_nobody_could_carry_out_is_said(
    server: RunningServer,
    riga_domain: Controller,
    network: Network,
    administrator: Resident,
    names: list[str],
    phone: Page,
) -> None:
    network.reads()
    riga_domain.change(*({"do": "disable", "name": name} for name in names))
    network.reads()
    sign_in(phone, server, administrator)
    expect(phone.locator("#page-title")).to_be_visible()
    phone.goto(network.latest)
    network.falls_silent()
    phone.locator("#confirm-reading").click()
    expect(phone.locator("#reading-problem")).to_be_focused()
    looks_right(phone, "a directory that does not answer to a yes")
    phone.goto(network.latest)
    looks_right(phone, "a reading that failed")
