"""Runs the Alembic history in `migrations/idp`. Not here: the history, and where a database stands in it."""

import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from alembic import command
from alembic.config import Config
from alembic.script import ScriptDirectory
from sqlalchemy.exc import OperationalError

from idp.errors import StorageUnavailableError
from idp.storage.connections import parse_url, sqlite_file, writing_engine

HISTORY = Path(__file__).parents[2] / "migrations" / "idp"


def upgrade(database_url: str, revision: str = "head") -> None:
    """Makes the SQLite file if there is none, for its owner's eyes only. Raises StorageUnavailableError."""
    if (path := sqlite_file(parse_url(database_url))) and not path.exists():
        path.parent.mkdir(parents=True, exist_ok=True)
        os.close(os.open(path, os.O_CREAT | os.O_WRONLY, 0o600))
    with _history_on(database_url) as config:
        command.upgrade(config, revision)


def downgrade(database_url: str, revision: str) -> None:
    """Raises StorageUnavailableError."""
    with _history_on(database_url) as config:
        command.downgrade(config, revision)


def head_revision() -> str | None:
    """The latest revision there is."""
    return ScriptDirectory.from_config(_config()).get_current_head()


@contextmanager
def _history_on(database_url: str) -> Iterator[Config]:
    """Alembic's configuration with an open connection, on which the whole run is one transaction."""
    engine = writing_engine(parse_url(database_url))
    config = _config()
    try:
        with engine.connect() as connection:
            config.attributes["connection"] = connection
            yield config
    except OperationalError as error:
        raise StorageUnavailableError(type(error.orig).__name__) from None
    finally:
        engine.dispose()


def _config() -> Config:
    config = Config()
    config.set_main_option("script_location", str(HISTORY).replace("%", "%%"))
    config.set_main_option("path_separator", "os")
    return config
