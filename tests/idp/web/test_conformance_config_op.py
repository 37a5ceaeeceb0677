"""The Foundation's Config OP plan: one module, which reads what we publish (conformance).

The provider is as rich as it gets: open registration, a proxy that tells of certificates, and an origin of its own for them.
"""

from collections.abc import Iterator
from typing import Any
from urllib.parse import urlsplit

import httpx
import pytest

from tests.support.actors import ISSUER, Hall
from tests.support.provider_metadata import REGISTERED

DISCOVERY = "/.well-known/openid-configuration"
SECRET_PARTS = {"d", "p", "q", "dp", "dq", "qi", "oth", "k"}
RICHEST = {
    "registration": "open",
    "trusted_proxies": "10.0.0.0/24",
    "mtls_origin": "https://mtls.login.example.lv",
}


@pytest.fixture(params=[{}, RICHEST], ids=["plain", "richest"])
def http(fresh_database: str, request: pytest.FixtureRequest) -> Iterator[httpx.Client]:
    hall = Hall(fresh_database, options=request.param)
    with httpx.Client(transport=httpx.WSGITransport(app=hall.app), base_url=ISSUER) as client:
        yield client
    hall.close()


@pytest.fixture
def said(http: httpx.Client) -> dict[str, Any]:
    reply = http.get(DISCOVERY)
    assert (reply.status_code, reply.headers["Content-Type"]) == (200, "application/json")
    document: dict[str, Any] = reply.json()
    return document


def test_oidcc_discovery_endpoint_verification(http: httpx.Client, said: dict[str, Any]) -> None:
    assert f"{said['issuer']}{DISCOVERY}" == f"{ISSUER}{DISCOVERY}"
    assert {"authorization_endpoint", "token_endpoint", "userinfo_endpoint", "jwks_uri"} <= set(said)
    assert "code" in said["response_types_supported"]
    assert "authorization_code" in said["grant_types_supported"]
    assert {"public"} <= set(said["subject_types_supported"]) <= {"public", "pairwise"}
    assert "RS256" in said["id_token_signing_alg_values_supported"]
    assert "RS256" in said["request_object_signing_alg_values_supported"]
    assert "openid" in said["scopes_supported"]
    assert {"sub", "name", "email", "address", "phone_number"} <= set(said["claims_supported"])
    assert said["claims_parameter_supported"] is True
    assert said["ui_locales_supported"] == ["lv", "en"]


def test_every_address_is_https_under_an_https_issuer(said: dict[str, Any]) -> None:
    addresses = [value for name, value in said.items() if name.endswith(("_endpoint", "_uri"))]
    addresses += said.get("mtls_endpoint_aliases", {}).values()
    assert len(addresses) >= 9
    assert all(
        urlsplit(address).scheme == "https" and not urlsplit(address).fragment for address in addresses
    )


def test_every_member_is_of_a_registered_specification(said: dict[str, Any]) -> None:
    assert set(said) <= REGISTERED
    assert set(said.get("mtls_endpoint_aliases", {})) <= REGISTERED
    assert not [name for name, value in said.items() if value in (None, [], {})]


def test_every_list_has_each_value_once(said: dict[str, Any]) -> None:
    lists = {name: value for name, value in said.items() if isinstance(value, list)}
    assert [name for name, value in lists.items() if len(value) != len(set(value))] == []


def test_every_key_is_public_and_has_a_name_of_its_own(http: httpx.Client, said: dict[str, Any]) -> None:
    keys = http.get(urlsplit(said["jwks_uri"]).path).json()["keys"]
    assert len({key["kid"] for key in keys}) == len(keys) > 0
    assert all(key["use"] == "sig" and key["alg"] in {"RS256", "ES256"} for key in keys)
    assert not [key["kid"] for key in keys if SECRET_PARTS & set(key)]
