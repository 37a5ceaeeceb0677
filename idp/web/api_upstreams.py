"""Who came from a municipality's own log-in page and has no account linked, in the API of administrators.

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
from idp.web.api_municipalities import must_be_visible, read_members
from idp.web.http import client_address
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


def _get(work: Work, municipality_id: str, arrival_id: str) -> tuple[UpstreamArrival, Upstream]:
    arrival = work.upstreams.find_arrival(arrival_id)
    upstream = work.upstreams.find(arrival.upstream_id) if arrival is not None else None
    if arrival is None or upstream is None or upstream.municipality != municipality_id:
        not_there()
    return arrival, upstream


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
