"""The password: checked with argon2id, taken over from older portals' hashes, changed by its owner.

Not here: who may still use one (`policy.py`), how often one may try (`login/flow.py`).
"""

from collections.abc import Iterable, Sequence

from idp.effects import Effects
from idp.errors import Reason
from idp.methods.base import Answer, Challenge, Enrolled, Outcome, Rejected, Subject, Verified
from idp.methods.password import legacy_hashes, strength
from idp.methods.password.hashing import Argon2, Argon2Parameters, TooBusyError, Turns
from idp.methods.password.pace import Pace
from idp.models.methods import Factor, MethodFacts
from idp.models.people import Credential, User
from idp.storage.work import Work
from idp.words import N_

METHOD = "password"


class Password:
    facts = MethodFacts(id=METHOD, factor=Factor.KNOWLEDGE, amr=("pwd",), with_username=True)
    label = N_("Password")
    description = N_("Something you know, at least 12 characters long.")

    def __init__(
        self, *, parameters: Argon2Parameters, at_once: int, effects: Effects, pace: Pace | None = None
    ) -> None:
        self._argon2 = Argon2(parameters, effects)
        self._turns = Turns(at_once)
        self._effects = effects
        self._pace = pace or Pace()

    def is_enrolled(self, subject: Subject) -> bool:
        return bool(subject.of(METHOD))

    def begin(self, subject: Subject) -> Challenge:
        return Challenge()

    def verify(self, work: Work, subject: Subject | None, challenge: Challenge, answer: Answer) -> Outcome:
        password = answer.get("password", "")
        if len(password) > strength.LONGEST:
            return Rejected(Reason.TOO_LONG)
        stored = subject.of(METHOD) if subject else []
        try:
            if not self._matches(stored[0].secret if stored else None, password):
                return Rejected(_why(subject, stored))
            renewed = self._renewed(stored[0].secret, password)
        except TooBusyError:
            return Rejected(Reason.THROTTLED)
        credential = stored[0]
        if renewed is not None:
            # Conditional on the hash that was read: a password changed in the meantime stays changed.
            work.people.replace_secret(credential.id, old=credential.secret, new=renewed)
        work.people.touch_credential(credential.id, at=self._effects.now())
        return Verified(credential.id)

    def fail_like_one(self, password: str, started: float) -> bool:
        """For a method that checks the same form elsewhere and failed, having begun at `started` of `clock`.

        From then on every failure takes as long, here and there. False when there was no room for that work.
        """
        try:
            with self._turns.turn():
                self._argon2.verify_for_nobody(strength.normalise(password[: strength.LONGEST]))
        except TooBusyError:
            return False
        self._pace.slow_failure(started)
        self._pace.failure(started)
        return True

    def clock(self) -> float:
        return self._pace.clock()

    def _matches(self, stored: str | None, password: str) -> bool:
        """Whether the password fits; takes as long for nobody's password (None). Raises TooBusyError."""
        normalised = strength.normalise(password)
        with self._turns.turn():
            started = self._pace.clock()
            if stored is None:
                self._argon2.verify_for_nobody(normalised)
                matches = False
            elif self._is_current(stored):
                matches = self._argon2.verify(stored, normalised)
            else:
                matches = self._matches_old(stored, password, normalised)
        if not matches:
            self._pace.failure(started)
        return matches

    def _matches_old(self, stored: str, password: str, normalised: str) -> bool:
        """A wrong one costs a present-day hash besides, so that a quick hash is no quicker to guess at."""
        started = self._pace.clock()
        # An older portal hashed what the browser sent, in whatever normal form that was.
        for written in dict.fromkeys((normalised, password)):
            if self._argon2.verify(stored, written) or legacy_hashes.verify(stored, written):
                return True
        self._argon2.verify_for_nobody(normalised)
        self._pace.slow_failure(started)
        return False

    def _is_current(self, stored: str) -> bool:
        return self._argon2.recognises(stored) and not self._argon2.is_outdated(stored)

    def _renewed(self, stored: str, password: str) -> str | None:
        """The hash to keep from now on, or None when the stored one is as it should be."""
        if self._is_current(stored):
            return None
        with self._turns.turn():
            return self._argon2.hash(strength.normalise(password))

    def begin_enrolment(self, subject: Subject) -> Challenge:
        return Challenge(page={"needs_current": self.is_enrolled(subject)})

    def enrol(
        self, work: Work, subject: Subject, challenge: Challenge, answer: Answer
    ) -> Enrolled | Rejected:
        """Sets the first password or, given the current one, another. One user has one password."""
        password = answer.get("new_password", "")
        if password != answer.get("new_password_again", ""):
            return Rejected(Reason.PASSWORDS_DIFFER)
        try:
            if refused := self._current_refused(subject, answer):
                return refused
            credential = self.credential(subject.user, password)
        except TooBusyError:
            return Rejected(Reason.THROTTLED)
        if isinstance(credential, Reason):
            return Rejected(credential)
        work.people.remove_credentials(subject.user.id, METHOD)
        work.people.add_credential(credential)
        return Enrolled(credential)

    def _current_refused(self, subject: Subject, answer: Answer) -> Rejected | None:
        stored = subject.of(METHOD)
        if not stored:
            return None
        current = answer.get("current_password", "")
        if len(current) > strength.LONGEST or not self._matches(stored[0].secret, current):
            return Rejected(Reason.WRONG_CURRENT_PASSWORD)
        return None

    def credential(self, user: User, password: str) -> Credential | Reason:
        """A password given to the person rather than chosen, or why it may not be. Raises TooBusyError."""
        normalised = strength.normalise(password[: strength.LONGEST + 1])
        if fault := strength.fault(normalised, _names(user)):
            return fault
        with self._turns.turn():
            secret = self._argon2.hash(normalised)
        return Credential(
            id=self._effects.new_id(),
            user_id=user.id,
            method=METHOD,
            secret=secret,
            created_at=self._effects.now(),
        )


def _why(subject: Subject | None, stored: Sequence[Credential]) -> Reason:
    if subject is None:
        return Reason.UNKNOWN_USER
    return Reason.WRONG_PASSWORD if stored else Reason.NO_PASSWORD


def _names(user: User) -> Iterable[str]:
    return (user.username, user.given_name, user.family_name, (user.email or "").partition("@")[0])
