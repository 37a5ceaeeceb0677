"""Computers that several people use: the mark of the browser, "not you?", and what is cleared afterwards.

The mark is a cookie, so that the next who signs in finds the computer marked. A session knows for itself
whether it was begun on one. Not here: how long such a session waits (`login/sessions.py`).
"""

from math import ceil
from typing import Final

from flask import Blueprint, g, request
from werkzeug.wrappers import Response as AnyResponse

from idp.crypto import token_hash
from idp.login.turns import HalfWay, is_of_somebody_before
from idp.web.guards import current_session
from idp.web.http import (
    APPROVER,
    COMPUTER,
    browser_id,
    clear_cookie,
    clear_session,
    is_marked_shared,
    local_path,
    mark_shared,
    renew_browser_id,
    see_other,
    visitor,
)
from idp.web.site import site

blueprint = Blueprint("shared", __name__)

_CLEARED: Final = '"cache", "storage"'
"""Not "cookies": the mark and the language stay, and ours are cleared one by one."""


@blueprint.post("/shared-computer")
def mark() -> AnyResponse:
    """On or off, by whoever sits there. What was remembered for somebody goes with it."""
    response = see_other(local_path(request.form.get("back")) or "/")
    on = request.form.get("shared") == "1"
    mark_shared(response, on=on)
    if on:
        _share_session()
        clear_cookie(response, COMPUTER)
        clear_cookie(response, APPROVER)
    return response


@blueprint.post("/switch")
def switch() -> AnyResponse:
    """Another person's turn: ends the session with all that was reached in it, and asks who is there."""
    signed_in = current_session()
    if signed_in is not None:
        site().login.sign_out(
            signed_in.session_id, user_id=signed_in.user_id, visitor=visitor(), client_id=None
        )
    response = see_other("/")
    clear_session(response)
    leave_clean(response)
    return response


def _share_session() -> None:
    """The session that is open, too; and a copy of what the computer was remembered by is worth nothing."""
    signed_in = current_session()
    if signed_in is None:
        return
    with site().storage.database.begin() as work:
        work.computers.forget_in_browser(signed_in.user_id, token_hash(browser_id()))
        site().sessions.share(work, signed_in.session_id)


def is_shared() -> bool:
    """Whether this comes from a shared computer: by its mark, its network, or how the session began."""
    signed_in = current_session()
    return visitor().shared or (signed_in is not None and signed_in.shared)


def is_shared_by_network() -> bool:
    """Then nobody at the computer can say otherwise."""
    return not is_marked_shared() and visitor().shared


def is_left(half_way: HalfWay) -> bool:
    """Its person is gone: somebody else has signed in since, or a shared computer waited for them too long.

    If not yet, the form that is shown leaves the screen of a shared computer when that time has come.
    """
    signed_in = current_session()
    if is_of_somebody_before(half_way, signed_in):
        return True
    if signed_in is not None and signed_in.user_id == half_way.user_id:
        return False
    if not half_way.shared and not is_shared():
        return False
    seconds = site().sessions.seconds_left_at_shared(half_way.user_id, half_way.since)
    g.form_leaves_after = max(ceil(seconds), 1)
    return seconds <= 0


def leave_clean(response: AnyResponse) -> None:
    """Nothing of this person is left in the browser, and nothing links it with who comes next."""
    response.headers["Clear-Site-Data"] = _CLEARED
    clear_cookie(response, COMPUTER)
    clear_cookie(response, APPROVER)
    renew_browser_id(response)
