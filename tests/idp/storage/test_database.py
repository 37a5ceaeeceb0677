import threading
from pathlib import Path

import pytest
from sqlalchemy import event, text
from sqlalchemy.exc import DBAPIError

from idp.effects import Effects
from idp.errors import AlreadyExistsError, NotMigratedError, StorageUnavailableError
from idp.storage import migrate
from idp.storage.database import Database
from tests.support.at_once import at_once
from tests.support.builders import World, add_user, make_vault
from tests.support.services import free_port


def test_leaving_the_block_commits_and_what_was_read_stays_usable(world: World):
    with world.database.begin() as work:
        add_user(work, "anna", roles=["operator"], address={"locality": "Rīga"})
    with world.database.read() as work:
        user = work.people.find_user_by_username("anna")
    assert user is not None
    assert (user.roles, user.address, user.email_verified) == (["operator"], {"locality": "Rīga"}, False)


def test_raising_rolls_everything_back(world: World):
    with pytest.raises(ZeroDivisionError), world.database.begin() as work:
        add_user(work, "anna")
        _ = 1 / 0
    with world.database.read() as work:
        assert work.people.find_user_by_username("anna") is None


def test_a_refused_row_leaves_nothing_of_its_block(world: World):
    with pytest.raises(AlreadyExistsError), world.database.begin() as work:
        add_user(work, "anna")
        add_user(work, "anna")
    with world.database.read() as work:
        assert work.people.list_users() == []


def test_a_reader_cannot_write(world: World):
    with pytest.raises(RuntimeError, match="cannot write"), world.database.read() as work:
        add_user(work, "anna")
    with world.database.read() as work, pytest.raises(DBAPIError):
        work.connection().execute(text("DELETE FROM users"))


def test_nothing_begins_before_the_first_statement(world: World):
    """Slow work inside the block, before it touches the database, keeps nobody waiting."""
    with world.database.begin() as idle, world.database.begin() as work:
        add_user(work, "anna")
    assert idle is not work


def test_a_second_write_block_in_one_thread_is_refused_rather_than_waited_for(world: World):
    with world.database.begin() as work:
        add_user(work, "anna")
        with pytest.raises(RuntimeError, match="write block open"), world.database.begin() as second:
            add_user(second, "liga")
        with pytest.raises(RuntimeError, match="write block open"):
            world.storage.shelf.put("code", "k", {}, expires_at=2e9)
    with world.database.begin() as work:
        add_user(work, "marta")


def test_a_block_that_is_over_cannot_be_used(world: World):
    with world.database.begin() as work:
        pass
    with pytest.raises(RuntimeError, match="over"):
        work.people.find_user("anybody")


def test_a_reader_sees_neither_half_of_what_is_being_written(world: World):
    with world.database.begin() as writing, world.database.read() as reading:
        add_user(writing, "anna")
        assert reading.people.list_users() == []


def test_blocks_within_a_read_block_have_their_own_connection(world: World):
    with world.database.read() as outer:
        assert outer.people.list_users() == []
        with world.database.read() as inner:
            assert inner.people.list_users() == []


def test_writers_take_turns(world: World):
    def add(number: int) -> None:
        with world.database.begin() as work:
            add_user(work, f"user {number}")

    at_once(40, add)
    with world.database.read() as work:
        assert len(work.people.list_users()) == 40


def test_text_no_database_takes_is_simply_not_there(world: World):
    """attack 45"""
    with world.database.read() as work:
        for odd in ("\x00", "a\x00b", "\ud800"):
            assert work.clients.find(odd) is None
            assert work.people.find_user_by_username(odd) is None
        assert work.people.list_users(query="\x00") == []


def test_an_empty_database_says_which_command_to_run(database_url: str):
    database = Database(database_url, vault=make_vault(Effects()), effects=Effects())
    with pytest.raises(NotMigratedError, match="run: visvaris db upgrade"):
        database.check_migrated()
    migrate.upgrade(database_url, "0001")
    with pytest.raises(NotMigratedError, match="revision 0001"):
        database.check_migrated()
    migrate.upgrade(database_url)
    database.check_migrated()
    database.dispose()


@pytest.mark.parametrize("url", ["mysql://localhost/x", "sqlite://", "sqlite:///:memory:"])
def test_a_database_that_cannot_work_is_refused(url: str):
    with pytest.raises(ValueError, match=r"SQLite needs a file|neither sqlite nor postgresql|dialect"):
        Database(url, vault=make_vault(Effects()), effects=Effects())


def test_a_server_that_does_not_answer_is_unavailable():
    password = "hunter22"
    url = f"postgresql://nobody:{password}@127.0.0.1:{free_port()}/x"
    database = Database(url, vault=make_vault(Effects()), effects=Effects())
    with pytest.raises(StorageUnavailableError) as raised, database.read() as work:
        work.people.list_users()
    assert password not in str(raised.value)
    with pytest.raises(StorageUnavailableError):
        database.check_migrated()


def test_connections_a_server_dropped_are_replaced(migrated_postgres: str):
    database = Database(migrated_postgres, vault=make_vault(Effects()), effects=Effects())
    other = Database(migrated_postgres, vault=make_vault(Effects()), effects=Effects())
    with database.read() as work:
        work.people.list_users()
    end_others = "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE datname = current_database() AND pid <> pg_backend_pid()"
    with other.begin() as work:
        work.connection().execute(text(end_others))
    with database.read() as work:
        assert work.people.list_users() == []
    database.dispose()
    other.dispose()


def test_asking_after_a_file_that_is_not_there_makes_none(tmp_path: Path):
    with World(f"sqlite:///{tmp_path}/visvaris.sqlite3") as world, pytest.raises(NotMigratedError):
        world.database.check_migrated()
    assert list(tmp_path.iterdir()) == []


def test_a_new_sqlite_file_is_its_owners_alone(tmp_path: Path):
    migrate.upgrade(f"sqlite:///{tmp_path}/var/deep/visvaris.sqlite3")
    assert (tmp_path / "var/deep/visvaris.sqlite3").stat().st_mode & 0o777 == 0o600


def test_the_end_of_a_thread_closes_no_connection(world: World):
    """Attack 43: closing SQLite while a thread of the server ends takes the whole process with it, so that
    some requests at once and half a minute of silence were enough to stop a worker.
    """
    opened: list[object] = []
    closed: list[object] = []
    event.listen(world.database.engine, "connect", lambda *about: opened.append(about))
    event.listen(world.database.engine, "close", lambda *about: closed.append(about))

    def write(name: str) -> None:
        with world.database.begin() as work:
            add_user(work, name)

    for name in ("anna", "liga", "zane"):
        thread = threading.Thread(target=write, args=(name,))
        thread.start()
        thread.join()
    assert (len(opened) <= 1, closed) == (True, [])
