"""Client Configuration Management (RFC 7592): an application reads, replaces and removes its own registration."""

from typing import Any

import pytest
from sqlalchemy import text

from idp.gateways.outbound import Outbound
from idp.models.people import User
from idp.oidc import registration_management
from idp.oidc.authorize import Browser
from idp.oidc.client_secrets import secret_record
from idp.oidc.errors import ProtocolError
from idp.oidc.options import Options, RegistrationMode
from idp.storage import migrate
from tests.idp.oidc.house import ISSUER, House
from tests.support.at_once import at_once
from tests.support.builders import World
from tests.support.registrant import CALLBACK, DOCUMENT, NOT_METADATA, Registered, bearer, register
from tests.support.relying_party import ProviderError, Tokens

OPEN = Options(issuer=ISSUER, refresh_seconds=30 * 86400, registration=RegistrationMode.OPEN)
OTHER = "https://app.example.lv/other"
OFFLINE = {"grant_types": ["authorization_code", "refresh_token"]}


@pytest.fixture
def house(house: House, outbound: Outbound) -> House:
    return House(house.world, options=OPEN, outbound=outbound)


@pytest.fixture
def mine(house: House) -> Registered:
    return register(house.http, **OFFLINE)


def signed_in(house: House, registered: Registered, browser: Browser) -> Tokens:
    party = registered.party(now=house.world.clock)
    question = party.ask(scope="openid offline_access")
    outcome = house.agree(house.visit(question, browser), browser)
    return party.redeem(question, house.code_in(party, question, outcome))


def trail(house: House) -> list[str]:
    with house.world.database.read() as work:
        return [
            row[0] for row in work.connection().execute(text("SELECT type FROM audit_events ORDER BY seq"))
        ]


# Reading (section 2.1) ------------------------------------------------------------------------------------------


def test_it_reads_what_it_registered(mine: Registered) -> None:
    told = mine.read()
    assert told == {name: value for name, value in mine.told.items() if "client_secret" not in name}
    assert mine.send("GET").headers["Cache-Control"] == "no-store"


def test_the_secret_is_told_once(mine: Registered) -> None:
    """attack 19, attack 44"""
    assert "client_secret" in mine.told
    assert "client_secret" not in mine.read()


# Replacing (section 2.2) ----------------------------------------------------------------------------------------


def test_it_replaces_everything(house: House, mine: Registered) -> None:
    changed = mine.replace(redirect_uris=[OTHER], client_name="Cits nosaukums")
    assert changed.told["redirect_uris"] == [OTHER]
    assert changed.told["grant_types"] == ["authorization_code"], "what is left out is gone"
    assert changed.read()["client_name"] == "Cits nosaukums"
    assert house.openid.clients.get(mine.client_id).name == "Cits nosaukums"
    assert trail(house)[-1] == "client.changed"


def test_the_secret_stays_good(mine: Registered) -> None:
    changed = mine.replace(**DOCUMENT, client_secret=mine.told["client_secret"])
    assert changed.party().introspect("x") == {"active": False}


def test_a_way_that_needs_a_secret_brings_one_and_another_takes_it_away(house: House) -> None:
    public = register(house.http, token_endpoint_auth_method="none")
    confidential = public.replace(**DOCUMENT)
    assert len(confidential.told["client_secret"]) == 43
    assert confidential.party().introspect("x") == {"active": False}
    again = confidential.replace(**DOCUMENT, token_endpoint_auth_method="none")
    assert house.openid.clients.get(again.client_id).secrets == []


def test_once_public_it_is_held_to_s256_ever_after(house: House, browser: Browser) -> None:
    """attack 13: no downgrade by way of a change"""
    public = register(house.http, token_endpoint_auth_method="none")
    party = public.replace(**DOCUMENT).party()
    question = party.ask(code_challenge=None, code_challenge_method=None)
    with pytest.raises(ProviderError, match="invalid_request"):
        house.code_in(party, question, house.visit(question, browser))


def test_the_token_is_another_one_after_each_change(mine: Registered) -> None:
    changed = mine.replace(**DOCUMENT)
    for method in ("GET", "PUT", "DELETE"):
        assert mine.send(method, json={"client_id": mine.client_id, **DOCUMENT}).status_code == 401
    assert changed.read()


@pytest.mark.parametrize(
    "document",
    [
        DOCUMENT,
        {**DOCUMENT, "client_id": "another"},
        {**DOCUMENT, "client_id": None},
        *({**DOCUMENT, "client_id": "its own", name: "x"} for name in sorted(NOT_METADATA - {"client_id"})),
        {"client_id": "its own", "redirect_uris": ["https://app.example.lv/#x"]},
        {"client_id": "its own", "redirect_uris": []},
        {**DOCUMENT, "client_id": "its own", "visvaris": {"first_party": True}},
        {**DOCUMENT, "client_id": "its own", "scope": "openid employment"},
        {**DOCUMENT, "client_id": "its own", "grant_types": ["client_credentials"]},
        {**DOCUMENT, "client_id": "its own", "software_statement": "x.y.z"},
    ],
)
def test_a_change_that_is_not_in_order_changes_nothing(mine: Registered, document: dict[str, Any]) -> None:
    """attack 40, attack 41: what registration refuses, a change does not bring either"""
    if document.get("client_id") == "its own":
        document = {**document, "client_id": mine.client_id}
    reply = mine.send("PUT", json=document)
    assert reply.status_code == 400
    assert reply.json()["error"].startswith("invalid_")
    assert mine.read()["redirect_uris"] == [CALLBACK]


def test_a_secret_that_ended_is_not_its_secret(house: House, mine: Registered) -> None:
    """attack 30"""
    secret, now = mine.told["client_secret"], house.world.clock()
    with house.world.database.begin() as work:
        work.clients.replace_secrets(mine.client_id, [secret_record(secret, now, expires_at=now)])
    document = {**DOCUMENT, "client_id": mine.client_id, "client_secret": secret}
    assert mine.send("PUT", json=document).status_code == 400


def test_a_change_does_not_bring_back_a_secret_that_an_operator_ends_meanwhile(
    house: House, mine: Registered, monkeypatch: pytest.MonkeyPatch
) -> None:
    """attack 17"""
    record = secret_record("s" * 43, house.world.clock())
    real = registration_management.require_own_names

    def meanwhile(*arguments: Any, **named: Any) -> None:
        real(*arguments, **named)
        with house.world.database.begin() as work:
            work.clients.replace_secrets(mine.client_id, [record])

    monkeypatch.setattr(registration_management, "require_own_names", meanwhile)
    mine.replace(**DOCUMENT)
    assert house.openid.clients.get(mine.client_id).secrets == [record]


def test_what_an_operator_set_stays(house: House, mine: Registered) -> None:
    """attack 42"""
    with house.world.database.begin() as work:
        work.connection().execute(
            text("UPDATE clients SET minimum_level = 2, needs_employment = :yes"), {"yes": True}
        )
    mine.replace(**DOCUMENT)
    changed = house.openid.clients.get(mine.client_id)
    assert (changed.minimum_level, changed.needs_employment) == (2, True)


def test_another_sector_ends_what_came_under_the_old_one(house: House, browser: Browser) -> None:
    """Core 8: people have other names from then on"""
    pairwise = register(house.http, subject_type="pairwise", **OFFLINE)
    tokens = signed_in(house, pairwise, browser)
    same = pairwise.replace(redirect_uris=[CALLBACK], subject_type="pairwise", client_name="Cits", **OFFLINE)
    assert same.party().introspect(tokens.access_token)["active"]
    moved = same.replace(redirect_uris=["https://elsewhere.example/cb"], subject_type="pairwise", **OFFLINE)
    assert moved.party().introspect(tokens.access_token) == {"active": False}
    with pytest.raises(ProviderError, match="invalid_grant"):
        moved.party().refresh(tokens.refresh_token or "")


def test_a_redirect_uri_taken_away_is_no_redirect_uri(
    house: House, mine: Registered, browser: Browser
) -> None:
    """attack 1"""
    mine.replace(redirect_uris=[OTHER])
    with pytest.raises(ProtocolError):
        house.visit(mine.party().ask(), browser)


# Removing (section 2.3) -----------------------------------------------------------------------------------------


def test_it_removes_itself_and_all_that_came_of_it(house: House, mine: Registered, browser: Browser) -> None:
    tokens = signed_in(house, mine, browser)
    party = mine.party()
    assert party.userinfo(tokens.access_token)
    reply = mine.remove()
    assert (reply.status_code, reply.content) == (204, b"")
    rows = house.rows_in_all_tables()
    assert [rows[name] for name in ("clients", "token_families", "refresh_tokens", "consents")] == [0] * 4
    with pytest.raises(ProviderError, match="invalid_token"):
        party.userinfo(tokens.access_token)
    with pytest.raises(ProviderError, match="invalid_client"):
        party.refresh(tokens.refresh_token or "")
    with pytest.raises(ProtocolError):
        house.visit(party.ask(), browser)
    assert trail(house)[-1] == "client.removed"


def test_after_that_its_token_is_nobodys(mine: Registered) -> None:
    mine.remove()
    for method in ("GET", "PUT", "DELETE"):
        assert mine.send(method, json=DOCUMENT).status_code == 401


def test_a_sign_in_under_way_ends_with_it(
    house: House, mine: Registered, browser: Browser, anna: User
) -> None:
    party = mine.party()
    question = party.ask()
    outcome = house.agree(house.visit(question, browser), browser)
    code = house.code_in(party, question, outcome)
    mine.remove()
    with pytest.raises(ProviderError, match="invalid_client"):
        party.redeem(question, code)


# Whose it is ----------------------------------------------------------------------------------------------------


def test_unknown_disabled_an_operators_and_a_wrong_token_read_the_same(
    house: House, mine: Registered
) -> None:
    """attack 28"""
    operators, other, disabled = house.add_client(), register(house.http), register(house.http)
    with house.world.database.begin() as work:
        work.clients.set_disabled(disabled.client_id, True)
    asked = [
        *(("nobody", mine.token), (operators.client_id, mine.token), (mine.client_id, "x" * 43)),
        *((mine.client_id, other.token), (disabled.client_id, disabled.token), ("", mine.token)),
        *((f"{mine.client_id}/", mine.token), (f"x/{mine.client_id}", mine.token), ("\0", mine.token)),
        *((operators.client_id, operators.secret or ""), (mine.client_id, mine.told["client_secret"])),
    ]
    for method in ("GET", "PUT", "DELETE"):
        replies = [
            house.http.request(
                method, f"/register/{client_id}".replace("\0", "%00"), headers=bearer(token), json=DOCUMENT
            )
            for client_id, token in asked
        ]
        assert {reply.status_code for reply in replies} == {401}
        assert (
            len({(reply.json()["error_description"], reply.headers["WWW-Authenticate"]) for reply in replies})
            == 1
        )
    assert mine.read()


def test_the_token_of_a_disabled_client_never_revives_it(house: House, mine: Registered) -> None:
    """attack 17: registration token reviving a disabled client"""
    with house.world.database.begin() as work:
        work.clients.set_disabled(mine.client_id, True)
    for method in ("GET", "PUT", "DELETE"):
        assert mine.send(method, json={**DOCUMENT, "client_id": mine.client_id}).status_code == 401
    client = house.openid.clients.get(mine.client_id)
    assert client.disabled
    with pytest.raises(ProviderError, match="invalid_client"):
        mine.party().introspect("x")


def test_nor_does_a_change_under_way_when_it_is_disabled(
    house: House, mine: Registered, monkeypatch: pytest.MonkeyPatch
) -> None:
    """attack 17"""
    real = registration_management.require_own_names

    def meanwhile(*arguments: Any, **named: Any) -> None:
        real(*arguments, **named)
        with house.world.database.begin() as work:
            work.clients.set_disabled(mine.client_id, True)

    monkeypatch.setattr(registration_management, "require_own_names", meanwhile)
    document = {"client_id": mine.client_id, "redirect_uris": [OTHER]}
    assert mine.send("PUT", json=document).status_code == 401
    client = house.openid.clients.get(mine.client_id)
    assert (client.disabled, client.registered["redirect_uris"]) == (True, [CALLBACK])


def test_no_token_is_needed_means_none_is_taken_from_elsewhere(house: House, mine: Registered) -> None:
    """attack 44: not from the URL, not from a form"""
    assert house.http.get(f"{mine.uri}?access_token={mine.token}").status_code == 401
    reply = house.post(f"/register/{mine.client_id}", {"access_token": mine.token})
    assert reply.status_code in {401, 405}


def test_other_methods_are_not_allowed(mine: Registered, house: House) -> None:
    reply = mine.send("POST", json=DOCUMENT)
    assert reply.status_code == 405
    assert reply.headers["Allow"] == "DELETE, GET, HEAD, OPTIONS, PUT"
    assert house.http.get("/register").headers["Allow"] == "OPTIONS, POST"


def test_tokens_are_compared_in_constant_time(
    house: House, mine: Registered, monkeypatch: pytest.MonkeyPatch
) -> None:
    """attack 17"""
    compared: list[tuple[int, int]] = []
    real = registration_management.hmac.compare_digest

    def watched(one: str, other: str) -> bool:
        compared.append((len(one), len(other)))
        return real(one, other)

    monkeypatch.setattr("idp.oidc.registration_management.hmac.compare_digest", watched)
    for client_id in (mine.client_id, "nobody"):
        house.http.get(f"/register/{client_id}", headers=bearer("wrong"))
    assert compared == [(64, 64), (64, 64)]


@pytest.mark.parametrize("database", ["sqlite_url", "postgres_url"])
def test_of_all_changes_at_once_one_is_made(request: pytest.FixtureRequest, database: str) -> None:
    url = request.getfixturevalue(database)
    migrate.upgrade(url)
    with World(url) as world:
        house = House(world, options=OPEN)
        mine = register(house.http)
        document = {**DOCUMENT, "client_id": mine.client_id}
        replies = at_once(10, lambda _: mine.send("PUT", json=document))
        assert sorted(reply.status_code for reply in replies) == [200] + [401] * 9
        (won,) = (reply.json() for reply in replies if reply.status_code == 200)
        assert Registered(house.http, won).read()
