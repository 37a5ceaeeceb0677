"""Signed tokens as RFC 8725 advises: what could differ is decided by the caller, never by the token.

Algorithm list, key and `typ` come from outside; a header that names its own key, or asks for an extension, is
refused. Not here: which keys there are (`keys.py`), what the claims must say (`tokens.py`, `id_tokens.py`,
`client_auth.py`).
"""

import base64
import binascii
import json
import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from functools import lru_cache
from math import isfinite
from typing import Any, Final

from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric.ec import ECDSA, EllipticCurvePublicKey
from cryptography.hazmat.primitives.asymmetric.utils import decode_dss_signature, encode_dss_signature
from cryptography.hazmat.primitives.hashes import SHA256
from joserfc.errors import JoseError
from joserfc.jwk import ECKey, Key
from joserfc.jws import JWSRegistry
from joserfc.util import urlsafe_b64decode, urlsafe_b64encode

CHARACTERS_AT_MOST = 8192
_HEADER: Final = frozenset({"alg", "kid", "typ", "cty", "x5t", "x5t#S256"})
"""Members that cannot change how a token is verified. `jwk`, `jku`, `x5u`, `x5c`, `crit` and `b64` can."""
_ES256: Final = ECDSA(SHA256())
_ES256_SPELLING: Final = re.compile(r"[A-Za-z0-9_-]{85}[AQgw]").fullmatch
"""Two numbers of 32 bytes (RFC 7518 section 3.4) in base64url, the four bits too many of it zero."""


_PROOF_HEADER: Final = frozenset({"alg", "typ", "jwk", "kid"})


class TokenError(Exception):
    """The token is not one of those asked for; the message is for the log."""


_encode = json.JSONEncoder(separators=(",", ":")).encode
_decode = json.JSONDecoder().decode


@dataclass(frozen=True, slots=True)
class Verified:
    """A token whose signature holds."""

    claims: dict[str, Any] = field(repr=False)
    kid: str | None


@dataclass(frozen=True, slots=True)
class OwnKey:
    """An ES256 key of ours, as one header that we write names it."""

    kid: str
    public: EllipticCurvePublicKey


def sign(
    claims: Mapping[str, Any],
    *,
    key: Key,
    alg: str,
    kid: str,
    typ: str,
    more: tuple[tuple[str, str], ...] = (),
) -> str:
    """`typ` "" leaves it out; `more`: members of the header besides."""
    signed = _header_part(alg, kid, typ, more) + b"." + urlsafe_b64encode(_encode(claims).encode())
    algorithm = JWSRegistry.algorithms[alg]
    algorithm.check_key(key)
    signature = (
        _es256(signed, key) if isinstance(key, ECKey) and alg == "ES256" else algorithm.sign(signed, key)
    )
    return (signed + b"." + urlsafe_b64encode(signature)).decode()


def _es256(signed: bytes, key: ECKey) -> bytes:
    """As the library does it for P-256, at half of what it adds to the signature itself."""
    r, s = decode_dss_signature(key.get_op_key("sign").sign(signed, _ES256))
    return r.to_bytes(32, "big") + s.to_bytes(32, "big")


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


def own_header(*, kid: str, typ: str) -> str:
    """What stands before the first dot of an ES256 token that `sign` makes."""
    return _header_part("ES256", kid, typ).decode()


def read_own(token: str, keys: Mapping[str, OwnKey], *, is_known: bool = False) -> Verified | None:
    """As `read` for less, where the header is to the letter one of those in `keys`; None where it is not.

    Such a header was looked at when it was made, and claims that our own key has signed name nothing twice,
    so the claims are read only after the signature holds. `is_known`: this very token, signature included,
    was signed or verified before.
    """
    header, _, _ = token.partition(".")
    own = keys.get(header)
    if own is None:
        return None
    if len(token) > CHARACTERS_AT_MOST:
        raise TokenError("the token is too long")
    signed, _, signature = token.rpartition(".")
    if not is_known:
        try:
            own.public.verify(_as_der(signature), signed.encode("ascii"), _ES256)
        except (InvalidSignature, ValueError):
            raise TokenError("the signature does not verify") from None
    return Verified(_decode(base64.urlsafe_b64decode(signed[len(header) + 1 :] + "==").decode()), own.kid)


def _as_der(signature: str) -> bytes:
    """Raises ValueError for all but the one spelling of 64 bytes."""
    if _ES256_SPELLING(signature) is None:
        raise ValueError("not 64 bytes in base64url")
    raw = base64.urlsafe_b64decode(signature + "==")
    return encode_dss_signature(int.from_bytes(raw[:32], "big"), int.from_bytes(raw[32:], "big"))


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
def _header_part(alg: str, kid: str, typ: str, more: tuple[tuple[str, str], ...] = ()) -> bytes:
    header = {"alg": alg, "kid": kid, **({"typ": typ} if typ else {}), **dict(more)}
    return urlsafe_b64encode(_encode(header).encode())


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
    """RFC 7519 section 2. Raises TokenError for what is not a number, or none that can be compared; None when
    absent.
    """
    value = claims.get(name)
    if value is None:
        return None
    if isinstance(value, bool) or not isinstance(value, int | float):
        raise TokenError(f"{name} is not a number")
    try:
        date = float(value)
    except OverflowError:
        raise TokenError(f"{name} is no date") from None
    if not isfinite(date):
        raise TokenError(f"{name} is no date")
    return date


def audiences(claims: Mapping[str, Any]) -> tuple[str, ...]:
    """RFC 7519 section 4.1.3: one string or an array of them."""
    value = claims.get("aud")
    if isinstance(value, str):
        return (value,)
    if isinstance(value, list) and all(isinstance(item, str) for item in value):
        return tuple(value)
    raise TokenError("aud is neither text nor a list of it")
