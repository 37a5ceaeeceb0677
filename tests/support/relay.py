"""Passes bytes on to another address, and can be cut: what a network does to a connection."""

import contextlib
import socket
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field


@dataclass
class Relay:
    listener: socket.socket
    to: tuple[str, int]
    frozen: bool = False
    """Then nothing more comes through, though every connection stays."""
    _open: list[socket.socket] = field(default_factory=list)
    _threads: list[threading.Thread] = field(default_factory=list)

    @property
    def address(self) -> str:
        host, port = self.listener.getsockname()
        return f"{host}:{port}"

    def cut(self) -> None:
        """Every connection there is; new ones are passed on as before."""
        for each in self._open:
            with contextlib.suppress(OSError):
                each.shutdown(socket.SHUT_RDWR)

    def serve(self) -> None:
        while True:
            try:
                near, _ = self.listener.accept()
            except OSError:
                return
            far = socket.create_connection(self.to)
            self._open += [near, far]
            for source, sink in ((near, far), (far, near)):
                thread = threading.Thread(target=_pass_on, args=(self, source, sink), daemon=True)
                self._threads.append(thread)
                thread.start()

    def close(self) -> None:
        self.cut()
        for thread in self._threads:
            thread.join()
        for each in self._open:
            each.close()


@contextmanager
def relay(to: str, port: int, *, at: str = "127.0.0.1") -> Iterator[Relay]:
    with socket.create_server((at, 0), backlog=16) as listener:
        made = Relay(listener, (to, port))
        thread = threading.Thread(target=made.serve, daemon=True)
        thread.start()
        yield made
        listener.shutdown(socket.SHUT_RDWR)
        thread.join()
        made.close()


def _pass_on(relay: Relay, source: socket.socket, sink: socket.socket) -> None:
    with contextlib.suppress(OSError):
        while data := source.recv(65536):
            if not relay.frozen:
                sink.sendall(data)
    for each in (source, sink):
        with contextlib.suppress(OSError):
            each.shutdown(socket.SHUT_RDWR)
