"""The implicit flow (OpenID Connect Core 3.2; 15.2 asks it of a provider where anybody may register), by its applications.

It is to be nobody's weak point: most of these tests are about whom it is not for.
"""

import json
from collections.abc import Mapping
from dataclasses import replace
from typing import Any

import pytest
from joserfc import jws, jwt
from joserfc.jwk import RSAKey
from sqlalchemy import text

from idp.events import EventType
from idp.models.clients import Client
from idp.models.people import User, UserStatus
from idp.oidc import discovery
from idp.oidc.authorization_request import Answer, AuthorizationRequest, ResponseMode
from idp.oidc.authorize import AskConsent, Browser, Expired, SignIn
from idp.oidc.consent import Decider
from idp.oidc.errors import ErrorCode, ProtocolError
from idp.oidc.options import RegistrationMode
from idp.oidc.redirect_uris import is_of_this_computer
from idp.oidc.response_types import ResponseType, find_response_type
from tests.idp.oidc.house import CALLBACK, ISSUER, House
from tests.idp.oidc.test_rfc7591_registration import make_token, options
from tests.support.at_once import at_once
from tests.support.authorization_requests import JWKS, push, request_object, sent_as
from tests.support.builders import RIGA
from tests.support.implicit import (
    ID_TOKEN,
    ID_TOKEN_TOKEN,
    METADATA,
    Came,
    ask,
    read_fragment,
    read_tokens,
)
from tests.support.registrant import register
from tests.support.relying_party import ProviderError, Question, RelyingParty

BOTH = [ID_TOKEN, ID_TOKEN_TOKEN]
MODES = ["fragment", "form_post"]


@pytest.fixture
def house(house: House) -> House:
    """Anybody may register there."""
    return House(house.world, options=options(RegistrationMode.OPEN))


@pytest.fixture
def closed(house: House) -> House:
    """The same provider, started again with registration by initial access token."""
    return House(house.world, options=options(RegistrationMode.TOKEN))


@pytest.fixture
def app(house: House) -> RelyingParty:
    """Ours, so that nobody is asked; everything it registers is what a stranger may register."""
    scope = "openid profile email phone address employment offline_access"
    return house.add_client(**{**METADATA, "scope": scope})


@pytest.fixture
def stranger(house: House) -> RelyingParty:
    return register(house.http, **METADATA).party(now=house.world.clock)


def fields_of(party: RelyingParty, question: Question, outcome: object) -> dict[str, str]:
    """From the fragment, which is where it looks unless it asked for a form. Raises ProviderError."""
    assert isinstance(outcome, Answer), outcome
    if question.parameters.get("response_mode") == "form_post":
        assert (outcome.response_mode, outcome.redirect_uri) == (ResponseMode.FORM_POST, CALLBACK)
        return party.check_answer(question, list(outcome.fields))
    assert outcome.response_mode is ResponseMode.FRAGMENT
    return read_fragment(party, question, outcome.location())


def tokens_for(house: House, party: RelyingParty, browser: Browser, **asked: str | None) -> Came:
    question = ask(party, **asked)  # type: ignore[arg-type]
    return read_tokens(party, question, fields_of(party, question, house.visit(question, browser)))


def error_of(party: RelyingParty, question: Question, outcome: object) -> str:
    with pytest.raises(ProviderError) as refused:
        fields_of(party, question, outcome)
    return refused.value.error


def families(house: House) -> int:
    return house.rows_in_all_tables()["token_families"]


def change(house: House, party: RelyingParty, registered: Mapping[str, Any], **columns: Any) -> RelyingParty:
    """Another client, as an operator with a database at hand might have made of it; no rule of registration is asked."""
    with house.world.database.begin() as work:
        before = work.clients.get(party.client_id)
        work.clients.add(
            Client(
                client_id="changed",
                name="x",
                created_at=before.created_at,
                first_party=True,
                registered={**before.registered, **registered},
                **columns,
            )
        )
    return replace(party, client_id="changed")


# Where it is ------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("path", discovery.PATHS)
def test_discovery_offers_it_where_anybody_may_register(house: House, path: str) -> None:
    said = house.http.get(path).json()
    assert said["response_types_supported"] == ["code", ID_TOKEN, ID_TOKEN_TOKEN]
    assert {"authorization_code", "implicit"} <= set(said["grant_types_supported"])
    modes = ["query", "form_post", "jwt", "query.jwt", "form_post.jwt", "fragment"]
    assert said["response_modes_supported"] == modes


@pytest.mark.parametrize("path", discovery.PATHS)
@pytest.mark.parametrize("mode", [RegistrationMode.OFF, RegistrationMode.TOKEN])
def test_discovery_does_not_offer_it_elsewhere(house: House, mode: RegistrationMode, path: str) -> None:
    said = House(house.world, options=options(mode)).http.get(path).json()
    assert said["response_types_supported"] == ["code"]
    assert "implicit" not in said["grant_types_supported"]
    assert "fragment" not in said["response_modes_supported"]


@pytest.mark.parametrize(
    "asked",
    [
        METADATA,
        {**METADATA, "response_types": [ID_TOKEN]},
        {"grant_types": ["authorization_code"], "response_types": ["code", ID_TOKEN]},
        {"grant_types": ["authorization_code", "implicit"], "response_types": ["code"]},
        {"grant_types": ["authorization_code", "implicit"], "response_types": ["code", ID_TOKEN_TOKEN]},
    ],
)
def test_it_cannot_be_registered_where_not_anybody_may(closed: House, asked: dict[str, Any]) -> None:
    """Neither with an initial access token nor by an operator"""
    with pytest.raises(ProviderError, match="not offered here") as refused:
        register(closed.http, initial_token=make_token(closed.world), **asked)
    assert (refused.value.status, refused.value.error) == (400, "invalid_client_metadata")
    with pytest.raises(ProtocolError, match="not offered here"):
        closed.add_client(**asked)


@pytest.mark.parametrize("response_type", BOTH)
def test_closing_registration_closes_it_for_who_has_it(
    house: House, closed: House, browser: Browser, app: RelyingParty, response_type: str
) -> None:
    """attack 7: the flow is disabled, whatever is registered; the client is told where it looks"""
    question = ask(app, response_type=response_type)
    assert error_of(app, question, closed.visit(question, browser)) == "unsupported_response_type"
    with pytest.raises(ProviderError, match="unsupported_response_type"):
        push(replace(app, http=closed.http), question)
    assert families(house) == 0


def test_closing_registration_closes_what_waits_for_a_sign_in(
    house: House, closed: House, anna: User, app: RelyingParty
) -> None:
    """attack 7: reached by what was kept before"""
    question, somebody = ask(app), house.stranger()
    back = house.come_back(house.visit(question, somebody), somebody, anna)
    outcome = closed.openid.authorization.resume(back.request_id, back.browser)
    assert error_of(app, question, outcome) == "unsupported_response_type"
    assert isinstance(house.openid.authorization.resume(back.request_id, back.browser), Expired)


def test_closing_registration_closes_what_waits_for_consent(
    house: House, closed: House, browser: Browser, stranger: RelyingParty
) -> None:
    """attack 7"""
    question = ask(stranger)
    outcome = house.visit(question, browser)
    assert isinstance(outcome, AskConsent)
    house.openid.authorization.look_at_consent(outcome.request_id, browser)
    decided = closed.openid.authorization.decide_consent(outcome.request_id, browser, allow=True)
    assert error_of(stranger, question, decided) == "unsupported_response_type"
    assert families(house) == 0


def test_closing_registration_closes_what_was_pushed(
    house: House, closed: House, browser: Browser, app: RelyingParty
) -> None:
    """attack 7"""
    pushed = push(app, ask(app))
    assert error_of(app, pushed, closed.visit(pushed, browser)) == "unsupported_response_type"


def test_a_registration_is_not_changed_into_it_where_it_is_not_offered(house: House, closed: House) -> None:
    """attack 7: RFC 7592 asks what RFC 7591 asks"""
    mine = register(house.http)
    mine.http = closed.http
    with pytest.raises(ProviderError, match="not offered here"):
        mine.replace(redirect_uris=[CALLBACK], **METADATA)


def test_there_is_nothing_to_be_had_for_it_at_the_token_endpoint(app: RelyingParty) -> None:
    reply = app.post("/token", {"grant_type": "implicit", "scope": "openid"})
    assert (reply.status_code, reply.json()["error"]) == (400, "unsupported_grant_type")


# Whom it is for ---------------------------------------------------------------------------------------------------

CODE_TOO = {"grant_types": ["authorization_code", "implicit"], "response_types": ["code", ID_TOKEN_TOKEN]}
DEVICE = "urn:ietf:params:oauth:grant-type:device_code"
NOT_FOR = [
    {"grant_types": ["implicit"], "response_types": []},
    {"grant_types": ["implicit"], "response_types": None},
    {"grant_types": ["implicit"], "response_types": ["code"]},
    {"grant_types": ["authorization_code", "implicit"], "response_types": ["code"]},
    {"grant_types": ["authorization_code"], "response_types": ["code", ID_TOKEN]},
    {"grant_types": ["authorization_code"], "response_types": [ID_TOKEN]},
    {"response_types": ["token"]},
    {"response_types": ["code token"]},
    {"response_types": ["code id_token"]},
    {"response_types": ["code id_token token"]},
    {"response_types": ["id_token id_token"]},
    {"response_types": ["id_token  token"]},
    {"response_types": [7]},
    {"application_type": "native"},
    {"application_type": "native", "redirect_uris": ["lv.example.app:/cb"]},
    {"dpop_bound_access_tokens": True},
    {"grant_types": ["implicit", "refresh_token"]},
]
"""Of a stranger's registration that would be in order without."""


@pytest.mark.parametrize("changed", NOT_FOR)
def test_who_may_not_have_it_cannot_register_it(house: House, changed: dict[str, Any]) -> None:
    """RFC 7591 section 2.1: grant types and response types say the same"""
    with pytest.raises(ProviderError) as refused:
        register(house.http, **{**METADATA, **changed})
    assert (refused.value.status, refused.value.error) == (400, "invalid_client_metadata")


@pytest.mark.parametrize(
    "uri",
    [
        "https://localhost/cb",
        "https://a.localhost/cb",
        "https://127.0.0.1/cb",
        "https://127.1/cb",
        "https://2130706433/cb",
        "https://0x7f.1/cb",
        "https://0.0.0.0/cb",
        "https://[::1]/cb",
        "http://localhost/cb",
        "http://127.0.0.1/cb",
    ],
)
def test_its_answers_go_to_no_address_of_this_computer(house: House, uri: str) -> None:
    """attack 4; OpenID Connect Registration 2: https, and not localhost"""
    with pytest.raises(ProviderError):
        register(house.http, **{**METADATA, "redirect_uris": [CALLBACK, uri]})
    with pytest.raises(ProtocolError, match="this computer"):
        house.add_client(**{**METADATA, "redirect_uris": [CALLBACK, uri]})


@pytest.mark.parametrize(
    "uri", ["https://localhost.example.lv/cb", "https://127.example.lv/", "https://192.0.2.1/cb"]
)
def test_other_addresses_are_not_this_computer(uri: str) -> None:
    assert not is_of_this_computer(uri)


@pytest.mark.parametrize("changed", [{"redirect_uris": []}, {"redirect_uris": None}])
def test_it_needs_somewhere_to_answer(house: House, changed: dict[str, Any]) -> None:
    with pytest.raises(ProviderError, match="invalid_redirect_uri"):
        register(house.http, **{**METADATA, **changed})


@pytest.mark.parametrize(
    ("changed", "own"),
    [
        ({"tls_client_certificate_bound_access_tokens": True}, {}),
        ({"scope": "openid person_code"}, {"person_code_basis": "Likums"}),
        ({"grant_types": ["implicit", DEVICE]}, {}),
        ({}, {"profile": "fapi2"}),
        (
            {
                "jwks": JWKS,
                "token_endpoint_auth_method": "private_key_jwt",
                "token_endpoint_auth_signing_alg": "ES256",
                "dpop_bound_access_tokens": True,
                **CODE_TOO,
            },
            {"profile": "fapi2"},
        ),
    ],
)
def test_an_operator_cannot_give_it_to_them_either(
    house: House, changed: dict[str, Any], own: dict[str, Any]
) -> None:
    with pytest.raises(ProtocolError) as refused:
        house.add_client(own=own, **{**METADATA, **changed})
    assert refused.value.error is ErrorCode.INVALID_CLIENT_METADATA


@pytest.mark.parametrize(
    ("registered", "columns"),
    [
        ({"application_type": "native"}, {}),
        ({"grant_types": ["authorization_code"]}, {}),
        ({"grant_types": ["implicit", DEVICE]}, {}),
        ({"response_types": ["code"]}, {}),
        ({"dpop_bound_access_tokens": True}, {}),
        ({"tls_client_certificate_bound_access_tokens": True}, {}),
        ({"scope": "openid person_code"}, {"person_code_basis": "Likums"}),
        ({"redirect_uris": [CALLBACK, "https://localhost/cb"]}, {}),
    ],
)
def test_who_may_not_have_it_cannot_use_it_whatever_was_registered_before(
    house: House, browser: Browser, app: RelyingParty, registered: dict[str, Any], columns: dict[str, Any]
) -> None:
    """attack 7: the rules of registration hold at the place of use"""
    party = change(house, app, registered, **columns)
    question = ask(party)
    assert error_of(party, question, house.visit(question, browser)) == "unauthorized_client"
    assert families(house) == 0


def test_a_client_that_became_fapi2_cannot_use_it(house: House, browser: Browser, app: RelyingParty) -> None:
    """attack 7: and hears it in the way the profile answers"""
    party = change(house, app, {}, profile="fapi2")
    outcome = house.visit(ask(party), browser)
    assert isinstance(outcome, Answer)
    assert outcome.response_mode is ResponseMode.QUERY
    assert "error" in dict(outcome.fields)
    reply = party.post("/par", ask(party).parameters)
    assert reply.status_code in {400, 401}
    assert families(house) == 0


@pytest.mark.parametrize(("has", "asks"), [(ID_TOKEN, ID_TOKEN_TOKEN), (ID_TOKEN_TOKEN, ID_TOKEN)])
def test_one_response_type_is_not_the_other(house: House, browser: Browser, has: str, asks: str) -> None:
    party = house.add_client(**{**METADATA, "response_types": [has]})
    question = ask(party, response_type=asks)
    assert error_of(party, question, house.visit(question, browser)) == "unauthorized_client"
    assert tokens_for(house, party, browser, response_type=has)


def test_who_registered_codes_alone_gets_codes_alone(house: House, browser: Browser) -> None:
    """attack 7: nothing about it changes because others may have tokens"""
    party = house.add_client()
    for response_type in BOTH:
        question = ask(party, response_type=response_type)
        assert error_of(party, question, house.visit(question, browser)) == "unauthorized_client"
    assert house.tokens_for(party, browser).claims["sub"]


def test_who_registered_tokens_alone_gets_no_code(house: House, browser: Browser, app: RelyingParty) -> None:
    question = app.ask()
    outcome = house.visit(question, browser)
    assert isinstance(outcome, Answer)
    with pytest.raises(ProviderError, match="unauthorized_client"):
        app.read_answer(question, outcome.location())


def test_who_registered_both_has_both_each_in_its_own_way(house: House, browser: Browser) -> None:
    """attack 13: a code is still protected by PKCE, and never in a fragment"""
    party = house.add_client(**CODE_TOO)
    assert house.tokens_for(party, browser).claims["sub"]
    assert tokens_for(house, party, browser).access_token
    bare = party.ask(code_challenge=None, code_challenge_method=None)
    outcome = house.visit(bare, browser)
    assert isinstance(outcome, Answer)
    with pytest.raises(ProviderError, match="invalid_request"):
        party.read_answer(bare, outcome.location())


@pytest.mark.parametrize("response_type", ["token id_token", "id_token token"])
def test_the_order_of_the_words_means_nothing(
    house: House, browser: Browser, app: RelyingParty, response_type: str
) -> None:
    """RFC 6749 section 3.1.1"""
    assert tokens_for(house, app, browser, response_type=response_type).access_token
    told = house.http.post(
        "/register", json={**METADATA, "redirect_uris": [CALLBACK], "response_types": [response_type]}
    )
    assert told.json()["response_types"] == [ID_TOKEN_TOKEN]


@pytest.mark.parametrize(
    "text", [None, "", " ", "token", "code code", "id_token  token", "ID_TOKEN", "code "]
)
def test_what_is_no_response_type_is_none(text: str | None) -> None:
    assert find_response_type(text) is None


# What comes -------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("mode", [None, *MODES])
def test_an_id_token_and_an_access_token_come(
    house: House, browser: Browser, anna: User, app: RelyingParty, mode: str | None
) -> None:
    """Core 3.2.2.5; attack 10: with state and issuer. The claims of scopes are at userinfo (Core 5.4)"""
    came = tokens_for(house, app, browser, scope="openid email profile", response_mode=mode)
    assert came.claims["sub"] == anna.id
    assert not {"email", "name"} & set(came.claims)
    assert {"auth_time", "acr", "amr", "sid"} <= set(came.claims)
    told = app.userinfo(came.access_token or "")
    assert told["sub"] == anna.id
    assert (told["email"], told["name"]) == ("anna@example.lv", "Anna Bērziņa")


@pytest.mark.parametrize("mode", [None, *MODES])
def test_an_id_token_alone_has_the_claims_of_the_scopes(
    house: House, browser: Browser, anna: User, app: RelyingParty, mode: str | None
) -> None:
    """Core 5.4: there is no access token to get them with, and no at_hash"""
    asked = {"scope": "openid email phone address", "response_mode": mode}
    came = tokens_for(house, app, browser, response_type=ID_TOKEN, **asked)
    assert (came.claims["sub"], came.access_token) == (anna.id, None)
    assert (came.claims["email"], came.claims["email_verified"]) == ("anna@example.lv", True)
    assert came.claims["phone_number"] == "+371 20000000"
    assert came.claims["address"] == {"locality": "Rīga", "country": "LV"}
    assert "name" not in came.claims
    assert families(house) == 0


def test_claims_of_scopes_cannot_pass_for_those_an_id_token_has(house: House, app: RelyingParty) -> None:
    """attack 42: whatever a profile holds"""
    user = house.add_person("eva", profile={"iss": "https://evil.example", "aud": "x", "locale": "lv"})
    house.employ(user)
    came = tokens_for(house, app, house.sign_in(user), response_type=ID_TOKEN, scope="openid profile")
    assert (came.claims["iss"], came.claims["locale"]) == (ISSUER, "lv")


def test_the_access_token_is_for_userinfo_for_five_minutes(
    house: House, browser: Browser, app: RelyingParty
) -> None:
    """One audience, no key, no renewal"""
    came = tokens_for(house, app, browser)
    claims = jwt.decode(came.access_token or "", app.keys(), algorithms=["ES256"]).claims
    assert claims["aud"] == ISSUER
    assert claims["exp"] - claims["iat"] == 300
    assert "cnf" not in claims
    house.world.clock.move(300)
    with pytest.raises(ProviderError, match="invalid_token"):
        app.userinfo(came.access_token or "")


@pytest.mark.parametrize("response_type", BOTH)
def test_access_without_the_person_is_never_given(house: House, browser: Browser, response_type: str) -> None:
    """Core 11: offline_access is ignored; RFC 6749 section 4.2.2: "MUST NOT issue a refresh token\""""
    both = house.add_client(
        grant_types=["authorization_code", "implicit", "refresh_token"],
        response_types=["code", *BOTH],
        scope="openid offline_access",
    )
    came = tokens_for(house, both, browser, response_type=response_type, scope="openid offline_access")
    assert came.scope == ({"openid"} if response_type == ID_TOKEN_TOKEN else None)
    rows = house.rows_in_all_tables()
    assert rows["refresh_tokens"] == 0
    house.world.clock.move(300)
    if came.access_token:
        with pytest.raises(ProviderError, match="invalid_token"):
            both.userinfo(came.access_token)


@pytest.mark.parametrize(
    ("asked", "told"),
    [
        ("openid email", None),
        ("email openid", None),
        ("openid email fly", {"openid", "email"}),
        ("openid offline_access", {"openid"}),
    ],
)
def test_the_scope_is_told_when_it_is_not_what_was_asked(
    house: House, browser: Browser, app: RelyingParty, asked: str, told: set[str] | None
) -> None:
    """RFC 6749 section 4.2.2"""
    assert tokens_for(house, app, browser, scope=asked).scope == told


def test_without_state_none_comes_back(house: House, browser: Browser, app: RelyingParty) -> None:
    question = ask(app, state=None)
    fields = fields_of(app, question, house.visit(question, browser))
    assert "state" not in fields
    assert read_tokens(app, question, fields).access_token


def test_the_query_of_a_redirect_uri_stays_before_the_fragment(house: House, browser: Browser) -> None:
    """RFC 6749 section 3.1.2"""
    uri = "https://app.example.lv/cb?tenant=riga"
    party = house.add_client(**{**METADATA, "redirect_uris": [uri]})
    question = ask(party)
    outcome = house.visit(question, browser)
    assert isinstance(outcome, Answer)
    assert outcome.location().startswith(f"{uri}#")
    assert read_tokens(party, question, read_fragment(party, question, outcome.location())).access_token


def test_the_id_token_is_encrypted_for_who_registered_so(house: House, browser: Browser, anna: User) -> None:
    key = RSAKey.generate_key(2048, {"kid": "enc", "use": "enc"})
    sealed = {
        "id_token_encrypted_response_alg": "RSA-OAEP-256",
        "jwks": {"keys": [key.as_dict(private=False)]},
    }
    party = house.add_client(**METADATA, **sealed)
    question = ask(party)
    fields = fields_of(party, question, house.visit(question, browser))
    assert fields["id_token"].count(".") == 4
    assert party.userinfo(fields["access_token"])["sub"] == anna.id


def test_pairwise_names_are_the_same_in_all_that_comes(house: House, browser: Browser, anna: User) -> None:
    party = house.add_client(**METADATA, subject_type="pairwise")
    came = tokens_for(house, party, browser)
    assert came.claims["sub"] == party.userinfo(came.access_token or "")["sub"] != anna.id


def test_an_id_token_is_signed_as_registered(house: House, browser: Browser) -> None:
    party = house.add_client(**METADATA, id_token_signed_response_alg="ES256")
    question = ask(party)
    fields = fields_of(party, question, house.visit(question, browser))
    assert jws.extract_compact(fields["id_token"].encode()).headers()["alg"] == "ES256"
    assert read_tokens(party, question, fields)


# What holds as for a code -----------------------------------------------------------------------------------------


@pytest.mark.parametrize("mode", MODES)
def test_nobody_is_signed_in(house: House, app: RelyingParty, mode: str) -> None:
    question = ask(app, prompt="none", response_mode=mode)
    assert error_of(app, question, house.visit(question, house.stranger())) == "login_required"
    assert isinstance(house.visit(ask(app, response_mode=mode), house.stranger()), SignIn)


def test_who_is_signed_in_is_answered_without_a_page(
    house: House, browser: Browser, app: RelyingParty
) -> None:
    assert tokens_for(house, app, browser, prompt="none").access_token


def test_a_sign_in_that_is_too_old_is_not_enough(house: House, anna: User, app: RelyingParty) -> None:
    old = house.sign_in(anna, at=house.world.clock() - 100)
    question = ask(app, max_age="60", prompt="none")
    assert error_of(app, question, house.visit(question, old)) == "login_required"
    came = tokens_for(house, app, old, max_age="1000")
    assert came.claims["auth_time"] == int(house.world.clock() - 100)


def test_prompt_login_asks_again(house: House, browser: Browser, app: RelyingParty) -> None:
    assert isinstance(house.visit(ask(app, prompt="login"), browser), SignIn)


def test_the_level_holds(house: House, browser: Browser, app: RelyingParty) -> None:
    claims = json.dumps({"id_token": {"acr": {"essential": True, "values": ["urn:visvaris:acr:mfa"]}}})
    question = ask(app, claims=claims, prompt="none")
    assert error_of(app, question, house.visit(question, browser)) == "login_required"


@pytest.mark.parametrize("response_type", BOTH)
def test_the_person_is_asked_and_may_refuse(
    house: House, browser: Browser, anna: User, stranger: RelyingParty, response_type: str
) -> None:
    silent = ask(stranger, response_type=response_type, prompt="none")
    assert error_of(stranger, silent, house.visit(silent, browser)) == "consent_required"
    question = ask(stranger, response_type=response_type)
    refused = house.agree(house.visit(question, browser), browser, allow=False)
    assert error_of(stranger, question, refused) == "access_denied"
    assert EventType.TOKENS_ISSUED.value not in house.events(anna)
    allowed = house.agree(house.visit(question, browser), browser)
    assert read_tokens(stranger, question, fields_of(stranger, question, allowed)).claims["sub"] == anna.id


def test_the_person_must_work_where_the_application_is_open(house: House, anna: User) -> None:
    elsewhere = house.add_client(own={"municipalities": ["0054010"], "needs_employment": True}, **METADATA)
    question = ask(elsewhere, prompt="none")
    assert error_of(elsewhere, question, house.visit(question, house.sign_in(anna))) == "access_denied"


def test_the_post_is_told(house: House, anna: User, app: RelyingParty) -> None:
    with house.world.database.read() as work:
        (post,) = work.people.employments_of(anna.id, now=house.world.clock())
    there = house.sign_in(anna, employment=post)
    came = tokens_for(house, app, there, response_type=ID_TOKEN, scope="openid employment")
    assert (came.claims["municipality"], came.claims["roles"]) == (RIGA, ["jurists"])


def test_single_claims_come_where_they_were_asked_for(
    house: House, browser: Browser, app: RelyingParty
) -> None:
    """Core 5.5"""
    claims = json.dumps({"id_token": {"email": None}, "userinfo": {"given_name": {"essential": True}}})
    came = tokens_for(house, app, browser, claims=claims)
    assert came.claims["email"] == "anna@example.lv"
    assert set(app.userinfo(came.access_token or "")) == {"sub", "given_name"}
    alone = json.dumps({"id_token": {"email": None}})
    assert "email" in tokens_for(house, app, browser, response_type=ID_TOKEN, claims=alone).claims


@pytest.mark.parametrize("response_type", BOTH)
def test_a_request_may_be_pushed_or_signed(house: House, browser: Browser, response_type: str) -> None:
    """RFC 9126, RFC 9101: as any other"""
    party = house.add_client(**METADATA, jwks=JWKS)
    question = ask(party, response_type=response_type)
    for asked in (push(party, question), sent_as(question, party, request=request_object(party, question))):
        fields = fields_of(party, question, house.visit(asked, browser))
        assert read_tokens(party, question, fields).claims["sub"]


def test_a_pushed_request_is_answered_once(house: House, browser: Browser, app: RelyingParty) -> None:
    """attack 20"""
    question = ask(app)
    pushed = push(app, question)
    assert read_tokens(app, question, fields_of(app, question, house.visit(pushed, browser)))
    with pytest.raises(ProtocolError):
        house.visit(pushed, browser)
    assert families(house) == 1


def test_of_many_decisions_at_once_one_is_answered(everywhere: House, berta: User) -> None:
    """attack 11: no code stands between, so the request itself is what is spent"""
    house = House(everywhere.world, options=options(RegistrationMode.OPEN))
    stranger, browser = register(house.http, **METADATA).party(now=house.world.clock), house.sign_in(berta)
    outcome = house.visit(ask(stranger), browser)
    assert isinstance(outcome, AskConsent)
    house.openid.authorization.look_at_consent(outcome.request_id, browser)
    decide = house.openid.authorization.decide_consent
    answers = at_once(8, lambda _: decide(outcome.request_id, browser, allow=True))
    assert sum(isinstance(answer, Answer) for answer in answers) == 1
    assert families(house) == 1


# What is refused, and where that is told --------------------------------------------------------------------------

REFUSED = [
    ({"nonce": None}, "invalid_request"),
    ({"nonce": ""}, "invalid_request"),
    ({"nonce": "n" * 1001}, "invalid_request"),
    ({"state": "s" * 1001}, "invalid_request"),
    ({"scope": None}, "invalid_scope"),
    ({"scope": "email"}, "invalid_scope"),
    ({"scope": "openid person_code"}, "invalid_scope"),
    ({"resource": "https://unknown.example"}, "invalid_target"),
    ({"resource": ISSUER}, "invalid_target"),
    ({"authorization_details": "[]"}, "invalid_authorization_details"),
    ({"authorization_details": '[{"type": "unknown"}]'}, "invalid_authorization_details"),
    ({"dpop_jkt": "j" * 43}, "invalid_request"),
    ({"code_challenge": "c" * 43, "code_challenge_method": "plain"}, "invalid_request"),
    ({"code_challenge_method": "S256"}, "invalid_request"),
    ({"request": "eyJhbGciOiJub25lIn0.e30."}, "invalid_request_object"),
    ({"request_uri": "https://app.example.lv/request"}, "invalid_request_uri"),
    ({"request": "x.y.z", "request_uri": "https://app.example.lv/request"}, "invalid_request"),
    ({"registration": "{}"}, "registration_not_supported"),
    ({"prompt": "none login"}, "invalid_request"),
    ({"max_age": "soon"}, "invalid_request"),
    ({"claims": "{"}, "invalid_request"),
    (
        {"claims": '{"id_token": {"acr": {"essential": true, "values": ["gold"]}}}'},
        "unmet_authentication_requirements",
    ),
    ({"claims": '{"id_token": {"sub": {"value": 7}}}'}, "invalid_request"),
    ({"id_token_hint": "x.y.z"}, "invalid_request"),
]


@pytest.mark.parametrize("mode", MODES)
@pytest.mark.parametrize(("asked", "error"), REFUSED)
def test_an_error_goes_back_as_the_tokens_would(
    house: House, browser: Browser, app: RelyingParty, asked: dict[str, str | None], error: str, mode: str
) -> None:
    """attack 6, attack 10: in the fragment or the form, with state and issuer"""
    question = ask(app, **{"response_mode": mode, **asked})  # type: ignore[arg-type]
    assert error_of(app, question, house.visit(question, browser)) == error
    assert families(house) == 0


@pytest.mark.parametrize(("asked", "error"), [*REFUSED, ({"response_mode": "query"}, "invalid_request")])
def test_no_error_goes_to_an_address_nobody_registered(
    house: House, browser: Browser, app: RelyingParty, asked: dict[str, str | None], error: str
) -> None:
    """attack 6: for every error there is"""
    elsewhere = {"redirect_uri": "https://evil.example/callback"}
    with pytest.raises(ProtocolError):
        house.visit(ask(app, **{**elsewhere, **asked}), browser)  # type: ignore[arg-type]


@pytest.mark.parametrize("response_type", BOTH)
@pytest.mark.parametrize("mode", ["query", "jwt", "query.jwt", "form_post.jwt", "fragment.jwt", "x"])
def test_tokens_travel_in_no_other_way(
    house: House, browser: Browser, app: RelyingParty, mode: str, response_type: str
) -> None:
    """attack 7: no downgrade to where servers write it down; the error is not there either"""
    question = ask(app, response_type=response_type, response_mode=mode)
    assert error_of(app, question, house.visit(question, browser)) == "invalid_request"


def test_a_code_does_not_travel_in_a_fragment(house: House, browser: Browser) -> None:
    """attack 7"""
    party = house.add_client(**CODE_TOO)
    question = party.ask(response_mode="fragment")
    outcome = house.visit(question, browser)
    assert isinstance(outcome, Answer)
    with pytest.raises(ProviderError, match="invalid_request"):
        party.read_answer(question, outcome.location())


@pytest.mark.parametrize(
    "response_type", ["token", "code token", "code id_token", "code id_token token", "none"]
)
def test_no_other_response_type_exists(
    house: House, browser: Browser, app: RelyingParty, response_type: str
) -> None:
    outcome = house.visit(ask(app, response_type=response_type), browser)
    assert isinstance(outcome, Answer)
    assert dict(outcome.fields)["error"] == "unsupported_response_type"


def test_claims_at_userinfo_need_a_token_for_it(house: House, browser: Browser, app: RelyingParty) -> None:
    """Core 5.5: "the request MUST also use a response_type value that results in an Access Token\""""
    question = ask(app, response_type=ID_TOKEN, claims='{"userinfo": {"email": null}}')
    assert error_of(app, question, house.visit(question, browser)) == "invalid_request"


def test_a_resource_it_is_registered_for_is_refused_all_the_same(house: House, browser: Browser) -> None:
    """What went through a browser opens no API"""
    party = house.add_client(own={"resources": ["https://api.example.lv"]}, **METADATA)
    question = ask(party, resource="https://api.example.lv")
    assert error_of(party, question, house.visit(question, browser)) == "invalid_target"


@pytest.mark.parametrize(("asked", "error"), [*REFUSED[:13], ({"response_mode": "query"}, "invalid_request")])
def test_the_same_is_refused_when_it_is_pushed(
    app: RelyingParty, asked: dict[str, str | None], error: str
) -> None:
    with pytest.raises(ProviderError) as refused:
        push(app, ask(app, **asked))  # type: ignore[arg-type]
    assert refused.value.error == error


@pytest.mark.parametrize(
    ("asked", "error"), [*REFUSED[2:3], *REFUSED[5:13], ({"nonce": None}, "invalid_request")]
)
def test_the_same_is_refused_when_it_is_signed(
    house: House, browser: Browser, asked: dict[str, str | None], error: str
) -> None:
    party = house.add_client(**METADATA, jwks=JWKS)
    question = ask(party, **asked)  # type: ignore[arg-type]
    signed = sent_as(question, party, request=request_object(party, question))
    assert error_of(party, question, house.visit(signed, browser)) == error


# What ends it -----------------------------------------------------------------------------------------------------


def test_it_is_given_back(house: House, browser: Browser, app: RelyingParty) -> None:
    """RFC 7009: with its family"""
    came = tokens_for(house, app, browser)
    assert app.userinfo(came.access_token or "")
    assert app.revoke(came.access_token or "").status_code == 200
    with pytest.raises(ProviderError, match="invalid_token"):
        app.userinfo(came.access_token or "")


@pytest.mark.parametrize("how", ["session", "person", "client", "consent"])
def test_it_ends_with_what_it_hangs_on(
    house: House, browser: Browser, anna: User, stranger: RelyingParty, how: str
) -> None:
    """attack 14, attack 25"""
    question = ask(stranger)
    fields = fields_of(stranger, question, house.agree(house.visit(question, browser), browser))
    token = read_tokens(stranger, question, fields).access_token or ""
    assert stranger.userinfo(token)
    assert browser.signed_in is not None
    match how:
        case "session":
            house.end_session(browser)
        case "consent":
            decider = Decider(anna.id, browser.signed_in.session_id, "")
            assert house.openid.consents.withdraw(stranger.client_id, decider)
        case "person":
            with house.world.database.begin() as work:
                work.people.set_status(anna.id, UserStatus.BLOCKED, at=house.world.clock())
        case "client":
            with house.world.database.begin() as work:
                work.clients.set_disabled(stranger.client_id, True)
    with pytest.raises(ProviderError, match="invalid_token"):
        stranger.userinfo(token)


@pytest.mark.parametrize("response_type", BOTH)
def test_the_session_knows_the_application(
    house: House, browser: Browser, app: RelyingParty, response_type: str
) -> None:
    """So that it is told when the session ends (Back-Channel Logout 1.0)"""
    tokens_for(house, app, browser, response_type=response_type)
    assert browser.signed_in is not None
    with house.world.database.read() as work:
        reached = work.sessions.clients_of(browser.signed_in.session_id)
    assert [client.client_id for client in reached] == [app.client_id]


# What is written down ---------------------------------------------------------------------------------------------


@pytest.mark.parametrize("response_type", BOTH)
def test_each_answer_is_written_down_once(
    house: House, browser: Browser, anna: User, app: RelyingParty, response_type: str
) -> None:
    came = tokens_for(house, app, browser, response_type=response_type)
    with house.world.database.read() as work:
        (event,) = [e for e in work.audit.activity_of(anna.id) if e.type == EventType.TOKENS_ISSUED.value]
    assert (event.client_id, event.address) == (app.client_id, browser.address)
    assert json.loads(event.detail)["response_type"] == response_type
    assert (came.access_token or "none") not in str(event.detail)


@pytest.mark.parametrize("what", ["session", "person", "post"])
def test_what_ended_meanwhile_gives_nothing_and_leaves_nothing(
    house: House, anna: User, app: RelyingParty, what: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """attack 25: looked at in the unit of work that would write it down, after everything was in order"""
    with house.world.database.read() as work:
        (post,) = work.people.employments_of(anna.id, now=house.world.clock())
    browser = house.sign_in(anna, employment=post)
    issue = house.openid.authorization._implicit_tokens.issue

    def too_late(*given: Any, **named: Any) -> Any:
        if what == "session":
            house.end_session(browser)
        with house.world.database.begin() as work:
            if what == "person":
                work.people.set_status(anna.id, UserStatus.BLOCKED, at=house.world.clock())
            if what == "post":
                work.connection().execute(text("UPDATE employments SET ends_at = 1"))
        return issue(*given, **named)

    monkeypatch.setattr(house.openid.authorization._implicit_tokens, "issue", too_late)
    question = ask(app, scope="openid employment")
    assert error_of(app, question, house.visit(question, browser)) == "access_denied"
    assert families(house) == 0
    assert EventType.TOKENS_ISSUED.value not in house.events(anna)


def test_who_cannot_be_encrypted_for_is_told_before_anything_is_written(
    house: House, browser: Browser, anna: User, app: RelyingParty
) -> None:
    party = change(house, app, {"id_token_encrypted_response_alg": "RSA-OAEP-256", "jwks": {"keys": []}})
    question = ask(party)
    assert error_of(party, question, house.visit(question, browser)) == "invalid_request"
    assert families(house) == 0
    assert EventType.TOKENS_ISSUED.value not in house.events(anna)


def test_no_secret_is_in_a_repr(house: House, browser: Browser, app: RelyingParty) -> None:
    """attack 44"""
    question = ask(app)
    outcome = house.visit(question, browser)
    came = read_tokens(app, question, fields_of(app, question, outcome))
    assert (came.access_token or "none") not in repr(outcome)


def test_a_request_that_an_older_provider_kept_is_one_for_a_code(house: House, app: RelyingParty) -> None:
    request = AuthorizationRequest(
        client_id=app.client_id,
        redirect_uri=CALLBACK,
        response_mode=ResponseMode.QUERY,
        received_at=house.world.clock(),
        scopes=("openid",),
    )
    kept = {name: value for name, value in request.to_json().items() if name != "response_type"}
    assert AuthorizationRequest.from_json(kept).response_type is ResponseType.CODE
    tokens = replace(request, response_type=ResponseType.ID_TOKEN, response_mode=ResponseMode.FRAGMENT)
    assert AuthorizationRequest.from_json(json.loads(json.dumps(tokens.to_json()))) == tokens
