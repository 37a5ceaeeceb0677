"""Tokens through the browser (OpenID Connect Core 3.2), over the pages: an application that registered itself for it, and one
beside it that did not and must notice nothing.
"""

from collections.abc import Iterator

import httpx
import pytest

from tests.support.actors import ISSUER, Browser, Employee, Hall
from tests.support.implicit import ID_TOKEN, ID_TOKEN_TOKEN, METADATA, ask, read_fragment, read_tokens
from tests.support.registrant import CALLBACK, register
from tests.support.relying_party import ProviderError, Question, RelyingParty

ORIGIN = "https://app.example.lv"


@pytest.fixture
def hall(fresh_database: str) -> Iterator[Hall]:
    made = Hall(fresh_database, options={"registration": "open"})
    yield made
    made.close()


@pytest.fixture
def http(hall: Hall) -> Iterator[httpx.Client]:
    with httpx.Client(transport=httpx.WSGITransport(app=hall.app), base_url=ISSUER) as client:
        yield client


@pytest.fixture
def app(hall: Hall, http: httpx.Client) -> RelyingParty:
    return register(http, **METADATA).party(now=hall.clock)


def path_of(question: Question) -> str:
    return question.url.removeprefix(ISSUER)


@pytest.mark.parametrize("response_type", [ID_TOKEN, ID_TOKEN_TOKEN])
def test_a_person_signs_in_agrees_and_is_back_with_tokens(
    browser: Browser, anna: Employee, app: RelyingParty, response_type: str
) -> None:
    question = ask(app, response_type=response_type, scope="openid email")
    browser.opens(path_of(question))
    browser.enters(anna)
    policy = browser.page.headers["content-security-policy"]
    assert f"form-action 'self' {ORIGIN}" in policy, "the consent page's form may end there"
    browser.presses("consent-allow")
    came = read_tokens(app, question, read_fragment(app, question, browser.left_for or ""))
    assert came.claims["sub"] == anna.user.id
    if came.access_token:
        assert app.userinfo(came.access_token)["sub"] == anna.user.id


def test_it_goes_out_as_303_and_is_kept_by_nobody(
    browser: Browser, anna: Employee, app: RelyingParty
) -> None:
    """attack 26: no browser posts our form again, no cache and no referrer has it"""
    browser.opens(path_of(ask(app)))
    browser.enters(anna)
    browser.presses("consent-allow")
    reply = browser.http.get(path_of(ask(app)))
    assert reply.status_code == 303
    assert reply.headers["Location"].startswith(f"{CALLBACK}#")
    assert "?" not in reply.headers["Location"]
    assert reply.headers["Cache-Control"] == "no-store"
    assert reply.headers["Referrer-Policy"] in {"no-referrer", "same-origin"}
    assert reply.content == b""


@pytest.mark.parametrize("response_type", [ID_TOKEN, ID_TOKEN_TOKEN])
def test_it_can_come_in_a_form(
    browser: Browser, anna: Employee, app: RelyingParty, response_type: str
) -> None:
    """The page may send its form to the application and nowhere else"""
    question = ask(app, response_type=response_type, response_mode="form_post")
    browser.opens(path_of(question))
    browser.enters(anna)
    page = browser.presses("consent-allow")
    assert browser.left_for is None
    form = page.form("id_token")
    assert (form.action, form.method) == (CALLBACK, "post")
    policy = page.headers["content-security-policy"]
    assert policy.partition("form-action ")[2].partition(";")[0] == f"'self' {ORIGIN}"
    assert page.headers["cache-control"] == "no-store"
    fields = app.check_answer(question, list(form.fields.items()))
    assert read_tokens(app, question, fields).claims["sub"] == anna.user.id


def test_who_refuses_sends_the_error_the_same_way(
    browser: Browser, anna: Employee, app: RelyingParty
) -> None:
    question = ask(app)
    browser.opens(path_of(question))
    browser.enters(anna)
    browser.presses("consent-deny")
    with pytest.raises(ProviderError, match="access_denied"):
        read_fragment(app, question, browser.left_for or "")


def test_an_unregistered_address_gets_a_page(browser: Browser, app: RelyingParty) -> None:
    """attack 6"""
    browser.opens(path_of(ask(app, redirect_uri=f"{CALLBACK}/other", nonce=None)))
    assert browser.left_for is None
    assert browser.page.error_code == "invalid_request"


def test_an_application_that_uses_codes_notices_nothing(
    hall: Hall, browser: Browser, anna: Employee, http: httpx.Client
) -> None:
    """attack 7: it registers, asks and redeems as ever, and nobody gets tokens for it any other way"""
    mine = register(http, grant_types=["authorization_code"])
    assert mine.told["response_types"] == ["code"]
    party = mine.party(now=hall.clock)
    question = party.ask()
    browser.opens(path_of(question))
    browser.enters(anna)
    browser.presses("consent-allow")
    assert "#" not in (browser.left_for or "#")
    tokens = party.redeem(question, party.read_answer(question, browser.left_for or "")["code"])
    assert tokens.claims["sub"] == anna.user.id
    for response_type in (ID_TOKEN, ID_TOKEN_TOKEN):
        other = ask(party, response_type=response_type)
        browser.opens(path_of(other))
        with pytest.raises(ProviderError, match="unauthorized_client"):
            read_fragment(party, other, browser.left_for or "")
