"""What the provider publishes about itself: OpenID Connect Discovery 1.0 and its JWKS (RFC 7517).

Both are kept for an hour. A key nobody has seen is looked for once more, but seldom, so that a flood of
invented key names does not become a flood of requests. It never takes a key or an address from a token.
"""

import threading
from dataclasses import dataclass
from typing import Any
from urllib.parse import urlsplit

import httpx
import structlog
from joserfc.errors import JoseError
from joserfc.jwk import ECKey, RSAKey, import_key

from connectors.kit.effects import Effects

KEPT_SECONDS = 3600.0
STALE_SECONDS = 24 * 3600.0
LOOK_AGAIN_SECONDS = 30.0
KEYS_AT_MOST = 64

_KEY_TYPES = {"ES256": ("EC", "P-256"), "RS256": ("RSA", None)}

_log = structlog.get_logger()

PublicKey = ECKey | RSAKey


class ProviderUnavailableError(Exception):
    """The provider did not answer, or not with what it must publish."""


@dataclass(frozen=True, slots=True)
class Metadata:
    issuer: str
    authorization_endpoint: str
    token_endpoint: str
    userinfo_endpoint: str
    jwks_uri: str
    end_session_endpoint: str


@dataclass(frozen=True, slots=True)
class _Published:
    metadata: Metadata
    keys: dict[str, PublicKey]
    fetched_at: float


class Provider:
    def __init__(self, issuer: str, *, http: httpx.Client, effects: Effects) -> None:
        self.issuer = issuer
        self._http = http
        self._effects = effects
        self._lock = threading.Lock()
        self._published: _Published | None = None
        self._tried_at = float("-inf")

    def metadata(self) -> Metadata:
        return self._current().metadata

    def find_key(self, kid: str, *, algorithm: str) -> PublicKey | None:
        """None unless the provider publishes a key of that name that is meant for that algorithm."""
        key = self._current().keys.get(kid)
        if key is None:
            key = self._looked_again().keys.get(kid)
        return key if key is not None and _fits(key, algorithm) else None

    def _current(self) -> _Published:
        published = self._published
        if published is not None and self._effects.now() - published.fetched_at < KEPT_SECONDS:
            return published
        return self._looked_again()

    def _looked_again(self) -> _Published:
        with self._lock:
            now = self._effects.now()
            if now - self._tried_at >= LOOK_AGAIN_SECONDS:
                self._tried_at = now
                self._refresh(now)
            published = self._published
        if published is None or now - published.fetched_at >= STALE_SECONDS:
            raise ProviderUnavailableError("the provider's metadata could not be read")
        return published

    def _refresh(self, now: float) -> None:
        """A failure leaves what is known in place: keys do not become wrong because the provider is away."""
        try:
            metadata = _read_metadata(
                self._get(f"{self.issuer.rstrip('/')}/.well-known/openid-configuration"), self.issuer
            )
            self._published = _Published(metadata, _read_keys(self._get(metadata.jwks_uri)), now)
        except (httpx.HTTPError, ProviderUnavailableError, ValueError) as error:
            _log.warning("provider_unavailable", issuer=self.issuer, why=f"{type(error).__name__}: {error}")

    def _get(self, url: str) -> dict[str, Any]:
        body = self._http.get(url).raise_for_status().json()
        if not isinstance(body, dict):
            raise ProviderUnavailableError("the answer is not a JSON object")
        return body


def _read_metadata(body: dict[str, Any], issuer: str) -> Metadata:
    """Discovery 4.3: the issuer must be exactly the one asked. Its endpoints must be at its own origin."""
    if body.get("issuer") != issuer:
        raise ProviderUnavailableError("the metadata is of another issuer")
    if body.get("authorization_response_iss_parameter_supported") is not True:
        raise ProviderUnavailableError("the provider does not name itself in its responses (RFC 9207)")
    return Metadata(
        issuer=issuer,
        authorization_endpoint=_endpoint(body, "authorization_endpoint", issuer),
        token_endpoint=_endpoint(body, "token_endpoint", issuer),
        userinfo_endpoint=_endpoint(body, "userinfo_endpoint", issuer),
        jwks_uri=_endpoint(body, "jwks_uri", issuer),
        end_session_endpoint=_endpoint(body, "end_session_endpoint", issuer),
    )


def _endpoint(body: dict[str, Any], name: str, issuer: str) -> str:
    url = body.get(name)
    if not isinstance(url, str) or urlsplit(url)[:2] != urlsplit(issuer)[:2]:
        raise ProviderUnavailableError(f"{name} is missing or at another origin")
    return url


def _read_keys(body: dict[str, Any]) -> dict[str, PublicKey]:
    """Only public signing keys with a name; whatever else the set holds is left out."""
    published = body.get("keys")
    if not isinstance(published, list):
        raise ProviderUnavailableError("the key set holds no keys")
    keys: dict[str, PublicKey] = {}
    for raw in published[:KEYS_AT_MOST]:
        key = _find_public_key(raw)
        if key is not None and key.kid is not None:
            keys.setdefault(key.kid, key)
    return keys


def _find_public_key(raw: object) -> PublicKey | None:
    if not isinstance(raw, dict) or raw.get("use", "sig") != "sig" or not isinstance(raw.get("kid"), str):
        return None
    try:
        key = import_key(raw)
    except (JoseError, ValueError, TypeError, KeyError):
        return None
    return key if isinstance(key, ECKey | RSAKey) and not key.is_private else None


def _fits(key: PublicKey, algorithm: str) -> bool:
    key_type, curve = _KEY_TYPES[algorithm]
    return (
        key.key_type == key_type
        and key.get("alg") in {None, algorithm}
        and (curve is None or key.get("crv") == curve)
    )
