"""Enrolment tickets: leave to set up one way of signing in, given by an administrator on a printed letter.

Made once and then known by hash alone; good for 72 hours, for one person, once. A right code and username
open a sitting, bound to the browser; the ticket is used in the act that stores what was set up, and whatever
it depends on is looked at again there.
Not here: setting up (`enrolment.py`), what may be set up (`ways.py`), the letter (`web/letters.py`).
"""

import hmac
from collections.abc import Mapping
from dataclasses import asdict, dataclass, field, replace
from enum import Enum, StrEnum
from typing import Final

from idp.crypto import token_hash
from idp.effects import Effects, Instant
from idp.errors import Reason
from idp.events import Event, EventType
from idp.login.enrolment import Changed, Enrolments
from idp.login.limits import Wait, charge_all, network_of
from idp.login.sessions import Sessions, Visitor
from idp.login.standing import Person, Standings
from idp.login.ticket_codes import canonical_ticket_code, new_ticket_code
from idp.login.turns import HalfWay
from idp.login.ways import Ways
from idp.methods.base import Answer, Challenge, Method, Rejected
from idp.models.tickets import EnrolmentTicket
from idp.models.usernames import canonical_username
from idp.policy import OPERATOR
from idp.storage.database import Database
from idp.storage.ephemeral import Shelf
from idp.storage.throttle import Bucket, Throttle
from idp.storage.tickets import TicketState, state_of
from idp.storage.work import Work

TICKET_SECONDS: Final = 72 * 3600
SITTING_SECONDS: Final = 30 * 60
GUESSES_OF_BROWSER: Final = Bucket(
    "ticket-browser", free=5, base_seconds=5, cap_seconds=900, forget_seconds=24 * 3600
)
GUESSES_OF_ADDRESS: Final = Bucket(
    "ticket-address", free=20, base_seconds=2, cap_seconds=60, forget_seconds=900
)
"""An address may be a whole town hall's, so a stranger in it keeps nobody waiting for more than a minute."""
GUESSES_WITH_CODE: Final = Bucket(
    "ticket-code", free=5, base_seconds=60, cap_seconds=3600, forget_seconds=TICKET_SECONDS
)
"""Whoever found a letter guesses at whose it is, from however many browsers."""
RECOVERY: Final = "recovery"
"""In place of who made a ticket: the person proved who they are, and it is good for that sitting alone."""
_KIND: Final = "enrolment-sitting"


@dataclass(frozen=True, slots=True, kw_only=True)
class Maker:
    """`actor_id`: a user's id, or `command-line`. `municipality` None: for the system as a whole."""

    actor_id: str
    municipality: str | None = None
    client_id: str | None = None
    address: str | None = None

    def did(self, kind: EventType, user_id: str | None, **detail: str) -> Event:
        """To that person, or about them."""
        return Event(
            type=kind,
            user_id=user_id,
            actor_id=self.actor_id,
            municipality=self.municipality,
            client_id=self.client_id,
            address=self.address,
            detail=detail,
        )


@dataclass(frozen=True, slots=True)
class Letter:
    """What is handed over once. `code` is kept nowhere."""

    ticket: EnrolmentTicket
    person: Person
    code: str = field(repr=False)


class NotMade(Enum):
    """Why there is no ticket, for whoever asked: a code and a sentence."""

    OWN_ACCOUNT = ("own_account", "Nobody makes a ticket for their own account.")
    OPERATOR_ONLY = ("operator_only", "Only an operator may make a ticket for this person.")
    BLOCKED = ("blocked_user", "This person is blocked.")
    NOTHING_TO_SET_UP = ("nothing_to_set_up", "By the rules there is nothing that would let this person in.")

    def __init__(self, code: str, text: str) -> None:
        self.code = code
        self.text = text


class _Fault(StrEnum):
    """Why a ticket opens nothing, for the audit trail; whoever tries is told one thing alone."""

    EXPIRED = "expired"
    USED = "used"
    REVOKED = "revoked"
    WRONG_NAME = "wrong_name"
    BLOCKED_USER = "blocked_user"
    OTHER_POSTS = "other_posts"
    BLOCKED_MAKER = "blocked_maker"
    NOTHING_TO_SET_UP = "nothing_to_set_up"


_OVER: Final = {
    TicketState.EXPIRED: _Fault.EXPIRED,
    TicketState.USED: _Fault.USED,
    TicketState.REVOKED: _Fault.REVOKED,
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Sitting:
    """`browser` is a hash; `shared`: begun at a shared computer."""

    id: str
    browser: str
    ticket_id: str
    begun_at: Instant = 0.0
    shared: bool = False


@dataclass(frozen=True, slots=True)
class Opened:
    """A sitting whose ticket is good now; `methods` are those of which one may be set up."""

    sitting: Sitting
    person: Person
    methods: tuple[str, ...]

    @property
    def half_way(self) -> HalfWay:
        sitting = self.sitting
        return HalfWay(user_id=self.person.user.id, since=sitting.begun_at, shared=sitting.shared)


class Tickets:
    def __init__(
        self,
        *,
        database: Database,
        shelf: Shelf,
        throttle: Throttle,
        methods: Mapping[str, Method],
        standings: Standings,
        sessions: Sessions,
        enrolments: Enrolments,
        effects: Effects,
    ) -> None:
        self._database = database
        self._shelf = shelf
        self._throttle = throttle
        self._standings = standings
        self._ways = Ways(methods, standings)
        self._sessions = sessions
        self._enrolments = enrolments
        self._effects = effects

    # Administrators ----------------------------------------------------------------------------------------

    def make(self, user_id: str, maker: Maker) -> Letter | NotMade:
        """One that was open for this person is revoked: the letter printed last is the one that counts."""
        now, code = self._effects.now(), new_ticket_code(self._effects)
        with self._database.begin() as work:
            work.people.hold_user(user_id)
            person = self._standings.read_person(work, user_id)
            if person is None:
                return NotMade.BLOCKED
            if refused := self._refusal(person, maker):
                return refused
            for replaced in work.tickets.revoke_of_user(user_id, now):
                event = maker.did(EventType.TICKET_REVOKED, user_id, ticket=replaced)
                work.audit.append(replace(event, reason="replaced"))
            ticket = EnrolmentTicket(
                id=self._effects.new_id(),
                code_hash=token_hash(code),
                user_id=user_id,
                municipality=maker.municipality,
                made_by=maker.actor_id,
                made_at=now,
                expires_at=now + TICKET_SECONDS,
            )
            work.tickets.add(ticket)
            work.audit.append(maker.did(EventType.TICKET_MADE, user_id, ticket=ticket.id))
        return Letter(ticket, person, code)

    def revoke(self, work: Work, ticket: EnrolmentTicket, maker: Maker) -> bool:
        """False when it opened nothing any more. Whether `maker` may see it is for the caller to know."""
        work.people.hold_user(ticket.user_id)
        if not work.tickets.revoke(ticket.id, self._effects.now()):
            return False
        work.audit.append(maker.did(EventType.TICKET_REVOKED, ticket.user_id, ticket=ticket.id))
        return True

    # Whoever proved who they are ----------------------------------------------------------------------------

    def make_for_proven(self, work: Work, person: Person) -> EnrolmentTicket | None:
        """In the very act in which it was proved. None where by the rules nothing would let them in."""
        if not self._ways.for_recovery(person):
            return None
        now = self._effects.now()
        ticket = EnrolmentTicket(
            id=self._effects.new_id(),
            code_hash=token_hash(self._effects.new_token()),  # known to nobody
            user_id=person.user.id,
            municipality=None,
            made_by=RECOVERY,
            made_at=now,
            expires_at=now + SITTING_SECONDS,
        )
        work.tickets.add(ticket)
        return ticket

    def sit_down(self, ticket: EnrolmentTicket, visitor: Visitor) -> str:
        """The id of the sitting in which it may be used, in this browser. Not in an open unit of work."""
        return self._begin_sitting(ticket, visitor).id

    # Whoever has the letter --------------------------------------------------------------------------------

    def open(self, username: str, typed: str, visitor: Visitor) -> str | Wait | None:
        """The id of the sitting; None for whatever is wrong with the name, the code or the ticket.

        Every guess is paid for before it is looked at; a right one gives its own payment back and no more.
        """
        code = canonical_ticket_code(typed)
        if code is None:
            return None
        code_hash = token_hash(code)
        price = (
            (GUESSES_OF_ADDRESS, network_of(visitor.address)),
            (GUESSES_OF_BROWSER, visitor.browser),
            (GUESSES_WITH_CODE, code_hash),
        )
        seconds = charge_all(self._throttle, price)
        if seconds > 0:
            return Wait(seconds)
        with self._database.read() as work:
            ticket = work.tickets.find_by_code(code_hash)
            found = self._examine(work, ticket, username=username) if ticket is not None else None
        if ticket is None or found is None:
            return None
        if isinstance(found, Person) and not self._ways.for_ticket(found):
            found = _Fault.NOTHING_TO_SET_UP
        if isinstance(found, _Fault):
            self._write_down_refusal(ticket, found, visitor)
            return None
        for bucket, key in price:
            self._throttle.refund(bucket, key)
        return self._begin_sitting(ticket, visitor).id

    def find(self, sitting_id: str, *, browser: str) -> Opened | None:
        """None for a sitting that is unknown in this browser, or whose ticket opens nothing any more."""
        value = self._shelf.find(_KIND, sitting_id)
        if value is None or value["browser"] != token_hash(browser):
            return None
        sitting = Sitting(**value)
        with self._database.read() as work:
            ticket = work.tickets.find(sitting.ticket_id)
            person = self._examine(work, ticket) if ticket is not None else None
        ways = self._ways_of(ticket, person) if ticket and isinstance(person, Person) else ()
        return Opened(sitting, person, ways) if isinstance(person, Person) and ways else None

    def begin(self, opened: Opened, method_id: str) -> Challenge:
        return self._enrolments.begin(opened.sitting.id, self._asked(opened, method_id), method_id)

    def answer(
        self, opened: Opened, method_id: str, answer: Answer, visitor: Visitor
    ) -> Changed | Rejected | Wait:
        """Sets up, uses the ticket and ends every session of the person in one act, or does nothing."""
        if method_id not in opened.methods:
            return Rejected(Reason.METHOD_NOT_OFFERED)
        outcome = self._enrolments.answer(
            opened.sitting.id,
            self._asked(opened, method_id),
            method_id,
            answer,
            visitor=visitor,
            signed_in=None,
            leave=lambda work: self._take(work, opened, method_id, visitor),
        )
        if isinstance(outcome, Changed):
            self._shelf.take(_KIND, opened.sitting.id)
        return outcome

    # Inside ------------------------------------------------------------------------------------------------

    def _refusal(self, person: Person, maker: Maker) -> NotMade | None:
        if person.user.id == maker.actor_id:
            return NotMade.OWN_ACCOUNT
        if maker.municipality is not None and not _is_of(person, maker.municipality):
            return NotMade.OPERATOR_ONLY
        return None if self._ways.for_ticket(person) else NotMade.NOTHING_TO_SET_UP

    def _examine(
        self, work: Work, ticket: EnrolmentTicket, *, username: str | None = None
    ) -> Person | _Fault:
        """Everything a ticket depends on, as it is now. `username`: as typed, where that is part of it."""
        user = work.people.find_user(ticket.user_id)
        if username is not None and not (user and _is_name_of(username, user.username)):
            return _Fault.WRONG_NAME
        state = state_of(ticket, self._effects.now())
        if state is not TicketState.OPEN:
            return _OVER[state]
        person = self._standings.read_person(work, ticket.user_id)
        if person is None:
            return _Fault.BLOCKED_USER
        if ticket.made_by == RECOVERY and _is_void(ticket, person):
            return _Fault.REVOKED
        if ticket.municipality is not None and not _is_of(person, ticket.municipality):
            return _Fault.OTHER_POSTS
        maker = work.people.find_user(ticket.made_by)
        if maker is not None and not maker.is_active:
            return _Fault.BLOCKED_MAKER
        return person

    def _begin_sitting(self, ticket: EnrolmentTicket, visitor: Visitor) -> Sitting:
        now = self._effects.now()
        sitting = Sitting(
            id=self._effects.new_id(),
            browser=token_hash(visitor.browser),
            ticket_id=ticket.id,
            begun_at=now,
            shared=visitor.shared,
        )
        until = min(now + SITTING_SECONDS, ticket.expires_at)
        self._shelf.put(_KIND, sitting.id, asdict(sitting), expires_at=until)
        return sitting

    def _take(self, work: Work, opened: Opened, method_id: str, visitor: Visitor) -> Reason | None:
        """What it may set up is decided by what there was before: the new one is written by now."""
        ticket = work.tickets.find(opened.sitting.ticket_id)
        person = self._examine(work, ticket) if ticket is not None else None
        if ticket is None or not isinstance(person, Person):
            return Reason.TICKET_OVER
        before = replace(person, subject=opened.person.subject, enrolled=opened.person.enrolled)
        if method_id not in self._ways_of(ticket, before):
            return Reason.METHOD_NOT_OFFERED
        if not work.tickets.use(ticket.id, self._effects.now()):
            return Reason.TICKET_OVER
        self._sessions.end_all(work, ticket.user_id, visitor)
        kind = EventType.RECOVERED if ticket.made_by == RECOVERY else EventType.TICKET_USED
        event = _about(kind, ticket, visitor)
        work.audit.append(replace(event, actor_id=ticket.user_id, method=method_id))
        return None

    def _ways_of(self, ticket: EnrolmentTicket, person: Person) -> tuple[str, ...]:
        return (
            self._ways.for_recovery(person) if ticket.made_by == RECOVERY else self._ways.for_ticket(person)
        )

    def _asked(self, opened: Opened, method_id: str) -> Person:
        """Nobody is asked for the password that they set anew because they forgot it."""
        person = opened.person
        if not self._ways.is_known(method_id):
            return person
        kept = [each for each in person.subject.credentials if each.method != method_id]
        return replace(person, subject=replace(person.subject, credentials=kept))

    def _write_down_refusal(self, ticket: EnrolmentTicket, fault: _Fault, visitor: Visitor) -> None:
        event = _about(EventType.TICKET_REFUSED, ticket, visitor)
        with self._database.begin() as work:
            work.audit.append(replace(event, reason=fault.value))


def _is_of(person: Person, municipality: str) -> bool:
    """Works there and nowhere else, and does not run the system: nobody else's door opens with theirs."""
    return OPERATOR not in person.user.roles and person.tenants == {municipality}


def _is_void(ticket: EnrolmentTicket, person: Person) -> bool:
    """All that was half-way was ended since, maybe by the owner who was told of it."""
    since = person.user.proofs_not_before
    return since is not None and ticket.made_at < since


def _is_name_of(typed: str, username: str) -> bool:
    try:
        return hmac.compare_digest(canonical_username(typed).encode(), username.encode())
    except ValueError:
        return False


def _about(kind: EventType, ticket: EnrolmentTicket, visitor: Visitor) -> Event:
    return Event(
        type=kind,
        user_id=ticket.user_id,
        municipality=ticket.municipality,
        address=visitor.address,
        detail={"ticket": ticket.id},
    )
