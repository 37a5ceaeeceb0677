from collections.abc import Iterable
from typing import Any
from wsgiref.util import setup_testing_defaults

import pytest
import structlog
from structlog.testing import capture_logs

from idp.effects import Effects
from idp.web.observed import REQUEST_ID, Observed


def call(
    application: Any, path: str, query: str = ""
) -> tuple[list[str], list[dict[str, Any]], dict[str, Any]]:
    environ: dict[str, Any] = {"PATH_INFO": path, "QUERY_STRING": query}
    setup_testing_defaults(environ)
    statuses: list[str] = []
    structlog.reset_defaults()
    with capture_logs() as logged:
        list(Observed(application, Effects())(environ, lambda status, *_: statuses.append(status)))
    return statuses, logged, environ


def answering(environ: dict[str, Any], start_response: Any) -> Iterable[bytes]:
    assert environ[REQUEST_ID]
    start_response("200 OK", [])
    return [b"hello"]


def breaking(environ: dict[str, Any], start_response: Any) -> Iterable[bytes]:
    raise RuntimeError("broken")


def test_a_request_leaves_one_line_without_its_query() -> None:
    """attack 44"""
    statuses, [line], environ = call(answering, "/callback", "code=secret")
    assert statuses == ["200 OK"]
    assert line["path"] == "/callback"
    assert line["status"] == 200
    assert "secret" not in str(line)
    assert len(environ[REQUEST_ID]) == 22


def test_each_request_has_an_id_of_its_own() -> None:
    ids = {call(answering, "/")[2][REQUEST_ID] for _ in range(10)}
    assert len(ids) == 10


def test_probes_and_static_files_leave_no_line() -> None:
    assert call(answering, "/healthz/live")[1] == []
    assert call(answering, "/static/css/base.css")[1] == []


def test_what_breaks_is_told_and_goes_on_to_the_server() -> None:
    with pytest.raises(RuntimeError):
        call(breaking, "/token")
