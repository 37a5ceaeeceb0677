"""Invitations in the description of the API: the same for all that they may be for."""

from typing import Any

from idp.storage.invitations import InvitationState
from idp.web.api_description_parts import (
    MAYBE_TEXT,
    MAYBE_TIME,
    TEXT,
    TIME,
    an_object,
    answer,
    body_of,
    in_path,
    list_of,
    paging,
    refusals,
)


def paths_below(where: str, parameters: list[dict[str, Any]], *, of: str, by: str) -> dict[str, Any]:
    """`where`: the address of what they are for, and `of` its word in the names of operations."""
    return {
        f"{where}/invitations": {"get": _list(parameters, of), "post": _make(parameters, of, by)},
        f"{where}/invitations/{{invitation}}": {"delete": _revoke(parameters, of)},
    }


def schemas() -> dict[str, Any]:
    return {
        "invitation": an_object(**_invitation()),
        "invitation_with_code": an_object(code=TEXT, address=TEXT, **_invitation()),
        "invitations": an_object(invitations=list_of("invitation"), after=MAYBE_TEXT),
        "invitation_request": an_object(username=TEXT),
    }


def _list(parameters: list[dict[str, Any]], of: str) -> dict[str, Any]:
    return {
        "operationId": f"list{of}Invitations",
        "summary": "Invitations that were made, whatever became of them",
        "parameters": [*parameters, *paging()],
        "responses": {"200": answer("invitations", "One page"), **refusals(400, 404)},
    }


def _make(parameters: list[dict[str, Any]], of: str, by: str) -> dict[str, Any]:
    return {
        "operationId": f"make{of}Invitation",
        "summary": f"{by}; for people who signed in just now",
        "parameters": parameters,
        "requestBody": body_of("invitation_request"),
        "responses": {
            "201": answer("invitation_with_code", "The code is shown this once"),
            **refusals(400, 404, 409),
        },
    }


def _revoke(parameters: list[dict[str, Any]], of: str) -> dict[str, Any]:
    return {
        "operationId": f"revoke{of}Invitation",
        "summary": "It opens nothing from now on; for people who signed in just now",
        "parameters": [*parameters, in_path("invitation")],
        "responses": {"204": {"description": "Revoked"}, **refusals(404)},
    }


def _invitation() -> dict[str, Any]:
    return {
        "id": TEXT,
        "user_id": TEXT,
        "made_by": TEXT,
        "state": {"enum": [state.value for state in InvitationState]},
        "made_at": TIME,
        "expires_at": TIME,
        "used_at": MAYBE_TIME,
        "revoked_at": MAYBE_TIME,
    }
