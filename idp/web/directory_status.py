"""Whether municipalities' directories answer: on the first page of who looks after one, and in their API.

Only for administrators: nobody else learns here who has a directory. Not here: asking one
(`people/directory_watch.py`), readiness (`health.py`).
"""

from typing import Any

from flask import Blueprint, Response, jsonify

from idp.login.standing import Person
from idp.oidc.admin_access import Administrator
from idp.oidc.errors import ProtocolError
from idp.storage.directory_states import Seen
from idp.web.api_calls import for_administrators, refuse, written
from idp.web.api_municipalities import must_be_visible
from idp.web.i18n import format_time
from idp.web.looked_after import looked_after_by
from idp.web.pages import municipality_names
from idp.web.site import site

blueprint = Blueprint("directory_status", __name__, url_prefix="/api/v1/municipalities")
blueprint.register_error_handler(ProtocolError, refuse)


@blueprint.get("/<municipality_id>/directory-status")
@for_administrators
def show(caller: Administrator, municipality_id: str) -> Response:
    with site().storage.database.read() as work:
        must_be_visible(work, caller, municipality_id)
        found = work.directory_states.list_of(municipality_id)
    return jsonify(directories=[_told(seen) for seen in found])


def has_directories(person: Person) -> bool:
    """Whether there are some that this person looks after."""
    theirs = looked_after_by(person)
    if not theirs:
        return False
    with site().storage.database.read() as work:
        return bool(theirs.directories(work))


def silent_shown(person: Person) -> list[dict[str, str]]:
    """Those that do not answer, of the municipalities that this person looks after."""
    theirs = looked_after_by(person)
    if not theirs:
        return []
    with site().storage.database.read() as work:
        found = [
            seen
            for seen in work.directory_states.list_in_use()
            if theirs.everything or seen.municipality in theirs.municipalities
        ]
    silent = [seen for seen in found if seen.is_silent]
    names = municipality_names({seen.municipality for seen in silent})
    return [
        {
            "name": seen.name,
            "municipality": names[seen.municipality],
            "since": format_time(seen.state.since),
            "told": seen.state.told,
        }
        for seen in silent
        if seen.state is not None
    ]


def _told(seen: Seen) -> dict[str, Any]:
    state = seen.state
    return {
        "id": seen.directory_id,
        "name": seen.name,
        "answers": None if state is None else not state.fault,
        "fault": state.fault or None if state else None,
        "told": state.told or None if state else None,
        "since": written(state.since) if state else None,
        "seen_at": written(state.seen_at) if state else None,
        "silent_controllers": dict(state.silent) if state else {},
    }
