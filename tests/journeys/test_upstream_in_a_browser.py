"""By the municipality's own log-in page: in Chromium, and with a visvaris as the upstream of another."""

import ssl
import time
from collections.abc import Iterator
from dataclasses import dataclass
from ipaddress import ip_network
from pathlib import Path

import pytest
from playwright.sync_api import Browser, Page, expect

from idp.crypto import token_hash
from idp.effects import Effects
from idp.events import Event, EventType
from idp.login.ticket_codes import new_ticket_code
from idp.login.upstream_links import leaving_method, link
from idp.methods.base import LeavesBrowser
from idp.models.arrivals import Invitation, Match
from idp.models.people import PolicyRule
from idp.models.upstreams import Upstream
from idp.oidc.client_metadata import register
from idp.oidc.upstream import callback_of
from idp.policy import NATIONAL, Level
from idp.storage import municipalities
from idp.storage.database import Database
from tests.support.actors import ISSUER, Hall
from tests.support.browser import DESK, another_browser, open_pages
from tests.support.builders import RIGA, make_database
from tests.support.certificates import Authority
from tests.support.looks import looks_right
from tests.support.remote import remote_server
from tests.support.running_server import RunningServer, running_server
from tests.support.upstream.place import ADDRESS, ALL, DOMAIN
from tests.support.upstream.provider import CLIENT_ID, SECRET, TENANT, Colleague
from tests.support.upstream.provider import Upstream as Provider

OUTSIDE = (ip_network("127.0.0.0/8"), ip_network("::1/128"))


def add(database: Database, secret: str, **columns: object) -> Upstream:
    """With leave for everybody in Riga to use it."""
    effects = Effects()
    values = {"id": effects.new_id(), "municipality": RIGA, "name": "Rīgas konts", "created_at": time.time()}
    upstream = Upstream(client_secret_sealed="", **{**values, **columns})
    with database.begin() as work:
        work.upstreams.add(upstream, secret, [DOMAIN])
        for scope in (NATIONAL, RIGA):
            rule = PolicyRule(
                id=effects.new_id(), scope=scope, minimum_level=int(Level.ONE_FACTOR), methods=ALL
            )
            work.rules.replace_scope(scope, [rule])
    return upstream


def link_to(
    database: Database, method: LeavesBrowser, upstream: Upstream, subject: str, username: str
) -> None:
    with database.begin() as work:
        user = work.people.find_user_by_username(username)
        assert user is not None
        event = Event(type=EventType.METHOD_ENROLLED, actor_id="test")
        link(work, method, upstream, subject, user, event, replaces=False)


# In Chromium ---------------------------------------------------------------------------------------------


@dataclass
class Place:
    server: RunningServer
    op: Provider
    row: Upstream
    page: Page

    def leaves(self) -> None:
        self.page.goto(f"{self.server.issuer}/account")
        self.page.locator("#username").fill(ADDRESS)
        self.page.locator("#login-submit").click()


@pytest.fixture
def place(browser: Browser, authority: Authority) -> Iterator[Place]:
    settings = {
        "IDP_OUTBOUND_CA_FILE": str(authority.ca_file),
        "IDP_OUTBOUND_ALLOW": "127.0.0.0/8,::1/128",
    }
    trust = ssl.create_default_context(cafile=authority.ca_file)
    with (
        remote_server(authority.server()) as remote,
        running_server(**settings) as server,
        another_browser(browser, "--ignore-certificate-errors") as trusting,
        open_pages(trusting) as opened,
    ):
        op = Provider(remote, trust, time.time)
        row = add(server.database, SECRET, issuer=op.issuer, client_id=CLIENT_ID, tenant=TENANT)
        yield Place(server, op, row, opened(viewport=DESK, locale="lv-LV"))


@pytest.mark.browser
def test_a_person_types_an_address_and_is_back_signed_in(place: Place, fresh_hall: Hall) -> None:
    who = place.server.hire()
    link_to(
        place.server.database, leaving_method(fresh_hall.provider.methods), place.row, "oid-k1", who.username
    )
    place.leaves()
    expect(place.page).to_have_url(f"{place.server.issuer}/account")
    expect(place.page.locator("#page-title")).to_be_visible()
    assert place.op.asked[0]["login_hint"] == ADDRESS
    assert place.op.asked[0]["ui_locales"] == "lv"


@pytest.mark.browser
def test_who_has_no_account_reads_what_to_do(place: Place) -> None:
    place.op.who = Colleague("stranger")
    place.leaves()
    expect(place.page.locator("#error-code")).to_have_text("upstream_not_linked")
    looks_right(place.page, "not linked")


@pytest.mark.browser
def test_the_page_that_leads_there_is_as_all_others(place: Place) -> None:
    """Where the browser does not go on by itself."""

    def without_going_on(route: object) -> None:
        answer = route.fetch()  # type: ignore[attr-defined]
        headers = {name: value for name, value in answer.headers.items() if name != "refresh"}
        route.fulfill(response=answer, headers=headers)  # type: ignore[attr-defined]

    place.page.route("**/login/*", without_going_on)
    place.leaves()
    expect(place.page.locator("#leave")).to_be_visible()
    looks_right(place.page, "leaving")
    place.page.locator("#leave").click()
    expect(place.page.locator("#error-code")).to_have_text("upstream_not_linked")


def invites(place: Place, username: str) -> str:
    with place.server.database.begin() as work:
        work.upstreams.set_rule(place.row.id, Match.INVITATION, "", creates_accounts=False)
        code, now = new_ticket_code(work.effects), work.effects.now()
        user = work.people.find_user_by_username(username)
        assert user is not None
        work.invitations.add(
            Invitation(
                id=work.effects.new_id(),
                code_hash=token_hash(code),
                user_id=user.id,
                source=place.row.id,
                maker_municipality=None,
                made_by="command-line",
                made_at=now,
                expires_at=now + 3600,
            )
        )
    return code


@pytest.mark.browser
def test_an_invitation_is_typed_and_links_who_logs_in_there(place: Place) -> None:
    """attack 44: what stands after the # of a link that somebody was sent is not taken."""
    who = place.server.hire()
    code = invites(place, who.username)
    page = place.page
    page.goto(f"{place.server.issuer}/invited/organisation#{code}")
    expect(page.locator("#page-title")).to_be_visible()
    expect(page.locator("#code")).to_have_value("")
    looks_right(page, "an invitation")
    page.locator("#username").fill("somebody.else")
    page.locator("#code").fill(code)
    page.locator("#login-submit").click()
    expect(page.locator("#error-summary-title")).to_be_visible()
    expect(page.locator("#username")).to_have_value("somebody.else")
    looks_right(page, "an invitation of somebody else")
    page.locator("#username").fill(who.username)
    page.locator("#login-submit").click()
    expect(page.locator("#sign-in")).to_be_visible()
    expect(page).to_have_url(f"{place.server.issuer}/invited/organisation/done")
    looks_right(page, "linked")
    place.leaves()
    expect(page).to_have_url(f"{place.server.issuer}/account")
    expect(page.locator("#page-title")).to_have_text("Mans konts")


@pytest.mark.browser
def test_who_comes_back_from_there_as_nobody_reads_why(place: Place) -> None:
    code = invites(place, who := place.server.hire().username)
    place.op.changes = {"nonce": "another"}
    place.page.goto(f"{place.server.issuer}/invited/organisation")
    place.page.locator("#username").fill(who)
    place.page.locator("#code").fill(code)
    place.page.locator("#login-submit").click()
    expect(place.page.locator("#error-summary-title")).to_be_visible()
    expect(place.page.locator("#username")).to_have_value("")
    looks_right(place.page, "not confirmed")


# Between two of us ---------------------------------------------------------------------------------------


@pytest.fixture
def fresh_hall(tmp_path: Path) -> Iterator[Hall]:
    """At the time that the running server has."""
    url = f"sqlite:///{tmp_path / 'downstream.sqlite3'}"
    with make_database(url).begin() as work:
        municipalities.load(work)
    hall = Hall(url, options={"outbound_allow": OUTSIDE})
    hall.clock.at = time.time()
    yield hall
    hall.close()


def test_one_of_us_signs_people_in_at_another(server: RunningServer, fresh_hall: Hall) -> None:
    document = {
        "client_name": "Cits visvaris",
        "redirect_uris": [callback_of(ISSUER, "upstream-1")],
        "scope": "openid profile email",
        "token_endpoint_auth_method": "client_secret_post",
        "visvaris": {"first_party": True},
    }
    registration = register(document, Effects())
    with server.database.begin() as work:
        work.clients.add(registration.client)
    there = server.hire()
    anna = fresh_hall.employee("anna")
    upstream = add(
        fresh_hall.world.database,
        registration.secret or "",
        issuer=server.issuer,
        client_id=registration.client.client_id,
        id="upstream-1",
    )
    first, window = fresh_hall.browser(), server.browser()
    first.opens("/")
    page = first.presses(username=ADDRESS, password="")
    window.opens(page.content.links["leave"].removeprefix(server.issuer))
    window.presses(username=there.username, password=there.password)
    fresh_hall.clock.at = time.time()
    assert window.left_for is not None
    arrival = first.opens(window.left_for.removeprefix(ISSUER))
    assert arrival.error_code == "upstream_not_linked", arrival.words
    with fresh_hall.world.database.read() as work:
        (waits,) = work.upstreams.list_arrivals(RIGA)
    method = leaving_method(fresh_hall.provider.methods)
    link_to(fresh_hall.world.database, method, upstream, waits.subject, anna.username)

    second = fresh_hall.browser()
    second.opens("/")
    page = second.presses(username=ADDRESS, password="")
    window.opens(page.content.links["leave"].removeprefix(server.issuer))  # signed in there already
    assert window.left_for is not None
    fresh_hall.clock.at = time.time()
    second.opens(window.left_for.removeprefix(ISSUER))
    assert second.is_signed_in
