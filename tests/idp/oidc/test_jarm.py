"""Signed authorization responses (JWT Secured Authorization Response Mode), read as an application reads them."""

from typing import Any
from urllib.parse import parse_qsl, urlsplit

import pytest

from idp.oidc.authorization_request import Answer, ResponseMode
from idp.oidc.authorize import Browser
from idp.oidc.errors import ErrorCode, ProtocolError
from tests.idp.oidc.house import CALLBACK, House
from tests.support.authorization_requests import JWKS, KEYS, push, push_signed, read_signed
from tests.support.dpop import proving
from tests.support.relying_party import ProviderError, Question, RelyingParty

SIGNED = {
    "jwt": ResponseMode.QUERY,
    "query.jwt": ResponseMode.QUERY,
    "form_post.jwt": ResponseMode.FORM_POST,
}


def answer(house: House, question: Question, browser: Browser) -> Answer:
    outcome = house.visit(question, browser)
    assert isinstance(outcome, Answer), outcome
    return outcome


@pytest.mark.parametrize("mode", SIGNED)
def test_an_answer_comes_in_one_signed_piece(
    house: House, browser: Browser, app: RelyingParty, mode: str
) -> None:
    question = app.ask(response_mode=mode)
    outcome = answer(house, question, browser)
    assert outcome.response_mode is SIGNED[mode]
    if SIGNED[mode] is ResponseMode.QUERY:
        assert outcome.location().startswith(f"{CALLBACK}?response=")
        assert dict(parse_qsl(urlsplit(outcome.location()).query)) == dict(outcome.fields)
    code = read_signed(app, question, dict(outcome.fields))["code"]
    assert app.redeem(question, code).claims["sub"]


@pytest.mark.parametrize("mode", SIGNED)
@pytest.mark.parametrize(
    ("asked", "error"),
    [
        ({"scope": "openid person_code"}, "invalid_scope"),
        ({"response_type": "token"}, "unsupported_response_type"),
        ({"claims": "["}, "invalid_request"),
        ({"prompt": "none", "max_age": "0"}, "login_required"),
    ],
)
def test_errors_are_signed_too(
    house: House, browser: Browser, app: RelyingParty, mode: str, asked: dict[str, str], error: str
) -> None:
    """attack 7, attack 10: state and issuer are inside"""
    house.world.clock.move(5)
    question = app.ask(response_mode=mode, **asked)
    outcome = answer(house, question, browser)
    assert outcome.response_mode is SIGNED[mode]
    with pytest.raises(ProviderError, match=error):
        read_signed(app, question, dict(outcome.fields))


@pytest.mark.parametrize("mode", ["fragment", "fragment.jwt", "web_message", "JWT", "query.jwt form_post"])
def test_other_modes_are_refused(house: House, browser: Browser, app: RelyingParty, mode: str) -> None:
    """attack 7: no code in a fragment"""
    outcome = answer(house, app.ask(response_mode=mode), browser)
    assert dict(outcome.fields)["error"] == "invalid_request"
    assert "#" not in outcome.location()


def test_no_signed_error_goes_to_an_address_nobody_registered(
    house: House, browser: Browser, app: RelyingParty
) -> None:
    """attack 7: JARM form_post as an open redirect"""
    for mode in SIGNED:
        with pytest.raises(ProtocolError):
            house.visit(app.ask(response_mode=mode, redirect_uri="https://evil.example/", scope="x"), browser)


@pytest.mark.parametrize("alg", ["RS256", "ES256"])
def test_the_algorithm_is_the_registered_one(house: House, browser: Browser, alg: str) -> None:
    party = house.add_client(authorization_signed_response_alg=alg)
    question = party.ask(response_mode="jwt")
    assert read_signed(party, question, dict(answer(house, question, browser).fields), alg=alg)["code"]


def test_it_is_good_for_minutes(house: House, browser: Browser, app: RelyingParty) -> None:
    """attack 30"""
    question = app.ask(response_mode="jwt")
    fields = dict(answer(house, question, browser).fields)
    house.world.clock.move(300)
    with pytest.raises(AssertionError):
        read_signed(app, question, fields)


def test_it_is_for_one_client(house: House, browser: Browser, app: RelyingParty) -> None:
    """attack 10: mix-up"""
    question = app.ask(response_mode="jwt")
    fields = dict(answer(house, question, browser).fields)
    with pytest.raises(AssertionError):
        read_signed(house.add_client(), question, fields)


def test_an_answer_is_no_id_token_hint(house: House, browser: Browser, app: RelyingParty) -> None:
    """attack 16: signed by the same key, and still not one"""
    fields = dict(answer(house, app.ask(response_mode="jwt"), browser).fields)
    outcome = answer(house, app.ask(id_token_hint=fields["response"]), browser)
    assert dict(outcome.fields)["error"] == "invalid_request"


def strict(house: House, **metadata: Any) -> RelyingParty:
    party = house.add_client(
        **{
            "jwks": JWKS,
            "token_endpoint_auth_method": "private_key_jwt",
            "dpop_bound_access_tokens": True,
            **metadata,
        },
        own={"profile": "fapi2"},
    )
    party.key = KEYS["ES256"]
    return proving(party)


def test_fapi2_answers_are_signed_with_es256(house: House, browser: Browser) -> None:
    party = strict(house)
    question = push(party, party.ask(response_mode="jwt"))
    assert read_signed(party, question, dict(answer(house, question, browser).fields), alg="ES256")["code"]


def test_who_registered_for_signed_answers_gets_no_others(house: House, browser: Browser) -> None:
    """attack 7: FAPI 2.0 Message Signing, downgraded by a request in the clear"""
    party = strict(house, authorization_signed_response_alg="ES256")
    for mode in (None, "query", "form_post"):
        with pytest.raises(ProviderError, match="invalid_request"):
            push(party, party.ask(response_mode=mode))
        brought = party.ask(response_mode=mode)
        with pytest.raises(ProviderError, match="invalid_request"):
            read_signed(party, brought, dict(answer(house, brought, browser).fields), alg="ES256")
    question = push_signed(party, party.ask(response_mode="form_post.jwt"))
    assert read_signed(party, question, dict(answer(house, question, browser).fields), alg="ES256")["code"]


@pytest.mark.parametrize("alg", ["none", "HS256", "PS256"])
def test_an_algorithm_we_do_not_sign_with_cannot_be_registered(house: House, alg: str) -> None:
    with pytest.raises(ProtocolError) as refused:
        house.add_client(authorization_signed_response_alg=alg)
    assert refused.value.error is ErrorCode.INVALID_CLIENT_METADATA
