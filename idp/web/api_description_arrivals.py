"""Directories as they are described, links and arrivals in the description of the API."""

from typing import Any, Final

from idp.models.arrivals import Match
from idp.models.directories import Binding, Encryption, Fallback
from idp.models.directory_sync import WhenGone
from idp.web import api_description_invitations
from idp.web.api_description_parts import (
    MAYBE_TEXT,
    NUMBER,
    TEXT,
    TIME,
    an_object,
    answer,
    body_of,
    id_in_path,
    in_path,
    list_of,
    paging,
    refusals,
)

_TEXTS: Final[dict[str, Any]] = {"type": "array", "items": TEXT}
_BOOLEAN: Final[dict[str, Any]] = {"type": "boolean"}
_MAP: Final[dict[str, Any]] = {"type": "object", "additionalProperties": TEXT}
_ALL: Final = "/municipalities/{id}/directories"
_ONE: Final = f"{_ALL}/{{name}}"
_ARRIVALS: Final = "/municipalities/{id}/arrivals"


def paths() -> dict[str, Any]:
    return {
        _ALL: {"get": _list(), "post": _add()},
        _ONE: {"get": _show(), "put": _put(), "delete": _remove()},
        f"{_ONE}/test": {"post": _test()},
        f"{_ONE}/links": {"get": _list_links(), "post": _link()},
        f"{_ONE}/links/{{link}}": {"delete": _unlink()},
        **api_description_invitations.paths_below(
            _ONE, _named(), of="", by="A code with which this person links their entry"
        ),
        _ARRIVALS: {"get": _list_arrivals()},
        f"{_ARRIVALS}/{{arrival}}": {"delete": _dismiss()},
        f"{_ARRIVALS}/{{arrival}}/link": {"post": _link_arrival()},
    }


def schemas() -> dict[str, Any]:
    return {
        "directory": an_object(id=TEXT, updated_at=TIME, **_directory()),
        "directories": an_object(directories=list_of("directory")),
        "directory_request": {
            "type": "object",
            "required": ["controllers", "ca_certificates", "account", "base_dns", "realm"],
            "properties": {
                **_directory(),
                "id": {**TEXT, "description": "As it is, or left out"},
                "password": {**TEXT, "description": "Of our account there; never told again"},
                "keytab": {
                    **TEXT,
                    "description": "In Base64, where `bind` is `gssapi`",
                },
                "untested": {**_BOOLEAN, "description": "Keep it although it does not work; for operators"},
            },
            "additionalProperties": False,
        },
        "directory_test_request": _maybe(person=TEXT),
        "directory_test": an_object(works=_BOOLEAN, steps=list_of("directory_step")),
        "directory_step": an_object(step=TEXT, about=TEXT, works=_BOOLEAN, told=TEXT),
        "directory_link": an_object(
            id=TEXT, user_id=TEXT, username=TEXT, entry=TEXT, linked_by=TEXT, linked_at=TIME
        ),
        "directory_links": an_object(links=list_of("directory_link"), after=MAYBE_TEXT),
        "directory_link_request": _maybe("username", "entry", username=TEXT, entry=TEXT, replace=_BOOLEAN),
        "arrival": an_object(
            id=TEXT, directory=TEXT, entry=TEXT, name=TEXT, account_name=TEXT, first_at=TIME, last_at=TIME
        ),
        "arrivals": an_object(arrivals=list_of("arrival")),
        "arrival_link_request": _maybe("username", username=TEXT, replace=_BOOLEAN),
    }


def _list() -> dict[str, Any]:
    return {
        "operationId": "listDirectories",
        "summary": "Directories of a municipality; `id` is its ATVK code",
        "parameters": [id_in_path()],
        "responses": {"200": answer("directories", "All of them"), **refusals(404)},
    }


def _add() -> dict[str, Any]:
    made = answer("directory", "Kept, without the password")
    made["headers"] = {"Location": {"description": "The directory", "schema": TEXT}}
    return {
        "operationId": "addDirectory",
        "summary": "Goes the way to it and keeps it when all works; for operators who signed in just now",
        "parameters": [id_in_path()],
        "requestBody": body_of("directory_request"),
        "responses": {"201": made, **refusals(400, 404, 409, 422, 429)},
    }


def _show() -> dict[str, Any]:
    return {
        "operationId": "showDirectory",
        "summary": "One, by its name or its id, without the password",
        "parameters": _named(),
        "responses": {"200": answer("directory", "As it is now"), **refusals(404)},
    }


def _put() -> dict[str, Any]:
    return {
        "operationId": "putDirectory",
        "summary": "Changes it, all members at once, when it works so; for people who signed in just now",
        "description": "An administrator of the municipality changes account, password, attempts, "
        "attempt_minutes, arrival, creates_accounts and enabled; the rest is for operators. The password may "
        "be left out while controllers, CA, encryption and account stay.",
        "parameters": _named(),
        "requestBody": body_of("directory_request"),
        "responses": {"200": answer("directory", "As it is now"), **refusals(400, 404, 409, 422, 429)},
    }


def _remove() -> dict[str, Any]:
    return {
        "operationId": "removeDirectory",
        "summary": "With its links and the sessions that leaned on them; for operators, signed in just now",
        "parameters": _named(),
        "responses": {"204": {"description": "Removed"}, **refusals(404)},
    }


def _test() -> dict[str, Any]:
    return {
        "operationId": "testDirectory",
        "summary": "Goes the way to it as it is kept, step by step; for people who signed in just now",
        "parameters": _named(),
        "requestBody": body_of("directory_test_request"),
        "responses": {"200": answer("directory_test", "What works"), **refusals(400, 404, 429)},
    }


def _list_links() -> dict[str, Any]:
    return {
        "operationId": "listDirectoryLinks",
        "summary": "Who is which of its entries",
        "parameters": [*_named(), *paging()],
        "responses": {"200": answer("directory_links", "One page"), **refusals(400, 404)},
    }


def _link() -> dict[str, Any]:
    return {
        "operationId": "linkDirectoryEntry",
        "summary": "An entry (GUID, UPN or account name) is this person; for people who signed in just now",
        "parameters": _named(),
        "requestBody": body_of("directory_link_request"),
        "responses": {"201": answer("directory_link", "Linked"), **refusals(400, 404, 409)},
    }


def _unlink() -> dict[str, Any]:
    return {
        "operationId": "unlinkDirectoryEntry",
        "summary": "Ends a link and the sessions that leaned on it; for people who signed in just now",
        "parameters": [*_named(), in_path("link")],
        "responses": {"204": {"description": "Ended"}, **refusals(404)},
    }


def _list_arrivals() -> dict[str, Any]:
    return {
        "operationId": "listArrivals",
        "summary": "Entries that were proved while they were nobody's, the latest first",
        "parameters": [id_in_path()],
        "responses": {"200": answer("arrivals", "All of them"), **refusals(404)},
    }


def _link_arrival() -> dict[str, Any]:
    return {
        "operationId": "linkArrival",
        "summary": "Who waits is this person; for people who signed in just now",
        "parameters": [id_in_path(), in_path("arrival")],
        "requestBody": body_of("arrival_link_request"),
        "responses": {"201": answer("directory_link", "Linked"), **refusals(400, 404, 409)},
    }


def _dismiss() -> dict[str, Any]:
    return {
        "operationId": "dismissArrival",
        "summary": "Waits no longer, until they come again; for people who signed in just now",
        "parameters": [id_in_path(), in_path("arrival")],
        "responses": {"204": {"description": "Dismissed"}, **refusals(404)},
    }


def _directory() -> dict[str, Any]:
    return {
        "municipality": TEXT,
        "name": TEXT,
        "controllers": _TEXTS,
        "encryption": {"enum": [each.value for each in Encryption]},
        "ca_certificates": {**TEXT, "description": "PEM"},
        "account": TEXT,
        "base_dns": _TEXTS,
        "user_filter": TEXT,
        "attributes": _MAP,
        "upn_suffixes": _TEXTS,
        "netbios_name": TEXT,
        "realm": TEXT,
        "roles": _MAP,
        "attempts": NUMBER,
        "attempt_minutes": NUMBER,
        "change_url": MAYBE_TEXT,
        "fallback": {"enum": [each.value for each in Fallback]},
        "bind": {"enum": [each.value for each in Binding]},
        "sync_minutes": {"type": ["integer", "null"], "minimum": 1, "maximum": 1440},
        "sync_share": {**NUMBER, "description": "Percent of its people who may be shut out at once"},
        "when_gone": {"enum": [each.value for each in WhenGone]},
        "enabled": _BOOLEAN,
        "arrival": {"enum": [each.value for each in Match]},
        "creates_accounts": _BOOLEAN,
    }


def _maybe(*required: str, **properties: dict[str, Any]) -> dict[str, Any]:
    return {**an_object(**properties), "required": list(required)}


def _named() -> list[dict[str, Any]]:
    return [id_in_path(), in_path("name")]
