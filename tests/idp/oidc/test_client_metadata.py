"""Client metadata as an operator hands it over (RFC 7591 section 2, OpenID Connect Registration 2)."""

import base64
from typing import Any

import pytest
from joserfc.jwk import ECKey, OctKey

from idp.effects import Effects
from idp.models.clients import ClientKind
from idp.oidc.client_metadata import register, response
from idp.oidc.errors import ProtocolError
from tests.support.builders import make_vault

CALLBACK = "https://app.example.lv/callback"
SMALL_RSA = {"kty": "RSA", "e": "AQAB", "n": base64.urlsafe_b64encode(b"\xc1" * 128).rstrip(b"=").decode()}
PUBLIC_KEY = ECKey.generate_key("P-256", {"kid": "one"}).as_dict(private=False)
TLS = {"token_endpoint_auth_method": "tls_client_auth"}
BY_KEY = {"token_endpoint_auth_method": "private_key_jwt", "jwks": {"keys": [PUBLIC_KEY]}}


def document(**changed: Any) -> dict[str, Any]:
    return {"redirect_uris": [CALLBACK], "client_name": "Lietotne", **changed}


def accept(**changed: Any) -> dict[str, Any]:
    return response(register(document(**changed), Effects()))


def refuse(**changed: Any) -> str:
    with pytest.raises(ProtocolError) as refused:
        register(document(**changed), Effects())
    return refused.value.description


def test_the_least_that_is_needed() -> None:
    told = accept()
    assert told.pop("client_id")
    assert len(told.pop("client_secret")) == 43
    assert told.pop("client_id_issued_at") > 0
    assert told == {
        "client_secret_expires_at": 0,
        "client_name": "Lietotne",
        "redirect_uris": [CALLBACK],
        "token_endpoint_auth_method": "client_secret_basic",
        "grant_types": ["authorization_code"],
        "response_types": ["code"],
        "application_type": "web",
        "scope": "openid profile email phone address",
        "id_token_signed_response_alg": "RS256",
    }


def test_the_secret_is_kept_only_as_a_hash() -> None:
    """attack 44"""
    registration = register(document(), Effects())
    assert registration.secret is not None
    assert registration.secret not in str(registration.client.secrets)
    assert registration.secret not in repr(registration)


def test_keys_may_be_published_rather_than_registered() -> None:
    told = accept(token_endpoint_auth_method="private_key_jwt", jwks_uri="https://app.example.lv/keys")
    assert told["jwks_uri"] == "https://app.example.lv/keys"
    assert "client_secret" not in told


def test_a_client_that_signs_with_its_secret_needs_a_place_where_it_is_sealed() -> None:
    """The row of mistakes below has it without one."""
    effects = Effects()
    asked = document(token_endpoint_auth_method="client_secret_jwt")
    registration = register(asked, effects, vault=make_vault(effects))
    assert registration.secret is not None
    assert registration.secret not in str(registration.client.mac_secret_sealed)
    assert len(registration.secret) >= 64, "as long as the hash of HS512"
    assert register(document(), effects, vault=make_vault(effects)).client.mac_secret_sealed is None


def test_a_public_client_has_no_secret() -> None:
    assert "client_secret" not in accept(token_endpoint_auth_method="none")


def test_what_kind_of_application_it_is() -> None:
    native = document(application_type="native", redirect_uris=["lv.example.app:/cb"])
    service = {"grant_types": ["client_credentials"], "scope": "fines.read"}
    kinds = [register(each, Effects()).client.kind for each in (document(), native, service)]
    assert kinds == [ClientKind.WEB.value, ClientKind.INSTALLED.value, ClientKind.SERVICE.value]


def test_unknown_members_are_ignored() -> None:
    assert "favourite_colour" not in accept(favourite_colour="blue")


def test_our_own_members() -> None:
    own = {
        "first_party": True,
        "pkce_required": False,
        "minimum_level": "urn:visvaris:acr:mfa",
        "needs_employment": True,
        "municipalities": ["0001000"],
        "roles": ["jurists"],
        "resources": ["https://fines.example.lv"],
        "audience": "https://fines.example.lv",
        "service_municipality": "0001000",
        "person_code_basis": "Law, section 7",
        "tile_group": "Sodi",
        "tile_text": "Sodu reģistrs",
    }
    client = register(document(visvaris=own), Effects()).client
    assert {name: getattr(client, name) for name in own} == {**own, "minimum_level": 2}


@pytest.mark.parametrize(
    ("own", "named"),
    [
        ({"first-party": True}, "first-party"),
        ({"first_party": "yes"}, "visvaris.first_party"),
        ({"minimum_level": 2}, "visvaris.minimum_level"),
        ({"municipalities": ["Rīga"]}, "visvaris.municipalities"),
        ({"resources": ["fines"]}, "visvaris.resources"),
        ({"resources": ["https://fines.example.lv/#x"]}, "visvaris.resources"),
        ([], "visvaris must be an object"),
    ],
)
def test_a_mistake_in_our_own_members_is_named(own: Any, named: str) -> None:
    assert named in refuse(visvaris=own)


@pytest.mark.parametrize(
    ("changed", "named"),
    [
        ({"redirect_uris": []}, "redirect_uris"),
        ({"redirect_uris": CALLBACK}, "redirect_uris"),
        ({"redirect_uris": [CALLBACK, "javascript:alert(1)"]}, "redirect URI"),
        ({"redirect_uris": [f"{CALLBACK}#x"]}, "fragment"),
        ({"redirect_uris": ["lv.example.app:/cb"]}, "https"),
        ({"redirect_uris": [7]}, "redirect_uris"),
        ({"post_logout_redirect_uris": ["data:text/html,x"]}, "redirect URI"),
        ({"client_uri": "javascript:alert(1)"}, "client_uri"),
        ({"logo_uri": "data:image/svg+xml,x"}, "logo_uri"),
        ({"policy_uri": "https://user@example.lv/"}, "policy_uri"),
        ({"tos_uri": "http://example.lv/"}, "tos_uri"),
        ({"tos_uri": "https://[example.lv/"}, "tos_uri"),
        ({"initiate_login_uri": "JaVaScRiPt:x"}, "initiate_login_uri"),
        ({"client_name": ""}, "client_name"),
        ({"client_name": "a\nb"}, "client_name"),
        ({"client_name": "x" * 501}, "client_name"),
        ({"token_endpoint_auth_method": "client_secret_jwt"}, "token_endpoint_auth_method"),
        ({"grant_types": ["password"]}, "grant_types"),
        ({"grant_types": ["implicit"]}, "grant_types"),
        ({"grant_types": ["refresh_token"], "response_types": []}, "refresh_token"),
        ({"grant_types": ["client_credentials"], "token_endpoint_auth_method": "none"}, "client_credentials"),
        ({"response_types": ["token"]}, "response_types"),
        ({"response_types": []}, "response_types"),
        ({"scope": "openid  profile"}, "scope"),
        ({"scope": ["openid"]}, "scope"),
        ({"scope": 'openid "'}, "scope"),
        ({"subject_type": "private"}, "subject_type"),
        ({"id_token_signed_response_alg": "none"}, "id_token_signed_response_alg"),
        ({"id_token_signed_response_alg": "HS256"}, "id_token_signed_response_alg"),
        ({"default_max_age": -1}, "default_max_age"),
        ({"default_max_age": True}, "default_max_age"),
        ({"default_acr_values": ["gold"]}, "default_acr_values"),
        ({"token_endpoint_auth_method": "private_key_jwt"}, "jwks"),
        ({"jwks": {"keys": []}}, "jwks"),
        ({"jwks": {"keys": [{"kty": "EC"}]}}, "jwks"),
        ({"jwks": {"keys": ["x"]}}, "jwks"),
        ({"jwks": []}, "jwks"),
        ({"jwks": {"keys": [PUBLIC_KEY, PUBLIC_KEY]}}, "jwks"),
        ({"jwks": {"keys": [ECKey.generate_key("P-256").as_dict(private=True)]}}, "private"),
        ({"jwks": {"keys": [ECKey.generate_key("P-384").as_dict(private=False)]}}, "jwks"),
        ({"jwks": {"keys": [SMALL_RSA]}}, "2048"),
        ({"jwks": {"keys": [OctKey.generate_key(256).as_dict(private=True)]}}, "private"),
        ({"jwks_uri": "http://app.example.lv/keys"}, "jwks_uri"),
        ({"jwks_uri": "https://app.example.lv/keys", "jwks": {"keys": [PUBLIC_KEY]}}, "jwks_uri"),
        ({"token_endpoint_auth_method": "self_signed_tls_client_auth"}, "jwks"),
        ({"token_endpoint_auth_method": "tls_client_auth"}, "tls_client_auth_subject_dn"),
        (
            {**TLS, "tls_client_auth_subject_dn": "CN=a", "tls_client_auth_san_dns": "a.example"},
            "exactly one",
        ),
        ({**TLS, "tls_client_auth_subject_dn": ""}, "tls_client_auth_subject_dn"),
        ({**TLS, "tls_client_auth_subject_dn": "client"}, "tls_client_auth_subject_dn"),
        ({**TLS, "tls_client_auth_subject_dn": "CN=a, O=b"}, "tls_client_auth_subject_dn"),
        ({**TLS, "tls_client_auth_san_dns": "*.example.lv"}, "tls_client_auth_san_dns"),
        ({**TLS, "tls_client_auth_san_ip": "10.0.0.0/8"}, "tls_client_auth_san_ip"),
        ({**TLS, "tls_client_auth_san_uri": "client"}, "tls_client_auth_san_uri"),
        ({**TLS, "tls_client_auth_san_email": "client"}, "tls_client_auth_san_email"),
        ({"token_endpoint_auth_signing_alg": "none"}, "token_endpoint_auth_signing_alg"),
        ({**BY_KEY, "token_endpoint_auth_signing_alg": "HS256"}, "token_endpoint_auth_signing_alg"),
        ({"introspection_signed_response_alg": "none"}, "introspection_signed_response_alg"),
        ({"introspection_encrypted_response_alg": "RSA-OAEP"}, "introspection_encrypted_response_alg"),
        ({"userinfo_signed_response_alg": "none"}, "userinfo_signed_response_alg"),
        ({"default_max_age": 10**400}, "default_max_age"),
        ({"policy_uri": 'https://app.example.lv/"quoted"'}, "policy_uri"),
        ({"dpop_bound_access_tokens": "yes"}, "dpop_bound_access_tokens"),
        ({"visvaris": {"dpop_nonce": 1}}, "visvaris.dpop_nonce"),
    ],
)
@pytest.mark.filterwarnings("ignore::joserfc.errors.SecurityWarning")
def test_a_mistake_is_refused_and_named(changed: dict[str, Any], named: str) -> None:
    """attack 5, attack 42: nothing that could run in a page"""
    assert named in refuse(**changed)


def test_what_is_asked_for_as_absent_is_no_mistake() -> None:
    assert accept(dpop_bound_access_tokens=False, jwks_uri=None)


def test_the_keys_may_be_published_elsewhere() -> None:
    uri = "https://app.example.lv/keys"
    told = accept(token_endpoint_auth_method="private_key_jwt", jwks_uri=uri)
    assert told["jwks_uri"] == uri
    assert "client_secret" not in told


DEVICE = "urn:ietf:params:oauth:grant-type:device_code"
EXCHANGE = "urn:ietf:params:oauth:grant-type:token-exchange"


def test_a_device_needs_no_redirect_uris_and_signs_people_in() -> None:
    told = accept(redirect_uris=[], grant_types=[DEVICE, "refresh_token"])
    assert told["response_types"] == []
    assert told["scope"] == "openid profile email phone address offline_access"
    device = register(document(redirect_uris=[], grant_types=[DEVICE]), Effects()).client
    assert device.kind == ClientKind.WEB.value


def test_refresh_tokens_are_for_who_signs_people_in() -> None:
    assert "refresh_token needs" in refuse(grant_types=["client_credentials", "refresh_token"], scope="x")


def test_exchange_is_for_clients_that_authenticate() -> None:
    """attack 17"""
    service = {"grant_types": [EXCHANGE], "redirect_uris": [], "scope": "fines.read"}
    assert EXCHANGE in refuse(token_endpoint_auth_method="none", **service)
    assert accept(**service)["client_secret"]
