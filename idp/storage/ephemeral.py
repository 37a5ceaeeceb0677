"""The Shelf: a labelled place for short-lived things. Put, find, take once.

On SQL in `shelves.py`, on Redis in `redis_state.py`.

Every kind has its own key space. Keys are hashed inside, so what is stored opens nothing. Expiry is checked
at use.
"""

from collections.abc import Mapping
from typing import Any, Protocol, TypeAlias

from idp.crypto import token_hash
from idp.effects import Instant

JSON: TypeAlias = Any
"""What `json` reads back as it was: text, numbers, booleans, None, lists, and dicts with text keys."""


class Shelf(Protocol):
    """All of these raise StorageUnavailableError when nothing can be decided."""

    def put(self, kind: str, key: str, value: Mapping[str, JSON], *, expires_at: Instant) -> None:
        """Puts it there in place of whatever was."""
        ...

    def add(self, kind: str, key: str, value: Mapping[str, JSON], *, expires_at: Instant) -> bool:
        """False, and nothing changed, when something unexpired is there."""
        ...

    def find(self, kind: str, key: str) -> dict[str, JSON] | None: ...

    def take(self, kind: str, key: str) -> dict[str, JSON] | None:
        """Removes it; of any number that try at once, one gets it."""
        ...

    def purge(self, now: Instant) -> int:
        """Frees the room of what has expired; how many."""
        ...


def stored_key(key: str) -> str:
    return token_hash(key)
