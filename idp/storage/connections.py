"""Engines and the connections taken from them, for SQLite and PostgreSQL.

A reader cannot write: SQLite gets `query_only`, PostgreSQL read-only transactions. Not here: what is asked.
"""

import sqlite3
from collections import deque
from pathlib import Path
from typing import Any

from sqlalchemy import URL, Connection, Engine, create_engine, event, make_url
from sqlalchemy.exc import OperationalError
from sqlalchemy.pool import NullPool

from idp.errors import StorageUnavailableError

BUSY_SECONDS = 10
"""How long a writer waits for another one before it gives up."""
_KEPT_AT_MOST = 64


def parse_url(database_url: str) -> URL:
    """Raises ValueError for a kind of database that is not supported, or one that lives in memory only."""
    url = make_url(database_url)
    match url.get_backend_name():
        case "postgresql":
            return url.set(drivername="postgresql+psycopg")
        case "sqlite":
            if url.database in {None, "", ":memory:"}:
                raise ValueError(
                    "SQLite needs a file, since each connection to memory is a database of its own"
                )
            return url.set(drivername="sqlite+pysqlite")
        case other:
            raise ValueError(f"{other} is neither sqlite nor postgresql")


def sqlite_file(url: URL) -> Path | None:
    return Path(url.database) if url.get_backend_name() == "sqlite" and url.database else None


def writing_engine(url: URL) -> Engine:
    if sqlite_file(url):
        return _sqlite_engine(url, query_only=False)
    engine = create_engine(url, pool_pre_ping=True, pool_size=10, max_overflow=20)
    event.listen(engine, "connect", _bound_waiting)
    return engine


def reading_engine(url: URL) -> Engine:
    if sqlite_file(url):
        return _sqlite_engine(url, query_only=True)
    engine = create_engine(
        url,
        pool_pre_ping=True,
        pool_size=10,
        max_overflow=20,
        isolation_level="AUTOCOMMIT",
        skip_autocommit_rollback=True,
    )
    event.listen(engine, "connect", _bound_waiting)
    event.listen(engine, "connect", _read_only)
    return engine


class Connections:
    """Hands out connections of one engine, each in a transaction, and takes them back.

    SQLite: they stay open between uses, since opening the file costs more than a query; the last one used is
    the next one taken. No thread owns one: closed by the end of a thread that the server made, it would take
    the interpreter with it. PostgreSQL: the engine's pool, which notices a server that went away.
    """

    def __init__(self, engine: Engine, *, begin: str = "BEGIN") -> None:
        """`begin`: how SQLite is told; the other driver begins by itself."""
        self.engine = engine
        self._begin = begin
        self._is_sqlite = engine.dialect.name == "sqlite"
        self._kept: deque[Connection] = deque()

    def take(self) -> Connection:
        """Raises StorageUnavailableError."""
        connection: Connection | None = None
        try:
            connection = self._take_kept() or self.engine.connect()
            if self._is_sqlite:
                driver_of(connection).execute(self._begin)
        except (sqlite3.OperationalError, OperationalError) as error:
            if connection is not None:
                connection.close()
            raise StorageUnavailableError(type(error).__name__) from None
        return connection

    def give_back(self, connection: Connection, *, commit: bool) -> None:
        """Raises StorageUnavailableError when it cannot be committed: nothing was written then."""
        driver = driver_of(connection)
        try:
            if commit:
                driver.commit()
            else:
                driver.rollback()
        except self.engine.dialect.loaded_dbapi.Error as error:
            connection.invalidate()
            connection.close()
            raise StorageUnavailableError(type(error).__name__) from None
        if self._is_sqlite and len(self._kept) < _KEPT_AT_MOST:
            self._kept.append(connection)
        else:
            connection.close()

    def _take_kept(self) -> Connection | None:
        try:
            return self._kept.pop()
        except IndexError:
            return None

    def dispose(self) -> None:
        """Closes what is not in use."""
        while (kept := self._take_kept()) is not None:
            kept.close()
        self.engine.dispose()


def driver_of(connection: Connection) -> Any:
    """The driver's own connection: sqlite3's or psycopg's, which execute, commit and roll back alike."""
    return connection.connection.dbapi_connection


def _sqlite_engine(url: URL, *, query_only: bool) -> Engine:
    engine = create_engine(
        url,
        poolclass=NullPool,
        # `begin()` and `read()` say BEGIN themselves; the driver must not.
        connect_args={"timeout": BUSY_SECONDS, "check_same_thread": False, "isolation_level": None},
    )

    @event.listens_for(engine, "connect")
    def prepare(connection: sqlite3.Connection, _record: object) -> None:
        if connection.execute("PRAGMA journal_mode").fetchone()[0] != "wal":
            connection.execute("PRAGMA journal_mode = WAL")
        connection.execute("PRAGMA synchronous = NORMAL")
        connection.execute("PRAGMA foreign_keys = ON")
        if query_only:
            connection.execute("PRAGMA query_only = ON")

    return engine


def _bound_waiting(connection: Any, _record: object) -> None:
    _session_setting(connection, f"SET lock_timeout = '{BUSY_SECONDS}s'")


def _read_only(connection: Any, _record: object) -> None:
    _session_setting(connection, "SET default_transaction_read_only = on")


def _session_setting(connection: Any, statement: str) -> None:
    with connection.cursor() as cursor:
        cursor.execute(statement)
    if not connection.autocommit:
        connection.commit()
