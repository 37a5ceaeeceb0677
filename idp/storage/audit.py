"""The append-only trail: each record's MAC covers the one before it, and the head says where the trail ends.

With `k` the sealed purpose key: mac(n) = HMAC(k, link(n-1), record n), link(n) = HMAC(k, "head", n, mac(n)).
A record holds its mac and only the head a link, so whoever can write to the tables cannot make an earlier
record the last one.
Not found by this alone: the whole database put back to an older copy.
"""

import hashlib
import hmac
import json
from collections.abc import Callable, Collection, Iterable
from dataclasses import dataclass
from typing import Any

from sqlalchemy import Integer, bindparam, false, func, or_, select, text, update

from idp.crypto import LookupKey
from idp.effects import Instant
from idp.events import TOLD_BY_MAIL, Event, EventType
from idp.models.audit import AuditEvent, AuditHead
from idp.storage.mails import MailStore
from idp.storage.prepared import Cells, Prepared
from idp.storage.unit import Unit, record, records, table_of
from idp.storage.vault import Vault

PURPOSE = "audit-chain"
_BATCH = 1000
_HEAD_ID = 1

_events = table_of(AuditEvent)
_head = table_of(AuditHead)

# Locks the head until the transaction ends, also on its very first use: appends in parallel wait here.
_ADVANCE = Prepared(
    text("""
    INSERT INTO audit_head (id, seq, mac) VALUES (1, 1, '')
    ON CONFLICT (id) DO UPDATE SET seq = audit_head.seq + 1
    RETURNING seq, mac
""")
)
_COLUMNS = tuple(column.key for column in _events.c)
_APPEND = Prepared(_events.insert())
_SET_LINK = Prepared(update(_head).where(_head.c.id == _HEAD_ID).values(mac=bindparam("link")))
_HEAD = Prepared(select(_head.c.seq, _head.c.mac).where(_head.c.id == _HEAD_ID))
_NEXT = Prepared(
    select(_events)
    .where(_events.c.seq > bindparam("after", type_=Integer))
    .order_by(_events.c.seq)
    .limit(_BATCH)
)
_EVENT = Prepared(select(_events).where(_events.c.seq == bindparam("seq", type_=Integer)))
_LAST_SEQ = Prepared(select(func.max(_events.c.seq)))


@dataclass(frozen=True, slots=True)
class AuditReport:
    """`problem` is for the operator; `first_bad_seq` is where the trail stops being what was written."""

    ok: bool
    checked: int
    first_bad_seq: int | None = None
    problem: str | None = None


class AuditStore:
    def __init__(self, unit: Unit, vault: Vault) -> None:
        self._unit = unit
        self._vault = vault

    def append(self, event: Event) -> None:
        """In the surrounding transaction: there exactly when its cause is; and so are the mails about it."""
        begins = self._vault.find_key(self._unit, PURPOSE) is None and self._vault.make_key(
            self._unit, PURPOSE
        )
        key = self._vault.lookup_key(self._unit, PURPOSE)
        ((seq, before),) = self._unit.rows(_ADVANCE)
        if begins and seq == 1:
            before = _genesis(key)
        now = self._unit.effects.now()
        content = _content(event, seq=seq, at=now)
        mac = _mac(key, before, content)
        self._unit.changed(_APPEND, dict(zip(_COLUMNS, (*content, mac), strict=True)))
        self._unit.changed(_SET_LINK, {"link": _link(key, seq, mac)})
        if event.type in TOLD_BY_MAIL and event.user_id is not None:
            MailStore(self._unit).add_notices(event.user_id, event.type.value, seq=seq, at=now)

    def find(self, seq: int) -> AuditEvent | None:
        row = self._unit.first(_EVENT, {"seq": seq})
        return record(AuditEvent, row) if row else None

    def activity_of(
        self,
        user_id: str,
        *,
        limit: int = 50,
        before_seq: int | None = None,
        types: Iterable[EventType] | None = None,
        since: Instant | None = None,
    ) -> list[AuditEvent]:
        """What happened to this person, the latest first; of some `types` alone, or not before `since`."""
        statement = (
            select(_events).where(_events.c.user_id == user_id).order_by(_events.c.seq.desc()).limit(limit)
        )
        if before_seq is not None:
            statement = statement.where(_events.c.seq < before_seq)
        if types is not None:
            wanted = sorted({kind.value for kind in types})
            statement = statement.where(or_(false(), *(_events.c.type == kind for kind in wanted)))
        if since is not None:
            statement = statement.where(_events.c.at >= since)
        return records(AuditEvent, self._unit.rows(Prepared(statement)))

    def story_of(
        self,
        user_id: str,
        *,
        seqs: Collection[int],
        session_ids: Collection[str],
        since: Instant,
        limit: int,
    ) -> list[AuditEvent]:
        """These events of a person, what happened later in these sessions, and all `since`; in order."""
        statement = (
            select(_events)
            .where(
                _events.c.user_id == user_id,
                _events.c.seq >= min(seqs, default=0),
                or_(
                    _events.c.at >= since,
                    *(_events.c.seq == seq for seq in sorted(seqs)),
                    *(_events.c.session_id == session_id for session_id in sorted(session_ids)),
                ),
            )
            .order_by(_events.c.seq)
            .limit(limit)
        )
        return records(AuditEvent, self._unit.rows(Prepared(statement)))

    def verify(self, progress: Callable[[int], None] | None = None) -> AuditReport:
        """Reads the whole trail up to where it ended when this began; `progress` gets the count so far."""
        head = self._unit.first(_HEAD)
        key = self._vault.find_key(self._unit, PURPOSE)
        if head is None or key is None:
            return self._verify_unbegun(has_head=head is not None, has_key=key is not None)
        head_seq, head_link = head
        checked, link = 0, _genesis(key)
        while checked < head_seq:
            rows = [row for row in self._unit.rows(_NEXT, {"after": checked}) if row[0] <= head_seq]
            if not rows:
                return _bad(checked, checked + 1, "the end is missing")
            for row in rows:
                if problem := _problem(key, link, checked + 1, row):
                    return _bad(checked, checked + 1, problem)
                checked, link = row[0], _link(key, row[0], row[-1])
            if progress:
                progress(checked)
        if not hmac.compare_digest(link, head_link):
            return _bad(checked, checked, "the head is not the last record's")
        return self._verify_nothing_beyond(checked)

    def _verify_nothing_beyond(self, checked: int) -> AuditReport:
        """What was appended meanwhile moved the head first; anything past the head was put there by hand."""
        last = self._last_seq()
        head = self._unit.first(_HEAD)
        if head is None or last > head[0]:
            return _bad(checked, checked + 1, "records after the head")
        return AuditReport(ok=True, checked=checked)

    def _verify_unbegun(self, *, has_head: bool, has_key: bool) -> AuditReport:
        if not has_head and not has_key and not self._last_seq():
            return AuditReport(ok=True, checked=0)
        return _bad(0, 1, f"the trail's {'head' if has_key else 'key'} is missing")

    def _last_seq(self) -> int:
        ((last,),) = self._unit.rows(_LAST_SEQ)
        return int(last or 0)


def _bad(checked: int, first_bad_seq: int, problem: str) -> AuditReport:
    return AuditReport(ok=False, checked=checked, first_bad_seq=first_bad_seq, problem=problem)


def _content(event: Event, *, seq: int, at: float) -> Cells:
    """All columns but the last, which is the `mac`."""
    return (
        seq,
        at,
        event.type.value,
        event.user_id,
        event.actor_id,
        event.municipality,
        event.client_id,
        event.session_id,
        event.method,
        event.reason,
        event.address,
        json.dumps(dict(event.detail), sort_keys=True, separators=(",", ":")),
    )


def _problem(key: LookupKey, link: str, expected_seq: int, row: Cells) -> str | None:
    *content, mac = row
    if content[0] != expected_seq:
        return "a record is missing"
    if not hmac.compare_digest(_mac(key, link, content), mac):
        return "the record was changed, or is not the one that followed here"
    return None


def _mac(key: LookupKey, before: str, content: Iterable[Any]) -> str:
    return _hmac(key, ["event", before, *content])


def _link(key: LookupKey, seq: int, mac: str) -> str:
    return _hmac(key, ["head", seq, mac])


def _genesis(key: LookupKey) -> str:
    """What the first record follows; used once, in the transaction that makes the key."""
    return _link(key, 0, "")


def _hmac(key: LookupKey, parts: Iterable[object]) -> str:
    return hmac.new(key.key, json.dumps(list(parts)).encode(), hashlib.sha256).hexdigest()
