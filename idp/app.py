"""Wires the provider together, once for each process: settings in, a WSGI application out."""

from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Final

from flask import Flask

from idp import logs, settings
from idp.assembly import Provider, assemble
from idp.effects import Effects
from idp.settings import Settings
from idp.web import (
    account,
    activity,
    api,
    api_arrivals,
    api_cases,
    api_directories,
    api_directory_runs,
    api_identity_checks,
    api_municipalities,
    api_networks,
    api_tickets,
    api_upstreams,
    approve,
    assets,
    choose,
    computers,
    contacts,
    device,
    directory_reports,
    directory_status,
    enrol,
    errors,
    guards,
    headers,
    health,
    http,
    i18n,
    identity,
    identity_eparaksts,
    identity_in_person,
    identity_smart_id,
    invited,
    invited_there,
    kept_mail,
    login,
    metrics,
    negotiate,
    not_me,
    oidc,
    pages,
    portal,
    shared,
    site,
    upstream,
    vouching,
    wellknown,
)
from idp.web.observed import Observed
from idp.web.protocol import ProtocolEndpoints

if TYPE_CHECKING:
    from _typeshed.wsgi import StartResponse, WSGIApplication, WSGIEnvironment

_TEMPLATES: Final = Path(__file__).resolve().parents[1] / "templates"
_FORM_BYTES: Final = 64 * 1024
_FORM_FIELDS: Final = 100


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
        *(login, negotiate, enrol, oidc, device, approve, portal, account, contacts, computers, shared),
        *(assets, health, wellknown, api, api_tickets),
        *(identity_smart_id, identity_eparaksts, identity_in_person, identity),
        *(activity, choose, not_me, api_cases, api_identity_checks, api_municipalities, api_networks),
        *(api_directories, api_arrivals, invited),
        *(directory_status, directory_reports),
        *(upstream, api_upstreams, invited_there),
        *(vouching, api_directory_runs),
    ):
        app.register_blueprint(module.blueprint)
    if provider.settings.keeps_mail:
        app.register_blueprint(kept_mail.blueprint)
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
        computers=provider.computers,
        places=provider.places,
        enrolments=provider.enrolments,
        tickets=provider.tickets,
        approvals=provider.approvals,
        openid=provider.openid,
        contacts=provider.contacts,
        letters=provider.letters,
        cases=provider.cases,
        walk=provider.walk,
        identity=provider.identity,
        smart_id=provider.smart_id,
        vouching=provider.vouching,
        arrivals=provider.arrivals,
        workplaces=provider.workplaces,
        upstreams=provider.upstreams,
        upstream_logout=provider.upstream_logout,
    )
