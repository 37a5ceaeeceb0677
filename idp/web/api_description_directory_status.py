"""Whether directories answer, in the description of the API."""

from typing import Any

from idp.web.api_description_parts import (
    MAYBE_TEXT,
    MAYBE_TIME,
    TEXT,
    an_object,
    answer,
    id_in_path,
    list_of,
    refusals,
)


def paths() -> dict[str, Any]:
    return {"/municipalities/{id}/directory-status": {"get": _show()}}


def schemas() -> dict[str, Any]:
    return {
        "directory_status": an_object(
            id=TEXT,
            name=TEXT,
            answers={"type": ["boolean", "null"], "description": "null: it was not asked yet"},
            fault=MAYBE_TEXT,
            told=MAYBE_TEXT,
            since=MAYBE_TIME,
            seen_at=MAYBE_TIME,
            silent_controllers={
                "type": "object",
                "additionalProperties": TEXT,
                "description": "Controllers that gave no answer, and why",
            },
        ),
        "directory_statuses": an_object(directories=list_of("directory_status")),
    }


def _show() -> dict[str, Any]:
    return {
        "operationId": "showDirectoryStatus",
        "summary": "Whether the directories of a municipality that are in use answer; `id` is its ATVK code",
        "parameters": [id_in_path()],
        "responses": {"200": answer("directory_statuses", "All of them"), **refusals(404)},
    }
