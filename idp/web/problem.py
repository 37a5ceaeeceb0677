"""Refusals of an API as `application/problem+json` (RFC 9457), with a code and a reference for support."""

from collections.abc import Iterable
from http import HTTPStatus

from flask import Response, json, request

from idp.web.observed import REQUEST_ID


def problem(status: int, code: str, detail: str, *, headers: Iterable[tuple[str, str]] = ()) -> Response:
    """`detail` is for who calls; what exactly was wrong stands in the log under the reference."""
    body = {
        "type": "about:blank",
        "title": HTTPStatus(status).phrase,
        "status": int(status),
        "detail": detail,
        "code": code,
        "reference": str(request.environ.get(REQUEST_ID, "")),
    }
    response = Response(json.dumps(body), status=status, content_type="application/problem+json")
    response.headers.extend(headers)
    return response
