"""Whether a directory works as it is described, step by step, for whoever described it.

Not here: the steps themselves (`gateways/ldap/diagnosis.py`), what can be seen without asking
(`directories.py`).
"""

import time
from collections.abc import Callable, Iterable, Iterator
from typing import Any, Final

from idp.gateways.ldap.diagnosis import Asked, Step, diagnose
from idp.gateways.ldap.route import Route
from idp.models.directories import Directory

SECONDS_AT_MOST: Final = 30.0
"""For whoever waits for a page; a step that has begun is not broken off."""


def steps_to(route: Route, directory: Directory, person: str = "") -> Iterator[Step]:
    """`person`: also look for this UPN, account name or GUID, and into the groups that give roles."""
    asked = Asked(
        person=person,
        groups=tuple(directory.roles),
        attempts=directory.attempts,
        attempt_minutes=directory.attempt_minutes,
    )
    return diagnose(route, asked)


def hurried(steps: Iterator[Step], *, clock: Callable[[], float] = time.monotonic) -> Iterator[Step]:
    """As far as there is time for them; the last then says that it was not all."""
    deadline = clock() + SECONDS_AT_MOST
    for step in steps:
        yield step
        if clock() > deadline:
            told = f"All together took longer than {SECONDS_AT_MOST:g} seconds. The rest was not looked at."
            yield Step(step.name, step.about, works=False, told=told)
            return


def first_fault(steps: Iterable[Step]) -> str | None:
    return next((f"{step.name.value} of {step.about}: {step.told}" for step in steps if not step.works), None)


def as_told(step: Step) -> dict[str, Any]:
    return {"step": step.name.value, "about": step.about, "works": step.works, "told": step.told}
