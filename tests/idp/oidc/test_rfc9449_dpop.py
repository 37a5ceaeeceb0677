"""DPoP (RFC 9449): tokens that only the holder of a key can use, from the point of view of an application."""

import base64
import json
import warnings
from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st
from joserfc.jwk import ECKey, OKPKey, RSAKey

from idp.crypto import token_hash
from idp.errors import StorageUnavailableError
from idp.models.clients import Client
from idp.models.people import User
from idp.oidc import dpop_proofs
from idp.oidc.authorize import Browser
from idp.oidc.codes import CodeContents
from idp.oidc.errors import ErrorCode, ProtocolError
from idp.oidc.grants.authorization_code import hold_bindings
from idp.oidc.grants.base import TokenRequest
from idp.oidc.jose import TokenError
from idp.oidc.options import Options
from idp.oidc.requests import Parameters, Request
from tests.idp.oidc.house import ISSUER, House
from tests.support.authorization_requests import JWKS, KEYS
from tests.support.builders import add_family, add_refresh
from tests.support.dpop import ProvingParty, ath_of, new_key, proof, proving, public, thumbprint
from tests.support.relying_party import ProviderError, RelyingParty, Tokens

TOKEN = f"{ISSUER}/token"
OFFLINE = "openid profile offline_access"
NATIVE = {
    "application_type": "native",
    "token_endpoint_auth_method": "none",
    "redirect_uris": ["http://127.0.0.1/callback"],
}
OWN_TOKEN = {"grant_type": "client_credentials"}


@pytest.fixture
def service(house: House) -> ProvingParty:
    return proving(house.add_service())


@pytest.fixture
def program(house: House) -> ProvingParty:
    """Installed on a computer: it keeps no secret, so its refresh tokens are bound to its key."""
    return proving(house.add_client(**NATIVE), redirect_uri="http://127.0.0.1:45000/callback")


@pytest.fixture
def tokens(house: House, browser: Browser, program: ProvingParty) -> Tokens:
    return house.tokens_for(program, browser, scope=OFFLINE)


def refused(party: ProvingParty, *proofs: str) -> tuple[int, str]:
    reply = party.post_with("/token", OWN_TOKEN, *proofs)
    return reply.status_code, reply.json().get("error", "")


# Tokens that are bound -----------------------------------------------------------------------------------


@pytest.mark.parametrize("alg", ["ES256", "PS256", "EdDSA"])
def test_a_proof_gives_a_token_bound_to_its_key(house: House, alg: str) -> None:
    """RFC 9449 section 6.2, RFC 7662"""
    party = proving(house.add_service(), proof_key=new_key(alg), proof_alg=alg)
    described = party.introspect(party.own_token().access_token)
    assert (described["token_type"], described["cnf"]) == ("DPoP", {"jkt": party.jkt})


def test_without_a_proof_tokens_are_what_they_were(house: House) -> None:
    party = house.add_service()
    described = party.introspect(party.own_token().access_token)
    assert described["token_type"] == "Bearer"
    assert "cnf" not in described


def test_the_thumbprint_is_that_of_rfc_7638_whatever_else_the_key_says(house: House) -> None:
    party = proving(house.add_service())
    chatty = {**public(party.proof_key), "use": "sig", "alg": "ES256", "kid": "mine", "ext": True}
    made = proof(party.proof_key, method="POST", url=TOKEN, now=party.now(), header={"jwk": chatty})
    token = party.post_with("/token", OWN_TOKEN, made).json()["access_token"]
    assert party.introspect(token)["cnf"] == {"jkt": party.jkt}


def test_a_client_registered_for_bound_tokens_gets_no_others(house: House, browser: Browser) -> None:
    """RFC 9449 section 5.2; attack 16: no downgrade by leaving the proof out"""
    party = house.add_client(dpop_bound_access_tokens=True)
    question, code = house.code_for(party, browser)
    with pytest.raises(ProviderError, match="invalid_dpop_proof"):
        party.redeem(question, code)
    assert proving(party).redeem(question, code).access_token


def test_a_fapi_client_gets_only_bound_tokens(house: House) -> None:
    """FAPI 2.0 section 5.3.2.1"""
    party = house.add_service(
        jwks=JWKS,
        token_endpoint_auth_method="private_key_jwt",
        dpop_bound_access_tokens=True,
        own={"profile": "fapi2"},
    )
    party.key = KEYS["ES256"]
    with pytest.raises(ProviderError, match="invalid_dpop_proof"):
        party.own_token()
    assert proving(party).own_token().access_token


def test_discovery_names_the_algorithms(app: RelyingParty) -> None:
    metadata = app.metadata()
    assert metadata["dpop_signing_alg_values_supported"] == ["ES256", "PS256", "EdDSA"]
    assert "tls_client_certificate_bound_access_tokens" not in metadata


# The proof -----------------------------------------------------------------------------------------------


def test_a_proof_counts_once(service: ProvingParty) -> None:
    """RFC 9449 section 11.1; attack 20"""
    shown = service.prove("POST", "/token")
    assert refused(service, shown) == (200, "")
    assert refused(service, shown) == (400, "invalid_dpop_proof")


def test_the_same_jti_of_another_key_is_another_proof(house: House, service: ProvingParty) -> None:
    other = replace(service, proof_key=new_key())
    for party in (service, other):
        assert refused(party, party.prove("POST", "/token", jti="one")) == (200, "")


def test_nothing_passes_when_nobody_can_say_whether_a_proof_was_used(
    house: House, service: ProvingParty, monkeypatch: pytest.MonkeyPatch
) -> None:
    """attack 20: the replay store is lost"""

    def gone(*_: object, **__: object) -> bool:
        raise StorageUnavailableError("gone")

    monkeypatch.setattr(type(house.world.storage.shelf), "add", gone)
    reply = service.post_with("/token", OWN_TOKEN, service.prove("POST", "/token"))
    assert reply.status_code == 503
    assert "access_token" not in reply.json()


def test_it_is_remembered_for_as_long_as_it_is_good(house: House, service: ProvingParty) -> None:
    """attack 20: at no moment between does it count again"""
    shown = service.prove("POST", "/token", iat=int(house.world.clock.at) + 9)
    assert refused(service, shown) == (200, "")
    for _ in range(20):
        house.world.clock.move(1)
        assert refused(service, shown) == (400, "invalid_dpop_proof")


def test_two_proofs_are_none(service: ProvingParty) -> None:
    """RFC 9449 section 4.3: "not more than one DPoP HTTP request header field" """
    pair = [service.prove("POST", "/token") for _ in range(2)]
    assert refused(service, ",".join(pair)) == (400, "invalid_dpop_proof")
    assert refused(service, f"{pair[0]}, {pair[0]}") == (400, "invalid_dpop_proof")


@pytest.mark.parametrize(
    ("off", "good"),
    [(0, True), (10, True), (-10, True), (11, False), (-15, True), (-16, False), (3600, False)],
)
def test_it_was_made_just_now(house: House, service: ProvingParty, off: int, good: bool) -> None:
    shown = service.prove("POST", "/token", iat=int(house.world.clock.at) + off)
    assert refused(service, shown) == ((200, "") if good else (400, "invalid_dpop_proof"))


def test_ten_seconds_before_are_ten_seconds_also_after_rounding_and_the_way_here(
    house: House, service: ProvingParty
) -> None:
    """fapi2-…-ensure-dpop-proof-with-iat-10seconds-before-succeeds: `iat` is cut to a whole second"""
    house.world.clock.move(0.9)
    shown = service.prove("POST", "/token", iat=int(house.world.clock.at) - 10)
    house.world.clock.move(0.4)
    assert refused(service, shown) == (200, "")


@pytest.mark.parametrize(
    "claims",
    [
        {"jti": None},
        {"jti": ""},
        {"jti": "x" * 256},
        {"jti": 7},
        {"jti": "a\x1fb"},
        {"jti": "\ud800"},
        {"htm": None},
        {"htm": "GET"},
        {"htm": "post"},
        {"htu": None},
        {"htu": ISSUER},
        {"htu": f"{ISSUER}/userinfo"},
        {"htu": "https://evil.example/token"},
        {"htu": "https://login.example.lv@evil.example/token"},
        {"htu": "https://evil@login.example.lv/token"},
        {"htu": "http://login.example.lv/token"},
        {"htu": "https://login.example.lv:8443/token"},
        {"htu": "https://login.example.lv:/token/"},
        {"htu": "https://login.example.lv:0x/token"},
        {"htu": "/token"},
        {"htu": ""},
        {"htu": 1},
        {"htu": "\ud800"},
        {"iat": None},
        {"iat": "now"},
        {"iat": True},
        {"iat": float("nan")},
        {"iat": float("inf")},
        {"nonce": 5},
        {"ath": 5},
    ],
    ids=str,
)
def test_a_claim_that_is_wrong_is_refused(service: ProvingParty, claims: dict[str, object]) -> None:
    made = proof(service.proof_key, **{"method": "POST", "url": TOKEN, "now": service.now(), **claims})
    assert refused(service, made) == (400, "invalid_dpop_proof")


@pytest.mark.parametrize(
    "htu",
    [
        "HTTPS://LOGIN.example.LV/token",
        "https://login.example.lv:443/token",
        "https://login.example.lv:/token",
        "https://login.example.lv/%74oken",
        "https://login.example.lv/a/../token",
        "https://login.example.lv/./token",
        "https://login.example.lv/token?x=y",
        "https://login.example.lv/token#here",
    ],
)
def test_the_address_may_be_written_in_any_of_its_forms(service: ProvingParty, htu: str) -> None:
    """RFC 9449 section 4.3: query and fragment ignored, normalised as RFC 3986 sections 6.2.2 and 6.2.3 have it"""
    assert refused(service, service.prove("POST", "/token", htu=htu)) == (200, "")


def test_the_address_is_the_settings_and_not_the_host_header(house: House, service: ProvingParty) -> None:
    """attack 27"""
    _, extra = service.credentials()
    made = service.prove("POST", "/token", htu="https://evil.example/token")
    headers = {"Host": "evil.example", "X-Forwarded-Host": "evil.example", "DPoP": made}
    credentials = service.credentials()[0]
    reply = house.post("/token", {**OWN_TOKEN, **extra}, {**headers, **credentials})
    assert reply.json()["error"] == "invalid_dpop_proof"


def test_the_address_for_certificates_is_one_of_the_endpoints(house: House) -> None:
    """RFC 8705 section 5"""
    options = Options(issuer=ISSUER, refresh_seconds=86400, mtls_origin="https://mtls.example.lv")
    other = House(house.world, options=options)
    party = proving(other.add_service())
    for htu in (TOKEN, "https://mtls.example.lv/token"):
        assert refused(party, party.prove("POST", "/token", htu=htu)) == (200, "")
    assert refused(party, party.prove("POST", "/token", htu="https://mtls.example.lv/par"))[0] == 400


# Its header ----------------------------------------------------------------------------------------------

with warnings.catch_warnings(action="ignore"):  # the library warns of what is tried here
    SMALL_RSA = RSAKey.generate_key(1024)


@pytest.mark.parametrize(
    "header",
    [
        {"typ": None},
        {"typ": "JWT"},
        {"typ": "at+jwt"},
        {"typ": "application/dpop+jwt"},
        {"typ": 1},
        {"alg": "none"},
        {"alg": None},
        {"alg": ["ES256"]},
        {"jwk": None},
        {"jwk": "a key"},
        {"jwk": {}},
        {"jwk": {"kty": "EC", "crv": "P-256", "x": "AA", "y": "AA"}},
        {"jwk": {"kty": "EC", "crv": "P-256", "x": 1, "y": 2}},
        {"jwk": {"kty": "EC", "crv": "P-256", "x": "\ud800", "y": "AA"}},
        {"crit": ["exp"]},
        {"b64": False},
        {"jku": "https://evil.example/keys"},
        {"x5u": "https://evil.example/cert"},
        {"x5c": ["AAAA"]},
    ],
    ids=str,
)
def test_a_header_that_is_wrong_is_refused(service: ProvingParty, header: dict[str, object]) -> None:
    """attack 16"""
    made = proof(service.proof_key, method="POST", url=TOKEN, now=service.now())
    head, body, signature = made.split(".")
    changed = {**json.loads(base64.urlsafe_b64decode(head + "==")), **header}
    kept = {name: value for name, value in changed.items() if value is not None}
    forged = base64.urlsafe_b64encode(json.dumps(kept).encode()).rstrip(b"=").decode()
    assert refused(service, f"{forged}.{body}.{signature}") == (400, "invalid_dpop_proof")
    if changed.get("alg") == "ES256":
        resigned = proof(service.proof_key, method="POST", url=TOKEN, now=service.now(), header=header)
        assert refused(service, resigned) == (400, "invalid_dpop_proof")


@pytest.mark.parametrize(
    ("key", "alg"),
    [
        (SMALL_RSA, "PS256"),
        (RSAKey.generate_key(2048), "RS256"),
        (ECKey.generate_key("P-384"), "ES384"),
    ],
    ids=["RSA of 1024 bits", "RS256", "P-384"],
)
def test_a_weak_key_or_another_algorithm_is_refused(service: ProvingParty, key: RSAKey, alg: str) -> None:
    """FAPI 2.0 section 5.4: PS256, ES256, EdDSA; RSA of 2048 bits or more"""
    made = proof(key, method="POST", url=TOKEN, now=service.now(), alg=alg)
    assert refused(service, made) == (400, "invalid_dpop_proof")


@pytest.mark.parametrize(
    "key", [new_key("ES256"), new_key("PS256"), OKPKey.generate_key("Ed25519")], ids=lambda key: key.key_type
)
def test_a_private_key_in_the_header_is_refused(service: ProvingParty, key: ECKey) -> None:
    """RFC 9449 section 4.3: "the public key in the jwk header does not contain a private key" """
    alg = {"EC": "ES256", "RSA": "PS256", "OKP": "EdDSA"}[key.key_type]
    whole = key.as_dict(private=True)
    made = proof(key, method="POST", url=TOKEN, now=service.now(), alg=alg, header={"jwk": whole})
    assert refused(service, made) == (400, "invalid_dpop_proof")


def test_a_shared_key_is_refused(service: ProvingParty) -> None:
    """attack 16: RS/HS confusion"""
    shared = {"kty": "oct", "k": "c2VjcmV0"}
    made = proof(service.proof_key, method="POST", url=TOKEN, now=service.now(), header={"jwk": shared})
    assert refused(service, made) == (400, "invalid_dpop_proof")


def test_a_proof_signed_by_another_key_is_refused(service: ProvingParty) -> None:
    """attack 16: embedded jwk"""
    stolen = {"jwk": public(service.proof_key)}
    made = proof(new_key(), method="POST", url=TOKEN, now=service.now(), header=stolen)
    assert refused(service, made) == (400, "invalid_dpop_proof")


@pytest.mark.parametrize("text", ["", "x", "a.b", "a.b.c", "a.b.c.d", "x" * 9000, "Ä.b.c"])
def test_what_is_no_proof_is_refused(house: House, service: ProvingParty, text: str) -> None:
    headers = {"content-type": "application/x-www-form-urlencoded", "dpop": text}
    headers["authorization"] = service.credentials()[0]["Authorization"]
    asked = Request(method="POST", path="/token", form=Parameters(OWN_TOKEN.items()), headers=headers)
    reply = house.openid.respond(asked)
    assert (reply.status, json.loads(reply.body)["error"]) == (400, "invalid_dpop_proof")


def test_an_assertion_that_brings_its_key_is_still_refused(house: House) -> None:
    """attack 16: what proofs may, nothing else may"""
    key = ECKey.generate_key("P-256", {"kid": "k"})
    jwks = {"keys": [key.as_dict(private=False)]}
    party = house.add_service(token_endpoint_auth_method="private_key_jwt", jwks=jwks)
    party.key = key
    made = proof(
        key,
        method="POST",
        url=TOKEN,
        now=party.now(),
        header={"typ": "JWT", "kid": "k"},
        iss=party.client_id,
        sub=party.client_id,
        aud=ISSUER,
        exp=int(party.now()) + 60,
    )
    reply = house.post("/token", {**OWN_TOKEN, **party.assertion_form(made)})
    assert reply.json()["error"] == "invalid_client"


json_values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=20),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=8), inner, max_size=3),
    max_leaves=8,
)
HEADER_NAMES = st.sampled_from(["alg", "typ", "jwk", "kid", "crit", "jku", "x5c", "b64", "zip", "cty"])
PROPERTY_KEY = new_key()


@given(
    header=st.dictionaries(HEADER_NAMES, json_values, min_size=1),
    claims=st.dictionaries(st.text(max_size=6), json_values),
)
def test_any_header_is_either_the_right_one_or_refused(
    header: dict[str, object], claims: dict[str, object]
) -> None:
    """No input makes reading fail in another way than by refusing, and no member but `kid` may be added."""
    good = {"alg": "ES256", "typ": "dpop+jwt", "jwk": public(PROPERTY_KEY)}
    parts = [json.dumps(part).encode() for part in ({**good, **header}, claims)]
    text = b".".join(base64.urlsafe_b64encode(part).rstrip(b"=") for part in (*parts, b"s" * 64)).decode()
    with pytest.raises(TokenError):
        dpop_proofs.read(text)


# The address, for every address --------------------------------------------------------------------------

segments = st.text("abcXYZ019-._~%2fF", max_size=6).filter(lambda text: "%" not in text)
paths = st.lists(segments | st.sampled_from([".", "..", "%7e", "%2F", "%2f"]), max_size=5).map(
    lambda parts: "".join(f"/{part}" for part in parts)
)
hosts = st.sampled_from(["login.example.lv", "LOGIN.Example.lv", "127.0.0.1", "[::1]", "xn--rga-wma.lv"])
ports = st.sampled_from(["", ":", ":443", ":80", ":8443"])


@given(st.sampled_from(["https", "http", "HTTPS"]), hosts, ports, paths)
def test_the_normal_form_of_an_address_is_its_own_normal_form(
    scheme: str, host: str, port: str, path: str
) -> None:
    normal = dpop_proofs.normalised(f"{scheme}://{host}{port}{path}")
    assert dpop_proofs.normalised(normal) == normal
    assert dpop_proofs.normalised(f"{scheme.upper()}://{host.upper()}{port}{path}?q#f") == normal
    assert normal.startswith(scheme.lower())
    rest = normal.partition("://")[2]
    assert "/../" not in f"{rest}/"
    assert "/./" not in f"{rest}/"
    assert (":443" in rest) == (port == ":443" and scheme == "http")


@given(st.text())
def test_whatever_is_no_address_is_refused(text: str) -> None:
    try:
        normal = dpop_proofs.normalised(text)
    except TokenError:
        return
    assert normal.startswith(("https://", "http://"))
    assert normal.isascii()


# The provider's nonce ------------------------------------------------------------------------------------


@pytest.fixture
def careful(house: House) -> ProvingParty:
    return proving(house.add_service(own={"dpop_nonce": True}))


def test_a_client_that_needs_a_nonce_is_handed_one(careful: ProvingParty) -> None:
    """RFC 9449 section 8"""
    reply = careful.post_with("/token", OWN_TOKEN, careful.prove("POST", "/token"))
    assert (reply.status_code, reply.json()["error"]) == (400, "use_dpop_nonce")
    assert reply.headers["DPoP-Nonce"]
    assert reply.headers["Cache-Control"] == "no-store"
    assert refused(careful, careful.prove("POST", "/token")) == (200, "")


def test_asking_for_a_nonce_spends_no_code(house: House, browser: Browser) -> None:
    party = proving(house.add_client(own={"dpop_nonce": True}))
    assert house.tokens_for(party, browser).claims["sub"]
    assert party.nonce is not None


def test_a_nonce_makes_up_for_a_wrong_clock(house: House, careful: ProvingParty) -> None:
    """RFC 9449 section 4.3: the time "as determined by either the iat claim or a server managed timestamp" """
    refused(careful, careful.prove("POST", "/token"))
    wrong = careful.prove("POST", "/token", iat=int(house.world.clock.at) - 86400)
    assert refused(careful, wrong) == (200, "")
    for _ in range(11):
        assert refused(careful, wrong)[0] == 400
        house.world.clock.move(60)


def test_a_nonce_is_good_for_minutes_and_the_next_one_comes_in_time(
    house: House, careful: ProvingParty
) -> None:
    """RFC 9449 section 8.2"""
    careful.own_token()
    first = careful.nonce
    house.world.clock.move(300)
    careful.own_token()
    second = careful.nonce
    assert second != first
    house.world.clock.move(300)
    stale = careful.post_with("/token", OWN_TOKEN, careful.prove("POST", "/token", nonce=first))
    assert stale.json()["error"] == "use_dpop_nonce"
    assert refused(careful, careful.prove("POST", "/token", nonce=second)) == (200, "")


def test_a_nonce_in_use_is_not_handed_out_again(careful: ProvingParty) -> None:
    careful.own_token()
    reply = careful.post_with("/token", OWN_TOKEN, careful.prove("POST", "/token"))
    assert "DPoP-Nonce" not in reply.headers


def test_a_nonce_that_is_not_ours_is_refused_of_everybody(service: ProvingParty) -> None:
    """RFC 9449 section 8"""
    assert refused(service, service.prove("POST", "/token", nonce="of-another-provider")) == (
        400,
        "use_dpop_nonce",
    )


def test_every_process_knows_the_same_nonces(house: House, careful: ProvingParty) -> None:
    refused(careful, careful.prove("POST", "/token"))
    careful.http = House(house.world).http
    assert refused(careful, careful.prove("POST", "/token")) == (200, "")


def test_userinfo_asks_for_a_nonce_too(house: House, browser: Browser) -> None:
    """RFC 9449 section 9"""
    party = proving(house.add_client(own={"dpop_nonce": True}))
    token = house.tokens_for(party, browser).access_token
    bare = party.show(token, nonce=None)
    assert bare.status_code == 401
    assert 'error="use_dpop_nonce"' in bare.headers["WWW-Authenticate"]
    assert bare.headers["DPoP-Nonce"]
    house.world.clock.move(299)
    answer = party.show(token)
    assert answer.status_code == 200


# Codes ---------------------------------------------------------------------------------------------------


def code_with(house: House, browser: Browser, party: ProvingParty, jkt: str | None) -> tuple[str, str]:
    """A code as the authorization endpoint makes it of a request with `dpop_jkt`."""
    question, code = house.code_for(party, browser)
    codes = house.openid.authorization._codes
    contents = codes.find(code)
    assert contents is not None
    bound = codes.issue(replace(contents, dpop_jkt=jkt))
    return bound, question.verifier


def redeemed(party: RelyingParty, code: str, verifier: str) -> tuple[int, str]:
    reply = party.post(
        "/token",
        {
            "grant_type": "authorization_code",
            "code": code,
            "redirect_uri": party.redirect_uri,
            "code_verifier": verifier,
        },
    )
    return reply.status_code, reply.json().get("error", "")


def test_a_code_bound_to_a_key_takes_that_key(house: House, browser: Browser, app: RelyingParty) -> None:
    """RFC 9449 section 10; attack 12"""
    party = proving(app)
    assert redeemed(party, *code_with(house, browser, party, party.jkt)) == (200, "")
    assert redeemed(party, *code_with(house, browser, party, thumbprint(new_key()))) == (400, "invalid_grant")
    assert redeemed(app, *code_with(house, browser, party, party.jkt)) == (400, "invalid_dpop_proof")


def test_a_code_that_was_shown_with_the_wrong_key_is_spent(
    house: House, browser: Browser, app: RelyingParty
) -> None:
    party = proving(app)
    code, verifier = code_with(house, browser, party, party.jkt)
    assert redeemed(proving(app), code, verifier) == (400, "invalid_grant")
    assert redeemed(party, code, verifier) == (400, "invalid_grant")


def test_at_the_pushed_request_a_proof_says_the_same_as_dpop_jkt(house: House, app: RelyingParty) -> None:
    """RFC 9449 section 10.1"""
    party = proving(app)
    with house.world.database.read() as work:
        client = work.clients.get(app.client_id)
    senders = house.openid._senders

    def asked(jkt: str | None, *, prove: bool) -> str | None:
        headers = {"dpop": party.prove("POST", "/par")} if prove else {}
        return senders.key_of_code(Request(method="POST", path="/par", headers=headers), client, asked=jkt)

    assert asked(None, prove=False) is None
    assert asked(party.jkt, prove=False) == party.jkt
    assert asked(None, prove=True) == asked(party.jkt, prove=True) == party.jkt
    with pytest.raises(ProtocolError, match="invalid_dpop_proof"):
        asked(thumbprint(new_key()), prove=True)


# Refresh tokens ------------------------------------------------------------------------------------------


def refusal(party: RelyingParty, tokens: Tokens) -> str:
    with pytest.raises(ProviderError) as caught:
        party.refresh(tokens.refresh_token or "")
    return caught.value.error


def test_an_installed_programs_refresh_token_is_bound_to_its_key(
    program: ProvingParty, tokens: Tokens
) -> None:
    """RFC 9449 section 5: "MUST be bound"; attack 14: a stolen refresh token is worth nothing without the key"""
    assert refusal(replace(program, proof_key=new_key()), tokens) == "invalid_grant"
    thief = RelyingParty(
        program.issuer, program.client_id, program.redirect_uri, program.http, auth_method="none"
    )
    assert refusal(thief, tokens) == "invalid_dpop_proof"
    fresh = program.refresh(tokens.refresh_token or "")
    assert program.userinfo(fresh.access_token)["sub"] == tokens.claims["sub"]


def test_who_has_not_the_key_does_not_end_the_family_either(
    house: House, program: ProvingParty, tokens: Tokens
) -> None:
    """attack 14: a copy without the key cannot be used to sign the owner out"""
    fresh = program.refresh(tokens.refresh_token or "")
    house.world.clock.move(11)
    assert refusal(replace(program, proof_key=new_key()), tokens) == "invalid_grant"
    assert program.refresh(fresh.refresh_token or "").refresh_token


def test_a_lost_answer_can_be_fetched_again_with_the_same_key(
    house: House, program: ProvingParty, tokens: Tokens
) -> None:
    first = program.refresh(tokens.refresh_token or "")
    house.world.clock.move(9)
    again = program.refresh(tokens.refresh_token or "")
    assert (again.access_token, again.refresh_token) == (first.access_token, first.refresh_token)


def test_reuse_after_the_window_ends_the_family_with_the_key_too(
    house: House, program: ProvingParty, tokens: Tokens
) -> None:
    """attack 14"""
    fresh = program.refresh(tokens.refresh_token or "")
    house.world.clock.move(11)
    assert refusal(program, tokens) == "invalid_grant"
    assert refusal(program, fresh) == "invalid_grant"


def test_a_program_that_begins_to_use_a_key_is_bound_from_then_on(house: House, browser: Browser) -> None:
    """RFC 9449 section 5: the refresh token given for a proof is bound to its key"""
    bare = house.add_client(**NATIVE)
    bare.redirect_uri = "http://127.0.0.1:45000/callback"
    tokens = house.tokens_for(bare, browser, scope=OFFLINE)
    party = proving(bare)
    bound = party.refresh(tokens.refresh_token or "")
    assert refusal(bare, bound) == "invalid_dpop_proof"
    assert party.refresh(bound.refresh_token or "").refresh_token


def test_a_kept_answer_is_not_for_another_key(house: House, browser: Browser, app: RelyingParty) -> None:
    """attack 14: nothing is given for it, and nothing destroyed"""
    party = proving(app)
    tokens = house.tokens_for(party, browser, scope=OFFLINE)
    first = party.refresh(tokens.refresh_token or "")
    assert refusal(replace(party, proof_key=new_key()), tokens) == "invalid_grant"
    assert refusal(app, tokens) == "invalid_grant"
    assert party.refresh(first.refresh_token or "").refresh_token


def test_a_client_that_authenticates_may_change_its_key(
    house: House, browser: Browser, app: RelyingParty
) -> None:
    """RFC 9449 section 5: its refresh tokens are bound to its credentials; each access token to the proof it came for"""
    party = proving(app)
    tokens = house.tokens_for(party, browser, scope=OFFLINE)
    other = replace(party, proof_key=new_key())
    fresh = other.refresh(tokens.refresh_token or "")
    assert other.introspect(fresh.access_token)["cnf"] == {"jkt": other.jkt}
    assert "cnf" not in other.introspect(fresh.refresh_token or "")


def test_introspection_tells_what_a_refresh_token_is_bound_to(
    house: House, app: RelyingParty, anna: User
) -> None:
    """RFC 9449 section 6.2"""
    with house.world.database.begin() as work:
        family = add_family(work, anna.id, app.client_id, confirmation={"jkt": "a-thumbprint"})
        add_refresh(work, family.id, token_hash("a-refresh-token"))
    assert app.introspect("a-refresh-token")["cnf"] == {"jkt": "a-thumbprint"}


def test_revoking_needs_no_proof(house: House, program: ProvingParty, tokens: Tokens) -> None:
    bare = RelyingParty(
        program.issuer, program.client_id, program.redirect_uri, program.http, auth_method="none"
    )
    assert bare.revoke(tokens.refresh_token or "").status_code == 200
    assert refusal(program, tokens) == "invalid_grant"


# Where access tokens are shown ---------------------------------------------------------------------------


def test_a_bound_token_with_its_proof_opens_userinfo(program: ProvingParty, tokens: Tokens) -> None:
    """RFC 9449 section 7.1"""
    assert program.userinfo(tokens.access_token)["sub"] == tokens.claims["sub"]
    assert program.show(tokens.access_token, scheme="dpop").status_code == 200


def test_a_bound_token_is_no_bearer_token(house: House, program: ProvingParty, tokens: Tokens) -> None:
    """RFC 9449 section 7.2; attack 16: downgrade"""
    for reply in (
        program.show(tokens.access_token, scheme="Bearer"),
        house.http.get("/userinfo", headers={"Authorization": f"Bearer {tokens.access_token}"}),
        house.post("/userinfo", {"access_token": tokens.access_token}),
    ):
        assert (reply.status_code, reply.json()["error"]) == (401, "invalid_token")
        assert 'DPoP realm="visvaris", algs="ES256 PS256 EdDSA"' in reply.headers["WWW-Authenticate"]


def test_a_bearer_token_does_not_come_as_dpop(house: House, browser: Browser, app: RelyingParty) -> None:
    """RFC 9449 section 7.1"""
    reply = proving(app).show(house.tokens_for(app, browser).access_token)
    assert (reply.status_code, reply.json()["error"]) == (401, "invalid_token")


def test_another_key_does_not_open_it(program: ProvingParty, tokens: Tokens) -> None:
    thief = replace(program, proof_key=new_key())
    assert thief.show(tokens.access_token).json()["error"] == "invalid_token"


@pytest.mark.parametrize(
    "changed",
    [{"ath": None}, {"ath": ath_of("another")}, {"htm": "POST"}, {"htu": TOKEN}, {"iat": 1}],
    ids=lambda changed: next(iter(changed)),
)
def test_a_proof_for_something_else_does_not_open_it(
    program: ProvingParty, tokens: Tokens, changed: dict[str, object]
) -> None:
    reply = program.show(tokens.access_token, **changed)
    assert (reply.status_code, reply.json()["error"]) == (401, "invalid_dpop_proof")
    assert 'DPoP realm="visvaris"' in reply.headers["WWW-Authenticate"]
    assert 'error="invalid_dpop_proof"' in reply.headers["WWW-Authenticate"]


def test_no_proof_at_all_does_not_open_it(house: House, tokens: Tokens) -> None:
    reply = house.http.get("/userinfo", headers={"Authorization": f"DPoP {tokens.access_token}"})
    assert (reply.status_code, reply.json()["error"]) == (401, "invalid_dpop_proof")


def test_a_proof_opens_it_once(house: House, program: ProvingParty, tokens: Tokens) -> None:
    """attack 20"""
    shown = program.prove("GET", "/userinfo", ath=ath_of(tokens.access_token))
    headers = {"Authorization": f"DPoP {tokens.access_token}", "DPoP": shown}
    assert [house.http.get("/userinfo", headers=headers).status_code for _ in range(2)] == [200, 401]


def test_a_proof_made_for_the_token_endpoint_is_spent_there(house: House, program: ProvingParty) -> None:
    """One shelf for all of a key's proofs: none counts twice, wherever it is shown."""
    shown = program.prove("POST", "/token", jti="once")
    program.post_with("/token", {"grant_type": "refresh_token", "refresh_token": "x"}, shown)
    reply = program.post_with("/token", {"grant_type": "refresh_token", "refresh_token": "x"}, shown)
    assert reply.json()["error"] == "invalid_dpop_proof"


def test_who_shows_no_token_learns_of_both_schemes(house: House) -> None:
    challenges = house.http.get("/userinfo").headers.get_list("WWW-Authenticate")
    assert challenges == ['Bearer realm="visvaris"', 'DPoP realm="visvaris", algs="ES256 PS256 EdDSA"']


def test_a_code_is_held_to_its_key_whatever_the_grant_is_asked_with() -> None:
    """The rule itself, without a provider around it."""
    client = Client(client_id="c", name="c", created_at=0.0, registered={})
    contents = CodeContents(
        client_id="c",
        redirect_uri="https://c.example/",
        code_challenge=None,
        user_id="u",
        session_id="s",
        scopes=(),
        resources=(),
        nonce=None,
        acr="",
        amr=(),
        auth_time=0.0,
        employment_id=None,
        municipality=None,
        dpop_jkt="k",
    )
    form = Parameters([("redirect_uri", "https://c.example/")])
    hold_bindings(contents, TokenRequest(client, form, "", {"jkt": "k"}))
    for shown, error in (
        ({"x5t#S256": "k"}, ErrorCode.INVALID_DPOP_PROOF),
        ({"jkt": "other"}, ErrorCode.INVALID_GRANT),
    ):
        with pytest.raises(ProtocolError) as caught:
            hold_bindings(contents, TokenRequest(client, form, "", shown))
        assert caught.value.error is error
