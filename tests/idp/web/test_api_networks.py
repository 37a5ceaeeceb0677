"""Networks in the API of administrators: its own municipality's, named and marked, and never claimed."""

import json

import pytest

from idp.login.places import READ_EVERY_SECONDS
from idp.models.networks import Network
from idp.web import api_calls
from tests.idp.web.test_api import assert_refused, conforms
from tests.support.actors import Hall
from tests.support.administrators import AUDIENCE, SCOPE, Api, administrator, program, service, token_of
from tests.support.builders import KEKAVA, RIGA

NETWORKS = f"/municipalities/{KEKAVA}/networks"
OURS, THEIRS = "k1", "r1"
ASKED = {"name": "Klientu centrs", "shared": True}


@pytest.fixture(autouse=True)
def networks(hall: Hall) -> None:
    """One of each, as an operator added them."""
    added = (
        Network(id=OURS, municipality=KEKAVA, name="Ķekava", cidr="198.51.100.0/24"),
        Network(id=THEIRS, municipality=RIGA, name="Rātsnams", cidr="203.0.113.0/24", shared=True),
    )
    with hall.world.database.begin() as work:
        for network in added:
            work.networks.add(network)


@pytest.fixture
def kekava(hall: Hall) -> Api:
    return Api(hall, token_of(hall, program(hall), administrator(hall, "kekavas", KEKAVA)))


def told(hall: Hall) -> list[tuple[str, str, bool]]:
    with hall.world.database.read() as work:
        return sorted((each.id, each.name, each.shared) for each in work.networks.list_all())


UNCHANGED = [(OURS, "Ķekava", False), (THEIRS, "Rātsnams", True)]


def test_its_administrator_names_and_marks_it_and_the_trail_says_who(hall: Hall, kekava: Api) -> None:
    reply = kekava.ask("PUT", f"{NETWORKS}/{OURS}", json=ASKED)
    assert (reply.status_code, reply.json()) == (200, {"id": OURS, "cidr": "198.51.100.0/24", **ASKED})
    conforms(reply.json(), "network")
    listed = kekava.get(NETWORKS).json()
    conforms(listed, "networks")
    assert listed == {"networks": [reply.json()]}
    with hall.world.database.read() as work:
        events = [event for event in map(work.audit.find, range(1, 60)) if event is not None]
    head = max(events, key=lambda event: event.seq)
    assert (head.type, head.municipality) == ("municipality.rules_changed", KEKAVA)
    assert json.loads(head.detail) == {"network_named": "198.51.100.0/24", **ASKED}


def test_whoever_comes_from_there_finds_it_so_within_half_a_minute(hall: Hall, kekava: Api) -> None:
    there = hall.browser("198.51.100.7")
    assert not there.opens("/").has("shared-marked")
    kekava.ask("PUT", f"{NETWORKS}/{OURS}", json=ASKED)
    hall.clock.move(READ_EVERY_SECONDS)
    assert there.opens("/").has("shared-marked")


@pytest.mark.parametrize("atvk", [RIGA, "9999999", "national"])
def test_anothers_and_none_look_alike(hall: Hall, kekava: Api, atvk: str) -> None:
    """attack 40: by its code in the address"""
    assert_refused(kekava.get(f"/municipalities/{atvk}/networks"), 404, "not_found")
    reply = kekava.ask("PUT", f"/municipalities/{atvk}/networks/{THEIRS}", json=ASKED)
    assert_refused(reply, 404, "not_found")
    assert told(hall) == UNCHANGED


@pytest.mark.parametrize("network", [THEIRS, "nothing", "x" * 300])
def test_anothers_network_under_ones_own_code_is_not_there(hall: Hall, kekava: Api, network: str) -> None:
    """attack 40: by the network's id"""
    assert_refused(kekava.ask("PUT", f"{NETWORKS}/{network}", json=ASKED), 404, "not_found")
    assert told(hall) == UNCHANGED


@pytest.mark.parametrize(
    ("method", "path"), [("POST", NETWORKS), ("DELETE", f"{NETWORKS}/{OURS}"), ("PUT", NETWORKS)]
)
def test_nobody_claims_or_drops_addresses_here(hall: Hall, kekava: Api, method: str, path: str) -> None:
    """attack 40: a network of one's own making would reach another municipality's people"""
    reply = kekava.ask(method, path, json={"cidr": "0.0.0.0/0", **ASKED})
    assert reply.status_code == 405
    assert told(hall) == UNCHANGED


def test_an_operator_names_any(hall: Hall) -> None:
    operator = hall.employee("operators", totp=True, roles=["operator"])
    api = Api(hall, token_of(hall, program(hall), operator))
    assert api.ask("PUT", f"{NETWORKS}/{OURS}", json=ASKED).status_code == 200


def test_who_signed_in_longer_ago_may_read_and_not_mark(
    hall: Hall, kekava: Api, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(api_calls, "FRESH_SECONDS", 60)
    hall.clock.move(61)
    assert len(kekava.get(NETWORKS).json()["networks"]) == 1
    reply = kekava.ask("PUT", f"{NETWORKS}/{OURS}", json=ASKED)
    assert_refused(reply, 401, "insufficient_user_authentication")
    assert told(hall) == UNCHANGED


def test_a_service_reads_and_does_not_mark(hall: Hall) -> None:
    party = service(hall, own={"service_municipality": KEKAVA})
    api = Api(hall, party.own_token(scope=SCOPE, resource=AUDIENCE).access_token)
    assert len(api.get(NETWORKS).json()["networks"]) == 1
    assert_refused(api.ask("PUT", f"{NETWORKS}/{OURS}", json=ASKED), 403, "access_denied")
    assert told(hall) == UNCHANGED


@pytest.mark.parametrize("name", ["", " ", "a\nb", "a  b", "x" * 61, "\u202eab", 1, None, True, ["a"]])
def test_a_name_is_one_printable_line(hall: Hall, kekava: Api, name: object) -> None:
    """It stands on people's own pages."""
    reply = kekava.ask("PUT", f"{NETWORKS}/{OURS}", json={"name": name, "shared": True})
    assert_refused(reply, 400, "invalid_request")
    assert told(hall) == UNCHANGED


@pytest.mark.parametrize(
    "body",
    [
        {},
        [],
        {"name": "A"},
        {**ASKED, "cidr": "0.0.0.0/0"},
        {**ASKED, "shared": 1},
        {**ASKED, "shared": "no"},
    ],
)
def test_a_body_that_says_something_else_changes_nothing(hall: Hall, kekava: Api, body: object) -> None:
    assert_refused(kekava.ask("PUT", f"{NETWORKS}/{OURS}", json=body), 400, "invalid_request")
    assert told(hall) == UNCHANGED
