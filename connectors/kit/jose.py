"""Reads a signed token (RFC 7515, RFC 7519) as RFC 8725 advises: what could differ is decided by the caller.

The algorithm comes from the caller's list, the key from the provider's published set, the type from the
caller. A header that brings its own key, or asks for an extension, is refused unread. Claims other than the
issuer and the times are not judged here.
"""

import json
import math
from collections.abc import Mapping
from collections.abc import Set as AbstractSet
from dataclasses import dataclass
from enum import Enum
from typing import Any

from joserfc import jws
from joserfc.errors import JoseError

from connectors.kit.provider import Provider, PublicKey

TOKEN_CHARACTERS = 8192
SKEW_SECONDS = 5.0

_HEADER = frozenset({"alg", "kid", "typ"})

Claims = Mapping[str, Any]


class Fault(Enum):
    MALFORMED = "not a signed token"
    HEADER = "a header parameter that is not taken"
    ALGORITHM = "an algorithm that is not taken"
    TYPE = "a token of another type"
    KEY = "a key that is not published"
    SIGNATURE = "a wrong signature"
    ISSUER = "another issuer"
    AUDIENCE = "another audience"
    EXPIRED = "expired"
    NOT_YET = "not valid yet"
    CLAIMS = "a claim missing or of the wrong form"
    REPLAYED = "used before"
    BOUND = "bound to a key or certificate that was not shown, or bound to none and shown as if it were"
    PROOF = "a DPoP proof that is missing, wrong or used before"


class BadTokenError(Exception):
    """Says why for the log; never holds the token."""

    def __init__(self, fault: Fault) -> None:
        super().__init__(fault.value)
        self.fault = fault


@dataclass(frozen=True, slots=True)
class Expected:
    """`types` in lower case and without `application/` (RFC 7515 4.1.9); "" takes a token that names none."""

    algorithms: AbstractSet[str]
    types: AbstractSet[str]


def read(token: str, *, provider: Provider, expected: Expected, now: float) -> Claims:
    """The claims of a token that this provider signed, that is in time and says so completely."""
    claims = _verified(token, provider, expected)
    if claims.get("iss") != provider.issuer:
        raise BadTokenError(Fault.ISSUER)
    if now >= number(claims, "exp") + SKEW_SECONDS:
        raise BadTokenError(Fault.EXPIRED)
    if now < max(number(claims, "iat"), number({"nbf": 0.0, **claims}, "nbf")) - SKEW_SECONDS:
        raise BadTokenError(Fault.NOT_YET)
    return claims


def number(claims: Claims, name: str) -> float:
    value = claims.get(name)
    if isinstance(value, bool) or not isinstance(value, int | float) or not math.isfinite(value):
        raise BadTokenError(Fault.CLAIMS)
    return float(value)


def text(claims: Claims, name: str) -> str:
    value = claims.get(name)
    if not isinstance(value, str) or not value:
        raise BadTokenError(Fault.CLAIMS)
    return value


def is_only_audience(claims: Claims, audience: str) -> bool:
    """Our tokens have one audience: a second one would make them usable at both."""
    return claims.get("aud") in (audience, [audience])


def _verified(token: str, provider: Provider, expected: Expected) -> Claims:
    if len(token) > TOKEN_CHARACTERS or token.count(".") != 2 or not token.isascii():
        raise BadTokenError(Fault.MALFORMED)
    try:
        header = dict(jws.extract_compact(token.encode()).protected)
    except (JoseError, ValueError, TypeError) as error:
        raise BadTokenError(Fault.HEADER) from error
    key = _key(header, provider, expected)
    try:
        claims = json.loads(jws.deserialize_compact(token, key, algorithms=[header["alg"]]).payload or b"")
    except (JoseError, ValueError, TypeError, RecursionError) as error:
        raise BadTokenError(Fault.SIGNATURE) from error
    if not isinstance(claims, dict):
        raise BadTokenError(Fault.MALFORMED)
    return claims


def _key(header: dict[str, Any], provider: Provider, expected: Expected) -> PublicKey:
    if not header.keys() <= _HEADER or not all(isinstance(value, str) for value in header.values()):
        raise BadTokenError(Fault.HEADER)
    if header.get("alg") not in expected.algorithms:
        raise BadTokenError(Fault.ALGORITHM)
    if header.get("typ", "").lower().removeprefix("application/") not in expected.types:
        raise BadTokenError(Fault.TYPE)
    key = provider.find_key(header.get("kid", ""), algorithm=header["alg"])
    if key is None:
        raise BadTokenError(Fault.KEY)
    return key
