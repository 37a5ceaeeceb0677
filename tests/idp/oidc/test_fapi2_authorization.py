"""FAPI 2.0 Security Profile and Message Signing at the authorization endpoint, and in registrations."""

from typing import Any

import pytest

from idp.oidc.authorization_request import Answer
from idp.oidc.authorize import Browser
from idp.oidc.errors import ErrorCode, ProtocolError
from tests.idp.oidc.house import CALLBACK, House
from tests.support.authorization_requests import (
    JWKS,
    KEYS,
    claims_of,
    part,
    push,
    push_form,
    push_signed,
    read_signed,
    request_object,
    sent_as,
)
from tests.support.dpop import proving
from tests.support.relying_party import ProviderError, RelyingParty

HOUR = 3600


def strict(house: House, *, own: dict[str, Any] | None = None, **metadata: Any) -> RelyingParty:
    party = house.add_client(
        **{
            "jwks": JWKS,
            "token_endpoint_auth_method": "private_key_jwt",
            "dpop_bound_access_tokens": True,
            **metadata,
        },
        own={"profile": "fapi2", **(own or {})},
    )
    party.key = KEYS["ES256"]
    return proving(party)


@pytest.fixture
def party(house: House) -> RelyingParty:
    return strict(house)


@pytest.fixture
def signing(house: House) -> RelyingParty:
    """As FAPI 2.0 Message Signing wants it: signed requests, signed answers."""
    return strict(house, require_signed_request_object=True, authorization_signed_response_alg="ES256")


def refused(party: RelyingParty, **asked: str | None) -> str:
    with pytest.raises(ProviderError) as error:
        push(party, party.ask(**asked))
    return error.value.error


def test_happy_flow(house: House, browser: Browser, party: RelyingParty) -> None:
    """fapi2-security-profile-…-happy-flow, -user-rejects aside: the ID token is signed with ES256"""
    question = push(party, party.ask())
    code = house.code_in(party, question, house.visit(question, browser))
    assert party.algorithm == "ES256"
    assert party.redeem(question, code).claims["sub"]


def offline_tokens(house: House, browser: Browser, party: RelyingParty) -> str:
    question = push(party, party.ask(scope="openid offline_access"))
    return (
        party.redeem(question, house.code_in(party, question, house.visit(question, browser))).refresh_token
        or ""
    )


def test_refresh_token_is_not_rotated(house: House, browser: Browser, party: RelyingParty) -> None:
    """fapi2-security-profile-…-refresh-token; FAPI 2.0 section 5.3.2.1"""
    token = offline_tokens(house, browser, party)
    first = party.refresh(token)
    house.world.clock.move(60)
    second = party.refresh(token)
    assert first.refresh_token is second.refresh_token is None
    assert first.access_token != second.access_token


def test_a_refresh_token_that_stays_is_still_bound_and_still_ends(
    house: House, browser: Browser, party: RelyingParty
) -> None:
    """attack 14"""
    token = offline_tokens(house, browser, party)
    with pytest.raises(ProviderError, match="invalid_grant"):
        strict(house).refresh(token)
    plain = party.post_with("/token", {"grant_type": "refresh_token", "refresh_token": token})  # type: ignore[attr-defined]
    assert plain.json()["error"] == "invalid_dpop_proof"
    assert party.refresh(token).access_token
    party.revoke(token)
    with pytest.raises(ProviderError, match="invalid_grant"):
        party.refresh(token)


def test_a_client_of_another_profile_goes_on_rotating(
    house: House, browser: Browser, app: RelyingParty
) -> None:
    assert app.refresh(
        house.tokens_for(app, browser, scope="openid offline_access").refresh_token or ""
    ).refresh_token


def test_ensure_authorization_request_without_par_fails(
    house: House, browser: Browser, party: RelyingParty
) -> None:
    """fapi2-…-ensure-unsigned-authorization-request-without-using-par-fails, and a signed one"""
    question = party.ask()
    as_object = sent_as(question, party, request=request_object(party, question))
    for asked in (question, as_object):
        with pytest.raises(ProviderError, match="invalid_request"):
            party.read_answer(asked, house.visit(asked, browser).location())


def test_par_ensure_pkce_required(party: RelyingParty) -> None:
    """fapi2-…-par-ensure-pkce-required, -plain-pkce-rejected (attack 13)"""
    assert refused(party, code_challenge=None, code_challenge_method=None) == "invalid_request"
    assert refused(party, code_challenge_method="plain", code_challenge="c" * 43) == "invalid_request"


def test_pkce_holds_whatever_the_registration_says(house: House, party: RelyingParty) -> None:
    """attack 13: also for a client that was given leave before it was marked"""
    with house.world.database.begin() as work:
        work.connection().exec_driver_sql("UPDATE clients SET pkce_required = 0")
    house.world.clock.move(2)
    assert refused(party, code_challenge=None, code_challenge_method=None) == "invalid_request"


@pytest.mark.parametrize("response_type", ["token", "code id_token", "id_token", "none"])
def test_only_codes(party: RelyingParty, response_type: str) -> None:
    assert refused(party, response_type=response_type) == "unsupported_response_type"


def test_par_without_redirect_uri_is_rejected(party: RelyingParty) -> None:
    """fapi2-…-par-authorization-request-without-redirect-uri"""
    assert refused(party, redirect_uri=None) == "invalid_request"


def test_codes_live_for_a_minute(house: House, browser: Browser, party: RelyingParty) -> None:
    """fapi2-…-ensure-authorization-code-is-…: at most 60 seconds"""
    question = push(party, party.ask())
    code = house.code_in(party, question, house.visit(question, browser))
    house.world.clock.move(60)
    with pytest.raises(ProviderError, match="invalid_grant"):
        party.redeem(question, code)


# Message Signing -----------------------------------------------------------------------------------------


def test_signed_request_and_signed_answer(house: House, browser: Browser, signing: RelyingParty) -> None:
    question = push_signed(signing, signing.ask(response_mode="jwt"))
    outcome = house.visit(question, browser)
    assert isinstance(outcome, Answer)
    code = read_signed(signing, question, dict(outcome.fields), alg="ES256")["code"]
    assert signing.redeem(question, code).claims["sub"]


def test_ensure_unsigned_request_at_par_endpoint_fails(signing: RelyingParty) -> None:
    """fapi2-message-signing-…-ensure-unsigned-request-object-fails"""
    assert refused(signing, response_mode="jwt") == "invalid_request"


@pytest.mark.parametrize("alg", ["PS256", "ES256", "EdDSA"])
def test_allowed_algorithms(signing: RelyingParty, alg: str) -> None:
    assert push_signed(signing, signing.ask(response_mode="jwt"), alg=alg)


@pytest.mark.parametrize(
    "changed",
    [
        {"exp": None},
        {"nbf": None},
        {"aud": None},
        {"iss": None},
        {"aud": "https://login.example.lv/par"},
        {"nbf": 1_760_000_000 - HOUR - 1, "exp": 1_760_000_060},
        {"nbf": 1_760_000_000 - 10, "exp": 1_760_000_000 + HOUR},
        {"nbf": 1_760_000_000 + 70},
        {"exp": 1_760_000_000 - 70},
        {"client_id": "another"},
        {"request_uri": "urn:ietf:params:oauth:request_uri:x"},
    ],
    ids=str,
)
def test_an_object_that_is_not_as_the_profile_asks_is_refused(
    signing: RelyingParty, changed: dict[str, Any]
) -> None:
    """fapi2-message-signing-…-ensure-request-object-without-exp-fails, -without-nbf-, -bad-aud-, -over-60-"""
    with pytest.raises(ProviderError, match="invalid_request_object"):
        push_signed(signing, signing.ask(response_mode="jwt"), **changed)


@pytest.mark.parametrize(
    "changed", [{"aud": ["https://login.example.lv", "https://other.example"]}, {"nbf": 1_760_000_008}]
)
def test_an_object_may_have_several_audiences_and_a_clock_a_little_ahead(
    signing: RelyingParty, changed: dict[str, Any]
) -> None:
    """fapi2-message-signing-…-ensure-request-object-with-multiple-aud-succeeds, -nbf-8-seconds-in-the-future-"""
    assert push_signed(signing, signing.ask(response_mode="jwt"), **changed)


def test_ensure_request_object_without_redirect_uri_fails(signing: RelyingParty) -> None:
    """fapi2-…-ensure-request-object-without-redirect-uri-fails"""
    with pytest.raises(ProviderError, match="invalid_request"):
        push_signed(signing, signing.ask(response_mode="jwt"), redirect_uri=None)


def test_rs256_is_refused(signing: RelyingParty) -> None:
    """fapi2-message-signing-…-ensure-signed-request-object-with-RS256-fails (attack 16)"""
    with pytest.raises(ProviderError, match="invalid_request_object"):
        push_signed(signing, signing.ask(response_mode="jwt"), alg="RS256")


def test_none_is_refused(signing: RelyingParty) -> None:
    """fapi2-message-signing-…-ensure-request-object-signature-algorithm-is-not-none (attack 16)"""
    question = signing.ask(response_mode="jwt")
    forged = f"{part({'alg': 'none'})}.{part(claims_of(signing, question))}."
    with pytest.raises(ProviderError, match="invalid_request_object"):
        push_form(signing, question, {"client_id": signing.client_id, "request": forged})


# Registration --------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("metadata", "own", "named"),
    [
        ({"id_token_signed_response_alg": "RS256"}, {}, "id_token_signed_response_alg"),
        ({"authorization_signed_response_alg": "RS256"}, {}, "authorization_signed_response_alg"),
        ({"request_object_signing_alg": "RS256"}, {}, "request_object_signing_alg"),
        ({"require_pushed_authorization_requests": False}, {}, "require_pushed_authorization_requests"),
        ({}, {"pkce_required": False}, "pkce_required"),
        ({"redirect_uris": ["http://localhost/cb"]}, {}, "redirect_uris"),
    ],
)
def test_what_the_profile_forbids_cannot_be_registered(
    house: House, metadata: dict[str, Any], own: dict[str, Any], named: str
) -> None:
    with pytest.raises(ProtocolError) as error:
        strict(house, own=own, **metadata)
    assert error.value.error is ErrorCode.INVALID_CLIENT_METADATA
    assert named in error.value.description
    assert house.add_client(**{"jwks": JWKS, **metadata}, own={**own, "profile": "oidc"})


def test_an_installed_application_may_use_loopback(house: House) -> None:
    assert strict(house, application_type="native", redirect_uris=["http://127.0.0.1/cb", CALLBACK])
