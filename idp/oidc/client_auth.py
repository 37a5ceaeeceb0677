"""Who is asking: client authentication (RFC 6749 section 2.3, OpenID Connect Core 9, RFC 8705 section 2).

A client authenticates in exactly the way it is registered for. What an unverified request says decides only
whom to look up. Every refusal reads the same. Not here: how a secret, an assertion or a certificate is found
right (`client_secrets.py`, `client_assertions.py`, `client_certificates.py`).
"""

import base64
import binascii
from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import Enum, auto
from typing import Final
from urllib.parse import unquote_plus

from idp.models.clients import Client, Profile
from idp.oidc import jose
from idp.oidc.auth_methods import OF_FAPI, AuthMethod, method_of
from idp.oidc.client_assertions import Assertions
from idp.oidc.client_certificates import ClientCertificates
from idp.oidc.client_keys import KeysUnavailableError
from idp.oidc.client_secrets import SealedSecrets, secret_is_right
from idp.oidc.core import Core
from idp.oidc.errors import ErrorCode, ProtocolError
from idp.oidc.jose import TokenError
from idp.oidc.requests import Parameters, Request


class Way(Enum):
    """How it comes in a request, where several methods look alike."""

    HEADER = auto()
    SECRET_IN_BODY = auto()
    ASSERTION = auto()
    NAME_ALONE = auto()


WAYS: Final[Mapping[AuthMethod, Way]] = {
    AuthMethod.BASIC: Way.HEADER,
    AuthMethod.POST: Way.SECRET_IN_BODY,
    AuthMethod.PRIVATE_KEY_JWT: Way.ASSERTION,
    AuthMethod.SECRET_JWT: Way.ASSERTION,
    AuthMethod.TLS: Way.NAME_ALONE,
    AuthMethod.SELF_SIGNED_TLS: Way.NAME_ALONE,
    AuthMethod.NONE: Way.NAME_ALONE,
}

ASSERTION_TYPE: Final = "urn:ietf:params:oauth:client-assertion-type:jwt-bearer"
_BASIC_CHALLENGE: Final = (("WWW-Authenticate", 'Basic realm="visvaris"'),)


@dataclass(frozen=True, slots=True)
class Presented:
    """What the request brought, unverified."""

    way: Way
    client_id: str
    proof: str = field(default="", repr=False)
    certificate: bytes | None = field(default=None, repr=False)


class ClientAuthenticator:
    def __init__(self, core: Core) -> None:
        self._clients = core.clients
        self._effects = core.effects
        self._assertions = Assertions(
            core.options,
            keys=core.client_keys,
            secrets=SealedSecrets(core.vault, core.effects),
            shelf=core.shelf,
            effects=core.effects,
        )
        self._certificates = ClientCertificates(
            core.options.client_authorities, keys=core.client_keys, effects=core.effects
        )

    def authenticate(self, request: Request) -> Client:
        """Raises ProtocolError."""
        presented = read_presented(request)
        client = self._clients.find(presented.client_id)
        candidate = client if client is not None and _may_try(client, presented.way) else None
        try:
            proves = self._proves(presented, candidate) if candidate else self._fails_alike(presented)
        except KeysUnavailableError as error:
            # RFC 6749 section 5.2 leaves room to say why: whoever registered the address can mend it.
            raise ProtocolError(
                ErrorCode.INVALID_CLIENT, f"Client authentication failed: {error}.", status=401
            ) from None
        if candidate is None or not proves:
            raise _refusal(presented, client)
        return candidate

    def _proves(self, presented: Presented, client: Client) -> bool:
        match method_of(client.registered):
            case AuthMethod.BASIC | AuthMethod.POST:
                return secret_is_right(client, presented.proof, self._effects.now())
            case AuthMethod.PRIVATE_KEY_JWT:
                return self._assertions.is_by_key_of(client, presented.proof)
            case AuthMethod.SECRET_JWT:
                return self._assertions.is_by_secret_of(client, presented.proof)
            case AuthMethod.TLS:
                return self._certificates.is_issued_to(client, presented.certificate)
            case AuthMethod.SELF_SIGNED_TLS:
                return self._certificates.is_self_signed_by(client, presented.certificate)
            case AuthMethod.NONE:
                return True

    def _fails_alike(self, presented: Presented) -> bool:
        """Nobody's proof is looked at as a client's is, so that time does not tell who is one."""
        match presented.way:
            case Way.HEADER | Way.SECRET_IN_BODY:
                secret_is_right(None, presented.proof, self._effects.now())
            case Way.ASSERTION:
                self._assertions.is_by_secret_of(None, presented.proof)
            case Way.NAME_ALONE:
                pass
        return False


def _may_try(client: Client, way: Way) -> bool:
    method = method_of(client.registered)
    fits_profile = client.profile != Profile.FAPI2.value or method in OF_FAPI
    return not client.disabled and fits_profile and WAYS[method] is way


def read_presented(request: Request) -> Presented:
    """RFC 6749 section 2.3: "The client MUST NOT use more than one authentication method in each request".

    A certificate counts only for whom it is registered: others have one to bind their tokens to.
    """
    form = request.form
    header = request.headers.get("authorization")
    ways = [header is not None, form.has("client_secret"), form.has("client_assertion")]
    if sum(ways) > 1:
        raise ProtocolError(ErrorCode.INVALID_REQUEST, "More than one way of client authentication is used.")
    if header is not None:
        return _read_basic(header, form)
    if form.has("client_secret"):
        return Presented(Way.SECRET_IN_BODY, form.find("client_id") or "", form.get("client_secret"))
    if form.has("client_assertion") or form.has("client_assertion_type"):
        return _read_assertion(form)
    client_id = form.find("client_id")
    if client_id is None:
        raise _refusal(None, None)
    return Presented(Way.NAME_ALONE, client_id, certificate=request.certificate)


def _read_basic(header: str, form: Parameters) -> Presented:
    """RFC 6749 section 2.3.1: both parts are form-urlencoded before they are joined and base64 encoded."""
    scheme, _, value = header.partition(" ")
    try:
        if scheme.lower() != "basic":
            raise ValueError
        client_id, colon, secret = base64.b64decode(value.strip(), validate=True).decode().partition(":")
    except (ValueError, binascii.Error):
        raise _refusal(Presented(Way.HEADER, ""), None) from None
    presented = Presented(Way.HEADER, unquote_plus(client_id), unquote_plus(secret))
    if not colon or "\0" in presented.client_id or form.find("client_id") not in {None, presented.client_id}:
        raise _refusal(presented, None)
    return presented


def _read_assertion(form: Parameters) -> Presented:
    if form.find("client_assertion_type") != ASSERTION_TYPE:
        raise ProtocolError(ErrorCode.INVALID_REQUEST, "The client assertion type is not supported.")
    assertion = form.get("client_assertion")
    try:
        subject = jose.peek(assertion)[1].get("sub")
    except TokenError:
        subject = None
    presented = Presented(Way.ASSERTION, _storable(subject), assertion)
    if form.find("client_id") not in {None, presented.client_id}:
        raise _refusal(presented, None)
    return presented


def _storable(subject: object) -> str:
    """What could be an identifier at all: text a database takes, which JSON's escapes need not be."""
    if not isinstance(subject, str) or len(subject) > 255 or not subject.isprintable():
        return ""
    return subject


def _refusal(presented: Presented | None, client: Client | None) -> ProtocolError:
    """RFC 6749 section 5.2: 401, and a challenge for who tried with the Authorization header."""
    how = presented.way.name.lower().replace("_", " ") if presented is not None else "nothing"
    return ProtocolError(
        ErrorCode.INVALID_CLIENT,
        "Client authentication failed.",
        detail=f"by {how}" + (f" as {client.client_id}" if client is not None else ", no such client"),
        status=401,
        headers=_BASIC_CHALLENGE if presented is not None and presented.way is Way.HEADER else (),
    )
