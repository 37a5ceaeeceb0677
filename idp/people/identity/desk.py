"""The one place where an identity that was read is linked to an account, or opens the way back into it.

Every way of confirming (`smart_id.py` and its siblings) ends here: `hold` after it was read, `link` after the
person said that it is to be. Whatever fails leaves the account as it was, with an event that says precisely
why, and one sentence that says what to do.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from typing import Final, TypeAlias

from idp.effects import Effects
from idp.errors import AlreadyExistsError, Reason, Refused
from idp.events import Event, EventType
from idp.login.limits import Wait
from idp.login.sessions import Sessions, SignedIn, Visitor
from idp.login.standing import Person, Standings
from idp.login.tickets import Tickets
from idp.login.transaction import Transaction
from idp.models.confirmations import ConfirmedBy, IdentityRead
from idp.models.tickets import EnrolmentTicket
from idp.people.identity.limits import IdentityLimits
from idp.people.identity.rules import IdentityRules, same_names
from idp.people.identity.sittings import Purpose, Sitting, Sittings
from idp.people.identity.texts import CONSENT_VERSION
from idp.storage.database import Database
from idp.storage.ephemeral import Shelf
from idp.storage.work import Work

CONFIRMED_SECONDS: Final = 15 * 60
"""For so long after it a confirmed identity is leave to set up a way of signing in, in that session."""
_CONFIRMED: Final = "identity-confirmed"
_NOTED: Final = "identity-alarm"


@dataclass(frozen=True, slots=True)
class Linked:
    """`token`: the session's new one. `needs_factor`: nothing is set up that would sign the person in next
    time without a password alone.
    """

    token: str = field(repr=False)
    needs_factor: bool = False


@dataclass(frozen=True, slots=True)
class LetIn:
    """The sitting in which a way of signing in may be set up (`web/enrol.py`)."""

    enrolment_id: str


Ending: TypeAlias = Linked | LetIn | Reason
Use: TypeAlias = Callable[[Work, Sitting, IdentityRead], Reason | None]
"""What else must be true in the very act, or is used up by it; None when it may go on."""


class IdentityDesk:
    def __init__(
        self,
        *,
        database: Database,
        shelf: Shelf,
        sittings: Sittings,
        limits: IdentityLimits,
        rules: IdentityRules,
        standings: Standings,
        sessions: Sessions,
        tickets: Tickets,
        effects: Effects,
        uses: Mapping[ConfirmedBy, Use] | None = None,
    ) -> None:
        self._database = database
        self._shelf = shelf
        self.sittings = sittings
        self.limits = limits
        self.rules = rules
        self._standings = standings
        self._sessions = sessions
        self._tickets = tickets
        self._effects = effects
        self._uses = uses or {}

    # Beginning ---------------------------------------------------------------------------------------------

    def begin_in_session(self, signed_in: SignedIn, visitor: Visitor, *, language: str) -> Sitting:
        return self.sittings.begin(
            Purpose.ACCOUNT,
            browser=visitor.browser,
            user_id=signed_in.user_id,
            username=signed_in.username,
            holder=signed_in.session_id,
            language=language,
            shared=visitor.shared or signed_in.shared,
        )

    def begin_in_sign_in(
        self, person: Person, transaction: Transaction, visitor: Visitor, *, language: str
    ) -> Sitting:
        """Whoever asks has seen that this person proved a first factor in it, and can prove nothing else."""
        return self.sittings.begin(
            Purpose.SIGN_IN,
            browser=visitor.browser,
            user_id=person.user.id,
            username=person.user.username,
            holder=transaction.id,
            language=language,
            since=min(proof.at for proof in transaction.proofs),
            shared=visitor.shared or transaction.shared,
        )

    def begin_for_name(self, username: str, visitor: Visitor, *, language: str) -> Sitting:
        """For whoever typed a canonical username: it begins in the same way whether anybody has it."""
        with self._database.read() as work:
            user = work.people.find_user_by_username(username)
        return self.sittings.begin(
            Purpose.RECOVERY,
            browser=visitor.browser,
            user_id=user.id if user else "",
            username=username,
            holder="",
            language=language,
            shared=visitor.shared,
        )

    def find(self, sitting_id: str, *, visitor: Visitor, signed_in: SignedIn | None) -> Sitting | None:
        """One that this browser may go on with now."""
        sitting = self.sittings.find(sitting_id, browser=visitor.browser)
        if sitting is None or (sitting.purpose is Purpose.ACCOUNT and not _is_of(sitting, signed_in)):
            return None
        return sitting

    def agree(self, sitting: Sitting, *, language: str) -> Sitting:
        agreed = replace(
            sitting, consent_version=CONSENT_VERSION, language=language, agreed_at=self._effects.now()
        )
        self.sittings.put(agreed)
        return agreed

    def start(self, sitting: Sitting, by: ConfirmedBy, visitor: Visitor) -> Wait | None:
        """To be called before anything leaves for the service: None when it may. Raises Refused without
        consent.
        """
        if not sitting.consent_version:
            raise Refused(Reason.IDENTITY_NO_CONSENT)
        if wait := self.limits.charge_start(sitting, visitor):
            return wait
        self.sittings.forget_failure(sitting)
        with self._database.begin() as work:
            work.audit.append(_event(EventType.IDENTITY_STARTED, sitting, visitor, by))
        return None

    # Reading -----------------------------------------------------------------------------------------------

    def hold(self, sitting: Sitting, read: IdentityRead, visitor: Visitor) -> Reason | None:
        """Keeps it for the person to say yes, unless it can not be linked anyway."""
        with self._database.begin() as work:
            refused = self.rules.why_not(work, sitting, read)
        if refused is not None:
            self.fail(sitting, read.confirmed_by, refused, visitor)
            return refused
        self.sittings.keep_read(sitting, read)
        return None

    def fail(
        self,
        sitting: Sitting,
        by: ConfirmedBy,
        reason: Reason,
        visitor: Visitor,
        *,
        counts: bool = True,
        alarm: bool = False,
    ) -> None:
        """`counts`: it was the person's doing, or an attacker's. `alarm`: somebody should look."""
        self.sittings.keep_failure(sitting, reason)
        if counts:
            self.limits.count_failure(sitting, visitor)
        with self._database.begin() as work:
            event = _event(EventType.IDENTITY_REFUSED, sitting, visitor, by)
            work.audit.append(replace(event, reason=reason.code))
            if alarm:
                work.audit.append(replace(event, type=EventType.IDENTITY_ALARM, reason=reason.code))

    def note_alarm(self, sitting: Sitting, by: ConfirmedBy, reason: Reason, visitor: Visitor) -> None:
        """What changes nothing and should be looked at: once of one sitting, however often it comes."""
        if not self._shelf.add(_NOTED, f"{sitting.id}\x1f{reason.code}", {}, expires_at=sitting.expires_at):
            return
        event = _event(EventType.IDENTITY_ALARM, sitting, visitor, by)
        with self._database.begin() as work:
            work.audit.append(replace(event, actor_id=None, reason=reason.code))

    # Linking -----------------------------------------------------------------------------------------------

    def link(self, sitting: Sitting, signed_in: SignedIn | None, visitor: Visitor) -> Ending:
        """Once. Everything is looked at again in the one transaction that does it."""
        read = self.sittings.take_read(sitting)
        if read is None:
            return Reason.IDENTITY_OVER
        try:
            with self._database.begin() as work:
                work.people.hold_user(sitting.user_id)
                if refused := self.rules.why_not(work, sitting, read):
                    raise Refused(refused)
                if (use := self._uses.get(read.confirmed_by)) and (refused := use(work, sitting, read)):
                    raise Refused(refused)
                made = self._commit(work, sitting, read, signed_in, visitor)
        except AlreadyExistsError:
            return self._failed_late(sitting, read, Reason.IDENTITY_TAKEN, visitor)
        except Refused as refusal:
            return self._failed_late(sitting, read, refusal.reason, visitor)
        self.sittings.end(sitting)
        self.limits.succeeded(sitting, visitor)
        if isinstance(made, EnrolmentTicket):
            return LetIn(self._tickets.sit_down(made, visitor))
        until = self._effects.now() + CONFIRMED_SECONDS
        self._shelf.put(_CONFIRMED, sitting.holder, {"at": self._effects.now()}, expires_at=until)
        return made

    def confirmed_at(self, session_id: str) -> float | None:
        """When this session confirmed who it is, as long as that is leave to set something up."""
        kept = self._shelf.find(_CONFIRMED, session_id)
        return kept["at"] if kept else None

    def remove(self, signed_in: SignedIn, visitor: Visitor) -> bool:
        """The person takes it back, with what was just opened by it. The code on file stays. False when there
        was none.
        """
        self._shelf.take(_CONFIRMED, signed_in.session_id)
        with self._database.begin() as work:
            work.people.hold_user(signed_in.user_id)
            if not work.confirmations.remove(signed_in.user_id):
                return False
            work.sessions.void_unfinished(signed_in.user_id, self._effects.now())
            work.audit.append(
                Event(
                    type=EventType.IDENTITY_REMOVED,
                    user_id=signed_in.user_id,
                    actor_id=signed_in.user_id,
                    session_id=signed_in.session_id,
                    address=visitor.address,
                )
            )
        return True

    def decline(self, sitting: Sitting, visitor: Visitor) -> None:
        """Not this identity, or not this account: nothing is kept."""
        read = self.sittings.take_read(sitting)
        if read is not None:
            self.fail(sitting, read.confirmed_by, Reason.IDENTITY_DECLINED, visitor, counts=False)

    def give_up(self, sitting: Sitting) -> None:
        """The person left: what was read, or is still being read, is linked by nobody who comes next."""
        self.sittings.end(sitting)

    def _commit(
        self,
        work: Work,
        sitting: Sitting,
        read: IdentityRead,
        signed_in: SignedIn | None,
        visitor: Visitor,
    ) -> Linked | EnrolmentTicket:
        """Raises Refused, AlreadyExistsError."""
        person = self._standings.read_person(work, sitting.user_id)
        if person is None:
            raise Refused(Reason.IDENTITY_OTHER)
        if sitting.purpose is not Purpose.RECOVERY:
            work.confirmations.put(
                sitting.user_id,
                read,
                consent_version=sitting.consent_version,
                consent_language=sitting.language,
            )
            work.audit.append(_confirmed(sitting, read, person, visitor))
        if sitting.purpose is Purpose.ACCOUNT:
            return self._rotate(work, person, signed_in, visitor)
        ticket = self._tickets.make_for_proven(work, person)
        if ticket is None:
            raise Refused(Reason.IDENTITY_NOT_ENOUGH)
        work.audit.append(_event(EventType.RECOVERY_BEGUN, sitting, visitor, read.confirmed_by))
        return ticket

    def _rotate(self, work: Work, person: Person, signed_in: SignedIn | None, visitor: Visitor) -> Linked:
        if signed_in is None:
            raise Refused(Reason.IDENTITY_OVER)
        begun = self._sessions.rotate(
            work,
            signed_in,
            old_token=visitor.session_token or "",
            proofs=signed_in.proofs,
            employment_id=signed_in.employment_id,
        )
        if begun is None:
            raise Refused(Reason.IDENTITY_OVER)
        return Linked(begun.token, needs_factor=self.rules.needs_factor(person))

    def _failed_late(self, sitting: Sitting, read: IdentityRead, reason: Reason, visitor: Visitor) -> Reason:
        self.fail(sitting, read.confirmed_by, reason, visitor)
        return reason


def _is_of(sitting: Sitting, signed_in: SignedIn | None) -> bool:
    return (
        signed_in is not None
        and signed_in.session_id == sitting.holder
        and signed_in.user_id == sitting.user_id
    )


def _event(kind: EventType, sitting: Sitting, visitor: Visitor, by: ConfirmedBy) -> Event:
    own = sitting.purpose is not Purpose.RECOVERY
    return Event(
        type=kind,
        user_id=sitting.user_id or None,
        actor_id=sitting.user_id if own else None,
        session_id=sitting.holder if sitting.purpose is Purpose.ACCOUNT else None,
        method=by.value,
        address=visitor.address,
        detail={"purpose": sitting.purpose.value},
    )


def _confirmed(sitting: Sitting, read: IdentityRead, person: Person, visitor: Visitor) -> Event:
    event = _event(EventType.IDENTITY_CONFIRMED, sitting, visitor, read.confirmed_by)
    return replace(
        event,
        detail={
            **event.detail,
            "assurance": read.assurance.value,
            "flow": read.flow,
            "certificate": read.certificate_fingerprint,
            "same_names": same_names(person.user, read),
        },
    )
