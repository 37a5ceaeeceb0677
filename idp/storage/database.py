"""The SQL database: where units of work come from, and whether its tables are those this code expects."""

import threading
from contextlib import AbstractContextManager

from sqlalchemy import Engine

from idp.crypto import LookupKey
from idp.effects import Effects
from idp.errors import NotMigratedError
from idp.models.clients import Client
from idp.storage.clients import ClientCache
from idp.storage.connections import Connections, parse_url, reading_engine, writing_engine
from idp.storage.revision import EXPECTED_REVISION, current_revision
from idp.storage.vault import Vault
from idp.storage.work import Work


class Database:
    def __init__(self, url: str, *, vault: Vault, effects: Effects) -> None:
        """Opens nothing yet. Raises ValueError for a URL of neither SQLite nor PostgreSQL."""
        self._url = parse_url(url)
        self._vault = vault
        self._effects = effects
        self._writers = Connections(writing_engine(self._url), begin="BEGIN IMMEDIATE")
        self._readers = Connections(reading_engine(self._url))
        self._writing = threading.local()
        self._client_cache = ClientCache()

    @property
    def engine(self) -> Engine:
        return self._writers.engine

    @property
    def is_postgresql(self) -> bool:
        return self.engine.dialect.name == "postgresql"

    def begin(self) -> AbstractContextManager[Work]:
        """Reads and writes, committed on leaving, rolled back when something is raised.

        Begins at the first statement, and on SQLite is then the only writer: do slow work before that.
        """
        return self._work(self._writers, self._writing)

    def read(self) -> AbstractContextManager[Work]:
        return self._work(self._readers, None)

    def kept_client(self, client_id: str) -> Client | None:
        """What `read()` would find without asking SQL; None says nothing."""
        return self._client_cache.find(client_id, self._effects.now())

    def lookup_key(self, purpose: str) -> LookupKey:
        """The purpose's key, made on first use. Inside `begin()` it is `vault.lookup_key` instead."""
        with self.read() as work:
            key = self._vault.find_key(work, purpose)
        if key is not None:
            return key
        with self.begin() as work:
            return self._vault.lookup_key(work, purpose)

    def check_migrated(self) -> None:
        """Raises NotMigratedError, StorageUnavailableError."""
        current = current_revision(self.engine)
        if current != EXPECTED_REVISION:
            state = (
                "is not migrated" if current is None else f"is at revision {current}, not {EXPECTED_REVISION}"
            )
            raise NotMigratedError(f"The database {state}; run: visvaris db upgrade")

    def dispose(self) -> None:
        self._readers.dispose()
        self._writers.dispose()

    def _work(self, connections: Connections, writing: threading.local | None) -> Work:
        return Work(
            connections, writing, vault=self._vault, effects=self._effects, client_cache=self._client_cache
        )
