"""Readings of a directory in the API of administrators: shown to its own, and confirmed by a person."""

import pytest

from idp.models.directory_sync import RunState
from idp.web import api_calls
from tests.idp.web.test_api import assert_refused, conforms
from tests.support.actors import Employee, Hall
from tests.support.administrators import AUDIENCE, SCOPE, Api, administrator, program, service, token_of
from tests.support.builders import KEKAVA, RIGA
from tests.support.directories import connect, person
from tests.support.directory_sync import Synced
from tests.support.samba import Controller

pytestmark = pytest.mark.allow_hosts(["127.0.0.0/8", "::1", "localhost"])
RUNS = f"/municipalities/{RIGA}/directories/ad/runs"


@pytest.fixture
def synced(hall: Hall, riga_domain: Controller) -> Synced:
    return Synced(connect(hall, riga_domain, name="ad", roles={}))


@pytest.fixture
def riga(hall: Hall, synced: Synced) -> Api:
    """The API as the administrator of Rīga has it."""
    return Api(hall, token_of(hall, program(hall), administrator(hall, "rigas", RIGA)))


@pytest.fixture
def crowd(request: pytest.FixtureRequest, synced: Synced) -> list[Employee]:
    """Seven people, all of them disabled since they were read; that is held."""
    names = [f"{request.node.name[5:12]}{number}" for number in range(7)]
    people = synced.employ_all([person(name) for name in names])
    synced.run()
    synced.riga.controller.change(*({"do": "disable", "name": name} for name in names))
    synced.run()
    return people


def test_readings_are_listed_and_shown_as_described(riga: Api, synced: Synced, crowd: list[Employee]):
    listed = riga.get(RUNS).json()
    conforms(listed, "directory_runs")
    assert [each["state"] for each in listed["runs"]] == ["held", "applied"]
    page = riga.get(RUNS, limit="1").json()
    assert [each["id"] for each in riga.get(RUNS, after=page["after"]).json()["runs"]] == [
        listed["runs"][1]["id"]
    ]
    shown = riga.get(f"{RUNS}/{listed['runs'][0]['id']}").json()
    conforms(shown, "directory_run_with_lines")
    assert {(line["change"], line["told"], line["held"]) for line in shown["lines"]} == {
        ("blocked", "disabled", True)
    }
    by_id = riga.get(f"/municipalities/{RIGA}/directories/{synced.directory.id}/runs").json()
    assert by_id == listed


def test_its_administrator_confirms_and_once(riga: Api, synced: Synced, crowd: list[Employee]):
    (held, _) = riga.get(RUNS).json()["runs"]
    reply = riga.ask("POST", f"{RUNS}/{held['id']}/confirm")
    assert reply.status_code == 200
    conforms(reply.json(), "directory_run_with_lines")
    assert reply.json()["counts"] == {"blocked": 7}
    assert all(synced.is_blocked(each) for each in crowd)
    confirmed = riga.get(f"{RUNS}/{held['id']}").json()
    assert confirmed["state"] == RunState.CONFIRMED
    assert confirmed["confirmed_by"]
    assert_refused(riga.ask("POST", f"{RUNS}/{held['id']}/confirm"), 409, "stale")


def test_another_municipalitys_administrator_sees_and_confirms_nothing(
    hall: Hall, riga: Api, synced: Synced, crowd: list[Employee]
):
    """attack 40"""
    kekava = Api(hall, token_of(hall, program(hall), administrator(hall, "kekavas", KEKAVA)))
    (held, _) = riga.get(RUNS).json()["runs"]
    theirs = f"/municipalities/{KEKAVA}/directories/{synced.directory.id}/runs"
    for path in (RUNS, theirs):
        assert_refused(kekava.get(path), 404, "not_found")
        assert_refused(kekava.get(f"{path}/{held['id']}"), 404, "not_found")
        assert_refused(kekava.ask("POST", f"{path}/{held['id']}/confirm"), 404, "not_found")
    assert not any(synced.is_blocked(each) for each in crowd)


def test_no_program_and_nobody_who_signed_in_long_ago_confirms(
    hall: Hall,
    riga: Api,
    synced: Synced,
    crowd: list[Employee],
    monkeypatch: pytest.MonkeyPatch,
):
    (held, _) = riga.get(RUNS).json()["runs"]
    party = service(hall, own={"service_municipality": RIGA})
    alone = Api(hall, party.own_token(scope=SCOPE, resource=AUDIENCE).access_token)
    assert len(alone.get(RUNS).json()["runs"]) == 2
    assert_refused(alone.ask("POST", f"{RUNS}/{held['id']}/confirm"), 403, "access_denied")
    monkeypatch.setattr(api_calls, "FRESH_SECONDS", 1.0)
    hall.clock.move(2)
    assert_refused(riga.ask("POST", f"{RUNS}/{held['id']}/confirm"), 401, "insufficient_user_authentication")
    assert not any(synced.is_blocked(each) for each in crowd)


def test_a_directory_that_does_not_answer_confirms_nothing(riga: Api, synced: Synced, crowd: list[Employee]):
    (held, _) = riga.get(RUNS).json()["runs"]
    synced.riga.put(controllers=["127.0.0.1:1"])
    assert_refused(riga.ask("POST", f"{RUNS}/{held['id']}/confirm"), 409, "no_answer")
    assert riga.get(f"{RUNS}/{held['id']}").json()["state"] == RunState.HELD


@pytest.mark.parametrize("path", ["/municipalities/0001000/directories/nothing/runs", f"{RUNS}/nothing"])
def test_what_is_not_there_is_not_there(riga: Api, path: str):
    assert_refused(riga.get(path), 404, "not_found")
