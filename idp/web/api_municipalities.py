"""What a municipality decides about its people, in the API of administrators: read and put.

A municipality's administrator sees and sets its own; to everybody else it looks as if it were not there.
"""

from typing import Any, Final

from flask import Blueprint, Response, jsonify, request

from idp.events import Event, EventType
from idp.login.transaction import FRESH_SECONDS
from idp.models.municipality_rules import MunicipalityRules
from idp.oidc.admin_access import Administrator
from idp.oidc.errors import ErrorCode, ProtocolError
from idp.storage.work import Work
from idp.web.api import bad_request, for_administrators, not_there, refuse
from idp.web.http import client_address
from idp.web.site import site

blueprint = Blueprint("api_municipalities", __name__, url_prefix="/api/v1/municipalities")
blueprint.register_error_handler(ProtocolError, refuse)

_MEMBERS: Final = {"remember_days", "vouching_hours"}


@blueprint.get("/<municipality_id>/rules")
@for_administrators
def show(caller: Administrator, municipality_id: str) -> Response:
    with site().storage.database.read() as work:
        _must_be_visible(work, caller, municipality_id)
        rules = work.municipality_rules.of(municipality_id)
    return jsonify(_told(rules))


@blueprint.put("/<municipality_id>/rules")
@for_administrators
def put(caller: Administrator, municipality_id: str) -> Response:
    """By people alone, who signed in just now: it decides what is enough to open an account."""
    with site().storage.database.read() as work:
        _must_be_visible(work, caller, municipality_id)
    if caller.is_service:
        raise ProtocolError(ErrorCode.ACCESS_DENIED, "A person must do this, not a service.", status=403)
    caller.must_be_fresh(FRESH_SECONDS, site().effects.now())
    rules = _asked()
    with site().storage.database.begin() as work:
        work.municipality_rules.put(municipality_id, rules)
        work.audit.append(
            Event(
                type=EventType.MUNICIPALITY_RULES_CHANGED,
                actor_id=caller.actor_id,
                municipality=municipality_id,
                client_id=caller.client_id,
                address=client_address(request.environ, site().trusted_proxies),
                detail=_told(rules),
            )
        )
    return jsonify(_told(rules))


def _must_be_visible(work: Work, caller: Administrator, municipality_id: str) -> None:
    is_own = caller.municipality in {None, municipality_id}
    if not is_own or work.people.find_municipality(municipality_id) is None:
        not_there()


def _asked() -> MunicipalityRules:
    """The body's members: all of them, and no others."""
    try:
        body: Any = request.get_json(silent=True)
    except RecursionError:
        body = None
    if not isinstance(body, dict) or body.keys() != _MEMBERS:
        bad_request(f"The body must be a JSON object with {', '.join(sorted(_MEMBERS))}.")
    for member in sorted(_MEMBERS):
        if type(body[member]) is not int:
            bad_request(f"{member} must be a whole number.")
    try:
        return MunicipalityRules(**body)
    except ValueError as error:
        bad_request(f"{error}.")


def _told(rules: MunicipalityRules) -> dict[str, int]:
    return {"remember_days": rules.remember_days, "vouching_hours": rules.vouching_hours}
