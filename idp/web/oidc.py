"""The pages of OpenID Connect: the authorization endpoint, consent, and signing out on an application's
behalf.

Decides nothing: what a request leads to is said by `oidc/authorize.py` and `oidc/logout.py`. What machines
ask is answered in `protocol.py`.
"""

from http import HTTPStatus
from typing import Final, assert_never
from urllib.parse import urlencode

import structlog
from flask import Blueprint, Response, render_template, request
from werkzeug.wrappers import Response as AnyResponse

from idp.errors import Reason
from idp.languages import LANGUAGES
from idp.oidc import posted_requests, pushed_requests
from idp.oidc.authorization_details import texts_of as texts_of_details
from idp.oidc.authorization_request import Answer, ResponseMode
from idp.oidc.authorize import AskConsent, Browser, ConsentPage, Expired, Outcome, SignIn
from idp.oidc.consent import texts_of
from idp.oidc.errors import ErrorCode, ProtocolError
from idp.oidc.logout import AskFirst, EndNow, LogoutRequest
from idp.oidc.redirect_uris import form_action_source
from idp.oidc.requests import Parameters
from idp.web.errors import Message, reference, show_error
from idp.web.guards import current_session, from_other_sites
from idp.web.headers import allow_form_action
from idp.web.http import (
    LANGUAGE,
    browser_id,
    clear_session,
    read_cookie,
    see_other,
    session_token,
    visitor,
    write_cookie,
)
from idp.web.i18n import prefer, translate
from idp.web.pages import municipality_names
from idp.web.shared import is_shared, leave_clean
from idp.web.site import site
from idp.words import N_

blueprint = Blueprint("oidc", __name__)

_REFUSED_TITLE: Final = N_("The application's request cannot be accepted")
_REFUSED_TEXT: Final = N_(
    "The application sent you here with a request that is not in order. Go back to it and try again; if it"
    " happens again, tell its support the code below."
)

_USED_TITLE: Final = N_("This link to the sign-in can no longer be used")
_USED_TEXT: Final = N_(
    "It works once and for a short time. Go back to the application and start the sign-in there again."
)
_OWN_REFERENCES: Final = (posted_requests.PREFIX, pushed_requests.PREFIX)
_FITS_INTO_URL: Final = 4000
"""Characters; servers and proxies commonly read 8 kB of a request's first lines."""

_log = structlog.get_logger("visvaris.oidc")


@blueprint.errorhandler(ProtocolError)
def refuse(error: ProtocolError) -> Response:
    """What must not be sent to an address that is not known to be the client's."""
    _log.info("refused", path=request.path, error=error.error.value, why=error.detail or error.description)
    ours = request.args.get("request_uri", "").startswith(_OWN_REFERENCES)
    used = ours and error.error is ErrorCode.INVALID_REQUEST_URI
    title, text = (_USED_TITLE, _USED_TEXT) if used else (_REFUSED_TITLE, _REFUSED_TEXT)
    return show_error(error.status, Message(error.error.value, title, text))


@blueprint.get("/authorize")
def authorize() -> AnyResponse:
    parameters = Parameters.parse(request.query_string.decode("ascii", "replace"))
    return _go(site().openid.authorization.begin(parameters, _browser()))


@blueprint.post("/authorize")
@from_other_sites
def authorize_by_post() -> AnyResponse:
    query = urlencode(list(request.form.items(multi=True)))
    if len(query) <= _FITS_INTO_URL:
        return _as_get("/authorize")
    kept = site().openid.authorization.keep_posted(Parameters.parse(query))
    return see_other(f"/authorize?{urlencode(kept.pairs())}")


@blueprint.get("/authorize/<request_id>")
def resume(request_id: str) -> AnyResponse:
    return _go(site().openid.authorization.resume(request_id, _browser()))


@blueprint.get("/consent/<request_id>")
def show_consent(request_id: str) -> AnyResponse:
    outcome = site().openid.authorization.look_at_consent(request_id, _browser())
    if not isinstance(outcome, ConsentPage):
        return _go(outcome)
    prefer(outcome.request.ui_locales)
    allow_form_action(form_action_source(outcome.request.redirect_uri))
    registered = outcome.client.registered
    page = render_template(
        "oidc/consent.html",
        client_name=outcome.client.name,
        scopes=[
            {"title": translate(text.title), "description": text.description and translate(text.description)}
            for text in texts_of(outcome.request.consent_scopes)
        ],
        details=_details_of(outcome),
        who=outcome.signed_in.display_name,
        action=f"/consent/{request_id}",
        client_uri=registered.get("client_uri"),
        policy_uri=registered.get("policy_uri"),
        tos_uri=registered.get("tos_uri"),
    )
    return Response(page)


def _details_of(page: ConsentPage) -> list[dict[str, object]]:
    """What RFC 9396 details say, in words: a title, and pairs of label and value."""
    texts = texts_of_details(page.request.authorization_details)
    names = municipality_names({text.municipality for text in texts})
    return [
        {
            "title": translate(text.title),
            "facts": [
                (translate(N_("Municipality")), names[text.municipality]),
                *((translate(label), value) for label, value in text.facts),
            ],
        }
        for text in texts
    ]


@blueprint.post("/consent/<request_id>")
def decide_consent(request_id: str) -> AnyResponse:
    """Anything but a clear yes is a no."""
    allow = request.form.get("decision") == "allow"
    return _go(site().openid.authorization.decide_consent(request_id, _browser(), allow=allow))


@blueprint.get("/logout")
def logout() -> AnyResponse:
    parameters = Parameters.parse(request.query_string.decode("ascii", "replace"))
    prefer(_locales(parameters))
    response = _answer_logout(parameters)
    _suggest_language(response, _locales(parameters))
    return response


def _answer_logout(parameters: Parameters) -> AnyResponse:
    outcome = site().openid.logout.begin(parameters, current_session(), browser=browser_id())
    match outcome:
        case EndNow(logout_request):
            return _end(logout_request)
        case AskFirst(request_id, logout_request):
            if logout_request.leads_to is not None:
                allow_form_action(form_action_source(logout_request.leads_to))
            page = render_template(
                "oidc/logout.html",
                action=f"/logout/{request_id}",
                client_name=logout_request.client_name,
                cancel_url="/",
            )
            return Response(page)
        case _:
            assert_never(outcome)


@blueprint.post("/logout")
@from_other_sites
def logout_by_post() -> AnyResponse:
    return _as_get("/logout")


@blueprint.post("/logout/<request_id>")
def confirm_logout(request_id: str) -> AnyResponse:
    confirmed = site().openid.logout.confirm(request_id, current_session(), browser=browser_id())
    return _end(confirmed) if confirmed is not None else see_other("/logout")


@blueprint.get("/logged-out")
def logged_out() -> Response:
    return Response(render_template("oidc/logged_out.html", return_url=None, login_url="/"))


def _as_get(path: str) -> AnyResponse:
    """A form that another site sent comes without our cookies; the same question asked by GET comes with
    them.
    """
    parameters = list(request.form.items(multi=True))
    return see_other(f"{path}?{urlencode(parameters)}" if parameters else path)


def _locales(parameters: Parameters) -> tuple[str, ...]:
    return tuple((parameters.find("ui_locales") or "").split())


def _suggest_language(response: AnyResponse, locales: tuple[str, ...]) -> AnyResponse:
    """Core 3.1.2.1, `ui_locales`: until the browser closes, and only where nobody has chosen."""
    known = [locale[:2] for locale in locales if locale[:2] in LANGUAGES]
    if known and read_cookie(LANGUAGE) is None:
        write_cookie(response, LANGUAGE, known[0])
    return response


def _browser() -> Browser:
    return Browser(browser_id(), current_session(), visitor().address)


def _go(outcome: Outcome) -> AnyResponse:
    match outcome:
        case SignIn(transaction_id, ui_locales):
            return _suggest_language(see_other(f"/login/{transaction_id}"), ui_locales)
        case AskConsent(request_id, ui_locales):
            return _suggest_language(see_other(f"/consent/{request_id}"), ui_locales)
        case Answer():
            return _carry_back(outcome)
        case Expired():
            page = render_template(
                "login/expired.html",
                restart_url="/",
                application_name=None,
                code=Reason.TRANSACTION_EXPIRED.code,
                reference=reference(),
            )
            return Response(page, status=HTTPStatus.GONE)
        case _:
            assert_never(outcome)


def _carry_back(answer: Answer) -> Response:
    match answer.response_mode:
        case ResponseMode.QUERY | ResponseMode.FRAGMENT:
            # 303, so that no browser posts a form of ours again to the client (RFC 9700 section 4.12)
            return Response(status=HTTPStatus.SEE_OTHER, headers={"Location": answer.location()})
        case ResponseMode.FORM_POST:
            allow_form_action(form_action_source(answer.redirect_uri))
            page = render_template(
                "oidc/form_post.html", action=answer.redirect_uri, fields=dict(answer.fields)
            )
            return Response(page)


def _end(logout_request: LogoutRequest) -> AnyResponse:
    signed_in = current_session()
    if signed_in is not None:
        site().login.sign_out(
            signed_in.session_id,
            user_id=signed_in.user_id,
            visitor=visitor(),
            client_id=logout_request.client_id,
        )
    if logout_request.leads_to is None:
        response = see_other("/logged-out")
    else:
        response = Response(status=HTTPStatus.SEE_OTHER, headers={"Location": logout_request.leads_to})
    if session_token() is not None:
        # Only what was sent: an image on another site comes without the cookie, and must not end it either.
        clear_session(response)
    if is_shared():
        leave_clean(response)
    return response
