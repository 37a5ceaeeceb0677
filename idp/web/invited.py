"""The page of an invitation: its code, whose it is, and the name and password of the municipality's network.

Opening it uses nothing up, and the code is never in an address that is sent: it stands after the `#`, from
where a script puts it into its field. Nobody is signed in by it: that is the next page. Decides nothing: see
`people/invitations.py`.
"""

from typing import Final

from flask import Blueprint, Response, render_template, request
from werkzeug.wrappers import Response as AnyResponse

from idp.people.invitations import Asked
from idp.web.forms import NO_PROBLEM, Problem, problem_of, show_form
from idp.web.http import see_other, visitor
from idp.web.site import site

blueprint = Blueprint("invited", __name__)

ADDRESS: Final = "/invited"
_DONE: Final = "/invited/done"
_SHOWN_AT_MOST: Final = 256


@blueprint.get(ADDRESS)
def show() -> Response:
    return _show()


@blueprint.post(ADDRESS)
def accept() -> AnyResponse:
    asked = Asked(
        username=request.form.get("username", ""),
        code=request.form.get("code", ""),
        name=request.form.get("network_name", ""),
        password=request.form.get("password", ""),
    )
    refused = site().arrivals.invitations.accept(asked, visitor())
    return see_other(_DONE) if refused is None else _show(problem_of(refused))


@blueprint.get(_DONE)
def done() -> Response:
    return Response(render_template("invited/done.html", sign_in_url="/"))


def address_of(issuer: str, code: str) -> str:
    return f"{issuer}{ADDRESS}#{code}"


def _show(problem: Problem = NO_PROBLEM) -> Response:
    """What was typed as the password is not repeated. The code is: it is long, and no page is kept."""
    return show_form(
        "invited/invited.html",
        problem,
        action=ADDRESS,
        code=request.form.get("code", "")[:_SHOWN_AT_MOST],
        username=request.form.get("username", "")[:_SHOWN_AT_MOST],
        network_name=request.form.get("network_name", "")[:_SHOWN_AT_MOST],
    )
