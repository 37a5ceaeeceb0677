"""The one address at which a browser may answer for its computer (RFC 4559), within a sign-in of its own.

The header is looked at here and nowhere else, once, in a sign-in that was led here; whatever comes of it but
success leads back to the other ways, without a word. Only who pressed the button, and waits to be linked, is
told that they do. Decides nothing: where this is offered is `login/workplaces.py`, what an answer is worth is
`login/flow.py`.
"""

from http import HTTPStatus
from typing import Final

from flask import Blueprint, Response, render_template, request
from werkzeug.wrappers import Response as AnyResponse

from idp.errors import Reason
from idp.login.flow import Answered
from idp.login.look import Look
from idp.methods.base import Rejected
from idp.web.arrived import show_waiting
from idp.web.guards import current_session
from idp.web.http import see_other, visitor
from idp.web.login import find_transaction, go_further, show_gone
from idp.web.site import site

blueprint = Blueprint("negotiate", __name__)

_SCHEME: Final = "Negotiate"


@blueprint.post("/login/<transaction_id>/negotiate")
def begin(transaction_id: str) -> AnyResponse:
    """Somebody pressed the button."""
    transaction = find_transaction(transaction_id)
    if transaction is None:
        return show_gone(transaction_id)
    login = site().login
    look = login.look(transaction, current_session())
    workplace = site().workplaces.find(look, visitor())
    if workplace is None:
        login.refuse(look, Reason.KERBEROS_NOT_HERE, visitor())
        return see_other(f"/login/{transaction_id}")
    login.begin_negotiation(look, workplace.method, by_itself=False)
    return see_other(request.path)


@blueprint.get("/login/<transaction_id>/negotiate")
def answer(transaction_id: str) -> AnyResponse:
    transaction = find_transaction(transaction_id)
    if transaction is None:
        return show_gone(transaction_id)
    look = site().login.look(transaction, current_session())
    workplace = site().workplaces.find(look, visitor())
    back = f"/login/{transaction_id}"
    if workplace is None:
        site().login.refuse(look, Reason.KERBEROS_NOT_HERE, visitor())
        return see_other(back)
    begun = transaction.challenge_of(workplace.method.facts.id)
    if not begun:
        return see_other(back)
    token = _token()
    if token is None:
        return _ask(back)
    outcome, reply = site().login.negotiate(
        look, workplace, token, visitor=visitor(), signed_in=current_session()
    )
    if not begun.get("by_itself", True) and _is_waiting(outcome):
        return show_waiting(look, by_computer=True)
    response = go_further(outcome) if isinstance(outcome, Look) else see_other(back)
    if reply:
        response.headers["WWW-Authenticate"] = f"{_SCHEME} {reply}"
    return response


def _is_waiting(outcome: Answered) -> bool:
    return isinstance(outcome, Rejected) and outcome.reason is Reason.ARRIVAL_WAITS


def _token() -> str | None:
    """What the browser sent in answer; None when it has not been asked yet."""
    scheme, _, token = request.headers.get("Authorization", "").partition(" ")
    return token.strip() if scheme.lower() == _SCHEME.lower() else None


def _ask(back: str) -> Response:
    """A browser that has a ticket answers and never shows this page; any other one shows it and goes on."""
    response = Response(
        render_template("login/negotiate.html", back_url=back), status=HTTPStatus.UNAUTHORIZED
    )
    response.headers["WWW-Authenticate"] = _SCHEME
    # A header, so that it needs no script and no other rule for the page.
    response.headers["Refresh"] = f"0; url={back}"
    return response
