"""The public keys of applications: as registered (`jwks`), or as published by them (`jwks_uri`).

A published set is fetched when first needed, kept for ten minutes, and fetched again at once for a key it
lacks, so that an application may change its keys at any time. However many requests name unknown keys, one
such fetch in ten seconds is all they get; and where the last one was slow or failed, one thread waits for the
next and all others go on with what there is. Not here: how a token is verified (`jose.py`).
"""

import json
import threading
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any, Final

import structlog
from joserfc.errors import JoseError
from joserfc.jwk import ECKey, Key, OKPKey, RSAKey, import_key

from idp.effects import Effects, Instant
from idp.gateways.outbound import Outbound, OutboundError
from idp.gateways.patience import Deadline
from idp.models.clients import Client

RSA_BITS_AT_LEAST: Final = 2048
KEPT_SECONDS: Final = 600.0
ASK_AGAIN_SECONDS: Final = 10.0
KEYS_AT_MOST: Final = 50
_FOR_EVER: Final = -1.0
"""As `Lock.acquire` has it."""
_SETS_AT_MOST: Final = 1000
SLOW_SECONDS: Final = 1.0
SLOW_AT_ONCE: Final = 4
"""In one process: anybody may ask for a fetch, and slow applications must not keep all threads waiting."""

SIGNING_KEY_TYPES: Final[Mapping[str, type[Key]]] = {
    "ES256": ECKey,
    "PS256": RSAKey,
    "RS256": RSAKey,
    "EdDSA": OKPKey,
}
_ENCRYPTION_CURVES: Final = frozenset({"P-256", "P-384", "P-521"})
_CURVES: Final = {"ES256": "P-256", "EdDSA": "Ed25519"}

_log = structlog.get_logger("visvaris.oidc")


class KeysUnavailableError(Exception):
    """The application's `jwks_uri` gave no usable set; the message names it and says why."""


@dataclass(slots=True)
class _Published:
    """What one `jwks_uri` gave; `tried_at` also counts what failed, `renewed_at` was for an unknown key,
    `is_slow` tells of the last time.
    """

    lock: threading.Lock = field(default_factory=threading.Lock)
    tried_at: Instant | None = None
    renewed_at: Instant | None = None
    fetched_at: Instant | None = None
    keys: list[Key] = field(default_factory=list)
    problem: str = "jwks_uri gave nothing yet"
    is_slow: bool = False

    def known(self) -> list[Key]:
        if self.fetched_at is None:
            raise KeysUnavailableError(self.problem)
        return list(self.keys)


class ClientKeys:
    def __init__(self, outbound: Outbound, effects: Effects) -> None:
        self._outbound = outbound
        self._effects = effects
        self._registered: dict[str, tuple[Any, list[Key]]] = {}
        self._published: dict[str, _Published] = {}
        self._lock = threading.Lock()
        self._slow = threading.BoundedSemaphore(SLOW_AT_ONCE)

    def find_verifier(self, client: Client, kid: str | None, alg: str) -> Key | None:
        """By name; without a name only when there is no choice. Raises KeysUnavailableError."""
        return self.find(client, lambda keys: choose_verifier(keys, kid, alg))

    def find(self, client: Client, choice: Callable[[list[Key]], Key | None]) -> Key | None:
        """What `choice` takes, from a newer set if there is none in this one. Raises KeysUnavailableError."""
        uri = client.registered.get("jwks_uri")
        return choice(self._keys_of(client)) if uri is None else self.find_published(str(uri), choice)

    def find_published(
        self, uri: str, choice: Callable[[list[Key]], Key | None], deadline: Deadline | None = None
    ) -> Key | None:
        """The same for a set that is known by its address alone. `deadline`: by when all is over; without
        one, each fetch has the usual time.
        """
        asked_at = self._effects.now()
        found = choice(self._fetched(uri, deadline, newer_than=None))
        return choice(self._fetched(uri, deadline, newer_than=asked_at)) if found is None else found

    def _keys_of(self, client: Client) -> list[Key]:
        jwks = client.registered.get("jwks")
        kept = self._registered.get(client.client_id)
        if kept is None or kept[0] != jwks:
            if len(self._registered) >= _SETS_AT_MOST:
                self._registered.clear()
            kept = (jwks, import_keys(jwks) if jwks is not None else [])
            self._registered[client.client_id] = kept
        return kept[1]

    def _fetched(self, uri: str, deadline: Deadline | None, *, newer_than: Instant | None) -> list[Key]:
        with self._lock:
            if len(self._published) >= _SETS_AT_MOST and uri not in self._published:
                self._published.clear()
            published = self._published.setdefault(uri, _Published())
        longest = _FOR_EVER if deadline is None else deadline.left
        if published.lock.acquire(timeout=0.0 if published.is_slow else longest):
            try:
                if deadline is None or not deadline.is_over:
                    self._renew(uri, published, deadline, newer_than=newer_than)
            finally:
                published.lock.release()
        return published.known()

    def _renew(
        self, uri: str, published: _Published, deadline: Deadline | None, *, newer_than: Instant | None
    ) -> None:
        """For who holds its lock."""
        now = self._effects.now()
        if _is_due(published, now):
            self._fetch_in_turn(uri, published, now, deadline)
        elif newer_than is not None and _may_be_renewed(published, now, newer_than=newer_than):
            published.renewed_at = now
            self._fetch_in_turn(uri, published, now, deadline)

    def _fetch_in_turn(
        self, uri: str, published: _Published, now: Instant, deadline: Deadline | None
    ) -> None:
        """Or not at all, while too many that were slow are being fetched."""
        if not published.is_slow:
            self._fetch(uri, published, now, deadline)
        elif self._slow.acquire(blocking=False):
            try:
                self._fetch(uri, published, now, deadline)
            finally:
                self._slow.release()

    def _fetch(self, uri: str, published: _Published, now: Instant, deadline: Deadline | None) -> None:
        """What was fetched before stays good when the application does not answer."""
        published.tried_at = now
        try:
            self._fetch_set(uri, published, now, seconds=deadline.left if deadline else None)
        finally:
            published.is_slow = bool(published.problem) or self._effects.now() - now > SLOW_SECONDS

    def _fetch_set(self, uri: str, published: _Published, now: Instant, *, seconds: float | None) -> None:
        try:
            document = json.loads(
                self._outbound.fetch(uri, accept="application/jwk-set+json", seconds=seconds).body
            )
            published.keys = import_usable_keys(document)
        except OutboundError as error:
            published.problem = f"jwks_uri {error.url} {error.why}"
        except (ValueError, RecursionError):
            published.problem = f"jwks_uri {uri} does not hold a JWK set"
        else:
            published.fetched_at, published.problem = now, ""
            return
        _log.warning("keys not fetched", why=published.problem)


def _is_due(published: _Published, now: Instant) -> bool:
    fresh = published.fetched_at is not None and now - published.fetched_at < KEPT_SECONDS
    return not fresh and _has_rested(published.tried_at, now)


def _may_be_renewed(published: _Published, now: Instant, *, newer_than: Instant) -> bool:
    """Unless somebody else has fetched it since, or asked in vain just now."""
    outdated = published.fetched_at is not None and published.fetched_at < newer_than
    return outdated and _has_rested(published.renewed_at, now)


def _has_rested(since: Instant | None, now: Instant) -> bool:
    return since is None or now - since >= ASK_AGAIN_SECONDS


def choose_verifier(keys: list[Key], kid: str | None, alg: str) -> Key | None:
    """The key to verify with: by name, or the only one that fits."""
    fitting = [key for key in keys if _fits(key, alg)]
    if kid is not None:
        fitting = [key for key in fitting if key.kid == kid]
    return fitting[0] if len(fitting) == 1 else None


def _fits(key: Key, alg: str) -> bool:
    if not isinstance(key, SIGNING_KEY_TYPES[alg]):
        return False
    if isinstance(key, ECKey | OKPKey) and key.curve_name != _CURVES[alg]:
        return False
    return key.get("alg") in {None, alg} and key.get("use") in {None, "sig"}


def import_keys(jwks: object) -> list[Key]:
    """Every public key of a JWK set. Raises ValueError for one that is not fit for anything we do."""
    return [_import_key(jwk) for jwk in _members(jwks)]


def import_usable_keys(jwks: object) -> list[Key]:
    """Of a set that is not ours to judge: those keys we can use. RFC 7517 section 5: others are ignored.

    Raises ValueError for what is no set, and for one that gives away a private key.
    """
    usable = []
    for jwk in _members(jwks):
        try:
            usable.append(_import_key(jwk))
        except PrivateKeyError:
            raise
        except ValueError:
            continue
    return usable


class PrivateKeyError(ValueError):
    """The set holds a private or a shared key, which is no secret any more."""


def _members(jwks: object) -> list[object]:
    if not isinstance(jwks, dict) or not isinstance(jwks.get("keys"), list):
        raise ValueError("jwks must be an object with a list of keys")  # noqa: TRY004  a wrong document
    if len(jwks["keys"]) > KEYS_AT_MOST:
        raise ValueError(f"jwks must hold at most {KEYS_AT_MOST} keys")
    return list(jwks["keys"])


def _import_key(jwk: object) -> Key:
    if not isinstance(jwk, dict):
        raise ValueError("a key in jwks is not an object")  # noqa: TRY004  a wrong document
    if jwk.get("kty") == "oct":
        raise PrivateKeyError("a key in jwks is a private one that both share; send only public keys")
    try:
        key = import_key(jwk)
    except (JoseError, ValueError, TypeError, KeyError):
        raise ValueError("a key in jwks cannot be read") from None
    if key.is_private:
        raise PrivateKeyError("a key in jwks is private; send only public keys")
    for_encryption = key.get("use") == "enc"
    match key:
        case RSAKey() if key.public_key.key_size >= RSA_BITS_AT_LEAST:
            return key
        case ECKey() if key.curve_name in (_ENCRYPTION_CURVES if for_encryption else {"P-256"}):
            return key
        case OKPKey() if key.curve_name == ("X25519" if for_encryption else "Ed25519"):
            return key
        case _:
            raise ValueError("a key in jwks must be RSA of 2048 bits or more, P-256 or Ed25519")
