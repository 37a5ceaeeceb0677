"""Getting back in by colleagues who vouch: asked at one browser, vouched for by two, then time to stop it.

Who lost everything tells two colleagues a number by word of mouth; each finds the request by it and picks the
number that the asking browser shows. Then nothing happens for as long as the municipality says, while all who
could know the owner are told; and then that browser, and no other, may set up one way of signing in. Nobody
who vouches sees or sets anything of it.
Not here: who may (`vouching_rules.py`), how often (`vouching_limits.py`), setting up (`login/tickets.py`).
"""

from dataclasses import dataclass, field, replace
from enum import StrEnum
from typing import Final, TypeAlias

from idp.crypto import token_hash
from idp.effects import Effects, Instant
from idp.errors import AlreadyExistsError, Reason, Refused
from idp.events import Event, EventType
from idp.login.limits import Wait
from idp.login.sessions import SignedIn, Visitor
from idp.login.standing import Person
from idp.login.tickets import Tickets
from idp.models.numbers import numbers, place
from idp.models.tickets import EnrolmentTicket
from idp.models.usernames import canonical_username
from idp.models.vouching import StoppedBy, VouchingRequest, VouchingState
from idp.people.contacts import link_of
from idp.people.vouching_limits import VouchingLimits
from idp.people.vouching_rules import VouchingRules
from idp.storage.database import Database
from idp.storage.work import Work

ASKED_SECONDS: Final = 24 * 3600
"""For so long two colleagues can be found."""
USABLE_SECONDS: Final = 72 * 3600
"""For so long, after the time to stop it, the asking browser may go on."""
STOP_PURPOSE: Final = "vouching-stop"
READ_EVERY_SECONDS: Final = 30.0
DENY: Final = "deny"
LEADS_NOWHERE: Final = "leads_nowhere"
_USER_AGENT_LENGTH: Final = 300
_DIGITS: Final = 8
_DRAWS: Final = 5
_UNUSED: Final = frozenset({VouchingState.WAITING, VouchingState.COOLING, VouchingState.READY})


@dataclass(frozen=True, slots=True, kw_only=True)
class Voucher:
    person: Person = field(repr=False)
    signed_in: SignedIn
    visitor: Visitor


class Vouched(StrEnum):
    """What became of somebody's wish to vouch."""

    FIRST = "first"
    SECOND = "second"
    ALREADY = "already"
    NEEDS_LEADER = "needs_leader"
    """One of the two must be a manager or an administrator there, and neither is."""
    WRONG_NUMBER = "wrong_number"
    DENIED = "denied"
    SAME_BROWSER = "same_browser"
    NOT_PROVED = "not_proved"
    """By the rules of that municipality."""
    GONE = "gone"
    """Unknown, over, or none of this person's business."""


Outcome: TypeAlias = VouchingRequest | Vouched
_PAID: Final = frozenset({Vouched.FIRST, Vouched.SECOND, Vouched.WRONG_NUMBER, Vouched.DENIED})


class Vouching:
    def __init__(
        self,
        *,
        database: Database,
        rules: VouchingRules,
        limits: VouchingLimits,
        tickets: Tickets,
        effects: Effects,
    ) -> None:
        self._database = database
        self.rules = rules
        self._limits = limits
        self._tickets = tickets
        self._effects = effects
        self._anywhere: tuple[Instant, bool] = (-READ_EVERY_SECONDS, False)

    def is_anywhere(self) -> bool:
        """Whether any municipality allows it: all that can be said before it is known who asks.

        Read at most every half minute, for it is asked by each portal and account page. What is done is held
        against the rules of that moment, whatever this says.
        """
        now, (read_at, is_on) = self._effects.now(), self._anywhere
        if not 0 <= now - read_at < READ_EVERY_SECONDS:
            with self._database.read() as work:
                is_on = work.municipality_rules.is_vouching_anywhere()
            self._anywhere = (now, is_on)
        return is_on

    # Who asks ----------------------------------------------------------------------------------------------

    def ask(self, username: str, visitor: Visitor) -> VouchingRequest | Wait | Reason:
        """For a canonical username: it looks the same whether anybody has it, and may be vouched for.

        The one that this browser has open for that name, where it has one.
        """
        if visitor.shared:
            return Reason.VOUCHING_SHARED
        if waiting := self._find_open(username, visitor):
            return waiting
        if wait := self._limits.charge_asking(username, visitor):
            return wait
        stop_key = self._database.lookup_key(STOP_PURPOSE)
        for _ in range(_DRAWS):
            request_id = self._effects.new_id()
            stop_hash = token_hash(link_of(stop_key, request_id))
            try:
                return self._begin(request_id, stop_hash, username, visitor)
            except AlreadyExistsError:  # asked twice at once, or the number is taken
                if waiting := self._find_open(username, visitor):
                    return waiting
        raise AlreadyExistsError("no number is free")

    def find_own(self, request_id: str, visitor: Visitor) -> VouchingRequest | None:
        """One that this very browser asked for, whatever became of it."""
        with self._database.read() as work:
            request = work.vouchings.find(request_id)
        return request if request and request.browser == token_hash(visitor.browser) else None

    def of_browser(self, visitor: Visitor) -> list[VouchingRequest]:
        with self._database.read() as work:
            return work.vouchings.of_browser(token_hash(visitor.browser), self._effects.now())

    def cancel(self, request: VouchingRequest, visitor: Visitor) -> bool:
        with self._database.begin() as work:
            return self._stop(work, request, StoppedBy.ASKER, visitor, actor_id=None)

    def finish(self, request: VouchingRequest, visitor: Visitor) -> str | Reason:
        """The sitting in which one way to sign in may be set up. Once; all is looked at again in that act."""
        if visitor.shared:
            return Reason.VOUCHING_SHARED
        if request.user_id is None or request.browser != token_hash(visitor.browser):
            return Reason.VOUCHING_OVER
        try:
            with self._database.begin() as work:
                work.people.hold_user(request.user_id)
                ticket = self._finish(work, request.id, visitor)
        except Refused as refusal:
            return refusal.reason
        return self._tickets.sit_down(ticket, visitor) if ticket else Reason.VOUCHING_OVER

    # Who vouches -------------------------------------------------------------------------------------------

    def find_for(self, typed: str, voucher: Voucher) -> list[VouchingRequest] | Wait:
        """By its number, or by the username of who asks; none that is none of this person's business."""
        if wait := self._limits.charge_look_up(voucher.person.user.id):
            return wait
        with self._database.read() as work:
            found = self._find_typed(work, typed)
            return [each for each in found if self._judge(work, each, voucher) is not Vouched.GONE]

    def look(self, request_id: str, voucher: Voucher) -> Outcome:
        """The request, for who may pick a number now."""
        with self._database.read() as work:
            request = work.vouchings.find(request_id)
            return Vouched.GONE if request is None else self._judge(work, request, voucher) or request

    def vouch(self, request_id: str, voucher: Voucher, *, choice: str) -> Outcome | Wait:
        """`choice`: the number picked, or DENY. For anything else the question stands."""
        voucher_id = voucher.person.user.id
        if wait := self._limits.charge_vouching(voucher_id):
            return wait
        with self._database.begin() as work:
            outcome = self._vouch(work, request_id, voucher, choice)
        if not isinstance(outcome, Vouched) or outcome not in _PAID:
            self._limits.give_back_vouching(voucher_id)
        return outcome

    def take_back(self, request_id: str, voucher: Voucher) -> bool:
        """Whoever vouched may end it as long as nobody has used it."""
        voucher_id = voucher.person.user.id
        with self._database.begin() as work:
            request = work.vouchings.find(request_id)
            if request is None or voucher_id not in request.vouchers:
                return False
            return self._stop(work, request, StoppedBy.VOUCHER, voucher.visitor, actor_id=voucher_id)

    # Whose account it is -----------------------------------------------------------------------------------

    def of_user(self, user_id: str) -> list[VouchingRequest]:
        with self._database.read() as work:
            return work.vouchings.of_user(user_id, self._effects.now())

    def stop_own(self, request_id: str, signed_in: SignedIn, visitor: Visitor) -> bool:
        """In any session of whose account it is."""
        with self._database.begin() as work:
            request = work.vouchings.find(request_id)
            if request is None or request.user_id != signed_in.user_id:
                return False
            return self._stop(work, request, StoppedBy.OWNER, visitor, actor_id=signed_in.user_id)

    def find_by_link(self, link: str) -> VouchingRequest | None:
        """What was mailed stops this one and can do nothing else."""
        with self._database.read() as work:
            request = work.vouchings.find_by_stop(token_hash(link))
        return request if request is not None and request.user_id is not None else None

    def stop_by_link(self, link: str, visitor: Visitor) -> bool:
        request = self.find_by_link(link)
        if request is None:
            return False
        with self._database.begin() as work:
            return self._stop(work, request, StoppedBy.LINK, visitor, actor_id=None)

    # Inside ------------------------------------------------------------------------------------------------

    def _find_open(self, username: str, visitor: Visitor) -> VouchingRequest | None:
        named, browser = token_hash(username), token_hash(visitor.browser)
        with self._database.read() as work:
            return work.vouchings.find_open(browser=browser, named=named, now=self._effects.now())

    def _begin(self, request_id: str, stop_hash: str, username: str, visitor: Visitor) -> VouchingRequest:
        """Raises AlreadyExistsError."""
        now, choices = self._effects.now(), numbers(self._effects)
        named, browser = token_hash(username), token_hash(visitor.browser)
        with self._database.begin() as work:
            work.vouchings.close_stale(browser=browser, named=named, now=now)
            user = work.people.find_user_by_username(username)
            candidate = self.rules.find_candidate(work, user.id) if user else None
            request = VouchingRequest(
                id=request_id,
                number=self._new_number(),
                user_id=candidate.person.user.id if candidate else None,
                municipality=candidate.municipality if candidate else None,
                named=named,
                browser=browser,
                address=visitor.address,
                user_agent=visitor.user_agent[:_USER_AGENT_LENGTH],
                shown=choices[place(self._effects)],
                choices=list(choices),
                stop_hash=stop_hash,
                asked_at=now,
                expires_at=now + ASKED_SECONDS,
            )
            work.vouchings.add(request)
            event = _event(EventType.VOUCHING_ASKED, request, visitor)
            work.audit.append(event if candidate else replace(event, reason=LEADS_NOWHERE))
        return request

    def _new_number(self) -> str:
        """Digits to be told by word of mouth. They open nothing."""
        number = int.from_bytes(self._effects.random(8)) % 10**_DIGITS
        return f"{number:0{_DIGITS}}"

    def _find_typed(self, work: Work, typed: str) -> list[VouchingRequest]:
        digits = "".join(mark for mark in typed if mark not in " -")
        if len(digits) == _DIGITS and digits.isascii() and digits.isdigit():
            request = work.vouchings.find_by_number(digits)
            if request is not None:
                return [request]
        try:
            user = work.people.find_user_by_username(canonical_username(typed))
        except ValueError:
            return []
        return work.vouchings.of_user(user.id, self._effects.now()) if user is not None else []

    def _judge(self, work: Work, request: VouchingRequest, voucher: Voucher) -> Vouched | None:
        """Why this person may not vouch for it now; None when they may."""
        voucher_id, first = voucher.person.user.id, request.first_voucher
        state = request.state(self._effects.now())
        if self.rules.roles_of_voucher(work, request, voucher_id) is None:
            return Vouched.GONE
        if voucher_id in request.vouchers and state in _UNUSED:
            return Vouched.ALREADY
        if state is not VouchingState.WAITING or self.rules.find_candidate_of(work, request) is None:
            return Vouched.GONE
        if request.browser == token_hash(voucher.visitor.browser):
            return Vouched.SAME_BROWSER
        if not self.rules.has_proved_there(request, voucher.person, voucher.signed_in):
            return Vouched.NOT_PROVED
        if first is not None and not self.rules.are_enough(work, request, first, voucher_id):
            return Vouched.NEEDS_LEADER
        return None

    def _vouch(self, work: Work, request_id: str, voucher: Voucher, choice: str) -> Outcome:
        request = work.vouchings.find(request_id)
        if request is None or request.user_id is None or not work.people.hold_user(request.user_id):
            return Vouched.GONE
        request = work.vouchings.find(request_id) or request  # as it is now that it is held
        if refused := self._judge(work, request, voucher):
            return refused
        voucher_id, visitor = voucher.person.user.id, voucher.visitor
        if choice == str(request.shown):
            return self._count(work, request, voucher)
        if choice == DENY:
            by, outcome = StoppedBy.VOUCHER, Vouched.DENIED
        elif choice in map(str, request.choices):
            by, outcome = StoppedBy.WRONG_NUMBER, Vouched.WRONG_NUMBER
        else:
            return request
        return outcome if self._stop(work, request, by, visitor, actor_id=voucher_id) else Vouched.GONE

    def _count(self, work: Work, request: VouchingRequest, voucher: Voucher) -> Vouched:
        now, voucher_id, first = self._effects.now(), voucher.person.user.id, request.first_voucher
        candidate = self.rules.find_candidate_of(work, request)
        if candidate is None:
            return Vouched.GONE
        ready_at = now + candidate.hours * 3600
        if first is None:
            counted = work.vouchings.vouch_first(request.id, voucher_id, now)
        else:
            until = ready_at + USABLE_SECONDS
            counted = work.vouchings.vouch_second(
                request.id, voucher_id, first=first, now=now, ready_at=ready_at, until=until
            )
        if not counted:
            return Vouched.GONE
        told = _event(EventType.VOUCHED, request, voucher.visitor, actor_id=voucher_id)
        if first is not None:
            told = replace(told, detail={**told.detail, "ready_at": int(ready_at)})
        work.audit.append(told)
        work.audit.append(_given(told, request, voucher))
        return Vouched.FIRST if first is None else Vouched.SECOND

    def _finish(self, work: Work, request_id: str, visitor: Visitor) -> EnrolmentTicket | None:
        """None when what it depends on is no more so, and it ended with that. Raises Refused."""
        request = work.vouchings.find(request_id)
        if request is None or request.state(self._effects.now()) is not VouchingState.READY:
            raise Refused(Reason.VOUCHING_OVER)
        candidate, vouchers = self.rules.find_candidate_of(work, request), request.vouchers
        if candidate is None or len(vouchers) < 2 or not self.rules.are_enough(work, request, *vouchers):
            self._stop(work, request, StoppedBy.RULES, visitor, actor_id=None)
            return None
        ticket = self._tickets.make_for_proven(work, candidate.person)
        if ticket is None or not work.vouchings.finish(request.id, ticket.id, self._effects.now()):
            raise Refused(Reason.VOUCHING_OVER)
        work.audit.append(_event(EventType.RECOVERY_BEGUN, request, visitor))
        return ticket

    def _stop(
        self, work: Work, request: VouchingRequest, by: StoppedBy, visitor: Visitor, *, actor_id: str | None
    ) -> bool:
        """Also when it was begun to be used, and nothing is set up yet. False when it was over."""
        now = self._effects.now()
        if request.user_id is not None:
            work.people.hold_user(request.user_id)
        if not work.vouchings.stop(request.id, by, now):
            used = work.vouchings.find(request.id)
            if used is None or used.ticket_id is None or not work.tickets.revoke(used.ticket_id, now):
                return False
        event = _event(EventType.RECOVERY_STOPPED, request, visitor, actor_id=actor_id)
        work.audit.append(replace(event, reason=by.value))
        return True


def _given(told: Event, request: VouchingRequest, voucher: Voucher) -> Event:
    """To whoever vouched: it may not have been them."""
    return replace(
        told,
        type=EventType.VOUCH_GIVEN,
        user_id=voucher.person.user.id,
        session_id=voucher.signed_in.session_id,
        detail={**told.detail, "person": request.user_id or ""},
    )


def _event(
    kind: EventType, request: VouchingRequest, visitor: Visitor, *, actor_id: str | None = None
) -> Event:
    """Of one that leads nowhere it names nobody."""
    return Event(
        type=kind,
        user_id=request.user_id,
        actor_id=actor_id,
        municipality=request.municipality,
        address=visitor.address,
        detail={"request": request.id, "number": request.number},
    )
