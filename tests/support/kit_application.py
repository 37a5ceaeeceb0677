"""A small application on the connector kit, served at an origin of its own: pages, and an API that they call.

For what no connector of ours does yet. Real HTTP both ways: the browser comes over the network, and so does
the page's own question to the API.
"""

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from threading import Thread
from typing import Any

import httpx
from flask import Blueprint, Flask, Response
from werkzeug.serving import make_server

from connectors.kit.browser import Browsers
from connectors.kit.effects import Effects
from connectors.kit.failures import answer_failures
from connectors.kit.guard import guard, require
from connectors.kit.levels import Level
from connectors.kit.outbound import open_outbound
from connectors.kit.pages import TEMPLATES, set_up_pages
from connectors.kit.problem import answer_problems
from connectors.kit.provider import Provider
from connectors.kit.relying_party import Registration, RelyingParty, SignedIn
from connectors.kit.sealing import Sealer
from connectors.kit.senders import Senders
from connectors.kit.shelf import Shelf
from connectors.kit.step_up import hold_step_up
from connectors.kit.tokens import Caller, TokenVerifier
from idp.effects import Effects as ProviderEffects
from idp.oidc.client_metadata import register
from tests.support.demo_provider import QuietHandler
from tests.support.running_server import RunningServer
from tests.support.services import free_port

MAX_AGE = 120
NEVER = 'Bearer realm="x", error="insufficient_user_authentication", acr_values="urn:visvaris:acr:1fa"'


@contextmanager
def kit_application(server: RunningServer, folder: Path) -> Iterator[str]:
    """Its address."""
    port = free_port()
    address = f"http://localhost:{port}"
    app, close = _app(server, address, folder)
    listening = make_server("localhost", port, app, threaded=True, request_handler=QuietHandler)
    thread = Thread(target=listening.serve_forever, kwargs={"poll_interval": 0.01})
    thread.start()
    try:
        yield address
    finally:
        listening.shutdown()
        thread.join()
        listening.server_close()
        close()


def _app(server: RunningServer, address: str, folder: Path) -> tuple[Flask, Any]:
    effects = Effects()
    http = open_outbound(None)
    provider = Provider(server.issuer, http=http, effects=effects)
    relying_party = RelyingParty(_registered(server, address), provider=provider, http=http, effects=effects)
    sealer = Sealer([b"k" * 32], effects=effects)
    shelf = Shelf(f"sqlite:///{folder / 'kit.sqlite3'}", sealer=sealer, effects=effects)
    browsers = Browsers(
        f"kit-{address.rpartition(':')[2]}",
        relying_party=relying_party,
        shelf=shelf,
        sealer=sealer,
        effects=effects,
        session_seconds=900,
        is_https=False,
    )
    app = Flask(__name__, template_folder=str(TEMPLATES), static_folder=None)
    set_up_pages(app, issuer=server.issuer, is_https=False)
    answer_failures(app, landing="pages.index")
    senders = Senders(base_url=address, shelf=shelf, effects=effects)
    # A page's token is for the provider's userinfo endpoint, so that is the audience of the API it calls.
    verifier = TokenVerifier(provider=provider, audience=server.issuer, effects=effects, senders=senders)
    guard(app, verifier, effects=effects)
    app.register_blueprint(_pages(browsers, address, http))
    app.register_blueprint(browsers.blueprint(landing="pages.index"))
    app.register_blueprint(_api())

    def close() -> None:
        http.close()
        shelf.close()

    return app, close


def _pages(browsers: Browsers, address: str, http: httpx.Client) -> Blueprint:
    routes = Blueprint("pages", __name__)

    @routes.get("/")
    @browsers.signed_in
    def index(person: SignedIn) -> str:
        return f"<h1 id='page-title'>{person.level}</h1>"

    @routes.get("/sensitive")
    @browsers.signed_in_with(level=Level.MULTI_FACTOR, max_age=MAX_AGE)
    def sensitive(person: SignedIn) -> str:
        return f"<h1 id='page-title'>Sensitive {person.level}</h1>"

    @routes.get("/unreachable")
    @browsers.signed_in_with(level=Level.PHISHING_RESISTANT)
    def unreachable(person: SignedIn) -> str:
        return "<h1 id='page-title'>Unreachable</h1>"

    @routes.get("/through/<name>")
    @browsers.signed_in
    def through(person: SignedIn, name: str) -> str:
        bearer = {"Authorization": f"Bearer {person.access_token}"}
        answer = http.get(f"{address}/api/{name}", headers=bearer)
        hold_step_up(answer)
        return f"<h1 id='page-title'>The API says {answer.raise_for_status().json()['said']}</h1>"

    return routes


def _api() -> Blueprint:
    routes = Blueprint("api", __name__, url_prefix="/api")
    answer_problems(routes)

    @routes.get("/fresh")
    @require(scope="openid", level=Level.ONE_FACTOR, max_age=MAX_AGE)
    def fresh(caller: Caller) -> dict[str, str]:
        return {"said": "fresh"}

    @routes.get("/sure")
    @require(scope="openid", level=Level.MULTI_FACTOR, max_age=MAX_AGE)
    def sure(caller: Caller) -> dict[str, str]:
        return {"said": "sure"}

    @routes.get("/never")
    @require(scope="openid")
    def never(caller: Caller) -> Response:
        return Response(status=401, headers={"WWW-Authenticate": NEVER})

    return routes


def _registered(server: RunningServer, address: str) -> Registration:
    document = {
        "client_name": "Lietotne ar jutīgu lapu",
        "redirect_uris": [f"{address}/callback"],
        "post_logout_redirect_uris": [f"{address}/start"],
        "scope": "openid profile employment",
        "visvaris": {"first_party": True},
    }
    registration = register(document, ProviderEffects())
    with server.database.begin() as work:
        work.clients.add(registration.client)
    return Registration(
        client_id=registration.client.client_id,
        client_secret=registration.secret or "",
        redirect_uri=f"{address}/callback",
        post_logout_redirect_uri=f"{address}/start",
    )
