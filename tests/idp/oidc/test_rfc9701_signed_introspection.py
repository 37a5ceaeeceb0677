"""Signed answers about tokens (RFC 9701)."""

from typing import Any

import httpx
import pytest
from joserfc import jwt

from idp.models.people import User
from idp.oidc.authorize import Browser
from tests.idp.oidc.house import ISSUER, House
from tests.support.relying_party import FORM, RelyingParty

FINES = "https://fines.example.lv"
JWT = "application/token-introspection+jwt"


@pytest.fixture
def fines(house: House) -> RelyingParty:
    return house.add_service(own={"audience": FINES})


@pytest.fixture
def token(house: House, browser: Browser) -> str:
    app = house.add_client(own={"resources": [FINES]})
    return house.tokens_for(app, browser, scope="openid employment", resource=FINES).access_token


def asked(party: RelyingParty, token: str, *, accept: str | None = JWT) -> httpx.Response:
    headers, _ = party.credentials()
    return party.http.post(
        "/introspect",
        data={"token": token},
        headers={**FORM, **headers, **({"Accept": accept} if accept else {})},
    )


def read(party: RelyingParty, reply: httpx.Response, *, alg: str = "RS256") -> dict[str, Any]:
    """As a resource server that believes nothing it has not checked (section 5)."""
    assert reply.status_code == 200
    assert reply.headers["Content-Type"] == JWT
    assert reply.headers["Cache-Control"] == "no-store"
    found = jwt.decode(reply.text, party.keys(), algorithms=[alg])
    assert found.header["typ"] == "token-introspection+jwt"
    assert found.header["alg"] == alg
    claims = found.claims
    assert set(claims) == {"iss", "aud", "iat", "token_introspection"}
    assert (claims["iss"], claims["aud"], claims["iat"]) == (ISSUER, party.client_id, int(party.now()))
    told: dict[str, Any] = claims["token_introspection"]
    return told


def test_it_tells_what_the_plain_answer_tells(fines: RelyingParty, token: str, anna: User) -> None:
    told = read(fines, asked(fines, token))
    assert told == fines.introspect(token)
    assert (told["active"], told["sub"]) == (True, anna.id)


@pytest.mark.parametrize("token", ["x", "x.y.z"])
def test_that_a_token_is_not_active_is_signed_too(fines: RelyingParty, token: str) -> None:
    assert read(fines, asked(fines, token)) == {"active": False}


def test_for_another_resource_server_the_token_does_not_exist(house: House, token: str) -> None:
    """attack 19"""
    baris = house.add_service(own={"audience": "https://baris.example.lv"})
    assert read(baris, asked(baris, token)) == {"active": False}


@pytest.mark.parametrize("alg", ["RS256", "ES256"])
def test_by_the_algorithm_that_was_registered(house: House, token: str, alg: str) -> None:
    party = house.add_service(own={"audience": FINES}, introspection_signed_response_alg=alg)
    assert read(party, asked(party, token), alg=alg)["active"]


@pytest.mark.parametrize(
    "accept",
    [
        *(JWT, f"application/json, {JWT}", f"{JWT};q=0.5, application/json", JWT.upper(), f" {JWT} ; q=1.0"),
        f"{JWT};charset=utf-8;q=0.1",
    ],
)
def test_who_accepts_it_gets_it(fines: RelyingParty, token: str, accept: str) -> None:
    assert read(fines, asked(fines, token, accept=accept))["active"]


@pytest.mark.parametrize(
    "accept",
    [
        *(None, "", "*/*", "application/json", "application/jwt", f"{JWT}x", f"x{JWT}", f"{JWT};q=0"),
        *(f"{JWT}; q=0.000", f'application/json;note="{JWT}"'),
    ],
)
def test_who_does_not_accept_it_gets_plain_json(fines: RelyingParty, token: str, accept: str | None) -> None:
    reply = asked(fines, token, accept=accept)
    assert reply.headers["Content-Type"] == "application/json"
    assert reply.json()["active"] is True


def test_an_error_is_plain_json(fines: RelyingParty, token: str) -> None:
    """Section 5: RFC 7662's own errors stay as they are."""
    fines.secret = "wrong"
    reply = asked(fines, token)
    assert (reply.status_code, reply.json()["error"]) == (401, "invalid_client")


def test_an_answer_is_no_token(house: House, fines: RelyingParty, token: str) -> None:
    """attack 16: section 8.1, nobody takes the answer for what it is about"""
    answer = asked(fines, token).text
    assert fines.introspect(answer) == {"active": False}
    reply = house.http.get("/userinfo", headers={"Authorization": f"Bearer {answer}"})
    assert (reply.status_code, reply.json()["error"]) == (401, "invalid_token")


def test_discovery_says_so(fines: RelyingParty) -> None:
    """Section 7"""
    said = fines.metadata()
    assert said["introspection_signing_alg_values_supported"] == ["RS256", "ES256"]
    assert not [name for name in said if name.startswith("introspection_encryption")]
