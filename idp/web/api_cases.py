"""Cases of "it was not me" in the API of administrators: listed, shown with their story, closed.

A municipality's administrator sees those of people who worked there when the case was opened, and of their
stories what belongs to the case; what else the person does is not told. Nobody closes a case about themself:
it may be the thief who asks. Not here: what opens one (`not_me.py`).
"""

from http import HTTPStatus
from typing import Any, Final

from flask import Blueprint, Response, jsonify

from idp.events import EventType
from idp.models.cases import Case
from idp.oidc.admin_access import Administrator
from idp.oidc.errors import ProtocolError
from idp.people.cases import close
from idp.people.story import story_of
from idp.storage.cases import CaseState, state_of
from idp.storage.work import Work
from idp.web.api_calls import (
    bad_request,
    for_administrators,
    maker_of,
    not_there,
    read_after,
    read_limit,
    read_once,
    refuse,
    written,
)
from idp.web.problem import problem
from idp.web.site import site

blueprint = Blueprint("api_cases", __name__, url_prefix="/api/v1/cases")
blueprint.register_error_handler(ProtocolError, refuse)

_STATES: Final = tuple(state.value for state in CaseState)


@blueprint.get("")
@for_administrators
def list_cases(caller: Administrator) -> Response:
    state, limit, after = _state(), read_limit(), read_after()
    with site().storage.database.read() as work:
        found = work.cases.list_cases(state, municipality=caller.municipality, after=after, limit=limit + 1)
        shown = [_told(work, case) for case in found[:limit]]
    return jsonify(cases=shown, after=shown[-1]["id"] if len(found) > limit else None)


@blueprint.get("/<case_id>")
@for_administrators
def show(caller: Administrator, case_id: str) -> Response:
    with site().storage.database.read() as work:
        case = _visible(work, caller, case_id)
        story = [
            {"at": written(line.at), "event": line.seq, "type": line.type, "words": line.words}
            for line in story_of(work, case)
            if line.of_case or line.is_reported
        ]
        return jsonify(_told(work, case) | {"story": story})


@blueprint.post("/<case_id>/close")
@for_administrators
def close_case(caller: Administrator, case_id: str) -> Response:
    now = site().effects.now()
    with site().storage.database.begin() as work:
        case = _visible(work, caller, case_id)
        if case.user_id == caller.actor_id:
            return problem(
                HTTPStatus.FORBIDDEN, "own_case", "Another administrator must close a case about yourself."
            )
        event = maker_of(caller).did(EventType.CASE_CLOSED, None)
        if not close(work, case, event, now):
            return problem(HTTPStatus.CONFLICT, "already_closed", "The case was closed before.")
        return jsonify(_told(work, work.cases.find(case_id) or case))


def _visible(work: Work, caller: Administrator, case_id: str) -> Case:
    case = work.cases.find(case_id)
    if case is None:
        not_there()
    if caller.municipality not in {None, *work.cases.municipalities_of(case_id)}:
        not_there()
    return case


def _told(work: Work, case: Case) -> dict[str, Any]:
    return {
        "id": case.id,
        "user_id": case.user_id,
        "municipalities": work.cases.municipalities_of(case.id),
        "state": state_of(case).value,
        "events": [report.event_seq for report in work.cases.reports_of(case.id)],
        "opened_at": written(case.opened_at),
        "finished_at": written(case.finished_at),
        "closed_at": written(case.closed_at),
        "closed_by": case.closed_by,
        "steps": [
            {"step": row["step"], "at": written(row["at"]), "label": row["label"]} for row in case.steps
        ],
    }


def _state() -> CaseState | None:
    given = read_once("state")
    if given is None:
        return None
    if given not in _STATES:
        bad_request(f"state must be one of {', '.join(_STATES)}.")
    return CaseState(given)
