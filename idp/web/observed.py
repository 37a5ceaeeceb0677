"""The outermost layer of every request: gives it an id, measures it, and writes one line about it.

The line tells the path without its query and nothing of headers or bodies.
"""

import time
from collections.abc import Iterable
from typing import TYPE_CHECKING, Any

import structlog

from idp.effects import Effects
from idp.logs import begin_request, tell_request
from idp.metrics import place_of, request_seconds

if TYPE_CHECKING:
    from _typeshed.wsgi import StartResponse, WSGIApplication, WSGIEnvironment

REQUEST_ID = "visvaris.request_id"
"""Where the WSGI environment keeps the id, which is also the reference on an error page."""

_log = structlog.get_logger("visvaris.request")
_QUIET = frozenset({"static", "healthz", "metrics"})


class Observed:
    def __init__(self, application: "WSGIApplication", effects: Effects) -> None:
        self._application = application
        self._effects = effects

    def __call__(self, environ: "WSGIEnvironment", start_response: "StartResponse") -> Iterable[bytes]:
        started = time.perf_counter()
        path = environ.get("PATH_INFO", "")  # now, since a mounted application sees only its own part
        request_id = self._effects.new_id()
        environ[REQUEST_ID] = request_id
        begin_request(request_id)
        told = ["500"]

        def start(status: str, headers: list[tuple[str, str]], exc_info: Any = None) -> Any:
            told[0] = status[:3]
            return start_response(status, headers, exc_info)

        try:
            return self._application(environ, start)
        except Exception:
            _log.exception("request failed", method=environ["REQUEST_METHOD"])
            raise
        finally:
            self._tell(environ, path, told[0], time.perf_counter() - started)

    def _tell(self, environ: "WSGIEnvironment", path: str, status: str, seconds: float) -> None:
        place = place_of(path)
        request_seconds(place, status[0]).observe(seconds)
        if place not in _QUIET or status[0] == "5":
            tell_request(
                method=environ["REQUEST_METHOD"],
                path=path[:200],
                status=int(status),
                milliseconds=round(seconds * 1000, 2),
            )
