"""Confirming by eParaksts: sent there, back once, to the sitting that was left; or refused, with nothing changed."""

import re
from collections.abc import Iterator
from dataclasses import dataclass
from ipaddress import ip_network

import httpx
import pytest
from pydantic import SecretStr

from tests.support.actors import Browser, Employee, Hall
from tests.support.at_once import at_once
from tests.support.eparaksts.people import ANDRIS, ANNA
from tests.support.eparaksts.running import Emulator, Visitor, running_emulator
from tests.support.eparaksts.service import CLIENT_ID, CLIENT_SECRET
from tests.support.pages import Page

CALLBACK = "/identity/eparaksts/callback"
GENERIC = "Jūsu identitāti neizdevās apstiprināt."
PERSON, OTHER = ANNA, ANDRIS


@dataclass
class Place:
    hall: Hall
    emulator: Emulator
    service: Visitor

    def reasons(self, who: Employee) -> list[str]:
        with self.hall.world.database.read() as work:
            found = work.audit.activity_of(who.user.id)
        return [each.reason for each in found if each.type == "identity.refused" and each.reason]


@pytest.fixture
def place(fresh_database: str) -> Iterator[Place]:
    halls: list[Hall] = []

    def now() -> float:
        return halls[0].clock()

    callback = f"https://login.example.lv{CALLBACK}"
    with running_emulator(now, redirect_uris=[callback]) as emulator, httpx.Client() as http:
        options = {
            "eparaksts_environment": "demo",
            "eparaksts_base_url": emulator.origin,
            "eparaksts_client_id": CLIENT_ID,
            "eparaksts_client_secret": SecretStr(CLIENT_SECRET),
            "outbound_allow": (ip_network("127.0.0.0/8"), ip_network("::1/128")),
        }
        halls.append(Hall(fresh_database, options=options))
        try:
            yield Place(halls[0], emulator, Visitor(http))
        finally:
            halls[0].close()


@pytest.fixture
def anna(place: Place) -> Employee:
    return place.hall.employee("anna", totp=True)


@pytest.fixture
def browser(place: Place, anna: Employee) -> Browser:
    browser = place.hall.browser()
    browser.signs_in(anna)
    return browser


def is_sent(browser: Browser, way: str = "eparaksts_mobile") -> str:
    """To that address of the service."""
    browser.opens("/account/identity")
    browser.presses(f"identity-{way}", consent="1")
    assert browser.left_for is not None
    return browser.left_for


def comes_back(browser: Browser, query: str) -> Page:
    return browser.opens(f"{CALLBACK}?{query}")


@pytest.mark.parametrize(
    ("way", "flow"), [("eparaksts_mobile", "mobileid:cross-device"), ("eparaksts_card", "sc_plugin")]
)
def test_there_and_back_shown_and_linked(
    place: Place, browser: Browser, anna: Employee, way: str, flow: str
) -> None:
    page = comes_back(browser, place.service.proves(PERSON, is_sent(browser, way)))
    assert "?" not in page.path
    assert page.content.ids["identity-name"] == f"{PERSON.given_name} {PERSON.family_name}"
    browser.presses("identity-link")
    with place.hall.world.database.read() as work:
        confirmed = work.confirmations.find(anna.user.id)
    assert confirmed is not None
    row = confirmed.confirmation
    assert (row.confirmed_by, row.assurance, row.flow) == ("eparaksts", "high", flow)


def test_on_a_phone_it_is_the_app_of_the_phone(place: Place, anna: Employee) -> None:
    agent = "Mozilla/5.0 (Linux; Android 15) AppleWebKit/537.36 Chrome/140.0.0.0 Mobile Safari/537.36"
    phone = place.hall.browser(**{"User-Agent": agent})
    phone.signs_in(anna)
    assert "acr_values=urn%3Aeparaksts%3Aauthentication%3Aflow%3Amobileid&" in is_sent(phone) + "&"


def test_the_page_may_send_its_form_on_to_the_service_and_nowhere_else(
    place: Place, browser: Browser
) -> None:
    page = browser.opens("/account/identity")
    policy = page.headers["content-security-policy"]
    assert f"form-action 'self' {place.emulator.origin}" in policy


def test_who_declines_there_has_changed_nothing(place: Place, browser: Browser, anna: Employee) -> None:
    page = comes_back(browser, place.service.declines(is_sent(browser)))
    assert page.has("identity-eparaksts_mobile")
    assert place.reasons(anna) == ["eparaksts_declined"]


def test_coming_back_counts_once(place: Place, browser: Browser, anna: Employee) -> None:
    """attack 36"""
    query = place.service.proves(PERSON, is_sent(browser))

    def come(_: int) -> bool:
        own = place.hall.browser()
        own.http.cookies.update(browser.http.cookies)
        return own.http.get(f"{CALLBACK}?{query}").status_code == 303

    at_once(8, come)
    sitting = browser.http.get(f"{CALLBACK}?{query}").headers["Location"]
    assert sitting == "/identity/other-browser"
    assert place.reasons(anna) == []


def test_in_another_browser_it_confirms_nothing_and_uses_nothing_up(
    place: Place, browser: Browser, anna: Employee
) -> None:
    """attack 33"""
    query = place.service.proves(PERSON, is_sent(browser))
    assert comes_back(place.hall.browser(), query).status == 409
    assert place.hall.events(anna)[-1] == "identity.alarm"
    assert comes_back(browser, query).has("identity-link")


def test_what_another_began_does_not_come_back_to_me(place: Place, browser: Browser, anna: Employee) -> None:
    """attack 33: the victim is led to the attacker's finished return."""
    attacker = place.hall.browser()
    attacker.signs_in(place.hall.employee("uzbrucejs", totp=True))
    query = place.service.proves(OTHER, is_sent(attacker))
    is_sent(browser)
    assert comes_back(browser, query).status == 409
    assert place.reasons(anna) == []


def test_a_state_or_code_that_was_made_up_is_refused(place: Place, browser: Browser, anna: Employee) -> None:
    query = place.service.proves(PERSON, is_sent(browser))
    assert comes_back(browser, re.sub("state=[^&]*", "state=x", query)).status == 409
    page = comes_back(browser, re.sub("code=[^&]*", "code=madeup", query))
    assert GENERIC in page.content.text
    assert place.reasons(anna) == ["eparaksts_code_refused"]


def test_too_late_is_too_late(place: Place, browser: Browser, anna: Employee) -> None:
    query = place.service.proves(PERSON, is_sent(browser))
    place.hall.clock.move(601)
    assert comes_back(browser, query).status == 409
