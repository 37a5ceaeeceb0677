"""Composition: the provider's parts, made from the settings and given to one another. Connects to nothing.

Not here: what is served of it (`app.py`), background jobs (`worker.py`), parts of many parts (`parts.py`).
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
from idp.login.upstreams import Upstreams
from idp.login.workplaces import Workplaces
from idp.methods.registry import Argon2Parameters, Methods, WebAuthnParty, methods
from idp.oidc.options import Options, RegistrationMode
from idp.oidc.server import OpenIDProvider
from idp.oidc.software_statements import read_trusted
from idp.oidc.upstream import RelyingParty
from idp.oidc.upstream_logout import UpstreamLogout
from idp.oidc.upstream_parts import upstream_protocol
from idp.parts import (
    Base,
    approvals_of,
    computers_of,
    enrolments_of,
    identity_of,
    tickets_of,
    upstreams_of,
    vouching_of,
)
from idp.people.arrivals import Arrivals, arrivals_of
from idp.people.cases import Cases
from idp.people.contacts import Contacts
from idp.people.first_arrivals import FirstArrivals
from idp.people.identity.ways import IdentityWays
from idp.people.letters import Letters
from idp.people.vouching import Vouching
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
    upstreams: Upstreams
    upstream_logout: UpstreamLogout


def assemble(chosen: Settings, effects: Effects) -> Provider:
    """Connects to nothing yet."""
    vault = Vault(Sealer(chosen.master_key_bytes, effects), effects)
    redis_url = chosen.redis_url.get_secret_value() if chosen.redis_url else None
    storage = open_storage(chosen.database_url, redis_url, vault, effects)
    requests = ApprovalRequests(storage.shelf, effects)
    upstream = upstream_protocol(chosen.issuer, storage, vault, open_outbound(chosen), effects)
    ways = _methods(chosen, vault, effects, requests, storage, upstream.party)
    base = Base(
        effects=effects,
        vault=vault,
        storage=storage,
        ways=ways,
        standings=Standings(storage.database, ways, effects),
        sessions=_sessions(chosen, storage, effects),
        limits=Limits(storage.throttle, storage.shelf, effects),
        transactions=Transactions(storage.shelf, vault, effects),
    )
    standings, sessions = base.standings, base.sessions
    flow, places, enrolments = _login(base), Places(storage.database, effects), enrolments_of(base)
    tickets = tickets_of(base, enrolments)
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
        computers=computers_of(base),
        enrolments=enrolments,
        tickets=tickets,
        approvals=approvals_of(base, requests),
        openid=_openid(chosen, base, flow),
        contacts=_contacts(chosen, storage, effects),
        letters=_letters(chosen, storage, ways),
        cases=Cases(database=storage.database, standings=standings, sessions=sessions, effects=effects),
        walk=Walk(ways, enrolments),
        upstreams=upstreams_of(base, flow),
        upstream_logout=upstream.logout,
        smart_id=smart_id,
        eparaksts=eparaksts,
        identity=identity_of(
            base,
            tickets,
            places,
            smart_id=smart_id,
            eparaksts=eparaksts,
            issuer=chosen.issuer,
            site_name=pages.PRODUCT_NAME,
        ),
        vouching=vouching_of(base, places, tickets),
        arrivals=arrivals_of(storage, ways, sessions, base.limits, vault, effects),
        workplaces=Workplaces(storage.database, ways, places, effects),
    )


def _openid(chosen: Settings, base: Base, flow: Login) -> OpenIDProvider:
    return OpenIDProvider(
        options=options_of(chosen),
        storage=base.storage,
        vault=base.vault,
        login=flow,
        standings=base.standings,
        outbound=open_outbound(chosen),
        effects=base.effects,
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
    chosen: Settings,
    vault: Vault,
    effects: Effects,
    requests: ApprovalRequests,
    storage: Storage,
    upstreams: RelyingParty,
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
            upstreams=upstreams,
        )
    )


def _login(base: Base) -> Login:
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
