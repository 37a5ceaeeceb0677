"""The pages of confirming once who owns an account, and of getting back into one by confirming it again.

From the account page, from a sign-in that cannot go on, or from a name alone; then always the same: what is
read and why, the person's leave, one of several ways, whose identity it is, and whether to link it.
Decides nothing: see `people/identity/desk.py`.
"""

from http import HTTPStatus
from typing import Final

from flask import Blueprint, Response, abort, render_template, request
from werkzeug.wrappers import Response as AnyResponse

from idp.errors import Reason
from idp.login.limits import Wait
from idp.login.look import Look
from idp.login.standing import Person
from idp.login.steps import Refuse
from idp.login.turns import half_way_of
from idp.methods.base import Rejected
from idp.models.confirmations import ConfirmedBy, IdentityRead
from idp.models.usernames import canonical_username
from idp.models.vouching import VouchingRequest
from idp.people.identity.desk import IdentityDesk, LetIn, Linked
from idp.people.identity.sittings import Purpose, Sitting
from idp.web import identity_eparaksts, identity_in_person, identity_smart_id
from idp.web.errors import reference
from idp.web.forms import NO_PROBLEM, Problem, problem_of, show_form
from idp.web.guards import ask_for, current_session, satisfied, sign_in_required
from idp.web.headers import allow_form_action
from idp.web.http import browser_id, see_other, visitor, write_session
from idp.web.i18n import language, translate
from idp.web.identity_way import WebWay, find_sitting, url_of
from idp.web.shared import is_left
from idp.web.site import site
from idp.words import N_

blueprint = Blueprint("identity", __name__)

WAYS: Final = (
    identity_smart_id.WAY,
    identity_eparaksts.MOBILE,
    identity_eparaksts.CARD,
    identity_in_person.WAY,
)
_CONFIRMED_BY: Final = {
    ConfirmedBy.SMART_ID.value: N_("Smart-ID"),
    ConfirmedBy.EPARAKSTS.value: N_("eParaksts"),
    ConfirmedBy.IN_PERSON.value: N_("In person at the municipality"),
}
_ACCOUNT: Final = "/account/identity"
_RECOVER: Final = "/recover"


def ways() -> tuple[WebWay, ...]:
    """Those that this installation has."""
    return tuple(way for way in WAYS if way.is_there())


# Where it begins ------------------------------------------------------------------------------------------


@blueprint.get("/account/identity")
@sign_in_required
def explain() -> AnyResponse:
    shown = identity_shown(satisfied().person)
    if shown and "again" not in request.args:
        return show_form("identity/confirmed.html", identity=shown, again_url=f"{_ACCOUNT}?again=1")
    return _asked_for_proof() or _show_choice(_ACCOUNT, satisfied().signed_in.username, Purpose.ACCOUNT)


def identity_shown(person: Person) -> dict[str, object]:
    """As the account page tells it; empty where it was not confirmed."""
    with site().storage.database.read() as work:
        confirmed = work.confirmations.find(person.user.id)
        code = work.people.person_code_of(person.user) if confirmed is not None else None
    if confirmed is None:
        return {}
    return {
        "name": f"{confirmed.given_name} {confirmed.family_name}",
        "masked_code": code.masked if code else "",
        "way": translate(_CONFIRMED_BY[confirmed.confirmation.confirmed_by]),
        "confirmed_at": confirmed.confirmation.confirmed_at,
    }


@blueprint.post("/account/identity")
@sign_in_required
def begin() -> AnyResponse:
    if asked := _asked_for_proof():
        return asked
    signed_in = satisfied().signed_in
    sitting = _desk().begin_in_session(signed_in, visitor(), language=language())
    return _start(sitting)


@blueprint.post("/account/identity/remove")
@sign_in_required
def remove() -> AnyResponse:
    """The person takes the confirmation back; the account stays theirs."""
    if asked := _asked_for_proof():
        return asked
    _desk().remove(satisfied().signed_in, visitor())
    return see_other("/account#identity")


@blueprint.post("/login/<transaction_id>/identity")
def begin_in_sign_in(transaction_id: str) -> AnyResponse:
    """Where a first factor was proved, and neither a second nor leave to set one up is there."""
    look = _look(transaction_id)
    if look is None or look.person is None or not may_confirm(look):
        return _gone()
    return see_other(
        url_of(_desk().begin_in_sign_in(look.person, look.transaction, visitor(), language=language()))
    )


def _look(transaction_id: str) -> Look | None:
    """None where it ended, or its person is gone from this browser."""
    transaction = site().login.find(transaction_id, browser=browser_id())
    half_way = half_way_of(transaction) if transaction is not None else None
    if transaction is None or (half_way is not None and is_left(half_way)):
        return None
    return site().login.look(transaction, current_session())


def may_confirm(look: Look) -> bool:
    """Whether a sign-in that is refused may go on by a confirmed identity: with what was proved in it, not
    with what a session knows from before.
    """
    is_stuck = isinstance(look.step, Refuse) and look.step.reason is Reason.NOT_REACHABLE
    is_known = look.decision is not None and bool(look.decision.counted) and bool(look.transaction.proofs)
    if not (is_stuck and is_known):
        return False
    return look.person is not None and _desk().rules.may_begin_in_sign_in(look.person)


@blueprint.get("/recover")
def ask_for_name() -> AnyResponse:
    return _show_question("")


@blueprint.post("/recover")
def recover() -> AnyResponse:
    """Goes on in the same way whether anybody has that name."""
    typed = request.form.get("username", "")
    by_vouching = request.form.get("by") == "vouching"
    if by_vouching and not site().vouching.is_anywhere():
        abort(404)
    try:
        username = canonical_username(typed)
    except ValueError:
        return _show_question(typed, problem_of(Rejected(Reason.IDENTITY_NAME)))
    if by_vouching:
        return _ask_to_be_vouched_for(username)
    return see_other(url_of(_desk().begin_for_name(username, visitor(), language=language())))


def _ask_to_be_vouched_for(username: str) -> AnyResponse:
    outcome = site().vouching.ask(username, visitor())
    if isinstance(outcome, VouchingRequest):
        return see_other(_vouching_url(outcome))
    problem = problem_of(outcome if isinstance(outcome, Wait) else Rejected(outcome))
    return _show_question(username, problem)


def _vouching_url(waiting: VouchingRequest) -> str:
    return f"{_RECOVER}/vouching/{waiting.id}"


# One sitting ----------------------------------------------------------------------------------------------


@blueprint.get("/identity/other-browser")
def other_browser() -> Response:
    page = render_template("identity/other_browser.html", code="other_browser", reference=reference())
    return Response(page, status=HTTPStatus.CONFLICT)


@blueprint.get("/identity/<sitting_id>")
def show(sitting_id: str) -> AnyResponse:
    sitting = _find(sitting_id)
    return _gone() if sitting is None else _show(sitting)


@blueprint.post("/identity/<sitting_id>")
def answer(sitting_id: str) -> AnyResponse:
    sitting = _find(sitting_id)
    if sitting is None:
        return _gone()
    match request.form.get("answer", ""):
        case "link":
            return _link(sitting)
        case "decline":
            _desk().decline(sitting, visitor())
            return see_other(url_of(sitting))
        case "cancel":
            for way in ways():
                way.cancel(sitting)
            _desk().give_up(sitting)
            return see_other(_leads_back_to(sitting))
        case _ if _desk().sittings.find_read(sitting) is not None:
            return _show(sitting)  # what is linked is what was shown
        case _:
            return _start(sitting)


def _start(sitting: Sitting) -> AnyResponse:
    """The way that was chosen, if the person agreed."""
    way = next((way for way in ways() if way.id == request.form.get("way")), None)
    if way is None or request.form.get("consent") != "1":
        return _show_again(sitting, Reason.IDENTITY_NO_CONSENT)
    outcome = way.start(_desk().agree(sitting, language=language()))
    return _show_again(sitting, outcome) if isinstance(outcome, Wait | Reason) else outcome


def _link(sitting: Sitting) -> AnyResponse:
    outcome = _desk().link(sitting, current_session(), visitor())
    match outcome:
        case Linked(token, needs_factor):
            response = see_other("/account/choose?confirmed=1" if needs_factor else "/account#identity")
            write_session(response, token)
            return response
        case LetIn(enrolment_id):
            return see_other(f"/enrol/{enrolment_id}")
        case reason:
            return _show_again(sitting, reason)


def _show(sitting: Sitting) -> AnyResponse:
    if (read := _desk().sittings.find_read(sitting)) is not None:
        return _show_read(sitting, read)
    for way in ways():
        if (page := way.show(sitting)) is not None:
            return page
    if (read := _desk().sittings.find_read(sitting)) is not None:
        return _show_read(sitting, read)
    failure = _desk().sittings.find_failure(sitting)
    return _show_choice(
        url_of(sitting),
        sitting.username,
        sitting.purpose,
        problem_of(Rejected(failure)) if failure is not None else NO_PROBLEM,
    )


def _show_again(sitting: Sitting, outcome: Wait | Reason) -> AnyResponse:
    problem = problem_of(outcome if isinstance(outcome, Wait) else Rejected(outcome))
    return _show_choice(url_of(sitting), sitting.username, sitting.purpose, problem)


def _show_read(sitting: Sitting, read: IdentityRead) -> Response:
    return show_form(
        "identity/link.html",
        action=url_of(sitting),
        name=read.display_name,
        masked_code=read.code.masked,
        username=sitting.username,
        recovers=sitting.purpose is Purpose.RECOVERY,
    )


def _show_choice(action: str, username: str, purpose: Purpose, problem: Problem = NO_PROBLEM) -> Response:
    for origin in {way.leads_to() for way in ways()} - {""}:
        allow_form_action(origin)
    return show_form(
        "identity/choose.html",
        problem,
        action=action,
        username=username,
        purpose=purpose.value,
        agreed=request.form.get("consent") == "1",
        ways=[
            {
                "id": way.id,
                "label": translate(way.label),
                "description": translate(way.description),
                "button": translate(way.button) if way.button else "",
            }
            for way in ways()
        ],
        cancel_url=_BACK[purpose],
    )


def _show_question(username: str, problem: Problem = NO_PROBLEM) -> Response:
    return show_form(
        "identity/recover.html",
        problem,
        action=_RECOVER,
        username=username[:256],
        by_vouching=site().vouching.is_anywhere(),
        waiting=[
            {"url": _vouching_url(each), "asked_at": each.asked_at}
            for each in site().vouching.of_browser(visitor())
        ],
    )


def _gone() -> Response:
    page = render_template(
        "identity/over.html", code=Reason.IDENTITY_OVER.code, reference=reference(), restart_url="/"
    )
    return Response(page, status=HTTPStatus.GONE)


_BACK: Final = {Purpose.ACCOUNT: "/account#identity", Purpose.SIGN_IN: "/", Purpose.RECOVERY: "/"}


def _leads_back_to(sitting: Sitting) -> str:
    return _BACK[sitting.purpose]


def _asked_for_proof() -> AnyResponse | None:
    return ask_for(site().enrolments.requirements(satisfied().person), return_to=f"{_ACCOUNT}?again=1")


def _find(sitting_id: str) -> Sitting | None:
    sitting = find_sitting(sitting_id)
    if sitting is None or sitting.purpose is not Purpose.SIGN_IN:
        return sitting
    look = _look(sitting.holder)
    return sitting if look is not None and may_confirm(look) else None


def _desk() -> IdentityDesk:
    return site().identity.desk
