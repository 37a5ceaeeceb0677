"""Client authentication (RFC 6749 section 2.3, RFC 7523, OpenID Connect Core 9)."""

import base64
import hashlib
import hmac
import json
from typing import Any
from urllib.parse import urlencode

import pytest
from joserfc import jws
from joserfc.jwk import ECKey, Key, OKPKey, RSAKey

from idp.models.clients import Client
from idp.oidc import client_auth
from idp.oidc.client_metadata import secret_record
from tests.idp.oidc.house import ISSUER, House
from tests.support.relying_party import FORM, RelyingParty, basic


def error_of(reply: Any) -> tuple[int, str]:
    return reply.status_code, reply.json().get("error", "")


REFUSED = (401, "invalid_client")
OWN = {"grant_type": "client_credentials"}


@pytest.fixture
def service(house: House) -> RelyingParty:
    return house.add_service()


@pytest.fixture
def by_post(house: House) -> RelyingParty:
    return house.add_service(token_endpoint_auth_method="client_secret_post")


@pytest.fixture
def by_key(house: House) -> RelyingParty:
    return keyed(house, ECKey.generate_key("P-256", {"kid": "one"}))


def keyed(house: House, key: Key, **metadata: Any) -> RelyingParty:
    jwks = {"keys": [{**key.as_dict(private=False), "kid": key.kid}]}
    party = house.add_service(token_endpoint_auth_method="private_key_jwt", jwks=jwks, **metadata)
    party.key = key
    return party


def test_each_in_its_own_way(service: RelyingParty, by_post: RelyingParty, by_key: RelyingParty) -> None:
    for party in (service, by_post, by_key):
        assert party.own_token().access_token


@pytest.mark.parametrize("path", ["/token", "/introspect", "/revoke"])
def test_nobody_gets_in_without(house: House, path: str) -> None:
    assert error_of(house.post(path, {**OWN, "token": "x"})) == REFUSED


def test_a_wrong_secret_and_an_unknown_client_are_told_the_same(house: House, service: RelyingParty) -> None:
    """attack 28"""
    wrong = house.post("/token", OWN, {"Authorization": basic(service.client_id, "wrong")})
    unknown = house.post("/token", OWN, {"Authorization": basic("nobody", service.secret or "")})
    assert error_of(wrong) == error_of(unknown) == REFUSED
    assert wrong.headers["WWW-Authenticate"].startswith("Basic ")
    assert wrong.json()["error_description"] == unknown.json()["error_description"]


def test_exactly_the_registered_way(
    house: House, service: RelyingParty, by_post: RelyingParty, by_key: RelyingParty
) -> None:
    """attack 17"""
    service.auth_method, by_post.auth_method = by_post.auth_method, service.auth_method
    for party in (service, by_post):
        assert error_of(party.post("/token", OWN)) == REFUSED
    for party in (service, by_post, by_key):
        assert error_of(house.post("/token", {**OWN, "client_id": party.client_id})) == REFUSED


def test_two_ways_at_once_are_refused(
    house: House, service: RelyingParty, by_post: RelyingParty, by_key: RelyingParty
) -> None:
    """attack 17"""
    ways = [party.credentials() for party in (service, by_post, by_key)]
    for first in range(3):
        for second in range(first + 1, 3):
            headers = {**ways[first][0], **ways[second][0]}
            form = {**OWN, **ways[first][1], **ways[second][1]}
            assert error_of(house.post("/token", form, headers)) == (400, "invalid_request")


def test_a_public_client_with_a_secret_is_refused(house: House) -> None:
    """attack 17"""
    public = house.add_client(token_endpoint_auth_method="none")
    with house.world.database.begin() as work:
        work.clients.replace_secrets(public.client_id, [secret_record("s" * 43, house.world.clock.at)])
    for auth_method in ("client_secret_basic", "client_secret_post"):
        party = house.relying_party(house.openid.clients.get(public.client_id), "s" * 43)
        party.auth_method = auth_method
        assert error_of(party.post("/revoke", {"token": "x"})) == REFUSED


def test_a_disabled_client_is_refused(
    house: House, service: RelyingParty, by_post: RelyingParty, by_key: RelyingParty
) -> None:
    """attack 17"""
    for party in (service, by_post, by_key):
        with house.world.database.begin() as work:
            work.clients.set_disabled(party.client_id, True)
        assert error_of(party.post("/token", OWN)) == REFUSED


def test_two_secrets_while_one_is_replaced_and_none_after_its_end(
    house: House, service: RelyingParty
) -> None:
    now = house.world.clock.at
    old = service.secret or ""
    secrets = [secret_record("n" * 43, now), secret_record(old, now, expires_at=now + 100)]
    with house.world.database.begin() as work:
        work.clients.replace_secrets(service.client_id, secrets)
    for secret in (old, "n" * 43):
        service.secret = secret
        assert service.own_token()
    house.world.clock.move(100)
    service.secret = old
    assert error_of(service.post("/token", OWN)) == REFUSED


def test_secrets_are_compared_in_constant_time(
    house: House, service: RelyingParty, monkeypatch: pytest.MonkeyPatch
) -> None:
    """attack 17: every comparison is `compare_digest` of two hashes, for unknown clients too"""
    compared: list[tuple[int, int]] = []

    def compare(left: str, right: str) -> bool:
        compared.append((len(left), len(right)))
        return left == right

    monkeypatch.setattr(client_auth.hmac, "compare_digest", compare)
    for client_id in (service.client_id, "nobody"):
        house.post("/token", OWN, {"Authorization": basic(client_id, "wrong")})
    assert compared == [(64, 64), (64, 64)]


@pytest.mark.parametrize(
    "header",
    [
        *(
            "",
            "Basic",
            "Basic ",
            "Basic !!!",
            "Bearer abc",
            "Digest x",
            "Basic " + base64.b64encode(b"no-colon").decode(),
        ),
        *(
            "Basic " + base64.b64encode(b"\xff:\xff").decode(),
            "Basic " + base64.b64encode(b"a%00:b").decode(),
        ),
    ],
)
def test_a_header_that_cannot_be_read_is_refused(house: House, header: str) -> None:
    assert error_of(house.post("/token", OWN, {"Authorization": header})) == REFUSED


def test_identifier_and_secret_are_form_encoded_in_the_header(house: House) -> None:
    """RFC 6749 section 2.3.1"""
    registered = {"grant_types": ["client_credentials"], "token_endpoint_auth_method": "client_secret_basic"}
    with house.world.database.begin() as work:
        record = secret_record("p:ss w+rd%", house.world.clock.at)
        work.clients.add(
            Client(client_id="a:b c", name="x", created_at=0.0, registered=registered, secrets=[record])
        )
    assert house.post("/token", OWN, {"Authorization": basic("a:b c", "p:ss w+rd%")}).status_code == 200


def test_the_form_must_not_name_another_client(house: House, service: RelyingParty) -> None:
    headers, _ = service.credentials()
    assert error_of(house.post("/token", {**OWN, "client_id": "another"}, headers)) == REFUSED
    assert house.post("/token", {**OWN, "client_id": service.client_id}, headers).status_code == 200


@pytest.mark.parametrize("name", ["client_secret", "client_assertion", "code", "refresh_token", "token"])
def test_secrets_are_not_taken_from_the_url(house: House, service: RelyingParty, name: str) -> None:
    """attack 44"""
    headers, _ = service.credentials()
    assert error_of(house.post(f"/token?{name}=x", OWN, headers)) == (400, "invalid_request")


# private_key_jwt ----------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("alg", "key"),
    [
        ("ES256", ECKey.generate_key("P-256", {"kid": "k"})),
        ("RS256", RSAKey.generate_key(2048, {"kid": "k"})),
        ("PS256", RSAKey.generate_key(2048, {"kid": "k"})),
    ],
    ids=lambda value: value if isinstance(value, str) else "",
)
def test_each_algorithm_for_assertions(house: House, alg: str, key: Key) -> None:
    party = keyed(house, key)
    assert asserted(party, party.assertion(alg=alg)) == (200, "")


@pytest.mark.filterwarnings("ignore:EdDSA is deprecated")
def test_an_ed25519_key(house: House) -> None:
    party = keyed(house, OKPKey.generate_key("Ed25519", {"kid": "k"}))
    assert asserted(party, party.assertion(alg="EdDSA")) == (200, "")


def asserted(party: RelyingParty, assertion: str, **extra: str) -> tuple[int, str]:
    form = {**OWN, **party.assertion_form(assertion), **extra}
    return error_of(party.http.post("/token", content=urlencode(form), headers=FORM))


def test_an_assertion_works_once(by_key: RelyingParty) -> None:
    """attack 17: jti replay"""
    assertion = by_key.assertion()
    assert asserted(by_key, assertion) == (200, "")
    assert asserted(by_key, assertion) == REFUSED


def test_one_clients_jti_is_not_anothers(house: House, by_key: RelyingParty) -> None:
    other = keyed(house, ECKey.generate_key("P-256", {"kid": "two"}))
    assert asserted(by_key, by_key.assertion(jti="same")) == (200, "")
    assert asserted(other, other.assertion(jti="same")) == (200, "")


@pytest.mark.parametrize("audience", [ISSUER, f"{ISSUER}/token", [ISSUER, "https://other.example"]])
def test_the_audience_is_the_issuer_or_the_token_endpoint(by_key: RelyingParty, audience: Any) -> None:
    assert asserted(by_key, by_key.assertion(aud=audience)) == (200, "")


@pytest.mark.parametrize(
    "changed",
    [
        *({"aud": "https://evil.example"}, {"aud": f"{ISSUER}/"}, {"aud": []}, {"aud": None}, {"aud": 1}),
        *({"iss": "somebody"}, {"iss": None}, {"sub": None}),
        *({"jti": None}, {"jti": ""}, {"jti": 7}, {"jti": "x" * 300}),
        *({"exp": None}, {"exp": "soon"}, {"exp": True}),
    ],
)
def test_an_assertion_with_wrong_claims_is_refused(by_key: RelyingParty, changed: dict[str, Any]) -> None:
    """attack 17: audience"""
    assert asserted(by_key, by_key.assertion(**changed)) == REFUSED


@pytest.mark.parametrize(
    ("claim", "seconds", "accepted"),
    [
        *(("exp", -11, False), ("exp", -5, True), ("exp", 309, True), ("exp", 320, False)),
        *(("iat", 9, True), ("iat", 60, False), ("nbf", 9, True), ("nbf", 60, False)),
    ],
)
def test_an_assertion_lives_minutes(
    house: House, by_key: RelyingParty, claim: str, seconds: int, *, accepted: bool
) -> None:
    """attack 30"""
    assertion = by_key.assertion(**{claim: int(house.world.clock.at) + seconds})
    assert asserted(by_key, assertion) == ((200, "") if accepted else REFUSED)


def test_the_algorithm_is_not_the_assertions_choice(house: House, by_key: RelyingParty) -> None:
    """attack 16: none, and HS256 with the public key as secret"""
    claims = json.loads(base64.urlsafe_b64decode(by_key.assertion().split(".")[1] + "=="))
    assert by_key.key is not None
    unsigned = f"{part({'alg': 'none'})}.{part(claims)}."
    signing_input = f"{part({'alg': 'HS256', 'kid': 'one'})}.{part(claims)}"
    mac = hmac.new(by_key.key.as_pem(private=False), signing_input.encode(), hashlib.sha256).digest()
    confused = f"{signing_input}.{base64.urlsafe_b64encode(mac).rstrip(b'=').decode()}"
    for forged in (unsigned, confused):
        assert asserted(by_key, forged) == REFUSED


def test_a_registered_algorithm_is_the_only_one(house: House) -> None:
    party = keyed(house, RSAKey.generate_key(2048, {"kid": "k"}), token_endpoint_auth_signing_alg="PS256")
    assert asserted(party, party.assertion(alg="RS256")) == REFUSED
    assert asserted(party, party.assertion(alg="PS256")) == (200, "")


@pytest.mark.parametrize("brought", ["jwk", "jku", "x5u", "x5c", "crit"])
def test_a_key_that_the_assertion_brings_is_not_used(by_key: RelyingParty, brought: str) -> None:
    """attack 16: embedded jwk, jku, x5u, crit"""
    evil = ECKey.generate_key("P-256", {"kid": "one"})
    values = {"jwk": evil.as_dict(private=False), "x5c": ["x"], "crit": ["exp"]}
    header = {"alg": "ES256", "kid": "one", brought: values.get(brought, "https://evil.example/keys")}
    claims = json.loads(base64.urlsafe_b64decode(by_key.assertion().split(".")[1] + "=="))
    signing_input = f"{part(header)}.{part(claims)}"
    signature = jws.serialize_compact({"alg": "ES256"}, "x", evil).split(".")[2]
    assert asserted(by_key, f"{signing_input}.{signature}") == REFUSED


def test_another_clients_key_proves_nothing(house: House, by_key: RelyingParty) -> None:
    """attack 17: whose keys are used is decided by the verified client alone"""
    other = keyed(house, ECKey.generate_key("P-256", {"kid": "one"}))
    other.client_id, impostor = by_key.client_id, other
    assert asserted(impostor, impostor.assertion()) == REFUSED


def test_the_assertion_and_the_form_must_name_one_client(by_key: RelyingParty, service: RelyingParty) -> None:
    assert asserted(by_key, by_key.assertion(), client_id=service.client_id) == REFUSED
    assert asserted(by_key, by_key.assertion(), client_id=by_key.client_id) == (200, "")


def test_the_kind_of_assertion_must_be_known(house: House, by_key: RelyingParty) -> None:
    form = {**OWN, "client_assertion": by_key.assertion(), "client_assertion_type": "urn:saml"}
    assert error_of(house.post("/token", form)) == (400, "invalid_request")


@pytest.mark.parametrize("assertion", ["x", "x.y.z", "..", "e30.e30.", "é.é.é", "x" * 9000])
def test_what_is_no_assertion_is_refused(by_key: RelyingParty, assertion: str) -> None:
    assert asserted(by_key, assertion) == REFUSED


def part(value: object) -> str:
    return base64.urlsafe_b64encode(json.dumps(value).encode()).rstrip(b"=").decode()
