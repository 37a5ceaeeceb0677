"""Setting up, changing and removing ways of signing in, on the account page or in the middle of a sign-in.

Not here: how a method proves that it was set up (`methods/`), who may set one up half-way (`policy.py`).
"""

import math
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from typing import Final, TypeAlias

from idp.attestation_policy import REFUSALS
from idp.effects import Effects, Instant
from idp.errors import Reason, Refused
from idp.events import Event, EventType
from idp.login.browsers import told_browser
from idp.login.limits import Limits, Wait
from idp.login.sessions import Sessions, SignedIn, Visitor
from idp.login.standing import Person, Standings
from idp.login.transaction import FRESH_SECONDS, Requirements
from idp.login.ways import Ways
from idp.methods.base import Answer, Challenge, Enrolled, Method, Rejected, label_from
from idp.models.methods import Factor, Proof
from idp.policy import Why
from idp.storage.database import Database
from idp.storage.ephemeral import Shelf
from idp.storage.sealed_shelf import SealedShelf
from idp.storage.vault import Vault
from idp.storage.work import Work

_KIND: Final = "enrolment"
_LIFETIME_SECONDS: Final = 30 * 60
_GUESSES: Final = {
    Reason.WRONG_CURRENT_PASSWORD,
    Reason.WRONG_CODE,
    Reason.CODE_ALREADY_USED,
    Reason.KEY_ANSWER_BROKEN,
    Reason.KEY_OF_ANOTHER,
}
"""Refusals that count against whoever tries; a new password that is too short does not."""
_FORBIDDEN: Final = {Why.NOT_ALLOWED_NATIONALLY, Why.NOT_ALLOWED_BY_MUNICIPALITY}

Leave: TypeAlias = Callable[[Work], Reason | None]
"""Why somebody may set up a way of signing in, taken in the very act that stores it, after it was written.

A reason means that there is no leave any more: nothing is stored. What is used up, is used up with it.
"""


@dataclass(frozen=True, slots=True)
class Changed:
    """`show_once`: what the person must write down now. `token`: the session's new one, if its level rose.
    `credential_id`: what was set up; empty for what stands in for it.
    `for_browser`: what this browser keeps to be known as the person's own.
    """

    show_once: tuple[str, ...] = field(default=(), repr=False)
    token: str | None = field(default=None, repr=False)
    credential_id: str | None = None
    for_browser: str = field(default="", repr=False)


class _NoLeaveError(Exception):
    """Undoes everything."""

    def __init__(self, reason: Reason) -> None:
        super().__init__(reason.code)
        self.reason = reason


class Enrolments:
    def __init__(
        self,
        *,
        database: Database,
        shelf: Shelf,
        vault: Vault,
        methods: Mapping[str, Method],
        standings: Standings,
        sessions: Sessions,
        limits: Limits,
        effects: Effects,
    ) -> None:
        self._database = database
        self._begun = SealedShelf(shelf, vault, _KIND)
        self._methods = methods
        self._standings = standings
        self._ways = Ways(methods, standings)
        self._sessions = sessions
        self._limits = limits
        self._effects = effects

    def requirements(self, person: Person, *, confirmed_at: Instant | None = None) -> Requirements:
        """To change how one signs in: everything one can prove, proved within the last ten minutes.

        Or within the ten before the session confirmed whose account it is, which it began with such a proof.
        And after the person, or whoever sits at their session, said that something was not them.
        """
        return self._ways.to_prove(person, since=self._proven_since(person, confirmed_at))

    def may_set_up(self, person: Person, method_id: str, *, shared: bool = False) -> bool:
        """Whether this person may add, or replace, this way of signing in on the account page.

        `shared`: the computer is; nobody lets it approve what they do elsewhere.
        """
        method = self._methods.get(method_id)
        if method is None or method.facts.elsewhere or not self._is_permitted(person, method_id):
            return False
        if method.facts.companion and shared:
            return False
        if method.facts.backup or method.facts.companion:
            return self._ways.has_strong(person.enrolled)
        return method.facts.enrollable or method_id in person.enrolled

    def may_remove(self, person: Person, method_id: str, credential_id: str | None = None) -> bool:
        """Never the one without which the person could not sign in any more; codes on paper do not count,
        nor does what leans on other ways.

        `credential_id`: which of several, where the method has several.
        """
        method = self._methods.get(method_id)
        if method is None or not (method.facts.enrollable or method.facts.companion):
            return False
        if method.facts.several != (credential_id is not None):
            return False
        if not any(credential_id in {None, each.id} for each in person.subject.of(method_id)):
            return False
        if method.facts.companion:
            return True
        return self._ways.may_lose(person, self._ways.without(person, method_id, credential_id))

    def begin(self, holder: str, person: Person, method_id: str, *, shared: bool = False) -> Challenge:
        """`holder`: the sign-in or session it happens in. Begun once; the same page again shows the same."""
        if begun := self._begun.find(_key(holder, method_id)):
            return Challenge(**begun)
        subject = replace(person.subject, on_shared_computer=shared)
        challenge = self._methods[method_id].begin_enrolment(subject)
        self._keep(holder, method_id, challenge)
        return challenge

    def answer(
        self,
        holder: str,
        person: Person,
        method_id: str,
        answer: Answer,
        *,
        visitor: Visitor,
        signed_in: SignedIn | None,
        leave: Leave | None = None,
    ) -> Changed | Rejected | Wait:
        """Whoever asks has checked that it may be. A challenge serves one success, also of parallel ones.

        `signed_in`: the session it is done in, which must still be there in the end. `leave`: any other
        reason why it may be; what it gives leave to brings new recovery codes, whatever there were.
        """
        method = self._methods[method_id]
        attempt = self._limits.charge(username=person.user.username, method=method.facts, visitor=visitor)
        if isinstance(attempt, Wait):
            return attempt
        begun = self._begun.take(_key(holder, method_id))
        if begun is None:
            return Rejected(Reason.TRANSACTION_EXPIRED)
        challenge = Challenge(**begun)
        backups = self._missing_backups(person) if leave is None else self._permitted_backups(person)
        try:
            with self._database.begin() as work:
                if method.facts.enrollable or method.facts.companion:
                    work.people.hold_user(person.user.id)
                outcome = self._enrol(
                    work, person, method, challenge, answer, visitor=visitor, backups=backups
                )
                if isinstance(outcome, Changed) and leave is not None and (refused := leave(work)):
                    raise _NoLeaveError(refused)
                if isinstance(outcome, Changed) and signed_in is not None:
                    outcome = self._prove(work, outcome, signed_in, person, method, visitor)
        except _NoLeaveError as refusal:
            outcome = Rejected(refusal.reason)
        if isinstance(outcome, Rejected) and not method.facts.one_answer:
            self._keep(holder, method_id, challenge)
        if not isinstance(outcome, Rejected) or outcome.reason not in _GUESSES:
            self._limits.give_back(attempt)
        return outcome

    def leave_of_first(self, person: Person) -> Leave:
        """To set up a second factor after a first alone: there must be none, also none of this moment."""

        def leave(work: Work) -> Reason | None:
            now = self._standings.read_person(work, person.user.id)
            if now is None:
                return Reason.TRANSACTION_EXPIRED
            second = {
                method.facts.id
                for method in self._methods.values()
                if method.facts.factor is not Factor.KNOWLEDGE and not method.facts.backup
            }
            is_first = sum(each.method in second for each in now.subject.credentials) == 1
            return None if is_first else Reason.METHOD_NOT_OFFERED

        return leave

    def remove(
        self, signed_in: SignedIn, method_id: str, visitor: Visitor, credential_id: str | None = None
    ) -> bool:
        """Whether the session that asks is still there: all others end, and it too if it was made with this.

        `credential_id`: which of several. Raises Refused for the last one needed.
        """
        with self._database.begin() as work:
            work.people.hold_user(signed_in.user_id)
            person = self._standings.read_person(work, signed_in.user_id)
            if person is None or not self.may_remove(person, method_id, credential_id):
                raise Refused(Reason.LAST_METHOD)
            if credential_id is None:
                work.people.remove_credentials(person.user.id, method_id)
            else:
                work.people.remove_credential(person.user.id, credential_id)
            work.audit.append(_event(EventType.METHOD_REMOVED, person, method_id, visitor))
            if self.takes_backups(person, method_id, credential_id):
                self._remove_leaning(work, person, visitor)
            stays = not self.ends_session(signed_in, person, method_id, credential_id)
            if stays:
                self._sessions.end_others(work, signed_in, visitor)
            else:
                self._sessions.end_all(work, person.user.id, visitor)
        return stays

    def ends_session(
        self, signed_in: SignedIn, person: Person, method_id: str, credential_id: str | None = None
    ) -> bool:
        """Whether it was made with what would be removed, or with what would go with it."""
        gone = [(method_id, credential_id)]
        if self.takes_backups(person, method_id, credential_id):
            gone += [(method.facts.id, None) for method in self._leaning()]
        return any(proof.is_by(*each) for proof in signed_in.proofs for each in gone)

    def takes_backups(self, person: Person, method_id: str, credential_id: str | None = None) -> bool:
        """Whether recovery codes, and what leans on it, would go with it: nothing else is left to sign in."""
        without = self._ways.without(person, method_id, credential_id)
        return not self._ways.has_strong(without.enrolled)

    def rename(
        self, person: Person, method_id: str, credential_id: str, label: str, visitor: Visitor
    ) -> None:
        """Only what its owner calls it; a credential of somebody else stays as it is."""
        with self._database.begin() as work:
            if work.people.rename_credential(person.user.id, credential_id, label_from(label)):
                work.audit.append(_event(EventType.METHOD_RENAMED, person, method_id, visitor))

    def _proven_since(self, person: Person, confirmed_at: Instant | None) -> Instant:
        with self._database.read() as work:
            case = work.cases.find_unfinished(person.user.id)
        now = self._effects.now()
        since = min(now, now if confirmed_at is None else confirmed_at) - FRESH_SECONDS
        return since if case is None else max(since, math.nextafter(case.opened_at, math.inf))

    def _leaning(self) -> list[Method]:
        return [each for each in self._methods.values() if each.facts.backup or each.facts.companion]

    def _remove_leaning(self, work: Work, person: Person, visitor: Visitor) -> None:
        for each in self._leaning():
            if each.facts.id in person.enrolled:
                work.people.remove_credentials(person.user.id, each.facts.id)
                work.audit.append(_event(EventType.METHOD_REMOVED, person, each.facts.id, visitor))

    def _enrol(
        self,
        work: Work,
        person: Person,
        method: Method,
        challenge: Challenge,
        answer: Answer,
        *,
        visitor: Visitor,
        backups: list[Method],
    ) -> Changed | Rejected:
        enrolled = method.enrol(work, person.subject, challenge, answer)
        if isinstance(enrolled, Rejected):
            if enrolled.reason in _GUESSES | REFUSALS:
                event = _event(EventType.METHOD_FAILED, person, method.facts.id, visitor)
                work.audit.append(replace(event, reason=enrolled.reason.code))
            return enrolled
        shown = [*enrolled.show_once]
        if method.facts.backup:
            work.audit.append(_event(EventType.RECOVERY_CODES_MADE, person, method.facts.id, visitor))
            return Changed(tuple(shown), credential_id=enrolled.credential.id)
        work.audit.append(_event(EventType.METHOD_ENROLLED, person, method.facts.id, visitor))
        if method.facts.enrollable:
            for backup in backups:
                made = backup.enrol(work, person.subject, Challenge(), {})
                if isinstance(made, Enrolled):
                    shown += made.show_once
                    work.audit.append(_event(EventType.RECOVERY_CODES_MADE, person, backup.facts.id, visitor))
        return Changed(tuple(shown), credential_id=enrolled.credential.id, for_browser=enrolled.for_browser)

    def _prove(
        self,
        work: Work,
        changed: Changed,
        signed_in: SignedIn,
        person: Person,
        method: Method,
        visitor: Visitor,
    ) -> Changed:
        """Setting it up proved it, so the session knows it too, under a new token.

        Raises _NoLeaveError when the session ended meanwhile.
        """
        if method.facts.backup or method.facts.companion:
            session = work.sessions.find(signed_in.session_id)
            if session is None or session.ended_at is not None:
                raise _NoLeaveError(Reason.TRANSACTION_EXPIRED)
            return changed
        replaces = method.facts.id in person.enrolled and not method.facts.several
        if method.facts.factor is Factor.KNOWLEDGE or replaces:
            # What it replaces may be in other hands: what was signed in with it elsewhere ends.
            self._sessions.end_others(work, signed_in, visitor)
        proof = Proof(method.facts.id, self._effects.now(), credential_id=changed.credential_id)
        begun = self._sessions.rotate(
            work,
            signed_in,
            old_token=visitor.session_token or "",
            proofs=(*(old for old in signed_in.proofs if old.method != proof.method), proof),
            employment_id=signed_in.employment_id,
        )
        if begun is None:
            raise _NoLeaveError(Reason.TRANSACTION_EXPIRED)
        return replace(changed, token=begun.token)

    def _missing_backups(self, person: Person) -> list[Method]:
        return [
            method for method in self._permitted_backups(person) if method.facts.id not in person.enrolled
        ]

    def _permitted_backups(self, person: Person) -> list[Method]:
        return [
            method
            for method in self._methods.values()
            if method.facts.backup and self._is_permitted(person, method.facts.id)
        ]

    def _is_permitted(self, person: Person, method_id: str) -> bool:
        excluded = {
            exclusion.method: exclusion.why for exclusion in self._standings.reachable(person).excluded
        }
        return excluded.get(method_id) not in _FORBIDDEN

    def _keep(self, holder: str, method_id: str, challenge: Challenge) -> None:
        value = {"page": dict(challenge.page), "state": dict(challenge.state)}
        until = self._effects.now() + _LIFETIME_SECONDS
        self._begun.put(_key(holder, method_id), value, expires_at=until)


def _key(holder: str, method_id: str) -> str:
    return f"{holder}\x1f{method_id}"


def _event(event_type: EventType, person: Person, method_id: str, visitor: Visitor) -> Event:
    return Event(
        type=event_type,
        user_id=person.user.id,
        actor_id=person.user.id,
        method=method_id,
        address=visitor.address,
        detail=told_browser(visitor.user_agent),
    )
