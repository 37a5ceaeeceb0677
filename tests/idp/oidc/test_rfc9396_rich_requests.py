"""Rich authorization requests (RFC 9396): what may be asked for, who gets it, and where it shows."""

import json
from collections.abc import Mapping
from dataclasses import replace
from typing import Any

import pytest
from joserfc import jws

from idp.models.people import User
from idp.oidc.authorization_details import TYPES, texts_of
from idp.oidc.authorization_request import Answer
from idp.oidc.authorize import AskConsent, Browser, ConsentPage, SignIn
from idp.oidc.errors import ErrorCode, ProtocolError
from tests.idp.oidc.house import House
from tests.support.authorization_requests import JWKS, push, request_object, sent_as
from tests.support.builders import ADAZI, KEKAVA, RIGA, add_municipality
from tests.support.relying_party import ProviderError, RelyingParty

LOOKUP = "lv.visvaris.vehicle_lookup"
EXCHANGE = "lv.visvaris.data_exchange"
BOTH = [LOOKUP, EXCHANGE]


def lookup(**changed: Any) -> dict[str, Any]:
    detail = {
        "type": LOOKUP,
        "purpose": "Stāvvietas pārkāpums",
        "case_number": "2026/17",
        "legal_basis": "Ceļu satiksmes likuma 43. pants",
        "municipality": RIGA,
        **changed,
    }
    return {name: value for name, value in detail.items() if value is not None}


def exchange(**changed: Any) -> dict[str, Any]:
    return {
        "type": EXCHANGE,
        "programme": "PII",
        "agreement": "2026-004",
        "municipality": RIGA,
        **changed,
    }


def as_text(*details: Mapping[str, Any]) -> str:
    return json.dumps(details)


def answer_of(party: RelyingParty, form: Mapping[str, str | None]) -> dict[str, Any]:
    reply = party.post("/token", form)
    body: dict[str, Any] = reply.json()
    if reply.status_code != 200:
        raise ProviderError(body["error"], body.get("error_description", ""), status=reply.status_code)
    return body


def redeemed(
    house: House, party: RelyingParty, browser: Browser, *details: Any, **form: str
) -> dict[str, Any]:
    question, code = house.code_for(
        party, browser, scope="openid offline_access", authorization_details=as_text(*details)
    )
    return answer_of(
        party,
        {
            "grant_type": "authorization_code",
            "code": code,
            "redirect_uri": party.redirect_uri,
            "code_verifier": question.verifier,
            **form,
        },
    )


def content_of(token: str) -> dict[str, Any]:
    content: dict[str, Any] = json.loads(jws.extract_compact(token.encode()).payload)
    return content


def error_of(outcome: object) -> str:
    assert isinstance(outcome, Answer), outcome
    return dict(outcome.fields)["error"]


@pytest.fixture
def rich(house: House) -> RelyingParty:
    """An application of ours that may use both types."""
    return house.add_client(authorization_details_types=BOTH)


@pytest.fixture
def third(house: House) -> RelyingParty:
    return house.add_client(authorization_details_types=BOTH, own={"first_party": False})


@pytest.fixture
def kekava(house: House) -> str:
    with house.world.database.begin() as work:
        add_municipality(work, KEKAVA, "Ķekavas novads")
    house.permit(KEKAVA)
    return KEKAVA


def test_the_types_are_announced(app: RelyingParty) -> None:
    assert app.metadata()["authorization_details_types_supported"] == BOTH


# What may be asked for -----------------------------------------------------------------------------------

WRONG = {
    "not JSON": "[",
    "not a list": json.dumps(lookup()),
    "empty": "[]",
    "not objects": '["x"]',
    "without a type": '[{"purpose": "x"}]',
    "a type that is no text": '[{"type": 7}]',
    "a type nobody knows": '[{"type": "lv.visvaris.unknown"}]',
    "a member twice": '[{"type": "lv.visvaris.data_exchange", "type": "lv.visvaris.vehicle_lookup"}]',
    "a member is missing": as_text(lookup(purpose=None)),
    "a member too many": as_text(lookup(extra="x")),
    "a common member we do not understand": as_text(lookup(actions=["delete"])),
    "empty text": as_text(lookup(purpose="")),
    "only spaces": as_text(lookup(purpose="   ")),
    "a number": as_text(lookup(case_number=17)),
    "a list": as_text(lookup(purpose=["x"])),
    "too long": as_text(lookup(purpose="x" * 201)),
    "a line break": as_text(lookup(purpose="a\nb")),
    "text that turns around": as_text(lookup(purpose="a\u202eb")),
    "half a letter": as_text(lookup(purpose="\ud800")),
    "no ATVK code": as_text(lookup(municipality="Rīga")),
    "an ATVK code and more": as_text(lookup(municipality="0001000\n")),
    "other digits": as_text(lookup(municipality="٠٠٠١٠٠٠")),
    "two municipalities": as_text(lookup(), exchange(municipality=KEKAVA)),
    "more than ten": as_text(*(lookup(case_number=str(number)) for number in range(11))),
    "endless": as_text(lookup()) + " " * 8000,
    "deep": "[" * 2000 + "]" * 2000,
}


@pytest.mark.parametrize("case", WRONG)
def test_details_that_are_not_as_their_type_says_are_refused(
    house: House, browser: Browser, rich: RelyingParty, case: str
) -> None:
    """Section 5; attack 42, attack 43"""
    question = rich.ask(authorization_details=WRONG[case])
    with pytest.raises(ProviderError, match="invalid_authorization_details"):
        rich.read_answer(question, house.visit(question, browser).location())
    with pytest.raises(ProviderError, match="invalid_authorization_details"):
        push(rich, question)


def test_a_mistake_is_named(house: House, browser: Browser, rich: RelyingParty) -> None:
    outcome = house.visit(rich.ask(authorization_details=as_text(lookup(purpose="x" * 300))), browser)
    assert "purpose" in dict(outcome.fields)["error_description"]
    outcome = house.visit(rich.ask(authorization_details=as_text(lookup(**{'<"x">': "y"}))), browser)
    assert "<" not in dict(outcome.fields)["error_description"]


def test_a_client_uses_the_types_it_is_registered_for(
    house: House, browser: Browser, app: RelyingParty
) -> None:
    """Section 10"""
    assert error_of(house.visit(app.ask(authorization_details=as_text(lookup())), browser)) == (
        "invalid_authorization_details"
    )
    one = house.add_client(authorization_details_types=[EXCHANGE])
    assert house.code_for(one, browser, authorization_details=as_text(exchange()))
    assert error_of(house.visit(one.ask(authorization_details=as_text(exchange(), lookup())), browser)) == (
        "invalid_authorization_details"
    )


def test_only_types_there_are_can_be_registered(house: House) -> None:
    with pytest.raises(ProtocolError) as refused:
        house.add_client(authorization_details_types=["lv.visvaris.everything"])
    assert refused.value.error is ErrorCode.INVALID_CLIENT_METADATA


# Where it shows ------------------------------------------------------------------------------------------


def test_details_reach_the_token_and_introspection(
    house: House, browser: Browser, rich: RelyingParty
) -> None:
    """Sections 7 and 9"""
    got = redeemed(house, rich, browser, lookup(), exchange())
    assert got["authorization_details"] == [lookup(), exchange()]
    assert content_of(got["access_token"])["authorization_details"] == [lookup(), exchange()]
    assert rich.introspect(got["access_token"])["authorization_details"] == [lookup(), exchange()]
    assert rich.introspect(got["refresh_token"])["authorization_details"] == [lookup(), exchange()]


def test_they_last_over_a_refresh(house: House, browser: Browser, rich: RelyingParty) -> None:
    got = redeemed(house, rich, browser, lookup())
    again = answer_of(rich, {"grant_type": "refresh_token", "refresh_token": got["refresh_token"]})
    assert again["authorization_details"] == [lookup()]
    assert content_of(again["access_token"])["authorization_details"] == [lookup()]


def test_who_asks_for_none_has_none(house: House, browser: Browser, app: RelyingParty) -> None:
    tokens = house.tokens_for(app, browser)
    assert "authorization_details" not in content_of(tokens.access_token)
    assert "authorization_details" not in app.introspect(tokens.access_token)


def test_details_may_be_pushed_or_signed(house: House, browser: Browser) -> None:
    party = house.add_client(authorization_details_types=BOTH, jwks=JWKS)
    question = party.ask(authorization_details=as_text(lookup()))
    structured = request_object(party, question, authorization_details=[lookup()])
    for asked in (push(party, question), sent_as(question, party, request=structured)):
        code = house.code_in(party, asked, house.visit(asked, browser))
        assert content_of(party.redeem(asked, code).access_token)["authorization_details"] == [lookup()]


def test_the_same_detail_twice_is_one(house: House, browser: Browser, rich: RelyingParty) -> None:
    assert redeemed(house, rich, browser, lookup(), lookup())["authorization_details"] == [lookup()]


# Less than was granted -----------------------------------------------------------------------------------


def test_a_token_may_have_fewer(house: House, browser: Browser, rich: RelyingParty) -> None:
    """Section 6: at the code and at a refresh, which may have the others"""
    got = redeemed(house, rich, browser, lookup(), exchange(), authorization_details=as_text(lookup()))
    assert got["authorization_details"] == [lookup()]
    assert content_of(got["access_token"])["authorization_details"] == [lookup()]
    again = answer_of(
        rich,
        {
            "grant_type": "refresh_token",
            "refresh_token": got["refresh_token"],
            "authorization_details": as_text(exchange()),
        },
    )
    assert again["authorization_details"] == [exchange()]


@pytest.mark.parametrize(
    "asked",
    [
        as_text(lookup(case_number="2026/18")),
        as_text(lookup(), exchange()),
        as_text(lookup(extra="x")),
        as_text({"type": LOOKUP}),
        "[]",
        "{",
    ],
)
def test_a_token_never_has_more(house: House, browser: Browser, rich: RelyingParty, asked: str) -> None:
    with pytest.raises(ProviderError, match="invalid_authorization_details"):
        redeemed(house, rich, browser, lookup(), authorization_details=asked)
    got = redeemed(house, rich, browser, lookup())
    form = {"grant_type": "refresh_token", "refresh_token": got["refresh_token"]}
    with pytest.raises(ProviderError, match="invalid_authorization_details"):
        answer_of(rich, {**form, "authorization_details": asked})
    assert answer_of(rich, form)["authorization_details"] == [lookup()]


def test_a_token_without_details_gets_none_later(house: House, browser: Browser, rich: RelyingParty) -> None:
    question, code = house.code_for(rich, browser)
    with pytest.raises(ProviderError, match="invalid_authorization_details"):
        rich.redeem(question, code, authorization_details=as_text(lookup()))


# For whom ------------------------------------------------------------------------------------------------


def test_nobody_gets_details_of_a_municipality_they_do_not_work_for(
    house: House, browser: Browser, rich: RelyingParty, kekava: str
) -> None:
    """attack 40: refused by the application's own channel, with or without a page"""
    for prompt in (None, "none"):
        question = rich.ask(authorization_details=as_text(lookup(municipality=kekava)), prompt=prompt)
        assert error_of(house.visit(question, browser)) == "invalid_authorization_details"


def test_who_signs_in_for_it_learns_the_same(
    house: House, anna: User, rich: RelyingParty, kekava: str
) -> None:
    """Not on a page of ours, where the application would never learn of it"""
    stranger = house.stranger()
    begun = house.visit(rich.ask(authorization_details=as_text(lookup(municipality=kekava))), stranger)
    back = house.come_back(begun, stranger, anna)
    outcome = house.openid.authorization.resume(back.request_id, back.browser)
    assert error_of(outcome) == "invalid_authorization_details"


def test_an_unknown_municipality_is_nobodys(house: House, browser: Browser, rich: RelyingParty) -> None:
    question = rich.ask(authorization_details=as_text(lookup(municipality="9999999")))
    assert error_of(house.visit(question, browser)) == "invalid_authorization_details"


def test_who_works_for_two_acts_for_the_one_that_is_named(
    house: House, anna: User, rich: RelyingParty, kekava: str
) -> None:
    post = house.employ(anna, kekava)
    browser = house.sign_in(anna)
    for municipality in (RIGA, kekava):
        got = redeemed(house, rich, browser, lookup(municipality=municipality))
        assert got["authorization_details"] == [lookup(municipality=municipality)]
    in_kekava = house.sign_in(anna, employment=post)
    assert redeemed(house, rich, in_kekava, lookup(municipality=kekava))


def test_who_has_two_posts_there_chooses(
    house: House, anna: User, browser: Browser, rich: RelyingParty
) -> None:
    house.employ(anna, RIGA)
    question = rich.ask(authorization_details=as_text(lookup()))
    assert isinstance(house.visit(question, browser), SignIn)
    silent = rich.ask(authorization_details=as_text(lookup()), prompt="none")
    assert error_of(house.visit(silent, browser)) == "interaction_required"


def test_rules_of_that_municipality_hold(house: House, anna: User, rich: RelyingParty, kekava: str) -> None:
    """attack 23: acting for a stricter municipality needs what it asks for, and the sign-in does not go in circles"""
    house.permit(kekava, minimum_level=2)
    house.give_authenticator(anna)
    house.employ(anna, kekava)
    with house.world.database.read() as work:
        posts = work.people.employments_of(anna.id, now=house.world.clock())
    riga = next(post for post in posts if post.municipality == RIGA)
    browser = house.sign_in(anna, employment=riga)
    question = rich.ask(authorization_details=as_text(lookup(municipality=kekava)))
    begun = house.visit(question, browser)
    assert isinstance(begun, SignIn)
    transaction = house.login.find(begun.transaction_id, browser=browser.id)
    assert transaction is not None
    assert transaction.requirements.municipalities == (kekava,)
    both = replace(browser, signed_in=house.sign_in(anna, "password", "totp", employment=riga).signed_in)
    assert house.code_in(
        rich, question, house.openid.authorization.resume(house.request_of(begun, browser), both)
    )


def test_a_client_for_other_municipalities_cannot_ask(house: House, browser: Browser) -> None:
    """attack 40"""
    party = house.add_client(authorization_details_types=BOTH, own={"municipalities": [ADAZI]})
    assert error_of(house.visit(party.ask(authorization_details=as_text(lookup())), browser)) == (
        "invalid_authorization_details"
    )


@pytest.mark.parametrize("letter", ["x", "ā"])
def test_details_are_short_enough_for_the_token_they_come_in(
    house: House, browser: Browser, rich: RelyingParty, letter: str
) -> None:
    """A token that is longer than tokens may be opens nothing, at us or at any API"""
    most = [lookup(purpose=letter * 200, legal_basis=f"{number}{letter * 299}") for number in range(10)]
    for count in range(1, 11):
        question = rich.ask(authorization_details=as_text(*most[:count]))
        outcome = house.visit(question, browser)
        if isinstance(outcome, Answer) and "error" in dict(outcome.fields):
            assert error_of(outcome) == "invalid_authorization_details"
            assert count > 1
            return
        token = redeemed(house, rich, browser, *most[:count])["access_token"]
        elsewhere = House(house.world)
        rich.http = elsewhere.http
        assert rich.introspect(token)["active"], len(token)
    raise AssertionError("ten of the longest fit into no token")


def test_details_end_with_the_post(house: House, rich: RelyingParty) -> None:
    """attack 14"""
    berta = house.add_person("berta")
    house.employ(berta, RIGA, ends_at=house.world.clock() + 20)
    browser = house.sign_in(berta)
    question, code = house.code_for(rich, browser, authorization_details=as_text(lookup()))
    got = redeemed(house, rich, browser, lookup())
    house.world.clock.move(20)
    with pytest.raises(ProviderError, match="invalid_grant"):
        rich.redeem(question, code)
    with pytest.raises(ProviderError, match="invalid_grant"):
        answer_of(rich, {"grant_type": "refresh_token", "refresh_token": got["refresh_token"]})


def test_details_end_with_the_clients_registration(
    house: House, browser: Browser, rich: RelyingParty
) -> None:
    """attack 14"""
    got = redeemed(house, rich, browser, lookup())
    with house.world.database.begin() as work:
        client = work.clients.get(rich.client_id)
        registered = {**client.registered, "authorization_details_types": [EXCHANGE]}
        work.clients.replace_registration(rich.client_id, registered=registered, audience=None, resources=[])
    house.world.clock.move(2)
    with pytest.raises(ProviderError, match="invalid_grant"):
        answer_of(rich, {"grant_type": "refresh_token", "refresh_token": got["refresh_token"]})


# Consent -------------------------------------------------------------------------------------------------


def test_our_own_application_is_not_asked_about(house: House, browser: Browser, rich: RelyingParty) -> None:
    assert house.code_for(rich, browser, authorization_details=as_text(lookup()))


def test_a_third_party_is_asked_about_each_time(house: House, browser: Browser, third: RelyingParty) -> None:
    question = third.ask(authorization_details=as_text(lookup()))
    house.agree(house.visit(third.ask(), browser), browser)
    assert house.code_for(third, browser)
    for _ in range(2):
        asked = house.visit(question, browser)
        assert isinstance(asked, AskConsent)
        page = house.openid.authorization.look_at_consent(asked.request_id, browser)
        assert isinstance(page, ConsentPage)
        assert page.request.authorization_details == (lookup(),)
        outcome = house.openid.authorization.decide_consent(asked.request_id, browser, allow=True)
        assert house.code_in(third, question, outcome)
    silent = third.ask(authorization_details=as_text(lookup()), prompt="none")
    assert error_of(house.visit(silent, browser)) == "consent_required"


def test_every_member_is_told_to_the_person() -> None:
    for kind in TYPES.values():
        detail = {"type": kind.name, **dict.fromkeys(kind.members, "value"), "municipality": RIGA}
        (text,) = texts_of([detail])
        assert len(text.facts) + 1 == len(kind.members)
        assert text.municipality == RIGA


# Services ------------------------------------------------------------------------------------------------


def test_a_service_gets_details_of_its_own_municipality(house: House) -> None:
    service = house.add_service(authorization_details_types=BOTH, own={"service_municipality": RIGA})
    form = {"grant_type": "client_credentials", "authorization_details": as_text(exchange())}
    got = answer_of(service, form)
    assert got["authorization_details"] == [exchange()]
    assert service.introspect(got["access_token"])["authorization_details"] == [exchange()]
    with pytest.raises(ProviderError, match="invalid_authorization_details"):
        answer_of(service, {**form, "authorization_details": as_text(exchange(municipality=KEKAVA))})


@pytest.mark.parametrize(
    ("types", "own"),
    [([], {"service_municipality": RIGA}), (BOTH, {}), ([LOOKUP], {"service_municipality": RIGA})],
)
def test_a_service_gets_nothing_it_is_not_registered_for(
    house: House, types: list[str], own: dict[str, Any]
) -> None:
    """attack 15, attack 40"""
    service = house.add_service(authorization_details_types=types, own=own)
    with pytest.raises(ProviderError, match="invalid_authorization_details"):
        answer_of(service, {"grant_type": "client_credentials", "authorization_details": as_text(exchange())})
