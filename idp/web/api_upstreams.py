"""A municipality's own log-in pages in the API of administrators: who came there, and invitations.

Linking is by people alone, who signed in just now, and tells the person by mail. Upstreams themselves are the
operators' word (`visvaris upstream`).
"""

from typing import Any, Final

from flask import Blueprint, Response, jsonify, request

from idp.errors import AlreadyExistsError, Refused
from idp.events import Event, EventType
from idp.login.upstream_links import leaving_method, link_arrival
from idp.models.upstreams import Upstream, UpstreamArrival
from idp.oidc.admin_access import Administrator
from idp.oidc.errors import ProtocolError
from idp.storage.work import Work
from idp.web.api_calls import (
    for_administrators,
    must_be_somebody_fresh,
    not_there,
    refuse,
    visible_user,
    written,
)
from idp.web.api_invitations import list_of, made_for, revoked
from idp.web.api_municipalities import must_be_visible, read_members
from idp.web.http import client_address
from idp.web.invited_there import ADDRESS
from idp.web.problem import problem
from idp.web.site import site

blueprint = Blueprint("api_upstreams", __name__, url_prefix="/api/v1/municipalities")
blueprint.register_error_handler(ProtocolError, refuse)

_MEMBERS: Final = {"username"}


@blueprint.get("/<municipality_id>/upstream-arrivals")
@for_administrators
def list_arrivals(caller: Administrator, municipality_id: str) -> Response:
    with site().storage.database.read() as work:
        must_be_visible(work, caller, municipality_id)
        found = work.upstreams.list_arrivals(municipality_id)
    return jsonify(upstream_arrivals=[_told(arrival) for arrival in found])


@blueprint.post("/<municipality_id>/upstream-arrivals/<arrival>/link")
@for_administrators
def link(caller: Administrator, municipality_id: str, arrival: str) -> Response:
    with site().storage.database.read() as work:
        must_be_visible(work, caller, municipality_id)
    must_be_somebody_fresh(caller)
    username = read_members(_MEMBERS)["username"]
    event = Event(
        type=EventType.METHOD_ENROLLED,
        actor_id=caller.actor_id,
        client_id=caller.client_id,
        address=client_address(request.environ, site().trusted_proxies),
    )
    try:
        with site().storage.database.begin() as work:
            waiting, upstream = _get(work, municipality_id, arrival)
            user = work.people.get_user(visible_user(work, caller, username))
            method = leaving_method(site().methods)
            if not link_arrival(work, method, waiting, upstream, user, event):
                not_there()
    except Refused:
        return problem(409, "not_its_person", "The person acts for somebody else, too, or for nobody.")
    except AlreadyExistsError:
        return problem(409, "already_linked", "It is linked to somebody else.")
    return jsonify(_told(waiting))


@blueprint.get("/<municipality_id>/upstreams")
@for_administrators
def list_upstreams(caller: Administrator, municipality_id: str) -> Response:
    with site().storage.database.read() as work:
        must_be_visible(work, caller, municipality_id)
        found = [each for each in work.upstreams.list_all() if each.municipality == municipality_id]
    return jsonify(upstreams=[_described(each) for each in found])


# Invitations ----------------------------------------------------------------------------------------------


@blueprint.get("/<municipality_id>/upstreams/<upstream>/invitations")
@for_administrators
def list_invitations(caller: Administrator, municipality_id: str, upstream: str) -> Response:
    return list_of(_visible(caller, municipality_id, upstream))


@blueprint.post("/<municipality_id>/upstreams/<upstream>/invitations")
@for_administrators
def invite(caller: Administrator, municipality_id: str, upstream: str) -> Response:
    """The answer holds the code this once; the address does not, so that it is typed."""
    found = _visible(caller, municipality_id, upstream)
    must_be_somebody_fresh(caller)
    return made_for(found, caller, lambda _: site().issuer + ADDRESS)


@blueprint.delete("/<municipality_id>/upstreams/<upstream>/invitations/<invitation>")
@for_administrators
def revoke(caller: Administrator, municipality_id: str, upstream: str, invitation: str) -> Response:
    found = _visible(caller, municipality_id, upstream)
    must_be_somebody_fresh(caller)
    return revoked(found, invitation, caller)


def _visible(caller: Administrator, municipality_id: str, upstream_id: str) -> Upstream:
    with site().storage.database.read() as work:
        must_be_visible(work, caller, municipality_id)
        found = work.upstreams.find(upstream_id)
    if found is None or found.municipality != municipality_id:
        not_there()
    return found


def _get(work: Work, municipality_id: str, arrival_id: str) -> tuple[UpstreamArrival, Upstream]:
    arrival = work.upstreams.find_arrival(arrival_id)
    upstream = work.upstreams.find(arrival.upstream_id) if arrival is not None else None
    if arrival is None or upstream is None or upstream.municipality != municipality_id:
        not_there()
    return arrival, upstream


def _described(upstream: Upstream) -> dict[str, Any]:
    return {
        "id": upstream.id,
        "name": upstream.name,
        "issuer": upstream.issuer,
        "match": upstream.match_by,
        "match_claim": upstream.match_claim,
        "creates_accounts": upstream.creates_accounts,
        "enabled": upstream.enabled,
    }


def _told(arrival: UpstreamArrival) -> dict[str, Any]:
    return {
        "id": arrival.id,
        "upstream_id": arrival.upstream_id,
        "subject": arrival.subject,
        "name": arrival.name,
        "username": arrival.username,
        "first_at": written(arrival.first_at),
        "last_at": written(arrival.last_at),
    }
