"""Background jobs on huey: frees room, and rotates signing keys when their time has come.

The queue is a SQLite file beside the database, or Redis where `IDP_REDIS_URL` is set. Jobs may run twice, or
on several machines at once, and do no harm; what must happen once is claimed on the Shelf. What must not be
lost is never only a job: it is a row, written with its cause.
"""

from collections.abc import Callable
from pathlib import Path
from typing import Any, Final

import structlog
from huey import Huey, RedisHuey, SqliteHuey, crontab

from idp.effects import Effects
from idp.models.keys import KeyState
from idp.oidc.keys import KeyRing
from idp.storage.connections import parse_url, sqlite_file
from idp.storage.housekeeping import (
    remove_old_families,
    remove_old_initial_tokens,
    remove_old_sessions,
)
from idp.storage.open import Storage
from idp.storage.work import Work

DAY: Final = 86400.0
SESSIONS_KEPT: Final = 7 * DAY
FAMILIES_KEPT: Final = 7 * DAY
KEYS_ROTATE_AFTER: Final = 90 * DAY
_NAME: Final = "visvaris"
_CLAIM: Final = "worker-claim"

_log = structlog.get_logger("visvaris.worker")


class Jobs:
    def __init__(self, storage: Storage, keys: KeyRing, effects: Effects) -> None:
        self._storage = storage
        self._keys = keys
        self._effects = effects

    def free_room(self) -> dict[str, int]:
        """How many rows of each kind were removed."""
        now = self._effects.now()
        removed = {
            "shelf": self._storage.shelf.purge(now),
            "throttle": self._storage.throttle.purge(now),
            "sessions": self._batches(remove_old_sessions, now - SESSIONS_KEPT),
            "token_families": self._batches(remove_old_families, now - FAMILIES_KEPT),
            "initial_access_tokens": self._batches(remove_old_initial_tokens, now),
        }
        _log.info("room freed", removed=removed)
        return removed

    def rotate_keys_when_due(self) -> bool:
        """When the next signing keys have waited for 90 days; they were made when the present ones began."""
        now = self._effects.now()
        with self._storage.database.read() as work:
            waiting = [key for key in work.keys.signing_keys() if key.state == KeyState.NEXT.value]
        if not waiting or now - max(key.created_at for key in waiting) < KEYS_ROTATE_AFTER:
            return False
        if not self._storage.shelf.add(_CLAIM, "rotate-keys", {}, expires_at=now + DAY):
            return False
        self._keys.rotate()
        _log.info("signing keys rotated")
        return True

    def _batches(self, remove: Callable[[Work, float], int], before: float) -> int:
        """Short transactions, so that people signing in do not wait for the broom."""
        total = 0
        while True:
            with self._storage.database.begin() as work:
                removed = remove(work, before)
            total += removed
            if removed == 0:
                return total


def queue(database_url: str, redis_url: str | None) -> Huey:
    if redis_url is not None:
        return RedisHuey(_NAME, url=redis_url, results=False)
    return SqliteHuey(_NAME, filename=str(_queue_file(database_url)), results=False)


def schedule(jobs: Jobs, on: Huey) -> None:
    on.periodic_task(crontab(minute="*/10"), name="free_room")(jobs.free_room)
    on.periodic_task(crontab(minute="17"), name="rotate_keys_when_due")(jobs.rotate_keys_when_due)


def run(jobs: Jobs, on: Huey) -> None:
    """Until SIGTERM or SIGINT; a job under way is finished first."""
    schedule(jobs, on)
    jobs.free_room()
    consumer: Any = on.create_consumer(workers=1, periodic=True, graceful_signal="TERM")
    _log.info("worker started")
    consumer.run()
    _log.info("worker stopped")


def _queue_file(database_url: str) -> Path:
    beside = sqlite_file(parse_url(database_url))
    return beside.with_suffix(".jobs.sqlite3") if beside else Path("var/visvaris.jobs.sqlite3")
