"""`visvaris directory keytab`: what is kept of a file of keys, what is refused, and that no key is ever told."""

import base64
import json
import logging
from collections.abc import Iterator
from pathlib import Path

import pytest
from click.testing import CliRunner, Result
from sqlalchemy import select

from idp.cli import main
from idp.gateways.kerberos.keytab import Key, read_keytab, write_keytab
from idp.models.audit import AuditEvent
from idp.storage import municipalities
from idp.storage.prepared import Prepared
from idp.storage.reseal import reseal_all
from idp.storage.unit import records, table_of
from tests.support.builders import MASTER_KEY, RIGA, World, make_database
from tests.support.directories import add_directory
from tests.support.tickets import secret_of

pytestmark = pytest.mark.allow_hosts(["127.0.0.0/8", "::1", "localhost"])
NAME = "Rīgas domēns"
REALM = "AD.RIGA.TEST"
_TRAIL = Prepared(select(table_of(AuditEvent)).order_by(table_of(AuditEvent).c.seq))


@pytest.fixture
def world(sqlite_url: str, monkeypatch: pytest.MonkeyPatch) -> Iterator[World]:
    database = make_database(sqlite_url)
    with database.begin() as work:
        municipalities.load(work)
    database.dispose()
    monkeypatch.setenv("IDP_MASTER_KEYS", base64.urlsafe_b64encode(MASTER_KEY).decode())
    monkeypatch.setenv("IDP_DATABASE_URL", sqlite_url)
    monkeypatch.setenv("IDP_ISSUER", "https://login.example.lv")
    root = logging.getLogger()
    handlers, level = root.handlers[:], root.level
    with World(sqlite_url) as made:
        with made.database.begin() as work:
            add_directory(work)
        yield made
    root.handlers[:] = handlers
    root.setLevel(level)


def run(*arguments: str, given: bytes = b"") -> Result:
    return CliRunner().invoke(main, ["directory", "keytab", RIGA, NAME, *arguments], input=given)


def types(world: World) -> list[str]:
    with world.database.read() as work:
        return [event.type for event in records(AuditEvent, work.rows(_TRAIL))]


def an_entry(principal: str, *, kvno: int = 2, enctype: int = 18) -> Key:
    """Of a file of keys, with a key of zeros."""
    name, realm = principal.split("@")
    parts = [realm, *name.split("/")]
    raw = (len(parts) - 1).to_bytes(2)
    raw += b"".join(len(part).to_bytes(2) + part.encode() for part in parts)
    raw += (1).to_bytes(4) + bytes(4) + bytes([kvno]) + enctype.to_bytes(2)
    raw += (32).to_bytes(2) + bytes(32) + kvno.to_bytes(4)
    return read_keytab(b"\x05\x02" + len(raw).to_bytes(4) + raw)[0]


def test_keys_are_taken_from_standard_input_and_never_shown(world: World, riga_keytab: bytes):
    taken, shown = run("-", given=riga_keytab), run("--json")
    assert taken.exit_code == 0, taken.stderr
    told = json.loads(shown.stdout)
    assert told["automatic"] is False
    assert {(key["principal"], key["kvno"]) for key in told["keys"]} == {
        ("HTTP/login.example.lv@AD.RIGA.TEST", 2)
    }
    assert "aes256-cts-hmac-sha1-96" in taken.stdout
    secret = secret_of(read_keytab(riga_keytab)[0])
    for form in (secret.hex(), base64.b64encode(secret).decode()[:20]):
        assert form not in taken.output + shown.output
    assert types(world) == ["directory.keytab_changed"]


def test_what_is_stored_opens_nothing_and_is_sealed_anew_with_the_rest(world: World, riga_keytab: bytes):
    run("-", given=riga_keytab)
    with world.database.begin() as work:
        (sealed,) = work.connection().exec_driver_sql("SELECT keytab_sealed FROM directory_keytabs").first()
        assert sealed.startswith("s1.")
        assert reseal_all(work, world.vault) == 0
        keytab = work.keytabs.find(work.directories.list_all()[0].id)
        assert work.keytabs.open(keytab) == riga_keytab


def test_a_file_is_as_good_as_standard_input_and_the_choice_stays_with_new_keys(
    world: World, riga_keytab: bytes, tmp_path: Path
):
    path = tmp_path / "atslegas"
    path.write_bytes(riga_keytab)
    assert run(str(path), "--automatic").exit_code == 0
    assert json.loads(run(str(path), "--json").stdout)["automatic"] is True
    assert "when the button is pressed" in run("--by-click").stdout
    assert json.loads(run("--json").stdout)["automatic"] is False


def test_only_strong_keys_of_our_own_name_are_kept(world: World):
    ours = f"HTTP/login.example.lv@{REALM}"
    given = [
        *(an_entry(ours, kvno=2), an_entry(ours, kvno=3)),
        *(an_entry(ours, enctype=23), an_entry(f"HTTP/cits.example.lv@{REALM}"), an_entry(f"DC1$@{REALM}")),
    ]
    taken = run("-", "--json", given=write_keytab(given))
    assert taken.exit_code == 0, taken.stderr
    kept = [(key["principal"], key["kvno"]) for key in json.loads(taken.stdout)["keys"]]
    assert kept == [(ours, 2), (ours, 3)]
    for left_out in ("23, not AES", "HTTP/cits.example.lv", "DC1$@"):
        assert left_out in taken.stderr


@pytest.mark.parametrize(
    ("entries", "why"),
    [
        ([an_entry(f"HTTP/cits.example.lv@{REALM}")], "no key for HTTP/login.example.lv"),
        ([an_entry(f"HOST/login.example.lv@{REALM}")], "no key for HTTP/login.example.lv"),
        ([an_entry("HTTP/login.example.lv@AD.KEKAVA.TEST")], "of the realm AD.KEKAVA.TEST"),
        ([an_entry(f"HTTP/login.example.lv@{REALM}", enctype=23)], "no AES key"),
        ([], "no key for HTTP/login.example.lv"),
    ],
)
def test_keys_that_cannot_work_are_refused(world: World, entries: list[Key], why: str):
    refused = run("-", given=write_keytab(entries))
    assert refused.exit_code == 1
    assert why in refused.stderr
    assert run().exit_code == 1
    assert types(world) == []


@pytest.mark.parametrize("given", [b"", b"{}", b"\x05\x01", b"\x05\x02\x00\x00\x00\x09short", bytes(70_000)])
def test_what_is_no_keytab_is_refused(world: World, given: bytes):
    assert "Error: " in run("-", given=given).stderr
    assert types(world) == []


def test_keys_are_removed(world: World, riga_keytab: bytes):
    run("-", given=riga_keytab)
    assert run("--remove").exit_code == 0
    assert "no keys" in run("--remove").stderr
    assert "no keys" in run("--automatic").stderr
    assert types(world) == ["directory.keytab_changed", "directory.keytab_removed"]


def test_a_directory_that_is_not_there_has_none(world: World):
    assert CliRunner().invoke(main, ["directory", "keytab", RIGA, "Cits"]).exit_code == 1
