"""Browsers that hold proofs: begun, found, rotated, ended. Limits are checked at use, not by a cleanup job.

Not here: the cookie (`web/http.py`), whether the proofs are enough (`standing.py`).
"""

from collections.abc import Iterable
from dataclasses import dataclass, field, replace
from typing import Final

from idp.crypto import token_hash
from idp.effects import Effects, Instant
from idp.events import Event, EventType
from idp.models.methods import Proof
from idp.models.people import UserStatus
from idp.models.sessions import BrowserSession
from idp.storage.database import Database
from idp.storage.sessions import Left
from idp.storage.work import Work

_TOUCH_SECONDS: Final = 60
_USER_AGENT_LENGTH: Final = 300


@dataclass(frozen=True, slots=True, kw_only=True)
class Visitor:
    """The browser that asks: its long-lived random id, its session token if any, where from and what it
    says it is.
    """

    browser: str = field(repr=False)
    address: str
    user_agent: str = ""
    session_token: str | None = field(default=None, repr=False)
    computer: str | None = field(default=None, repr=False)
    """What it keeps since it was remembered (`login/remembered.py`)."""
    shared: bool = False
    """Somebody said that several people use this computer."""


@dataclass(frozen=True, slots=True, kw_only=True)
class SignedIn:
    session_id: str
    user_id: str
    username: str
    display_name: str
    proofs: tuple[Proof, ...]
    employment_id: str | None
    created_at: Instant
    last_seen_at: Instant
    language: str | None = None
    """The person's choice."""
    shared: bool = False
    """On a computer that several people use."""


@dataclass(frozen=True, slots=True)
class Begun:
    """A session as just begun or rotated; `token` goes into the cookie and is kept nowhere."""

    session_id: str
    token: str = field(repr=False)


class Sessions:
    def __init__(
        self, database: Database, effects: Effects, *, idle_seconds: float, absolute_seconds: float
    ) -> None:
        self._database = database
        self._effects = effects
        self._idle_seconds = idle_seconds
        self._absolute_seconds = absolute_seconds

    def find(self, token: str | None) -> SignedIn | None:
        """The session this token opens now: not ended, within both limits, its user not blocked."""
        if not token:
            return None
        now = self._effects.now()
        with self._database.read() as work:
            row = work.sessions.find_by_token(token_hash(token))
            idle_seconds = self._idle_limit(work, row.user_id, shared=row.shared) if row else 0.0
        if row is None or row.ended_at is not None or row.user_status != UserStatus.ACTIVE.value:
            return None
        if now >= row.expires_at or now - row.last_seen_at >= idle_seconds:
            return None
        if now - row.last_seen_at >= min(_TOUCH_SECONDS, idle_seconds / 4):
            with self._database.begin() as work:
                work.sessions.touch(row.id, now)
        return SignedIn(
            session_id=row.id,
            user_id=row.user_id,
            username=row.username,
            display_name=row.display_name,
            proofs=tuple(Proof(**proof) for proof in row.proofs),
            employment_id=row.employment_id,
            created_at=row.created_at,
            last_seen_at=row.last_seen_at,
            language=row.language,
            shared=row.shared,
        )

    def begin(
        self,
        work: Work,
        visitor: Visitor,
        *,
        user_id: str,
        proofs: Iterable[Proof],
        employment_id: str | None,
    ) -> Begun:
        now = self._effects.now()
        begun = Begun(self._effects.new_id(), self._effects.new_token())
        work.sessions.add(
            BrowserSession(
                id=begun.session_id,
                token_hash=token_hash(begun.token),
                user_id=user_id,
                created_at=now,
                last_seen_at=now,
                expires_at=now + self._absolute_seconds,
                proofs=_as_rows(proofs),
                employment_id=employment_id,
                address=visitor.address,
                user_agent=visitor.user_agent[:_USER_AGENT_LENGTH],
                shared=visitor.shared,
            )
        )
        return begun

    def rotate(
        self,
        work: Work,
        signed_in: SignedIn,
        *,
        old_token: str,
        proofs: Iterable[Proof],
        employment_id: str | None,
    ) -> Begun | None:
        """The same session under a new token; None when it ended or rotated meanwhile. The old token opens
        nothing.
        """
        token = self._effects.new_token()
        rotated = work.sessions.rotate(
            signed_in.session_id,
            old_hash=token_hash(old_token),
            new_hash=token_hash(token),
            proofs=_as_rows(proofs),
            at=self._effects.now(),
            employment_id=employment_id,
        )
        return Begun(signed_in.session_id, token) if rotated else None

    def end(self, work: Work, session_id: str, event: Event) -> bool:
        """Ends it with every family of tokens that does not outlive it, and writes `event`."""
        now = self._effects.now()
        if not work.sessions.end(session_id, now):
            return False
        work.grants.revoke_session_families(session_id, now, keep_offline=True)
        work.audit.append(replace(event, session_id=session_id))
        return True

    def end_left_behind(self, work: Work, visitor: Visitor) -> None:
        """The session whose cookie is still here though it opens nothing, if that was on a shared computer.

        Applications reached in it have limits of their own: whoever comes next would find them open.
        """
        now = self._effects.now()
        left = work.sessions.end_left_behind(token_hash(visitor.session_token or ""), now)
        if left is not None:
            _write_down(work, left, now)

    def end_others(self, work: Work, signed_in: SignedIn, visitor: Visitor) -> int:
        """Every session of this person but the one that asks, with all tokens that did not come of it.

        Also those given to be used in the person's absence: whoever stole one must not outlast a new
        password.
        """
        now = self._effects.now()
        ended = work.sessions.end_others(signed_in.user_id, signed_in.session_id, now)
        work.grants.revoke_other_families(signed_in.user_id, signed_in.session_id, now)
        for session_id in ended:
            work.audit.append(_ended(signed_in.user_id, session_id, visitor))
        return len(ended)

    def end_all(self, work: Work, user_id: str, visitor: Visitor) -> int:
        """Every session of this person, with all tokens, also those to be used in the person's absence."""
        now = self._effects.now()
        ended = work.sessions.end_all_of_user(user_id, now)
        work.grants.revoke_families_of_user(user_id, now)
        for session_id in ended:
            work.audit.append(_ended(user_id, session_id, visitor))
        return len(ended)

    def end_one(self, work: Work, signed_in: SignedIn, session_id: str, visitor: Visitor) -> bool:
        """False, and nothing done, for a session that is not this person's own."""
        if all(session.id != session_id for session in self.of_user(work, signed_in.user_id)):
            return False
        return self.end(work, session_id, _ended(signed_in.user_id, session_id, visitor))

    def freeze(self, work: Work, session_id: str) -> tuple[str, ...]:
        """This session with all that came of it, also what was to be used in the person's absence.

        Also where it had ended. The one that this ended, if any; whoever asks writes it down.
        """
        now = self._effects.now()
        ended = work.sessions.end(session_id, now)
        work.grants.revoke_session_families(session_id, now, keep_offline=False)
        return (session_id,) if ended else ()

    def freeze_others(self, work: Work, signed_in: SignedIn) -> tuple[str, ...]:
        """The same for every session but the one that asks."""
        now = self._effects.now()
        ended = work.sessions.end_others(signed_in.user_id, signed_in.session_id, now)
        work.grants.revoke_other_families(signed_in.user_id, signed_in.session_id, now)
        return tuple(ended)

    def share(self, work: Work, session_id: str) -> None:
        """Marked as on a shared computer after it began: it waits no longer than others there."""
        work.sessions.share(session_id)

    def of_user(self, work: Work, user_id: str) -> list[BrowserSession]:
        now = self._effects.now()
        found = work.sessions.of_user(user_id, now=now, idle_seconds=self._idle_seconds)
        limit = self._idle_limit(work, user_id, shared=any(each.shared for each in found))
        return [each for each in found if not each.shared or now - each.last_seen_at < limit]

    def seconds_left_at_shared(self, user_id: str, since: Instant) -> float:
        """How long what this person did last still counts at a shared computer; not above 0: no longer."""
        with self._database.read() as work:
            limit = self._idle_limit(work, user_id, shared=True)
        return since + limit - self._effects.now()

    def _idle_limit(self, work: Work, user_id: str, *, shared: bool) -> float:
        """In seconds. By the rule of now, and only shared sessions pay for the question."""
        if not shared:
            return self._idle_seconds
        minutes = work.municipality_rules.shared_idle_minutes_for(user_id, self._effects.now())
        return min(self._idle_seconds, minutes * 60.0)


def end_shared_that_are_over(work: Work, now: Instant, *, idle_seconds: float) -> int:
    """A batch of those on shared computers; how many it ended. `idle_seconds`: the limit of all sessions."""
    over = work.sessions.end_shared_that_are_over(now, idle_seconds=idle_seconds)
    for left in over:
        _write_down(work, left, now)
    return len(over)


def _write_down(work: Work, left: Left, now: Instant) -> None:
    work.grants.revoke_session_families(left.session_id, now, keep_offline=True)
    work.audit.append(
        Event(
            type=EventType.SESSION_ENDED,
            user_id=left.user_id,
            session_id=left.session_id,
            detail={"expired": True},
        )
    )


def _as_rows(proofs: Iterable[Proof]) -> list[dict[str, object]]:
    """What is false or unknown is left out, as in the rows from before there was more to say."""
    return [_as_row(proof) for proof in proofs]


def _as_row(proof: Proof) -> dict[str, object]:
    row: dict[str, object] = {"method": proof.method, "at": proof.at}
    if proof.user_verified:
        row["user_verified"] = True
    if proof.credential_id is not None:
        row["credential_id"] = proof.credential_id
    if proof.instead_of:
        row["instead_of"] = proof.instead_of
    if proof.multi_factor:
        row["multi_factor"] = True
    return row


def _ended(user_id: str, session_id: str, visitor: Visitor) -> Event:
    return Event(
        type=EventType.SESSION_ENDED,
        user_id=user_id,
        actor_id=user_id,
        session_id=session_id,
        address=visitor.address,
    )
