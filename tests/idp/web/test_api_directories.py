"""Directories in the API of administrators, against a real domain controller."""

import json
from typing import Any
from urllib.parse import quote

import pytest

from idp.models.directories import Directory
from idp.people import directories
from idp.web import api_calls, api_directories
from tests.idp.web.test_api import assert_refused, conforms
from tests.support.actors import Employee, Hall
from tests.support.administrators import AUDIENCE, SCOPE, Api, administrator, program, service, token_of
from tests.support.builders import KEKAVA, RIGA
from tests.support.directories import (
    ACCOUNT_PASSWORD,
    CLERKS,
    LOCKS_AFTER,
    PASSWORD,
    Connected,
    connect,
    description_of,
)
from tests.support.samba import Controller

pytestmark = pytest.mark.allow_hosts(["127.0.0.0/8", "::1", "localhost"])
ALL = f"/municipalities/{RIGA}/directories"
NAME = "Rīgas domēns"
ONE = f"{ALL}/{quote(NAME)}"
NOWHERE = "127.0.0.1:1"


@pytest.fixture
def operator(hall: Hall) -> Employee:
    return hall.employee("operators", totp=True, roles=["operator"])


@pytest.fixture
def system(hall: Hall, operator: Employee) -> Api:
    return Api(hall, token_of(hall, program(hall), operator))


@pytest.fixture
def ours(hall: Hall) -> Api:
    """As the administrator of Rīga has it."""
    return Api(hall, token_of(hall, program(hall), administrator(hall, "rigas", RIGA)))


@pytest.fixture
def riga(hall: Hall, riga_domain: Controller) -> Connected:
    """As it would have been added here."""
    return connect(hall, riga_domain, **directories.read(description_of(riga_domain)).columns)


def described(controller: Controller, **changed: Any) -> dict[str, Any]:
    found = description_of(controller)
    del found["municipality"]
    return found | changed


def kept(hall: Hall) -> list[Directory]:
    with hall.world.database.read() as work:
        return work.directories.list_all()


def last_event(hall: Hall, kind: str) -> Any:
    with hall.world.database.read() as work:
        found = [each for each in map(work.audit.find, range(1, 200)) if each is not None]
    return max((each for each in found if each.type == kind), key=lambda each: each.seq)


# Adding ---------------------------------------------------------------------------------------------------


def test_an_operator_adds_one_that_works_and_its_password_is_never_told(
    hall: Hall, system: Api, riga_domain: Controller
):
    reply = system.ask("POST", ALL, json=described(riga_domain))
    assert reply.status_code == 201, reply.text
    conforms(reply.json(), "directory")
    listed, shown = system.get(ALL), system.get(ONE)
    conforms(listed.json(), "directories")
    assert listed.json() == {"directories": [reply.json()]} == {"directories": [shown.json()]}
    assert system.ask("GET", reply.headers["Location"].removeprefix("/api/v1")).json() == shown.json()
    assert ACCOUNT_PASSWORD not in reply.text + listed.text + shown.text
    event = last_event(hall, "directory.changed")
    assert (event.municipality, ACCOUNT_PASSWORD in event.detail) == (RIGA, False)
    assert json.loads(event.detail) == {"directory": NAME, "enabled": True, "added": True}
    with hall.world.database.read() as work:
        assert work.directories.password_of(kept(hall)[0]) == ACCOUNT_PASSWORD


def test_what_does_not_work_is_refused_with_the_step_that_failed(
    hall: Hall, system: Api, riga_domain: Controller
):
    wrong = described(riga_domain, password="Nepareiza-parole-1")
    reply = system.ask("POST", ALL, json=wrong)
    assert_refused(reply, 422, "does_not_work")
    assert reply.json()["detail"].startswith(f"account of {riga_domain.address}:636: ")
    assert "Nepareiza" not in reply.text
    assert kept(hall) == []
    assert system.ask("POST", ALL, json=wrong | {"untested": True}).status_code == 201


def test_as_many_attempts_as_lock_people_out_are_refused(system: Api, riga_domain: Controller):
    reply = system.ask("POST", ALL, json=described(riga_domain, attempts=LOCKS_AFTER))
    assert reply.json()["detail"].startswith("lock-out of ")


@pytest.mark.parametrize(
    ("changed", "member"),
    [
        ({"encryption": "none"}, "encryption"),
        ({"controllers": ["dc1 .lv"]}, "controllers"),
        ({"user_filter": "(objectClass=user"}, "user_filter"),
        ({"roles": {"CN=A,DC=x": "operator"}}, "roles"),
        ({"something": 1}, "something"),
        ({"municipality": KEKAVA}, "municipality"),
        ({"id": "x"}, "id"),
        ({"arrival": "name"}, "arrival"),
        ({"arrival": ["person_code"]}, "arrival"),
        ({"arrival": "person_code"}, "arrival"),
        ({"arrival": "employee_number", "attributes": {"employee_number": "Mobile"}}, "arrival"),
        ({"arrival": "person_code", "attributes": {"person_code": "userPrincipalName"}}, "arrival"),
        ({"creates_accounts": True}, "creates_accounts"),
        ({"arrival": "invitation", "creates_accounts": True}, "creates_accounts"),
        ({"creates_accounts": 1}, "creates_accounts"),
        ({"enabled": "yes"}, "enabled"),
        ({"untested": "yes"}, "untested"),
        ({"password": ""}, "password"),
    ],
)
def test_what_cannot_work_is_refused_by_its_member(
    hall: Hall, system: Api, riga_domain: Controller, changed: dict[str, Any], member: str
):
    reply = system.ask("POST", ALL, json=described(riga_domain, **changed))
    assert_refused(reply, 400, "invalid_request")
    assert reply.json()["detail"].startswith(member)
    assert kept(hall) == []


def test_a_name_is_given_once_and_a_suffix_too(hall: Hall, system: Api, riga: Connected):
    """attack 40: whoever claims another's names is sent its people's passwords."""
    again = described(riga.controller)
    assert_refused(system.ask("POST", ALL, json=again), 409, "conflict")
    theirs = described(riga.controller, name="Cits")
    reply = system.ask("POST", f"/municipalities/{KEKAVA}/directories", json=theirs)
    assert_refused(reply, 400, "invalid_request")
    assert len(kept(hall)) == 1


# What the administrator of a municipality may --------------------------------------------------------------


def test_an_administrator_adds_and_removes_none(hall: Hall, ours: Api, riga: Connected):
    """attack 41, and 43: neither a look around in our network nor an Active Directory of one's own."""
    assert_refused(ours.ask("POST", ALL, json=described(riga.controller, name="Cits")), 403, "access_denied")
    assert_refused(ours.ask("DELETE", ONE), 403, "access_denied")
    assert len(kept(hall)) == 1


@pytest.mark.parametrize(
    ("member", "value"),
    [
        ("controllers", ["169.254.169.254:80"]),
        ("ca_certificates", None),
        ("encryption", "starttls"),
        ("base_dns", ["DC=test"]),
        ("user_filter", "(objectClass=*)"),
        ("attributes", {"person_code": "comment"}),
        ("upn_suffixes", ["kekava.lv"]),
        ("netbios_name", "KEKAVA"),
        ("realm", "KEKAVA.LV"),
        ("roles", {"CN=A,DC=x": "administrator"}),
        ("change_url", "https://evil.example/"),
        ("fallback", "local"),
        ("untested", True),
    ],
)
def test_an_administrator_turns_it_nowhere_and_gives_no_roles(
    hall: Hall, ours: Api, riga: Connected, member: str, value: Any
):
    """attack 41"""
    value = riga.controller.ca_pem * 2 if member == "ca_certificates" else value
    changed = described(riga.controller) | {member: value}
    reply = ours.ask("PUT", ONE, json=changed)
    assert_refused(reply, 403, "access_denied")
    assert "operator" in reply.json()["detail"]
    assert [each.updated_at for each in kept(hall)] == [riga.directory.updated_at]


def test_an_administrator_changes_what_is_the_municipalitys_own(hall: Hall, ours: Api, riga: Connected):
    wanted = described(riga.controller, arrival="invitation", attempts=2, attempt_minutes=60)
    wanted |= {"sync_minutes": 60, "sync_share": 20, "when_gone": "suspend"}
    hall.clock.move(1)
    reply = ours.ask("PUT", ONE, json=wanted)
    assert reply.status_code == 200, reply.text
    (made,) = kept(hall)
    assert (made.arrival, made.attempts, made.attempt_minutes) == ("invitation", 2, 60)
    assert (made.sync_minutes, made.sync_share, made.when_gone) == (60, 20, "suspend")
    detail = json.loads(last_event(hall, "directory.changed").detail)
    assert detail["changed"] == "arrival attempt_minutes attempts password sync_minutes sync_share when_gone"


def test_one_that_no_longer_answers_can_be_switched_off_and_not_on(hall: Hall, ours: Api, riga: Connected):
    riga.put(controllers=[NOWHERE])
    shown = ours.get(ONE).json()
    del shown["updated_at"]
    hall.clock.move(1)
    assert ours.ask("PUT", ONE, json=shown | {"enabled": False}).status_code == 200
    assert_refused(ours.ask("PUT", ONE, json=shown), 422, "does_not_work")
    assert not kept(hall)[0].enabled


@pytest.mark.parametrize("atvk", [KEKAVA, "9999999"])
def test_anothers_is_not_there(hall: Hall, ours: Api, riga: Connected, atvk: str):
    """attack 40: by its code, and by the directory's id under one's own"""
    with hall.world.database.begin() as work:
        moved = work.directories.get(riga.directory.id)
        moved.municipality = KEKAVA
        work.directories.put(moved)
    body = described(riga.controller)
    for path in (f"/municipalities/{atvk}/directories/{quote(NAME)}", f"{ALL}/{riga.directory.id}", ONE):
        for method in ("GET", "PUT", "DELETE"):
            assert_refused(ours.ask(method, path, json=body), 404, "not_found")
        for below in ("links", "invitations"):
            assert_refused(ours.get(f"{path}/{below}"), 404, "not_found")
        assert_refused(ours.ask("POST", f"{path}/test", json={}), 404, "not_found")
    assert ours.get(ALL).json() == {"directories": []}


# Changing -------------------------------------------------------------------------------------------------


def test_a_password_left_out_is_kept_only_for_where_it_went(hall: Hall, system: Api, riga: Connected):
    """attack 39: whoever may point it elsewhere must not be sent the password there."""
    without = described(riga.controller)
    del without["password"]
    hall.clock.move(1)
    assert system.ask("PUT", ONE, json=without | {"roles": {"CN=A,DC=x": "clerk"}}).status_code == 200
    reply = system.ask("PUT", ONE, json=without | {"controllers": [NOWHERE], "untested": True})
    assert_refused(reply, 400, "invalid_request")
    assert reply.json()["detail"].startswith("password")
    assert system.ask("PUT", ONE, json=described(riga.controller)).status_code == 200


def test_two_who_change_it_at_once_do_not_undo_one_another(
    hall: Hall, system: Api, riga: Connected, monkeypatch: pytest.MonkeyPatch
):
    first = api_directories.steps_to

    def meanwhile(*arguments: Any) -> Any:
        riga.put(attempts=2)
        return first(*arguments)

    monkeypatch.setattr(api_directories, "steps_to", meanwhile)
    reply = system.ask("PUT", ONE, json=described(riga.controller, attempts=1))
    assert_refused(reply, 409, "conflict")
    assert kept(hall)[0].attempts == 2


def test_who_signed_in_longer_ago_may_only_read(
    hall: Hall, ours: Api, riga: Connected, monkeypatch: pytest.MonkeyPatch
):
    monkeypatch.setattr(api_calls, "FRESH_SECONDS", 60)
    hall.clock.move(61)
    assert ours.get(ALL).status_code == 200
    for method, path in (("POST", ALL), ("PUT", ONE), ("DELETE", ONE), ("POST", f"{ONE}/test")):
        reply = ours.ask(method, path, json=described(riga.controller))
        assert_refused(reply, 401, "insufficient_user_authentication")


def test_a_service_only_reads(hall: Hall, riga: Connected):
    party = service(hall)
    api = Api(hall, party.own_token(scope=SCOPE, resource=AUDIENCE).access_token)
    assert api.get(ONE).status_code == 200
    for method, path in (("POST", ALL), ("PUT", ONE), ("DELETE", ONE), ("POST", f"{ONE}/test")):
        assert_refused(api.ask(method, path, json=described(riga.controller)), 403, "access_denied")


# Testing --------------------------------------------------------------------------------------------------


def test_the_steps_are_those_of_the_command(ours: Api, riga: Connected):
    riga.put(roles={riga.controller.change()[CLERKS]["dn"]: "clerk"})
    reply = ours.ask("POST", f"{ONE}/test", json={"person": "anna"})
    conforms(reply.json(), "directory_test")
    assert reply.json()["works"] is True
    assert [step["step"] for step in reply.json()["steps"]] == [
        *("name", "port", "tls", "account", "search", "lock-out", "person", "groups")
    ]
    reply = ours.ask("POST", f"{ONE}/test", json={"person": "nobody"})
    assert reply.json()["works"] is False


@pytest.mark.parametrize("body", [{"controllers": ["10.0.0.1"]}, {"person": 1}, [], {"person": "a", "x": 1}])
def test_nothing_but_a_person_may_be_asked_about(ours: Api, riga: Connected, body: Any):
    """A test is no way to knock at other doors."""
    assert_refused(ours.ask("POST", f"{ONE}/test", json=body), 400, "invalid_request")


def test_so_many_tests_and_no_more(ours: Api, riga: Connected):
    riga.put(controllers=[NOWHERE])
    replies = [ours.ask("POST", f"{ONE}/test", json={}) for _ in range(12)]
    assert [reply.status_code for reply in replies[:10]] == [200] * 10
    assert_refused(replies[-1], 429, "too_many_tests")
    assert int(replies[-1].headers["Retry-After"]) > 0


# Removing -------------------------------------------------------------------------------------------------


def test_removing_one_ends_its_links_and_the_sessions_that_leaned_on_them(
    hall: Hall, system: Api, riga: Connected
):
    anna = riga.employs("anna")
    other = hall.employee("cita")
    window, elsewhere = hall.browser(), hall.browser()
    window.signs_in(anna)
    elsewhere.signs_in(other)
    assert system.ask("DELETE", ONE).status_code == 204
    assert not window.is_signed_in
    assert elsewhere.is_signed_in
    assert kept(hall) == []
    with hall.world.database.read() as work:
        assert [each.method for each in work.people.credentials_of(anna.user.id)] == ["password"]
    assert hall.events(anna)[-2:] == ["session.ended", "method.removed"]
    assert json.loads(last_event(hall, "directory.changed").detail)["removed"] is True
    assert_refused(system.ask("DELETE", ONE), 404, "not_found")
    hall.clock.move(1)
    again = hall.browser()
    again.opens("/")
    again.presses(username=riga.controller.upn("anna"), password=PASSWORD)
    assert not again.is_signed_in


def test_removing_one_with_more_links_than_fit_one_act(
    hall: Hall, system: Api, riga: Connected, monkeypatch: pytest.MonkeyPatch
):
    from idp.people import directory_links

    monkeypatch.setattr(directory_links, "_AT_ONCE", 2)
    for name in ("anna", "juris", "must_change", "disabled", "visvaris"):
        riga.employs(name)
    assert system.ask("DELETE", ONE).status_code == 204
    with hall.world.database.read() as work:
        assert work.directories.list_links(riga.directory.id) == []
        held = [each for u in work.people.list_users() for each in work.people.credentials_of(u.id)]
    assert "directory" not in {each.method for each in held}
