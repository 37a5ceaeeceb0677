"""One unit of work: a connection opened at the first statement, committed or rolled back at the end.

Everything the stores need and nothing about what they store.
"""

import threading
from collections.abc import Callable, Iterable
from functools import cache
from types import TracebackType
from typing import Any, Self, TypeVar, cast

from sqlalchemy import Connection, Dialect, Table, inspect
from sqlalchemy.dialects import sqlite
from sqlalchemy.orm import ClassManager, configure_mappers

from idp.effects import Effects
from idp.errors import AlreadyExistsError, StorageUnavailableError
from idp.models.base import Base
from idp.storage.connections import Connections, driver_of
from idp.storage.prepared import Cells, Compiled, Prepared, Values

Model = TypeVar("Model", bound=Base)
_NO_VALUES: Values = {}


class UnstorableError(ValueError):
    """Text no database takes: half a surrogate pair; for PostgreSQL also a NUL."""


class Unit:
    """`with` commits on leaving and rolls back when something is raised."""

    def __init__(self, connections: Connections, writing: threading.local | None, effects: Effects) -> None:
        """`writing` marks the thread that has an open write block; None makes this a reader."""
        self.effects = effects
        self.is_reader = writing is None
        self._connections = connections
        self._writing = writing
        self._connection: Connection | None = None
        self._after_commit: list[Callable[[], None]] = []
        self._is_over = False

    def connection(self) -> Connection:
        """The Core connection, in a transaction that begins now if it has not."""
        if self._connection is None:
            if self._is_over:
                raise RuntimeError("this unit of work is over")
            self._connection = self._begin()
        return self._connection

    def after_commit(self, act: Callable[[], None]) -> None:
        """For what this process keeps in memory and must not keep of a transaction that never was."""
        self._after_commit.append(act)

    def changed(self, statement: Prepared, values: Values = _NO_VALUES) -> int:
        """How many rows the statement wrote. Raises AlreadyExistsError, StorageUnavailableError."""
        if self.is_reader:
            raise RuntimeError("a read block cannot write")
        return int(self._execute(statement, values).rowcount)

    def first(self, statement: Prepared, values: Values = _NO_VALUES) -> Cells | None:
        """None for text that cannot be stored, and so is not there. Raises StorageUnavailableError."""
        try:
            cursor = self._execute(statement, values)
        except UnstorableError:
            return None
        row = cursor.fetchone()
        cursor.close()
        return None if row is None else self._compiled(statement).cells(row)

    def rows(self, statement: Prepared, values: Values = _NO_VALUES) -> list[Cells]:
        """None for text that cannot be stored, and so is not there. Raises StorageUnavailableError."""
        try:
            cursor = self._execute(statement, values)
        except UnstorableError:
            return []
        compiled = self._compiled(statement)
        return [compiled.cells(row) for row in cursor.fetchall()]

    def add(self, record: Base) -> None:
        """Inserts one row. Raises AlreadyExistsError when a key is taken or a row it points to is missing."""
        self.changed(_insert(type(record)), _values(record))

    def add_unless_there(self, record: Base, *keys: str) -> bool:
        """Inserts one row unless one with the same `keys` exists; whether it did."""
        insert = _insert_unless_there(type(record), self._dialect.name, keys)
        return self.changed(insert, _values(record)) == 1

    def put(self, record: Base, *keys: str) -> None:
        """Inserts one row, or replaces all but the `keys` of the one that has them."""
        self.changed(_insert_or_replace(type(record), self._dialect.name, keys), _values(record))

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        connection, self._connection, self._is_over = self._connection, None, True
        commit = kind is None
        if connection is not None:
            self._release()
            self._connections.give_back(connection, commit=commit)
        acts, self._after_commit = self._after_commit, []
        if commit:
            for act in acts:
                act()

    @property
    def _dialect(self) -> Dialect:
        return self._connections.engine.dialect

    def _compiled(self, statement: Prepared) -> Compiled:
        return statement.for_dialect(self._dialect)

    def _execute(self, statement: Prepared, values: Values) -> Any:
        """The driver's cursor. What the driver says is not repeated: it may quote values that are secret."""
        compiled = self._compiled(statement)
        driver = driver_of(self.connection())
        errors = self._dialect.loaded_dbapi
        try:
            return driver.execute(compiled.sql, compiled.parameters(values))
        except errors.IntegrityError as error:
            raise AlreadyExistsError(type(error).__name__) from None
        except errors.OperationalError as error:
            raise StorageUnavailableError(type(error).__name__) from None
        except (errors.DataError, UnicodeEncodeError):
            raise UnstorableError from None

    def _begin(self) -> Connection:
        if self._writing is None:
            return self._connections.take()
        if getattr(self._writing, "now", False):
            raise RuntimeError("this thread has a write block open; a second one would wait for it forever")
        connection = self._connections.take()
        self._writing.now = True
        return connection

    def _release(self) -> None:
        if self._writing is not None:
            self._writing.now = False


def table_of(model: type[Base]) -> Table:
    return cast("Table", model.__table__)


def record(model: type[Model], row: Iterable[Any]) -> Model:
    """A row of all columns of `model`, in their order, as an instance of it."""
    manager, names = _shape(model)
    instance: Model = manager.new_instance()
    instance.__dict__.update(zip(names, row, strict=True))
    return instance


def records(model: type[Model], rows: Iterable[Iterable[Any]]) -> list[Model]:
    return [record(model, row) for row in rows]


def _values(record: Base) -> dict[str, Any]:
    """As the driver gets them; the instance's own dict has SQLAlchemy's state beside them."""
    held = record.__dict__
    return {name: held[name] if name in held else getattr(record, name) for name in _shape(type(record))[1]}


@cache
def _insert(model: type[Base]) -> Prepared:
    return Prepared(table_of(model).insert())


@cache
def _insert_unless_there(model: type[Base], dialect: str, keys: tuple[str, ...]) -> Prepared:
    return Prepared(_insert_of(dialect)(table_of(model)).on_conflict_do_nothing(index_elements=list(keys)))


@cache
def _insert_or_replace(model: type[Base], dialect: str, keys: tuple[str, ...]) -> Prepared:
    insert = _insert_of(dialect)(table_of(model))
    anew = {name: insert.excluded[name] for name in _shape(model)[1] if name not in keys}
    return Prepared(insert.on_conflict_do_update(index_elements=list(keys), set_=anew))


def _insert_of(dialect: str) -> Any:
    """The two say `ON CONFLICT` alike and share no type that does."""
    if dialect == "postgresql":
        from sqlalchemy.dialects import postgresql  # a heavy import that SQLite does without

        return postgresql.insert
    return sqlite.insert


@cache
def _shape(model: type[Base]) -> tuple[ClassManager[Any], tuple[str, ...]]:
    configure_mappers()  # until then the attributes of a model cannot be read
    return inspect(model).class_manager, tuple(column.key for column in table_of(model).c)
