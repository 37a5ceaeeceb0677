"""Readings of a municipality's directories, for who looks after it: what each did, and saying yes to one.

The same as `api_directory_runs.py` tells programs, as pages. Nobody else learns here that there is a
directory: whatever is not theirs is not there. Not here: reading (`people/directory_sync.py`).
"""

from collections.abc import Mapping
from typing import Any, Final

from flask import Blueprint, Response, abort, render_template
from werkzeug.wrappers import Response as AnyResponse

from idp.gateways.ldap.outcomes import DirectoryError
from idp.login.transaction import FRESH_SECONDS, Requirements
from idp.models.directories import Directory
from idp.models.directory_sync import DirectorySyncRun, RunState
from idp.people.directory_sync import Asked, BusyError, DirectorySyncs, StaleError, SyncError
from idp.people.directory_sync_plan import Change, Gone
from idp.policy import Level
from idp.storage.work import Work
from idp.web.guards import ask_for, satisfied
from idp.web.http import see_other
from idp.web.i18n import translate
from idp.web.looked_after import looked_after_by
from idp.web.pages import act_for, municipality_names
from idp.web.site import site
from idp.words import N_

blueprint = Blueprint("directory_reports", __name__, url_prefix="/directories")

_SHOWN: Final = 50
_STATES: Final[Mapping[RunState, tuple[str, str]]] = {
    RunState.READING: (N_("Being read"), ""),
    RunState.INTERRUPTED: (N_("Broken off; the next reading goes on from there"), ""),
    RunState.APPLIED: (N_("Done"), "state-good"),
    RunState.HELD: (N_("Waits for your yes"), "state-bad"),
    RunState.CONFIRMED: (N_("An administrator agreed"), "state-good"),
    RunState.SUPERSEDED: (N_("Out of date; see the latest reading"), ""),
    RunState.FAILED: (N_("Failed"), "state-bad"),
}
_CHANGES: Final[Mapping[Change, str]] = {
    Change.DATA: N_("Name or contact details changed"),
    Change.ROLE_GIVEN: N_("Role given"),
    Change.ROLE_TAKEN: N_("Role taken away"),
    Change.BLOCKED: N_("The network's password opens nothing any more"),
    Change.SUSPENDED: N_("Shut out"),
    Change.RETURNED: N_("Let in again"),
}
_COUNTED: Final[Mapping[str, str]] = {
    **{change.value: told for change, told in _CHANGES.items()},
    "held": N_("Who would be shut out"),
}
_WHY_GONE: Final[Mapping[Gone, str]] = {
    Gone.DISABLED: N_("switched off in the network"),
    Gone.EXPIRED: N_("expired in the network"),
    Gone.ABSENT: N_("no longer in the network"),
}
_PROBLEMS: Final[Mapping[type[Exception], str]] = {
    BusyError: N_("The directory is being read. Try again in a moment."),
    StaleError: N_(
        "It was confirmed before, or other people would be shut out by now. See the latest reading."
    ),
    SyncError: N_("The directory did not answer. Nothing was changed."),
    DirectoryError: N_("The directory did not answer. Nothing was changed."),
}
_SURELY: Final = Requirements(level=Level.MULTI_FACTOR)


@blueprint.get("")
def list_all() -> AnyResponse:
    if asked := ask_for(_SURELY):
        return asked
    standing = satisfied()
    act_for(standing.municipality)
    with site().storage.database.read() as work:
        found = looked_after_by(standing.person).directories(work)
        latest = {each.id: work.directory_syncs.list_runs(each.id, limit=1) for each in found}
    if not found:
        abort(404)
    names = municipality_names({each.municipality for each in found})
    shown = [
        {
            "name": each.name,
            "municipality": names[each.municipality],
            "url": f"/directories/{each.id}",
            "minutes": each.sync_minutes,
            "latest": _run(each, latest[each.id][0]) if latest[each.id] else None,
        }
        for each in found
    ]
    return Response(render_template("directories/all.html", directories=shown))


@blueprint.get("/<directory_id>")
def show(directory_id: str) -> AnyResponse:
    if asked := ask_for(_SURELY):
        return asked
    with site().storage.database.read() as work:
        directory = _get(work, directory_id)
        runs = work.directory_syncs.list_runs(directory.id, limit=_SHOWN)
    page = render_template(
        "directories/readings.html", directory=directory.name, runs=[_run(directory, run) for run in runs]
    )
    return Response(page)


@blueprint.get("/<directory_id>/<run_id>")
def show_run(directory_id: str, run_id: str) -> AnyResponse:
    if asked := ask_for(_SURELY):
        return asked
    return _show_run(directory_id, run_id)


@blueprint.post("/<directory_id>/<run_id>")
def confirm(directory_id: str, run_id: str) -> AnyResponse:
    """The directory is read anew, and exactly those who were held then are shut out, or nobody."""
    here = f"/directories/{directory_id}/{run_id}"
    now = site().effects.now()
    if asked := ask_for(
        Requirements(level=Level.MULTI_FACTOR, not_before=now - FRESH_SECONDS), return_to=here
    ):
        return asked
    with site().storage.database.read() as work:
        directory = _get(work, directory_id)
        if work.directory_syncs.find_run(directory.id, run_id) is None:
            abort(404)
    syncs = DirectorySyncs(site().storage.database, site().effects)
    try:
        outcome = syncs.run(directory, Asked(by=satisfied().person.user.id, confirms=run_id))
    except (BusyError, StaleError, SyncError, DirectoryError) as error:
        why = next(words for kind, words in _PROBLEMS.items() if isinstance(error, kind))
        return _show_run(directory_id, run_id, problem=translate(why))
    return see_other(f"/directories/{directory_id}/{outcome.run.id}")


def _get(work: Work, directory_id: str) -> Directory:
    standing = satisfied()
    act_for(standing.municipality)
    theirs = {each.id: each for each in looked_after_by(standing.person).directories(work)}
    if directory_id not in theirs:
        abort(404)
    return theirs[directory_id]


def _show_run(directory_id: str, run_id: str, problem: str = "") -> AnyResponse:
    with site().storage.database.read() as work:
        directory = _get(work, directory_id)
        run = work.directory_syncs.find_run(directory.id, run_id)
    if run is None:
        abort(404)
    page = render_template(
        "directories/reading.html",
        directory=directory.name,
        back_url=f"/directories/{directory.id}",
        run=_run(directory, run),
        held=[_line(line) for line in run.lines if line.get("held")],
        done=[_line(line) for line in run.lines if not line.get("held")],
        is_held=run.state == RunState.HELD.value,
        problem=problem,
    )
    return Response(page, status=409 if problem else 200)


def _run(directory: Directory, run: DirectorySyncRun) -> dict[str, Any]:
    told, kind = _STATES[RunState(run.state)]
    return {
        "url": f"/directories/{directory.id}/{run.id}",
        "at": run.started_at,
        "state": translate(told),
        "kind": kind,
        "is_full": run.is_full,
        "entries": run.entries,
        "counts": [(translate(_COUNTED[name]), many) for name, many in sorted(run.counts.items())],
        "why": run.why,
    }


def _line(line: Mapping[str, Any]) -> dict[str, str]:
    change, told = Change(line["change"]), line["told"]
    if change in {Change.BLOCKED, Change.SUSPENDED, Change.RETURNED}:
        told = translate(_WHY_GONE[Gone(told)]) if told in set(Gone) else told
    return {"username": line["username"], "change": translate(_CHANGES[change]), "told": told}
