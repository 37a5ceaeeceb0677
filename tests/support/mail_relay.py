"""A mail relay on loopback that speaks SMTP over TLS with the real wire format, as somebody else would run it.

What it answers to a command is set by the test (`trouble`), and what came is kept as it came.
"""

import base64
import socketserver
import ssl
import threading
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from email import message_from_bytes
from email.message import EmailMessage
from email.policy import SMTP
from typing import Any, cast

from tests.support.certificates import Issued

LINE = 4096


@dataclass(frozen=True)
class Taken:
    """One message as it arrived; `content` without the dots that were doubled on the way."""

    sender: str
    recipients: list[str]
    content: bytes
    tls: str | None
    login: tuple[str, str] | None

    @property
    def message(self) -> EmailMessage:
        return cast("EmailMessage", message_from_bytes(self.content, policy=SMTP))

    def part(self, kind: str) -> str:
        (part,) = (each for each in self.message.walk() if each.get_content_type() == f"text/{kind}")
        return str(part.get_content())


@dataclass
class MailRelay:
    """`trouble`: what to say, instead of what is usual, to `connecting`, to a command's first word, or `content`;
    each list is used up from its beginning. `hang_up_after`: the same words.
    """

    port: int = 0
    offers: list[str] = field(default_factory=list)
    logins: dict[str, str] = field(default_factory=dict)
    trouble: dict[str, list[bytes]] = field(default_factory=dict)
    hang_up_after: set[str] = field(default_factory=set)
    silent_after: set[str] = field(default_factory=set)
    taken: list[Taken] = field(default_factory=list)
    said: list[str] = field(default_factory=list)
    """Every command, whatever became of it, with whether it came encrypted."""
    stop: threading.Event = field(default_factory=threading.Event)


@contextmanager
def mail_relay(issued: Issued, *, security: str = "starttls", starttls: bool = True) -> Iterator[MailRelay]:
    """`security` "tls": encrypted from the first byte. `starttls`: whether it is offered and done."""
    relay = MailRelay(offers=["STARTTLS", "8BITMIME"] if starttls else ["8BITMIME"])
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(issued.certificate, issued.key)

    class Handler(socketserver.BaseRequestHandler):
        def handle(self) -> None:
            talk = _Talk(relay, self.request, context)
            try:
                with suppress(OSError, _HungUpError):
                    talk.run(encrypted=security == "tls")
            finally:
                talk.line.close()  # once it was encrypted it is no longer the one that the server closes

    class Server(socketserver.ThreadingTCPServer):
        daemon_threads = True
        allow_reuse_address = True

        def handle_error(self, *args: Any) -> None:
            """A client that refuses to talk is what some tests are about."""

    server = Server(("127.0.0.1", 0), Handler)
    relay.port = server.server_address[1]
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.02}, daemon=True)
    thread.start()
    try:
        yield relay
    finally:
        relay.stop.set()
        server.shutdown()
        thread.join()
        server.server_close()


class _HungUpError(Exception):
    pass


class _Talk:
    def __init__(self, relay: MailRelay, line: Any, context: ssl.SSLContext) -> None:
        self.relay, self.line, self.context = relay, line, context
        self.line.settimeout(10)
        self.read = b""
        self.sender = ""
        self.recipients: list[str] = []
        self.login: tuple[str, str] | None = None

    def run(self, *, encrypted: bool) -> None:
        if encrypted:
            self.encrypt()
        self.answer("connecting", b"220 relay.example.lv ESMTP")
        while True:
            command = self.next_line().decode("utf-8", "replace")
            is_secret = isinstance(self.line, ssl.SSLSocket)
            self.relay.said.append(f"{'tls' if is_secret else 'clear'} {command}")
            word = command.upper().partition(" ")[0]
            self.follow(word, command)
            if word == "QUIT":
                return

    def follow(self, word: str, command: str) -> None:
        match word:
            case "EHLO":
                offers = self.offers()
                lines = ["relay.example.lv greets you", *offers]
                said = [
                    f"250{' ' if index == len(lines) - 1 else '-'}{line}" for index, line in enumerate(lines)
                ]
                self.answer(word, "\r\n".join(said).encode())
            case "STARTTLS":
                if "STARTTLS" not in self.relay.offers:
                    self.answer(word, b"502 not here")
                    return
                self.answer(word, b"220 go ahead")
                self.encrypt()
            case "AUTH":
                self.log_in(command)
            case "MAIL":
                self.sender, self.recipients = _path(command), []
                self.answer(word, b"250 ok")
            case "RCPT":
                if self.answer(word, b"250 ok"):
                    self.recipients.append(_path(command))
            case "DATA":
                if self.answer(word, b"354 end with a dot"):
                    self.take()
            case "QUIT":
                self.answer(word, b"221 bye")
            case _:
                self.answer(word, b"500 what?")

    def offers(self) -> list[str]:
        is_secret = isinstance(self.line, ssl.SSLSocket)
        offers = [offer for offer in self.relay.offers if offer != "STARTTLS" or not is_secret]
        return [offer for offer in offers if not offer.startswith("AUTH") or is_secret]

    def log_in(self, command: str) -> None:
        _, way, *rest = command.split(" ")
        if way == "PLAIN":
            _, name, password = base64.b64decode(rest[0]).decode().split("\0")
        else:
            self.line.sendall(b"334 VXNlcm5hbWU6\r\n")
            name = base64.b64decode(self.next_line()).decode()
            self.line.sendall(b"334 UGFzc3dvcmQ6\r\n")
            password = base64.b64decode(self.next_line()).decode()
        if self.relay.logins.get(name) == password:
            self.login = (name, password)
            self.answer("AUTH", b"235 welcome")
        else:
            self.answer("AUTH", b"535 " + password.encode() + b" is wrong")

    def take(self) -> None:
        lines: list[bytes] = []
        while (line := self.next_line()) != b".":
            lines.append(line.removeprefix(b".") if line.startswith(b".") else line)
        content = b"\r\n".join(lines) + b"\r\n"
        tls = self.line.version() if isinstance(self.line, ssl.SSLSocket) else None
        taken = Taken(self.sender, self.recipients, content, tls, self.login)
        if self.answer("content", b"250 taken", first=lambda: self.relay.taken.append(taken)):
            return

    def answer(self, to: str, usual: bytes, *, first: Any = None) -> bool:
        """Whether what was usual was said. `first`: what to do before saying it."""
        if to in self.relay.silent_after:
            self.relay.stop.wait(10)
            raise _HungUpError
        trouble = self.relay.trouble.get(to)
        if trouble:
            self.line.sendall(trouble.pop(0))
            return False
        if first is not None:
            first()
        if to in self.relay.hang_up_after:
            raise _HungUpError
        self.line.sendall(usual + b"\r\n")
        return True

    def encrypt(self) -> None:
        self.line = self.context.wrap_socket(self.line, server_side=True)

    def next_line(self) -> bytes:
        while b"\r\n" not in self.read:
            more = self.line.recv(LINE)
            if not more:
                raise _HungUpError
            self.read += more
        line, _, self.read = self.read.partition(b"\r\n")
        return line


def _path(command: str) -> str:
    return command.partition("<")[2].partition(">")[0]
