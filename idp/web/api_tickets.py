"""Enrolment tickets in the API of administrators: made, listed, revoked.

The answer to making one is the letter itself, this once: from then on nobody can read its code, and least of
all who made it. Not here: who may make one for whom (`login/tickets.py`).
"""

from http import HTTPStatus
from typing import Any, Final

from flask import Blueprint, Response, jsonify

from idp.languages import LANGUAGES
from idp.login.tickets import NotMade
from idp.models.tickets import EnrolmentTicket
from idp.oidc.admin_access import Administrator
from idp.oidc.errors import ProtocolError
from idp.storage.tickets import state_of
from idp.storage.work import Work
from idp.web.api_calls import (
    bad_request,
    for_administrators,
    maker_of,
    must_be_somebody_fresh,
    not_there,
    read_after,
    read_limit,
    read_object,
    read_once,
    refuse,
    visible_user,
    written,
)
from idp.web.letters import printed
from idp.web.problem import problem
from idp.web.site import site

blueprint = Blueprint("api_tickets", __name__, url_prefix="/api/v1/enrolment-tickets")
blueprint.register_error_handler(ProtocolError, refuse)

_MEMBERS: Final = {"user", "language"}
_STATUS: Final = {
    NotMade.OWN_ACCOUNT: HTTPStatus.FORBIDDEN,
    NotMade.OPERATOR_ONLY: HTTPStatus.FORBIDDEN,
    NotMade.BLOCKED: HTTPStatus.CONFLICT,
    NotMade.NOTHING_TO_SET_UP: HTTPStatus.CONFLICT,
}


@blueprint.post("")
@for_administrators
def make(caller: Administrator) -> Response:
    """Made by people alone: a letter that a program could order and read would be a key to any account."""
    must_be_somebody_fresh(caller)
    asked = _asked()
    with site().storage.database.read() as work:
        user_id = visible_user(work, caller, asked["user"])
    made = site().tickets.make(user_id, maker_of(caller))
    if isinstance(made, NotMade):
        return problem(_STATUS[made], made.code, made.text)
    response = Response(printed(made, asked["language"]), status=HTTPStatus.CREATED)
    response.headers["Location"] = f"{blueprint.url_prefix}/{made.ticket.id}"
    return response


@blueprint.get("")
@for_administrators
def list_tickets(caller: Administrator) -> Response:
    now, limit, username = site().effects.now(), read_limit(), read_once("user")
    with site().storage.database.read() as work:
        found = work.tickets.list_tickets(
            now=now,
            user_id=None if username is None else visible_user(work, caller, username),
            municipality=caller.municipality,
            after=read_after(),
            limit=limit + 1,
        )
    shown = found[:limit]
    after = shown[-1].id if len(found) > limit else None
    return jsonify(enrolment_tickets=[_told(ticket) for ticket in shown], after=after)


@blueprint.get("/<ticket_id>")
@for_administrators
def show(caller: Administrator, ticket_id: str) -> Response:
    with site().storage.database.read() as work:
        return jsonify(_told(_visible_ticket(work, caller, ticket_id)))


@blueprint.delete("/<ticket_id>")
@for_administrators
def revoke(caller: Administrator, ticket_id: str) -> Response:
    with site().storage.database.begin() as work:
        ticket = _visible_ticket(work, caller, ticket_id)
        if not site().tickets.revoke(work, ticket, maker_of(caller)):
            return problem(HTTPStatus.CONFLICT, "not_open", "This ticket opens nothing any more.")
    return Response(status=HTTPStatus.NO_CONTENT)


def _asked() -> dict[str, str]:
    """The body's members, and no others."""
    body = read_object()
    if not body.keys() <= _MEMBERS:
        bad_request("The body must be a JSON object with user and, if you like, language.")
    language = body.get("language", LANGUAGES[0])
    if not isinstance(body.get("user"), str):
        bad_request("user must be a username.")
    if language not in LANGUAGES:
        bad_request(f"language must be one of {', '.join(LANGUAGES)}.")
    return {"user": body["user"], "language": language}


def _visible_ticket(work: Work, caller: Administrator, ticket_id: str) -> EnrolmentTicket:
    ticket = work.tickets.find(ticket_id)
    if ticket is None or not caller.may_see(work, ticket.user_id, site().effects.now()):
        not_there()
    return ticket


def _told(ticket: EnrolmentTicket) -> dict[str, Any]:
    return {
        "id": ticket.id,
        "user_id": ticket.user_id,
        "made_by": ticket.made_by,
        "municipality": ticket.municipality,
        "state": state_of(ticket, site().effects.now()).value,
        "made_at": written(ticket.made_at),
        "expires_at": written(ticket.expires_at),
        "used_at": written(ticket.used_at),
        "revoked_at": written(ticket.revoked_at),
    }
