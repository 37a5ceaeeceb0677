"""Statements written with SQLAlchemy, compiled once for each kind of database and given to the driver itself.

What SQLAlchemy does around each execution costs several times what SQLite needs for these. Types still apply:
JSON and booleans are converted both ways as SQLAlchemy would. Not for text that depends on values.
"""

import json
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any, TypeAlias

from sqlalchemy import JSON, Boolean, Dialect, Executable, TextClause
from sqlalchemy.sql import ClauseElement
from sqlalchemy.sql.compiler import SQLCompiler
from sqlalchemy.sql.selectable import ReturnsRows
from sqlalchemy.types import TypeEngine

Values: TypeAlias = Mapping[str, Any]
Cells: TypeAlias = tuple[Any, ...]
Convert: TypeAlias = Callable[[Any], Any]

CONVERTED_TYPES = (Boolean, JSON)
"""Of the types the models use, those that not both drivers read back as they were."""
_decode = json.JSONDecoder().decode


@dataclass(frozen=True, slots=True)
class Compiled:
    """`constants` are values the statement brought itself; `order` is None where parameters go by name."""

    sql: str
    order: tuple[str, ...] | None
    constants: Values
    inward: tuple[tuple[str, Convert], ...]
    outward: tuple[tuple[int, Convert], ...]

    def parameters(self, values: Values) -> Any:
        given = {**self.constants, **values}
        for name, convert in self.inward:
            given[name] = convert(given[name])
        return given if self.order is None else [given[name] for name in self.order]

    def cells(self, row: Cells) -> Cells:
        if not self.outward:
            return row
        converted = list(row)
        for position, convert in self.outward:
            converted[position] = convert(converted[position])
        return tuple(converted)


class Prepared:
    def __init__(self, statement: Executable | TextClause) -> None:
        self.statement = statement
        self._compiled: dict[str, Compiled] = {}

    def for_dialect(self, dialect: Dialect) -> Compiled:
        return self._compiled.get(dialect.name) or self._compile(dialect)

    def _compile(self, dialect: Dialect) -> Compiled:
        assert isinstance(self.statement, ClauseElement)  # noqa: S101  every statement is one; the types do not say so
        made = self.statement.compile(dialect=dialect)
        assert isinstance(made, SQLCompiler)  # noqa: S101
        inward = {name: _inward(bind.type, dialect) for name, bind in made.binds.items()}
        compiled = Compiled(
            sql=made.string,
            order=tuple(made.positiontup) if made.positiontup is not None else None,
            constants={name: bind.value for name, bind in made.binds.items() if not bind.required},
            inward=tuple((name, convert) for name, convert in inward.items() if convert),
            outward=_outward(self.statement, dialect),
        )
        self._compiled[dialect.name] = compiled
        return compiled


def _inward(kind: TypeEngine[Any], dialect: Dialect) -> Convert | None:
    return kind.dialect_impl(dialect).bind_processor(dialect)


def _outward(statement: ClauseElement, dialect: Dialect) -> tuple[tuple[int, Convert], ...]:
    if not isinstance(statement, ReturnsRows):
        return ()
    converts = [_reader(column.type, dialect) for column in statement.exported_columns]
    return tuple((position, convert) for position, convert in enumerate(converts) if convert)


def _reader(kind: TypeEngine[Any], dialect: Dialect) -> Convert | None:
    if not isinstance(kind, CONVERTED_TYPES):
        return None
    convert = kind.dialect_impl(dialect).result_processor(dialect, None)
    return _read_json if convert is not None and isinstance(kind, JSON) else convert


def _read_json(text: str | None) -> Any:
    """As SQLAlchemy reads it; but most columns of JSON are empty."""
    if text is None:
        return None
    if text == "[]":
        return []
    if text == "{}":
        return {}
    return _decode(text)
