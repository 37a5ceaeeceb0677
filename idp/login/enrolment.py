"""Setting up, changing and removing ways of signing in, on the account page or in the middle of a sign-in.

Not here: how a method proves that it was set up (`methods/`), who may set one up half-way (`policy.py`).
"""

import json
import math
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from typing import Final

from idp.crypto import Place
from idp.effects import Effects, Instant
from idp.errors import Reason, Refused
from idp.events import Event, EventType
from idp.login.limits import Limits, Wait
from idp.login.sessions import Sessions, SignedIn, Visitor
from idp.login.standing import Person, Standings
from idp.login.transaction import FRESH_SECONDS, Requirements
from idp.methods.base import Answer, Challenge, Enrolled, Method, Rejected, label_from
from idp.models.methods import Factor, Proof
from idp.policy import Why
from idp.storage.database import Database
from idp.storage.ephemeral import Shelf
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


@dataclass(frozen=True, slots=True)
class Changed:
    """`show_once`: what the person must write down now. `token`: the session's new one, if its level rose."""

    show_once: tuple[str, ...] = field(default=(), repr=False)
    token: str | None = field(default=None, repr=False)


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
        self._shelf = shelf
        self._vault = vault
        self._methods = methods
        self._standings = standings
        self._sessions = sessions
        self._limits = limits
        self._effects = effects

    def requirements(self, person: Person) -> Requirements:
        """To change how one signs in: everything one can prove, proved within the last ten minutes.

        And after the person, or whoever sits at their session, said that something was not them.
        """
        reachable = self._standings.reachable(person)
        return Requirements(level=reachable.reached, not_before=self._proven_since(person))

    def may_set_up(self, person: Person, method_id: str) -> bool:
        """Whether this person may add, or replace, this way of signing in on the account page."""
        method = self._methods.get(method_id)
        if method is None or not self._is_permitted(person, method_id):
            return False
        if method.facts.backup:
            return self._has_strong_method(person.enrolled)
        return method.facts.enrollable or method_id in person.enrolled

    def may_remove(self, person: Person, method_id: str, credential_id: str | None = None) -> bool:
        """Never the one without which the person could not sign in any more; codes on paper do not count.

        `credential_id`: which of several, where the method has several.
        """
        method = self._methods.get(method_id)
        if method is None or not method.facts.enrollable:
            return False
        if method.facts.several != (credential_id is not None):
            return False
        if not any(credential_id in {None, each.id} for each in person.subject.of(method_id)):
            return False
        backups = {other.facts.id for other in self._methods.values() if other.facts.backup}
        left = self._enrolled_without(person, method, credential_id)
        without = replace(person, enrolled=left - backups)
        return left == person.enrolled or self._standings.reachable(without).enough

    def begin(self, holder: str, person: Person, method_id: str) -> Challenge:
        """`holder`: the sign-in or session it happens in. Begun once; the same page again shows the same."""
        if challenge := self._opened(holder, method_id, self._shelf.find(_KIND, _key(holder, method_id))):
            return challenge
        challenge = self._methods[method_id].begin_enrolment(person.subject)
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
    ) -> Changed | Rejected | Wait:
        """Whoever asks has checked that it may be. A challenge serves one success, also of parallel ones."""
        method = self._methods[method_id]
        attempt = self._limits.charge(username=person.user.username, method=method.facts, visitor=visitor)
        if isinstance(attempt, Wait):
            return attempt
        challenge = self._opened(holder, method_id, self._shelf.take(_KIND, _key(holder, method_id)))
        if challenge is None:
            return Rejected(Reason.TRANSACTION_EXPIRED)
        with self._database.begin() as work:
            outcome = self._enrol(work, person, method, challenge, answer, visitor=visitor)
            if isinstance(outcome, Changed) and signed_in is not None and not method.facts.backup:
                outcome = replace(outcome, token=self._prove(work, signed_in, person, method, visitor))
        if isinstance(outcome, Rejected) and not method.facts.one_answer:
            self._keep(holder, method_id, challenge)
        if not isinstance(outcome, Rejected) or outcome.reason not in _GUESSES:
            self._limits.give_back(attempt)
        return outcome

    def remove(
        self, signed_in: SignedIn, method_id: str, visitor: Visitor, credential_id: str | None = None
    ) -> None:
        """`credential_id`: which of several. Raises Refused for the last one needed."""
        with self._database.begin() as work:
            person = self._standings.read_person(work, signed_in.user_id)
            if person is None or not self.may_remove(person, method_id, credential_id):
                raise Refused(Reason.LAST_METHOD)
            if credential_id is None:
                work.people.remove_credentials(person.user.id, method_id)
            else:
                work.people.remove_credential(person.user.id, credential_id)
            work.audit.append(_event(EventType.METHOD_REMOVED, person, method_id, visitor))
            if self.takes_backups(person, method_id, credential_id):
                self._remove_backups(work, person, visitor)
            self._sessions.end_others(work, signed_in, visitor)

    def takes_backups(self, person: Person, method_id: str, credential_id: str | None = None) -> bool:
        """Whether recovery codes would go with it, since nothing is left that they stand in for."""
        left = self._enrolled_without(person, self._methods[method_id], credential_id)
        return not self._has_strong_method(left)

    def rename(
        self, person: Person, method_id: str, credential_id: str, label: str, visitor: Visitor
    ) -> None:
        """Only what its owner calls it; a credential of somebody else stays as it is."""
        with self._database.begin() as work:
            if work.people.rename_credential(person.user.id, credential_id, label_from(label)):
                work.audit.append(_event(EventType.METHOD_RENAMED, person, method_id, visitor))

    def _proven_since(self, person: Person) -> Instant:
        with self._database.read() as work:
            case = work.cases.find_unfinished(person.user.id)
        since = self._effects.now() - FRESH_SECONDS
        return since if case is None else max(since, math.nextafter(case.opened_at, math.inf))

    def _enrolled_without(self, person: Person, method: Method, credential_id: str | None) -> frozenset[str]:
        """What the person could still use without that credential, or without any of the method."""
        kept = [
            each
            for each in person.subject.credentials
            if each.method != method.facts.id or credential_id not in {None, each.id}
        ]
        if method.is_enrolled(replace(person.subject, credentials=kept)):
            return person.enrolled
        return person.enrolled - {method.facts.id}

    def _remove_backups(self, work: Work, person: Person, visitor: Visitor) -> None:
        for backup in (m for m in self._methods.values() if m.facts.backup):
            if backup.facts.id in person.enrolled:
                work.people.remove_credentials(person.user.id, backup.facts.id)
                work.audit.append(_event(EventType.METHOD_REMOVED, person, backup.facts.id, visitor))

    def _enrol(
        self,
        work: Work,
        person: Person,
        method: Method,
        challenge: Challenge,
        answer: Answer,
        *,
        visitor: Visitor,
    ) -> Changed | Rejected:
        enrolled = method.enrol(work, person.subject, challenge, answer)
        if isinstance(enrolled, Rejected):
            if enrolled.reason in _GUESSES:
                event = _event(EventType.METHOD_FAILED, person, method.facts.id, visitor)
                work.audit.append(replace(event, reason=enrolled.reason.code))
            return enrolled
        shown = [*enrolled.show_once]
        if method.facts.backup:
            work.audit.append(_event(EventType.RECOVERY_CODES_MADE, person, method.facts.id, visitor))
            return Changed(tuple(shown))
        work.audit.append(_event(EventType.METHOD_ENROLLED, person, method.facts.id, visitor))
        if method.facts.enrollable:
            for backup in self._missing_backups(person):
                made = backup.enrol(work, person.subject, Challenge(), {})
                if isinstance(made, Enrolled):
                    shown += made.show_once
                    work.audit.append(_event(EventType.RECOVERY_CODES_MADE, person, backup.facts.id, visitor))
        return Changed(tuple(shown))

    def _prove(
        self, work: Work, signed_in: SignedIn, person: Person, method: Method, visitor: Visitor
    ) -> str | None:
        """Setting it up proved it, so the session knows it too, under a new token."""
        replaces = method.facts.id in person.enrolled and not method.facts.several
        if method.facts.factor is Factor.KNOWLEDGE or replaces:
            # What it replaces may be in other hands: what was signed in with it elsewhere ends.
            self._sessions.end_others(work, signed_in, visitor)
        proof = Proof(method.facts.id, self._effects.now())
        begun = self._sessions.rotate(
            work,
            signed_in,
            old_token=visitor.session_token or "",
            proofs=(*(old for old in signed_in.proofs if old.method != proof.method), proof),
            employment_id=signed_in.employment_id,
        )
        return begun.token if begun else None

    def _missing_backups(self, person: Person) -> list[Method]:
        return [
            method
            for method in self._methods.values()
            if method.facts.backup
            and method.facts.id not in person.enrolled
            and self._is_permitted(person, method.facts.id)
        ]

    def _is_permitted(self, person: Person, method_id: str) -> bool:
        excluded = {
            exclusion.method: exclusion.why for exclusion in self._standings.reachable(person).excluded
        }
        return excluded.get(method_id) not in _FORBIDDEN

    def _has_strong_method(self, enrolled: frozenset[str]) -> bool:
        return any(
            method.facts.enrollable and method.facts.id in enrolled for method in self._methods.values()
        )

    def _keep(self, holder: str, method_id: str, challenge: Challenge) -> None:
        text = json.dumps({"page": dict(challenge.page), "state": dict(challenge.state)})
        key = _key(holder, method_id)
        sealed = self._vault.seal(text.encode(), Place("shelf", _KIND, key))
        self._shelf.put(_KIND, key, {"sealed": sealed}, expires_at=self._effects.now() + _LIFETIME_SECONDS)

    def _opened(self, holder: str, method_id: str, item: Mapping[str, str] | None) -> Challenge | None:
        if item is None:
            return None
        text = self._vault.open(item["sealed"], Place("shelf", _KIND, _key(holder, method_id)))
        return Challenge(**json.loads(text))


def _key(holder: str, method_id: str) -> str:
    return f"{holder}\x1f{method_id}"


def _event(event_type: EventType, person: Person, method_id: str, visitor: Visitor) -> Event:
    return Event(
        type=event_type,
        user_id=person.user.id,
        actor_id=person.user.id,
        method=method_id,
        address=visitor.address,
    )
