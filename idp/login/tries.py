"""One attempt at a method: whose answer it would be, what became of it, what the trail says of it.

Not here: making one (`flow.py`), how many there may be (`limits.py`).
"""

from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Final

from idp.errors import Reason
from idp.events import Event, EventType
from idp.login.browsers import told_browser
from idp.login.sessions import Visitor
from idp.login.standing import Person
from idp.login.transaction import Transaction
from idp.methods.base import Answer, Method, Rejected, Subject, Verified
from idp.models.usernames import canonical_username
from idp.storage.work import Work

_EVENTS: Final[Mapping[Reason, EventType]] = {
    Reason.KEY_COPIED: EventType.KEY_BLOCKED,
    Reason.DIRECTORY_UNREACHABLE: EventType.DIRECTORY_UNAVAILABLE,
    Reason.DIRECTORY_UNTRUSTED: EventType.DIRECTORY_UNAVAILABLE,
    Reason.DIRECTORY_OWN_ACCOUNT_REFUSED: EventType.DIRECTORY_UNAVAILABLE,
    Reason.DIRECTORY_BROKEN: EventType.DIRECTORY_UNAVAILABLE,
    Reason.KERBEROS_REPLAYED: EventType.KERBEROS_REPLAYED,
    Reason.KERBEROS_OTHER_KEY: EventType.KERBEROS_MISCONFIGURED,
    Reason.KERBEROS_CLOCKS: EventType.KERBEROS_MISCONFIGURED,
    Reason.KERBEROS_UNAVAILABLE: EventType.KERBEROS_MISCONFIGURED,
}
"""Refusals that are more, or less, than a failed attempt."""


@dataclass(frozen=True, slots=True)
class Try:
    """One attempt at a method: whose answer it would be, in which sign-in.

    `first`: nothing was proved before it. `instead_of`: the way that gave no answer, whose place it takes.
    `municipality`: on whose networks, where that matters. `by_itself`: nobody asked for it.
    """

    transaction: Transaction
    method: Method
    subject: Subject | None
    username: str
    first: bool = False
    instead_of: Method | None = None
    municipality: str | None = None
    by_itself: bool = False


def stood_in(attempt: Try, visitor: Visitor) -> Event:
    """A proof by what is kept here, of somebody for whom others vouch who did not answer."""
    return Event(
        type=EventType.DIRECTORY_FALLBACK,
        user_id=attempt.subject.user.id if attempt.subject else None,
        client_id=attempt.transaction.client_id,
        method=attempt.method.facts.id,
        address=visitor.address,
        detail={"instead_of": attempt.instead_of.facts.id if attempt.instead_of else ""},
    )


def attempted(outcome: Verified | Rejected, attempt: Try, visitor: Visitor) -> Event:
    return Event(
        type=_EVENTS.get(outcome.reason, EventType.METHOD_FAILED)
        if isinstance(outcome, Rejected)
        else EventType.METHOD_PASSED,
        user_id=attempt.subject.user.id if attempt.subject else None,
        municipality=attempt.municipality,
        client_id=attempt.transaction.client_id,
        method=attempt.method.facts.id,
        reason=outcome.reason.code if isinstance(outcome, Rejected) else None,
        address=visitor.address,
        detail=told_browser(visitor.user_agent),
    )


def known_by_answer(work: Work, attempt: Try, outcome: Verified | Rejected) -> Try:
    """Whose answer it was, where only somebody outside knew."""
    if attempt.subject is not None or not isinstance(outcome, Verified):
        return attempt
    user = work.people.find_user(outcome.user_id)
    return replace(attempt, subject=Subject(user, ())) if user else attempt


def settled(work: Work, attempt: Try, outcome: Verified | Rejected, visitor: Visitor) -> Verified | Rejected:
    """What it is worth, written down."""
    attempt = known_by_answer(work, attempt, outcome)
    outcome = refuse_blocked(outcome, attempt)
    work.audit.append(attempted(outcome, attempt, visitor))
    if isinstance(outcome, Verified) and attempt.instead_of:
        work.audit.append(stood_in(attempt, visitor))
    return outcome


def refuse_blocked(outcome: Verified | Rejected, attempt: Try) -> Verified | Rejected:
    subject = attempt.subject
    if isinstance(outcome, Verified) and (subject is None or not subject.user.is_active):
        return Rejected(why_blocked(attempt.method))
    return outcome


def nobodys(*_: object) -> Rejected:
    """Whose account an arrival is, where none is let in."""
    return Rejected(Reason.ARRIVAL_WAITS, counted=False)


def why_blocked(method: Method) -> Reason:
    """In the words in which the method refuses anybody."""
    return Reason.BLOCKED_USER if method.facts.with_username else Reason.KEY_OF_BLOCKED_USER


def typed_username(answer: Answer, person: Person | None) -> str:
    """Canonical; of the person already known when nothing was typed, and nobody's when it cannot be a
    username.
    """
    typed = answer.get("username", "")
    if not typed.strip():
        return person.user.username if person else ""
    try:
        return canonical_username(typed)
    except ValueError:
        return ""
