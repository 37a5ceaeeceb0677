"""Whether the directories that this process asks answer it: told to administrators, whichever way was tried.

Written in the unit of work of the attempt, and an answer only where there was none before. Not here: asking
(`doors.py`), what readiness and pages make of it (`storage/directory_states.py`).
"""

from collections.abc import Mapping
from typing import Final

import structlog

from idp.effects import Effects
from idp.errors import Reason
from idp.gateways.ldap.outcomes import DirectoryError, Fault
from idp.methods.base import Away, Rejected
from idp.models.directories import Directory, Fallback
from idp.storage.work import Work

FAULTS: Final[Mapping[Fault, Reason]] = {
    Fault.UNREACHABLE: Reason.DIRECTORY_UNREACHABLE,
    Fault.UNTRUSTED: Reason.DIRECTORY_UNTRUSTED,
    Fault.ACCOUNT_REFUSED: Reason.DIRECTORY_OWN_ACCOUNT_REFUSED,
    Fault.BROKEN: Reason.DIRECTORY_BROKEN,
}
_log = structlog.get_logger("visvaris.directory")


class Answers:
    def __init__(self, effects: Effects) -> None:
        self._effects = effects
        self._silent: set[str] = set()
        """Directories that gave no answer here, and none since."""

    def gave_none(self, work: Work, directory: Directory | None, error: DirectoryError) -> Rejected:
        """Nobody's failure, and for administrators to see."""
        _log.warning("no answer from a directory", fault=error.fault.value, told=error.told)
        _count(error.fault.value)
        if directory is not None:
            self._silent.add(directory.id)
            work.directory_states.saw_none(
                directory.id, error.fault.value, error.told, at=self._effects.now()
            )
        return Rejected(
            FAULTS[error.fault], counted=False, away=away_from(directory) if directory else Away()
        )

    def gave_one(self, work: Work, directory: Directory) -> None:
        """Writes only after it had given none."""
        _count("answered")
        if directory.id in self._silent:
            self._silent.discard(directory.id)
            work.directory_states.saw_answer(directory.id, at=self._effects.now())


def away_from(directory: Directory) -> Away:
    return Away(own_secret=directory.fallback == Fallback.LOCAL.value)


def _count(outcome: str) -> None:
    # Not before a server has said where its processes count.
    from idp.metrics import DIRECTORY_ANSWERS

    DIRECTORY_ANSWERS.labels(outcome).inc()
