"""Reads and writes applications; `find` is in every request, so what it read is kept for a second.

A client disabled by another process is refused at most `KEPT_SECONDS` later; by this process, at once.
"""

from typing import Any

from sqlalchemy import ColumnElement, bindparam, delete, false, select, update

from idp.effects import Instant
from idp.errors import NotFoundError
from idp.models.clients import Client
from idp.storage.prepared import Prepared
from idp.storage.unit import Unit, record, records, table_of

KEPT_SECONDS = 1.0
_KEPT_AT_MOST = 1000

clients = table_of(Client)
_CLIENT = Prepared(select(clients).where(clients.c.client_id == bindparam("client")))
_TILES_AT_MOST = 1000
_TILES = Prepared(
    select(clients)
    .where(clients.c.tile_group.is_not(None), clients.c.disabled.is_(False))
    .order_by(clients.c.client_id)
    .limit(_TILES_AT_MOST)
)


class ClientCache:
    """Clients as last read, by id, with the time of reading. One for each database and process."""

    def __init__(self) -> None:
        self._kept: dict[str, tuple[Instant, Client]] = {}
        self.changes = 0

    def find(self, client_id: str, now: Instant) -> Client | None:
        kept = self._kept.get(client_id)
        return kept[1] if kept and 0 <= now - kept[0] < KEPT_SECONDS else None

    def keep(self, client: Client, now: Instant, *, changes: int) -> None:
        """`changes` as it was before reading: what was read while something changed is not kept."""
        if changes != self.changes:
            return
        if len(self._kept) >= _KEPT_AT_MOST:
            self._kept.clear()
        self._kept[client.client_id] = (now, client)

    def forget(self, client_id: str) -> None:
        self.changes += 1
        self._kept.pop(client_id, None)


class ClientStore:
    def __init__(self, unit: Unit, cache: ClientCache) -> None:
        self._unit = unit
        self._cache = cache

    def find(self, client_id: str) -> Client | None:
        """A shared value, up to a second old: read it, never set its attributes."""
        now = self._unit.effects.now()
        if self._unit.is_reader and (kept := self._cache.find(client_id, now)):
            return kept
        changes = self._cache.changes
        row = self._unit.first(_CLIENT, {"client": client_id})
        if row is None:
            return None
        found = record(Client, row)
        if self._unit.is_reader:
            self._cache.keep(found, now, changes=changes)
        return found

    def get(self, client_id: str) -> Client:
        if client := self.find(client_id):
            return client
        raise NotFoundError("client")

    def add(self, client: Client) -> None:
        """Raises AlreadyExistsError."""
        self._unit.add(client)

    def list_clients(self, *, after: str | None = None, limit: int = 100) -> list[Client]:
        """By id, from the one after `after`."""
        statement = select(clients).order_by(clients.c.client_id).limit(limit)
        if after is not None:
            statement = statement.where(clients.c.client_id > after)
        return records(Client, self._unit.rows(Prepared(statement)))

    def list_tiles(self) -> list[Client]:
        """Those that stand on the portal."""
        return records(Client, self._unit.rows(_TILES))

    def replace_secrets(
        self, client_id: str, secrets: list[dict[str, Any]], *, mac_secret_sealed: str | None = None
    ) -> bool:
        """Both columns at once, so that neither outlives the other."""
        return self._change(client_id, {"secrets": secrets, "mac_secret_sealed": mac_secret_sealed})

    def set_disabled(self, client_id: str, disabled: bool) -> bool:  # noqa: FBT001  the name of the method says which
        return self._change(client_id, {"disabled": disabled})

    def replace_registration(
        self, client_id: str, *, registered: dict[str, Any], audience: str | None, resources: list[str]
    ) -> bool:
        return self._change(
            client_id, {"registered": registered, "audience": audience, "resources": resources}
        )

    def reregister(self, client_id: str, registration_token_hash: str, values: dict[str, Any]) -> bool:
        """False unless this registration token is the client's still, and the client is enabled."""
        mine = _managed_by(client_id, registration_token_hash)
        self._unit.after_commit(lambda: self._cache.forget(client_id))
        return self._unit.changed(Prepared(update(clients).where(*mine).values(**values))) == 1

    def remove(self, client_id: str, registration_token_hash: str) -> bool:
        """With its families and consents; under the conditions of `reregister`."""
        mine = _managed_by(client_id, registration_token_hash)
        self._unit.after_commit(lambda: self._cache.forget(client_id))
        return self._unit.changed(Prepared(delete(clients).where(*mine))) == 1

    def _change(self, client_id: str, values: dict[str, Any]) -> bool:
        statement = update(clients).where(clients.c.client_id == client_id).values(**values)
        self._unit.after_commit(lambda: self._cache.forget(client_id))
        return self._unit.changed(Prepared(statement)) == 1


def _managed_by(client_id: str, registration_token_hash: str) -> tuple[ColumnElement[bool], ...]:
    return (
        clients.c.client_id == client_id,
        clients.c.registration_token_hash == registration_token_hash,
        clients.c.disabled == false(),
    )
