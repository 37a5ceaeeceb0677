"""Which access tokens a connector believes."""

import base64
import hmac
import json
from typing import Any

import pytest
from joserfc import jws
from joserfc.jwk import ECKey, RSAKey

from connectors.kit.effects import Effects
from connectors.kit.jose import BadTokenError, Fault
from connectors.kit.levels import Level
from connectors.kit.provider import Provider
from connectors.kit.tokens import TokenVerifier
from tests.connectors.conftest import Clock
from tests.support.demo_provider import ES_KEY, RS_KEY, StandIn, signed

AUDIENCE = "http://localhost/agreements"
STRANGERS_KEY = ECKey.generate_key("P-256", {"kid": "es-1"})


@pytest.fixture
def verifier(provider: Provider, effects: Effects) -> TokenVerifier:
    return TokenVerifier(provider=provider, audience=AUDIENCE, effects=effects)


def fault(verifier: TokenVerifier, token: str) -> Fault:
    with pytest.raises(BadTokenError) as caught:
        verifier.verify(token)
    return caught.value.fault


def parts(token: str) -> list[str]:
    return token.split(".")


def encoded(value: dict[str, Any]) -> str:
    return base64.urlsafe_b64encode(json.dumps(value).encode()).rstrip(b"=").decode()


def with_header(token: str, **header: Any) -> str:
    """The same claims and signature under another header."""
    _, claims, signature = parts(token)
    return f"{encoded({'alg': 'ES256', 'typ': 'at+jwt', 'kid': 'es-1', **header})}.{claims}.{signature}"


def test_a_good_token_says_who_calls_and_for_which_municipality(
    issuer: StandIn, verifier: TokenVerifier
) -> None:
    caller = verifier.verify(
        issuer.access_token(
            municipality="0028000",
            roles=["clerk"],
            scope="a b",
            acr="urn:visvaris:acr:mfa",
            auth_time=1_749_999_000,
        )
    )
    assert (caller.subject, caller.client_id, caller.municipality) == ("person-1", "a-program", "0028000")
    assert (caller.roles, caller.scope) == ({"clerk"}, {"a", "b"})
    assert (caller.acr, caller.auth_time) == (Level.MULTI_FACTOR, 1_749_999_000)


def test_a_program_of_its_own_speaks_for_no_municipality(issuer: StandIn, verifier: TokenVerifier) -> None:
    caller = verifier.verify(issuer.access_token(sub="a-program"))
    assert (caller.municipality, caller.roles, caller.acr) == (None, frozenset(), None)


@pytest.mark.parametrize("typ", ["at+jwt", "AT+JWT", "application/at+jwt"])
def test_the_type_may_be_written_as_the_standard_lets_it(
    issuer: StandIn, verifier: TokenVerifier, typ: str
) -> None:
    assert verifier.verify(issuer.access_token(header={"typ": typ}))


@pytest.mark.parametrize("typ", ["JWT", "logout+jwt", "jwt", None])
def test_a_token_of_another_kind_is_refused(
    issuer: StandIn, verifier: TokenVerifier, typ: str | None
) -> None:
    """attack 16: a logout token, or any other JWT of the provider, is no access token."""
    assert fault(verifier, issuer.access_token(header={"typ": typ})) is Fault.TYPE


def test_an_id_token_is_refused(issuer: StandIn, verifier: TokenVerifier) -> None:
    """attack 16: an ID token opens no API, even with the API as its audience."""
    issuer.in_id_token = {"aud": AUDIENCE, "client_id": "a-program", "jti": "j"}
    assert fault(verifier, issuer.id_token(nonce=None, access_token="")) is Fault.ALGORITHM
    claims = {"iss": issuer.issuer, "aud": AUDIENCE, "sub": "s", "nonce": "n"}
    token = signed(claims, ES_KEY, {"alg": "ES256", "typ": "JWT", "kid": "es-1"})
    assert fault(verifier, token) is Fault.TYPE


@pytest.mark.parametrize("alg", ["none", "None", "NONE", "HS256", "RS256", "ES384", "EdDSA", ""])
def test_another_algorithm_in_the_header_is_refused(
    issuer: StandIn, verifier: TokenVerifier, alg: str
) -> None:
    """attack 16: the token does not choose how it is checked."""
    assert fault(verifier, with_header(issuer.access_token(), alg=alg)) is Fault.ALGORITHM


def test_an_unsigned_token_is_refused(issuer: StandIn, verifier: TokenVerifier) -> None:
    """attack 16: alg none, with and without the signature of another token."""
    _, claims, _ = parts(issuer.access_token())
    header = encoded({"alg": "none", "typ": "at+jwt", "kid": "es-1"})
    assert fault(verifier, f"{header}.{claims}.") is Fault.ALGORITHM
    assert (
        fault(verifier, f"{encoded({'alg': 'ES256', 'typ': 'at+jwt', 'kid': 'es-1'})}.{claims}.")
        is Fault.SIGNATURE
    )


@pytest.mark.parametrize("public", [ES_KEY, RS_KEY], ids=["EC", "RSA"])
@pytest.mark.parametrize("form", ["pem", "der"])
def test_the_public_key_does_not_work_as_a_secret(
    issuer: StandIn, verifier: TokenVerifier, public: ECKey | RSAKey, form: str
) -> None:
    """attack 16: RS/HS confusion, an HMAC made with the published key."""
    _, claims, _ = parts(issuer.access_token())
    secret = public.as_pem(private=False) if form == "pem" else public.as_der(private=False)
    text = f"{encoded({'alg': 'HS256', 'typ': 'at+jwt', 'kid': public.kid})}.{claims}"
    mark = base64.urlsafe_b64encode(hmac.digest(secret, text.encode(), "sha256")).rstrip(b"=").decode()
    assert fault(verifier, f"{text}.{mark}") is Fault.ALGORITHM


def test_rs256_with_a_published_key_is_refused(issuer: StandIn, verifier: TokenVerifier) -> None:
    """attack 16: access tokens are ES256, though the provider has RSA keys for ID tokens."""
    token = issuer.access_token(key=RS_KEY, header={"alg": "RS256"})
    assert fault(verifier, token) is Fault.ALGORITHM
    assert fault(verifier, with_header(token, kid="rs-1")) is Fault.KEY


@pytest.mark.parametrize(
    "header",
    [
        {"jwk": STRANGERS_KEY.as_dict(private=False)},
        {"jku": "http://127.0.0.1:9/jwks"},
        {"x5u": "http://127.0.0.1:9/certificate"},
        {"x5c": ["MIIB"]},
        {"crit": ["exp"], "exp": 1},
        {"crit": ["b64"], "b64": False},
        {"crit": []},
        {"zip": "DEF"},
        {"cty": "JWT"},
        {"kid": 7},
    ],
    ids=lambda header: next(iter(header)),
)
def test_a_header_that_brings_its_own_rules_is_refused(
    issuer: StandIn, verifier: TokenVerifier, header: dict[str, Any]
) -> None:
    """attack 16: embedded jwk, jku, x5u, unknown crit."""
    assert fault(verifier, with_header(issuer.access_token(), **header)) is Fault.HEADER


def test_a_key_sent_along_with_the_token_is_not_used(issuer: StandIn, verifier: TokenVerifier) -> None:
    """attack 16: signed rightly, by a key that only the token vouches for."""
    jwk = STRANGERS_KEY.as_dict(private=False)
    claims = {"iss": issuer.issuer, "aud": AUDIENCE, "sub": "s", "exp": 9_999_999_999}
    text = f"{encoded({'alg': 'ES256', 'typ': 'at+jwt', 'kid': 'es-1', 'jwk': jwk})}.{encoded(claims)}"
    signature = jws.JWSRegistry.algorithms["ES256"].sign(text.encode(), STRANGERS_KEY)
    assert (
        fault(verifier, f"{text}.{base64.urlsafe_b64encode(signature).rstrip(b'=').decode()}") is Fault.HEADER
    )


def test_a_token_signed_by_another_key_of_the_same_name_is_refused(
    issuer: StandIn, verifier: TokenVerifier
) -> None:
    assert fault(verifier, issuer.access_token(key=STRANGERS_KEY)) is Fault.SIGNATURE


@pytest.mark.parametrize(
    "kid", ["es-2", "", None, "../../etc/passwd", "es-1' OR '1'='1", "https://evil.example/"]
)
def test_a_key_that_is_not_published_is_refused(
    issuer: StandIn, verifier: TokenVerifier, kid: str | None
) -> None:
    """attack 16: kid injection; the name is looked up and nothing else."""
    assert fault(verifier, issuer.access_token(header={"kid": kid})) is Fault.KEY


def test_a_changed_token_is_refused(issuer: StandIn, verifier: TokenVerifier) -> None:
    header, _, signature = parts(issuer.access_token())
    claims = parts(issuer.access_token(municipality="0001000"))[1]
    assert fault(verifier, f"{header}.{claims}.{signature}") is Fault.SIGNATURE


@pytest.mark.parametrize(
    "token", ["", "x", "a.b", "a.b.c.d", "a.b.c.d.e", "ā.b.c", "." * 9000, "a.b.c" + "d" * 9000]
)
def test_what_is_no_token_is_refused(verifier: TokenVerifier, token: str) -> None:
    """attack 43: nor is anything long read at all."""
    assert fault(verifier, token) is Fault.MALFORMED


@pytest.mark.parametrize("token", ["a.b.c", "e30.e30.e30", "W10.e30.e30", "bnVsbA.e30.e30"])
def test_what_only_looks_like_a_token_is_refused(verifier: TokenVerifier, token: str) -> None:
    assert fault(verifier, token) in {Fault.HEADER, Fault.ALGORITHM, Fault.MALFORMED}


@pytest.mark.parametrize(
    "aud",
    [
        "http://localhost/agreements/",
        "http://localhost",
        "HTTP://LOCALHOST/agreements",
        "http://localhost/baris",
        [AUDIENCE, "http://localhost/baris"],
        [],
        {},
        None,
    ],
)
def test_a_token_for_another_audience_is_refused(issuer: StandIn, verifier: TokenVerifier, aud: Any) -> None:
    assert fault(verifier, issuer.access_token(aud=aud)) is Fault.AUDIENCE


def test_an_audience_may_stand_in_a_list_of_one(issuer: StandIn, verifier: TokenVerifier) -> None:
    assert verifier.verify(issuer.access_token(aud=[AUDIENCE]))


@pytest.mark.parametrize("ending", ["/", ".evil.example", "?x"])
def test_a_token_of_another_issuer_is_refused(issuer: StandIn, verifier: TokenVerifier, ending: str) -> None:
    assert fault(verifier, issuer.access_token(iss=issuer.issuer + ending)) is Fault.ISSUER


def test_an_expired_token_is_refused(issuer: StandIn, verifier: TokenVerifier, clock: Clock) -> None:
    """attack 30: expiry is checked at use."""
    token = issuer.access_token()
    clock.at += 304
    assert verifier.verify(token)
    clock.at += 2
    assert fault(verifier, token) is Fault.EXPIRED


@pytest.mark.parametrize("claim", ["iat", "nbf"])
def test_a_token_from_the_future_is_refused(
    issuer: StandIn, verifier: TokenVerifier, clock: Clock, claim: str
) -> None:
    assert verifier.verify(issuer.access_token(**{claim: clock.at + 4}))
    assert fault(verifier, issuer.access_token(**{claim: clock.at + 60})) is Fault.NOT_YET


@pytest.mark.parametrize("claim", ["exp", "iat", "sub", "client_id", "jti"])
@pytest.mark.parametrize("value", [None, [], {}, True, ""])
def test_a_claim_missing_or_of_the_wrong_form_is_refused(
    issuer: StandIn, verifier: TokenVerifier, claim: str, value: Any
) -> None:
    assert fault(verifier, issuer.access_token(**{claim: value})) is Fault.CLAIMS


@pytest.mark.parametrize("exp", [float("nan"), float("inf"), "9999999999"])
def test_a_time_that_is_no_time_never_expires_and_is_refused(
    issuer: StandIn, verifier: TokenVerifier, exp: Any
) -> None:
    assert fault(verifier, issuer.access_token(exp=exp)) is Fault.CLAIMS


@pytest.mark.parametrize(
    "claims",
    [
        {"municipality": 28000},
        {"municipality": "28000"},
        {"municipality": "0028000\n"},
        {"municipality": ["0028000"]},
        {"roles": "operator"},
        {"roles": [{"operator": True}]},
        {"scope": ["agreements.read"]},
        {"auth_time": "now"},
    ],
    ids=str,
)
def test_a_right_of_the_wrong_form_is_refused(
    issuer: StandIn, verifier: TokenVerifier, claims: dict[str, Any]
) -> None:
    assert fault(verifier, issuer.access_token(**claims)) is Fault.CLAIMS


def test_a_token_bound_to_a_key_is_no_bearer_token(issuer: StandIn, verifier: TokenVerifier) -> None:
    assert fault(verifier, issuer.access_token(cnf={"jkt": "x"})) is Fault.BOUND


def test_an_unknown_level_is_no_level(issuer: StandIn, verifier: TokenVerifier) -> None:
    assert verifier.verify(issuer.access_token(acr="phrh")).acr is None


def test_a_refusal_never_repeats_the_token(issuer: StandIn, verifier: TokenVerifier) -> None:
    """attack 44: what is logged of a bad token is why it is bad."""
    token = issuer.access_token(aud="elsewhere")
    with pytest.raises(BadTokenError) as caught:
        verifier.verify(token)
    assert parts(token)[2] not in repr(caught.value)
