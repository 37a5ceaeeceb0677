"""How often one may ask to be vouched for, look for who asks, and vouch.

Asking is counted by name and network together, so that a stranger's tries from elsewhere cost the owner of an
account nothing.
"""

from typing import Final

from idp.login.limits import Wait, charge_all, network_of
from idp.login.places import Places
from idp.login.sessions import Visitor
from idp.storage.throttle import Bucket, Throttle

_DAY: Final = 24 * 3600
ASKED_OF_ACCOUNT: Final = Bucket(
    "vouching-account", free=3, base_seconds=3600, cap_seconds=_DAY, forget_seconds=_DAY
)
ASKED_FROM_ADDRESS: Final = Bucket(
    "vouching-address", free=10, base_seconds=360, cap_seconds=3600, forget_seconds=3600
)
ASKED_FROM_TOWN_HALL: Final = Bucket(
    "vouching-town-hall", free=200, base_seconds=10, cap_seconds=60, forget_seconds=3600
)
"""An address in a network that is listed as a municipality's is that of everybody who works there."""
LOOKED_UP: Final = Bucket("vouching-look-up", free=10, base_seconds=30, cap_seconds=900, forget_seconds=3600)
VOUCHED: Final = Bucket("vouching-voucher", free=3, base_seconds=_DAY, cap_seconds=_DAY, forget_seconds=_DAY)
"""Numbers that one person picked, right or wrong."""


class VouchingLimits:
    def __init__(self, throttle: Throttle, places: Places) -> None:
        self._throttle = throttle
        self._places = places

    def charge_asking(self, username: str, visitor: Visitor) -> Wait | None:
        network = network_of(visitor.address)
        is_town_hall = self._places.name_of(visitor.address) is not None
        address = ASKED_FROM_TOWN_HALL if is_town_hall else ASKED_FROM_ADDRESS
        charges = ((ASKED_OF_ACCOUNT, f"{username}\x1f{network}"), (address, network))
        return _wait(charge_all(self._throttle, charges))

    def charge_look_up(self, user_id: str) -> Wait | None:
        return _wait(self._throttle.charge(LOOKED_UP, user_id))

    def charge_vouching(self, user_id: str) -> Wait | None:
        return _wait(self._throttle.charge(VOUCHED, user_id))

    def give_back_vouching(self, user_id: str) -> None:
        self._throttle.refund(VOUCHED, user_id)


def _wait(seconds: float) -> Wait | None:
    return Wait(seconds) if seconds > 0 else None
