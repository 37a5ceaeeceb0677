"""A browser that signs in to a connector's pages: its cookies, its session, its way out.

The cookie holds a random name and nothing else; who is signed in stands on the shelf, with the access token.
Before each page the provider is asked with it: who signed out there is not signed in here, and while it does
not answer nobody is. When it says of itself that somebody signed out (`backchannel.py`), what is kept of
them goes at once, whether or not they come back.

A sign-in in progress opens only for the browser that began it, and once: its key is made of the state in the
URL and of a token in that browser's cookie (login CSRF; RFC 9700 section 4.7). Several tabs may sign in at
once.
"""

import re
from collections.abc import Callable
from dataclasses import asdict
from functools import wraps
from typing import Concatenate, ParamSpec

import structlog
from flask import Blueprint, g, redirect, render_template, request, url_for
from werkzeug.wrappers import Response as BaseResponse

from connectors.kit.effects import Effects
from connectors.kit.levels import Level, find_level
from connectors.kit.pages import current_lang
from connectors.kit.provider import ProviderUnavailableError
from connectors.kit.relying_party import Pending, RelyingParty, SignedIn, SignInError, SignInFailure
from connectors.kit.sealing import Sealer
from connectors.kit.sessions import SESSION, labels_of
from connectors.kit.shelf import Shelf
from connectors.kit.step_up import NOTHING, Demand, StepUpNeededError

SIGN_IN_SECONDS = 600.0
RESPONSE_PARAMETERS = ("state", "code", "iss", "error")

_TOKEN = re.compile(r"[A-Za-z0-9_-]{43}")

P = ParamSpec("P")

_log = structlog.get_logger()


class ForgedFormError(Exception):
    """A form that this browser's own page did not send."""


class Browsers:
    """`name` tells this connector's cookies from those of others at the same origin."""

    def __init__(
        self,
        name: str,
        *,
        relying_party: RelyingParty,
        shelf: Shelf,
        sealer: Sealer,
        effects: Effects,
        session_seconds: float,
        is_https: bool,
    ) -> None:
        prefix = "__Host-" if is_https else ""
        self._session_cookie = f"{prefix}visvaris-{name}-session"
        self._sign_in_cookie = f"{prefix}visvaris-{name}-sign-in"
        self._relying_party = relying_party
        self._shelf = shelf
        self._sealer = sealer
        self._effects = effects
        self._session_seconds = session_seconds
        self._is_https = is_https

    def signed_in(self, view: Callable[Concatenate[SignedIn, P], str]) -> Callable[P, str | BaseResponse]:
        """The view runs for somebody signed in; anybody else goes to the provider and comes back to it.

        Raises ProviderUnavailableError when the provider cannot be asked.
        """

        @wraps(view)
        def guarded(*args: P.args, **kwargs: P.kwargs) -> str | BaseResponse:
            person = self._find_person()
            if person is None:
                return self._sent_to_sign_in()
            try:
                return view(person, *args, **kwargs)
            except StepUpNeededError as needed:
                return self._sent_to_step_up(person, needed.demand)

        return guarded

    def signed_in_with(
        self, *, level: Level | None = None, max_age: int | None = None
    ) -> Callable[[Callable[Concatenate[SignedIn, P], str]], Callable[P, str | BaseResponse]]:
        """As `signed_in`, for what asks more: a level, or to have signed in at most `max_age` seconds ago."""
        demand = Demand(level, max_age)

        def decorate(view: Callable[Concatenate[SignedIn, P], str]) -> Callable[P, str | BaseResponse]:
            @wraps(view)
            def demanding(person: SignedIn, /, *args: P.args, **kwargs: P.kwargs) -> str:
                if not person.meets(demand, now=self._effects.now()):
                    raise StepUpNeededError(demand)
                return view(person, *args, **kwargs)

            return self.signed_in(demanding)

        return decorate

    def _find_person(self) -> SignedIn | None:
        """Only whom the provider still knows is told to the page, and to an error page in its place."""
        kept = self._find_kept()
        if kept is None:
            return None
        session_id = self._cookie(self._session_cookie)
        if not self._relying_party.is_signed_in(kept):
            self._shelf.take(SESSION, session_id)
            return None
        g.csrf_token = self._sealer.mark(session_id, purpose="csrf")
        g.signed_in = kept
        return kept

    def _find_kept(self) -> SignedIn | None:
        """Who signed in here; they may have signed out at the provider since."""
        session_id = self._cookie(self._session_cookie)
        kept = self._shelf.find(SESSION, session_id) if session_id else None
        if kept is None:
            return None
        levels = {name: find_level(kept.get(name)) for name in ("level", "asked_level")}
        return SignedIn(**{**kept, **levels, "roles": tuple(kept["roles"])})

    def blueprint(self, *, landing: str) -> Blueprint:
        """The addresses registered at the provider, and the way out; `landing` is the first page."""
        routes = Blueprint("browser", __name__)

        @routes.get("/callback")
        def callback() -> BaseResponse:
            return self._came_back(landing)

        @routes.post("/logout")
        def logout() -> BaseResponse:
            return self._sent_to_sign_out(landing)

        @routes.get("/start")
        def start() -> str:
            return render_template(
                f"connectors/{landing.partition('.')[0]}/start.html", login_url=url_for(landing)
            )

        return routes

    def _sent_to_step_up(self, person: SignedIn, demand: Demand) -> BaseResponse:
        """Once: who has done what is asked, and is asked again all the same, would go round for ever."""
        if demand == NOTHING or person.has_answered(demand, now=self._effects.now()):
            raise SignInError(SignInFailure.STILL_NOT_ENOUGH, f"asked again for {demand}")
        return self._sent_to_sign_in(demand)

    def _sent_to_sign_in(self, demand: Demand = NOTHING) -> BaseResponse:
        beginning = self._relying_party.begin(return_to=_own_path(), lang=current_lang(), demand=demand)
        browser = self._cookie(self._sign_in_cookie) or self._effects.new_token()
        expires_at = self._effects.now() + SIGN_IN_SECONDS
        key = f"{beginning.state}.{browser}"
        self._shelf.put("sign-in", key, asdict(beginning.pending), expires_at=expires_at)
        response = redirect(beginning.url, 303)
        self._set_cookie(response, self._sign_in_cookie, browser, int(SIGN_IN_SECONDS))
        return response

    def _came_back(self, landing: str) -> BaseResponse:
        answer = _response_parameters()
        browser = self._cookie(self._sign_in_cookie)
        kept = self._shelf.take("sign-in", f"{answer.get('state', '')}.{browser}") if browser else None
        if kept is None and self._find_kept() is not None:
            return redirect(url_for(landing), 303)  # the back button, or a second click
        if kept is None:
            raise SignInError(SignInFailure.NOT_STARTED_HERE)
        pending = Pending(**kept)
        person = self._relying_party.finish(answer, pending)
        session_id = self._fresh_session(person)
        response = redirect(request.script_root + pending.return_to, 303)
        self._set_cookie(response, self._session_cookie, session_id, None)
        return response

    def _fresh_session(self, person: SignedIn) -> str:
        """Never the name the browser came with: it could have been planted, or be another person's."""
        before = self._cookie(self._session_cookie)
        if before:
            self._shelf.take(SESSION, before)
        session_id = self._effects.new_token()
        expires_at = min(self._effects.now() + self._session_seconds, person.access_ends_at)
        self._shelf.put(SESSION, session_id, asdict(person), expires_at=expires_at, labels=labels_of(person))
        return session_id

    def _sent_to_sign_out(self, landing: str) -> BaseResponse:
        """Ends the session here even when the provider cannot be asked to end its own."""
        session_id = self._cookie(self._session_cookie)
        if self._find_kept() is None:
            return redirect(url_for(landing), 303)
        given = request.form.get("csrf_token", "")
        if not self._sealer.is_mark(given, value=session_id, purpose="csrf"):
            raise ForgedFormError
        ended = self._shelf.take(SESSION, session_id)
        try:
            response = redirect(
                self._relying_party.sign_out_url((ended or {}).get("id_token", ""), lang=current_lang()), 303
            )
        except ProviderUnavailableError as error:
            _log.warning("signed_out_here_only", why=str(error))
            response = redirect(url_for("browser.start"), 303)
        self._set_cookie(response, self._session_cookie, "", 0)
        return response

    def _cookie(self, name: str) -> str:
        value = request.cookies.get(name, "")
        return value if _TOKEN.fullmatch(value) else ""

    def _set_cookie(self, response: BaseResponse, name: str, value: str, seconds: int | None) -> None:
        response.set_cookie(
            name, value, max_age=seconds, path="/", secure=self._is_https, httponly=True, samesite="Lax"
        )


def _response_parameters() -> dict[str, str]:
    """A parameter given twice would be read differently by others (RFC 6749 section 3.1)."""
    given = {name: request.args.getlist(name) for name in RESPONSE_PARAMETERS}
    if any(len(values) > 1 for values in given.values()):
        raise SignInError(SignInFailure.WRONG_RESPONSE, "a parameter is repeated")
    return {name: values[0] for name, values in given.items() if values}


def _own_path() -> str:
    """Where the person was going, as this application knows it; never an address somebody gave.

    What a form sent is not repeated: the person comes back to the page at its address.
    """
    return "/" + request.path.lstrip("/\\")
