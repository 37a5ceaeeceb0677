"""The authorization endpoint: which requests it takes, and where each refusal goes (RFC 6749 section 4.1.2.1)."""

import json

import pytest

from idp.models.people import User
from idp.oidc.authorization_request import Answer, ResponseMode
from idp.oidc.authorize import AskConsent, Browser, Expired, SignIn
from idp.oidc.consent import Decider
from idp.oidc.errors import ErrorCode, ProtocolError
from idp.oidc.pending import PendingRequests
from idp.oidc.requests import Parameters
from tests.idp.oidc.house import CALLBACK, ISSUER, House
from tests.support.builders import RIGA
from tests.support.relying_party import ProviderError, RelyingParty, query_of

UNREGISTERED = "https://evil.example/callback"

# Everything that is refused after the client and its redirect URI are known to be right.
REFUSED = [
    ({"response_type": None}, "invalid_request"),
    ({"response_type": "token"}, "unsupported_response_type"),
    ({"response_type": "id_token"}, "unsupported_response_type"),
    ({"response_type": "code id_token"}, "unsupported_response_type"),
    ({"response_type": "none"}, "unsupported_response_type"),
    ({"response_mode": "fragment"}, "invalid_request"),
    ({"response_mode": "fragment.jwt"}, "invalid_request"),
    ({"scope": None}, "invalid_scope"),
    ({"scope": "nothing-we-know"}, "invalid_scope"),
    ({"scope": "openid person_code"}, "invalid_scope"),
    ({"code_challenge": None, "code_challenge_method": None}, "invalid_request"),
    ({"code_challenge_method": "plain"}, "invalid_request"),
    ({"request": "eyJhbGciOiJub25lIn0.e30."}, "invalid_request_object"),
    ({"request_uri": "https://app.example.lv/request"}, "invalid_request_uri"),
    ({"request": "x.y.z", "request_uri": "https://app.example.lv/request"}, "invalid_request"),
    ({"registration": "{}"}, "registration_not_supported"),
    ({"prompt": "none login"}, "invalid_request"),
    ({"prompt": "create"}, "invalid_request"),
    ({"max_age": "soon"}, "invalid_request"),
    ({"max_age": "-1"}, "invalid_request"),
    ({"resource": "https://unknown.example"}, "invalid_target"),
    ({"claims": "{"}, "invalid_request"),
    ({"claims": "[]"}, "invalid_request"),
    ({"claims": '{"userinfo": []}'}, "invalid_request"),
    ({"claims": '{"userinfo": {"name": "yes"}}'}, "invalid_request"),
    (
        {"claims": '{"id_token": {"acr": {"essential": true, "values": ["gold"]}}}'},
        "unmet_authentication_requirements",
    ),
    ({"claims": '{"id_token": {"sub": {"value": 7}}}'}, "invalid_request"),
    ({"claims": '{"id_token": {"sub": {"values": ["a", "b"]}}}'}, "invalid_request"),
    ({"id_token_hint": "x.y.z"}, "invalid_request"),
    ({"dpop_jkt": "short"}, "invalid_request"),
    ({"authorization_details": "[]"}, "invalid_authorization_details"),
    ({"authorization_details": '[{"type": "unknown"}]'}, "invalid_authorization_details"),
    ({"state": "s" * 1001}, "invalid_request"),
    ({"nonce": "n" * 1001}, "invalid_request"),
]


@pytest.mark.parametrize(("asked", "error"), REFUSED)
def test_an_error_goes_back_with_state_and_issuer(
    house: House, browser: Browser, app: RelyingParty, asked: dict[str, str | None], error: str
) -> None:
    """attack 10: `read_answer` insists on the issuer (RFC 9207)"""
    question = app.ask(**asked)
    outcome = house.visit(question, browser)
    assert isinstance(outcome, Answer)
    with pytest.raises(ProviderError) as refused:
        app.read_answer(question, outcome.location())
    assert refused.value.error == error


@pytest.mark.parametrize(("asked", "error"), REFUSED)
def test_no_error_is_sent_to_an_unregistered_address(
    house: House, browser: Browser, app: RelyingParty, asked: dict[str, str | None], error: str
) -> None:
    """attack 6: for every error there is"""
    with pytest.raises(ProtocolError):
        house.visit(app.ask(**{"redirect_uri": UNREGISTERED, **asked}), browser)


@pytest.mark.parametrize(("asked", "error"), REFUSED)
def test_no_error_is_sent_for_an_unknown_or_disabled_client(
    house: House, browser: Browser, app: RelyingParty, asked: dict[str, str | None], error: str
) -> None:
    """attack 6"""
    with pytest.raises(ProtocolError):
        house.visit(app.ask(**{"client_id": "nobody", **asked}), browser)
    with house.world.database.begin() as work:
        work.clients.set_disabled(app.client_id, True)
    with pytest.raises(ProtocolError):
        house.visit(app.ask(**asked), browser)


@pytest.mark.parametrize("missing", ["client_id", "redirect_uri"])
def test_a_request_without_client_or_redirect_uri_gets_a_page(
    house: House, browser: Browser, app: RelyingParty, missing: str
) -> None:
    """attack 6"""
    with pytest.raises(ProtocolError):
        house.visit(app.ask(**{missing: None}), browser)


@pytest.mark.parametrize("name", ["client_id", "redirect_uri"])
def test_which_client_or_address_is_meant_must_be_clear(
    house: House, browser: Browser, app: RelyingParty, name: str
) -> None:
    """attack 3: duplicated parameter"""
    query = query_of(app.ask().url)
    for doubled in (f"{query}&{name}=x", f"{name}=x&{query}"):
        with pytest.raises(ProtocolError):
            house.openid.authorization.begin(Parameters.parse(doubled), browser)


@pytest.mark.parametrize(
    "name", ["scope", "state", "nonce", "response_type", "code_challenge", "code_challenge_method", "prompt"]
)
def test_a_parameter_that_comes_twice_is_an_error(
    house: House, browser: Browser, app: RelyingParty, name: str
) -> None:
    """attack 3, attack 13: duplicate parameters"""
    query = f"{query_of(app.ask(prompt='consent').url)}&{name}=x"
    outcome = house.openid.authorization.begin(Parameters.parse(query), browser)
    assert isinstance(outcome, Answer)
    assert dict(outcome.fields)["error"] == "invalid_request"
    assert dict(outcome.fields)["iss"] == ISSUER


def test_unknown_and_empty_parameters_are_ignored(house: House, browser: Browser, app: RelyingParty) -> None:
    assert house.code_for(
        app, browser, foo="bar", display="popup", claims_locales="lv", login_hint="", prompt=""
    )


def test_unknown_scopes_are_ignored(house: House, browser: Browser, app: RelyingParty) -> None:
    assert house.tokens_for(app, browser, scope="openid email fly").scope == {"openid", "email"}


def test_the_query_of_a_redirect_uri_is_kept(house: House, browser: Browser) -> None:
    app = house.add_client(redirect_uris=[f"{CALLBACK}?tenant=riga&x=%20"])
    assert house.tokens_for(app, browser).claims["sub"]


def test_an_answer_can_come_in_a_form(house: House, browser: Browser, app: RelyingParty) -> None:
    """attack 7: the mode is that of the request, errors included"""
    for asked in ({}, {"scope": "person_code"}):
        question = app.ask(response_mode="form_post", **asked)
        outcome = house.visit(question, browser)
        assert isinstance(outcome, Answer)
        assert outcome.response_mode is ResponseMode.FORM_POST
        assert outcome.redirect_uri == CALLBACK
        if not asked:
            answer = app.check_answer(question, list(outcome.fields))
            assert app.redeem(question, answer["code"]).claims["sub"]


def test_a_client_without_the_code_grant_is_refused(house: House, browser: Browser) -> None:
    service = house.add_service(redirect_uris=[CALLBACK])
    with pytest.raises(ProviderError, match="unauthorized_client"):
        house.code_for(service, browser, scope="fines.read")


def test_error_descriptions_fit_every_channel(house: House, browser: Browser, app: RelyingParty) -> None:
    """RFC 6749 section 5.2: no quotes, no backslash, nothing that is not ASCII"""
    for asked, _ in REFUSED:
        outcome = house.visit(app.ask(**asked), browser)
        assert isinstance(outcome, Answer)
        description = dict(outcome.fields)["error_description"]
        assert all(" " <= char <= "~" and char not in '"\\' for char in description), description


# Waiting for a person -----------------------------------------------------------------------------------


def test_who_is_not_signed_in_is_sent_to_sign_in_and_comes_back(
    house: House, anna: User, app: RelyingParty
) -> None:
    question, stranger = app.ask(), house.stranger()
    outcome = house.visit(question, stranger)
    assert isinstance(outcome, SignIn)
    back = house.come_back(outcome, stranger, anna)
    assert house.code_in(app, question, house.openid.authorization.resume(back.request_id, back.browser))
    assert house.openid.authorization.resume(back.request_id, back.browser) == Expired()


def test_a_waiting_request_is_bound_to_its_browser(house: House, anna: User, app: RelyingParty) -> None:
    """attack 24: nobody else's browser can be made to finish it"""
    stranger = house.stranger()
    outcome = house.visit(app.ask(), stranger)
    back = house.come_back(outcome, stranger, anna)
    other = house.sign_in(anna)
    assert house.openid.authorization.resume(back.request_id, other) == Expired()
    assert house.openid.authorization.look_at_consent(back.request_id, other) == Expired()
    assert house.openid.authorization.decide_consent(back.request_id, other, allow=True) == Expired()


def test_a_waiting_request_expires(house: House, anna: User, app: RelyingParty) -> None:
    """attack 30"""
    stranger = house.stranger()
    back = house.come_back(house.visit(app.ask(), stranger), stranger, anna)
    house.world.clock.move(30 * 60)
    assert house.openid.authorization.resume(back.request_id, back.browser) == Expired()


def test_a_client_disabled_while_the_person_signs_in_gets_nothing(
    house: House, anna: User, app: RelyingParty
) -> None:
    """attack 14"""
    stranger = house.stranger()
    back = house.come_back(house.visit(app.ask(), stranger), stranger, anna)
    with house.world.database.begin() as work:
        work.clients.set_disabled(app.client_id, True)
    with pytest.raises(ProtocolError) as refused:
        house.openid.authorization.resume(back.request_id, back.browser)
    assert refused.value.error is ErrorCode.UNAUTHORIZED_CLIENT


def test_an_address_that_the_client_gave_up_while_the_person_signs_in_gets_nothing(
    house: House, anna: User, app: RelyingParty
) -> None:
    """attack 6"""
    stranger = house.stranger()
    back = house.come_back(house.visit(app.ask(), stranger), stranger, anna)
    with house.world.database.begin() as work:
        client = work.clients.get(app.client_id)
        work.clients.replace_registration(
            app.client_id,
            registered={**client.registered, "redirect_uris": ["https://app.example.lv/another"]},
            audience=client.audience,
            resources=client.resources,
        )
    with pytest.raises(ProtocolError) as refused:
        house.openid.authorization.resume(back.request_id, back.browser)
    assert refused.value.error is ErrorCode.INVALID_REQUEST


# prompt, max_age, acr -----------------------------------------------------------------------------------


def silently(house: House, app: RelyingParty, browser: Browser, **asked: str | None) -> str:
    with pytest.raises(ProviderError) as refused:
        house.code_for(app, browser, prompt="none", **asked)
    return refused.value.error


def test_prompt_none_with_a_session(house: House, browser: Browser, app: RelyingParty) -> None:
    assert house.tokens_for(app, browser, prompt="none").claims["sub"]


def test_prompt_none_without_a_session(house: House, app: RelyingParty) -> None:
    assert silently(house, app, house.stranger()) == "login_required"


def test_prompt_none_does_not_get_around_a_second_factor(house: House, browser: Browser) -> None:
    """attack 23: an MFA step skipped by prompt=none"""
    strict = house.add_client(own={"minimum_level": "urn:visvaris:acr:mfa"})
    assert silently(house, strict, browser) == "login_required"


def test_prompt_none_without_consent(house: House, browser: Browser) -> None:
    third_party = house.add_client(own={"first_party": False})
    assert silently(house, third_party, browser) == "consent_required"


def test_prompt_none_for_somebody_who_may_not(house: House, browser: Browser) -> None:
    closed = house.add_client(own={"roles": ["grāmatveži"]})
    assert silently(house, closed, browser) == "access_denied"


def test_prompt_none_when_a_post_must_be_chosen(house: House, anna: User, browser: Browser) -> None:
    house.employ(anna)
    chooser = house.add_client(own={"needs_employment": True})
    assert silently(house, chooser, browser) == "interaction_required"


def test_prompt_none_when_the_sign_in_is_too_old(house: House, browser: Browser, app: RelyingParty) -> None:
    house.world.clock.move(120)
    assert silently(house, app, browser, max_age="60") == "login_required"
    assert house.code_for(app, browser, prompt="none", max_age="600")


@pytest.mark.parametrize("asked", [{"prompt": "login"}, {"max_age": "1"}, {"max_age": "0"}])
def test_who_must_sign_in_again_has_done_so_when_back(
    house: House, anna: User, browser: Browser, app: RelyingParty, asked: dict[str, str]
) -> None:
    """attack 23: coming back without having signed in changes nothing"""
    house.world.clock.move(60)
    question = app.ask(**asked)
    outcome = house.visit(question, browser)
    assert isinstance(outcome, SignIn)
    request_id = house.request_of(outcome, browser)
    again = house.openid.authorization.resume(request_id, browser)
    assert isinstance(again, SignIn)
    house.world.clock.move(20)
    back = house.come_back(again, browser, anna)
    code = house.code_in(app, question, house.openid.authorization.resume(back.request_id, back.browser))
    assert app.redeem(question, code).claims["auth_time"] == int(house.world.clock.at)


def test_prompt_login_asks_whoever_has_signed_in_this_very_moment(
    house: House, browser: Browser, app: RelyingParty
) -> None:
    """attack 23: no clock decides it, since that of the machine where they signed in may be ahead"""
    assert isinstance(house.visit(app.ask(prompt="login"), browser), SignIn)
    house.world.clock.move(-5)
    assert isinstance(house.visit(app.ask(prompt="login"), browser), SignIn)


def test_default_max_age_of_the_client_counts(house: House, browser: Browser) -> None:
    app = house.add_client(default_max_age=30)
    house.world.clock.move(60)
    assert isinstance(house.visit(app.ask(), browser), SignIn)
    assert house.code_for(app, browser, max_age="600")


def test_prompt_select_account_asks_once(
    house: House, anna: User, browser: Browser, app: RelyingParty
) -> None:
    question = app.ask(prompt="select_account")
    outcome = house.visit(question, browser)
    assert isinstance(outcome, SignIn)
    request_id = house.request_of(outcome, browser)
    assert house.code_in(app, question, house.openid.authorization.resume(request_id, browser))


def test_a_client_may_demand_a_level(house: House, anna: User, browser: Browser) -> None:
    strict = house.add_client(own={"minimum_level": "urn:visvaris:acr:mfa"})
    assert isinstance(house.visit(strict.ask(), browser), SignIn)
    house.give_authenticator(anna)
    both = house.sign_in(anna, "password", "totp")
    claims = house.tokens_for(strict, both).claims
    assert claims["acr"] == "urn:visvaris:acr:mfa"
    assert set(claims["amr"]) == {"pwd", "otp", "mfa"}


def test_acr_values_ask_for_what_the_person_can_reach(
    house: House, anna: User, browser: Browser, app: RelyingParty
) -> None:
    """Anna may set up an authenticator on the way, so she is asked to."""
    house.permit(RIGA, first_enrolment=True)
    assert isinstance(house.visit(app.ask(acr_values="urn:visvaris:acr:mfa"), browser), SignIn)
    assert isinstance(house.visit(app.ask(acr_values="phr urn:visvaris:acr:mfa"), browser), SignIn)
    assert house.code_for(app, browser, acr_values="phr")
    assert house.code_for(app, browser, acr_values="urn:visvaris:acr:1fa urn:visvaris:acr:mfa")


def test_acr_values_are_never_a_reason_to_refuse(house: House, browser: Browser, app: RelyingParty) -> None:
    """Core 3.1.2.1: voluntary"""
    for wish in ("phr", "unknown", "phr unknown urn:visvaris:acr:1fa"):
        assert house.tokens_for(app, browser, acr_values=wish).claims["acr"] == "urn:visvaris:acr:1fa"
    assert house.code_for(app, browser, acr_values="urn:visvaris:acr:mfa", prompt="none")


def test_an_essential_acr_must_be_reached_and_is_told_as_named(
    house: House, anna: User, browser: Browser, app: RelyingParty
) -> None:
    """Core 5.5.1.1"""

    def essential(*values: str) -> str:
        return json.dumps({"id_token": {"acr": {"essential": True, "values": values}}})

    assert silently(house, app, browser, claims=essential("urn:visvaris:acr:mfa")) == "login_required"
    house.give_authenticator(anna)
    both = house.sign_in(anna, "password", "totp")
    told = house.tokens_for(app, both, claims=essential("urn:visvaris:acr:1fa")).claims["acr"]
    assert told == "urn:visvaris:acr:1fa"


def test_a_hint_of_somebody_else_is_not_the_person_signed_in(
    house: House, browser: Browser, app: RelyingParty
) -> None:
    """attack 22"""
    berta = house.add_person("berta")
    house.employ(berta)
    hint = house.tokens_for(app, house.sign_in(berta)).id_token
    assert silently(house, app, browser, id_token_hint=hint) == "login_required"
    own = house.tokens_for(app, browser).id_token
    assert house.code_for(app, browser, prompt="none", id_token_hint=own)


def test_a_hint_may_be_old_but_not_another_clients(house: House, browser: Browser, app: RelyingParty) -> None:
    hint = house.tokens_for(app, browser).id_token
    house.world.clock.move(3000)
    assert house.code_for(app, browser, prompt="none", id_token_hint=hint)
    assert silently(house, house.add_client(), browser, id_token_hint=hint) == "invalid_request"


def test_an_access_token_is_no_hint(house: House, browser: Browser, app: RelyingParty) -> None:
    """attack 16: wrong typ"""
    token = house.tokens_for(app, browser).access_token
    assert silently(house, app, browser, id_token_hint=token) == "invalid_request"


def test_a_sub_asked_for_by_value_is_that_person_or_nobody(
    house: House, browser: Browser, app: RelyingParty
) -> None:
    """Core 5.5.1"""
    claims = json.dumps({"id_token": {"sub": {"value": "somebody-else"}}})
    assert silently(house, app, browser, claims=claims) == "login_required"


# Consent ------------------------------------------------------------------------------------------------


def test_our_own_applications_are_not_asked_about(house: House, browser: Browser, app: RelyingParty) -> None:
    assert house.code_for(app, browser, prompt="consent", scope="openid offline_access")


def test_a_third_party_gets_what_the_person_allows(house: House, browser: Browser, anna: User) -> None:
    party = house.add_client(own={"first_party": False})
    question = party.ask(scope="openid email")
    outcome = house.agree(house.visit(question, browser), browser)
    assert party.redeem(question, house.code_in(party, question, outcome)).scope == {"openid", "email"}
    assert "consent.given" in house.events(anna)


def test_consent_is_remembered_until_more_is_wanted(house: House, browser: Browser) -> None:
    party = house.add_client(own={"first_party": False})
    house.agree(house.visit(party.ask(scope="openid email"), browser), browser)
    assert house.code_for(party, browser, scope="openid", prompt="none")
    assert isinstance(house.visit(party.ask(scope="openid phone"), browser), AskConsent)
    assert isinstance(house.visit(party.ask(scope="openid", prompt="consent"), browser), AskConsent)
    single = json.dumps({"userinfo": {"phone_number": None}})
    assert isinstance(house.visit(party.ask(scope="openid", claims=single), browser), AskConsent)


def test_a_refusal_goes_back_as_access_denied(house: House, browser: Browser, anna: User) -> None:
    party = house.add_client(own={"first_party": False})
    question = party.ask()
    outcome = house.agree(house.visit(question, browser), browser, allow=False)
    with pytest.raises(ProviderError, match="access_denied"):
        party.read_answer(question, outcome.location())
    assert "consent.refused" in house.events(anna)


def test_a_decision_counts_once(house: House, browser: Browser) -> None:
    party = house.add_client(own={"first_party": False})
    asked = house.visit(party.ask(), browser)
    house.agree(asked, browser)
    assert isinstance(asked, AskConsent)
    again = house.openid.authorization.decide_consent(asked.request_id, browser, allow=True)
    assert again == Expired()


def test_an_answered_request_is_not_brought_back_by_who_read_it_before(
    house: House, browser: Browser
) -> None:
    """attack 20: one look at the page, begun before the decision, ends after it"""
    party = house.add_client(own={"first_party": False})
    asked = house.visit(party.ask(), browser)
    assert isinstance(asked, AskConsent)
    pending = PendingRequests(house.world.storage.shelf, house.world.effects)
    house.openid.authorization.look_at_consent(asked.request_id, browser)
    read_before = pending.find(asked.request_id, browser=browser.id)
    assert read_before is not None
    house.agree(asked, browser)
    pending.keep(asked.request_id, read_before, browser=browser.id)
    again = house.openid.authorization.decide_consent(asked.request_id, browser, allow=True)
    assert again == Expired()
    assert house.openid.authorization.resume(asked.request_id, browser) == Expired()


def test_a_decision_without_having_seen_the_page_does_not_count(house: House, browser: Browser) -> None:
    """attack 23, attack 24"""
    party = house.add_client(own={"first_party": False})
    asked = house.visit(party.ask(), browser)
    assert isinstance(asked, AskConsent)
    assert house.openid.authorization.decide_consent(asked.request_id, browser, allow=True) == asked


def test_what_one_person_saw_another_cannot_allow(house: House, browser: Browser) -> None:
    """attack 22: Anna reads the page, Berta signs in on the same browser and presses the button"""
    party = house.add_client(own={"first_party": False})
    asked = house.visit(party.ask(), browser)
    assert isinstance(asked, AskConsent)
    house.openid.authorization.look_at_consent(asked.request_id, browser)
    berta = house.add_person("berta")
    house.employ(berta)
    same_browser = Browser(browser.id, house.sign_in(berta).signed_in)
    assert house.openid.authorization.decide_consent(asked.request_id, same_browser, allow=True) == asked
    with house.world.database.read() as work:
        assert work.grants.find_consent(berta.id, party.client_id) is None


def test_a_session_that_ends_on_the_consent_page_gives_nothing(house: House, browser: Browser) -> None:
    """attack 30"""
    party = house.add_client(own={"first_party": False})
    asked = house.visit(party.ask(), browser)
    assert isinstance(asked, AskConsent)
    house.openid.authorization.look_at_consent(asked.request_id, browser)
    gone = Browser(browser.id, None)
    assert isinstance(house.openid.authorization.decide_consent(asked.request_id, gone, allow=True), SignIn)


def test_consent_taken_back_takes_the_tokens_with_it(house: House, browser: Browser) -> None:
    party = house.add_client(own={"first_party": False})
    question = party.ask(scope="openid offline_access")
    outcome = house.agree(house.visit(question, browser), browser)
    tokens = party.redeem(question, house.code_in(party, question, outcome))
    signed_in = browser.signed_in
    assert signed_in is not None
    decider = Decider(signed_in.user_id, signed_in.session_id, "192.0.2.7")
    assert house.openid.consents.withdraw(party.client_id, decider)
    assert not house.openid.consents.withdraw(party.client_id, decider)
    assert party.introspect(tokens.access_token) == {"active": False}
    with pytest.raises(ProviderError, match="invalid_grant"):
        party.refresh(tokens.refresh_token or "")


def test_two_people_on_one_browser_share_nothing(house: House, browser: Browser, app: RelyingParty) -> None:
    """attack 22: Anna signs out, Berta signs in"""
    first = house.tokens_for(app, browser, scope="openid offline_access")
    house.end_session(browser)
    berta = house.add_person("berta")
    house.employ(berta)
    same_browser = Browser(browser.id, house.sign_in(berta).signed_in)
    second = house.tokens_for(app, same_browser, scope="openid offline_access")
    assert second.claims["sub"] == berta.id
    assert first.claims["sid"] != second.claims["sid"]
    assert first.refresh_token != second.refresh_token
    assert app.userinfo(second.access_token)["sub"] == berta.id
