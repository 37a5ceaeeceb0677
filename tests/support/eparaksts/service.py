"""The service as a WSGI application: a page where somebody picks who they are, a token endpoint, user info, and what goes wrong there.

At the page, `#person-<serial number>` proves to be that person and `#decline` declines. As at the service, a browser that has proved
who it is is not asked again unless `prompt=login` says so.
"""

import base64
import hashlib
import html
import json
import secrets
import socket
import threading
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from http.cookies import SimpleCookie
from typing import Any, NoReturn
from urllib.parse import parse_qsl, unquote_plus, urlencode

from tests.support.eparaksts.people import PRELOADED, Person

SERVERS = ("lvrtc-eips-as", "lvrtc-eipsign-as")
CLIENT_ID, CLIENT_SECRET = "portāls", "drošība"
"""Those of the documentation's example."""
SCOPE = "urn:lvrtc:fpeil:aa"
FLOW = "urn:eparaksts:authentication:flow:"
HIGH = "urn:safelayer:tws:policies:authentication:level:high"
METHODS = "tws:policies:authentication:adaptive:methods:"
AMR = {
    "mobileid": "mobileid",
    "mobileid:cross-device": "mobileid",
    "mobile-eid": "mobileid",
    "sc_plugin": "sc_plugin",
}
SECONDS_OF_A_CODE, SECONDS_OF_A_TOKEN = 60, 600
LEFT_BY_A_SESSION = "emulated-eparaksts"
REASONS = {
    200: "OK",
    302: "Found",
    400: "Bad Request",
    401: "Unauthorized",
    404: "Not Found",
    500: "Internal Server Error",
}


@dataclass
class Faults:
    """What goes wrong, until it is switched off again. `at`: `authorize`, `token` or `user`; everywhere otherwise."""

    at: str | None = None
    status: int | None = None
    dropped: bool = False
    slow: threading.Event | None = None
    """Nothing is answered before it is set."""
    content_type: str = "application/json"
    changes: Callable[[dict[str, Any]], Any] | None = None
    """What becomes of an answer before it is sent; bytes are sent as they are."""


@dataclass(frozen=True)
class Asked:
    """An authorization request that was in order."""

    client_id: str
    redirect_uri: str
    acr: str
    scope: str
    state: str | None
    challenge: str | None


@dataclass(frozen=True)
class Grant:
    asked: Asked
    person: Person
    at: float


@dataclass
class Received:
    method: str
    path: str
    headers: dict[str, str] = field(repr=False)
    body: bytes = field(repr=False)


class Answer(Exception):  # noqa: N818  most are no errors
    def __init__(
        self, status: int, body: bytes, kind: str, *, headers: Iterable[tuple[str, str]] = ()
    ) -> None:
        super().__init__(status)
        self.status, self.body = status, body
        self.headers = [("Content-Type", kind), ("Content-Length", str(len(body))), *headers]


class Service:
    """One client is registered, with one redirect URI or more."""

    def __init__(self, clock: Callable[[], float], *, redirect_uris: Iterable[str]) -> None:
        self.clock = clock
        self.redirect_uris = set(redirect_uris)
        self.clients = {CLIENT_ID: CLIENT_SECRET}
        self.people = {person.serial_number: person for person in PRELOADED}
        self.faults = Faults()
        self.says_level = True
        """`acr` as documented; otherwise the flow that was asked for, as the service was seen to answer."""
        self.knows_pkce = False
        self.received: list[Received] = []
        self._lock = threading.Lock()
        self._pending: dict[str, Asked] = {}
        self._codes: dict[str, Grant] = {}
        self._tokens: dict[str, Grant] = {}

    def __call__(self, environ: dict[str, Any], start_response: Callable[..., Any]) -> Iterable[bytes]:
        body = environ["wsgi.input"].read(int(environ.get("CONTENT_LENGTH") or 0))
        method, path = environ["REQUEST_METHOD"], environ["PATH_INFO"]
        headers = {name[5:].lower(): value for name, value in environ.items() if name.startswith("HTTP_")}
        self.received.append(Received(method, path, headers, body))
        try:
            self._route(environ, method, path, headers, body)
        except Answer as answer:
            start_response(f"{answer.status} {REASONS.get(answer.status, 'Other')}", answer.headers)
            return [answer.body]

    def _route(
        self, environ: dict[str, Any], method: str, path: str, headers: dict[str, str], body: bytes
    ) -> NoReturn:
        match method, path.removeprefix("/trustedx-authserver/oauth/").split("/"):
            case "GET", [server] if server in SERVERS:
                self._fail_as_told("authorize", environ)
                self._authorize(path, _form(environ.get("QUERY_STRING", "")), headers)
            case "POST", [server, "choice"] if server in SERVERS:
                self._choose(_form(body.decode()))
            case "POST", [server, "token"] if server in SERVERS:
                self._fail_as_told("token", environ)
                self._told("token", self._token(_form(body.decode()), headers.get("authorization", "")))
            case "GET", _ if path == "/trustedx-resources/openid/v1/users/me":
                self._fail_as_told("user", environ)
                self._told("user", self._user(headers.get("authorization", "")))
            case _:
                raise Answer(404, b"", "text/plain")

    def _fail_as_told(self, place: str, environ: dict[str, Any]) -> None:
        if self.faults.at not in {None, place}:
            return
        if self.faults.slow is not None:
            self.faults.slow.wait(30)
        if self.faults.dropped:
            environ["werkzeug.socket"].shutdown(socket.SHUT_RDWR)
        if self.faults.status is not None:
            raise Answer(self.faults.status, b"<html>oops</html>", "text/html")

    def _told(self, place: str, answer: dict[str, Any]) -> NoReturn:
        told: Any = answer
        faulty = self.faults.at in {None, place}
        if faulty and self.faults.changes is not None:
            told = self.faults.changes(answer)
        body = told if isinstance(told, bytes) else json.dumps(told).encode()
        raise Answer(200, body, f"{self.faults.content_type if faulty else 'application/json'};charset=utf-8")

    # ------------------------------------------------------------------------------------------------------- the browser

    def _authorize(self, path: str, query: dict[str, str], headers: dict[str, str]) -> NoReturn:
        if query.get("client_id") not in self.clients or query.get("redirect_uri") not in self.redirect_uris:
            raise Answer(400, "Pieteikums nav derīgs.".encode(), "text/plain; charset=utf-8")
        redirect_uri, state = query["redirect_uri"], query.get("state")
        acr = query.get("acr_values", "").removeprefix(FLOW)
        if query.get("response_type") != "code":
            _back(redirect_uri, state, error="unsupported_response_type")
        if query.get("scope") != SCOPE:
            _back(redirect_uri, state, error="invalid_scope")
        if acr not in AMR or query.get("ui_locales", "lv") not in {"lv", "en", "ru"}:
            _back(redirect_uri, state, error="invalid_request")
        asked = Asked(query["client_id"], redirect_uri, acr, SCOPE, state, query.get("code_challenge"))
        cookie = SimpleCookie(headers.get("cookie", "")).get(LEFT_BY_A_SESSION)
        if cookie is not None and query.get("prompt") != "login":
            self._grant(asked, self.people[cookie.value])
        request = secrets.token_urlsafe(16)
        self._pending[request] = asked
        raise Answer(200, _page(path, request, self.people.values()), "text/html; charset=utf-8")

    def _choose(self, form: dict[str, str]) -> NoReturn:
        asked = self._pending.pop(form.get("request", ""), None)
        if asked is None:
            raise Answer(400, b"", "text/plain")
        if "decline" in form:
            _back(asked.redirect_uri, asked.state, error="access_denied")
        self._grant(asked, self.people[form["person"]])

    def _grant(self, asked: Asked, person: Person) -> NoReturn:
        code = secrets.token_hex(16)
        self._codes[code] = Grant(asked, person, self.clock())
        cookie = f"{LEFT_BY_A_SESSION}={person.serial_number}; Path=/; HttpOnly"
        _back(asked.redirect_uri, asked.state, [("Set-Cookie", cookie)], code=code)

    # ------------------------------------------------------------------------------------------------------ the application

    def _token(self, form: dict[str, str], authorization: str) -> dict[str, Any]:
        client_id = self._client(authorization)
        if form.get("grant_type") != "authorization_code":
            _refuse(400, "unsupported_grant_type")
        if "code" not in form or "redirect_uri" not in form:
            _refuse(400, "invalid_request")
        with self._lock:
            grant = self._codes.pop(form["code"], None)
        if grant is None or self.clock() > grant.at + SECONDS_OF_A_CODE:
            _refuse(400, "invalid_grant")
        if (grant.asked.client_id, grant.asked.redirect_uri) != (client_id, form["redirect_uri"]):
            _refuse(400, "invalid_grant")
        if self.knows_pkce and grant.asked.challenge != _challenge(form.get("code_verifier", "")):
            _refuse(400, "invalid_grant")
        token = secrets.token_hex(32)
        self._tokens[token] = Grant(grant.asked, grant.person, self.clock())
        return {
            "access_token": token,
            "token_type": "Bearer",
            "expires_in": SECONDS_OF_A_TOKEN,
            "scope": grant.asked.scope,
        }

    def _client(self, authorization: str) -> str:
        kind, _, encoded = authorization.partition(" ")
        try:
            pair = base64.b64decode(encoded, validate=True).decode().split(":")
        except ValueError:
            pair = []
        if (
            kind != "Basic"
            or len(pair) != 2
            or self.clients.get(unquote_plus(pair[0])) != unquote_plus(pair[1])
        ):
            _refuse(401, "invalid_client")
        return unquote_plus(pair[0])

    def _user(self, authorization: str) -> dict[str, Any]:
        kind, _, token = authorization.partition(" ")
        grant = self._tokens.get(token)
        if kind != "Bearer" or grant is None or self.clock() > grant.at + SECONDS_OF_A_TOKEN:
            _refuse(401, "invalid_token")
        person, acr = grant.person, grant.asked.acr
        whose = "eparaksts" if self.says_level else "safelayer"
        return {
            "sub": person.sub,
            "domain": "citizen",
            "acr": HIGH if self.says_level else FLOW + acr,
            "amr": [f"urn:{whose}:{METHODS}{AMR[acr]}"],
            "given_name": person.given_name,
            "family_name": person.family_name,
            "name": f"{person.given_name} {person.family_name}",
            "serial_number": person.serial_number,
            "eips": "",
        }


def _form(text: str) -> dict[str, str]:
    return dict(parse_qsl(text, keep_blank_values=True))


def _back(
    redirect_uri: str, state: str | None, headers: Iterable[tuple[str, str]] = (), **values: str
) -> NoReturn:
    query = urlencode(values | ({} if state is None else {"state": state}))
    raise Answer(302, b"", "text/plain", headers=[("Location", f"{redirect_uri}?{query}"), *headers])


def _refuse(status: int, error: str) -> NoReturn:
    raise Answer(status, json.dumps({"error": error}).encode(), "application/json")


def _challenge(verifier: str) -> str:
    return base64.urlsafe_b64encode(hashlib.sha256(verifier.encode()).digest()).decode().rstrip("=")


def _page(path: str, request: str, people: Iterable[Person]) -> bytes:
    buttons = "\n".join(
        f'<p><button name="person" value="{person.serial_number}" id="person-{person.serial_number}">'
        f"{html.escape(person.given_name)} {html.escape(person.family_name)} ({person.serial_number})</button></p>"
        for person in people
    )
    return f"""<!doctype html>
<html lang="lv"><head><meta charset="utf-8"><meta name="viewport" content="width=device-width">
<title>eParaksts (emulators)</title></head>
<body><h1 id="page-title">eParaksts (emulators)</h1>
<form method="post" action="{html.escape(path)}/choice"><input type="hidden" name="request" value="{request}">
{buttons}
<p><button name="decline" value="1" id="decline">Atteikties</button></p></form></body></html>""".encode()
