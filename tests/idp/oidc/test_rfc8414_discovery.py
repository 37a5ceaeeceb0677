"""What the provider publishes (OpenID Connect Discovery 1.0, RFC 8414, RFC 7517)."""

import pytest

from idp.oidc import discovery
from tests.idp.oidc.house import ISSUER, House
from tests.support.provider_metadata import REGISTERED
from tests.support.relying_party import RelyingParty


@pytest.mark.parametrize("path", discovery.PATHS)
def test_it_is_found_at_both_addresses(house: House, path: str) -> None:
    reply = house.http.get(path)
    assert reply.json()["issuer"] == ISSUER
    assert reply.headers["Content-Type"] == "application/json"
    assert reply.headers["Access-Control-Allow-Origin"] == "*"


def test_only_registered_members(app: RelyingParty) -> None:
    assert set(app.metadata()) <= REGISTERED


def test_what_it_says_is_so(app: RelyingParty) -> None:
    said = app.metadata()
    assert said["response_types_supported"] == ["code"]
    assert said["acr_values_supported"] == ["urn:visvaris:acr:1fa", "urn:visvaris:acr:mfa", "phr"]
    assert said["code_challenge_methods_supported"] == ["S256"]
    assert said["id_token_signing_alg_values_supported"] == ["RS256", "ES256"]
    assert said["authorization_response_iss_parameter_supported"] is True
    assert said["subject_types_supported"] == ["public", "pairwise"]
    assert not any(
        "RSA1_5" in value for name, value in said.items() if name.endswith("_alg_values_supported")
    )
    assert said["request_uri_parameter_supported"] is said["require_request_uri_registration"] is True
    assert said["response_modes_supported"] == ["query", "form_post", "jwt", "query.jwt", "form_post.jwt"]
    assert said["request_object_signing_alg_values_supported"] == ["RS256", "PS256", "ES256", "EdDSA"]
    assert said["authorization_signing_alg_values_supported"] == ["RS256", "ES256"]
    assert said["require_pushed_authorization_requests"] is False
    assert "none" not in said["introspection_endpoint_auth_methods_supported"]
    assert all(said[name].startswith(ISSUER + "/") for name in said if name.endswith(("_endpoint", "_uri")))


@pytest.mark.parametrize("path", [*discovery.PATHS, "/jwks"])
def test_it_may_be_kept_for_a_while(house: House, path: str) -> None:
    first = house.http.get(path)
    assert "max-age" in first.headers["Cache-Control"]
    again = house.http.get(path, headers={"If-None-Match": first.headers["ETag"]})
    assert (again.status_code, again.content) == (304, b"")


def test_every_key_has_a_name_of_its_own_and_no_secret(house: House) -> None:
    keys = house.http.get("/jwks").json()["keys"]
    assert len({key["kid"] for key in keys}) == len(keys) == 4
    assert {key["alg"] for key in keys} == {"RS256", "ES256"}
    assert all(set(key) <= {"kty", "use", "alg", "kid", "n", "e", "crv", "x", "y"} for key in keys)


def test_other_origins_read_what_is_published_and_nothing_else(house: House) -> None:
    for path in (*discovery.PATHS, "/jwks"):
        assert house.http.options(path).headers["Access-Control-Allow-Origin"] == "*"
    for path in ("/token", "/introspect", "/revoke", "/userinfo"):
        reply = house.http.options(path)
        assert "Access-Control-Allow-Origin" not in reply.headers
        assert "POST" in reply.headers["Allow"]
