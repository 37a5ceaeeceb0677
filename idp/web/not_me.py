"""The pages of "it was not me": what will happen, the proof of who asks, one question after another, the end.

The first step takes no fresh proof: it ends sessions and tells the administrator, and can do nothing else.
All others take one made since (`Enrolments.requirements`). Decides nothing: `people/cases.py`,
`people/walk.py`.
"""

from typing import Final, assert_never

from flask import Blueprint, Response, abort, render_template, request
from werkzeug.wrappers import Response as AnyResponse

from idp.errors import Refused
from idp.login.standing import NeedsSignIn, NotAllowed, Satisfied
from idp.models.cases import Case
from idp.models.latvian import sort_key
from idp.people.cases import Cases, Step, Taken, session_of, steps_of
from idp.people.walk import SESSIONS, Ask, Question
from idp.web.account_page import find_credential, label_of, session_shown
from idp.web.activity import as_seq, told_event
from idp.web.guards import ask_for, satisfied, sign_in_required
from idp.web.http import clear_session, see_other, visitor
from idp.web.i18n import translate
from idp.web.pages import act_for, municipality_names
from idp.web.site import site
from idp.words import N_

blueprint = Blueprint("not_me", __name__)

_ACTIVITY: Final = "/account/activity"
_STEP_WORDS: Final = {
    (Ask.SESSIONS, Step.KEPT): N_("You said that all of them are you"),
    (Ask.SESSIONS, Step.REMOVED): N_("You ended them"),
    (Ask.WAY, Step.KEPT): N_("You said that it is yours"),
    (Ask.WAY, Step.REMOVED): N_("You removed it"),
    (Ask.WAY, Step.LEFT): N_("You said that it is not yours; it is still there"),
    (Ask.WAY, Step.CHANGED): N_("You made it anew"),
    (Ask.RENEW, Step.KEPT): N_("You left it as it was"),
    (Ask.RENEW, Step.CHANGED): N_("You made it anew"),
}


@blueprint.get("/account/not-me")
@sign_in_required
def explain() -> AnyResponse:
    """What the link in a notice and the button beside an event open."""
    user_id = _user_id()
    seq = as_seq(request.args.get("event", ""))
    event = _cases().find_event(user_id, seq) if seq is not None else None
    told = told_event(event) if event is not None else None
    if seq is None or event is None or told is None:
        abort(404)
    if (case := _cases().find_by_event(user_id, seq)) is not None:
        return see_other(_url(case.id))
    act_for(satisfied().municipality)
    page = render_template(
        "account/not_me.html",
        event=told,
        seq=seq,
        ends_here=session_of(event) == satisfied().signed_in.session_id,
        ends_all=session_of(event) is None,
        action="/account/not-me",
        cancel_url=_ACTIVITY,
    )
    return Response(page)


@blueprint.post("/account/not-me")
@sign_in_required
def report() -> AnyResponse:
    signed_in = satisfied().signed_in
    seq = as_seq(request.form.get("event", ""))
    case = _cases().report(signed_in, seq, visitor()) if seq is not None else None
    if case is None:
        abort(404)
    response = see_other(_url(case.id))
    if site().sessions.find(visitor().session_token) is None:
        clear_session(response)
    return response


@blueprint.get("/account/not-me/<case_id>")
@sign_in_required
def show(case_id: str) -> AnyResponse:
    case = _get_case(case_id)
    act_for(satisfied().municipality)
    if _is_over(case):
        return _show_end(case)
    if not _is_proven():
        page = render_template(
            "account/case_prove.html",
            case_id=case.id,
            prove_url=f"{_url(case.id)}/proof",
            municipalities=_municipalities(case),
        )
        return Response(page)
    return _ask(case)


@blueprint.get("/account/not-me/<case_id>/proof")
@sign_in_required
def prove(case_id: str) -> AnyResponse:
    case = _get_case(case_id)
    if _is_over(case):
        return see_other(_url(case.id))
    return _asked_for_proof(case) or see_other(_url(case.id))


@blueprint.post("/account/not-me/<case_id>")
@sign_in_required
def answer(case_id: str) -> AnyResponse:
    """To the question that was on the page, if it is the one that is open; otherwise that one is shown."""
    case = _get_case(case_id)
    if _is_over(case):
        return see_other(_url(case.id))
    if asked := _asked_for_proof(case):
        return asked
    question = _next_question(case)
    proven = Taken(Step.PROVEN, label=satisfied().acr)
    if question is None:
        _cases().take(case.id, [proven], visitor())
        _cases().finish(case.id, visitor())
    elif request.form.get("about") == question.about:
        _cases().take(case.id, [proven], visitor())
        _take_answer(case, question, request.form.get("answer", ""))
    return see_other(_url(case.id))


def _take_answer(case: Case, question: Question, said: str) -> None:
    """What it does is done first: should the rest fail, the question is asked once more, or has gone."""
    label = _label(question)
    match question.kind, said:
        case Ask.SESSIONS, "end":
            ended = Taken(Step.REMOVED, question.about, label)
            _cases().end_sessions(case.id, satisfied().signed_in, ended, visitor())
        case Ask.WAY, "remove" if question.may_remove:
            try:
                site().enrolments.remove(
                    satisfied().signed_in, question.method_id, visitor(), question.credential_id
                )
            except Refused:
                return
            _take(case, Step.REMOVED, question, label)
        case Ask.WAY, "leave" if not question.may_remove:
            _take(case, Step.LEFT, question, label)
        case _, "keep":
            _take(case, Step.KEPT, question, label)
        case _:
            return


def _take(case: Case, step: Step, question: Question, label: str) -> None:
    _cases().take(case.id, [Taken(step, question.about, label)], visitor())


def _ask(case: Case) -> Response:
    question = _next_question(case)
    action = _url(case.id)
    if question is None:
        return Response(render_template("account/case_finish.html", action=action))
    page = render_template(
        "account/case_ask.html",
        action=action,
        question=question,
        label=_label(question),
        facts=_facts(question),
        renew_url=f"/account/methods/{question.method_id}",
        set_up_url="/account#methods",
        is_backup=bool(question.method_id) and site().methods[question.method_id].facts.backup,
    )
    return Response(page)


def _show_end(case: Case) -> Response:
    page = render_template(
        "account/case_end.html",
        case_id=case.id,
        steps=[
            {"label": taken.label, "words": translate(_STEP_WORDS[_kind_of(taken), taken.step])}
            for taken in steps_of(case)
            if taken.step is not Step.PROVEN
        ],
        left=any(taken.step is Step.LEFT for taken in steps_of(case)),
        is_closed=case.closed_at is not None,
        municipalities=_municipalities(case),
    )
    return Response(page)


def _kind_of(taken: Taken) -> Ask:
    if taken.about == SESSIONS:
        return Ask.SESSIONS
    return Ask.RENEW if taken.about in site().methods else Ask.WAY


def _asked_for_proof(case: Case) -> AnyResponse | None:
    return ask_for(site().enrolments.requirements(satisfied().person), return_to=_url(case.id))


def _is_proven() -> bool:
    standing = satisfied()
    wanted = site().enrolments.requirements(standing.person)
    match site().login.standing(standing.signed_in, wanted):
        case Satisfied():
            return True
        case NeedsSignIn() | NotAllowed():
            return False
        case other:
            assert_never(other)


def _next_question(case: Case) -> Question | None:
    standing = satisfied()
    with site().storage.database.read() as work:
        sessions = site().sessions.of_user(work, standing.person.user.id)
    return site().walk.next_question(case, standing.person, elsewhere=len(sessions) - 1)


def _label(question: Question) -> str:
    match question.kind:
        case Ask.SESSIONS:
            return translate(N_("Other sessions"))
        case Ask.WAY | Ask.RENEW:
            return label_of(satisfied().person, question.method_id, question.credential_id)
        case other:
            assert_never(other)


def _facts(question: Question) -> dict[str, object]:
    """What helps somebody to recognise it."""
    person = satisfied().person
    if question.kind is Ask.SESSIONS:
        return {"elsewhere": _elsewhere()}
    own = [each for each in person.subject.of(question.method_id) if question.about == each.id]
    found = find_credential(person, question.method_id, question.about)
    method_notes = found[0].describe(found[1]).notes if found else ()
    return {
        "set_up_at": own[0].created_at if own else None,
        "last_used_at": own[0].last_used_at if own else None,
        "notes": [translate(note) for note in method_notes],
    }


def _elsewhere() -> list[dict[str, object]]:
    """The other sessions, to be recognised by."""
    standing = satisfied()
    with site().storage.database.read() as work:
        sessions = site().sessions.of_user(work, standing.person.user.id)
        return [
            session_shown(work, session, standing.signed_in)
            for session in sessions
            if session.id != standing.signed_in.session_id
        ]


def _municipalities(case: Case) -> list[str]:
    with site().storage.database.read() as work:
        codes = work.cases.municipalities_of(case.id)
    return sorted(municipality_names(set(codes)).values(), key=sort_key)


def _get_case(case_id: str) -> Case:
    """The person's own; anybody else's looks as if it were not there."""
    case = _cases().find(_user_id(), case_id)
    if case is None:
        abort(404)
    return case


def _is_over(case: Case) -> bool:
    return case.finished_at is not None or case.closed_at is not None


def _user_id() -> str:
    return satisfied().person.user.id


def _cases() -> Cases:
    return site().cases


def _url(case_id: str) -> str:
    return f"/account/not-me/{case_id}"
