"""The page of confirming in person: where the code that was given at the municipality is typed.

Decides nothing: see `people/identity/in_person_code.py`.
"""

from typing import Final

from flask import Blueprint, Response, request, url_for
from werkzeug.wrappers import Response as AnyResponse

from idp.errors import Reason
from idp.login.limits import Wait
from idp.methods.base import Rejected
from idp.models.confirmations import ConfirmedBy
from idp.people.identity.in_person_code import ByInPersonCode
from idp.people.identity.sittings import Sitting
from idp.web.forms import NO_PROBLEM, Problem, problem_of, show_form
from idp.web.guards import current_session
from idp.web.http import see_other, visitor
from idp.web.identity_way import Started, WebWay, url_of
from idp.web.site import site
from idp.words import N_

blueprint = Blueprint("identity_in_person", __name__)


@blueprint.post("/identity/<sitting_id>/code")
def enter(sitting_id: str) -> AnyResponse:
    sitting = site().identity.desk.find(sitting_id, visitor=visitor(), signed_in=current_session())
    if sitting is None:
        return see_other(url_for("identity.show", sitting_id=sitting_id))  # which says that it is over
    outcome = _way().enter(sitting, request.form.get("code", ""), visitor())
    if outcome is None:
        return see_other(url_of(sitting))
    return _page(sitting, problem_of(outcome if isinstance(outcome, Wait) else Rejected(outcome)))


def _way() -> ByInPersonCode:
    return site().identity.in_person


def _start(sitting: Sitting) -> Started:
    outcome = _way().begin(sitting, visitor())
    return outcome if isinstance(outcome, Wait | Reason) else see_other(url_of(sitting))


def _show(sitting: Sitting) -> Response | None:
    return _page(sitting) if _way().is_open(sitting) else None


def _page(sitting: Sitting, problem: Problem = NO_PROBLEM) -> Response:
    return show_form(
        "identity/in_person.html",
        problem,
        action=f"{url_of(sitting)}/code",
        cancel_action=url_of(sitting),
        username=sitting.username,
    )


def _cancel(sitting: Sitting) -> None:
    _way().cancel(sitting)


WAY: Final = WebWay(
    id=ConfirmedBy.IN_PERSON.value,
    by=ConfirmedBy.IN_PERSON,
    label=N_("In person at the municipality"),
    description=N_(
        "Show your passport or identity card to the administrator of your municipality. A second person "
        "approves it, and you are given a code."
    ),
    button=N_("Enter the code"),
    is_there=lambda: True,
    start=_start,
    show=_show,
    cancel=_cancel,
    is_online=False,
)
