"""Nonces that the provider hands out for DPoP proofs (RFC 9449 sections 8 and 9), without keeping any.

A nonce is a keyed hash of a span of five minutes, under a key all processes share; it is good in its own span
and in the next. Who holds it has spoken with us lately, whatever their own clock says.
"""

from typing import Final

from idp.effects import Effects, Instant
from idp.storage.database import Database

SPAN_SECONDS: Final = 300.0
SKEW_SECONDS: Final = 10.0
"""How far apart the clocks of two of our processes may be."""
_PURPOSE: Final = "dpop-nonce"


class Nonces:
    def __init__(self, database: Database, effects: Effects) -> None:
        self._database = database
        self._effects = effects

    def current(self) -> str:
        return self._of(int(self._effects.now() // SPAN_SECONDS))

    def find_end(self, nonce: str) -> Instant | None:
        """Until when it is good; None for one that is not."""
        now = self._effects.now()
        newest = int((now + SKEW_SECONDS) // SPAN_SECONDS)
        oldest = int(now // SPAN_SECONDS) - 1
        for span in range(newest, oldest - 1, -1):
            if nonce == self._of(span):
                return (span + 2) * SPAN_SECONDS
        return None

    def _of(self, span: int) -> str:
        return self._database.lookup_key(_PURPOSE).index(str(span))
