"""Opens what state lives in, as the settings say. Not here: the settings."""

from dataclasses import dataclass

from redis import BlockingConnectionPool, Redis

from idp.effects import Effects
from idp.storage.database import Database
from idp.storage.ephemeral import Shelf
from idp.storage.shelves import RedisShelf, SqlShelf
from idp.storage.throttle import RedisThrottle, SqlThrottle, Throttle
from idp.storage.vault import Vault

_REDIS_SECONDS = 2.0
"""How long an answer, a connection, or a free place among the connections may take."""
_REDIS_CONNECTIONS = 32


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
    pool = BlockingConnectionPool.from_url(
        redis_url,
        max_connections=_REDIS_CONNECTIONS,
        timeout=_REDIS_SECONDS,
        socket_timeout=_REDIS_SECONDS,
        socket_connect_timeout=_REDIS_SECONDS,
        decode_responses=True,
    )
    client = Redis.from_pool(pool)
    return Storage(database, RedisShelf(client, effects), RedisThrottle(client, effects))
