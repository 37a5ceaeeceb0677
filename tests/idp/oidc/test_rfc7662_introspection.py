"""Token introspection (RFC 7662)."""

import pytest

from idp.models.people import User
from idp.oidc.authorize import Browser
from tests.idp.oidc.house import EVERYTHING, ISSUER, House
from tests.support.relying_party import ProviderError, RelyingParty

FINES, BARIS = "https://fines.example.lv", "https://baris.example.lv"
INACTIVE = {"active": False}


@pytest.fixture
def app(house: House) -> RelyingParty:
    return house.add_client(own={"resources": [FINES]})


@pytest.fixture
def fines(house: House) -> RelyingParty:
    return house.add_service(own={"audience": FINES})


@pytest.fixture
def baris(house: House) -> RelyingParty:
    return house.add_service(own={"audience": BARIS})


def test_a_resource_server_learns_about_tokens_meant_for_it(
    house: House, browser: Browser, app: RelyingParty, fines: RelyingParty, anna: User
) -> None:
    token = house.tokens_for(app, browser, scope="openid employment", resource=FINES).access_token
    told = fines.introspect(token)
    now = int(house.world.clock.at)
    assert told.pop("jti")
    assert told == {
        "active": True,
        "token_type": "Bearer",
        "iss": ISSUER,
        "sub": anna.id,
        "aud": FINES,
        "client_id": app.client_id,
        "scope": "openid employment",
        "iat": now,
        "exp": now + 300,
        "auth_time": now,
        "acr": "urn:visvaris:acr:1fa",
        "amr": ["pwd"],
        "sid": browser.signed_in.session_id,
        "municipality": "0001000",
        "roles": ["jurists"],
    }


def test_for_another_resource_server_the_token_does_not_exist(
    house: House, browser: Browser, app: RelyingParty, baris: RelyingParty
) -> None:
    """attack 19"""
    tokens = house.tokens_for(app, browser, scope=EVERYTHING, resource=FINES)
    assert baris.introspect(tokens.access_token) == INACTIVE
    assert baris.introspect(tokens.refresh_token or "") == INACTIVE


def test_its_own_client_may_ask_about_both(house: House, browser: Browser, app: RelyingParty) -> None:
    tokens = house.tokens_for(app, browser, scope=EVERYTHING)
    assert app.introspect(tokens.access_token)["active"]
    assert app.introspect(tokens.refresh_token or "")["active"]
    app.refresh(tokens.refresh_token or "")
    assert app.introspect(tokens.refresh_token or "") == INACTIVE


def test_a_public_client_may_not_ask(house: House, browser: Browser) -> None:
    public = house.add_client(token_endpoint_auth_method="none")
    token = house.tokens_for(public, browser).access_token
    with pytest.raises(ProviderError, match="invalid_client"):
        public.introspect(token)


@pytest.mark.parametrize("token", ["x", "x.y.z", "..", "a.b", "é", "eyJhbGciOiJub25lIn0.e30.", "x" * 9000])
def test_what_is_no_token_is_not_active(app: RelyingParty, token: str) -> None:
    assert app.introspect(token) == INACTIVE


def test_an_id_token_is_not_active(house: House, browser: Browser, app: RelyingParty) -> None:
    """attack 16"""
    assert app.introspect(house.tokens_for(app, browser).id_token or "") == INACTIVE


def test_an_expired_token_is_not_active(house: House, browser: Browser, app: RelyingParty) -> None:
    """attack 30"""
    tokens = house.tokens_for(app, browser, scope=EVERYTHING)
    house.world.clock.move(300)
    assert app.introspect(tokens.access_token) == INACTIVE
    assert app.introspect(tokens.refresh_token or "")["active"]
    house.world.clock.move(30 * 86400)
    assert app.introspect(tokens.refresh_token or "") == INACTIVE


def test_a_token_of_a_client_disabled_since_is_not_active(house: House, fines: RelyingParty) -> None:
    """attack 14"""
    service = house.add_service(own={"resources": [FINES]})
    token = service.own_token().access_token
    assert fines.introspect(token)["active"]
    with house.world.database.begin() as work:
        work.clients.set_disabled(service.client_id, True)
    assert fines.introspect(token) == INACTIVE


def test_the_token_must_be_named(app: RelyingParty) -> None:
    reply = app.post("/introspect", {})
    assert (reply.status_code, reply.json()["error"]) == (400, "invalid_request")
