"""The command `visvaris` as contract.md has it: what it prints, what it refuses, and with which exit code."""

import base64
import hashlib
import json
import logging
import re
import shutil
import sqlite3
from collections.abc import Iterator
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pyotp
import pytest
from click.testing import CliRunner, Result

from idp.cli import main
from idp.commands.context import open_context
from idp.crypto import Place
from tests.support.checkout import ROOT
from tests.support.confirmed import confirm

KEY = base64.urlsafe_b64encode(b"k" * 32).decode()
NEWER_KEY = base64.urlsafe_b64encode(b"n" * 32).decode()
CLIENT = {"client_name": "Lietotne", "redirect_uris": ["https://app.example/callback"]}


@pytest.fixture(scope="session")
def _migrated(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A database as `db upgrade` leaves it, made once and copied for each test."""
    path = tmp_path_factory.mktemp("cli") / "migrated.sqlite3"
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("IDP_MASTER_KEYS", KEY)
        patch.setenv("IDP_DATABASE_URL", f"sqlite:///{path}")
        assert CliRunner().invoke(main, ["db", "upgrade"]).exit_code == 0
    return path


@pytest.fixture
def _environment(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    monkeypatch.setenv("IDP_MASTER_KEYS", KEY)
    monkeypatch.setenv("IDP_DATABASE_URL", f"sqlite:///{tmp_path / 'visvaris.sqlite3'}")
    monkeypatch.setenv("IDP_ARGON2_MEMORY_KIB", "64")
    monkeypatch.setenv("IDP_ARGON2_TIME_COST", "1")
    root = logging.getLogger()
    handlers, level = root.handlers[:], root.level
    yield
    root.handlers[:] = handlers
    root.setLevel(level)


@pytest.fixture
def empty(_environment: None) -> None:
    """Settings for a database that does not exist yet."""


@pytest.fixture
def database(_environment: None, _migrated: Path, tmp_path: Path) -> None:
    shutil.copy(_migrated, tmp_path / "visvaris.sqlite3")


def run(*arguments: str, given: str | None = None) -> Result:
    return CliRunner().invoke(main, arguments, input=given)


def done(*arguments: str, given: str | None = None) -> str:
    result = run(*arguments, given=given)
    assert result.exit_code == 0, result.output
    return result.stdout


def told(*arguments: str, given: str | None = None) -> Any:
    return json.loads(done(*arguments, given=given))


def refused(*arguments: str, given: str | None = None) -> str:
    """The reason, on standard error alone."""
    result = run(*arguments, given=given)
    assert result.exit_code == 1, result.output
    assert result.stderr.startswith("Error: ") or "\nError: " in result.stderr
    return result.stderr


@pytest.mark.parametrize("command", sorted(main.commands))
def test_every_command_explains_itself(command: str) -> None:
    assert "Usage: " in done(command, "--help")


def test_wrong_usage_has_its_own_exit_code() -> None:
    for arguments in (
        ("fly",),
        ("user",),
        ("user", "block"),
        ("serve", "--port", "no"),
        ("serve", "--port", "0"),
    ):
        assert run(*arguments).exit_code == 2


def test_a_wrong_setting_is_named_in_one_sentence(empty: None, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("IDP_ISSUER", "http://visvaris.lv")
    assert refused("db", "check") == "Error: IDP_ISSUER must use https except on localhost.\n"


def test_a_database_of_another_kind_is_refused(empty: None, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("IDP_DATABASE_URL", "mysql://u:hunter2hunter2@h/d")
    reason = refused("settings", "check")
    assert "IDP_DATABASE_URL" in reason
    assert "hunter2" not in reason


def test_a_half_set_up_eparaksts_is_named(database: None, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("IDP_EPARAKSTS_ENVIRONMENT", "demo")
    assert "IDP_EPARAKSTS_CLIENT_ID must have" in refused("settings", "check")


def test_a_database_that_is_not_migrated_says_which_command_to_run(empty: None) -> None:
    for arguments in (
        ("db", "check"),
        ("user", "find", "a"),
        ("seed", "demo"),
        ("serve",),
        ("worker",),
        ("key", "list"),
    ):
        assert "visvaris db upgrade" in refused(*arguments)


def test_upgrade_makes_the_database_and_may_be_repeated(empty: None) -> None:
    assert "municipalities added: 42" in done("db", "upgrade")
    assert "municipalities added: 0" in done("db", "upgrade")
    done("db", "check")


def test_a_program_error_shows_no_stack_trace(database: None, monkeypatch: pytest.MonkeyPatch) -> None:
    """attack 44"""

    def broken(*_: object) -> None:
        raise RuntimeError("zirnis uz jumta")

    monkeypatch.setattr("idp.storage.people.PeopleStore.municipalities", broken)
    reason = refused("municipality", "list")
    assert "Traceback" not in reason


# The demonstration ---------------------------------------------------------------------------------------------


def test_the_demonstration_is_as_promised(database: None) -> None:
    made = told("seed", "demo", "--json")
    assert made["issuer"] == "http://localhost:8000"
    users = {user["username"]: user for user in made["users"]}
    for user in made["users"]:
        assert {"username", "password", "totp_secret", "municipality", "roles"} <= set(user)
    first, second = made["users"][:2]
    assert (first["totp_secret"], first["roles"]) == (None, [])
    assert len(base64.b32decode(second["totp_secret"])) == 20
    assert told("municipality", "show", first["municipality"], "--json")["stage"] == "inventory"
    assert any(len(user["municipalities"]) == 2 for user in made["users"])
    assert users["parvaldniece"]["roles"] == ["administrator"]
    assert users["operators"]["roles"] == ["operator"]
    assert users["operators"]["municipality"] is None
    clients = {client["client_id"]: client for client in made["clients"]}
    assert clients["agreements"]["redirect_uris"] == ["http://localhost:8000/connectors/agreements/callback"]
    assert clients["demo-desktop"]["client_secret"] is None
    assert clients["demo-service"]["grant_types"] == ["client_credentials"]
    public = {"demo-desktop", "demo-device"}
    installed = {name for name, client in clients.items() if client.get("dpop_bound_access_tokens")}
    assert installed == {"nino", "nekip", "sopa", "pers", "dzimts", "gvedis", "bridzis"}
    assert {name for name, client in clients.items() if not client["client_secret"]} == public | installed
    assert "lv.visvaris.nino:/callback" in clients["nino"]["redirect_uris"]


def test_every_standard_claim_of_the_first_two_is_filled(database: None) -> None:
    from idp.commands.context import open_context
    from idp.oidc.claims import PROFILE_EXTRAS

    done("seed", "demo")
    with open_context().database.read() as work:
        for username in ("parole", "kods"):
            user = work.people.find_user_by_username(username)
            assert user is not None
            assert all((user.given_name, user.family_name, user.email, user.phone_number))
            assert user.email_verified
            assert user.phone_number_verified
            assert set(PROFILE_EXTRAS) <= set(user.profile)
            assert {"formatted", "street_address", "locality", "region", "postal_code", "country"} == set(
                user.address
            )
            assert work.people.person_code_of(user)
            [post] = work.people.employments_of(user.id, now=1.0)
            assert post.unit
            assert post.position


def test_seeding_twice_changes_nothing_and_prints_the_same(database: None, tmp_path: Path) -> None:
    first = done("seed", "demo", "--json")
    people, clients = done("user", "find", "", "--json"), done("client", "list", "--json")
    records = told("audit", "verify", "--json")["checked"]
    assert done("seed", "demo", "--json") == first
    assert done("user", "find", "", "--json") == people
    assert done("client", "list", "--json") == clients
    assert told("audit", "verify", "--json")["checked"] == records


def test_another_port_moves_the_demonstrations_own_addresses(
    database: None, monkeypatch: pytest.MonkeyPatch
) -> None:
    done("seed", "demo")
    monkeypatch.setenv("IDP_ISSUER", "http://localhost:9001")
    done("seed", "demo")
    client = told("client", "show", "agreements", "--json")
    assert client["redirect_uris"] == ["http://localhost:9001/connectors/agreements/callback"]
    assert client["audience"] == "http://localhost:9001/connectors/agreements"


def test_the_demonstration_keeps_away_from_real_people(database: None) -> None:
    done("user", "add", "--username", "anna", "--municipality", "0001000")
    assert "real users" in refused("seed", "demo")
    assert told("client", "list", "--json") == []


def test_the_demonstrations_people_can_prove_who_they_are(database: None) -> None:
    made = told("seed", "demo", "--json")
    for user in made["users"]:
        row = next(
            row
            for row in told("user", "find", user["username"], "--json")
            if row["username"] == user["username"]
        )
        assert row["methods"] == (["password", "totp"] if user["totp_secret"] else ["password"])
        if user["totp_secret"]:
            assert re.fullmatch(r"\d{6}", pyotp.TOTP(user["totp_secret"]).now())


# People --------------------------------------------------------------------------------------------------------


def test_a_person_is_added_found_blocked_and_let_in_again(database: None) -> None:
    added = told(
        *("user", "add", "--username", "Anna.BĒRZIŅA", "--municipality", "0001000", "--password-stdin"),
        *(
            "--given-name",
            "Anna",
            "--family-name",
            "Bērziņa",
            "--email",
            "anna@riga.example",
            "--role",
            "clerk",
        ),
        given="zirnis uz jumta\n",
    )
    assert added["username"] == "anna.bērziņa"
    assert (added["municipalities"], added["roles"], added["methods"]) == (
        ["0001000"],
        ["clerk"],
        ["password"],
    )
    for query in ("bērz", "BĒRZ", "Anna", "a.b"):
        assert [row["username"] for row in told("user", "find", query, "--json")] == ["anna.bērziņa"]
    assert told("user", "find", "nobody", "--json") == []
    done("user", "block", "ANNA.bērziņa")
    assert told("user", "find", "anna", "--json")[0]["status"] == "blocked"
    assert "blocked" in refused("policy", "explain", "anna.bērziņa")
    done("user", "unblock", "anna.bērziņa")
    assert told("policy", "explain", "anna.bērziņa", "--json")["offered"] == ["password"]


def test_an_identity_is_forgotten_so_that_it_can_be_confirmed_anew(database: None) -> None:
    done("user", "add", "--username", "anna", "--municipality", "0001000")
    context = open_context()
    with context.database.begin() as work:
        user = work.people.find_user_by_username("anna")
        assert user is not None
    world = SimpleNamespace(clock=SimpleNamespace(at=context.effects.now()), database=context.database)
    confirm(world, user)  # type: ignore[arg-type]
    assert "anew" in done("user", "forget-identity", "anna")
    with context.database.read() as work:
        assert not work.confirmations.is_confirmed(user.id)
        assert work.people.get_user(user.id).person_code_sealed is None
        assert work.audit.activity_of(user.id)[0].type == "identity.removed"
    assert "Nothing was on file" in done("user", "forget-identity", "anna")


@pytest.mark.parametrize(
    ("arguments", "given", "says"),
    [
        (("--username", "anna", "--municipality", "9999999"), None, "9999999"),
        (("--username", "anna", "--municipality", "0001000", "--password-stdin"), "īss\n", "12"),
        (("--username", "anna", "--municipality", "0001000", "--password-stdin"), "", "12"),
        (("--username", "anna", "--municipality", "0001000", "--password-stdin"), "Password1234!\n", "known"),
        (
            ("--username", "annalise", "--municipality", "0001000", "--password-stdin"),
            "zirnis annalise\n",
            "name",
        ),
    ],
)
def test_who_cannot_be_added_is_not_half_added(
    database: None, arguments: tuple[str, ...], given: str | None, says: str
) -> None:
    assert says in refused("user", "add", *arguments, given=given)
    assert told("user", "find", "", "--json") == []


def test_a_username_is_taken_in_any_writing(database: None) -> None:
    """attack 45"""
    done("user", "add", "--username", "anna", "--municipality", "0001000")
    for username in ("anna", "ANNA", "ａｎｎａ", " anna "):
        assert "taken" in refused("user", "add", "--username", username, "--municipality", "0001000")


def test_wrong_usage_of_user_add(database: None) -> None:
    assert run("user", "add", "--username", "anna").exit_code == 2
    assert run("user", "add", "--username", "a\u200bb", "--municipality", "0001000").exit_code == 2
    done("user", "add", "--username", "operatore", "--role", "operator")


def test_methods_are_reset_with_sessions_and_a_record(database: None) -> None:
    """attack 34: an administrative reset leaves a record and ends what was open."""
    done("seed", "demo")
    assert "1 removed" in done("user", "reset-methods", "kods", "--method", "totp")
    assert told("user", "find", "kods", "--json")[0]["methods"] == ["password"]
    done("user", "reset-methods", "kods")
    assert told("user", "find", "kods", "--json")[0]["methods"] == []
    done("user", "reset-methods", "kods", "--password-stdin", given="zirnis uz jumta\n")
    assert told("user", "find", "kods", "--json")[0]["methods"] == ["password"]
    assert "no user" in refused("user", "reset-methods", "nobody")
    assert run("user", "reset-methods", "kods", "--method", "telepathy").exit_code == 2


# Applications --------------------------------------------------------------------------------------------------


def test_a_client_is_added_as_rfc_7591_has_it(database: None) -> None:
    answer = told("client", "add", given=json.dumps({**CLIENT, "visvaris": {"first_party": True}}))
    assert len(answer["client_secret"]) == 43
    assert answer["client_secret_expires_at"] == 0
    assert answer["redirect_uris"] == CLIENT["redirect_uris"]
    shown = told("client", "show", answer["client_id"], "--json")
    assert shown["first_party"] is True
    assert answer["client_secret"] not in json.dumps(shown)
    assert [row["client_id"] for row in told("client", "list", "--json")] == [answer["client_id"]]


@pytest.mark.parametrize(
    "given",
    [
        "",
        "[]",
        "not json",
        "[" * 100_000,
        '{"redirect_uris": ["https://a.example/#x"]}',
        '{"redirect_uris": []}',
        "{}",
    ],
)
def test_metadata_that_cannot_be_is_refused(database: None, given: str) -> None:
    """attack 43"""
    refused("client", "add", given=given)
    assert told("client", "list", "--json") == []


def test_the_implicit_flow_is_added_only_where_anybody_may_register(
    database: None, monkeypatch: pytest.MonkeyPatch
) -> None:
    given = json.dumps({**CLIENT, "grant_types": ["implicit"], "response_types": ["id_token"]})
    for mode in ("token", "off"):
        monkeypatch.setenv("IDP_REGISTRATION", mode)
        assert "not offered here" in refused("client", "add", given=given)
    monkeypatch.setenv("IDP_REGISTRATION", "open")
    client_id = told("client", "add", given=given)["client_id"]
    found = json.loads(run("client", "lint", client_id, "--json").stdout)
    (weak,) = [row for row in found if "implicit" in row["finding"]]
    assert weak["weak"] is True
    assert "unauthorized_client" in weak["breaks"]


def test_a_new_secret_lets_the_one_before_work_on_for_a_while(database: None) -> None:
    client_id = told("client", "add", given=json.dumps(CLIENT))["client_id"]
    secrets = {told("client", "rotate-secret", client_id)["client_secret"] for _ in range(3)}
    assert len(secrets) == 3
    assert told("client", "show", client_id, "--json")["secrets"] == 2
    told("client", "rotate-secret", client_id, "--overlap-days", "0")
    assert told("client", "show", client_id, "--json")["secrets"] == 1
    public = told("client", "add", given=json.dumps({**CLIENT, "token_endpoint_auth_method": "none"}))[
        "client_id"
    ]
    assert "secret" in refused("client", "rotate-secret", public)
    assert "no client" in refused("client", "rotate-secret", "nothing")


def test_a_secret_that_signs_is_replaced_like_others(database: None) -> None:
    signs = {**CLIENT, "token_endpoint_auth_method": "client_secret_jwt"}
    answer = told("client", "add", given=json.dumps(signs))
    client_id = answer["client_id"]
    assert kept_of(client_id) == [answer["client_secret"]]
    newer, newest = (told("client", "rotate-secret", client_id)["client_secret"] for _ in range(2))
    assert kept_of(client_id) == [newest, newer]
    assert told("client", "show", client_id, "--json")["secrets"] == 2
    last = told("client", "rotate-secret", client_id, "--overlap-days", "0")["client_secret"]
    assert kept_of(client_id) == [last]


def kept_of(client_id: str) -> list[str]:
    """What is sealed of a client's secrets, newest first."""
    context = open_context()
    with context.database.read() as work:
        sealed = work.clients.get(client_id).mac_secret_sealed
    assert sealed is not None
    opened = context.vault.open(sealed, Place("clients", "mac_secret_sealed", client_id))
    return [record["secret"] for record in json.loads(opened)]


def test_lint_says_what_could_be_safer(database: None) -> None:
    safe = told(
        "client", "add", given=json.dumps({**CLIENT, "post_logout_redirect_uris": ["https://app.example/"]})
    )["client_id"]
    assert [row for row in told("client", "lint", safe, "--json") if row["weak"]] == []
    document = {
        **CLIENT,
        "token_endpoint_auth_method": "client_secret_post",
        "visvaris": {"pkce_required": False},
    }
    unsafe = told("client", "add", given=json.dumps(document))["client_id"]
    result = run("client", "lint", "--json")
    assert result.exit_code == 1
    found = json.loads(result.stdout)
    assert {row["client_id"] for row in found if row["weak"]} == {unsafe}
    assert all(row["breaks"] for row in found)
    assert {"PKCE is not required", "The secret travels in the body"} <= {row["finding"] for row in found}


def test_an_initial_access_token_is_told_once_and_kept_as_a_hash(database: None, tmp_path: Path) -> None:
    """attack 44"""
    answer = told("client", "token", "--uses", "3", "--days", "2", "--note", "Ķekavas izstrādātāji")
    assert (answer["uses"], answer["note"]) == (3, "Ķekavas izstrādātāji")
    assert len(answer["initial_access_token"]) == 43
    with sqlite3.connect(tmp_path / "visvaris.sqlite3") as connection:
        ((kept, note, created_at, expires_at, uses_left),) = connection.execute(
            "SELECT token_hash, note, created_at, expires_at, uses_left FROM initial_access_tokens"
        )
        trail = connection.execute("SELECT type, actor_id, detail FROM audit_events").fetchall()
    connection.close()
    assert kept == hashlib.sha256(answer["initial_access_token"].encode()).hexdigest()
    assert (note, uses_left) == ("Ķekavas izstrādātāji", 3)
    assert int(expires_at) == answer["expires_at"]
    assert expires_at - created_at == 2 * 86400
    assert ("client.initial_token_made", "command-line") in [row[:2] for row in trail]
    assert answer["initial_access_token"] not in str(trail)
    assert told("client", "token")["uses"] == 1


@pytest.mark.parametrize("wrong", [("--uses", "0"), ("--uses", "x"), ("--days", "0"), ("--days", "366")])
def test_a_token_without_measure_is_wrong_usage(database: None, wrong: tuple[str, str]) -> None:
    assert run("client", "token", *wrong).exit_code == 2


def test_it_is_said_when_nobody_would_ask_for_such_a_token(
    database: None, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert "IDP_REGISTRATION" not in run("client", "token").stderr
    monkeypatch.setenv("IDP_REGISTRATION", "off")
    assert "IDP_REGISTRATION is off" in run("client", "token").stderr


def test_whose_software_statements_count_is_read_from_a_file(
    database: None, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = tmp_path / "statements.json"
    monkeypatch.setenv("IDP_SOFTWARE_STATEMENT_JWKS", str(path))
    for content in (None, "", "[]", '{"https://vendor.example": {}}', '{"": {"keys": []}}'):
        if content is not None:
            path.write_text(content)
        assert "IDP_SOFTWARE_STATEMENT_JWKS cannot be used" in refused("settings", "check")
    path.write_text('{"https://vendor.example": {"keys": []}}')
    assert "can be used" in done("settings", "check")


# Keys, policy, trail, settings ---------------------------------------------------------------------------------


def test_keys_are_rotated_and_secrets_sealed_anew(database: None, monkeypatch: pytest.MonkeyPatch) -> None:
    done("seed", "demo")
    before = {key["kid"]: key["state"] for key in told("key", "list", "--json")}
    assert sorted(before.values()) == ["active", "active", "next", "next"]
    monkeypatch.setenv("IDP_MASTER_KEYS", f"{NEWER_KEY},{KEY}")
    said = done("key", "rotate")
    assert re.search(r"anew under the newest master key: [1-9]", said)
    after = {key["kid"]: key["state"] for key in told("key", "list", "--json")}
    for kid, state in before.items():
        assert after[kid] == {"active": "retired", "next": "active"}[state]
    monkeypatch.setenv("IDP_MASTER_KEYS", NEWER_KEY)
    done("audit", "verify")
    done("key", "rotate")


def test_rotation_without_an_old_master_key_changes_nothing(
    database: None, monkeypatch: pytest.MonkeyPatch
) -> None:
    done("seed", "demo")
    before = told("key", "list", "--json")
    monkeypatch.setenv("IDP_MASTER_KEYS", NEWER_KEY)
    assert "IDP_MASTER_KEYS" in refused("key", "rotate")
    monkeypatch.setenv("IDP_MASTER_KEYS", KEY)
    assert told("key", "list", "--json") == before


def test_a_municipality_decides_for_how_long_computers_are_remembered(database: None) -> None:
    assert told("municipality", "show", "0001000", "--json")["remember_days"] == 0
    assert "14 days" in done("municipality", "set", "0001000", "--remember-days", "14")
    assert told("municipality", "show", "0001000", "--json")["remember_days"] == 14
    assert "no computer" in done("municipality", "set", "0001000", "--remember-days", "0")
    assert "9999999" in refused("municipality", "set", "9999999", "--remember-days", "1")
    assert told("audit", "verify", "--json")["checked"] == 2


def test_a_municipality_decides_how_long_sessions_on_shared_computers_wait(database: None) -> None:
    """One decision leaves the other as it was."""
    done("municipality", "set", "0001000", "--remember-days", "14")
    assert told("municipality", "show", "0001000", "--json")["shared_idle_minutes"] == 10
    assert "5 minutes" in done("municipality", "set", "0001000", "--shared-idle-minutes", "5")
    shown = told("municipality", "show", "0001000", "--json")
    assert (shown["remember_days"], shown["shared_idle_minutes"]) == (14, 5)


def test_a_municipality_lets_colleagues_vouch_and_what_is_not_named_stays(database: None) -> None:
    """Off at first; without a number it can be stopped for a day."""
    show = ("municipality", "show", "0001000", "--json")
    assert told(*show)["vouching_hours"] == 0
    done("municipality", "set", "0001000", "--remember-days", "14")
    assert "24 hours" in done("municipality", "set", "0001000", "--vouching-hours")
    assert (told(*show)["vouching_hours"], told(*show)["remember_days"]) == (24, 14)
    done("municipality", "set", "0001000", "--vouching-hours", "168", "--remember-days", "0")
    assert (told(*show)["vouching_hours"], told(*show)["remember_days"]) == (168, 0)
    assert "nobody" in done("municipality", "set", "0001000", "--vouching-hours", "0")


@pytest.mark.parametrize("options", [(), ("--vouching-hours", "169"), ("--vouching-hours", "-1")])
def test_a_rule_that_is_none_is_not_set(database: None, options: tuple[str, ...]) -> None:
    assert run("municipality", "set", "0001000", *options).exit_code == 2
    assert told("municipality", "show", "0001000", "--json")["vouching_hours"] == 0


def test_networks_of_a_municipality_get_names(database: None) -> None:
    add = ("municipality", "network", "add", "0001000")
    assert "Klientu centrs" in done(*add, "192.0.2.0/24", "--name", "Klientu centrs", "--shared")
    assert "already" in refused(*add, "192.0.2.0/24", "--name", "Cits")
    assert "no network" in refused(*add, "192.0.2.1/24", "--name", "Cits")
    assert "empty" in refused(*add, "198.51.100.0/24", "--name", " ")
    assert "9999999" in refused("municipality", "network", "add", "9999999", "10.0.0.0/8", "--name", "Cits")
    network = {
        "municipality": "0001000",
        "cidr": "192.0.2.0/24",
        "name": "Klientu centrs",
        "shared": True,
    }
    assert told("municipality", "network", "list", "--json") == [network]
    assert told("municipality", "network", "list", "0031000", "--json") == []
    assert "0031000" in refused("municipality", "network", "remove", "0031000", "192.0.2.0/24")
    done("municipality", "network", "remove", "0001000", "192.0.2.0/24")
    assert told("municipality", "network", "list", "--json") == []
    assert told("audit", "verify", "--json")["checked"] == 2


def test_policy_explains_what_is_offered_and_why_the_rest_is_not(database: None) -> None:
    done("seed", "demo")
    answer = told("policy", "explain", "kods", "--client", "agreements", "--at", "2026-12-01T09:00", "--json")
    assert answer["at"] == "2026-12-01T07:00:00+00:00"
    assert (answer["offered"], answer["excluded"]) == (
        ["password", "totp"],
        {
            "passkey": "not_enrolled",
            "directory": "not_enrolled",
            "kerberos": "not_enrolled",
            "upstream_oidc": "not_allowed_nationally",
            "security_key": "not_enrolled",
            "phone_approval": "not_enrolled",
            "recovery_code": "not_enrolled",
        },
    )
    assert (answer["enough"], answer["acts_for"]) == (False, ["0054000"])
    proved = told(
        "policy", "explain", "kods", "--proof", "password", "--proof", "totp", "--at", "1800000000", "--json"
    )
    assert (proved["reached"], proved["enough"]) == ("multi_factor", True)
    assert "not offered: totp, because not enrolled" in done("policy", "explain", "parole")
    assert told("policy", "explain", "operators", "--json")["required"] == "multi_factor"
    assert "no client" in refused("policy", "explain", "kods", "--client", "nothing")
    assert "no user" in refused("policy", "explain", "nobody")
    assert run("policy", "explain", "kods", "--at", "tomorrow").exit_code == 2


def test_policy_shows_the_rules(database: None) -> None:
    assert len(told("policy", "show", "--json")) == 44
    [rule] = told("policy", "show", "national", "--json")
    assert "password" in rule["methods"]
    assert "no scope" in refused("policy", "show", "mars")


def test_municipalities_are_in_latvian_order(database: None) -> None:
    names = [row["name"] for row in told("municipality", "list", "--json")]
    assert len(names) == 42
    assert names.index("Ādažu novads") < names.index("Balvu novads")
    assert names.index("Krāslavas novads") < names.index("Kuldīgas novads") < names.index("Ķekavas novads")
    assert "no municipality" in refused("municipality", "show", "1")


def test_the_trail_tells_when_it_was_touched(database: None) -> None:
    from sqlalchemy import text

    from idp.commands.context import open_context

    done("seed", "demo")
    done("audit", "verify")
    with open_context().database.engine.begin() as connection:
        connection.execute(text("UPDATE audit_events SET user_id = 'somebody else' WHERE seq = 3"))
    assert "record 3" in refused("audit", "verify")
    assert json.loads(run("audit", "verify", "--json").stdout)["first_bad_seq"] == 3


def test_settings_are_listed_without_any_being_set() -> None:
    rows = told("settings", "--json")
    assert {"name": "IDP_MASTER_KEYS", "default": "required"}.items() <= rows[3].items()
    assert "IDP_ISSUER" in done("settings")


def test_the_page_of_settings_is_what_the_command_prints() -> None:
    assert (ROOT / "docs" / "settings.md").read_text() == done("settings", "--markdown")


def test_calibration_prints_settings_that_can_be_used() -> None:
    said = done("settings", "calibrate-argon2", "--seconds", "0.02")
    assert re.search(
        r"^IDP_ARGON2_TIME_COST=\d+\nIDP_ARGON2_MEMORY_KIB=\d+\nIDP_ARGON2_PARALLELISM=1$", said, re.MULTILINE
    )


def test_no_answer_tells_a_secret(database: None) -> None:
    """attack 44"""
    done("seed", "demo")
    for arguments in (
        ("key", "list", "--json"),
        ("client", "list", "--json"),
        ("user", "find", "", "--json"),
        ("settings",),
    ):
        said = done(*arguments)
        assert KEY not in said
        assert "private" not in said
        assert "argon2id$" not in said
