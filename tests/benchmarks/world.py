"""What is measured against: a provider on SQLite with the demonstration's people and one more application.

The application asks for the second factor, gets refresh tokens and RS256 ID tokens, and shows no consent page.
"""

import os
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from sqlalchemy import text

from idp import logs
from idp.app import create_app
from idp.assembly import Provider, assemble
from idp.effects import Effects
from idp.oidc.client_metadata import OWN_MEMBER, register
from idp.policy import Level
from idp.seed.clients import secret_of
from idp.seed.demonstration import seed
from idp.settings import Settings, load
from idp.storage import migrate, municipalities
from tests.support.dpop import new_key, public

if TYPE_CHECKING:
    from _typeshed.wsgi import WSGIApplication

REDIRECT_URI = "http://localhost:9000/callback"
SCOPES = "openid profile email offline_access"
SERVICE = "demo-service"
ISSUER = "http://localhost:8000"

SERVICE_KEY = new_key()
SERVICE_KID = "measured"


@dataclass(frozen=True, slots=True)
class World:
    environment: Mapping[str, str]
    settings: Settings
    provider: Provider
    application: "WSGIApplication"
    client_id: str
    client_secret: str
    service_secret: str
    signing_service_id: str
    """Of a service that proves itself by assertions signed with `SERVICE_KEY`."""

    def forget_spent_codes(self) -> None:
        """So that the one person can sign in more than once in half a minute."""
        with self.provider.storage.database.begin() as work:
            work.connection().execute(text("UPDATE credentials SET last_step = 0"))


def make_world(directory: Path) -> World:
    environment = {
        "IDP_ISSUER": ISSUER,
        "IDP_DATABASE_URL": f"sqlite:///{directory / 'visvaris.sqlite3'}",
        "IDP_MASTER_KEYS": "bWVhc3VyZWQgd2l0aCBhIGtleSBvZiAzMiBieXRlczo=",
    }
    settings = _settings(environment)
    logs.configure(settings.log_level, (directory / "log").open("w", encoding="utf-8"))
    migrate.upgrade(settings.database_url)
    effects = Effects()
    provider = assemble(settings, effects)
    database = provider.storage.database
    with database.begin() as work:
        municipalities.load(work)
    seed(database, tuple(provider.methods.values()), effects, issuer=ISSUER)
    registration, signing = register(_DOCUMENT, effects), register(_SIGNING_DOCUMENT, effects)
    with database.begin() as work:
        work.clients.add(registration.client)
        work.clients.add(signing.client)
    return World(
        environment=environment,
        settings=settings,
        provider=provider,
        application=create_app(settings, effects=effects),
        client_id=registration.client.client_id,
        client_secret=registration.secret or "",
        service_secret=secret_of(SERVICE),
        signing_service_id=signing.client.client_id,
    )


def _settings(environment: Mapping[str, str]) -> Settings:
    """Nothing of the environment this runs in: the numbers are those of the defaults."""
    for name in [name for name in os.environ if name.startswith("IDP_")]:
        del os.environ[name]
    os.environ.update(environment)
    return load()


_DOCUMENT = {
    "client_name": "Mērījums",
    "redirect_uris": [REDIRECT_URI],
    "grant_types": ["authorization_code", "refresh_token"],
    "scope": SCOPES,
    OWN_MEMBER: {"first_party": True, "minimum_level": Level.MULTI_FACTOR.acr},
}

_SIGNING_DOCUMENT = {
    "client_name": "Mērījums ar atslēgu",
    "grant_types": ["client_credentials"],
    "token_endpoint_auth_method": "private_key_jwt",
    "jwks": {"keys": [{**public(SERVICE_KEY), "kid": SERVICE_KID, "alg": "ES256", "use": "sig"}]},
    "scope": "measurements.read",
}
