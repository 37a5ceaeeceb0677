"""Sealing secrets at rest, keyed look-up hashes, and hashes of bearer tokens.

Not here: signatures of tokens (`oidc/keys.py`) and password hashes (`methods/password.py`).
"""

import base64
import binascii
import hashlib
import hmac
from collections.abc import Sequence
from dataclasses import dataclass

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.kdf.hkdf import HKDF

from idp.effects import Effects

MASTER_KEY_BYTES = 32
_NONCE_BYTES = 12
_FORMAT = "s1"
SEALED_PREFIX = f"{_FORMAT}."
"""What every sealed value begins with, and no hash does."""


class SealError(Exception):
    """A sealed value does not open: wrong place, wrong key, or changed."""


@dataclass(frozen=True, slots=True)
class Place:
    """Where a sealed value lives; the value opens nowhere else."""

    table: str
    column: str
    row: str

    def associated_data(self) -> bytes:
        return f"{self.table}\x1f{self.column}\x1f{self.row}".encode()


class Sealer:
    """AES-256-GCM under the newest master key; opens what any listed key sealed."""

    def __init__(self, master_keys: Sequence[bytes], effects: Effects) -> None:
        """`master_keys`: 32 bytes each, newest first. Raises ValueError for none or a wrong length."""
        if not master_keys or any(len(key) != MASTER_KEY_BYTES for key in master_keys):
            raise ValueError("master keys are 32 bytes each, at least one")
        self._random = effects.random
        self._ciphers = {_key_id(key): AESGCM(_derive(key, b"visvaris seal")) for key in master_keys}
        self._newest = _key_id(master_keys[0])

    def seal(self, plaintext: bytes, place: Place) -> str:
        nonce = self._random(_NONCE_BYTES)
        sealed = self._ciphers[self._newest].encrypt(nonce, plaintext, place.associated_data())
        return f"{_FORMAT}.{self._newest}.{base64.urlsafe_b64encode(nonce + sealed).decode()}"

    def open(self, sealed: str, place: Place) -> bytes:
        """Raises SealError."""
        try:
            form, key_id, body = sealed.split(".")
            raw = base64.urlsafe_b64decode(body)
        except (ValueError, binascii.Error):
            raise SealError("not a sealed value") from None
        cipher = self._ciphers.get(key_id)
        if form != _FORMAT or cipher is None:
            raise SealError(f"sealed with a key that IDP_MASTER_KEYS no longer lists ({key_id})")
        try:
            return cipher.decrypt(raw[:_NONCE_BYTES], raw[_NONCE_BYTES:], place.associated_data())
        except (InvalidTag, ValueError):
            raise SealError("the sealed value was changed or moved") from None

    def is_current(self, sealed: str) -> bool:
        """Whether the newest key sealed it; if not, rotation has work to do."""
        return sealed.startswith(f"{_FORMAT}.{self._newest}.")


@dataclass(frozen=True, slots=True)
class LookupKey:
    """A keyed hash that finds a sealed value again without revealing it."""

    key: bytes

    def index(self, value: str) -> str:
        return hmac.new(self.key, value.encode(), hashlib.sha256).hexdigest()

    def __repr__(self) -> str:
        return "LookupKey(…)"


def token_hash(token: str) -> str:
    """What is stored in place of a bearer token of 128 or more random bits (hex SHA-256)."""
    return hashlib.sha256(token.encode()).hexdigest()


def seal_for_holder(token: str, plaintext: bytes, nonce: bytes) -> str:
    """Seals under a key only the holder of `token` can derive; `nonce` is 12 fresh random bytes."""
    cipher = AESGCM(hashlib.sha256(b"visvaris holder\x1f" + token.encode()).digest())
    return base64.urlsafe_b64encode(nonce + cipher.encrypt(nonce, plaintext, None)).decode()


def open_for_holder(token: str, sealed: str) -> bytes:
    """Raises SealError."""
    cipher = AESGCM(hashlib.sha256(b"visvaris holder\x1f" + token.encode()).digest())
    try:
        raw = base64.urlsafe_b64decode(sealed)
        return cipher.decrypt(raw[:_NONCE_BYTES], raw[_NONCE_BYTES:], None)
    except (InvalidTag, ValueError):
        raise SealError("not the token this was sealed for") from None


def _derive(key: bytes, purpose: bytes) -> bytes:
    return HKDF(algorithm=SHA256(), length=32, salt=None, info=purpose).derive(key)


def _key_id(key: bytes) -> str:
    return hashlib.sha256(b"visvaris key id" + key).hexdigest()[:8]
