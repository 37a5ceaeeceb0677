"""A stronger or more recent sign-in, as an API or a page asks for it (RFC 9470).

What is asked is a `Demand`. An API's comes in its challenge: `hold_step_up(answer)` raises it, `browser.py`
sends the person to the provider with it and back to the page. Knows no HTTP server.
"""

import re
from collections.abc import Iterable
from dataclasses import dataclass
from http import HTTPStatus

import httpx

from connectors.kit.levels import Level, find_level

INSUFFICIENT = "insufficient_user_authentication"
AGE_AT_MOST = 365 * 86_400

_PARAMETER = re.compile(r'([A-Za-z_]+)="((?:[^"\\]|\\.)*)"')


@dataclass(frozen=True, slots=True)
class Demand:
    """`max_age`: how many seconds ago the person may have signed in."""

    level: Level | None = None
    max_age: int | None = None

    def is_met(self, *, level: Level | None, auth_time: float | None, now: float) -> bool:
        if self.level is not None and (level is None or not level.meets(self.level)):
            return False
        return self.max_age is None or (auth_time is not None and now - auth_time <= self.max_age)

    def with_level(self, level: Level) -> "Demand":
        """At least that level, too."""
        return self if self.level is not None and self.level.meets(level) else Demand(level, self.max_age)


NOTHING = Demand()


class StepUpNeededError(Exception):
    """The sign-in is not strong or recent enough for what the person wants to do."""

    def __init__(self, demand: Demand) -> None:
        super().__init__(f"{demand.level}, {demand.max_age}")
        self.demand = demand


def hold_step_up(answer: httpx.Response) -> None:
    """Raises StepUpNeededError when an API answered with its challenge; any other answer is the caller's."""
    if answer.status_code == HTTPStatus.UNAUTHORIZED:
        demand = find_demand(answer.headers.get_list("WWW-Authenticate"))
        if demand is not None:
            raise StepUpNeededError(demand)


def find_demand(challenges: Iterable[str]) -> Demand | None:
    """Of several `acr_values` the first we know; what we do not know is never sent to the provider."""
    for challenge in challenges:
        told = {name.lower(): value for name, value in _PARAMETER.findall(challenge)}
        if told.get("error") == INSUFFICIENT:
            levels = [level for acr in told.get("acr_values", "").split() if (level := find_level(acr))]
            return Demand(levels[0] if levels else None, _seconds(told.get("max_age", "")))
    return None


def _seconds(text: str) -> int | None:
    if not text.isascii() or not text.isdigit() or len(text) > 9:
        return None
    return min(int(text), AGE_AT_MOST)
