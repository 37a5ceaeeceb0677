"""The API of administrators, for programs: logout notices, mails, sessions. Decides nothing of who may what.

What its caller may not see looks as if it were not
there (404). Not here: who may use it (`oidc/admin_access.py`), its description (`api_description.py`).
"""

from collections.abc import Sequence
from dataclasses import replace
from http import HTTPStatus
from typing import Any

from flask import Blueprint, Response, jsonify

from idp.effects import Instant
from idp.events import EventType
from idp.models.email_address import masked
from idp.models.mails import Mail, MailKind
from idp.models.notices import LogoutNotice
from idp.models.sessions import BrowserSession
from idp.oidc.admin_access import Administrator
from idp.oidc.errors import ProtocolError
from idp.storage.outbox import State, state_of
from idp.storage.work import Work
from idp.web.api_calls import (
    bad_request,
    for_administrators,
    maker_of,
    not_there,
    read_after,
    read_limit,
    read_once,
    refuse,
    visible_user,
    written,
)
from idp.web.api_description import describe
from idp.web.problem import problem
from idp.web.site import site

blueprint = Blueprint("api", __name__, url_prefix="/api/v1")
blueprint.register_error_handler(ProtocolError, refuse)


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
        event = maker_of(caller).did(EventType.LOGOUT_NOTICE_RETRIED, notice.user_id, told=notice.client_id)
        work.audit.append(replace(event, session_id=notice.session_id))
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
        work.audit.append(maker_of(caller).did(EventType.MAIL_RETRIED, mail.user_id, mail=mail.id))
        again = work.mails.find(mail_id)
    return jsonify(_mail(again or mail))


@blueprint.get("/sessions")
@for_administrators
def list_sessions(caller: Administrator) -> Response:
    """Those of one person that still open something."""
    with site().storage.database.read() as work:
        user_id = visible_user(work, caller, read_once("user"))
        found = [_session(work, session) for session in site().sessions.of_user(work, user_id)]
    return jsonify(sessions=found)


@blueprint.delete("/sessions/<session_id>")
@for_administrators
def end_session(caller: Administrator, session_id: str) -> Response:
    with site().storage.database.begin() as work:
        session = work.sessions.find(session_id)
        if session is None or not caller.may_see(work, session.user_id, _now()):
            not_there()
        event = maker_of(caller).did(EventType.SESSION_ENDED, session.user_id)
        if not site().sessions.end(work, session_id, event):
            not_there()
    return Response(status=HTTPStatus.NO_CONTENT)


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


def _state() -> State | None:
    given = read_once("state")
    if given is None:
        return None
    return State(_one_of(given, [state.value for state in State], "state"))


def _one_of(given: str, allowed: Sequence[str], name: str) -> str:
    if given not in allowed:
        bad_request(f"{name} must be one of {', '.join(allowed)}.")
    return given
