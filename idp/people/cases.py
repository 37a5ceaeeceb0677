"""Cases: a person says of an event that it was not them.

What was signed in then is frozen at once, in one transaction with the case. This takes no proof, so that it
is quick, and can do no more than signing out everywhere. Anything further (removing a way of signing in, a
new password) takes a proof made after the case was opened, at the highest level the person can reach
(`Enrolments.requirements`): whoever sits at a stolen session can open a case, and no more.

Not here: what is asked in which order (`walk.py`), the story that is left (`story.py`), pages
(`web/not_me.py`), who may close one (`web/api_cases.py`).
"""

import json
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace
from enum import StrEnum
from typing import Any, Final

from idp.effects import Effects, Instant
from idp.events import Event, EventType
from idp.login.permissions import take_back
from idp.login.sessions import Sessions, SignedIn, Visitor
from idp.login.standing import Standings
from idp.login.tickets import RECOVERY
from idp.models.audit import AuditEvent
from idp.models.cases import Case, CaseReport
from idp.models.vouching import StoppedBy
from idp.policy import OPERATOR
from idp.storage.database import Database
from idp.storage.work import Work

NOT_ME: Final = "not_me"
"""The reason of what ends because a person said so."""
_CONSENTS_READ: Final = 500
_STEPS_AT_MOST: Final = 500
_NOBODY_ELSES: Final = frozenset(
    {
        EventType.USER_ADDED.value,
        EventType.CASE_OPENED.value,
        EventType.CASE_EXTENDED.value,
        EventType.CASE_STEP.value,
        EventType.CASE_FINISHED.value,
        EventType.CASE_CLOSED.value,
    }
)
"""Events that a person is told of and that cannot have been done in their place."""


class Step(StrEnum):
    """What a person did about a case."""

    PROVEN = "proven"
    """Who they are, at the highest level they can reach."""
    KEPT = "kept"
    """Something that is theirs."""
    REMOVED = "removed"
    LEFT = "left"
    """Not theirs, and still there: without it they could not sign in."""
    CHANGED = "changed"
    """A new password, new codes."""


@dataclass(frozen=True, slots=True)
class Taken:
    """`about`: a credential's id, a method's, or `sessions`; `label`: what it was called then."""

    step: Step
    about: str = ""
    label: str = ""


def may_be_disputed(event_type: str) -> bool:
    return event_type not in _NOBODY_ELSES


def session_of(event: AuditEvent) -> str | None:
    """In which it was done, if that is known: where one was ended, the trail names that one alone.

    What was approved on a phone went on elsewhere: the trail names the session of the phone.
    """
    elsewhere = {EventType.SESSION_ENDED, EventType.APPROVAL_GIVEN, EventType.APPROVAL_REFUSED}
    return None if event.type in {each.value for each in elsewhere} else event.session_id


def steps_of(case: Case) -> list[Taken]:
    return [Taken(Step(row["step"]), row["about"], row["label"]) for row in case.steps]


class Cases:
    def __init__(
        self, *, database: Database, standings: Standings, sessions: Sessions, effects: Effects
    ) -> None:
        self._database = database
        self._standings = standings
        self._sessions = sessions
        self._effects = effects

    def find(self, user_id: str, case_id: str) -> Case | None:
        """This person's own."""
        with self._database.read() as work:
            case = work.cases.find(case_id)
        return case if case is not None and case.user_id == user_id else None

    def find_unfinished(self, user_id: str) -> Case | None:
        with self._database.read() as work:
            return work.cases.find_unfinished(user_id)

    def find_event(self, user_id: str, seq: int) -> AuditEvent | None:
        """One that this person may say was not them; for anybody else's it is as if there were none."""
        with self._database.read() as work:
            return _find_event(work, user_id, seq)

    def find_by_event(self, user_id: str, seq: int) -> Case | None:
        with self._database.read() as work:
            case = work.cases.find_by_event(seq)
        return case if case is not None and case.user_id == user_id else None

    def report(self, signed_in: SignedIn, seq: int, visitor: Visitor) -> Case | None:
        """Freezes what was signed in then and opens a case, once, of any number at once.

        While a person is in the middle of one, further events belong to it. None for an event that is not
        theirs to dispute.
        """
        now, user_id = self._effects.now(), signed_in.user_id
        with self._database.begin() as work:
            work.people.hold_user(user_id)
            event = _find_event(work, user_id, seq)
            if event is None:
                return None
            if (known := work.cases.find_by_event(seq)) is not None:
                return known
            case = work.cases.find_unfinished(user_id)
            is_new = case is None
            if case is None:
                case = Case(id=self._new_number(), user_id=user_id, opened_at=now)
                work.cases.add(case, self._municipalities_of(work, user_id))
            session_id = _session_of(work, event)
            work.cases.add_report(CaseReport(event_seq=seq, case_id=case.id, at=now, session_id=session_id))
            kind = EventType.CASE_OPENED if is_new else EventType.CASE_EXTENDED
            told = _event(kind, case, visitor, session_id=signed_in.session_id)
            stopped = _stop_recovery(work, case, event, visitor, now)
            told = replace(told, detail={**told.detail, "event": seq})
            # All is done before the first is written down, since that holds the head of the trail.
            for each in (told, *self._freeze(work, case, signed_in, session_id, visitor), *stopped):
                work.audit.append(each)
        return case

    def take(self, case_id: str, taken: Iterable[Taken], visitor: Visitor) -> bool:
        """Writes down what the person did; the same again changes nothing. False when the case is over.

        Whoever calls has made sure that it is the person's own case, and of the proof.
        """
        with self._database.begin() as work:
            return self._take(work, case_id, taken, visitor)

    def end_sessions(self, case_id: str, signed_in: SignedIn, taken: Taken, visitor: Visitor) -> None:
        """Every other session of the person, with all tokens."""
        with self._database.begin() as work:
            case = work.cases.find_held(case_id)
            if case is None or not self._take(work, case_id, [taken], visitor):
                return
            ended = self._sessions.freeze_others(work, signed_in)
            for each in ended:
                work.audit.append(_ended(case, each, visitor))

    def finish(self, case_id: str, visitor: Visitor) -> bool:
        """The person is through. False when the case was over."""
        with self._database.begin() as work:
            case = work.cases.find_held(case_id)
            if case is None or not work.cases.finish(case_id, self._effects.now()):
                return False
            work.audit.append(_event(EventType.CASE_FINISHED, case, visitor))
        return True

    def _take(self, work: Work, case_id: str, taken: Iterable[Taken], visitor: Visitor) -> bool:
        case = work.cases.find_held(case_id)
        if case is None:
            return False
        known = steps_of(case)
        new = [each for each in dict.fromkeys(taken) if each not in known]
        if len(case.steps) + len(new) > _STEPS_AT_MOST:
            return False
        now = self._effects.now()
        rows = [
            {"step": each.step.value, "at": now, "about": each.about, "label": each.label} for each in new
        ]
        if not work.cases.set_steps(case_id, [*case.steps, *rows]):
            return False
        for each in new:
            event = _event(EventType.CASE_STEP, case, visitor)
            detail: Mapping[str, Any] = {"step": each.step.value, "about": each.about, "label": each.label}
            work.audit.append(replace(event, detail={**event.detail, **detail}))
        return True

    def _new_number(self) -> str:
        """Twelve digits in groups of four: to be told over the phone. It proves nothing."""
        number = int.from_bytes(self._effects.random(8)) % 10**12
        digits = f"{number:012}"
        return f"{digits[:4]}-{digits[4:8]}-{digits[8:]}"

    def _municipalities_of(self, work: Work, user_id: str) -> frozenset[str]:
        person = self._standings.read_person(work, user_id)
        return person.tenants - {OPERATOR} if person is not None else frozenset()

    def _freeze(
        self, work: Work, case: Case, signed_in: SignedIn, session_id: str | None, visitor: Visitor
    ) -> list[Event]:
        """What is to be written down of it."""
        if session_id is None:
            frozen = ended = self._sessions.freeze_others(work, signed_in)
        else:
            work.computers.forget_all(case.user_id)  # whoever was there may have had one remembered
            work.sessions.void_unfinished(case.user_id, self._effects.now())
            frozen, ended = (session_id,), self._sessions.freeze(work, session_id)
        withdrawn = [
            replace(_event(EventType.CONSENT_WITHDRAWN, case, visitor), client_id=client_id, reason=NOT_ME)
            for client_id in _clients_let_in(work, case.user_id, frozen)
            if take_back(work, case.user_id, client_id, self._effects.now())
        ]
        return [*(_ended(case, each, visitor) for each in ended), *withdrawn]


def close(work: Work, case: Case, event: Event, at: float) -> bool:
    """By an administrator: `event` says who, where. False when somebody did before."""
    if not work.cases.close(case.id, event.actor_id or "", at):
        return False
    work.audit.append(
        replace(event, type=EventType.CASE_CLOSED, user_id=case.user_id, detail={"case": case.id})
    )
    return True


def _find_event(work: Work, user_id: str, seq: int) -> AuditEvent | None:
    event = work.audit.find(seq)
    if event is None or event.user_id != user_id or not may_be_disputed(event.type):
        return None
    return event


def _session_of(work: Work, event: AuditEvent) -> str | None:
    """The session in which it happened, if that is the person's own."""
    session_id = session_of(event)
    session = work.sessions.find(session_id) if session_id is not None else None
    return session_id if session is None or session.user_id == event.user_id else None


def _clients_let_in(work: Work, user_id: str, sessions: Iterable[str]) -> list[str]:
    """Applications that got a permission in one of these sessions."""
    wanted = set(sessions)
    given = work.audit.activity_of(user_id, types=[EventType.CONSENT_GIVEN], limit=_CONSENTS_READ)
    return list(
        dict.fromkeys(event.client_id for event in given if event.client_id and event.session_id in wanted)
    )


def _event(kind: EventType, case: Case, visitor: Visitor, *, session_id: str | None = None) -> Event:
    return Event(
        type=kind,
        user_id=case.user_id,
        actor_id=case.user_id,
        session_id=session_id,
        address=visitor.address,
        detail={"case": case.id},
    )


def _stop_recovery(work: Work, case: Case, event: AuditEvent, visitor: Visitor, now: Instant) -> list[Event]:
    """Whoever is on the way into this account by recovering it, and whom this very event vouched for."""
    stopped = [
        replace(_event(EventType.RECOVERY_STOPPED, case, visitor), reason=NOT_ME)
        for _ in work.tickets.revoke_made_by(case.user_id, RECOVERY, now)
    ]
    ids = work.vouchings.stop_of_user(case.user_id, StoppedBy.REPORT, now)
    if event.type == EventType.VOUCH_GIVEN.value:
        given = str(json.loads(event.detail).get("request", ""))
        ids += [given] if work.vouchings.stop(given, StoppedBy.REPORT, now) else []
    for request in filter(None, map(work.vouchings.find, ids)):
        own = {"case": case.id} if request.user_id == case.user_id else {}
        told = Event(
            type=EventType.RECOVERY_STOPPED,
            user_id=request.user_id,
            actor_id=case.user_id,
            reason=NOT_ME,
            address=visitor.address,
            detail={"request": request.id, **own},
        )
        stopped.append(told)
    return stopped


def _ended(case: Case, session_id: str, visitor: Visitor) -> Event:
    return replace(_event(EventType.SESSION_ENDED, case, visitor, session_id=session_id), reason=NOT_ME)
