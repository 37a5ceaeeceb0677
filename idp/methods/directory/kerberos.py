"""The account of the computer at work: its ticket, which the browser sends by itself (SPNEGO, RFC 4559).

A ticket says who logged in to the computer, some time ago, by the network's password: it is that one factor
once more, and shows nothing of who sits there now. Whose it is the directory is asked by the immutable id in
the ticket, and what it says today counts, not what it said when the ticket was made. Not here: checking one
(`gateways/kerberos/`), where they are taken (`login/workplaces.py`).
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Final, assert_never

from idp.crypto import SealError
from idp.effects import Effects
from idp.errors import Reason
from idp.gateways.kerberos import acceptor
from idp.gateways.kerberos.outcomes import Refusal, TicketError
from idp.gateways.kerberos.tokens import Ticket, accepted, read_token
from idp.gateways.ldap.outcomes import DirectoryError
from idp.gateways.ldap.values import Entry
from idp.methods.base import Answer, Arrived, Challenge, Enrolled, Proved, Rejected, Subject, Verified
from idp.methods.directory.answers import Answers
from idp.methods.directory.arriving import arrived
from idp.methods.directory.doors import Asked, Blocked, Doors, Keyed, Linked
from idp.methods.directory.method import METHOD as LINKED_BY
from idp.models.methods import Factor, MethodFacts
from idp.storage.ephemeral import Shelf
from idp.storage.work import Work
from idp.words import N_

METHOD: Final = "kerberos"
_USED: Final = "kerberos-ticket"
_REMEMBERED_SECONDS: Final = 2 * acceptor.SKEW_SECONDS + 60
"""Longer than the library would take the same one: it is good for five minutes before and after."""

_REFUSALS: Final[Mapping[Refusal, Reason]] = {
    Refusal.UNREADABLE: Reason.KERBEROS_UNREADABLE,
    Refusal.TOO_LONG: Reason.KERBEROS_TOO_LONG,
    Refusal.NTLM: Reason.KERBEROS_NTLM,
    Refusal.SEVERAL_LEGS: Reason.KERBEROS_SEVERAL_LEGS,
    Refusal.WEAK: Reason.KERBEROS_WEAK,
    Refusal.OTHER_KEY: Reason.KERBEROS_OTHER_KEY,
    Refusal.EXPIRED: Reason.KERBEROS_EXPIRED,
    Refusal.CLOCKS: Reason.KERBEROS_CLOCKS,
    Refusal.REPLAYED: Reason.KERBEROS_REPLAYED,
    Refusal.NO_SID: Reason.KERBEROS_NO_SID,
    Refusal.DELEGATED: Reason.KERBEROS_DELEGATED,
    Refusal.UNAVAILABLE: Reason.KERBEROS_UNAVAILABLE,
    Refusal.REFUSED: Reason.KERBEROS_REFUSED,
}
"""Every one there is."""


@dataclass(frozen=True, slots=True)
class _Opened:
    """A ticket that is good, and where it is from."""

    keyed: Keyed
    sid: bytes
    reply: str = field(repr=False)


class Kerberos:
    facts = MethodFacts(
        id=METHOD,
        factor=Factor.KNOWLEDGE,
        amr=("wia",),
        elsewhere=True,
        one_answer=True,
        credential_of=LINKED_BY,
        unattended=True,
    )
    label = N_("Account of the computer at work")
    description = N_("Whoever is logged in to a computer of the municipality need not type anything.")

    def __init__(self, *, doors: Doors, answers: Answers, shelf: Shelf, effects: Effects) -> None:
        self._doors = doors
        self._answers = answers
        self._shelf = shelf
        self._effects = effects

    def is_enrolled(self, subject: Subject) -> bool:
        return bool(subject.of(LINKED_BY))

    def begin(self, subject: Subject) -> Challenge:
        return Challenge()

    def begin_negotiation(self) -> Challenge:
        return Challenge(state={"begun": self._effects.new_id()})

    def begin_enrolment(self, subject: Subject) -> Challenge:
        return Challenge()

    def enrol(
        self, work: Work, subject: Subject, challenge: Challenge, answer: Answer
    ) -> Enrolled | Rejected:
        return Rejected(Reason.METHOD_NOT_OFFERED)

    def list_places(self, work: Work) -> Mapping[str, bool]:
        places: dict[str, bool] = {}
        for each in work.keytabs.list_in_use():
            places[each.municipality] = places.get(each.municipality, False) or each.automatic
        return places

    def verify(self, work: Work, subject: Subject | None, challenge: Challenge, answer: Answer) -> Proved:
        if not challenge.state:
            return Rejected(Reason.CHALLENGE_USED, counted=False)
        opened = self._good(answer.get("token", ""), answer.get("municipality", ""))
        if isinstance(opened, Reason):
            return Rejected(opened)
        directory = opened.keyed.directory
        try:
            found = self._find(opened)
        except DirectoryError as error:
            return self._answers.gave_none(work, directory, error)
        self._answers.gave_one(work, directory)
        match found:
            case Reason():
                return Rejected(found)
            case Arrived():
                return found
            case Linked():
                work.people.touch_credential(found.credential.id, at=self._effects.now())
                return Verified(found.credential.id, user_id=found.user.id, reply=opened.reply)
            case _:
                assert_never(found)

    def _good(self, token: str, municipality: str) -> _Opened | Reason:
        try:
            return self._open(read_token(token), municipality)
        except TicketError as error:
            return _REFUSALS[error.refusal]
        except SealError:
            return Reason.KERBEROS_UNAVAILABLE

    def _open(self, ticket: Ticket, municipality: str) -> _Opened | Reason:
        """Raises TicketError. Of several directories of one realm, that whose key opens it."""
        refused = Reason.KERBEROS_OTHER_REALM
        for keyed in self._doors.with_keys(municipality, ticket.realm):
            try:
                done = acceptor.accept(ticket, keyed.keytab)
            except TicketError as error:
                if error.refusal is not Refusal.OTHER_KEY:
                    raise
                refused = Reason.KERBEROS_OTHER_KEY
                continue
            if done.realm != keyed.directory.realm:
                return Reason.KERBEROS_OTHER_REALM
            if not self._is_first_use(ticket):
                return Reason.KERBEROS_REPLAYED
            return _Opened(keyed, done.sid, accepted(ticket, done.reply))
        return refused

    def _is_first_use(self, ticket: Ticket) -> bool:
        """In all processes; the library remembers for its own."""
        expires_at = self._effects.now() + _REMEMBERED_SECONDS
        return self._shelf.add(_USED, ticket.fingerprint, {}, expires_at=expires_at)

    def _find(self, opened: _Opened) -> Linked | Arrived | Reason:
        """Raises DirectoryError."""
        directory, door = opened.keyed.directory, opened.keyed.door
        entry = door.find_by_sid(opened.sid)
        if entry is None:
            return Reason.DIRECTORY_UNKNOWN_ENTRY
        if refused := self._why_not(entry):
            return refused
        match self._doors.whose(directory, entry):
            case Linked() as linked:
                return linked if linked.is_employed else Reason.DIRECTORY_NOT_EMPLOYED
            case Blocked():
                return Reason.KERBEROS_UNLINKED
            case None:
                return arrived(Asked(directory, door), entry, method=METHOD, reply=opened.reply)
            case never:
                assert_never(never)

    def _why_not(self, entry: Entry) -> Reason | None:
        """What a bind would say; the ticket lives on when the account does not."""
        if entry.is_disabled:
            return Reason.DIRECTORY_DISABLED
        if entry.ends_at is not None and entry.ends_at <= self._effects.now():
            return Reason.DIRECTORY_ACCOUNT_EXPIRED
        return None
