"""What goes wrong because somebody asked for it: a test through `Faults`, a person at the admin page through `Forcing`."""

import threading
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from tests.support.smart_id.accounts import CODE_CHOICE, CONFIRMATION, TEXT_AND_PIN, Behaviour


@dataclass
class Faults:
    """What goes wrong, until it is switched off again."""

    status: int | None = None
    dropped: bool = False
    slow: threading.Event | None = None
    """Nothing is answered before it is set."""
    unknown_members: bool = False
    legacy: bool = False
    """471 and 472, as before version 3.2."""
    forbids_unknown_party: bool = False
    """403 rather than 401."""
    changes: Callable[[dict[str, Any]], Any] | None = None
    """What becomes of a body before it is sent; bytes are sent as they are."""


_REFUSED_SCREEN = "USER_REFUSED_INTERACTION"
ENDINGS = {
    "OK": Behaviour(),
    "USER_REFUSED": Behaviour("USER_REFUSED"),
    **{f"{_REFUSED_SCREEN} {screen}": Behaviour(_REFUSED_SCREEN, screen) for screen in (TEXT_AND_PIN, CONFIRMATION, CODE_CHOICE)},
    **{
        end_result: Behaviour(end_result)
        for end_result in (
            *("USER_REFUSED_CERT_CHOICE", "TIMEOUT", "WRONG_VC", "REQUIRED_INTERACTION_NOT_SUPPORTED_BY_APP"),
            *("DOCUMENT_UNUSABLE", "ACCOUNT_UNUSABLE", "PROTOCOL_FAILURE", "EXPECTED_LINKED_SESSION"),
            *("SERVER_ERROR", "SOMETHING_NOBODY_KNOWS"),
        )
    },
}  # fmt: skip
"""By the name a person picks."""
STATUSES = ("480", "500", "503", "580")
FAULTS = (*STATUSES, "slow", "dropped")


@dataclass(frozen=True)
class Forced:
    name: str
    ending: Behaviour | None = None
    faults: Faults | None = None


def forced(name: str) -> Forced:
    """Raises KeyError for a name that is not offered."""
    if name in STATUSES:
        return Forced(name, faults=Faults(status=int(name)))
    if name == "slow":
        return Forced(name, faults=Faults(slow=threading.Event()))
    if name == "dropped":
        return Forced(name, faults=Faults(dropped=True))
    return Forced(name, ending=ENDINGS[name])


class Forcing:
    """For the next session, or for everything until it is cleared; the next comes first. Nothing else is let through twice."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self.next: Forced | None = None
        self.always: Forced | None = None

    def force(self, what: Forced, *, once: bool) -> None:
        with self._lock:
            if once:
                self.next = what
            else:
                self._end_waiting()
                self.always = what

    def clear(self) -> None:
        with self._lock:
            self._end_waiting()
            self.next = self.always = None

    def faults_of_call(self, *, creates: bool) -> Faults | None:
        with self._lock:
            if creates and self.next is not None:
                mine = self.next
                if mine.faults is not None:
                    self.next = None
                return mine.faults
            return self.always.faults if self.always is not None else None

    def ending_of_session(self) -> Behaviour | None:
        with self._lock:
            mine, self.next = self.next or self.always, None
            return mine.ending if mine is not None else None

    def _end_waiting(self) -> None:
        """Whoever is kept waiting is answered."""
        if self.always is not None and self.always.faults is not None and self.always.faults.slow is not None:
            self.always.faults.slow.set()
