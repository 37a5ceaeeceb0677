"""What a reading of a directory writes about itself, as long as its lease holds; and its report.

A dry run has no lease, and nothing of it is written. Not here: when to write what (`directory_sync.py`).
"""

from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Final

import structlog

from idp.effects import Effects, Instant
from idp.events import Event, EventType
from idp.models.directories import Directory
from idp.models.directory_sync import DirectorySync, DirectorySyncEntry, DirectorySyncRun, RunState
from idp.people.directory_sync_applying import AT_ONCE, Applying
from idp.people.directory_sync_plan import Known, Plan, Seen, Step, counts_of, lines_of
from idp.people.directory_sync_reading import Tell, must_be_full
from idp.storage.database import Database
from idp.storage.work import Work

LEASE_SECONDS: Final = 120.0
RESUMED_SECONDS: Final = 3600.0
"""For so long a reading that was interrupted is gone on with."""
_NOTED_AT_ONCE: Final = 500
_NOT_GONE_ON_WITH: Final = "it was not gone on with"
_log = structlog.get_logger("visvaris.directory")


class BusyError(Exception):
    """Somebody else reads this directory now."""


@dataclass(frozen=True, slots=True)
class Ledger:
    """`holder`: of the lease; empty in a dry run. Whatever writes raises BusyError when it lapsed."""

    database: Database
    effects: Effects
    directory: Directory
    holder: str
    asked_by: str

    @property
    def is_dry(self) -> bool:
        return not self.holder

    def new_run(self, *, full: bool) -> DirectorySyncRun:
        return DirectorySyncRun(
            id=self.effects.new_id(),
            directory_id=self.directory.id,
            is_full=full,
            asked_by=self.asked_by,
            started_at=self.effects.now(),
            described_at=self.directory.updated_at,
        )

    def begin(self, run: DirectorySyncRun) -> DirectorySyncRun:
        """This reading, or one that was interrupted and may be gone on with."""
        now = self.effects.now()
        with self.database.read() as work:
            known = work.directory_syncs.find(self.directory.id) or DirectorySync(directory_id="")
            unfinished = [] if self.is_dry else work.directory_syncs.list_unfinished(self.directory.id)
        run.is_full = run.is_full or must_be_full(known, run, now)
        if self.is_dry:
            return run
        begun = next((each for each in unfinished if _goes_on(each, run, now)), run)
        begun.state = RunState.READING.value
        with self._writing() as work:
            for each in unfinished:
                if each.id != begun.id:
                    _end(work, each, each.why or _NOT_GONE_ON_WITH, now)
            work.directory_syncs.put_run(begun)
        return begun

    def keep_page(self, run: DirectorySyncRun, entries: Iterable[DirectorySyncEntry]) -> None:
        if self.is_dry:
            return
        with self._writing() as work:
            work.directory_syncs.keep_page(run, entries)

    def confirm(self, run: DirectorySyncRun, held_id: str) -> bool:
        """Whether what was held then is exactly what there is to do now, and nobody said yes before."""
        with self._writing() as work:
            held = work.directory_syncs.find_run(self.directory.id, held_id)
            if held is None or held.fingerprint != run.fingerprint:
                return False
            if not work.directory_syncs.turn(
                held.id, old=RunState.HELD, new=RunState.CONFIRMED, by=self.asked_by
            ):
                return False
            work.audit.append(self._event(EventType.DIRECTORY_SYNC_CONFIRMED, run=held.id))
        return True

    def apply(self, done: Plan, known: Sequence[tuple[Known, Seen]], tell: Tell) -> None:
        for start in range(0, len(done.steps), AT_ONCE):
            some = done.steps[start : start + AT_ONCE]
            with self._writing() as work:
                Applying(work, self.directory, self.effects.now()).apply(some)
            tell("applied", len(some))
        applied = {step.known.user.id for step in done.steps}
        others = [each for each in known if each[0].user.id not in applied and each[0].credential_id]
        for start in range(0, len(others), _NOTED_AT_ONCE):
            with self._writing() as work:
                applying = Applying(work, self.directory, self.effects.now())
                for person, seen in others[start : start + _NOTED_AT_ONCE]:
                    applying.note(person, seen)

    def finish(self, run: DirectorySyncRun, done: Plan, held: Sequence[Step], missing: frozenset[str]) -> str:
        """The id of the reading by which those who are `held` wait: this one, or the first that held them."""
        run.finished_at = self.effects.now()
        run.counts = counts_of(done.steps) | ({"held": len(held)} if held else {})
        with self._writing() as work:
            waiting = self._supersede(work, run.fingerprint if held else "")
            is_new = bool(held) and not waiting
            run.state = (RunState.HELD if is_new else RunState.APPLIED).value
            run.lines = lines_of(done.steps, held if is_new else ())
            faults = [f"there is no group {group}" for group in sorted(missing)]
            if held:
                since = f", and wait since {waiting}" if waiting else ""
                faults.insert(0, f"{len(held)} of {done.people} people would be shut out{since}")
            run.why = "; ".join(faults)
            before = work.directory_syncs.find(self.directory.id)
            full_at = run.started_at if run.is_full else (before.full_at if before else None)
            work.directory_syncs.know(self.holder, run, full_at=full_at)
            work.directory_syncs.put_run(run)
            work.directory_syncs.forget_entries(run.id)
            if done.steps:
                work.audit.append(self._event(EventType.DIRECTORY_SYNCED, run=run.id, **run.counts))
            if is_new:
                event = self._event(EventType.DIRECTORY_SYNC_HELD, run=run.id, people=len(held))
                work.audit.append(event)
        return waiting or run.id

    def fail(self, run: DirectorySyncRun, why: str, *, is_away: bool) -> None:
        """`is_away`: the directory stopped answering, and is asked again from where it was left."""
        _log.warning("a directory was not read", directory=self.directory.id, why=why)
        if self.is_dry:
            return
        with self._writing() as work:
            last = work.directory_syncs.list_runs(self.directory.id, limit=2)
            if is_away and run.source:
                run.state, run.why = RunState.INTERRUPTED.value, why
                work.directory_syncs.put_run(run)
            else:
                _end(work, run, why, self.effects.now())
            if all(each.why != why for each in last):
                work.audit.append(self._event(EventType.DIRECTORY_SYNC_FAILED, run=run.id, why=why))

    def _supersede(self, work: Work, fingerprint: str) -> str:
        """Of what was held before only the very same can still be confirmed: its id, empty for none."""
        waiting = ""
        for each in work.directory_syncs.list_held(self.directory.id):
            if each.fingerprint == fingerprint:
                waiting = each.id
            else:
                work.directory_syncs.turn(each.id, old=RunState.HELD, new=RunState.SUPERSEDED)
        return waiting

    @contextmanager
    def _writing(self) -> Iterator[Work]:
        with self.database.begin() as work:
            until = self.effects.now() + LEASE_SECONDS
            if not work.directory_syncs.renew_lease(self.directory.id, self.holder, until=until):
                raise BusyError
            yield work

    def _event(self, kind: EventType, **detail: str | int) -> Event:
        return Event(
            type=kind,
            actor_id=self.asked_by,
            municipality=self.directory.municipality,
            detail={"directory": self.directory.name, **detail},
        )


def _goes_on(left: DirectorySyncRun, run: DirectorySyncRun, now: Instant) -> bool:
    """Whether a reading that was left is at least this one, of the same controller and description."""
    is_same = (left.source, left.described_at) == (run.source, run.described_at)
    return is_same and left.is_full >= run.is_full and now - left.started_at < RESUMED_SECONDS


def _end(work: Work, run: DirectorySyncRun, why: str, now: Instant) -> None:
    run.state, run.why, run.finished_at = RunState.FAILED.value, why, now
    work.directory_syncs.forget_entries(run.id)
    work.directory_syncs.put_run(run)
