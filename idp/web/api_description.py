"""The contract of the API of administrators as OpenAPI 3.1; a test holds the answers to it."""

from typing import Any, Final

from idp.models.mails import MailKind
from idp.models.municipality_rules import (
    REMEMBER_DAYS_AT_MOST,
    SHARED_IDLE_MINUTES_AT_MOST,
    VOUCHING_HOURS_AT_MOST,
)
from idp.oidc.admin_access import SCOPE, audience_of
from idp.people.cases import Step
from idp.storage.cases import CaseState
from idp.storage.outbox import State
from idp.storage.tickets import TicketState
from idp.web import api_description_identity, api_description_sources
from idp.web.api_description_parts import MAYBE_TEXT as _MAYBE_TEXT
from idp.web.api_description_parts import MAYBE_TIME as _MAYBE_TIME
from idp.web.api_description_parts import MOST, USUAL
from idp.web.api_description_parts import NUMBER as _NUMBER
from idp.web.api_description_parts import TEXT as _TEXT
from idp.web.api_description_parts import TIME as _TIME
from idp.web.api_description_parts import an_object as _object
from idp.web.api_description_parts import answer as _answer
from idp.web.api_description_parts import id_in_path as _id
from idp.web.api_description_parts import list_of as _list_of
from idp.web.api_description_parts import query as _query
from idp.web.api_description_parts import refusals as _refusals

_ABOUT_A_NETWORK: Final[dict[str, Any]] = {"name": _TEXT, "shared": {"type": "boolean"}}


def describe(issuer: str) -> dict[str, Any]:
    return {
        "openapi": "3.1.0",
        "info": {
            "title": "visvaris",
            "version": "1",
            "description": "For administrators. An operator or a service of the system may see everything, "
            "the administrator of a municipality what concerns people who work there. Persons need a sign-in "
            f"with several factors; every access token must be for the resource {audience_of(issuer)}.",
        },
        "servers": [{"url": audience_of(issuer)}],
        "security": [{"provider": [SCOPE]}],
        "paths": {
            "/logout-notices": {"get": _list_notices()},
            "/logout-notices/{id}/retry": {"post": _retry_notice()},
            "/mails": {"get": _list_mails()},
            "/mails/{id}/retry": {"post": _retry_mail()},
            "/sessions": {"get": _list_sessions()},
            "/sessions/{id}": {"delete": _end_session()},
            "/enrolment-tickets": {"get": _list_tickets(), "post": _make_ticket()},
            "/enrolment-tickets/{id}": {"get": _show_ticket(), "delete": _revoke_ticket()},
            **api_description_identity.paths(),
            "/cases": {"get": _list_cases()},
            "/cases/{id}": {"get": _show_case()},
            "/cases/{id}/close": {"post": _close_case()},
            "/municipalities/{id}/rules": {"get": _show_rules(), "put": _put_rules()},
            "/municipalities/{id}/networks": {"get": _list_networks()},
            "/municipalities/{id}/networks/{network}": {"put": _put_network()},
            **api_description_sources.paths(),
        },
        "components": {
            "securitySchemes": {
                "provider": {
                    "type": "openIdConnect",
                    "openIdConnectUrl": f"{issuer}/.well-known/openid-configuration",
                }
            },
            "responses": {"problem": _answer("problem", "Refused", content="application/problem+json")},
            "schemas": {
                "logout_notice": _notice(),
                "logout_notices": _object(logout_notices=_list_of("logout_notice"), after=_MAYBE_TEXT),
                "mail": _mail(),
                "mails": _object(mails=_list_of("mail"), after=_MAYBE_TEXT),
                "session": _session(),
                "sessions": _object(sessions=_list_of("session")),
                **_ticket_schemas(),
                **api_description_identity.schemas(),
                "case": _object(**_case()),
                "cases": _object(cases=_list_of("case"), after=_MAYBE_TEXT),
                "case_with_story": _object(**_case(), story=_story()),
                "municipality_rules": _municipality_rules(),
                **_network_schemas(),
                **api_description_sources.schemas(),
                "problem": _object(
                    type=_TEXT, title=_TEXT, status=_NUMBER, detail=_TEXT, code=_TEXT, reference=_TEXT
                ),
            },
        },
    }


def _ticket_schemas() -> dict[str, Any]:
    return {
        "enrolment_ticket": _ticket(),
        "enrolment_tickets": _object(enrolment_tickets=_list_of("enrolment_ticket"), after=_MAYBE_TEXT),
        "enrolment_ticket_request": _ticket_request(),
    }


def _list_notices() -> dict[str, Any]:
    limit = {"type": "integer", "minimum": 1, "maximum": MOST, "default": USUAL}
    return {
        "operationId": "listLogoutNotices",
        "summary": "What applications are told of sessions that ended; those given up are the dead letters",
        "parameters": [
            _query("state", {"enum": [state.value for state in State]}),
            _query("limit", limit),
            _query("after", _TEXT, description="`after` of the page before"),
        ],
        "responses": {"200": _answer("logout_notices", "One page"), **_refusals(400)},
    }


def _retry_notice() -> dict[str, Any]:
    return {
        "operationId": "retryLogoutNotice",
        "summary": "Tries one again that was given up, as if it were new",
        "parameters": [_id()],
        "responses": {"200": _answer("logout_notice", "As it is now"), **_refusals(404, 409)},
    }


def _list_mails() -> dict[str, Any]:
    return {
        **_list_notices(),
        "operationId": "listMails",
        "summary": "What people are told by mail; those given up are the dead letters",
        "responses": {"200": _answer("mails", "One page"), **_refusals(400)},
    }


def _retry_mail() -> dict[str, Any]:
    return {
        "operationId": "retryMail",
        "summary": "Tries one again that was given up, as if it were new",
        "parameters": [_id()],
        "responses": {"200": _answer("mail", "As it is now"), **_refusals(404, 409)},
    }


def _list_sessions() -> dict[str, Any]:
    return {
        "operationId": "listSessions",
        "summary": "The sessions of one person that still open something",
        "parameters": [_query("user", _TEXT, required=True, description="A username")],
        "responses": {"200": _answer("sessions", "All of them"), **_refusals(400, 404)},
    }


def _end_session() -> dict[str, Any]:
    return {
        "operationId": "endSession",
        "summary": "Ends a session with its tokens, and has the applications reached in it told",
        "parameters": [_id()],
        "responses": {"204": {"description": "Ended"}, **_refusals(404)},
    }


def _make_ticket() -> dict[str, Any]:
    letter = {"description": "The letter, shown this once", "content": {"text/html": {"schema": _TEXT}}}
    letter["headers"] = {"Location": {"description": "The ticket, without its code", "schema": _TEXT}}
    request = {"$ref": "#/components/schemas/enrolment_ticket_request"}
    return {
        "operationId": "makeEnrolmentTicket",
        "summary": "A printable letter with which a person sets up one way to sign in",
        "requestBody": {"required": True, "content": {"application/json": {"schema": request}}},
        "responses": {"201": letter, **_refusals(400, 404, 409)},
    }


def _list_tickets() -> dict[str, Any]:
    limit = {"type": "integer", "minimum": 1, "maximum": MOST, "default": USUAL}
    return {
        "operationId": "listEnrolmentTickets",
        "summary": "Tickets that were made, whatever became of them",
        "parameters": [
            _query("user", _TEXT, description="A username"),
            _query("limit", limit),
            _query("after", _TEXT, description="`after` of the page before"),
        ],
        "responses": {"200": _answer("enrolment_tickets", "One page"), **_refusals(400, 404)},
    }


def _show_ticket() -> dict[str, Any]:
    return {
        "operationId": "showEnrolmentTicket",
        "summary": "One ticket; its code cannot be read again",
        "parameters": [_id()],
        "responses": {"200": _answer("enrolment_ticket", "As it is now"), **_refusals(404)},
    }


def _revoke_ticket() -> dict[str, Any]:
    return {
        "operationId": "revokeEnrolmentTicket",
        "summary": "It opens nothing from now on",
        "parameters": [_id()],
        "responses": {"204": {"description": "Revoked"}, **_refusals(404, 409)},
    }


def _ticket_request() -> dict[str, Any]:
    return {
        "type": "object",
        "required": ["user"],
        "properties": {"user": _TEXT, "language": {"enum": ["lv", "en"], "default": "lv"}},
        "additionalProperties": False,
    }


def _ticket() -> dict[str, Any]:
    return _object(
        id=_TEXT,
        user_id=_TEXT,
        made_by=_TEXT,
        municipality=_MAYBE_TEXT,
        state={"enum": [state.value for state in TicketState]},
        made_at=_TIME,
        expires_at=_TIME,
        used_at=_MAYBE_TIME,
        revoked_at=_MAYBE_TIME,
    )


def _list_cases() -> dict[str, Any]:
    limit = {"type": "integer", "minimum": 1, "maximum": MOST, "default": USUAL}
    return {
        "operationId": "listCases",
        "summary": "What people said was not them",
        "parameters": [
            _query("state", {"enum": [state.value for state in CaseState]}),
            _query("limit", limit),
            _query("after", _TEXT, description="`after` of the page before"),
        ],
        "responses": {"200": _answer("cases", "One page"), **_refusals(400)},
    }


def _show_case() -> dict[str, Any]:
    return {
        "operationId": "showCase",
        "summary": "One case, with what was reported and what was done about it",
        "parameters": [_id()],
        "responses": {"200": _answer("case_with_story", "As it is now"), **_refusals(404)},
    }


def _close_case() -> dict[str, Any]:
    return {
        "operationId": "closeCase",
        "summary": "It has been dealt with; not by the person it is about",
        "parameters": [_id()],
        "responses": {"200": _answer("case", "As it is now"), **_refusals(404, 409)},
    }


def _case() -> dict[str, dict[str, Any]]:
    return {
        "id": _TEXT,
        "user_id": _TEXT,
        "municipalities": {"type": "array", "items": _TEXT},
        "state": {"enum": [state.value for state in CaseState]},
        "events": {"type": "array", "items": _NUMBER},
        "opened_at": _TIME,
        "finished_at": _MAYBE_TIME,
        "closed_at": _MAYBE_TIME,
        "closed_by": _MAYBE_TEXT,
        "steps": {
            "type": "array",
            "items": _object(step={"enum": [step.value for step in Step]}, at=_TIME, label=_TEXT),
        },
    }


def _story() -> dict[str, Any]:
    return {"type": "array", "items": _object(at=_TIME, event=_NUMBER, type=_TEXT, words=_TEXT)}


def _show_rules() -> dict[str, Any]:
    return {
        "operationId": "showMunicipalityRules",
        "summary": "What a municipality decides about its people; `id` is its ATVK code",
        "parameters": [_id()],
        "responses": {"200": _answer("municipality_rules", "As they are now"), **_refusals(404)},
    }


def _put_rules() -> dict[str, Any]:
    request = {"$ref": "#/components/schemas/municipality_rules"}
    return {
        "operationId": "putMunicipalityRules",
        "summary": "Decides them, all at once; for people who signed in just now",
        "parameters": [_id()],
        "requestBody": {"required": True, "content": {"application/json": {"schema": request}}},
        "responses": {"200": _answer("municipality_rules", "As they are now"), **_refusals(400, 404)},
    }


def _municipality_rules() -> dict[str, Any]:
    return _object(
        remember_days={"type": "integer", "minimum": 0, "maximum": REMEMBER_DAYS_AT_MOST},
        shared_idle_minutes={"type": "integer", "minimum": 1, "maximum": SHARED_IDLE_MINUTES_AT_MOST},
        vouching_hours={"type": "integer", "minimum": 0, "maximum": VOUCHING_HOURS_AT_MOST},
    )


def _list_networks() -> dict[str, Any]:
    return {
        "operationId": "listNetworks",
        "summary": "Networks of a municipality; `id` is its ATVK code",
        "parameters": [_id()],
        "responses": {"200": _answer("networks", "All of them"), **_refusals(404)},
    }


def _network_schemas() -> dict[str, Any]:
    return {
        "network": _object(id=_TEXT, cidr=_TEXT, **_ABOUT_A_NETWORK),
        "networks": _object(networks=_list_of("network")),
        "network_request": _object(**_ABOUT_A_NETWORK),
    }


def _put_network() -> dict[str, Any]:
    request = {"$ref": "#/components/schemas/network_request"}
    return {
        "operationId": "putNetwork",
        "summary": "Names it and says whether its computers are shared; for people who signed in just now",
        "parameters": [_id(), {"name": "network", "in": "path", "required": True, "schema": _TEXT}],
        "requestBody": {"required": True, "content": {"application/json": {"schema": request}}},
        "responses": {"200": _answer("network", "As it is now"), **_refusals(400, 404)},
    }


def _notice() -> dict[str, Any]:
    return _object(
        id=_TEXT,
        client_id=_TEXT,
        user_id=_TEXT,
        session_id=_TEXT,
        state={"enum": [state.value for state in State]},
        attempts=_NUMBER,
        last_error=_MAYBE_TEXT,
        created_at=_TIME,
        next_at=_MAYBE_TIME,
        delivered_at=_MAYBE_TIME,
        given_up_at=_MAYBE_TIME,
    )


def _mail() -> dict[str, Any]:
    return _object(
        id=_TEXT,
        kind={"enum": [kind.value for kind in MailKind]},
        event=_MAYBE_TEXT,
        user_id=_TEXT,
        to={**_TEXT, "description": "Masked"},
        state={"enum": [state.value for state in State]},
        attempts=_NUMBER,
        last_error=_MAYBE_TEXT,
        created_at=_TIME,
        next_at=_MAYBE_TIME,
        delivered_at=_MAYBE_TIME,
        given_up_at=_MAYBE_TIME,
    )


def _session() -> dict[str, Any]:
    return _object(
        id=_TEXT,
        user_id=_TEXT,
        created_at=_TIME,
        last_seen_at=_TIME,
        expires_at=_TIME,
        address=_TEXT,
        user_agent=_TEXT,
        client_ids={"type": "array", "items": _TEXT},
    )
