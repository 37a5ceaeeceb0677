"""Password hashes that older portals made: recognised, checked once, and replaced by the caller.

A table of forms, one recogniser each. A stored hash says itself how dear it is to check, so each form bounds
that; a hash beyond the bound, or of no form listed here, matches no password. Nothing here makes such hashes.

| form | made by |
|---|---|
| `$2a$ $2b$ $2y$` | bcrypt |
| `pbkdf2_sha256$iterations$salt$base64`, `pbkdf2_sha1$…` | Django |
| `pbkdf2:sha256:iterations$salt$hex`, `pbkdf2:sha1:…`, `pbkdf2:sha512:…` | Werkzeug |
| `{SSHA}base64`, `{SSHA256}base64` | LDAP directories (RFC 2307): hash, salt; hashed is password + salt |
| `sha1$salt$hex`, `sha256$salt$hex` | older Django and portals of our own making; hashed is salt + password |
"""

import base64
import binascii
import hashlib
import hmac
import re
from collections.abc import Callable
from dataclasses import dataclass

import bcrypt

_BCRYPT_MOST_ROUNDS = 14
_BCRYPT_BYTES = 72
_PBKDF2_MOST_ITERATIONS = 2_000_000
_DIGEST_BYTES = {"sha1": 20, "sha256": 32, "sha512": 64}

_Check = Callable[[re.Match[str], bytes], bool]


@dataclass(frozen=True, slots=True)
class Form:
    pattern: re.Pattern[str]
    check: _Check


def recognises(stored: str) -> bool:
    return _form_of(stored) is not None


def verify(stored: str, password: str) -> bool:
    """False for a wrong password and for a stored value that cannot be checked."""
    found = _form_of(stored)
    if found is None:
        return False
    form, match = found
    try:
        return form.check(match, password.encode(errors="replace"))
    except (ValueError, binascii.Error):
        return False


def _form_of(stored: str) -> tuple[Form, re.Match[str]] | None:
    for form in FORMS:
        if match := form.pattern.fullmatch(stored):
            return form, match
    return None


def _bcrypt(match: re.Match[str], password: bytes) -> bool:
    if int(match["rounds"]) > _BCRYPT_MOST_ROUNDS or b"\0" in password:
        return False
    # bcrypt never looked further than 72 bytes, so neither did whoever made the hash.
    return bcrypt.checkpw(password[:_BCRYPT_BYTES], match.string.encode())


def _pbkdf2(match: re.Match[str], password: bytes, digest: bytes) -> bool:
    iterations = int(match["iterations"])
    if not 1 <= iterations <= _PBKDF2_MOST_ITERATIONS:
        return False
    made = hashlib.pbkdf2_hmac(match["hash"], password, match["salt"].encode(), iterations)
    return hmac.compare_digest(made, digest)


def _pbkdf2_base64(match: re.Match[str], password: bytes) -> bool:
    return _pbkdf2(match, password, base64.b64decode(match["digest"], validate=True))


def _pbkdf2_hex(match: re.Match[str], password: bytes) -> bool:
    return _pbkdf2(match, password, bytes.fromhex(match["digest"]))


def _ldap(match: re.Match[str], password: bytes) -> bool:
    name = "sha256" if match["bits"] else "sha1"
    raw = base64.b64decode(match["body"], validate=True)
    digest, salt = raw[: _DIGEST_BYTES[name]], raw[_DIGEST_BYTES[name] :]
    if not salt:
        return False
    return hmac.compare_digest(hashlib.new(name, password + salt).digest(), digest)


def _salted_hex(match: re.Match[str], password: bytes) -> bool:
    made = hashlib.new(match["hash"], match["salt"].encode() + password).digest()
    return hmac.compare_digest(made, bytes.fromhex(match["digest"]))


FORMS: tuple[Form, ...] = (
    Form(re.compile(r"\$2[aby]\$(?P<rounds>\d\d)\$[./A-Za-z0-9]{53}"), _bcrypt),
    Form(
        re.compile(
            r"pbkdf2_(?P<hash>sha1|sha256)\$(?P<iterations>\d{1,8})\$(?P<salt>[^$]{1,128})\$(?P<digest>[A-Za-z0-9+/]{20,90}={0,2})"
        ),
        _pbkdf2_base64,
    ),
    Form(
        re.compile(
            r"pbkdf2:(?P<hash>sha1|sha256|sha512):(?P<iterations>\d{1,8})\$(?P<salt>[^$]{1,128})\$(?P<digest>[0-9a-f]{40,128})"
        ),
        _pbkdf2_hex,
    ),
    Form(re.compile(r"\{SSHA(?P<bits>256)?\}(?P<body>[A-Za-z0-9+/]{28,200}={0,2})"), _ldap),
    Form(re.compile(r"(?P<hash>sha1)\$(?P<salt>[^$]{1,128})\$(?P<digest>[0-9a-fA-F]{40})"), _salted_hex),
    Form(re.compile(r"(?P<hash>sha256)\$(?P<salt>[^$]{1,128})\$(?P<digest>[0-9a-fA-F]{64})"), _salted_hex),
)
"""In the order they are tried; no stored value matches two."""
