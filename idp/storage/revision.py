"""Which revision the database is at, and which this code expects, without loading Alembic.

A server looks once at its start, and would keep in memory what it never needs again. Not here: changing it
(`migrate.py`).
"""

from typing import Final

from sqlalchemy import Engine, inspect, text
from sqlalchemy.exc import OperationalError

from idp.errors import StorageUnavailableError
from idp.storage.connections import sqlite_file
from idp.storage.schema import VERSION_TABLE

EXPECTED_REVISION: Final = "0026"
"""The head of the history in `migrations/idp`; a test holds the two together."""


def current_revision(engine: Engine) -> str | None:
    """None when no migration ever ran. Raises StorageUnavailableError."""
    if (path := sqlite_file(engine.url)) and not path.exists():
        return None  # and none is made by asking
    try:
        with engine.connect() as connection:
            if not inspect(connection).has_table(VERSION_TABLE):
                return None
            found = connection.execute(text(f"SELECT version_num FROM {VERSION_TABLE}")).scalar()  # noqa: S608  our own name
    except OperationalError as error:
        raise StorageUnavailableError(type(error.orig).__name__) from None
    return None if found is None else str(found)
