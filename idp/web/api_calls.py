"""What the views of the administrators' API share: who calls, what the request says, how it is refused.

Opened by an access token alone; no cookie is read. Not here: who may use it (`oidc/admin_access.py`).
"""

import re
from collections.abc import Callable
from datetime import UTC, datetime
from functools import wraps
from typing import Any, Concatenate, Final, NoReturn, ParamSpec, TypeVar

import structlog
from flask import Response, request

from idp.effects import Instant
from idp.login.tickets import Maker
from idp.login.transaction import FRESH_SECONDS
from idp.models.usernames import canonical_username
from idp.oidc.admin_access import Administrator
from idp.oidc.errors import ErrorCode, ProtocolError
from idp.storage.work import Work
from idp.web.api_description_parts import MOST, USUAL
from idp.web.guards import opened_by_token
from idp.web.http import client_address
from idp.web.problem import problem
from idp.web.site import site

_CURSOR: Final = re.compile(r"[A-Za-z0-9_-]{1,64}")
_P = ParamSpec("_P")
_R = TypeVar("_R")

_log = structlog.get_logger("visvaris.api")


def for_administrators(view: Callable[Concatenate[Administrator, _P], _R]) -> Callable[_P, _R]:
    """The caller is the view's first argument."""

    @wraps(view)
    def guarded(*args: _P.args, **kwargs: _P.kwargs) -> _R:
        caller = site().openid.admin_access.authorize(request.headers.get("Authorization", ""))
        return view(caller, *args, **kwargs)

    return opened_by_token(guarded)


def refuse(error: ProtocolError) -> Response:
    _log.info("refused", path=request.path, error=error.error.value, why=error.detail or error.description)
    return problem(error.status, error.error.value, error.description, headers=error.headers)


# Who calls -----------------------------------------------------------------------------------------------


def must_be_somebody_fresh(caller: Administrator) -> None:
    """A person, who signed in just now: not a program, nor an unattended browser. Raises ProtocolError."""
    if caller.is_service:
        raise ProtocolError(ErrorCode.ACCESS_DENIED, "A person must do this, not a service.", status=403)
    caller.must_be_fresh(FRESH_SECONDS, site().effects.now())


def maker_of(caller: Administrator) -> Maker:
    return Maker(
        actor_id=caller.actor_id,
        municipality=caller.municipality,
        client_id=caller.client_id,
        address=client_address(request.environ, site().trusted_proxies),
    )


def visible_user(work: Work, caller: Administrator, username: object) -> str:
    """The id of somebody by their username, in any spelling. Raises ProtocolError for whom this caller may
    not see, as for nobody.
    """
    try:
        typed = username if isinstance(username, str) else ""
        user = work.people.find_user_by_username(canonical_username(typed))
    except ValueError:
        bad_request("user must be a username.")
    if user is None or not caller.may_see(work, user.id, site().effects.now()):
        not_there()
    return user.id


# What the request says -----------------------------------------------------------------------------------


def read_object() -> dict[str, Any]:
    """The body. Raises ProtocolError for anything else than a JSON object."""
    try:
        body: Any = request.get_json(silent=True)
    except RecursionError:
        body = None
    if not isinstance(body, dict):
        bad_request("The body must be a JSON object.")
    return body


def read_limit() -> int:
    given = read_once("limit")
    if given is None:
        return USUAL
    if not (given.isascii() and given.isdigit() and len(given) < 4 and 1 <= int(given) <= MOST):
        bad_request(f"limit must be a number from 1 to {MOST}.")
    return int(given)


def read_after() -> str | None:
    given = read_once("after")
    if given is not None and not _CURSOR.fullmatch(given):
        bad_request("after must be taken from the page before.")
    return given


def read_once(name: str) -> str | None:
    values = request.args.getlist(name)
    if len(values) > 1:
        bad_request(f"{name} must come once.")
    return values[0] if values else None


def bad_request(description: str) -> NoReturn:
    raise ProtocolError(ErrorCode.INVALID_REQUEST, description)


def not_there() -> NoReturn:
    raise ProtocolError(
        ErrorCode.NOT_FOUND, "There is no such thing among those this token may see.", status=404
    )


def written(at: Instant | None) -> str | None:
    """RFC 3339, to the second."""
    return None if at is None else datetime.fromtimestamp(at, UTC).strftime("%Y-%m-%dT%H:%M:%SZ")
