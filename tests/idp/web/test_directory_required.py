"""A municipality that requires the password of its network, and what that password is worth."""

import base64
import json
import logging
from collections.abc import Iterator

import pytest
from click.testing import CliRunner

from idp.cli import main
from idp.errors import Reason
from idp.languages import catalogue
from idp.models.methods import Proof
from idp.policy import Level, amr_of, level_of
from tests.support.actors import EVERY_METHOD, Browser, Employee, Hall
from tests.support.actors import PASSWORD as OUR_PASSWORD
from tests.support.builders import KEKAVA, MASTER_KEY, RIGA
from tests.support.directories import PASSWORD, Connected, connect
from tests.support.samba import Controller

pytestmark = pytest.mark.allow_hosts(["127.0.0.0/8", "::1", "localhost"])
OFFERED = [*EVERY_METHOD, "directory"]


def said(english: str) -> str:
    return catalogue("lv").gettext(english)


@pytest.fixture
def riga(hall: Hall, riga_domain: Controller) -> Connected:
    return connect(hall, riga_domain)


@pytest.fixture
def browser(hall: Hall) -> Browser:
    return hall.browser()


@pytest.fixture(autouse=True)
def _logging_as_before() -> Iterator[None]:
    root = logging.getLogger()
    handlers, level = root.handlers[:], root.level
    yield
    root.handlers[:] = handlers
    root.setLevel(level)


def run(riga: Connected, monkeypatch: pytest.MonkeyPatch, *arguments: str) -> tuple[int, str, str]:
    monkeypatch.setenv("IDP_MASTER_KEYS", base64.urlsafe_b64encode(MASTER_KEY).decode())
    monkeypatch.setenv("IDP_DATABASE_URL", riga.hall.url)
    done = CliRunner().invoke(main, [*arguments])
    return done.exit_code, done.stdout, done.stderr


def tries(browser: Browser, name: str, password: str) -> str:
    browser.opens("/")
    browser.presses(username=name, password=password)
    return browser.page.content.text


def methods_of(riga: Connected, scope: str = RIGA) -> list[str]:
    with riga.hall.world.database.read() as work:
        (rule,) = work.rules.rules_for([scope])
    return sorted(rule.methods)


# What it is worth -----------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("proofs", "level", "amr"),
    [
        ([Proof("directory", 1)], Level.ONE_FACTOR, ("pwd",)),
        ([Proof("directory", 1), Proof("password", 1)], Level.ONE_FACTOR, ("pwd",)),
        ([Proof("directory", 1), Proof("totp", 1)], Level.MULTI_FACTOR, ("pwd", "otp", "mfa")),
        ([Proof("directory", 1), Proof("security_key", 1)], Level.PHISHING_RESISTANT, None),
        ([Proof("directory", 1), Proof("passkey", 1, user_verified=True)], Level.PHISHING_RESISTANT, None),
    ],
)
def test_it_is_something_known_and_two_passwords_are_one_factor(
    hall: Hall, proofs: list[Proof], level: Level, amr: tuple[str, ...] | None
):
    facts = [method.facts for method in hall.provider.methods.values()]
    assert level_of(proofs, facts) is level
    if amr is not None:
        assert amr_of(proofs, facts) == amr


# Required -------------------------------------------------------------------------------------------------


def test_who_would_be_shut_out_is_said_and_nothing_is_done(riga: Connected, monkeypatch: pytest.MonkeyPatch):
    riga.employs("anna")
    riga.hall.employee("juris")
    riga.hall.employee("kekava", municipalities=[KEKAVA])
    code, told, why = run(riga, monkeypatch, "directory", "require", RIGA, "--json")
    assert code == 1
    assert "1 would be shut out" in why
    assert [each["username"] for each in json.loads(told)] == ["juris"]
    assert methods_of(riga) == sorted(OFFERED)
    assert run(riga, monkeypatch, "directory", "require", RIGA, "--dry-run")[0] == 0
    assert methods_of(riga) == sorted(OFFERED)


def test_required_it_is_when_nobody_is_shut_out_and_offered_again_when_that_is_wanted(
    riga: Connected, monkeypatch: pytest.MonkeyPatch
):
    riga.employs("anna")
    before = methods_of(riga, KEKAVA)
    code, told, _ = run(riga, monkeypatch, "directory", "require", RIGA)
    assert (code, told) == (0, "Nobody is shut out.\n")
    assert methods_of(riga) == sorted(set(OFFERED) - {"password"})
    assert methods_of(riga, KEKAVA) == before
    assert run(riga, monkeypatch, "directory", "offer", RIGA)[0] == 0
    assert methods_of(riga) == sorted(OFFERED)


def test_who_works_for_two_and_could_choose_is_among_those_shut_out(
    riga: Connected, monkeypatch: pytest.MonkeyPatch
):
    """Their password here opened both; the network's word opens one of them alone."""
    riga.employs("anna", municipalities=(RIGA, KEKAVA))
    _, told, _ = run(riga, monkeypatch, "directory", "require", RIGA, "--dry-run", "--json")
    assert json.loads(told) == [{"username": "anna.ours", "name": "Anna Bērziņa", "linked": True}]


def test_without_a_directory_none_is_required(hall: Hall, riga: Connected, monkeypatch: pytest.MonkeyPatch):
    assert "no directory that is in use" in run(riga, monkeypatch, "directory", "require", KEKAVA)[2]
    riga.put(enabled=False)
    assert "no directory that is in use" in run(riga, monkeypatch, "directory", "require", RIGA)[2]
    assert "no municipality" in run(riga, monkeypatch, "directory", "require", "9999999")[2]


@pytest.fixture
def required(riga: Connected, monkeypatch: pytest.MonkeyPatch) -> Connected:
    assert run(riga, monkeypatch, "directory", "require", RIGA)[0] == 0
    return riga


def test_then_the_network_lets_in_and_a_password_kept_here_does_not(browser: Browser, required: Connected):
    anna = required.employs("anna")
    tries(browser, anna.username, OUR_PASSWORD)
    assert not browser.is_signed_in
    tries(browser, anna.username, PASSWORD)
    assert browser.is_signed_in


def test_people_of_other_municipalities_are_unaffected(browser: Browser, required: Connected):
    browser.signs_in(required.hall.employee("kekava", municipalities=[KEKAVA]))
    assert browser.is_signed_in


def test_who_is_not_linked_yet_is_told_what_to_do_once_they_proved_who_they_are(
    browser: Browser, required: Connected
):
    juris: Employee = required.hall.employee("juris")
    told = said(Reason.DIRECTORY_NOT_LINKED.public)
    assert told not in tries(browser, juris.username, "wrong")
    assert told in tries(browser, juris.username, OUR_PASSWORD)
    assert not browser.is_signed_in


def test_where_no_password_is_allowed_at_all_nobody_is_sent_to_the_network(browser: Browser, riga: Connected):
    kekava = riga.hall.employee("kekava", municipalities=[KEKAVA])
    riga.hall.rule(KEKAVA, methods=["directory", "totp"])
    assert said(Reason.METHOD_NOT_OFFERED.public) in tries(browser, kekava.username, OUR_PASSWORD)


def test_policy_explains_it(required: Connected, monkeypatch: pytest.MonkeyPatch):
    required.employs("anna")
    required.hall.employee("juris")
    at = ["--at", str(required.hall.clock())]
    told = json.loads(run(required, monkeypatch, "policy", "explain", "juris", "--json", *at)[1])
    assert told["excluded"]["password"] == "not_allowed_by_municipality"
    assert told["excluded"]["directory"] == "not_enrolled"
    assert told["enough"] is False
    told = json.loads(run(required, monkeypatch, "policy", "explain", "anna.ours", "--json", *at)[1])
    assert told["offered"] == ["directory"]


def test_policy_explains_whose_password_it_is_where_both_are_offered(
    riga: Connected, monkeypatch: pytest.MonkeyPatch
):
    riga.employs("anna")
    at = ["--at", str(riga.hall.clock())]
    told = json.loads(run(riga, monkeypatch, "policy", "explain", "anna.ours", "--json", *at)[1])
    assert told["offered"] == ["directory"]
    assert told["excluded"]["password"] == "asked_elsewhere"
