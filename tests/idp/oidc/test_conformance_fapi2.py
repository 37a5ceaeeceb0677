"""The modules of the Foundation's FAPI 2.0 Security Profile plan by their names, for each way a client may be registered (conformance).

Three variants: private_key_jwt with DPoP, private_key_jwt with certificate-bound tokens, a certificate for both. Modules about
the bindings themselves are in `test_rfc9449_dpop.py`, about pushing in `test_rfc9126_par.py`, about signed requests in
`test_fapi2_authorization.py`.
"""

import json
from collections.abc import Mapping
from dataclasses import replace
from typing import Any

import pytest
from joserfc import jws

from idp.models.people import User
from idp.oidc.authorization_request import Answer
from idp.oidc.authorize import Browser
from idp.oidc.errors import ErrorCode, ProtocolError
from idp.oidc.options import Options
from tests.idp.oidc.house import CALLBACK, ISSUER, House
from tests.support.authorization_requests import JWKS, KEYS, push
from tests.support.builders import START
from tests.support.client_certificates import self_signed
from tests.support.dpop import ProvingParty, proving
from tests.support.proxy import through_proxy
from tests.support.relying_party import ProviderError, Question, RelyingParty, Tokens

KEYED = {"token_endpoint_auth_method": "private_key_jwt", "jwks": JWKS}
BOUND_BY_CERTIFICATE = {"tls_client_certificate_bound_access_tokens": True}
VARIANTS: Mapping[str, dict[str, Any]] = {
    "private_key_jwt + DPoP": {**KEYED, "dpop_bound_access_tokens": True},
    "private_key_jwt + MTLS": {**KEYED, **BOUND_BY_CERTIFICATE},
    "MTLS + MTLS": {"token_endpoint_auth_method": "self_signed_tls_client_auth", **BOUND_BY_CERTIFICATE},
}


@pytest.fixture
def house(house: House) -> House:
    """With a proxy in front of it that tells of certificates."""
    options = Options(issuer=ISSUER, refresh_seconds=30 * 86400, client_certificates=True)
    return House(house.world, options=options)


@pytest.fixture(params=VARIANTS)
def party(house: House, request: pytest.FixtureRequest) -> RelyingParty:
    return registered(house, request.param)


def registered(house: House, variant: str, **changed: Any) -> RelyingParty:
    metadata, shown = VARIANTS[variant], self_signed(START)
    certified = metadata["token_endpoint_auth_method"] != "private_key_jwt"
    own = {"profile": "fapi2", **changed.pop("own", {})}
    made = house.add_client(
        **{"jwks": {"keys": [shown.jwk()]}, **metadata, **changed} if certified else {**metadata, **changed},
        own=own,
    )
    made.key = KEYS["ES256"]
    if "dpop_bound_access_tokens" in metadata:
        return proving(made)
    made.http = through_proxy(house.openid, shown=shown)
    return made


def authorizes(
    house: House, browser: Browser, party: RelyingParty, **asked: str | None
) -> tuple[Question, str]:
    question = push(party, party.ask(**asked))
    return question, house.code_in(party, question, house.visit(question, browser))


def signs_in(house: House, browser: Browser, party: RelyingParty, **asked: str | None) -> Tokens:
    question, code = authorizes(house, browser, party, **asked)
    return party.redeem(question, code)


def test_discovery_end_point_verification(party: RelyingParty) -> None:
    said = party.metadata()
    assert said["pushed_authorization_request_endpoint"] == f"{ISSUER}/par"
    assert said["authorization_response_iss_parameter_supported"] is True
    assert said["code_challenge_methods_supported"] == ["S256"]
    assert party.auth_method in said["token_endpoint_auth_methods_supported"]
    assert said["tls_client_certificate_bound_access_tokens"] is True
    assert {"ES256", "PS256", "EdDSA"} <= set(said["dpop_signing_alg_values_supported"])
    assert {"ES256", "PS256", "EdDSA"} <= set(said["token_endpoint_auth_signing_alg_values_supported"])
    assert "none" not in str(said["request_object_signing_alg_values_supported"])


def test_happy_flow(house: House, browser: Browser, anna: User, party: RelyingParty) -> None:
    """Pushed, S256, `iss` in the answer, an ID token by ES256, and a bound token that opens userinfo"""
    tokens = signs_in(house, browser, party, scope="openid profile")
    assert jws.extract_compact((tokens.id_token or "").encode()).headers()["alg"] == "ES256"
    assert party.userinfo(tokens.access_token)["sub"] == tokens.claims["sub"] == anna.id
    bound = party.introspect(tokens.access_token)["cnf"]
    assert set(bound) == {"jkt"} if isinstance(party, ProvingParty) else {"x5t#S256"}


def test_user_rejects_authentication(house: House, browser: Browser) -> None:
    for variant in VARIANTS:
        party = registered(house, variant, own={"first_party": False})
        question = push(party, party.ask())
        outcome = house.agree(house.visit(question, browser), browser, allow=False)
        assert isinstance(outcome, Answer)
        with pytest.raises(ProviderError, match="access_denied"):
            party.read_answer(question, outcome.location())


@pytest.mark.parametrize(
    "asked",
    [{"state": None}, {"nonce": None}, {"nonce": "n" * 64}, {"nonce": "n" * 384}, {"state": "s" * 384}],
    ids=["without-state", "without-nonce", "with-64-char-nonce", "with-long-nonce", "with-long-state"],
)
def test_ensure_authorization_request(
    house: House, browser: Browser, party: RelyingParty, asked: dict[str, str | None]
) -> None:
    """…-without-state-success, -without-nonce-success, -with-64-char-nonce-success, -with-long-nonce, -with-long-state"""
    assert signs_in(house, browser, party, **asked).claims["sub"]


def test_ensure_other_scope_order_succeeds(house: House, browser: Browser, party: RelyingParty) -> None:
    assert signs_in(house, browser, party, scope="profile email openid").scope == {
        "openid",
        "profile",
        "email",
    }


def test_claims_parameter_identity_claims(house: House, browser: Browser, party: RelyingParty) -> None:
    wish = {"userinfo": {"given_name": {"essential": True}}, "id_token": {"family_name": None}}
    tokens = signs_in(house, browser, party, claims=json.dumps(wish))
    assert tokens.claims["family_name"] == "Bērziņa"
    assert party.userinfo(tokens.access_token)["given_name"] == "Anna"


def test_access_token_type_header_case_sensitivity(
    house: House, browser: Browser, party: RelyingParty
) -> None:
    """RFC 9110 section 11.1: the name of a scheme has no case"""
    tokens = signs_in(house, browser, party)
    for turned in (str.lower, str.upper):
        scheme = turned(party.token_type)
        if isinstance(party, ProvingParty):
            reply = party.show(tokens.access_token, scheme=scheme)
        else:
            reply = party.http.get("/userinfo", headers={"Authorization": f"{scheme} {tokens.access_token}"})
        assert reply.status_code == 200, scheme


def test_ensure_registered_redirect_uri(party: RelyingParty) -> None:
    """…-ensure-registered-redirect-uri; -plain-fapi-tolerate-unregistered-redirect-uri leaves it to us: we refuse"""
    with pytest.raises(ProviderError, match="invalid_request"):
        push(party, party.ask(redirect_uri=f"{CALLBACK}/unregistered"))


# The token endpoint ------------------------------------------------------------------------------------


def test_ensure_client_id_in_token_endpoint(house: House, browser: Browser) -> None:
    """The form names the client that proves itself, and no other"""
    for variant in ("private_key_jwt + DPoP", "private_key_jwt + MTLS"):
        party, other = registered(house, variant), registered(house, variant)
        question, code = authorizes(house, browser, party)
        with pytest.raises(ProviderError, match=r"invalid_(client|request)"):
            party.redeem(question, code, client_id=other.client_id)


def test_a_certificate_does_not_name_its_client(house: House, browser: Browser) -> None:
    """…-ensure-client-id-in-token-endpoint where a certificate is all that proves it: neither another's id nor none"""
    party, other = registered(house, "MTLS + MTLS"), registered(house, "MTLS + MTLS")
    question, code = authorizes(house, browser, party)
    form = {"grant_type": "authorization_code", "code": code, "code_verifier": question.verifier}
    for named in ({"client_id": other.client_id}, {}):
        reply = party.http.post("/token", data={**form, "redirect_uri": CALLBACK, **named})
        assert (reply.status_code, reply.json()["error"]) == (401, "invalid_client")


def test_ensure_client_assertion_in_token_endpoint(house: House, browser: Browser) -> None:
    for variant in ("private_key_jwt + DPoP", "private_key_jwt + MTLS"):
        party = registered(house, variant)
        question, code = authorizes(house, browser, party)
        party.auth_method = "none"
        with pytest.raises(ProviderError, match="invalid_client"):
            party.redeem(question, code)


@pytest.mark.parametrize(
    "changed",
    [
        {"exp": int(START) - 300},
        {"aud": "https://elsewhere.example"},
        {"sub": None},
        {"sub": "somebody"},
        {"iss": None},
        {"iss": "somebody"},
        {"exp": None},
        {"jti": None},
        {"iat": int(START) + 70},
        {"nbf": int(START) + 70},
    ],
    ids=str,
)
@pytest.mark.parametrize("path", ["/par", "/token"])
def test_ensure_invalid_client_assertions_fail(house: House, path: str, changed: dict[str, Any]) -> None:
    """…-client-assertion-with-exp-is-5-minutes-in-past-fails, -with-wrong-aud-fails, -with-no-sub-fails"""
    party = registered(house, "private_key_jwt + DPoP")
    form = {**party.ask().parameters, **party.assertion_form(party.assertion(**changed))}
    reply = party.http.post(path, data=form)
    assert (reply.status_code, reply.json()["error"]) == (401, "invalid_client")


def test_ensure_holder_of_key_required(house: House, browser: Browser) -> None:
    """No token without the proof, or without the certificate"""
    for variant in VARIANTS:
        party = registered(house, variant)
        question, code = authorizes(house, browser, party)
        form = {"grant_type": "authorization_code", "code": code, "redirect_uri": CALLBACK}
        form["code_verifier"] = question.verifier
        if isinstance(party, ProvingParty):
            reply = party.post_with("/token", form)
        else:
            party.http = through_proxy(house.openid)
            reply = party.post("/token", form)
        assert reply.status_code in {400, 401}, variant
        assert "access_token" not in reply.json()


def test_ensure_authorization_code_is_bound_to_client(house: House, browser: Browser) -> None:
    for variant in VARIANTS:
        party, other = registered(house, variant), registered(house, variant)
        question, code = authorizes(house, browser, party)
        with pytest.raises(ProviderError, match="invalid_grant"):
            other.redeem(question, code)


def test_attempt_reuse_authorization_code_after_one_second(
    house: House, browser: Browser, party: RelyingParty
) -> None:
    question, code = authorizes(house, browser, party)
    tokens = party.redeem(question, code)
    house.world.clock.move(1)
    with pytest.raises(ProviderError, match="invalid_grant"):
        party.redeem(question, code)
    with pytest.raises(ProviderError, match="invalid_token"):
        party.userinfo(tokens.access_token)


def test_refresh_token(house: House, browser: Browser, party: RelyingParty) -> None:
    """With the key or the certificate again, and for its client alone"""
    tokens = signs_in(house, browser, party, scope="openid offline_access")
    again = party.refresh(tokens.refresh_token or "")
    assert party.userinfo(again.access_token)["sub"] == tokens.claims["sub"]


# Pushing, and the code challenge -----------------------------------------------------------------------


@pytest.mark.parametrize("verb", ["GET", "PUT", "DELETE", "PATCH"])
def test_par_attempt_invalid_http_method(party: RelyingParty, verb: str) -> None:
    assert party.http.request(verb, "/par", params=dict(party.ask().parameters)).status_code == 405


def test_par_authorization_request_containing_request_uri_form_param(party: RelyingParty) -> None:
    with pytest.raises(ProviderError, match="invalid_request"):
        push(party, party.ask(), request_uri="urn:ietf:params:oauth:request_uri:x")


def test_par_attempt_to_use_request_uri_for_different_client(house: House, browser: Browser) -> None:
    """Our page says so: nobody knows where else to say it"""
    for variant in VARIANTS:
        party, other = registered(house, variant), registered(house, variant)
        question = push(party, party.ask())
        stolen = replace(question, url=question.url.replace(party.client_id, other.client_id))
        with pytest.raises(ProtocolError) as refused:
            house.visit(stolen, browser)
        assert refused.value.error is ErrorCode.INVALID_REQUEST_URI, variant


def test_pkce_code_verifier(house: House, browser: Browser, party: RelyingParty) -> None:
    """…-ensure-pkce-code-verifier-required, -incorrect-pkce-code-verifier-rejected (attack 13)"""
    for wrong in (None, "w" * 43):
        question, code = authorizes(house, browser, party)
        with pytest.raises(ProviderError, match="invalid_grant"):
            party.redeem(question, code, code_verifier=wrong)


def test_check_dpop_proof_nbf_exp(house: House, browser: Browser) -> None:
    """RFC 9449 section 4.2 lets a proof say more: `nbf` and `exp` do no harm"""
    party = registered(house, "private_key_jwt + DPoP")
    assert isinstance(party, ProvingParty)
    question, code = authorizes(house, browser, party)
    form = {"grant_type": "authorization_code", "code": code, "redirect_uri": CALLBACK}
    form["code_verifier"] = question.verifier
    proof = party.prove("POST", "/token", nbf=int(START), exp=int(START) + 60)
    assert party.post_with("/token", form, proof).status_code == 200
