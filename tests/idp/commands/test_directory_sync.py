"""`visvaris directory sync` and `runs`: what a reading did is told, and what it would do before it does."""

import base64
import io
import json
import logging
from collections.abc import Iterator
from itertools import count

import pytest
from click.testing import CliRunner, Result

from idp.cli import main
from idp.commands.directory_sync import reading_bar
from idp.models.directories import Directory
from idp.people import directories
from idp.storage import municipalities
from tests.support.builders import MASTER_KEY, RIGA, World, add_employment, add_user, make_database
from tests.support.directories import description_of, person
from tests.support.samba import Controller

pytestmark = pytest.mark.allow_hosts(["127.0.0.0/8", "::1", "localhost"])
NAME = "Rīgas domēns"
_names = count()


@pytest.fixture
def names() -> list[str]:
    """Of nobody in the directory yet."""
    return [f"cmd{next(_names)}" for _ in range(7)]


@pytest.fixture
def command_world(sqlite_url: str, monkeypatch: pytest.MonkeyPatch) -> Iterator[World]:
    make_database(sqlite_url).dispose()
    monkeypatch.setenv("IDP_MASTER_KEYS", base64.urlsafe_b64encode(MASTER_KEY).decode())
    monkeypatch.setenv("IDP_DATABASE_URL", sqlite_url)
    root = logging.getLogger()
    handlers, level = root.handlers[:], root.level
    with World(sqlite_url) as made:
        yield made
    root.handlers[:] = handlers
    root.setLevel(level)


@pytest.fixture
def world(command_world: World, riga_domain: Controller, names: list[str]) -> World:
    """Everybody of `names` is linked, and their directory was never read."""
    guids = riga_domain.change(*(person(name, given_name="Žanete") for name in names))
    with command_world.database.begin() as work:
        municipalities.load(work)
        made = directories.made(
            work, directories.read(description_of(riga_domain)), work.effects, replaces=None
        )
        work.directories.add(made)
        for name in names:
            user = add_user(work, f"{name}.ours", given_name="Žaneta")
            add_employment(work, user.id)
            directories.link(work, made, user, guids[name]["guid"], work.effects, by="test")
    return command_world


def run(*arguments: str) -> Result:
    return CliRunner().invoke(main, ["directory", *arguments])


def told(*arguments: str) -> dict[str, object]:
    done = run(*arguments, "--json")
    assert done.exit_code == 0, done.stderr
    found: dict[str, object] = json.loads(done.stdout)
    return found


def directory(world: World) -> Directory:
    with world.database.read() as work:
        (found,) = work.directories.list_all()
    return found


def test_a_dry_run_says_the_old_and_the_new_and_does_nothing(world: World, names: list[str]):
    done = run("sync", RIGA, NAME, "--dry-run")
    assert done.exit_code == 0, done.stderr
    assert "given_name: Žaneta → Žanete" in done.stdout
    assert told("sync", RIGA, NAME, "--dry-run")["counts"] == {"data": 7}
    assert json.loads(run("runs", RIGA, NAME, "--json").stdout) == []


def test_what_was_read_is_told_and_kept(world: World, names: list[str]):
    done = run("sync", RIGA, NAME)
    assert done.exit_code == 0, done.stderr
    assert "applied" in done.stdout
    assert "7 data" in done.stdout
    assert "Žanete" not in done.stdout, "a report tells which data, not the data"
    (listed,) = json.loads(run("runs", RIGA, NAME, "--json").stdout)
    shown = told("runs", RIGA, NAME, listed["id"])
    assert shown["counts"] == {"data": 7}
    assert listed["id"] in run("runs", RIGA, NAME).stdout
    assert f"{names[0]}.ours" in run("runs", RIGA, NAME, listed["id"]).stdout
    assert run("runs", RIGA, NAME, "another").exit_code == 1
    assert told("sync", RIGA, NAME)["is_full"] is False
    assert told("sync", RIGA, NAME, "--full")["is_full"] is True


def test_too_many_are_held_with_the_command_that_says_yes(
    world: World, riga_domain: Controller, names: list[str]
):
    told("sync", RIGA, NAME)
    riga_domain.change(*({"do": "disable", "name": name} for name in names))
    held = run("sync", RIGA, NAME)
    assert held.exit_code == 0
    assert "held" in held.stdout
    run_id = held.stderr.rpartition("--confirm ")[2].strip()
    refused = run("sync", RIGA, NAME, "--confirm", "another")
    assert (refused.exit_code, "nothing of that reading" in refused.stderr) == (1, True)
    confirmed = run("sync", RIGA, NAME, "--confirm", run_id)
    assert confirmed.exit_code == 0, confirmed.stderr
    assert "7 blocked" in confirmed.stdout
    assert run("sync", RIGA, NAME, "--confirm", run_id).exit_code == 1


def test_a_share_may_be_said_for_once(world: World, riga_domain: Controller, names: list[str]):
    told("sync", RIGA, NAME)
    riga_domain.change(*({"do": "disable", "name": name} for name in names))
    assert told("sync", RIGA, NAME, "--share", "100")["state"] == "applied"


def test_what_does_not_go_together_is_wrong_usage(world: World):
    for more in (["--dry-run"], ["--share", "5"]):
        assert run("sync", RIGA, NAME, "--confirm", "x", *more).exit_code == 2


def test_no_answer_is_said_and_nothing_changed(world: World):
    made = directory(world)
    made.controllers, made.updated_at = ["127.0.0.1:1"], made.updated_at + 1
    with world.database.begin() as work:
        work.directories.put(made)
    refused = run("sync", RIGA, NAME)
    assert (refused.exit_code, "does not answer" in refused.stderr) == (1, True)
    assert "failed" in run("runs", RIGA, NAME).stdout
    made.enabled = False
    with world.database.begin() as work:
        work.directories.put(made)
    assert "switched off" in run("sync", RIGA, NAME).stderr


class Terminal(io.StringIO):
    def isatty(self) -> bool:
        return True


def test_a_bar_is_shown_to_a_person_at_a_terminal_alone():
    seen, unseen = Terminal(), io.StringIO()
    for stream in (seen, unseen):
        with reading_bar(10, stream) as tell:
            for _ in range(10):
                tell("read", 1)
    assert "100%" in seen.getvalue()
    assert unseen.getvalue() == ""
