"""What descriptions of the API are made of (`api_description*.py`)."""

from typing import Any, Final

USUAL: Final = 50
MOST: Final = 100

TEXT: Final[dict[str, Any]] = {"type": "string"}
MAYBE_TEXT: Final[dict[str, Any]] = {"type": ["string", "null"]}
TIME: Final[dict[str, Any]] = {"type": "string", "format": "date-time"}
MAYBE_TIME: Final[dict[str, Any]] = {"type": ["string", "null"], "format": "date-time"}
NUMBER: Final[dict[str, Any]] = {"type": "integer"}
PROBLEM: Final[dict[str, Any]] = {"$ref": "#/components/responses/problem"}


def refusals(*more: int) -> dict[str, Any]:
    return {str(status): PROBLEM for status in sorted({*more, 401, 403, 503})}


def query(name: str, schema: dict[str, Any], **more: object) -> dict[str, Any]:
    return {"name": name, "in": "query", "schema": schema, **more}


def id_in_path() -> dict[str, Any]:
    return {"name": "id", "in": "path", "required": True, "schema": TEXT}


def answer(schema: str, text: str, *, content: str = "application/json") -> dict[str, Any]:
    return {
        "description": text,
        "content": {content: {"schema": {"$ref": f"#/components/schemas/{schema}"}}},
    }


def list_of(schema: str) -> dict[str, Any]:
    return {"type": "array", "items": {"$ref": f"#/components/schemas/{schema}"}}


def an_object(**properties: dict[str, Any]) -> dict[str, Any]:
    return {
        "type": "object",
        "required": list(properties),
        "properties": properties,
        "additionalProperties": False,
    }


def in_path(name: str) -> dict[str, Any]:
    return {"name": name, "in": "path", "required": True, "schema": TEXT}


def body_of(schema: str) -> dict[str, Any]:
    content = {"application/json": {"schema": {"$ref": f"#/components/schemas/{schema}"}}}
    return {"required": True, "content": content}


def paging() -> list[dict[str, Any]]:
    limit = {"type": "integer", "minimum": 1, "maximum": MOST, "default": USUAL}
    return [
        query("limit", limit),
        query("after", TEXT, description="`after` of the page before"),
    ]
