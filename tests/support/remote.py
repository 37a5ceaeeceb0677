"""Somebody else's web server on loopback, over TLS: what an application publishes, or where it takes notices.

Real sockets and the real wire format; what it answers is set by the test, and what it was asked is told to it.
"""

import ssl
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

from tests.support.certificates import Issued


@dataclass(frozen=True)
class Received:
    method: str
    path: str
    headers: dict[str, str]
    body: bytes


@dataclass
class Reply:
    body: bytes = b""
    status: int = 200
    headers: dict[str, str] = field(default_factory=lambda: {"Content-Type": "application/json"})
    drips_until: threading.Event | None = None
    """A byte at a time, each in good time, and the whole never before this is set."""


Answer = Callable[[Received], Reply]


@dataclass
class Remote:
    """`answers` by path; a path that has none is 404."""

    base_url: str
    answers: dict[str, Answer | Reply] = field(default_factory=dict)
    received: list[Received] = field(default_factory=list)

    def url(self, path: str) -> str:
        return self.base_url + path

    def asked(self, path: str) -> list[Received]:
        return [request for request in self.received if request.path.partition("?")[0] == path]


@contextmanager
def remote_server(issued: Issued | None) -> Iterator[Remote]:
    """Over TLS with this certificate, or in the clear without one."""
    remote = Remote("")

    class Handler(BaseHTTPRequestHandler):
        def _answer(self) -> None:
            length = int(self.headers.get("Content-Length") or 0)
            received = Received(self.command, self.path, dict(self.headers.items()), self.rfile.read(length))
            remote.received.append(received)
            answer = remote.answers.get(self.path.partition("?")[0], Reply(b"{}", 404))
            reply = answer if isinstance(answer, Reply) else answer(received)
            self.send_response(reply.status)
            for name, value in reply.headers.items():
                self.send_header(name, value)
            if reply.drips_until is None:
                self.send_header("Content-Length", str(len(reply.body)))
            self.end_headers()
            if reply.drips_until is not None:
                while not reply.drips_until.wait(0.02):
                    self.wfile.write(b" ")
            self.wfile.write(reply.body)

        do_GET = do_POST = _answer

        def log_message(self, *args: Any) -> None:
            """Quiet."""

    class Server(ThreadingHTTPServer):
        daemon_threads = True

        def handle_error(self, *args: Any) -> None:
            """A client that hangs up is what some tests are about."""

    server = Server(("127.0.0.1", 0), Handler)
    if issued is not None:
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        context.load_cert_chain(issued.certificate, issued.key)
        server.socket = context.wrap_socket(server.socket, server_side=True, do_handshake_on_connect=False)
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.02}, daemon=True)
    thread.start()
    scheme = "https" if issued is not None else "http"
    remote.base_url = f"{scheme}://localhost:{server.server_address[1]}"
    try:
        yield remote
    finally:
        server.shutdown()
        thread.join()
        server.server_close()
