"""Modules of the OpenID Foundation's Basic OP and Form Post OP plans by their names, over the whole provider (conformance).

Each runs once for each of the two plans: the answer in the address, and in a form. The client is plain, as the suite's
are: confidential, without PKCE. Modules that look at nothing but the request are in `tests/idp/oidc`.
"""

from dataclasses import dataclass
from typing import Any

import httpx
import pytest
from joserfc import jws, jwt

from idp.oidc.client_metadata import register
from tests.support.actors import ISSUER, Browser, Employee, Hall
from tests.support.relying_party import ProviderError, Question, RelyingParty, Tokens

CALLBACK = "https://suite.example.lv/callback"
EVERYTHING = "openid profile email address phone offline_access"
OF_SCOPE = {
    "profile": {
        *("name", "given_name", "family_name", "middle_name", "nickname", "preferred_username", "profile"),
        *("picture", "website", "gender", "birthdate", "zoneinfo", "locale", "updated_at"),
    },
    "email": {"email", "email_verified"},
    "address": {"address"},
    "phone": {"phone_number", "phone_number_verified"},
}
ADDRESS = {"formatted", "street_address", "locality", "region", "postal_code", "country"}


@dataclass
class Suite:
    """A client of the plan's own, and a browser that is driven to it."""

    hall: Hall
    browser: Browser
    person: Employee
    mode: str

    def client(self, **metadata: Any) -> RelyingParty:
        document = {
            "client_name": "Suite",
            "redirect_uris": [CALLBACK],
            "grant_types": ["authorization_code", "refresh_token"],
            "scope": EVERYTHING,
            "visvaris": {"pkce_required": False},
            **metadata,
        }
        made = register(document, self.hall.world.effects)
        self.hall.add_client(made.client)
        return RelyingParty(
            issuer=ISSUER,
            client_id=made.client.client_id,
            redirect_uri=CALLBACK,
            http=httpx.Client(transport=httpx.WSGITransport(app=self.hall.app), base_url=ISSUER),
            secret=made.secret,
            auth_method=made.client.registered["token_endpoint_auth_method"],
            now=self.hall.clock,
        )

    def ask(self, party: RelyingParty, **asked: str | None) -> Question:
        plain = {"code_challenge": None, "code_challenge_method": None}
        mode = self.mode if self.mode != "query" else None
        return party.ask(**{**plain, "response_mode": mode, **asked})

    def answer(self, party: RelyingParty, question: Question) -> dict[str, str]:
        """Whatever pages stand in between; in a form, the page that carries the answer sends itself."""
        browser = self.browser
        browser.opens(question.url.removeprefix(ISSUER))
        if browser.left_for is None and browser.page.has("password"):
            browser.enters(self.person)
        if browser.left_for is None and browser.page.has("consent-allow"):
            browser.presses("consent-allow")
        if self.mode == "query":
            assert browser.left_for is not None, browser.page
            return party.read_answer(question, browser.left_for)
        form = browser.page.form()
        assert (form.method, form.action) == ("post", CALLBACK)
        return party.check_answer(question, list(form.fields.items()))

    def signs_in(self, party: RelyingParty, **asked: str | None) -> Tokens:
        question = self.ask(party, **asked)
        return party.redeem(question, self.answer(party, question)["code"])


@pytest.fixture(params=["query", "form_post"])
def suite(request: pytest.FixtureRequest, hall: Hall, browser: Browser) -> Suite:
    person = hall.employee(
        "anna",
        email="anna@example.lv",
        email_verified=True,
        phone_number="+371 20000000",
        phone_number_verified=True,
        address=dict.fromkeys(ADDRESS, "Rīga"),
        profile={
            name: f"https://example.lv/{name}" if name in {"profile", "picture", "website"} else name
            for name in OF_SCOPE["profile"]
            - {"name", "given_name", "family_name", "preferred_username", "updated_at"}
        },
    )
    return Suite(hall, browser, person, request.param)


@pytest.fixture
def client(suite: Suite) -> RelyingParty:
    return suite.client()


def test_oidcc_server(suite: Suite, client: RelyingParty) -> None:
    tokens = suite.signs_in(client, scope=EVERYTHING)
    assert tokens.claims["sub"] == client.userinfo(tokens.access_token)["sub"]


def test_oidcc_idtoken_signature(suite: Suite, client: RelyingParty) -> None:
    """By a key that is published under the name the token gives"""
    id_token = suite.signs_in(client).id_token or ""
    header = jws.extract_compact(id_token.encode()).headers()
    published = client.keys()
    assert header["alg"] == "RS256"
    assert header["kid"] in {key.kid for key in published.keys}
    head, body, signature = id_token.split(".")
    altered = f"{head}.{body}.{signature[:-6]}{'A' * 6}"
    with pytest.raises(Exception, match="bad_signature"):
        jwt.decode(altered, published, algorithms=["RS256"])


def test_oidcc_idtoken_unsigned(suite: Suite) -> None:
    """The module is for providers that would give such a token; this one lets nobody register for it"""
    with pytest.raises(Exception, match="id_token_signed_response_alg"):
        suite.client(id_token_signed_response_alg="none")


def test_oidcc_userinfo_get(suite: Suite, client: RelyingParty) -> None:
    tokens = suite.signs_in(client)
    assert client.userinfo(tokens.access_token)["sub"] == tokens.claims["sub"]


def test_oidcc_userinfo_post_header(suite: Suite, client: RelyingParty) -> None:
    tokens = suite.signs_in(client)
    bearer = {"Authorization": f"Bearer {tokens.access_token}"}
    reply = client.http.post("/userinfo", headers=bearer)
    assert (reply.status_code, reply.json()["sub"]) == (200, tokens.claims["sub"])


def test_oidcc_userinfo_post_body(suite: Suite, client: RelyingParty) -> None:
    tokens = suite.signs_in(client)
    reply = client.http.post("/userinfo", data={"access_token": tokens.access_token})
    assert (reply.status_code, reply.json()["sub"]) == (200, tokens.claims["sub"])


@pytest.mark.parametrize("scope", OF_SCOPE)
def test_oidcc_scope(suite: Suite, client: RelyingParty, scope: str) -> None:
    """oidcc-scope-profile, -email, -address, -phone: all of its claims have a value, and no other claim comes"""
    told = client.userinfo(suite.signs_in(client, scope=f"openid {scope}").access_token)
    assert set(told) == OF_SCOPE[scope] | {"sub"}
    if scope == "address":
        assert set(told["address"]) == ADDRESS


def test_oidcc_scope_all(suite: Suite, client: RelyingParty) -> None:
    told = client.userinfo(suite.signs_in(client, scope="openid profile email address phone").access_token)
    assert set(told) == set().union(*OF_SCOPE.values()) | {"sub"}


@pytest.mark.parametrize("seconds", [0, 30])
def test_oidcc_codereuse(suite: Suite, client: RelyingParty, seconds: int) -> None:
    """oidcc-codereuse and oidcc-codereuse-30seconds: what the code gave is taken back (attack 11)"""
    question = suite.ask(client, scope="openid offline_access")
    code = suite.answer(client, question)["code"]
    tokens = client.redeem(question, code)
    suite.hall.clock.move(seconds)
    with pytest.raises(ProviderError, match="invalid_grant"):
        client.redeem(question, code)
    with pytest.raises(ProviderError, match="invalid_token"):
        client.userinfo(tokens.access_token)
    with pytest.raises(ProviderError, match="invalid_grant"):
        client.refresh(tokens.refresh_token or "")


def test_oidcc_server_client_secret_post(suite: Suite) -> None:
    client = suite.client(token_endpoint_auth_method="client_secret_post")
    assert suite.signs_in(client).claims["sub"]


def test_oidcc_refresh_token(suite: Suite, client: RelyingParty) -> None:
    """And to nobody else: it is bound to its client"""
    tokens = suite.signs_in(client, scope="openid offline_access")
    renewed = client.refresh(tokens.refresh_token or "")
    assert client.userinfo(renewed.access_token)["sub"] == tokens.claims["sub"]
    with pytest.raises(ProviderError, match="invalid_grant"):
        suite.client().refresh(renewed.refresh_token or "")


def test_oidcc_prompt_login(suite: Suite, client: RelyingParty) -> None:
    first = suite.signs_in(client, max_age="10000")
    suite.hall.clock.move(60)
    second = suite.signs_in(client, prompt="login", max_age="10000")
    assert second.claims["auth_time"] > first.claims["auth_time"]


def test_oidcc_prompt_none(suite: Suite, client: RelyingParty) -> None:
    """oidcc-prompt-none-not-logged-in and -logged-in"""
    with pytest.raises(ProviderError, match="login_required"):
        suite.signs_in(client, prompt="none")
    first = suite.signs_in(client)
    assert suite.signs_in(client, prompt="none").claims["sub"] == first.claims["sub"]


def test_oidcc_max_age(suite: Suite, client: RelyingParty) -> None:
    """oidcc-max-age-1 and -10000"""
    first = suite.signs_in(client)
    suite.hall.clock.move(2)
    assert suite.signs_in(client, max_age="10000").claims["auth_time"] == first.claims["auth_time"]
    assert suite.signs_in(client, max_age="1").claims["auth_time"] > first.claims["auth_time"]


def test_oidcc_id_token_hint(suite: Suite, client: RelyingParty) -> None:
    first = suite.signs_in(client)
    again = suite.signs_in(client, prompt="none", id_token_hint=first.id_token)
    assert again.claims["sub"] == first.claims["sub"]


def test_a_refusal_comes_back_in_the_same_way(suite: Suite, client: RelyingParty) -> None:
    """oidcc-user-rejects"""
    question = suite.ask(client)
    browser = suite.browser
    browser.opens(question.url.removeprefix(ISSUER))
    browser.enters(suite.person)
    browser.presses("consent-deny")
    with pytest.raises(ProviderError, match="access_denied"):
        if suite.mode == "query":
            client.read_answer(question, browser.left_for or "")
        else:
            client.check_answer(question, list(browser.page.form().fields.items()))


def test_forty_sign_ins_a_minute_from_one_address_are_no_attack(suite: Suite, client: RelyingParty) -> None:
    for _ in range(40):
        assert suite.signs_in(client, prompt="login").claims["sub"]
        suite.hall.clock.move(1.5)
