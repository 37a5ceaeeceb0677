"""Opens what state lives in, as the settings say. Not here: the settings."""

from dataclasses import dataclass

from idp.effects import Effects
from idp.storage.database import Database
from idp.storage.ephemeral import Shelf
from idp.storage.shelves import SqlShelf
from idp.storage.throttle import SqlThrottle, Throttle
from idp.storage.vault import Vault


@dataclass(frozen=True, slots=True)
class Storage:
    database: Database
    shelf: Shelf
    throttle: Throttle


def open_storage(database_url: str, redis_url: str | None, vault: Vault, effects: Effects) -> Storage:
    """Connects to nothing yet. Raises ValueError for a URL it cannot use."""
    database = Database(database_url, vault=vault, effects=effects)
    if redis_url is None:
        return Storage(database, SqlShelf(database, effects), SqlThrottle(database, effects))
    from idp.storage import redis_state

    client = redis_state.connect(redis_url)
    return Storage(
        database, redis_state.RedisShelf(client, effects), redis_state.RedisThrottle(client, effects)
    )
