"""A request as plain values, sent either into a WSGI application in this process or over a kept connection."""

import io
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from http.client import HTTPConnection
from typing import TYPE_CHECKING, Any, TypeAlias
from urllib.parse import urlencode

if TYPE_CHECKING:
    from _typeshed.wsgi import WSGIApplication

_AT_A_TIME = 10
FORM = ("Content-Type", "application/x-www-form-urlencoded")


@dataclass(frozen=True, slots=True)
class Message:
    method: str
    target: str
    headers: tuple[tuple[str, str], ...] = ()
    body: bytes = b""

    def environ(self) -> dict[str, Any]:
        path, _, query = self.target.partition("?")
        headers = {f"HTTP_{name.upper().replace('-', '_')}": value for name, value in self.headers}
        return {
            "REQUEST_METHOD": self.method,
            "SCRIPT_NAME": "",
            "PATH_INFO": path,
            "QUERY_STRING": query,
            "CONTENT_TYPE": headers.pop("HTTP_CONTENT_TYPE", ""),
            "CONTENT_LENGTH": str(len(self.body)),
            "SERVER_NAME": "localhost",
            "SERVER_PORT": "8000",
            "SERVER_PROTOCOL": "HTTP/1.1",
            "REMOTE_ADDR": "127.0.0.1",
            "HTTP_HOST": "localhost:8000",
            "wsgi.version": (1, 0),
            "wsgi.url_scheme": "http",
            "wsgi.input": io.BytesIO(self.body),
            "wsgi.errors": io.StringIO(),
            "wsgi.multithread": True,
            "wsgi.multiprocess": True,
            "wsgi.run_once": False,
            **headers,
        }


@dataclass(frozen=True, slots=True)
class Reply:
    status: int
    headers: tuple[tuple[str, str], ...] = ()
    body: bytes = field(default=b"", repr=False)

    def header(self, name: str) -> str:
        return next(value for known, value in self.headers if known.lower() == name.lower())

    def expect(self, status: int) -> "Reply":
        if self.status != status:
            raise UnexpectedReplyError(f"{self.status} instead of {status}: {self.body[:300]!r}")
        return self


class UnexpectedReplyError(Exception):
    """What was to be measured did not happen."""


Send: TypeAlias = Callable[[Message], Reply]


def form(path: str, fields: dict[str, str], *headers: tuple[str, str]) -> Message:
    return Message("POST", path, (FORM, *headers), urlencode(fields).encode())


class InProcess:
    """`cpu` adds up what the application alone took, environment in, bytes out."""

    def __init__(self, application: "WSGIApplication") -> None:
        self._application = application
        self.cpu = 0.0

    def __call__(self, message: Message) -> Reply:
        return self.send_all([message])[0]

    def send_all(self, messages: list[Message]) -> list[Reply]:
        """A few at a time: a server makes each environment just before it is read, not thousands ahead."""
        return [
            reply
            for start in range(0, len(messages), _AT_A_TIME)
            for reply in self._send_few(messages[start : start + _AT_A_TIME])
        ]

    def _send_few(self, messages: list[Message]) -> list[Reply]:
        environs = [message.environ() for message in messages]
        before = time.process_time()
        replies = [self._answer(environ) for environ in environs]
        self.cpu += time.process_time() - before
        return replies

    def _answer(self, environ: dict[str, Any]) -> Reply:
        told: list[Any] = []

        def start(status: str, headers: list[tuple[str, str]], _exc_info: object = None) -> Any:
            told[:] = [status, headers]

        answer = self._application(environ, start)
        body = b"".join(answer)
        close = getattr(answer, "close", None)
        if close is not None:
            close()
        return Reply(int(told[0][:3]), tuple(told[1]), body)


class OverHttp:
    """One connection, kept open, so that all requests reach the same worker."""

    def __init__(self, port: int) -> None:
        self._connection = HTTPConnection("127.0.0.1", port, timeout=30)

    def __call__(self, message: Message) -> Reply:
        self._connection.request(
            message.method, message.target, body=message.body or None, headers=dict(message.headers)
        )
        response = self._connection.getresponse()
        body = response.read()
        return Reply(response.status, tuple(response.getheaders()), body)

    def close(self) -> None:
        self._connection.close()
