"""One kind of the Shelf whose values nobody reads without the master keys.

Each opens under its own key alone.
"""

import json
from collections.abc import Mapping

from idp.crypto import Place, SealError
from idp.effects import Instant
from idp.storage.ephemeral import JSON, Shelf
from idp.storage.vault import Vault


class SealedShelf:
    """As `Shelf`, of one kind. What does not open any more is as good as expired."""

    def __init__(self, shelf: Shelf, vault: Vault, kind: str) -> None:
        self._shelf = shelf
        self._vault = vault
        self._kind = kind

    def put(self, key: str, value: Mapping[str, JSON], *, expires_at: Instant) -> None:
        self._shelf.put(self._kind, key, self._sealed(key, value), expires_at=expires_at)

    def add(self, key: str, value: Mapping[str, JSON], *, expires_at: Instant) -> bool:
        return self._shelf.add(self._kind, key, self._sealed(key, value), expires_at=expires_at)

    def find(self, key: str) -> dict[str, JSON] | None:
        return self._opened(key, self._shelf.find(self._kind, key))

    def take(self, key: str) -> dict[str, JSON] | None:
        return self._opened(key, self._shelf.take(self._kind, key))

    def remove(self, key: str) -> bool:
        """As `take`, where what it holds is of no use. False when it was gone before."""
        return self._shelf.take(self._kind, key) is not None

    def _sealed(self, key: str, value: Mapping[str, JSON]) -> dict[str, str]:
        return {"sealed": self._vault.seal(json.dumps(value).encode(), self._place(key))}

    def _opened(self, key: str, kept: Mapping[str, JSON] | None) -> dict[str, JSON] | None:
        if kept is None:
            return None
        try:
            opened: dict[str, JSON] = json.loads(self._vault.open(kept["sealed"], self._place(key)))
        except SealError:
            return None
        return opened

    def _place(self, key: str) -> Place:
        return Place(table="shelf", column=self._kind, row=key)
