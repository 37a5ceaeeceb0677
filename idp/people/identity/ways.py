"""The desk with every way of confirming that this installation has."""

from dataclasses import dataclass

from idp.people.identity.desk import IdentityDesk
from idp.people.identity.eparaksts import ByEParaksts
from idp.people.identity.in_person import IdentityChecks
from idp.people.identity.in_person_code import ByInPersonCode
from idp.people.identity.smart_id import BySmartId


@dataclass(frozen=True, slots=True, kw_only=True)
class IdentityWays:
    """None for a way that is not set up. `checks` are what comes before the code of `in_person`."""

    desk: IdentityDesk
    checks: IdentityChecks
    in_person: ByInPersonCode
    smart_id: BySmartId | None = None
    eparaksts: ByEParaksts | None = None
