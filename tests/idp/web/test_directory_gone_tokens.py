"""Whom their directory no longer knows, and what their tokens are worth after the reading that finds it out.

Everything over HTTP as the application, the service and the device see it, against a real domain controller.
"""

from collections.abc import Callable
from dataclasses import dataclass, replace

import pytest

from idp.oidc.grant_types import TOKEN_EXCHANGE
from tests.idp.web.test_device import device_of, reaches_confirmation, types
from tests.idp.web.test_oidc import party, path_of
from tests.support.actors import PASSWORD as OUR_PASSWORD
from tests.support.actors import Browser, Employee, Hall
from tests.support.builders import KEKAVA, RIGA
from tests.support.device import Device
from tests.support.directories import connect
from tests.support.directory_sync import Synced
from tests.support.exchange import BARIS, exchange
from tests.support.relying_party import ProviderError, Question, RelyingParty, Tokens
from tests.support.samba import Controller

pytestmark = pytest.mark.allow_hosts(["127.0.0.0/8", "::1", "localhost"])

FINES = "https://fines.example.lv"
SCOPE = "openid profile employment offline_access"
RULES = ("this_method", "suspend", "suspend elsewhere too")
GONE = {
    "disabled": {"do": "disable"},
    "expired": {"do": "set", "attribute": "accountExpires", "value": "116444736000000000"},
}
_LETTERS = str.maketrans("0123456789", "abcdefghij")


@pytest.fixture
def name(hall: Hall) -> str:
    """Of nobody in the directory yet."""
    return f"gone{hall.world.effects.new_id().lower().translate(_LETTERS)[-10:]}"


@pytest.fixture
def synced(hall: Hall, riga_domain: Controller) -> Synced:
    return Synced(connect(hall, riga_domain, name="Rīgas domēns", roles={}))


@pytest.fixture(params=RULES)
def anna(request: pytest.FixtureRequest, synced: Synced, name: str) -> Employee:
    """Linked and read, where the municipality has one of its rules for who is gone.

    Of who works elsewhere too the account stays, and the posts here end. One directory's word is not enough
    for two municipalities, so she comes with a password of ours, and loses what she got by that too.
    """
    synced.riga.put(when_gone=request.param.split()[0])
    elsewhere = "elsewhere" in request.param
    anna = synced.employs(name, municipalities=(RIGA, KEKAVA) if elsewhere else (RIGA,))
    synced.run()
    return replace(anna, password=OUR_PASSWORD) if elsewhere else anna


@pytest.fixture
def app(hall: Hall) -> RelyingParty:
    return party(hall, own={"resources": [FINES]})


@pytest.fixture
def fines(hall: Hall) -> RelyingParty:
    """A service that is called with the application's tokens and calls on."""
    return party(
        hall,
        own={"audience": FINES, "resources": [BARIS]},
        grant_types=["client_credentials", TOKEN_EXCHANGE],
        scope="openid profile employment",
    )


@pytest.fixture
def device(hall: Hall) -> Device:
    return device_of(hall)


@dataclass
class Reached:
    """An application that a person has opened, which has not redeemed its code yet."""

    app: RelyingParty
    question: Question
    code: str

    def tokens(self) -> Tokens:
        return self.app.redeem(self.question, self.code, resource=FINES)


def opens(browser: Browser, who: Employee, app: RelyingParty) -> Reached:
    """With the one password that `who` has."""
    question = app.ask(scope=SCOPE, resource=FINES)
    browser.opens(path_of(question.url))
    browser.presses(username=who.username, password=who.password)
    return Reached(app, question, app.read_answer(question, browser.left_for or "")["code"])


def leaves(synced: Synced, name: str, how: str = "disabled") -> None:
    """And the directory is read."""
    synced.riga.controller.change({"name": name, **GONE[how]})
    assert synced.run().run.lines


def error_of(asking: Callable[[], object]) -> str:
    with pytest.raises(ProviderError) as caught:
        asking()
    return caught.value.error


# Refresh tokens -------------------------------------------------------------------------------------------


@pytest.mark.parametrize("how", GONE)
def test_a_refresh_token_gets_nothing_any_more(
    synced: Synced, hall: Hall, browser: Browser, anna: Employee, app: RelyingParty, name: str, how: str
):
    """attack 25"""
    held = opens(browser, anna, app).tokens().refresh_token or ""
    held = app.refresh(held).refresh_token or ""
    leaves(synced, name, how)
    assert error_of(lambda: app.refresh(held)) == "invalid_grant"
    assert app.introspect(held) == {"active": False}


def test_an_answer_that_is_kept_for_a_retry_is_not_given_again(
    synced: Synced, browser: Browser, anna: Employee, app: RelyingParty, name: str
):
    """attack 25: the same token again, within the seconds in which that is no theft"""
    used = opens(browser, anna, app).tokens().refresh_token or ""
    given = app.refresh(used).refresh_token
    assert app.refresh(used).refresh_token == given
    leaves(synced, name)
    assert error_of(lambda: app.refresh(used)) == "invalid_grant"


def test_what_outlived_its_session_ends_too(
    synced: Synced, browser: Browser, anna: Employee, app: RelyingParty, name: str
):
    """Of a session that is over nobody knows on what it leaned."""
    held = opens(browser, anna, app).tokens().refresh_token or ""
    browser.signs_out()
    held = app.refresh(held).refresh_token or ""
    leaves(synced, name)
    assert error_of(lambda: app.refresh(held)) == "invalid_grant"


def test_who_is_back_signs_in_anew_and_old_tokens_stay_dead(
    synced: Synced, hall: Hall, browser: Browser, anna: Employee, app: RelyingParty, name: str
):
    held = opens(browser, anna, app).tokens().refresh_token or ""
    leaves(synced, name)
    synced.riga.controller.change({"name": name, "do": "enable"})
    synced.run()
    assert error_of(lambda: app.refresh(held)) == "invalid_grant"
    assert opens(hall.browser(), anna, app).tokens().refresh_token


def test_nobody_else_loses_theirs(
    synced: Synced, hall: Hall, browser: Browser, anna: Employee, app: RelyingParty, name: str
):
    """Two people of one directory, one of whom leaves."""
    juris = synced.employs(f"{name}b")
    synced.run()
    theirs = opens(hall.browser(), juris, app).tokens().refresh_token or ""
    opens(browser, anna, app)
    leaves(synced, name)
    assert app.refresh(theirs).access_token


# Codes and access tokens ----------------------------------------------------------------------------------


def test_a_code_that_is_not_redeemed_yet_becomes_nothing(
    synced: Synced, browser: Browser, anna: Employee, app: RelyingParty, name: str
):
    reached = opens(browser, anna, app)
    leaves(synced, name)
    assert error_of(reached.tokens) == "invalid_grant"


def test_a_live_access_token_tells_nothing_and_is_told_to_be_dead(
    synced: Synced, hall: Hall, browser: Browser, anna: Employee, app: RelyingParty, name: str
):
    reached = opens(browser, anna, app)
    token = app.redeem(reached.question, reached.code, resource=hall.issuer).access_token
    assert app.userinfo(token)["sub"]
    leaves(synced, name)
    assert error_of(lambda: app.userinfo(token)) == "invalid_token"
    assert app.introspect(token) == {"active": False}


# Token exchange -------------------------------------------------------------------------------------------


def test_a_service_gets_no_token_for_the_next(
    synced: Synced,
    browser: Browser,
    anna: Employee,
    app: RelyingParty,
    fines: RelyingParty,
    name: str,
):
    """attack 25; RFC 8693 section 2.2.2: a subject token that is invalid for any reason is `invalid_request`."""
    shown = opens(browser, anna, app).tokens().access_token
    exchanged = exchange(fines, shown)
    leaves(synced, name)
    assert error_of(lambda: exchange(fines, shown)) == "invalid_request"
    assert fines.introspect(shown) == {"active": False}
    assert fines.introspect(exchanged) == {"active": False}, "what came of it earlier dies with it"


# Devices --------------------------------------------------------------------------------------------------


def test_a_device_that_was_allowed_and_has_not_asked_yet_gets_nothing(
    synced: Synced, browser: Browser, anna: Employee, device: Device, name: str
):
    """attack 25"""
    shown = device.asks("openid profile")
    reaches_confirmation(browser, anna, shown)
    browser.presses(f"number-{shown.number}")
    leaves(synced, name)
    assert device.is_told(shown) == "invalid_grant"


@pytest.mark.parametrize("anna", RULES[:2], indirect=True)
def test_a_question_that_stands_open_can_no_longer_be_answered(
    synced: Synced, hall: Hall, browser: Browser, anna: Employee, device: Device, name: str
):
    """The page with the number is shown; the number is picked after the reading."""
    shown = device.asks("openid profile")
    reaches_confirmation(browser, anna, shown)
    leaves(synced, name)
    browser.presses(f"number-{shown.number}")
    assert browser.page.path.startswith("/login/"), "who it is must be shown anew"
    browser.presses(username=anna.username, password=anna.password)
    assert not browser.is_signed_in
    assert device.is_told(shown) == "authorization_pending"
    hall.clock.move(3600)
    assert device.is_told(shown) in {"expired_token", "invalid_grant"}


@pytest.mark.parametrize("anna", RULES[:2], indirect=True)
def test_a_sign_in_that_was_begun_for_a_device_lets_nobody_in(
    synced: Synced, browser: Browser, anna: Employee, device: Device, name: str
):
    """The code is typed and the page to sign in is open when the person is gone."""
    shown = device.asks("openid profile")
    types(browser, shown)
    leaves(synced, name)
    browser.presses(username=anna.username, password=anna.password)
    assert not browser.page.has("device-deny")
    assert not browser.is_signed_in
    assert device.is_told(shown) == "authorization_pending"


def test_a_refresh_token_of_a_device_gets_nothing_any_more(
    synced: Synced, hall: Hall, browser: Browser, anna: Employee, name: str
):
    device = device_of(hall, scope="openid profile offline_access")
    shown = device.asks("openid profile offline_access")
    reaches_confirmation(browser, anna, shown)
    browser.presses(f"number-{shown.number}")
    held = device.polls(shown).refresh_token or ""
    held = device.party.refresh(held).refresh_token or ""
    leaves(synced, name)
    assert error_of(lambda: device.party.refresh(held)) == "invalid_grant"
