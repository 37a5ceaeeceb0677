"""The service on a loopback port, over TLS, and what a relying party has to know of it."""

import base64
import hashlib
import ssl
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from cryptography import x509
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat
from werkzeug.serving import WSGIRequestHandler, make_server

from tests.support.certificates import Issued
from tests.support.smart_id.authority import SmartIdAuthority
from tests.support.smart_id.service import Service


class _Quiet(WSGIRequestHandler):
    def log(self, *_: Any, **__: Any) -> None:
        """Nothing."""

    def connection_dropped(self, *_: Any, **__: Any) -> None:
        """Some tests are about it."""


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
    """`folder`: where the authorities to trust are written."""
    tls = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    tls.load_cert_chain(issued.certificate, issued.key)
    made: list[Service] = []

    def answer(environ: dict[str, Any], start_response: Any) -> Any:
        """The service is made after the port is known."""
        return made[0](environ, start_response)

    server = make_server(
        "127.0.0.1",
        port,
        answer,
        threaded=True,
        request_handler=_Quiet,
        ssl_context=tls,
    )
    server.daemon_threads = True
    server.block_on_close = False
    origin = f"https://localhost:{server.server_port}"
    authority.tell_responder(f"{origin}/ocsp")
    made.append(Service(authority, clock, origin=origin))
    anchors = folder / "smart-id-anchors.pem"
    anchors.write_bytes(authority.anchors_pem)
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.02}, daemon=True)
    thread.start()
    try:
        yield Emulator(made[0], pin_of(issued), anchors)
    finally:
        server.shutdown()
        thread.join()
        server.server_close()
