"""Authentication requests of OpenID Connect Core 3.1.2, by the names of the conformance tests that hold them.

What each test needs of pages, cookies and forms is in `tests/idp/web/test_authorization_journeys.py`.
"""

import json
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from idp.models.people import User
from idp.oidc.authorization_request import Answer, AuthorizationRequest
from idp.oidc.authorize import Browser, SignIn
from idp.oidc.authorize_checks import CHECKS, Channel
from idp.oidc.claims import BY_SCOPE, SCOPE_OF, parse_claims_request
from idp.oidc.errors import ErrorCode, ProtocolError
from idp.oidc.posted_requests import PREFIX
from idp.oidc.requests import Parameters
from tests.idp.oidc.house import CALLBACK, House
from tests.support.builders import RIGA
from tests.support.relying_party import ProviderError, Question, RelyingParty, query_of

MFA, ONE = "urn:visvaris:acr:mfa", "urn:visvaris:acr:1fa"


def silently(house: House, app: RelyingParty, browser: Browser, **asked: str | None) -> str:
    with pytest.raises(ProviderError) as refused:
        house.code_for(app, browser, prompt="none", **asked)
    return refused.value.error


def wish(**parts: Any) -> str:
    return json.dumps(parts)


def test_response_type_missing(house: House, browser: Browser, app: RelyingParty) -> None:
    """oidcc-response-type-missing"""
    question = app.ask(response_type=None)
    with pytest.raises(ProviderError, match="invalid_request"):
        app.read_answer(question, house.visit(question, browser).location())


def test_ensure_request_without_nonce_succeeds_for_code_flow(
    house: House, browser: Browser, app: RelyingParty
) -> None:
    """oidcc-ensure-request-without-nonce-succeeds-for-code-flow"""
    assert "nonce" not in house.tokens_for(app, browser, nonce=None).claims


@pytest.mark.parametrize("display", ["page", "popup", "touch", "wap", "hologram"])
def test_display(house: House, app: RelyingParty, display: str) -> None:
    """oidcc-display-page, oidcc-display-popup: the page is the same, and fits all; an unknown value is as none"""
    assert isinstance(house.visit(app.ask(display=display), house.stranger()), SignIn)


def test_prompt_login(house: House, anna: User, browser: Browser, app: RelyingParty) -> None:
    """oidcc-prompt-login: a second sign-in, and a later auth_time"""
    first = house.tokens_for(app, browser).claims["auth_time"]
    house.world.clock.move(10)
    question = app.ask(prompt="login")
    back = house.come_back(house.visit(question, browser), browser, anna)
    outcome = house.openid.authorization.resume(back.request_id, back.browser)
    second = app.redeem(question, house.code_in(app, question, outcome)).claims["auth_time"]
    assert second > first


def test_prompt_none_not_logged_in(house: House, app: RelyingParty) -> None:
    """oidcc-prompt-none-not-logged-in"""
    assert silently(house, app, house.stranger()) == "login_required"


def test_prompt_none_logged_in(house: House, browser: Browser, app: RelyingParty) -> None:
    """oidcc-prompt-none-logged-in: the same person, the same auth_time"""
    first = house.tokens_for(app, browser).claims
    house.world.clock.move(10)
    second = house.tokens_for(app, browser, prompt="none").claims
    assert (first["sub"], first["auth_time"]) == (second["sub"], second["auth_time"])


@pytest.mark.parametrize("prompt", ["none login", "none consent", "none select_account"])
def test_prompt_none_goes_with_no_other(
    house: House, browser: Browser, app: RelyingParty, prompt: str
) -> None:
    question = app.ask(prompt=prompt)
    with pytest.raises(ProviderError, match="invalid_request"):
        app.read_answer(question, house.visit(question, browser).location())


def test_several_prompts_are_all_obeyed(house: House, anna: User, browser: Browser) -> None:
    third = house.add_client(own={"first_party": False})
    house.agree(house.visit(third.ask(), browser), browser)
    house.world.clock.move(10)
    question = third.ask(prompt="login consent")
    back = house.come_back(house.visit(question, browser), browser, anna)
    outcome = house.openid.authorization.resume(back.request_id, back.browser)
    assert house.code_in(third, question, house.agree(outcome, back.browser))


def test_max_age_1(house: House, browser: Browser, app: RelyingParty) -> None:
    """oidcc-max-age-1"""
    house.world.clock.move(2)
    assert isinstance(house.visit(app.ask(max_age="1"), browser), SignIn)


def test_max_age_10000(house: House, browser: Browser, app: RelyingParty) -> None:
    """oidcc-max-age-10000: no second sign-in, and the same auth_time"""
    house.world.clock.move(9999)
    claims = house.tokens_for(app, browser, max_age="10000").claims
    assert claims["auth_time"] == int(house.world.clock.at) - 9999


def test_ensure_request_with_unknown_parameter_succeeds(
    house: House, browser: Browser, app: RelyingParty
) -> None:
    """oidcc-ensure-request-with-unknown-parameter-succeeds"""
    assert house.code_for(app, browser, extra="foobar")


def test_id_token_hint(house: House, browser: Browser, app: RelyingParty) -> None:
    """oidcc-id-token-hint"""
    first = house.tokens_for(app, browser)
    second = house.tokens_for(app, browser, prompt="none", id_token_hint=first.id_token)
    assert first.claims["sub"] == second.claims["sub"]


def test_login_hint(house: House, app: RelyingParty) -> None:
    """oidcc-login-hint: it fills in the name, and decides nothing"""
    stranger = house.stranger()
    outcome = house.visit(app.ask(login_hint="anna@example.lv"), stranger)
    assert isinstance(outcome, SignIn)
    transaction = house.login.find(outcome.transaction_id, browser=stranger.id)
    assert transaction is not None
    assert transaction.requirements.login_hint == "anna@example.lv"
    assert transaction.requirements.expected_user is None


def test_ui_locales_and_claims_locales(house: House, browser: Browser, app: RelyingParty) -> None:
    """oidcc-ui-locales, oidcc-claims-locales"""
    assert house.code_for(app, browser, ui_locales="se en", claims_locales="se")
    outcome = house.visit(app.ask(ui_locales="se en"), house.stranger())
    assert isinstance(outcome, SignIn)
    assert outcome.ui_locales == ("se", "en")


def test_ensure_request_with_acr_values_succeeds(house: House, browser: Browser, app: RelyingParty) -> None:
    """oidcc-ensure-request-with-acr-values-succeeds"""
    assert house.tokens_for(app, browser, acr_values=f"1 2 {ONE}").claims["acr"] == ONE


def test_a_voluntary_acr_is_a_wish_like_acr_values(
    house: House, anna: User, browser: Browser, app: RelyingParty
) -> None:
    """Core 5.5.1.1"""
    voluntary = wish(id_token={"acr": {"values": [MFA]}})
    assert house.tokens_for(app, browser, claims=voluntary).claims["acr"] == ONE
    house.permit(RIGA, first_enrolment=True)
    assert isinstance(house.visit(app.ask(claims=voluntary), browser), SignIn)
    assert house.code_for(app, browser, claims=voluntary, prompt="none")
    assert house.code_for(app, browser, claims=voluntary, acr_values=ONE)


def test_ensure_registered_redirect_uri(house: House, browser: Browser, app: RelyingParty) -> None:
    """oidcc-ensure-registered-redirect-uri (attack 1)"""
    for wrong in (f"{CALLBACK}x", CALLBACK.replace("app.", "app.example.lv.evil."), f"{CALLBACK}?a=b"):
        with pytest.raises(ProtocolError):
            house.visit(app.ask(redirect_uri=wrong), browser)


def test_ensure_redirect_uri_in_authorization_request(
    house: House, browser: Browser, app: RelyingParty
) -> None:
    """oidcc-ensure-redirect-uri-in-authorization-request: REQUIRED, however many are registered"""
    with pytest.raises(ProtocolError):
        house.visit(app.ask(redirect_uri=None), browser)


def test_redirect_uri_query(house: House, browser: Browser) -> None:
    """oidcc-redirect-uri-query-OK, -mismatch, -added (attack 3)"""
    app = house.add_client(redirect_uris=[f"{CALLBACK}?foo=bar"])
    assert house.code_for(app, browser)
    for wrong in (f"{CALLBACK}?bar=foo", f"{CALLBACK}?foo=bar&a=b", CALLBACK):
        with pytest.raises(ProtocolError):
            house.visit(app.ask(redirect_uri=wrong), browser)


def test_ensure_request_with_valid_pkce_succeeds(house: House, browser: Browser, app: RelyingParty) -> None:
    """oidcc-ensure-request-with-valid-pkce-succeeds"""
    assert house.tokens_for(app, browser).claims["sub"]


# claims --------------------------------------------------------------------------------------------------


def test_claims_essential(house: House, browser: Browser, app: RelyingParty) -> None:
    """oidcc-claims-essential"""
    tokens = house.tokens_for(app, browser, claims=wish(userinfo={"name": {"essential": True}}))
    assert app.userinfo(tokens.access_token)["name"] == "Anna Bērziņa"


def test_claims_are_delivered_where_they_are_asked_for(
    house: House, browser: Browser, app: RelyingParty
) -> None:
    asked = wish(id_token={"email": None, "nothing_we_know": None}, userinfo={"phone_number": {"value": "x"}})
    tokens = house.tokens_for(app, browser, claims=asked)
    assert tokens.claims["email"] == "anna@example.lv"
    userinfo = app.userinfo(tokens.access_token)
    assert userinfo["phone_number"] == "+371 20000000"
    assert "email" not in userinfo
    assert "nothing_we_know" not in tokens.claims


def test_an_essential_claim_nobody_has_refuses_nothing(
    house: House, browser: Browser, app: RelyingParty
) -> None:
    """Core 5.5.1: "not an error" """
    asked = wish(id_token={"website": {"essential": True}}, userinfo={"nickname": {"essential": True}})
    tokens = house.tokens_for(app, browser, claims=asked)
    assert "website" not in tokens.claims


def test_a_claim_needs_a_scope_the_client_may_have(house: House, browser: Browser) -> None:
    """attack 40: personal codes are not had by asking for the single claim"""
    app = house.add_client(scope="openid profile")
    tokens = house.tokens_for(app, browser, claims=wish(id_token={"person_code": None, "email": None}))
    assert {"person_code", "email"}.isdisjoint(tokens.claims)


def test_hint_and_sub_name_one_person(house: House, anna: User, browser: Browser, app: RelyingParty) -> None:
    """attack 22"""
    hint = house.tokens_for(app, browser).id_token
    same = wish(id_token={"sub": {"value": anna.id}}, userinfo={"sub": {"value": anna.id}})
    assert house.code_for(app, browser, id_token_hint=hint, claims=same)
    for other in (wish(id_token={"sub": {"value": "x"}}), wish(userinfo={"sub": {"values": ["x"]}})):
        assert silently(house, app, browser, id_token_hint=hint, claims=other) == "invalid_request"


JSON = st.recursive(
    st.one_of(st.none(), st.booleans(), st.integers(), st.floats(), st.text(max_size=10)),
    lambda inner: st.one_of(
        st.lists(inner, max_size=3), st.dictionaries(st.text(max_size=8), inner, max_size=3)
    ),
    max_leaves=10,
)
KNOWN = st.sampled_from([*SCOPE_OF, "sub", "acr", "auth_time", "unknown"])
WISH = st.one_of(
    st.none(),
    st.fixed_dictionaries(
        {}, optional={"essential": JSON, "value": JSON, "values": st.lists(JSON, max_size=3)}
    ),
    JSON,
)
PARTS = st.dictionaries(
    st.sampled_from(["id_token", "userinfo", "other"]), st.dictionaries(KNOWN, WISH, max_size=4)
)


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture], deadline=None)
@given(asked=st.one_of(PARTS, JSON).map(json.dumps))
def test_whatever_claims_asks_is_answered_or_refused_by_the_book(
    house: House, browser: Browser, app: RelyingParty, asked: str
) -> None:
    """attack 43: no request breaks anything, and none opens a claim beyond the client's scopes"""
    question = app.ask(claims=asked)
    outcome = house.visit(question, browser)
    assert isinstance(outcome, Answer | SignIn)
    if isinstance(outcome, Answer) and "error" in dict(outcome.fields):
        assert dict(outcome.fields)["error"] in {"invalid_request", "unmet_authentication_requirements"}


@given(asked=PARTS.map(json.dumps), scopes=st.sets(st.sampled_from(sorted(BY_SCOPE))))
def test_what_is_kept_of_claims_is_within_the_scopes(asked: str, scopes: set[str]) -> None:
    try:
        kept = parse_claims_request(asked).limited_to(scopes)
    except ProtocolError:
        return
    assert set(kept) <= {"id_token", "userinfo"}
    assert all(SCOPE_OF[name] in scopes for names in kept.values() for name in names)


# One frozen value ----------------------------------------------------------------------------------------


def parsed(house: House, question: Question, browser: Browser) -> AuthorizationRequest:
    request_id = house.request_of(house.visit(question, browser), browser)
    kept = house.openid.authorization._pending.find(request_id, browser=browser.id)
    assert kept is not None
    return kept


def test_a_request_is_the_same_after_it_has_waited(house: House, app: RelyingParty) -> None:
    app = house.add_client(
        authorization_details_types=["lv.visvaris.data_exchange"], own={"resources": ["https://a.example"]}
    )
    detail = {"type": "lv.visvaris.data_exchange", "programme": "p", "agreement": "a", "municipality": RIGA}
    question = app.ask(
        prompt="login consent",
        max_age="5",
        resource="https://a.example",
        acr_values=MFA,
        ui_locales="en lv",
        response_mode="form_post.jwt",
        dpop_jkt="k" * 43,
        claims=wish(id_token={"email": None}),
        authorization_details=json.dumps([detail]),
    )
    request = parsed(house, question, house.stranger())
    again = AuthorizationRequest.from_json(json.loads(json.dumps(request.to_json())))
    assert again == request
    with pytest.raises(AttributeError):
        request.state = "other"  # type: ignore[misc]


def test_every_rule_holds_somewhere_and_says_where() -> None:
    assert all(channels and channels <= set(Channel) for _, channels in CHECKS)
    assert len({check for check, _ in CHECKS}) == len(CHECKS)


# Posted --------------------------------------------------------------------------------------------------


def test_what_is_too_long_for_a_url_waits_once_for_the_same_browser(
    house: House, browser: Browser, app: RelyingParty
) -> None:
    """oidcc-ensure-post-request-succeeds, with more than fits into a URL (attack 20)"""
    authorization = house.openid.authorization
    question = app.ask(login_hint="x" * 5000)
    kept = authorization.keep_posted(Parameters.parse(query_of(question.url)))
    assert len(kept.pairs()) == 2
    outcome = authorization.begin(kept, browser)
    assert house.code_in(app, question, outcome)
    with pytest.raises(ProtocolError) as again:
        authorization.begin(kept, browser)
    assert again.value.error is ErrorCode.INVALID_REQUEST_URI


def test_it_waits_for_a_minute(house: House, browser: Browser, app: RelyingParty) -> None:
    """attack 30"""
    kept = house.openid.authorization.keep_posted(Parameters.parse(query_of(app.ask().url)))
    house.world.clock.move(60)
    with pytest.raises(ProtocolError):
        house.openid.authorization.begin(kept, browser)


def test_nothing_is_kept_for_a_client_nobody_knows(house: House, app: RelyingParty) -> None:
    """attack 43"""
    for query in ("client_id=nobody&state=x", "state=x", f"client_id={app.client_id}&client_id=x"):
        before = house.rows_in_all_tables()
        with pytest.raises(ProtocolError):
            house.openid.authorization.keep_posted(Parameters.parse(query))
        assert house.rows_in_all_tables() == before


def test_a_posted_request_cannot_stand_for_another(house: House, browser: Browser, app: RelyingParty) -> None:
    """No chain of references: the second is just one that nobody registered"""
    authorization = house.openid.authorization
    inner = authorization.keep_posted(Parameters.parse(query_of(app.ask().url)))
    outer = authorization.keep_posted(inner)
    with pytest.raises(ProtocolError) as refused:
        authorization.begin(outer, browser)
    assert refused.value.error is ErrorCode.INVALID_REQUEST_URI
    assert inner.get("request_uri").startswith(PREFIX)
