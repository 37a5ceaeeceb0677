"""The one door for mail: a relay that takes it by SMTP (RFC 5321), or nobody, when it is to be kept here.

Nothing is said in the clear: TLS from the first byte (RFC 8314), or by STARTTLS (RFC 3207), without which a
relay gets nothing; its certificate is checked against its name. A whole delivery is bounded in time and every
answer in length. Of an answer only its number is believed, and kept. Deliberately no opportunistic
encryption, no look-up of MX records, no attachments: the operator's relay delivers.
"""

import base64
import re
import socket
import ssl
import threading
import time
from collections.abc import Iterable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Final, Literal, Protocol, Self

from idp.models.email_address import canonical_email

SECONDS_AT_MOST: Final = 20.0
"""For one delivery, from looking up the name to the answer to its last byte."""
_CONNECT_SECONDS: Final = 5.0
_LINE_AT_MOST: Final = 1000
_LINES_AT_MOST: Final = 100
_CHUNK: Final = 4096
_REPLY: Final = re.compile(rb"([2-5][0-9]{2})([ -]|$)")
_LOOSE_LINE_END: Final = re.compile(rb"\r(?!\n)|(?<!\r)\n")
_READY, _LET_IN, _GO_ON, _DONE, _SEND_IT = 220, 235, 334, 250, 354


class MailError(Exception):
    """It was not taken; `why` is one clause for the operator, without anything the relay wrote."""

    def __init__(self, why: str) -> None:
        super().__init__(why)
        self.why = why


@dataclass(frozen=True, slots=True)
class Envelope:
    """`content` is a whole message (RFC 5322) with CRLF. Raises ValueError for what SMTP could misread."""

    sender: str
    recipient: str
    content: bytes = field(repr=False)

    def __post_init__(self) -> None:
        for address in (self.sender, self.recipient):
            if canonical_email(address) != address:
                raise ValueError("not an address for an envelope")
        if _LOOSE_LINE_END.search(self.content) or not self.content.endswith(b"\r\n"):
            raise ValueError("lines of a message end with CRLF")


class Relay(Protocol):
    def send(self, envelope: Envelope) -> None:
        """Returns when somebody else is responsible for it. Raises MailError."""
        ...


class KeptHere:
    """In place of a relay where somebody tries things out: the page `/mail` shows the outbox."""

    def send(self, envelope: Envelope) -> None:
        """There is nothing to do: what is in the outbox can be read there."""


@dataclass(frozen=True, slots=True, kw_only=True)
class RelayLogin:
    username: str
    password: str = field(repr=False)


class SmtpRelay:
    """Opens nothing until there is something to send. One for each process; threads share it."""

    def __init__(
        self,
        *,
        host: str,
        port: int,
        security: Literal["starttls", "tls"],
        greets_as: str,
        login: RelayLogin | None = None,
        ca_file: Path | None = None,
        seconds_at_most: float = SECONDS_AT_MOST,
    ) -> None:
        """`greets_as`: our own host name; `ca_file`: in place of the system's authorities."""
        self._host = host
        self._port = port
        self._security = security
        self._greets_as = greets_as
        self._login = login
        self._ca_file = ca_file
        self._seconds_at_most = seconds_at_most
        self._lock = threading.Lock()
        self._trust: ssl.SSLContext | None = None

    def send(self, envelope: Envelope) -> None:
        deadline = time.monotonic() + self._seconds_at_most
        try:
            with self._connected(deadline) as relay:
                self._hand_over(relay, envelope)
        except TimeoutError:
            raise MailError("the relay took too long") from None
        except ssl.SSLCertVerificationError:
            raise MailError("the relay's certificate is not one we trust for its name") from None
        except ssl.SSLError:
            raise MailError("the relay and we found no way to encrypt") from None
        except (OSError, UnicodeError):
            raise MailError("the relay cannot be reached") from None

    def _connected(self, deadline: float) -> "_Conversation":
        line = socket.create_connection((self._host, self._port), timeout=_CONNECT_SECONDS)
        relay = _Conversation(line, deadline)
        try:
            if self._security == "tls":
                relay.encrypt(self._ssl(), self._host)
        except BaseException:
            relay.close()
            raise
        return relay

    def _hand_over(self, relay: "_Conversation", envelope: Envelope) -> None:
        relay.expect(_READY, "connecting")
        offers = relay.ask(f"EHLO {self._greets_as}", _DONE)
        if self._security == "starttls":
            if not any(offer.upper() == "STARTTLS" for offer in offers):
                raise MailError("the relay offers no STARTTLS")
            relay.ask("STARTTLS", _READY)
            relay.encrypt(self._ssl(), self._host)
            offers = relay.ask(f"EHLO {self._greets_as}", _DONE)
        if self._login is not None:
            _log_in(relay, self._login, offers)
        relay.ask(f"MAIL FROM:<{envelope.sender}>", _DONE)
        relay.ask(f"RCPT TO:<{envelope.recipient}>", _DONE)
        relay.ask("DATA", _SEND_IT)
        relay.send(re.sub(rb"(?m)^\.", b"..", envelope.content) + b".\r\n")
        relay.expect(_DONE, "the message")
        relay.take_leave()

    def _ssl(self) -> ssl.SSLContext:
        with self._lock:
            if self._trust is None:
                self._trust = ssl.create_default_context(cafile=self._ca_file)
                self._trust.minimum_version = ssl.TLSVersion.TLSv1_2
            return self._trust


class _Conversation:
    """Commands and answers on one connection, all of it before `deadline` (of the monotonic clock)."""

    def __init__(self, line: socket.socket, deadline: float) -> None:
        self._line = line
        self._deadline = deadline
        self._read = b""

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def close(self) -> None:
        self._line.close()

    def encrypt(self, trust: ssl.SSLContext, host: str) -> None:
        """What came before this, and was not asked for, somebody else may have put in: it is refused."""
        if self._read:
            raise MailError("the relay said more in the clear than it was asked")
        self._line.settimeout(self._left())
        self._line = trust.wrap_socket(self._line, server_hostname=host)

    def ask(self, command: str, expected: int, *, shown: str | None = None) -> list[str]:
        """The answer's lines. `shown`: what to call a command that holds a secret. Raises MailError."""
        if not command.isascii() or not command.isprintable():
            raise MailError("a command cannot be said")
        self.send(command.encode() + b"\r\n")
        return self.expect(expected, shown or command.partition(":")[0].partition(" ")[0])

    def expect(self, expected: int, after: str) -> list[str]:
        code, lines = self._answer()
        if code != expected:
            raise MailError(f"the relay answered {code} to {after}")
        return lines

    def send(self, data: bytes) -> None:
        self._line.settimeout(self._left())
        self._line.sendall(data)

    def take_leave(self) -> None:
        """The message is theirs already; how they say good-bye changes nothing."""
        try:
            self.send(b"QUIT\r\n")
        except OSError:
            return

    def _answer(self) -> tuple[int, list[str]]:
        lines: list[str] = []
        for _ in range(_LINES_AT_MOST):
            line = self._next_line()
            match = _REPLY.match(line)
            if match is None:
                break
            lines.append(line[4:].decode("ascii", "replace").strip())
            if match[2] != b"-":
                return int(match[1]), lines
        raise MailError("the relay does not speak SMTP")

    def _next_line(self) -> bytes:
        while b"\n" not in self._read:
            if len(self._read) > _LINE_AT_MOST:
                raise MailError("the relay does not speak SMTP")
            self._line.settimeout(self._left())
            more = self._line.recv(_CHUNK)
            if not more:
                raise MailError("the relay hung up")
            self._read += more
        line, _, self._read = self._read.partition(b"\n")
        return line.rstrip(b"\r")

    def _left(self) -> float:
        left = self._deadline - time.monotonic()
        if left <= 0:
            raise TimeoutError
        return left


def _log_in(relay: _Conversation, login: RelayLogin, offers: Iterable[str]) -> None:
    """RFC 4954. Only ever over TLS, so that mechanisms without secrecy of their own will do."""
    ways = {way for offer in offers if offer.upper().startswith("AUTH ") for way in offer.upper().split()[1:]}
    if "PLAIN" in ways:
        answer = _base64(f"\0{login.username}\0{login.password}")
        relay.ask(f"AUTH PLAIN {answer}", _LET_IN, shown="our login")
    elif "LOGIN" in ways:
        relay.ask("AUTH LOGIN", _GO_ON, shown="our login")
        relay.ask(_base64(login.username), _GO_ON, shown="our login")
        relay.ask(_base64(login.password), _LET_IN, shown="our login")
    else:
        raise MailError("the relay offers no way to log in that we know")


def _base64(text: str) -> str:
    return base64.b64encode(text.encode()).decode()
