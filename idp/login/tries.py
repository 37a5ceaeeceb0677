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
from idp.login.transaction import Transaction
from idp.methods.base import Method, Outcome, Rejected, Subject, Verified
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

    `first`: nothing was proved before it. `municipality`: on whose networks, where that matters.
    """

    transaction: Transaction
    method: Method
    subject: Subject | None
    username: str
    first: bool = False
    municipality: str | None = None


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


def known_by_answer(work: Work, attempt: Try, outcome: Outcome) -> Try:
    """Whose answer it was, where only somebody outside knew."""
    if attempt.subject is not None or not isinstance(outcome, Verified):
        return attempt
    user = work.people.find_user(outcome.user_id)
    return replace(attempt, subject=Subject(user, ())) if user else attempt


def refuse_blocked(outcome: Outcome, attempt: Try) -> Outcome:
    subject = attempt.subject
    if isinstance(outcome, Verified) and (subject is None or not subject.user.is_active):
        return Rejected(why_blocked(attempt.method))
    return outcome


def why_blocked(method: Method) -> Reason:
    """In the words in which the method refuses anybody."""
    return Reason.BLOCKED_USER if method.facts.with_username else Reason.KEY_OF_BLOCKED_USER
