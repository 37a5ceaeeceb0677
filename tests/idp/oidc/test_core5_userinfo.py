"""The UserInfo endpoint and the claims behind each scope (OpenID Connect Core 5, RFC 6750)."""

import json

import pytest

from idp.models.people import User, UserStatus
from idp.models.person_code import PersonCode
from idp.oidc.authorize import Browser
from idp.oidc.claims import BY_SCOPE
from tests.idp.oidc.house import House
from tests.support.relying_party import ProviderError, RelyingParty

BASIS = {"person_code_basis": "Law on something, section 7"}


def claims_of(
    house: House, party: RelyingParty, browser: Browser, scope: str, **asked: str
) -> dict[str, object]:
    return party.userinfo(house.tokens_for(party, browser, scope=scope, **asked).access_token)


@pytest.mark.parametrize(
    ("scope", "claims"),
    [
        ("openid", {}),
        (
            "openid profile",
            {
                "name": "Anna Bērziņa",
                "given_name": "Anna",
                "family_name": "Bērziņa",
                "preferred_username": "anna",
                "updated_at": 1760000000,
                "locale": "lv-LV",
                "zoneinfo": "Europe/Riga",
            },
        ),
        ("openid email", {"email": "anna@example.lv", "email_verified": True}),
        ("openid phone", {"phone_number": "+371 20000000", "phone_number_verified": False}),
        ("openid address", {"address": {"locality": "Rīga", "country": "LV"}}),
        (
            "openid employment",
            {
                "municipality": "0001000",
                "municipality_name": "Rīgas valstspilsēta",
                "unit": "Juridiskā nodaļa",
                "position": "Juriste",
                "roles": ["jurists"],
            },
        ),
    ],
)
def test_each_scope_opens_its_claims(
    house: House, browser: Browser, app: RelyingParty, anna: User, scope: str, claims: dict[str, object]
) -> None:
    assert claims_of(house, app, browser, scope) == {"sub": anna.id, **claims}


def test_a_blocked_users_token_is_refused_at_once(
    house: House, browser: Browser, app: RelyingParty, anna: User
) -> None:
    """attack 14, attack 25: also one that was verified a moment ago"""
    token = house.tokens_for(app, browser).access_token
    assert app.userinfo(token)
    with house.world.database.begin() as work:
        work.people.set_status(anna.id, UserStatus.BLOCKED, at=house.world.clock.at)
    with pytest.raises(ProviderError, match="invalid_token"):
        app.userinfo(token)


def test_a_post_that_ended_is_no_longer_told(house: House, app: RelyingParty) -> None:
    berta = house.add_person("berta")
    house.employ(berta, ends_at=house.world.clock.at + 10)
    token = house.tokens_for(app, house.sign_in(berta), scope="openid employment").access_token
    assert "municipality" in app.userinfo(token)
    house.world.clock.move(11)
    assert "municipality" not in app.userinfo(token)


# The personal code --------------------------------------------------------------------------------------


@pytest.fixture
def coded(house: House, anna: User) -> User:
    with house.world.database.begin() as work:
        work.people.set_person_code(anna.id, PersonCode.parse("030303-10012"), at=house.world.clock.at)
    return anna


def test_the_personal_code_needs_a_recorded_legal_basis(house: House, browser: Browser, coded: User) -> None:
    allowed = house.add_client(own=BASIS, scope="openid person_code")
    others = house.add_client(scope="openid person_code")
    assert claims_of(house, allowed, browser, "openid person_code")["person_code"] == "PNOLV-03030310012"
    tokens = house.tokens_for(others, browser, scope="openid person_code")
    assert tokens.scope == {"openid"}
    assert "person_code" not in others.userinfo(tokens.access_token)


def test_it_cannot_be_had_as_a_single_claim_either(house: House, browser: Browser, coded: User) -> None:
    wish = json.dumps({part: {"person_code": {"essential": True}} for part in ("id_token", "userinfo")})
    for party in (house.add_client(scope="openid person_code"), house.add_client(own=BASIS, scope="openid")):
        tokens = house.tokens_for(party, browser, claims=wish)
        assert "person_code" not in tokens.claims
        assert "person_code" not in party.userinfo(tokens.access_token)


# The claims parameter (Core 5.5) ------------------------------------------------------------------------


def test_single_claims_go_where_they_were_asked_for(
    house: House, browser: Browser, app: RelyingParty
) -> None:
    wish = {
        "id_token": {"email": {"essential": True}, "municipality": None, "auth_time": {"essential": True}},
        "userinfo": {"given_name": None, "unknown": None, "nickname": {"essential": True}},
    }
    tokens = house.tokens_for(app, browser, claims=json.dumps(wish))
    assert (tokens.claims["email"], tokens.claims["municipality"]) == ("anna@example.lv", "0001000")
    assert "given_name" not in tokens.claims
    claims = app.userinfo(tokens.access_token)
    assert claims == {"sub": tokens.claims["sub"], "given_name": "Anna"}


def test_a_claim_of_a_scope_the_client_may_not_have_is_left_out(house: House, browser: Browser) -> None:
    party = house.add_client(scope="openid profile")
    tokens = house.tokens_for(
        party, browser, claims='{"id_token":{"email":null},"userinfo":{"phone_number":null}}'
    )
    assert "email" not in tokens.claims
    assert set(party.userinfo(tokens.access_token)) == {"sub"}


def test_claims_cannot_replace_what_every_id_token_says(
    house: House, browser: Browser, app: RelyingParty
) -> None:
    wish = {
        "id_token": {name: {"value": "evil"} for name in ("iss", "aud", "exp", "nonce", "at_hash", "sid")}
    }
    assert house.tokens_for(app, browser, claims=json.dumps(wish)).claims["aud"] == app.client_id


def test_no_claim_belongs_to_two_scopes() -> None:
    names = [name for claims in BY_SCOPE.values() for name in claims]
    assert len(names) == len(set(names))
