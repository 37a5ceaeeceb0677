"""Base64 in the two forms of the protocol, and nothing that is almost one of them.

Python's decoders take what is not canonical (bits left over, missing padding); here one value has one
spelling.
"""

import base64
import binascii
import hashlib
import re
from typing import Final

STANDARD: Final = re.compile(r"[A-Za-z0-9+/]+={0,2}", re.ASCII)
URL_SAFE: Final = re.compile(r"[A-Za-z0-9_-]+", re.ASCII)
SHA_256_CHARACTERS: Final = 43


def b64(raw: bytes) -> str:
    return base64.b64encode(raw).decode("ascii")


def b64url(raw: bytes) -> str:
    """Without padding."""
    return base64.urlsafe_b64encode(raw).rstrip(b"=").decode("ascii")


def decode_b64(text: str) -> bytes:
    """Standard alphabet, padded, canonical. Raises ValueError."""
    if not STANDARD.fullmatch(text):
        raise ValueError("not Base64")
    try:
        raw = base64.b64decode(text, validate=True)
    except binascii.Error:
        raise ValueError("not Base64") from None
    if b64(raw) != text:
        raise ValueError("Base64 that is not canonical")
    return raw


def sha256_b64url(raw: bytes) -> str:
    return b64url(hashlib.sha256(raw).digest())


def is_sha256_b64url(text: str) -> bool:
    """Has the shape of a SHA-256 in Base64URL without padding."""
    return len(text) == SHA_256_CHARACTERS and URL_SAFE.fullmatch(text) is not None
