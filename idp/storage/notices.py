"""The outbox of logout notices: written where sessions end, and for whom.

Not here: how a row is claimed and what becomes of it (`outbox.py`), the token and the call
(`oidc/backchannel.py`).
"""

from collections.abc import Iterable
from typing import Final

from sqlalchemy import Integer, bindparam, delete, select

from idp.effects import Instant
from idp.models.clients import Client
from idp.models.notices import LogoutNotice
from idp.models.sessions import BrowserSession, SessionClient
from idp.storage.outbox import Outbox, State
from idp.storage.prepared import Prepared
from idp.storage.unit import Unit, record, records, table_of

NOTIFIED_AT: Final = "backchannel_logout_uri"
"""The member of a client's registration that says where it takes notices; who has none gets none."""

_notices = table_of(LogoutNotice)
_reached = table_of(SessionClient)
_sessions = table_of(BrowserSession)
_clients = table_of(Client)
_outbox = Outbox(_notices)


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
    select(_notices.c.client_id).where(*_outbox.waiting, _notices.c.next_at <= bindparam("now")).distinct()
)
_DUE = Prepared(
    select(_notices)
    .where(
        *_outbox.waiting, _notices.c.next_at <= bindparam("now"), _notices.c.client_id == bindparam("client")
    )
    .order_by(_notices.c.next_at, _notices.c.id)
    .limit(bindparam("most", type_=Integer()))
)
_NOTICE = Prepared(select(_notices).where(_notices.c.id == bindparam("notice")))


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
        return _outbox.claim(self._unit, notice.id, seen=notice.attempts, until=until)

    def delivered(self, notice_id: str, at: Instant) -> bool:
        """Also after the claim lapsed, for it did arrive."""
        return _outbox.delivered(self._unit, notice_id, at)

    def postpone(self, notice_id: str, *, attempt: int, until: Instant, why: str) -> bool:
        """False, and nothing done, when somebody else has begun a later attempt."""
        return _outbox.postpone(self._unit, notice_id, attempt=attempt, until=until, why=why)

    def give_up(self, notice_id: str, *, attempt: int, at: Instant, why: str) -> bool:
        return _outbox.give_up(self._unit, notice_id, attempt=attempt, at=at, why=why)

    def retry(self, notice_id: str, at: Instant) -> bool:
        """As if it were new; False for one that was not given up."""
        return _outbox.retry(self._unit, notice_id, at)

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
            statement = statement.where(*_outbox.states[state])
        if municipality is not None:
            statement = statement.where(_outbox.is_about_one_who_works_in(municipality, now))
        if after is not None:
            statement = statement.where(_notices.c.id > after)
        return records(LogoutNotice, self._unit.rows(Prepared(statement)))

    def remove_old(self, *, delivered_before: Instant, given_up_before: Instant) -> int:
        """A batch; fewer than a full one means that none is left."""
        return _outbox.remove_old(
            self._unit, delivered_before=delivered_before, given_up_before=given_up_before
        )

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
