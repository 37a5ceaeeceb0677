"""The pages of a sign-in: one address, which shows whatever comes next and takes whatever was answered.

Decides nothing: what comes next is `login/steps.py`, what an answer is worth is `login/flow.py`.
"""

from http import HTTPStatus
from typing import Final, assert_never

from flask import Blueprint, Response, jsonify, render_template, request
from werkzeug.wrappers import Response as AnyResponse

from idp.errors import Reason
from idp.login.asking import how_it_stands
from idp.login.delegation import OWN_SECRET
from idp.login.flow import Login
from idp.login.limits import Wait
from idp.login.look import Look
from idp.login.remembered import Kept
from idp.login.steps import Choose, Done, Enrol, Identify, Offer, Refuse, SelectAccount
from idp.login.transaction import Transaction
from idp.login.turns import half_way_of
from idp.methods.base import Challenge, Discovering, Pending, Rejected, Renewal, Waiting, negotiates
from idp.models.people import Employment
from idp.web.arrived import show_waiting
from idp.web.computers import box_for, keep, remember_if_asked
from idp.web.errors import reference
from idp.web.forms import NO_PROBLEM, NOT_YET, Problem, answers, as_shown, problem_of, show_form, template_of
from idp.web.guards import current_session
from idp.web.headers import allow_form_action, allow_own_requests
from idp.web.http import browser_id, see_other, visitor, write_session
from idp.web.i18n import translate
from idp.web.identity import may_confirm
from idp.web.leaving import lead_away
from idp.web.pages import act_for, municipality_names
from idp.web.refusal import refusal
from idp.web.shared import is_left, is_shared, is_shared_by_network
from idp.web.site import site
from idp.web.workplace import begin_by_itself, computer_beside, negotiation_url, those_that_work_here

blueprint = Blueprint("login", __name__)

_EXPIRED_STATUS: Final = HTTPStatus.GONE


@blueprint.get("/login/<transaction_id>")
def show(transaction_id: str) -> AnyResponse:
    transaction = find_transaction(transaction_id)
    if transaction is None:
        return show_gone(transaction_id)
    look = _login().look(transaction, current_session())
    if (begun := begin_by_itself(look)) is not None:
        return begun
    return _finish(look) if isinstance(look.step, Done) else show_step(look)


@blueprint.post("/login/<transaction_id>")
def answer(transaction_id: str) -> AnyResponse:
    transaction = find_transaction(transaction_id)
    if transaction is None:
        return show_gone(transaction_id)
    look = _login().look(transaction, current_session())
    method_id = _answered_method()
    if isinstance(look.step, Choose) and "municipality" in request.form:
        return go_further(_login().choose_employment(look, request.form["municipality"], current_session()))
    if isinstance(look.step, SelectAccount) and "choice" in request.form:
        go_on = request.form["choice"] == "continue"
        return go_further(_login().confirm_account(look, current_session(), go_on=go_on))
    if method_id is None:
        return go_further(look)
    if isinstance(look.step, Enrol):
        return _enrol(look, method_id)
    match lead_away(look, method_id):
        case Problem() as problem:
            return show_step(look, problem)
        case None:
            return _check(look, method_id)
        case leaving:
            return leaving


@blueprint.get("/login/<transaction_id>/state")
def state(transaction_id: str) -> AnyResponse:
    """For the page that waits for an answer on another device: whether it is there. Changes nothing."""
    transaction = _login().find(transaction_id, browser=browser_id())
    method = site().methods.get(_answered_method() or "")
    stands = how_it_stands(transaction, method) if transaction is not None else Waiting.OVER
    return jsonify(state=stands)


@blueprint.get("/login/<transaction_id>/anew")
def start_anew(transaction_id: str) -> AnyResponse:
    """The same application, another person."""
    transaction = _login().find(transaction_id, browser=browser_id())
    if transaction is None:
        return show_gone(transaction_id)
    return see_other(_url(_login().start_over(transaction, current_session()).transaction))


def _check(look: Look, method_id: str) -> AnyResponse:
    outcome = _login().answer(look, method_id, answers(), visitor=visitor(), signed_in=current_session())
    match outcome:
        case Look():
            return go_further(outcome, remember_if_asked(look, outcome, method_id))
        case Pending():
            return show_step(look, NOT_YET)
        case Rejected(renewal=Renewal() as renewal):
            return _show_renewal(look, outcome, renewal)
        case Rejected(reason=Reason.ARRIVAL_WAITS):
            return show_waiting(look)
        case Rejected() | Wait():
            return show_step(look, problem_of(outcome))
        case _:
            assert_never(outcome)


def _enrol(look: Look, method_id: str) -> AnyResponse:
    """Sets up a method that the step offers; its recovery codes are shown now or never."""
    if not isinstance(look.step, Enrol) or method_id not in look.step.methods or look.person is None:
        return go_further(look)
    outcome = site().enrolments.answer(
        look.transaction.id,
        look.person,
        method_id,
        answers(),
        visitor=visitor(),
        signed_in=None,
        leave=site().enrolments.leave_of_first(look.person),
    )
    if isinstance(outcome, Rejected | Wait):
        return show_step(look, problem_of(outcome))
    _login().enrolled(look, method_id, outcome.credential_id)
    if not outcome.show_once:
        return see_other(_url(look.transaction))
    _dress(look)
    return Response(
        render_template(
            "login/recovery_codes.html", codes=outcome.show_once, continue_action=_url(look.transaction)
        )
    )


def go_further(look: Look, kept: Kept | None = None) -> AnyResponse:
    """After an answer that was accepted: to the end, or to the next page. `kept`: if it is remembered now."""
    recalled = site().computers.recall(look, visitor(), current_session())
    return keep(_lead_on(recalled.look), kept or recalled.kept)


def _lead_on(look: Look) -> AnyResponse:
    if isinstance(look.step, Done):
        return _finish(look)
    if isinstance(look.step, Refuse):
        _login().refuse(look, look.step.reason, visitor())
    return see_other(_url(look.transaction))


def _finish(look: Look) -> AnyResponse:
    finished = _login().finish(look, visitor=visitor(), signed_in=current_session())
    if finished is None:
        return show_gone(look.transaction.id)
    response = see_other(finished.return_to)
    if finished.token is not None:
        write_session(response, finished.token)
    return response


def show_gone(transaction_id: str) -> AnyResponse:
    """A back button or second click after the end leads on; anything else is told that it expired."""
    if (ended := site().approvals.find_ended(transaction_id, browser=browser_id())) is not None:
        # By somebody who was not at this browser; whoever is may begin again.
        return refusal(ended.reason, restart_url=ended.return_to, application_name=ended.application)
    return_to = _login().find_finished(transaction_id, browser=browser_id())
    if return_to is not None and current_session() is not None:
        return see_other(return_to)
    page = render_template(
        "login/expired.html",
        restart_url="/",
        application_name=None,
        code=Reason.TRANSACTION_EXPIRED.code,
        reference=reference(),
    )
    return Response(page, status=_EXPIRED_STATUS)


# What each step looks like ----------------------------------------------------------------------------


def show_step(look: Look, problem: Problem = NO_PROBLEM) -> Response:
    _dress(look)
    step = look.step
    match step:
        case Identify() | Done():
            return _show_identify(look, problem)
        case SelectAccount():
            return show_form("login/select_account.html", action=_url(look.transaction), who=_who(look))
        case Choose(employments):
            return _show_choice(look, employments)
        case Offer(methods):
            return _show_offer(look, methods, problem)
        case Enrol(methods):
            return _show_enrolment(look, methods, problem)
        case Refuse(reason):
            return _show_refusal(look, reason)
        case _:
            assert_never(step)


def _show_identify(look: Look, problem: Problem) -> Response:
    transaction = look.transaction
    application = transaction.application
    method = next(method for method in site().methods.values() if method.facts.with_username)
    return show_form(
        "login/identify.html",
        problem,
        action=_url(transaction, method.facts.id),
        username=request.form.get("username") or _expected_username(transaction),
        other_methods=[],
        shared=is_shared(),
        shared_by_network=is_shared_by_network(),
        here=_url(transaction),
        beside=[_beside(look, way, problem) for way in _login().discovering()],
        ask_own_secret=bool(problem.away and problem.away.own_secret) or OWN_SECRET in request.form,
        own_secret=OWN_SECRET in request.form,
        **computer_beside(look),
        page_method_template=template_of(method),
        start_over_url=None,
        recover_url="/recover",
        application_name=_application_name(look),
        application_third_party=application.third_party if application else False,
        client_links=[(translate(label), url) for label, url in application.links] if application else [],
    )


def _beside(look: Look, way: Discovering, problem: Problem) -> dict[str, object]:
    """A way that needs no username. After it failed it waits to be asked: it might fail so again."""
    failed = request.method == "POST" and _answered_method() == way.facts.id
    challenge = _login().begin_for_anybody(look, way, anew=failed)
    return as_shown(way) | {
        "action": _url(look.transaction, way.facts.id),
        "challenge": challenge.page,
        "conditional": not failed and not problem.wait_seconds and not is_shared(),
    }


def _show_offer(look: Look, methods: tuple[str, ...], problem: Problem) -> Response:
    here = those_that_work_here(look, methods)
    return _show_method(look, here, problem) if here else _show_refusal(look, Reason.NOT_REACHABLE)


def _show_method(look: Look, methods: tuple[str, ...], problem: Problem) -> Response:
    """The way that was asked for if it is among those offered, or else the first of them."""
    asked = request.args.get("method")
    method_id = asked if asked in methods else methods[0]
    method = site().methods[method_id]
    anew = bool(problem.errors) or (
        "again" in request.args and how_it_stands(look.transaction, method) is Waiting.OVER
    )
    begun = _login().begin(look, method_id, visitor=visitor(), anew=anew)
    page = begun.page if isinstance(begun, Challenge) else {"over": True}
    if isinstance(begun, Wait):
        problem = problem_of(begun)
    if page.get("waits"):
        allow_own_requests()
    return show_form(
        "login/method.html",
        problem,
        action=negotiation_url(look) if negotiates(method) else _url(look.transaction, method_id),
        method=as_shown(method),
        challenge=page,
        state_url=f"{_url(look.transaction)}/state?method={method_id}",
        **box_for(look, method_id),
        other_methods=[
            as_shown(site().methods[other]) | {"url": _url(look.transaction, other)}
            for other in methods
            if other != method_id
        ],
        application_name=_application_name(look),
        who=_who(look),
        cancel_url=f"{_url(look.transaction)}/anew",
    )


def _show_enrolment(look: Look, methods: tuple[str, ...], problem: Problem) -> Response:
    asked = request.args.get("method")
    method_id = asked if asked in methods else methods[0] if len(methods) == 1 else None
    if method_id is None or look.person is None:
        offered = [as_shown(site().methods[each]) | {"url": _url(look.transaction, each)} for each in methods]
        return show_form("login/enrol_choose.html", methods=offered, application_name=_application_name(look))
    challenge = site().enrolments.begin(look.transaction.id, look.person, method_id, shared=is_shared())
    return show_form(
        "login/enrol.html",
        problem,
        action=_url(look.transaction, method_id),
        method=as_shown(site().methods[method_id]),
        challenge=challenge.page,
        cancel_url=f"{_url(look.transaction)}/anew",
        application_name=_application_name(look),
    )


def _show_renewal(look: Look, rejected: Rejected, renewal: Renewal) -> Response:
    """First it says why; when that form was sent already, what is wrong with it."""
    _dress(look)
    return show_form(
        "login/renew.html",
        problem_of(rejected) if "new_password" in request.form else NO_PROBLEM,
        action=_url(look.transaction, renewal.method),
        why=translate(rejected.reason.public),
        renewal_url=renewal.url,
        username=_who(look) or request.form.get("username", ""),
        cancel_url=f"{_url(look.transaction)}/anew",
        application_name=_application_name(look),
    )


def _show_choice(look: Look, employments: tuple[Employment, ...]) -> Response:
    names = municipality_names({post.municipality for post in employments})
    return show_form(
        "login/employment.html",
        action=_url(look.transaction),
        application_name=_application_name(look),
        employments=[
            {
                "id": post.id,
                "municipality_name": names[post.municipality],
                "position": post.position,
                "unit": post.unit,
            }
            for post in employments
        ],
    )


def _show_refusal(look: Look, reason: Reason) -> Response:
    url = _url(look.transaction)
    return refusal(
        reason,
        restart_url=f"{url}/anew",
        application_name=_application_name(look),
        confirm_action=f"{url}/identity" if may_confirm(look) else None,
    )


def _dress(look: Look) -> None:
    """The municipality's colours once the person is proven; and leave for the redirect that ends the
    sign-in.
    """
    if look.decision is not None and look.decision.counted and look.posts.acting is not None:
        act_for(look.posts.acting.municipality)
    application = look.transaction.application
    if application is not None and application.redirect_origin is not None:
        allow_form_action(application.redirect_origin)


def find_transaction(transaction_id: str) -> Transaction | None:
    transaction = _login().find(transaction_id, browser=browser_id())
    half_way = half_way_of(transaction) if transaction is not None else None
    return None if half_way is not None and is_left(half_way) else transaction


def _login() -> Login:
    return site().login


def _url(transaction: Transaction, method_id: str | None = None) -> str:
    path = f"/login/{transaction.id}"
    return f"{path}?method={method_id}" if method_id else path


def _answered_method() -> str | None:
    return request.form.get("method") or request.args.get("method")


def _who(look: Look) -> str:
    return look.person.user.username if look.person else ""


def _expected_username(transaction: Transaction) -> str:
    """Who this is probably about: as the application hints, or who is asked to sign in once more."""
    if transaction.requirements.login_hint:
        return transaction.requirements.login_hint[:256]
    signed_in = current_session()
    if signed_in is None or not transaction.requirements.fresh or is_shared():
        return ""
    return signed_in.username


def _application_name(look: Look) -> str | None:
    return look.transaction.application.name if look.transaction.application else None
