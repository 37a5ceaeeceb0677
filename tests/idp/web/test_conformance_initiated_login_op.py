"""The modules of the Foundation's third-party-initiated login plan by their names, over the whole provider (conformance)."""

from collections.abc import Iterator
from urllib.parse import parse_qs, urlsplit

import httpx
import pytest

from tests.support.actors import ISSUER, Browser, Employee, Hall
from tests.support.registrant import register
from tests.support.relying_party import ProviderError

BEGINS_AT = "https://suite.example.lv/initiate_login"


@pytest.fixture
def hall(fresh_database: str) -> Iterator[Hall]:
    made = Hall(fresh_database, options={"registration": "open"})
    yield made
    made.close()


@pytest.fixture
def http(hall: Hall) -> Iterator[httpx.Client]:
    with httpx.Client(transport=httpx.WSGITransport(app=hall.app), base_url=ISSUER) as client:
        yield client


def test_oidcc_3rd_party_init_login(hall: Hall, browser: Browser, anna: Employee, http: httpx.Client) -> None:
    """It is registered, told again, and where the portal leads once an operator has given the application a tile"""
    mine = register(http, client_name="Conformance suite", initiate_login_uri=BEGINS_AT)
    assert mine.told["initiate_login_uri"] == mine.read()["initiate_login_uri"] == BEGINS_AT
    with hall.world.database.begin() as work:
        client = work.clients.get(mine.client_id)
        client.client_id, client.tile_group = "with-a-tile", "Darbs"
        work.clients.add(client)
    browser.signs_in(anna)
    begins = urlsplit(browser.page.content.links["Conformance suite"])
    assert f"{begins.scheme}://{begins.netloc}{begins.path}" == BEGINS_AT
    assert parse_qs(begins.query) == {"iss": [ISSUER]}


@pytest.mark.parametrize("host", ["suite.example.lv", "localhost:8443", "127.0.0.1"])
def test_oidcc_3rd_party_init_login_nohttps(http: httpx.Client, host: str) -> None:
    """OpenID Connect Core 4: "MUST use the https scheme"; a suite that runs at localhost is no exception"""
    with pytest.raises(ProviderError) as refused:
        register(http, initiate_login_uri=f"http://{host}/initiate_login")
    assert (refused.value.status, refused.value.error) == (400, "invalid_client_metadata")
    assert "initiate_login_uri" in str(refused.value)
