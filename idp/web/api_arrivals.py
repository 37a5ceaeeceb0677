"""Who is which entry of a municipality's directories, in the API of administrators: links, who waits to be
linked, and invitations.

By people alone, who signed in just now: whoever links an entry gives whoever has its password a way into an
account. Not here: whom they may link (`people/directory_links.py`), the directories (`api_directories.py`).
"""

from collections.abc import Callable, Mapping
from http import HTTPStatus
from typing import Any

from flask import Blueprint, Response, jsonify

from idp.errors import AlreadyExistsError
from idp.gateways.ldap.door import Door
from idp.gateways.ldap.outcomes import DirectoryError
from idp.gateways.ldap.route import route_to
from idp.gateways.ldap.values import Entry
from idp.models.arrivals import DirectoryArrival
from idp.models.directories import Directory
from idp.oidc.admin_access import Administrator
from idp.oidc.errors import ProtocolError
from idp.people.directory_links import NotLinked
from idp.storage.directories import ListedLink
from idp.storage.work import Work
from idp.web.api_calls import (
    bad_request,
    for_administrators,
    maker_of,
    must_be_somebody_fresh,
    not_there,
    read_after,
    read_limit,
    read_object,
    refuse,
    visible_user,
    written,
)
from idp.web.api_directories import visible_directory
from idp.web.api_invitations import created, list_of, made_for, not_linked, revoked
from idp.web.api_municipalities import must_be_visible
from idp.web.invited import address_of
from idp.web.problem import problem
from idp.web.site import site

blueprint = Blueprint("api_arrivals", __name__, url_prefix="/api/v1/municipalities")
blueprint.register_error_handler(ProtocolError, refuse)

# Links ----------------------------------------------------------------------------------------------------


@blueprint.get("/<municipality_id>/directories/<name>/links")
@for_administrators
def list_links(caller: Administrator, municipality_id: str, name: str) -> Response:
    limit = read_limit()
    with site().storage.database.read() as work:
        directory = visible_directory(work, caller, municipality_id, name)
        found = work.directories.list_links(directory.id, after=read_after(), limit=limit + 1)
    shown = found[:limit]
    after = shown[-1].link.credential_id if len(found) > limit else None
    return jsonify(links=[_link(each) for each in shown], after=after)


@blueprint.post("/<municipality_id>/directories/<name>/links")
@for_administrators
def link(caller: Administrator, municipality_id: str, name: str) -> Response:
    """`entry`: its GUID, UPN or account name, looked up now and kept by its GUID."""
    with site().storage.database.read() as work:
        directory = visible_directory(work, caller, municipality_id, name)
    must_be_somebody_fresh(caller)
    body = read_object()
    entry = body.get("entry")
    if not body.keys() <= {"username", "entry", "replace"} or not isinstance(entry, str):
        bad_request("The body must be a JSON object with username, entry and, if you like, replace.")
    user_id, replaces = _visible(caller, body.get("username")), _replaces(body)
    try:
        found = _find(directory, entry)
    except DirectoryError as error:
        why = f"The directory does not answer ({error.told})."
        return problem(HTTPStatus.SERVICE_UNAVAILABLE, "directory_unavailable", why)
    if found is None:
        return problem(HTTPStatus.CONFLICT, "no_such_entry", "Nobody there, or more than one, has this name.")
    maker = maker_of(caller)
    return _made(
        directory,
        user_id,
        lambda: site().arrivals.links.link(directory, user_id, found.guid, maker, replaces=replaces),
    )


@blueprint.delete("/<municipality_id>/directories/<name>/links/<link>")
@for_administrators
def unlink(caller: Administrator, municipality_id: str, name: str, link: str) -> Response:
    with site().storage.database.read() as work:
        directory = visible_directory(work, caller, municipality_id, name)
    must_be_somebody_fresh(caller)
    if not site().arrivals.links.unlink(directory, link, maker_of(caller)):
        not_there()
    return Response(status=HTTPStatus.NO_CONTENT)


# Who waits ------------------------------------------------------------------------------------------------


@blueprint.get("/<municipality_id>/arrivals")
@for_administrators
def list_arrivals(caller: Administrator, municipality_id: str) -> Response:
    with site().storage.database.read() as work:
        must_be_visible(work, caller, municipality_id)
        names = {each.id: each.name for each in work.directories.list_of(municipality_id)}
        found = work.arrivals.list_of(municipality_id)
    return jsonify(arrivals=[_arrival(each, names[each.directory_id]) for each in found])


@blueprint.post("/<municipality_id>/arrivals/<arrival>/link")
@for_administrators
def link_arrival(caller: Administrator, municipality_id: str, arrival: str) -> Response:
    with site().storage.database.read() as work:
        directory = _directory_of(work, caller, municipality_id, arrival)
    must_be_somebody_fresh(caller)
    body = read_object()
    if not body.keys() <= {"username", "replace"}:
        bad_request("The body must be a JSON object with username and, if you like, replace.")
    user_id, replaces, maker = _visible(caller, body.get("username")), _replaces(body), maker_of(caller)
    return _made(
        directory,
        user_id,
        lambda: site().arrivals.links.take_arrival(directory, arrival, user_id, maker, replaces=replaces),
    )


@blueprint.delete("/<municipality_id>/arrivals/<arrival>")
@for_administrators
def dismiss(caller: Administrator, municipality_id: str, arrival: str) -> Response:
    with site().storage.database.read() as work:
        directory = _directory_of(work, caller, municipality_id, arrival)
    must_be_somebody_fresh(caller)
    if not site().arrivals.links.dismiss(directory, arrival, maker_of(caller)):
        not_there()
    return Response(status=HTTPStatus.NO_CONTENT)


# Invitations ----------------------------------------------------------------------------------------------


@blueprint.get("/<municipality_id>/directories/<name>/invitations")
@for_administrators
def list_invitations(caller: Administrator, municipality_id: str, name: str) -> Response:
    with site().storage.database.read() as work:
        directory = visible_directory(work, caller, municipality_id, name)
    return list_of(directory)


@blueprint.post("/<municipality_id>/directories/<name>/invitations")
@for_administrators
def invite(caller: Administrator, municipality_id: str, name: str) -> Response:
    """The answer holds the code this once: nobody can read it again, and least of all who made it."""
    with site().storage.database.read() as work:
        directory = visible_directory(work, caller, municipality_id, name)
    must_be_somebody_fresh(caller)
    return made_for(directory, caller, lambda code: address_of(site().issuer, code))


@blueprint.delete("/<municipality_id>/directories/<name>/invitations/<invitation>")
@for_administrators
def revoke(caller: Administrator, municipality_id: str, name: str, invitation: str) -> Response:
    with site().storage.database.read() as work:
        directory = visible_directory(work, caller, municipality_id, name)
    must_be_somebody_fresh(caller)
    return revoked(directory, invitation, caller)


# Shared ---------------------------------------------------------------------------------------------------


def _made(directory: Directory, user_id: str, make: Callable[[], NotLinked | None]) -> Response:
    try:
        refused = make()
    except AlreadyExistsError:
        refused = NotLinked.TAKEN
    if refused is not None:
        return not_linked(refused)
    with site().storage.database.read() as work:
        held = work.directories.find_link_of_person(directory.id, user_id)
        found = work.directories.find_listed(held.credential_id) if held is not None else None
    if found is None:
        not_there()
    return created(_link(found))


def _replaces(body: Mapping[str, Any]) -> bool:
    replaces = body.get("replace", False)
    if not isinstance(replaces, bool):
        bad_request("replace must be true or false.")
    return replaces


def _visible(caller: Administrator, username: object) -> str:
    with site().storage.database.read() as work:
        return visible_user(work, caller, username)


def _directory_of(work: Work, caller: Administrator, municipality_id: str, arrival_id: str) -> Directory:
    must_be_visible(work, caller, municipality_id)
    arrival = work.arrivals.find(arrival_id)
    directory = work.directories.find(arrival.directory_id) if arrival is not None else None
    if directory is None or directory.municipality != municipality_id:
        not_there()
    return directory


def _find(directory: Directory, entry: str) -> Entry | None:
    with site().storage.database.read() as work:
        door = Door(route_to(directory, work.directories.password_of(directory)))
    try:
        return door.find(entry)
    finally:
        door.close()


def _link(listed: ListedLink) -> dict[str, Any]:
    return {
        "id": listed.link.credential_id,
        "user_id": listed.link.user_id,
        "username": listed.username,
        "entry": listed.link.object_guid,
        "linked_by": listed.link.linked_by,
        "linked_at": written(listed.linked_at),
    }


def _arrival(arrival: DirectoryArrival, directory: str) -> dict[str, Any]:
    return {
        "id": arrival.id,
        "directory": directory,
        "entry": arrival.object_guid,
        "name": arrival.name,
        "account_name": arrival.account_name,
        "first_at": written(arrival.first_at),
        "last_at": written(arrival.last_at),
    }
