"""What an invitation may be for, a directory or an upstream, and where these differ.

Not here: making and using one (`invitations.py`), which is the same for both.
"""

from typing import TypeAlias

from idp.effects import Effects
from idp.login.tickets import Maker
from idp.login.upstream_links import is_linked as is_linked_there
from idp.models.arrivals import Match
from idp.models.directories import Directory
from idp.models.people import User
from idp.models.upstreams import Upstream, may_vouch_for
from idp.people.directory_links import NotLinked, refusal
from idp.storage.work import Work

Origin: TypeAlias = Directory | Upstream
_NOT_FOR_IT = frozenset({NotLinked.NOT_EMPLOYED, NotLinked.OPERATOR_ONLY})


def find_origin(work: Work, source: str) -> Origin | None:
    return work.directories.find(source) or work.upstreams.find(source)


def is_by_invitation(origin: Origin) -> bool:
    rule = origin.arrival if isinstance(origin, Directory) else origin.match_by
    return Match(rule) is Match.INVITATION


def not_linkable(work: Work, origin: Origin, user: User, maker: Maker, effects: Effects) -> NotLinked | None:
    """By who made the invitation. An upstream vouches for nobody who acts for others, whoever says so."""
    refused = refusal(work, origin.municipality, user, maker, effects)
    if isinstance(origin, Directory):
        return refused
    posts = work.people.employments_of(user.id, now=effects.now())
    if refused in _NOT_FOR_IT or (refused is None and not may_vouch_for(origin, user, posts)):
        return NotLinked.NOT_ITS_PERSON
    return refused


def linked_before(work: Work, origin: Origin, user_id: str) -> NotLinked | None:
    if isinstance(origin, Directory):
        is_another = work.directories.find_link_of_person(origin.id, user_id) is not None
        return NotLinked.LINKED if is_another else None
    return NotLinked.LINKED_THERE if is_linked_there(work, origin, user_id) else None


def told_of(origin: Origin) -> dict[str, str]:
    """As the trail calls it."""
    return {"directory": origin.name} if isinstance(origin, Directory) else {"upstream": origin.id}
