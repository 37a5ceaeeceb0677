"""Step-up (RFC 9470): an application's page asks for more than the person has shown, and gets it at the provider."""

import base64
import time
from collections.abc import Iterator
from pathlib import Path
from urllib.parse import parse_qs, urlsplit

import httpx
import pytest
from sqlalchemy import update

from idp.effects import Effects
from idp.methods.registry import Argon2Parameters, given_totp, methods
from idp.models.sessions import BrowserSession
from idp.storage.approval_requests import ApprovalRequests
from idp.storage.shelves import SqlShelf
from idp.storage.unit import table_of
from tests.support.builders import AUGSDAUGAVA, add_rule, make_vault
from tests.support.kit_application import MAX_AGE, kit_application
from tests.support.running_server import NO_BROWSER, NetworkBrowser, Resident, RunningServer

LONG_AGO = 3600.0
VALMIERA = "0054000"


class TravellingBrowser(NetworkBrowser):
    """One that also goes to the application, and remembers where it was sent on the way."""

    def __init__(self, issuer: str, application: str) -> None:
        super().__init__(issuer)
        self.origins = {urlsplit(issuer).netloc, urlsplit(application).netloc}
        self.asked: list[dict[str, str]] = []

    def _goes_on_to(self, target: httpx.URL) -> bool:
        if target.path == "/authorize":
            self.asked.append({name: values[0] for name, values in parse_qs(target.query.decode()).items()})
        return target.netloc.decode() in self.origins


@pytest.fixture
def application(server: RunningServer, tmp_path: Path) -> Iterator[str]:
    with kit_application(server, tmp_path) as address:
        yield address


@pytest.fixture
def browser(server: RunningServer, application: str) -> Iterator[TravellingBrowser]:
    travelling = TravellingBrowser(server.issuer, application)
    yield travelling
    travelling.http.close()


def grows_old(server: RunningServer, who: Resident) -> None:
    """As if this person had signed in at the provider an hour ago."""
    with server.database.begin() as work:
        user = work.people.find_user_by_username(who.username)
        assert user is not None
        sessions = table_of(BrowserSession)
        proofs = [
            {"method": way, "at": time.time() - LONG_AGO}
            for way in (["password", "totp"] if who.totp_secret else ["password"])
        ]
        changed = update(sessions).where(sessions.c.user_id == user.id).values(proofs=proofs)
        work.connection().execute(changed)


def gets_authenticator(server: RunningServer, who: Resident) -> None:
    effects = Effects()
    ways = methods(
        effects=effects,
        vault=make_vault(effects),
        parameters=Argon2Parameters(time_cost=1, memory_kib=64, parallelism=1),
        hashes_at_once=1,
        issuer_name="tests",
        webauthn=NO_BROWSER,
        approvals=ApprovalRequests(SqlShelf(server.database, effects), effects),
        issuer=server.issuer,
    )
    secret = effects.random(20)
    with server.database.begin() as work:
        user = work.people.find_user_by_username(who.username)
        assert user is not None
        work.people.add_credential(given_totp(ways, user, secret))
    who.totp_secret = base64.b32encode(secret).decode()


def test_an_api_asks_for_a_fresh_sign_in_and_the_person_comes_back_to_the_page(
    server: RunningServer, application: str, browser: TravellingBrowser
) -> None:
    """RFC 9470 sections 3 to 5"""
    clerk = server.hire(VALMIERA)
    browser.signs_in(clerk)
    grows_old(server, clerk)
    browser.opens(f"{application}/through/fresh")
    first, second = browser.asked
    assert "max_age" not in first
    assert (second["max_age"], second.get("acr_values")) == (str(MAX_AGE), None)
    assert browser.page.has("password"), "the provider asks again"

    browser.enters(clerk)
    assert browser.page.path == "/through/fresh"
    assert "The API says fresh" in browser.page.words


def test_a_page_asks_for_a_second_factor_and_the_person_gives_it(
    server: RunningServer, application: str, browser: TravellingBrowser
) -> None:
    clerk = server.hire(VALMIERA)
    browser.signs_in(clerk)
    browser.opens(f"{application}/")
    assert "urn:visvaris:acr:1fa" in browser.page.words
    gets_authenticator(server, clerk)
    browser.opens(f"{application}/sensitive")
    asked = browser.asked[-1]
    assert (asked["acr_values"], asked["max_age"]) == ("urn:visvaris:acr:mfa", str(MAX_AGE))
    assert browser.page.has("code")
    assert not browser.page.has("password"), "what was shown just now is not asked again"

    browser.presses(code=clerk.code())
    assert browser.page.path == "/sensitive"
    assert "Sensitive urn:visvaris:acr:mfa" in browser.page.words
    browser.opens(f"{application}/through/sure")
    assert "The API says sure" in browser.page.words


def test_a_demand_for_both_asks_the_provider_for_both(
    server: RunningServer, application: str, browser: TravellingBrowser
) -> None:
    clerk = server.hire(VALMIERA, totp=True)
    browser.signs_in(clerk)
    grows_old(server, clerk)
    browser.opens(f"{application}/through/sure")
    asked = browser.asked[-1]
    assert (asked["acr_values"], asked["max_age"]) == ("urn:visvaris:acr:mfa", str(MAX_AGE))
    browser.enters(clerk)
    assert "The API says sure" in browser.page.words


def test_what_the_person_cannot_reach_ends_with_a_clear_page(
    server: RunningServer, application: str, browser: TravellingBrowser
) -> None:
    """Asked once: no way round leads to the page, and none leads round for ever."""
    with server.database.begin() as work:  # where nobody may have a passkey
        work.rules.replace_scope(AUGSDAUGAVA, [])
        add_rule(work, AUGSDAUGAVA, ["password", "totp", "recovery_code"])
    clerk = server.hire(AUGSDAUGAVA)
    browser.signs_in(clerk)
    browser.opens(f"{application}/unreachable")
    assert browser.page.error_code == "sign_in_too_weak"
    assert len(browser.asked) == 2
    browser.opens(f"{application}/")
    assert "urn:visvaris:acr:1fa" in browser.page.words, "who was signed in stays so"


def test_an_api_that_is_never_content_is_asked_twice_at_most(
    server: RunningServer, application: str, browser: TravellingBrowser
) -> None:
    browser.signs_in(server.hire(VALMIERA))
    browser.opens(f"{application}/through/never")
    assert browser.page.error_code == "sign_in_still_not_enough"
    assert len(browser.asked) == 2
