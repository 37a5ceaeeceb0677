"""Resource indicators (RFC 8707): an access token is good at one place only."""

import pytest

from idp.oidc.authorize import Browser
from idp.oidc.requests import Parameters
from tests.idp.oidc.house import ISSUER, House
from tests.support.relying_party import ProviderError, Question, RelyingParty, query_of

FINES, BARIS = "https://fines.example.lv", "https://baris.example.lv"


@pytest.fixture
def app(house: House) -> RelyingParty:
    return house.add_client(own={"resources": [FINES, BARIS, "https://third.example.lv"]})


@pytest.fixture
def granted(house: House, browser: Browser, app: RelyingParty) -> tuple[Question, str]:
    """A code for two resources, since `resource` may be repeated."""
    question = app.ask(resource=FINES)
    query = Parameters.parse(f"{query_of(question.url)}&resource={BARIS}")
    return question, house.code_in(app, question, house.openid.authorization.begin(query, browser))


def audience(app: RelyingParty, granted: tuple[Question, str], **asked: str) -> object:
    return app.introspect(app.redeem(*granted, **asked).access_token)["aud"]


@pytest.mark.parametrize("resource", [FINES, BARIS, ISSUER])
def test_the_client_chooses_among_what_was_granted(
    app: RelyingParty, granted: tuple[Question, str], resource: str
) -> None:
    assert audience(app, granted, resource=resource) == resource


def test_without_a_choice_it_is_the_first(app: RelyingParty, granted: tuple[Question, str]) -> None:
    assert audience(app, granted) == FINES


@pytest.mark.parametrize("resource", ["https://third.example.lv", "https://elsewhere.example", f"{FINES}/"])
def test_what_was_not_granted_is_refused(
    app: RelyingParty, granted: tuple[Question, str], resource: str
) -> None:
    """attack 14: widened audience"""
    with pytest.raises(ProviderError, match="invalid_target"):
        app.redeem(*granted, resource=resource)


def test_without_a_resource_the_token_is_for_us(house: House, browser: Browser, app: RelyingParty) -> None:
    question, code = house.code_for(app, browser)
    assert audience(app, (question, code)) == ISSUER
