"""The desk with every way of confirming that this installation has."""

from dataclasses import dataclass

from idp.people.identity.desk import IdentityDesk
from idp.people.identity.eparaksts import ByEParaksts
from idp.people.identity.smart_id import BySmartId


@dataclass(frozen=True, slots=True, kw_only=True)
class IdentityWays:
    """None for a way that is not set up."""

    desk: IdentityDesk
    smart_id: BySmartId | None = None
    eparaksts: ByEParaksts | None = None
