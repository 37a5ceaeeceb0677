"""The client's TLS certificate as the proxy in front tells it, in the header `Client-Cert` (RFC 9440).

It counts from a listed proxy and from nobody else, since anybody can write a header; that the proxy removes
what a client sent under this name is the proxy's part (section 4). Not here: what a certificate proves
(`oidc/client_certificates.py`), and the rest of its chain (`Client-Cert-Chain`), for which there is no use.
"""

import base64
import binascii
import re
from collections.abc import Mapping, Sequence
from typing import Final

from cryptography import x509

from idp.oidc.errors import ErrorCode, ProtocolError
from idp.web.http import is_from_trusted_proxy
from idp.web.site import Network

CHARACTERS_AT_MOST: Final = 16 * 1024
_ENVIRON_NAME: Final = "HTTP_CLIENT_CERT"
_BYTE_SEQUENCE: Final = re.compile(r" *:([A-Za-z0-9+/]+={0,2}): *")
"""RFC 8941 section 3.3.5, without parameters, of which RFC 9440 has none."""


def client_certificate(environ: Mapping[str, object], trusted: Sequence[Network]) -> bytes | None:
    """DER. Raises ProtocolError when a trusted proxy sent what is no certificate."""
    header = environ.get(_ENVIRON_NAME)
    if not header or not is_from_trusted_proxy(environ, trusted):
        return None
    der = _decode(str(header))
    try:
        x509.load_der_x509_certificate(der)
    except (ValueError, x509.InvalidVersion):
        raise _unreadable("not a certificate") from None
    return der


def _decode(header: str) -> bytes:
    if len(header) > CHARACTERS_AT_MOST:
        raise _unreadable("too long")
    found = _BYTE_SEQUENCE.fullmatch(header)
    try:
        return base64.b64decode(found[1], validate=True) if found else b""
    except binascii.Error:
        raise _unreadable("not a byte sequence") from None


def _unreadable(why: str) -> ProtocolError:
    return ProtocolError(
        ErrorCode.INVALID_REQUEST, "The client certificate cannot be read.", detail=f"Client-Cert: {why}"
    )
