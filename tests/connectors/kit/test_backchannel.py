"""Back-channel logout as a connector takes it: what ends, and every token that ends nothing (Back-Channel Logout 1.0)."""

from collections.abc import Mapping
from typing import Any

import pytest
from flask import Flask
from werkzeug.test import TestResponse

from connectors.agreements.app import create_app
from connectors.agreements.settings import AgreementsSettings
from connectors.kit.effects import Effects
from connectors.kit.jose import SKEW_SECONDS
from tests.connectors.conftest import BASE_URL, Clock, Person
from tests.support.demo_provider import CLIENT_ID, ES_KEY, RS_KEY, StandIn, signed

EVENT = "http://schemas.openid.net/event/backchannel-logout"
FORM = "application/x-www-form-urlencoded"
numbers = iter(range(10_000))


def token(
    issuer: StandIn, *, key: Any = RS_KEY, header: Mapping[str, Any] | None = None, **claims: Any
) -> str:
    """As the provider makes it, with one thing changed; None leaves out."""
    now = int(issuer.now())
    whole = {
        "iss": issuer.issuer,
        "sub": "anna-1",
        "aud": CLIENT_ID,
        "iat": now,
        "exp": now + 120,
        "jti": f"jti-{next(numbers)}",
        "events": {EVENT: {}},
        "sid": "sid-1",
        **claims,
    }
    told = {"alg": "RS256", "kid": "rs-1", "typ": "logout+jwt", **(header or {})}
    return signed(whole, key, told)


def tells(app: Flask, *tokens: str, query: str = "") -> TestResponse:
    body = "&".join(f"logout_token={each}" for each in tokens)
    return app.test_client().post(
        f"/backchannel-logout{query}", base_url=f"{BASE_URL}/", data=body, content_type=FORM
    )


@pytest.fixture
def told(app: Flask, anna: Person, issuer: StandIn) -> Person:
    """Anna, who has signed in; the provider still answers for her, so that only what is told can end it."""
    issuer.in_id_token = {"sid": "sid-1"}
    anna.signs_in()
    assert anna.opens().status_code == 200
    return anna


def test_the_session_that_ended_at_the_provider_ends_here(app: Flask, told: Person, issuer: StandIn) -> None:
    """attack 22, attack 30: what is kept of her is destroyed, whether she comes back or not"""
    answer = tells(app, token(issuer))
    assert answer.status_code == 200
    assert answer.headers["Cache-Control"] == "no-store"
    assert told.opens().status_code == 303


def test_a_token_may_come_in_either_algorithm(app: Flask, told: Person, issuer: StandIn) -> None:
    assert tells(app, token(issuer, key=ES_KEY, header={"alg": "ES256", "kid": "es-1"})).status_code == 200
    assert told.opens().status_code == 303


def test_another_session_of_the_same_person_goes_on(
    app: Flask, told: Person, stranger: Person, issuer: StandIn
) -> None:
    issuer.in_id_token = {"sid": "sid-2"}
    stranger.signs_in()
    assert tells(app, token(issuer)).status_code == 200
    assert told.opens().status_code == 303
    assert stranger.opens().status_code == 200


def test_without_a_session_it_is_everything_of_the_person(
    app: Flask, told: Person, stranger: Person, issuer: StandIn
) -> None:
    """Section 2.6: "all sessions ... for the End-User identified by the iss and sub Claims\""""
    issuer.in_id_token = {"sid": "sid-2"}
    stranger.signs_in()
    boris = Person(app)
    issuer.person |= {"sub": "boris-1"}
    issuer.in_id_token = {"sid": "sid-3"}
    boris.signs_in()
    assert tells(app, token(issuer, sid=None)).status_code == 200
    assert [who.opens().status_code for who in (told, stranger, boris)] == [303, 303, 200]


def test_a_session_named_without_the_person_is_enough(app: Flask, told: Person, issuer: StandIn) -> None:
    assert tells(app, token(issuer, sub=None)).status_code == 200
    assert told.opens().status_code == 303


def test_another_process_takes_it_as_well(
    settings: AgreementsSettings, effects: Effects, told: Person, issuer: StandIn
) -> None:
    assert tells(create_app(settings, effects=effects), token(issuer)).status_code == 200
    assert told.opens().status_code == 303


def test_what_is_not_known_here_is_no_failure(app: Flask, issuer: StandIn) -> None:
    """Or the provider would tell of it again and again."""
    assert tells(app, token(issuer, sid="of-nobody")).status_code == 200


NONE = "eyJhbGciOiJub25lIiwidHlwIjoibG9nb3V0K2p3dCIsImtpZCI6InJzLTEifQ"
"""A header with `alg` none."""
WRONG: dict[str, dict[str, Any]] = {
    "an ID token": {"header": {"typ": "JWT"}},
    "an access token": {"header": {"typ": "at+jwt"}},
    "no type": {"header": {"typ": None}},
    "no algorithm": {"header": {"alg": "none"}},
    "another algorithm": {"header": {"alg": "RS384"}},
    "a key of its own": {"header": {"jwk": RS_KEY.as_dict(private=False)}},
    "an unknown key": {"header": {"kid": "rs-2"}},
    "the key of another algorithm": {"header": {"kid": "es-1"}},
    "keys from elsewhere": {"header": {"jku": "https://evil.example/keys"}},
    "another issuer": {"iss": "https://other.example.lv"},
    "no issuer": {"iss": None},
    "another audience": {"aud": "another"},
    "two audiences": {"aud": [CLIENT_ID, "another"]},
    "no audience": {"aud": None},
    "a nonce": {"nonce": "x"},
    "an empty nonce": {"nonce": ""},
    "no event": {"events": None},
    "another event": {"events": {"http://schemas.openid.net/event/other": {}}},
    "an event that is no object": {"events": {EVENT: True}},
    "a list of events": {"events": [EVENT]},
    "no jti": {"jti": None},
    "a jti that is no text": {"jti": 1},
    "no iat": {"iat": None},
    "no exp": {"exp": None},
    "nobody": {"sub": None, "sid": None},
    "a session that is no text": {"sid": 1},
    "an empty session": {"sid": ""},
}


@pytest.mark.parametrize("what", WRONG)
def test_a_token_that_is_not_one_ends_nothing(app: Flask, told: Person, issuer: StandIn, what: str) -> None:
    """attack 16"""
    if what == "no algorithm":
        forged = f"{NONE}.{token(issuer).split('.')[1]}."
    else:
        forged = token(issuer, **WRONG[what])
    answer = tells(app, forged)
    assert (answer.status_code, answer.json) == (400, {"error": "invalid_request"})
    assert answer.headers["Cache-Control"] == "no-store"
    assert told.opens().status_code == 200


def test_a_token_of_the_wrong_time_ends_nothing(
    app: Flask, told: Person, issuer: StandIn, clock: Clock
) -> None:
    now = int(clock())
    for times in (
        {"exp": now - SKEW_SECONDS},
        {"iat": now + 60, "exp": now + 120},
        {"exp": now + 86400},
        {"nbf": now + 60},
    ):
        assert tells(app, token(issuer, **times)).status_code == 400
    assert told.opens().status_code == 200


def test_a_token_with_another_signature_ends_nothing(app: Flask, told: Person, issuer: StandIn) -> None:
    """attack 16"""
    header, claims, signature = token(issuer).split(".")
    for forged in (
        f"{header}.{claims}.",
        f"{header}.{claims}.{signature[::-1]}",
        f"{header}.{claims}",
        "x",
        "",
    ):
        assert tells(app, forged).status_code == 400
    assert told.opens().status_code == 200


def test_a_token_counts_once(app: Flask, anna: Person, issuer: StandIn, clock: Clock) -> None:
    """attack 20: who recorded one cannot sign people out with it, as long as it lives"""
    issuer.in_id_token = {"sid": "sid-1"}
    recorded = token(issuer)
    assert tells(app, recorded).status_code == 200
    anna.signs_in()
    for later in (0, 119, 4):
        clock.at += later
        assert tells(app, recorded).status_code == 400
    clock.at += 60
    assert tells(app, recorded).status_code == 400, "expired by now"


def test_a_token_comes_once_and_in_the_body(app: Flask, told: Person, issuer: StandIn) -> None:
    one, two = token(issuer), token(issuer)
    assert tells(app).status_code == 400
    assert tells(app, one, two).status_code == 400
    assert tells(app, query=f"?logout_token={one}").status_code == 400
    assert tells(app, one, query=f"?logout_token={one}").status_code == 400
    got = app.test_client().get("/backchannel-logout", base_url=f"{BASE_URL}/")
    assert got.status_code == 405
    assert told.opens().status_code == 200


def test_a_body_without_end_is_not_read(app: Flask) -> None:
    """attack 43"""
    assert tells(app, "x" * 100_000).status_code in {400, 413}


def test_while_the_keys_cannot_be_read_it_asks_to_be_told_again(
    settings: AgreementsSettings, effects: Effects, issuer: StandIn
) -> None:
    """Fails so that the provider tries again, and is not taken for told."""
    issuer.answers["/jwks"] = (500, "")
    answer = tells(create_app(settings, effects=effects), token(issuer))
    assert (answer.status_code, answer.json) == (503, {"error": "temporarily_unavailable"})


def test_no_cookie_is_needed_and_none_is_set(app: Flask, issuer: StandIn) -> None:
    assert "Set-Cookie" not in tells(app, token(issuer)).headers


def test_pages_ask_the_provider_as_before(told: Person, issuer: StandIn) -> None:
    """attack 22: what was told is in addition; when nothing was, the page finds out by itself"""
    issuer.people.clear()
    assert told.opens().status_code == 303
