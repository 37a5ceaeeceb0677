"""The page of an invitation for a municipality's own log-in page: its code, and whose it is, before going on.

The code is typed; no address has it, so that no link can use one up in a browser it was sent to. Nobody is
signed in by it: that is the next page. Decides nothing: see `people/upstream_invitations.py`.
"""

from typing import Final

from flask import Blueprint, Response, render_template, request
from werkzeug.wrappers import Response as AnyResponse

from idp.login.limits import Wait
from idp.login.upstream_return import Returned
from idp.methods.base import Rejected
from idp.people.upstream_invitations import UpstreamInvitations
from idp.web.forms import NO_PROBLEM, Problem, problem_of, show_form
from idp.web.http import see_other, visitor
from idp.web.i18n import language
from idp.web.leaving import leading_to
from idp.web.site import site

blueprint = Blueprint("invited_there", __name__)

ADDRESS: Final = "/invited/organisation"
_DONE: Final = "/invited/organisation/done"
_SHOWN_AT_MOST: Final = 256


@blueprint.get(ADDRESS)
def show() -> Response:
    return _show()


@blueprint.post(ADDRESS)
def accept() -> AnyResponse:
    outcome = invitations().set_out(
        username=request.form.get("username", ""),
        code=request.form.get("code", ""),
        language=language(),
        visitor=visitor(),
    )
    match outcome:
        case str():
            return leading_to(outcome)
        case Rejected() | Wait():
            return _show(problem_of(outcome))


@blueprint.get(_DONE)
def done() -> Response:
    return Response(render_template("invited/organisation_done.html", sign_in_url="/"))


def show_linked(returned: Returned) -> AnyResponse:
    """Of a browser that came back with it. What it brought is not shown, and not in the next address."""
    refused = invitations().came_back(returned, visitor())
    return see_other(_DONE) if refused is None else _show(problem_of(refused))


def invitations() -> UpstreamInvitations:
    return site().arrivals.upstream_invitations


def _show(problem: Problem = NO_PROBLEM) -> Response:
    """The code is repeated as it was typed: it is long, and no page is kept."""
    return show_form(
        "invited/organisation.html",
        problem,
        action=ADDRESS,
        code=request.form.get("code", "")[:_SHOWN_AT_MOST],
        username=request.form.get("username", "")[:_SHOWN_AT_MOST],
    )
