"""The outbox of logout notices: written where sessions end, claimed, delivered, given up, tried again.

A notice is claimed by one conditional update that counts the attempt and moves its time on, so of several
workers one has it, and the claim of one that died lapses. Not here: the token and the call
(`oidc/backchannel.py`).
"""

from collections.abc import Iterable
from enum import StrEnum
from typing import Any, Final

from sqlalchemy import ColumnElement, Integer, bindparam, delete, or_, select, update

from idp.effects import Instant
from idp.models.clients import Client
from idp.models.notices import LogoutNotice
from idp.models.sessions import BrowserSession, SessionClient
from idp.storage.posts import works_in
from idp.storage.prepared import Prepared
from idp.storage.unit import Unit, record, records, table_of

NOTIFIED_AT: Final = "backchannel_logout_uri"
"""The member of a client's registration that says where it takes notices; who has none gets none."""
_AT_ONCE: Final = 500

_notices = table_of(LogoutNotice)
_reached = table_of(SessionClient)
_sessions = table_of(BrowserSession)
_clients = table_of(Client)


class State(StrEnum):
    """What became of a notice. `given_up` is the dead-letter list."""

    WAITING = "waiting"
    GIVEN_UP = "given_up"
    DELIVERED = "delivered"


_STATES: Final[dict[State, tuple[ColumnElement[bool], ...]]] = {
    State.WAITING: (_notices.c.delivered_at.is_(None), _notices.c.given_up_at.is_(None)),
    State.GIVEN_UP: (_notices.c.delivered_at.is_(None), _notices.c.given_up_at.is_not(None)),
    State.DELIVERED: (_notices.c.delivered_at.is_not(None),),
}
_waiting = _STATES[State.WAITING]

_REACHED = Prepared(
    select(_clients.c.client_id, _clients.c.registered)
    .join(_reached, _reached.c.client_id == _clients.c.client_id)
    .where(_reached.c.session_id == bindparam("session"))
)
_LEFT = Prepared(
    delete(_reached)
    .where(
        _reached.c.client_id == bindparam("client"),
        _reached.c.session_id.in_(
            select(_sessions.c.id).where(
                _sessions.c.user_id == bindparam("user"), _sessions.c.ended_at.is_(None)
            )
        ),
    )
    .returning(_reached.c.session_id)
)
_CLIENTS_DUE = Prepared(
    select(_notices.c.client_id).where(*_waiting, _notices.c.next_at <= bindparam("now")).distinct()
)
_DUE = Prepared(
    select(_notices)
    .where(*_waiting, _notices.c.next_at <= bindparam("now"), _notices.c.client_id == bindparam("client"))
    .order_by(_notices.c.next_at, _notices.c.id)
    .limit(bindparam("most", type_=Integer()))
)
_NOTICE = Prepared(select(_notices).where(_notices.c.id == bindparam("notice")))
_CLAIM = Prepared(
    update(_notices)
    .where(_notices.c.id == bindparam("notice"), _notices.c.attempts == bindparam("seen"), *_waiting)
    .values(attempts=_notices.c.attempts + 1, next_at=bindparam("lapses"))
)
_DELIVERED = Prepared(
    update(_notices)
    .where(_notices.c.id == bindparam("notice"), _notices.c.delivered_at.is_(None))
    .values(delivered_at=bindparam("at"), given_up_at=None, last_error=None)
)
_POSTPONE = Prepared(
    update(_notices)
    .where(_notices.c.id == bindparam("notice"), _notices.c.attempts == bindparam("mine"), *_waiting)
    .values(next_at=bindparam("at"), last_error=bindparam("why"))
)
_GIVE_UP = Prepared(
    update(_notices)
    .where(_notices.c.id == bindparam("notice"), _notices.c.attempts == bindparam("mine"), *_waiting)
    .values(given_up_at=bindparam("at"), last_error=bindparam("why"))
)
_RETRY = Prepared(
    update(_notices)
    .where(_notices.c.id == bindparam("notice"), *_STATES[State.GIVEN_UP])
    .values(given_up_at=None, attempts=0, next_at=bindparam("at"))
)
_OLD = Prepared(
    delete(_notices).where(
        _notices.c.id.in_(
            select(_notices.c.id)
            .where(
                or_(
                    _notices.c.delivered_at < bindparam("delivered_before"),
                    _notices.c.given_up_at < bindparam("given_up_before"),
                )
            )
            .limit(_AT_ONCE)
        )
    )
)


class NoticeStore:
    def __init__(self, unit: Unit) -> None:
        self._unit = unit

    def add_for_ended(self, session_ids: Iterable[str], user_id: str, at: Instant) -> int:
        """One for each application reached in each of these sessions, if it takes notices; how many."""
        return sum(
            self._add(client_id, session_id, user_id, at)
            for session_id in session_ids
            for client_id, registered in self._unit.rows(_REACHED, {"session": session_id})
            if registered.get(NOTIFIED_AT)
        )

    def add_for_withdrawn(self, user_id: str, client: Client, at: Instant) -> int:
        """For every open session in which this one application was reached, which it then is no longer."""
        rows = self._unit.rows(_LEFT, {"user": user_id, "client": client.client_id})
        if not client.registered.get(NOTIFIED_AT):
            return 0
        return sum(self._add(client.client_id, session_id, user_id, at) for (session_id,) in rows)

    def clients_due(self, now: Instant) -> list[str]:
        return [client_id for (client_id,) in self._unit.rows(_CLIENTS_DUE, {"now": now})]

    def due(self, client_id: str, now: Instant, *, limit: int) -> list[LogoutNotice]:
        """Those to be tried now, the longest due first."""
        values = {"client": client_id, "now": now, "most": limit}
        return records(LogoutNotice, self._unit.rows(_DUE, values))

    def claim(self, notice: LogoutNotice, *, until: Instant) -> bool:
        """False when another worker has it. The attempt counts from here, whatever becomes of it."""
        values = {"notice": notice.id, "seen": notice.attempts, "lapses": until}
        return self._unit.changed(_CLAIM, values) == 1

    def delivered(self, notice_id: str, at: Instant) -> bool:
        """Also after the claim lapsed, for it did arrive."""
        return self._unit.changed(_DELIVERED, {"notice": notice_id, "at": at}) == 1

    def postpone(self, notice_id: str, *, attempt: int, until: Instant, why: str) -> bool:
        """False, and nothing done, when somebody else has begun a later attempt."""
        return self._unit.changed(_POSTPONE, {**_failed(notice_id, attempt, why), "at": until}) == 1

    def give_up(self, notice_id: str, *, attempt: int, at: Instant, why: str) -> bool:
        return self._unit.changed(_GIVE_UP, {**_failed(notice_id, attempt, why), "at": at}) == 1

    def retry(self, notice_id: str, at: Instant) -> bool:
        """As if it were new; False for one that was not given up."""
        return self._unit.changed(_RETRY, {"notice": notice_id, "at": at}) == 1

    def find(self, notice_id: str) -> LogoutNotice | None:
        row = self._unit.first(_NOTICE, {"notice": notice_id})
        return record(LogoutNotice, row) if row else None

    def list_notices(
        self,
        state: State | None = None,
        *,
        now: Instant,
        municipality: str | None = None,
        after: str | None = None,
        limit: int = 100,
    ) -> list[LogoutNotice]:
        """By id, from the one after `after`; with `municipality`, about those who now work there alone."""
        statement = select(_notices).order_by(_notices.c.id).limit(limit)
        if state is not None:
            statement = statement.where(*_STATES[state])
        if municipality is not None:
            statement = statement.where(works_in(_notices.c.user_id, municipality, now))
        if after is not None:
            statement = statement.where(_notices.c.id > after)
        return records(LogoutNotice, self._unit.rows(Prepared(statement)))

    def remove_old(self, *, delivered_before: Instant, given_up_before: Instant) -> int:
        """A batch; fewer than a full one means that none is left."""
        values = {"delivered_before": delivered_before, "given_up_before": given_up_before}
        return self._unit.changed(_OLD, values)

    def _add(self, client_id: str, session_id: str, user_id: str, at: Instant) -> int:
        self._unit.add(
            LogoutNotice(
                id=self._unit.effects.new_id(),
                client_id=client_id,
                user_id=user_id,
                session_id=session_id,
                created_at=at,
                next_at=at,
            )
        )
        return 1


def state_of(notice: LogoutNotice) -> State:
    if notice.delivered_at is not None:
        return State.DELIVERED
    return State.WAITING if notice.given_up_at is None else State.GIVEN_UP


def _failed(notice_id: str, attempt: int, why: str) -> dict[str, Any]:
    return {"notice": notice_id, "mine": attempt, "why": why}
