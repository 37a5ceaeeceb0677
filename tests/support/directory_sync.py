"""A municipality's directory that is read: who is linked, what a reading does, what is known of it afterwards."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any

from sqlalchemy import select

from idp.models.audit import AuditEvent
from idp.models.directories import Directory
from idp.models.directory_sync import DirectorySyncRun
from idp.models.people import Employment, User
from idp.people import directories
from idp.people.directory_sync import Asked, DirectorySyncs, Outcome, open_changes
from idp.storage.prepared import Prepared
from idp.storage.unit import records, table_of
from tests.support.actors import Employee
from tests.support.builders import RIGA
from tests.support.directories import PASSWORD, Connected, person

_TRAIL = Prepared(select(table_of(AuditEvent)).order_by(table_of(AuditEvent).c.seq))


@dataclass
class Synced:
    """`page_size`: so small that even few people are several pages."""

    riga: Connected
    page_size: int = 5

    @property
    def syncs(self) -> DirectorySyncs:
        world = self.riga.hall.world
        return DirectorySyncs(
            world.database,
            world.effects,
            opened=lambda directory, password: open_changes(directory, password, page_size=self.page_size),
        )

    @property
    def directory(self) -> Directory:
        with self.riga.hall.world.database.read() as work:
            return work.directories.get(self.riga.directory.id)

    def run(self, **asked: Any) -> Outcome:
        self.riga.hall.clock.move(1)
        return self.syncs.run(self.directory, Asked(**asked))

    def changes(self, **asked: Any) -> set[tuple[str, str, str]]:
        """Of a reading: (username, change, told)."""
        return changes_of(self.run(**asked))

    def employs(self, name: str, *, entry: dict[str, Any] | None = None, **columns: Any) -> Employee:
        """Somebody new, there and here."""
        return self.employ_all([person(name, **(entry or {}))], **columns)[0]

    def employ_all(self, entries: Sequence[dict[str, Any]], **columns: Any) -> list[Employee]:
        """Everybody new, there and here, under names of ours."""
        guids = self.riga.controller.change(*entries)
        people = [self.riga.hall.employee(f"{each['name']}.ours", **columns) for each in entries]
        with self.riga.hall.world.database.begin() as work:
            for entry, who in zip(entries, people, strict=True):
                guid = guids[entry["name"]]["guid"]
                directories.link(work, self.directory, who.user, guid, work.effects, by="test")
        return [replace(who, password=PASSWORD) for who in people]

    # What is there -------------------------------------------------------------------------------------

    def user(self, who: Employee) -> User:
        with self.riga.hall.world.database.read() as work:
            return work.people.get_user(who.user.id)

    def posts(self, who: Employee) -> list[Employment]:
        """The current ones."""
        with self.riga.hall.world.database.read() as work:
            return work.people.employments_of(who.user.id, now=self.riga.hall.clock())

    def roles(self, who: Employee, municipality: str = RIGA) -> list[str]:
        (post,) = [each for each in self.posts(who) if each.municipality == municipality]
        return sorted(post.roles)

    def is_blocked(self, who: Employee) -> bool:
        """The link, not the account."""
        with self.riga.hall.world.database.read() as work:
            (link,) = [c for c in work.people.credentials_of(who.user.id) if c.method == "directory"]
        return link.blocked_at is not None

    def runs(self) -> list[DirectorySyncRun]:
        """The latest first."""
        with self.riga.hall.world.database.read() as work:
            return work.directory_syncs.list_runs(self.riga.directory.id, limit=100)

    def count(self, table: str) -> int:
        with self.riga.hall.world.database.read() as work:
            return int(work.connection().exec_driver_sql(f"SELECT count(*) FROM {table}").scalar_one())

    def trail(self, beginning: str = "directory.") -> list[str]:
        with self.riga.hall.world.database.read() as work:
            types = [each.type for each in records(AuditEvent, work.rows(_TRAIL))]
        return [each for each in types if each.startswith(beginning)]


def changes_of(outcome: Outcome) -> set[tuple[str, str, str]]:
    """(username, change, told)"""
    return {(line["username"], line["change"], line["told"]) for line in outcome.run.lines}
