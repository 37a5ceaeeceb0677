"""Assertions by which clients prove themselves (RFC 7523, OpenID Connect Core 9): by a key, or by a secret."""

import base64
import hashlib
import hmac
import json
from typing import Any
from urllib.parse import urlencode

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from joserfc import jws
from joserfc.jwk import ECKey, Key, OctKey, OKPKey, RSAKey

from idp.gateways.outbound import Outbound
from idp.oidc import client_secrets
from tests.idp.oidc.house import ISSUER, House
from tests.support.relying_party import FORM, RelyingParty
from tests.support.remote import Remote, Reply

REFUSED = (401, "invalid_client")
OWN = {"grant_type": "client_credentials"}
HOSTILE = ECKey.generate_key("P-256", {"kid": "one"})


@pytest.fixture
def by_key(house: House) -> RelyingParty:
    return keyed(house, ECKey.generate_key("P-256", {"kid": "one"}))


@pytest.fixture
def by_secret(house: House) -> RelyingParty:
    return signing(house)


@pytest.fixture(params=["private_key_jwt", "client_secret_jwt"])
def party(request: pytest.FixtureRequest, house: House) -> RelyingParty:
    """One that signs, by either method."""
    if request.param == "client_secret_jwt":
        return signing(house)
    return keyed(house, ECKey.generate_key("P-256", {"kid": "one"}))


def keyed(house: House, key: Key, **metadata: Any) -> RelyingParty:
    jwks = {"keys": [{**key.as_dict(private=False), "kid": key.kid}]}
    party = house.add_service(token_endpoint_auth_method="private_key_jwt", jwks=jwks, **metadata)
    party.key = key
    return party


def signing(house: House, **metadata: Any) -> RelyingParty:
    party = house.add_service(token_endpoint_auth_method="client_secret_jwt", **metadata)
    party.key = OctKey.import_key(party.secret or "")
    return party


def asserted(party: RelyingParty, assertion: str, **extra: str) -> tuple[int, str]:
    form = {**OWN, **party.assertion_form(assertion), **extra}
    reply = party.http.post("/token", content=urlencode(form), headers=FORM)
    return reply.status_code, reply.json().get("error", "")


def part(value: object) -> str:
    return base64.urlsafe_b64encode(json.dumps(value).encode()).rstrip(b"=").decode()


def claims_of(assertion: str) -> dict[str, Any]:
    claims: dict[str, Any] = json.loads(base64.urlsafe_b64decode(assertion.split(".")[1] + "=="))
    return claims


def signed_with(key: Key, alg: str, header: dict[str, Any], claims: dict[str, Any]) -> str:
    """Also with a header that the library would not write."""
    signing_input = f"{part(header)}.{part(claims)}"
    signature = jws.JWSRegistry.algorithms[alg].sign(signing_input.encode(), key)
    return f"{signing_input}.{base64.urlsafe_b64encode(signature).rstrip(b'=').decode()}"


@pytest.mark.parametrize(
    ("alg", "key"),
    [
        ("ES256", ECKey.generate_key("P-256", {"kid": "k"})),
        ("RS256", RSAKey.generate_key(2048, {"kid": "k"})),
        ("PS256", RSAKey.generate_key(2048, {"kid": "k"})),
    ],
    ids=lambda value: value if isinstance(value, str) else "",
)
def test_each_algorithm_for_keys(house: House, alg: str, key: Key) -> None:
    party = keyed(house, key)
    assert asserted(party, party.assertion(alg=alg)) == (200, "")


@pytest.mark.filterwarnings("ignore:EdDSA is deprecated")
def test_an_ed25519_key(house: House) -> None:
    party = keyed(house, OKPKey.generate_key("Ed25519", {"kid": "k"}))
    assert asserted(party, party.assertion(alg="EdDSA")) == (200, "")


@pytest.mark.parametrize("alg", ["HS256", "HS384", "HS512"])
def test_each_algorithm_for_secrets(by_secret: RelyingParty, alg: str) -> None:
    assert asserted(by_secret, by_secret.assertion(alg=alg)) == (200, "")


def test_an_assertion_works_once(party: RelyingParty) -> None:
    """attack 17: jti replay"""
    assertion = party.assertion()
    assert asserted(party, assertion) == (200, "")
    assert asserted(party, assertion) == REFUSED


def test_a_jti_works_once_also_in_another_assertion(house: House, party: RelyingParty) -> None:
    """attack 17, until the first would have expired"""
    assert asserted(party, party.assertion(jti="same")) == (200, "")
    house.world.clock.move(60)
    assert asserted(party, party.assertion(jti="same")) == REFUSED
    house.world.clock.move(60)
    assert asserted(party, party.assertion(jti="same")) == (200, "")


def test_an_assertion_that_was_refused_is_not_used_up(house: House, party: RelyingParty) -> None:
    assertion = party.assertion()
    assert asserted(party, assertion[:-4] + ("AAAA" if not assertion.endswith("AAAA") else "BBBB")) == REFUSED
    assert asserted(party, assertion) == (200, "")


def test_one_clients_jti_is_not_anothers(house: House, by_key: RelyingParty) -> None:
    other = keyed(house, ECKey.generate_key("P-256", {"kid": "two"}))
    assert asserted(by_key, by_key.assertion(jti="same")) == (200, "")
    assert asserted(other, other.assertion(jti="same")) == (200, "")


@pytest.mark.parametrize(
    "audience",
    [ISSUER, f"{ISSUER}/token", f"{ISSUER}/par", [ISSUER], [f"{ISSUER}/token", "https://other.example"]],
)
def test_the_audience_is_the_issuer_or_where_it_takes_assertions(party: RelyingParty, audience: Any) -> None:
    """RFC 7523 section 3 (3), RFC 9126 section 2"""
    assert asserted(party, party.assertion(aud=audience)) == (200, "")


@pytest.mark.parametrize(
    "changed",
    [
        *({"aud": "https://evil.example"}, {"aud": f"{ISSUER}/"}, {"aud": []}, {"aud": None}, {"aud": 1}),
        *({"aud": f"{ISSUER}/userinfo"}, {"aud": ISSUER.upper()}, {"aud": [1, ISSUER]}, {"aud": {ISSUER: 1}}),
        *({"iss": "somebody"}, {"iss": None}, {"sub": None}),
        *({"jti": None}, {"jti": ""}, {"jti": 7}, {"jti": "x" * 300}),
        *({"exp": None}, {"exp": "soon"}, {"exp": True}, {"iat": "now"}, {"nbf": []}),
    ],
)
def test_an_assertion_with_wrong_claims_is_refused(party: RelyingParty, changed: dict[str, Any]) -> None:
    """attack 17: audience"""
    assert asserted(party, party.assertion(**changed)) == REFUSED


@pytest.mark.parametrize("subject", ["\0", "\ud800", "a" * 300, "\u202e", "", 7, ["x"], {"sub": "x"}])
def test_a_subject_that_no_client_has_is_refused(by_key: RelyingParty, subject: Any) -> None:
    """attack 43: JSON can write what a database cannot"""
    forged = (
        f"{part({'alg': 'ES256', 'kid': 'one'})}.{part({**claims_of(by_key.assertion()), 'sub': subject})}.AA"
    )
    assert asserted(by_key, forged) == REFUSED


@pytest.mark.parametrize(
    ("claim", "seconds", "accepted"),
    [
        *(("exp", -11, False), ("exp", -5, True), ("exp", 3609, True), ("exp", 3620, False)),
        *(("iat", 9, True), ("iat", 60, False), ("nbf", 9, True), ("nbf", 60, False)),
    ],
)
def test_an_assertion_has_its_time(
    house: House, party: RelyingParty, claim: str, seconds: int, *, accepted: bool
) -> None:
    """attack 30"""
    assertion = party.assertion(**{claim: int(house.world.clock.at) + seconds})
    assert asserted(party, assertion) == ((200, "") if accepted else REFUSED)


def test_the_algorithm_is_not_the_assertions_choice(by_key: RelyingParty) -> None:
    """attack 16: none, and HS256 with the public key as secret"""
    claims = claims_of(by_key.assertion())
    assert by_key.key is not None
    public = [by_key.key.as_pem(private=False), json.dumps(by_key.key.as_dict(private=False)).encode()]
    unsigned = f"{part({'alg': 'none'})}.{part(claims)}."
    signing_input = f"{part({'alg': 'HS256', 'kid': 'one'})}.{part(claims)}"
    macs = [hmac.new(key, signing_input.encode(), hashlib.sha256).digest() for key in public]
    confused = [f"{signing_input}.{base64.urlsafe_b64encode(mac).rstrip(b'=').decode()}" for mac in macs]
    for forged in (unsigned, *confused):
        assert asserted(by_key, forged) == REFUSED


def test_a_registered_algorithm_is_the_only_one(house: House) -> None:
    party = keyed(house, RSAKey.generate_key(2048, {"kid": "k"}), token_endpoint_auth_signing_alg="PS256")
    assert asserted(party, party.assertion(alg="RS256")) == REFUSED
    assert asserted(party, party.assertion(alg="PS256")) == (200, "")
    signer = signing(house, token_endpoint_auth_signing_alg="HS512")
    assert asserted(signer, signer.assertion(alg="HS256")) == REFUSED
    assert asserted(signer, signer.assertion(alg="HS512")) == (200, "")


@pytest.mark.parametrize("brought", ["jwk", "jku", "x5u", "x5c", "crit"])
def test_a_key_that_the_assertion_brings_is_not_used(by_key: RelyingParty, brought: str) -> None:
    """attack 16: embedded jwk, jku, x5u, crit"""
    values = {"jwk": HOSTILE.as_dict(private=False), "x5c": ["x"], "crit": ["exp"]}
    header = {"alg": "ES256", "kid": "one", brought: values.get(brought, "https://evil.example/keys")}
    assert asserted(by_key, signed_with(HOSTILE, "ES256", header, claims_of(by_key.assertion()))) == REFUSED


def test_another_clients_key_proves_nothing(house: House, by_key: RelyingParty) -> None:
    """attack 17: whose keys are used is decided by the verified client alone"""
    impostor = keyed(house, ECKey.generate_key("P-256", {"kid": "one"}))
    impostor.client_id = by_key.client_id
    assert asserted(impostor, impostor.assertion()) == REFUSED


def test_the_assertion_and_the_form_must_name_one_client(house: House, party: RelyingParty) -> None:
    other = house.add_service()
    assert asserted(party, party.assertion(), client_id=other.client_id) == REFUSED
    assert asserted(party, party.assertion(), client_id=party.client_id) == (200, "")


def test_the_kind_of_assertion_must_be_known(house: House, party: RelyingParty) -> None:
    form = {**OWN, "client_assertion": party.assertion(), "client_assertion_type": "urn:saml"}
    reply = house.post("/token", form)
    assert (reply.status_code, reply.json()["error"]) == (400, "invalid_request")


@pytest.mark.parametrize("assertion", ["x", "x.y.z", "..", "e30.e30.", "é.é.é", "x" * 9000])
def test_what_is_no_assertion_is_refused(party: RelyingParty, assertion: str) -> None:
    assert asserted(party, assertion) == REFUSED


# Which of the two methods --------------------------------------------------------------------------------


def test_a_key_is_no_secret_and_a_secret_no_key(
    house: House, by_key: RelyingParty, by_secret: RelyingParty
) -> None:
    """attack 17: the method is the registered one, whatever the header says"""
    by_key.client_id, by_secret.client_id = by_secret.client_id, by_key.client_id
    assert asserted(by_key, by_key.assertion()) == REFUSED
    assert asserted(by_secret, by_secret.assertion(alg="HS256")) == REFUSED


def test_the_secret_that_signs_is_not_sent(house: House, by_secret: RelyingParty) -> None:
    """attack 17"""
    for way in ("client_secret_basic", "client_secret_post"):
        by_secret.auth_method = way
        reply = by_secret.post("/token", OWN)
        assert (reply.status_code, reply.json()["error"]) == REFUSED


def test_a_secret_that_is_sent_does_not_sign(house: House) -> None:
    """attack 17: of most clients we have nothing but a hash, and that is no key"""
    sends = house.add_service()
    record = house.openid.clients.get(sends.client_id).secrets[0]
    for key in (sends.secret or "", record["hash"]):
        sends.key = OctKey.import_key(key)
        assert asserted(sends, sends.assertion(alg="HS256")) == REFUSED


def test_the_secret_that_signs_is_kept_sealed_in_its_place(house: House, by_secret: RelyingParty) -> None:
    """attack 44: and opens nowhere else"""
    sealed = house.openid.clients.get(by_secret.client_id).mac_secret_sealed
    assert sealed is not None
    assert (by_secret.secret or "x") not in sealed
    assert house.openid.clients.get(house.add_service().client_id).mac_secret_sealed is None


def test_two_secrets_sign_while_one_is_replaced(house: House, by_secret: RelyingParty) -> None:
    old = by_secret.key
    client = house.openid.clients.get(by_secret.client_id)
    now, new = house.world.clock.at, "n" * 86
    kept = client_secrets.replace(client, new, now=now, old_ends_at=now + 100, vault=house.world.vault)
    with house.world.database.begin() as work:
        work.clients.replace_secrets(client.client_id, kept.secrets, mac_secret_sealed=kept.mac_secret_sealed)
    for by_secret.key in (old, OctKey.import_key(new)):
        assert asserted(by_secret, by_secret.assertion()) == (200, "")
    house.world.clock.move(100)
    assert asserted(by_secret, by_secret.assertion()) == (200, "")
    by_secret.key = old
    assert asserted(by_secret, by_secret.assertion()) == REFUSED


def test_nobodys_assertion_is_verified_like_somebodys(
    house: House, by_secret: RelyingParty, monkeypatch: pytest.MonkeyPatch
) -> None:
    """attack 28: a secret is opened and a signature made for unknown clients too"""
    made: list[int] = []
    algorithm = jws.JWSRegistry.algorithms["HS256"]
    verify = algorithm.verify
    monkeypatch.setattr(algorithm, "verify", lambda *args: made.append(1) or verify(*args))
    by_secret.key = OctKey.import_key("w" * 86)
    counts = []
    for client_id in (by_secret.client_id, "nobody"):
        by_secret.client_id = client_id
        made.clear()
        assert asserted(by_secret, by_secret.assertion()) == REFUSED
        counts.append(len(made))
    assert counts == [1, 1]


# Keys that the application publishes ---------------------------------------------------------------------


def test_keys_are_fetched_where_the_client_publishes_them(
    house: House, outbound: Outbound, remote: Remote
) -> None:
    key = ECKey.generate_key("P-256", {"kid": "one"})
    remote.answers["/keys"] = Reply(
        json.dumps({"keys": [{**key.as_dict(private=False), "kid": "one"}]}).encode()
    )
    calling = House(house.world, outbound=outbound)
    party = calling.add_service(token_endpoint_auth_method="private_key_jwt", jwks_uri=remote.url("/keys"))
    party.key = key
    assert asserted(party, party.assertion()) == (200, "")
    assert asserted(party, party.assertion()) == (200, "")
    assert len(remote.asked("/keys")) == 1


def test_who_publishes_no_keys_learns_why_they_are_refused(
    house: House, outbound: Outbound, remote: Remote
) -> None:
    calling = House(house.world, outbound=outbound)
    party = calling.add_service(token_endpoint_auth_method="private_key_jwt", jwks_uri=remote.url("/keys"))
    party.key = HOSTILE
    form = {**OWN, **party.assertion_form(party.assertion())}
    reply = party.http.post("/token", content=urlencode(form), headers=FORM)
    assert (reply.status_code, reply.json()["error"]) == REFUSED
    assert "404" in reply.json()["error_description"]


# Whatever the header says --------------------------------------------------------------------------------

HARMLESS = {"alg", "kid", "typ", "cty", "x5t", "x5t#S256"}
JSON = st.recursive(st.none() | st.booleans() | st.integers() | st.text(max_size=9), st.lists)
MEMBERS = st.sampled_from(["jwk", "jku", "x5u", "x5c", "crit", "b64", "zip", "enc", "epk"]) | st.text(
    max_size=9
)
ALGORITHMS = [
    "none",
    "None",
    "HS256",
    "HS384",
    "HS512",
    "RS256",
    "PS256",
    "ES256",
    "ES512",
    "EdDSA",
    "dir",
    "",
]
HEADERS = st.fixed_dictionaries(
    {"alg": st.sampled_from(ALGORITHMS) | JSON},
    optional={
        "typ": st.sampled_from(["JWT", "at+jwt", "logout+jwt", "client-authentication+jwt"]) | JSON,
        "kid": st.just("one") | JSON,
    },
)
IN_ONE_HOUSE = settings(
    max_examples=60, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
)


@IN_ONE_HOUSE
@given(header=HEADERS, extra=st.dictionaries(MEMBERS, JSON, max_size=3))
def test_no_header_makes_a_strangers_signature_good(
    party: RelyingParty, header: dict[str, Any], extra: dict[str, Any]
) -> None:
    """attack 16"""
    forged = signed_with(HOSTILE, "ES256", {**extra, **header}, claims_of(party.assertion()))
    assert asserted(party, forged) == REFUSED


@IN_ONE_HOUSE
@given(extra=st.dictionaries(MEMBERS.filter(lambda name: name not in HARMLESS), JSON, min_size=1, max_size=3))
def test_no_member_that_is_not_understood_is_let_pass(party: RelyingParty, extra: dict[str, Any]) -> None:
    """attack 16: even where the signature is right"""
    assert party.key is not None
    alg = "HS256" if party.auth_method == "client_secret_jwt" else "ES256"
    header = {**extra, "alg": alg, **({"kid": party.key.kid} if party.key.kid else {})}
    assertion = signed_with(party.key, alg, header, claims_of(party.assertion()))
    assert asserted(party, assertion) == REFUSED


@pytest.mark.parametrize(
    ("typ", "accepted"),
    [
        *(("JWT", True), ("jwt", True), ("client-authentication+jwt", True), ("application/jwt", True)),
        *(("at+jwt", False), ("logout+jwt", False), ("dpop+jwt", False), (7, False), (["JWT"], False)),
    ],
)
def test_another_kind_of_jwt_is_no_assertion(party: RelyingParty, typ: Any, *, accepted: bool) -> None:
    """attack 16: wrong typ"""
    assert party.key is not None
    alg = "HS256" if party.auth_method == "client_secret_jwt" else "ES256"
    header = {"alg": alg, "typ": typ, **({"kid": party.key.kid} if party.key.kid else {})}
    assertion = signed_with(party.key, alg, header, claims_of(party.assertion()))
    assert asserted(party, assertion) == ((200, "") if accepted else REFUSED)
