"""Composition: the provider's parts, made from the settings and given to one another. Connects to nothing.

Not here: what is served of it (`app.py`), background jobs (`worker.py`).
"""

import json
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from idp.crypto import Sealer
from idp.doors import eparaksts_of, open_outbound, smart_id_of
from idp.effects import Effects
from idp.gateways.eparaksts.door import EParaksts
from idp.gateways.smart_id.door import SmartId
from idp.login.approvals import Approvals
from idp.login.completion import Completion
from idp.login.enrolment import Enrolments
from idp.login.flow import Login
from idp.login.limits import Limits
from idp.login.places import Places
from idp.login.remembered import RememberedComputers
from idp.login.sessions import Sessions
from idp.login.standing import Standings
from idp.login.tickets import Tickets
from idp.login.transaction import Transactions
from idp.login.workplaces import Workplaces
from idp.methods.registry import Argon2Parameters, Methods, WebAuthnParty, methods
from idp.models.confirmations import ConfirmedBy
from idp.oidc.options import Options, RegistrationMode
from idp.oidc.server import OpenIDProvider
from idp.oidc.software_statements import read_trusted
from idp.people.arrivals import Arrivals, arrivals_of
from idp.people.cases import Cases
from idp.people.contacts import Contacts
from idp.people.first_arrivals import FirstArrivals
from idp.people.identity.desk import IdentityDesk
from idp.people.identity.eparaksts import ByEParaksts
from idp.people.identity.in_person import IdentityChecks
from idp.people.identity.in_person_code import ByInPersonCode
from idp.people.identity.limits import IdentityLimits
from idp.people.identity.rules import IdentityRules
from idp.people.identity.sittings import Sittings
from idp.people.identity.smart_id import BySmartId
from idp.people.identity.ways import IdentityWays
from idp.people.letters import Letters
from idp.people.vouching import Vouching
from idp.people.vouching_limits import VouchingLimits
from idp.people.vouching_rules import VouchingRules
from idp.people.walk import Walk
from idp.settings import Settings, SettingsError
from idp.storage.approval_requests import ApprovalRequests
from idp.storage.open import Storage, open_storage
from idp.storage.vault import Vault
from idp.web import pages


@dataclass(frozen=True, slots=True, kw_only=True)
class Provider:
    settings: Settings
    effects: Effects
    vault: Vault
    storage: Storage
    methods: Methods
    standings: Standings
    sessions: Sessions
    login: Login
    places: Places
    computers: RememberedComputers
    enrolments: Enrolments
    tickets: Tickets
    approvals: Approvals
    openid: OpenIDProvider
    contacts: Contacts
    letters: Letters
    cases: Cases
    walk: Walk
    smart_id: SmartId | None
    """None where it is not set up."""
    eparaksts: EParaksts | None
    """None where it is switched off."""
    identity: IdentityWays
    vouching: Vouching
    arrivals: Arrivals
    workplaces: Workplaces


@dataclass(frozen=True, slots=True, kw_only=True)
class _Base:
    """What most parts are made of."""

    chosen: Settings
    effects: Effects
    vault: Vault
    storage: Storage
    ways: Methods
    requests: ApprovalRequests
    standings: Standings
    sessions: Sessions
    limits: Limits
    transactions: Transactions
    places: Places


def assemble(chosen: Settings, effects: Effects) -> Provider:
    """Connects to nothing yet."""
    base = _base(chosen, effects)
    storage, ways, standings, sessions = base.storage, base.ways, base.standings, base.sessions
    flow = _login(base)
    enrolments = _enrolments(base)
    tickets = _tickets(base, enrolments)
    smart_id, eparaksts = smart_id_of(chosen, effects), eparaksts_of(chosen, effects)
    return Provider(
        settings=chosen,
        effects=effects,
        vault=base.vault,
        storage=storage,
        methods=ways,
        standings=standings,
        sessions=sessions,
        login=flow,
        places=base.places,
        computers=_computers(base),
        enrolments=enrolments,
        tickets=tickets,
        approvals=_approvals(base),
        openid=_openid(base, flow),
        contacts=_contacts(base),
        letters=_letters(base),
        cases=Cases(database=storage.database, standings=standings, sessions=sessions, effects=effects),
        walk=Walk(ways, enrolments),
        smart_id=smart_id,
        eparaksts=eparaksts,
        identity=_identity(base, tickets, smart_id, eparaksts),
        vouching=_vouching(base, tickets),
        arrivals=arrivals_of(storage, ways, sessions, base.limits, effects),
        workplaces=Workplaces(storage.database, ways, base.places, effects),
    )


def _base(chosen: Settings, effects: Effects) -> _Base:
    vault = Vault(Sealer(chosen.master_key_bytes, effects), effects)
    redis_url = chosen.redis_url.get_secret_value() if chosen.redis_url else None
    storage = open_storage(chosen.database_url, redis_url, vault, effects)
    requests = ApprovalRequests(storage.shelf, effects)
    ways = _methods(chosen, vault, effects, requests, storage)
    return _Base(
        chosen=chosen,
        effects=effects,
        vault=vault,
        storage=storage,
        ways=ways,
        requests=requests,
        standings=Standings(storage.database, ways, effects),
        sessions=_sessions(chosen, storage, effects),
        limits=Limits(storage.throttle, storage.shelf, effects),
        transactions=Transactions(storage.shelf, vault, effects),
        places=Places(storage.database, effects),
    )


def _vouching(base: _Base, tickets: Tickets) -> Vouching:
    return Vouching(
        database=base.storage.database,
        rules=VouchingRules(base.ways, base.standings, base.effects),
        limits=VouchingLimits(base.storage.throttle, base.places),
        tickets=tickets,
        effects=base.effects,
    )


def _openid(base: _Base, flow: Login) -> OpenIDProvider:
    return OpenIDProvider(
        options=options_of(base.chosen),
        storage=base.storage,
        vault=base.vault,
        login=flow,
        standings=base.standings,
        outbound=open_outbound(base.chosen),
        effects=base.effects,
    )


def _enrolments(base: _Base) -> Enrolments:
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


def _identity(
    base: _Base, tickets: Tickets, smart_id: SmartId | None, eparaksts: EParaksts | None
) -> IdentityWays:
    storage, vault, effects = base.storage, base.vault, base.effects
    checks = IdentityChecks(storage.database, effects)
    desk = IdentityDesk(
        database=storage.database,
        shelf=storage.shelf,
        sittings=Sittings(storage.shelf, vault, effects),
        limits=IdentityLimits(storage.throttle, base.places),
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
    shelf, issuer = storage.shelf, base.chosen.issuer
    by_smart_id = by_eparaksts = None
    if smart_id is not None:
        by_smart_id = BySmartId(
            smart_id,
            desk,
            shelf=shelf,
            vault=vault,
            effects=effects,
            issuer=issuer,
            site_name=pages.PRODUCT_NAME,
        )
    if eparaksts is not None:
        by_eparaksts = ByEParaksts(eparaksts, desk, shelf=shelf, vault=vault, effects=effects, issuer=issuer)
    return IdentityWays(
        desk=desk, checks=checks, in_person=in_person, smart_id=by_smart_id, eparaksts=by_eparaksts
    )


def _tickets(base: _Base, enrolments: Enrolments) -> Tickets:
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


def _computers(base: _Base) -> RememberedComputers:
    return RememberedComputers(
        database=base.storage.database,
        methods=base.ways,
        standings=base.standings,
        transactions=base.transactions,
        sessions=base.sessions,
        effects=base.effects,
    )


def _approvals(base: _Base) -> Approvals:
    return Approvals(
        database=base.storage.database,
        methods=base.ways,
        requests=base.requests,
        transactions=base.transactions,
        limits=base.limits,
    )


def _contacts(base: _Base) -> Contacts:
    return Contacts(
        database=base.storage.database,
        throttle=base.storage.throttle,
        effects=base.effects,
        is_mail_sent=base.chosen.mail_host is not None or base.chosen.keeps_mail,
    )


def _letters(base: _Base) -> Letters:
    return Letters(
        issuer=base.chosen.issuer,
        product=pages.PRODUCT_NAME,
        sender=base.chosen.mail_sender,
        support_contact=base.chosen.support_contact,
        database=base.storage.database,
        methods=base.ways,
    )


def _login(base: _Base) -> Login:
    return Login(
        database=base.storage.database,
        methods=base.ways,
        standings=base.standings,
        transactions=base.transactions,
        completion=Completion(
            database=base.storage.database,
            standings=base.standings,
            sessions=base.sessions,
            transactions=base.transactions,
            limits=base.limits,
        ),
        limits=base.limits,
        effects=base.effects,
        whose=FirstArrivals(base.effects).whose,
    )


def options_of(chosen: Settings) -> Options:
    return Options(
        issuer=chosen.issuer,
        refresh_seconds=chosen.refresh_days * 86400,
        registration=RegistrationMode(chosen.registration),
        software_statement_jwks=_software_statement_jwks(chosen.software_statement_jwks),
        client_certificates=bool(chosen.trusted_proxies),
        mtls_origin=chosen.mtls_origin,
        client_authorities=chosen.client_authorities,
    )


def _software_statement_jwks(path: Path | None) -> dict[str, Any]:
    """Raises SettingsError for a file that is not there or holds something else."""
    if path is None:
        return {}
    try:
        document: dict[str, Any] = json.loads(path.read_text())
        read_trusted(document)
    except (OSError, ValueError, RecursionError) as error:
        why = error.strerror if isinstance(error, OSError) else str(error)
        raise SettingsError(f"IDP_SOFTWARE_STATEMENT_JWKS cannot be used: {why}.") from None
    return document


def _sessions(chosen: Settings, storage: Storage, effects: Effects) -> Sessions:
    return Sessions(
        storage.database,
        effects,
        idle_seconds=chosen.session_idle_minutes * 60,
        absolute_seconds=chosen.session_absolute_hours * 3600,
    )


def _methods(
    chosen: Settings, vault: Vault, effects: Effects, requests: ApprovalRequests, storage: Storage
) -> Methods:
    return Methods(
        methods(
            effects=effects,
            vault=vault,
            parameters=Argon2Parameters(
                time_cost=chosen.argon2_time_cost,
                memory_kib=chosen.argon2_memory_kib,
                parallelism=chosen.argon2_parallelism,
            ),
            hashes_at_once=chosen.argon2_concurrency,
            issuer_name=pages.PRODUCT_NAME,
            webauthn=WebAuthnParty(id=chosen.rp_id, name=pages.PRODUCT_NAME, origins=chosen.own_origins),
            approvals=requests,
            issuer=chosen.issuer,
            directories=storage,
        )
    )
