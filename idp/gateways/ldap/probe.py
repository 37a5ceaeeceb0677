"""Reaches for a controller: its name, its port, TLS with a certificate of the municipality's authority for
that name. Nothing of the directory is asked here.
"""

import socket
import ssl
from dataclasses import dataclass
from typing import Final

from idp.gateways.ldap.route import Route
from idp.gateways.ldap.values import Controller
from idp.models.directories import Encryption

_START_TLS: Final = b"\x30\x1d\x02\x01\x01\x77\x18\x80\x16" + b"1.3.6.1.4.1.1466.20037"
"""An extended request (RFC 4511 section 4.14.1), message 1."""
_SUCCESS: Final = b"\x0a\x01\x00"
_ANSWER_BYTES: Final = 4096
_SEQUENCE: Final = 0x30


class UntrustedError(Exception):
    """The controller is there, and did not prove to be the one that was meant; the text says why."""


@dataclass(frozen=True, slots=True)
class Shaken:
    version: str
    expires: str
    """As the certificate says it."""


def addresses_of(controller: Controller) -> list[str]:
    """Raises OSError for a name that nobody knows."""
    found = socket.getaddrinfo(controller.host, controller.port, type=socket.SOCK_STREAM)
    return list(dict.fromkeys(str(each[4][0]) for each in found))


def reach(controller: Controller, seconds: float) -> socket.socket:
    """Raises OSError."""
    reached = socket.create_connection((controller.host, controller.port), timeout=seconds)
    # A question right behind the handshake would otherwise wait 40 ms for a late acknowledgement.
    reached.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
    return reached


def secure(route: Route, controller: Controller, seconds: float) -> ssl.SSLSocket:
    """An encrypted connection to who was meant. Raises OSError when there is nobody, UntrustedError when it
    is somebody else.
    """
    plain = reach(controller, seconds)
    try:
        if route.encryption is Encryption.STARTTLS:
            _ask_for_tls(plain)
        return _trusting(route.ca_pem).wrap_socket(plain, server_hostname=controller.host)
    except ssl.SSLCertVerificationError as error:
        plain.close()
        raise UntrustedError(error.verify_message) from None
    except ssl.SSLError as error:
        plain.close()
        raise UntrustedError(f"no TLS connection: {error.reason or error}") from None
    except (OSError, UntrustedError):
        plain.close()
        raise


def shake_hands(route: Route, controller: Controller, seconds: float) -> Shaken:
    """Raises like `secure`."""
    with secure(route, controller, seconds) as shaken:
        certificate = shaken.getpeercert() or {}
        return Shaken(shaken.version() or "", str(certificate.get("notAfter", "")))


def ca_fault(pem: str) -> str | None:
    """What is wrong with the certificates that are to be trusted."""
    try:
        _trusting(pem)
    except (ssl.SSLError, ValueError) as error:
        return f"they cannot be read: {error}"
    return None


def _trusting(ca_pem: str) -> ssl.SSLContext:
    """Trusts the municipality's certificates alone, each for itself."""
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    context.minimum_version = ssl.TLSVersion.TLSv1_2
    context.verify_flags |= ssl.VERIFY_X509_PARTIAL_CHAIN
    context.load_verify_locations(cadata=ca_pem)
    return context


def _ask_for_tls(plain: socket.socket) -> None:
    """Reads that one answer and not a byte more, since all that follows is TLS."""
    plain.sendall(_START_TLS)
    tag, length = _read(plain, 2)
    if length & 0x80:
        length = int.from_bytes(_read(plain, length & 0x7F), "big")
    if tag != _SEQUENCE or length > _ANSWER_BYTES or _SUCCESS not in _read(plain, length):
        raise UntrustedError("it refuses StartTLS")


def _read(plain: socket.socket, many: int) -> bytes:
    read = b""
    while len(read) < many:
        part = plain.recv(many - len(read))
        if not part:
            raise UntrustedError("it ends the connection instead of StartTLS")
        read += part
    return read
