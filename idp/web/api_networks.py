"""Networks of a municipality, in the API of administrators: listed, named, and marked as shared.

Which addresses are whose is the operators' word (`visvaris municipality network`): who could claim a network
could speak to another municipality's people by its name, and end their sessions early. Not here: what a
network means (`login/places.py`).
"""

from typing import Any, Final

from flask import Blueprint, Response, jsonify

from idp.methods.base import LABEL_AT_MOST, label_from
from idp.models.networks import Network
from idp.oidc.admin_access import Administrator
from idp.oidc.errors import ProtocolError
from idp.web.api_calls import bad_request, for_administrators, must_be_somebody_fresh, not_there, refuse
from idp.web.api_municipalities import decided, must_be_visible, read_members
from idp.web.site import site

blueprint = Blueprint("api_networks", __name__, url_prefix="/api/v1/municipalities")
blueprint.register_error_handler(ProtocolError, refuse)

_MEMBERS: Final = {"name", "shared"}


@blueprint.get("/<municipality_id>/networks")
@for_administrators
def list_networks(caller: Administrator, municipality_id: str) -> Response:
    with site().storage.database.read() as work:
        must_be_visible(work, caller, municipality_id)
        found = work.networks.list_of(municipality_id)
    return jsonify(networks=[_told(network) for network in found])


@blueprint.put("/<municipality_id>/networks/<network>")
@for_administrators
def put_network(caller: Administrator, municipality_id: str, network: str) -> Response:
    """By people alone, who signed in just now: who takes the mark away lets sessions wait longer."""
    with site().storage.database.read() as work:
        must_be_visible(work, caller, municipality_id)
    must_be_somebody_fresh(caller)
    name, shared = _asked()
    with site().storage.database.begin() as work:
        changed = work.networks.change(municipality_id, network, name=name, shared=shared)
        if changed is None:
            not_there()
        event = decided(caller, municipality_id, network_named=changed.cidr, name=name, shared=shared)
        work.audit.append(event)
    return jsonify(_told(changed))


def _asked() -> tuple[str, bool]:
    body = read_members(_MEMBERS)
    name, shared = body["name"], body["shared"]
    if not isinstance(name, str) or not name or label_from(name) != name:
        bad_request(f"name must be one line of 1 to {LABEL_AT_MOST} characters.")
    if not isinstance(shared, bool):
        bad_request("shared must be true or false.")
    return name, shared


def _told(network: Network) -> dict[str, Any]:
    return {
        "id": network.id,
        "cidr": network.cidr,
        "name": network.name,
        "shared": network.shared,
    }
