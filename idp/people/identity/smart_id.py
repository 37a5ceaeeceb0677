"""Confirming by Smart-ID: one session of device links at a time for a sitting, kept sealed until its answer.

A QR code that is scanned needs no more than the answer; an app on the same device also has to bring the
person back to the browser that started, once. Nobody can be aimed at: the session is anonymous, and no
request ever goes to a phone.
"""

import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import asdict, dataclass, field
from enum import StrEnum
from typing import Any, Final

from idp.effects import Effects, Instant
from idp.errors import Reason, Refused
from idp.gateways.identity import Handling
from idp.gateways.smart_id.answers import Created, Ended, Running, Signed
from idp.gateways.smart_id.callback import VALUE_BYTES, Returned, callback_url, check_callback, new_value
from idp.gateways.smart_id.door import LinkedSession, SmartId
from idp.gateways.smart_id.interactions import Interaction
from idp.gateways.smart_id.links import PageLanguage
from idp.gateways.smart_id.outcomes import handling_of
from idp.gateways.smart_id.verification import Asked, Verified
from idp.gateways.smart_id.words import Flow, Screen
from idp.login.limits import Wait
from idp.login.sessions import Visitor
from idp.models.confirmations import Assurance, ConfirmedBy, IdentityRead
from idp.models.person_code import PersonCode
from idp.people.identity import texts
from idp.people.identity.desk import IdentityDesk
from idp.people.identity.sittings import Purpose, Sitting
from idp.storage.ephemeral import Shelf
from idp.storage.sealed_shelf import SealedShelf
from idp.storage.vault import Vault

SESSION_SECONDS: Final = 150
"""The service ends a session after two minutes; what was answered then may still be read."""
POLL_MILLISECONDS: Final = 1000
POLLS_AT_ONCE: Final = 4
"""In one process: each holds a thread for as long as a poll. Whoever finds none free is told to wait."""
UNPROVEN_POLLS_AT_ONCE: Final = 2
"""Beside these, for those who have proved nothing before: they keep nobody else waiting."""
_POLLED: Final = "smart-id-polled"
_LANGUAGES: Final = {"lv": PageLanguage.LATVIAN, "en": PageLanguage.ENGLISH}


class Stage(StrEnum):
    """What a page that waits may be told."""

    WAITING = "waiting"
    RETURNING = "returning"
    """The app has answered; the person has not come back to this browser by its link."""
    READ = "read"
    OVER = "over"


@dataclass(frozen=True, slots=True, kw_only=True)
class Pending:
    """Everything of a session that its answer is held against. `reference` stands in for a name that is not
    shown.
    """

    id: str
    session: LinkedSession = field(repr=False)
    value: str = field(repr=False)
    reference: str
    expires_at: Instant

    @property
    def for_same_device(self) -> bool:
        return Flow.WEB2APP in self.session.asked.flows


class BySmartId:
    def __init__(
        self,
        door: SmartId,
        desk: IdentityDesk,
        *,
        shelf: Shelf,
        vault: Vault,
        effects: Effects,
        site_name: str,
        issuer: str,
    ) -> None:
        """`issuer`: where the app brings people back, if it can; elsewhere there is the QR code alone."""
        self._door = door
        self._desk = desk
        self._shelf = shelf
        self._pending = SealedShelf(shelf, vault, "smart-id-pending")
        self._returned = SealedShelf(shelf, vault, "smart-id-returned")
        self._effects = effects
        self._site_name = site_name
        self._issuer = issuer if door.environment.same_device else None
        self._polls = threading.BoundedSemaphore(POLLS_AT_ONCE)
        self._unproven_polls = threading.BoundedSemaphore(UNPROVEN_POLLS_AT_ONCE)

    def begin(self, sitting: Sitting, visitor: Visitor) -> Wait | Reason | None:
        """None: it waits for a phone now."""
        try:
            if wait := self._desk.start(sitting, ConfirmedBy.SMART_ID, visitor):
                return wait
        except Refused as refusal:
            return refusal.reason
        value = new_value(self._effects.random(VALUE_BYTES))
        reference = f"{int.from_bytes(self._effects.random(4)) % 10000:04d}"
        back = f"{self._issuer}/identity/{sitting.id}/callback" if self._issuer else None
        url = callback_url(back, value) if back else None
        try:
            session = self._door.begin_with_link(self._screens(sitting, reference), callback_url=url)
        except Refused as refusal:
            self._fail(sitting, refusal.reason, visitor)
            return refusal.reason
        expires_at = self._effects.now() + SESSION_SECONDS
        pending = Pending(
            id=self._effects.new_id(),
            session=session,
            value=value,
            reference=reference,
            expires_at=expires_at,
        )
        self._keep(sitting, pending)
        return None

    def find(self, sitting: Sitting) -> Pending | None:
        kept = self._pending.find(sitting.id)
        return _as_pending(kept) if kept else None

    def account_shown(self, sitting: Sitting, pending: Pending) -> str:
        """How the app names the account, to be told on the page beside it."""
        return texts.account_in_app(sitting.username, pending.reference)

    def qr_link(self, sitting: Sitting, pending: Pending) -> str:
        """Good for three seconds."""
        return self._door.qr_link(pending.session, language=_LANGUAGES[sitting.language])

    def same_device_link(self, sitting: Sitting, pending: Pending) -> str | None:
        if not pending.for_same_device:
            return None
        return self._door.same_device_link(pending.session, language=_LANGUAGES[sitting.language])

    def came_back(self, sitting: Sitting, query: str, visitor: Visitor) -> Reason | None:
        """The callback, in the browser that started. A second one of the same session ends it."""
        pending = self.find(sitting)
        if pending is None:
            reason = Reason.SMART_ID_CALLBACK_UNKNOWN
            self._desk.note_alarm(sitting, ConfirmedBy.SMART_ID, reason, visitor)
            return reason
        try:
            returned = check_callback(
                query,
                expected_value=pending.value,
                session_secret=pending.session.created.session_secret,
            )
        except Refused as refusal:
            return self._end(sitting, refusal.reason, visitor)
        kept = {"verifier": returned.verifier}
        if not self._returned.add(pending.id, kept, expires_at=pending.expires_at):
            return self._end(sitting, Reason.SMART_ID_CALLBACK_REPLAYED, visitor)
        return None

    def came_back_elsewhere(self, sitting_id: str, visitor: Visitor) -> None:
        """The callback in another browser than the one that started: it uses nothing up."""
        sitting = self._desk.sittings.find_anywhere(sitting_id)
        if sitting is not None and self.find(sitting) is not None:
            self._desk.note_alarm(
                sitting, ConfirmedBy.SMART_ID, Reason.SMART_ID_CALLBACK_OTHER_BROWSER, visitor
            )

    def look(self, sitting: Sitting, visitor: Visitor) -> Stage:
        """Asks the service at most once in a while, and takes its answer once."""
        if self._desk.sittings.find_read(sitting) is not None:
            return Stage.READ
        pending = self.find(sitting)
        if pending is None:
            return Stage.OVER
        if self._effects.now() >= pending.expires_at:
            self._end(sitting, Reason.SMART_ID_TIMEOUT, visitor)
            return Stage.OVER
        with self._turn(sitting, pending) as mine:
            return self._ask(sitting, pending, visitor) if mine else Stage.WAITING

    def cancel(self, sitting: Sitting) -> None:
        """The person chose otherwise. The service's session runs out, and nobody reads its answer."""
        self._pending.take(sitting.id)

    # Inside ------------------------------------------------------------------------------------------------

    def _ask(self, sitting: Sitting, pending: Pending, visitor: Visitor) -> Stage:
        try:
            state = self._door.poll(pending.session.created.session_id, wait_milliseconds=POLL_MILLISECONDS)
        except Refused as refusal:
            if handling_of(refusal.reason) is Handling.LATER:
                return Stage.WAITING
            self._end(sitting, refusal.reason, visitor)
            return Stage.OVER
        match state:
            case Running():
                return Stage.WAITING
            case Ended(reason=reason):
                self._end(sitting, reason, visitor)
                return Stage.OVER
            case Signed():
                return self._judge(sitting, pending, state, visitor)

    def _judge(self, sitting: Sitting, pending: Pending, signed: Signed, visitor: Visitor) -> Stage:
        returned = self._find_returned(pending)
        if signed.flow.same_device and returned is None:
            return Stage.RETURNING
        if self._pending.take(sitting.id) is None:
            return Stage.WAITING  # another request has it
        try:
            verified = self._door.confirm(signed, pending.session.asked, returned=returned)
            read = self._as_read(verified)
        except Refused as refusal:
            self._fail(sitting, refusal.reason, visitor)
            return Stage.OVER
        return Stage.OVER if self._desk.hold(sitting, read, visitor) else Stage.READ

    def _as_read(self, verified: Verified) -> IdentityRead:
        """Raises Refused."""
        try:
            code = PersonCode.parse(verified.identity.identifier)
        except ValueError:
            raise Refused(Reason.SMART_ID_CERTIFICATE_SUBJECT) from None
        return IdentityRead(
            code=code,
            given_name=verified.identity.given_name,
            family_name=verified.identity.surname,
            confirmed_by=ConfirmedBy.SMART_ID,
            assurance=Assurance.HIGH,
            read_at=self._effects.now(),
            flow=verified.flow.value,
            certificate_fingerprint=verified.certificate_fingerprint,
            evidence=verified.message_digest,
        )

    def _screens(self, sitting: Sitting, reference: str) -> tuple[Interaction, ...]:
        account, language = texts.account_in_app(sitting.username, reference), sitting.language
        recovers = sitting.purpose is Purpose.RECOVERY
        long = texts.long_text(account, self._site_name, language=language, recovers=recovers)
        short = texts.short_text(account, self._site_name, language=language)
        return (
            Interaction(screen=Screen.CONFIRMATION, text=long),
            Interaction(screen=Screen.TEXT_AND_PIN, text=short),
        )

    def _end(self, sitting: Sitting, reason: Reason, visitor: Visitor) -> Reason | None:
        """Whoever takes it from the shelf writes down why."""
        if self._pending.take(sitting.id) is not None:
            self._fail(sitting, reason, visitor)
        return reason

    def _fail(self, sitting: Sitting, reason: Reason, visitor: Visitor) -> None:
        handling = handling_of(reason)
        self._desk.fail(
            sitting,
            ConfirmedBy.SMART_ID,
            reason,
            visitor,
            counts=handling in {Handling.PERSON, Handling.ALARM} and reason is not Reason.SMART_ID_TIMEOUT,
            alarm=handling is Handling.ALARM,
        )

    @contextmanager
    def _turn(self, sitting: Sitting, pending: Pending) -> Iterator[bool]:
        """One poller for each session, wherever its requests arrive, and few in this process."""
        now = self._effects.now()
        polls = self._unproven_polls if sitting.purpose is Purpose.RECOVERY else self._polls
        if not polls.acquire(blocking=False):
            yield False
            return
        try:
            mine = self._shelf.add(_POLLED, pending.id, {}, expires_at=now + POLL_MILLISECONDS / 1000 + 10)
            try:
                yield mine
            finally:
                if mine:
                    self._shelf.take(_POLLED, pending.id)
        finally:
            polls.release()

    def _find_returned(self, pending: Pending) -> Returned | None:
        kept = self._returned.find(pending.id)
        return Returned(verifier=kept["verifier"]) if kept else None

    def _keep(self, sitting: Sitting, pending: Pending) -> None:
        session = pending.session
        value = {
            "id": pending.id,
            "created": asdict(session.created),
            "challenge": session.asked.challenge,
            "interactions": session.asked.interactions,
            "flows": sorted(flow.value for flow in session.asked.flows),
            "callback_url": session.asked.callback_url,
            "began_at": session.began_at,
            "value": pending.value,
            "reference": pending.reference,
            "expires_at": pending.expires_at,
        }
        self._pending.put(sitting.id, value, expires_at=pending.expires_at + 60)


def _as_pending(kept: dict[str, Any]) -> Pending:
    asked = Asked(
        challenge=kept["challenge"],
        interactions=kept["interactions"],
        flows=frozenset(map(Flow, kept["flows"])),
        callback_url=kept["callback_url"],
    )
    session = LinkedSession(created=Created(**kept["created"]), asked=asked, began_at=kept["began_at"])
    return Pending(
        id=kept["id"],
        session=session,
        value=kept["value"],
        reference=kept["reference"],
        expires_at=kept["expires_at"],
    )
