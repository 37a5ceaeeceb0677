"""How long one request of ours waits for others in all, however many of them it has to ask.

Each question gets what the ones before left over, so that no thread is kept for longer by three slow answers
than by one. Not here: directories, whose doors keep the same rule (`ldap/door.py`).
"""

import time
from collections.abc import Callable
from dataclasses import dataclass
from typing import Final

SECONDS_AT_MOST: Final = 3.0


@dataclass(frozen=True, slots=True)
class Deadline:
    """`until`: by this clock, which counts seconds and tells no time."""

    until: float
    clock: Callable[[], float]

    @property
    def left(self) -> float:
        return max(0.0, self.until - self.clock())

    @property
    def is_over(self) -> bool:
        return self.left <= 0.0


@dataclass(frozen=True, slots=True)
class Patience:
    seconds: float = SECONDS_AT_MOST
    clock: Callable[[], float] = time.monotonic

    def begin(self) -> Deadline:
        return Deadline(self.clock() + self.seconds, self.clock)
