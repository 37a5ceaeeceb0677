"""The pages for whoever has an enrolment letter: its code and their username, then one way of signing in.

Opening a page uses nothing up, and the code is never in an address that is sent: the QR holds it after the
`#`, from where a script puts it into the field. Decides nothing: see `login/tickets.py`.
"""

from http import HTTPStatus
from typing import Final

from flask import Blueprint, Response, render_template, request
from werkzeug.wrappers import Response as AnyResponse

from idp.errors import Reason
from idp.login.limits import Wait
from idp.login.tickets import Opened, Tickets
from idp.methods.base import Rejected
from idp.web.errors import reference
from idp.web.forms import NO_PROBLEM, Problem, answers, as_shown, problem_of, show_form
from idp.web.http import browser_id, see_other, visitor
from idp.web.i18n import translate
from idp.web.pages import act_for
from idp.web.shared import is_left
from idp.web.site import site

blueprint = Blueprint("enrol", __name__)

_HOME: Final = "/enrol"
_DONE: Final = "/enrol/done"


@blueprint.get("/enrol")
def ask_for_code() -> Response:
    return _show_question("")


@blueprint.post("/enrol")
def take_code() -> AnyResponse:
    username, code = request.form.get("username", ""), request.form.get("code", "")
    match _tickets().open(username, code, visitor()):
        case str(sitting_id):
            return see_other(f"{_HOME}/{sitting_id}")
        case Wait() as wait:
            return _show_question(username, problem_of(wait))
        case None:
            error = (None, translate(Reason.WRONG_TICKET.public))
            return _show_question(username, Problem(errors=(error,), status=HTTPStatus.UNPROCESSABLE_ENTITY))


@blueprint.get("/enrol/done")
def done() -> Response:
    return Response(render_template("enrol/done.html", sign_in_url="/"))


@blueprint.post("/enrol/done")
def go_on() -> AnyResponse:
    """Where the page of recovery codes leads on to."""
    return see_other(_DONE)


@blueprint.get("/enrol/<sitting_id>")
def show(sitting_id: str) -> AnyResponse:
    opened = _find(sitting_id)
    return _show(opened) if opened is not None else _gone()


@blueprint.post("/enrol/<sitting_id>")
def set_up(sitting_id: str) -> AnyResponse:
    opened = _find(sitting_id)
    if opened is None:
        return _gone()
    method_id = request.args.get("method", "")
    outcome = _tickets().answer(opened, method_id, answers(), visitor())
    if outcome == Rejected(Reason.TICKET_OVER):
        return _gone()
    if isinstance(outcome, Rejected | Wait):
        return _show(opened, problem_of(outcome))
    if not outcome.show_once:
        return see_other(_DONE)
    return Response(
        render_template("login/recovery_codes.html", codes=outcome.show_once, continue_action=_DONE)
    )


def _show_question(username: str, problem: Problem = NO_PROBLEM) -> Response:
    """What was typed as the code is not repeated."""
    return show_form("enrol/code.html", problem, action=_HOME, username=username[:256])


def _show(opened: Opened, problem: Problem = NO_PROBLEM) -> Response:
    """The way that was asked for; before that what the letter does, and the choice."""
    posts = opened.person.employments
    act_for(posts[0].municipality if len(posts) == 1 else None)
    method_id = request.args.get("method", "")
    if method_id not in opened.methods:
        return _show_choice(opened, problem)
    return show_form(
        "login/enrol.html",
        problem,
        action=_url(opened, method_id),
        method=as_shown(site().methods[method_id]),
        challenge=_tickets().begin(opened, method_id).page,
        who=opened.person.user.username,
        cancel_url=_url(opened),
        application_name=None,
    )


def _show_choice(opened: Opened, problem: Problem) -> Response:
    return show_form(
        "enrol/choose.html",
        problem,
        who=opened.person.user.display_name,
        methods=[
            as_shown(site().methods[method_id]) | {"url": _url(opened, method_id)}
            for method_id in opened.methods
        ],
    )


def _gone() -> Response:
    page = render_template(
        "enrol/over.html", code=Reason.TICKET_OVER.code, reference=reference(), restart_url=_HOME
    )
    return Response(page, status=HTTPStatus.GONE)


def _find(sitting_id: str) -> Opened | None:
    opened = _tickets().find(sitting_id, browser=browser_id())
    return None if opened is not None and is_left(opened.half_way) else opened


def _url(opened: Opened, method_id: str | None = None) -> str:
    path = f"{_HOME}/{opened.sitting.id}"
    return f"{path}?method={method_id}" if method_id else path


def _tickets() -> Tickets:
    return site().tickets
