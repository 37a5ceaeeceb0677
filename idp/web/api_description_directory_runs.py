"""What readings of directories did, in the description of the API."""

from typing import Any, Final

from idp.models.directory_sync import RunState
from idp.people.directory_sync_plan import Change
from idp.web.api_description_parts import (
    MAYBE_TEXT,
    MAYBE_TIME,
    MOST,
    NUMBER,
    TEXT,
    TIME,
    USUAL,
    an_object,
    answer,
    id_in_path,
    list_of,
    query,
    refusals,
)

_RUNS: Final = "/municipalities/{id}/directories/{directory}/runs"


def paths() -> dict[str, Any]:
    return {
        _RUNS: {"get": _list()},
        f"{_RUNS}/{{run}}": {"get": _show()},
        f"{_RUNS}/{{run}}/confirm": {"post": _confirm()},
    }


def schemas() -> dict[str, Any]:
    counts = {"type": "object", "additionalProperties": NUMBER}
    run = {
        "id": TEXT,
        "state": {"enum": [state.value for state in RunState]},
        "is_full": {"type": "boolean"},
        "asked_by": TEXT,
        "started_at": TIME,
        "finished_at": MAYBE_TIME,
        "entries": NUMBER,
        "counts": {**counts, "description": "How many of each change; `held`: people who wait"},
        "why": {**TEXT, "description": "What failed or was held; empty when all is well"},
        "confirmed_by": MAYBE_TEXT,
    }
    return {
        "directory_run": an_object(**run),
        "directory_run_with_lines": an_object(**run, lines=list_of("directory_run_line")),
        "directory_runs": an_object(runs=list_of("directory_run"), after=MAYBE_TEXT),
        "directory_run_line": an_object(
            user_id=TEXT,
            username=TEXT,
            change={"enum": [change.value for change in Change]},
            told={**TEXT, "description": "Which data, which role, or why"},
            held={"type": "boolean", "description": "It waits for an administrator"},
        ),
    }


def _list() -> dict[str, Any]:
    limit = {"type": "integer", "minimum": 1, "maximum": MOST, "default": USUAL}
    return {
        "operationId": "listDirectoryRuns",
        "summary": "Readings of a directory, the latest first",
        "parameters": [
            *_which(),
            query("limit", limit),
            query("after", TEXT, description="`after` of the page before"),
        ],
        "responses": {"200": answer("directory_runs", "One page"), **refusals(400, 404)},
    }


def _show() -> dict[str, Any]:
    return {
        "operationId": "showDirectoryRun",
        "summary": "One of them, with the first of what it changed, by username",
        "parameters": [*_which(), _in_path("run")],
        "responses": {"200": answer("directory_run_with_lines", "Its report"), **refusals(404)},
    }


def _confirm() -> dict[str, Any]:
    return {
        "operationId": "confirmDirectoryRun",
        "summary": "By a person who signed in just now: exactly those who were held are shut out, once",
        "parameters": [*_which(), _in_path("run")],
        "responses": {
            "200": answer("directory_run_with_lines", "The reading that did it"),
            **refusals(404, 409),
        },
    }


def _which() -> list[dict[str, Any]]:
    return [id_in_path(), _in_path("directory", description="Its name, or its id")]


def _in_path(name: str, **more: object) -> dict[str, Any]:
    return {"name": name, "in": "path", "required": True, "schema": TEXT, **more}
