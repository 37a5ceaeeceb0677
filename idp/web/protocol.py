"""The endpoints machines use, straight from WSGI: no routing, no session, no cookies, no framework.

Turns the environment into a `Request` of the protocol core and its `Response` back. What goes wrong inside
becomes JSON with a code and a reference, never a trace. Not here: the pages of the protocol (`oidc.py`).
"""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from functools import lru_cache
from http import HTTPStatus
from typing import TYPE_CHECKING, Any, Final

import structlog

from idp.errors import StorageUnavailableError
from idp.oidc.errors import ErrorCode, ProtocolError
from idp.oidc.requests import NO_PARAMETERS, Parameters, Request, Response, error_response
from idp.oidc.server import OpenIDProvider
from idp.web.client_certificate import client_certificate
from idp.web.http import client_address
from idp.web.observed import REQUEST_ID
from idp.web.site import Network

if TYPE_CHECKING:
    from _typeshed.wsgi import StartResponse, WSGIEnvironment

BODY_AT_MOST: Final = 64 * 1024
_FORM: Final = "application/x-www-form-urlencoded"
_STATUS: Final = {status.value: f"{status.value} {status.phrase}" for status in HTTPStatus}
_RETRY: Final = (("Retry-After", "5"),)
_ALWAYS: Final = (("X-Content-Type-Options", "nosniff"), ("Referrer-Policy", "no-referrer"))
_STRICT_TRANSPORT: Final = (("Strict-Transport-Security", "max-age=63072000; includeSubDomains"),)

_log = structlog.get_logger("visvaris.protocol")


class EnvironHeaders(Mapping[str, str]):
    """The request's headers by lower-case name, looked up only when somebody asks."""

    __slots__ = ("_environ",)

    def __init__(self, environ: "WSGIEnvironment") -> None:
        self._environ = environ

    def __getitem__(self, name: str) -> str:
        value: str = self._environ[_environ_name(name)]
        return value

    def get(self, name: str, default: Any = None) -> Any:
        """As inherited, without an exception for each header that is not there."""
        return self._environ.get(_environ_name(name), default)

    def __iter__(self) -> Iterator[str]:
        return (key[5:].lower().replace("_", "-") for key in self._environ if key.startswith("HTTP_"))

    def __len__(self) -> int:
        return sum(1 for _ in self)


class ProtocolEndpoints:
    def __init__(self, openid: OpenIDProvider, *, trusted_proxies: Sequence[Network]) -> None:
        self._openid = openid
        self._trusted_proxies = trusted_proxies
        self._always = _ALWAYS + (_STRICT_TRANSPORT if openid.issuer.startswith("https://") else ())

    def serves(self, path: str) -> bool:
        return self._openid.serves(path)

    def __call__(self, environ: "WSGIEnvironment", start_response: "StartResponse") -> Iterable[bytes]:
        response = self._respond(environ)
        has_body = environ["REQUEST_METHOD"] != "HEAD" and response.status not in {204, 304}
        headers = [*response.headers, *self._always]
        if response.status not in {204, 304}:
            headers.append(("Content-Length", str(len(response.body))))
        start_response(_STATUS[response.status], headers)
        return (response.body,) if has_body and response.body else ()

    def _respond(self, environ: "WSGIEnvironment") -> Response:
        try:
            return self._openid.respond(self._read(environ))
        except ProtocolError as error:
            return error_response(error, reference=_reference(environ))
        except StorageUnavailableError as error:
            _log.error("storage unavailable", kind=str(error))
            return _failure(environ, "Please try again in a few seconds.", status=503, headers=_RETRY)
        except Exception as error:  # noqa: BLE001  the last line before the server's own page
            _log.error("unexpected error", exc_info=error)
            return _failure(environ, "Something went wrong on our side.", status=500)

    def _read(self, environ: "WSGIEnvironment") -> Request:
        """Raises ProtocolError for what is too large or cannot be read."""
        body = _read_body(environ)
        is_form = bool(body) and environ.get("CONTENT_TYPE", "").lower().startswith(_FORM)
        return Request(
            method=environ["REQUEST_METHOD"],
            path=environ.get("PATH_INFO", ""),
            query=Parameters.parse(environ.get("QUERY_STRING", "")),
            form=Parameters.parse(_text(body)) if is_form else NO_PARAMETERS,
            headers=EnvironHeaders(environ),
            body=body,
            remote=client_address(environ, self._trusted_proxies),
            certificate=client_certificate(environ, self._trusted_proxies),
            reference=_reference(environ),
        )


def _read_body(environ: "WSGIEnvironment") -> bytes:
    announced = environ.get("CONTENT_LENGTH") or "0"
    if not announced.isdecimal() or int(announced) > BODY_AT_MOST:
        raise ProtocolError(ErrorCode.TOO_LARGE, "The body is larger than 64 kB.", status=413)
    length = int(announced)
    body: bytes = environ["wsgi.input"].read(length) if length else b""
    return body


def _text(body: bytes) -> str:
    """A form is ASCII; what else it says is percent-encoded."""
    try:
        return body.decode("ascii")
    except UnicodeDecodeError:
        raise ProtocolError(ErrorCode.INVALID_REQUEST, "The body is not a form.") from None


@lru_cache(maxsize=64)
def _environ_name(name: str) -> str:
    return "CONTENT_TYPE" if name == "content-type" else f"HTTP_{name.upper().replace('-', '_')}"


def _reference(environ: "WSGIEnvironment") -> str:
    return str(environ.get(REQUEST_ID, ""))


def _failure(
    environ: "WSGIEnvironment", description: str, *, status: int, headers: tuple[tuple[str, str], ...] = ()
) -> Response:
    error = ProtocolError(ErrorCode.SERVER_ERROR, description, status=status, headers=headers)
    return error_response(error, reference=_reference(environ))
