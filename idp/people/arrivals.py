"""What administrators and people do about entries of directories that are nobody's: its parts, put together.

Not here: the rule that acts by itself (`first_arrivals.py`).
"""

from collections.abc import Mapping
from dataclasses import dataclass

from idp.effects import Effects
from idp.login.limits import Limits
from idp.login.sessions import Sessions
from idp.methods.base import Method
from idp.people.directory_links import DirectoryLinks
from idp.people.invitations import Invitations
from idp.storage.open import Storage


@dataclass(frozen=True, slots=True)
class Arrivals:
    links: DirectoryLinks
    invitations: Invitations


def arrivals_of(
    storage: Storage, methods: Mapping[str, Method], sessions: Sessions, limits: Limits, effects: Effects
) -> Arrivals:
    return Arrivals(
        links=DirectoryLinks(storage.database, sessions, effects),
        invitations=Invitations(
            database=storage.database,
            throttle=storage.throttle,
            limits=limits,
            methods=methods,
            effects=effects,
        ),
    )
