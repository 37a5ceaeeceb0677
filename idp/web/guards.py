"""Who asks, whether a form came from our own page, and whether the person is signed in surely enough for a
view.
"""

import hashlib
import hmac
from collections.abc import Callable
from functools import wraps
from typing import Final, ParamSpec, TypeVar

from flask import Flask, Request, current_app, g, request
from flask_login import LoginManager, current_user
from werkzeug.wrappers import Response as AnyResponse

from idp.login.sessions import SignedIn
from idp.login.standing import NeedsSignIn, NotAllowed, Satisfied
from idp.login.transaction import Requirements
from idp.web.errors import Forbidden, show_refusal
from idp.web.http import browser_id, local_path, see_other, session_token
from idp.web.site import site

_P = ParamSpec("_P")
_R = TypeVar("_R")

_SAFE_METHODS: Final = frozenset({"GET", "HEAD", "OPTIONS"})
_OWN_SITES: Final = frozenset({None, "same-origin", "none"})
_EXEMPT: Final = "_from_other_sites"


class SignedInUser:
    """What flask-login carries for this request; it stores nothing of its own."""

    is_authenticated = True
    is_active = True
    is_anonymous = False

    def __init__(self, signed_in: SignedIn) -> None:
        self.signed_in = signed_in

    def get_id(self) -> str:
        return self.signed_in.user_id


def install(app: Flask) -> None:
    # An empty name matches no cookie: flask-login's own remember cookie is never read.
    app.config["REMEMBER_COOKIE_NAME"] = ""
    logins = LoginManager()
    logins.session_protection = None
    # It would hash address and browser anew in every request, for the protection just switched off.
    logins._session_identifier_generator = str  # noqa: SLF001
    logins.request_loader(_load)
    # What `init_app` does, but without its hook on cookies.
    app.login_manager = logins  # type: ignore[attr-defined]
    app.before_request(_check_form)


def current_session() -> SignedIn | None:
    return current_user.signed_in if current_user.is_authenticated else None


def form_token() -> str:
    """Known to our own pages alone: derived from a cookie that scripts and other sites cannot read."""
    return hmac.new(browser_id().encode(), b"visvaris form", hashlib.sha256).hexdigest()


def from_other_sites(view: Callable[_P, _R]) -> Callable[_P, _R]:
    """For the few views that other sites post to by protocol; these change nothing without asking the
    person.
    """
    setattr(view, _EXEMPT, True)
    return view


def opened_by_token(view: Callable[_P, _R]) -> Callable[_P, _R]:
    """For views that programs call with an access token: they look at no cookie, so nothing can be forged."""
    setattr(view, _EXEMPT, True)
    return view


def sign_in_required(view: Callable[_P, _R]) -> Callable[_P, _R | AnyResponse]:
    """Signed in as surely as the person's municipality demands; leaves the standing in `g.standing`."""

    @wraps(view)
    def guarded(*args: _P.args, **kwargs: _P.kwargs) -> _R | AnyResponse:
        refusal = ask_for(Requirements())
        return view(*args, **kwargs) if refusal is None else refusal

    return guarded


def ask_for(requirements: Requirements, *, return_to: str | None = None) -> AnyResponse | None:
    """None when it is met; otherwise the response that asks the person for it, or refuses.

    `return_to`: where to go afterwards, if not to where the request went.
    """
    signed_in = current_session()
    match site().login.standing(signed_in, requirements):
        case Satisfied() as satisfied:
            g.standing = satisfied
            return None
        case NotAllowed(reason):
            return show_refusal(reason)
        case NeedsSignIn():
            return see_other(f"/login/{_start(requirements, signed_in, return_to)}")


def satisfied() -> Satisfied:
    """The standing that `ask_for` found enough in this request."""
    standing: Satisfied = g.standing
    return standing


def _start(requirements: Requirements, signed_in: SignedIn | None, return_to: str | None) -> str:
    here = request.full_path.rstrip("?") if request.method in _SAFE_METHODS else request.path
    return site().login.start(
        requirements,
        return_to=return_to or local_path(here) or "/",
        browser=browser_id(),
        signed_in=signed_in,
    )


def _load(_request: Request) -> SignedInUser | None:
    signed_in = site().sessions.find(session_token())
    return SignedInUser(signed_in) if signed_in else None


def _check_form() -> None:
    """Before each request: what changes something must come from a page of ours (attack 24)."""
    if request.method in _SAFE_METHODS or request.endpoint is None:
        return
    if getattr(current_app.view_functions[request.endpoint], _EXEMPT, False):
        return
    if request.headers.get("Sec-Fetch-Site") not in _OWN_SITES:
        raise Forbidden("another site sent the form")
    if request.headers.get("Origin") not in {None, site().issuer, *site().origins}:
        raise Forbidden("the form came from another origin")
    sent = request.form.get("csrf_token", "")
    if not hmac.compare_digest(sent.encode(), form_token().encode()):
        raise Forbidden("the form has no valid token")
