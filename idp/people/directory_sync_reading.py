"""Reads a directory about its linked people: all of it, or what changed since; from where it was left.

Whoever seems to be gone is asked for once more by their immutable id, so that nobody is shut out because they
were moved while others were read. An empty answer is a fault. Not here: LDAP (`gateways/ldap/changes.py`),
what follows (`directory_sync_plan.py`).
"""

from collections.abc import Callable, Collection, Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any, Final

from idp.effects import Instant
from idp.gateways.ldap.changes import Changes, Found
from idp.models.directory_sync import DirectorySync, DirectorySyncEntry, DirectorySyncRun, Presence
from idp.people.directory_sync_plan import Seen
from idp.storage.directory_sync import LinkedPerson

FULL_AFTER: Final = 24 * 3600.0
"""So long after the last full reading the next one is full: what a moved unit, or an entry deleted out of
sight, changes is in nobody's list of changes.
"""

_TEXT_AT_MOST: Final = 300
Keep = Callable[[Iterable[DirectorySyncEntry]], None]
"""Keeps a page and where the run stands."""
Tell = Callable[[str, int], None]
"""What is being done, and how many more of it are."""


class SyncError(Exception):
    """Why a reading means nothing, in one clause."""


@dataclass(frozen=True, slots=True)
class Reading:
    """`seen`: what is known of everybody now, by GUID. `missing`: groups that are not there."""

    seen: Mapping[str, Seen]
    missing: frozenset[str]


@dataclass(slots=True)
class Reader:
    """One reading. `people`: everybody who is linked; `known_usn`: what came before is known."""

    changes: Changes
    run: DirectorySyncRun
    people: Mapping[str, LinkedPerson]
    bases: tuple[str, ...]
    groups: tuple[str, ...]
    known_usn: int
    keep: Keep
    tell: Tell
    told: dict[str, dict[str, Any]] = field(default_factory=dict)
    """By GUID, as kept; empty where something changed and nothing more is known yet."""

    def read(self) -> Reading:
        if self.run.is_full:
            self._read_everybody()
        else:
            self._read_changed()
        self._ask_about(self._unsure())
        members, missing = self._members()
        return Reading({guid: self._seen(guid, members, missing) for guid in self.people}, missing)

    def _read_everybody(self) -> None:
        for index in range(self.run.base, len(self.bases)):
            for page in self.changes.people(self.bases[index], since=self.run.position):
                self.run.base, self.run.position = index, page.position
                self._take(page.found)
            self.run.base, self.run.position = index + 1, 0

    def _read_changed(self) -> None:
        for page in self.changes.changed(since=max(self.run.position, self.known_usn + 1)):
            self.run.position = page.position
            self.run.entries += len(page.guids)
            self._keep({guid: {} for guid in page.guids if guid in self.people and guid not in self.told})
            self.tell("read", len(page.guids))

    def _unsure(self) -> list[str]:
        """Of whom it must be asked what they are now."""
        if self.run.is_full:
            return [guid for guid in self.people if guid not in self.told]
        unread = (guid for guid, person in self.people.items() if person.state is None)
        return list(dict.fromkeys([*(guid for guid, told in self.told.items() if not told), *unread]))

    def _ask_about(self, guids: Collection[str]) -> None:
        found: list[Found] = []
        for some in self.changes.by_guid(guids):
            found += some
            self.keep(())
        if guids and not found and not self.changes.finds_anybody():
            raise SyncError("nobody is under the bases and passes the filter")
        self.run.entries += len(found)
        self.tell("asked", len(guids))
        answers = {each.entry.guid: _told(each) for each in found if each.entry.guid in self.people}
        absent = {guid: {"presence": Presence.ABSENT.value} for guid in guids if guid not in answers}
        self.told |= {**absent, **answers}

    def _take(self, found: Iterable[Found]) -> None:
        page = list(found)
        self.run.entries += len(page)
        self._keep({each.entry.guid: _told(each) for each in page if each.entry.guid in self.people})
        self.tell("read", len(page))

    def _keep(self, told: dict[str, dict[str, Any]]) -> None:
        self.told |= told
        self.keep(
            DirectorySyncEntry(run_id=self.run.id, object_guid=guid, told=each) for guid, each in told.items()
        )

    def _members(self) -> tuple[dict[str, frozenset[str]] | None, frozenset[str]]:
        """By group; None when no group changed since, so that everybody is in those they were in."""
        is_known = all(person.state is not None for person in self.people.values())
        if not self.groups:
            return {}, frozenset()
        if not self.run.is_full and is_known and not self._groups_changed():
            return None, frozenset()
        members: dict[str, frozenset[str]] = {}
        missing: set[str] = set()
        for group in self.groups:
            inside: set[str] = set()
            within = self.changes.groups_within(group)
            if within is None:
                missing.add(group)
            for each in within or ():
                inside |= self.changes.members_of(each)
                self.keep(())
            members[group] = frozenset(inside)
            self.tell("groups", 1)
        return members, frozenset(missing)

    def _groups_changed(self) -> bool:
        return self.changes.has_changed_groups(since=self.known_usn + 1)

    def _seen(self, guid: str, members: Mapping[str, frozenset[str]] | None, missing: frozenset[str]) -> Seen:
        state, told = self.people[guid].state, self.told.get(guid)
        before = frozenset(state.groups) if state else frozenset()
        groups = (
            before
            if members is None
            else frozenset(group for group, inside in members.items() if guid in inside) | (before & missing)
        )
        if told is None:
            if state is None:
                raise SyncError("somebody was linked while it was read")
            return Seen(presence=Presence(state.presence), expires_at=state.expires_at, groups=groups)
        return Seen(
            presence=Presence(told["presence"]),
            expires_at=told.get("expires_at"),
            values=told.get("values"),
            groups=groups,
        )


def _told(found: Found) -> dict[str, Any]:
    entry = found.entry
    presence = Presence.DISABLED if entry.is_disabled else Presence.PRESENT
    return {
        "presence": presence.value,
        "expires_at": found.expires_at,
        "values": {name: text[:_TEXT_AT_MOST] for name, text in entry.values.items()},
    }


def must_be_full(known: DirectorySync, run: DirectorySyncRun, now: Instant) -> bool:
    """Whether what is known is no ground to go on from: nothing, of another controller or of one that was
    put back, by another description, or of too long ago.
    """
    return (
        known.full_at is None
        or now - known.full_at >= FULL_AFTER
        or known.described_at != run.described_at
        or known.source != run.source
    )
