"""What a sign-in needs next. Pure: everything it looks at is handed in, and nothing is done here."""

from dataclasses import dataclass
from typing import TypeAlias

from idp.effects import Instant
from idp.errors import Reason
from idp.login.standing import Posts
from idp.login.transaction import Transaction
from idp.models.people import Employment
from idp.policy import Decision


@dataclass(frozen=True, slots=True)
class Identify:
    """Ask who it is, with the ways that are asked for on the same page."""


@dataclass(frozen=True, slots=True)
class SelectAccount:
    """Ask whether to go on as the person who is signed in."""


@dataclass(frozen=True, slots=True)
class Choose:
    employments: tuple[Employment, ...]


@dataclass(frozen=True, slots=True)
class Offer:
    methods: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Enrol:
    methods: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Refuse:
    reason: Reason


@dataclass(frozen=True, slots=True)
class Done:
    pass


Step: TypeAlias = Identify | SelectAccount | Choose | Offer | Enrol | Refuse | Done


@dataclass(frozen=True, slots=True)
class Known:
    """A person whom a session or a proof has named, as they stand in this sign-in now."""

    decision: Decision
    posts: Posts


def next_step(transaction: Transaction, known: Known | None, now: Instant) -> Step:
    """Nothing about a person (posts, refusals) is told before one proof of this sign-in or session counts."""
    if now >= transaction.expires_at:
        return Refuse(Reason.TRANSACTION_EXPIRED)
    if known is None:
        return Identify()
    wanted = transaction.requirements
    if wanted.expected_user not in {None, transaction.user_id}:
        return Refuse(Reason.OTHER_USER)
    if wanted.select_account and not transaction.account_confirmed:
        return SelectAccount()
    if known.decision.counted:
        if known.posts.refused is not None:
            return Refuse(known.posts.refused)
        if wanted.needs_employment and known.posts.acting is None:
            return Choose(known.posts.fitting)
    return _about_methods(known.decision)


def _about_methods(decision: Decision) -> Step:
    if decision.enough:
        return Done()
    if decision.useful:
        return Offer(decision.useful)
    if decision.enrollable:
        return Enrol(decision.enrollable)
    return Refuse(Reason.NOT_REACHABLE)
