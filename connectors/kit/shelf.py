"""A labelled place for what a browser's sign-in needs for minutes, its tokens among it: put, find, take once;
and for what must not come twice: add once.

A table rather than an encrypted cookie, because signing out must end a session whose cookie was copied, and
because a sign-in in progress may be finished once only: both need something that can be destroyed on the
server. A table rather than memory, because several processes answer one browser. Its rows outlive no release,
so the table is made at start and has no migration history; whatever must survive does not belong here.
Keys and labels are kept as hashes and values sealed, so a dump yields nothing that can be used.
"""

import hashlib
import json
from collections.abc import Iterable
from pathlib import Path
from typing import Any

from sqlalchemy import (
    Column,
    Float,
    LargeBinary,
    MetaData,
    String,
    Table,
    create_engine,
    delete,
    event,
    insert,
    select,
)
from sqlalchemy.engine import Engine, make_url
from sqlalchemy.exc import DBAPIError, IntegrityError
from sqlalchemy.schema import CreateIndex, CreateTable

from connectors.kit.effects import Effects
from connectors.kit.sealing import Sealer

_METADATA = MetaData()
_SHELF = Table(
    "connector_shelf",
    _METADATA,
    Column("key_hash", String(64), primary_key=True),
    Column("sealed", LargeBinary, nullable=False),
    Column("expires_at", Float, nullable=False, index=True),
)
_LABELS = Table(
    "connector_shelf_labels",
    _METADATA,
    Column("label_hash", String(64), primary_key=True),
    Column("key_hash", String(64), primary_key=True),
    Column("expires_at", Float, nullable=False, index=True),
)


class ShelfAwayError(Exception):
    """The shelf cannot be asked; nothing was decided."""


class Shelf:
    def __init__(self, url: str, *, sealer: Sealer, effects: Effects) -> None:
        self._engine = _open(url)
        self._sealer = sealer
        self._effects = effects
        try:
            _make_tables(self._engine)
        except (
            DBAPIError
        ):  # PostgreSQL, when several processes start at once: one of them has made it meanwhile
            _make_tables(self._engine)

    def put(
        self, kind: str, key: str, value: dict[str, Any], *, expires_at: float, labels: Iterable[str] = ()
    ) -> None:
        """Keys are fresh random tokens, so nothing is ever overwritten. Sweeps out what has expired.

        `labels`: by which `take_labelled` finds it too.
        """
        place = _place(kind, key)
        sealed = self._sealer.seal(json.dumps(value).encode(), place=place)
        with self._engine.begin() as connection:
            for table in (_SHELF, _LABELS):
                connection.execute(delete(table).where(table.c.expires_at <= self._effects.now()))
            connection.execute(insert(_SHELF).values(key_hash=place, sealed=sealed, expires_at=expires_at))
            for label in dict.fromkeys(labels):
                connection.execute(
                    insert(_LABELS).values(
                        label_hash=_place(kind, label), key_hash=place, expires_at=expires_at
                    )
                )

    def add(self, kind: str, key: str, *, expires_at: float) -> bool:
        """Remembers that it was there; of several who add the same, one is told True.

        Raises ShelfAwayError when nobody can say.
        """
        place = _place(kind, key)
        sealed = self._sealer.seal(b"{}", place=place)
        try:
            with self._engine.begin() as connection:
                connection.execute(delete(_SHELF).where(_SHELF.c.expires_at <= self._effects.now()))
                row = insert(_SHELF).values(key_hash=place, sealed=sealed, expires_at=expires_at)
                connection.execute(row)
        except IntegrityError:
            return False
        except DBAPIError as error:
            raise ShelfAwayError(type(error.orig).__name__) from None
        return True

    def find(self, kind: str, key: str) -> dict[str, Any] | None:
        place = _place(kind, key)
        with self._engine.connect() as connection:
            sealed = connection.scalar(
                select(_SHELF.c.sealed).where(
                    _SHELF.c.key_hash == place, _SHELF.c.expires_at > self._effects.now()
                )
            )
        return self._find_opened(sealed, place)

    def take(self, kind: str, key: str) -> dict[str, Any] | None:
        """One statement finds and destroys: of several who take, one gets it."""
        place = _place(kind, key)
        with self._engine.begin() as connection:
            row = connection.execute(
                delete(_SHELF)
                .where(_SHELF.c.key_hash == place)
                .returning(_SHELF.c.sealed, _SHELF.c.expires_at)
            ).one_or_none()
        if row is None or row.expires_at <= self._effects.now():
            return None
        return self._find_opened(row.sealed, place)

    def take_labelled(self, kind: str, label: str) -> int:
        """Destroys everything that was put with this label; how much there was."""
        label_hash = _place(kind, label)
        with self._engine.begin() as connection:
            labelled = select(_LABELS.c.key_hash).where(_LABELS.c.label_hash == label_hash)
            taken = connection.execute(
                delete(_SHELF).where(_SHELF.c.key_hash.in_(labelled)).returning(_SHELF.c.key_hash)
            ).all()
            connection.execute(delete(_LABELS).where(_LABELS.c.label_hash == label_hash))
        return len(taken)

    def close(self) -> None:
        self._engine.dispose()

    def _find_opened(self, sealed: bytes | None, place: str) -> dict[str, Any] | None:
        plain = self._sealer.find_opened(sealed, place=place) if sealed is not None else None
        if plain is None:
            return None
        value: dict[str, Any] = json.loads(plain)
        return value


def _place(kind: str, key: str) -> str:
    return hashlib.sha256(f"{kind}:{key}".encode()).hexdigest()


def _make_tables(engine: Engine) -> None:
    with engine.begin() as connection:
        for table in (_SHELF, _LABELS):
            connection.execute(CreateTable(table, if_not_exists=True))
            for index in table.indexes:
                connection.execute(CreateIndex(index, if_not_exists=True))


def _open(url: str) -> Engine:
    parsed = make_url(url)
    if parsed.get_backend_name() != "sqlite":
        return create_engine(parsed, pool_pre_ping=True)
    if parsed.database:
        Path(parsed.database).parent.mkdir(parents=True, exist_ok=True)
    engine = create_engine(parsed, connect_args={"timeout": 10})

    @event.listens_for(engine, "connect")
    def _several_processes(connection: Any, _record: object) -> None:
        connection.execute("PRAGMA journal_mode=WAL")
        connection.execute("PRAGMA synchronous=NORMAL")

    return engine
