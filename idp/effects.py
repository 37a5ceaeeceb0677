"""Time and randomness, passed in rather than reached for.

Nothing else in the provider asks the clock or the operating system's generator; a test hands in its own.
"""

import base64
import os
import time
from collections.abc import Callable
from dataclasses import dataclass
from typing import TypeAlias

Instant: TypeAlias = float
"""Unix seconds, UTC. Rendered for people only at the edge."""


@dataclass(frozen=True, slots=True)
class Effects:
    now: Callable[[], Instant] = time.time
    random: Callable[[int], bytes] = os.urandom

    def new_id(self) -> str:
        """128 random bits as 22 base64url characters: names a row, proves nothing."""
        return _base64url(self.random(16))

    def new_token(self) -> str:
        """256 random bits as 43 base64url characters: whoever holds it may use it."""
        return _base64url(self.random(32))


def _base64url(raw: bytes) -> str:
    return base64.urlsafe_b64encode(raw).rstrip(b"=").decode()
