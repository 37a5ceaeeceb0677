"""What somebody who got hold of a token, a cookie or a moment at the desk can still do afterwards."""

from urllib.parse import urlsplit

import httpx
import pytest

from idp.oidc.client_metadata import register
from tests.support.actors import ISSUER, PASSWORD, Browser, Employee, Hall
from tests.support.relying_party import ProviderError, RelyingParty, Tokens

CALLBACK = "https://app.example.lv/callback"
NEW_PASSWORD = "upe-akmens-vilnis"


@pytest.fixture
def app(hall: Hall) -> RelyingParty:
    document = {
        "client_name": "Lietotne",
        "redirect_uris": [CALLBACK],
        "grant_types": ["authorization_code", "refresh_token"],
        "scope": "openid offline_access",
        "visvaris": {"first_party": True},
    }
    registration = register(document, hall.world.effects)
    hall.add_client(registration.client)
    return RelyingParty(
        issuer=ISSUER,
        client_id=registration.client.client_id,
        redirect_uri=CALLBACK,
        http=httpx.Client(transport=httpx.WSGITransport(app=hall.app), base_url=ISSUER),
        secret=registration.secret,
        now=hall.clock,
    )


def _tokens(browser: Browser, app: RelyingParty) -> Tokens:
    """With a refresh token that outlives the session."""
    question = app.ask(scope="openid offline_access")
    parts = urlsplit(question.url)
    browser.opens(f"{parts.path}?{parts.query}")
    return app.redeem(question, app.read_answer(question, browser.left_for or "")["code"])


def _change_password(browser: Browser) -> None:
    browser.opens("/account/methods/password")
    browser.presses(current_password=PASSWORD, new_password=NEW_PASSWORD, new_password_again=NEW_PASSWORD)
    assert browser.page.path == "/account"


@pytest.mark.parametrize("session_is_open", [True, False])
def test_a_new_password_ends_what_an_intruder_may_use_while_nobody_is_there(
    hall: Hall, browser: Browser, app: RelyingParty, session_is_open: bool
) -> None:
    """A refresh token that outlives its session does not outlive the password (attacks 14, 34)."""
    employee = hall.employee("viens")
    intruder = hall.browser("198.51.100.7")
    intruder.signs_in(employee)
    stolen = _tokens(intruder, app)
    if not session_is_open:
        intruder.signs_out()
    browser.signs_in(employee)
    mine = _tokens(browser, app)
    _change_password(browser)
    with pytest.raises(ProviderError, match="invalid_grant"):
        app.refresh(stolen.refresh_token or "")
    assert app.refresh(mine.refresh_token or "").access_token


def test_ending_the_other_sessions_ends_their_tokens_for_good(
    browser: Browser, hall: Hall, anna: Employee, app: RelyingParty
) -> None:
    """attack 14"""
    other = hall.browser("198.51.100.7")
    other.signs_in(anna)
    tokens = _tokens(other, app)
    hall.clock.move(31)
    browser.signs_in(anna)
    token = browser.opens("/account/methods/password").form().fields["csrf_token"]
    browser.posts("/account/sessions/end-others", {"csrf_token": token})
    with pytest.raises(ProviderError, match="invalid_grant"):
        app.refresh(tokens.refresh_token or "")


def test_a_request_without_the_cookie_does_not_take_it_away(browser: Browser, anna: Employee) -> None:
    """An image on another site that points at the way out comes without our cookies (attacks 8, 24)."""
    browser.signs_in(anna)
    bare = httpx.Client(transport=browser.http._transport, base_url=ISSUER)
    reply = bare.get("/logout")
    assert not [value for name, value in reply.headers.multi_items() if "visvaris-session" in value]
    assert browser.is_signed_in
