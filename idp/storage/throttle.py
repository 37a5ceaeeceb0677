"""Counts attempts and says how long to wait: what a throttle is, and the one on SQL.

Asking and counting are one act, so attempts in parallel cannot all be "the last free one". An attempt that
must wait is not counted: nobody is locked out for longer than the bucket's cap by what somebody else does.
Not here: the one on Redis (`redis_state.py`).
"""

from dataclasses import dataclass
from typing import Any, Protocol

from sqlalchemy import text

from idp.crypto import token_hash
from idp.effects import Effects, Instant
from idp.storage.database import Database
from idp.storage.prepared import Prepared

_DOUBLINGS_AT_MOST = 30
_PURGE_AT_ONCE = 1000


@dataclass(frozen=True, slots=True)
class Bucket:
    """`free` attempts at once; then a wait of `base_seconds`, doubled by each attempt up to `cap_seconds`.

    All is forgotten when no attempt was counted for `forget_seconds`.
    """

    name: str
    free: int
    base_seconds: float
    cap_seconds: float
    forget_seconds: float

    def __post_init__(self) -> None:
        if self.free < 1 or not 0 < self.base_seconds <= self.cap_seconds <= self.forget_seconds:
            raise ValueError("a bucket needs 1 <= free and 0 < base <= cap <= forget")


class Throttle(Protocol):
    def charge(self, bucket: Bucket, key: str) -> float:
        """0.0: go on, it is counted. Otherwise the seconds to wait. Raises StorageUnavailableError."""
        ...

    def wait(self, bucket: Bucket, key: str) -> float:
        """The seconds that a charge would have to wait now; counts nothing."""
        ...

    def refund(self, bucket: Bucket, key: str) -> None:
        """Takes one charge back."""
        ...

    def clear(self, bucket: Bucket, key: str) -> None: ...

    def purge(self, now: Instant) -> int:
        """Frees the room of what is forgotten; how many."""
        ...


# `wait(n)`, in the two statements below: what the next attempt waits after the n-th was counted.
_CHARGE = Prepared(
    text("""
    INSERT INTO throttle (bucket, key, attempts, next_at, forget_at)
    VALUES (:bucket, :key, 1, CASE WHEN :free > 1 THEN :now ELSE :now + :base END, :now + :forget)
    ON CONFLICT (bucket, key) DO UPDATE SET
        attempts = CASE WHEN throttle.forget_at <= :now THEN 1 ELSE throttle.attempts + 1 END,
        next_at = CASE
            WHEN throttle.forget_at <= :now THEN excluded.next_at
            WHEN throttle.attempts + 1 < :free THEN :now
            WHEN throttle.attempts + 1 - :free >= :doublings THEN :now + :cap
            WHEN :base * (1 << (throttle.attempts + 1 - :free)) >= :cap THEN :now + :cap
            ELSE :now + :base * (1 << (throttle.attempts + 1 - :free))
        END,
        forget_at = :now + :forget
    WHERE throttle.next_at <= :now OR throttle.forget_at <= :now
    RETURNING attempts
""")
)
_NEXT_AT = Prepared(text("SELECT next_at FROM throttle WHERE bucket = :bucket AND key = :key"))
_WAIT = Prepared(
    text("SELECT next_at FROM throttle WHERE bucket = :bucket AND key = :key AND forget_at > :now")
)
_REFUND = Prepared(
    text("""
    UPDATE throttle SET
        attempts = attempts - 1,
        next_at = CASE
            WHEN attempts - 1 < :free THEN 0
            WHEN attempts - 1 - :free >= :doublings THEN forget_at - :forget + :cap
            WHEN :base * (1 << (attempts - 1 - :free)) >= :cap THEN forget_at - :forget + :cap
            ELSE forget_at - :forget + :base * (1 << (attempts - 1 - :free))
        END
    WHERE bucket = :bucket AND key = :key AND attempts > 0 AND forget_at > :now
""")
)
_CLEAR = Prepared(text("DELETE FROM throttle WHERE bucket = :bucket AND key = :key"))
_PURGE = Prepared(
    text("""
    DELETE FROM throttle
    WHERE (bucket, key) IN (SELECT bucket, key FROM throttle WHERE forget_at <= :now LIMIT :many)
""")
)


class SqlThrottle:
    """Each call is its own transaction, so none may be made inside `begin()`."""

    def __init__(self, database: Database, effects: Effects) -> None:
        self._database = database
        self._effects = effects

    def charge(self, bucket: Bucket, key: str) -> float:
        values = self._values(bucket, key)
        with self._database.begin() as work:
            if work.first(_CHARGE, values):
                return 0.0
            row = work.first(_NEXT_AT, {"bucket": bucket.name, "key": values["key"]})
        return seconds_to_wait(row[0] if row else None, values["now"])

    def wait(self, bucket: Bucket, key: str) -> float:
        values = self._values(bucket, key)
        with self._database.read() as work:
            row = work.first(_WAIT, {name: values[name] for name in ("bucket", "key", "now")})
        return max(0.0, row[0] - values["now"]) if row else 0.0

    def refund(self, bucket: Bucket, key: str) -> None:
        with self._database.begin() as work:
            work.changed(_REFUND, self._values(bucket, key))

    def clear(self, bucket: Bucket, key: str) -> None:
        with self._database.begin() as work:
            work.changed(_CLEAR, {"bucket": bucket.name, "key": token_hash(key)})

    def purge(self, now: Instant) -> int:
        removed = 0
        while True:
            with self._database.begin() as work:
                batch = work.changed(_PURGE, {"now": now, "many": _PURGE_AT_ONCE})
            removed += batch
            if batch < _PURGE_AT_ONCE:
                return removed

    def _values(self, bucket: Bucket, key: str) -> dict[str, Any]:
        return {
            "bucket": bucket.name,
            "key": token_hash(key),
            "now": self._effects.now(),
            "free": bucket.free,
            "base": float(bucket.base_seconds),
            "cap": float(bucket.cap_seconds),
            "forget": float(bucket.forget_seconds),
            "doublings": _DOUBLINGS_AT_MOST,
        }


def seconds_to_wait(next_at: Instant | None, now: Instant) -> float:
    """More than nothing even when the row that said wait is gone by now."""
    return max(0.001, (next_at or now) - now)
