"""What a municipality decides about its people, in the API of administrators: read and put.

A municipality's administrator sees and sets its own; to everybody else it looks as if it were not there.
"""

from collections.abc import Collection
from dataclasses import asdict, fields, replace
from typing import Any, Final

from flask import Blueprint, Response, jsonify

from idp.events import Event, EventType
from idp.models.municipality_rules import MunicipalityRules
from idp.oidc.admin_access import Administrator
from idp.oidc.errors import ProtocolError
from idp.storage.work import Work
from idp.web.api_calls import (
    bad_request,
    for_administrators,
    maker_of,
    must_be_somebody_fresh,
    not_there,
    read_object,
    refuse,
)
from idp.web.site import site

blueprint = Blueprint("api_municipalities", __name__, url_prefix="/api/v1/municipalities")
blueprint.register_error_handler(ProtocolError, refuse)

_MEMBERS: Final = {member.name for member in fields(MunicipalityRules)}


@blueprint.get("/<municipality_id>/rules")
@for_administrators
def show(caller: Administrator, municipality_id: str) -> Response:
    with site().storage.database.read() as work:
        must_be_visible(work, caller, municipality_id)
        rules = work.municipality_rules.of(municipality_id)
    return jsonify(asdict(rules))


@blueprint.put("/<municipality_id>/rules")
@for_administrators
def put(caller: Administrator, municipality_id: str) -> Response:
    """By people alone, who signed in just now: it decides what is enough to open an account."""
    with site().storage.database.read() as work:
        must_be_visible(work, caller, municipality_id)
    must_be_somebody_fresh(caller)
    rules = _asked()
    with site().storage.database.begin() as work:
        work.municipality_rules.put(municipality_id, rules)
        work.audit.append(decided(caller, municipality_id, **asdict(rules)))
    return jsonify(asdict(rules))


def decided(caller: Administrator, municipality_id: str, **detail: str | int | bool) -> Event:
    event = maker_of(caller).did(EventType.MUNICIPALITY_RULES_CHANGED, None)
    return replace(event, municipality=municipality_id, detail=detail)


def must_be_visible(work: Work, caller: Administrator, municipality_id: str) -> None:
    is_own = caller.municipality in {None, municipality_id}
    if not is_own or work.people.find_municipality(municipality_id) is None:
        not_there()


def read_members(members: Collection[str]) -> dict[str, Any]:
    """The body's members: all of them, and no others."""
    body = read_object()
    if body.keys() != set(members):
        bad_request(f"The body must be a JSON object with {', '.join(sorted(members))}.")
    return body


def _asked() -> MunicipalityRules:
    body = read_members(_MEMBERS)
    for name in sorted(_MEMBERS):
        if type(body[name]) is not int:
            bad_request(f"{name} must be a whole number.")
    try:
        return MunicipalityRules(**body)
    except ValueError as error:
        bad_request(f"{error}.")
