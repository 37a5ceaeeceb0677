"""Pushed authorization requests (RFC 9126), as an application uses them."""

from dataclasses import replace

import pytest

from idp.models.people import User
from idp.oidc.authorization_request import Answer
from idp.oidc.authorize import AskConsent, Browser, ConsentPage, Expired, SignIn
from idp.oidc.errors import ErrorCode, ProtocolError
from tests.idp.oidc.house import House
from tests.support.authorization_requests import JWKS, KEYS, push, push_form, push_signed, sent_as
from tests.support.dpop import proving
from tests.support.relying_party import ProviderError, Question, RelyingParty

JKT = "k" * 43
OTHER_JKT = "o" * 43


def refused_with_a_page(house: House, question: Question, browser: Browser) -> ErrorCode:
    with pytest.raises(ProtocolError) as refused:
        house.visit(question, browser)
    return refused.value.error


def refused(party: RelyingParty, **asked: str | None) -> str:
    with pytest.raises(ProviderError) as error:
        push(party, party.ask(**asked))
    assert error.value.status == 400
    return error.value.error


def code_from(house: House, party: RelyingParty, question: Question, browser: Browser) -> str:
    return house.code_in(party, question, house.visit(question, browser))


def test_a_pushed_request_is_answered(house: House, browser: Browser, app: RelyingParty) -> None:
    question = push(app, app.ask(scope="openid email"))
    tokens = app.redeem(question, code_from(house, app, question, browser))
    assert tokens.scope == {"openid", "email"}


def test_the_client_must_prove_itself(house: House, app: RelyingParty) -> None:
    stranger = replace(app, secret="wrong")
    with pytest.raises(ProviderError, match="invalid_client") as error:
        push(stranger, stranger.ask())
    assert error.value.status == 401


def test_a_public_client_may_push_too(house: House, browser: Browser) -> None:
    public = house.add_client(token_endpoint_auth_method="none")
    question = push(public, public.ask())
    assert public.redeem(question, code_from(house, public, question, browser)).claims["sub"]


def test_who_it_is_need_not_be_said_twice(house: House, browser: Browser, app: RelyingParty) -> None:
    question = app.ask()
    pushed = push_form(app, question, {**question.parameters, "client_id": None})
    assert code_from(house, app, pushed, browser)


def test_the_secret_is_not_kept_with_the_request(
    house: House, browser: Browser, monkeypatch: pytest.MonkeyPatch
) -> None:
    """attack 44"""
    party = house.add_client(token_endpoint_auth_method="client_secret_post")
    kept: list[str] = []
    put = house.world.storage.shelf.put
    monkeypatch.setattr(
        house.world.storage.shelf,
        "put",
        lambda *args, **more: (kept.append(repr(args)), put(*args, **more))[1],
    )
    push(party, party.ask(some_unknown_parameter="x"))
    assert len(kept) == 1
    assert party.secret not in kept[0]
    assert "some_unknown_parameter" not in kept[0]


@pytest.mark.parametrize(
    ("asked", "error"),
    [
        ({"redirect_uri": "https://evil.example/callback"}, "invalid_request"),
        ({"redirect_uri": None}, "invalid_request"),
        ({"request_uri": "urn:ietf:params:oauth:request_uri:x"}, "invalid_request"),
        ({"request_uri": "https://app.example.lv/object"}, "invalid_request"),
        ({"response_type": "token"}, "unsupported_response_type"),
        ({"response_type": None}, "invalid_request"),
        ({"scope": "openid person_code"}, "invalid_scope"),
        ({"code_challenge_method": "plain"}, "invalid_request"),
        ({"code_challenge": None, "code_challenge_method": None}, "invalid_request"),
        ({"resource": "https://unknown.example"}, "invalid_target"),
        ({"claims": "["}, "invalid_request"),
        ({"request": "x.y.z"}, "invalid_request_object"),
        ({"response_mode": "fragment"}, "invalid_request"),
        ({"dpop_jkt": "no-thumbprint"}, "invalid_request"),
    ],
)
def test_a_request_that_is_not_in_order_is_refused_at_once(
    app: RelyingParty, asked: dict[str, str | None], error: str
) -> None:
    """attack 1, attack 6, attack 13: nothing waits for the browser"""
    assert refused(app, **asked) == error


def test_parameters_come_once_and_in_a_body(house: House, app: RelyingParty) -> None:
    """attack 3"""
    headers, _ = app.credentials()
    body = "&".join(
        f"{name}={value}" for name, value in app.ask().parameters.items() if name != "redirect_uri"
    )
    assert house.post_raw("/par", f"{body}&scope=openid", headers).json()["error"] == "invalid_request"
    assert house.http.get("/par").status_code == 405


def test_it_is_used_once(house: House, browser: Browser, app: RelyingParty) -> None:
    """attack 20: PAR request_uri reuse"""
    question = push(app, app.ask())
    assert code_from(house, app, question, browser)
    assert refused_with_a_page(house, question, browser) is ErrorCode.INVALID_REQUEST_URI


def test_an_error_uses_it_up_too(house: House, app: RelyingParty) -> None:
    question = push(app, app.ask(prompt="none"))
    stranger = house.stranger()
    assert isinstance(house.visit(question, stranger), Answer)
    assert refused_with_a_page(house, question, stranger) is ErrorCode.INVALID_REQUEST_URI


def test_ensure_reused_request_uri_prior_to_auth_completion_succeeds(
    house: House, anna: User, app: RelyingParty
) -> None:
    """fapi2-…-par-ensure-reused-request-uri-prior-to-auth-completion-succeeds: looking is not using"""
    question = push(app, app.ask())
    first, second = house.stranger(), house.stranger()
    begun = [(who, house.come_back(house.visit(question, who), who, anna)) for who in (first, second)]
    answers = [house.openid.authorization.resume(back.request_id, back.browser) for _, back in begun]
    assert house.code_in(app, question, answers[0])
    assert answers[1] == Expired()


def test_it_stays_used_for_as_long_as_a_sign_in_begun_with_it_lasts(
    house: House, anna: User, app: RelyingParty
) -> None:
    """attack 20: the second browser waits until the reference itself is long forgotten"""
    question = push(app, app.ask())
    house.world.clock.move(89)
    browsers = [house.stranger(), house.stranger()]
    begun = [house.visit(question, browser) for browser in browsers]
    backs = [house.come_back(outcome, who, anna) for outcome, who in zip(begun, browsers, strict=True)]
    assert house.code_in(
        app, question, house.openid.authorization.resume(backs[0].request_id, backs[0].browser)
    )
    house.world.clock.move(30 * 60 - 1)
    late = house.come_back(begun[1], browsers[1], anna)
    assert house.openid.authorization.resume(late.request_id, late.browser) == Expired()


def test_a_sign_in_may_take_longer_than_the_reference_lives(
    house: House, anna: User, app: RelyingParty
) -> None:
    question, stranger = push(app, app.ask()), house.stranger()
    begun = house.visit(question, stranger)
    house.world.clock.move(600)
    back = house.come_back(begun, stranger, anna)
    assert house.code_in(app, question, house.openid.authorization.resume(back.request_id, back.browser))


def test_it_expires(house: House, browser: Browser, app: RelyingParty) -> None:
    """attack 30"""
    question = push(app, app.ask())
    house.world.clock.move(90)
    assert refused_with_a_page(house, question, browser) is ErrorCode.INVALID_REQUEST_URI


def test_it_is_of_the_client_that_pushed_it(house: House, browser: Browser, app: RelyingParty) -> None:
    """attack 20: cross-client; the owner's is not used up by it"""
    other = house.add_client()
    question = push(app, app.ask())
    uri = dict(pair.split("=") for pair in question.url.partition("?")[2].split("&"))["request_uri"]
    stolen = replace(question, url=f"{app.issuer}/authorize?client_id={other.client_id}&request_uri={uri}")
    assert refused_with_a_page(house, stolen, browser) is ErrorCode.INVALID_REQUEST_URI
    assert code_from(house, app, question, browser)


def test_an_unknown_reference_is_never_answered_at_an_address_beside_it(
    house: House, browser: Browser, app: RelyingParty
) -> None:
    """RFC 9126 section 4: what else is in the URL does not count, so no error can go there (attack 6)"""
    question = sent_as(
        app.ask(),
        app,
        request_uri="urn:ietf:params:oauth:request_uri:made-up",
        redirect_uri=app.redirect_uri,
        response_type="code",
    )
    assert refused_with_a_page(house, question, browser) is ErrorCode.INVALID_REQUEST_URI


def test_other_parameters_beside_the_reference_do_not_count(
    house: House, browser: Browser, app: RelyingParty
) -> None:
    pushed = push(app, app.ask(scope="openid email"))
    added = replace(
        pushed, url=f"{pushed.url}&scope=openid+phone&state=other&redirect_uri=https://evil.example/"
    )
    tokens = app.redeem(added, code_from(house, app, added, browser))
    assert tokens.scope == {"openid", "email"}


def test_what_was_right_when_pushed_is_judged_again(
    house: House, browser: Browser, app: RelyingParty
) -> None:
    """A client that lost a redirect URI in between gets nothing there (attack 6)"""
    question = push(app, app.ask())
    with house.world.database.begin() as work:
        client = work.clients.get(app.client_id)
        registered = {**client.registered, "redirect_uris": ["https://app.example.lv/new"]}
        work.clients.replace_registration(app.client_id, registered=registered, audience=None, resources=[])
    house.world.clock.move(2)
    assert refused_with_a_page(house, question, browser) is ErrorCode.INVALID_REQUEST


def test_a_disabled_client_gets_nothing(house: House, browser: Browser, app: RelyingParty) -> None:
    question = push(app, app.ask())
    with house.world.database.begin() as work:
        work.clients.set_disabled(app.client_id, True)
    assert refused_with_a_page(house, question, browser) is ErrorCode.UNAUTHORIZED_CLIENT


def test_a_client_may_be_bound_to_pushing(house: House, browser: Browser) -> None:
    """RFC 9126 section 6"""
    party = house.add_client(require_pushed_authorization_requests=True)
    with pytest.raises(ProviderError, match="invalid_request"):
        house.code_for(party, browser)
    question = push(party, party.ask())
    assert code_from(house, party, question, browser)


def test_max_age_counts_from_when_the_browser_comes(
    house: House, anna: User, browser: Browser, app: RelyingParty
) -> None:
    question = push(app, app.ask(max_age="30"))
    house.world.clock.move(60)
    assert isinstance(house.visit(question, browser), SignIn)


def test_consent_is_asked_and_answered_once(house: House, browser: Browser) -> None:
    third = house.add_client(own={"first_party": False})
    question = push(third, third.ask())
    first, second = house.visit(question, browser), house.visit(question, browser)
    assert isinstance(first, AskConsent)
    assert isinstance(second, AskConsent)
    assert isinstance(house.openid.authorization.look_at_consent(second.request_id, browser), ConsentPage)
    assert house.code_in(third, question, house.agree(first, browser))
    assert house.openid.authorization.decide_consent(second.request_id, browser, allow=True) == Expired()


# Signed and pushed ---------------------------------------------------------------------------------------


def signing(house: House, **metadata: object) -> RelyingParty:
    party = house.add_client(jwks=JWKS, **metadata)
    party.key = KEYS["ES256"]
    return party


def test_a_request_object_may_be_pushed(house: House, browser: Browser) -> None:
    """RFC 9126 section 3"""
    party = signing(house, require_signed_request_object=True)
    question = push_signed(party, party.ask(scope="openid email"))
    assert party.redeem(question, code_from(house, party, question, browser)).scope == {"openid", "email"}


def test_only_what_is_in_the_object_counts(house: House, browser: Browser) -> None:
    """fapi2-message-signing-…-state-only-outside-request-object-not-used"""
    party = signing(house)
    question = party.ask()
    inside = push_signed(party, question, state=None)
    outcome = house.visit(inside, browser)
    assert isinstance(outcome, Answer)
    assert "state" not in dict(outcome.fields)


def test_an_unsigned_request_is_refused_where_signing_is_registered(house: House) -> None:
    party = signing(house, require_signed_request_object=True)
    assert refused(party) == "invalid_request"


# The key of a proof of possession ------------------------------------------------------------------------


def code_contents_of(house: House, app: RelyingParty, question: Question, browser: Browser) -> str | None:
    contents = house.openid.authorization._codes.find(code_from(house, app, question, browser))
    assert contents is not None
    return contents.dpop_jkt


def test_the_code_is_bound_to_the_key_that_was_named(
    house: House, browser: Browser, app: RelyingParty
) -> None:
    """RFC 9449 section 10, at both endpoints"""
    assert code_contents_of(house, app, push(app, app.ask(dpop_jkt=JKT)), browser) == JKT
    assert code_contents_of(house, app, app.ask(dpop_jkt=JKT), browser) == JKT
    assert code_contents_of(house, app, push(app, app.ask()), browser) is None


def test_the_code_is_bound_to_the_key_that_was_proven(
    house: House, browser: Browser, app: RelyingParty
) -> None:
    """RFC 9449 section 10.1"""
    party = proving(app)
    assert code_contents_of(house, party, push(party, party.ask()), browser) == party.jkt
    assert code_contents_of(house, party, push(party, party.ask(dpop_jkt=party.jkt)), browser) == party.jkt
    assert refused(party, dpop_jkt=OTHER_JKT) == "invalid_dpop_proof"


def test_a_key_proven_when_pushing_must_be_proven_when_redeeming(
    house: House, browser: Browser, app: RelyingParty
) -> None:
    """attack 20"""
    party = proving(app)
    question = push(party, party.ask())
    code = house.code_in(party, question, house.visit(question, browser))
    with pytest.raises(ProviderError, match="invalid_dpop_proof"):
        app.redeem(question, code)
    question = push(party, party.ask())
    code = house.code_in(party, question, house.visit(question, browser))
    with pytest.raises(ProviderError, match="invalid_grant"):
        proving(app).redeem(question, code)
    question = push(party, party.ask())
    code = house.code_in(party, question, house.visit(question, browser))
    assert party.redeem(question, code).access_token


def test_a_proof_that_was_used_pushes_nothing(house: House, app: RelyingParty) -> None:
    """attack 20"""
    party = proving(app)
    shown, form = party.prove("POST", "/par"), dict(party.ask().parameters)
    assert party.post_with("/par", form, shown).status_code == 201
    assert party.post_with("/par", form, shown).json()["error"] == "invalid_dpop_proof"
