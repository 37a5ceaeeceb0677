"""Checks of identity documents in the API of administrators: made by one, approved by another, revoked.

The answer to approving one is a letter with the code, this once. Whoever may see a check sees the names that
were stated and the last digits of the code, never the whole of it. Not here: who may make or approve one
(`people/identity/in_person.py`).
"""

import unicodedata
from http import HTTPStatus
from typing import Any, Final

from flask import Blueprint, Response, jsonify, request

from idp.languages import LANGUAGES
from idp.models.in_person import DocumentKind, IdentityCheck, Stated
from idp.models.person_code import PersonCode
from idp.oidc.admin_access import Administrator
from idp.oidc.errors import ProtocolError
from idp.people.identity.in_person import NotDone
from idp.storage.in_person import state_of
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
    read_once,
    refuse,
    visible_user,
    written,
)
from idp.web.identity_letter import printed
from idp.web.problem import problem
from idp.web.site import site

blueprint = Blueprint("api_identity_checks", __name__, url_prefix="/api/v1/identity-checks")
blueprint.register_error_handler(ProtocolError, refuse)

_MEMBERS: Final = {"user", "personal_code", "given_name", "family_name", "document"}
_NAME_AT_MOST: Final = 100
_STATUS: Final = {
    NotDone.OWN_ACCOUNT: HTTPStatus.FORBIDDEN,
    NotDone.MUNICIPALITY_ONLY: HTTPStatus.FORBIDDEN,
    NotDone.SAME_PERSON: HTTPStatus.FORBIDDEN,
    NotDone.OPERATOR_ONLY: HTTPStatus.FORBIDDEN,
    NotDone.BLOCKED: HTTPStatus.CONFLICT,
    NotDone.VOID: HTTPStatus.CONFLICT,
    NotDone.NOT_WAITING: HTTPStatus.CONFLICT,
}


@blueprint.post("")
@for_administrators
def make(caller: Administrator) -> Response:
    must_be_somebody_fresh(caller)
    body = read_object()
    if body.keys() != _MEMBERS:
        bad_request(f"The body must be a JSON object with {', '.join(sorted(_MEMBERS))}, and nothing else.")
    stated, document = _stated(body), _document(body["document"])
    with site().storage.database.read() as work:
        user_id = visible_user(work, caller, body["user"])
    made = site().identity.checks.make(user_id, stated, document, maker_of(caller))
    if isinstance(made, NotDone):
        return _not_done(made)
    with site().storage.database.read() as work:
        response = jsonify(_told_in_full(work, made))
    response.status_code = HTTPStatus.CREATED
    response.headers["Location"] = f"{blueprint.url_prefix}/{made.id}"
    return response


@blueprint.post("/<check_id>/approval")
@for_administrators
def approve(caller: Administrator, check_id: str) -> Response:
    must_be_somebody_fresh(caller)
    language = _language()
    with site().storage.database.read() as work:
        check = _visible_check(work, caller, check_id)
    given = site().identity.checks.approve(check, maker_of(caller))
    if isinstance(given, NotDone):
        return _not_done(given)
    response = Response(printed(given, language), status=HTTPStatus.CREATED)
    response.headers["Location"] = f"{blueprint.url_prefix}/{check.id}"
    return response


@blueprint.get("")
@for_administrators
def list_checks(caller: Administrator) -> Response:
    limit, username = read_limit(), read_once("user")
    with site().storage.database.read() as work:
        found = work.identity_checks.list_checks(
            now=site().effects.now(),
            user_id=None if username is None else visible_user(work, caller, username),
            municipality=caller.municipality,
            after=read_after(),
            limit=limit + 1,
        )
        shown = [_told(work, check) for check in found[:limit]]
    after = shown[-1]["id"] if len(found) > limit else None
    return jsonify(identity_checks=shown, after=after)


@blueprint.get("/<check_id>")
@for_administrators
def show(caller: Administrator, check_id: str) -> Response:
    with site().storage.database.read() as work:
        return jsonify(_told_in_full(work, _visible_check(work, caller, check_id)))


@blueprint.delete("/<check_id>")
@for_administrators
def revoke(caller: Administrator, check_id: str) -> Response:
    with site().storage.database.begin() as work:
        check = _visible_check(work, caller, check_id)
        if not site().identity.checks.revoke(work, check, maker_of(caller)):
            return problem(HTTPStatus.CONFLICT, "not_open", "This check confirms nothing any more.")
    return Response(status=HTTPStatus.NO_CONTENT)


def _not_done(why: NotDone) -> Response:
    return problem(_STATUS[why], why.code, why.text)


def _language() -> str:
    """The letter's. No body at all is Latvian."""
    if not request.get_data():
        return LANGUAGES[0]
    body = read_object()
    language = body.get("language", LANGUAGES[0])
    if not body.keys() <= {"language"} or language not in LANGUAGES:
        bad_request(f"The body may have language, one of {', '.join(LANGUAGES)}.")
    return str(language)


def _stated(body: dict[str, Any]) -> Stated:
    try:
        code = PersonCode.parse(_text(body["personal_code"]))
    except ValueError:
        bad_request("personal_code must be a personal code: six digits, a hyphen, five digits.")
    return Stated(code=code, given_name=_name(body, "given_name"), family_name=_name(body, "family_name"))


def _name(body: dict[str, Any], member: str) -> str:
    """On one line, without what is not seen."""
    name = " ".join(unicodedata.normalize("NFC", _text(body[member])).split())
    if not 0 < len(name) <= _NAME_AT_MOST or not name.isprintable():
        bad_request(f"{member} must be a name of at most {_NAME_AT_MOST} characters.")
    return name


def _document(given: object) -> DocumentKind:
    try:
        return DocumentKind(_text(given))
    except ValueError:
        bad_request(f"document must be one of {', '.join(kind.value for kind in DocumentKind)}.")


def _text(given: object) -> str:
    return given if isinstance(given, str) else ""


def _visible_check(work: Work, caller: Administrator, check_id: str) -> IdentityCheck:
    """Made in the caller's municipality, and about somebody who works there now."""
    check = work.identity_checks.find(check_id)
    if check is None or caller.municipality not in {None, check.municipality}:
        not_there()
    if not caller.may_see(work, check.user_id, site().effects.now()):
        not_there()
    return check


def _told(work: Work, check: IdentityCheck) -> dict[str, Any]:
    stated = work.identity_checks.stated_in(check)
    return {
        "id": check.id,
        "user_id": check.user_id,
        "municipality": check.municipality,
        "state": state_of(check, site().effects.now()).value,
        "document": check.document,
        "given_name": stated.given_name if stated else None,
        "family_name": stated.family_name if stated else None,
        "masked_code": stated.code.masked if stated else None,
        "made_by": check.made_by,
        "made_at": written(check.made_at),
        "approved_by": check.approved_by,
        "approved_at": written(check.approved_at),
        "expires_at": written(check.expires_at),
        "used_at": written(check.used_at),
        "revoked_by": check.revoked_by,
        "revoked_at": written(check.revoked_at),
    }


def _told_in_full(work: Work, check: IdentityCheck) -> dict[str, Any]:
    """With whose account it is, for whoever compares."""
    user = work.people.get_user(check.user_id)
    return {**_told(work, check), "user": user.username, "account_name": user.display_name}
