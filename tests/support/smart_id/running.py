"""The service on a loopback port, over TLS, and what a relying party has to know of it.

The same port takes plain http as well, for browsers that do not know our authority: the phone's pages, and the
responder, as in life. The API itself answers over TLS alone.
"""

import base64
import hashlib
import socket
import ssl
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from cryptography import x509
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat
from werkzeug.serving import ThreadedWSGIServer, WSGIRequestHandler

from tests.support.certificates import Issued
from tests.support.smart_id.authority import SmartIdAuthority
from tests.support.smart_id.service import PREFIX, Service
from tests.support.smart_id.web import PhonePages

TLS_HANDSHAKE = b"\x16"
"""The first byte of a connection that is to be encrypted; of a request it is a letter."""
SILENCE_SECONDS = 30.0


class _Quiet(WSGIRequestHandler):
    def make_environ(self) -> dict[str, Any]:
        encrypted = isinstance(self.connection, ssl.SSLSocket)
        return super().make_environ() | {"wsgi.url_scheme": "https" if encrypted else "http"}

    def log(self, *_: Any, **__: Any) -> None:
        """Nothing."""

    def connection_dropped(self, *_: Any, **__: Any) -> None:
        """Some tests are about it."""


class _Both(ThreadedWSGIServer):
    """With TLS or without, as each connection begins."""

    daemon_threads = True
    block_on_close = False

    def __init__(self, listening: socket.socket, tls: ssl.SSLContext, application: Any) -> None:
        self._tls = tls
        super().__init__("127.0.0.1", 0, application, _Quiet, fd=listening.fileno())

    def finish_request(self, request: Any, client_address: Any) -> None:
        with suppress(OSError):
            request.settimeout(SILENCE_SECONDS)
            begins = request.recv(1, socket.MSG_PEEK)
            request.settimeout(None)
            if begins != TLS_HANDSHAKE:
                super().finish_request(request, client_address)
                return
            with self._tls.wrap_socket(request, server_side=True) as encrypted:
                super().finish_request(encrypted, client_address)
                encrypted.shutdown(socket.SHUT_WR)


@dataclass(frozen=True)
class Emulator:
    service: Service
    pin: str
    """`sha256//…` of its TLS key."""
    anchors: Path

    @property
    def base_url(self) -> str:
        return self.service.base_url


def pin_of(issued: Issued) -> str:
    certificate = x509.load_pem_x509_certificate(issued.certificate.read_bytes())
    key = certificate.public_key().public_bytes(Encoding.DER, PublicFormat.SubjectPublicKeyInfo)
    return "sha256//" + base64.b64encode(hashlib.sha256(key).digest()).decode()


@contextmanager
def running_emulator(
    issued: Issued,
    authority: SmartIdAuthority,
    clock: Callable[[], float],
    *,
    folder: Path,
    port: int = 0,
) -> Iterator[Emulator]:
    """`folder`: where the authorities to trust are written. Raises OSError for a port in use."""
    tls = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    tls.load_cert_chain(issued.certificate, issued.key)
    with socket.create_server(("127.0.0.1", port)) as listening:
        origin = f"https://localhost:{listening.getsockname()[1]}"
        authority.tell_responder(f"{origin}/ocsp")
        service = Service(authority, clock, origin=origin)
        server = _Both(listening, tls, _with_pages(service))
    anchors = folder / "smart-id-anchors.pem"
    anchors.write_bytes(authority.anchors_pem)
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.02}, daemon=True)
    thread.start()
    try:
        yield Emulator(service, pin_of(issued), anchors)
    finally:
        server.shutdown()
        thread.join()
        server.server_close()


def _with_pages(service: Service) -> Any:
    pages = PhonePages(service)

    def answer(environ: dict[str, Any], start_response: Any) -> Any:
        path = environ["PATH_INFO"]
        if pages.serves(path):
            return pages(environ, start_response)
        if path.startswith(PREFIX) and environ["wsgi.url_scheme"] != "https":
            start_response("403 Forbidden", [("Content-Type", "text/plain")])
            return [b"Smart-ID is asked over TLS only.\n"]
        return service(environ, start_response)

    return answer
