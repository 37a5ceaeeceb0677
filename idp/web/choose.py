"""Which should I use? Two questions, an answer with its reasons and the way on; and the weekly hint.

Decides nothing: what suits whom is `login/advice.py`, what may be set up `login/enrolment.py`.
"""

from collections.abc import Iterator, Mapping
from enum import StrEnum
from typing import Final

from flask import Blueprint, Response, render_template, request

from idp.login.advice import NUDGE_EVERY_SECONDS, advised, is_worth_a_nudge, take_nudge
from idp.login.standing import Satisfied
from idp.models.methods import Device, MethodFacts
from idp.web.guards import satisfied, sign_in_required
from idp.web.i18n import translate
from idp.web.identity import WAYS
from idp.web.pages import act_for
from idp.web.shared import is_shared
from idp.web.site import site
from idp.words import N_

blueprint = Blueprint("choose", __name__)

_DEVICES: Final = {
    Device.COMPUTER: N_("My own work computer, which knows my fingerprint, face or PIN"),
    Device.PHONE: N_("A smartphone"),
    Device.KEY: N_("A security key: a small device for USB or to hold against the phone"),
}


@blueprint.get("/account/choose")
@sign_in_required
def choose() -> Response:
    standing = satisfied()
    act_for(standing.municipality)
    devices = {device for device in Device if device.value in request.args.getlist("device")}
    shared = request.args.get("shared") == "yes" or is_shared()
    answered = "shared" in request.args
    page = render_template(
        "account/choose.html",
        devices=[
            {"value": device.value, "label": translate(label), "chosen": device in devices}
            for device, label in _DEVICES.items()
        ],
        shared=shared,
        answered=answered,
        must_be_marked=answered and shared and not is_shared(),
        confirmed="confirmed" in request.args,
        here=request.full_path,
        advice=list(_advice(standing, devices, shared=shared)) if answered else [],
    )
    return Response(page)


class Nudge(StrEnum):
    PASSKEY = "passkey"
    IDENTITY = "identity"


def nudge_now(standing: Satisfied) -> Nudge | None:
    """Reads a row or two more for those who could do better, and writes once a week. Of two that apply they
    come in turn.
    """
    wanted = list(_ask_for_what(standing))
    if not wanted:
        return None
    user_id, now = standing.person.user.id, site().effects.now()
    with site().storage.database.read() as work:
        last = work.nudges.last(user_id)
        if last is not None and last > now - NUDGE_EVERY_SECONDS:
            return None
        if Nudge.IDENTITY in wanted and work.confirmations.is_confirmed(user_id):
            wanted.remove(Nudge.IDENTITY)
    if not wanted:
        return None
    with site().storage.database.begin() as work:
        is_mine = take_nudge(work, user_id, now)
    return wanted[int(now // NUDGE_EVERY_SECONDS) % len(wanted)] if is_mine else None


def _ask_for_what(standing: Satisfied) -> Iterator[Nudge]:
    person, facts = standing.person, _facts()
    if any(way.is_online and way.is_there() for way in WAYS) and not is_shared():
        yield Nudge.IDENTITY
    if not is_worth_a_nudge(facts, person.enrolled, standing.signed_in, shared=is_shared()):
        return
    may_set_up = site().enrolments.may_set_up
    if any(each.phishing_resistant and may_set_up(person, each.id) for each in facts):
        yield Nudge.PASSKEY


def _advice(standing: Satisfied, devices: set[Device], *, shared: bool) -> Iterator[Mapping[str, object]]:
    person = standing.person
    for facts in advised(_facts(), devices, shared=shared):
        is_set_up = facts.id in person.enrolled
        may = site().enrolments.may_set_up(person, facts.id, shared=shared)
        if may or is_set_up:
            method = site().methods[facts.id]
            yield {
                "id": facts.id,
                "label": translate(method.label),
                "description": translate(method.description),
                "reason": translate(_reason(facts)),
                "is_set_up": is_set_up,
                "url": f"/account/methods/{facts.id}" if may and (facts.several or not is_set_up) else None,
            }


def _reason(facts: MethodFacts) -> str:
    if facts.phishing_resistant:
        return N_("A false page cannot trick it out of you, and there is nothing to type.")
    if facts.companion:
        return N_("Nothing to type; it stands beside another way that you have set up.")
    return N_("It works at every computer, as long as you have it with you.")


def _facts() -> tuple[MethodFacts, ...]:
    return tuple(method.facts for method in site().methods.values())
