"""Reads and writes whether municipalities' directories answered when they were asked last.

Not here: asking them (`people/directory_watch.py`, `methods/directory/`).
"""

from collections.abc import Mapping
from dataclasses import dataclass

from sqlalchemy import bindparam, select, text

from idp.effects import Instant
from idp.models.directories import Directory, DirectoryState
from idp.storage.directories import AT_MOST
from idp.storage.prepared import Prepared
from idp.storage.unit import Unit, record, table_of

_directories = table_of(Directory)
_states = table_of(DirectoryState)
# One statement each, so that of two processes none undoes what the other saw first. Of a directory that is
# gone by now nothing is kept.
_SAW = """
    INSERT INTO directory_states (directory_id, fault, told, since, seen_at, silent)
    SELECT id, :fault, :told, :at, :at, '{}' FROM directories WHERE id = :directory
    ON CONFLICT (directory_id) DO UPDATE SET
        fault = excluded.fault,
        told = excluded.told,
        since = CASE WHEN directory_states.fault = excluded.fault
            THEN directory_states.since ELSE excluded.since END,
        seen_at = excluded.seen_at
"""
_PUT = Prepared(text(_SAW))
_BY_ID = Prepared(select(_states).where(_states.c.directory_id == bindparam("directory")))
_SILENT = Prepared(
    _states.update()
    .where(_states.c.directory_id == bindparam("directory"))
    .values(silent=bindparam("silent_now", type_=_states.c.silent.type))
)
_IN_USE = Prepared(
    select(_directories.c.id, _directories.c.name, _directories.c.municipality, *_states.c)
    .select_from(_directories.outerjoin(_states, _states.c.directory_id == _directories.c.id))
    .where(_directories.c.enabled)
    .order_by(_directories.c.municipality, _directories.c.name)
    .limit(AT_MOST)
)
_OF_MUNICIPALITY = Prepared(
    select(_directories.c.id, _directories.c.name, _directories.c.municipality, *_states.c)
    .select_from(_directories.outerjoin(_states, _states.c.directory_id == _directories.c.id))
    .where(_directories.c.enabled, _directories.c.municipality == bindparam("atvk"))
    .order_by(_directories.c.name)
    .limit(AT_MOST)
)


@dataclass(frozen=True, slots=True)
class Seen:
    """A directory that is in use, and how it was when it was asked last; None: it never was."""

    directory_id: str
    name: str
    municipality: str
    state: DirectoryState | None

    @property
    def is_silent(self) -> bool:
        return self.state is not None and bool(self.state.fault)


class DirectoryStateStore:
    def __init__(self, unit: Unit) -> None:
        self._unit = unit

    def saw_answer(self, directory_id: str, *, at: Instant) -> None:
        self._unit.changed(_PUT, {"directory": directory_id, "fault": "", "told": "", "at": at})

    def saw_none(self, directory_id: str, fault: str, told: str, *, at: Instant) -> None:
        """`fault`: one of the reasons of `gateways/ldap/outcomes.py`."""
        self._unit.changed(_PUT, {"directory": directory_id, "fault": fault, "told": told, "at": at})

    def saw_silent(self, directory_id: str, controllers: Mapping[str, str]) -> None:
        """Those that gave no answer when each was asked, and why. After one of the above."""
        self._unit.changed(_SILENT, {"directory": directory_id, "silent_now": dict(controllers)})

    def find(self, directory_id: str) -> DirectoryState | None:
        row = self._unit.first(_BY_ID, {"directory": directory_id})
        return record(DirectoryState, row) if row else None

    def list_in_use(self) -> list[Seen]:
        return [_seen(row) for row in self._unit.rows(_IN_USE)]

    def list_of(self, municipality: str) -> list[Seen]:
        return [_seen(row) for row in self._unit.rows(_OF_MUNICIPALITY, {"atvk": municipality})]


def _seen(row: tuple[object, ...]) -> Seen:
    directory_id, name, municipality, *state = row
    return Seen(
        str(directory_id), str(name), str(municipality), record(DirectoryState, state) if state[0] else None
    )
