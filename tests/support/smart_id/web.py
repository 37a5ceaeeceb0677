"""Pages where a person plays the phone: scans the code on the screen, answers what was sent, and makes the service fail.

For developers, on this computer: requests for other hosts, and forms of other sites, are refused. No scripts. Nothing here
judges a link or signs; `phone.py` does.
"""

import threading
from collections.abc import Callable, Iterable
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

from jinja2 import Environment, FileSystemLoader, StrictUndefined
from werkzeug.exceptions import HTTPException, NotFound
from werkzeug.utils import redirect
from werkzeug.wrappers import Request, Response

from tests.support.smart_id import faults
from tests.support.smart_id.accounts import ACCEPTS, CODE_CHOICE, QUALIFIED, Account
from tests.support.smart_id.phone import code_choices, offered, screen_of, verification_code
from tests.support.smart_id.service import Service
from tests.support.smart_id.sessions import LIFETIME, Session

HERE = Path(__file__).parent
USUAL = "PNOLV-040404-10003-DEMO-Q"
SHORTEST_PIN, LONGEST_PIN = 4, 12
OUR_HOSTS = {"localhost", "127.0.0.1", "::1"}
HEADERS = {
    "Content-Security-Policy": "default-src 'none'; style-src 'self'; base-uri 'none'; frame-ancestors 'none'",
    "Referrer-Policy": "same-origin",
    "X-Content-Type-Options": "nosniff",
    "Cache-Control": "no-store",
}
COUNTRIES = {"LV": "Latvia", "LT": "Lithuania", "EE": "Estonia", "BE": "Belgium"}
IGNORED = {
    "not a link of this service": "This is not a link of a Smart-ID code of this emulator.",
    "no such session": "Nobody waits for this code any more. Begin anew on the site.",
    "another kind of link": "This link is not for confirming an identity.",
    "seconds in the wrong kind of link": "This link mixes a code with a link for the same device.",
    "wrong authCode": "This link was altered, or was made with another secret. The session has ended.",
    "no callback to return to": "The site has nowhere to return to. The session has ended.",
    "too old or ahead of time": "This code is too old: it is good for three seconds. Take the one on the screen now.",
}


class PhonePages:
    def __init__(self, service: Service) -> None:
        self.service = service
        self._answering = threading.Lock()
        """A button that is pressed twice answers once, and leads to the same place."""
        self.templates = Environment(
            loader=FileSystemLoader(HERE / "templates"),
            autoescape=True,
            trim_blocks=True,
            lstrip_blocks=True,
            undefined=StrictUndefined,
        )

    def serves(self, path: str) -> bool:
        return path in {"/", "/device-link", "/admin", "/phone"} or path.startswith(("/phone/", "/admin/"))

    def __call__(self, environ: dict[str, Any], start_response: Callable[..., Any]) -> Iterable[bytes]:
        request = Request(environ)
        try:
            response = self._response(request)
        except HTTPException as error:
            response = self._sorry(error.code or 500, error.description or "")
        response.headers.update(HEADERS)
        return response(environ, start_response)

    def _response(self, request: Request) -> Response:
        if not _is_ours(request):
            return self._sorry(403, "These pages are used from this computer, and from nobody else's page.")
        return self._done(request) if request.method == "POST" else self._shown(request)

    def _shown(self, request: Request) -> Response:
        match request.path.strip("/").split("/"):
            case [""]:
                return redirect("/phone", 303)
            case ["phone"]:
                return self._overview()
            case ["phone", "phone.css"]:
                return Response((HERE / "templates/phone.css").read_text(), mimetype="text/css")
            case ["device-link"]:
                return self._scanned(f"{self.service.phone.device_link_base}?{_query(request)}")
            case ["phone", "session", token]:
                return self._held(self._by_token(token))
            case ["phone", "inbox"]:
                return self._inbox(self._account(request.args.get("account", USUAL)))
            case ["admin"]:
                return self._admin()
        raise NotFound("There is no such page.")

    def _done(self, request: Request) -> Response:
        match request.path.strip("/").split("/"):
            case ["phone", "paste"]:
                return self._scanned(request.form.get("link", "").strip())
            case ["phone", "scan"]:
                session = self._by_token(request.form.get("token", ""))
                return self._scanned(self.service.phone.fresh_link(session))
            case ["phone", "session", token]:
                return self._answered(request, self._by_token(token))
            case ["phone", "push", session_id]:
                return self._pushed(request, session_id)
            case ["admin"]:
                return self._force(request)
            case ["admin", "clear"]:
                self.service.forcing.clear()
                return redirect("/admin", 303)
        raise NotFound("There is no such page.")

    # Codes and links ----------------------------------------------------------------------------------------

    def _overview(self, error: str = "", status: int = 200) -> Response:
        waiting = [each for each in self._recent() if each.answer is None]
        inboxes: dict[str, int] = {}
        for session in waiting:
            if session.notification:
                number = self.service._account(session.target).document_number
                inboxes[number] = inboxes.get(number, 0) + 1
        return self._page(
            "overview.html",
            status,
            error=error,
            codes=[self._told(each) for each in waiting if not each.notification],
            inboxes=inboxes,
            groups=self._groups(),
            usual=USUAL,
        )

    def _scanned(self, link: str) -> Response:
        seen = self.service.phone.scan(link)
        if seen.session is None or seen.ignored:
            return self._overview(IGNORED[seen.ignored], 422)
        return redirect(f"/phone/session/{seen.session.token}", 303)

    def _held(self, session: Session, error: str = "", chosen: str = USUAL) -> Response:
        if session.taken_as is None:
            raise NotFound("This phone has not scanned the code yet.")
        return self._page(
            "session.html",
            422 if error else 200,
            error=error,
            session=self._told(session),
            groups=self._groups(),
            chosen=chosen,
        )

    def _answered(self, request: Request, session: Session) -> Response:
        account = self._account(request.form.get("account", ""))
        if session.taken_as is None:
            raise NotFound("This phone has not scanned the code yet.")
        cancels = request.form.get("decision") == "cancel"
        if not cancels and not _is_pin(request.form.get("pin", "")):
            return self._held(
                session, "The PIN has at least four digits. Any will do.", account.document_number
            )
        play = self.service.phone.cancel if cancels else self.service.phone.confirm
        with self._answering:
            if session.answer is None:
                session.came_back_to = play(session, account).callback
        # On the same device the browser goes back to the site, as the real app has it opened.
        return redirect(session.came_back_to or f"/phone/session/{session.token}", 303)

    # Notifications --------------------------------------------------------------------------------------------

    def _inbox(self, account: Account, error: str = "") -> Response:
        theirs = [
            each
            for each in self._recent()
            if each.notification and each.target in {account.identifier, account.document_number}
        ]
        return self._page(
            "inbox.html",
            422 if error else 200,
            error=error,
            account=account,
            does=_does(account),
            pushes=[self._told(each, account) for each in reversed(theirs)],
            groups=self._groups(),
        )

    def _pushed(self, request: Request, session_id: str) -> Response:
        session = self.service.sessions.find(session_id)
        if session is None or not session.notification:
            raise NotFound("There is no such notification.")
        account = self.service._account(session.target)
        if request.form.get("decision") == "refuse":
            self.service.phone.cancel(session, account)
        elif not _is_pin(request.form.get("pin", "")):
            return self._inbox(account, "The PIN has at least four digits. Any will do.")
        elif screen_of(session, account) != CODE_CHOICE:
            self.service.phone.answer_push(session, account)
        elif request.form.get("code", "") not in code_choices(session):
            return self._inbox(account, "Choose one of the three codes.")
        else:
            self.service.phone.answer_push(session, account, chosen_code=request.form["code"])
        return redirect(f"/phone/inbox?account={account.document_number}", 303)

    # Making it fail -------------------------------------------------------------------------------------------

    def _admin(self, error: str = "") -> Response:
        forcing = self.service.forcing
        return self._page(
            "admin.html",
            422 if error else 200,
            error=error,
            endings=list(faults.ENDINGS),
            faults=faults.FAULTS,
            next=forcing.next.name if forcing.next else None,
            always=forcing.always.name if forcing.always else None,
        )

    def _force(self, request: Request) -> Response:
        what, scope = request.form.get("what", ""), request.form.get("scope")
        if what not in {*faults.ENDINGS, *faults.FAULTS} or scope not in {"next", "all"}:
            return self._admin("Choose what is to happen, and to what.")
        self.service.forcing.force(faults.forced(what), once=scope == "next")
        return redirect("/admin", 303)

    # ----------------------------------------------------------------------------------------------------------

    def _recent(self) -> list[Session]:
        since = self.service.clock() - LIFETIME
        return [each for each in self.service.sessions.all() if each.created_at > since]

    def _by_token(self, token: str) -> Session:
        session = self.service.sessions.find_by_token(token)
        if session is None or session.notification:
            raise NotFound("Nobody waits for this code any more. Begin anew on the site.")
        return session

    def _account(self, document_number: str) -> Account:
        try:
            return self.service.accounts[document_number]
        except KeyError:
            raise NotFound("There is no such account.") from None

    def _told(self, session: Session, account: Account | None = None) -> dict[str, Any]:
        """What a page says of a session; of its secrets only the token, by which it is found."""
        supports = (account.behaviour if account else ACCEPTS).supports
        shown = next((each for each in offered(session) if each["type"] in supports), {"type": ""})
        text = shown.get("displayText200") or shown.get("displayText60") or ""
        return {
            "id": session.id,
            "token": session.token,
            "site": session.request["relyingPartyName"],
            "screen": shown["type"],
            "text": text,
            "age": int(self.service.clock() - session.created_at),
            "same_device": session.taken_as in {"Web2App", "App2App"},
            "for": session.target,
            "ended": session.answer["result"]["endResult"] if session.answer else None,
            "code": verification_code(session.challenge),
            "codes": code_choices(session) if shown["type"] == CODE_CHOICE else [],
        }

    def _groups(self) -> dict[str, list[tuple[str, str]]]:
        """For the picker: by what the account does, those of Latvia first."""
        groups: dict[str, list[tuple[str, str]]] = {}
        order = list(COUNTRIES)
        for each in sorted(self.service.accounts.values(), key=lambda one: order.index(_country(one))):
            name = f"{each.person.given_name} {each.person.surname}"
            told = f"{each.document_number}, {COUNTRIES[_country(each)]}, {name}"
            groups.setdefault(_does(each), []).append((each.document_number, told))
        return dict(sorted(groups.items(), key=lambda group: -len(group[1])))

    def _page(self, template: str, status: int = 200, **values: Any) -> Response:
        html = self.templates.get_template(template).render(**values)
        return Response(html, status, mimetype="text/html")

    def _sorry(self, status: int, why: str) -> Response:
        return self._page("sorry.html", status, why=why)


def _is_ours(request: Request) -> bool:
    """Nobody else's page may press a button here, under whatever name this computer goes."""
    host = urlsplit(f"//{request.host}").hostname
    if host not in OUR_HOSTS:
        return False
    origin = request.headers.get("Origin")
    return request.method == "GET" or origin is None or urlsplit(origin).netloc == request.host


def _query(request: Request) -> str:
    """As it was sent, undecoded: its characters are signed."""
    return str(request.environ.get("QUERY_STRING", ""))


def _is_pin(pin: str) -> bool:
    return pin.isascii() and pin.isdigit() and SHORTEST_PIN <= len(pin) <= LONGEST_PIN


def _country(account: Account) -> str:
    return account.identifier[3:5]


def _does(account: Account) -> str:
    behaviour = account.behaviour
    match behaviour.end_result:
        case "OK" if account.level == QUALIFIED:
            return "confirms"
        case "OK":
            return "confirms, with a certificate that is not qualified"
        case "USER_REFUSED":
            return "refuses before anything is shown"
        case "USER_REFUSED_INTERACTION":
            return f"cancels on the screen {behaviour.screen}"
        case "WRONG_VC":
            return "picks a wrong code"
        case "TIMEOUT":
            return "never answers"
        case other:
            return f"ends with {other}"
