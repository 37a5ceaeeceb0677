"""The pages of being vouched for: where one waits, where colleagues vouch, and where an owner stops it.

A link from a letter shows what it would stop; only a form that is sent stops it: programs open links, too.
Decides nothing: `people/vouching.py`. Asking begins beside the other ways back (`web/identity.py`).
"""

from http import HTTPStatus
from typing import Final, assert_never

from flask import Blueprint, Response, render_template, request
from werkzeug.wrappers import Response as AnyResponse

from idp.errors import Reason
from idp.login.browsers import UNKNOWN, browser_name
from idp.login.limits import Wait, network_of
from idp.login.standing import Person
from idp.methods.base import Rejected
from idp.models.vouching import VouchingRequest, VouchingState
from idp.people.vouching import DENY, Vouched, Voucher, Vouching
from idp.web.account_page import place_of
from idp.web.errors import reference
from idp.web.forms import NO_PROBLEM, Problem, problem_of, show_form
from idp.web.guards import ask_for, satisfied, sign_in_required
from idp.web.http import see_other, visitor
from idp.web.i18n import format_time, translate
from idp.web.pages import act_for
from idp.web.site import site
from idp.words import N_

blueprint = Blueprint("vouching", __name__)

_VOUCH: Final = "/vouch"
_STOP: Final = "/recover/stop"
_ACCOUNT: Final = "/account"


def url_of(asked: VouchingRequest) -> str:
    return f"/recover/vouching/{asked.id}"


def shown(asked: VouchingRequest) -> dict[str, object]:
    """To whose account it is and to who may vouch. The number to pick is not in it."""
    return {
        "number": spoken(asked.number),
        "address": place_of(asked.address),
        "browser": browser_name(asked.user_agent) or translate(UNKNOWN),
        "asked_at": asked.asked_at,
        "ready_at": asked.ready_at,
        "vouched": len(asked.vouchers),
        "stop_action": f"/account/vouching/{asked.id}/stop",
    }


def vouchings_shown(person: Person) -> list[dict[str, object]]:
    """What is under way to get into this account, for whoever is signed in to it."""
    if not _vouching().is_anywhere():
        return []
    return [{**shown(asked), "told": _told(asked)} for asked in _vouching().of_user(person.user.id)]


def _told(asked: VouchingRequest) -> str:
    values = {"time": format_time(asked.asked_at), "address": place_of(asked.address)}
    if asked.ready_at is None:
        return translate(N_("They say they are you: asked on %(time)s from %(address)s.")) % values
    words = N_(
        "They say they are you: asked on %(time)s from %(address)s. Two colleagues have vouched; it can be "
        "used from %(ready)s."
    )
    return translate(words) % {**values, "ready": format_time(asked.ready_at)}


def vouch_url_of(person: Person) -> str | None:
    """Where this person vouches for colleagues; None where none of their municipalities lets them."""
    if not _vouching().is_anywhere():
        return None
    with site().storage.database.read() as work:
        is_on = any(work.municipality_rules.of(tenant).vouching_hours for tenant in person.tenants)
    return _VOUCH if is_on else None


def spoken(number: str) -> str:
    """As it is read out."""
    return f"{number[:4]} {number[4:]}"


# Who asks -------------------------------------------------------------------------------------------------


@blueprint.get("/recover/vouching/<request_id>")
def show(request_id: str) -> AnyResponse:
    asked = _vouching().find_own(request_id, visitor())
    return _gone() if asked is None else _show_asked(asked)


@blueprint.post("/recover/vouching/<request_id>")
def answer(request_id: str) -> AnyResponse:
    asked = _vouching().find_own(request_id, visitor())
    if asked is None:
        return _gone()
    match request.form.get("answer", ""):
        case "go-on":
            outcome = _vouching().finish(asked, visitor())
            if isinstance(outcome, Reason):
                return _show_asked(asked, problem_of(Rejected(outcome)))
            return see_other(f"/enrol/{outcome}")
        case "cancel":
            _vouching().cancel(asked, visitor())
            return see_other("/recover")
        case _:
            return see_other(url_of(asked))


def _show_asked(asked: VouchingRequest, problem: Problem = NO_PROBLEM) -> Response:
    state = asked.state(site().effects.now())
    if state in {VouchingState.STOPPED, VouchingState.EXPIRED, VouchingState.FINISHED}:
        return _gone()
    return show_form(
        "vouching/asked.html",
        problem,
        state=state.value,
        shown=asked.shown,
        number=spoken(asked.number),
        vouched=len(asked.vouchers),
        ready_at=asked.ready_at,
        expires_at=asked.expires_at,
        action=url_of(asked),
        vouch_url=f"{site().issuer}{_VOUCH}",
    )


# Who vouches ----------------------------------------------------------------------------------------------


@blueprint.get("/vouch")
def ask_for_number() -> AnyResponse:
    return _asked_for_proof() or _show_question("")


@blueprint.post("/vouch")
def find() -> AnyResponse:
    if asked_for := _asked_for_proof(return_to=_VOUCH):
        return asked_for
    typed = request.form.get("request", "")
    found = _vouching().find_for(typed, _voucher())
    match found:
        case Wait():
            return _show_question(typed, problem_of(found))
        case [one]:
            return see_other(f"{_VOUCH}/{one.id}")
        case []:
            return _show_question(typed, problem_of(Rejected(Reason.VOUCHING_UNKNOWN)))
        case _:
            return _show_question(typed, problem_of(Rejected(Reason.VOUCHING_SEVERAL)))


@blueprint.get("/vouch/<request_id>")
def show_one(request_id: str) -> AnyResponse:
    return _asked_for_proof() or _show_outcome(request_id, _vouching().look(request_id, _voucher()))


@blueprint.post("/vouch/<request_id>")
def vouch(request_id: str) -> AnyResponse:
    if asked_for := _asked_for_proof(return_to=f"{_VOUCH}/{request_id}"):
        return asked_for
    choice = request.form.get("choice", "")
    if choice == "take-back":
        _vouching().take_back(request_id, _voucher())
        return see_other(_VOUCH)
    outcome = _vouching().vouch(request_id, _voucher(), choice=choice)
    if isinstance(outcome, Wait):
        return _show_question("", problem_of(outcome))
    return _show_outcome(request_id, outcome)


def _show_outcome(request_id: str, outcome: VouchingRequest | Vouched) -> AnyResponse:
    match outcome:
        case VouchingRequest():
            return _show_numbers(outcome)
        case Vouched.FIRST | Vouched.SECOND | Vouched.ALREADY:
            return _show_vouched(request_id)
        case Vouched.WRONG_NUMBER | Vouched.DENIED:
            page = render_template(
                "vouching/ended.html", wrong_number=outcome is Vouched.WRONG_NUMBER, vouch_url=_VOUCH
            )
            return Response(page)
        case Vouched.NEEDS_LEADER | Vouched.SAME_BROWSER | Vouched.NOT_PROVED | Vouched.GONE:
            page = render_template(
                "vouching/cannot.html",
                why=outcome.value,
                vouch_url=_VOUCH,
                code=f"vouching_{outcome.value}",
                reference=reference(),
            )
            return Response(page, status=HTTPStatus.GONE if outcome is Vouched.GONE else HTTPStatus.CONFLICT)
        case _:
            assert_never(outcome)


def _show_numbers(asked: VouchingRequest) -> Response:
    who = _person_of(asked)
    page = render_template(
        "vouching/numbers.html",
        **shown(asked),
        who=who,
        same_network=network_of(asked.address) == network_of(visitor().address),
        numbers=asked.choices,
        deny=DENY,
        action=f"{_VOUCH}/{asked.id}",
    )
    return Response(page)


def _show_vouched(request_id: str) -> AnyResponse:
    with site().storage.database.read() as work:
        asked = work.vouchings.find(request_id)
    if asked is None or satisfied().person.user.id not in asked.vouchers:
        return see_other(_VOUCH)
    page = render_template(
        "vouching/vouched.html",
        who=_person_of(asked),
        ready_at=asked.ready_at,
        action=f"{_VOUCH}/{asked.id}",
    )
    return Response(page)


def _person_of(asked: VouchingRequest) -> dict[str, str]:
    with site().storage.database.read() as work:
        user = work.people.get_user(asked.user_id or "")
        posts = work.people.employments_of(user.id, now=site().effects.now())
    post = next((post for post in posts if post.municipality == asked.municipality), None)
    return {
        "name": user.display_name,
        "username": user.username,
        "position": post.position if post else "",
        "unit": post.unit if post else "",
    }


def _voucher() -> Voucher:
    standing = satisfied()
    act_for(standing.municipality)
    return Voucher(person=standing.person, signed_in=standing.signed_in, visitor=visitor())


def _asked_for_proof(*, return_to: str | None = None) -> AnyResponse | None:
    return ask_for(_vouching().rules.requirements(), return_to=return_to)


def _show_question(typed: str, problem: Problem = NO_PROBLEM) -> Response:
    return show_form("vouching/find.html", problem, action=_VOUCH, typed=typed[:256])


# Whose account it is --------------------------------------------------------------------------------------


@blueprint.post("/account/vouching/<request_id>/stop")
@sign_in_required
def stop_own(request_id: str) -> AnyResponse:
    """In any session, with no proof: it only ends something."""
    _vouching().stop_own(request_id, satisfied().signed_in, visitor())
    return see_other(_ACCOUNT)


@blueprint.get("/recover/stop")
def ask_before_stopping() -> Response:
    link = request.args.get("link", "")
    asked = _vouching().find_by_link(link)
    if asked is None or not _may_still_be_stopped(asked):
        return _show_stopped(done=asked is not None and asked.stopped_at is not None)
    page = render_template("vouching/stop.html", **shown(asked), link=link, action=_STOP)
    return Response(page)


@blueprint.post("/recover/stop")
def stop() -> Response:
    return _show_stopped(done=_vouching().stop_by_link(request.form.get("link", ""), visitor()))


def _may_still_be_stopped(asked: VouchingRequest) -> bool:
    return asked.state(site().effects.now()) not in {VouchingState.STOPPED, VouchingState.EXPIRED}


def _show_stopped(*, done: bool) -> Response:
    page = render_template(
        "vouching/stopped.html",
        done=done,
        account_url=_ACCOUNT,
        code=Reason.VOUCHING_OVER.code,
        reference=reference(),
    )
    return Response(page, status=HTTPStatus.OK if done else HTTPStatus.GONE)


def _gone() -> Response:
    page = render_template(
        "vouching/over.html", code=Reason.VOUCHING_OVER.code, reference=reference(), restart_url="/recover"
    )
    return Response(page, status=HTTPStatus.GONE)


def _vouching() -> Vouching:
    return site().vouching
