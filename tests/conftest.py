"""What every test may ask for: real databases, a real Redis, a real browser; and what CI does not let pass."""

import io
import logging
import os
from collections.abc import Iterator
from ipaddress import ip_network
from pathlib import Path

import pytest
import structlog
from playwright.sync_api import Browser, Page
from redis import Redis

from idp import logs
from idp.gateways.ldap import door
from idp.gateways.outbound import Outbound
from tests.support.browser import DESK, PHONE, OpenPage, chromium, open_pages
from tests.support.certificates import Authority
from tests.support.directories import ENTRIES, forgive
from tests.support.made_once import make_once
from tests.support.remote import Remote, remote_server
from tests.support.samba import Controller, domain_controller
from tests.support.services import PostgresServer, postgres_server, redis_server
from tests.support.tickets import serve


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter) -> None:
    skipped = terminalreporter.stats.get("skipped", [])
    if os.environ.get("CI") and skipped:
        terminalreporter.write_line(f"{len(skipped)} skipped: in CI a skipped test is a failure.", red=True)


def pytest_sessionfinish(session: pytest.Session, exitstatus: int) -> None:
    reporter = session.config.pluginmanager.get_plugin("terminalreporter")
    is_xdist_worker = hasattr(session.config, "workerinput")
    if is_xdist_worker or reporter is None:
        return
    if os.environ.get("CI") and exitstatus == pytest.ExitCode.OK and reporter.stats.get("skipped"):
        session.exitstatus = pytest.ExitCode.TESTS_FAILED


@pytest.fixture(autouse=True)
def _no_settings_from_outside(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in [name for name in os.environ if name.startswith("IDP_")]:
        monkeypatch.delenv(name)


@pytest.fixture(scope="session", autouse=True)
def _made_once() -> Iterator[None]:
    with pytest.MonkeyPatch.context() as patch:
        make_once(patch)
        yield


@pytest.fixture(scope="session")
def postgres() -> Iterator[PostgresServer]:
    with postgres_server() as server:
        yield server


@pytest.fixture
def postgres_url(postgres: PostgresServer) -> Iterator[str]:
    """An empty database of this test's own, as an SQLAlchemy URL."""
    url = postgres.create_database()
    yield url
    postgres.drop_database(url)


@pytest.fixture
def sqlite_url(tmp_path: Path) -> str:
    return f"sqlite:///{tmp_path / 'visvaris.sqlite3'}"


@pytest.fixture(params=["sqlite", "postgresql"])
def database_url(request: pytest.FixtureRequest) -> str:
    """An empty database of this test's own; the test runs once on each kind."""
    url = request.getfixturevalue("sqlite_url" if request.param == "sqlite" else "postgres_url")
    assert isinstance(url, str)
    return url


@pytest.fixture(scope="session")
def _redis_server_url() -> Iterator[str]:
    with redis_server() as url:
        yield url


@pytest.fixture
def redis_url(_redis_server_url: str) -> str:
    """A Redis that is empty when the test begins."""
    with Redis.from_url(_redis_server_url) as client:
        client.flushall()
    return _redis_server_url


@pytest.fixture(scope="session")
def _riga_domain() -> Iterator[Controller]:
    """It may be slow to answer on a busy machine, and is waited for."""
    with (
        domain_controller("AD.RIGA.TEST", "RIGA", entries=ENTRIES) as controller,
        pytest.MonkeyPatch.context() as patch,
    ):
        patch.setattr(door, "SECONDS_AT_MOST", 25.0)
        yield controller


@pytest.fixture
def riga_domain(_riga_domain: Controller) -> Controller:
    """A domain controller with people in every state, which has forgotten wrong passwords of other tests.

    Tests that change somebody add one of their own.
    """
    forgive(_riga_domain)
    return _riga_domain


@pytest.fixture(scope="session")
def riga_keytab(_riga_domain: Controller, tmp_path_factory: pytest.TempPathFactory) -> bytes:
    """Of the provider's account in that domain."""
    return serve(_riga_domain, tmp_path_factory.mktemp("keytab") / "riga")


@pytest.fixture(scope="session")
def browser() -> Iterator[Browser]:
    with chromium() as started:
        yield started


@pytest.fixture
def open_page(browser: Browser) -> Iterator[OpenPage]:
    """`open_page(viewport=PHONE, color_scheme="dark")` is a page in a profile that knows nothing yet."""
    with open_pages(browser) as opener:
        yield opener


@pytest.fixture
def desk(open_page: OpenPage) -> Page:
    return open_page(viewport=DESK)


@pytest.fixture
def phone(open_page: OpenPage) -> Page:
    return open_page(viewport=PHONE, is_mobile=True, has_touch=True)


@pytest.fixture(scope="session")
def authority(tmp_path_factory: pytest.TempPathFactory) -> Authority:
    """Whom `outbound` trusts."""
    return Authority(tmp_path_factory.mktemp("authority"))


@pytest.fixture
def remote(authority: Authority) -> Iterator[Remote]:
    """An application's web server on loopback, over TLS, that `outbound` can reach."""
    with remote_server(authority.server()) as server:
        yield server


@pytest.fixture
def outbound(authority: Authority) -> Outbound:
    return Outbound(ca_file=authority.ca_file, allowed=[ip_network("127.0.0.0/8"), ip_network("::1/128")])


@pytest.fixture
def written() -> Iterator[io.StringIO]:
    """Log lines as they are written, one JSON object a line."""
    stream = io.StringIO()
    before = logging.getLogger().handlers[:]
    logs.configure("info", stream)
    yield stream
    structlog.contextvars.clear_contextvars()
    structlog.reset_defaults()
    logging.getLogger().handlers[:] = before
    logging.getLogger().setLevel(logging.WARNING)
