"""AES-256-GCM for what a connector keeps, and marks (HMAC-SHA-256) for what it gives to a browser.

The place a value is kept in is authenticated with it, so a sealed value moved to another row does not open.
The first key seals, every key opens: keys are rotated by putting a new one in front.
"""

import hashlib
import hmac
from collections.abc import Sequence

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM

from connectors.kit.effects import Effects

NONCE_BYTES = 12


class Sealer:
    def __init__(self, keys: Sequence[bytes], *, effects: Effects) -> None:
        self._ciphers = [AESGCM(_derive(key, "seal")) for key in keys]
        self._mark_keys = [_derive(key, "mark") for key in keys]
        self._effects = effects

    def seal(self, plain: bytes, *, place: str) -> bytes:
        nonce = self._effects.random(NONCE_BYTES)
        return nonce + self._ciphers[0].encrypt(nonce, plain, place.encode())

    def find_opened(self, sealed: bytes, *, place: str) -> bytes | None:
        """None when no key opens it: the value was sealed for another place, or its key is gone."""
        for cipher in self._ciphers:
            try:
                return cipher.decrypt(sealed[:NONCE_BYTES], sealed[NONCE_BYTES:], place.encode())
            except (InvalidTag, ValueError):
                continue
        return None

    def mark(self, value: str, *, purpose: str) -> str:
        return _mark(self._mark_keys[0], value, purpose=purpose)

    def is_mark(self, given: str, *, value: str, purpose: str) -> bool:
        wanted = [_mark(key, value, purpose=purpose) for key in self._mark_keys]
        return any(hmac.compare_digest(mark.encode(), given.encode()) for mark in wanted)


def _derive(key: bytes, purpose: str) -> bytes:
    return hmac.digest(key, f"visvaris-connector:{purpose}".encode(), hashlib.sha256)


def _mark(key: bytes, value: str, *, purpose: str) -> str:
    return hmac.digest(key, f"{purpose}:{value}".encode(), hashlib.sha256).hex()
