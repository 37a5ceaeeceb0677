"""Reads and writes requests for colleagues to vouch. Every step of one is a single conditional statement.

Not here: who may vouch, and for whom (`people/vouching.py`, `people/vouching_rules.py`).
"""

from typing import Final

from sqlalchemy import and_, bindparam, delete, or_, select, update

from idp.effects import Instant
from idp.models.vouching import StoppedBy, VouchingRequest
from idp.storage.prepared import Prepared
from idp.storage.unit import Unit, record, records, table_of

OPEN_AT_MOST: Final = 20
"""Of one person, or one browser, as many as are told of."""
_AT_ONCE: Final = 500

_requests = table_of(VouchingRequest)
_columns = _requests.c
_unsettled = (_columns.stopped_at.is_(None), _columns.finished_at.is_(None))
_alive = (*_unsettled, _columns.expires_at > bindparam("now"))
_is_it = _columns.id == bindparam("request")

_BY_ID = Prepared(select(_requests).where(_is_it))
_BY_NUMBER = Prepared(select(_requests).where(_columns.number == bindparam("told")))
_BY_STOP = Prepared(select(_requests).where(_columns.stop_hash == bindparam("link")))
_OF_BROWSER = Prepared(
    select(_requests)
    .where(_columns.browser == bindparam("asker"), *_alive)
    .order_by(_columns.asked_at, _columns.id)
    .limit(OPEN_AT_MOST)
)
_OPEN = Prepared(
    select(_requests).where(
        _columns.browser == bindparam("asker"), _columns.named == bindparam("name"), *_alive
    )
)
_OF_USER = Prepared(
    select(_requests)
    .where(_columns.user_id == bindparam("user"), *_alive)
    .order_by(_columns.asked_at, _columns.id)
    .limit(OPEN_AT_MOST)
)
_CLOSE_STALE = Prepared(
    update(_requests)
    .where(
        _columns.browser == bindparam("asker"),
        _columns.named == bindparam("name"),
        *_unsettled,
        _columns.expires_at <= bindparam("now"),
    )
    .values(stopped_at=bindparam("now"), stopped_by=StoppedBy.EXPIRED.value)
)
_is_waiting = (*_alive, _columns.second_voucher.is_(None))
_not_for_oneself = _columns.user_id != bindparam("voucher")
_VOUCH_FIRST = Prepared(
    update(_requests)
    .where(_is_it, *_is_waiting, _not_for_oneself, _columns.first_voucher.is_(None))
    .values(first_voucher=bindparam("voucher"), first_at=bindparam("now"))
)
_VOUCH_SECOND = Prepared(
    update(_requests)
    .where(
        _is_it,
        *_is_waiting,
        _not_for_oneself,
        _columns.first_voucher == bindparam("first"),
        _columns.first_voucher != bindparam("voucher"),
    )
    .values(
        second_voucher=bindparam("voucher"),
        second_at=bindparam("now"),
        ready_at=bindparam("ready"),
        expires_at=bindparam("until"),
    )
)
_STOP = Prepared(
    update(_requests).where(_is_it, *_alive).values(stopped_at=bindparam("now"), stopped_by=bindparam("why"))
)
_STOP_OF_USER = Prepared(
    update(_requests)
    .where(_columns.user_id == bindparam("user"), *_alive)
    .values(stopped_at=bindparam("now"), stopped_by=bindparam("why"))
    .returning(_columns.id)
)
_FINISH = Prepared(
    update(_requests)
    .where(
        _is_it,
        *_alive,
        _columns.first_voucher.is_not(None),
        _columns.second_voucher.is_not(None),
        _columns.ready_at <= bindparam("now"),
    )
    .values(finished_at=bindparam("now"), ticket_id=bindparam("ticket"))
)
_LET_IN = Prepared(
    select(_columns.id)
    .where(_columns.user_id == bindparam("user"), _columns.finished_at > bindparam("since"))
    .limit(1)
)
_OLD = Prepared(
    delete(_requests).where(
        _columns.id.in_(
            select(_columns.id)
            .where(
                or_(
                    and_(_columns.finished_at.is_(None), _columns.expires_at < bindparam("unused")),
                    _columns.finished_at < bindparam("used"),
                )
            )
            .limit(_AT_ONCE)
        )
    )
)


class VouchingStore:
    def __init__(self, unit: Unit) -> None:
        self._unit = unit

    def add(self, request: VouchingRequest) -> None:
        """Raises AlreadyExistsError: this browser has one open for that name, or the number is taken."""
        self._unit.add(request)

    def close_stale(self, *, browser: str, named: str, now: Instant) -> None:
        """What expired makes room for another."""
        self._unit.changed(_CLOSE_STALE, {"asker": browser, "name": named, "now": now})

    def find(self, request_id: str) -> VouchingRequest | None:
        """Whatever its state."""
        row = self._unit.first(_BY_ID, {"request": request_id})
        return record(VouchingRequest, row) if row else None

    def find_by_number(self, number: str) -> VouchingRequest | None:
        row = self._unit.first(_BY_NUMBER, {"told": number})
        return record(VouchingRequest, row) if row else None

    def find_by_stop(self, link_hash: str) -> VouchingRequest | None:
        row = self._unit.first(_BY_STOP, {"link": link_hash})
        return record(VouchingRequest, row) if row else None

    def find_open(self, *, browser: str, named: str, now: Instant) -> VouchingRequest | None:
        """The one that this browser has for that name."""
        row = self._unit.first(_OPEN, {"asker": browser, "name": named, "now": now})
        return record(VouchingRequest, row) if row else None

    def of_browser(self, browser: str, now: Instant) -> list[VouchingRequest]:
        """Those that are neither settled nor expired, the oldest first."""
        return records(VouchingRequest, self._unit.rows(_OF_BROWSER, {"asker": browser, "now": now}))

    def of_user(self, user_id: str, now: Instant) -> list[VouchingRequest]:
        return records(VouchingRequest, self._unit.rows(_OF_USER, {"user": user_id, "now": now}))

    def vouch_first(self, request_id: str, voucher: str, now: Instant) -> bool:
        values = {"request": request_id, "voucher": voucher, "now": now}
        return self._unit.changed(_VOUCH_FIRST, values) == 1

    def vouch_second(
        self, request_id: str, voucher: str, *, first: str, now: Instant, ready_at: Instant, until: Instant
    ) -> bool:
        """`first` is whom the caller saw there, and judged the two together by."""
        values = {
            "request": request_id,
            "voucher": voucher,
            "first": first,
            "now": now,
            "ready": ready_at,
            "until": until,
        }
        return self._unit.changed(_VOUCH_SECOND, values) == 1

    def stop(self, request_id: str, by: StoppedBy, now: Instant) -> bool:
        """False when it was settled or expired before."""
        return self._unit.changed(_STOP, {"request": request_id, "why": by.value, "now": now}) == 1

    def stop_of_user(self, user_id: str, by: StoppedBy, now: Instant) -> list[str]:
        """Ids of those that this stopped."""
        values = {"user": user_id, "why": by.value, "now": now}
        return [row[0] for row in self._unit.rows(_STOP_OF_USER, values)]

    def finish(self, request_id: str, ticket_id: str, now: Instant) -> bool:
        """False unless two vouched, the time to stop it is over, and nobody did. Of all who try, one does."""
        values = {"request": request_id, "ticket": ticket_id, "now": now}
        return self._unit.changed(_FINISH, values) == 1

    def was_let_in(self, user_id: str, since: Instant) -> bool:
        """Whether this person came back in by being vouched for."""
        return self._unit.first(_LET_IN, {"user": user_id, "since": since}) is not None

    def remove_old(self, *, unused_before: Instant, used_before: Instant) -> int:
        """A batch; fewer than a full one means that none is left."""
        return self._unit.changed(_OLD, {"unused": unused_before, "used": used_before})
