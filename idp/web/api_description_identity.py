"""Checks of identity documents in the description of the API."""

from typing import Any

from idp.models.in_person import DocumentKind
from idp.storage.in_person import CheckState
from idp.web.api_description_parts import (
    MAYBE_TEXT,
    MAYBE_TIME,
    MOST,
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


def paths() -> dict[str, Any]:
    return {
        "/identity-checks": {"get": _list(), "post": _make()},
        "/identity-checks/{id}": {"get": _show(), "delete": _revoke()},
        "/identity-checks/{id}/approval": {"post": _approve()},
    }


def schemas() -> dict[str, Any]:
    return {
        "identity_check": an_object(**_check()),
        "identity_check_with_account": an_object(**_check(), user=TEXT, account_name=TEXT),
        "identity_checks": an_object(identity_checks=list_of("identity_check"), after=MAYBE_TEXT),
        "identity_check_request": an_object(
            user={**TEXT, "description": "A username"},
            personal_code={**TEXT, "description": "As in the document; six digits, a hyphen, five digits"},
            given_name=TEXT,
            family_name=TEXT,
            document={"enum": [kind.value for kind in DocumentKind]},
        ),
        "approval_request": {
            "type": "object",
            "properties": {"language": {"enum": ["lv", "en"], "default": "lv"}},
            "additionalProperties": False,
        },
    }


def _make() -> dict[str, Any]:
    made = answer("identity_check_with_account", "Waits for a second person")
    made["headers"] = {"Location": {"description": "The check", "schema": TEXT}}
    return {
        "operationId": "makeIdentityCheck",
        "summary": "A document was looked at face to face: what stands in it, for a second person to approve",
        "requestBody": {"required": True, "content": _json("identity_check_request")},
        "responses": {"201": made, **refusals(400, 404, 409)},
    }


def _approve() -> dict[str, Any]:
    letter = {"description": "The code, shown this once", "content": {"text/html": {"schema": TEXT}}}
    letter["headers"] = {"Location": {"description": "The check, without its code", "schema": TEXT}}
    return {
        "operationId": "approveIdentityCheck",
        "summary": "By somebody else than who made it; the answer is a letter with a code for the person",
        "parameters": [id_in_path()],
        "requestBody": {"required": False, "content": _json("approval_request")},
        "responses": {"201": letter, **refusals(400, 404, 409)},
    }


def _list() -> dict[str, Any]:
    limit = {"type": "integer", "minimum": 1, "maximum": MOST, "default": USUAL}
    return {
        "operationId": "listIdentityChecks",
        "summary": "Documents that were looked at, whatever became of it",
        "parameters": [
            query("user", TEXT, description="A username"),
            query("limit", limit),
            query("after", TEXT, description="`after` of the page before"),
        ],
        "responses": {"200": answer("identity_checks", "One page"), **refusals(400, 404)},
    }


def _show() -> dict[str, Any]:
    return {
        "operationId": "showIdentityCheck",
        "summary": "One of them, with its account; what was stated, until it is used or revoked",
        "parameters": [id_in_path()],
        "responses": {"200": answer("identity_check_with_account", "As it is now"), **refusals(404)},
    }


def _revoke() -> dict[str, Any]:
    return {
        "operationId": "revokeIdentityCheck",
        "summary": "Refused, or taken back: it confirms nothing from now on",
        "parameters": [id_in_path()],
        "responses": {"204": {"description": "Revoked"}, **refusals(404, 409)},
    }


def _check() -> dict[str, dict[str, Any]]:
    return {
        "id": TEXT,
        "user_id": TEXT,
        "municipality": TEXT,
        "state": {"enum": [state.value for state in CheckState]},
        "document": {"enum": [kind.value for kind in DocumentKind]},
        "given_name": MAYBE_TEXT,
        "family_name": MAYBE_TEXT,
        "masked_code": MAYBE_TEXT,
        "made_by": TEXT,
        "made_at": TIME,
        "approved_by": MAYBE_TEXT,
        "approved_at": MAYBE_TIME,
        "expires_at": TIME,
        "used_at": MAYBE_TIME,
        "revoked_by": MAYBE_TEXT,
        "revoked_at": MAYBE_TIME,
    }


def _json(schema: str) -> dict[str, Any]:
    return {"application/json": {"schema": {"$ref": f"#/components/schemas/{schema}"}}}
