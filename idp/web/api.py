"""The API of administrators, for programs: logout notices, mails, sessions. Decides nothing of who may what.

It is opened by an access token alone and reads no cookie. What its caller may not see looks as if it were not
there (404). Not here: who may use it (`oidc/admin_access.py`), its description (`api_description.py`).
"""

import re
from collections.abc import Callable, Sequence
from dataclasses import replace
from datetime import UTC, datetime
from functools import wraps
from http import HTTPStatus
from typing import Any, Concatenate, Final, NoReturn, ParamSpec, TypeVar

import structlog
from flask import Blueprint, Response, jsonify, request

from idp.effects import Instant
from idp.events import Event, EventType
from idp.models.email_address import masked
from idp.models.mails import Mail, MailKind
from idp.models.notices import LogoutNotice
from idp.models.sessions import BrowserSession
from idp.models.usernames import canonical_username
from idp.oidc.admin_access import Administrator
from idp.oidc.errors import ErrorCode, ProtocolError
from idp.storage.outbox import State, state_of
from idp.storage.work import Work
from idp.web.api_description import describe
from idp.web.api_description_parts import MOST, USUAL
from idp.web.guards import opened_by_token
from idp.web.http import client_address
from idp.web.problem import problem
from idp.web.site import site

blueprint = Blueprint("api", __name__, url_prefix="/api/v1")

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


@blueprint.errorhandler(ProtocolError)
def refuse(error: ProtocolError) -> Response:
    _log.info("refused", path=request.path, error=error.error.value, why=error.detail or error.description)
    return problem(error.status, error.error.value, error.description, headers=error.headers)


@blueprint.get("/openapi.json")
def openapi() -> Response:
    return jsonify(describe(site().issuer))


@blueprint.get("/logout-notices")
@for_administrators
def list_notices(caller: Administrator) -> Response:
    state, limit = _state(), read_limit()
    with site().storage.database.read() as work:
        found = work.notices.list_notices(
            state, now=_now(), municipality=caller.municipality, after=read_after(), limit=limit + 1
        )
    shown = found[:limit]
    after = shown[-1].id if len(found) > limit else None
    return jsonify(logout_notices=[_notice(notice) for notice in shown], after=after)


@blueprint.post("/logout-notices/<notice_id>/retry")
@for_administrators
def retry_notice(caller: Administrator, notice_id: str) -> Response:
    with site().storage.database.begin() as work:
        notice = work.notices.find(notice_id)
        if notice is None or not caller.may_see(work, notice.user_id, _now()):
            not_there()
        if not work.notices.retry(notice_id, _now()):
            return problem(
                HTTPStatus.CONFLICT, "not_given_up", "Only a notice that was given up can be tried again."
            )
        event = _event(EventType.LOGOUT_NOTICE_RETRIED, caller, notice.user_id, session_id=notice.session_id)
        work.audit.append(replace(event, detail={"told": notice.client_id}))
        again = work.notices.find(notice_id)
    return jsonify(_notice(again or notice))


@blueprint.get("/mails")
@for_administrators
def list_mails(caller: Administrator) -> Response:
    state, limit = _state(), read_limit()
    with site().storage.database.read() as work:
        found = work.mails.list_mails(
            state, now=_now(), municipality=caller.municipality, after=read_after(), limit=limit + 1
        )
    shown = found[:limit]
    after = shown[-1].id if len(found) > limit else None
    return jsonify(mails=[_mail(mail) for mail in shown], after=after)


@blueprint.post("/mails/<mail_id>/retry")
@for_administrators
def retry_mail(caller: Administrator, mail_id: str) -> Response:
    with site().storage.database.begin() as work:
        mail = work.mails.find(mail_id)
        if mail is None or not caller.may_see(work, mail.user_id, _now()):
            not_there()
        if not work.mails.retry(mail_id, _now()):
            return problem(
                HTTPStatus.CONFLICT, "not_given_up", "Only a mail that was given up can be tried again."
            )
        event = _event(EventType.MAIL_RETRIED, caller, mail.user_id, session_id=None)
        work.audit.append(replace(event, detail={"mail": mail.id}))
        again = work.mails.find(mail_id)
    return jsonify(_mail(again or mail))


@blueprint.get("/sessions")
@for_administrators
def list_sessions(caller: Administrator) -> Response:
    """Those of one person that still open something."""
    with site().storage.database.read() as work:
        user = work.people.find_user_by_username(_username())
        if user is None or not caller.may_see(work, user.id, _now()):
            not_there()
        found = [_session(work, session) for session in site().sessions.of_user(work, user.id)]
    return jsonify(sessions=found)


@blueprint.delete("/sessions/<session_id>")
@for_administrators
def end_session(caller: Administrator, session_id: str) -> Response:
    with site().storage.database.begin() as work:
        session = work.sessions.find(session_id)
        if session is None or not caller.may_see(work, session.user_id, _now()):
            not_there()
        event = _event(EventType.SESSION_ENDED, caller, session.user_id, session_id=session_id)
        if not site().sessions.end(work, session_id, event):
            not_there()
    return Response(status=HTTPStatus.NO_CONTENT)


def _event(kind: EventType, caller: Administrator, user_id: str, *, session_id: str | None) -> Event:
    return Event(
        type=kind,
        user_id=user_id,
        actor_id=caller.actor_id,
        municipality=caller.municipality,
        client_id=caller.client_id,
        session_id=session_id,
        address=client_address(request.environ, site().trusted_proxies),
    )


def _notice(notice: LogoutNotice) -> dict[str, Any]:
    state = state_of(notice)
    return {
        "id": notice.id,
        "client_id": notice.client_id,
        "user_id": notice.user_id,
        "session_id": notice.session_id,
        "state": state.value,
        "attempts": notice.attempts,
        "last_error": notice.last_error,
        "created_at": written(notice.created_at),
        "next_at": written(notice.next_at) if state is State.WAITING else None,
        "delivered_at": written(notice.delivered_at),
        "given_up_at": written(notice.given_up_at),
    }


def _mail(mail: Mail) -> dict[str, Any]:
    """Without the whole address, which may be the person's own."""
    state = state_of(mail)
    return {
        "id": mail.id,
        "kind": mail.kind,
        "event": mail.about if mail.kind == MailKind.NOTICE else None,
        "user_id": mail.user_id,
        "to": masked(mail.address),
        "state": state.value,
        "attempts": mail.attempts,
        "last_error": mail.last_error,
        "created_at": written(mail.created_at),
        "next_at": written(mail.next_at) if state is State.WAITING else None,
        "delivered_at": written(mail.delivered_at),
        "given_up_at": written(mail.given_up_at),
    }


def _session(work: Work, session: BrowserSession) -> dict[str, Any]:
    return {
        "id": session.id,
        "user_id": session.user_id,
        "created_at": written(session.created_at),
        "last_seen_at": written(session.last_seen_at),
        "expires_at": written(session.expires_at),
        "address": session.address,
        "user_agent": session.user_agent,
        "client_ids": [client.client_id for client in work.sessions.clients_of(session.id)],
    }


def _now() -> Instant:
    return site().effects.now()


def written(at: Instant | None) -> str | None:
    """RFC 3339, to the second."""
    return None if at is None else datetime.fromtimestamp(at, UTC).strftime("%Y-%m-%dT%H:%M:%SZ")


def _state() -> State | None:
    given = read_once("state")
    if given is None:
        return None
    return State(_one_of(given, [state.value for state in State], "state"))


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


def _username() -> str:
    try:
        return canonical_username(read_once("user") or "")
    except ValueError:
        bad_request("user must be a username.")


def _one_of(given: str, allowed: Sequence[str], name: str) -> str:
    if given not in allowed:
        bad_request(f"{name} must be one of {', '.join(allowed)}.")
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
