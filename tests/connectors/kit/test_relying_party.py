"""Signing in through the provider, and every answer of it that must not sign anybody in."""

import re
from typing import Any
from urllib.parse import parse_qs, urlsplit

import httpx
import pytest
from flask import Flask

from connectors.agreements.app import create_app
from connectors.agreements.settings import AgreementsSettings
from connectors.kit.effects import Effects
from connectors.kit.levels import Level
from connectors.kit.outbound import open_outbound
from connectors.kit.provider import Provider
from connectors.kit.relying_party import Registration, RelyingParty
from tests.connectors.conftest import BASE_URL, Clock, Person
from tests.support.demo_provider import CLIENT_ID, CLIENT_SECRET, RS_KEY, StandIn


def error_code(html: str) -> str:
    found = re.search(r'id="error-code">([^<]+)<', html)
    assert found
    return found.group(1)


def is_refused(person: Person, code: str, *, back: str | None = None) -> bool:
    """Comes back from the provider, is told why not, and is not signed in."""
    response = person.opens(back or person.authorizes(person.begins()))
    told = error_code(response.text)
    assert response.status_code == 400
    assert re.search(r'id="error-reference">[0-9a-f]+<', response.text)
    assert told == code, told
    return person.opens().status_code == 303


def test_a_person_signs_in_and_sees_the_page(anna: Person) -> None:
    landed = anna.signs_in()
    assert (landed.status_code, landed.location) == (303, "/agreements/")
    assert "Dobeles novads" in anna.opens().text


def test_the_request_asks_for_a_code_with_everything_that_protects_it(anna: Person, issuer: StandIn) -> None:
    address = urlsplit(anna.begins())
    asked = {name: values[0] for name, values in parse_qs(address.query).items()}
    assert f"{address.scheme}://{address.netloc}{address.path}" == f"{issuer.issuer}/authorize"
    assert asked["response_type"] == "code"
    assert asked["code_challenge_method"] == "S256"
    assert asked["redirect_uri"] == f"{BASE_URL}/callback"
    assert set(asked["scope"].split()) == {"openid", "profile", "employment"}
    assert min(len(asked[name]) for name in ("state", "nonce", "code_challenge")) >= 43
    assert "acr_values" not in asked


def test_no_two_sign_ins_share_anything_secret(anna: Person) -> None:
    first, second = (parse_qs(urlsplit(anna.begins()).query) for _ in range(2))
    assert all(first[name] != second[name] for name in ("state", "nonce", "code_challenge"))


@pytest.mark.parametrize("iss", [None, "", "https://other.example", "http://127.0.0.1"])
def test_an_answer_of_another_issuer_is_refused(anna: Person, issuer: StandIn, iss: str | None) -> None:
    """attack 10: mix-up; the code is not even sent to the token endpoint."""
    issuer.in_response = {"iss": iss}
    assert is_refused(anna, "wrong_response")
    assert issuer.asked["/token"] == 0


def test_an_issuer_that_only_begins_alike_is_refused(anna: Person, issuer: StandIn) -> None:
    """attack 10"""
    issuer.in_response = {"iss": issuer.issuer + "/"}
    assert is_refused(anna, "wrong_response")


def test_an_error_of_another_issuer_is_refused_as_such(anna: Person, issuer: StandIn) -> None:
    """attack 10: errors name their issuer too."""
    issuer.in_response = {"code": None, "error": "access_denied", "iss": None}
    assert is_refused(anna, "wrong_response")


@pytest.mark.parametrize(
    ("error", "code"),
    [("access_denied", "access_denied"), ("server_error", "provider_refused"), ("", "provider_refused")],
)
def test_a_refusal_of_the_provider_is_told(anna: Person, issuer: StandIn, error: str, code: str) -> None:
    issuer.in_response = {"code": None, "error": error}
    assert is_refused(anna, code)


def test_words_of_an_error_are_not_shown(anna: Person, issuer: StandIn) -> None:
    """attack 42: what stands in the URL does not reach the page."""
    issuer.in_response = {
        "code": None,
        "error": "<b>x",
        "error_description": "<script>alert(1)</script>call 2900",
    }
    page = anna.opens(anna.authorizes(anna.begins())).text
    assert "call 2900" not in page
    assert "<b>x" not in page


@pytest.mark.parametrize("state", [None, "", "x", "A" * 43])
def test_an_answer_with_another_state_is_refused(anna: Person, issuer: StandIn, state: str | None) -> None:
    """attack 24: login CSRF."""
    issuer.in_response = {"state": state}
    assert is_refused(anna, "sign_in_not_started_here")


def test_somebody_elses_answer_does_not_sign_one_in(anna: Person, stranger: Person, issuer: StandIn) -> None:
    """attack 24: an attacker's callback opened in another browser, whether or not that browser began too."""
    planted = stranger.authorizes(stranger.begins())
    assert is_refused(anna, "sign_in_not_started_here", back=planted)
    anna.begins()
    assert is_refused(anna, "sign_in_not_started_here", back=planted)
    assert stranger.opens(planted).status_code == 303
    assert issuer.asked["/token"] == 1


def test_an_answer_works_once(anna: Person, issuer: StandIn) -> None:
    """attack 11: a second use of the same answer asks the provider nothing and signs nobody in."""
    back = anna.authorizes(anna.begins())
    anna.opens(back)
    session = {cookie.key: cookie.value for cookie in cookies(anna)}
    again = anna.opens(back)
    assert (again.status_code, again.location) == (303, "/agreements/")
    assert {cookie.key: cookie.value for cookie in cookies(anna)} == session
    assert issuer.asked["/token"] == 1


def test_an_answer_after_signing_out_is_refused(anna: Person) -> None:
    back = anna.authorizes(anna.begins())
    anna.opens(back)
    for cookie in cookies(anna):
        if cookie.key.endswith("-session"):
            anna.client.delete_cookie(cookie.key)
    assert is_refused(anna, "sign_in_not_started_here", back=back)


def test_an_answer_that_took_too_long_is_refused(anna: Person, clock: Clock) -> None:
    """attack 30"""
    back = anna.authorizes(anna.begins())
    clock.at += 601
    assert is_refused(anna, "sign_in_not_started_here", back=back)


def test_two_tabs_may_sign_in_at_once(anna: Person) -> None:
    first, second = anna.begins(), anna.begins()
    assert anna.opens(anna.authorizes(first)).status_code == 303
    assert anna.opens(anna.authorizes(second)).status_code == 303
    assert anna.opens().status_code == 200


@pytest.mark.parametrize("name", ["state", "code", "iss"])
def test_a_parameter_given_twice_is_refused(anna: Person, name: str) -> None:
    back = anna.authorizes(anna.begins())
    assert is_refused(anna, "wrong_response", back=f"{back}&{name}=x")


def test_an_answer_without_a_code_is_refused(anna: Person, issuer: StandIn) -> None:
    issuer.in_response = {"code": None}
    assert is_refused(anna, "wrong_response")


def test_a_code_the_provider_does_not_know_signs_nobody_in(anna: Person, issuer: StandIn) -> None:
    back = anna.authorizes(anna.begins())
    issuer.codes.clear()
    assert is_refused(anna, "provider_refused", back=back)


def test_a_code_of_another_sign_in_is_refused_by_its_verifier(anna: Person, stranger: Person) -> None:
    """attack 13: code injection; the verifier belongs to the sign-in that asked."""
    stolen = parse_qs(urlsplit(stranger.authorizes(stranger.begins())).query)["code"][0]
    back = re.sub(r"code=[^&]+", f"code={stolen}", anna.authorizes(anna.begins()))
    assert is_refused(anna, "provider_refused", back=back)


@pytest.mark.parametrize(
    "claims",
    [
        {"nonce": "x"},
        {"nonce": None},
        {"nonce": 7},
        {"aud": "another-client"},
        {"aud": ["agreements", "another-client"]},
        {"aud": None},
        {"azp": "another-client"},
        {"iss": "https://other.example"},
        {"iss": None},
        {"exp": 1},
        {"exp": None},
        {"iat": 9_999_999_999},
        {"iat": None},
        {"sub": None},
        {"sub": ""},
        {"at_hash": "AAAAAAAAAAAAAAAAAAAAAA"},
        {"at_hash": ""},
        {"municipality": "28"},
        {"roles": "operator"},
    ],
    ids=str,
)
def test_an_id_token_that_is_wrong_in_one_thing_signs_nobody_in(
    anna: Person, issuer: StandIn, claims: dict[str, Any]
) -> None:
    """attack 16: nonce, audience, issuer, times, at_hash fail closed; attack 24: nonce."""
    issuer.in_id_token = claims
    assert is_refused(anna, "wrong_claims")


@pytest.mark.parametrize(
    "header",
    [
        {"typ": "at+jwt"},
        {"typ": "logout+jwt"},
        {"kid": "es-1"},
        {"kid": None},
        {"jwk": RS_KEY.as_dict(private=False)},
        {"jku": "http://127.0.0.1:9"},
        {"alg": "RS512"},
        {"alg": "PS256"},
    ],
    ids=lambda header: (
        "-".join(f"{name}-{value}" for name, value in header.items() if name != "jwk") or "jwk"
    ),
)
def test_an_id_token_under_another_header_signs_nobody_in(
    anna: Person, issuer: StandIn, header: dict[str, Any]
) -> None:
    """attack 16"""
    issuer.id_token_header = header
    assert is_refused(anna, "wrong_claims")


@pytest.mark.parametrize(
    "body", ['{"access_token": "x", "token_type": "Bearer"}', '{"id_token": 7}', '{"id_token": "a.b.c"}']
)
def test_an_answer_without_an_id_token_signs_nobody_in(anna: Person, issuer: StandIn, body: str) -> None:
    issuer.answers["/token"] = (200, body)
    assert is_refused(anna, "wrong_claims")


@pytest.mark.parametrize(
    "tokens",
    [
        {"access_token": None},
        {"access_token": 7},
        *({"expires_in": value} for value in (None, 0, -1, True, "9")),
    ],
    ids=str,
)
def test_an_access_token_that_is_missing_or_does_not_say_how_long_it_lives_signs_nobody_in(
    anna: Person, issuer: StandIn, tokens: dict[str, Any]
) -> None:
    """attack 30: a session lasts no longer than its access token."""
    issuer.in_tokens = tokens
    assert is_refused(anna, "wrong_claims")


@pytest.mark.parametrize(
    ("status", "body"),
    [(500, ""), (200, "<html>"), (200, "[]"), (302, ""), (200, '{"access_token": "x", "expires_in": [1]}')],
)
def test_a_token_endpoint_that_does_not_answer_is_told_as_such(
    anna: Person, issuer: StandIn, status: int, body: str
) -> None:
    issuer.answers["/token"] = (status, body)
    response = anna.opens(anna.authorizes(anna.begins()))
    assert (response.status_code, error_code(response.text)) == (503, "provider_unavailable")


def test_a_provider_that_is_away_is_told_as_such(anna: Person, issuer: StandIn) -> None:
    issuer.answers["/.well-known/openid-configuration"] = (503, "")
    response = anna.opens()
    assert (response.status_code, error_code(response.text)) == (503, "provider_unavailable")


def test_claims_may_come_from_the_userinfo_endpoint(anna: Person, issuer: StandIn) -> None:
    issuer.in_id_token = dict.fromkeys(
        ["name", "preferred_username", "municipality", "municipality_name", "roles"]
    )
    anna.signs_in()
    assert "Anna Ķirse" in anna.opens().text


@pytest.mark.parametrize("in_id_token", [{}, {"municipality": None}], ids=str)
def test_userinfo_of_somebody_else_signs_nobody_in(
    anna: Person, issuer: StandIn, in_id_token: dict[str, Any]
) -> None:
    """attack 22: claims of two people are never mixed."""
    issuer.in_id_token = in_id_token
    issuer.in_user_info = {"sub": "boris-1"}
    assert is_refused(anna, "wrong_claims")


def test_a_token_that_the_userinfo_endpoint_refuses_at_once_signs_nobody_in(
    anna: Person, issuer: StandIn
) -> None:
    """It would be refused at the page again: without an end, the browser would go back and forth."""
    issuer.answers["/userinfo"] = (401, "{}")
    assert is_refused(anna, "wrong_claims")


def test_tokens_do_not_show(provider: Provider, effects: Effects, issuer: StandIn) -> None:
    """attack 44: what is kept of a sign-in can be printed."""
    known = Registration(CLIENT_ID, CLIENT_SECRET, f"{BASE_URL}/callback", f"{BASE_URL}/start")
    with open_outbound(None) as http:
        relying_party = RelyingParty(known, provider=provider, http=http, effects=effects)
        beginning = relying_party.begin(return_to="/", lang="lv")
        answer = parse_qs(urlsplit(httpx.get(beginning.url, trust_env=False).headers["Location"]).query)
        person = relying_party.finish({name: values[0] for name, values in answer.items()}, beginning.pending)
    assert person.access_token in issuer.people
    assert person.access_token not in repr(person)
    assert person.id_token not in repr(person)


@pytest.fixture
def strict(settings: AgreementsSettings, effects: Effects) -> Person:
    """Somebody at a connector whose page asks for two factors."""
    app: Flask = create_app(settings.model_copy(update={"level": Level.MULTI_FACTOR}), effects=effects)
    return Person(app)


def test_a_page_may_ask_for_a_level(strict: Person, issuer: StandIn) -> None:
    assert parse_qs(urlsplit(strict.begins()).query)["acr_values"] == ["urn:visvaris:acr:mfa"]
    issuer.in_id_token = {"acr": "phr"}
    assert strict.signs_in().status_code == 303


@pytest.mark.parametrize("acr", [None, "urn:visvaris:acr:1fa", "mfa"])
def test_a_level_that_was_asked_for_is_also_checked(strict: Person, issuer: StandIn, acr: str | None) -> None:
    """attack 23: an answer that skipped the second factor opens nothing."""
    issuer.in_id_token = {"acr": acr}
    assert is_refused(strict, "sign_in_too_weak")


def cookies(person: Person) -> list[Any]:
    return list(person.client._cookies.values())
