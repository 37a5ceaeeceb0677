"""Reads and writes browser sessions and the applications reached in them. Limits are `login/`'s.

Ending one writes its notices here, in the same unit of work, so that no way of ending can forget them.
"""

from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import Any

from sqlalchemy import bindparam, false, func, or_, select, text, update

from idp.effects import Instant
from idp.models.clients import Client
from idp.models.municipality_rules import SHARED_IDLE_MINUTES
from idp.models.people import User
from idp.models.sessions import BrowserSession, SessionClient
from idp.storage.computers import ComputerStore
from idp.storage.municipality_rules import least_shared_minutes
from idp.storage.notices import NoticeStore
from idp.storage.prepared import Cells, Prepared
from idp.storage.unit import Unit, record, records, table_of

_SESSIONS_AT_MOST = 50
_CLIENTS_AT_MOST = 200
_NOT_ENDED_AT_MOST = 500
_AT_ONCE = 100
_OVER_AT_ONCE = 100

_sessions = table_of(BrowserSession)
_session_clients = table_of(SessionClient)
_users = table_of(User)
_clients = table_of(Client)

_BY_TOKEN = Prepared(
    select(
        _sessions,
        _users.c.username,
        _users.c.given_name,
        _users.c.family_name,
        _users.c.status,
        _users.c.language,
    )
    .join(_users, _users.c.id == _sessions.c.user_id)
    .where(_sessions.c.token_hash == bindparam("token"))
)
_SESSION = Prepared(select(_sessions).where(_sessions.c.id == bindparam("session")))
_HELD = Prepared(select(_sessions).where(_sessions.c.id == bindparam("session")).with_for_update(read=True))
_ROTATE = Prepared(
    update(_sessions)
    .where(
        _sessions.c.id == bindparam("session"),
        _sessions.c.token_hash == bindparam("old"),
        _sessions.c.ended_at.is_(None),
    )
    .values(
        token_hash=bindparam("new"),
        proofs=bindparam("proven", type_=_sessions.c.proofs.type),
        last_seen_at=bindparam("at"),
        employment_id=bindparam("employment"),
    )
)
_TOUCH = Prepared(
    update(_sessions)
    .where(
        _sessions.c.id == bindparam("session"),
        _sessions.c.last_seen_at < bindparam("at"),
        _sessions.c.ended_at.is_(None),
    )
    .values(last_seen_at=bindparam("at"))
)
_END = Prepared(
    update(_sessions)
    .where(_sessions.c.id == bindparam("session"), _sessions.c.ended_at.is_(None))
    .values(ended_at=bindparam("at"))
    .returning(_sessions.c.user_id)
)
_SHARED = text("sessions.shared")
"""As the index on those says it."""
_END_LEFT_BEHIND = Prepared(
    update(_sessions)
    .where(_sessions.c.token_hash == bindparam("token"), _SHARED, _sessions.c.ended_at.is_(None))
    .values(ended_at=bindparam("at"))
    .returning(_sessions.c.id, _sessions.c.user_id)
)
_SHARED_SECONDS = 60.0 * func.coalesce(
    least_shared_minutes(_sessions.c.user_id).correlate(_sessions).scalar_subquery(), SHARED_IDLE_MINUTES
)
_SHARED_AND_OVER = Prepared(
    select(_sessions.c.id, _sessions.c.last_seen_at)
    .where(
        _SHARED,
        _sessions.c.ended_at.is_(None),
        or_(
            _sessions.c.expires_at <= bindparam("now"),
            _sessions.c.last_seen_at <= bindparam("idle_since"),
            _sessions.c.last_seen_at <= bindparam("now") - _SHARED_SECONDS,
        ),
    )
    .order_by(_sessions.c.last_seen_at)
    .limit(_OVER_AT_ONCE)
)
_END_UNUSED = Prepared(
    update(_sessions)
    .where(
        _sessions.c.id == bindparam("session"),
        _sessions.c.last_seen_at <= bindparam("seen"),
        _sessions.c.ended_at.is_(None),
    )
    .values(ended_at=bindparam("at"))
    .returning(_sessions.c.id, _sessions.c.user_id)
)
_END_OF_USER = Prepared(
    update(_sessions)
    .where(
        _sessions.c.user_id == bindparam("user"),
        _sessions.c.id != bindparam("kept"),
        _sessions.c.ended_at.is_(None),
    )
    .values(ended_at=bindparam("at"))
    .returning(_sessions.c.id)
)
_OF_USER = Prepared(
    select(_sessions)
    .where(
        _sessions.c.user_id == bindparam("user"),
        _sessions.c.ended_at.is_(None),
        _sessions.c.expires_at > bindparam("now"),
        _sessions.c.last_seen_at > bindparam("idle_since"),
    )
    .order_by(_sessions.c.last_seen_at.desc(), _sessions.c.id)
    .limit(_SESSIONS_AT_MOST)
)
_NOT_ENDED = Prepared(
    select(_sessions.c.id, _sessions.c.proofs)
    .where(_sessions.c.user_id == bindparam("user"), _sessions.c.ended_at.is_(None))
    .order_by(_sessions.c.created_at.desc(), _sessions.c.id)
    .limit(_NOT_ENDED_AT_MOST)
)
_CLIENTS_OF = Prepared(
    select(_clients)
    .join(_session_clients, _session_clients.c.client_id == _clients.c.client_id)
    .where(_session_clients.c.session_id == bindparam("session"))
    .order_by(_session_clients.c.first_at, _clients.c.client_id)
    .limit(_CLIENTS_AT_MOST)
)
_VOID_UNFINISHED = Prepared(
    update(_users).where(_users.c.id == bindparam("owner")).values(proofs_not_before=bindparam("at"))
)
_SHARE = Prepared(update(_sessions).where(_sessions.c.id == bindparam("session")).values(shared=True))
_NOBODY = ""


@dataclass(frozen=True, slots=True)
class SessionRow:
    """A session as its cookie finds it, whatever its state, with who it belongs to."""

    id: str
    token_hash: str = field(repr=False)
    user_id: str
    created_at: Instant
    last_seen_at: Instant
    expires_at: Instant
    proofs: list[dict[str, Any]]
    employment_id: str | None
    address: str
    user_agent: str
    ended_at: Instant | None
    shared: bool
    username: str
    display_name: str
    user_status: str
    language: str | None


@dataclass(frozen=True, slots=True)
class Left:
    """A session that its person walked away from."""

    session_id: str
    user_id: str


class SessionStore:
    def __init__(self, unit: Unit) -> None:
        self._unit = unit

    def add(self, session: BrowserSession) -> None:
        self._unit.add(session)

    def find(self, session_id: str) -> BrowserSession | None:
        row = self._unit.first(_SESSION, {"session": session_id})
        return record(BrowserSession, row) if row else None

    def find_held(self, session_id: str) -> BrowserSession | None:
        """It cannot end before this unit of work is over: whoever ends it will find what is added here."""
        row = self._unit.first(_HELD, {"session": session_id})
        return record(BrowserSession, row) if row else None

    def find_by_token(self, token_hash: str) -> SessionRow | None:
        row = self._unit.first(_BY_TOKEN, {"token": token_hash})
        if row is None:
            return None
        *session, username, given_name, family_name, status, language = row
        display_name = f"{given_name} {family_name}".strip() or username
        cells: Cells = (*session, username, display_name, status, language)
        return SessionRow(*cells)

    def rotate(
        self,
        session_id: str,
        *,
        old_hash: str,
        new_hash: str,
        proofs: list[dict[str, Any]],
        at: Instant,
        employment_id: str | None,
    ) -> bool:
        """False when it ended, or somebody rotated it first: the old token opens nothing from here on."""
        values = {
            "session": session_id,
            "old": old_hash,
            "new": new_hash,
            "proven": proofs,
            "at": at,
            "employment": employment_id,
        }
        return self._unit.changed(_ROTATE, values) == 1

    def touch(self, session_id: str, at: Instant) -> None:
        self._unit.changed(_TOUCH, {"session": session_id, "at": at})

    def end(self, session_id: str, at: Instant) -> bool:
        """False when it had ended. The applications reached in it are told, if they wish to be."""
        row = self._unit.first(_END, {"session": session_id, "at": at})
        if row is None:
            return False
        self._notices.add_for_ended([session_id], row[0], at)
        return True

    def end_left_behind(self, token_hash: str, at: Instant) -> Left | None:
        """The one this token would open, if that was begun on a shared computer and nobody ended it."""
        return self._left(self._unit.first(_END_LEFT_BEHIND, {"token": token_hash, "at": at}), at)

    def end_shared_that_are_over(self, now: Instant, *, idle_seconds: float) -> list[Left]:
        """A batch of those on shared computers that are past a limit, unless used since they were found.

        `idle_seconds`: the limit of all sessions, where the municipality's is not less.
        """
        found = self._unit.rows(_SHARED_AND_OVER, {"now": now, "idle_since": now - idle_seconds})
        ended = (
            self._left(self._unit.first(_END_UNUSED, {"session": row[0], "seen": row[1], "at": now}), now)
            for row in found
        )
        return [left for left in ended if left is not None]

    def end_others(self, user_id: str, keep_session_id: str, at: Instant) -> list[str]:
        """Ids of the sessions this ended, with notices to the applications reached in them.

        Remembered computers are forgotten, the one that is kept too: whoever fears for one fears for all.
        """
        ComputerStore(self._unit).forget_all(user_id)
        self.void_unfinished(user_id, at)
        rows = self._unit.rows(_END_OF_USER, {"user": user_id, "kept": keep_session_id, "at": at})
        ended = [row[0] for row in rows]
        self._notices.add_for_ended(ended, user_id, at)
        return ended

    def void_unfinished(self, user_id: str, at: Instant) -> None:
        """Sign-ins of this person that are half-way become none, whatever was proved in them before."""
        self._unit.changed(_VOID_UNFINISHED, {"owner": user_id, "at": at})

    def share(self, session_id: str) -> None:
        """It turned out to be on a computer that several people use; there is no way back."""
        self._unit.changed(_SHARE, {"session": session_id})

    def end_all_of_user(self, user_id: str, at: Instant) -> list[str]:
        return self.end_others(user_id, _NOBODY, at)

    def of_user(self, user_id: str, *, now: Instant, idle_seconds: float) -> list[BrowserSession]:
        """Those that still open something, the most recently seen first."""
        values = {"user": user_id, "now": now, "idle_since": now - idle_seconds}
        return records(BrowserSession, self._unit.rows(_OF_USER, values))

    def list_leaning_on(self, user_id: str, credential_id: str) -> list[str]:
        """Ids of this person's sessions with a proof of that, the newest first; those that ran out, too."""
        rows = self._unit.rows(_NOT_ENDED, {"user": user_id})
        leans = [any(proof.get("credential_id") == credential_id for proof in row[1]) for row in rows]
        return [row[0] for row, does in zip(rows, leans, strict=True) if does]

    def user_agents_of(self, session_ids: Iterable[str]) -> dict[str, str]:
        """What the browsers of these sessions said of themselves, by id; of a hundred at most."""
        wanted = sorted(set(session_ids))[:_AT_ONCE]
        statement = select(_sessions.c.id, _sessions.c.user_agent).where(
            or_(false(), *(_sessions.c.id == session_id for session_id in wanted))
        )
        return dict(self._unit.rows(Prepared(statement)))

    def add_client(self, session_id: str, client_id: str, at: Instant) -> None:
        """Once; again changes nothing."""
        reached = SessionClient(session_id=session_id, client_id=client_id, first_at=at)
        self._unit.add_unless_there(reached, "session_id", "client_id")

    def leave_client(self, user_id: str, client: Client, at: Instant) -> int:
        """This application is no longer reached in any session of this person, and is told so; how often."""
        return self._notices.add_for_withdrawn(user_id, client, at)

    def clients_of(self, session_id: str) -> list[Client]:
        return records(Client, self._unit.rows(_CLIENTS_OF, {"session": session_id}))

    def _left(self, row: Cells | None, at: Instant) -> Left | None:
        if row is None:
            return None
        left = Left(*row)
        self._notices.add_for_ended([left.session_id], left.user_id, at)
        return left

    @property
    def _notices(self) -> NoticeStore:
        return NoticeStore(self._unit)
