"""Access tokens bound to a key (RFC 9449) or a certificate (RFC 8705), shown to an API on the kit."""

import base64
import hashlib
import json
import re
import warnings
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from ipaddress import ip_network
from pathlib import Path
from typing import Any

import pytest
from flask import Blueprint, Flask
from hypothesis import given
from hypothesis import strategies as st
from joserfc.jwk import ECKey, Key, RSAKey
from sqlalchemy import text
from werkzeug.datastructures import Headers
from werkzeug.test import TestResponse

from connectors.kit import proofs
from connectors.kit.effects import Effects
from connectors.kit.guard import guard, require
from connectors.kit.jose import BadTokenError, Fault
from connectors.kit.levels import Level
from connectors.kit.problem import answer_problems
from connectors.kit.proofs import BadProofError
from connectors.kit.provider import Provider
from connectors.kit.proxies import certificate_of
from connectors.kit.sealing import Sealer
from connectors.kit.senders import Scheme, Senders, Shown
from connectors.kit.shelf import Shelf
from connectors.kit.tokens import Caller, TokenVerifier
from tests.connectors.conftest import BASE_URL, Clock
from tests.support.demo_provider import StandIn
from tests.support.dpop import ath_of, new_key, proof, public, thumbprint

KEY = new_key()
CERTIFICATE = b"the certificate of a client, in DER"
X5T = base64.urlsafe_b64encode(hashlib.sha256(CERTIFICATE).digest()).rstrip(b"=").decode()
IN_HEADER = f":{base64.b64encode(CERTIFICATE).decode()}:"
PROXY = "10.1.2.3"


@pytest.fixture
def shelf(tmp_path: Path, effects: Effects) -> Iterator[Shelf]:
    url = f"sqlite:///{tmp_path / 'kit.sqlite3'}"
    opened = Shelf(url, sealer=Sealer([b"k" * 32], effects=effects), effects=effects)
    yield opened
    opened.close()


@pytest.fixture
def verifier(provider: Provider, shelf: Shelf, effects: Effects) -> TokenVerifier:
    senders = Senders(base_url=BASE_URL, shelf=shelf, effects=effects)
    return TokenVerifier(provider=provider, audience=BASE_URL, effects=effects, senders=senders)


@pytest.fixture
def app(verifier: TokenVerifier, effects: Effects) -> Flask:
    app = Flask(__name__)
    guard(app, verifier, effects=effects, trusted_proxies=[ip_network("10.0.0.0/8")])
    routes = Blueprint("api", __name__)
    answer_problems(routes)

    @routes.get("/things/<name>")
    @require(scope="agreements.read")
    def things(caller: Caller, name: str) -> dict[str, str]:
        return {"caller": caller.subject, "name": name}

    @routes.get("/sure")
    @require(scope="agreements.read", level=Level.MULTI_FACTOR, max_age=60)
    def sure(caller: Caller) -> dict[str, str]:
        return {"caller": caller.subject}

    app.register_blueprint(routes)
    return app


@pytest.fixture
def bound(issuer: StandIn) -> str:
    return issuer.access_token(cnf={"jkt": thumbprint(KEY)})


def made(clock: Clock, token: str, *, path: str = "/things/x", key: Key = KEY, **changed: Any) -> str:
    claims = {"method": "GET", "url": f"{BASE_URL}{path}", "now": clock.at, "ath": ath_of(token)}
    return proof(key, **{**claims, **changed})


def shown(
    app: Flask,
    token: str,
    *,
    scheme: str = "DPoP",
    path: str = "/things/x",
    peer: str = "192.0.2.1",
    **headers: str,
) -> TestResponse:
    given = Headers([("Authorization", f"{scheme} {token}")])
    given.extend({name.replace("_", "-"): value for name, value in headers.items()})
    return app.test_client().get(path, headers=given, environ_base={"REMOTE_ADDR": peer})


def refusal(response: TestResponse) -> tuple[int, str]:
    assert response.json is not None
    return response.status_code, response.json.get("code", "")


def challenge(response: TestResponse, scheme: str) -> dict[str, str]:
    found = [line for line in response.headers.getlist("WWW-Authenticate") if line.startswith(f"{scheme} ")]
    assert len(found) == 1
    return dict(re.findall(r'(\w+)="([^"]*)"', found[0]))


# Bound to a key ------------------------------------------------------------------------------------------


@pytest.mark.parametrize("alg", ["ES256", "PS256", "EdDSA"])
def test_who_proves_the_key_is_let_in(app: Flask, issuer: StandIn, clock: Clock, alg: str) -> None:
    """RFC 9449 section 7.1"""
    key = new_key(alg)
    token = issuer.access_token(cnf={"jkt": thumbprint(key)})
    response = shown(app, token, DPoP=made(clock, token, key=key, alg=alg))
    assert response.json == {"caller": "person-1", "name": "x"}


def test_a_bound_token_is_no_bearer_token(app: Flask, bound: str, clock: Clock) -> None:
    """RFC 9449 section 7.2; attack 16: downgrade, with and without a proof beside it"""
    for response in (
        shown(app, bound, scheme="Bearer"),
        shown(app, bound, scheme="Bearer", DPoP=made(clock, bound)),
    ):
        assert refusal(response) == (401, "invalid_token")
        assert challenge(response, "Bearer")["error"] == "invalid_token"
        assert challenge(response, "DPoP")["algs"] == "ES256 PS256 EdDSA"


def test_a_token_bound_to_nothing_does_not_come_as_dpop(app: Flask, issuer: StandIn, clock: Clock) -> None:
    token = issuer.access_token()
    response = shown(app, token, DPoP=made(clock, token))
    assert refusal(response) == (401, "invalid_token")
    assert challenge(response, "DPoP")["error"] == "invalid_token"


def test_another_key_does_not_open_it(app: Flask, bound: str, clock: Clock) -> None:
    assert refusal(shown(app, bound, DPoP=made(clock, bound, key=new_key()))) == (401, "invalid_token")


@pytest.mark.parametrize(
    "changed",
    [
        {"ath": None},
        {"ath": ath_of("another")},
        {"method": "POST"},
        {"htm": None},
        {"url": f"{BASE_URL}/things/y"},
        {"url": "http://localhost/things/x"},
        {"url": "https://localhost/agreements/things/x"},
        {"url": "http://evil@localhost/agreements/things/x"},
        {"url": "http://localhost:99999/agreements/things/x"},
        {"url": "http://localhost/agreements/things/\ud800"},
        {"htu": None},
        {"jti": None},
        {"jti": ""},
        {"jti": "a\nb"},
        {"iat": None},
        {"iat": 1},
        {"iat": True},
        {"iat": float("nan")},
        {"iat": 10**400},
        {"iat": 1_750_000_011},
        {"iat": 1_749_999_984},
        {"header": {"typ": "at+jwt"}},
        {"header": {"alg": "none"}},
        {"header": {"alg": "HS256"}},
        {"header": {"jwk": None}},
        {"header": {"jwk": public(new_key())}},
        {"header": {"jwk": KEY.as_dict(private=True)}},
        {"header": {"jwk": {"kty": "EC", "crv": "P-256", "x": 1, "y": 1}}},
        {"header": {"jwk": {"kty": "oct", "k": "c2VjcmV0"}}},
        {"header": {"crit": ["exp"]}},
        {"header": {"jku": "https://evil.example/"}},
    ],
)
def test_a_proof_that_is_wrong_does_not_open_it(
    app: Flask, bound: str, clock: Clock, changed: dict[str, Any]
) -> None:
    """attack 16, attack 20"""
    response = shown(app, bound, DPoP=made(clock, bound, **changed))
    assert refusal(response) == (401, "invalid_dpop_proof")
    assert challenge(response, "DPoP")["error"] == "invalid_dpop_proof"


@pytest.mark.parametrize("seconds", [-15, -10, 10])
def test_a_clock_may_be_ten_seconds_off_and_the_way_take_five(
    app: Flask, bound: str, clock: Clock, seconds: int
) -> None:
    """As at the provider itself: the same client with the same clock is let in at both."""
    assert shown(app, bound, DPoP=made(clock, bound, iat=int(clock.at) + seconds)).status_code == 200


@pytest.mark.parametrize("text", ["", "x", "a.b.c", "a.b", "x" * 9000])
def test_what_is_no_proof_does_not_open_it(app: Flask, bound: str, text: str) -> None:
    assert refusal(shown(app, bound, DPoP=text)) == (401, "invalid_dpop_proof")


def test_no_proof_and_two_proofs_are_none(app: Flask, bound: str, clock: Clock) -> None:
    """RFC 9449 section 4.3"""
    assert refusal(shown(app, bound)) == (401, "invalid_dpop_proof")
    pair = ",".join(made(clock, bound) for _ in range(2))
    assert refusal(shown(app, bound, DPoP=pair)) == (401, "invalid_dpop_proof")


@pytest.mark.parametrize("kind", ["RSA of 1024 bits", "P-384"])
def test_a_weak_or_other_key_does_not_open_it(app: Flask, issuer: StandIn, clock: Clock, kind: str) -> None:
    with warnings.catch_warnings(action="ignore"):
        key = RSAKey.generate_key(1024) if kind.startswith("RSA") else ECKey.generate_key("P-384")
    token = issuer.access_token(cnf={"jkt": thumbprint(key)})
    alg = "PS256" if isinstance(key, RSAKey) else "ES384"
    for named in (alg, "ES256"):
        header = {"alg": named}
        response = shown(app, token, DPoP=made(clock, token, key=key, alg=alg, header=header))
        assert refusal(response) == (401, "invalid_dpop_proof")


@pytest.mark.parametrize(
    "url",
    [
        "HTTP://LOCALHOST/agreements/things/x",
        "http://localhost:80/agreements/things/x",
        "http://localhost/agreements/./y/../things/%78?query#fragment",
    ],
)
def test_the_address_may_be_written_in_any_of_its_forms(
    app: Flask, bound: str, clock: Clock, url: str
) -> None:
    assert shown(app, bound, DPoP=made(clock, bound, url=url)).status_code == 200


def test_letters_of_any_language_are_compared_as_they_are_meant(app: Flask, bound: str, clock: Clock) -> None:
    response = shown(app, bound, path="/things/%C4%B7", DPoP=made(clock, bound, path="/things/%c4%b7"))
    assert response.json == {"caller": "person-1", "name": "ķ"}


def test_the_address_is_the_settings_and_not_the_host_header(app: Flask, bound: str, clock: Clock) -> None:
    """attack 27"""
    url = "http://evil.example/agreements/things/x"
    response = shown(app, bound, DPoP=made(clock, bound, url=url), Host="evil.example")
    assert refusal(response) == (401, "invalid_dpop_proof")


def test_a_proof_counts_once(app: Flask, bound: str, clock: Clock) -> None:
    """attack 20"""
    again = made(clock, bound, iat=int(clock.at) + 9)
    assert shown(app, bound, DPoP=again).status_code == 200
    for _ in range(28):
        assert refusal(shown(app, bound, DPoP=again)) == (401, "invalid_dpop_proof")
        clock.at += 1


def test_of_many_at_once_one_counts(verifier: TokenVerifier, bound: str, clock: Clock) -> None:
    """attack 20"""
    evidence = Shown(scheme=Scheme.DPOP, method="GET", path="/things/x", proof=made(clock, bound))
    verifier.verify(
        bound, Shown(scheme=Scheme.DPOP, method="GET", path="/things/x", proof=made(clock, bound))
    )

    def attempt(_: int) -> Fault | None:
        try:
            verifier.verify(bound, evidence)
        except BadTokenError as error:
            return error.fault
        return None

    with ThreadPoolExecutor(16) as senders:
        outcomes = list(senders.map(attempt, range(100)))
    assert outcomes.count(None) == 1
    assert outcomes.count(Fault.PROOF) == 99


def test_a_proof_is_not_spent_on_a_token_that_is_not_good(
    app: Flask, issuer: StandIn, bound: str, clock: Clock
) -> None:
    """Who has no token fills no shelf."""
    evidence = made(clock, bound)
    assert refusal(shown(app, issuer.access_token(aud="elsewhere"), DPoP=evidence)) == (401, "invalid_token")
    assert shown(app, bound, DPoP=evidence).status_code == 200


def test_when_nobody_can_say_whether_it_was_used_it_does_not_count(
    app: Flask, shelf: Shelf, bound: str, clock: Clock
) -> None:
    """attack 20: the replay store is lost"""
    with shelf._engine.begin() as connection:
        connection.execute(text("DROP TABLE connector_shelf"))
    response = shown(app, bound, DPoP=made(clock, bound))
    assert refusal(response) == (503, "proofs_unavailable")
    assert response.headers["Retry-After"] == "30"


def test_the_challenge_of_step_up_comes_in_the_scheme_that_was_used(
    app: Flask, bound: str, clock: Clock
) -> None:
    """RFC 9470 section 3"""
    response = shown(app, bound, path="/sure", DPoP=made(clock, bound, path="/sure"))
    assert response.status_code == 401
    told = challenge(response, "DPoP")
    assert told["error"] == "insufficient_user_authentication"
    assert (told["acr_values"], told["max_age"]) == ("urn:visvaris:acr:mfa", "60")
    assert "error" not in challenge(response, "Bearer")


def test_without_a_shelf_for_proofs_no_bound_token_is_taken(
    provider: Provider, effects: Effects, bound: str, issuer: StandIn, clock: Clock
) -> None:
    bare = TokenVerifier(provider=provider, audience=BASE_URL, effects=effects)
    evidence = Shown(scheme=Scheme.DPOP, method="GET", path="/things/x", proof=made(clock, bound))
    for token, how in ((bound, evidence), (bound, Shown()), (issuer.access_token(), evidence)):
        with pytest.raises(BadTokenError) as caught:
            bare.verify(token, how)
        assert caught.value.fault is Fault.BOUND


@pytest.mark.parametrize(
    "cnf", [{}, [], "x", {"jkt": ""}, {"jkt": 1}, {"jwk": {}}, {"jkt": "x", "kid": "y"}, {"x5t#S256": None}]
)
def test_a_binding_that_is_not_known_is_none_that_can_be_held(
    app: Flask, issuer: StandIn, clock: Clock, cnf: object
) -> None:
    token = issuer.access_token(cnf=cnf)
    for response in (shown(app, token, scheme="Bearer"), shown(app, token, DPoP=made(clock, token))):
        assert refusal(response) == (401, "invalid_token")


@given(st.text())
def test_whatever_is_no_address_is_refused(text: str) -> None:
    try:
        scheme, host, _, path = proofs.address_of(text)
    except BadProofError:
        return
    assert scheme in {"http", "https"}
    assert host
    assert path.startswith("/")


json_values = st.recursive(
    st.none() | st.booleans() | st.floats() | st.text(max_size=10),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=6), inner, max_size=3),
    max_leaves=6,
)


@given(st.dictionaries(st.sampled_from(["alg", "typ", "jwk", "kid", "crit"]), json_values), json_values)
def test_any_other_header_is_refused_and_nothing_worse(header: dict[str, object], claims: object) -> None:
    good = {"alg": "ES256", "typ": "dpop+jwt", "jwk": public(KEY)}
    parts = [json.dumps(part).encode() for part in ({**good, **header}, claims)]
    text = b".".join(base64.urlsafe_b64encode(part).rstrip(b"=") for part in (*parts, b"s" * 64)).decode()
    with pytest.raises(BadProofError):
        proofs.read(text)


# Bound to a certificate ----------------------------------------------------------------------------------


@pytest.fixture
def certified(issuer: StandIn) -> str:
    return issuer.access_token(cnf={"x5t#S256": X5T})


def test_the_same_certificate_from_a_trusted_proxy_opens_it(app: Flask, certified: str) -> None:
    """RFC 8705 section 3, RFC 9440"""
    assert shown(app, certified, scheme="Bearer", peer=PROXY, Client_Cert=IN_HEADER).status_code == 200


def test_a_certificate_that_anybody_could_have_written_opens_nothing(app: Flask, certified: str) -> None:
    response = shown(app, certified, scheme="Bearer", peer="192.0.2.1", Client_Cert=IN_HEADER)
    assert refusal(response) == (401, "invalid_token")


def test_without_settings_no_proxy_is_trusted(
    verifier: TokenVerifier, certified: str, effects: Effects
) -> None:
    assert certificate_of({"REMOTE_ADDR": PROXY, "HTTP_CLIENT_CERT": IN_HEADER}, []) == ""
    with pytest.raises(BadTokenError) as caught:
        verifier.verify(certified)
    assert caught.value.fault is Fault.BOUND


@pytest.mark.parametrize(
    "header",
    [
        "",
        ":",
        "::",
        ":AAAA:",
        IN_HEADER[1:],
        IN_HEADER[:-1],
        f"{IN_HEADER}, {IN_HEADER}",
        f"{IN_HEADER};a=1",
        f":{'A' * 20_000}:",
        ":A*A=:",
    ],
)
def test_no_certificate_and_another_one_open_nothing(app: Flask, certified: str, header: str) -> None:
    response = shown(app, certified, scheme="Bearer", peer=PROXY, Client_Cert=header)
    assert refusal(response) == (401, "invalid_token")


def test_bound_to_both_it_takes_both(app: Flask, issuer: StandIn, clock: Clock) -> None:
    token = issuer.access_token(cnf={"jkt": thumbprint(KEY), "x5t#S256": X5T})
    assert refusal(shown(app, token, DPoP=made(clock, token))) == (401, "invalid_token")
    assert refusal(shown(app, token, scheme="Bearer", peer=PROXY, Client_Cert=IN_HEADER))[0] == 401
    both = shown(app, token, peer=PROXY, DPoP=made(clock, token), Client_Cert=IN_HEADER)
    assert both.status_code == 200
