"""The pages on the phone: which sign-ins wait to be approved, and the number to pick for one of them.

Decides nothing: who may approve and what a choice means is said by `login/approvals.py`. A link from a QR
code leads to the same question as the list; a link to somebody else's request leads nowhere.
"""

import hashlib
from http import HTTPStatus
from typing import Final, assert_never

from flask import Blueprint, Response, jsonify, render_template, request
from werkzeug.wrappers import Response as AnyResponse

from idp.login.approvals import Approver, Gone, Outcome, SameBrowser
from idp.login.browsers import UNKNOWN, browser_name
from idp.login.limits import network_of
from idp.login.standing import Satisfied
from idp.models.approvals import ApprovalRequest, Decided
from idp.web.account_page import place_of
from idp.web.errors import reference
from idp.web.guards import ask_for, current_session, satisfied
from idp.web.headers import allow_own_requests
from idp.web.http import approver_token, see_other, visitor, write_approver
from idp.web.i18n import translate
from idp.web.pages import PRODUCT_NAME, act_for
from idp.web.site import site
from idp.words import N_

blueprint = Blueprint("approve", __name__)

_HOME: Final = "/approve"
_ALLOW: Final = "/account/methods"
_STATE_LENGTH: Final = 16


@blueprint.get("/approve")
def show_waiting() -> AnyResponse:
    if asked := ask_for(site().approvals.requirements):
        return asked
    approver = _find_approver()
    if approver is None:
        return _show_not_allowed()
    waiting = site().approvals.waiting_for(approver)
    allow_own_requests()
    page = render_template(
        "approve/waiting.html",
        requests=[_shown(each) | {"id": each.id, "url": f"{_HOME}/{each.id}"} for each in waiting],
        state=_state_of(waiting),
        state_url=f"{_HOME}/state",
    )
    return _keep_approving(Response(page))


@blueprint.get("/approve/state")
def state() -> AnyResponse:
    """For the list that is open: another answer than before says that it has changed."""
    standing = site().login.standing(current_session(), site().approvals.requirements)
    approver = _approver(standing) if isinstance(standing, Satisfied) else None
    return jsonify(state=_state_of(site().approvals.waiting_for(approver)) if approver else "")


@blueprint.get("/approve/<request_id>")
def show(request_id: str) -> AnyResponse:
    if asked := ask_for(site().approvals.requirements):
        return asked
    approver = _find_approver()
    return _show(site().approvals.look(request_id, approver)) if approver else _show_not_allowed()


@blueprint.post("/approve/<request_id>")
def decide(request_id: str) -> AnyResponse:
    if asked := ask_for(site().approvals.requirements):
        return asked
    approver = _find_approver()
    if approver is None:
        return _show_not_allowed()
    outcome = site().approvals.decide(request_id, approver, choice=request.form.get("choice", ""))
    # What was decided is shown under a GET, so that loading it again decides nothing.
    return see_other(f"{_HOME}/{request_id}") if isinstance(outcome, Decided) else _show(outcome)


def _find_approver() -> Approver | None:
    """None when this browser is not allowed to approve for the person who is signed in on it."""
    act_for(satisfied().municipality)
    return _approver(satisfied())


def _approver(standing: Satisfied) -> Approver | None:
    credential = site().approvals.credential_of(standing.person, approver_token())
    if credential is None:
        return None
    return Approver(
        person=standing.person, credential=credential, signed_in=standing.signed_in, visitor=visitor()
    )


def _show(outcome: Outcome) -> AnyResponse:
    match outcome:
        case ApprovalRequest():
            return _show_request(outcome)
        case Decided(verdict, application, in_time):
            page = render_template(
                "approve/decided.html",
                verdict=verdict.value,
                in_time=in_time,
                application=application or PRODUCT_NAME,
                waiting_url=_HOME,
                code="approval_number_mismatch",
                reference=reference(),
            )
            return _keep_approving(Response(page))
        case SameBrowser():
            return _show_nothing(N_("This browser itself is logging in. Open the link on your phone."))
        case Gone():
            return _show_nothing(N_("A request waits for two minutes and takes one decision."))
        case _:
            assert_never(outcome)


def _show_request(waiting: ApprovalRequest) -> Response:
    page = render_template(
        "approve/request.html",
        **_shown(waiting),
        action=f"{_HOME}/{waiting.id}",
        numbers=waiting.choices,
        same_network=network_of(waiting.occasion.address) == network_of(visitor().address),
        who=satisfied().signed_in.display_name,
    )
    return _keep_approving(Response(page))


def _show_nothing(why: str) -> Response:
    """The same whether it never was, is over, or is somebody else's."""
    page = render_template(
        "approve/gone.html",
        message=translate(why),
        waiting_url=_HOME,
        code="approval_gone",
        reference=reference(),
    )
    return Response(page, status=HTTPStatus.GONE)


def _show_not_allowed() -> Response:
    allowing = next(method.facts.id for method in site().methods.values() if method.facts.companion)
    may_allow = site().enrolments.may_set_up(satisfied().person, allowing)
    page = render_template(
        "approve/not_allowed.html", allow_url=f"{_ALLOW}/{allowing}" if may_allow else None
    )
    return Response(page, status=HTTPStatus.FORBIDDEN)


def _shown(waiting: ApprovalRequest) -> dict[str, object]:
    occasion = waiting.occasion
    return {
        "application": occasion.application or PRODUCT_NAME,
        "address": place_of(occasion.address),
        "desk": browser_name(occasion.user_agent) or translate(UNKNOWN),
        "asked_at": waiting.asked_at,
    }


def _state_of(waiting: list[ApprovalRequest]) -> str:
    together = " ".join(each.id for each in waiting)
    return hashlib.sha256(together.encode()).hexdigest()[:_STATE_LENGTH]


def _keep_approving(response: Response) -> Response:
    """A phone that is used stays allowed: its token is kept for another year."""
    write_approver(response, approver_token())
    return response
