"""Whatever is asked of token exchange (RFC 8693), nothing widens."""

from typing import Any

from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from idp.models.clients import Client
from idp.oidc.authorize import Browser
from idp.oidc.errors import ProtocolError
from idp.oidc.grant_types import TOKEN_EXCHANGE
from idp.oidc.grants.base import TokenRequest
from idp.oidc.requests import Parameters
from tests.idp.oidc.house import EVERYTHING, ISSUER, House
from tests.idp.oidc.signing import signed_by_us
from tests.support.builders import KEKAVA, RIGA
from tests.support.exchange import ACCESS_TOKEN, BARIS, claims_of

FINES, CSDD = "https://fines.example.lv", "https://csdd.example.lv"
SCOPES = ("openid", "profile", "email", "employment", "fines.read", "fines.write", "vehicles.read")
some_scopes = st.lists(st.sampled_from(SCOPES), unique=True, max_size=4)
some_audiences = st.lists(st.sampled_from((FINES, BARIS, CSDD, ISSUER)), unique=True, max_size=3)
somewhere = st.sampled_from([None, RIGA, KEKAVA])


def delegate(house: House, registered: list[str], resources: list[str], own: str | None) -> Client:
    party = house.add_service(
        own={"audience": FINES, "resources": resources, **({"service_municipality": own} if own else {})},
        grant_types=["client_credentials", TOKEN_EXCHANGE],
        scope=" ".join(registered),
    )
    return house.openid.clients.get(party.client_id)


def claims_for(house: House, client: Client, pairs: list[tuple[str, str]]) -> dict[str, Any] | None:
    """None when it is refused."""
    request = TokenRequest(client, Parameters(pairs), "192.0.2.1")
    try:
        return claims_of(house.openid._grants[TOKEN_EXCHANGE].exchange(request)["access_token"])
    except ProtocolError:
        return None


@given(
    held=some_scopes,
    registered=some_scopes.filter(bool),
    asked=st.none() | some_scopes.filter(bool),
    resources=some_audiences,
    named=some_audiences,
    elapsed=st.integers(0, 299),
    municipality=somewhere,
    own=somewhere,
)
@settings(max_examples=100, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
def test_nothing_ever_widens(
    house: House,
    browser: Browser,
    held: list[str],
    registered: list[str],
    asked: list[str] | None,
    resources: list[str],
    named: list[str],
    elapsed: int,
    municipality: str | None,
    own: str | None,
) -> None:
    """Scope, audience, municipality, time: what comes out was in what went in, and in the registration.

    What is refused is refused for one of these reasons.
    """
    assert browser.signed_in is not None
    house.world.clock.at = browser.signed_in.created_at
    app = house.add_client(own={"resources": [FINES]}, scope=f"{EVERYTHING} fines.read")
    issued = house.tokens_for(app, browser, scope="openid employment", resource=FINES).access_token
    token = signed_by_us(house, issued, scope=" ".join(held), municipality=municipality)
    client = delegate(house, registered, resources, own)
    house.world.clock.move(elapsed)
    pairs = [("subject_token", token), ("subject_token_type", ACCESS_TOKEN)]
    pairs += [("resource", name) for name in named]
    pairs += [("scope", " ".join(asked))] if asked is not None else []
    after = claims_for(house, client, pairs)

    common = set(held) & set(registered)
    one_target = len(named) == 1 and named[0] in resources and named[0] != ISSUER
    fits = one_target and own in {None, municipality} and common and set(asked or ()) <= common
    assert (after is not None) == bool(fits)
    if after is None:
        return
    before = claims_of(token)
    assert set(after["scope"].split()) == set(asked or common)
    assert [after["aud"]] == named
    assert after.get("municipality") == municipality
    assert after["exp"] <= before["exp"]
    for name in ("sub", "sid", "acr", "amr", "auth_time", "roles"):
        assert after[name] == before[name]
