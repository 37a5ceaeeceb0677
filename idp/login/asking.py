"""Asking somebody on another device: how often that may be, and for what occasion.

So many requests a quarter of an hour may go unapproved; after a refusal there is a pause. Not here: how many
wait at once (`storage/approval_requests.py`), the answer (`approvals.py`).
"""

from typing import Final

from idp.login.limits import Limits, Wait
from idp.login.look import Look
from idp.login.sessions import Visitor
from idp.login.transaction import Transaction
from idp.methods.base import Challenge, Method, NoRoom, Waiting, is_asked_elsewhere
from idp.models.approvals import Occasion

_USER_AGENT_LENGTH: Final = 300


def begin_challenge(
    look: Look, method: Method, *, visitor: Visitor, limits: Limits, anew: bool
) -> Challenge | Wait:
    """What was asked on another device in this sign-in stays, however often the page is opened.

    `anew`: it is over, so ask again.
    """
    if look.person is None:
        raise LookupError("nobody is known in this sign-in yet")
    subject = look.person.subject
    if not is_asked_elsewhere(method):
        return method.begin(subject)
    kept = look.transaction.challenge_of(method.facts.id)
    if kept and not anew:
        return method.ask_on(kept)
    asker = limits.charge_asking(username=subject.user.username, method=method.facts, visitor=visitor)
    if isinstance(asker, Wait):
        return asker
    asked = method.ask(subject, _occasion(look, asker, visitor))
    if isinstance(asked, NoRoom):
        limits.give_back_asking(asker)
        return Wait(asked.seconds)
    return asked


def how_it_stands(transaction: Transaction, method: Method | None) -> Waiting:
    """What was asked in this sign-in; changes nothing."""
    if method is None or not is_asked_elsewhere(method):
        return Waiting.OVER
    return method.stands(transaction.challenge_of(method.facts.id))


def _occasion(look: Look, asker: str, visitor: Visitor) -> Occasion:
    transaction, acting = look.transaction, look.posts.acting
    return Occasion(
        transaction_id=transaction.id,
        browser=transaction.browser,
        asker=asker,
        application=transaction.application.name if transaction.application else "",
        client_id=transaction.client_id,
        municipality=acting.municipality if acting else None,
        address=visitor.address,
        user_agent=visitor.user_agent[:_USER_AGENT_LENGTH],
    )
