"""The service on a loopback port, and somebody who goes there without a browser."""

import re
import ssl
import threading
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

import httpx
from werkzeug.serving import WSGIRequestHandler, make_server

from tests.support.certificates import Issued
from tests.support.eparaksts.people import Person
from tests.support.eparaksts.service import Service


class _Quiet(WSGIRequestHandler):
    def log(self, *_: Any, **__: Any) -> None:
        """Nothing."""

    def connection_dropped(self, *_: Any, **__: Any) -> None:
        """Some tests are about it."""


@dataclass(frozen=True)
class Emulator:
    service: Service
    origin: str


@dataclass
class Visitor:
    """A browser as far as the service sees one; it is left where it was sent back to."""

    http: httpx.Client

    def proves(self, person: Person, address: str) -> str:
        """Proves to be that person; returns the query it was sent back with."""
        return self._answers(address, person=person.serial_number)

    def declines(self, address: str) -> str:
        return self._answers(address, decline="1")

    def opens(self, address: str) -> httpx.Response:
        return self.http.get(address)

    def _answers(self, address: str, **pressed: str) -> str:
        page = self.opens(address)
        if page.status_code == httpx.codes.OK:
            request = re.search(r'name="request" value="([^"]+)"', page.text)
            action = re.search(r'action="([^"]+)"', page.text)
            assert request
            assert action
            page = self.http.post(str(page.url.join(action[1])), data={"request": request[1], **pressed})
        assert page.status_code == httpx.codes.FOUND
        return httpx.URL(page.headers["Location"]).query.decode()


@contextmanager
def running_emulator(
    clock: Callable[[], float], *, redirect_uris: Iterable[str], issued: Issued | None = None, port: int = 0
) -> Iterator[Emulator]:
    """Over TLS with that certificate, in the clear without one: a browser of the tests trusts no authority of ours."""
    tls = None
    if issued is not None:
        tls = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        tls.load_cert_chain(issued.certificate, issued.key)
    service = Service(clock, redirect_uris=redirect_uris)
    server = make_server("127.0.0.1", port, service, threaded=True, request_handler=_Quiet, ssl_context=tls)
    server.daemon_threads = True
    server.block_on_close = False
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.02}, daemon=True)
    thread.start()
    try:
        yield Emulator(service, f"{'https' if tls else 'http'}://localhost:{server.server_port}")
    finally:
        server.shutdown()
        thread.join()
        server.server_close()
