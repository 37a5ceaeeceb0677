"""One answer of one computer in many sign-ins at once, and many computers of somebody new: threads and processes, on what
a deployment uses.
"""

import base64
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
from pydantic import SecretStr

from idp.app import make_application
from idp.assembly import assemble
from idp.effects import Effects
from idp.gateways.kerberos.keytab import read_keytab
from idp.models.networks import Network
from idp.people import keytabs
from idp.policy import NATIONAL
from idp.settings import Settings
from idp.storage import municipalities
from tests.support.actors import EVERY_METHOD, ISSUER, Browser, Hall
from tests.support.at_once import at_once, in_processes
from tests.support.builders import MASTER_KEY, RIGA, make_database
from tests.support.directories import Connected, connect, person
from tests.support.samba import Controller
from tests.support.tickets import Computer

pytestmark = pytest.mark.allow_hosts(["127.0.0.0/8", "::1", "localhost"])
AT_ONCE, PROCESSES, EACH, COMING = 100, 3, 5, 12
AT_WORK = "10.1.2.3"
_names = iter(f"vienlaikus{number}" for number in range(100))


@pytest.fixture(params=["sqlite", "postgresql and redis"])
def riga(
    request: pytest.FixtureRequest, sqlite_url: str, riga_domain: Controller, riga_keytab: bytes
) -> Iterator[Connected]:
    deployed = request.param != "sqlite"
    url = request.getfixturevalue("postgres_url") if deployed else sqlite_url
    database = make_database(url)
    with database.begin() as work:
        municipalities.load(work)
    database.dispose()
    hall = Hall(url, redis_url=request.getfixturevalue("redis_url") if deployed else None)
    connected = connect(hall, riga_domain)
    for scope in (NATIONAL, RIGA):
        hall.rule(scope, methods=[*EVERY_METHOD, "directory", "kerberos"])
    with hall.world.database.begin() as work:
        work.networks.add(Network(id="n", municipality=RIGA, name="Birojs", cidr="10.1.0.0/16"))
        keys = read_keytab(riga_keytab)
        keytabs.keep(work, connected.directory, keys, work.effects, automatic=False, by="test")
    connected.employs("anna")
    yield connected
    hall.close()


@pytest.fixture
def token(riga: Connected, tmp_path: Path) -> str:
    return Computer(riga.controller, tmp_path / "computer").log_in("anna").answer()


@dataclass
class Another:
    """The provider as another process serves it, with dice and a clock of its own."""

    app: Any
    issuer: str = ISSUER


def let_in(url: str, redis_url: str | None, token: str) -> int:
    """How many of a few, in a process of its own."""
    settings = Settings(
        issuer=ISSUER,
        database_url=url,
        redis_url=SecretStr(redis_url) if redis_url else None,
        master_keys=(SecretStr(base64.urlsafe_b64encode(MASTER_KEY).decode()),),
    )
    here = Another(make_application(assemble(settings, Effects())))
    return sum(_answers(_asked(here), token) for _ in range(EACH))


def _asked(provider: Hall | Another) -> Browser:
    browser = Browser(provider, AT_WORK, {})  # type: ignore[arg-type]
    browser.opens("/")
    browser.presses("method-kerberos")
    return browser


def _answers(browser: Browser, token: str) -> bool:
    browser.opens(browser.page.path, Authorization=f"Negotiate {token}")
    return browser.is_signed_in


def test_of_a_hundred_at_once_one_is_let_in(riga: Connected, token: str):
    """attack 31"""
    browsers = [_asked(riga.hall) for _ in range(AT_ONCE)]
    assert at_once(AT_ONCE, lambda number: _answers(browsers[number], token)).count(True) == 1


def test_of_several_processes_one_lets_it_in(riga: Connected, token: str):
    """attack 31: what the library remembers it remembers for its own process."""
    assert in_processes(PROCESSES, let_in, riga.hall.url, riga.hall.redis_url, token) == 1


@pytest.mark.parametrize("creates", [True, False])
def test_somebody_new_at_many_computers_at_once_is_one_person(riga: Connected, tmp_path: Path, creates: bool):
    """attack 33: one account and one link, and every computer is let in; or one place in the queue."""
    name = next(_names)
    riga.controller.change(person(name, attributes={"employeeNumber": name}))
    attributes = {"given_name": "givenName", "employee_number": "employeeNumber"}
    riga.put(attributes=attributes, arrival="employee_number", creates_accounts=creates)
    computers = [Computer(riga.controller, tmp_path / str(number)).log_in(name) for number in range(2)]
    tokens = [token for computer in computers for token in computer.answers(COMING // 2)]
    before = _counts(riga)
    browsers = [_asked(riga.hall) for _ in tokens]
    let_in = at_once(COMING, lambda number: _answers(browsers[number], tokens[number]))
    made = [after - earlier for after, earlier in zip(_counts(riga), before, strict=True)]
    assert (let_in.count(True), made) == ((COMING, [1, 1, 0]) if creates else (0, [0, 0, 1]))


def _counts(riga: Connected) -> tuple[int, int, int]:
    """People, links, and those who wait."""
    with riga.hall.world.database.read() as work:
        links = work.directories.list_links(riga.directory.id, limit=1000)
        return len(work.people.list_users()), len(links), len(work.arrivals.list_of(RIGA))
