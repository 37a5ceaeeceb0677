"""`visvaris mds` and `visvaris policy attestation`: lists are loaded forwards only, demands are stored and make sense."""

import base64
import json
import logging
from collections.abc import Iterator
from pathlib import Path
from typing import Any
from uuid import UUID

import pytest
from click.testing import CliRunner, Result
from cryptography.hazmat.primitives.hashes import SHA256
from sqlalchemy import select

from idp.cli import main
from idp.commands import mds
from idp.models.audit import AuditEvent
from idp.storage import municipalities
from idp.storage.prepared import Prepared
from idp.storage.unit import records, table_of
from tests.support.alliance import Alliance, entry
from tests.support.authenticator import NO_MAKER, YUBIKEY
from tests.support.builders import MASTER_KEY, RIGA, World, add_credential, add_user, make_database
from tests.support.certificates import Authority
from tests.support.remote import Remote, Reply

OTHER = UUID("11111111-2222-4333-8444-555555555555")
THIRD = UUID("99999999-2222-4333-8444-555555555555")
ALLIANCE = Alliance()
_TRAIL = Prepared(select(table_of(AuditEvent)).order_by(table_of(AuditEvent).c.seq))
NOW = 1_760_000_000.0


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


@pytest.fixture
def root(tmp_path: Path) -> str:
    return str(ALLIANCE.root_file(tmp_path))


def run(*arguments: str, given: bytes | None = None) -> Result:
    return CliRunner().invoke(main, list(arguments), input=given)


def load(raw: bytes, root: str, *more: str) -> Result:
    return run("mds", "load", "-", "--root", root, *more, given=raw)


def loaded(raw: bytes, root: str) -> dict[str, Any]:
    result = load(raw, root, "--json")
    assert result.exit_code == 0, result.stderr
    told: dict[str, Any] = json.loads(result.stdout)
    return told


def trail(world: World) -> list[tuple[str, dict[str, Any]]]:
    with world.database.read() as work:
        events = records(AuditEvent, work.rows(_TRAIL))
    return [(event.type, json.loads(event.detail)) for event in events]


def test_a_list_is_loaded_from_a_file_and_shown(world: World, root: str, tmp_path: Path) -> None:
    file = tmp_path / "blob.jwt"
    file.write_bytes(ALLIANCE.blob(7, [entry(roots=[ALLIANCE.root]), entry(OTHER, statuses=["REVOKED"])]))
    result = run("mds", "load", str(file), "--root", root)
    assert (result.exit_code, result.stderr) == (0, "")
    assert "List 7 with 2 models: 2 new, 0 changed, 0 gone. The next by 2039-01-01." in result.stdout
    assert f"Not to be trusted: Atslēgu kalves sērija 5 ({OTHER}), REVOKED" in result.stdout
    shown = json.loads(run("mds", "show", "--json").stdout)
    assert (shown["number"], shown["next_update"], shown["stale"]) == (7, "2039-01-01", False)
    assert {each["aaguid"]: each["trusted"] for each in shown["models"]} == {
        str(YUBIKEY): True,
        str(OTHER): False,
    }
    one = json.loads(run("mds", "show", str(YUBIKEY).upper(), "--json").stdout)
    assert (one["description"], one["attestation_types"], one["roots"]) == (
        "Atslēgu kalves sērija 5",
        ["basic_full"],
        1,
    )
    for words in (run("mds", "show").stdout, run("mds", "show", str(OTHER)).stdout):
        assert str(OTHER) in words
    assert run("mds", "show", str(THIRD)).exit_code == 1


def test_what_changed_is_said_and_written_down(world: World, root: str) -> None:
    with world.database.begin() as work:
        anna = add_user(work)
        add_credential(work, anna.id, "passkey", key_id="key", aaguid=str(YUBIKEY))
        add_credential(work, anna.id, "passkey", key_id="older", aaguid=str(OTHER), kind="Senāka")
    first = loaded(ALLIANCE.blob(1, [entry(), entry(OTHER)]), root)
    assert (first["new"], sorted(first["added"])) == (True, sorted([str(YUBIKEY), str(OTHER)]))
    second = loaded(
        ALLIANCE.blob(2, [entry(description="Sērija 6", statuses=["REVOKED"]), entry(THIRD)]), root
    )
    assert (second["added"], second["changed"], second["removed"]) == (
        [str(THIRD)],
        [str(YUBIKEY)],
        [str(OTHER)],
    )
    (untrusted,) = second["untrusted"]
    assert untrusted == {
        "aaguid": str(YUBIKEY),
        "description": "Sērija 6",
        "statuses": ["REVOKED"],
        "keys": 1,
    }
    with world.database.read() as work:
        named = {each.key_id: each.kind for each in work.people.credentials_of(anna.id)}
    assert named == {"key": "Sērija 6", "older": None}, "keys are called what the list calls them now"
    assert trail(world)[-1] == (
        "authenticator_metadata.loaded",
        {"number": 2, "added": 1, "changed": 1, "removed": 1, "untrusted": str(YUBIKEY)},
    )


def test_the_same_list_again_changes_nothing_and_an_older_one_is_refused(world: World, root: str) -> None:
    """Whoever brings an older list may be hiding what was revoked."""
    loaded(ALLIANCE.blob(5, [entry(statuses=["REVOKED"])]), root)
    assert "nothing changed" in load(ALLIANCE.blob(5, [entry()]), root).stdout
    older = load(ALLIANCE.blob(4, [entry()]), root)
    assert (older.exit_code, older.stdout) == (1, "")
    assert "list 5 was loaded before" in older.stderr
    with world.database.read() as work:
        assert work.authenticators.statuses_of(str(YUBIKEY)) == {"REVOKED"}
    assert len(trail(world)) == 1


def test_a_list_that_is_not_fidos_changes_nothing(world: World, root: str) -> None:
    loaded(ALLIANCE.blob(1, [entry()]), root)
    for raw in (Alliance().blob(2), ALLIANCE.blob(2, [entry(), entry()]), b"", b"x" * 100):
        refused = load(raw, root)
        assert (refused.exit_code, refused.stdout) == (1, "")
        assert refused.stderr.startswith("Error: This list cannot be trusted: ")
    assert json.loads(run("mds", "show", "--json").stdout)["number"] == 1


def test_the_authority_that_is_pinned_without_another_is_globalsign(world: World) -> None:
    """SHA-256 of GlobalSign Root CA - R3, as its owner publishes it."""
    pinned = mds._root(mds._ROOT)
    assert pinned.fingerprint(SHA256()).hex() == (
        "cbb522d7b7f127ad6a0113865bdf1cd4102e7d0759af635a7cf4720dc963c53b"
    )
    refused = run("mds", "load", "-", given=ALLIANCE.blob(1))
    assert refused.exit_code == 1
    assert "pinned authority" in refused.stderr


def test_a_list_past_its_day_is_loaded_and_said_to_be(world: World, root: str) -> None:
    result = load(ALLIANCE.blob(1, [entry()], next_update="2024-01-01"), root)
    assert result.exit_code == 0
    assert "past its day" in result.stderr
    shown = run("mds", "show", "--json")
    assert json.loads(shown.stdout)["stale"] is True
    assert "past its day" in shown.stderr


@pytest.mark.parametrize(
    "arguments", [(), ("blob", "--fetch"), ("/nowhere/blob",), ("-", "--root", "/nowhere/root.pem")]
)
def test_it_says_what_it_needs(world: World, arguments: tuple[str, ...]) -> None:
    result = run("mds", "load", *arguments)
    assert result.exit_code in {1, 2}
    assert result.stderr


def test_a_root_that_is_no_certificate_and_no_list_at_all_are_refused(world: World, tmp_path: Path) -> None:
    file = tmp_path / "root.pem"
    file.write_text("no certificate")
    assert "not a certificate" in load(ALLIANCE.blob(1), str(file)).stderr
    assert "No list was loaded" in run("mds", "show").stderr


def test_it_is_fetched_when_that_is_asked_for(
    world: World, root: str, remote: Remote, authority: Authority, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("IDP_OUTBOUND_CA_FILE", str(authority.ca_file))
    monkeypatch.setattr(mds, "ADDRESS", remote.url("/"))
    refused = run("mds", "load", "--fetch", "--root", root)
    assert refused.exit_code == 1
    assert "may not be reached" in refused.stderr, "the door is the one for all"
    monkeypatch.setenv("IDP_OUTBOUND_ALLOW", "127.0.0.0/8,::1/128")
    remote.answers["/"] = Reply(ALLIANCE.blob(3, [entry(description="x" * 200)] * 1) + b"\n" * 400_000)
    assert "List 3 with 1 models" in run("mds", "load", "--fetch", "--root", root).stdout
    monkeypatch.setattr(mds, "BLOB_BYTES_AT_MOST", 1000)
    assert "more than 1000 bytes" in run("mds", "load", "--fetch", "--root", root).stderr


# Demands -----------------------------------------------------------------------------------------------------


def demands() -> list[dict[str, Any]]:
    told: list[dict[str, Any]] = json.loads(run("policy", "attestation", "show", "--json").stdout)
    return told


def sets(*arguments: str) -> Result:
    return run("policy", "attestation", "set", *arguments)


OPERATORS = {
    "scope": "operator",
    "role": "",
    "attestation": "none",
    "aaguids": [],
    "binding": "device_bound_or_attested",
}


def test_from_the_start_operators_have_keys_that_stay_on_one_device_or_are_attested(world: World) -> None:
    assert demands() == [OPERATORS]
    refused = sets("operator", "none", "--binding", "any")
    assert refused.exit_code == 1
    assert "must have keys" in refused.stderr
    assert sets("operator", "none", "--binding", "device_bound").exit_code == 0
    assert sets("operator", "none", "--role", "operator").exit_code == 0, "beside the demand on all of them"
    assert demands() == [OPERATORS | {"binding": "device_bound"}]


def test_a_demand_is_set_for_a_scope_or_a_role_in_it_and_taken_back(world: World, root: str) -> None:
    loaded(ALLIANCE.blob(1, [entry(), entry(OTHER)]), root)
    assert sets(RIGA, "mds").exit_code == 0
    assert sets(RIGA, "list", "--role", "admin", "--aaguid", str(OTHER).upper(), "--binding", "device_bound").exit_code == 0  # fmt: skip
    of_riga = json.loads(run("policy", "attestation", "show", RIGA, "--json").stdout)
    assert [(row["role"], row["attestation"], row["aaguids"], row["binding"]) for row in of_riga] == [
        ("", "mds", [], "any"),
        ("admin", "list", [str(OTHER)], "device_bound"),
    ]
    assert str(OTHER) in run("policy", "attestation", "show").stdout
    assert sets(RIGA, "none").exit_code == 0
    assert sets(RIGA, "none", "--role", "admin").stdout.strip().endswith("binding device_bound.")
    assert sets(RIGA, "none", "--role", "admin", "--binding", "any").exit_code == 0
    assert demands() == [OPERATORS]
    kinds = [(kind, detail["scope"], detail["role"]) for kind, detail in trail(world)[1:]]
    assert kinds[:2] == [
        ("policy.attestation_changed", RIGA, ""),
        ("policy.attestation_changed", RIGA, "admin"),
    ]
    assert len(kinds) == 5


def test_nobody_is_shut_out_by_a_list_that_was_never_loaded(world: World, root: str) -> None:
    refused = sets(RIGA, "mds")
    assert refused.exit_code == 1
    assert "mds load" in refused.stderr
    loaded(ALLIANCE.blob(1, [entry()]), root)
    assert f"has no model {OTHER}" in sets(RIGA, "list", "--aaguid", str(OTHER)).stderr
    assert demands() == [OPERATORS]


def test_policy_explain_names_the_key_that_may_not_be_used_and_why(world: World) -> None:
    with world.database.begin() as work:
        anna = add_user(work, roles=["operator"])
        for name, backup in (("phone", "synced"), ("stick", "device_bound")):
            add_credential(work, anna.id, "passkey", key_id=name, label=name, backup=backup)
    told = json.loads(run("policy", "explain", "anna", "--json").stdout)
    assert told["refused_keys"] == {"phone": "key_not_device_bound"}
    assert told["offered"] == ["passkey"]
    assert "phone, because key not device bound" in run("policy", "explain", "anna").stdout
    with world.database.begin() as work:
        (stick,) = [each for each in work.people.credentials_of(anna.id) if each.key_id == "stick"]
        work.people.remove_credential(anna.id, stick.id)
    told = json.loads(run("policy", "explain", "anna", "--json").stdout)
    assert (told["offered"], told["excluded"]["passkey"]) == ([], "not_accepted")


@pytest.mark.parametrize(
    "arguments",
    [
        (RIGA, "list"),
        (RIGA, "mds", "--aaguid", str(YUBIKEY)),
        (RIGA, "list", "--aaguid", str(NO_MAKER)),
        (RIGA, "list", "--aaguid", "yubikey"),
        (RIGA, "perhaps"),
        (RIGA, "none", "--binding", "perhaps"),
        ("7777777", "none"),
    ],
)
def test_a_demand_that_makes_no_sense_is_refused(world: World, arguments: tuple[str, ...]) -> None:
    assert sets(*arguments).exit_code in {1, 2}
    assert demands() == [OPERATORS]
    assert run("policy", "attestation", "show", "7777777").exit_code == 1
