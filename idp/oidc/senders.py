"""Tokens that only their rightful sender can use: bound to a DPoP key (RFC 9449) or a certificate (RFC 8705).

At the token endpoint: to what the new tokens are bound, and for whom that may not be nothing. Where access
tokens are shown: whoever shows one proves possession of every key it is bound to. Not here: client
authentication by certificate (`client_auth.py`), who read the certificate (`web/`).
"""

import base64
import hashlib
import hmac
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from enum import StrEnum
from typing import Final

from idp.models.clients import Client, Profile
from idp.oidc.clients import Clients
from idp.oidc.dpop import DPoP, unproven
from idp.oidc.dpop_proofs import ALGORITHMS
from idp.oidc.errors import ErrorCode, ProtocolError
from idp.oidc.requests import Request
from idp.oidc.tokens import BEARER, AccessToken, Confirmation

JKT: Final = "jkt"
X5T: Final = "x5t#S256"
_REALM: Final = 'realm="visvaris"'
_ALGS: Final = f'algs="{" ".join(ALGORITHMS)}"'

Headers = tuple[tuple[str, str], ...]


class Scheme(StrEnum):
    """How an access token came (RFC 6750 section 2.1, RFC 9449 section 7.1)."""

    BEARER = "Bearer"
    DPOP = "DPoP"


@dataclass(frozen=True, slots=True)
class Binding:
    """To what the tokens of this answer are bound; `headers` go out with it."""

    bound_to: Confirmation
    headers: Headers = ()


_UNBOUND: Final = Binding(BEARER)


class Senders:
    def __init__(self, dpop: DPoP, clients: Clients) -> None:
        self._dpop = dpop
        self._clients = clients

    def bind(self, request: Request, client: Client) -> Binding:
        """At the token endpoint. Raises ProtocolError for a client that must be bound and is not."""
        bound_to: dict[str, str] = {}
        headers: Headers = ()
        if "dpop" in request.headers:
            shown = self._dpop.prove(request, needs_nonce=client.dpop_nonce)
            bound_to[JKT], headers = shown.jkt, shown.headers
        elif needs_proof(client):
            raise unproven("A DPoP proof is needed.")
        if needs_certificate(client):
            bound_to[X5T] = _certificate_of(request)
        return Binding(bound_to, headers) if bound_to else _UNBOUND

    def key_of_code(self, request: Request, client: Client, *, asked: str | None) -> str | None:
        """RFC 9449 section 10.1: at the pushed authorization request a proof does what `dpop_jkt` does, and
        where both come they agree. `asked` is `dpop_jkt`.
        """
        if "dpop" not in request.headers:
            return asked
        shown = self._dpop.prove(request, needs_nonce=client.dpop_nonce)
        if asked is not None and asked != shown.jkt:
            raise unproven("dpop_jkt names another key than the DPoP proof.")
        return shown.jkt

    def hold(self, request: Request, token: AccessToken, *, text: str, scheme: Scheme) -> Headers:
        """Where an access token is shown: the headers for the answer. Raises ProtocolError.

        The proof is used up, so this comes after all that can be said of the token itself.
        """
        bound_to = token.bound_to
        if not bound_to and scheme is Scheme.BEARER:
            return ()
        if not set(bound_to) <= {JKT, X5T}:
            raise _not_the_sender("bound in a way that is not known", scheme)
        if (JKT in bound_to) is not (scheme is Scheme.DPOP):
            # Section 7.2: a bound token as a bearer token would be good for whoever found it.
            raise _not_the_sender("the scheme is not the one the token is bound for", scheme)
        if X5T in bound_to:
            _hold_certificate(request, bound_to[X5T], scheme)
        if scheme is Scheme.DPOP:
            return self._hold_proof(request, token, text)
        return ()

    def _hold_proof(self, request: Request, token: AccessToken, text: str) -> Headers:
        client = self._clients.find(token.client_id)
        needs_nonce = client is not None and client.dpop_nonce
        try:
            if "dpop" not in request.headers:
                raise unproven("A DPoP proof is needed.")
            shown = self._dpop.prove(request, needs_nonce=needs_nonce, access_token=text)
        except ProtocolError as error:
            raise challenged(error, scheme=Scheme.DPOP) from None
        if not hmac.compare_digest(shown.jkt, token.bound_to[JKT]):
            raise _not_the_sender("bound to another key", Scheme.DPOP)
        return shown.headers


def needs_proof(client: Client) -> bool:
    """RFC 9449 section 5.2; FAPI 2.0 section 5.3.2.1: "shall only issue sender-constrained access tokens"."""
    if client.registered.get("dpop_bound_access_tokens"):
        return True
    return client.profile == Profile.FAPI2.value and not needs_certificate(client)


def needs_certificate(client: Client) -> bool:
    """RFC 8705 section 3.4"""
    return bool(client.registered.get("tls_client_certificate_bound_access_tokens"))


def hold_kept(
    kept: Mapping[str, str], shown: Confirmation, *, refused: Callable[[str], ProtocolError]
) -> None:
    """What was bound when it was given is used with the same keys. `refused` makes the error of a detail."""
    if JKT in kept and JKT not in shown:
        raise unproven("A DPoP proof is needed, by the key that was shown before.")
    if any(shown.get(name) != value for name, value in kept.items()):
        raise refused("bound to another key")


def thumbprint_of(certificate: bytes) -> str:
    """RFC 8705 section 3.1, of a certificate in DER."""
    return base64.urlsafe_b64encode(hashlib.sha256(certificate).digest()).rstrip(b"=").decode()


def challenges(scheme: Scheme | None = None, **told: str) -> Headers:
    """RFC 9449 section 7.2: both schemes are named; what was wrong is told to the one that was used."""
    extra = "".join(f', {name}="{value}"' for name, value in told.items())
    bearer = f"Bearer {_REALM}{extra if scheme is Scheme.BEARER else ''}"
    dpop = f"DPoP {_REALM}, {_ALGS}{extra if scheme is Scheme.DPOP else ''}"
    return ("WWW-Authenticate", bearer), ("WWW-Authenticate", dpop)


def challenged(error: ProtocolError, *, scheme: Scheme) -> ProtocolError:
    """The same refusal where access tokens are shown (RFC 9449 sections 7.1 and 9)."""
    told = challenges(scheme, error=error.error.value, error_description=error.description)
    return ProtocolError(
        error.error, error.description, detail=error.detail, status=401, headers=(*told, *error.headers)
    )


def _certificate_of(request: Request) -> str:
    if request.certificate is None:
        raise ProtocolError(ErrorCode.INVALID_REQUEST, "A client certificate is needed.")
    return thumbprint_of(request.certificate)


def _hold_certificate(request: Request, thumbprint: str, scheme: Scheme) -> None:
    """RFC 8705 section 3: "the same certificate"."""
    shown = thumbprint_of(request.certificate) if request.certificate is not None else ""
    if not hmac.compare_digest(shown, thumbprint):
        raise _not_the_sender("bound to another certificate", scheme)


def _not_the_sender(detail: str, scheme: Scheme) -> ProtocolError:
    refused = ProtocolError(ErrorCode.INVALID_TOKEN, "The access token is not valid.", detail=detail)
    return challenged(refused, scheme=scheme)
