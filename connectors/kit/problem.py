"""Refusals of an API as `application/problem+json` (RFC 9457).

Each carries a code for programs and a reference for people, who give it to support; what exactly was wrong
stands in the log under that reference and nowhere else.
"""

import secrets
from collections.abc import Mapping
from dataclasses import dataclass, field
from http import HTTPStatus

import structlog
from flask import Blueprint, Response, json
from werkzeug.exceptions import HTTPException

_log = structlog.get_logger()


@dataclass(frozen=True, slots=True)
class Problem:
    """`code` names the kind of refusal; `detail` is for the caller, `private` for the log."""

    status: HTTPStatus
    code: str
    detail: str
    private: str = ""
    headers: Mapping[str, str | list[str]] = field(default_factory=dict)


class ProblemError(Exception):
    def __init__(self, problem: Problem) -> None:
        super().__init__(problem.code)
        self.problem = problem


def answer(problem: Problem) -> Response:
    reference = secrets.token_hex(6)
    _log.info(
        "refused",
        code=problem.code,
        status=problem.status.value,
        why=problem.private or problem.detail,
        reference=reference,
    )
    body = {
        "type": "about:blank",
        "title": problem.status.phrase,
        "status": problem.status.value,
        "detail": problem.detail,
        "code": problem.code,
        "reference": reference,
    }
    response = Response(
        json.dumps(body), status=problem.status.value, content_type="application/problem+json"
    )
    response.headers.extend(problem.headers)
    return response


def answer_problems(blueprint: Blueprint) -> None:
    """Every refusal and every fault of the blueprint's views becomes a problem."""

    @blueprint.errorhandler(ProblemError)
    def _refused(error: ProblemError) -> Response:
        return answer(error.problem)

    @blueprint.errorhandler(HTTPException)
    def _http(error: HTTPException) -> Response:
        return answer(of_http(error))

    @blueprint.errorhandler(Exception)
    def _fault(error: Exception) -> Response:
        _log.error("fault", exc_info=error)
        return answer(fault())


def of_http(error: HTTPException) -> Problem:
    status = HTTPStatus(error.code or HTTPStatus.INTERNAL_SERVER_ERROR)
    headers = {name: value for name, value in error.get_headers() if name in {"Allow", "Retry-After"}}
    return Problem(status, status.name.lower(), status.description or status.phrase, headers=headers)


def fault() -> Problem:
    return Problem(
        HTTPStatus.INTERNAL_SERVER_ERROR, "fault", "The service could not answer. Try again later."
    )
