"""FAPI 2.0 where it is used: refresh tokens, grants, signatures and addresses, whatever was registered before."""

from typing import Any

import pytest
from joserfc import jws
from sqlalchemy import text

from idp.models.notices import LogoutNotice
from idp.oidc.authorization_request import Answer
from idp.oidc.authorize import Browser
from idp.oidc.backchannel import BackchannelLogout
from idp.oidc.client_keys import ClientKeys
from idp.oidc.encryption import Encryption
from idp.oidc.errors import ProtocolError
from idp.oidc.grant_types import DEVICE_CODE, TOKEN_EXCHANGE
from idp.oidc.subjects import Subjects
from tests.idp.oidc.house import CALLBACK, House
from tests.support.at_once import at_once
from tests.support.authorization_requests import JWKS, KEYS, push, read_signed
from tests.support.dpop import ProvingParty, new_key, proving
from tests.support.relying_party import ProviderError, Tokens

OFFLINE = "openid profile offline_access"
FINES = "https://fines.example.lv"
PROVES = {"jwks": JWKS, "token_endpoint_auth_method": "private_key_jwt", "dpop_bound_access_tokens": True}


def keyed(house: House, *, profile: str = "fapi2", **metadata: Any) -> ProvingParty:
    party = house.add_client(**{**PROVES, **metadata}, own={"profile": profile, "resources": [FINES]})
    party.key = KEYS["ES256"]
    return proving(party)


def comes_under_the_profile(house: House, party: ProvingParty) -> None:
    with house.world.database.begin() as work:
        statement = text("UPDATE clients SET profile = 'fapi2' WHERE client_id = :client")
        work.connection().execute(statement, {"client": party.client_id})
    house.world.clock.move(2)


def signed_in(house: House, party: ProvingParty, browser: Browser, scope: str = OFFLINE) -> Tokens:
    question = push(party, party.ask(scope=scope))
    return party.redeem(question, house.code_in(party, question, house.visit(question, browser)))


@pytest.fixture
def party(house: House) -> ProvingParty:
    return keyed(house)


@pytest.fixture
def tokens(house: House, party: ProvingParty, browser: Browser) -> Tokens:
    return signed_in(house, party, browser)


def active(party: ProvingParty, token: str | None) -> bool:
    return bool(party.introspect(token or "")["active"])


# Refresh tokens ------------------------------------------------------------------------------------------


def test_the_refresh_token_stays_the_same(house: House, party: ProvingParty, tokens: Tokens) -> None:
    """5.3.2.1: "shall not use refresh token rotation" """
    made = {tokens.access_token}
    for _ in range(5):
        fresh = party.refresh(tokens.refresh_token or "")
        assert fresh.refresh_token is None
        assert active(party, fresh.access_token)
        assert active(party, tokens.refresh_token)
        made.add(fresh.access_token)
        house.world.clock.move(3600)
    assert len(made) == 6


def test_many_at_once_are_each_answered(party: ProvingParty, tokens: Tokens) -> None:
    got = at_once(20, lambda _: party.refresh(tokens.refresh_token or "").access_token)
    assert len(set(got)) == 20
    assert all(active(party, token) for token in got)


def test_it_ends_with_its_family(house: House, party: ProvingParty, tokens: Tokens) -> None:
    fresh = party.refresh(tokens.refresh_token or "")
    party.revoke(tokens.refresh_token or "")
    assert not active(party, fresh.access_token)
    with pytest.raises(ProviderError, match="invalid_grant"):
        party.refresh(tokens.refresh_token or "")


def test_it_ends_when_its_time_is_over(house: House, party: ProvingParty, tokens: Tokens) -> None:
    """attack 30: use does not prolong it"""
    house.world.clock.move(30 * 86400 - 10)
    party.refresh(tokens.refresh_token or "")
    house.world.clock.move(11)
    with pytest.raises(ProviderError, match="invalid_grant"):
        party.refresh(tokens.refresh_token or "")


def test_it_is_its_clients_and_needs_its_proof(house: House, party: ProvingParty, tokens: Tokens) -> None:
    """attack 14: without rotation this is what makes a copy worthless"""
    with pytest.raises(ProviderError, match="invalid_grant"):
        keyed(house).refresh(tokens.refresh_token or "")
    form = {"grant_type": "refresh_token", "refresh_token": tokens.refresh_token}
    assert party.post_with("/token", form).json()["error"] == "invalid_dpop_proof"
    party.key = new_key()
    with pytest.raises(ProviderError, match="invalid_client"):
        party.refresh(tokens.refresh_token or "")


def test_scope_and_resource_narrow_and_what_was_granted_stays(party: ProvingParty, tokens: Tokens) -> None:
    assert party.refresh(tokens.refresh_token or "", scope="openid").scope == {"openid"}
    assert party.refresh(tokens.refresh_token or "").scope == tokens.scope
    for wider, error in (
        ({"scope": "openid email"}, "invalid_scope"),
        ({"resource": FINES}, "invalid_target"),
    ):
        with pytest.raises(ProviderError, match=error):
            party.refresh(tokens.refresh_token or "", **wider)


def test_everybody_elses_rotates(house: House, browser: Browser) -> None:
    other = keyed(house, profile="oidc")
    tokens = house.tokens_for(other, browser, scope=OFFLINE)
    fresh = other.refresh(tokens.refresh_token or "")
    assert fresh.refresh_token not in {None, tokens.refresh_token}


def test_one_that_was_used_before_the_client_came_under_the_profile_stays_used(
    house: House, browser: Browser
) -> None:
    """attack 14"""
    other = keyed(house, profile="oidc", id_token_signed_response_alg="ES256")
    tokens = house.tokens_for(other, browser, scope=OFFLINE)
    successor = other.refresh(tokens.refresh_token or "").refresh_token
    comes_under_the_profile(house, other)
    assert other.refresh(successor or "").refresh_token is None
    house.world.clock.move(60)
    with pytest.raises(ProviderError, match="invalid_grant"):
        other.refresh(tokens.refresh_token or "")
    assert not active(other, successor)


# What was registered before the profile ------------------------------------------------------------------


@pytest.mark.parametrize("grant_type", [DEVICE_CODE, TOKEN_EXCHANGE])
def test_a_grant_the_profile_does_not_know_ends(house: House, grant_type: str) -> None:
    """5.3.2.1; held where it is used, not only where it is registered"""
    party = keyed(house, profile="oidc", grant_types=["authorization_code", grant_type])
    form = {"grant_type": grant_type, "device_code": "x", "subject_token": "x"}
    before = party.post("/token", form).json()["error"]
    comes_under_the_profile(house, party)
    reply = party.post("/token", form)
    assert before != "unauthorized_client"
    assert (reply.status_code, reply.json()["error"]) == (400, "unauthorized_client")
    reply = party.post("/device_authorization", {"scope": "openid"})
    assert reply.json()["error"] == "unauthorized_client"


def test_everything_we_sign_for_it_is_by_an_algorithm_of_the_profile(house: House, browser: Browser) -> None:
    """5.4.1; attack 16: RS256 was registered, or meant by saying nothing, before it came under the profile"""
    members = ("id_token", "userinfo", "introspection", "authorization")
    party = keyed(house, profile="oidc", **{f"{name}_signed_response_alg": "RS256" for name in members})
    comes_under_the_profile(house, party)
    party.algorithm = "ES256"
    question = push(party, party.ask(scope=OFFLINE, response_mode="jwt"))
    outcome = house.visit(question, browser)
    assert isinstance(outcome, Answer)
    code = read_signed(party, question, dict(outcome.fields), alg="ES256")["code"]
    tokens = party.redeem(question, code)
    assert alg_of(tokens.id_token or "") == "ES256"
    assert alg_of(party.show(tokens.access_token).text) == "ES256"
    asked = {"token": tokens.access_token, **party.assertion_form(party.assertion())}
    reply = house.http.post(
        "/introspect", data=asked, headers={"Accept": "application/token-introspection+jwt"}
    )
    assert alg_of(reply.text) == "ES256"


def test_a_logout_token_too(house: House) -> None:
    party = keyed(house, profile="oidc", id_token_signed_response_alg="RS256")
    comes_under_the_profile(house, party)
    world, client = house.world, house.openid.clients.get(party.client_id)
    logout = BackchannelLogout(
        issuer=party.issuer,
        database=world.database,
        keys=house.openid.keys,
        subjects=Subjects(world.database, world.vault),
        encryption=Encryption(ClientKeys(house.outbound, world.effects)),
        outbound=house.outbound,
        effects=world.effects,
    )
    notice = LogoutNotice(
        id="n", client_id=party.client_id, user_id="anna", session_id="s", created_at=0.0, next_at=0.0
    )
    assert alg_of(logout.token(notice, client)) == "ES256"


def alg_of(token: str) -> str:
    return str(jws.extract_compact(token.encode()).headers()["alg"])


def test_a_redirect_uri_without_tls_is_none(house: House) -> None:
    """5.3.2.2; the answer goes to nobody there, not even the error (attack 6)"""
    inside = "http://localhost:9000/callback"
    party = keyed(house, profile="oidc", redirect_uris=[CALLBACK, inside])
    party.redirect_uri = inside
    assert push(party, party.ask())
    comes_under_the_profile(house, party)
    with pytest.raises(ProviderError, match="invalid_request"):
        push(party, party.ask())
    with pytest.raises(ProtocolError, match="must use https"):
        house.visit(party.ask(), house.stranger())
    party.redirect_uri = CALLBACK
    assert push(party, party.ask())
