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
from idp.people.cases import Cases
from idp.people.contacts import Contacts
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
    workplaces: Workplaces


def assemble(chosen: Settings, effects: Effects) -> Provider:
    """Connects to nothing yet."""
    vault = Vault(Sealer(chosen.master_key_bytes, effects), effects)
    redis_url = chosen.redis_url.get_secret_value() if chosen.redis_url else None
    storage = open_storage(chosen.database_url, redis_url, vault, effects)
    requests = ApprovalRequests(storage.shelf, effects)
    ways = _methods(chosen, vault, effects, requests, storage)
    standings = Standings(storage.database, ways, effects)
    sessions = _sessions(chosen, storage, effects)
    limits = Limits(storage.throttle, storage.shelf, effects)
    transactions = Transactions(storage.shelf, vault, effects)
    flow = _login(
        storage, ways, transactions, standings=standings, sessions=sessions, limits=limits, effects=effects
    )
    places = Places(storage.database, effects)
    enrolments = _enrolments(
        storage, vault, ways, standings=standings, sessions=sessions, limits=limits, effects=effects
    )
    tickets = _tickets(storage, ways, standings, sessions, enrolments, effects)
    smart_id, eparaksts = smart_id_of(chosen, effects), eparaksts_of(chosen, effects)
    return Provider(
        settings=chosen,
        effects=effects,
        vault=vault,
        storage=storage,
        methods=ways,
        standings=standings,
        sessions=sessions,
        login=flow,
        places=places,
        computers=_computers(storage, ways, standings, transactions, sessions, effects),
        enrolments=enrolments,
        tickets=tickets,
        approvals=_approvals(storage, ways, requests, transactions, limits),
        openid=_openid(chosen, storage, vault, flow, standings, effects),
        contacts=_contacts(chosen, storage, effects),
        letters=_letters(chosen, storage, ways),
        cases=Cases(database=storage.database, standings=standings, sessions=sessions, effects=effects),
        walk=Walk(ways, enrolments),
        smart_id=smart_id,
        eparaksts=eparaksts,
        identity=_identity(
            chosen,
            storage,
            vault,
            ways,
            standings=standings,
            sessions=sessions,
            tickets=tickets,
            places=places,
            smart_id=smart_id,
            eparaksts=eparaksts,
            effects=effects,
        ),
        vouching=_vouching(storage, VouchingRules(ways, standings, effects), places, tickets, effects),
        workplaces=Workplaces(storage.database, ways, places, effects),
    )


def _vouching(
    storage: Storage, rules: VouchingRules, places: Places, tickets: Tickets, effects: Effects
) -> Vouching:
    return Vouching(
        database=storage.database,
        rules=rules,
        limits=VouchingLimits(storage.throttle, places),
        tickets=tickets,
        effects=effects,
    )


def _openid(
    chosen: Settings, storage: Storage, vault: Vault, flow: Login, standings: Standings, effects: Effects
) -> OpenIDProvider:
    return OpenIDProvider(
        options=options_of(chosen),
        storage=storage,
        vault=vault,
        login=flow,
        standings=standings,
        outbound=open_outbound(chosen),
        effects=effects,
    )


def _enrolments(
    storage: Storage,
    vault: Vault,
    ways: Methods,
    *,
    standings: Standings,
    sessions: Sessions,
    limits: Limits,
    effects: Effects,
) -> Enrolments:
    return Enrolments(
        database=storage.database,
        shelf=storage.shelf,
        vault=vault,
        methods=ways,
        standings=standings,
        sessions=sessions,
        limits=limits,
        effects=effects,
    )


def _identity(
    chosen: Settings,
    storage: Storage,
    vault: Vault,
    ways: Methods,
    *,
    standings: Standings,
    sessions: Sessions,
    tickets: Tickets,
    places: Places,
    smart_id: SmartId | None,
    eparaksts: EParaksts | None,
    effects: Effects,
) -> IdentityWays:
    checks = IdentityChecks(storage.database, effects)
    desk = IdentityDesk(
        database=storage.database,
        shelf=storage.shelf,
        sittings=Sittings(storage.shelf, vault, effects),
        limits=IdentityLimits(storage.throttle, places),
        rules=IdentityRules(ways, standings),
        standings=standings,
        sessions=sessions,
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
    shelf, issuer = storage.shelf, chosen.issuer
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


def _tickets(
    storage: Storage,
    ways: Methods,
    standings: Standings,
    sessions: Sessions,
    enrolments: Enrolments,
    effects: Effects,
) -> Tickets:
    return Tickets(
        database=storage.database,
        shelf=storage.shelf,
        throttle=storage.throttle,
        methods=ways,
        standings=standings,
        sessions=sessions,
        enrolments=enrolments,
        effects=effects,
    )


def _computers(
    storage: Storage,
    ways: Methods,
    standings: Standings,
    transactions: Transactions,
    sessions: Sessions,
    effects: Effects,
) -> RememberedComputers:
    return RememberedComputers(
        database=storage.database,
        methods=ways,
        standings=standings,
        transactions=transactions,
        sessions=sessions,
        effects=effects,
    )


def _approvals(
    storage: Storage, ways: Methods, requests: ApprovalRequests, transactions: Transactions, limits: Limits
) -> Approvals:
    return Approvals(
        database=storage.database,
        methods=ways,
        requests=requests,
        transactions=transactions,
        limits=limits,
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


def _contacts(chosen: Settings, storage: Storage, effects: Effects) -> Contacts:
    return Contacts(
        database=storage.database,
        throttle=storage.throttle,
        effects=effects,
        is_mail_sent=chosen.mail_host is not None or chosen.keeps_mail,
    )


def _letters(chosen: Settings, storage: Storage, ways: Methods) -> Letters:
    return Letters(
        issuer=chosen.issuer,
        product=pages.PRODUCT_NAME,
        sender=chosen.mail_sender,
        support_contact=chosen.support_contact,
        database=storage.database,
        methods=ways,
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


def _login(
    storage: Storage,
    ways: Methods,
    transactions: Transactions,
    *,
    standings: Standings,
    sessions: Sessions,
    limits: Limits,
    effects: Effects,
) -> Login:
    return Login(
        database=storage.database,
        methods=ways,
        standings=standings,
        transactions=transactions,
        completion=Completion(
            database=storage.database,
            standings=standings,
            sessions=sessions,
            transactions=transactions,
            limits=limits,
        ),
        limits=limits,
        effects=effects,
    )
