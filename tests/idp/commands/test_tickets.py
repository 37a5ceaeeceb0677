"""`visvaris user ticket` and its kin: a letter at a terminal or in a file, and what is told of it afterwards."""

import base64
import json
import logging
import re
import stat
from collections.abc import Iterator
from pathlib import Path

import pytest
from click.testing import CliRunner, Result

from idp.cli import main
from idp.crypto import token_hash
from idp.login.ticket_codes import canonical_ticket_code
from idp.models.people import User
from idp.storage import municipalities
from tests.support.builders import (
    MASTER_KEY,
    RIGA,
    World,
    add_credential,
    add_employment,
    add_user,
    make_database,
)

CODE = re.compile(r"(?:[0-9A-Z]{4}-){6}[0-9A-Z]{4}")


@pytest.fixture
def world(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[World]:
    url = f"sqlite:///{tmp_path / 'visvaris.sqlite3'}"
    database = make_database(url)
    with database.begin() as work:
        municipalities.load(work)
    database.dispose()
    monkeypatch.setenv("IDP_MASTER_KEYS", base64.urlsafe_b64encode(MASTER_KEY).decode())
    monkeypatch.setenv("IDP_DATABASE_URL", url)
    root = logging.getLogger()
    handlers, level = root.handlers[:], root.level
    with World(url) as made:
        yield made
    root.handlers[:] = handlers
    root.setLevel(level)


@pytest.fixture
def anna(world: World) -> User:
    with world.database.begin() as work:
        user = add_user(work, given_name="Anna", family_name="Bērziņa")
        add_employment(work, user.id, RIGA)
    return user


def run(*arguments: str) -> Result:
    return CliRunner().invoke(main, ["user", *arguments])


def listed(*arguments: str) -> list[dict[str, str]]:
    rows: list[dict[str, str]] = json.loads(run("tickets", *arguments, "--json").stdout)
    return rows


def test_a_letter_is_printed_once_with_a_picture_to_scan(world: World, anna: User) -> None:
    """attack 40: and never told again"""
    result = run("ticket", "anna")
    assert result.exit_code == 0, result.output
    found = CODE.search(result.stdout)
    assert found is not None
    assert "█" in result.stdout
    assert "http://localhost:8000/enrol" in result.stdout
    assert "#" not in result.stdout
    code = canonical_ticket_code(found[0])
    assert code is not None
    with world.database.read() as work:
        ticket = work.tickets.find_by_code(token_hash(code))
        (made,) = work.audit.activity_of(anna.id)
    assert ticket is not None
    assert (ticket.user_id, ticket.municipality, ticket.made_by) == (anna.id, None, "command-line")
    assert ticket.expires_at - ticket.made_at == 72 * 3600
    assert (made.type, made.actor_id) == ("enrolment_ticket.made", "command-line")
    (row,) = listed()
    assert (row["id"], row["username"], row["state"]) == (ticket.id, "anna", "open")
    assert code not in json.dumps(row)
    assert ticket.code_hash not in json.dumps(row)


def test_a_letter_is_written_to_a_file_that_loads_nothing_and_others_cannot_read(
    world: World, anna: User, tmp_path: Path
) -> None:
    file = tmp_path / "vēstule.html"
    result = run("ticket", "anna", "--letter", str(file))
    assert result.exit_code == 0, result.output
    page = file.read_text()
    assert stat.S_IMODE(file.stat().st_mode) == 0o600
    assert CODE.search(page)
    assert not CODE.search(result.output)
    assert "<svg" in page
    assert "<style>" in page
    assert not re.search(r'(?:src|href)="', page)
    assert run("ticket", "anna", "--letter", str(file)).exit_code == 1, "nothing is written over"
    assert run("ticket", "anna", "--letter", str(tmp_path / "no" / "x.html")).exit_code == 1
    assert [row["state"] for row in listed("anna")] == ["open"]


def test_a_letter_that_is_not_made_leaves_no_file(world: World, tmp_path: Path) -> None:
    with world.database.begin() as work:
        add_user(work, "bez-amata")
    file = tmp_path / "x.html"
    assert run("ticket", "bez-amata", "--letter", str(file)).exit_code == 1
    assert not file.exists()


def test_a_letter_that_was_lost_is_revoked(world: World, anna: User) -> None:
    run("ticket", "anna")
    (row,) = listed("anna")
    assert run("revoke-ticket", row["id"]).exit_code == 0
    assert [each["state"] for each in listed("anna")] == ["revoked"]
    for opens_nothing in (row["id"], "-nothing"):
        assert run("revoke-ticket", opens_nothing).exit_code == 1


def test_the_next_letter_revokes_the_one_before(world: World, anna: User) -> None:
    for _ in range(2):
        run("ticket", "anna")
    assert sorted(row["state"] for row in listed("anna")) == ["open", "revoked"]


def test_who_cannot_be_helped_is_said(world: World) -> None:
    assert "There is no user nobody" in run("ticket", "nobody").stderr
    with world.database.begin() as work:
        add_user(work, "bez-amata")
    assert run("ticket", "bez-amata").exit_code == 1


def test_a_reset_is_told_and_says_when_nothing_is_left(world: World, anna: User) -> None:
    """attack 35: an administrator may, but it is told"""
    with world.database.begin() as work:
        add_credential(work, anna.id, "password")
        add_credential(work, anna.id, "totp")
    result = run("reset-methods", "anna", "--method", "totp")
    assert result.exit_code == 0
    assert "Nothing is left" not in result.stderr
    result = run("reset-methods", "anna")
    assert result.exit_code == 0
    assert "visvaris user ticket anna" in result.stderr
    with world.database.read() as work:
        assert {event.type for event in work.audit.activity_of(anna.id)} == {"user.methods_reset"}
