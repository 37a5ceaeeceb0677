"""Error pages for people and JSON for machines: a code, a reference, a way on; never what went wrong inside.

Not here: errors that OAuth defines (`oidc/errors.py`).
"""

from dataclasses import dataclass
from http import HTTPStatus
from typing import Final

import structlog
from flask import Flask, Response, g, jsonify, render_template, request
from werkzeug.exceptions import HTTPException

from idp.errors import Reason, StorageUnavailableError
from idp.web.i18n import translate
from idp.web.observed import REQUEST_ID
from idp.web.problem import problem
from idp.words import N_

_log = structlog.get_logger("visvaris.web")
_API: Final = "/api/"
_MACHINES: Final = ("/scim/", "/healthz/", "/metrics")
_RETRY_SECONDS: Final = 5


@dataclass(frozen=True, slots=True)
class Message:
    """English messages to translate; `code` is what support and programs know it by."""

    code: str
    title: str
    text: str


_NOT_FOUND: Final = Message(
    "not_found", N_("Page not found"), N_("Check the address, or start from the first page.")
)
_FORBIDDEN: Final = Message("access_denied", N_("Access denied"), N_("You do not have access to this page."))
_FORM: Final = Message(
    "form_not_accepted", N_("The form has expired"), N_("Open the page again and repeat what you did.")
)
_BAD: Final = Message(
    "bad_request",
    N_("This cannot be done"),
    N_("The address or the form is not complete. Please start again."),
)
_TOO_LARGE: Final = Message("too_large", N_("This cannot be done"), N_("What was sent is too large."))
_BUSY: Final = Message(
    "unavailable", N_("The service is busy"), N_("Nothing is lost. Please try again in a few seconds.")
)
_BROKEN: Final = Message(
    "server_error",
    N_("Something went wrong on our side"),
    N_("Try again. If it happens again, contact support."),
)
_BY_STATUS: Final = {403: _FORBIDDEN, 404: _NOT_FOUND, 405: _NOT_FOUND, 413: _TOO_LARGE, 503: _BUSY}


class Forbidden(Exception):  # noqa: N818  says what the answer is
    """A form that is not ours; the message is for the log."""


def install(app: Flask) -> None:
    app.register_error_handler(HTTPException, _http_exception)
    app.register_error_handler(Forbidden, _forbidden)
    app.register_error_handler(StorageUnavailableError, _unavailable)
    app.register_error_handler(Exception, _unexpected)


def reference() -> str:
    """The request's id, by which support finds it in the logs."""
    return str(request.environ.get(REQUEST_ID, ""))


def show_error(
    status: int,
    message: Message,
    *,
    way_on_url: str | None = "/",
    way_on_label: str = N_("Go to the first page"),
) -> Response:
    """`way_on_url` None: there is nowhere sensible to go."""
    if status >= HTTPStatus.INTERNAL_SERVER_ERROR:
        g.without_session = True  # the page must not need what may have failed
    if request.path.startswith(_API):
        return problem(status, message.code, message.text)
    if request.path.startswith(_MACHINES):
        response = jsonify(error=message.code, reference=reference())
    else:
        page = render_template(
            "errors/error.html",
            status=status,
            title=translate(message.title),
            message=translate(message.text),
            code=message.code,
            reference=reference(),
            way_on_url=way_on_url,
            way_on_label=translate(way_on_label),
        )
        response = Response(page)
    response.status_code = status
    return response


def show_refusal(reason: Reason) -> Response:
    """This person may not, whatever they do on the page."""
    return show_error(HTTPStatus.FORBIDDEN, Message(reason.code, N_("Access denied"), reason.public))


def _http_exception(error: HTTPException) -> Response:
    status = error.code or HTTPStatus.INTERNAL_SERVER_ERROR
    generic = _BAD if status < HTTPStatus.INTERNAL_SERVER_ERROR else _BROKEN
    response = show_error(status, _BY_STATUS.get(status, generic))
    for name, value in error.get_headers():
        if name in {"Allow", "Retry-After"}:
            response.headers[name] = value
    return response


def _forbidden(error: Forbidden) -> Response:
    _log.info("form refused", why=str(error), path=request.path[:200])
    return show_error(HTTPStatus.FORBIDDEN, _FORM)


def _unavailable(error: StorageUnavailableError) -> Response:
    _log.error("storage unavailable", kind=str(error))
    response = show_error(HTTPStatus.SERVICE_UNAVAILABLE, _BUSY, way_on_url=None)
    response.headers["Retry-After"] = str(_RETRY_SECONDS)
    return response


def _unexpected(error: Exception) -> Response:
    _log.error("unexpected error", exc_info=error)
    return show_error(HTTPStatus.INTERNAL_SERVER_ERROR, _BROKEN)
