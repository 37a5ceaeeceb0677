"""The person's own account: ways to sign in, sessions, permissions, what happened lately; and changing them.

Not here: what is needed for a change (`login/enrolment.py`).
"""

from flask import Blueprint, Response, abort, render_template, request
from werkzeug.wrappers import Response as AnyResponse

from idp.errors import Refused
from idp.languages import LANGUAGES
from idp.login.browsers import browser_name
from idp.login.limits import Wait
from idp.login.standing import Person
from idp.methods.base import LABEL_AT_MOST, Rejected
from idp.oidc.consent import Decider
from idp.people.cases import Step, Taken
from idp.web.account_page import account_page, find_credential, label_of
from idp.web.activity import told_of
from idp.web.errors import Message, show_error
from idp.web.forms import NO_PROBLEM, Problem, answers, as_shown, problem_of, show_form
from idp.web.guards import ask_for, satisfied, sign_in_required
from idp.web.http import approver_token, clear_session, see_other, visitor, write_approver, write_session
from idp.web.i18n import keep_choice, translate
from idp.web.pages import act_for
from idp.web.shared import is_shared
from idp.web.site import site
from idp.web.vouching import vouch_url_of, vouchings_shown
from idp.words import N_

blueprint = Blueprint("account", __name__)

_HOME = "/account"
_ACTIVITY_SHOWN = 10


@blueprint.get("/account")
@sign_in_required
def show() -> Response:
    standing = satisfied()
    act_for(standing.municipality)
    person = standing.person
    page = render_template(
        "account/index.html",
        activity=told_of(person.user.id, limit=_ACTIVITY_SHOWN),
        unfinished=site().cases.find_unfinished(person.user.id),
        vouchings=vouchings_shown(person),
        vouch_url=vouch_url_of(person),
        **account_page(person, standing.signed_in),
    )
    return Response(page)


@blueprint.post("/account")
@sign_in_required
def go_back() -> AnyResponse:
    """Where the page of recovery codes leads on to."""
    return see_other(_way_on())


@blueprint.post("/account/language")
@sign_in_required
def choose_language() -> AnyResponse:
    """For every browser from now on, and for letters."""
    code = request.form.get("language", "")
    if code not in LANGUAGES:
        abort(400)
    with site().storage.database.begin() as work:
        work.people.set_language(_person().user.id, code, at=site().effects.now())
    response = see_other(_HOME)
    keep_choice(response, code)
    return response


@blueprint.get("/account/methods/<method_id>")
@sign_in_required
def begin(method_id: str) -> AnyResponse:
    person = _may_set_up(method_id)
    return _asked_before_adding(person) or _show_enrolment(person, method_id)


@blueprint.post("/account/methods/<method_id>")
@sign_in_required
def set_up(method_id: str) -> AnyResponse:
    person = _may_set_up(method_id)
    if asked := _asked_before_adding(person):
        return asked
    signed_in = satisfied().signed_in
    answer = {**answers(), "kept_token": approver_token()}
    outcome = site().enrolments.answer(
        signed_in.session_id, person, method_id, answer, visitor=visitor(), signed_in=signed_in
    )
    if isinstance(outcome, Rejected | Wait):
        return _show_enrolment(person, method_id, problem_of(outcome))
    _note_set_up(person, method_id)
    response = _show_once(outcome.show_once) if outcome.show_once else see_other(_way_on())
    if outcome.token is not None:
        write_session(response, outcome.token)
    if outcome.for_browser:
        write_approver(response, outcome.for_browser)
    return response


@blueprint.get("/account/methods/<method_id>/remove")
@blueprint.get("/account/methods/<method_id>/<credential_id>/remove")
@sign_in_required
def ask_before_removing(method_id: str, credential_id: str | None = None) -> AnyResponse:
    """`credential_id`: which of several."""
    person = _person()
    if not site().enrolments.may_remove(person, method_id, credential_id):
        abort(404)
    if asked := ask_for(site().enrolments.requirements(person)):
        return asked
    return show_form(
        "account/remove.html",
        method_label=label_of(person, method_id, credential_id),
        takes_codes=site().enrolments.takes_backups(person, method_id, credential_id),
        ends_session=site().enrolments.ends_session(satisfied().signed_in, person, method_id, credential_id),
        action=request.path,
        cancel_url=_HOME,
    )


@blueprint.post("/account/methods/<method_id>/remove")
@blueprint.post("/account/methods/<method_id>/<credential_id>/remove")
@sign_in_required
def remove(method_id: str, credential_id: str | None = None) -> AnyResponse:
    if asked := ask_for(site().enrolments.requirements(_person()), return_to=_HOME):
        return asked
    try:
        stays = site().enrolments.remove(satisfied().signed_in, method_id, visitor(), credential_id)
    except Refused as refused:
        message = Message(refused.reason.code, N_("This cannot be done"), refused.reason.public)
        return show_error(409, message, way_on_url=_HOME, way_on_label=N_("My account"))
    response = see_other(_HOME)
    if not stays:
        clear_session(response)
    return response


@blueprint.get("/account/methods/<method_id>/<credential_id>")
@sign_in_required
def ask_name(method_id: str, credential_id: str) -> AnyResponse:
    found = find_credential(_person(), method_id, credential_id)
    if found is None:
        abort(404)
    if asked := ask_for(site().enrolments.requirements(_person())):
        return asked
    method, credential = found
    return show_form(
        "account/rename.html",
        kind=translate(method.describe(credential).kind),
        label=credential.label,
        label_at_most=LABEL_AT_MOST,
        action=request.path,
        cancel_url=_HOME,
    )


@blueprint.post("/account/methods/<method_id>/<credential_id>")
@sign_in_required
def rename(method_id: str, credential_id: str) -> AnyResponse:
    found = find_credential(_person(), method_id, credential_id)
    if found is None:
        abort(404)
    if asked := ask_for(site().enrolments.requirements(_person())):
        return asked
    site().enrolments.rename(_person(), method_id, credential_id, request.form.get("label", ""), visitor())
    return see_other(_HOME)


@blueprint.post("/account/sessions/end")
@sign_in_required
def end_session() -> AnyResponse:
    signed_in = satisfied().signed_in
    session_id = request.form.get("session_id", "")
    with site().storage.database.begin() as work:
        site().sessions.end_one(work, signed_in, session_id, visitor())
    response = see_other(_HOME)
    if session_id == signed_in.session_id:
        clear_session(response)
    return response


@blueprint.post("/account/sessions/end-others")
@sign_in_required
def end_other_sessions() -> AnyResponse:
    with site().storage.database.begin() as work:
        site().sessions.end_others(work, satisfied().signed_in, visitor())
    return see_other(_HOME)


@blueprint.post("/account/permissions/<client_id>/withdraw")
@sign_in_required
def withdraw_permission(client_id: str) -> AnyResponse:
    signed_in = satisfied().signed_in
    decider = Decider(signed_in.user_id, signed_in.session_id, visitor().address)
    site().openid.consents.withdraw(client_id, decider)
    return see_other(_HOME)


def _person() -> Person:
    return satisfied().person


def _asked_before_adding(person: Person) -> AnyResponse | None:
    """Who just confirmed whose account it is goes on without being asked once more."""
    confirmed_at = site().identity.desk.confirmed_at(satisfied().signed_in.session_id)
    return ask_for(site().enrolments.requirements(person, confirmed_at=confirmed_at))


def _way_on() -> str:
    """Back to the account, or to what the person is in the middle of."""
    case = site().cases.find_unfinished(_person().user.id)
    return f"{_HOME}/not-me/{case.id}" if case is not None else _HOME


def _note_set_up(person: Person, method_id: str) -> None:
    case = site().cases.find_unfinished(person.user.id)
    if case is not None:
        label = translate(site().methods[method_id].label)
        site().cases.take(case.id, [Taken(Step.CHANGED, method_id, label)], visitor())


def _may_set_up(method_id: str) -> Person:
    person = _person()
    if not site().enrolments.may_set_up(person, method_id, shared=is_shared()):
        abort(404)
    return person


def _show_once(codes: tuple[str, ...]) -> AnyResponse:
    act_for(satisfied().municipality)
    return Response(render_template("login/recovery_codes.html", codes=codes, continue_action=_HOME))


def _show_enrolment(person: Person, method_id: str, problem: Problem = NO_PROBLEM) -> Response:
    act_for(satisfied().municipality)
    signed_in = satisfied().signed_in
    challenge = site().enrolments.begin(signed_in.session_id, person, method_id, shared=is_shared())
    return show_form(
        "login/enrol.html",
        problem,
        action=f"{_HOME}/methods/{method_id}",
        method=as_shown(site().methods[method_id]),
        challenge=challenge.page,
        who=person.user.username,
        browser=browser_name(request.headers.get("User-Agent", "")),
        cancel_url=_HOME,
        application_name=None,
    )
