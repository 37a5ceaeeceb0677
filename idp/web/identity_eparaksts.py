"""The pages of confirming by eParaksts: off to the service, and back.

Decides nothing: see `people/identity/eparaksts.py`.
"""

from typing import Final

from flask import Blueprint, redirect, request
from werkzeug.wrappers import Response as AnyResponse

from idp.errors import Reason
from idp.gateways.eparaksts.door import CALLBACK_PATH
from idp.gateways.eparaksts.ways import Way
from idp.login.limits import Wait
from idp.models.confirmations import ConfirmedBy
from idp.people.identity.sittings import Sitting
from idp.web.guards import current_session
from idp.web.http import see_other, visitor
from idp.web.identity_way import HOME, Started, WebWay, url_of
from idp.web.site import site
from idp.words import N_

blueprint = Blueprint("identity_eparaksts", __name__)


@blueprint.get(CALLBACK_PATH)
def come_back() -> AnyResponse:
    """Changes nothing but the sitting of this browser that waits for it; the address is left at once."""
    way = site().identity.eparaksts
    query = request.query_string.decode("latin-1")
    sitting = way.came_back(query, visitor(), current_session()) if way is not None else None
    response = see_other(f"{HOME}/other-browser" if sitting is None else url_of(sitting))
    response.headers["Referrer-Policy"] = "no-referrer"
    return response


def _start(sitting: Sitting, *, here: Way, at_a_computer: Way) -> Started:
    way = site().identity.eparaksts
    if way is None:
        raise LookupError("eParaksts is not set up")
    outcome = way.begin(sitting, here if _is_phone() else at_a_computer, visitor())
    return outcome if isinstance(outcome, Wait | Reason) else redirect(outcome, 303)


def _is_phone() -> bool:
    """By what the browser says of itself; the service's own page lets people choose otherwise."""
    return "Mobi" in request.headers.get("User-Agent", "")


def _is_there() -> bool:
    return site().identity.eparaksts is not None


def _origin() -> str:
    way = site().identity.eparaksts
    return way.origin if way is not None else ""


MOBILE: Final = WebWay(
    id="eparaksts_mobile",
    by=ConfirmedBy.EPARAKSTS,
    label=N_("eParaksts mobile"),
    description=N_("The page of eParaksts opens; confirm there with the app on your phone."),
    is_there=_is_there,
    start=lambda sitting: _start(sitting, here=Way.MOBILE, at_a_computer=Way.MOBILE_ELSEWHERE),
    leads_to=_origin,
)
CARD: Final = WebWay(
    id="eparaksts_card",
    by=ConfirmedBy.EPARAKSTS,
    label=N_("eID card"),
    description=N_("The page of eParaksts opens; put your eID card into a reader or hold it to the phone."),
    is_there=_is_there,
    start=lambda sitting: _start(sitting, here=Way.CARD_ON_PHONE, at_a_computer=Way.CARD_IN_READER),
    leads_to=_origin,
)
