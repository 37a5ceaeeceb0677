"""`visvaris directory`: what cannot work is refused, what works is kept, and its password is never told."""

import base64
import json
import logging
from collections.abc import Iterator
from typing import Any

import pytest
from click.testing import CliRunner, Result
from sqlalchemy import select

from idp.cli import main
from idp.models.arrivals import DirectoryArrival
from idp.models.audit import AuditEvent
from idp.storage import municipalities
from idp.storage.prepared import Prepared
from idp.storage.unit import records, table_of
from tests.support.builders import KEKAVA, MASTER_KEY, RIGA, World, add_employment, add_user, make_database
from tests.support.directories import ACCOUNT_PASSWORD, CLERKS, LOCKS_AFTER, description_of
from tests.support.samba import Controller

pytestmark = pytest.mark.allow_hosts(["127.0.0.0/8", "::1", "localhost"])
NAME = "Rīgas domēns"
_TRAIL = Prepared(select(table_of(AuditEvent)).order_by(table_of(AuditEvent).c.seq))


@pytest.fixture
def world(sqlite_url: str, monkeypatch: pytest.MonkeyPatch) -> Iterator[World]:
    database = make_database(sqlite_url)
    with database.begin() as work:
        municipalities.load(work)
    database.dispose()
    monkeypatch.setenv("IDP_MASTER_KEYS", base64.urlsafe_b64encode(MASTER_KEY).decode())
    monkeypatch.setenv("IDP_DATABASE_URL", sqlite_url)
    root = logging.getLogger()
    handlers, level = root.handlers[:], root.level
    with World(sqlite_url) as made:
        yield made
    root.handlers[:] = handlers
    root.setLevel(level)


def run(*arguments: str, given: Any = None) -> Result:
    text = given if isinstance(given, str) else json.dumps(given)
    return CliRunner().invoke(main, ["directory", *arguments], input=text)


def kept(world: World) -> list[str]:
    with world.database.read() as work:
        return [each.name for each in work.directories.list_all()]


def test_a_directory_that_works_is_kept_and_shown_without_its_password(world: World, riga_domain: Controller):
    added = run("add", given=description_of(riga_domain))
    assert added.exit_code == 0, added.stderr
    shown, listed = run("show", RIGA, NAME, "--json"), run("list", "--json")
    assert json.loads(shown.stdout) == json.loads(added.stdout) | {"answers": None}
    assert json.loads(added.stdout) == json.loads(listed.stdout)[0]
    assert ACCOUNT_PASSWORD not in added.output + shown.output + listed.output
    with world.database.read() as work:
        (event,) = records(AuditEvent, work.rows(_TRAIL))
        assert ACCOUNT_PASSWORD not in event.detail
        (directory,) = work.directories.list_all()
        assert work.directories.password_of(directory) == ACCOUNT_PASSWORD
    assert (event.type, event.municipality) == ("directory.changed", RIGA)


def test_one_that_does_not_work_is_refused_with_the_step_that_failed(world: World, riga_domain: Controller):
    wrong = description_of(riga_domain, password="Nepareiza-parole-1")
    refused = run("add", given=wrong)
    assert refused.exit_code == 1
    assert f"account of {riga_domain.address}:636" in refused.stderr
    assert "Nepareiza" not in refused.output
    assert kept(world) == []
    assert run("add", "--untested", given=wrong).exit_code == 0
    assert kept(world) == [NAME]


def test_as_many_attempts_as_lock_people_out_are_refused(world: World, riga_domain: Controller):
    refused = run("add", given=description_of(riga_domain, attempts=LOCKS_AFTER))
    assert refused.exit_code == 1
    assert "lock-out" in refused.stderr


def test_each_step_is_told(world: World, riga_domain: Controller):
    group = riga_domain.change()[CLERKS]["dn"]
    assert run("add", given=description_of(riga_domain, roles={group: "clerk"})).exit_code == 0
    told = run("test", RIGA, NAME, "--person", "anna", "--json")
    assert told.exit_code == 0, told.stderr
    assert [(step["step"], step["works"]) for step in json.loads(told.stdout)] == [
        (step, True) for step in ("name", "port", "tls", "account", "search", "lock-out", "person", "groups")
    ]
    told = run("test", RIGA, NAME, "--person", "nobody")
    assert told.exit_code == 1
    assert "Nobody, or more than one" in told.stdout


def test_replacing_is_said_and_keeps_the_password_only_for_the_same_controllers(
    world: World, riga_domain: Controller
):
    """attack 39: whoever may point it elsewhere must not be sent the password there."""
    described = description_of(riga_domain)
    assert run("add", given=described).exit_code == 0
    assert "--replace replaces it" in run("add", given=described).stderr
    del described["password"]
    assert run("add", "--replace", given=described | {"enabled": False}).exit_code == 0
    with world.database.read() as work:
        (directory,) = work.directories.list_all()
        assert work.directories.password_of(directory) == ACCOUNT_PASSWORD
    assert not directory.enabled
    for elsewhere in ({"controllers": ["127.0.0.1"]}, {"encryption": "starttls"}):
        refused = run("add", "--replace", "--untested", given=described | elsewhere)
        assert refused.exit_code == 1
        assert "password: it is required" in refused.stderr


@pytest.mark.parametrize("claimed", [{"upn_suffixes": ["AD.riga.test"]}, {"netbios_name": "riga"}])
def test_nobody_claims_the_names_of_another_directory(
    world: World, riga_domain: Controller, claimed: dict[str, Any]
):
    """Its people would be sent there with their passwords."""
    assert run("add", "--untested", given=description_of(riga_domain)).exit_code == 0
    other = description_of(
        riga_domain, municipality=KEKAVA, name="Cits", upn_suffixes=["kekava.test"], netbios_name="KEKAVA"
    )
    refused = run("add", "--untested", given=other | claimed)
    assert refused.exit_code == 1
    assert "belongs to another directory" in refused.stderr
    assert run("add", "--untested", given=other).exit_code == 0


def test_nobody_says_who_gives_tickets_in_the_realm_of_another_municipality(
    world: World, riga_domain: Controller
):
    """attack 40: our account there would be sent to whoever they name."""
    assert run("add", "--untested", given=description_of(riga_domain)).exit_code == 0
    other = description_of(
        riga_domain, municipality=KEKAVA, name="Cits", upn_suffixes=["kekava.test"], netbios_name="KEKAVA"
    )
    del other["password"]
    by_tickets = other | {"bind": "gssapi", "keytab": base64.b64encode(b"\x05\x02\x00").decode()}
    assert "realm: AD.RIGA.TEST is that of another" in run("add", "--untested", given=by_tickets).stderr
    assert run("add", "--untested", given=by_tickets | {"realm": "AD.KEKAVA.TEST"}).exit_code == 0


@pytest.mark.parametrize(
    ("changed", "member"),
    [
        ({"municipality": "9999999"}, "municipality"),
        ({"name": " "}, "name"),
        ({"controllers": []}, "controllers"),
        ({"controllers": ["ldap://dc1"]}, "controllers"),
        ({"controllers": "dc1"}, "controllers"),
        ({"encryption": "none"}, "encryption"),
        ({"encryption": ["ldaps"]}, "encryption"),
        ({"ca_certificates": "not a certificate"}, "ca_certificates"),
        ({"account": None}, "account"),
        ({"password": ""}, "password"),
        ({"password": None}, "password"),
        ({"base_dns": ["everywhere"]}, "base_dns"),
        ({"user_filter": "(objectClass=user"}, "user_filter"),
        ({"attributes": {"shoe_size": "x"}}, "attributes"),
        ({"attributes": {"email": "mail)(x"}}, "attributes"),
        ({"upn_suffixes": ["a b"]}, "upn_suffixes"),
        ({"netbios_name": "much.too.long.for.it"}, "netbios_name"),
        ({"realm": "not a realm"}, "realm"),
        ({"roles": {"CN=a,DC=b": "operator"}}, "roles"),
        ({"attempts": 0}, "attempts"),
        ({"attempts": True}, "attempts"),
        ({"attempt_minutes": 10**9}, "attempt_minutes"),
        ({"change_url": "http://parole.riga.lv/"}, "change_url"),
        ({"change_url": "https://a@b/"}, "change_url"),
        ({"enabled": "yes"}, "enabled"),
        ({"colour": "blue"}, "colour"),
        ({"fallback": "yes"}, "fallback"),
        ({"bind": "ntlm"}, "bind"),
        ({"bind": "gssapi"}, "password"),
        ({"bind": "gssapi", "password": None}, "keytab"),
        ({"bind": "gssapi", "password": None, "keytab": "not base64!"}, "keytab"),
        ({"bind": "gssapi", "password": None, "keytab": 5}, "keytab"),
        ({"keytab": "BQIAAA=="}, "keytab"),
    ],
)
def test_what_cannot_work_is_refused_by_its_name(
    world: World, riga_domain: Controller, changed: dict[str, Any], member: str
):
    refused = run("add", "--untested", given=description_of(riga_domain) | changed)
    assert refused.exit_code == 1
    assert f"{member}: " in refused.stderr
    assert kept(world) == []


@pytest.mark.parametrize("text", ["", "[]", "nonsense", "[" * 100_000])
def test_what_is_no_object_is_refused(world: World, text: str):
    assert "must hold one JSON object" in run("add", given=text).stderr


def test_one_that_is_not_there_is_said_so(world: World):
    assert run("show", RIGA, "Nav").stderr == f"Error: {RIGA} has no directory Nav.\n"
    assert run("test", RIGA, "Nav").exit_code == 1


# Who is who -----------------------------------------------------------------------------------------------


@pytest.fixture
def riga(world: World, riga_domain: Controller) -> Controller:
    assert run("add", given=description_of(riga_domain)).exit_code == 0
    return riga_domain


def add_people(world: World) -> None:
    with world.database.begin() as work:
        add_employment(work, add_user(work, "anna").id)
        add_employment(work, add_user(work, "juris").id)
        add_employment(work, add_user(work, "kekava").id, KEKAVA)


def test_an_administrator_says_who_an_entry_is(world: World, riga: Controller):
    add_people(world)
    linked = run("link", RIGA, NAME, "Anna", riga.upn("anna"))
    assert linked.exit_code == 0, linked.stderr
    guid = riga.change()["anna"]["guid"]
    assert guid in linked.stdout
    with world.database.read() as work:
        anna = work.people.find_user_by_username("anna")
        assert anna is not None
        (credential,) = work.people.credentials_of(anna.id)
        link = work.directories.find_link(credential.id)
        event = records(AuditEvent, work.rows(_TRAIL))[-1]
    assert link is not None
    assert (link.object_guid, link.user_id, link.linked_by) == (guid, anna.id, "command-line")
    assert (credential.method, credential.vouched_by) == ("directory", RIGA)
    assert (event.type, event.user_id, event.method) == ("method.enrolled", anna.id, "directory")


def test_an_entry_is_one_person_and_a_person_works_where_the_directory_is(world: World, riga: Controller):
    """attack 39"""
    add_people(world)
    guid = riga.change()["juris"]["guid"]
    assert run("link", RIGA, NAME, "juris", guid).exit_code == 0
    for username, entry, said in (
        ("anna", "juris", "That entry is somebody's"),
        ("juris", "anna", "this person is another entry"),
        ("kekava", "anna", f"has no post in {RIGA}"),
        ("nobody", "anna", "nobody with the username"),
        ("anna", "nobody", "Nobody there"),
        ("anna", "*", "Nobody there"),
    ):
        refused = run("link", RIGA, NAME, username, entry)
        assert refused.exit_code == 1
        assert said in refused.stderr, (username, entry)


def test_nobody_is_linked_while_the_directory_does_not_answer(world: World, riga_domain: Controller):
    add_people(world)
    assert (
        run("add", "--untested", given=description_of(riga_domain, controllers=["127.0.0.1:1"])).exit_code
        == 0
    )
    assert "does not answer" in run("link", RIGA, NAME, "anna", "anna").stderr


def test_resetting_the_ways_to_sign_in_takes_the_link_along(world: World, riga: Controller):
    add_people(world)
    assert run("link", RIGA, NAME, "anna", "anna").exit_code == 0
    assert CliRunner().invoke(main, ["user", "reset-methods", "anna"]).exit_code == 0
    assert run("link", RIGA, NAME, "anna", "anna").exit_code == 0


# Who waits, and who no longer is ----------------------------------------------------------------------------


def test_links_are_listed_and_ended(world: World, riga: Controller):
    add_people(world)
    assert run("link", RIGA, NAME, "anna", "anna").exit_code == 0
    (told,) = json.loads(run("links", RIGA, NAME, "--json").stdout)
    assert (told["username"], told["linked_by"]) == ("anna", "command-line")
    assert run("unlink", RIGA, NAME, "anna").exit_code == 0
    assert json.loads(run("links", RIGA, NAME, "--json").stdout) == []
    assert "is no entry of" in run("unlink", RIGA, NAME, "anna").stderr
    with world.database.read() as work:
        assert records(AuditEvent, work.rows(_TRAIL))[-1].type == "method.removed"


def test_one_that_is_removed_takes_its_links_along(world: World, riga: Controller):
    add_people(world)
    run("link", RIGA, NAME, "anna", "anna")
    assert run("remove", RIGA, NAME).exit_code == 0
    assert kept(world) == []
    with world.database.read() as work:
        anna = work.people.find_user_by_username("anna")
        assert anna is not None
        assert work.people.credentials_of(anna.id) == []
    assert f"{RIGA} has no directory" in run("remove", RIGA, NAME).stderr


def waits(world: World, guid: str) -> str:
    with world.database.begin() as work:
        (directory,) = work.directories.list_all()
        made = DirectoryArrival(
            id=f"-{guid[:8]}",
            directory_id=directory.id,
            object_guid=guid,
            name="Anna",
            account_name="anna",
            first_at=1.0,
            last_at=1.0,
        )
        work.arrivals.queue(made)
    return made.id


def test_who_waits_is_linked_or_dismissed(world: World, riga: Controller):
    add_people(world)
    guids = riga.change()
    waiting, other = waits(world, guids["anna"]["guid"]), waits(world, guids["juris"]["guid"])
    listed = json.loads(run("arrivals", RIGA, "--json").stdout)
    assert {each["id"] for each in listed} == {waiting, other}
    assert "has no post" in run("link-arrival", waiting, "kekava").stderr
    assert run("link-arrival", waiting, "anna").exit_code == 0
    assert "waits no longer" in run("link-arrival", waiting, "juris").stderr
    assert "another entry" in run("link-arrival", other, "anna").stderr
    assert run("dismiss-arrival", other).exit_code == 0
    assert json.loads(run("arrivals", RIGA, "--json").stdout) == []
    assert "waits no longer" in run("dismiss-arrival", other).stderr


def test_an_invitation_is_told_once_and_only_where_the_rule_is_that(world: World, riga: Controller):
    add_people(world)
    assert "rule for arrivals" in run("invite", RIGA, NAME, "anna").stderr
    assert run("add", "--replace", given=description_of(riga, arrival="invitation")).exit_code == 0
    told = run("invite", RIGA, NAME, "anna")
    assert told.exit_code == 0
    assert "/invited#" in told.stdout
    code = told.stdout.partition("#")[2].split()[0]
    with world.database.read() as work:
        trail = records(AuditEvent, work.rows(_TRAIL))
    assert trail[-1].type == "invitation.made"
    assert not any(code in each.detail for each in trail)
    assert "has no post" in run("invite", RIGA, NAME, "kekava").stderr
