"""Services that ask for themselves (RFC 6749 section 4.4), and their tokens (RFC 9068)."""

import pytest
from joserfc import jwt
from sqlalchemy import text

from idp.oidc.authorize import Browser
from tests.idp.oidc.house import ISSUER, House
from tests.support.relying_party import ProviderError, RelyingParty

FINES, BARIS = "https://fines.example.lv", "https://baris.example.lv"


@pytest.fixture
def service(house: House) -> RelyingParty:
    return house.add_service(own={"resources": [FINES, BARIS], "service_municipality": "0001000"})


def refusal(party: RelyingParty, **asked: str) -> str:
    with pytest.raises(ProviderError) as refused:
        party.own_token(**asked)
    return refused.value.error


def test_a_service_gets_an_access_token_of_rfc_9068(house: House, service: RelyingParty) -> None:
    tokens = service.own_token(scope="fines.read", resource=FINES)
    assert (tokens.refresh_token, tokens.id_token) == (None, None)
    decoded = jwt.decode(tokens.access_token, service.keys(), algorithms=["ES256"])
    assert decoded.header["typ"] == "at+jwt"
    now = int(house.world.clock.at)
    assert decoded.claims.pop("jti")
    assert decoded.claims == {
        "iss": ISSUER,
        "sub": service.client_id,
        "client_id": service.client_id,
        "aud": FINES,
        "iat": now,
        "exp": now + 300,
        "scope": "fines.read",
        "municipality": "0001000",
    }


def test_without_a_choice_it_is_all_scopes_at_the_first_resource(service: RelyingParty) -> None:
    tokens = service.own_token()
    assert tokens.scope == {"fines.read", "fines.write"}
    assert service.introspect(tokens.access_token)["aud"] == FINES


@pytest.mark.parametrize(
    "scope", ["fines.delete", "fines.read fines.delete", "openid", "offline_access", "profile"]
)
def test_a_scope_that_is_not_its_own_is_refused(service: RelyingParty, scope: str) -> None:
    """attack 15"""
    assert refusal(service, scope=scope) == "invalid_scope"


def test_scopes_about_people_are_not_for_services(house: House) -> None:
    """attack 15: even when registered for them"""
    both = house.add_client(
        grant_types=["authorization_code", "client_credentials"], scope="openid profile fines.read"
    )
    assert both.own_token().scope == {"fines.read"}
    assert refusal(both, scope="profile") == "invalid_scope"


def test_a_resource_that_is_not_its_own_is_refused(service: RelyingParty) -> None:
    assert refusal(service, resource="https://elsewhere.example") == "invalid_target"


def test_one_token_is_for_one_resource(house: House, service: RelyingParty) -> None:
    form = f"grant_type=client_credentials&resource={FINES}&resource={BARIS}"
    headers, _ = service.credentials()
    reply = house.post_raw("/token", form, headers)
    assert (reply.status_code, reply.json()["error"]) == (400, "invalid_target")


def test_a_client_not_registered_for_it_is_refused(app: RelyingParty) -> None:
    """attack 15"""
    assert refusal(app) == "unauthorized_client"


def test_a_public_client_is_refused(house: House) -> None:
    """attack 17: a public client using a confidential path"""
    service = house.add_service()
    with house.world.database.begin() as work:
        changed = "json_set(registered, '$.token_endpoint_auth_method', 'none')"
        work.connection().execute(text(f"UPDATE clients SET registered = {changed}"))
    service.auth_method = "none"
    assert refusal(service) == "unauthorized_client"


def test_a_services_token_says_nothing_at_userinfo(service: RelyingParty) -> None:
    with pytest.raises(ProviderError, match="invalid_token"):
        service.userinfo(service.own_token().access_token)


def test_nothing_is_written(house: House, service: RelyingParty) -> None:
    before = house.rows_in_all_tables()
    service.own_token()
    assert house.rows_in_all_tables() == before


@pytest.mark.parametrize(
    "grant_type", ["password", "implicit", "urn:ietf:params:oauth:grant-type:saml2-bearer", "x"]
)
def test_other_grants_do_not_exist(service: RelyingParty, grant_type: str) -> None:
    """attack 18"""
    reply = service.post("/token", {"grant_type": grant_type})
    assert reply.json()["error"] == "unsupported_grant_type"


def test_a_code_grant_is_not_for_services(house: House, browser: Browser, service: RelyingParty) -> None:
    reply = service.post("/token", {"grant_type": "authorization_code", "code": "x"})
    assert reply.json()["error"] == "unauthorized_client"
