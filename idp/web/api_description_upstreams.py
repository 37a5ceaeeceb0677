"""The part of the API's contract that is about upstreams; put together in `api_description.py`."""

from typing import Any, Final

from idp.models.arrivals import Match
from idp.web import api_description_invitations
from idp.web.api_description_parts import (
    TEXT,
    TIME,
    an_object,
    answer,
    id_in_path,
    in_path,
    list_of,
    refusals,
)

_WHERE: Final = "/municipalities/{id}/upstream-arrivals"
_ALL: Final = "/municipalities/{id}/upstreams"


def paths() -> dict[str, Any]:
    return {
        _ALL: {"get": _list_upstreams()},
        **api_description_invitations.paths_below(
            f"{_ALL}/{{upstream}}",
            [id_in_path(), in_path("upstream")],
            of="Upstream",
            by="A code by which this person links their account there",
        ),
        _WHERE: {"get": _list()},
        f"{_WHERE}/{{arrival}}/link": {"post": _link()},
    }


def schemas() -> dict[str, Any]:
    return {
        "upstream_arrival": an_object(
            id=TEXT, upstream_id=TEXT, subject=TEXT, name=TEXT, username=TEXT, first_at=TIME, last_at=TIME
        ),
        "upstream": an_object(
            id=TEXT,
            name=TEXT,
            issuer=TEXT,
            match={"enum": [each.value for each in Match]},
            match_claim=TEXT,
            creates_accounts={"type": "boolean"},
            enabled={"type": "boolean"},
        ),
        "upstreams": an_object(upstreams=list_of("upstream")),
        "upstream_arrivals": an_object(upstream_arrivals=list_of("upstream_arrival")),
        "upstream_link_request": an_object(username=TEXT),
    }


def _list() -> dict[str, Any]:
    return {
        "operationId": "listUpstreamArrivals",
        "summary": "Who came from the municipality's own log-in page and has no account linked",
        "parameters": [id_in_path()],
        "responses": {"200": answer("upstream_arrivals", "The latest first"), **refusals(404)},
    }


def _list_upstreams() -> dict[str, Any]:
    return {
        "operationId": "listUpstreams",
        "summary": "The municipality's own log-in pages, without secrets",
        "parameters": [id_in_path()],
        "responses": {"200": answer("upstreams", "All of them"), **refusals(404)},
    }


def _link() -> dict[str, Any]:
    body = {"application/json": {"schema": {"$ref": "#/components/schemas/upstream_link_request"}}}
    return {
        "operationId": "linkUpstreamArrival",
        "summary": "From now on that is this person; for people who signed in just now",
        "parameters": [id_in_path(), in_path("arrival")],
        "requestBody": {"required": True, "content": body},
        "responses": {"200": answer("upstream_arrival", "As it was"), **refusals(400, 404, 409)},
    }
