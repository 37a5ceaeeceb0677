"""Which tokens are known to be signed by us, told among workers that were forked from one process.

A signature is verified to learn that we made it; a worker beside us that made it knows already. What they
share is memory and nothing else: digests of whole tokens, signature included, in slots that newer ones
overwrite. A digest that is there says that the signature holds, and nothing about whether the token is still
good. One that was half overwritten when it was read equals no token's, and is as if it had never been there.
"""

import mmap
from typing import Final

SLOTS: Final = 8192
_DIGEST_BYTES: Final = 32


class IssuedTokens:
    def __init__(self, slots: int = SLOTS) -> None:
        """Anonymous memory, shared with every process forked from here on and with no other."""
        self._slots = slots
        self._memory = mmap.mmap(-1, slots * _DIGEST_BYTES)

    def add(self, digest: bytes) -> None:
        """`digest`: SHA-256 of the token as it is sent."""
        place = self._place(digest)
        self._memory[place : place + _DIGEST_BYTES] = digest

    def __contains__(self, digest: bytes) -> bool:
        place = self._place(digest)
        return self._memory[place : place + _DIGEST_BYTES] == digest

    def forget(self) -> None:
        self._memory[:] = bytes(len(self._memory))

    def _place(self, digest: bytes) -> int:
        return int.from_bytes(digest[:4], "big") % self._slots * _DIGEST_BYTES


AMONG_WORKERS: Final = IssuedTokens()
"""Made when the first of them is loaded, so before any is forked."""
