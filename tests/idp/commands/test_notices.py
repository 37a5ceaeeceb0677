"""`visvaris notices`: the dead letters at a terminal, and sending them again."""

import base64
import json
import logging
from collections.abc import Iterator
from pathlib import Path

import pytest
from click.testing import CliRunner, Result

from idp.cli import main
from idp.models.notices import LogoutNotice
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
def letters(world: World) -> dict[str, str]:
    """One of each state, by its id."""
    states = {"dead": {"given_up_at": 9.0}, "waits": {}, "arrived": {"delivered_at": 9.0}}
    with world.database.begin() as work:
        anna = add_user(work)
        for name, columns in states.items():
            work.add(
                LogoutNotice(
                    id=name,
                    client_id="app",
                    user_id=anna.id,
                    session_id="session",
                    created_at=8.0,
                    next_at=9.0,
                    attempts=7,
                    last_error="took too long",
                    **columns,
                )
            )
    return {name: name for name in states}


def run(*arguments: str) -> Result:
    return CliRunner().invoke(main, ["notices", *arguments])


def test_those_given_up_are_listed_unless_another_state_is_named(letters: dict[str, str]) -> None:
    (row,) = json.loads(run("list", "--json").stdout)
    assert (row["id"], row["state"], row["last_error"]) == ("dead", "given_up", "took too long")
    assert "took too long" in run("list").stdout
    for state, expected in (("waiting", "waits"), ("delivered", "arrived")):
        assert [row["id"] for row in json.loads(run("list", "--state", state, "--json").stdout)] == [expected]
    assert run("list", "--state", "dead").exit_code == 2


def test_one_that_was_given_up_is_tried_again_and_that_is_written_down(
    world: World, letters: dict[str, str]
) -> None:
    assert run("retry", "dead").exit_code == 0
    with world.database.read() as work:
        again = work.notices.find("dead")
        assert again is not None
        (event,) = work.audit.activity_of(again.user_id)
    assert (again.given_up_at, again.attempts) == (None, 0)
    assert (event.type, event.actor_id) == ("logout_notice.retried", "command-line")
    assert json.loads(event.detail) == {"told": "app"}


def test_an_id_that_begins_with_a_dash_is_an_id(world: World, letters: dict[str, str]) -> None:
    with world.database.begin() as work:
        dead = work.notices.find("dead")
        assert dead is not None
        for name in ("-ead", "--ad"):
            columns = {"user_id": dead.user_id, "session_id": "s", "created_at": 8.0, "next_at": 9.0}
            work.add(LogoutNotice(id=name, client_id="app", given_up_at=9.0, **columns))
    assert run("retry", "-ead", "dead", "--ad").exit_code == 0


@pytest.mark.parametrize("wrong", ["waits", "arrived", "nothing"])
def test_all_are_tried_again_or_none(world: World, letters: dict[str, str], wrong: str) -> None:
    result = run("retry", "dead", wrong)
    assert result.exit_code == 1
    assert wrong in result.stderr
    with world.database.read() as work:
        dead = work.notices.find("dead")
    assert dead is not None
    assert dead.given_up_at == 9.0
