"""The page at which a person lets a device in (RFC 8628 section 3.3): a code, a sign-in, a number to pick.

Decides nothing: what a code leads to and what a choice means is said by `oidc/device_approval.py`. A link
that holds the code only fills it in; nothing is confirmed but on the page that shows what asks.
"""

from http import HTTPStatus
from typing import Final, assert_never

from flask import Blueprint, Response, render_template, request
from werkzeug.wrappers import Response as AnyResponse

from idp.login.limits import Wait
from idp.oidc.authorize import Browser, SignIn
from idp.oidc.authorize_requirements import links_of
from idp.oidc.consent import texts_of
from idp.oidc.device_approval import ConfirmationPage, DeviceApproval, Done, Gone, Outcome
from idp.oidc.device_confirmations import Verdict
from idp.oidc.scopes import ScopeText
from idp.oidc.user_codes import canonical_user_code, shown_user_code
from idp.web.errors import reference
from idp.web.forms import Problem, problem_of, show_form
from idp.web.guards import current_session
from idp.web.http import browser_id, see_other, visitor
from idp.web.i18n import translate
from idp.web.pages import act_for
from idp.web.site import site
from idp.words import N_

blueprint = Blueprint("device", __name__)

_WRONG_CODE: Final = N_("The code is not valid or has expired.")


@blueprint.get("/device")
def ask_for_code() -> Response:
    return show_form("device/enter.html", code=_code_in_link(), from_link=bool(_code_in_link()))


@blueprint.post("/device")
def take_code() -> AnyResponse:
    typed = request.form.get("code", "")
    match _approval().enter(typed, _browser()):
        case str(confirmation_id):
            return see_other(f"/device/{confirmation_id}")
        case Wait() as wait:
            return _ask_again(typed, problem_of(wait))
        case None:
            error = ("code", translate(_WRONG_CODE))
            return _ask_again(typed, Problem(errors=(error,), status=HTTPStatus.UNPROCESSABLE_ENTITY))


@blueprint.get("/device/<confirmation_id>")
def show(confirmation_id: str) -> AnyResponse:
    return _show(_approval().look(confirmation_id, _browser()))


@blueprint.post("/device/<confirmation_id>")
def decide(confirmation_id: str) -> AnyResponse:
    outcome = _approval().decide(confirmation_id, _browser(), choice=request.form.get("choice", ""))
    # What was decided has an address of its own, so that going back or loading it again decides nothing.
    return see_other(f"/device/{confirmation_id}") if isinstance(outcome, Done) else _show(outcome)


def _show(outcome: Outcome) -> AnyResponse:
    match outcome:
        case SignIn(transaction_id):
            return see_other(f"/login/{transaction_id}")
        case ConfirmationPage():
            return _show_confirmation(outcome)
        case Done(verdict, client_name):
            return _show_verdict(verdict, client_name)
        case Gone():
            page = render_template(
                "device/expired.html",
                code="device_code_expired",
                reference=reference(),
                restart_url="/device",
            )
            return Response(page, status=HTTPStatus.GONE)
        case _:
            assert_never(outcome)


def _show_confirmation(page: ConfirmationPage) -> Response:
    act_for(page.municipality)
    return Response(
        render_template(
            "device/confirm.html",
            action=f"/device/{page.confirmation_id}",
            client_name=page.client.name,
            scopes=[
                {
                    "title": translate(text.title),
                    "description": text.description and translate(text.description),
                }
                for text in texts_of(page.request.consent_scopes)
            ],
            address=page.request.address,
            same_network=page.same_network,
            requested_at=page.request.requested_at,
            numbers=page.request.choices,
            who=page.signed_in.display_name,
            client_links=[(translate(label), url) for label, url in links_of(page.client)],
        )
    )


def _told(text: ScopeText) -> dict[str, str]:
    return {"title": translate(text.title), "description": text.description and translate(text.description)}


def _show_verdict(verdict: Verdict, client_name: str) -> Response:
    page = render_template(
        "device/decided.html",
        verdict=verdict.value,
        client_name=client_name,
        code="device_number_mismatch",
        reference=reference(),
    )
    return Response(page)


def _ask_again(typed: str, problem: Problem) -> Response:
    return show_form("device/enter.html", problem, code=typed[:64], from_link=False)


def _code_in_link() -> str:
    """RFC 8628 section 3.3.1; what cannot be a code is not repeated to whoever followed the link."""
    code = canonical_user_code(request.args.get("user_code", ""))
    return shown_user_code(code) if code is not None else ""


def _approval() -> DeviceApproval:
    return site().openid.device


def _browser() -> Browser:
    return Browser(browser_id(), current_session(), visitor().address)
