"""Pages for the addresses at which a person is told what happens: add, confirm by the mailed link, remove.

Not here: what an address may be, how many, how often (`people/contacts.py`).
"""

from collections.abc import Iterator, Mapping
from http import HTTPStatus

from flask import Blueprint, Response, abort, request
from werkzeug.wrappers import Response as AnyResponse

from idp.login.limits import Wait
from idp.methods.base import Rejected
from idp.models.contacts import ContactAddress
from idp.models.email_address import AT_MOST as LONGEST
from idp.people.contacts import AT_MOST, LINK_HOURS
from idp.web.errors import Message, show_error
from idp.web.forms import NO_PROBLEM, Problem, problem_of, show_form
from idp.web.guards import ask_for, satisfied, sign_in_required
from idp.web.http import see_other, visitor
from idp.web.site import site
from idp.words import N_

blueprint = Blueprint("contacts", __name__)

_HOME = "/account#contacts"
_NO_GOOD = Message(
    "link_not_good",
    N_("The link is not good any more"),
    N_("It may have been used, be more than a day old, or be for another account. Ask for a new one."),
)


@blueprint.get("/account/contacts/add")
@sign_in_required
def ask_address() -> AnyResponse:
    return _ask_for_proof() or _show_form()


@blueprint.post("/account/contacts/add")
@sign_in_required
def add() -> AnyResponse:
    if asked := _ask_for_proof():
        return asked
    typed = request.form.get("contact", "")
    outcome = site().contacts.add(satisfied().signed_in, typed, visitor())
    if isinstance(outcome, Rejected | Wait):
        return _show_form(problem_of(outcome), typed=typed)
    return see_other(_HOME)


@blueprint.post("/account/contacts/<contact_id>/send-again")
@sign_in_required
def send_again(contact_id: str) -> AnyResponse:
    outcome = site().contacts.send_again(satisfied().signed_in, contact_id)
    if outcome is None:
        abort(404)
    if isinstance(outcome, Rejected | Wait):
        return show_form("account/contact_wait.html", problem_of(outcome), way_on_url=_HOME)
    return see_other(_HOME)


@blueprint.get("/account/contacts/confirm")
@sign_in_required
def ask_before_confirming() -> AnyResponse:
    """Only a look: programs that open links in mails on their own confirm nothing."""
    link = request.args.get("link", "")
    contact = site().contacts.find_by_link(satisfied().signed_in.user_id, link)
    if contact is None:
        return _refuse_link()
    return show_form("account/contact_confirm.html", address=contact.address, link=link, cancel_url=_HOME)


@blueprint.post("/account/contacts/confirm")
@sign_in_required
def confirm() -> AnyResponse:
    link = request.form.get("link", "")
    if not site().contacts.confirm(satisfied().signed_in, link, visitor()):
        return _refuse_link()
    return see_other(_HOME)


@blueprint.get("/account/contacts/<contact_id>/remove")
@sign_in_required
def ask_before_removing(contact_id: str) -> AnyResponse:
    if asked := _ask_for_proof():
        return asked
    contact = _own(contact_id)
    return show_form(
        "account/contact_remove.html",
        address=contact.address,
        confirmed=contact.confirmed_at is not None,
        action=request.path,
        cancel_url=_HOME,
    )


@blueprint.post("/account/contacts/<contact_id>/remove")
@sign_in_required
def remove(contact_id: str) -> AnyResponse:
    if asked := _ask_for_proof():
        return asked
    if not site().contacts.remove(satisfied().signed_in, contact_id, visitor()):
        abort(404)
    return see_other(_HOME)


def contacts_shown(user_id: str) -> dict[str, object]:
    """For the account page."""
    found = site().contacts.of(user_id)
    may_add = site().contacts.is_mail_sent and len(found) < AT_MOST
    return {"addresses": list(_shown(found)), "add_url": "/account/contacts/add" if may_add else None}


def _shown(found: list[ContactAddress]) -> Iterator[Mapping[str, object]]:
    for contact in found:
        yield {
            "address": contact.address,
            "confirmed_at": contact.confirmed_at,
            "waits_until": contact.link_expires_at,
            "send_again_action": f"/account/contacts/{contact.id}/send-again",
            "remove_url": f"/account/contacts/{contact.id}/remove",
        }


def _ask_for_proof() -> AnyResponse | None:
    """A form that was sent too late is asked for again."""
    requirements = site().enrolments.requirements(satisfied().person)
    return ask_for(requirements, return_to=None if request.method == "GET" else "/account")


def _own(contact_id: str) -> ContactAddress:
    contact = site().contacts.find(satisfied().signed_in.user_id, contact_id)
    if contact is None:
        abort(404)
    return contact


def _show_form(problem: Problem = NO_PROBLEM, *, typed: str = "") -> Response:
    if not site().contacts.is_mail_sent:
        abort(404)
    return show_form(
        "account/contact_add.html",
        problem,
        typed=typed[:LONGEST],
        longest=LONGEST,
        hours=LINK_HOURS,
        action="/account/contacts/add",
        cancel_url=_HOME,
    )


def _refuse_link() -> AnyResponse:
    return show_error(HTTPStatus.NOT_FOUND, _NO_GOOD, way_on_url="/account", way_on_label=N_("My account"))
