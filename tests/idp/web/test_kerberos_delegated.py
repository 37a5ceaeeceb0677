"""Tickets that a server got in a person's name, made by a real domain controller for one: none shows that the person
sits there, whichever way the server came by it. Attacks 25 and 39.
"""

from pathlib import Path

import pytest

from tests.idp.web.test_kerberos import AT_WORK, answers, reasons, riga
from tests.support.actors import Browser, Hall
from tests.support.directories import Connected
from tests.support.samba import Controller
from tests.support.servers import Server, asserted_to_itself, serve_portal
from tests.support.tickets import Computer

pytestmark = pytest.mark.allow_hosts(["127.0.0.0/8", "::1", "localhost"])
__all__ = ["riga"]


@pytest.fixture(scope="module")
def portal(_riga_domain: Controller, tmp_path_factory: pytest.TempPathFactory) -> Server:
    return serve_portal(_riga_domain, tmp_path_factory.mktemp("portal"), "http-portal")


@pytest.fixture
def at_work(hall: Hall) -> Browser:
    return hall.browser(AT_WORK)


@pytest.fixture
def anna(riga: Connected, riga_domain: Controller, tmp_path: Path) -> Computer:
    riga.employs("anna")
    return Computer(riga_domain, tmp_path / "computer").log_in("anna")


def assert_refused(browser: Browser, riga: Connected, token: str) -> None:
    answers(browser, token)
    assert not browser.is_signed_in
    assert (browser.page.status, browser.page.has("username")) == (200, True)
    assert reasons(riga.hall) == ["kerberos_delegated"]


@pytest.mark.parametrize("how", ["allowed", "given"])
def test_a_server_that_somebody_went_to_does_not_come_here_in_their_name(
    at_work: Browser, riga: Connected, portal: Server, anna: Computer, how: str
):
    """Constrained delegation; and with a ticket that the person's own computer gave away."""
    assert_refused(at_work, riga, portal.handed_on(anna, how))


def test_nor_one_that_nobody_went_to(at_work: Browser, riga: Connected, portal: Server, anna: Computer):
    assert_refused(at_work, riga, portal.asserted("anna"))


def test_nor_whoever_has_the_account_of_the_provider_in_the_domain(
    at_work: Browser, riga: Connected, riga_domain: Controller, anna: Computer, tmp_path: Path
):
    """Protocol transition alone: nothing was handed on, and nobody proved anything."""
    token = asserted_to_itself(riga_domain, tmp_path / "provider", "http-login", "anna")
    assert_refused(at_work, riga, token)


def test_who_could_be_delegated_comes_by_their_own_computer_as_before(
    at_work: Browser, riga: Connected, portal: Server, anna: Computer
):
    """A ticket that may be handed on was not yet."""
    answers(at_work, anna.answer())
    assert at_work.is_signed_in
