"""The authorization code grant (RFC 6749 section 4.1, OpenID Connect Core 3.1) seen by an application."""

import threading

import pytest

from idp.events import EventType
from idp.models.people import User, UserStatus
from idp.oidc.authorize import Browser
from tests.idp.oidc.house import CALLBACK, House
from tests.support.relying_party import ProviderError, RelyingParty, Tokens

OTHER = "https://app.example.lv/other"


def refused(error: str = "invalid_grant"):
    return pytest.raises(ProviderError, match=error)


def test_an_employee_signs_in(house: House, browser: Browser, app: RelyingParty, anna: User) -> None:
    tokens = house.tokens_for(app, browser, scope="openid profile")
    assert tokens.claims["sub"] == anna.id
    assert tokens.claims["acr"] == "urn:visvaris:acr:1fa"
    assert tokens.claims["amr"] == ["pwd"]
    assert tokens.claims["auth_time"] == int(house.world.clock.at)
    assert tokens.claims["sid"] == browser.signed_in.session_id
    assert tokens.scope == {"openid", "profile"}
    assert tokens.refresh_token is None
    assert EventType.TOKENS_ISSUED.value in house.events(anna)


def test_an_id_token_is_signed_with_es256_where_the_client_asks(house: House, browser: Browser) -> None:
    app = house.add_client(id_token_signed_response_alg="ES256")
    assert house.tokens_for(app, browser).claims["aud"] == app.client_id


def test_a_request_without_openid_gives_no_id_token(house: House, browser: Browser) -> None:
    app = house.add_client(scope="fines.read")
    tokens = house.tokens_for(app, browser, scope="fines.read", nonce=None)
    assert tokens.id_token is None


def test_a_request_without_nonce_gives_an_id_token_without_one(
    house: House, browser: Browser, app: RelyingParty
) -> None:
    assert "nonce" not in house.tokens_for(app, browser, nonce=None).claims


def test_a_code_works_once_and_its_replay_revokes_everything(
    house: House, browser: Browser, app: RelyingParty, anna: User
) -> None:
    """attack 11"""
    question, code = house.code_for(app, browser, scope="openid offline_access")
    tokens = app.redeem(question, code)
    with refused():
        app.redeem(question, code)
    assert_all_dead(app, tokens)
    assert EventType.CODE_REPLAYED.value in house.events(anna)


def test_a_code_replayed_after_its_minute_still_revokes_everything(
    house: House, browser: Browser, app: RelyingParty
) -> None:
    """attack 11"""
    question, code = house.code_for(app, browser, scope="openid offline_access")
    tokens = app.redeem(question, code)
    house.world.clock.move(90)
    with refused():
        app.redeem(question, code)
    assert_all_dead(app, tokens)


def test_of_parallel_redemptions_one_wins_and_the_family_is_revoked(
    house: House, browser: Browser, app: RelyingParty
) -> None:
    """attack 11"""
    question, code = house.code_for(app, browser, scope="openid offline_access")
    won, lost = [], []
    start = threading.Barrier(8)

    def redeem() -> None:
        start.wait()
        try:
            won.append(app.redeem(question, code))
        except ProviderError as error:
            lost.append(error.error)

    threads = [threading.Thread(target=redeem) for _ in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert (len(won), lost) == (1, ["invalid_grant"] * 7)
    assert_all_dead(app, won[0])


def test_a_code_lives_a_minute(house: House, browser: Browser, app: RelyingParty) -> None:
    """attack 30"""
    question, code = house.code_for(app, browser)
    house.world.clock.move(60)
    with refused():
        app.redeem(question, code)


def test_a_code_is_for_its_client_alone(house: House, browser: Browser, app: RelyingParty) -> None:
    """attack 12"""
    question, code = house.code_for(app, browser)
    with refused():
        house.add_client().redeem(question, code)
    with refused():
        app.redeem(question, code)


def test_a_code_is_for_its_redirect_uri_alone(house: House, browser: Browser) -> None:
    """attack 12"""
    app = house.add_client(redirect_uris=[CALLBACK, OTHER])
    for wrong in (OTHER, None):
        question, code = house.code_for(app, browser)
        with refused():
            app.redeem(question, code, redirect_uri=wrong)


def test_a_code_dies_with_the_session(house: House, browser: Browser, app: RelyingParty) -> None:
    """attack 12"""
    question, code = house.code_for(app, browser)
    house.end_session(browser)
    with refused():
        app.redeem(question, code)


def test_a_code_of_a_user_blocked_meanwhile_is_refused(
    house: House, browser: Browser, app: RelyingParty, anna: User
) -> None:
    """attack 14, attack 25"""
    question, code = house.code_for(app, browser)
    with house.world.database.begin() as work:
        work.people.set_status(anna.id, UserStatus.BLOCKED, at=house.world.clock.at)
    with refused():
        app.redeem(question, code)


def test_kinds_of_secrets_do_not_stand_for_one_another(
    house: House, browser: Browser, app: RelyingParty
) -> None:
    """attack 12: no shared key space"""
    tokens = house.tokens_for(app, browser, scope="openid offline_access")
    question, code = house.code_for(app, browser, scope="openid offline_access")
    with refused():
        app.refresh(code)
    with refused():
        app.redeem(question, tokens.refresh_token or "")
    app.redeem(question, code)


def test_an_unknown_code_is_refused(app: RelyingParty) -> None:
    with refused():
        app.redeem(app.ask(), "x" * 43)


def assert_all_dead(app: RelyingParty, tokens: Tokens) -> None:
    assert app.introspect(tokens.access_token) == {"active": False}
    with refused("invalid_token"):
        app.userinfo(tokens.access_token)
    if tokens.refresh_token:
        with refused():
            app.refresh(tokens.refresh_token)
