"""One DPoP proof as a resource server reads it (RFC 9449 sections 4.3 and 7.1). Knows no HTTP and no storage.

The one kind of token here that brings its own key: it shows that the sender holds that key, and nothing else.
Which tokens are bound to it is `senders.py`.
"""

import base64
import hashlib
import json
import math
from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import lru_cache
from typing import Any
from urllib.parse import unquote, urlsplit

from joserfc.errors import JoseError
from joserfc.jwk import ECKey, Key, OKPKey, RSAKey, import_key
from joserfc.jws import JWSRegistry
from joserfc.util import urlsafe_b64decode

ALGORITHMS = ("ES256", "PS256", "EdDSA")
PROOF_CHARACTERS = 8192
PROOF_SECONDS = 10.0
"""How far apart the clocks may be."""
WAY_SECONDS = 5.0
"""For the way here, and because `iat` is in whole seconds: what says "ten seconds ago" is older than that."""

_HEADER = frozenset({"typ", "alg", "jwk", "kid"})
_PUBLIC = ("kty", "crv", "x", "y", "n", "e")
_PRIVATE = frozenset({"d", "p", "q", "dp", "dq", "qi", "oth", "k"})
_MODULUS_CHARACTERS = range(342, 1367)
"""Of 2048 to 8192 bits in base64url."""
_PORTS = {"https": 443, "http": 80}

Address = tuple[str, str, int, str]
"""Scheme, host, port and decoded path: two URIs with the same are one (RFC 3986 section 6.2)."""


class BadProofError(Exception):
    """Says why for the log."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Proof:
    """Its signature holds, by the key whose thumbprint is `jkt` (RFC 7638)."""

    jkt: str
    jti: str = field(repr=False)
    method: str
    address: Address
    issued_at: float
    ath: str


def read(text: str) -> Proof:
    """Raises BadProofError."""
    if len(text) > PROOF_CHARACTERS or text.count(".") != 2 or not text.isascii():
        raise BadProofError("not one signed token")
    header_part, claims_part, signature = text.encode().split(b".")
    header, claims = _object(header_part), _object(claims_part)
    key = _key_of(header)
    _hold_signature(header_part + b"." + claims_part, signature, key, header["alg"])
    jti = _text(claims, "jti")
    if not 0 < len(jti) <= 255 or not jti.isprintable():
        raise BadProofError("an unusable jti")
    return Proof(
        jkt=key.thumbprint(),
        jti=jti,
        method=_text(claims, "htm"),
        address=address_of(_text(claims, "htu")),
        issued_at=_number(claims, "iat"),
        ath=_text(claims, "ath"),
    )


def hold(proof: Proof, *, token: str, method: str, address: Address, now: float) -> None:
    """It is for this token at this address, and of now. Raises BadProofError."""
    if proof.method != method or proof.address != address:
        raise BadProofError("for another method or address")
    if proof.ath != token_digest(token):
        raise BadProofError("for another access token")
    if not -PROOF_SECONDS <= now - proof.issued_at <= PROOF_SECONDS + WAY_SECONDS:
        raise BadProofError("not made just now")


def token_digest(token: str) -> str:
    return base64.urlsafe_b64encode(hashlib.sha256(token.encode()).digest()).rstrip(b"=").decode()


def address_of(uri: str) -> Address:
    """Without query and fragment. Raises BadProofError for what is no http address."""
    if not uri.isascii() or not uri.isprintable() or "\\" in uri or " " in uri:
        raise BadProofError("htu is no address")
    try:
        parts = urlsplit(uri)
        host, port = parts.hostname, parts.port
    except ValueError:
        raise BadProofError("htu is no address") from None
    if parts.scheme not in _PORTS or not host or "@" in parts.netloc:
        raise BadProofError("htu is no http address")
    return (
        parts.scheme,
        host,
        _PORTS[parts.scheme] if port is None else port,
        _without_dots(unquote(parts.path)),
    )


def _without_dots(path: str) -> str:
    """RFC 3986 section 5.2.4, for a path that is empty or begins with a slash."""
    kept: list[str] = []
    segments = path.split("/")[1:] or [""]
    for segment in segments:
        if segment == "..":
            del kept[-1:]
        elif segment != ".":
            kept.append(segment)
    if segments[-1] in {".", ".."}:
        kept.append("")
    return "/" + "/".join(kept)


def _key_of(header: Mapping[str, Any]) -> Key:
    jwk, alg = header.get("jwk"), header.get("alg")
    if not header.keys() <= _HEADER or header.get("typ") != "dpop+jwt" or alg not in ALGORITHMS:
        raise BadProofError("a header that is not a proof's")
    if not isinstance(jwk, dict) or _PRIVATE & jwk.keys():
        raise BadProofError("no public key in the header")
    members = tuple((name, jwk[name]) for name in _PUBLIC if name in jwk)
    if not all(isinstance(value, str) for _, value in members):
        raise BadProofError("no key in the header")
    key = _imported(members)
    if alg != _algorithm_for(key):
        raise BadProofError("a key that is not for the algorithm")
    return key


@lru_cache(maxsize=512)
def _imported(members: tuple[tuple[str, str], ...]) -> Key:
    jwk: dict[str, str | list[str]] = dict(members)
    if "n" in jwk and len(jwk["n"]) not in _MODULUS_CHARACTERS:
        raise BadProofError("a key too short or too long")
    try:
        return import_key(jwk)
    except (JoseError, ValueError, TypeError, KeyError):
        raise BadProofError("no key in the header") from None


def _algorithm_for(key: Key) -> str | None:
    match key:
        case ECKey() if key.curve_name == "P-256":
            return "ES256"
        case OKPKey() if key.curve_name == "Ed25519":
            return "EdDSA"
        case RSAKey() if key.public_key.key_size >= 2048:
            return "PS256"
        case _:
            return None


def _hold_signature(signed: bytes, signature: bytes, key: Key, alg: str) -> None:
    try:
        holds = JWSRegistry.algorithms[alg].verify(signed, urlsafe_b64decode(signature), key)
    except (JoseError, ValueError, TypeError):
        holds = False
    if not holds:
        raise BadProofError("a wrong signature")


def _object(part: bytes) -> dict[str, Any]:
    try:
        value = json.loads(urlsafe_b64decode(part), object_pairs_hook=_once_each)
    except (ValueError, RecursionError):
        raise BadProofError("not a signed token") from None
    if not isinstance(value, dict):
        raise BadProofError("not a signed token")
    return value


def _once_each(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    if len(dict(pairs)) != len(pairs):
        raise BadProofError("a name comes twice")
    return dict(pairs)


def _text(claims: Mapping[str, Any], name: str) -> str:
    value = claims.get(name)
    if not isinstance(value, str):
        raise BadProofError(f"{name} is missing or not text")
    return value


def _number(claims: Mapping[str, Any], name: str) -> float:
    value = claims.get(name)
    if isinstance(value, bool) or not isinstance(value, int | float):
        raise BadProofError(f"{name} is missing or no number")
    try:
        number = float(value)
    except OverflowError:
        number = math.inf
    if not math.isfinite(number):
        raise BadProofError(f"{name} is no time")
    return number
