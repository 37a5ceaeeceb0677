"""The issuer in every authorization response (RFC 9207), so that no answer of another provider passes for ours."""

from urllib.parse import urlencode

import pytest

from idp.oidc.authorization_request import Answer
from idp.oidc.authorize import Browser
from tests.idp.oidc.house import ISSUER, House
from tests.idp.oidc.test_authorize import REFUSED
from tests.support.authorization_requests import JWKS, push, read_signed, request_object, sent_as
from tests.support.relying_party import RelyingParty

MODES = ["query", "form_post"]


def fields_of(outcome: object) -> dict[str, str]:
    assert isinstance(outcome, Answer), outcome
    fields = dict(outcome.fields)
    assert len(fields) == len(outcome.fields)
    return fields


def test_it_is_announced(app: RelyingParty) -> None:
    assert app.metadata()["authorization_response_iss_parameter_supported"] is True


@pytest.mark.parametrize("mode", MODES)
def test_a_code_comes_with_it(house: House, browser: Browser, app: RelyingParty, mode: str) -> None:
    """attack 10"""
    fields = fields_of(house.visit(app.ask(response_mode=mode), browser))
    assert (fields["iss"], "code" in fields) == (ISSUER, True)


@pytest.mark.parametrize(("asked", "error"), REFUSED)
@pytest.mark.parametrize("mode", MODES)
def test_every_error_comes_with_it(
    house: House, browser: Browser, app: RelyingParty, mode: str, asked: dict[str, str | None], error: str
) -> None:
    """attack 10: errors too (section 2)"""
    fields = fields_of(house.visit(app.ask(**{"response_mode": mode, **asked}), browser))
    assert (fields["iss"], fields["error"]) == (ISSUER, error)


@pytest.mark.parametrize("way", ["pushed", "signed"])
def test_it_comes_whichever_way_the_request_came(house: House, browser: Browser, way: str) -> None:
    party = house.add_client(jwks=JWKS)
    question = party.ask()
    if way == "pushed":
        asked = push(party, question)
    else:
        asked = sent_as(question, party, request=request_object(party, question))
    assert fields_of(house.visit(asked, browser))["iss"] == ISSUER


def test_a_request_cannot_choose_it(house: House, browser: Browser, app: RelyingParty) -> None:
    """attack 10: not by a parameter, nor by the query of a redirect URI that is registered"""
    assert fields_of(house.visit(app.ask(iss="https://evil.example"), browser))["iss"] == ISSUER
    odd = house.add_client(redirect_uris=[f"https://app.example.lv/cb?{urlencode({'tenant': 'riga'})}"])
    question = odd.ask()
    assert odd.read_answer(question, house.visit(question, browser).location())["iss"] == ISSUER


def test_a_signed_answer_has_it_inside(house: House, browser: Browser, app: RelyingParty) -> None:
    """Section 2.4: `read_signed` holds it against the issuer asked"""
    question = app.ask(response_mode="jwt")
    assert read_signed(app, question, fields_of(house.visit(question, browser)))["iss"] == ISSUER
