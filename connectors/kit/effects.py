"""Time and randomness for connectors, passed in rather than reached for."""

import base64
import os
import time
from collections.abc import Callable
from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Effects:
    """`now` is Unix seconds, UTC."""

    now: Callable[[], float] = time.time
    random: Callable[[int], bytes] = os.urandom

    def new_token(self) -> str:
        """256 random bits as 43 base64url characters: whoever holds it may use it."""
        return base64.urlsafe_b64encode(self.random(32)).rstrip(b"=").decode()
