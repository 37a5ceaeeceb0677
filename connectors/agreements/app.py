"""Puts the agreements connector together: settings in, a WSGI application out. Nothing is decided here.

It may be mounted under a prefix or stand at its own origin; `CONNECTOR_BASE_URL` says where it is.
"""

from http import HTTPStatus

from flask import Flask, Response

from connectors.agreements import routes
from connectors.agreements.service import Agreements, read_municipalities
from connectors.agreements.settings import AgreementsSettings
from connectors.kit.backchannel import SignOuts
from connectors.kit.browser import Browsers
from connectors.kit.effects import Effects
from connectors.kit.failures import answer_failures
from connectors.kit.guard import guard
from connectors.kit.outbound import open_outbound
from connectors.kit.pages import TEMPLATES, ErrorPage, set_up_pages, show_error
from connectors.kit.pages import translate as _
from connectors.kit.provider import Provider
from connectors.kit.relying_party import Registration, RelyingParty
from connectors.kit.sealing import Sealer
from connectors.kit.senders import Senders
from connectors.kit.settings import load_settings
from connectors.kit.shelf import Shelf
from connectors.kit.tokens import TokenVerifier

LANDING = "agreements.index"
FORM_BYTES = 16 * 1024


def create_app(settings: AgreementsSettings | None = None, *, effects: Effects | None = None) -> Flask:
    """From the environment, unless the caller has settings of its own. Raises SettingsError."""
    settings = settings or load_settings(AgreementsSettings)
    effects = effects or Effects()
    http = open_outbound(settings.ca_file)
    provider = Provider(settings.issuer, http=http, effects=effects)
    relying_party = RelyingParty(
        registration(settings), provider=provider, http=http, effects=effects, level=settings.level
    )
    sealer = Sealer(settings.sealing_keys(), effects=effects)
    shelf = Shelf(settings.database_url, sealer=sealer, effects=effects)
    sign_outs = SignOuts(client_id=settings.client_id, provider=provider, shelf=shelf, effects=effects)
    browsers = Browsers(
        "agreements",
        relying_party=relying_party,
        shelf=shelf,
        sealer=sealer,
        effects=effects,
        session_seconds=settings.session_seconds,
        is_https=settings.is_https,
    )
    senders = Senders(base_url=settings.base_url, shelf=shelf, effects=effects)
    verifier = TokenVerifier(provider=provider, audience=settings.audience, effects=effects, senders=senders)
    agreements = Agreements(read_municipalities())

    app = Flask(__name__, template_folder=str(TEMPLATES), static_folder=None)
    app.config["MAX_CONTENT_LENGTH"] = FORM_BYTES
    set_up_pages(app, issuer=settings.issuer, is_https=settings.is_https)
    answer_failures(app, landing=LANDING)
    app.register_error_handler(routes.NoMunicipalityError, _no_municipality)
    guard(app, verifier, effects=effects, trusted_proxies=settings.trusted_proxies)
    app.register_blueprint(routes.pages(agreements, browsers))
    app.register_blueprint(browsers.blueprint(landing=LANDING))
    app.register_blueprint(sign_outs.blueprint())
    app.register_blueprint(routes.api(agreements, base_url=settings.base_url, issuer=settings.issuer))
    return app


def registration(settings: AgreementsSettings) -> Registration:
    """The addresses under which the provider must know this application."""
    return Registration(
        client_id=settings.client_id,
        client_secret=settings.client_secret.get_secret_value(),
        redirect_uri=f"{settings.base_url}/callback",
        post_logout_redirect_uri=f"{settings.base_url}/start",
    )


def _no_municipality(_error: Exception) -> Response:
    title, message = _("Access denied"), _("Your account has no post in a municipality that is known here.")
    return show_error(ErrorPage(HTTPStatus.FORBIDDEN, "no_municipality", title, message))
