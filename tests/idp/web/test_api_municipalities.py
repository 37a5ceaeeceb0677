"""What a municipality decides, in the API of administrators: its own administrators alone, who signed in just now."""

import json

import httpx
import pytest

from idp.web import api_calls
from tests.idp.web.test_api import assert_refused, conforms
from tests.support.actors import Employee, Hall
from tests.support.administrators import AUDIENCE, SCOPE, Api, administrator, program, service, token_of
from tests.support.builders import KEKAVA, RIGA

RULES = f"/municipalities/{KEKAVA}/rules"


@pytest.fixture
def boss(hall: Hall) -> Employee:
    return administrator(hall, "kekavas", KEKAVA)


@pytest.fixture
def kekava(hall: Hall, boss: Employee) -> Api:
    return Api(hall, token_of(hall, program(hall), boss))


def both(days: int = 0, minutes: int = 10) -> dict[str, int]:
    return {"remember_days": days, "shared_idle_minutes": minutes, "vouching_hours": 0}


def days_of(hall: Hall, atvk: str) -> int:
    with hall.world.database.read() as work:
        return work.municipality_rules.of(atvk).remember_days


def test_its_administrator_decides_and_reads_it_and_the_trail_says_who(
    hall: Hall, kekava: Api, boss: Employee
) -> None:
    assert kekava.get(RULES).json() == both()
    reply = kekava.ask("PUT", RULES, json=both(14, 5))
    assert (reply.status_code, reply.json()) == (200, both(14, 5))
    conforms(reply.json(), "municipality_rules")
    assert days_of(hall, KEKAVA) == 14
    with hall.world.database.read() as work:
        head = max(
            (event for event in map(work.audit.find, range(1, 60)) if event is not None),
            key=lambda event: event.seq,
        )
    assert (head.type, head.actor_id, head.municipality) == (
        "municipality.rules_changed",
        boss.user.id,
        KEKAVA,
    )
    assert json.loads(head.detail) == both(14, 5)


@pytest.mark.parametrize("atvk", [RIGA, "9999999", "x", "national"])
def test_anothers_and_none_look_alike(hall: Hall, kekava: Api, atvk: str) -> None:
    """attack 40: another municipality's by its code in the address"""
    assert_refused(kekava.get(f"/municipalities/{atvk}/rules"), 404, "not_found")
    reply = kekava.ask("PUT", f"/municipalities/{atvk}/rules", json=both(30))
    assert_refused(reply, 404, "not_found")
    assert days_of(hall, RIGA) == 0


def test_an_operator_decides_for_any(hall: Hall) -> None:
    operator = hall.employee("operators", totp=True, roles=["operator"])
    api = Api(hall, token_of(hall, program(hall), operator))
    assert api.ask("PUT", RULES, json=both(1)).status_code == 200
    assert days_of(hall, KEKAVA) == 1


def test_who_signed_in_longer_ago_may_read_and_not_decide(
    hall: Hall, kekava: Api, monkeypatch: pytest.MonkeyPatch
) -> None:
    """What lets everybody in with less is not done by an unattended browser."""
    monkeypatch.setattr(api_calls, "FRESH_SECONDS", 60)
    hall.clock.move(60)
    assert kekava.ask("PUT", RULES, json=both(2)).status_code == 200
    hall.clock.move(1)
    assert kekava.get(RULES).json() == both(2)
    reply = kekava.ask("PUT", RULES, json=both(30))
    assert_refused(reply, 401, "insufficient_user_authentication")
    assert days_of(hall, KEKAVA) == 2


def test_a_service_reads_and_does_not_decide(hall: Hall) -> None:
    party = service(hall, own={"service_municipality": KEKAVA})
    api = Api(hall, party.own_token(scope=SCOPE, resource=AUDIENCE).access_token)
    assert api.get(RULES).json() == both()
    assert_refused(api.ask("PUT", RULES, json=both(3)), 403, "access_denied")


@pytest.mark.parametrize(
    "body",
    [
        *("", "[]", "{}", "null", "1", "{", "[" * 60_000),
        *(json.dumps({**both(), "remember_days": bad}) for bad in (-1, 31, 1.5, "7", None, True, [], 10**30)),
        *(
            json.dumps({**both(), "shared_idle_minutes": bad})
            for bad in (-1, 0, 61, 1.5, "7", None, True, {})
        ),
        *(
            json.dumps({**both(), "vouching_hours": bad})
            for bad in (-1, 169, 1.5, "24", None, True, [], 10**30)
        ),
        '{"remember_days": NaN, "shared_idle_minutes": 10, "vouching_hours": 1}',
        '{"remember_days": 1, "shared_idle_minutes": 10}',
        '{"vouching_hours": 24}',
        '{"remember_days": 1, "shared_idle_minutes": 10, "vouching_hours": 1, "atvk": "0001000"}',
    ],
    ids=lambda body: body[:60],
)
def test_a_body_that_says_something_else_changes_nothing(hall: Hall, kekava: Api, body: str) -> None:
    headers = {"Authorization": f"Bearer {kekava.token}", "Content-Type": "application/json"}
    with httpx.Client(transport=httpx.WSGITransport(app=hall.app), base_url=hall.issuer) as http:
        reply = http.put(f"/api/v1{RULES}", content=body, headers=headers)
    assert_refused(reply, 400, "invalid_request")
    assert days_of(hall, KEKAVA) == 0


def test_its_administrator_lets_colleagues_vouch_and_says_for_how_long_it_can_be_stopped(
    hall: Hall, kekava: Api
) -> None:
    wanted = {**both(), "vouching_hours": 24}
    reply = kekava.ask("PUT", RULES, json=wanted)
    assert (reply.status_code, reply.json()) == (200, wanted)
    conforms(reply.json(), "municipality_rules")
    with hall.world.database.read() as work:
        assert work.municipality_rules.of(KEKAVA).vouching_hours == 24
        assert work.municipality_rules.of(RIGA).vouching_hours == 0
