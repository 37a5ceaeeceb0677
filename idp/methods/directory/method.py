"""The password of a municipality's own network, checked by its directory and never kept here.

A person is who the entry with their immutable id is, whatever it is called by now. Wrong passwords stop short
of what would lock the entry out there. Whoever fails learns the same, after the same time, as by a password
of ours. Not here: which directory (`doors.py`), talking to it (`gateways/ldap/`), how often one may try in
general (`login/limits.py`).
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import partial
from typing import Final

from idp.effects import Effects
from idp.errors import Reason
from idp.events import Event, EventType
from idp.gateways.ldap.outcomes import Bind, Change, DirectoryError
from idp.gateways.ldap.values import Entry
from idp.methods.base import (
    Answer,
    Challenge,
    Enrolled,
    Outcome,
    Proved,
    Rejected,
    Renewal,
    Subject,
    Verified,
)
from idp.methods.directory.answers import Answers, away_from
from idp.methods.directory.arriving import arrived
from idp.methods.directory.doors import Asked, Blocked, Doors, Linked, find_in
from idp.models.directories import Directory, Fallback
from idp.models.methods import Factor, MethodFacts
from idp.models.people import Credential, User
from idp.storage.throttle import Bucket, Throttle
from idp.storage.work import Work
from idp.words import N_

METHOD: Final = "directory"

_BINDS: Final[Mapping[Bind, Reason]] = {
    Bind.WRONG_PASSWORD: Reason.DIRECTORY_WRONG_PASSWORD,
    Bind.UNKNOWN_ENTRY: Reason.DIRECTORY_UNKNOWN_ENTRY,
    Bind.NOT_AT_THIS_TIME: Reason.DIRECTORY_NOT_AT_THIS_TIME,
    Bind.NOT_FROM_HERE: Reason.DIRECTORY_NOT_FROM_HERE,
    Bind.PASSWORD_EXPIRED: Reason.DIRECTORY_PASSWORD_EXPIRED,
    Bind.DISABLED: Reason.DIRECTORY_DISABLED,
    Bind.ACCOUNT_EXPIRED: Reason.DIRECTORY_ACCOUNT_EXPIRED,
    Bind.MUST_CHANGE: Reason.DIRECTORY_MUST_CHANGE,
    Bind.LOCKED_OUT: Reason.DIRECTORY_LOCKED_OUT,
    Bind.EMPTY_PASSWORD: Reason.DIRECTORY_EMPTY_PASSWORD,
    Bind.REFUSED: Reason.DIRECTORY_REFUSED,
}
"""Every outcome but the one."""
_CHANGES: Final[Mapping[Change, Reason]] = {
    Change.WRONG_PASSWORD: Reason.DIRECTORY_WRONG_OLD_PASSWORD,
    Change.AGAINST_POLICY: Reason.DIRECTORY_AGAINST_POLICY,
    Change.REFUSED: Reason.DIRECTORY_CHANGE_REFUSED,
}
_OVER: Final = {Bind.PASSWORD_EXPIRED, Bind.MUST_CHANGE}


@dataclass(frozen=True, slots=True)
class _Typed:
    password: str
    new_password: str | None
    new_password_again: str

    @property
    def renews(self) -> bool:
        return self.new_password is not None


class DirectoryPassword:
    facts = MethodFacts(id=METHOD, factor=Factor.KNOWLEDGE, amr=("pwd",), with_username=True, elsewhere=True)
    label = N_("Password of the municipality's network")
    description = N_("The password with which you log in to your computer at work.")

    def __init__(
        self,
        *,
        doors: Doors,
        answers: Answers,
        throttle: Throttle,
        effects: Effects,
        clock: Callable[[], float],
        fail_like: Callable[[str, float], bool],
    ) -> None:
        """`fail_like`: makes a failure that began at so much of `clock` last as long as by a password of
        ours; False when there is no room for that.
        """
        self._doors = doors
        self._answers = answers
        self._throttle = throttle
        self._effects = effects
        self._clock = clock
        self._fail_like = fail_like

    def is_enrolled(self, subject: Subject) -> bool:
        return bool(subject.of(METHOD))

    def knows(self, name: str) -> bool:
        return self._doors.is_name(name)

    def serves(self, municipalities: frozenset[str]) -> bool:
        return self._doors.serve(municipalities)

    def stands_aside(self, subject: Subject) -> bool:
        asked = self._doors.for_person(subject.user, subject.of(METHOD))
        if asked is None or asked.directory.fallback != Fallback.LOCAL.value:
            return False
        try:
            asked.door.greet()
        except DirectoryError:
            return True
        return False

    def begin(self, subject: Subject) -> Challenge:
        return Challenge()

    def begin_enrolment(self, subject: Subject) -> Challenge:
        return Challenge()

    def enrol(
        self, work: Work, subject: Subject, challenge: Challenge, answer: Answer
    ) -> Enrolled | Rejected:
        return Rejected(Reason.METHOD_NOT_OFFERED)

    def verify(self, work: Work, subject: Subject | None, challenge: Challenge, answer: Answer) -> Proved:
        started = self._clock()
        typed = _Typed(
            answer.get("password", ""), answer.get("new_password"), answer.get("new_password_again", "")
        )
        if typed.renews and typed.new_password != typed.new_password_again:
            return Rejected(Reason.PASSWORDS_DIFFER, counted=False, renewal=Renewal(METHOD))
        asked = (
            self._doors.for_person(subject.user, subject.of(METHOD))
            if subject
            else self._doors.for_name(answer.get("username", ""))
        )
        try:
            outcome = self._ask(work, asked, typed) if asked else Reason.DIRECTORY_UNKNOWN_ENTRY
        except DirectoryError as error:
            return self._answers.gave_none(work, asked.directory if asked else None, error)
        has_room = not isinstance(outcome, Reason) or self._fail_like(typed.password, started)
        if asked is not None:
            self._answers.gave_one(work, asked.directory)
        if not isinstance(outcome, Reason):
            return outcome
        if not has_room:
            return Rejected(Reason.THROTTLED)
        if typed.renews:
            return Rejected(Reason.DIRECTORY_WRONG_OLD_PASSWORD, renewal=Renewal(METHOD))
        return Rejected(outcome)

    def _ask(self, work: Work, asked: Asked, typed: _Typed) -> Proved | Reason:
        """A reason: it failed, and must not be told from other failures by anything but its words."""
        entry = find_in(asked)
        linked = asked.linked or (self._doors.whose(asked.directory, entry) if entry else None)
        # Nobody's may be asked about: who proves it comes for the first time.
        if entry is None or isinstance(linked, Blocked):
            asked.door.bind_nobody(typed.password)
            return Reason.DIRECTORY_UNKNOWN_ENTRY
        if linked is not None and not linked.is_employed:
            asked.door.bind_nobody(typed.password)
            return Reason.DIRECTORY_NOT_EMPLOYED
        bucket, key = _bucket(asked.directory), _key(asked.directory, entry)
        if self._throttle.charge(bucket, key) > 0:
            asked.door.bind_nobody(typed.password)
            return self._spent(asked.directory, key)
        try:
            if typed.renews and linked is not None and not asked.directory.change_url:
                return self._renew(work, asked, entry, linked, typed)
            return self._bind(work, asked, entry, linked, typed.password)
        except DirectoryError as error:
            if error.sent:
                self._throttle.charge(_unanswered(asked.directory), key)
            else:
                self._throttle.refund(bucket, key)
            raise

    def _spent(self, directory: Directory, key: str) -> Outcome | Reason:
        """A password that was sent and never answered may have been counted there, so it counts here. But
        nobody is told of a wrong one who may have typed the right one.
        """
        if self._throttle.wait(_unanswered(directory), key) > 0:
            return Rejected(Reason.DIRECTORY_UNREACHABLE, away=away_from(directory))
        return Reason.DIRECTORY_ATTEMPTS_SPENT

    def _bind(
        self, work: Work, asked: Asked, entry: Entry, linked: Linked | None, password: str
    ) -> Proved | Reason:
        bind = self._try(asked, entry, password)
        if bind is not Bind.PASSED and bind not in _OVER:
            return _BINDS[bind]
        over = None
        if bind in _OVER:
            over = Rejected(_BINDS[bind], counted=False, renewal=Renewal(METHOD, asked.directory.change_url))
        if linked is None:
            return arrived(asked, entry, method=METHOD, refused=over)
        if over is not None:
            return over
        work.people.touch_credential(linked.credential.id, at=self._effects.now())
        return Verified(linked.credential.id, user_id=linked.user.id)

    def _renew(
        self, work: Work, asked: Asked, entry: Entry, linked: Linked, typed: _Typed
    ) -> Proved | Reason:
        """Only who knows the old password hears what the directory thinks of the new one."""
        known = self._try(asked, entry, typed.password)
        if known is not Bind.PASSED and known not in _OVER:
            return _BINDS[known]
        new = typed.new_password or ""
        change = asked.door.change_password(entry, old=typed.password, new=new)
        if change is not Change.CHANGED:
            return Rejected(_CHANGES[change], counted=False, renewal=Renewal(METHOD))
        outcome: Proved | Reason
        try:
            outcome = self._bind(work, asked, entry, linked, new)
        except DirectoryError as error:
            outcome = self._answers.gave_none(work, asked.directory, error)
        work.audit.append(_changed(asked.directory, linked))
        return outcome

    def _try(self, asked: Asked, entry: Entry, password: str) -> Bind:
        """Paid for already; each further controller that hears it is paid for again. A right password makes
        earlier ones forgotten, as it does there.
        """
        bucket, key = _bucket(asked.directory), _key(asked.directory, entry)
        may_repeat = partial(_is_paid, self._throttle, bucket, key)
        bind = asked.door.bind(entry.binds_as, password, may_repeat=may_repeat)
        if bind is Bind.PASSED or bind in _OVER:
            self._throttle.clear(bucket, key)
            self._throttle.clear(_unanswered(asked.directory), key)
        return bind


def vouched_for(user: User, municipality: str, effects: Effects) -> Credential:
    """Says that this person signs in by a directory of that municipality; there is no secret in it."""
    return Credential(
        id=effects.new_id(),
        user_id=user.id,
        method=METHOD,
        secret="",
        created_at=effects.now(),
        vouched_by=municipality,
    )


def _changed(directory: Directory, linked: Linked) -> Event:
    return Event(
        type=EventType.DIRECTORY_PASSWORD_CHANGED,
        user_id=linked.user.id,
        municipality=directory.municipality,
        method=METHOD,
    )


def _bucket(directory: Directory) -> Bucket:
    """After the last free attempt nothing reaches the directory until it has forgotten them all."""
    seconds = directory.attempt_minutes * 60
    return Bucket(
        "directory-entry",
        free=directory.attempts,
        base_seconds=seconds,
        cap_seconds=seconds,
        forget_seconds=seconds,
    )


def _unanswered(directory: Directory) -> Bucket:
    """Full from the first on: it only says that there was one."""
    seconds = directory.attempt_minutes * 60
    return Bucket("directory-unanswered", 1, seconds, seconds, seconds)


def _is_paid(throttle: Throttle, bucket: Bucket, key: str) -> bool:
    return throttle.charge(bucket, key) <= 0


def _key(directory: Directory, entry: Entry) -> str:
    """However the person was named."""
    return f"{directory.id}\x1f{entry.guid}"
