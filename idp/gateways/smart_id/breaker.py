"""Leaves a service alone that does not answer: after some failures in a row, for a while, nobody waits for
another one.

For the service as a whole, as this process sees it. It is not a limit on anybody, and tells other processes
nothing: each finds out by itself. Only calls that create a session go through it; whoever waits for a
session that exists is bounded by that session.
"""

import threading
from collections import deque
from collections.abc import Callable
from typing import Final, TypeVar

from idp.effects import Effects, Instant
from idp.errors import Reason, Refused

Answer = TypeVar("Answer")

FAILURES: Final = 5
WINDOW_SECONDS: Final = 60
REST_SECONDS: Final = 30
COUNTED: Final = frozenset(
    {
        Reason.SMART_ID_UNREACHABLE,
        Reason.SMART_ID_TOO_SLOW,
        Reason.SMART_ID_UNAVAILABLE,
        Reason.SMART_ID_MAINTENANCE,
    }
)
"""All else that is refused was an answer, and the service is there: all but the next."""
_SAYS_NOTHING: Final = Reason.SMART_ID_WRONG_SERVER_KEY
"""Somebody answered, but it was not the service."""


class Breaker:
    """Closed as long as the service answers. Open, it lets one call through after each rest, and closes
    when that one is answered.
    """

    def __init__(self, effects: Effects) -> None:
        self._effects = effects
        self._lock = threading.Lock()
        self._failed_at: deque[Instant] = deque(maxlen=FAILURES)
        self._rests_until: Instant | None = None
        """None while closed."""

    @property
    def is_closed(self) -> bool:
        return self._rests_until is None

    def call(self, ask: Callable[[], Answer]) -> Answer:
        """Raises Refused of its own while it rests, and what `ask` raises otherwise."""
        self._admit()
        try:
            answer = ask()
        except Refused as refused:
            self._note(refused.reason)
            raise
        self._close()
        return answer

    def _admit(self) -> None:
        """Whoever is let through while it is open begins another rest: a probe that never comes back holds
        nobody up.
        """
        with self._lock:
            if self._rests_until is None:
                return
            now = self._effects.now()
            # A clock that was set back does not make a rest longer.
            if now < self._rests_until <= now + REST_SECONDS:
                raise Refused(Reason.SMART_ID_RESTING)
            self._rests_until = now + REST_SECONDS

    def _note(self, reason: Reason) -> None:
        if reason in COUNTED:
            self._fail()
        elif reason is not _SAYS_NOTHING:
            self._close()

    def _fail(self) -> None:
        with self._lock:
            now = self._effects.now()
            self._failed_at.append(now)
            oldest = self._failed_at[0]
            in_a_row = len(self._failed_at) == FAILURES and now - oldest <= WINDOW_SECONDS
            if in_a_row or self._rests_until is not None:
                self._rests_until = now + REST_SECONDS

    def _close(self) -> None:
        with self._lock:
            self._failed_at.clear()
            self._rests_until = None
