"""Back from a municipality's own log-in page, and its word that somebody logged out there.

Decides nothing: see `login/upstreams.py` and `oidc/upstream_logout.py`.
"""

from http import HTTPStatus
from typing import Final

from flask import Blueprint, Response, abort, jsonify, request
from werkzeug.wrappers import Response as AnyResponse

from idp.errors import Reason
from idp.login.limits import Wait
from idp.login.look import Look
from idp.login.transaction import Transaction
from idp.login.upstream_return import Returned
from idp.methods.base import Pending, Rejected
from idp.oidc.upstream import CALLBACK_PATH, state_of
from idp.oidc.upstream_assertion import KEYS_PATH, published
from idp.oidc.upstream_logout import LOGOUT_PATH
from idp.web.forms import problem_of
from idp.web.guards import current_session, opened_by_token
from idp.web.http import browser_id, visitor
from idp.web.invited_there import invitations, show_linked
from idp.web.leaving import leading_to
from idp.web.login import find_transaction, go_further, show_gone, show_step
from idp.web.refusal import refusal
from idp.web.site import site

blueprint = Blueprint("upstream", __name__)

_SAID_ALIKE: Final = frozenset(
    {Reason.UPSTREAM_NOT_LINKED, Reason.UPSTREAM_BLOCKED_USER, Reason.UPSTREAM_NOT_ITS_PERSON}
)


@blueprint.get(f"{CALLBACK_PATH}/<upstream_id>")
def come_back(upstream_id: str) -> AnyResponse:
    """Changes nothing but the sign-in of this browser that waits for it, or the invitation it took up."""
    query = request.query_string.decode("latin-1")
    state = state_of(query)
    transaction_id = site().upstreams.transaction_of(state) if state is not None else None
    transaction = find_transaction(transaction_id) if transaction_id is not None else None
    if state is not None and transaction_id is None and invitations().is_waiting(state, browser_id()):
        response: AnyResponse = show_linked(Returned(upstream_id, state, query))
    elif transaction is None or state is None:
        response = show_gone(transaction_id or "")
    else:
        response = _answer(transaction, Returned(upstream_id, state, query))
    response.headers["Referrer-Policy"] = "no-referrer"
    return response


@blueprint.post(LOGOUT_PATH)
@opened_by_token
def log_out() -> Response:
    """Back-Channel Logout 2.7 and 2.8: 200 with nothing, or 400; never to be kept."""
    token = request.form.get("logout_token", "")
    accepted = bool(token) and site().upstream_logout.accept(token, site().upstreams.end)
    response = Response(status=HTTPStatus.OK if accepted else HTTPStatus.BAD_REQUEST)
    response.headers["Cache-Control"] = "no-store"
    return response


@blueprint.get(f"{KEYS_PATH}/<upstream_id>")
def keys(upstream_id: str) -> Response:
    """Our public key at that upstream, for it to fetch."""
    with site().storage.database.read() as work:
        upstream = work.upstreams.find(upstream_id)
    if upstream is None:
        abort(HTTPStatus.NOT_FOUND)
    response = jsonify(published(upstream))
    response.headers["Cache-Control"] = "public, max-age=600"
    return response


def _answer(transaction: Transaction, returned: Returned) -> AnyResponse:
    look = site().login.look(transaction, current_session())
    outcome = site().upstreams.came_back(look, returned, visitor=visitor(), signed_in=current_session())
    match outcome:
        case str():
            return leading_to(outcome)
        case Look():
            return go_further(outcome)
        case Rejected(reason) if reason in _SAID_ALIKE:
            return _refuse(transaction)
        case Rejected() | Wait():
            return show_step(look, problem_of(outcome))
        case Pending():
            return show_step(look)


def _refuse(transaction: Transaction) -> Response:
    """To whom the upstream knows and we let nobody in for; the trail alone has why."""
    return refusal(
        Reason.UPSTREAM_NOT_LINKED,
        restart_url=f"/login/{transaction.id}/anew",
        application_name=transaction.application.name if transaction.application else None,
    )
