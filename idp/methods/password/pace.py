"""Makes every failed password check last as long as the slowest kind.

Checking a bcrypt or PBKDF2 hash of an older portal takes longer than argon2id, so its owner would stand out
among wrong guesses. The slowest failure of the last day is remembered, and quicker failures wait until they
are as old. Right passwords never wait, and without such hashes nothing waits at all.
"""

import time
from collections.abc import Callable
from dataclasses import dataclass, field
from threading import Lock

_REMEMBERED_SECONDS = 24 * 3600.0
_LONGEST_WAIT_SECONDS = 1.5


@dataclass(slots=True)
class Pace:
    """`clock` counts seconds and never goes back; it measures work and tells no time of day."""

    clock: Callable[[], float] = time.perf_counter
    sleep: Callable[[float], None] = time.sleep
    _slowest: float = field(default=0.0, init=False)
    _forget_at: float = field(default=0.0, init=False)
    _lock: Lock = field(default_factory=Lock, init=False, repr=False)

    def slow_failure(self, started: float) -> None:
        """A check of a legacy hash failed; it had begun at `started` and has done all its work."""
        now = self.clock()
        took = min(now - started, _LONGEST_WAIT_SECONDS)
        with self._lock:
            self._slowest = took if now >= self._forget_at else max(self._slowest, took)
            self._forget_at = now + _REMEMBERED_SECONDS

    def failure(self, started: float) -> None:
        """Any failed check, just before it is told."""
        now = self.clock()
        with self._lock:
            target = self._slowest if now < self._forget_at else 0.0
        if (wait := started + target - now) > 0:
            self.sleep(wait)
