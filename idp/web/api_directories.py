"""Directories of a municipality, in the API of administrators: described, tested, changed, removed.

Where a directory is, whom it must prove to be, which names it claims and which roles it gives are the
operators' word: who could point one elsewhere would be sent passwords, could look around in our network, and
could let anybody in as anybody. Its municipality's administrator changes what is the municipality's own.
Not here: who is which entry (`api_arrivals.py`), reading and refusing (`people/directories.py`).
"""

from collections.abc import Mapping
from dataclasses import dataclass, replace
from http import HTTPStatus
from typing import Any, Final

from flask import Blueprint, Response, jsonify

from idp.errors import AlreadyExistsError
from idp.events import Event, EventType
from idp.gateways.ldap.route import Route, route_to
from idp.models.directories import Directory
from idp.oidc.admin_access import Administrator
from idp.oidc.errors import ErrorCode, ProtocolError
from idp.people import directories
from idp.people.directory_check import as_told, first_fault, hurried, steps_to
from idp.storage.throttle import Bucket
from idp.storage.work import Work
from idp.web.api_calls import (
    bad_request,
    for_administrators,
    maker_of,
    must_be_somebody_fresh,
    not_there,
    read_object,
    refuse,
    written,
)
from idp.web.api_municipalities import must_be_visible
from idp.web.problem import problem
from idp.web.site import site

blueprint = Blueprint("api_directories", __name__, url_prefix="/api/v1/municipalities")
blueprint.register_error_handler(ProtocolError, refuse)

THEIR_OWN: Final = frozenset(
    {
        *("account", "arrival", "attempt_minutes", "attempts", "creates_accounts", "enabled", "password"),
        *("sync_minutes", "sync_share", "when_gone"),
    }
)
"""What a municipality's administrator may change."""
TESTS: Final = Bucket("directory-test", free=10, base_seconds=10, cap_seconds=60, forget_seconds=600)
"""Of one municipality: each holds a thread, and knocks at doors."""


@dataclass(frozen=True, slots=True)
class _Asked:
    described: directories.Description
    untested: bool


@blueprint.get("/<municipality_id>/directories")
@for_administrators
def list_all(caller: Administrator, municipality_id: str) -> Response:
    with site().storage.database.read() as work:
        must_be_visible(work, caller, municipality_id)
        found = work.directories.list_of(municipality_id)
    return jsonify(directories=[_told(directory) for directory in found])


@blueprint.get("/<municipality_id>/directories/<name>")
@for_administrators
def show(caller: Administrator, municipality_id: str, name: str) -> Response:
    with site().storage.database.read() as work:
        return jsonify(_told(visible_directory(work, caller, municipality_id, name)))


@blueprint.post("/<municipality_id>/directories")
@for_administrators
def add(caller: Administrator, municipality_id: str) -> Response:
    with site().storage.database.read() as work:
        must_be_visible(work, caller, municipality_id)
    must_be_somebody_fresh(caller)
    must_be_operator(caller, "Only an operator adds a directory.")
    asked = _asked({"municipality": municipality_id})
    with site().storage.database.read() as work:
        if work.directories.find_by_name(municipality_id, asked.described.columns["name"]) is not None:
            return _conflict("The municipality has a directory of that name.")
        made, route = _made(work, asked, None)
    if fault := _fault(made, route, asked):
        return fault
    try:
        with site().storage.database.begin() as work:
            made, _ = _made(work, asked, None)
            work.directories.add(made)
            work.audit.append(_changed(caller, made, {"added": True}))
    except AlreadyExistsError:
        return _conflict("The municipality has a directory of that name.")
    response = jsonify(_told(made))
    response.headers["Location"] = f"{blueprint.url_prefix}/{municipality_id}/directories/{made.id}"
    return Response(response.get_data(), HTTPStatus.CREATED, response.headers)


@blueprint.put("/<municipality_id>/directories/<name>")
@for_administrators
def put(caller: Administrator, municipality_id: str, name: str) -> Response:
    """All members at once; the password may be left out as long as it goes where it went."""
    with site().storage.database.read() as work:
        known = visible_directory(work, caller, municipality_id, name)
    must_be_somebody_fresh(caller)
    asked = _asked({"municipality": municipality_id, "name": known.name, "id": known.id})
    changed = _changes(known, asked.described)
    _must_be_their_own(caller, asked, changed)
    with site().storage.database.read() as work:
        made, route = _made(work, asked, known)
    if fault := _fault(made, route, asked):
        return fault
    with site().storage.database.begin() as work:
        now = work.directories.find(known.id)
        if now is None:
            not_there()
        if now.updated_at != known.updated_at:
            return _conflict("Somebody else changed it in the meantime.")
        made, _ = _made(work, asked, now)
        work.directories.put(made)
        work.audit.append(_changed(caller, made, {"changed": " ".join(sorted(changed))}))
    return jsonify(_told(made))


@blueprint.delete("/<municipality_id>/directories/<name>")
@for_administrators
def remove(caller: Administrator, municipality_id: str, name: str) -> Response:
    """With its links, the sessions that leaned on them, whoever waits, and invitations."""
    with site().storage.database.read() as work:
        directory = visible_directory(work, caller, municipality_id, name)
    must_be_somebody_fresh(caller)
    must_be_operator(caller, "Only an operator removes a directory. It can be switched off (enabled).")
    if not site().arrivals.links.remove(directory, maker_of(caller)):
        not_there()
    return Response(status=HTTPStatus.NO_CONTENT)


@blueprint.post("/<municipality_id>/directories/<name>/test")
@for_administrators
def test(caller: Administrator, municipality_id: str, name: str) -> Response:
    """Only as it is kept: nobody points it anywhere by testing."""
    with site().storage.database.read() as work:
        directory = visible_directory(work, caller, municipality_id, name)
        route = route_to(directory, work.directories.password_of(directory))
    must_be_somebody_fresh(caller)
    body = read_object()
    person = body.get("person", "")
    if not body.keys() <= {"person"} or not isinstance(person, str):
        bad_request("The body must be a JSON object with, if you like, person.")
    if wait := _too_many(municipality_id):
        return wait
    steps = [as_told(step) for step in hurried(steps_to(route, directory, person))]
    return jsonify(works=all(step["works"] for step in steps), steps=steps)


# What the views about a directory share -------------------------------------------------------------------


def visible_directory(work: Work, caller: Administrator, municipality_id: str, name: str) -> Directory:
    """By its name, or by its id where the name does not go into an address."""
    must_be_visible(work, caller, municipality_id)
    found = work.directories.find_by_name(municipality_id, name) or work.directories.find(name)
    if found is None or found.municipality != municipality_id:
        not_there()
    return found


def must_be_operator(caller: Administrator, why: str) -> None:
    if caller.municipality is not None:
        raise ProtocolError(ErrorCode.ACCESS_DENIED, why, status=403)


def _must_be_their_own(caller: Administrator, asked: _Asked, changed: set[str]) -> None:
    foreign = sorted(changed - THEIR_OWN)
    if foreign:
        must_be_operator(caller, f"Only an operator changes {', '.join(foreign)}.")
    if asked.untested:
        must_be_operator(caller, "Only an operator keeps what was not tested.")


def _asked(fixed: Mapping[str, str]) -> _Asked:
    """The body. `fixed`: members that the address says; the body may repeat them, and say nothing else."""
    body = read_object()
    for member, value in fixed.items():
        if body.get(member, value) != value:
            bad_request(f"{member}: it is {value}, as the address says")
    untested = body.get("untested", False)
    if not isinstance(untested, bool):
        bad_request("untested must be true or false.")
    document, said = {**fixed, **body}, {"untested", *fixed} - directories.MEMBERS
    try:
        described = directories.read({m: document[m] for m in document if m not in said})
    except directories.DescriptionError as error:
        bad_request(str(error))
    return _Asked(described, untested)


def _made(work: Work, asked: _Asked, known: Directory | None) -> tuple[Directory, Route]:
    try:
        made = directories.made(work, asked.described, site().effects, replaces=known)
    except directories.DescriptionError as error:
        bad_request(str(error))
    return made, route_to(made, work.directories.password_of(made))


def _changes(known: Directory, described: directories.Description) -> set[str]:
    changed = {member for member, value in described.columns.items() if getattr(known, member) != value}
    return changed if described.password is None else {*changed, "password"}


def _fault(made: Directory, route: Route, asked: _Asked) -> Response | None:
    """What is switched off may be saved while nobody answers there."""
    if asked.untested or not made.enabled:
        return None
    if wait := _too_many(made.municipality):
        return wait
    fault = first_fault(hurried(steps_to(route, made)))
    return problem(HTTPStatus.UNPROCESSABLE_ENTITY, "does_not_work", fault) if fault else None


def _too_many(municipality_id: str) -> Response | None:
    seconds = site().storage.throttle.charge(TESTS, municipality_id)
    if seconds <= 0:
        return None
    why = "Too many tests. Wait a little and try again."
    later = (("Retry-After", str(int(seconds) + 1)),)
    return problem(HTTPStatus.TOO_MANY_REQUESTS, "too_many_tests", why, headers=later)


def _conflict(why: str) -> Response:
    return problem(HTTPStatus.CONFLICT, "conflict", why)


def _changed(caller: Administrator, made: Directory, more: Mapping[str, str | bool]) -> Event:
    event = maker_of(caller).did(EventType.DIRECTORY_CHANGED, None)
    detail = {"directory": made.name, "enabled": made.enabled, **more}
    return replace(event, municipality=made.municipality, detail=detail)


def _told(directory: Directory) -> dict[str, Any]:
    return {**directories.shown(directory), "updated_at": written(directory.updated_at)}
