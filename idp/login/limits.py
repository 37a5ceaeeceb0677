"""How often one may try: one charge per attempt, taken before anything is verified and given back on success.

Counted per user, per address and per way of signing in; unknown names count like known ones. What a stranger
can fill makes nobody wait longer than a minute, and a browser this person has signed in with before is
counted apart. Guessing at what comes after a first factor waits longer: only one who holds that factor gets
so far.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from ipaddress import IPv6Address, ip_address
from typing import Final

from idp.crypto import token_hash
from idp.effects import Effects
from idp.login.sessions import Visitor
from idp.models.methods import MethodFacts
from idp.storage.ephemeral import Shelf
from idp.storage.throttle import Bucket, Throttle

USER: Final = Bucket("user", free=10, base_seconds=1, cap_seconds=10, forget_seconds=900)
USER_AND_METHOD: Final = Bucket("user-method", free=5, base_seconds=2, cap_seconds=60, forget_seconds=900)
LATER_FACTOR: Final = Bucket(
    "later-factor", free=5, base_seconds=5, cap_seconds=900, forget_seconds=24 * 3600
)
ADDRESS: Final = Bucket("address", free=100, base_seconds=1, cap_seconds=60, forget_seconds=600)
NEGOTIATED: Final = Bucket("negotiated", free=1000, base_seconds=1, cap_seconds=10, forget_seconds=600)
"""Of one network: what browsers send there by themselves. Nobody can guess at a ticket, so this only
keeps the load down, and holds up no other way of signing in for those who share the address.
"""
ASKED: Final = Bucket("asked-elsewhere", free=5, base_seconds=900, cap_seconds=900, forget_seconds=900)
"""Requests to approve on another device that were not approved: so many a quarter of an hour."""
REFUSAL_PAUSE_SECONDS: Final = 900
"""How long nobody is asked again after they said that it was not them."""

_KNOWN_BROWSER = "known-browser"
_PAUSED = "asking-paused"
_KNOWN_BROWSER_SECONDS: Final = 90 * 24 * 3600


@dataclass(frozen=True, slots=True)
class Attempt:
    """A paid attempt; `own` is the bucket that only this way of signing in fills."""

    charges: tuple[tuple[Bucket, str], ...]
    own: tuple[Bucket, str]


@dataclass(frozen=True, slots=True)
class Wait:
    seconds: float


class Limits:
    def __init__(self, throttle: Throttle, shelf: Shelf, effects: Effects) -> None:
        self._throttle = throttle
        self._shelf = shelf
        self._effects = effects

    def charge(
        self, *, username: str, method: MethodFacts, visitor: Visitor, first: bool = False
    ) -> Attempt | Wait:
        """`username` is canonical, so that every way to write one name shares its counters.

        `first`: nothing was proved before this, so anybody can get so far.
        """
        who = self._counted_as(username, visitor)
        bucket_of_method = USER_AND_METHOD if method.with_username or first else LATER_FACTOR
        own = (bucket_of_method, f"{who}\x1f{method.id}")
        wanted = ((ADDRESS, network_of(visitor.address)), (USER, who), own)
        seconds = charge_all(self._throttle, wanted)
        return Wait(seconds) if seconds > 0 else Attempt(wanted, own)

    def charge_negotiation(self, visitor: Visitor) -> Attempt | Wait:
        own = (NEGOTIATED, network_of(visitor.address))
        seconds = self._throttle.charge(*own)
        return Wait(seconds) if seconds > 0 else Attempt((own,), own)

    def charge_asking(self, *, username: str, method: MethodFacts, visitor: Visitor) -> str | Wait:
        """Before somebody is asked on another device: in whose name it was paid, to be given back or paused.

        Whoever asks from a browser that is not this person's holds up no request from one that is.
        """
        asker = f"{self._counted_as(username, visitor)}\x1f{method.id}"
        paused = self._shelf.find(_PAUSED, asker)
        if paused is not None:
            return Wait(max(1.0, paused["until"] - self._effects.now()))
        seconds = self._throttle.charge(ASKED, asker)
        return Wait(seconds) if seconds > 0 else asker

    def give_back_asking(self, asker: str) -> None:
        self._throttle.refund(ASKED, asker)

    def pause_asking(self, asker: str) -> None:
        until = self._effects.now() + REFUSAL_PAUSE_SECONDS
        self._shelf.put(_PAUSED, asker, {"until": until}, expires_at=until)

    def passed(self, attempt: Attempt) -> None:
        """Gives the charge back, and forgets earlier failures of this way alone: no way clears another's."""
        self._refund([charge for charge in attempt.charges if charge != attempt.own])
        self._throttle.clear(*attempt.own)

    def give_back(self, attempt: Attempt) -> None:
        self._refund(attempt.charges)

    def knows_browser(self, *, username: str, visitor: Visitor) -> bool:
        """Whether this person signed in with it before, and not too long ago."""
        return self._shelf.find(_KNOWN_BROWSER, _known_key(username, visitor)) is not None

    def remember_browser(self, *, username: str, visitor: Visitor) -> None:
        expires_at = self._effects.now() + _KNOWN_BROWSER_SECONDS
        self._shelf.put(_KNOWN_BROWSER, _known_key(username, visitor), {}, expires_at=expires_at)

    def _counted_as(self, username: str, visitor: Visitor) -> str:
        if not self.knows_browser(username=username, visitor=visitor):
            return username
        return f"{username}\x1f{token_hash(visitor.browser)}"

    def _refund(self, charges: Iterable[tuple[Bucket, str]]) -> None:
        for bucket, key in charges:
            self._throttle.refund(bucket, key)


def charge_all(throttle: Throttle, charges: Sequence[tuple[Bucket, str]]) -> float:
    """0.0: all of them are paid. Otherwise none is, and the seconds to wait."""
    for index, (bucket, key) in enumerate(charges):
        seconds = throttle.charge(bucket, key)
        if seconds > 0:
            for paid in charges[:index]:
                throttle.refund(*paid)
            return seconds
    return 0.0


def network_of(address: str) -> str:
    """The whole /64 for IPv6, since one customer holds at least that much; an unreadable address is one
    bucket.
    """
    try:
        parsed = ip_address(address)
    except ValueError:
        return "unknown"
    if isinstance(parsed, IPv6Address):
        if parsed.ipv4_mapped is not None:
            return str(parsed.ipv4_mapped)
        return f"{IPv6Address(int(parsed) >> 64 << 64)}/64"
    return str(parsed)


def _known_key(username: str, visitor: Visitor) -> str:
    return f"{token_hash(visitor.browser)}\x1f{username}"
