"""Who came back from an upstream: what was begun, held against what a browser brings, before it is believed.

Whatever somebody was sent there for. Not here: what comes of it (`upstreams.py`,
`people/upstream_invitations.py`), the protocol (`oidc/upstream.py`).
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from idp.errors import Reason
from idp.login.upstream_links import is_open
from idp.methods.base import LeavesBrowser, Rejected
from idp.models.upstreams import Assertion, Upstream
from idp.storage.database import Database


@dataclass(frozen=True, slots=True)
class Returned:
    """What a browser brings: to the address of which upstream, and its query as it came, `state` in it."""

    upstream_id: str
    state: str = field(repr=False)
    query: str = field(repr=False)


@dataclass(frozen=True, slots=True)
class Came:
    """`upstream`: as it was when the assertion was read."""

    upstream: Upstream
    arrived: Assertion


def who_came(
    database: Database, method: LeavesBrowser, begun: Mapping[str, Any], returned: Returned
) -> Came | Reason:
    """`begun`: taken off its shelf, so that it counts once. Asks the upstream; outside any unit of work."""
    if begun["upstream"] != returned.upstream_id:
        return Reason.UPSTREAM_OTHER_ISSUER
    with database.read() as work:
        upstream = work.upstreams.find(begun["upstream"])
        if upstream is None or not is_open(work, upstream, method.facts.id):
            return Reason.UPSTREAM_OFF
    arrived = method.come_back(upstream, begun["kept"], returned.query)
    return arrived.reason if isinstance(arrived, Rejected) else Came(upstream, arrived)
