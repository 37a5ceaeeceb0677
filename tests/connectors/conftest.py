"""A connector, the provider it trusts, and people who open its pages."""

import base64
import os
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import httpx
import pytest
from flask import Flask
from flask.testing import FlaskClient
from pydantic import SecretStr
from werkzeug.test import TestResponse

from connectors.agreements.app import create_app
from connectors.agreements.settings import AgreementsSettings
from connectors.kit.effects import Effects
from connectors.kit.outbound import open_outbound
from connectors.kit.provider import Provider
from tests.support.demo_provider import CLIENT_ID, CLIENT_SECRET, StandIn, stand_in

BASE_URL = "http://localhost/agreements"
KEY = base64.urlsafe_b64encode(b"k" * 32).decode()
ANNA = {
    "sub": "anna-1",
    "name": "Anna Ķirse",
    "preferred_username": "anna",
    "municipality": "0028000",
    "municipality_name": "Dobeles novads",
    "roles": ["clerk"],
}


@dataclass
class Clock:
    at: float = 1_750_000_000.0

    def __call__(self) -> float:
        return self.at


@dataclass
class Person:
    """Somebody with a browser of their own, who goes where it is sent."""

    app: Flask
    client: FlaskClient = field(init=False)

    def __post_init__(self) -> None:
        self.client = self.app.test_client()

    def opens(self, path: str = "/", **options: Any) -> TestResponse:
        return self.client.get(path, base_url=f"{BASE_URL}/", **options)

    def sends(self, path: str, form: dict[str, str]) -> TestResponse:
        return self.client.post(path, base_url=f"{BASE_URL}/", data=form)

    def begins(self, path: str = "/") -> str:
        """The address at the provider that the browser is sent to."""
        return str(self.opens(path).location)

    def authorizes(self, address: str) -> str:
        """The path and query with which the provider sends the browser back."""
        back = urlsplit(httpx.get(address, trust_env=False).headers["Location"])
        assert f"{back.scheme}://{back.netloc}{back.path}".startswith(BASE_URL)
        return f"{back.path.removeprefix('/agreements')}?{back.query}"

    def signs_in(self) -> TestResponse:
        return self.opens(self.authorizes(self.begins()))


@pytest.fixture(autouse=True)
def _no_connector_settings_from_outside(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in [name for name in os.environ if name.startswith("CONNECTOR_")]:
        monkeypatch.delenv(name)


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
def effects(clock: Clock) -> Effects:
    return Effects(now=clock)


@pytest.fixture
def issuer(clock: Clock) -> Iterator[StandIn]:
    with stand_in(clock) as provider:
        provider.person = dict(ANNA)
        yield provider


@pytest.fixture
def provider(issuer: StandIn, effects: Effects) -> Iterator[Provider]:
    with open_outbound(None) as http:
        yield Provider(issuer.issuer, http=http, effects=effects)


@pytest.fixture
def settings(issuer: StandIn, tmp_path: Path) -> AgreementsSettings:
    return AgreementsSettings(
        issuer=issuer.issuer,
        client_id=CLIENT_ID,
        client_secret=SecretStr(CLIENT_SECRET),
        base_url=BASE_URL,
        secret_keys=(SecretStr(KEY),),
        database_url=f"sqlite:///{tmp_path / 'agreements.sqlite3'}",
    )


@pytest.fixture
def app(settings: AgreementsSettings, effects: Effects) -> Flask:
    return create_app(settings, effects=effects)


@pytest.fixture
def anna(app: Flask) -> Person:
    return Person(app)


@pytest.fixture
def stranger(app: Flask) -> Person:
    return Person(app)
