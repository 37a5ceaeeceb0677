"""What the pages of a sign-in show at a computer that may say who works at it. Not here: where such are
(`login/workplaces.py`), the address at which they answer (`negotiate.py`).
"""

from collections.abc import Mapping

from werkzeug.wrappers import Response as AnyResponse

from idp.errors import Reason
from idp.login.look import Look
from idp.methods.base import negotiates
from idp.web.forms import as_shown
from idp.web.http import see_other, visitor
from idp.web.i18n import translate
from idp.web.site import site


def negotiation_url(look: Look) -> str:
    return f"/login/{look.transaction.id}/negotiate"


def begin_by_itself(look: Look) -> AnyResponse | None:
    """Where the computer is asked before the person is; None where it is not, or was already."""
    workplace = site().workplaces.find_automatic(look, visitor())
    if workplace is None:
        return None
    site().login.begin_negotiation(look, workplace.method, by_itself=True)
    return see_other(negotiation_url(look))


def computer_beside(look: Look) -> Mapping[str, object]:
    """A button; and what is said when it was pressed and came to nothing."""
    workplace = site().workplaces.find(look, visitor())
    if workplace is None:
        return {}
    begun = look.transaction.challenge_of(workplace.method.facts.id)
    failed = bool(begun) and not begun["by_itself"]
    return {
        "computer": as_shown(workplace.method) | {"action": negotiation_url(look)},
        "computer_failed": translate(Reason.KERBEROS_REFUSED.public) if failed else None,
    }


def those_that_work_here(look: Look, methods: tuple[str, ...]) -> tuple[str, ...]:
    """Without what works only at a computer of the municipality, where this is none."""
    ways = site().methods
    if not any(negotiates(ways[each]) for each in methods):
        return methods
    if site().workplaces.find(look, visitor()) is not None:
        return methods
    return tuple(each for each in methods if not negotiates(ways[each]))
