"""The Shelf on SQL. Not here: the one on Redis (`redis_state.py`), and what is put there."""

import json
from collections.abc import Mapping
from typing import Any

from sqlalchemy import bindparam, select, text

from idp.effects import Effects, Instant
from idp.models.ephemeral import ShelfItem
from idp.storage.database import Database
from idp.storage.ephemeral import JSON, stored_key
from idp.storage.prepared import Prepared
from idp.storage.unit import table_of

_PURGE_AT_ONCE = 1000
_shelf = table_of(ShelfItem)

_PUT = Prepared(
    text("""
    INSERT INTO shelf (kind, key, value, expires_at) VALUES (:kind, :key, :value, :expires_at)
    ON CONFLICT (kind, key) DO UPDATE SET value = excluded.value, expires_at = excluded.expires_at
""")
)
_ADD = Prepared(
    text("""
    INSERT INTO shelf (kind, key, value, expires_at) VALUES (:kind, :key, :value, :expires_at)
    ON CONFLICT (kind, key) DO UPDATE SET value = excluded.value, expires_at = excluded.expires_at
    WHERE shelf.expires_at <= :now
""")
)
_FIND = Prepared(
    select(_shelf.c.value).where(
        _shelf.c.kind == bindparam("kind"),
        _shelf.c.key == bindparam("key"),
        _shelf.c.expires_at > bindparam("now"),
    )
)
_TAKE = Prepared(
    text("""
    DELETE FROM shelf WHERE kind = :kind AND key = :key AND expires_at > :now RETURNING value
""")
)
_PURGE = Prepared(
    text("""
    DELETE FROM shelf WHERE (kind, key) IN (SELECT kind, key FROM shelf WHERE expires_at <= :now LIMIT :many)
""")
)


class SqlShelf:
    """Each call is its own transaction, so none may be made inside `begin()`."""

    def __init__(self, database: Database, effects: Effects) -> None:
        self._database = database
        self._effects = effects

    def put(self, kind: str, key: str, value: Mapping[str, JSON], *, expires_at: Instant) -> None:
        with self._database.begin() as work:
            work.changed(_PUT, _values(kind, key, value, expires_at))

    def add(self, kind: str, key: str, value: Mapping[str, JSON], *, expires_at: Instant) -> bool:
        values = {**_values(kind, key, value, expires_at), "now": self._effects.now()}
        with self._database.begin() as work:
            return work.changed(_ADD, values) == 1

    def find(self, kind: str, key: str) -> dict[str, JSON] | None:
        with self._database.read() as work:
            row = work.first(_FIND, self._place(kind, key))
        return _read(row[0]) if row else None

    def take(self, kind: str, key: str) -> dict[str, JSON] | None:
        with self._database.begin() as work:
            row = work.first(_TAKE, self._place(kind, key))
        return _read(row[0]) if row else None

    def purge(self, now: Instant) -> int:
        removed = 0
        while True:
            with self._database.begin() as work:
                batch = work.changed(_PURGE, {"now": now, "many": _PURGE_AT_ONCE})
            removed += batch
            if batch < _PURGE_AT_ONCE:
                return removed

    def _place(self, kind: str, key: str) -> dict[str, Any]:
        return {"kind": kind, "key": stored_key(key), "now": self._effects.now()}


def _values(kind: str, key: str, value: Mapping[str, JSON], expires_at: Instant) -> dict[str, Any]:
    return {"kind": kind, "key": stored_key(key), "value": json.dumps(dict(value)), "expires_at": expires_at}


def _read(value: str) -> dict[str, JSON]:
    read: dict[str, JSON] = json.loads(value)
    return read
