"""Which way to sign in suits somebody, by what they have at hand; and whether to suggest one now.

Pure. Not here: what a person may set up (`enrolment.py`), the pages (`web/choose.py`).
"""

from collections.abc import Collection, Iterable

from idp.login.sessions import SignedIn
from idp.models.methods import Device, Factor, MethodFacts
from idp.storage.work import Work

NUDGE_EVERY_SECONDS = 7 * 86400.0


def advised(
    methods: Iterable[MethodFacts], devices: Collection[Device], *, shared: bool
) -> tuple[MethodFacts, ...]:
    """The best first: what cannot be tricked out of anybody, then in the order of preference.

    On a shared computer its own fingerprint or PIN is nobody's.
    """
    at_hand = frozenset(devices) - ({Device.COMPUTER} if shared else frozenset())
    fitting = [facts for facts in methods if facts.needs & at_hand]
    return tuple(sorted(fitting, key=lambda facts: (not facts.phishing_resistant, facts.companion)))


def is_worth_a_nudge(
    methods: Iterable[MethodFacts], enrolled: Collection[str], signed_in: SignedIn, *, shared: bool
) -> bool:
    """After something known was proved, while nothing is set up that cannot be tricked out of the person."""
    facts = {each.id: each for each in methods}
    known = any(
        proof.method in facts and facts[proof.method].factor is Factor.KNOWLEDGE for proof in signed_in.proofs
    )
    return known and not shared and not any(facts[each].phishing_resistant for each in enrolled)


def take_nudge(work: Work, user_id: str, now: float) -> bool:
    """Whether it is to be shown now: once a week, of any number of pages that are opened at once."""
    return work.nudges.take(user_id, now, not_since=now - NUDGE_EVERY_SECONDS)
