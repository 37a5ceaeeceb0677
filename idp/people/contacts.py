"""Addresses people add so that they are told what happens to their account: added, confirmed, removed.

A link mailed to the address confirms it: once, within a day, by the person who added it and nobody else. It
is made from a sealed key and the mail's id, so no table holds it and sending it again sends the same. Until
then nothing else goes there. How many links anybody can have sent, and to one address, is bounded, so that
nobody is bombed by way of us. Not here: what is needed for a change (`login/enrolment.py`), the letters.
"""

import base64
from dataclasses import dataclass
from typing import Final, TypeAlias

from idp.crypto import LookupKey, token_hash
from idp.effects import Effects
from idp.errors import Reason
from idp.events import Event, EventType
from idp.login.browsers import told_browser
from idp.login.limits import Wait, charge_all
from idp.login.sessions import SignedIn, Visitor
from idp.methods.base import Rejected
from idp.models.contacts import ContactAddress
from idp.models.email_address import canonical_email, masked, same_mailbox_key
from idp.models.mails import Mail, MailKind
from idp.storage.database import Database
from idp.storage.throttle import Bucket, Throttle
from idp.storage.work import Work

AT_MOST: Final = 5
"""Addresses of one person, confirmed or not."""
LINK_HOURS: Final = 24
LINK_PURPOSE: Final = "contact-link"
LINKS_OF_PERSON: Final = Bucket(
    "contact-links", free=6, base_seconds=600, cap_seconds=6 * 3600, forget_seconds=24 * 3600
)
LINKS_TO_ADDRESS: Final = Bucket(
    "contact-address", free=3, base_seconds=3600, cap_seconds=24 * 3600, forget_seconds=24 * 3600
)
"""Whoever asks for them: a stranger's mailbox is everybody's to protect."""


@dataclass(frozen=True, slots=True)
class Sent:
    """The link is on its way."""

    contact_id: str


Outcome: TypeAlias = Sent | Rejected | Wait


class _RefusedError(Exception):
    """Rolls back what was begun."""

    def __init__(self, reason: Reason) -> None:
        super().__init__(reason.code)
        self.reason = reason


class Contacts:
    def __init__(
        self, *, database: Database, throttle: Throttle, effects: Effects, is_mail_sent: bool
    ) -> None:
        """`is_mail_sent`: whether there is a relay, without which no address can be confirmed."""
        self._database = database
        self._throttle = throttle
        self._effects = effects
        self.is_mail_sent = is_mail_sent

    def of(self, user_id: str) -> list[ContactAddress]:
        with self._database.read() as work:
            return work.contacts.of(user_id)

    def find(self, user_id: str, contact_id: str) -> ContactAddress | None:
        """None for one that is not this person's."""
        with self._database.read() as work:
            return work.contacts.find(user_id, contact_id)

    def add(self, signed_in: SignedIn, typed: str, visitor: Visitor) -> Outcome:
        """Whoever asks has checked that the person proved enough for it."""
        try:
            address = canonical_email(typed)
        except ValueError:
            return Rejected(Reason.NO_EMAIL_ADDRESS)
        if waiting := self._charge(signed_in.user_id, address):
            return waiting
        key = self._database.lookup_key(LINK_PURPOSE)
        contact = ContactAddress(
            id=self._effects.new_id(),
            user_id=signed_in.user_id,
            address=address,
            mailbox=same_mailbox_key(address),
            created_at=self._effects.now(),
        )
        try:
            with self._database.begin() as work:
                # First, for it makes people who do this at the same time wait: what is counted next holds.
                _write(work, EventType.CONTACT_REQUESTED, signed_in, visitor, contact)
                if len(work.contacts.of(signed_in.user_id)) >= AT_MOST:
                    raise _RefusedError(Reason.TOO_MANY_CONTACTS)
                if not work.contacts.add(contact):
                    raise _RefusedError(Reason.CONTACT_THERE_ALREADY)
                self._send_link(work, contact, key)
        except _RefusedError as refused:
            self._give_back(signed_in.user_id, address)
            return Rejected(refused.reason)
        return Sent(contact.id)

    def send_again(self, signed_in: SignedIn, contact_id: str) -> Outcome | None:
        """A new link; the one before confirms nothing any more. None when there is nothing to confirm."""
        contact = self.find(signed_in.user_id, contact_id)
        if contact is None or contact.confirmed_at is not None:
            return None
        if waiting := self._charge(signed_in.user_id, contact.address):
            return waiting
        key = self._database.lookup_key(LINK_PURPOSE)
        with self._database.begin() as work:
            return Sent(contact.id) if self._send_link(work, contact, key) else None

    def find_by_link(self, user_id: str, link: str) -> ContactAddress | None:
        """What this link would confirm for this person; None for every other link, whatever is wrong."""
        with self._database.read() as work:
            return work.contacts.find_by_link(user_id, token_hash(link), self._effects.now())

    def confirm(self, signed_in: SignedIn, link: str, visitor: Visitor) -> bool:
        """Once. From here on the person is told there; that it was added is the first thing they are told."""
        with self._database.begin() as work:
            contact = work.contacts.confirm(signed_in.user_id, token_hash(link), self._effects.now())
            if contact is None:
                return False
            _write(work, EventType.CONTACT_ADDED, signed_in, visitor, contact)
        return True

    def remove(self, signed_in: SignedIn, contact_id: str, visitor: Visitor) -> bool:
        """All addresses are told of it, that one for the last time. One never confirmed goes silently."""
        with self._database.begin() as work:
            contact = work.contacts.find(signed_in.user_id, contact_id)
            if contact is None:
                return False
            if contact.confirmed_at is not None:
                _write(work, EventType.CONTACT_REMOVED, signed_in, visitor, contact)
            return work.contacts.remove(signed_in.user_id, contact_id)

    def _send_link(self, work: Work, contact: ContactAddress, key: LookupKey) -> bool:
        now, mail_id = self._effects.now(), self._effects.new_id()
        is_renewed = work.contacts.renew_link(
            contact.user_id,
            contact.id,
            link_hash=token_hash(link_of(key, mail_id)),
            until=now + LINK_HOURS * 3600,
        )
        if is_renewed:
            work.mails.add(
                Mail(
                    id=mail_id,
                    user_id=contact.user_id,
                    kind=MailKind.CONFIRM_CONTACT.value,
                    about=contact.id,
                    address=contact.address,
                    created_at=now,
                    next_at=now,
                )
            )
        return is_renewed

    def _charge(self, user_id: str, address: str) -> Wait | None:
        seconds = charge_all(self._throttle, _charges(user_id, address))
        return Wait(seconds) if seconds > 0 else None

    def _give_back(self, user_id: str, address: str) -> None:
        for bucket, key in _charges(user_id, address):
            self._throttle.refund(bucket, key)


def link_of(key: LookupKey, mail_id: str) -> str:
    """256 bits that only we can make, as 43 base64url characters."""
    return base64.urlsafe_b64encode(bytes.fromhex(key.index(mail_id))).rstrip(b"=").decode()


def _charges(user_id: str, address: str) -> tuple[tuple[Bucket, str], ...]:
    return ((LINKS_OF_PERSON, user_id), (LINKS_TO_ADDRESS, same_mailbox_key(address)))


def _write(
    work: Work, kind: EventType, signed_in: SignedIn, visitor: Visitor, contact: ContactAddress
) -> None:
    work.audit.append(
        Event(
            type=kind,
            user_id=signed_in.user_id,
            actor_id=signed_in.user_id,
            session_id=signed_in.session_id,
            address=visitor.address,
            detail={"contact": masked(contact.address), **told_browser(visitor.user_agent)},
        )
    )
