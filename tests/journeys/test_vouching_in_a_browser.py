"""Vouching in Chromium: the whole way with a stop and without one, with and without scripts, and how it looks."""

from collections.abc import Callable, Iterator

import pyotp
import pytest
from playwright.sync_api import Page, expect

from idp.models.municipality_rules import MunicipalityRules
from tests.support.browser import OpenPage
from tests.support.looks import looks_right
from tests.support.running_server import Resident, RunningServer, running_server

pytestmark = pytest.mark.browser

DIENVIDKURZEME = "0027000"
"""The longest name."""
LONG = {"given_name": "Aleksandra-Konstance", "family_name": "Vītoliņa-Jaunzemniece"}
DAY = 86400.0
HOURS = 24


@pytest.fixture(scope="module")
def _town() -> Iterator[RunningServer]:
    """A server of its own, where that municipality lets its people vouch from the beginning."""
    with running_server() as started:
        with started.database.begin() as work:
            work.municipality_rules.put(DIENVIDKURZEME, MunicipalityRules(vouching_hours=HOURS))
        yield started


@pytest.fixture
def town(_town: RunningServer) -> Iterator[RunningServer]:
    with _town.database.begin() as work:
        work.connection().exec_driver_sql("DELETE FROM throttle")  # all who ask here are at one address
    yield _town
    _town.close_browsers()


def hires(town: RunningServer, *roles: str, **columns: str) -> Resident:
    made = town.hire(DIENVIDKURZEME, totp=True, **columns)
    if roles:
        post = town.post_of(made, DIENVIDKURZEME)
        with town.database.begin() as work:
            work.connection().exec_driver_sql(
                "UPDATE employments SET roles = ? WHERE id = ?", (f'["{roles[0]}"]', post.id)
            )
    return made


def asks(page: Page, town: RunningServer, who: Resident) -> None:
    page.goto(town.issuer)
    page.locator("#recover").click()
    page.locator("#username").fill(who.username)
    page.locator("#by-vouching").click()
    expect(page.locator("#vouching-number")).to_be_visible()


def told(page: Page) -> tuple[str, str]:
    """What the asking browser shows, to be read out: the request, and the number to pick."""
    return page.locator("#vouching-request").inner_text(), page.locator("#vouching-number").inner_text()


def comes(page: Page, town: RunningServer, who: Resident) -> None:
    page.goto(f"{town.issuer}/vouch")
    page.locator("#username").fill(who.username)
    page.locator("#password").fill(who.password)
    page.locator("#login-submit").click()
    assert who.authenticator is not None
    page.locator("#code").fill(who.authenticator.now())  # of this half minute: it lasts on a slow machine
    page.locator("#login-submit").click()
    expect(page.locator("#request")).to_be_visible()


def finds(page: Page, request: str) -> None:
    page.locator("#request").fill(request)
    page.locator("#vouching-find").click()
    expect(page.locator("#vouching-question")).to_be_visible()


def vouches(page: Page, request: str, number: str) -> None:
    finds(page, request)
    page.locator(f"#number-{number}").click()
    expect(page.locator("#vouching-take-back")).to_be_visible()


def two_vouch(town: RunningServer, open_page: OpenPage, asking: Page) -> None:
    request, number = told(asking)
    for voucher in (hires(town, "manager"), hires(town)):
        page = open_page()
        comes(page, town, voucher)
        vouches(page, request, number)


def a_day_passes(town: RunningServer) -> None:
    """For all that was vouched for: the server's clock is the real one."""
    with town.database.begin() as work:
        work.connection().exec_driver_sql(
            "UPDATE vouching_requests SET ready_at = ready_at - ?, expires_at = expires_at - ?"
            " WHERE ready_at IS NOT NULL",
            (DAY, DAY),
        )


@pytest.mark.parametrize("scripts", [True, False], ids=["with scripts", "without scripts"])
def test_the_whole_way_without_a_stop(town: RunningServer, open_page: OpenPage, scripts: bool) -> None:
    who = hires(town, **LONG)
    asking = open_page(java_script_enabled=scripts)
    asks(asking, town, who)
    two_vouch(town, open_page, asking)
    asking.locator("#vouching-look").click()
    expect(asking.locator("#vouching-ready-at")).to_be_visible()
    expect(asking.locator("#vouching-go-on")).to_have_count(0)
    a_day_passes(town)
    asking.locator("#vouching-look").click()
    asking.locator("#vouching-go-on").click()
    asking.locator("#method-totp").click()
    expect(asking.locator("#totp-key")).to_have_count(1)
    key = (asking.locator("#totp-key").text_content() or "").replace(" ", "")
    asking.locator("#code").fill(pyotp.TOTP(key).now())
    asking.locator("#login-submit").click()
    expect(asking.locator("#page-title")).to_be_visible()
    expect(asking.locator("#code")).to_have_count(0)
    with town.database.read() as work:
        user = work.people.find_user_by_username(who.username)
        assert user is not None
        kinds = [event.type for event in work.audit.activity_of(user.id)]
    assert "recovery.finished" in kinds


def test_the_owner_stops_it_from_the_mail_without_signing_in(
    town: RunningServer, open_page: OpenPage
) -> None:
    who = hires(town, email="aleksandra@dienvidkurzeme.example.lv")
    asking, reading = open_page(), open_page()
    asks(asking, town, who)
    two_vouch(town, open_page, asking)
    reading.goto(f"{town.issuer}/mail")
    reading.locator("#kept-mails a").first.click()
    reading.locator(".mail-links a", has_text="/recover/stop").click()
    expect(reading.locator("#vouching-stop")).to_be_visible()
    reading.locator("#vouching-stop").click()
    expect(reading.locator("#page-title")).to_have_text("Tas ir apturēts")
    a_day_passes(town)
    asking.reload()
    expect(asking.locator("#page-title")).to_have_text("Šis pieprasījums ir beidzies")
    expect(asking.locator("#vouching-go-on")).to_have_count(0)


def test_the_owner_stops_it_in_an_open_session(town: RunningServer, open_page: OpenPage) -> None:
    who = hires(town)
    asking, own = open_page(), open_page()
    asks(asking, town, who)
    comes(own, town, who)
    own.goto(f"{town.issuer}/")
    own.locator("#vouching-stop-1").click()
    expect(own.locator("#profile")).to_be_visible()
    expect(own.locator("#vouching-1")).to_have_count(0)
    asking.reload()
    expect(asking.locator("#page-title")).to_have_text("Šis pieprasījums ir beidzies")


Prepare = Callable[[Page, RunningServer, OpenPage], None]


def _recover(page: Page, town: RunningServer, open_page: OpenPage) -> None:
    asks(page, town, hires(town, **LONG))
    page.goto(f"{town.issuer}/recover")


def _waiting(page: Page, town: RunningServer, open_page: OpenPage) -> None:
    asks(page, town, hires(town, **LONG))


def _cooling(page: Page, town: RunningServer, open_page: OpenPage) -> None:
    _waiting(page, town, open_page)
    two_vouch(town, open_page, page)
    page.reload()
    expect(page.locator("#vouching-ready-at")).to_be_visible()


def _ready(page: Page, town: RunningServer, open_page: OpenPage) -> None:
    _cooling(page, town, open_page)
    a_day_passes(town)
    page.reload()
    expect(page.locator("#vouching-go-on")).to_be_visible()


def _over(page: Page, town: RunningServer, open_page: OpenPage) -> None:
    page.goto(f"{town.issuer}/recover/vouching/nothing")


def _find(page: Page, town: RunningServer, open_page: OpenPage) -> None:
    comes(page, town, hires(town))
    page.locator("#request").fill("0000 0000")
    page.locator("#vouching-find").click()
    expect(page.locator("#request-error")).to_be_visible()


def _numbers(page: Page, town: RunningServer, open_page: OpenPage) -> None:
    asking = open_page()
    asks(asking, town, hires(town, **LONG))
    comes(page, town, hires(town, "manager"))
    finds(page, told(asking)[0])


def _vouched(page: Page, town: RunningServer, open_page: OpenPage) -> None:
    asking = open_page()
    asks(asking, town, hires(town, **LONG))
    comes(page, town, hires(town, "manager"))
    vouches(page, *told(asking))


def _ended(page: Page, town: RunningServer, open_page: OpenPage) -> None:
    _numbers(page, town, open_page)
    page.locator("#vouching-deny").click()
    expect(page.locator("#vouching-question")).to_have_count(0)


def _cannot(page: Page, town: RunningServer, open_page: OpenPage) -> None:
    comes(page, town, hires(town))
    page.goto(f"{town.issuer}/vouch/nothing")


def _stop(page: Page, town: RunningServer, open_page: OpenPage) -> None:
    asking = open_page()
    asks(asking, town, hires(town, email="aleksandra@dienvidkurzeme.example.lv", **LONG))
    page.goto(f"{town.issuer}/mail")
    page.locator("#kept-mails a").first.click()
    page.locator(".mail-links a", has_text="/recover/stop").click()
    expect(page.locator("#vouching-stop")).to_be_visible()


def _stopped(page: Page, town: RunningServer, open_page: OpenPage) -> None:
    _stop(page, town, open_page)
    page.locator("#vouching-stop").click()
    expect(page.locator("#vouching-stop")).to_have_count(0)


def _account(page: Page, town: RunningServer, open_page: OpenPage) -> None:
    who, asking = hires(town, **LONG), open_page()
    asks(asking, town, who)
    two_vouch(town, open_page, asking)
    comes(page, town, who)
    page.goto(f"{town.issuer}/account")
    expect(page.locator("#vouching-1")).to_be_visible()


def _portal(page: Page, town: RunningServer, open_page: OpenPage) -> None:
    _account(page, town, open_page)
    page.goto(f"{town.issuer}/")
    expect(page.locator("#vouching-1")).to_be_visible()


@pytest.mark.parametrize(
    "prepare",
    [
        *(_recover, _waiting, _cooling, _ready, _over, _find, _numbers, _vouched, _ended, _cannot),
        *(_stop, _stopped, _account, _portal),
    ],
    ids=lambda prepare: prepare.__name__.strip("_"),
)
def test_every_page_of_it_looks_right(
    town: RunningServer, desk: Page, open_page: OpenPage, prepare: Prepare
) -> None:
    prepare(desk, town, open_page)
    looks_right(desk, prepare.__name__)
