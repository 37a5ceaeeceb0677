"""What somebody sees when a page or an address does not answer: words, a code, a reference, a way on.

Addresses under `/api/` answer in problem+json, all others with a page.
"""

from http import HTTPStatus
from typing import assert_never

import structlog
from flask import Flask, Response, request, url_for
from werkzeug.exceptions import HTTPException

from connectors.kit import problem
from connectors.kit.browser import ForgedFormError
from connectors.kit.pages import ErrorPage, show_error
from connectors.kit.pages import translate as _
from connectors.kit.problem import Problem
from connectors.kit.provider import ProviderUnavailableError
from connectors.kit.relying_party import SignInError, SignInFailure

_log = structlog.get_logger()


def answer_failures(app: Flask, *, landing: str) -> None:
    @app.errorhandler(SignInError)
    def _sign_in_failed(error: SignInError) -> Response:
        message = _sign_in_message(error.failure)
        page = ErrorPage(HTTPStatus.BAD_REQUEST, error.failure.value, _sign_in_title(error.failure), message)
        return show_error(page, private=str(error), way_on=(url_for(landing), _("Log in again")))

    @app.errorhandler(ProviderUnavailableError)
    def _provider_away(error: ProviderUnavailableError) -> Response:
        status, code = HTTPStatus.SERVICE_UNAVAILABLE, "provider_unavailable"
        if request.path.startswith("/api/"):
            detail = "Who is signed in cannot be checked just now. Try again in a minute."
            return problem.answer(Problem(status, code, detail, private=str(error)))
        title, message = _("Logging in does not work just now"), _("Try again in a minute.")
        page = ErrorPage(status, code, title, message)
        return show_error(page, private=str(error), way_on=(url_for(landing), _("Try again")))

    @app.errorhandler(ForgedFormError)
    def _forged(_error: ForgedFormError) -> Response:
        title, message = _("The form has expired"), _("Open the page again and repeat what you did.")
        page = ErrorPage(HTTPStatus.BAD_REQUEST, "form_expired", title, message)
        return show_error(page, way_on=(url_for(landing), _("Continue")))

    @app.errorhandler(HTTPException)
    def _http(error: HTTPException) -> Response:
        told = problem.of_http(error)
        if request.path.startswith("/api/"):
            return problem.answer(told)
        title, message = _("This cannot be done"), ""
        if told.status is HTTPStatus.NOT_FOUND:
            title, message = _("Page not found"), _("Check the address, or start from the first page.")
        page = ErrorPage(told.status, told.code, title, message)
        shown = show_error(page, way_on=(url_for(landing), _("Go to the first page")))
        shown.headers.extend(told.headers)
        return shown

    @app.errorhandler(Exception)
    def _fault(error: Exception) -> Response:
        _log.error("fault", exc_info=error)
        if request.path.startswith("/api/"):
            return problem.answer(problem.fault())
        title, message = (
            _("Something went wrong on our side"),
            _("Try again. If it happens again, contact support."),
        )
        return show_error(ErrorPage(HTTPStatus.INTERNAL_SERVER_ERROR, "fault", title, message))


def _sign_in_title(failure: SignInFailure) -> str:
    if failure is SignInFailure.STILL_NOT_ENOUGH:
        return _("This cannot be done")
    return _("You are not logged in")


def _sign_in_message(failure: SignInFailure) -> str:
    match failure:
        case SignInFailure.DENIED:
            return _("You did not allow this application to learn who you are.")
        case SignInFailure.NOT_STARTED_HERE:
            return _("This log-in was begun in another browser, was finished before, or took too long.")
        case SignInFailure.TOO_WEAK:
            return _("This application needs a stronger way to log in.")
        case SignInFailure.TOO_OLD:
            return _("For this page you must have logged in a short while ago.")
        case SignInFailure.STILL_NOT_ENOUGH:
            return _(
                "You have logged in as asked, and it was still not enough for this page. Contact support."
            )
        case SignInFailure.PROVIDER_REFUSED | SignInFailure.WRONG_RESPONSE | SignInFailure.WRONG_CLAIMS:
            return _("The answer of the log-in service could not be accepted.")
        case _:
            assert_never(failure)
