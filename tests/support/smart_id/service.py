"""RP API v3 as a WSGI application: what it is asked is judged, what it answers is in the published shapes.

Beside it, as at the demo service: `POST /mock/device-link` plays a phone that follows a link; of our own
`POST /mock/push`, which plays a phone that was notified, and `POST /ocsp`.
"""

import json
import socket
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import parse_qs

from tests.support.smart_id import requests
from tests.support.smart_id.accounts import Account, preloaded
from tests.support.smart_id.authority import SmartIdAuthority
from tests.support.smart_id.faults import Faults, Forcing
from tests.support.smart_id.ocsp import Mood, Responder
from tests.support.smart_id.phone import Followed, Phone
from tests.support.smart_id.sessions import Session, Sessions

PREFIX = "/smart-id-rp/v3"
RELYING_PARTY, NAME = "00000000-0000-4000-8000-000000000000", "DEMO"
REASONS = {
    200: "OK", 400: "Bad Request", 401: "Unauthorized", 403: "Forbidden", 404: "Not Found", 471: "No suitable account",
    472: "Open the app", 480: "Client too old", 500: "Internal Server Error", 503: "Service Unavailable",
    580: "Maintenance",
}  # fmt: skip


@dataclass
class Asked:
    method: str
    path: str
    body: bytes = field(repr=False)


class Failed(Exception):  # noqa: N818  an answer
    def __init__(self, status: int, body: dict[str, Any] | None = None) -> None:
        super().__init__(status)
        self.status, self.body = status, body


class Service:
    """One relying party is registered, under the demo service's id and name."""

    def __init__(self, authority: SmartIdAuthority, clock: Callable[[], float], *, origin: str) -> None:
        self.origin = origin
        self.clock = clock
        self.authority = authority
        self.accounts: dict[str, Account] = preloaded()
        self.sessions = Sessions(clock)
        self.phone = Phone(self.sessions, authority, self.accounts, f"{origin}/device-link", clock)
        self.mood = Mood()
        self.responder = Responder(authority, self.mood, self.phone.revoked)
        self.faults = Faults()
        self.forcing = Forcing()
        self.asked: list[Asked] = []
        self.may_ask_advanced = False
        self.pushes_answer_themselves = True
        self.patience = 1.0
        """How much of the time asked for a long poll really waits."""

    @property
    def base_url(self) -> str:
        return self.origin + PREFIX

    def add(self, account: Account) -> Account:
        self.accounts[account.document_number] = account
        return account

    def __call__(self, environ: dict[str, Any], start_response: Callable[..., Any]) -> Iterable[bytes]:
        length = int(environ.get("CONTENT_LENGTH") or 0)
        body = environ["wsgi.input"].read(length)
        method, path = environ["REQUEST_METHOD"], environ["PATH_INFO"]
        self.asked.append(Asked(method, path, body))
        if path == "/ocsp":
            answer = self.responder.answer(body, at=self.clock())
            start_response(f"{self.mood.http_status} OCSP", [("Content-Type", "application/ocsp-response")])
            return [answer]
        creates = method == "POST" and path.startswith(f"{PREFIX}/authentication/")
        faults = self.forcing.faults_of_call(creates=creates) or self.faults
        _fail_as_told(environ, faults)
        try:
            if faults.status is not None:
                raise Failed(faults.status)
            status, answered = 200, self._route(method, path, environ.get("QUERY_STRING", ""), body)
        except Failed as failed:
            status, answered = failed.status, failed.body
        content = self._written(answered)
        start_response(
            f"{status} {REASONS.get(status, 'Other')}",
            [("Content-Type", "application/json"), ("Content-Length", str(len(content)))],
        )
        return [content]

    def _written(self, answered: dict[str, Any] | None) -> bytes:
        if answered is None:
            return b""
        if self.faults.unknown_members:
            answered = _with_unknown_members(answered)
        if self.faults.changes is not None:
            answered = self.faults.changes(json.loads(json.dumps(answered)))
        return answered if isinstance(answered, bytes) else json.dumps(answered).encode()

    def _route(self, method: str, path: str, query: str, body: bytes) -> dict[str, Any]:
        if method == "POST" and path == "/mock/device-link":
            return self._follow(_json(body))
        if method == "POST" and path == "/mock/push":
            return self._push(_json(body))
        match method, path.removeprefix(PREFIX).split("/")[1:]:
            case "POST", ["authentication", "device-link", "anonymous"]:
                return self._create(_json(body), None, notification=False)
            case "POST", [
                "authentication",
                "device-link" | "notification" as flow,
                "etsi" | "document" as by,
                target,
            ]:
                return self._create(
                    _json(body), self._known(target, by, body), notification=flow == "notification"
                )
            case "GET", ["session", session_id]:
                return self._session(session_id, query)
            case _:
                raise Failed(404)

    def _known(self, target: str, by: str, body: bytes) -> str:
        """The request itself is judged first, so that a stranger learns of nobody."""
        _refuse_bad(_json(body), notification="vcType" in _json(body))
        self._refuse_stranger(_json(body))
        level = _json(body).get("certificateLevel", "QUALIFIED")
        theirs = [
            account
            for account in self.accounts.values()
            if target == (account.identifier if by == "etsi" else account.document_number)
        ]
        if not theirs:
            raise Failed(404, _error(404, "Not Found") if by == "etsi" else None)
        if level == "QUALIFIED" and not any(account.level == "QUALIFIED" for account in theirs):
            if self.faults.legacy:
                raise Failed(471)
            listed = {
                "code": "NO_SUITABLE_ACCOUNT_FOUND",
                "detail": "No suitable account of requested type found",
            }
            raise Failed(404, _error(404, "Not Found", [listed]))
        if self.faults.legacy and theirs[0].behaviour.end_result == "DOCUMENT_UNUSABLE":
            raise Failed(472)
        return target

    def _create(self, request: dict[str, Any], target: str | None, *, notification: bool) -> dict[str, Any]:
        _refuse_bad(request, notification=notification)
        self._refuse_stranger(request)
        session = Session(
            request, self.clock(), notification, target, forced=self.forcing.ending_of_session()
        )
        self.sessions.add(session)
        if not notification:
            return {
                "sessionID": session.id,
                "sessionToken": session.token,
                "sessionSecret": session.secret,
                "deviceLinkBase": f"{self.origin}/device-link",
            }
        if self.pushes_answer_themselves:
            self.phone.answer_push(session, self._account(target))
        return {"sessionID": session.id}

    def _refuse_stranger(self, request: dict[str, Any]) -> None:
        party = (request["relyingPartyUUID"].lower(), request["relyingPartyName"].lower())
        if party != (RELYING_PARTY, NAME.lower()):
            forbidden = self.faults.forbids_unknown_party
            raise Failed(403, _error(403, "Forbidden")) if forbidden else Failed(401)
        if request.get("certificateLevel") == "ADVANCED" and not self.may_ask_advanced:
            raise Failed(403, _error(403, "Forbidden"))
        if request.get("requestProperties", {}).get("shareMdClientIpAddress"):
            listed = requests.error(
                "/requestProperties/shareMdClientIpAddress",
                "Relying Party does not have permissions to request the MD client IP address sharing",
            )
            raise Failed(403, _error(403, "Forbidden", [listed]))

    def _session(self, session_id: str, query: str) -> dict[str, Any]:
        asked = parse_qs(query).get("timeoutMs", ["60500"])[0]
        if not asked.isdecimal() or not 1000 <= int(asked) <= 120000:
            raise Failed(400, _error(400, "Bad Request", [requests.error("/timeoutMs", "Invalid timeoutMs")]))
        session = self.sessions.find(session_id)
        if session is None:
            raise Failed(404)
        self.sessions.wait(session, int(asked) / 1000 * self.patience)
        return session.answer or {"state": "RUNNING"}

    def _account(self, target: str | None) -> Account:
        return next(
            each for each in self.accounts.values() if target in {each.identifier, each.document_number}
        )

    def _follow(self, body: dict[str, Any]) -> dict[str, Any]:
        """Always 200 for what is well formed, as at the demo service; ours says more, for whoever plays the phone."""
        if not {"documentNumber", "deviceLink", "flowType"} <= body.keys():
            raise Failed(400)
        if f"deviceLinkType={body['flowType']}&" not in body["deviceLink"]:
            return {"ignored": "another flow than the link's"}
        followed: Followed = self.phone.follow(body["deviceLink"], body["documentNumber"])
        return {"ignored": followed.ignored, "callback": followed.callback}

    def _push(self, body: dict[str, Any]) -> dict[str, Any]:
        waiting = [
            session
            for session in self.sessions.all()
            if session.notification and session.answer is None
            if self._account(session.target).document_number == body.get("documentNumber")
        ]
        for session in waiting:
            self.phone.answer_push(session, self._account(session.target), chosen_code=body.get("code"))
        return {"answered": len(waiting)}


def _fail_as_told(environ: dict[str, Any], faults: Faults) -> None:
    if faults.slow is not None:
        faults.slow.wait(30)
    if faults.dropped:
        environ["werkzeug.socket"].shutdown(socket.SHUT_RDWR)


def _json(body: bytes) -> dict[str, Any]:
    try:
        read = json.loads(body)
    except ValueError:
        read = None
    if not isinstance(read, dict):
        raise Failed(400, _error(400, "Bad Request"))
    return read


def _refuse_bad(request: dict[str, Any], *, notification: bool) -> None:
    found = requests.problems(request, notification=notification)
    if found:
        raise Failed(400, _error(400, "Bad Request", found))


def _error(status: int, title: str, errors: list[dict[str, str]] | None = None) -> dict[str, Any]:
    told = {"type": "about:blank", "status": status, "title": title, "detail": title}
    return told | ({"errors": errors} if errors else {})


def _with_unknown_members(value: Any) -> Any:
    if isinstance(value, dict):
        return {name: _with_unknown_members(each) for name, each in value.items()} | {"unknown": {"x": 1}}
    return value
