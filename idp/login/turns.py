"""Whose turn it is at a browser: what was left half-way names its person to nobody who came later.

Looked at whenever such a page is shown or answered. Not here: leaving, which puts all that is half-way in the
browser out of reach (`web/shared.py`), and how long a shared computer waits (`sessions.py`).
"""

from dataclasses import dataclass

from idp.effects import Instant
from idp.login.sessions import SignedIn
from idp.login.transaction import Transaction


@dataclass(frozen=True, slots=True, kw_only=True)
class HalfWay:
    """`since`: when its person last proved something in it, or began it. `shared`: at a shared computer."""

    user_id: str
    since: Instant
    shared: bool


def half_way_of(transaction: Transaction) -> HalfWay | None:
    """None while it names nobody by itself; whoever is signed in may be named by their session."""
    if transaction.user_id is None:
        return None
    since = max((transaction.begun_at, *(proof.at for proof in transaction.proofs)))
    return HalfWay(user_id=transaction.user_id, since=since, shared=transaction.shared)


def is_of_somebody_before(half_way: HalfWay, signed_in: SignedIn | None) -> bool:
    """Another person left it, before whoever is signed in now had come."""
    if signed_in is None or half_way.user_id == signed_in.user_id:
        return False
    return half_way.since < signed_in.created_at
