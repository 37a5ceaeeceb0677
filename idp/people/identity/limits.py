"""How often somebody may try to confirm who they are (Smart-ID specification, section 9.5).

A start is paid for by the account and by the address; what failed or was refused makes the account wait, and
longer each time. Where the account was only named, a stranger's tries from elsewhere cost its owner nothing,
and all of them together are bounded: the service knows us by one address and would shut out everybody.
"""

from typing import Final

from idp.login.limits import Wait, charge_all, network_of
from idp.login.places import Places
from idp.login.sessions import Visitor
from idp.people.identity.sittings import Purpose, Sitting
from idp.storage.throttle import Bucket, Throttle

STARTS_OF_ACCOUNT: Final = Bucket(
    "identity-account", free=5, base_seconds=720, cap_seconds=3600, forget_seconds=3600
)
STARTS_OF_ADDRESS: Final = Bucket(
    "identity-address", free=20, base_seconds=180, cap_seconds=3600, forget_seconds=3600
)
STARTS_OF_TOWN_HALL: Final = Bucket(
    "identity-town-hall", free=400, base_seconds=10, cap_seconds=60, forget_seconds=3600
)
"""An address in a network that is listed as a municipality's is that of everybody who works there."""
STARTS_OF_NOBODY: Final = Bucket(
    "identity-unproven", free=120, base_seconds=1, cap_seconds=10, forget_seconds=120
)
"""All those in which nothing was proved before, together."""
FAILURES: Final = Bucket(
    "identity-failures", free=3, base_seconds=900, cap_seconds=24 * 3600, forget_seconds=24 * 3600
)


class IdentityLimits:
    def __init__(self, throttle: Throttle, places: Places) -> None:
        self._throttle = throttle
        self._places = places

    def charge_start(self, sitting: Sitting, visitor: Visitor) -> Wait | None:
        place = self._places.name_of(visitor.address)
        address = STARTS_OF_ADDRESS if place is None else STARTS_OF_TOWN_HALL
        wanted = [
            (STARTS_OF_ACCOUNT, _account(sitting, visitor)),
            (address, network_of(visitor.address)),
        ]
        if sitting.purpose is Purpose.RECOVERY:
            wanted.append((STARTS_OF_NOBODY, ""))
        # To charge one and give it back for another's sake would make its own wait begin anew.
        asked = [(FAILURES, _account(sitting, visitor)), *wanted]
        seconds = max(self._throttle.wait(bucket, key) for bucket, key in asked)
        if seconds > 0:
            return Wait(seconds)
        seconds = charge_all(self._throttle, wanted)
        return Wait(seconds) if seconds > 0 else None

    def count_failure(self, sitting: Sitting, visitor: Visitor) -> None:
        self._throttle.charge(FAILURES, _account(sitting, visitor))

    def succeeded(self, sitting: Sitting, visitor: Visitor) -> None:
        self._throttle.clear(FAILURES, _account(sitting, visitor))


def _account(sitting: Sitting, visitor: Visitor) -> str:
    if sitting.purpose is Purpose.RECOVERY:
        return f"{sitting.username}\x1f{network_of(visitor.address)}"
    return sitting.user_id
