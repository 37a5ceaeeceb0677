"""What readings of a municipality's directory did, in the API of administrators; and saying yes to one.

A municipality's administrator sees those of its own directories. One that would have shut out too many waits
until a person, who signed in just now, confirms it: exactly that, or nothing. Not here: reading
(`people/directory_sync.py`).
"""

from http import HTTPStatus
from typing import Any

from flask import Blueprint, Response, jsonify

from idp.gateways.ldap.outcomes import DirectoryError
from idp.models.directory_sync import DirectorySyncRun
from idp.oidc.admin_access import Administrator
from idp.oidc.errors import ProtocolError
from idp.people.directory_sync import Asked, BusyError, DirectorySyncs, StaleError, SyncError
from idp.web.api_calls import (
    for_administrators,
    must_be_somebody_fresh,
    not_there,
    read_after,
    read_limit,
    refuse,
    written,
)
from idp.web.api_directories import visible_directory
from idp.web.problem import problem
from idp.web.site import site

blueprint = Blueprint(
    "api_directory_runs", __name__, url_prefix="/api/v1/municipalities/<municipality_id>/directories"
)
blueprint.register_error_handler(ProtocolError, refuse)


@blueprint.get("/<directory>/runs")
@for_administrators
def list_runs(caller: Administrator, municipality_id: str, directory: str) -> Response:
    limit, after = read_limit(), read_after()
    with site().storage.database.read() as work:
        read = visible_directory(work, caller, municipality_id, directory)
        found = work.directory_syncs.list_runs(read.id, limit=limit + 1, after=after)
    shown = [_told(run) for run in found[:limit]]
    return jsonify(runs=shown, after=shown[-1]["id"] if len(found) > limit else None)


@blueprint.get("/<directory>/runs/<run>")
@for_administrators
def show_run(caller: Administrator, municipality_id: str, directory: str, run: str) -> Response:
    with site().storage.database.read() as work:
        read = visible_directory(work, caller, municipality_id, directory)
        found = work.directory_syncs.find_run(read.id, run)
    if found is None:
        not_there()
    return jsonify(_told(found) | {"lines": [_line(line) for line in found.lines]})


@blueprint.post("/<directory>/runs/<run>/confirm")
@for_administrators
def confirm_run(caller: Administrator, municipality_id: str, directory: str, run: str) -> Response:
    """The directory is read anew, and exactly those who were held then are shut out, or nobody."""
    with site().storage.database.read() as work:
        read = visible_directory(work, caller, municipality_id, directory)
        if work.directory_syncs.find_run(read.id, run) is None:
            not_there()
    must_be_somebody_fresh(caller)
    syncs = DirectorySyncs(site().storage.database, site().effects)
    try:
        outcome = syncs.run(read, Asked(by=caller.actor_id, confirms=run))
    except BusyError:
        return problem(HTTPStatus.CONFLICT, "busy", "The directory is being read; try again in a moment.")
    except StaleError:
        return problem(
            HTTPStatus.CONFLICT,
            "stale",
            "It was confirmed before, or other people would be shut out by now; see the latest reading.",
        )
    except (DirectoryError, SyncError):
        return problem(HTTPStatus.CONFLICT, "no_answer", "The directory did not answer; nothing was changed.")
    return jsonify(_told(outcome.run) | {"lines": [_line(line) for line in outcome.run.lines]})


def _told(run: DirectorySyncRun) -> dict[str, Any]:
    return {
        "id": run.id,
        "state": run.state,
        "is_full": run.is_full,
        "asked_by": run.asked_by,
        "started_at": written(run.started_at),
        "finished_at": written(run.finished_at),
        "entries": run.entries,
        "counts": run.counts,
        "why": run.why,
        "confirmed_by": run.confirmed_by,
    }


def _line(line: dict[str, Any]) -> dict[str, Any]:
    return {
        "user_id": line["user_id"],
        "username": line["username"],
        "change": line["change"],
        "told": line["told"],
        "held": bool(line.get("held")),
    }
