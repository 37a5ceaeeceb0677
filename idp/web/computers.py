"""The cookie of a remembered computer, the box that asks for it, and the list on the account page.

Decides nothing: when one counts is `login/remembered.py`.
"""

from collections.abc import Mapping
from typing import Final

from flask import Blueprint, request
from werkzeug.wrappers import Response as AnyResponse

from idp.crypto import token_hash
from idp.login.browsers import UNKNOWN, browser_name
from idp.login.look import Look
from idp.login.remembered import NOTHING, Kept, RememberedComputers
from idp.login.standing import Person
from idp.models.computers import RememberedComputer
from idp.web.guards import satisfied, sign_in_required
from idp.web.http import (
    COMPUTER,
    browser_id,
    clear_cookie,
    see_other,
    visitor,
    write_cookie,
)
from idp.web.i18n import translate
from idp.web.site import site

blueprint = Blueprint("computers", __name__)

_BACK: Final = "/account"
_FIELD: Final = "remember"
_TICKED: Final = "1"


@blueprint.post("/account/computers/forget")
@sign_in_required
def forget() -> AnyResponse:
    """A cookie that is left somewhere opens nothing any more."""
    _computers().forget(satisfied().signed_in.user_id, request.form.get("computer_id", ""), visitor())
    return see_other(_BACK)


@blueprint.post("/account/computers/forget-all")
@sign_in_required
def forget_all() -> AnyResponse:
    _computers().forget(satisfied().signed_in.user_id, None, visitor())
    return see_other(_BACK)


def box_for(look: Look, method_id: str) -> dict[str, object]:
    """For the page of a second factor: for how many days, and whether it was ticked when it was sent."""
    days = 0 if visitor().shared else _computers().days_offered(look, site().methods[method_id])
    return {"remember_days": days, "remember_ticked": _is_ticked()}


def remember_if_asked(before: Look, after: Look, method_id: str) -> Kept | None:
    if not _is_ticked():
        return None
    return _computers().remember(before, after, site().methods[method_id], visitor())


def keep(response: AnyResponse, kept: Kept | None) -> AnyResponse:
    if kept == NOTHING:
        clear_cookie(response, COMPUTER)
    elif kept is not None:
        write_cookie(response, COMPUTER, kept.value, max_age=kept.seconds)
    return response


def computers_shown(person: Person) -> list[Mapping[str, object]]:
    here = token_hash(browser_id())
    with site().storage.database.read() as work:
        found = work.computers.list_of(person.user.id, site().effects.now())
    return [_shown(person, computer, here) for computer in found]


def _shown(person: Person, computer: RememberedComputer, here: str) -> Mapping[str, object]:
    return {
        "id": computer.id,
        "browser": browser_name(computer.user_agent) or translate(UNKNOWN),
        "is_here": computer.browser_hash == here,
        "made_at": computer.made_at,
        "last_used_at": computer.last_used_at,
        "until": person.remembered_until(computer, site().effects.now()),
    }


def _is_ticked() -> bool:
    return request.method == "POST" and request.form.get(_FIELD) == _TICKED


def _computers() -> RememberedComputers:
    return site().computers
