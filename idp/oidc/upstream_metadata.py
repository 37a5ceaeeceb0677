"""What upstreams say of themselves (OpenID Connect Discovery 4), fetched when needed and kept for a while.

One that does not answer is left alone for ten seconds, and known documents serve meanwhile for a day. Not
here: their keys, which `client_keys.py` keeps by the address that is told here.
"""

import json
import threading
from dataclasses import dataclass, field
from typing import Any, Final

from idp.effects import Effects, Instant
from idp.gateways.outbound import Outbound, OutboundError, require_fetchable
from idp.gateways.patience import Deadline

_WELL_KNOWN: Final = "/.well-known/openid-configuration"
_KEPT_SECONDS: Final = 600.0
_STALE_SECONDS: Final = 86400.0
_REST_SECONDS: Final = 10.0
_BYTES: Final = 64 * 1024
_AT_MOST: Final = 200


class MetadataError(Exception):
    """No usable document; the message is for the operator."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Metadata:
    issuer: str
    authorization_endpoint: str
    token_endpoint: str
    jwks_uri: str
    secret_in_body: bool
    """client_secret_post, which Entra ID and AD FS prefer; else client_secret_basic."""
    takes_assertion: bool
    """private_key_jwt, or it does not say."""
    assertion_alg: str
    tells_issuer: bool
    """RFC 9207 section 3: its answers always have `iss`."""


@dataclass(slots=True)
class _Kept:
    lock: threading.Lock = field(default_factory=threading.Lock)
    tried_at: Instant | None = None
    fetched_at: Instant | None = None
    metadata: Metadata | None = None
    has_failed: bool = False
    problem: str = "nothing was fetched yet"


class Metadatas:
    """One for each process; threads share it."""

    def __init__(self, outbound: Outbound, effects: Effects) -> None:
        self._outbound = outbound
        self._effects = effects
        self._kept: dict[str, _Kept] = {}
        self._lock = threading.Lock()

    def get(self, issuer: str, deadline: Deadline) -> Metadata:
        """Raises MetadataError."""
        with self._lock:
            if len(self._kept) >= _AT_MOST and issuer not in self._kept:
                self._kept.clear()
            kept = self._kept.setdefault(issuer, _Kept())
        # Who finds another thread fetching goes on with what is known, be it that there was no answer; only
        # the first ever waits.
        waits = kept.metadata is None and not kept.has_failed
        if kept.lock.acquire(timeout=deadline.left if waits else 0.0):
            try:
                self._renew(issuer, kept, deadline)
            finally:
                kept.lock.release()
        now = self._effects.now()
        if kept.metadata is None or kept.fetched_at is None or now - kept.fetched_at >= _STALE_SECONDS:
            raise MetadataError(kept.problem)
        return kept.metadata

    def _renew(self, issuer: str, kept: _Kept, deadline: Deadline) -> None:
        """For who holds its lock. Where no time is left, nobody is asked, and nobody found to be silent."""
        now = self._effects.now()
        is_fresh = kept.fetched_at is not None and now - kept.fetched_at < _KEPT_SECONDS
        has_rested = kept.tried_at is None or now - kept.tried_at >= _REST_SECONDS
        if is_fresh or not has_rested or deadline.is_over:
            return
        kept.tried_at = now
        url = address_of(issuer)
        try:
            fetched = self._outbound.fetch(url, limit=_BYTES, seconds=deadline.left)
            kept.metadata = read_metadata(fetched.body, issuer)
        except (OutboundError, MetadataError) as error:
            kept.problem, kept.has_failed = str(error), True
        else:
            kept.fetched_at = now


def address_of(issuer: str) -> str:
    """OpenID Connect Discovery 4.1."""
    return issuer.removesuffix("/") + _WELL_KNOWN


def read_metadata(body: bytes, issuer: str) -> Metadata:
    """Raises MetadataError."""
    try:
        told = json.loads(body)
    except (ValueError, RecursionError):
        told = None
    if not isinstance(told, dict):
        raise MetadataError("the discovery document is not a JSON object")
    if told.get("issuer") != issuer:
        raise MetadataError("the discovery document is of another issuer")
    methods = told.get("token_endpoint_auth_methods_supported")
    algorithms = told.get("token_endpoint_auth_signing_alg_values_supported")
    only_pss = isinstance(algorithms, list) and "RS256" not in algorithms and "PS256" in algorithms
    return Metadata(
        issuer=issuer,
        authorization_endpoint=_address(told, "authorization_endpoint"),
        token_endpoint=_address(told, "token_endpoint"),
        jwks_uri=_address(told, "jwks_uri"),
        secret_in_body=isinstance(methods, list) and "client_secret_post" in methods,
        takes_assertion=not isinstance(methods, list) or "private_key_jwt" in methods,
        assertion_alg="PS256" if only_pss else "RS256",
        tells_issuer=told.get("authorization_response_iss_parameter_supported") is True,
    )


def _address(told: dict[str, Any], name: str) -> str:
    """Raises MetadataError."""
    url = told.get(name)
    if not isinstance(url, str) or "#" in url:
        raise MetadataError(f"the discovery document has no {name}")
    try:
        require_fetchable(url)
    except OutboundError as error:
        raise MetadataError(f"{name} {error.why}") from None
    return url
