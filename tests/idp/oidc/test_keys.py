"""Signing keys: published before they sign, kept after, sealed at rest."""

import itertools

import pytest

from idp.models.keys import KeyState
from idp.oidc import keys as signing
from idp.oidc.authorize import Browser
from tests.idp.oidc.house import House
from tests.support.relying_party import ProviderError, RelyingParty


def states(house: House) -> dict[str, tuple[str, str]]:
    with house.world.database.read() as work:
        return {key.kid: (key.alg, key.state) for key in work.keys.signing_keys()}


def named(house: House) -> set[str]:
    return {key["kid"] for key in house.http.get("/jwks").json()["keys"]}


def test_there_is_one_signing_and_one_next_key_of_each_kind(house: House) -> None:
    assert sorted(states(house).values()) == sorted(
        (alg, state.value) for alg in ("RS256", "ES256") for state in (KeyState.ACTIVE, KeyState.NEXT)
    )
    assert named(house) == set(states(house))


def test_rotation_breaks_no_token(house: House, browser: Browser, app: RelyingParty) -> None:
    before, signer = named(house), house.openid.keys.signer("ES256").kid
    tokens = house.tokens_for(app, browser)
    assert app.introspect(tokens.access_token)["active"]
    house.openid.keys.rotate()
    assert states(house)[signer] == ("ES256", KeyState.RETIRED.value)
    assert house.openid.keys.signer("ES256").kid in before - {signer}
    assert before < named(house)
    assert app.introspect(tokens.access_token)["active"]
    app.check_id_token(tokens.id_token or "", tokens.access_token, tokens.claims["nonce"])
    assert house.code_for(app, browser, prompt="none", id_token_hint=tokens.id_token)
    assert house.tokens_for(app, browser).claims["sub"]


def test_another_process_learns_of_a_rotation_within_a_minute(
    house: House, browser: Browser, app: RelyingParty
) -> None:
    other = House(house.world)
    assert named(other) == named(house)
    house.openid.keys.rotate()
    house.world.clock.move(61)
    assert named(other) == named(house)
    assert other.openid.keys.signer("RS256").kid == house.openid.keys.signer("RS256").kid


def test_a_key_it_has_not_heard_of_makes_a_process_look_again(
    house: House, browser: Browser, app: RelyingParty
) -> None:
    other = House(house.world)
    assert named(other)
    house.openid.keys.rotate()
    house.openid.keys.rotate()
    tokens = house.tokens_for(app, browser)
    house.world.clock.move(2)
    app.http = other.http
    assert app.introspect(tokens.access_token)["active"]


def test_a_key_that_was_removed_makes_its_tokens_void(
    house: House, browser: Browser, app: RelyingParty
) -> None:
    """attack 16: also those verified a moment ago"""
    token = house.tokens_for(app, browser).access_token
    assert app.userinfo(token)
    signer = house.openid.keys.signer("ES256").kid
    house.openid.keys.rotate()
    with house.world.database.begin() as work:
        work.keys.set_state(signer, KeyState.RETIRED, at=house.world.clock.at - 10)
        work.keys.remove_retired_before(house.world.clock.at)
    house.openid.keys.reload()
    with pytest.raises(ProviderError, match="invalid_token"):
        app.userinfo(token)


def test_retired_keys_are_removed_after_a_month(house: House) -> None:
    first = named(house)
    house.openid.keys.rotate()
    house.world.clock.move(signing.RETIRED_SECONDS + 1)
    house.openid.keys.rotate()
    active_then = {kid for kid in first if kid not in named(house)}
    assert len(active_then) == 2


def test_private_halves_are_sealed_to_their_row(house: House) -> None:
    """attack 44"""
    from idp.crypto import Place, SealError

    with house.world.database.read() as work:
        rows = work.keys.signing_keys()
    for row, other in itertools.pairwise(rows):
        assert "PRIVATE" not in row.private_sealed
        assert "d" not in row.public
        with pytest.raises(SealError):
            house.world.vault.open(row.private_sealed, Place("signing_keys", "private_sealed", other.kid))


def test_two_processes_that_begin_at_once_sign_with_one_key(house: House) -> None:
    other = House(house.world)
    assert house.openid.keys.signer("ES256").kid == other.openid.keys.signer("ES256").kid


def test_a_signer_does_not_show_its_key(house: House) -> None:
    """attack 44"""
    assert "key=" not in repr(house.openid.keys.signer("ES256"))
