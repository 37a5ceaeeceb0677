"""A controller in every state of not answering: it speaks TLS and as much LDAP as a test lets it.

For what a real one does only when it is broken. `answers` says which requests are answered, by their tag; the
rest hear nothing. Not here: a directory (`samba.py`).
"""

import contextlib
import socket
import ssl
import threading
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field

from tests.support.certificates import Authority

BIND, SEARCH, UNBIND = 0x60, 0x63, 0x42
_ANSWER_TO = {BIND: 0x61, SEARCH: 0x65}
SUCCESS, REFERRAL, BUSY, UNWILLING, OPERATIONS_ERROR = 0, 10, 51, 53, 1


@dataclass
class Mute:
    """`answers`: result code by the tag of the request. `asked`: tags that were heard, in order."""

    listener: socket.socket
    context: ssl.SSLContext | None
    answers: Mapping[int, int]
    entries: bytes = b""
    """What comes before the result of a search."""
    asked: list[int] = field(default_factory=list)
    hangs_up_after: int | None = None
    """The tag after which the connection ends without an answer."""
    _open: list[socket.socket] = field(default_factory=list)

    @property
    def address(self) -> str:
        host, port = self.listener.getsockname()
        return f"{host}:{port}"

    def serve(self) -> None:
        while True:
            try:
                near, _ = self.listener.accept()
            except OSError:
                return
            self._open.append(near)
            threading.Thread(target=self._speak, args=(near,), daemon=True).start()

    def _speak(self, near: socket.socket) -> None:
        if self.context is None:
            return
        with contextlib.suppress(OSError), self.context.wrap_socket(near, server_side=True) as secured:
            self._open.append(secured)
            while True:
                number, tag = _read_request(secured)
                self.asked.append(tag)
                if tag == self.hangs_up_after:
                    return
                if tag in self.answers:
                    if tag == SEARCH:
                        secured.sendall(_message(number, self.entries) if self.entries else b"")
                    secured.sendall(_message(number, _result(_ANSWER_TO[tag], self.answers[tag])))

    def close(self) -> None:
        for each in self._open:
            with contextlib.suppress(OSError):
                each.shutdown(socket.SHUT_RDWR)
            each.close()


@contextmanager
def mute_directory(
    authority: Authority | None, answers: Mapping[int, int] | None = None, *, at: str = "127.0.0.1"
) -> Iterator[Mute]:
    """Without an authority it takes the connection and says nothing at all."""
    context = None
    if authority is not None:
        certificate = authority.server(at)
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        context.load_cert_chain(certificate.certificate, certificate.key)
    with socket.create_server((at, 0), backlog=64) as listener:
        made = Mute(listener, context, answers or {})
        thread = threading.Thread(target=made.serve, daemon=True)
        thread.start()
        yield made
        listener.shutdown(socket.SHUT_RDWR)
        thread.join()
        made.close()


def entry(dn: str, **attributes: bytes | list[bytes]) -> bytes:
    """One found entry, as a search tells it (RFC 4511 section 4.5.2)."""
    listed = b"".join(
        _tlv(0x30, _tlv(0x04, name.encode()) + _tlv(0x31, b"".join(_tlv(0x04, each) for each in _all(value))))
        for name, value in attributes.items()
    )
    return _tlv(0x64, _tlv(0x04, dn.encode()) + _tlv(0x30, listed))


def _all(value: bytes | list[bytes]) -> list[bytes]:
    return value if isinstance(value, list) else [value]


def reference(url: str) -> bytes:
    return _tlv(0x73, _tlv(0x04, url.encode()))


def _message(number: bytes, body: bytes) -> bytes:
    return _tlv(0x30, _tlv(0x02, number) + body)


def _result(tag: int, code: int) -> bytes:
    referral = _tlv(0xA3, _tlv(0x04, b"ldap://127.0.0.1:9/DC=x")) if code == REFERRAL else b""
    return _tlv(tag, _tlv(0x0A, bytes([code])) + _tlv(0x04, b"") + _tlv(0x04, b"") + referral)


def _tlv(tag: int, value: bytes) -> bytes:
    if len(value) < 0x80:
        return bytes([tag, len(value)]) + value
    length = len(value).to_bytes((len(value).bit_length() + 7) // 8, "big")
    return bytes([tag, 0x80 | len(length)]) + length + value


def _read_request(secured: ssl.SSLSocket) -> tuple[bytes, int]:
    _, body = _read_tlv(secured)
    return body[2 : 2 + body[1]], body[2 + body[1]]


def _read_tlv(secured: ssl.SSLSocket) -> tuple[int, bytes]:
    tag, length = _read(secured, 2)
    if length & 0x80:
        length = int.from_bytes(_read(secured, length & 0x7F), "big")
    return tag, _read(secured, length)


def _read(secured: ssl.SSLSocket, many: int) -> bytes:
    read = b""
    while len(read) < many:
        part = secured.recv(many - len(read))
        if not part:
            raise ConnectionError
        read += part
    return read
