"""What the pages need of one way of confirming who somebody is; each way has a module of its own."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Final, TypeAlias

from flask import Response
from werkzeug.wrappers import Response as AnyResponse

from idp.errors import Reason
from idp.login.limits import Wait
from idp.models.confirmations import ConfirmedBy
from idp.people.identity.sittings import Sitting
from idp.web.guards import current_session
from idp.web.http import visitor
from idp.web.shared import is_left
from idp.web.site import site

HOME: Final = "/identity"
Started: TypeAlias = AnyResponse | Wait | Reason


def _shows_nothing(_sitting: Sitting) -> None:
    """For a way that is in progress elsewhere."""


def _does_nothing(_sitting: Sitting) -> None:
    """For a way of which nothing is left here."""


def _leads_nowhere_else() -> str:
    return ""


@dataclass(frozen=True, slots=True, kw_only=True)
class WebWay:
    """`start`: after the person agreed, where to go, or why it did not begin. `show`: its page while it is in
    progress, else None. `cancel`: the person chose otherwise. `leads_to`: the origin that its form ends at,
    where that is not ours.
    """

    id: str
    by: ConfirmedBy
    label: str
    description: str
    is_there: Callable[[], bool]
    start: Callable[[Sitting], Started]
    show: Callable[[Sitting], Response | None] = _shows_nothing
    cancel: Callable[[Sitting], None] = _does_nothing
    leads_to: Callable[[], str] = _leads_nowhere_else
    is_online: bool = True
    """Whether the person can do it there and then."""
    button: str = ""
    """Other words than "Confirm with" and its label."""


def find_sitting(sitting_id: str) -> Sitting | None:
    """One that this browser may go on with, and whose person is still there."""
    sitting = site().identity.desk.find(sitting_id, visitor=visitor(), signed_in=current_session())
    return None if sitting is None or is_left(sitting.half_way) else sitting


def url_of(sitting: Sitting) -> str:
    return f"{HOME}/{sitting.id}"
