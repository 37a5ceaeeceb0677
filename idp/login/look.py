"""A sign-in as it stands at one request: who it is about, what counts, and what comes next. Reads, changes
nothing.
"""

from dataclasses import dataclass, field, replace

from idp.effects import Effects, Instant
from idp.login.sessions import SignedIn
from idp.login.standing import Person, Posts, Standings, match_posts
from idp.login.steps import Known, Step, next_step
from idp.login.transaction import FRESH_SECONDS, Requirements, Transaction
from idp.policy import Decision


@dataclass(frozen=True, slots=True, kw_only=True)
class Look:
    """`person` is None while nobody is known, or who was known has been blocked since."""

    transaction: Transaction
    step: Step
    person: Person | None = None
    decision: Decision | None = None
    posts: Posts = field(default_factory=Posts)


def is_about(transaction: Transaction, signed_in: SignedIn | None) -> bool:
    """Whether the session's person is the one who signs in here, so that its proofs count."""
    if signed_in is None:
        return False
    if transaction.user_id is None:
        return transaction.adopts_session
    return transaction.user_id == signed_in.user_id


def _at_least_from(requirements: Requirements, moment: Instant) -> Requirements:
    return replace(requirements, not_before=max(moment, requirements.not_before or moment))


def look_at(
    transaction: Transaction,
    signed_in: SignedIn | None,
    *,
    standings: Standings,
    effects: Effects,
    person: Person | None = None,
) -> Look:
    """`person`: who it is about, if that was read in this request."""
    session = signed_in if is_about(transaction, signed_in) else None
    user_id = transaction.user_id or (session.user_id if session else None)
    if person is None or person.user.id != user_id:
        person = standings.find_person(user_id) if user_id else None
    if person is None:
        return Look(transaction=transaction, step=next_step(transaction, None, effects.now()))
    transaction = replace(transaction, user_id=person.user.id)
    chosen = transaction.employment_id or (session.employment_id if session else None)
    posts = match_posts(person, transaction.requirements, chosen=chosen)
    proofs = person.still_proven((*transaction.proofs, *(session.proofs if session else ())))
    decision = standings.decide(person, transaction.requirements, proofs=proofs, acting=posts.acting)
    if decision.enrollable:
        # A new way of signing in is added by whoever proved themselves just now, not by an unattended
        # browser.
        fresh = _at_least_from(transaction.requirements, effects.now() - FRESH_SECONDS)
        decision = standings.decide(person, fresh, proofs=proofs, acting=posts.acting)
    step = next_step(transaction, Known(decision, posts), effects.now())
    return Look(transaction=transaction, step=step, person=person, decision=decision, posts=posts)
