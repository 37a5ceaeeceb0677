"""Sessions as the service holds them: kept whole, answered the same at each reading, gone after a while."""

import base64
import secrets
import string
import threading
import uuid
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

from tests.support.smart_id.accounts import Behaviour

LIFETIME = 120.0
FIRST_CONTACT = 60.0
RETENTION = 300.0


@dataclass
class Session:
    """`request` as it came; `target` is an identifier or a document number, and None when anybody may answer."""

    request: dict[str, Any]
    created_at: float
    notification: bool
    target: str | None = None
    id: str = field(default_factory=lambda: str(uuid.uuid4()))
    token: str = field(
        default_factory=lambda: "".join(
            secrets.choice(string.ascii_letters + string.digits) for _ in range(24)
        )
    )
    secret: str = field(default_factory=lambda: base64.b64encode(secrets.token_bytes(18)).decode())
    answer: dict[str, Any] | None = None
    answered_at: float | None = None
    touched: bool = False
    """Whether a phone followed its link."""
    taken_as: str | None = None
    """The flow of the link by which a phone holds it."""
    came_back_to: str | None = None
    """Where the app sent the browser, once it was answered on the same device."""
    forced: Behaviour | None = None
    """How it ends once a phone is asked, whoever holds it."""

    @property
    def challenge(self) -> str:
        return str(self.request["signatureProtocolParameters"]["rpChallenge"])

    @property
    def callback_url(self) -> str:
        return str(self.request.get("initialCallbackUrl") or "")


class Sessions:
    def __init__(self, clock: Callable[[], float]) -> None:
        self._clock = clock
        self._changed = threading.Condition()
        self._by_id: dict[str, Session] = {}
        self.polls_waiting = 0

    def add(self, session: Session) -> None:
        with self._changed:
            self._by_id[session.id] = session

    def find(self, session_id: str) -> Session | None:
        """None also when its result was kept for long enough."""
        with self._changed:
            session = self._by_id.get(session_id)
            if session is None:
                return None
            self._expire(session)
            ended = session.answered_at
            return None if ended is not None and self._clock() > ended + RETENTION else session

    def latest(self) -> Session:
        with self._changed:
            return list(self._by_id.values())[-1]

    def find_by_token(self, token: str) -> Session | None:
        with self._changed:
            found = next((each for each in self._by_id.values() if each.token == token), None)
            if found is not None:
                self._expire(found)
            return found

    def all(self) -> list[Session]:
        with self._changed:
            for each in self._by_id.values():
                self._expire(each)
            return list(self._by_id.values())

    def complete(self, session: Session, answer: dict[str, Any]) -> None:
        """The first ending stays."""
        with self._changed:
            self._expire(session)
            if session.answer is None:
                session.answer, session.answered_at = answer, self._clock()
            self._changed.notify_all()

    def wait(self, session: Session, seconds: float) -> None:
        """Until it is complete, at most so long."""
        with self._changed:
            self.polls_waiting += 1
            self._changed.notify_all()
            try:
                self._changed.wait_for(lambda: session.answer is not None, seconds)
                self._expire(session)
            finally:
                self.polls_waiting -= 1

    def await_poll(self, seconds: float = 10.0) -> bool:
        """For a test that answers while somebody waits."""
        with self._changed:
            return self._changed.wait_for(lambda: self.polls_waiting > 0, seconds)

    def _expire(self, session: Session) -> None:
        if session.answer is not None:
            return
        untouched = not session.notification and not session.touched
        lives = FIRST_CONTACT if untouched else LIFETIME
        if self._clock() >= session.created_at + lives:
            session.answer = {"state": "COMPLETE", "result": {"endResult": "TIMEOUT"}}
            session.answered_at = session.created_at + lives
