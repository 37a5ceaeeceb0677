"""One reading of a directory from beginning to end: whose turn it is, what it read, what follows, the report.

Of any number of processes one reads a directory at a time. Too many people who would be shut out wait for an
administrator, who confirms exactly them; all else is done. Not here: reading (`directory_sync_reading.py`),
planning (`directory_sync_plan.py`), doing (`directory_sync_applying.py`), writing of it (`_ledger.py`).
"""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Final

from idp.crypto import SealError
from idp.effects import Effects, Instant
from idp.gateways.ldap.changes import PAGE, Changes
from idp.gateways.ldap.door import Door
from idp.gateways.ldap.outcomes import DirectoryError, Fault
from idp.gateways.ldap.route import route_to
from idp.models.directories import Directory
from idp.models.directory_sync import DirectorySyncRun, Presence, RunState, WhenGone
from idp.models.people import Employment
from idp.people.directory_sync_applying import ACTOR
from idp.people.directory_sync_ledger import LEASE_SECONDS, BusyError, Ledger
from idp.people.directory_sync_plan import DATA, Known, Seen, Step, Terms, plan
from idp.people.directory_sync_reading import Reader, Reading, SyncError, Tell
from idp.storage.database import Database
from idp.storage.work import Work

__all__ = ["Asked", "BusyError", "DirectorySyncs", "Outcome", "StaleError", "SyncError"]

NOBODY_IS_TOLD: Final[Tell] = lambda _what, _many: None  # noqa: E731


class StaleError(Exception):
    """What was to be confirmed is not there, was confirmed before, or is not what there is to do now."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Asked:
    """`share`: in place of the directory's own. `confirms`: the id of a reading that was held."""

    by: str = ACTOR
    full: bool = False
    dry: bool = False
    share: int | None = None
    confirms: str | None = None
    tell: Tell = NOBODY_IS_TOLD


@dataclass(frozen=True, slots=True)
class Outcome:
    """`steps`: what was done, or in a dry run would be; `held`: what waits, or would, and `waits_as`: the id
    of the reading that is to be confirmed.
    """

    run: DirectorySyncRun
    steps: tuple[Step, ...]
    held: tuple[Step, ...] = ()
    waits_as: str = ""


Open = Callable[[Directory, str], Changes]


def open_changes(directory: Directory, password: str, *, page_size: int = PAGE) -> Changes:
    return Changes(Door(route_to(directory, password)), DATA, page_size=page_size)


class DirectorySyncs:
    def __init__(self, database: Database, effects: Effects, *, opened: Open = open_changes) -> None:
        self._database = database
        self._effects = effects
        self._opened = opened

    def list_due(self) -> list[Directory]:
        """Those that are read by themselves and were not for so long."""
        now = self._effects.now()
        with self._database.read() as work:
            timed = [each for each in work.directories.list_all() if each.enabled and each.sync_minutes]
            begun = {each.id: work.directory_syncs.find(each.id) for each in timed}
        return [
            each
            for each in timed
            if (sync := begun[each.id]) is None
            or sync.begun_at is None
            or now - sync.begun_at >= (each.sync_minutes or 0) * 60
        ]

    def run(self, directory: Directory, asked: Asked) -> Outcome:
        """Raises BusyError, StaleError, DirectoryError, SyncError; the last two are in the report as well."""
        if asked.dry:
            return self._run(directory, asked, self._ledger(directory, asked, ""))
        holder, now = self._effects.new_token(), self._effects.now()
        with self._database.begin() as work:
            until = now + LEASE_SECONDS
            if not work.directory_syncs.take_lease(directory.id, holder, now=now, until=until):
                raise BusyError
        try:
            return self._run(directory, asked, self._ledger(directory, asked, holder))
        finally:
            with self._database.begin() as work:
                work.directory_syncs.release(directory.id, holder)

    # Inside ---------------------------------------------------------------------------------------------

    def _ledger(self, directory: Directory, asked: Asked, holder: str) -> Ledger:
        return Ledger(self._database, self._effects, directory, holder, asked.by)

    def _run(self, directory: Directory, asked: Asked, ledger: Ledger) -> Outcome:
        if asked.confirms is not None:
            self._refuse_what_is_not_held(directory, asked.confirms)
        run = ledger.new_run(full=asked.full)
        try:
            with self._connected(directory) as changes:
                run.source, run.usn = changes.source.name, changes.source.usn
                run = ledger.begin(run)
                reading = self._read(directory, changes, run, asked, ledger)
        except DirectoryError as error:
            ledger.fail(run, error.told, is_away=error.fault is Fault.UNREACHABLE)
            raise
        except SyncError as error:
            ledger.fail(run, str(error), is_away=False)
            raise
        return self._act(directory, asked, ledger, run, reading)

    def _refuse_what_is_not_held(self, directory: Directory, run_id: str) -> None:
        with self._database.read() as work:
            held = work.directory_syncs.find_run(directory.id, run_id)
        if held is None or held.state != RunState.HELD:
            raise StaleError

    def _connected(self, directory: Directory) -> Changes:
        try:
            with self._database.read() as work:
                password = work.directories.password_of(directory)
        except SealError:
            raise DirectoryError(Fault.BROKEN, "the password of our account cannot be opened") from None
        return self._opened(directory, password)

    def _read(
        self, directory: Directory, changes: Changes, run: DirectorySyncRun, asked: Asked, ledger: Ledger
    ) -> Reading:
        with self._database.read() as work:
            people = {each.link.object_guid: each for each in work.directory_syncs.linked(directory.id)}
            known = work.directory_syncs.find(directory.id)
            told = work.directory_syncs.entries_of(run.id)
        reader = Reader(
            changes=changes,
            run=run,
            people=people,
            bases=tuple(directory.base_dns),
            groups=tuple(directory.roles),
            known_usn=known.usn if known else 0,
            keep=lambda entries: ledger.keep_page(run, entries),
            tell=asked.tell,
            told={each.object_guid: each.told for each in told if each.object_guid in people},
        )
        return reader.read()

    def _act(
        self, directory: Directory, asked: Asked, ledger: Ledger, run: DirectorySyncRun, reading: Reading
    ) -> Outcome:
        now = self._effects.now()
        terms = Terms(roles=directory.roles, when_gone=WhenGone(directory.when_gone), missing=reading.missing)
        with self._database.read() as work:
            known = known_people(work, directory, reading, now)
        planned = plan(known, terms, now)
        run.fingerprint = planned.fingerprint
        is_held = planned.is_too_much(directory.sync_share if asked.share is None else asked.share)
        if asked.dry:
            return Outcome(run, planned.steps, planned.leaving if is_held else ())
        is_stale = asked.confirms is not None and not ledger.confirm(run, asked.confirms)
        if asked.confirms is not None and not is_stale:
            is_held = False
        done = planned.without_leaving() if is_held else planned
        held = planned.leaving if is_held else ()
        ledger.apply(done, known, asked.tell)
        waits_as = ledger.finish(run, done, held, reading.missing)
        if is_stale:
            raise StaleError
        return Outcome(run, done.steps, held, waits_as)


def known_people(
    work: Work, directory: Directory, reading: Reading, now: Instant
) -> list[tuple[Known, Seen]]:
    """Everybody who is linked and was read, and who has a role of this directory and is linked no more."""
    posts: dict[str, list[Employment]] = {}
    for post in work.directory_syncs.posts_of_linked(directory.id, now=now):
        posts.setdefault(post.user_id, []).append(post)
    given: dict[str, set[tuple[str, str]]] = {}
    for role in work.directory_syncs.roles_given(directory.id):
        given.setdefault(role.user_id, set()).add((role.employment_id, role.role))
    found = []
    for each in work.directory_syncs.linked(directory.id):
        mine, of_user = given.pop(each.user.id, set()), posts.get(each.user.id, [])
        seen = reading.seen.get(each.link.object_guid)
        if seen is None:  # linked since
            continue
        here = [post for post in of_user if post.municipality == directory.municipality]
        known = Known(
            user=each.user,
            credential_id=each.link.credential_id,
            state=each.state,
            posts=tuple(post for post in here if post.is_current(now)),
            works_elsewhere=len(here) < len(of_user),
            given=frozenset(mine),
        )
        found.append((known, seen))
    nobody = Seen(presence=Presence.PRESENT)
    found += [
        (Known(user=work.people.get_user(user_id), given=frozenset(mine)), nobody)
        for user_id, mine in given.items()
    ]
    return found
