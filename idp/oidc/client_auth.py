"""Who is asking: client authentication (RFC 6749 section 2.3, OpenID Connect Core 9).

A client authenticates in exactly the way it is registered for. What an unverified assertion says decides only
whose keys it is checked with. Every refusal reads the same. Not here: TLS certificates.
"""

import base64
import binascii
import hashlib
import hmac
from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Any, Final
from urllib.parse import unquote_plus

from idp.effects import Effects, Instant
from idp.models.clients import Client
from idp.oidc import jose
from idp.oidc.client_keys import ClientKeys, KeysUnavailableError
from idp.oidc.clients import Clients
from idp.oidc.errors import ErrorCode, ProtocolError
from idp.oidc.jose import TokenError
from idp.oidc.requests import Parameters, Request
from idp.storage.ephemeral import Shelf


class AuthMethod(StrEnum):
    BASIC = "client_secret_basic"
    POST = "client_secret_post"
    PRIVATE_KEY_JWT = "private_key_jwt"
    NONE = "none"


ASSERTION_TYPE: Final = "urn:ietf:params:oauth:client-assertion-type:jwt-bearer"
ASSERTION_ALGORITHMS: Final = ("ES256", "PS256", "RS256", "EdDSA")
ASSERTION_SECONDS: Final = 300.0
SKEW_SECONDS: Final = 10.0

_TYPES: Final = frozenset({"", "jwt", "client-authentication+jwt"})
_SPENT: Final = "client-assertion"
_NOBODYS: Final[Mapping[str, Any]] = {
    "hash": hashlib.sha256(b"nobody has this secret").hexdigest(),
    "expires_at": 0.0,
}
_BASIC_CHALLENGE: Final = (("WWW-Authenticate", 'Basic realm="visvaris"'),)


@dataclass(frozen=True, slots=True)
class Presented:
    """What the request brought, unverified."""

    method: AuthMethod
    client_id: str
    proof: str = field(default="", repr=False)


class ClientAuthenticator:
    def __init__(
        self, *, issuer: str, clients: Clients, keys: ClientKeys, shelf: Shelf, effects: Effects
    ) -> None:
        self._audiences = frozenset({issuer, f"{issuer}/token"})
        self._clients = clients
        self._shelf = shelf
        self._effects = effects
        self._keys = keys

    def authenticate(self, request: Request) -> Client:
        """Raises ProtocolError."""
        presented = read_presented(request)
        client = self._clients.find(presented.client_id)
        usable = client is not None and not client.disabled and _registered_method(client) is presented.method
        if not self._proves(presented, client if usable else None) or client is None:
            raise _refusal(presented, client)
        return client

    def _proves(self, presented: Presented, client: Client | None) -> bool:
        """`client` is None unless it is one that may authenticate, and does it in this way."""
        match presented.method:
            case AuthMethod.BASIC | AuthMethod.POST:
                return self._secret_is_right(client, presented.proof)
            case AuthMethod.PRIVATE_KEY_JWT:
                return client is not None and self._assertion_is_right(client, presented.proof)
            case AuthMethod.NONE:
                return client is not None

    def _secret_is_right(self, client: Client | None, secret: str) -> bool:
        """All of the client's secrets are compared, or a stand-in, so that time tells nothing."""
        given = hashlib.sha256(secret.encode()).hexdigest()
        now = self._effects.now()
        right = False
        for known in client.secrets if client is not None else (_NOBODYS,):
            equal = hmac.compare_digest(given, known["hash"])
            right = right or (equal and _is_current(known, now))
        return right

    def _assertion_is_right(self, client: Client, assertion: str) -> bool:
        """RFC 7523 section 3; `aud` as OpenID Connect Core 9 and FAPI 2.0 have it. Used up by being right."""
        try:
            claims = jose.verify(
                assertion,
                find_key=lambda kid, alg: self._keys.find_verifier(client, kid, alg),
                algorithms=_algorithms_of(client),
                types=_TYPES,
            )
            expires_at = self._require_claims(claims, client)
        except TokenError:
            return False
        except KeysUnavailableError as error:
            # RFC 6749 section 5.2 leaves room to say why: whoever registered the address can mend it.
            raise ProtocolError(
                ErrorCode.INVALID_CLIENT, f"Client authentication failed: {error}.", status=401
            ) from None
        key = f"{client.client_id}\x1f{claims['jti']}"
        return self._shelf.add(_SPENT, key, {}, expires_at=expires_at + SKEW_SECONDS)

    def _require_claims(self, claims: Mapping[str, Any], client: Client) -> Instant:
        now = self._effects.now()
        if claims.get("iss") != client.client_id or claims.get("sub") != client.client_id:
            raise TokenError("iss and sub must be the client")
        if self._audiences.isdisjoint(jose.audiences(claims)):
            raise TokenError("for another audience")
        expires_at = jose.numeric_date(claims, "exp")
        if (
            expires_at is None
            or not now - SKEW_SECONDS < expires_at <= now + ASSERTION_SECONDS + SKEW_SECONDS
        ):
            raise TokenError("expired, or lives too long")
        for name in ("nbf", "iat"):
            if (jose.numeric_date(claims, name) or 0.0) > now + SKEW_SECONDS:
                raise TokenError(f"{name} is in the future")
        jti = claims.get("jti")
        if not isinstance(jti, str) or not 0 < len(jti) <= 255:
            raise TokenError("no usable jti")
        return expires_at


def read_presented(request: Request) -> Presented:
    """RFC 6749 section 2.3: "The client MUST NOT use more than one authentication method in each request"."""
    form = request.form
    header = request.headers.get("authorization")
    ways = [header is not None, form.has("client_secret"), form.has("client_assertion")]
    if sum(ways) > 1:
        raise ProtocolError(ErrorCode.INVALID_REQUEST, "More than one way of client authentication is used.")
    if header is not None:
        return _read_basic(header, form)
    if form.has("client_secret"):
        return Presented(AuthMethod.POST, form.find("client_id") or "", form.get("client_secret"))
    if form.has("client_assertion") or form.has("client_assertion_type"):
        return _read_assertion(form)
    client_id = form.find("client_id")
    if client_id is None:
        raise _refusal(None, None)
    return Presented(AuthMethod.NONE, client_id)


def _read_basic(header: str, form: Parameters) -> Presented:
    """RFC 6749 section 2.3.1: both parts are form-urlencoded before they are joined and base64 encoded."""
    scheme, _, value = header.partition(" ")
    try:
        if scheme.lower() != "basic":
            raise ValueError
        client_id, colon, secret = base64.b64decode(value.strip(), validate=True).decode().partition(":")
    except (ValueError, binascii.Error):
        raise _refusal(Presented(AuthMethod.BASIC, ""), None) from None
    presented = Presented(AuthMethod.BASIC, unquote_plus(client_id), unquote_plus(secret))
    if not colon or "\0" in presented.client_id or form.find("client_id") not in {None, presented.client_id}:
        raise _refusal(presented, None)
    return presented


def _read_assertion(form: Parameters) -> Presented:
    if form.find("client_assertion_type") != ASSERTION_TYPE:
        raise ProtocolError(ErrorCode.INVALID_REQUEST, "The client assertion type is not supported.")
    assertion = form.get("client_assertion")
    try:
        subject = str(jose.peek(assertion)[1].get("sub", ""))
    except TokenError:
        subject = ""
    presented = Presented(AuthMethod.PRIVATE_KEY_JWT, subject, assertion)
    if form.find("client_id") not in {None, subject}:
        raise _refusal(presented, None)
    return presented


def _refusal(presented: Presented | None, client: Client | None) -> ProtocolError:
    """RFC 6749 section 5.2: 401, and a challenge for who tried with the Authorization header."""
    how = presented.method.value if presented is not None else "nothing"
    return ProtocolError(
        ErrorCode.INVALID_CLIENT,
        "Client authentication failed.",
        detail=f"by {how}" + (f" as {client.client_id}" if client is not None else ", no such client"),
        status=401,
        headers=_BASIC_CHALLENGE if presented is not None and presented.method is AuthMethod.BASIC else (),
    )


def _registered_method(client: Client) -> AuthMethod:
    return AuthMethod(client.registered.get("token_endpoint_auth_method", AuthMethod.BASIC))


def _algorithms_of(client: Client) -> frozenset[str]:
    registered = client.registered.get("token_endpoint_auth_signing_alg")
    return frozenset({registered} if registered else ASSERTION_ALGORITHMS)


def _is_current(secret: Mapping[str, Any], now: Instant) -> bool:
    return secret.get("expires_at") is None or now < secret["expires_at"]
