"""The contract of this connector's API as OpenAPI 3.1; a test holds the answers to it."""

from typing import Any

from connectors.agreements.service import PAGE_SIZE, FineExchange, OrphansCourt, PoliceLog, Preschool

SCOPE = "agreements.read"


def describe(*, base_url: str, issuer: str) -> dict[str, Any]:
    refusals = {str(status): {"$ref": "#/components/responses/problem"} for status in (401, 403, 503)}
    return {
        "openapi": "3.1.0",
        "info": {
            "title": "Agreements",
            "version": "1",
            "description": "Municipalities and where each stands in each programme. A token sees its own "
            "municipality; the role `operator` sees all of them.",
        },
        "servers": [{"url": f"{base_url}/api/v1"}],
        "security": [{"provider": [SCOPE]}],
        "paths": {
            "/municipalities": {"get": _list(refusals)},
            "/municipalities/{atvk}": {"get": _one(refusals)},
        },
        "components": {
            "securitySchemes": {
                "provider": {
                    "type": "openIdConnect",
                    "openIdConnectUrl": f"{issuer.rstrip('/')}/.well-known/openid-configuration",
                }
            },
            "responses": {"problem": _answer("problem", content="application/problem+json", text="Refused")},
            "schemas": {"municipality": _municipality(), "page": _page(), "problem": _problem()},
        },
    }


def _list(refusals: dict[str, Any]) -> dict[str, Any]:
    limit = {"type": "integer", "minimum": 1, "maximum": PAGE_SIZE, "default": PAGE_SIZE}
    return {
        "operationId": "listMunicipalities",
        "summary": "The municipalities this token may see, in Latvian order",
        "parameters": [
            {"name": "limit", "in": "query", "schema": limit},
            {"name": "after", "in": "query", "description": "`after` of the page before", "schema": _ATVK},
        ],
        "responses": {
            "200": _answer("page", text="One page"),
            "400": {"$ref": "#/components/responses/problem"},
            **refusals,
        },
    }


def _one(refusals: dict[str, Any]) -> dict[str, Any]:
    return {
        "operationId": "getMunicipality",
        "summary": "One municipality; 404 alike for one that is not to be seen and one that is not",
        "parameters": [{"name": "atvk", "in": "path", "required": True, "schema": _ATVK}],
        "responses": {
            "200": _answer("municipality", text="The municipality"),
            "404": {"$ref": "#/components/responses/problem"},
            **refusals,
        },
    }


def _answer(schema: str, *, text: str, content: str = "application/json") -> dict[str, Any]:
    return {
        "description": text,
        "content": {content: {"schema": {"$ref": f"#/components/schemas/{schema}"}}},
    }


_TEXT: dict[str, Any] = {"type": "string"}
_FLAG: dict[str, Any] = {"type": "boolean"}
_ATVK: dict[str, Any] = {"type": "string", "pattern": "^[0-9]{7}$"}


def _object(**properties: dict[str, Any]) -> dict[str, Any]:
    return {"type": "object", "required": list(properties), "properties": properties}


def _municipality() -> dict[str, Any]:
    return _object(
        atvk=_ATVK,
        iso_3166_2=_TEXT,
        name=_TEXT,
        short=_TEXT,
        authority=_TEXT,
        type={"enum": ["novads", "valstspilsēta"]},
        programmes=_object(
            fines={"enum": [state.value for state in FineExchange]},
            fines_known_problems=_FLAG,
            fines_inferred=_FLAG,
            police_log={"enum": [state.value for state in PoliceLog]},
            free_vehicle_lookup=_FLAG,
            preschool={"enum": [state.value for state in Preschool]},
            preschool_moves_on={"type": ["string", "null"], "format": "date"},
            orphans_court={"enum": [state.value for state in OrphansCourt]},
            fund_and_agency_exchange=_FLAG,
            npais_forwarding=_FLAG,
        ),
    )


def _page() -> dict[str, Any]:
    rows = {"type": "array", "items": {"$ref": "#/components/schemas/municipality"}}
    return _object(municipalities=rows, after={"type": ["string", "null"]})


def _problem() -> dict[str, Any]:
    """RFC 9457, with a code for programs and a reference for support."""
    return _object(
        type=_TEXT, title=_TEXT, status={"type": "integer"}, detail=_TEXT, code=_TEXT, reference=_TEXT
    )
