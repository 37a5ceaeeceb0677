"""Who comes for the first time by an entry of a directory: linked by its rule, or waiting in its queue.

In the very act in which they proved it, and for that entry alone. What a computer did by itself links nobody:
any page can send a browser to where it does that. The rule itself is every source's
(`login/arrivals.py`).
"""

from dataclasses import dataclass

from idp.effects import Effects
from idp.errors import Reason
from idp.events import Event, EventType
from idp.login.arrivals import (
    Rule,
    create_account,
    find_account,
    is_allowed,
    may_be_created,
    may_be_matched,
)
from idp.login.sessions import Visitor
from idp.methods.base import Arrived, Rejected, Verified
from idp.models.arrivals import DirectoryArrival, Match
from idp.models.directories import Directory, DirectoryLink
from idp.models.people import User
from idp.people import directories
from idp.storage.work import Work

_NAME_AT_MOST = 120
_CREATED = "created"


@dataclass(frozen=True, slots=True)
class _New:
    """Nobody has an account for them, and one may be made."""


class FirstArrivals:
    def __init__(self, effects: Effects) -> None:
        self._effects = effects

    def whose(self, work: Work, arrived: Arrived, visitor: Visitor) -> Verified | Rejected:
        """Raises AlreadyExistsError, and the unit of work is lost, where another request did the same."""
        directory = work.directories.find(arrived.source)
        if directory is None or not directory.enabled:
            return Rejected(Reason.DIRECTORY_UNKNOWN_ENTRY)
        if not is_allowed(work, directory.municipality, arrived.method):
            return Rejected(Reason.METHOD_NOT_OFFERED)
        rule = _rule_of(directory, arrived)
        user = find_account(work, rule, arrived.matched)
        if user is not None:
            work.people.hold_user(user.id)
        link = work.directories.find_link_of_entry(directory.id, arrived.subject)
        if link is None:
            known = self._known(work, directory, rule, arrived, user)
            if known is None:
                self._queue(work, directory, arrived, visitor)
                return Rejected(Reason.ARRIVAL_WAITS, counted=False)
            if arrived.by_itself:
                return Rejected(Reason.ARRIVAL_UNASKED, counted=False)
            link = self._link(work, directory, rule, arrived, known, visitor)
        elif not self._works_there(work, directory, link):
            return Rejected(Reason.DIRECTORY_NOT_EMPLOYED)
        return arrived.refused or Verified(link.credential_id, user_id=link.user_id)

    def _known(
        self, work: Work, directory: Directory, rule: Rule, arrived: Arrived, user: User | None
    ) -> User | _New | None:
        """None for whom an administrator must look at. `user` is held."""
        if user is None:
            return _New() if may_be_created(work, rule, arrived, self._effects) else None
        user = work.people.get_user(user.id)
        is_another = work.directories.find_link_of_person(directory.id, user.id) is not None
        return None if is_another or not may_be_matched(work, rule, user, self._effects) else user

    def _link(
        self,
        work: Work,
        directory: Directory,
        rule: Rule,
        arrived: Arrived,
        known: User | _New,
        visitor: Visitor,
    ) -> DirectoryLink:
        by = directory.arrival
        if isinstance(known, _New):
            event = Event(
                type=EventType.USER_ADDED,
                actor_id=directory.id,
                municipality=directory.municipality,
                address=visitor.address,
                detail={"directory": directory.name, "entry": arrived.subject},
            )
            known, by = create_account(work, rule, arrived, self._effects, event=event), _CREATED
        directories.link(work, directory, known, arrived.subject, self._effects, by=by)
        link = work.directories.find_link_of_entry(directory.id, arrived.subject)
        if link is None:
            raise LookupError("a link that was made in this unit of work")
        return link

    def _works_there(self, work: Work, directory: Directory, link: DirectoryLink) -> bool:
        """Somebody was linked to it in this very moment; may they come in by it?"""
        user = work.people.get_user(link.user_id)
        posts = work.people.employments_of(user.id, now=self._effects.now())
        held = work.people.credentials_of(user.id)
        is_in_use = any(each.id == link.credential_id and each.blocked_at is None for each in held)
        return user.is_active and is_in_use and any(p.municipality == directory.municipality for p in posts)

    def _queue(self, work: Work, directory: Directory, arrived: Arrived, visitor: Visitor) -> None:
        now = self._effects.now()
        waits = DirectoryArrival(
            id=self._effects.new_id(),
            directory_id=directory.id,
            object_guid=arrived.subject,
            name=_one_line(f"{arrived.given_name} {arrived.family_name}"),
            account_name=_one_line(arrived.names[0] if arrived.names else ""),
            first_at=now,
            last_at=now,
        )
        # What nobody asked for takes nobody's place.
        is_first = work.arrivals.queue_where_free(waits) if arrived.by_itself else work.arrivals.queue(waits)
        if is_first:
            work.audit.append(
                Event(
                    type=EventType.ARRIVAL_QUEUED,
                    municipality=directory.municipality,
                    address=visitor.address,
                    detail={"directory": directory.name, "entry": arrived.subject},
                )
            )


def _rule_of(directory: Directory, arrived: Arrived) -> Rule:
    """What was read by another rule, which was changed meanwhile, is compared by none."""
    is_same = arrived.rule == directory.arrival
    return Rule(
        municipality=directory.municipality,
        match=Match(directory.arrival) if is_same else Match.NOTHING,
        roles=frozenset(map(str, directory.roles.values())),
        creates_accounts=directory.creates_accounts and is_same,
    )


def _one_line(text: str) -> str:
    return " ".join("".join(mark if mark.isprintable() else " " for mark in text).split())[:_NAME_AT_MOST]
