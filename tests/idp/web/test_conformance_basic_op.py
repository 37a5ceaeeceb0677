"""The modules of the Foundation's Basic OP and Form Post OP plans by their names, over the whole provider (conformance).

Each test runs twice: with the answer in the query, as the Basic plan has it, and in a form, as the Form Post plan has it.
"""

import json
from collections.abc import Iterator
from dataclasses import replace

import pytest
from joserfc import jws

from idp.oidc.client_metadata import register
from idp.oidc.errors import ProtocolError
from tests.idp.web.certification import CALLBACK, EVERYTHING, Suite, demonstration_person, inside
from tests.support.actors import ISSUER, Hall
from tests.support.authorization_requests import JWKS, claims_of, part, request_object, sent_as
from tests.support.relying_party import ProviderError, RelyingParty, Tokens, challenge_of

STANDARD_CLAIMS = {
    "profile": {
        *("name", "family_name", "given_name", "middle_name", "nickname", "preferred_username", "profile"),
        *("picture", "website", "gender", "birthdate", "zoneinfo", "locale", "updated_at"),
    },
    "email": {"email", "email_verified"},
    "address": {"address"},
    "phone": {"phone_number", "phone_number_verified"},
}
"""OpenID Connect Core 5.4"""


@pytest.fixture(params=[None, "form_post"], ids=["basic", "form_post"])
def suite(hall: Hall, request: pytest.FixtureRequest) -> Iterator[Suite]:
    return Suite(hall, demonstration_person(hall, "parole"), request.param)


@pytest.fixture
def party(suite: Suite) -> RelyingParty:
    return suite.client()


def test_oidcc_server(suite: Suite, party: RelyingParty) -> None:
    tokens = suite.signs_in(party)
    assert tokens.claims["sub"] == suite.person.user.id
    assert tokens.claims["iss"] == ISSUER
    assert party.userinfo(tokens.access_token)["sub"] == tokens.claims["sub"]


def test_oidcc_response_type_missing(suite: Suite, party: RelyingParty) -> None:
    question = suite.asks(party, response_type=None)
    suite.opens(question)
    with pytest.raises(ProviderError, match="invalid_request"):
        suite.answer(party, question)


def test_oidcc_idtoken_signature(suite: Suite, party: RelyingParty) -> None:
    """RS256 where nothing else was registered, by a key that is named and published"""
    header = jws.extract_compact((suite.signs_in(party).id_token or "").encode()).headers()
    assert header["alg"] == "RS256"
    assert header["kid"] in {key.kid for key in party.keys().keys}


def test_oidcc_idtoken_unsigned(suite: Suite, party: RelyingParty) -> None:
    """It is not offered, which the module accepts, and cannot be registered (attack 16)"""
    assert "none" not in party.metadata()["id_token_signing_alg_values_supported"]
    with pytest.raises(ProtocolError, match="id_token_signed_response_alg"):
        register(
            {"redirect_uris": [CALLBACK], "id_token_signed_response_alg": "none"}, suite.hall.world.effects
        )


def told(suite: Suite, party: RelyingParty, tokens: Tokens, how: str) -> dict[str, object]:
    """What userinfo says to a token shown in that way."""
    bearer = {"Authorization": f"Bearer {tokens.access_token}"}
    match how:
        case "get":
            reply = party.http.get("/userinfo", headers=bearer)
        case "post header":
            reply = party.http.post("/userinfo", headers=bearer)
        case _:
            reply = party.http.post("/userinfo", data={"access_token": tokens.access_token})
    assert (reply.status_code, reply.headers["Content-Type"]) == (200, "application/json")
    claims: dict[str, object] = reply.json()
    return claims


def test_oidcc_userinfo_get(suite: Suite, party: RelyingParty) -> None:
    tokens = suite.signs_in(party)
    assert told(suite, party, tokens, "get")["sub"] == tokens.claims["sub"]


def test_oidcc_userinfo_post_header(suite: Suite, party: RelyingParty) -> None:
    tokens = suite.signs_in(party)
    assert told(suite, party, tokens, "post header")["sub"] == tokens.claims["sub"]


def test_oidcc_userinfo_post_body(suite: Suite, party: RelyingParty) -> None:
    tokens = suite.signs_in(party)
    assert told(suite, party, tokens, "post body")["sub"] == tokens.claims["sub"]


def test_oidcc_ensure_request_without_nonce_succeeds_for_code_flow(suite: Suite, party: RelyingParty) -> None:
    assert "nonce" not in suite.signs_in(party, nonce=None).claims


# Scopes ------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("scope", ["profile", "email", "address", "phone"])
def test_oidcc_scope(suite: Suite, party: RelyingParty, scope: str) -> None:
    """Every claim of the scope, each with a value, and no other"""
    tokens = suite.signs_in(party, scope=f"openid {scope}")
    claims = party.userinfo(tokens.access_token)
    assert set(claims) == {"sub", *STANDARD_CLAIMS[scope]}
    assert not [name for name, value in claims.items() if value in (None, "", {}, [])]
    assert tokens.scope == {"openid", scope}


def test_oidcc_scope_all(suite: Suite, party: RelyingParty) -> None:
    """Every standard claim is filled, and each has the form that OpenID Connect Core 5.1 gives it"""
    claims = party.userinfo(suite.signs_in(party, scope="openid profile email address phone").access_token)
    assert set(claims) == {"sub"}.union(*STANDARD_CLAIMS.values())
    assert all(claims[name] is True for name in ("email_verified", "phone_number_verified"))
    assert isinstance(claims["updated_at"], int)
    assert claims["phone_number"].startswith("+371 ")
    assert {"formatted", "street_address", "locality", "region", "postal_code", "country"} == set(
        claims["address"]
    )
    assert all(claims[name].startswith("https://") for name in ("profile", "picture", "website"))
    assert [len(number) for number in claims["birthdate"].split("-")] == [4, 2, 2]
    assert (claims["zoneinfo"], claims["locale"]) == ("Europe/Riga", "lv-LV")


def test_oidcc_alternate_happy_flow(suite: Suite, party: RelyingParty) -> None:
    """Neither the order of scopes nor that of parameters matters"""
    question = suite.asks(party, scope="email openid")
    turned = "&".join(reversed(question.url.partition("?")[2].split("&")))
    question = replace(question, url=f"{ISSUER}/authorize?{turned}")
    suite.opens(question)
    suite.person_goes_on()
    tokens = party.redeem(question, suite.answer(party, question)["code"])
    assert party.userinfo(tokens.access_token)["email"]


# How the person is asked -------------------------------------------------------------------------------


@pytest.mark.parametrize("display", ["page", "popup"])
def test_oidcc_display(suite: Suite, party: RelyingParty, display: str) -> None:
    assert suite.signs_in(party, display=display).claims["sub"] == suite.person.user.id


def test_oidcc_prompt_login(suite: Suite, party: RelyingParty) -> None:
    """The person is asked again, is the same, and is known to have been asked later"""
    first = suite.signs_in(party).claims
    suite.hall.clock.move(2)
    question = suite.asks(party, prompt="login")
    suite.opens(question)
    assert suite.is_asked_to_sign_in
    suite.person_goes_on()
    second = party.redeem(question, suite.answer(party, question)["code"]).claims
    assert second["sub"] == first["sub"]
    assert second["auth_time"] > first["auth_time"]


def test_oidcc_prompt_none_not_logged_in(suite: Suite, party: RelyingParty) -> None:
    question = suite.asks(party, prompt="none")
    suite.opens(question)
    with pytest.raises(ProviderError) as refused:
        suite.answer(party, question)
    assert refused.value.error in {"login_required", "interaction_required"}


def test_oidcc_prompt_none_logged_in(suite: Suite, party: RelyingParty) -> None:
    """The same person and the same sign-in, and no page"""
    first = suite.signs_in(party).claims
    suite.hall.clock.move(2)
    question = suite.asks(party, prompt="none")
    suite.opens(question)
    second = party.redeem(question, suite.answer(party, question)["code"]).claims
    assert (second["sub"], second["auth_time"]) == (first["sub"], first["auth_time"])


def test_oidcc_max_age_1(suite: Suite, party: RelyingParty) -> None:
    first = suite.signs_in(party).claims
    suite.hall.clock.move(2)
    question = suite.asks(party, max_age="1")
    suite.opens(question)
    assert suite.is_asked_to_sign_in
    suite.person_goes_on()
    second = party.redeem(question, suite.answer(party, question)["code"]).claims
    assert second["sub"] == first["sub"]
    assert suite.hall.clock() - 1 <= second["auth_time"] != first["auth_time"]


def test_oidcc_max_age_10000(suite: Suite, party: RelyingParty) -> None:
    first = suite.signs_in(party).claims
    suite.hall.clock.move(2)
    question = suite.asks(party, max_age="10000")
    suite.opens(question)
    second = party.redeem(question, suite.answer(party, question)["code"]).claims
    assert (second["sub"], second["auth_time"]) == (first["sub"], first["auth_time"])


def test_oidcc_ensure_request_with_unknown_parameter_succeeds(suite: Suite, party: RelyingParty) -> None:
    assert suite.signs_in(party, extra="foobar").claims["sub"] == suite.person.user.id


def test_oidcc_id_token_hint(suite: Suite, party: RelyingParty) -> None:
    first = suite.signs_in(party)
    question = suite.asks(party, prompt="none", id_token_hint=first.id_token)
    suite.opens(question)
    second = party.redeem(question, suite.answer(party, question)["code"])
    assert second.claims["sub"] == first.claims["sub"]


def test_oidcc_login_hint(suite: Suite, party: RelyingParty) -> None:
    """The name is there already, whatever it is"""
    question = suite.asks(party, login_hint="parole")
    suite.opens(question)
    assert suite.browser.page.content.ids["username"] == "parole"
    suite.person_goes_on()
    assert suite.answer(party, question)["code"]
    assert suite.signs_in(party, login_hint="buffy@suite.example.lv").claims["sub"] == suite.person.user.id


def test_oidcc_ui_locales(suite: Suite, party: RelyingParty) -> None:
    question = suite.asks(party, ui_locales="se en")
    suite.opens(question)
    assert '<html lang="en"' in suite.browser.page.content.markup
    suite.person_goes_on()
    assert suite.answer(party, question)["code"]


def test_oidcc_claims_locales(suite: Suite, party: RelyingParty) -> None:
    assert suite.signs_in(party, claims_locales="se").claims["sub"] == suite.person.user.id


def test_oidcc_ensure_request_with_acr_values_succeeds(suite: Suite, party: RelyingParty) -> None:
    """What nobody can reach is a wish that is passed over; the level that was reached is told"""
    assert suite.signs_in(party, acr_values="1 2").claims["acr"] == "urn:visvaris:acr:1fa"


def test_oidcc_claims_essential(suite: Suite, party: RelyingParty) -> None:
    """`name` where it was asked for, and only there"""
    tokens = suite.signs_in(party, claims=json.dumps({"userinfo": {"name": {"essential": True}}}))
    assert party.userinfo(tokens.access_token)["name"] == "Anna Bērziņa"
    assert "name" not in tokens.claims


def test_a_refusal_comes_back_in_the_same_way(suite: Suite, party: RelyingParty) -> None:
    question = suite.asks(party)
    suite.opens(question)
    suite.browser.enters(suite.person)
    suite.browser.presses("consent-deny")
    with pytest.raises(ProviderError, match="access_denied"):
        suite.answer(party, question)


# Codes and tokens --------------------------------------------------------------------------------------


@pytest.mark.parametrize("later", [0, 30], ids=["at once", "30seconds"])
def test_oidcc_codereuse(suite: Suite, party: RelyingParty, later: int) -> None:
    """attack 10: also half a minute later, and the access token is dead after"""
    question, code = suite.authorizes(party)
    tokens = party.redeem(question, code)
    suite.hall.clock.move(later)
    with pytest.raises(ProviderError) as refused:
        party.redeem(question, code)
    assert (refused.value.status, refused.value.error) == (400, "invalid_grant")
    with pytest.raises(ProviderError, match="invalid_token"):
        party.userinfo(tokens.access_token)


def test_oidcc_refresh_token(suite: Suite, party: RelyingParty) -> None:
    """For its client alone (attack 11)"""
    other = suite.client()
    tokens = suite.signs_in(party, scope=EVERYTHING, prompt="consent")
    with pytest.raises(ProviderError, match="invalid_grant"):
        other.refresh(tokens.refresh_token or "")
    again = party.refresh(tokens.refresh_token or "")
    assert party.userinfo(again.access_token)["sub"] == tokens.claims["sub"]


def test_oidcc_server_client_secret_post(suite: Suite) -> None:
    party = suite.client(token_endpoint_auth_method="client_secret_post")
    tokens = suite.signs_in(party)
    assert party.auth_method == "client_secret_post"
    assert party.userinfo(tokens.access_token)["sub"] == suite.person.user.id


def test_oidcc_ensure_request_with_valid_pkce_succeeds(suite: Suite, party: RelyingParty) -> None:
    """The client need not send it; where it does, it holds (attack 13)"""
    verifier = "v" * 43
    asked = {"code_challenge": challenge_of(verifier), "code_challenge_method": "S256"}
    question, code = suite.authorizes(party, **asked)
    assert party.redeem(question, code, code_verifier=verifier).claims["sub"] == suite.person.user.id
    question, code = suite.authorizes(party, **asked)
    with pytest.raises(ProviderError, match="invalid_grant"):
        party.redeem(question, code, code_verifier="w" * 43)


# Requests of other shapes ------------------------------------------------------------------------------


def test_oidcc_ensure_registered_redirect_uri(suite: Suite, party: RelyingParty) -> None:
    """attack 1: our page with a code and a reference, and no redirect"""
    question = suite.asks(party, redirect_uri=f"{CALLBACK}/unregistered")
    suite.opens(question)
    page = suite.browser.page
    assert (page.status, suite.browser.left_for) == (400, None)
    assert page.error_code == "invalid_request"
    assert page.content.ids["error-reference"]
    assert not [form for form in page.content.forms if form.action.startswith(CALLBACK)]


def test_oidcc_ensure_post_request_succeeds(suite: Suite, party: RelyingParty) -> None:
    question = suite.asks(party)
    suite.posts(question)
    suite.person_goes_on()
    tokens = party.redeem(question, suite.answer(party, question)["code"])
    assert tokens.claims["sub"] == suite.person.user.id


def unsigned(party: RelyingParty, claims: dict[str, object]) -> str:
    return f"{part({'alg': 'none'})}.{part(claims)}."


def test_oidcc_unsigned_request_object_supported_correctly_or_rejected_as_unsupported(
    suite: Suite, party: RelyingParty
) -> None:
    """attack 16: `none` is not among the algorithms, which the module accepts; sent nevertheless, nothing of it is believed"""
    assert "none" not in party.metadata()["request_object_signing_alg_values_supported"]
    question = suite.asks(party)
    mode = {"response_mode": suite.response_mode} if suite.response_mode else {}
    beside = {"redirect_uri": CALLBACK, "state": question.state, **mode}
    suite.opens(inside(question, party, unsigned(party, claims_of(party, question)), **beside))
    assert suite.browser.left_for is None or "code=" not in suite.browser.left_for
    with pytest.raises(ProviderError, match="invalid_request_object"):
        suite.answer(party, question)


def test_oidcc_request_uri_unsigned_supported_correctly_or_rejected_as_unsupported(
    suite: Suite, party: RelyingParty
) -> None:
    """Not registered, so not fetched, and our page says so; `test_request_uri_unsigned_is_rejected` has one that is registered"""
    question = suite.asks(party)
    suite.opens(sent_as(question, party, request_uri="https://suite.example.lv/requests/1"))
    assert suite.browser.left_for is None
    assert suite.browser.page.error_code == "invalid_request_uri"


def test_oidcc_ensure_request_object_with_redirect_uri(suite: Suite) -> None:
    """The one inside counts, whatever stands outside"""
    party = suite.client(jwks=JWKS)
    question = suite.asks(party)
    asked = inside(
        question, party, request_object(party, question, alg="RS256"), redirect_uri=f"{CALLBACK}/wrong"
    )
    suite.opens(asked)
    suite.person_goes_on()
    assert party.redeem(question, suite.answer(party, question)["code"]).claims["sub"] == suite.person.user.id


def test_forty_sign_ins_a_minute_of_one_person_from_one_address_are_no_attack(
    suite: Suite, party: RelyingParty
) -> None:
    for _ in range(40):
        suite.browser = suite.hall.browser()
        suite.hall.clock.move(1.5)
        assert suite.signs_in(party).claims["sub"] == suite.person.user.id
