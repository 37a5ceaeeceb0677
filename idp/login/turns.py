"""Whose turn it is at a browser: a sign-in that was left half-way names its person to nobody who came later.

Looked at whenever a sign-in is shown or answered; nothing is asked of storage. Not here: leaving, which puts
all sign-ins of the browser out of reach (`web/shared.py`).
"""

from idp.login.sessions import SignedIn
from idp.login.transaction import Transaction


def is_of_somebody_before(transaction: Transaction, signed_in: SignedIn | None) -> bool:
    """Another person proved all that it holds, before whoever is signed in now had come."""
    if signed_in is None or transaction.user_id in {None, signed_in.user_id}:
        return False
    return all(proof.at < signed_in.created_at for proof in transaction.proofs)
