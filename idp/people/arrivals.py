"""What administrators and people do about who is nobody's yet: its parts, put together.

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
from idp.people.upstream_invitations import UpstreamInvitations
from idp.storage.open import Storage
from idp.storage.vault import Vault


@dataclass(frozen=True, slots=True)
class Arrivals:
    links: DirectoryLinks
    invitations: Invitations
    upstream_invitations: UpstreamInvitations


def arrivals_of(
    storage: Storage,
    methods: Mapping[str, Method],
    sessions: Sessions,
    limits: Limits,
    vault: Vault,
    effects: Effects,
) -> Arrivals:
    invitations = Invitations(
        database=storage.database,
        throttle=storage.throttle,
        limits=limits,
        methods=methods,
        effects=effects,
    )
    return Arrivals(
        links=DirectoryLinks(storage.database, sessions, effects),
        invitations=invitations,
        upstream_invitations=UpstreamInvitations(
            invitations,
            database=storage.database,
            shelf=storage.shelf,
            vault=vault,
            methods=methods,
            effects=effects,
        ),
    )
