"""RP-Initiated Logout 1.0: who is obeyed at once, who makes us ask, and where the browser may go after (attack 8)."""

import pytest

from idp.oidc.authorize import Browser
from idp.oidc.errors import ProtocolError
from idp.oidc.logout import AskFirst, EndNow, LogoutRequest
from idp.oidc.requests import Parameters
from tests.idp.oidc.house import House
from tests.support.relying_party import RelyingParty, Tokens

AFTER = "https://app.example.lv/signed-out?from=visvaris"


@pytest.fixture
def app(house: House) -> RelyingParty:
    return house.add_client(post_logout_redirect_uris=[AFTER])


@pytest.fixture
def tokens(house: House, browser: Browser, app: RelyingParty) -> Tokens:
    return house.tokens_for(app, browser)


def begin(house: House, browser: Browser, **asked: str | None) -> AskFirst | EndNow:
    parameters = Parameters((name, value) for name, value in asked.items() if value is not None)
    return house.openid.logout.begin(parameters, browser.signed_in, browser=browser.id)


def asked_first(outcome: AskFirst | EndNow) -> AskFirst:
    assert isinstance(outcome, AskFirst)
    return outcome


def test_the_application_of_this_session_is_obeyed(
    house: House, browser: Browser, app: RelyingParty, tokens: Tokens
) -> None:
    outcome = begin(
        house, browser, id_token_hint=tokens.id_token, post_logout_redirect_uri=AFTER, state="a b&c"
    )
    assert outcome == EndNow(LogoutRequest(app.client_id, "Lietotne", f"{AFTER}&state=a+b%26c"))


def test_without_an_address_it_ends_on_our_page(house: House, browser: Browser, tokens: Tokens) -> None:
    outcome = begin(house, browser, id_token_hint=tokens.id_token, state="x")
    assert isinstance(outcome, EndNow)
    assert outcome.request.leads_to is None


def test_an_old_id_token_still_speaks_for_its_session(house: House, browser: Browser, tokens: Tokens) -> None:
    house.world.clock.move(3000)
    assert isinstance(begin(house, browser, id_token_hint=tokens.id_token), EndNow)


@pytest.mark.parametrize("asked", [{}, {"state": "x"}, {"logout_hint": "anna"}, {"ui_locales": "lv"}])
def test_a_bare_link_makes_us_ask(house: House, browser: Browser, asked: dict[str, str]) -> None:
    """attack 8: GET logout by <img>"""
    assert asked_first(begin(house, browser, **asked)).request.leads_to is None


def test_a_client_without_a_hint_makes_us_ask(house: House, browser: Browser, app: RelyingParty) -> None:
    """attack 8"""
    outcome = begin(house, browser, client_id=app.client_id, post_logout_redirect_uri=AFTER, state="x")
    assert asked_first(outcome).request == LogoutRequest(app.client_id, "Lietotne", f"{AFTER}&state=x")


def test_an_id_token_of_another_session_ends_nothing(
    house: House, anna: object, app: RelyingParty, tokens: Tokens
) -> None:
    """attack 8: id_token_hint replay ends somebody's session"""
    berta = house.add_person("berta")
    for other in (house.sign_in(berta), house.sign_in(anna)):
        asked_first(begin(house, other, id_token_hint=tokens.id_token, post_logout_redirect_uri=AFTER))


@pytest.mark.parametrize(
    "uri",
    [
        *(
            "https://evil.example/",
            "https://app.example.lv/signed-out",
            f"{AFTER}&x=1",
            f"{AFTER}#x",
            "javascript:alert(1)",
        ),
        *(
            "https://app.example.lv.evil.tld/signed-out?from=visvaris",
            "//evil.example",
            "/\\evil.example",
            " ",
        ),
    ],
)
def test_an_unregistered_address_gets_an_error_page(
    house: House, browser: Browser, app: RelyingParty, tokens: Tokens, uri: str
) -> None:
    """attack 5, attack 8: open redirect"""
    for who in ({"id_token_hint": tokens.id_token}, {"client_id": app.client_id}):
        with pytest.raises(ProtocolError):
            begin(house, browser, post_logout_redirect_uri=uri, **who)


def test_an_address_of_nobody_gets_an_error_page(house: House, browser: Browser, app: RelyingParty) -> None:
    """attack 8"""
    for who in ({}, {"client_id": "nobody"}):
        with pytest.raises(ProtocolError):
            begin(house, browser, post_logout_redirect_uri=AFTER, **who)


def test_a_bad_or_altered_hint_gets_an_error_page(
    house: House, browser: Browser, app: RelyingParty, tokens: Tokens
) -> None:
    """attack 8, attack 16"""
    header, claims, signature = (tokens.id_token or "").split(".")
    bad = ["x", "x.y.z", f"{header}.{claims}.", f"{header}.{claims}.{signature[::-1]}", tokens.access_token]
    for hint in bad:
        with pytest.raises(ProtocolError):
            begin(house, browser, id_token_hint=hint, client_id=app.client_id, post_logout_redirect_uri=AFTER)


def test_hint_and_client_must_agree(house: House, browser: Browser, tokens: Tokens) -> None:
    other = house.add_client(post_logout_redirect_uris=["https://other.example.lv/"])
    with pytest.raises(ProtocolError):
        begin(house, browser, id_token_hint=tokens.id_token, client_id=other.client_id)


def test_where_nobody_is_signed_in_there_is_nothing_to_ask(
    house: House, app: RelyingParty, tokens: Tokens
) -> None:
    nobody = house.stranger()
    assert begin(house, nobody) == EndNow(LogoutRequest())
    after = begin(house, nobody, id_token_hint=tokens.id_token, post_logout_redirect_uri=AFTER)
    assert isinstance(after, EndNow)
    assert after.request.leads_to == AFTER


def test_the_button_counts_once_in_this_browser_for_this_session(
    house: House, anna: object, browser: Browser, app: RelyingParty
) -> None:
    """attack 8, attack 24"""
    confirm = house.openid.logout.confirm
    first = asked_first(begin(house, browser, client_id=app.client_id, post_logout_redirect_uri=AFTER))
    assert confirm(first.request_id, browser.signed_in, browser="another") is None
    assert confirm(first.request_id, browser.signed_in, browser=browser.id) is None
    second = asked_first(begin(house, browser))
    assert confirm(second.request_id, house.sign_in(anna).signed_in, browser=browser.id) is None
    third = asked_first(begin(house, browser, client_id=app.client_id, post_logout_redirect_uri=AFTER))
    assert confirm(third.request_id, browser.signed_in, browser=browser.id) == third.request
    assert confirm(third.request_id, browser.signed_in, browser=browser.id) is None


def test_parameters_come_once(house: House, browser: Browser) -> None:
    doubled = Parameters([("state", "a"), ("state", "b")])
    with pytest.raises(ProtocolError):
        house.openid.logout.begin(doubled, browser.signed_in, browser=browser.id)
