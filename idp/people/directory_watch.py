"""Asks each controller of every directory in use whether our account is let in; writes down who is silent.

The worker does it each minute, so that readiness and administrators know before people complain, and learn
that it is over without anybody signing in. Not here: leaving a controller out (`gateways/ldap/pool.py`, in
each process for itself).
"""

from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, replace
from typing import Final

import structlog

from idp.crypto import SealError
from idp.effects import Effects
from idp.gateways.ldap.door import Door
from idp.gateways.ldap.outcomes import DirectoryError, Fault
from idp.gateways.ldap.route import Route, route_to
from idp.storage.database import Database
from idp.storage.directory_states import Seen
from idp.storage.work import Work

_AT_ONCE: Final = 8
_log = structlog.get_logger("visvaris.directory")


@dataclass(frozen=True, slots=True)
class Looked:
    """`silent`: controllers that gave no answer, and why; `error`: why there was none at all."""

    directory_id: str
    silent: dict[str, str]
    error: DirectoryError | None


class DirectoryWatch:
    def __init__(self, database: Database, effects: Effects) -> None:
        self._database = database
        self._effects = effects

    def look(self) -> int:
        """How many gave no answer."""
        with self._database.read() as work:
            before = {seen.directory_id: seen for seen in work.directory_states.list_in_use()}
            routes = {directory_id: _route(work, directory_id) for directory_id in before}
        with ThreadPoolExecutor(_AT_ONCE, thread_name_prefix="directory-watch") as askers:
            looked = list(askers.map(_look_at, routes.keys(), routes.values()))
        for each in looked:
            self._write(each)
            _tell(before[each.directory_id], each)
        return sum(each.error is not None for each in looked)

    def _write(self, looked: Looked) -> None:
        now = self._effects.now()
        with self._database.begin() as work:
            if looked.error is None:
                work.directory_states.saw_answer(looked.directory_id, at=now)
            else:
                error = looked.error
                work.directory_states.saw_none(looked.directory_id, error.fault.value, error.told, at=now)
            work.directory_states.saw_silent(looked.directory_id, looked.silent)


def _route(work: Work, directory_id: str) -> Route | None:
    """None for what cannot be read: a password under a key that is gone, controllers that are none."""
    directory = work.directories.get(directory_id)
    try:
        return route_to(directory, work.directories.password_of(directory))
    except (SealError, ValueError):
        return None


def _look_at(directory_id: str, route: Route | None) -> Looked:
    if route is None:
        return Looked(directory_id, {}, DirectoryError(Fault.BROKEN, "its description cannot be read"))
    silent: dict[str, str] = {}
    first: DirectoryError | None = None
    for controller in route.controllers:
        door = Door(replace(route, controllers=(controller,))).for_one_step()
        try:
            door.greet()
        except DirectoryError as error:
            silent[str(controller)] = error.fault.value
            first = first or error
        finally:
            door.close()
    return Looked(directory_id, silent, first if len(silent) == len(route.controllers) else None)


def _tell(before: Seen, looked: Looked) -> None:
    """Once when it begins and once when it is over."""
    if looked.error is not None and not before.is_silent:
        _log.error("a directory does not answer", directory=before.name, told=looked.error.told)
    elif looked.error is None and before.is_silent:
        _log.info("a directory answers again", directory=before.name)
