"""The pages of confirming by Smart-ID: a QR code made anew each second, a link for the same device, and the
way back from the app.

Decides nothing: see `people/identity/smart_id.py`.
"""

from io import BytesIO
from typing import Final

import segno
from flask import Blueprint, Response, abort, jsonify, request
from werkzeug.wrappers import Response as AnyResponse

from idp.errors import Reason
from idp.login.limits import Wait
from idp.models.confirmations import ConfirmedBy
from idp.people.identity.sittings import Sitting
from idp.people.identity.smart_id import BySmartId, Pending, Stage
from idp.web.forms import show_form
from idp.web.headers import allow_own_requests
from idp.web.http import see_other, visitor
from idp.web.identity_way import HOME, Started, WebWay, find_sitting, url_of
from idp.web.site import site
from idp.words import N_

blueprint = Blueprint("identity_smart_id", __name__)

_QR_TYPE: Final = "image/svg+xml"


@blueprint.get("/identity/<sitting_id>/state")
def state(sitting_id: str) -> AnyResponse:
    """For the page that waits. Whoever asks also makes the service be asked."""
    sitting = _find(sitting_id)
    stage = _way().look(sitting, visitor()) if sitting is not None else Stage.OVER
    return jsonify(state=stage.value)


@blueprint.get("/identity/<sitting_id>/qr")
def qr(sitting_id: str) -> AnyResponse:
    """The code as it is now."""
    sitting = _find(sitting_id)
    pending = _way().find(sitting) if sitting is not None else None
    if sitting is None or pending is None:
        abort(404)
    return Response(_svg(sitting, pending, inline=False), mimetype=_QR_TYPE)


@blueprint.get("/identity/<sitting_id>/callback")
def come_back(sitting_id: str) -> AnyResponse:
    """Changes nothing but the session of this browser that waits for it; the address is left at once."""
    sitting = _find(sitting_id)
    way = site().identity.smart_id
    if sitting is None:
        if way is not None:
            way.came_back_elsewhere(sitting_id, visitor())
        response = see_other(f"{HOME}/other-browser")
    else:
        _way().came_back(sitting, request.query_string.decode("latin-1"), visitor())
        response = see_other(url_of(sitting))
    response.headers["Referrer-Policy"] = "no-referrer"
    return response


def _find(sitting_id: str) -> Sitting | None:
    if site().identity.smart_id is None:
        return None
    return find_sitting(sitting_id)


def _way() -> BySmartId:
    way = site().identity.smart_id
    if way is None:
        raise LookupError("Smart-ID is not set up")
    return way


def _start(sitting: Sitting) -> Started:
    outcome = _way().begin(sitting, visitor())
    return outcome if isinstance(outcome, Wait | Reason) else see_other(url_of(sitting))


def _show(sitting: Sitting) -> Response | None:
    """What is asked of the service first decides what there is to show."""
    stage = _way().look(sitting, visitor())
    pending = _way().find(sitting)
    if stage in {Stage.READ, Stage.OVER} or pending is None:
        return None
    allow_own_requests()
    return show_form(
        "identity/smart_id.html",
        account=_way().account_shown(sitting, pending),
        is_named=_way().account_shown(sitting, pending) == sitting.username,
        username=sitting.username,
        stage=stage.value,
        qr_svg=_svg(sitting, pending, inline=True),
        qr_url=f"{url_of(sitting)}/qr",
        app_link=_way().same_device_link(sitting, pending),
        state_url=f"{url_of(sitting)}/state",
        here=url_of(sitting),
        action=url_of(sitting),
    )


def _svg(sitting: Sitting, pending: Pending, *, inline: bool) -> str:
    """As an element of the page, or as an image of its own."""
    drawn = BytesIO()
    segno.make_qr(_way().qr_link(sitting, pending), error="l").save(
        drawn,
        kind="svg",
        xmldecl=False,
        svgns=not inline,
        svgclass="qr-code" if inline else None,
        lineclass=None,
        border=4,
        dark="#000",
        light="#fff",
        omitsize=True,
    )
    return drawn.getvalue().decode()


def _cancel(sitting: Sitting) -> None:
    _way().cancel(sitting)


WAY: Final = WebWay(
    id=ConfirmedBy.SMART_ID.value,
    by=ConfirmedBy.SMART_ID,
    label=N_("Smart-ID"),
    description=N_("Scan a code with the Smart-ID app, or open the app on this device, and enter PIN 1."),
    is_there=lambda: site().identity.smart_id is not None,
    start=_start,
    show=_show,
    cancel=_cancel,
)
