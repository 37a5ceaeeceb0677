"""Refresh tokens: rotation, the window for retries, and everything that ends a family (RFC 6749 section 6, RFC 9700)."""

import threading

import pytest
from sqlalchemy import text, update

from idp.events import EventType
from idp.models.clients import Client
from idp.models.people import User, UserStatus
from idp.oidc.authorize import Browser
from idp.storage.unit import table_of
from tests.idp.oidc.house import House
from tests.support.relying_party import ProviderError, RelyingParty, Tokens

OFFLINE = "openid profile employment offline_access"
FINES, BARIS = "https://fines.example.lv", "https://baris.example.lv"


@pytest.fixture
def app(house: House) -> RelyingParty:
    return house.add_client(own={"resources": [FINES, BARIS]})


@pytest.fixture
def tokens(house: House, browser: Browser, app: RelyingParty) -> Tokens:
    return house.tokens_for(app, browser, scope=OFFLINE)


def refusal(app: RelyingParty, refresh_token: str | None, **extra: str) -> str:
    with pytest.raises(ProviderError) as refused:
        app.refresh(refresh_token or "", **extra)
    return refused.value.error


def described(app: RelyingParty, tokens: Tokens) -> dict[str, object]:
    return app.introspect(tokens.access_token)


def test_the_token_changes_and_the_sign_in_stays_what_it_was(
    house: House, browser: Browser, app: RelyingParty, tokens: Tokens
) -> None:
    house.world.clock.move(4000)
    fresh = app.refresh(tokens.refresh_token or "")
    assert fresh.refresh_token != tokens.refresh_token
    assert fresh.scope == tokens.scope
    assert fresh.id_token is None
    claims = described(app, fresh)
    assert claims["auth_time"] == int(house.world.clock.at) - 4000
    assert (claims["acr"], claims["amr"], claims["sid"]) == (
        "urn:visvaris:acr:1fa",
        ["pwd"],
        tokens.claims["sid"],
    )
    assert (claims["municipality"], claims["roles"]) == ("0001000", ["jurists"])


def test_only_offline_access_gives_one(house: House, browser: Browser, app: RelyingParty) -> None:
    assert house.tokens_for(app, browser, scope="openid").refresh_token is None


def test_a_client_without_the_grant_gets_none(house: House, browser: Browser) -> None:
    """OpenID Connect Core 11: the scope MUST be ignored"""
    app = house.add_client(grant_types=["authorization_code"])
    tokens = house.tokens_for(app, browser, scope=OFFLINE)
    assert "offline_access" not in tokens.scope
    assert tokens.refresh_token is None


def test_a_lost_answer_can_be_fetched_again(house: House, app: RelyingParty, tokens: Tokens) -> None:
    first = app.refresh(tokens.refresh_token or "")
    house.world.clock.move(9)
    again = app.refresh(tokens.refresh_token or "")
    assert (again.access_token, again.refresh_token) == (first.access_token, first.refresh_token)
    assert app.refresh(first.refresh_token or "")


def test_two_processes_of_one_program_do_not_destroy_each_other(app: RelyingParty, tokens: Tokens) -> None:
    """attack 14: parallel race: one rotation, one answer"""
    got, start = [], threading.Barrier(6)

    def refresh() -> None:
        start.wait()
        got.append(app.refresh(tokens.refresh_token or "").refresh_token)

    threads = [threading.Thread(target=refresh) for _ in range(6)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(got) == 6
    assert len(set(got)) == 1
    assert app.refresh(got[0] or "")


def test_reuse_after_the_window_ends_the_family(
    house: House, app: RelyingParty, tokens: Tokens, anna: User
) -> None:
    """attack 14"""
    fresh = app.refresh(tokens.refresh_token or "")
    house.world.clock.move(10.5)
    assert refusal(app, tokens.refresh_token) == "invalid_grant"
    assert refusal(app, fresh.refresh_token) == "invalid_grant"
    assert described(app, fresh) == {"active": False}
    assert EventType.REFRESH_REPLAYED.value in house.events(anna)


def test_reuse_after_the_successor_was_used_ends_the_family(app: RelyingParty, tokens: Tokens) -> None:
    """attack 14"""
    second = app.refresh(tokens.refresh_token or "")
    third = app.refresh(second.refresh_token or "")
    assert refusal(app, tokens.refresh_token) == "invalid_grant"
    assert refusal(app, third.refresh_token) == "invalid_grant"


def test_it_is_bound_to_its_client(house: House, app: RelyingParty, tokens: Tokens) -> None:
    """attack 14"""
    other = house.add_client()
    assert refusal(other, tokens.refresh_token) == "invalid_grant"
    app.refresh(tokens.refresh_token or "")
    assert refusal(other, tokens.refresh_token) == "invalid_grant"


def test_scope_may_only_narrow(app: RelyingParty, tokens: Tokens) -> None:
    """attack 14: widened scope"""
    assert refusal(app, tokens.refresh_token, scope="openid email") == "invalid_scope"
    assert refusal(app, tokens.refresh_token, scope=" ") == "invalid_scope"
    narrow = app.refresh(tokens.refresh_token or "", scope="openid")
    assert narrow.scope == {"openid"}
    assert app.refresh(narrow.refresh_token or "").scope == tokens.scope


def test_audience_only_from_those_granted(house: House, browser: Browser, app: RelyingParty) -> None:
    """attack 14: widened audience"""
    tokens = house.tokens_for(app, browser, scope=OFFLINE, resource=FINES)
    assert refusal(app, tokens.refresh_token, resource=BARIS) == "invalid_target"
    assert described(app, app.refresh(tokens.refresh_token or ""))["aud"] == FINES


def test_a_resource_taken_from_the_client_ends_it(house: House, browser: Browser, app: RelyingParty) -> None:
    """attack 14"""
    tokens = house.tokens_for(app, browser, scope=OFFLINE, resource=FINES)
    with house.world.database.begin() as work:
        work.connection().execute(text("UPDATE clients SET resources = '[]'"))
    house.world.clock.move(2)
    assert refusal(app, tokens.refresh_token) == "invalid_grant"


def test_a_scope_taken_from_the_client_is_in_no_token_after(
    house: House, app: RelyingParty, tokens: Tokens
) -> None:
    """attack 14: what was granted once is not granted for good"""
    with house.world.database.begin() as work:
        client = work.clients.find(app.client_id)
        assert client is not None
        fewer = {**client.registered, "scope": "openid offline_access"}
        work.connection().execute(update(table_of(Client)).values(registered=fewer))
    house.world.clock.move(2)
    fresh = app.refresh(tokens.refresh_token or "")
    assert fresh.scope == {"openid", "offline_access"}
    assert refusal(app, fresh.refresh_token, scope="openid profile") == "invalid_scope"


@pytest.mark.parametrize("closed", [{"municipalities": ["0004000"]}, {"roles": ["finansists"]}])
def test_a_client_that_is_closed_to_the_post_gets_nothing_more(
    house: House, app: RelyingParty, tokens: Tokens, closed: dict[str, list[str]]
) -> None:
    """attack 14: who could not sign in there any more does not stay in there either"""
    with house.world.database.begin() as work:
        work.connection().execute(update(table_of(Client)).values(**closed))
    house.world.clock.move(2)
    assert refusal(app, tokens.refresh_token) == "invalid_grant"


def test_a_blocked_user_gets_nothing_more(
    house: House, app: RelyingParty, tokens: Tokens, anna: User
) -> None:
    """attack 14, attack 25"""
    with house.world.database.begin() as work:
        work.people.set_status(anna.id, UserStatus.BLOCKED, at=house.world.clock.at)
    assert described(app, tokens) == {"active": False}
    assert refusal(app, tokens.refresh_token) == "invalid_grant"


def test_a_disabled_client_gets_nothing_more(house: House, app: RelyingParty, tokens: Tokens) -> None:
    """attack 14, attack 17"""
    with house.world.database.begin() as work:
        work.clients.set_disabled(app.client_id, True)
    assert refusal(app, tokens.refresh_token) == "invalid_client"


def test_who_left_their_post_acts_for_it_no_more(house: House, app: RelyingParty, browser: Browser) -> None:
    """attack 14: a municipality must not outlive the employment"""
    berta = house.add_person("berta")
    house.employ(berta, ends_at=house.world.clock.at + 100)
    tokens = house.tokens_for(app, house.sign_in(berta), scope=OFFLINE)
    house.world.clock.move(101)
    assert refusal(app, tokens.refresh_token) == "invalid_grant"


def test_signing_out_leaves_what_was_given_for_absence(
    house: House, app: RelyingParty, browser: Browser, tokens: Tokens
) -> None:
    short = house.tokens_for(app, browser, scope="openid")
    house.end_session(browser)
    assert described(app, short) == {"active": False}
    assert app.refresh(tokens.refresh_token or "")


def test_it_ends_after_thirty_days_however_often_it_was_used(
    house: House, app: RelyingParty, tokens: Tokens
) -> None:
    """attack 30: checked at use"""
    house.world.clock.move(30 * 86400 - 10)
    fresh = app.refresh(tokens.refresh_token or "")
    house.world.clock.move(11)
    assert refusal(app, fresh.refresh_token) == "invalid_grant"


def test_it_survives_a_restart(house: House, app: RelyingParty, tokens: Tokens) -> None:
    """attack 14: nothing of it lives in a process or in Redis"""
    restarted = House(house.world)
    app.http = restarted.http
    fresh = app.refresh(tokens.refresh_token or "")
    assert app.refresh(tokens.refresh_token or "").refresh_token == fresh.refresh_token


@pytest.mark.parametrize("token", ["", "x", "x" * 43, "ā", "eyJhbGciOiJub25lIn0.e30."])
def test_an_unknown_one_is_refused(app: RelyingParty, token: str) -> None:
    assert refusal(app, token) in {"invalid_grant", "invalid_request"}
