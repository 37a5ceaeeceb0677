"""Signed tokens as RFC 8725 advises: what could differ is decided by the caller, never by the token.

Algorithm list, key and `typ` come from outside; a header that names its own key, or asks for an extension, is
refused. Not here: which keys there are (`keys.py`), what the claims must say (`tokens.py`, `id_tokens.py`,
`client_auth.py`).
"""

import base64
import binascii
import json
from collections.abc import Callable, Mapping
from typing import Any, Final

from joserfc import jws
from joserfc.errors import JoseError
from joserfc.jwk import Key
from joserfc.jws import JWSRegistry

CHARACTERS_AT_MOST = 8192
_HEADER: Final = frozenset({"alg", "kid", "typ", "cty", "x5t", "x5t#S256"})
"""Members that cannot change how a token is verified. `jwk`, `jku`, `x5u`, `x5c`, `crit` and `b64` can."""


class TokenError(Exception):
    """The token is not one of those asked for; the message is for the log."""


class _Registry(JWSRegistry):
    """Takes the algorithms it is given and no others; `EdDSA` is an old name of Ed25519 (RFC 9864), not a
    danger.
    """

    def get_alg(self, name: str) -> Any:
        if not self.allowed or name not in self.allowed:
            raise TokenError("the algorithm is not in the list")
        return self.algorithms[name]


_REGISTRIES: Final[dict[frozenset[str], _Registry]] = {}


def _registry(algorithms: frozenset[str]) -> _Registry:
    if algorithms not in _REGISTRIES:
        _REGISTRIES[algorithms] = _Registry(algorithms=algorithms)
    return _REGISTRIES[algorithms]


_encode = json.JSONEncoder(separators=(",", ":")).encode


def sign(claims: Mapping[str, Any], *, key: Key, alg: str, kid: str, typ: str) -> str:
    header = {"alg": alg, "kid": kid, "typ": typ}
    return jws.serialize_compact(header, _encode(claims), key, registry=_registry(frozenset({alg})))


def peek(token: str) -> tuple[dict[str, Any], dict[str, Any]]:
    """Header and claims, unverified: good for finding out whom to verify with, and for nothing else."""
    if len(token) > CHARACTERS_AT_MOST:
        raise TokenError("the token is too long")
    parts = token.split(".")
    if len(parts) != 3:
        raise TokenError("not a compact JWS")
    return _json_object(parts[0]), _json_object(parts[1])


def verify(
    token: str,
    *,
    find_key: Callable[[str | None, str], Key | None],
    algorithms: frozenset[str],
    types: frozenset[str],
) -> dict[str, Any]:
    """The claims. `find_key` gets `kid` and `alg`; `types` are lower case, "" for none. Raises TokenError."""
    header, claims = peek(token)
    if not set(header) <= _HEADER:
        raise TokenError("the header has members that are not allowed")
    alg, kid, typ = header.get("alg"), header.get("kid"), header.get("typ", "")
    if not isinstance(alg, str) or alg not in algorithms:
        raise TokenError("the algorithm is not in the list")
    if not isinstance(typ, str) or typ.lower().removeprefix("application/") not in types:
        raise TokenError("the type is another one")
    if kid is not None and not isinstance(kid, str):
        raise TokenError("the key name is not text")
    key = find_key(kid, alg)
    if key is None:
        raise TokenError("no such key")
    try:
        jws.deserialize_compact(token, key, registry=_registry(algorithms))
    except (JoseError, ValueError, TypeError) as error:
        raise TokenError(f"the signature does not verify ({type(error).__name__})") from None
    return claims


def _json_object(part: str) -> dict[str, Any]:
    try:
        value = json.loads(
            base64.urlsafe_b64decode(part + "=" * (-len(part) % 4)), object_pairs_hook=_once_each
        )
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
    return float(value)


def audiences(claims: Mapping[str, Any]) -> tuple[str, ...]:
    """RFC 7519 section 4.1.3: one string or an array of them."""
    value = claims.get("aud")
    if isinstance(value, str):
        return (value,)
    if isinstance(value, list) and all(isinstance(item, str) for item in value):
        return tuple(value)
    raise TokenError("aud is neither text nor a list of it")
