"""Authorization requests as signed JWTs, by value and by reference (RFC 9101, OpenID Connect Core 6).

Only what the object holds counts; nothing beside it is added (RFC 9101 section 6.3). Signed only: `none` is
in no list of algorithms. A reference is fetched when the client has registered it, through the one door for
outgoing calls. Not here: encrypted objects, references of ours to pushed requests (`pushed_requests.py`).
"""

import base64
import hashlib
import hmac
import json
import threading
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any, Final

import structlog

from idp.effects import Effects, Instant
from idp.gateways.outbound import Outbound, OutboundError
from idp.models.clients import Client
from idp.oidc import fapi2, jose
from idp.oidc.authorization_request import PARAMETERS
from idp.oidc.client_keys import ClientKeys, KeysUnavailableError
from idp.oidc.errors import ErrorCode, ProtocolError, fit_for_description
from idp.oidc.jose import TokenError
from idp.oidc.requests import REPEATABLE, Parameters

ALGORITHMS: Final = ("RS256", "PS256", "ES256", "EdDSA")
TYPES: Final = frozenset({"", "jwt", "oauth-authz-req+jwt"})
SKEW_SECONDS: Final = 10.0
FETCHES_AT_ONCE: Final = 4
"""In one process: anybody may ask for one, and a slow application must not keep all threads waiting."""
LONGEST_LIFE_SECONDS: Final = 60 * 60.0
"""FAPI 2.0 Message Signing section 5.3.1: between `nbf` and `exp`, and since `nbf`."""

_FAPI2_ALGORITHMS: Final = frozenset(ALGORITHMS) - {"RS256"}
_STRUCTURED: Final = frozenset({"claims", "authorization_details", "registration"})
_MEDIA_TYPES: Final = "application/oauth-authz-req+jwt, application/jwt"

_log = structlog.get_logger("visvaris.oidc")


@dataclass(frozen=True, slots=True)
class Opened:
    """An object whose signature holds."""

    claims: Mapping[str, Any] = field(repr=False)
    client: Client
    issuer: str
    now: Instant

    def is_strict(self) -> bool:
        return fapi2.holds_for(self.client)


def comes_from_the_client(opened: Opened) -> None:
    issuer = opened.claims.get("iss")
    if issuer is None and not opened.is_strict():
        return
    if issuer != opened.client.client_id:
        raise TokenError("iss is not the client")


def names_the_same_client(opened: Opened) -> None:
    """RFC 9101 section 5: "the client identifier values ... MUST match"."""
    if opened.claims.get("client_id", opened.client.client_id) != opened.client.client_id:
        raise TokenError("client_id is another one")


def is_meant_for_us(opened: Opened) -> None:
    if opened.claims.get("aud") is None and not opened.is_strict():
        return
    if opened.issuer not in jose.audiences(opened.claims):
        raise TokenError("aud is not the issuer")


def is_no_client_assertion(opened: Opened) -> None:
    """RFC 9101 section 10.8: such an object could be shown as proof of who the client is."""
    if opened.claims.get("sub") == opened.client.client_id:
        raise TokenError("sub must not be the client")


def is_in_time(opened: Opened) -> None:
    expires_at = jose.numeric_date(opened.claims, "exp")
    if expires_at is not None and opened.now >= expires_at + SKEW_SECONDS:
        raise TokenError("expired")
    for name in ("nbf", "iat"):
        if (jose.numeric_date(opened.claims, name) or 0.0) > opened.now + SKEW_SECONDS:
            raise TokenError(f"{name} is in the future")


def lives_briefly(opened: Opened) -> None:
    """FAPI 2.0 Message Signing section 5.3.1."""
    if not opened.is_strict():
        return
    begins_at = jose.numeric_date(opened.claims, "nbf")
    expires_at = jose.numeric_date(opened.claims, "exp")
    if begins_at is None or expires_at is None:
        raise TokenError("nbf and exp are required")
    if opened.now - begins_at > LONGEST_LIFE_SECONDS or expires_at - begins_at > LONGEST_LIFE_SECONDS:
        raise TokenError("lives longer than 60 minutes")


def holds_no_other_object(opened: Opened) -> None:
    """RFC 9101 section 4: "request and request_uri parameters MUST NOT be included"."""
    if {"request", "request_uri"} & set(opened.claims):
        raise TokenError("a request object holds no other")


RULES: Final[tuple[Callable[[Opened], None], ...]] = (
    comes_from_the_client,
    names_the_same_client,
    is_meant_for_us,
    is_no_client_assertion,
    is_in_time,
    lives_briefly,
    holds_no_other_object,
)


class RequestObjects:
    def __init__(self, *, issuer: str, keys: ClientKeys, outbound: Outbound, effects: Effects) -> None:
        self._issuer = issuer
        self._keys = keys
        self._outbound = outbound
        self._effects = effects
        self._fetches = threading.BoundedSemaphore(FETCHES_AT_ONCE)

    def by_value(self, token: str, client: Client) -> Parameters:
        """The parameters in the object. Raises ProtocolError."""
        try:
            claims = jose.verify(
                token,
                find_key=lambda kid, alg: self._keys.find_verifier(client, kid, alg),
                algorithms=algorithms_of(client),
                types=TYPES,
            )
            opened = Opened(claims, client, self._issuer, self._effects.now())
            for rule in RULES:
                rule(opened)
            return parameters_in(claims, client)
        except (TokenError, KeysUnavailableError) as error:
            raise ProtocolError(
                ErrorCode.INVALID_REQUEST_OBJECT,
                f"The request object is not accepted: {fit_for_description(str(error))}.",
            ) from None

    def by_reference(self, uri: str, client: Client) -> Parameters:
        """As `by_value`, of an object that the client publishes. Raises ProtocolError."""
        if not is_registered(uri, client.registered.get("request_uris", ())):
            raise _unusable("The request URI is not registered for the application.")
        body = self._fetch(uri)
        if not matches_hash(uri, body):
            raise _unusable("What the request URI gives is not what its fragment names.")
        return self.by_value(body.decode("ascii", "replace").strip(), client)

    def _fetch(self, uri: str) -> bytes:
        if not self._fetches.acquire(blocking=False):
            raise _unusable("Too many request URIs are being fetched. Try again in a few seconds.")
        try:
            return self._outbound.fetch(uri, accept=_MEDIA_TYPES, limit=jose.CHARACTERS_AT_MOST).body
        except OutboundError as error:
            _log.warning("request object not fetched", url=error.url, why=error.why)
            raise _unusable(fit_for_description(f"The request URI {error.url} {error.why}.")) from None
        finally:
            self._fetches.release()


def algorithms_of(client: Client) -> frozenset[str]:
    registered = client.registered.get("request_object_signing_alg")
    allowed = _FAPI2_ALGORITHMS if fapi2.holds_for(client) else frozenset(ALGORITHMS)
    return allowed & {registered} if registered else allowed


def is_registered(uri: str, registered: Iterable[str]) -> bool:
    """Letter by letter; only a hash (Core 6.2) may follow one that was registered without."""
    return any(uri == each or ("#" not in each and uri.partition("#")[0] == each) for each in registered)


def matches_hash(uri: str, body: bytes) -> bool:
    """Core 6.2: a fragment is "the base64url-encoded SHA-256 hash of the referenced resource contents"."""
    _, mark, wanted = uri.partition("#")
    digest = base64.urlsafe_b64encode(hashlib.sha256(body).digest()).rstrip(b"=")
    return not mark or hmac.compare_digest(digest, wanted.encode())


def parameters_in(claims: Mapping[str, Any], client: Client) -> Parameters:
    """RFC 9101 section 4: JSON members as the parameters they stand for. Raises TokenError."""
    pairs = [
        (name, text)
        for name in claims
        if name in PARAMETERS and name != "client_id"
        for text in _texts(name, claims[name])
    ]
    return Parameters([("client_id", client.client_id), *pairs])


def _texts(name: str, value: object) -> list[str]:
    if name in REPEATABLE and isinstance(value, list):
        return [text for each in value for text in _texts(name, each)]
    if name in _STRUCTURED and isinstance(value, dict | list):
        return [json.dumps(value)]
    if name == "max_age" and isinstance(value, int) and not isinstance(value, bool):
        return [_number(value)]
    if not isinstance(value, str) or not _is_sendable(value):
        raise TokenError(f"{name} is not of the type it must be")
    return [value]


def _number(value: int) -> str:
    """Python refuses to write numbers of thousands of digits."""
    return str(value) if abs(value) < 10**9 else "too large"


def _is_sendable(text: str) -> bool:
    """JSON can say what no URL can: half of a surrogate pair, or a NUL."""
    return "\0" not in text and not any("\ud800" <= mark <= "\udfff" for mark in text)


def _unusable(description: str) -> ProtocolError:
    return ProtocolError(ErrorCode.INVALID_REQUEST_URI, description)
