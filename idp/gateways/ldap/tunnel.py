"""Carries what libldap says into a TLS connection that we opened and checked ourselves.

libldap's own handshake cannot be bounded: with a controller that takes the connection and says nothing it
spins for ever, whatever its timeouts say. So libldap speaks into one end of a socket pair, and a thread
carries it on. It ends when either side does, or when nothing was said for a minute.
"""

import contextlib
import selectors
import socket
import ssl
import threading
from typing import Any, Final

_IDLE_SECONDS: Final = 60.0
_SEND_SECONDS: Final = 3.0
_BYTES: Final = 65536


def carried(secured: ssl.SSLSocket) -> int:
    """The file descriptor that is to be spoken into; whoever gets it closes it."""
    ours, theirs = socket.socketpair()
    secured.setblocking(False)
    ours.setblocking(True)
    threading.Thread(target=_carry, args=(ours, secured), daemon=True, name="ldap-tunnel").start()
    return theirs.detach()


def _carry(ours: socket.socket, secured: ssl.SSLSocket) -> None:
    with contextlib.suppress(OSError, ValueError), ours, secured:
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
