"""Carries what libldap says into a TLS connection that we opened and checked ourselves.

libldap's own handshake cannot be bounded: with a controller that takes the connection and says nothing it
spins for ever, whatever its timeouts say. So libldap speaks into one end of a socket pair, and a thread
carries it on. It ends when either side does, or when nothing was said for a minute. The same thread opens the
connection, since neither asking for a name nor a handshake that comes byte by byte can be bounded otherwise:
whoever waits for it goes away in time, and it closes what it opened when it is done.
"""

import contextlib
import selectors
import socket
import ssl
import threading
from collections.abc import Callable
from concurrent.futures import Future
from typing import Any, Final

_IDLE_SECONDS: Final = 60.0
_SEND_SECONDS: Final = 3.0
_BYTES: Final = 65536


def carried(open_one: Callable[[], ssl.SSLSocket], seconds: float) -> int:
    """The file descriptor that is to be spoken into; whoever gets it closes it.

    Raises what `open_one` raises, and TimeoutError when it takes longer.
    """
    ours, theirs = socket.socketpair()
    opened: Future[None] = Future()
    threading.Thread(target=_serve, args=(ours, open_one, opened), daemon=True, name="ldap-tunnel").start()
    try:
        opened.result(seconds)
    except BaseException:
        theirs.close()  # which ends the thread, as soon as it looks
        raise
    return theirs.detach()


def _serve(ours: socket.socket, open_one: Callable[[], ssl.SSLSocket], opened: Future[None]) -> None:
    with ours:
        try:
            secured = open_one()
        except BaseException as error:  # noqa: BLE001  it belongs to who waits
            opened.set_exception(error)
            return
        with secured:
            secured.setblocking(False)
            opened.set_result(None)
            _carry(ours, secured)


def _carry(ours: socket.socket, secured: ssl.SSLSocket) -> None:
    with contextlib.suppress(OSError, ValueError):
        while readable := _wait_for([ours, secured], selectors.EVENT_READ, _IDLE_SECONDS):
            if ours in readable:
                said = ours.recv(_BYTES)
                if not said:
                    return
                _send(secured, said)
            if secured in readable and not _take_in(secured, ours):
                return


def _take_in(secured: ssl.SSLSocket, ours: socket.socket) -> bool:
    """All that has come so far; False when no more will."""
    while True:
        try:
            heard = secured.recv(_BYTES)
        except ssl.SSLWantReadError:
            return True
        if not heard:
            return False
        ours.sendall(heard)


def _send(secured: ssl.SSLSocket, said: bytes) -> None:
    left = memoryview(said)
    while left:
        try:
            left = left[secured.send(left) :]
        except (ssl.SSLWantWriteError, ssl.SSLWantReadError):
            if not _wait_for([secured], selectors.EVENT_WRITE, _SEND_SECONDS):
                raise TimeoutError from None


def _wait_for(sockets: list[socket.socket], event: int, seconds: float) -> list[Any]:
    with selectors.DefaultSelector() as selector:  # select() knows no descriptor above 1023
        for each in sockets:
            selector.register(each, event)
        return [key.fileobj for key, _ in selector.select(seconds)]
