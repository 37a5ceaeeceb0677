"""Signed tokens as RFC 8725 advises: what could differ is decided by the caller, never by the token.

Algorithm list, key and `typ` come from outside; a header that names its own key, or asks for an extension, is
refused. Not here: which keys there are (`keys.py`), what the claims must say (`tokens.py`, `id_tokens.py`,
`client_auth.py`).
"""

import binascii
import json
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from functools import lru_cache
from typing import Any, Final

from joserfc.errors import JoseError
from joserfc.jwk import Key
from joserfc.jws import JWSRegistry
from joserfc.util import urlsafe_b64decode, urlsafe_b64encode

CHARACTERS_AT_MOST = 8192
_HEADER: Final = frozenset({"alg", "kid", "typ", "cty", "x5t", "x5t#S256"})
"""Members that cannot change how a token is verified. `jwk`, `jku`, `x5u`, `x5c`, `crit` and `b64` can."""


_PROOF_HEADER: Final = frozenset({"alg", "typ", "jwk", "kid"})


class TokenError(Exception):
    """The token is not one of those asked for; the message is for the log."""


_encode = json.JSONEncoder(separators=(",", ":")).encode


@dataclass(frozen=True, slots=True)
class Verified:
    """A token whose signature holds."""

    claims: dict[str, Any] = field(repr=False)
    kid: str | None


def sign(claims: Mapping[str, Any], *, key: Key, alg: str, kid: str, typ: str) -> str:
    signed = _header_part(alg, kid, typ) + b"." + urlsafe_b64encode(_encode(claims).encode())
    algorithm = JWSRegistry.algorithms[alg]
    algorithm.check_key(key)
    signature = algorithm.sign(signed, key)
    return (signed + b"." + urlsafe_b64encode(signature)).decode()


def peek(token: str) -> tuple[dict[str, Any], dict[str, Any]]:
    """Header and claims, unverified: good for finding out whom to verify with, and for nothing else."""
    header, claims, _ = _parts(token)
    return _json_object(header), _json_object(claims)


def verify(
    token: str,
    *,
    find_key: Callable[[str | None, str], Key | None],
    algorithms: frozenset[str],
    types: frozenset[str],
) -> dict[str, Any]:
    """The claims. `find_key` gets `kid` and `alg`; `types` are lower case, "" for none. Raises TokenError."""
    return read(token, find_key=find_key, algorithms=algorithms, types=types).claims


def read(
    token: str,
    *,
    find_key: Callable[[str | None, str], Key | None],
    algorithms: frozenset[str],
    types: frozenset[str],
) -> Verified:
    """As `verify`, for who also needs to know the key."""
    header_part, claims_part, signature = _parts(token)
    header, claims = _json_object(header_part), _json_object(claims_part)
    if not set(header) <= _HEADER:
        raise TokenError("the header has members that are not allowed")
    if not all(isinstance(value, str) for value in header.values()):
        raise TokenError("a member of the header is not text")
    alg, kid = header.get("alg", ""), header.get("kid")
    if alg not in algorithms:
        raise TokenError("the algorithm is not in the list")
    if header.get("typ", "").lower().removeprefix("application/") not in types:
        raise TokenError("the type is another one")
    key = find_key(kid, alg)
    if key is None:
        raise TokenError("no such key")
    _hold_signature(header_part + b"." + claims_part, signature, key=key, alg=alg)
    return Verified(claims, kid)


@dataclass(frozen=True, slots=True)
class Proof:
    """Signed by the key it brought: it shows that somebody holds that key, and nothing of whose it is."""

    claims: dict[str, Any] = field(repr=False)
    jwk: dict[str, Any]


def read_proof(
    token: str,
    *,
    import_key: Callable[[dict[str, Any], str], Key],
    algorithms: frozenset[str],
    typ: str,
) -> Proof:
    """For proofs of possession (RFC 9449 section 4) alone: everywhere else a key in the header is refused.

    `import_key` gets `jwk` and `alg`, judges both, and raises TokenError as this does.
    """
    header_part, claims_part, signature = _parts(token)
    header, claims = _json_object(header_part), _json_object(claims_part)
    if not set(header) <= _PROOF_HEADER:
        raise TokenError("the header has members that are not allowed")
    alg, jwk = header.get("alg"), header.get("jwk")
    if not isinstance(alg, str) or alg not in algorithms:
        raise TokenError("the algorithm is not in the list")
    if header.get("typ") != typ:
        raise TokenError("the type is another one")
    if not isinstance(jwk, dict):
        raise TokenError("there is no key in the header")
    _hold_signature(header_part + b"." + claims_part, signature, key=import_key(jwk, alg), alg=alg)
    return Proof(claims, jwk)


def _hold_signature(signed: bytes, signature: bytes, *, key: Key, alg: str) -> None:
    """`EdDSA`, which the library warns of, is an old name of Ed25519 (RFC 9864) and not a danger."""
    algorithm = JWSRegistry.algorithms[alg]
    try:
        algorithm.check_key(key)
        holds = algorithm.verify(signed, urlsafe_b64decode(signature), key)
    except (JoseError, ValueError, TypeError) as error:
        raise TokenError(f"the signature does not verify ({type(error).__name__})") from None
    if not holds:
        raise TokenError("the signature does not verify")


@lru_cache(maxsize=64)
def _header_part(alg: str, kid: str, typ: str) -> bytes:
    return urlsafe_b64encode(_encode({"alg": alg, "kid": kid, "typ": typ}).encode())


def _parts(token: str) -> tuple[bytes, bytes, bytes]:
    if len(token) > CHARACTERS_AT_MOST:
        raise TokenError("the token is too long")
    try:
        header, claims, signature = token.encode("ascii").split(b".")
    except ValueError:
        raise TokenError("not a compact JWS") from None
    return header, claims, signature


def _json_object(part: bytes) -> dict[str, Any]:
    """RFC 7515 section 2: base64url without padding, and no second way to write the same."""
    try:
        value = json.loads(urlsafe_b64decode(part), object_pairs_hook=_once_each)
    except (ValueError, RecursionError, binascii.Error):
        raise TokenError("a part is not base64url of JSON") from None
    if not isinstance(value, dict):
        raise TokenError("a part is not a JSON object")
    return value


def _once_each(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    """RFC 7519 section 4: a name that comes twice means different things to different readers."""
    value = dict(pairs)
    if len(value) != len(pairs):
        raise TokenError("a name comes twice")
    return value


def numeric_date(claims: Mapping[str, Any], name: str) -> float | None:
    """RFC 7519 section 2. Raises TokenError for what is not a number; None when absent."""
    value = claims.get(name)
    if value is None:
        return None
    if isinstance(value, bool) or not isinstance(value, int | float):
        raise TokenError(f"{name} is not a number")
    try:
        return float(value)
    except OverflowError:
        raise TokenError(f"{name} is no date") from None


def audiences(claims: Mapping[str, Any]) -> tuple[str, ...]:
    """RFC 7519 section 4.1.3: one string or an array of them."""
    value = claims.get("aud")
    if isinstance(value, str):
        return (value,)
    if isinstance(value, list) and all(isinstance(item, str) for item in value):
        return tuple(value)
    raise TokenError("aud is neither text nor a list of it")
