"""`visvaris mail`: what did not arrive, at a terminal, and sending it again; and the worker's relay from settings."""

import base64
import json
import logging
from collections.abc import Iterator
from pathlib import Path

import pytest
from click.testing import CliRunner, Result

from idp.cli import main
from idp.models.mails import Mail
from tests.support.builders import MASTER_KEY, World, add_user, make_database


@pytest.fixture
def world(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[World]:
    url = f"sqlite:///{tmp_path / 'visvaris.sqlite3'}"
    make_database(url).dispose()
    monkeypatch.setenv("IDP_MASTER_KEYS", base64.urlsafe_b64encode(MASTER_KEY).decode())
    monkeypatch.setenv("IDP_DATABASE_URL", url)
    root = logging.getLogger()
    handlers, level = root.handlers[:], root.level
    with World(url) as made:
        yield made
    root.handlers[:] = handlers
    root.setLevel(level)


@pytest.fixture
def letters(world: World) -> None:
    """One of each state, by its id."""
    states = {
        "dead": {"given_up_at": 9.0},
        "waits": {},
        "arrived": {"delivered_at": 9.0},
        "-dead": {"given_up_at": 9.0},
    }
    with world.database.begin() as work:
        anna = add_user(work)
        for name, columns in states.items():
            work.add(
                Mail(
                    id=name,
                    user_id=anna.id,
                    kind="notice",
                    about="method.enrolled",
                    address="anna@example.lv",
                    created_at=8.0,
                    next_at=9.0,
                    attempts=7,
                    last_error="the relay took too long",
                    **columns,
                )
            )


def run(*arguments: str) -> Result:
    return CliRunner().invoke(main, ["mail", *arguments])


def test_those_given_up_are_listed_unless_another_state_is_named(letters: None) -> None:
    rows = json.loads(run("list", "--json").stdout)
    assert {row["id"] for row in rows} == {"dead", "-dead"}
    assert {(row["state"], row["last_error"]) for row in rows} == {("given_up", "the relay took too long")}
    assert "took too long" in run("list").stdout
    for state, expected in (("waiting", "waits"), ("delivered", "arrived")):
        assert [row["id"] for row in json.loads(run("list", "--state", state, "--json").stdout)] == [expected]
    assert run("list", "--state", "dead").exit_code == 2


def test_the_whole_address_is_not_told(letters: None) -> None:
    assert "an…@example.lv" in run("list").stdout
    assert "anna@" not in run("list").stdout + run("list", "--json").stdout


def test_those_given_up_are_tried_again_and_that_is_written_down(world: World, letters: None) -> None:
    assert run("retry", "dead", "-dead").exit_code == 0
    with world.database.read() as work:
        again = work.mails.find("dead")
        assert again is not None
        event = work.audit.activity_of(again.user_id)[-1]
    assert (again.given_up_at, again.attempts) == (None, 0)
    assert (event.type, event.actor_id) == ("mail.retried", "command-line")
    assert json.loads(event.detail) == {"mail": "dead"}


@pytest.mark.parametrize("wrong", ["waits", "arrived", "nothing"])
def test_all_are_tried_again_or_none(world: World, letters: None, wrong: str) -> None:
    result = run("retry", "dead", wrong)
    assert result.exit_code == 1
    assert wrong in result.stderr
    with world.database.read() as work:
        dead = work.mails.find("dead")
    assert dead is not None
    assert dead.given_up_at == 9.0
