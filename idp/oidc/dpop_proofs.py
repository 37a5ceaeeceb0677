"""One DPoP proof, read and held against the request it came with (RFC 9449 sections 4.2 and 4.3).

Values in, values out: no storage, no clock. Not here: whether it was shown before and whether its nonce is
ours (`dpop.py`), what follows for tokens (`senders.py`).
"""

import base64
import hashlib
import re
from collections.abc import Collection, Mapping
from dataclasses import dataclass, field
from functools import lru_cache
from typing import Any, Final
from urllib.parse import urlsplit

from joserfc.jwk import ECKey, Key, OKPKey, RSAKey

from idp.effects import Instant
from idp.oidc import jose
from idp.oidc.client_keys import import_keys
from idp.oidc.jose import TokenError

ALGORITHMS: Final = ("ES256", "PS256", "EdDSA")
"""Those that FAPI 2.0 lets pass, all of them with a public key."""
JTI_CHARACTERS_AT_MOST: Final = 255

_TYPE: Final = "dpop+jwt"
_KEY_TYPES: Final[Mapping[str, type[Key]]] = {"ES256": ECKey, "PS256": RSAKey, "EdDSA": OKPKey}
_PUBLIC_MEMBERS: Final = ("kty", "crv", "x", "y", "n", "e")
_PRIVATE_MEMBERS: Final = frozenset({"d", "p", "q", "dp", "dq", "qi", "oth", "k"})
_MODULUS_CHARACTERS: Final = range(342, 1367)
"""Of 2048 to 8192 bits in base64url: a longer one would take our time, a shorter one proves nothing."""
_URI: Final = re.compile(r"[\x21-\x7E]{1,2000}")
_ESCAPED: Final = re.compile(r"%([0-9A-Fa-f]{2})")
_UNRESERVED: Final = re.compile(r"[A-Za-z0-9._~-]")
_DEFAULT_PORTS: Final = {"https": 443, "http": 80}


@dataclass(frozen=True, slots=True, kw_only=True)
class Proof:
    """A proof whose signature holds, by the key that has the thumbprint `jkt` (RFC 7638)."""

    jkt: str
    jti: str = field(repr=False)
    htm: str
    htu: str
    issued_at: Instant
    nonce: str | None = field(repr=False)
    ath: str | None


def read(text: str) -> Proof:
    """Raises TokenError."""
    read = jose.read_proof(text, import_key=_key_of, algorithms=frozenset(ALGORITHMS), typ=_TYPE)
    claims = read.claims
    issued_at = jose.numeric_date(claims, "iat")
    if issued_at is None:
        raise TokenError("iat is missing")
    jti = _text(claims, "jti")
    if not 0 < len(jti) <= JTI_CHARACTERS_AT_MOST or not jti.isprintable():
        raise TokenError("jti is not usable")
    return Proof(
        jkt=_thumbprint(_public(read.jwk)),
        jti=jti,
        htm=_text(claims, "htm"),
        htu=_text(claims, "htu"),
        issued_at=issued_at,
        nonce=_text(claims, "nonce") if "nonce" in claims else None,
        ath=_text(claims, "ath") if "ath" in claims else None,
    )


def hold_request(proof: Proof, *, method: str, urls: Collection[str]) -> None:
    """It is for this method and this endpoint; `urls` are the endpoint's, normalised. Raises TokenError."""
    if proof.htm != method:
        raise TokenError("htm is another method")
    if normalised(proof.htu) not in urls:
        raise TokenError("htu is another address")


def hold_access_token(proof: Proof, access_token: str) -> None:
    """Section 7: the proof is for this access token and no other. Raises TokenError."""
    if proof.ath != token_digest(access_token):
        raise TokenError("ath is missing or of another access token")


def token_digest(access_token: str) -> str:
    """`ath` in section 4.2."""
    return base64.urlsafe_b64encode(hashlib.sha256(access_token.encode()).digest()).rstrip(b"=").decode()


def normalised(uri: str) -> str:
    """Without query and fragment, in the one form of RFC 3986 sections 6.2.2 and 6.2.3. Raises TokenError."""
    if not _URI.fullmatch(uri) or "\\" in uri:
        raise TokenError("htu is not a URI")
    try:
        parts = urlsplit(uri)
        host, port = parts.hostname, parts.port
    except ValueError:
        raise TokenError("htu is not a URI") from None
    if parts.scheme not in _DEFAULT_PORTS or not host or "@" in parts.netloc:
        raise TokenError("htu is not an http URI")
    host = _escapes_normalised(host).lower()
    shown = f"[{host}]" if ":" in host else host
    if port is not None and port != _DEFAULT_PORTS[parts.scheme]:
        shown = f"{shown}:{port}"
    return f"{parts.scheme}://{shown}{_without_dots(_escapes_normalised(parts.path))}"


def _escapes_normalised(text: str) -> str:
    """Section 6.2.2.2: what need not be escaped is not, and what is has capital digits."""

    def once(found: re.Match[str]) -> str:
        character = chr(int(found[1], 16))
        return character if _UNRESERVED.fullmatch(character) else found[0].upper()

    return _ESCAPED.sub(once, text)


def _without_dots(path: str) -> str:
    """Section 5.2.4, for a path that is empty or begins with a slash."""
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


def _key_of(jwk: dict[str, Any], alg: str) -> Key:
    if _PRIVATE_MEMBERS & jwk.keys():
        raise TokenError("the key in the header is private, and no secret any more")
    key = _imported(_public(jwk))
    if not isinstance(key, _KEY_TYPES[alg]):
        raise TokenError("the key is not for this algorithm")
    return key


def _public(jwk: Mapping[str, Any]) -> tuple[tuple[str, str], ...]:
    """What makes the key; what else a JWK may say of itself is of no matter here."""
    members = tuple((name, jwk[name]) for name in _PUBLIC_MEMBERS if name in jwk)
    if not all(isinstance(value, str) for _, value in members):
        raise TokenError("a member of the key is not text")
    if "n" in jwk and len(jwk["n"]) not in _MODULUS_CHARACTERS:
        raise TokenError("an RSA key is of fewer than 2048 bits or more than 8192")
    return members


@lru_cache(maxsize=512)
def _imported(members: tuple[tuple[str, str], ...]) -> Key:
    """Kept, since a client shows one key many times. RSA of 2048 bits or more, P-256, Ed25519."""
    try:
        return import_keys({"keys": [dict(members)]})[0]
    except ValueError:
        raise TokenError("the key is none of those taken") from None


@lru_cache(maxsize=512)
def _thumbprint(members: tuple[tuple[str, str], ...]) -> str:
    return _imported(members).thumbprint()


def _text(claims: Mapping[str, Any], name: str) -> str:
    value = claims.get(name)
    if not isinstance(value, str):
        raise TokenError(f"{name} is missing or not text")
    return value
