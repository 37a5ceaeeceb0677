"""What the views of invitations share in the API of administrators, whatever they are for.

Each view has looked already whether its caller may see the directory or upstream. Not here: their addresses
(`api_arrivals.py`, `api_upstreams.py`), the rules (`people/invitations.py`).
"""

from collections.abc import Callable
from http import HTTPStatus
from typing import Any, Final

from flask import Response, jsonify

from idp.login.ticket_codes import shown_ticket_code
from idp.models.arrivals import Invitation
from idp.oidc.admin_access import Administrator
from idp.people.directory_links import NotLinked
from idp.people.invitation_origins import Origin
from idp.people.invitations import NotMade
from idp.storage.invitations import state_of
from idp.web.api_calls import (
    bad_request,
    maker_of,
    not_there,
    read_after,
    read_limit,
    read_object,
    visible_user,
    written,
)
from idp.web.problem import problem
from idp.web.site import site

_FORBIDDEN: Final = {NotLinked.OWN_ACCOUNT, NotLinked.OPERATOR_ONLY}


def list_of(origin: Origin) -> Response:
    limit = read_limit()
    with site().storage.database.read() as work:
        found = work.invitations.list_of_source(origin.id, after=read_after(), limit=limit + 1)
    shown = found[:limit]
    after = shown[-1].id if len(found) > limit else None
    return jsonify(invitations=[_told(each) for each in shown], after=after)


def made_for(origin: Origin, caller: Administrator, address_of: Callable[[str], str]) -> Response:
    """`address_of`: of the page, by the code. The caller signed in just now."""
    body = read_object()
    if body.keys() != {"username"}:
        bad_request("The body must be a JSON object with username.")
    with site().storage.database.read() as work:
        user_id = visible_user(work, caller, body["username"])
    made = site().arrivals.invitations.make(origin, user_id, maker_of(caller))
    if isinstance(made, NotMade):
        return problem(HTTPStatus.CONFLICT, made.value, "The rule for arrivals there is not invitation.")
    if isinstance(made, NotLinked):
        return not_linked(made)
    told = {
        **_told(made.invitation),
        "code": shown_ticket_code(made.code),
        "address": address_of(made.code),
    }
    return created(told)


def revoked(origin: Origin, invitation: str, caller: Administrator) -> Response:
    if not site().arrivals.invitations.revoke(origin, invitation, maker_of(caller)):
        not_there()
    return Response(status=HTTPStatus.NO_CONTENT)


def not_linked(refused: NotLinked) -> Response:
    status = HTTPStatus.FORBIDDEN if refused in _FORBIDDEN else HTTPStatus.CONFLICT
    return problem(status, refused.code, refused.text)


def created(told: dict[str, Any]) -> Response:
    response = jsonify(told)
    response.status_code = HTTPStatus.CREATED
    return response


def _told(invitation: Invitation) -> dict[str, Any]:
    return {
        "id": invitation.id,
        "user_id": invitation.user_id,
        "made_by": invitation.made_by,
        "state": state_of(invitation, site().effects.now()).value,
        "made_at": written(invitation.made_at),
        "expires_at": written(invitation.expires_at),
        "used_at": written(invitation.used_at),
        "revoked_at": written(invitation.revoked_at),
    }
