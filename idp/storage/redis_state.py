"""The Shelf and the throttle on Redis. Loaded only where the settings name one, since its client is heavy."""

import json
from collections.abc import Mapping
from typing import Any

from redis import BlockingConnectionPool, Redis
from redis.exceptions import RedisError

from idp.crypto import token_hash
from idp.effects import Effects, Instant
from idp.errors import StorageUnavailableError
from idp.storage.ephemeral import JSON, stored_key
from idp.storage.throttle import Bucket, seconds_to_wait

_ANSWER_SECONDS = 2.0
"""How long an answer, a connection, or a free place among the connections may take."""
_CONNECTIONS = 32

# The item carries its own end, since Redis removes by its clock and expiry is decided by ours.
_REDIS_ADD = """
local held = redis.call('GET', KEYS[1])
if held and tonumber(cjson.decode(held)['expires_at']) > tonumber(ARGV[1]) then return 0 end
redis.call('SET', KEYS[1], ARGV[2], 'PX', ARGV[3])
return 1
"""


class RedisShelf:
    """One key each, `visvaris:shelf:<kind>:<hash>`; what is gone with Redis's memory is as if expired."""

    def __init__(self, client: Redis, effects: Effects) -> None:
        self._client = client
        self._effects = effects
        self._add = client.register_script(_REDIS_ADD)

    def put(self, kind: str, key: str, value: Mapping[str, JSON], *, expires_at: Instant) -> None:
        try:
            self._client.set(
                _shelf_key(kind, key), _item(value, expires_at), px=self._milliseconds(expires_at)
            )
        except RedisError as error:
            raise _unavailable(error) from None

    def add(self, kind: str, key: str, value: Mapping[str, JSON], *, expires_at: Instant) -> bool:
        arguments: list[str | int] = [
            repr(self._effects.now()),
            _item(value, expires_at),
            self._milliseconds(expires_at),
        ]
        try:
            return bool(self._add(keys=[_shelf_key(kind, key)], args=arguments))
        except RedisError as error:
            raise _unavailable(error) from None

    def find(self, kind: str, key: str) -> dict[str, JSON] | None:
        try:
            return self._unexpired(self._client.get(_shelf_key(kind, key)))
        except RedisError as error:
            raise _unavailable(error) from None

    def take(self, kind: str, key: str) -> dict[str, JSON] | None:
        try:
            return self._unexpired(self._client.getdel(_shelf_key(kind, key)))
        except RedisError as error:
            raise _unavailable(error) from None

    def purge(self, now: Instant) -> int:  # noqa: ARG002  the Shelf's signature
        """Redis frees the room itself."""
        return 0

    def _unexpired(self, item: Any) -> dict[str, JSON] | None:
        if item is None:
            return None
        held = json.loads(item)
        return _read(held["value"]) if float(held["expires_at"]) > self._effects.now() else None

    def _milliseconds(self, expires_at: Instant) -> int:
        return max(1, int((expires_at - self._effects.now()) * 1000))


# Times travel as text of six decimals, since Lua's own rendering would lose them.
_LUA_WAIT = """
local now, free, base = tonumber(ARGV[1]), tonumber(ARGV[2]), tonumber(ARGV[3])
local cap, forget = tonumber(ARGV[4]), tonumber(ARGV[5])
local held = redis.call('HMGET', KEYS[1], 'attempts', 'next_at', 'forget_at')
local attempts, next_at, forget_at = tonumber(held[1] or 0), tonumber(held[2] or 0), tonumber(held[3] or 0)
if forget_at <= now then attempts, next_at = 0, 0 end
local function wait(counted)
    if counted < free then return 0 end
    return math.min(cap, base * 2 ^ (counted - free))
end
local function keep(counted, at, last)
    redis.call('HSET', KEYS[1], 'attempts', counted,
        'next_at', string.format('%.6f', at), 'forget_at', string.format('%.6f', last + forget))
    redis.call('PEXPIRE', KEYS[1], math.ceil(forget * 1000))
end
"""
_LUA_CHARGE = (
    _LUA_WAIT
    + """
if next_at > now then return string.format('%.6f', next_at) end
keep(attempts + 1, now + wait(attempts + 1), now)
return false
"""
)
_LUA_REFUND = (
    _LUA_WAIT
    + """
if attempts < 1 then return end
local last = forget_at - forget
local waiting = wait(attempts - 1)
keep(attempts - 1, waiting > 0 and last + waiting or 0, last)
"""
)


class RedisThrottle:
    """One hash each, `visvaris:throttle:<bucket>:<hash of key>`. Without Redis nothing may be attempted."""

    def __init__(self, client: Redis, effects: Effects) -> None:
        self._client = client
        self._effects = effects
        self._charge = client.register_script(_LUA_CHARGE)
        self._refund = client.register_script(_LUA_REFUND)

    def charge(self, bucket: Bucket, key: str) -> float:
        arguments = self._arguments(bucket)
        try:
            next_at = self._charge(keys=[_throttle_key(bucket, key)], args=arguments)
        except RedisError as error:
            raise _unavailable(error) from None
        return 0.0 if next_at is None else seconds_to_wait(float(next_at), float(arguments[0]))

    def wait(self, bucket: Bucket, key: str) -> float:
        try:
            next_at, forget_at = self._client.hmget(_throttle_key(bucket, key), ["next_at", "forget_at"])
        except RedisError as error:
            raise _unavailable(error) from None
        now = self._effects.now()
        is_forgotten = forget_at is None or float(forget_at) <= now
        return 0.0 if is_forgotten else max(0.0, float(next_at or 0) - now)

    def refund(self, bucket: Bucket, key: str) -> None:
        try:
            self._refund(keys=[_throttle_key(bucket, key)], args=self._arguments(bucket))
        except RedisError as error:
            raise _unavailable(error) from None

    def clear(self, bucket: Bucket, key: str) -> None:
        try:
            self._client.delete(_throttle_key(bucket, key))
        except RedisError as error:
            raise _unavailable(error) from None

    def purge(self, now: Instant) -> int:  # noqa: ARG002  as SqlThrottle's
        """Redis frees the room itself."""
        return 0

    def _arguments(self, bucket: Bucket) -> list[str]:
        seconds = (bucket.base_seconds, bucket.cap_seconds, bucket.forget_seconds)
        return [f"{self._effects.now():.6f}", str(bucket.free), *(f"{value:.6f}" for value in seconds)]


def connect(url: str) -> Redis:
    """Connects to nothing yet. Raises ValueError for a URL it cannot use."""
    pool = BlockingConnectionPool.from_url(
        url,
        max_connections=_CONNECTIONS,
        timeout=_ANSWER_SECONDS,
        socket_timeout=_ANSWER_SECONDS,
        socket_connect_timeout=_ANSWER_SECONDS,
        decode_responses=True,
    )
    return Redis.from_pool(pool)


def _item(value: Mapping[str, JSON], expires_at: Instant) -> str:
    """Numbers as text: Lua would round them."""
    return json.dumps({"expires_at": repr(expires_at), "value": json.dumps(dict(value))})


def _read(value: str) -> dict[str, JSON]:
    read: dict[str, JSON] = json.loads(value)
    return read


def _shelf_key(kind: str, key: str) -> str:
    return f"visvaris:shelf:{kind}:{stored_key(key)}"


def _throttle_key(bucket: Bucket, key: str) -> str:
    return f"visvaris:throttle:{bucket.name}:{token_hash(key)}"


def _unavailable(error: RedisError) -> StorageUnavailableError:
    return StorageUnavailableError(type(error).__name__)
