"""Connections of our own account to one directory, and which of its controllers are left out for now.

One for all threads of a process. A connection is with one thread at a time. A controller that did not answer
is left out for a while, each for itself; then one thread looks whether it is back, and the others do not
wait for that. Nothing is opened here (`door.py` does), so there is nothing to inherit when a process forks.
"""

import threading
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from typing import Any, Final

from idp.gateways.ldap.connection import close
from idp.gateways.ldap.outcomes import DirectoryError, Fault
from idp.gateways.ldap.values import Controller

LEFT_OUT_SECONDS: Final = 15.0
IDLE_SECONDS: Final = 30.0
"""Then a kept connection is not used again: firewalls forget such ones without a word."""
_KEPT_AT_MOST: Final = 8


@dataclass(slots=True)
class Kept:
    connection: Any
    controller: Controller
    since: float


@dataclass(frozen=True, slots=True)
class Out:
    """Why a controller is left out, and until when (a count of the door's clock)."""

    fault: Fault
    told: str
    until: float


@dataclass(slots=True)
class Pool:
    """`now` is always a count of the door's clock."""

    _kept: list[Kept] = field(default_factory=list, repr=False)
    _out: dict[Controller, Out] = field(default_factory=dict)
    _lock: threading.Lock = field(default_factory=threading.Lock, repr=False)

    # Connections ------------------------------------------------------------------------------------

    def take(self, now: float) -> Kept | None:
        while True:
            with self._lock:
                held = self._kept.pop() if self._kept else None
            if held is None or now - held.since <= IDLE_SECONDS:
                return held
            close(held.connection)

    def give_back(self, held: Kept, now: float) -> None:
        held.since = now
        with self._lock:
            if len(self._kept) < _KEPT_AT_MOST:
                self._kept.append(held)
                return
        close(held.connection)

    def drop(self, controller: Controller) -> None:
        """All that are kept to one that was just seen to be gone, so that nobody else waits for it."""
        with self._lock:
            gone = [each for each in self._kept if each.controller == controller]
            self._kept = [each for each in self._kept if each.controller != controller]
        for each in gone:
            close(each.connection)

    def close(self) -> None:
        with self._lock:
            kept, self._kept = self._kept, []
        for each in kept:
            close(each.connection)

    # Circuits ---------------------------------------------------------------------------------------

    def lets(self, controller: Controller, now: float) -> bool:
        """Whether it may be asked. When its time is over, the one thread that is told so looks for all."""
        with self._lock:
            out = self._out.get(controller)
            if out is None:
                return True
            if now < out.until:
                return False
            self._out[controller] = replace(out, until=now + LEFT_OUT_SECONDS)
            return True

    def answered(self, controller: Controller) -> None:
        with self._lock:
            was_out = self._out.pop(controller, None)
        if was_out is not None:
            _count("closed")

    def failed(self, controller: Controller, error: DirectoryError, now: float) -> None:
        with self._lock:
            was_in = controller not in self._out
            self._out[controller] = Out(error.fault, error.told, now + LEFT_OUT_SECONDS)
        if was_in:
            _count("opened")
        self.drop(controller)

    @property
    def out(self) -> Mapping[Controller, Out]:
        with self._lock:
            return dict(self._out)


def _count(change: str) -> None:
    # Not before a server has said where its processes count.
    from idp.metrics import DIRECTORY_CIRCUITS

    DIRECTORY_CIRCUITS.labels(change).inc()
