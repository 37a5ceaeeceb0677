"""Parts of the provider that are made of what nearly every part needs.

Not here: how they come together, and what is made of the settings alone (`assembly.py`).
"""

from dataclasses import dataclass

from idp.effects import Effects
from idp.gateways.eparaksts.door import EParaksts
from idp.gateways.smart_id.door import SmartId
from idp.login.approvals import Approvals
from idp.login.enrolment import Enrolments
from idp.login.flow import Login
from idp.login.limits import Limits
from idp.login.places import Places
from idp.login.remembered import RememberedComputers
from idp.login.sessions import Sessions
from idp.login.standing import Standings
from idp.login.tickets import Tickets
from idp.login.transaction import Transactions
from idp.login.upstreams import Upstreams
from idp.methods.registry import Methods
from idp.models.confirmations import ConfirmedBy
from idp.people.identity.desk import IdentityDesk
from idp.people.identity.eparaksts import ByEParaksts
from idp.people.identity.in_person import IdentityChecks
from idp.people.identity.in_person_code import ByInPersonCode
from idp.people.identity.limits import IdentityLimits
from idp.people.identity.rules import IdentityRules
from idp.people.identity.sittings import Sittings
from idp.people.identity.smart_id import BySmartId
from idp.people.identity.ways import IdentityWays
from idp.people.vouching import Vouching
from idp.people.vouching_limits import VouchingLimits
from idp.people.vouching_rules import VouchingRules
from idp.storage.approval_requests import ApprovalRequests
from idp.storage.open import Storage
from idp.storage.vault import Vault


@dataclass(frozen=True, slots=True, kw_only=True)
class Base:
    effects: Effects
    vault: Vault
    storage: Storage
    ways: Methods
    standings: Standings
    sessions: Sessions
    limits: Limits
    transactions: Transactions


def vouching_of(base: Base, places: Places, tickets: Tickets) -> Vouching:
    return Vouching(
        database=base.storage.database,
        rules=VouchingRules(base.ways, base.standings, base.effects),
        limits=VouchingLimits(base.storage.throttle, places),
        tickets=tickets,
        effects=base.effects,
    )


def enrolments_of(base: Base) -> Enrolments:
    return Enrolments(
        database=base.storage.database,
        shelf=base.storage.shelf,
        vault=base.vault,
        methods=base.ways,
        standings=base.standings,
        sessions=base.sessions,
        limits=base.limits,
        effects=base.effects,
    )


def identity_of(
    base: Base,
    tickets: Tickets,
    places: Places,
    *,
    smart_id: SmartId | None,
    eparaksts: EParaksts | None,
    issuer: str,
    site_name: str,
) -> IdentityWays:
    storage, vault, effects = base.storage, base.vault, base.effects
    checks = IdentityChecks(storage.database, effects)
    desk = IdentityDesk(
        database=storage.database,
        shelf=storage.shelf,
        sittings=Sittings(storage.shelf, vault, effects),
        limits=IdentityLimits(storage.throttle, places),
        rules=IdentityRules(base.ways, base.standings),
        standings=base.standings,
        sessions=base.sessions,
        tickets=tickets,
        effects=effects,
        uses={ConfirmedBy.IN_PERSON: checks.use},
    )
    in_person = ByInPersonCode(
        desk,
        checks,
        database=storage.database,
        shelf=storage.shelf,
        throttle=storage.throttle,
        effects=effects,
    )
    shelf = storage.shelf
    by_smart_id = by_eparaksts = None
    if smart_id is not None:
        by_smart_id = BySmartId(
            smart_id, desk, shelf=shelf, vault=vault, effects=effects, issuer=issuer, site_name=site_name
        )
    if eparaksts is not None:
        by_eparaksts = ByEParaksts(eparaksts, desk, shelf=shelf, vault=vault, effects=effects, issuer=issuer)
    return IdentityWays(
        desk=desk, checks=checks, in_person=in_person, smart_id=by_smart_id, eparaksts=by_eparaksts
    )


def upstreams_of(base: Base, flow: Login) -> Upstreams:
    return Upstreams(
        database=base.storage.database,
        shelf=base.storage.shelf,
        vault=base.vault,
        methods=base.ways,
        sessions=base.sessions,
        login=flow,
        effects=base.effects,
    )


def tickets_of(base: Base, enrolments: Enrolments) -> Tickets:
    return Tickets(
        database=base.storage.database,
        shelf=base.storage.shelf,
        throttle=base.storage.throttle,
        methods=base.ways,
        standings=base.standings,
        sessions=base.sessions,
        enrolments=enrolments,
        effects=base.effects,
    )


def computers_of(base: Base) -> RememberedComputers:
    return RememberedComputers(
        database=base.storage.database,
        methods=base.ways,
        standings=base.standings,
        transactions=base.transactions,
        sessions=base.sessions,
        effects=base.effects,
    )


def approvals_of(base: Base, requests: ApprovalRequests) -> Approvals:
    return Approvals(
        database=base.storage.database,
        methods=base.ways,
        requests=requests,
        transactions=base.transactions,
        limits=base.limits,
    )
