"""The ways to prove oneself at eParaksts, as the service names them when it is asked and when it answers."""

from enum import Enum
from typing import Final

_FLOW: Final = "urn:eparaksts:authentication:flow:"
LEVEL_HIGH: Final = "urn:safelayer:tws:policies:authentication:level:high"
_METHOD_PREFIXES: Final = (
    "urn:eparaksts:tws:policies:authentication:adaptive:methods:",
    "urn:safelayer:tws:policies:authentication:adaptive:methods:",
)


class Way(Enum):
    """All four are of level high of eIDAS."""

    MOBILE = "mobileid"
    """The app on this device."""
    MOBILE_ELSEWHERE = "mobileid:cross-device"
    """The app on a phone, from a computer."""
    CARD_ON_PHONE = "mobile-eid"
    """The eID card, held against a phone."""
    CARD_IN_READER = "sc_plugin"

    @property
    def acr(self) -> str:
        """The one value of `acr_values` that asks for it."""
        return _FLOW + self.value

    @property
    def acrs(self) -> frozenset[str]:
        """What the answer may say: the flow that was asked for, or its level, as the service's documentation
        has it.
        """
        return frozenset({self.acr, LEVEL_HIGH})

    @property
    def amrs(self) -> frozenset[str]:
        """One of these has to be said. A card on a phone is told as what carries it, the app."""
        return frozenset(prefix + method for prefix in _METHOD_PREFIXES for method in _METHODS[self])


_METHODS: Final = {
    Way.MOBILE: {"mobileid"},
    Way.MOBILE_ELSEWHERE: {"mobileid", "mobileid:cross-device"},
    Way.CARD_ON_PHONE: {"mobileid", "mobile-eid"},
    Way.CARD_IN_READER: {"sc_plugin"},
}
