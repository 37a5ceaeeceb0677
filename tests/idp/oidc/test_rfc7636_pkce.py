"""Proof Key for Code Exchange (RFC 7636, RFC 9700 section 2.1.1)."""

import pytest

from idp.oidc.authorize import Browser
from tests.idp.oidc.house import House
from tests.support.relying_party import ProviderError, RelyingParty


@pytest.fixture
def public(house: House) -> RelyingParty:
    return house.add_client(token_endpoint_auth_method="none")


@pytest.fixture
def plain_client(house: House) -> RelyingParty:
    """A confidential client that an operator let do without."""
    return house.add_client(own={"pkce_required": False})


def refusal(house: House, party: RelyingParty, browser: Browser, **asked: str | None) -> str:
    with pytest.raises(ProviderError) as refused:
        house.code_for(party, browser, **asked)
    return refused.value.error


def test_a_public_client_signs_in_with_s256(house: House, browser: Browser, public: RelyingParty) -> None:
    assert house.tokens_for(public, browser).claims["sub"]


@pytest.mark.parametrize("party", ["public", "app"])
def test_a_challenge_is_required(
    house: House, browser: Browser, party: str, request: pytest.FixtureRequest
) -> None:
    """attack 13: downgrade by dropping the challenge"""
    asked = {"code_challenge": None, "code_challenge_method": None}
    assert refusal(house, request.getfixturevalue(party), browser, **asked) == "invalid_request"


def test_a_public_client_needs_it_whatever_its_registration_says(house: House, browser: Browser) -> None:
    """attack 13"""
    party = house.add_client(own={"pkce_required": False}, token_endpoint_auth_method="none")
    assert (
        refusal(house, party, browser, code_challenge=None, code_challenge_method=None) == "invalid_request"
    )


@pytest.mark.parametrize("method", ["plain", "PLAIN", "s256", None])
def test_plain_is_refused(
    house: House, browser: Browser, plain_client: RelyingParty, app: RelyingParty, method: str | None
) -> None:
    """attack 13: plain, by name or as the default"""
    for party in (plain_client, app):
        assert refusal(house, party, browser, code_challenge_method=method) == "invalid_request"


@pytest.mark.parametrize("challenge", ["short", "x" * 42, "x" * 44, "x" * 42 + "=", "x" * 42 + "+"])
def test_a_challenge_that_s256_cannot_make_is_refused(
    house: House, browser: Browser, app: RelyingParty, challenge: str
) -> None:
    assert refusal(house, app, browser, code_challenge=challenge) == "invalid_request"


@pytest.mark.parametrize("verifier", [None, "x" * 43, "x" * 42, "x" * 129, "ā" * 43])
def test_the_verifier_must_be_the_right_one(
    house: House, browser: Browser, plain_client: RelyingParty, verifier: str | None
) -> None:
    """attack 13: verifier omitted or wrong, also by a client that need not have sent a challenge"""
    question, code = house.code_for(plain_client, browser)
    with pytest.raises(ProviderError, match="invalid_grant"):
        plain_client.redeem(question, code, code_verifier=verifier)


def test_a_wrong_guess_spends_the_code(house: House, browser: Browser, public: RelyingParty) -> None:
    """attack 13"""
    question, code = house.code_for(public, browser)
    with pytest.raises(ProviderError, match="invalid_grant"):
        public.redeem(question, code, code_verifier="x" * 43)
    with pytest.raises(ProviderError, match="invalid_grant"):
        public.redeem(question, code)


def test_a_confidential_client_may_be_let_do_without(
    house: House, browser: Browser, plain_client: RelyingParty
) -> None:
    assert house.tokens_for(plain_client, browser, code_challenge=None, code_challenge_method=None).claims[
        "sub"
    ]


def test_a_verifier_without_a_challenge_is_refused(
    house: House, browser: Browser, plain_client: RelyingParty
) -> None:
    """attack 13: the challenge was removed on the way"""
    question, code = house.code_for(plain_client, browser, code_challenge=None, code_challenge_method=None)
    with pytest.raises(ProviderError, match="invalid_grant"):
        plain_client.redeem(question, code, code_verifier="x" * 43)
