"""Wires the provider together, once for each process: settings in, a WSGI application out."""

import json
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

from flask import Flask

from idp import logs, settings
from idp.crypto import Sealer
from idp.effects import Effects
from idp.gateways.outbound import Outbound
from idp.login.completion import Completion
from idp.login.enrolment import Enrolments
from idp.login.flow import Login
from idp.login.limits import Limits
from idp.login.sessions import Sessions
from idp.login.standing import Standings
from idp.login.transaction import Transactions
from idp.methods.registry import Argon2Parameters, Methods, WebAuthnParty, methods
from idp.oidc.options import Options, RegistrationMode
from idp.oidc.server import OpenIDProvider
from idp.oidc.software_statements import read_trusted
from idp.people.cases import Cases
from idp.people.walk import Walk
from idp.settings import Settings, SettingsError
from idp.storage.open import Storage, open_storage
from idp.storage.vault import Vault
from idp.web import (
    account,
    activity,
    api,
    api_cases,
    assets,
    device,
    errors,
    guards,
    headers,
    health,
    http,
    i18n,
    login,
    metrics,
    not_me,
    oidc,
    pages,
    portal,
    site,
    wellknown,
)
from idp.web.observed import Observed
from idp.web.protocol import ProtocolEndpoints

if TYPE_CHECKING:
    from _typeshed.wsgi import StartResponse, WSGIApplication, WSGIEnvironment

_TEMPLATES: Final = Path(__file__).resolve().parents[1] / "templates"
_FORM_BYTES: Final = 64 * 1024
_FORM_FIELDS: Final = 100


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
    enrolments: Enrolments
    openid: OpenIDProvider
    cases: Cases
    walk: Walk


def assemble(chosen: Settings, effects: Effects) -> Provider:
    """Connects to nothing yet."""
    vault = Vault(Sealer(chosen.master_key_bytes, effects), effects)
    redis_url = chosen.redis_url.get_secret_value() if chosen.redis_url else None
    storage = open_storage(chosen.database_url, redis_url, vault, effects)
    ways = _methods(chosen, vault, effects)
    standings = Standings(storage.database, ways, effects)
    sessions = Sessions(
        storage.database,
        effects,
        idle_seconds=chosen.session_idle_minutes * 60,
        absolute_seconds=chosen.session_absolute_hours * 3600,
    )
    limits = Limits(storage.throttle, storage.shelf, effects)
    flow = _login(
        storage, vault, ways, standings=standings, sessions=sessions, limits=limits, effects=effects
    )
    enrolments = Enrolments(
        database=storage.database,
        shelf=storage.shelf,
        vault=vault,
        methods=ways,
        standings=standings,
        sessions=sessions,
        limits=limits,
        effects=effects,
    )
    return Provider(
        settings=chosen,
        effects=effects,
        vault=vault,
        storage=storage,
        methods=ways,
        standings=standings,
        sessions=sessions,
        login=flow,
        enrolments=enrolments,
        openid=OpenIDProvider(
            options=options_of(chosen),
            storage=storage,
            vault=vault,
            login=flow,
            standings=standings,
            outbound=open_outbound(chosen),
            effects=effects,
        ),
        cases=Cases(database=storage.database, standings=standings, sessions=sessions, effects=effects),
        walk=Walk(ways, enrolments),
    )


def create_app(
    chosen: Settings | None = None,
    *,
    effects: Effects | None = None,
    mounts: Mapping[str, "WSGIApplication"] | None = None,
    compile_templates: bool = False,
) -> "WSGIApplication":
    """From the environment, unless the caller has settings of its own. Raises SettingsError."""
    if chosen is None:
        chosen = settings.load()
        logs.configure(chosen.log_level)
    provider = assemble(chosen, effects or Effects())
    return make_application(provider, mounts=mounts, compile_templates=compile_templates)


def make_application(
    provider: Provider,
    *,
    mounts: Mapping[str, "WSGIApplication"] | None = None,
    compile_templates: bool = False,
) -> "WSGIApplication":
    """`mounts`: other applications by the path they answer under, for development on one origin.
    `compile_templates`: now rather than one by one, so that processes forked from this one share them.
    """
    pages = make_pages(provider)
    if compile_templates:
        for name in pages.jinja_env.list_templates():
            pages.jinja_env.get_template(name)
    return Observed(Edge(provider, pages, mounts or {}), provider.effects)


class Edge:
    """Hands a request to whoever serves its path: the protocol core, a mounted application, or the pages."""

    def __init__(self, provider: Provider, pages: Flask, mounts: Mapping[str, "WSGIApplication"]) -> None:
        self._protocol = ProtocolEndpoints(provider.openid, trusted_proxies=provider.settings.trusted_proxies)
        self._pages = pages
        self._mounts = mounts

    def __call__(self, environ: "WSGIEnvironment", start_response: "StartResponse") -> Iterable[bytes]:
        path = environ.get("PATH_INFO", "")
        if self._protocol.serves(path):
            return self._protocol(environ, start_response)
        for prefix, application in self._mounts.items():
            if path == prefix or path.startswith(f"{prefix}/"):
                environ["SCRIPT_NAME"] = environ.get("SCRIPT_NAME", "") + prefix
                environ["PATH_INFO"] = path[len(prefix) :]
                return application(environ, start_response)
        return self._pages(environ, start_response)


def make_pages(provider: Provider) -> Flask:
    app = Flask("idp", template_folder=str(_TEMPLATES), static_folder=None)
    app.config.update(
        MAX_CONTENT_LENGTH=_FORM_BYTES,
        MAX_FORM_MEMORY_SIZE=_FORM_BYTES,
        MAX_FORM_PARTS=_FORM_FIELDS,
        PROPAGATE_EXCEPTIONS=False,
    )
    site.install(app, _site(provider))
    i18n.install(app)
    guards.install(app)
    errors.install(app)
    pages.install(app)
    app.after_request(http.keep_browser_id)
    app.after_request(headers.set_headers)
    for module in (
        *(login, oidc, device, portal, account, assets, health, wellknown, api),
        *(activity, not_me, api_cases),
    ):
        app.register_blueprint(module.blueprint)
    token = provider.settings.metrics_token
    app.register_blueprint(metrics.blueprint(token.get_secret_value() if token else None))
    return app


def _site(provider: Provider) -> site.Site:
    return site.Site(
        issuer=provider.settings.issuer,
        origins=provider.settings.own_origins,
        secure=provider.settings.secure,
        trusted_proxies=provider.settings.trusted_proxies,
        support_contact=provider.settings.support_contact,
        effects=provider.effects,
        storage=provider.storage,
        vault=provider.vault,
        methods=provider.methods,
        sessions=provider.sessions,
        standings=provider.standings,
        login=provider.login,
        enrolments=provider.enrolments,
        openid=provider.openid,
        cases=provider.cases,
        walk=provider.walk,
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


def open_outbound(chosen: Settings) -> Outbound:
    """Connects to nothing yet."""
    return Outbound(ca_file=chosen.outbound_ca_file, allowed=chosen.outbound_allow)


def _methods(chosen: Settings, vault: Vault, effects: Effects) -> Methods:
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
        )
    )


def _login(
    storage: Storage,
    vault: Vault,
    ways: Methods,
    *,
    standings: Standings,
    sessions: Sessions,
    limits: Limits,
    effects: Effects,
) -> Login:
    transactions = Transactions(storage.shelf, vault, effects)
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
