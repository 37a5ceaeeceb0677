"""The outbox of mails to people. Notices are written by the audit trail itself, so nobody can forget one.

Not here: how a row is claimed and what becomes of it (`outbox.py`), the words (`people/letters.py`).
"""

from collections.abc import Iterator
from typing import Final

from sqlalchemy import Integer, bindparam, func, select, update

from idp.effects import Instant
from idp.models.contacts import ContactAddress
from idp.models.email_address import canonical_email, same_mailbox_key
from idp.models.mails import Mail, MailKind
from idp.models.people import User
from idp.storage.outbox import Outbox, State
from idp.storage.prepared import Prepared
from idp.storage.unit import Unit, record, records, table_of

NOTICES_AN_HOUR: Final = 5
"""Of one type to one person, each told of alone; what follows in that hour is one more mail at its end."""
HOUR: Final = 3600.0
_AT_ONCE: Final = 500

_mails = table_of(Mail)
_users = table_of(User)
_contacts = table_of(ContactAddress)
_outbox = Outbox(_mails)
_is_about = (_mails.c.user_id == bindparam("user"), _mails.c.about == bindparam("about"))

_RECORDED = Prepared(select(_users.c.email).where(_users.c.id == bindparam("user")))
_CONFIRMED = Prepared(
    select(_contacts.c.address)
    .where(_contacts.c.user_id == bindparam("user"), _contacts.c.confirmed_at.is_not(None))
    .order_by(_contacts.c.created_at, _contacts.c.id)
)
_TOLD_LATELY = Prepared(
    select(func.count(_mails.c.event_seq.distinct())).where(
        *_is_about, _mails.c.created_at > bindparam("since"), _mails.c.summed == 0
    )
)
_SUM_UP = Prepared(
    update(_mails)
    .where(*_is_about, *_outbox.waiting, _mails.c.summed > 0, _mails.c.attempts == 0)
    .values(summed=_mails.c.summed + 1)
)
_DUE = Prepared(
    select(_mails)
    .where(*_outbox.waiting, _mails.c.next_at <= bindparam("now"))
    .order_by(_mails.c.next_at, _mails.c.id)
    .limit(bindparam("most", type_=Integer()))
)
_MAIL = Prepared(select(_mails).where(_mails.c.id == bindparam("mail")))
_GIVE_UP_STALE = Prepared(
    update(_mails)
    .where(
        _mails.c.id.in_(
            select(_mails.c.id)
            .where(*_outbox.waiting, _mails.c.next_at < bindparam("before"))
            .limit(_AT_ONCE)
        )
    )
    .values(given_up_at=bindparam("at"), last_error=bindparam("why"))
)


class MailStore:
    def __init__(self, unit: Unit) -> None:
        self._unit = unit

    def add(self, mail: Mail) -> None:
        self._unit.add(mail)

    def add_notices(self, user_id: str, about: str, *, seq: int, at: Instant) -> int:
        """One to each address at which the person is told; how many.

        Past the hour's share, events are only counted, in a row that is sent at the end of the hour. Exact,
        since whoever calls this holds the head of the audit trail until the transaction ends.
        """
        values = {"user": user_id, "about": about}
        ((told,),) = self._unit.rows(_TOLD_LATELY, {**values, "since": at - HOUR})
        is_too_much = told >= NOTICES_AN_HOUR
        if is_too_much and self._unit.changed(_SUM_UP, values):
            return 0
        addresses = self.addresses_of(user_id)
        for address in addresses:
            self.add(
                Mail(
                    id=self._unit.effects.new_id(),
                    user_id=user_id,
                    kind=MailKind.NOTICE.value,
                    about=about,
                    address=address,
                    created_at=at,
                    next_at=at + HOUR if is_too_much else at,
                    event_seq=seq,
                    summed=1 if is_too_much else 0,
                )
            )
        return len(addresses)

    def addresses_of(self, user_id: str) -> list[str]:
        """Where the person is told: what the municipality recorded, and what they confirmed; each once."""
        return list({same_mailbox_key(each): each for each in self._channels(user_id)}.values())

    def due(self, now: Instant, *, limit: int) -> list[Mail]:
        """Those to be tried now, the longest due first."""
        return records(Mail, self._unit.rows(_DUE, {"now": now, "most": limit}))

    def claim(self, mail: Mail, *, until: Instant) -> Mail | None:
        """As it is from now on; None when another worker has it."""
        if not _outbox.claim(self._unit, mail.id, seen=mail.attempts, until=until):
            return None
        return self.find(mail.id)

    def delivered(self, mail_id: str, at: Instant) -> bool:
        return _outbox.delivered(self._unit, mail_id, at)

    def postpone(self, mail: Mail, *, until: Instant, why: str) -> bool:
        """`mail` as it was claimed."""
        return _outbox.postpone(self._unit, mail.id, attempt=mail.attempts, until=until, why=why)

    def give_up(self, mail: Mail, *, at: Instant, why: str) -> bool:
        """`mail` as it was claimed."""
        return _outbox.give_up(self._unit, mail.id, attempt=mail.attempts, at=at, why=why)

    def retry(self, mail_id: str, at: Instant) -> bool:
        """As if it were new; False for one that was not given up."""
        return _outbox.retry(self._unit, mail_id, at)

    def find(self, mail_id: str) -> Mail | None:
        row = self._unit.first(_MAIL, {"mail": mail_id})
        return record(Mail, row) if row else None

    def list_mails(
        self,
        state: State | None = None,
        *,
        now: Instant,
        municipality: str | None = None,
        after: str | None = None,
        limit: int = 100,
    ) -> list[Mail]:
        """By id, from the one after `after`; with `municipality`, to those who now work there alone."""
        statement = select(_mails).order_by(_mails.c.id).limit(limit)
        if state is not None:
            statement = statement.where(*_outbox.states[state])
        if municipality is not None:
            statement = statement.where(_outbox.is_about_one_who_works_in(municipality, now))
        if after is not None:
            statement = statement.where(_mails.c.id > after)
        return records(Mail, self._unit.rows(Prepared(statement)))

    def list_latest(self, *, limit: int) -> list[Mail]:
        """The latest first, whatever became of them."""
        statement = select(_mails).order_by(_mails.c.created_at.desc(), _mails.c.id).limit(limit)
        return records(Mail, self._unit.rows(Prepared(statement)))

    def give_up_stale(self, before: Instant, *, at: Instant) -> int:
        """A batch of those that were due before and nobody tried: nobody is helped by old news."""
        return self._unit.changed(_GIVE_UP_STALE, {"before": before, "at": at, "why": "was not sent in time"})

    def remove_old(self, *, delivered_before: Instant, given_up_before: Instant) -> int:
        """A batch; fewer than a full one means that none is left."""
        return _outbox.remove_old(
            self._unit, delivered_before=delivered_before, given_up_before=given_up_before
        )

    def _channels(self, user_id: str) -> Iterator[str]:
        """An address that cannot be one stays as it was recorded, and is given up in the open."""
        for (address,) in (
            *self._unit.rows(_RECORDED, {"user": user_id}),
            *self._unit.rows(_CONFIRMED, {"user": user_id}),
        ):
            if address:
                try:
                    yield canonical_email(address)
                except ValueError:
                    yield address
