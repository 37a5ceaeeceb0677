"""Signed and encrypted answers (OpenID Connect Core 5.3.2 and 10.2), read by a stranger with keys of its own."""

import json
from collections.abc import Mapping
from typing import Any

import pytest
from joserfc import jwe, jwt
from joserfc.jwk import ECKey, Key, OKPKey, RSAKey

from idp.gateways.outbound import Outbound
from idp.models.people import User
from idp.oidc.authorize import Browser
from idp.oidc.errors import ProtocolError
from tests.idp.oidc.house import ISSUER, House
from tests.support.relying_party import ProviderError, RelyingParty, half_hash
from tests.support.remote import Remote, Reply

KEYS: Mapping[str, Key] = {
    "RSA": RSAKey.generate_key(2048, {"kid": "rsa", "use": "enc"}),
    "P-256": ECKey.generate_key("P-256", {"kid": "p256", "use": "enc"}),
    "P-384": ECKey.generate_key("P-384", {"kid": "p384", "use": "enc"}),
    "X25519": OKPKey.generate_key("X25519", {"kid": "x25519", "use": "enc"}),
}
WAYS = [
    *(("RSA", "RSA-OAEP-256", "A128CBC-HS256"), ("RSA", "RSA-OAEP-256", "A256GCM")),
    *(
        ("P-256", "ECDH-ES", "A128CBC-HS256"),
        ("P-256", "ECDH-ES", "A128GCM"),
        ("P-384", "ECDH-ES", "A256GCM"),
    ),
    *(("P-256", "ECDH-ES+A256KW", "A128CBC-HS256"), ("X25519", "ECDH-ES+A256KW", "A256GCM")),
]


@pytest.fixture
def house(house: House, outbound: Outbound) -> House:
    return House(house.world, outbound=outbound)


def public(*keys: Key) -> dict[str, Any]:
    return {"keys": [key.as_dict(private=False) for key in keys]}


def decrypt(token: str, key: Key, alg: str, enc: str) -> tuple[dict[str, Any], str]:
    """Header and content, for a stranger that accepts these two algorithms and no other."""
    opened = jwe.decrypt_compact(token, key, algorithms=[alg, enc])
    assert opened.plaintext is not None
    return dict(opened.protected), opened.plaintext.decode()


def raw_id_token(house: House, party: RelyingParty, browser: Browser) -> tuple[str, str, str]:
    """As it comes, with the nonce and the access token that belong to it."""
    question, code = house.code_for(party, browser)
    form = {"grant_type": "authorization_code", "code": code, "redirect_uri": party.redirect_uri}
    body = party.post("/token", {**form, "code_verifier": question.verifier}).json()
    return body["id_token"], question.nonce, body["access_token"]


def userinfo(house: House, access_token: str) -> tuple[str, str]:
    """Content type and body."""
    reply = house.http.get("/userinfo", headers={"Authorization": f"Bearer {access_token}"})
    assert reply.status_code == 200, reply.text
    assert reply.headers["Cache-Control"] == "no-store"
    return reply.headers["Content-Type"], reply.text


def refuse(house: House, **metadata: Any) -> str:
    with pytest.raises(ProtocolError) as refused:
        house.add_client(**metadata)
    assert refused.value.error == "invalid_client_metadata"
    return refused.value.description


# ID tokens ------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(("key", "alg", "enc"), WAYS)
@pytest.mark.parametrize("signed", ["RS256", "ES256"])
def test_an_id_token_is_signed_and_then_encrypted(
    house: House, browser: Browser, anna: User, key: str, alg: str, enc: str, signed: str
) -> None:
    """A nested JWT (RFC 7519 section 5.2)"""
    party = house.add_client(
        jwks=public(KEYS[key]),
        id_token_signed_response_alg=signed,
        id_token_encrypted_response_alg=alg,
        id_token_encrypted_response_enc=enc,
    )
    token, nonce, access_token = raw_id_token(house, party, browser)
    header, content = decrypt(token, KEYS[key], alg, enc)
    assert (header["alg"], header["enc"], header["cty"], header["kid"]) == (alg, enc, "JWT", KEYS[key].kid)
    assert "zip" not in header
    claims = party.check_id_token(content, access_token, nonce)
    assert (claims["sub"], claims["at_hash"]) == (anna.id, half_hash(access_token))


def test_the_content_has_an_algorithm_of_its_own_when_none_is_named(house: House, browser: Browser) -> None:
    """OpenID Connect Registration 2: "the default is A128CBC-HS256" """
    party = house.add_client(jwks=public(KEYS["RSA"]), id_token_encrypted_response_alg="RSA-OAEP-256")
    registered = house.openid.clients.get(party.client_id).registered
    assert registered["id_token_encrypted_response_enc"] == "A128CBC-HS256"
    token, *_ = raw_id_token(house, party, browser)
    assert decrypt(token, KEYS["RSA"], "RSA-OAEP-256", "A128CBC-HS256")


def test_decrypted_it_is_good_as_a_hint_and_encrypted_it_is_not(house: House, browser: Browser) -> None:
    """Core 3.1.2.1: the client "MUST decrypt the signed ID Token" for it"""
    party = house.add_client(jwks=public(KEYS["RSA"]), id_token_encrypted_response_alg="RSA-OAEP-256")
    token, *_ = raw_id_token(house, party, browser)
    _, content = decrypt(token, KEYS["RSA"], "RSA-OAEP-256", "A128CBC-HS256")
    assert house.code_for(party, browser, prompt="none", id_token_hint=content)
    with pytest.raises(ProviderError, match="invalid_request"):
        house.code_for(party, browser, prompt="none", id_token_hint=token)


def test_two_encryptions_of_one_person_have_nothing_in_common(house: House, browser: Browser) -> None:
    party = house.add_client(jwks=public(KEYS["P-256"]), id_token_encrypted_response_alg="ECDH-ES")
    one, other = (raw_id_token(house, party, browser)[0].split(".") for _ in range(2))
    assert one[2] != other[2]
    assert one[0] != other[0], "another ephemeral key"


# UserInfo -------------------------------------------------------------------------------------------------------


def test_who_asks_for_nothing_gets_json(house: House, browser: Browser, app: RelyingParty) -> None:
    kind, body = userinfo(house, house.tokens_for(app, browser).access_token)
    assert kind == "application/json"
    assert set(json.loads(body)) == {"sub"}


@pytest.mark.parametrize("alg", ["RS256", "ES256"])
def test_userinfo_comes_signed(house: House, browser: Browser, anna: User, alg: str) -> None:
    """Core 5.3.2: with `iss` and `aud`"""
    party = house.add_client(userinfo_signed_response_alg=alg)
    kind, body = userinfo(house, house.tokens_for(party, browser, scope="openid email").access_token)
    assert kind == "application/jwt"
    claims = jwt.decode(body, party.keys(), algorithms=[alg]).claims
    assert claims == {
        "sub": anna.id,
        "email": "anna@example.lv",
        "email_verified": True,
        "iss": ISSUER,
        "aud": party.client_id,
    }


@pytest.mark.parametrize(("key", "alg", "enc"), WAYS)
def test_userinfo_comes_signed_and_encrypted(
    house: House, browser: Browser, anna: User, key: str, alg: str, enc: str
) -> None:
    party = house.add_client(
        jwks=public(KEYS[key]),
        userinfo_signed_response_alg="ES256",
        userinfo_encrypted_response_alg=alg,
        userinfo_encrypted_response_enc=enc,
    )
    kind, body = userinfo(house, house.tokens_for(party, browser).access_token)
    header, content = decrypt(body, KEYS[key], alg, enc)
    assert (kind, header["cty"]) == ("application/jwt", "JWT")
    assert jwt.decode(content, party.keys(), algorithms=["ES256"]).claims["sub"] == anna.id


def test_userinfo_may_be_encrypted_only(house: House, browser: Browser, anna: User) -> None:
    """Core 5.3.2: "The response MAY be encrypted without also being signed." """
    party = house.add_client(jwks=public(KEYS["RSA"]), userinfo_encrypted_response_alg="RSA-OAEP-256")
    kind, body = userinfo(house, house.tokens_for(party, browser).access_token)
    header, content = decrypt(body, KEYS["RSA"], "RSA-OAEP-256", "A128CBC-HS256")
    assert (kind, header.get("cty")) == ("application/jwt", None)
    assert json.loads(content)["sub"] == anna.id


def test_a_signed_userinfo_passes_for_no_other_token(house: House, browser: Browser) -> None:
    """attack 16: wrong typ"""
    party = house.add_client(userinfo_signed_response_alg="RS256")
    _, body = userinfo(house, house.tokens_for(party, browser).access_token)
    with pytest.raises(ProviderError, match="invalid_request"):
        house.code_for(party, browser, prompt="none", id_token_hint=body)
    with pytest.raises(ProviderError, match="invalid_token"):
        party.userinfo(body)
    assert party.introspect(body) == {"active": False}


# Keys -----------------------------------------------------------------------------------------------------------


def test_a_key_marked_for_encryption_is_preferred_and_one_for_signing_never_used(
    house: House, browser: Browser
) -> None:
    anything = RSAKey.generate_key(2048, {"kid": "anything"})
    signing = RSAKey.generate_key(2048, {"kid": "signing", "use": "sig"})
    keys = public(signing, anything, KEYS["RSA"])
    party = house.add_client(jwks=keys, id_token_encrypted_response_alg="RSA-OAEP-256")
    token, *_ = raw_id_token(house, party, browser)
    assert decrypt(token, KEYS["RSA"], "RSA-OAEP-256", "A128CBC-HS256")
    assert "needs a key" in refuse(
        house, jwks=public(signing), id_token_encrypted_response_alg="RSA-OAEP-256"
    )


def test_published_keys_are_used(house: House, browser: Browser, remote: Remote) -> None:
    remote.answers["/keys"] = Reply(json.dumps(public(KEYS["P-256"])).encode())
    party = house.add_client(jwks_uri=remote.url("/keys"), id_token_encrypted_response_alg="ECDH-ES")
    token, *_ = raw_id_token(house, party, browser)
    assert decrypt(token, KEYS["P-256"], "ECDH-ES", "A128CBC-HS256")


@pytest.mark.parametrize(
    ("reply", "why"),
    [
        (Reply(b"", 500), "answered with status 500"),
        (Reply(b"nothing"), "does not hold a JWK set"),
        (Reply(json.dumps(public(KEYS["RSA"])).encode()), "it has no key for ECDH-ES"),
    ],
)
def test_without_a_key_nothing_is_spent_and_nothing_is_sent_readable(
    house: House, browser: Browser, remote: Remote, reply: Reply, why: str
) -> None:
    """The client learns which address failed and why, mends it, and uses the same code."""
    remote.answers["/keys"] = reply
    party = house.add_client(
        jwks_uri=remote.url("/keys"),
        id_token_encrypted_response_alg="ECDH-ES",
        userinfo_encrypted_response_alg="ECDH-ES",
    )
    question, code = house.code_for(party, browser)
    with pytest.raises(ProviderError, match=why) as refused:
        party.redeem(question, code)
    assert (refused.value.status, refused.value.error) == (400, "invalid_request")
    remote.answers["/keys"] = Reply(json.dumps(public(KEYS["P-256"])).encode())
    house.world.clock.move(11)
    body = party.post(
        "/token",
        {
            "grant_type": "authorization_code",
            "code": code,
            "redirect_uri": party.redirect_uri,
            "code_verifier": question.verifier,
        },
    ).json()
    assert decrypt(body["id_token"], KEYS["P-256"], "ECDH-ES", "A128CBC-HS256")


def test_userinfo_is_never_readable_for_who_asked_for_it_encrypted(
    house: House, browser: Browser, remote: Remote
) -> None:
    party = house.add_client(jwks_uri=remote.url("/keys"), userinfo_encrypted_response_alg="ECDH-ES")
    access_token = house.tokens_for(party, browser, scope="openid email").access_token
    reply = house.http.get("/userinfo", headers={"Authorization": f"Bearer {access_token}"})
    assert (reply.status_code, reply.json()["error"]) == (400, "invalid_request")
    assert "anna@example.lv" not in reply.text
    assert remote.url("/keys") in reply.json()["error_description"]


# Registration ---------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "metadata",
    [
        {"id_token_encrypted_response_alg": "RSA1_5", "jwks": public(KEYS["RSA"])},
        {"id_token_encrypted_response_alg": "RSA-OAEP", "jwks": public(KEYS["RSA"])},
        {"id_token_encrypted_response_alg": "dir", "jwks": public(KEYS["RSA"])},
        {"id_token_encrypted_response_alg": "A128KW", "jwks": public(KEYS["RSA"])},
        {"userinfo_encrypted_response_alg": "PBES2-HS256+A128KW", "jwks": public(KEYS["RSA"])},
        {"userinfo_encrypted_response_alg": "ECDH-ES", "jwks": public(KEYS["RSA"])},
        {"userinfo_encrypted_response_alg": "RSA-OAEP-256", "jwks": public(KEYS["P-256"])},
        {"userinfo_encrypted_response_alg": "RSA-OAEP-256"},
        {"userinfo_encrypted_response_enc": "A256GCM"},
        {
            "userinfo_encrypted_response_alg": "RSA-OAEP-256",
            "userinfo_encrypted_response_enc": "none",
            "jwks": public(KEYS["RSA"]),
        },
        {"userinfo_signed_response_alg": "HS256"},
        {"userinfo_signed_response_alg": "none"},
    ],
)
def test_what_could_not_be_done_is_not_registered(house: House, metadata: dict[str, Any]) -> None:
    """attack 16: RSA1_5 oracle"""
    assert refuse(house, **metadata).startswith(("id_token_", "userinfo_"))


def test_discovery_lists_what_may_be_registered(app: RelyingParty) -> None:
    said = app.metadata()
    for what in ("id_token", "userinfo"):
        assert said[f"{what}_encryption_alg_values_supported"] == [
            "RSA-OAEP-256",
            "ECDH-ES",
            "ECDH-ES+A256KW",
        ]
        assert said[f"{what}_encryption_enc_values_supported"] == ["A128CBC-HS256", "A128GCM", "A256GCM"]
        assert said[f"{what}_signing_alg_values_supported"] == ["RS256", "ES256"]
