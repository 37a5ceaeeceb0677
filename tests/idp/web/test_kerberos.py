"""Signing in by the ticket of a computer at work, against a real domain controller and its KDC."""

import base64
import io
import os
from collections.abc import Iterator, Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

import httpx
import pytest
from sqlalchemy import select

from idp.errors import Reason
from idp.gateways.kerberos import acceptor
from idp.gateways.kerberos.keytab import read_keytab, write_keytab
from idp.gateways.kerberos.tokens import KERBEROS
from idp.languages import catalogue
from idp.login.transaction import Requirements
from idp.models.audit import AuditEvent
from idp.models.networks import Network
from idp.models.people import UserStatus
from idp.people import keytabs
from idp.policy import NATIONAL, Level
from idp.storage.keytabs import _IN_USE, _OF, _OF_REALM
from idp.storage.prepared import Prepared
from idp.storage.unit import Unit, records, table_of
from tests.support.actors import EVERY_METHOD, Browser, Hall
from tests.support.builders import KEKAVA, RIGA
from tests.support.directories import ACCOUNT_PASSWORD, Connected, connect, person
from tests.support.samba import Controller, domain_controller
from tests.support.tickets import (
    ENDS,
    MADE,
    Computer,
    at_time,
    keytab_of,
    of_account,
    serve,
    with_ticket,
    with_use,
)

pytestmark = pytest.mark.allow_hosts(["127.0.0.0/8", "::1", "localhost"])
AT_WORK, AT_HOME, IN_KEKAVA = "10.1.2.3", "198.51.100.7", "10.2.2.3"
METHODS = [*EVERY_METHOD, "directory", "kerberos"]
BUTTON = "method-kerberos"
FAILED = catalogue("lv").gettext(Reason.KERBEROS_REFUSED.public)
LONG_AGO = "116444736000000000"
OLD_KERBEROS = bytes.fromhex("2a864882f712010202")
_TRAIL = Prepared(select(table_of(AuditEvent)).order_by(table_of(AuditEvent).c.seq))


def take_keys(connected: Connected, content: bytes, *, automatic: bool = False) -> None:
    """As `visvaris directory keytab` does."""
    with connected.hall.world.database.begin() as work:
        keys = read_keytab(content)
        keytabs.keep(work, connected.directory, keys, work.effects, automatic=automatic, by="test")
    connected.hall.clock.move(60)  # until that is noticed everywhere


def add_network(hall: Hall, atvk: str, cidr: str, **columns: bool) -> None:
    with hall.world.database.begin() as work:
        work.networks.add(
            Network(id=work.effects.new_id(), municipality=atvk, name=f"Birojs {cidr}", cidr=cidr, **columns)
        )


@pytest.fixture
def riga(hall: Hall, riga_domain: Controller, riga_keytab: bytes) -> Connected:
    """A directory with keys, and a network."""
    connected = connect(hall, riga_domain)
    for scope in (NATIONAL, RIGA, KEKAVA):
        hall.rule(scope, methods=METHODS)
    add_network(hall, RIGA, "10.1.0.0/16")
    take_keys(connected, riga_keytab)
    return connected


@pytest.fixture
def computer(riga_domain: Controller, tmp_path: Path) -> Computer:
    return Computer(riga_domain, tmp_path / "computer")


@pytest.fixture
def at_work(hall: Hall) -> Browser:
    return hall.browser(AT_WORK)


def trail(hall: Hall) -> list[AuditEvent]:
    with hall.world.database.read() as work:
        return records(AuditEvent, work.rows(_TRAIL))


def reasons(hall: Hall) -> list[str]:
    return [each.reason for each in trail(hall) if each.reason]


def presses(browser: Browser) -> httpx.Response:
    """The button; what the browser gets at the address it is led to."""
    browser.opens("/")
    browser.presses(BUTTON)
    assert browser.page.status == 401
    assert browser.page.headers["www-authenticate"] == "Negotiate"
    return browser.http.get(browser.page.path)


def answers(browser: Browser, token: str) -> Browser:
    """As a browser does with what it was asked for."""
    presses(browser)
    browser.opens(browser.page.path, Authorization=f"Negotiate {token}")
    return browser


# Who is let in --------------------------------------------------------------------------------------------


def test_the_ticket_of_the_computer_lets_in_with_one_click(
    at_work: Browser, riga: Connected, computer: Computer
):
    anna = riga.employs("anna")
    answers(at_work, computer.log_in("anna").answer())
    assert at_work.is_signed_in
    assert riga.hall.events(anna)[-3:] == ["method.passed", "sign_in.new_browser", "sign_in.completed"]
    assert [each.method for each in trail(riga.hall) if each.type == "method.passed"] == ["kerberos"]


def test_the_provider_proves_itself_in_turn(at_work: Browser, riga: Connected, computer: Computer):
    riga.employs("anna")
    presses(at_work)
    told = at_work.http.get(
        at_work.page.path, headers={"Authorization": f"Negotiate {computer.log_in('anna').answer()}"}
    )
    scheme, _, reply = told.headers["WWW-Authenticate"].partition(" ")
    assert told.status_code == 303
    assert scheme == "Negotiate"
    assert base64.b64decode(reply)[0] == 0xA1


def test_it_is_one_factor_also_beside_the_password_of_the_same_network(
    at_work: Browser, riga: Connected, computer: Computer
):
    """Neither is two, nor are both: whoever knows the password gets the ticket."""
    riga.hall.rule(RIGA, Level.MULTI_FACTOR, methods=METHODS)
    anna = riga.employs("anna", totp=True)
    answers(at_work, computer.log_in("anna").answer())
    assert at_work.page.has("code")
    assert not at_work.page.has("password")
    assert not at_work.is_signed_in
    at_work.presses(code=anna.code())
    assert at_work.is_signed_in


def test_what_applications_are_told_of_it(at_work: Browser, riga: Connected, computer: Computer):
    riga.employs("anna")
    answers(at_work, computer.log_in("anna").answer())
    signed_in = riga.hall.provider.sessions.find(at_work.session)
    satisfied = riga.hall.provider.login.standing(signed_in, Requirements())
    assert (satisfied.amr, satisfied.level) == (("wia",), Level.ONE_FACTOR)  # type: ignore[union-attr]


def test_a_ticket_never_shows_that_somebody_is_there_now(
    at_work: Browser, riga: Connected, computer: Computer
):
    """An unlocked computer that nobody watches sets up no way of signing in."""
    riga.employs("anna")
    answers(at_work, computer.log_in("anna").answer())
    at_work.opens("/account/methods/totp")
    assert at_work.page.has("password")
    assert BUTTON not in at_work.page.content.text
    assert not at_work.page.has(BUTTON)
    path = at_work.page.path
    at_work.posts(f"{path}/negotiate", {"csrf_token": at_work.page.form().fields["csrf_token"]})
    assert at_work.page.path == path
    assert reasons(riga.hall) == ["kerberos_not_here"]


# Who is it ------------------------------------------------------------------------------------------------


def test_who_is_renamed_there_stays_who_they_are_here(at_work: Browser, riga: Connected, computer: Computer):
    riga.controller.change(person("kzilze"))
    riga.employs("kzilze")
    upn = riga.controller.upn("kzilze.liepa")
    riga.controller.change({"do": "rename", "name": "kzilze", "to": "kzilze.liepa", "upn": upn})
    answers(at_work, computer.log_in("kzilze.liepa").answer())
    assert at_work.is_signed_in


def test_somebody_new_of_the_same_name_does_not_inherit_the_account(
    at_work: Browser, riga: Connected, computer: Computer
):
    """attack 39"""
    riga.controller.change(person("kzmarta"))
    riga.employs("kzmarta")
    riga.controller.change({"do": "delete", "name": "kzmarta"}, person("kzmarta"))
    answers(at_work, computer.log_in("kzmarta").answer())
    assert not at_work.is_signed_in
    assert reasons(riga.hall) == ["arrival_waits"]


def test_a_name_alone_is_nobody(at_work: Browser, riga: Connected, computer: Computer):
    """attack 39: our `juris` has the name and address of theirs, and no link."""
    riga.hall.employee("juris", email=riga.controller.upn("juris"), email_verified=True)
    answers(at_work, computer.log_in("juris").answer())
    assert not at_work.is_signed_in
    assert reasons(riga.hall) == ["arrival_waits"]


def test_the_ticket_outlives_the_account_and_opens_nothing(
    at_work: Browser, riga: Connected, computer: Computer
):
    """attack 25"""
    riga.controller.change(person("kzkarlis"))
    riga.employs("kzkarlis")
    answer = computer.log_in("kzkarlis").answer()
    riga.controller.change({"do": "disable", "name": "kzkarlis"})
    answers(at_work, answer)
    assert not at_work.is_signed_in
    assert reasons(riga.hall) == ["directory_disabled"]


def test_nor_does_it_when_the_account_has_expired_or_is_gone(
    at_work: Browser, riga: Connected, computer: Computer
):
    riga.controller.change(person("kzliga"))
    riga.employs("kzliga")
    first, second = computer.log_in("kzliga").answers(2)
    riga.controller.change({"do": "set", "name": "kzliga", "attribute": "accountExpires", "value": LONG_AGO})
    answers(at_work, first)
    riga.controller.change({"do": "delete", "name": "kzliga"})
    answers(at_work, second)
    assert not at_work.is_signed_in
    assert reasons(riga.hall) == ["directory_account_expired", "directory_unknown_entry"]


def test_who_is_blocked_here_or_works_there_no_longer_is_refused(
    at_work: Browser, riga: Connected, computer: Computer
):
    """attack 25"""
    anna = riga.employs("anna")
    first, second = computer.log_in("anna").answers(2)
    riga.hall.block(anna)
    answers(at_work, first)
    assert not at_work.is_signed_in
    with riga.hall.world.database.begin() as work:
        work.people.set_status(anna.user.id, UserStatus.ACTIVE, at=riga.hall.clock())
        work.connection().exec_driver_sql("UPDATE employments SET municipality = '0031000'")
    answers(at_work, second)
    assert not at_work.is_signed_in
    assert reasons(riga.hall) == ["directory_not_employed"] * 2


def test_who_works_elsewhere_too_is_not_let_in_on_the_word_of_one_of_the_two(
    at_work: Browser, riga: Connected, computer: Computer
):
    """Whoever runs one network would else act for the other municipality."""
    riga.employs("anna", municipalities=[RIGA, KEKAVA])
    answers(at_work, computer.log_in("anna").answer())
    assert not at_work.is_signed_in
    assert reasons(riga.hall) == ["method_not_offered"]


def test_a_directory_that_does_not_answer_leaves_the_other_ways(
    at_work: Browser, riga: Connected, computer: Computer
):
    juris = riga.hall.employee("juris.pats")
    riga.employs("anna")
    riga.put(controllers=["127.0.0.1:1"])
    answers(at_work, computer.log_in("anna").answer())
    assert at_work.page.status == 200
    assert [each.type for each in trail(riga.hall) if each.reason] == ["directory.unavailable"]
    at_work.identifies(juris)
    assert at_work.is_signed_in


def seen(riga: Connected) -> tuple[str, str]:
    """What administrators know of it, and readiness."""
    with riga.hall.world.database.read() as work:
        (told,) = work.directory_states.list_of(RIGA)
    ready = riga.hall.browser(AT_HOME).http.get("/healthz/ready").json()["directories"]
    return told.state.fault if told.state else "never asked", ready


@pytest.mark.parametrize("by_password", [False, True])
def test_who_looks_after_it_learns_from_a_ticket_that_it_does_not_answer_and_that_it_does_again(
    at_work: Browser, riga: Connected, computer: Computer, by_password: bool
):
    """Whichever way of signing in hears the answer, and whether anybody is known to be linked or not."""
    answer = computer.log_in("juris").answer()
    anna = riga.employs("anna")
    riga.put(controllers=["127.0.0.1:1"])
    answers(at_work, answer)
    assert seen(riga) == ("unreachable", "degraded")
    riga.put(controllers=[riga.controller.address])
    if by_password:
        at_work.signs_in(anna)
    else:
        answers(at_work, computer.log_in("anna").answer())
    assert at_work.is_signed_in
    assert seen(riga) == ("", "ok")


def test_a_ticket_that_is_none_says_nothing_of_the_directory(at_work: Browser, riga: Connected):
    """attack 43: or anybody in the network could make it look away."""
    riga.put(controllers=["127.0.0.1:1"])
    answers(at_work, "AAAA")
    assert seen(riga) == ("never asked", "ok")


def test_keys_that_cannot_be_opened_leave_the_other_ways_too(
    at_work: Browser, riga: Connected, computer: Computer
):
    riga.employs("anna")
    with riga.hall.world.database.begin() as work:
        work.connection().exec_driver_sql("UPDATE directory_keytabs SET keytab_sealed = 's1.00000000.AAAA'")
    answers(at_work, computer.log_in("anna").answer())
    assert (at_work.page.status, at_work.page.has("username")) == (200, True)
    assert reasons(riga.hall) == ["kerberos_unavailable"]


# What is refused ------------------------------------------------------------------------------------------

SPNEGO_OF_NTLM = "YEAGBisGAQUFAqA2MDSgDjAMBgorBgEEAYI3AgIKoiIEIE5UTE1TU1AAAQAAAJeCCOIAAAAAAAAAAAAAAAAAAAAA"


def b64(raw: bytes) -> str:
    return base64.b64encode(raw).decode()


@pytest.mark.parametrize(
    ("token", "reason"),
    [
        ("", "kerberos_unreadable"),
        ("AAAA", "kerberos_unreadable"),
        ("not base64", "kerberos_unreadable"),
        (b64(bytes(3000)), "kerberos_unreadable"),
        ("Y" * (64 * 1024 + 1), "kerberos_too_long"),
        (b64(b"NTLMSSP\x00\x01\x00\x00\x00" + bytes(24)), "kerberos_ntlm"),
        (SPNEGO_OF_NTLM, "kerberos_ntlm"),
        (b64(bytes.fromhex("a1073005a0030a0101")), "kerberos_several_legs"),
    ],
)
def test_what_is_no_ticket_leads_back_to_the_other_ways(
    at_work: Browser, riga: Connected, token: str, reason: str
):
    """attack 38: NTLM is refused in whatever it comes."""
    juris = riga.hall.employee("juris.pats")
    answers(at_work, token)
    assert reasons(riga.hall) == [reason]
    assert (at_work.page.status, at_work.page.path.count("/")) == (200, 2)
    assert FAILED in at_work.page.content.text
    at_work.identifies(juris)
    assert at_work.is_signed_in


def test_a_ticket_without_its_wrapping_is_none(at_work: Browser, riga: Connected, computer: Computer):
    riga.employs("anna")
    raw = base64.b64decode(computer.log_in("anna").answer())
    answers(at_work, b64(raw[raw.index(b"\x60", 4) :]))
    assert reasons(riga.hall) == ["kerberos_unreadable"]


def test_an_expired_ticket(at_work: Browser, riga: Connected, computer: Computer, riga_keytab: bytes):
    riga.employs("anna")
    key = read_keytab(riga_keytab)[0]
    answers(at_work, with_ticket(computer.log_in("anna").answer(), key, at_time(ENDS, "20200101000000Z")))
    assert not at_work.is_signed_in
    assert reasons(riga.hall) == ["kerberos_expired"]


def test_a_computer_whose_clock_is_wrong(
    at_work: Browser, riga: Connected, computer: Computer, riga_keytab: bytes
):
    riga.employs("anna")
    key = read_keytab(riga_keytab)[0]
    answers(at_work, with_use(computer.log_in("anna").answer(), key, at_time(MADE, "20200101000000Z")))
    assert not at_work.is_signed_in
    assert [(each.type, each.reason) for each in trail(riga.hall) if each.reason] == [
        ("kerberos.misconfigured", "kerberos_clocks")
    ]


def test_what_is_only_sealed_anew_is_as_good_as_before(
    at_work: Browser, riga: Connected, computer: Computer, riga_keytab: bytes
):
    """So it is what was changed that the others are refused for."""
    riga.employs("anna")
    key = read_keytab(riga_keytab)[0]
    answers(at_work, with_ticket(with_use(computer.log_in("anna").answer(), key, bytes), key, bytes))
    assert at_work.is_signed_in


def test_another_account_than_the_directory_signed(
    at_work: Browser, riga: Connected, computer: Computer, riga_keytab: bytes
):
    """attack 39: whoever has the keytab can seal tickets; what is signed in them stands for itself."""
    riga.employs("anna")
    answers(
        at_work, with_ticket(computer.log_in("anna").answer(), read_keytab(riga_keytab)[0], of_account(500))
    )
    assert reasons(riga.hall) == ["kerberos_no_sid"]


def test_a_ticket_that_says_nothing_of_the_account(
    at_work: Browser, riga: Connected, computer: Computer, tmp_path: Path
):
    """A name would be all there is, and names change hands."""
    riga.employs("anna")
    host = "bez-pac.example.lv"
    serve(riga.controller, tmp_path / "k", name="http-nopac", host=host)
    riga.controller.change(
        {"do": "set", "name": "http-nopac", "attribute": "userAccountControl", "value": str(0x2000200)}
    )
    take_keys(riga, keytab_of(riga.controller, tmp_path / "k2", host=host))
    answers(at_work, computer.log_in("anna").answer(service=f"HTTP@{host}"))
    assert reasons(riga.hall) == ["kerberos_no_sid"]


def test_a_ticket_for_another_service(at_work: Browser, riga: Connected, computer: Computer, tmp_path: Path):
    riga.employs("anna")
    serve(riga.controller, tmp_path / "k", name="http-other", host="cits.example.lv")
    answers(at_work, computer.log_in("anna").answer(service="HTTP@cits.example.lv"))
    (event,) = (each for each in trail(riga.hall) if each.reason)
    assert (event.type, event.reason) == ("kerberos.misconfigured", "kerberos_other_key")
    assert event.municipality == RIGA, "whose administrator it concerns"


def test_a_weak_ticket(at_work: Browser, riga: Connected, computer: Computer, tmp_path: Path):
    riga.employs("anna")
    serve(riga.controller, tmp_path / "k", name="http-weak", host="vajs.example.lv")
    riga.controller.change(
        {"do": "set", "name": "http-weak", "attribute": "msDS-SupportedEncryptionTypes", "value": "4"},
        {"do": "password", "name": "http-weak", "to": "Cita-parole-5501"},
    )
    take_keys(riga, keytab_of(riga.controller, tmp_path / "k2", host="vajs.example.lv"))
    answers(at_work, computer.log_in("anna").answer(service="HTTP@vajs.example.lv"))
    assert reasons(riga.hall) == ["kerberos_weak"]


def test_old_and_new_tickets_both_pass_while_the_password_of_the_service_changes(
    at_work: Browser, riga: Connected, computer: Computer, tmp_path: Path
):
    riga.employs("anna")
    host = "maina.example.lv"
    old = serve(riga.controller, tmp_path / "old", name="http-change", host=host)
    before, stale = computer.log_in("anna").answers(2, service=f"HTTP@{host}")
    riga.controller.change({"do": "password", "name": "http-change", "to": "Cita-parole-5502"})
    new = keytab_of(riga.controller, tmp_path / "new", host=host)
    after = computer.log_in("anna").answer(service=f"HTTP@{host}")
    assert {key.kvno for key in read_keytab(old)} != {key.kvno for key in read_keytab(new)}

    take_keys(riga, new)
    answers(at_work, stale)
    assert reasons(riga.hall) == ["kerberos_other_key"]
    take_keys(riga, write_keytab([*read_keytab(old), *read_keytab(new)]))
    for answer in (before, after):
        answers(at_work, answer)
        assert at_work.is_signed_in
        at_work.signs_out()


# Two realms -----------------------------------------------------------------------------------------------


@pytest.fixture(scope="module")
def kekava_domain() -> Iterator[Controller]:
    entries = [{"do": "user", "name": "visvaris", "password": ACCOUNT_PASSWORD}, person("anna")]
    with domain_controller("AD.KEKAVA.TEST", "KEKAVA", entries=entries) as controller:
        yield controller


@pytest.fixture(scope="module")
def kekava_keytab(kekava_domain: Controller, tmp_path_factory: pytest.TempPathFactory) -> bytes:
    return serve(kekava_domain, tmp_path_factory.mktemp("keytab") / "kekava")


def test_each_realm_is_good_on_its_own_municipality_s_networks(
    hall: Hall,
    riga: Connected,
    computer: Computer,
    kekava_domain: Controller,
    kekava_keytab: bytes,
    tmp_path: Path,
):
    """attack 39: the two people called anna are two."""
    kekava = connect(hall, kekava_domain, municipality=KEKAVA)
    hall.rule(KEKAVA, methods=METHODS)
    hall.rule(NATIONAL, methods=METHODS)
    hall.rule(RIGA, methods=METHODS)
    add_network(hall, KEKAVA, "10.2.0.0/16")
    take_keys(kekava, kekava_keytab)
    here = riga.link(hall.employee("anna.riga", municipalities=[RIGA]), "anna")
    there = kekava.link(hall.employee("anna.kekava", municipalities=[KEKAVA]), "anna")
    computers = {RIGA: computer, KEKAVA: Computer(kekava_domain, tmp_path / "kekava")}
    for network, atvk, who in (
        (AT_WORK, RIGA, here),
        (AT_WORK, KEKAVA, None),
        (IN_KEKAVA, KEKAVA, there),
        (IN_KEKAVA, RIGA, None),
    ):
        browser = hall.browser(network)
        answers(browser, computers[atvk].log_in("anna").answer())
        assert browser.is_signed_in is (who is not None), (network, atvk)
        if who is not None:
            assert hall.events(who)[-1] == "sign_in.completed"
    assert reasons(hall) == ["kerberos_other_realm"] * 2


# Once -----------------------------------------------------------------------------------------------------


def test_an_answer_is_good_once(hall: Hall, at_work: Browser, riga: Connected, computer: Computer):
    riga.employs("anna")
    token = computer.log_in("anna").answer()
    answers(at_work, token)
    thief = hall.browser(AT_WORK)
    answers(thief, token)
    assert at_work.is_signed_in
    assert not thief.is_signed_in
    assert [(each.type, each.reason) for each in trail(hall) if each.reason] == [
        ("kerberos.replayed", "kerberos_replayed")
    ]


def test_it_is_once_also_where_the_library_has_forgotten(
    hall: Hall, at_work: Browser, riga: Connected, computer: Computer, monkeypatch: pytest.MonkeyPatch
):
    riga.employs("anna")
    token = computer.log_in("anna").answer()
    answers(at_work, token)
    forgetful = replace(acceptor._library(), replays=f"file2:/proc/self/fd/{os.memfd_create('none')}")
    monkeypatch.setattr(acceptor, "_library", lambda: forgetful)
    thief = hall.browser(AT_WORK)
    answers(thief, token)
    assert not thief.is_signed_in
    assert reasons(hall) == ["kerberos_replayed"]


def test_what_is_around_the_ticket_makes_it_no_other_one(
    hall: Hall, at_work: Browser, riga: Connected, computer: Computer, monkeypatch: pytest.MonkeyPatch
):
    """Whoever heard one could write the outside anew."""
    riga.employs("anna")
    token = base64.b64decode(computer.log_in("anna").answer())
    answers(at_work, b64(token))
    forgetful = replace(acceptor._library(), replays=f"file2:/proc/self/fd/{os.memfd_create('none')}")
    monkeypatch.setattr(acceptor, "_library", lambda: forgetful)
    thief = hall.browser(AT_WORK)
    answers(thief, b64(token.replace(KERBEROS, OLD_KERBEROS, 1)))
    assert not thief.is_signed_in
    assert reasons(hall) == ["kerberos_replayed"]


def test_a_sign_in_takes_one_answer(at_work: Browser, riga: Connected, computer: Computer):
    riga.employs("anna")
    presses(at_work)
    path, token = at_work.page.path, computer.log_in("anna").answer()
    at_work.opens(path, Authorization="Negotiate AAAA")
    at_work.opens(path, Authorization=f"Negotiate {token}")
    assert not at_work.is_signed_in
    assert reasons(riga.hall) == ["kerberos_unreadable", "challenge_used"]
    at_work.presses(BUTTON)
    at_work.opens(path, Authorization=f"Negotiate {token}")
    assert at_work.is_signed_in


# Where ----------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("address", [AT_HOME, IN_KEKAVA])
def test_elsewhere_it_is_not_offered_and_not_taken(
    hall: Hall, riga: Connected, computer: Computer, address: str
):
    riga.employs("anna")
    add_network(hall, KEKAVA, "10.2.0.0/16")
    hall.clock.move(60)
    at_work, away = hall.browser(AT_WORK), hall.browser(address)
    away.opens("/")
    assert not away.page.has(BUTTON)
    presses(at_work)
    carried = hall.browser(address)
    carried.http.cookies = at_work.http.cookies
    carried.opens(at_work.page.path, Authorization=f"Negotiate {computer.log_in('anna').answer()}")
    assert not carried.is_signed_in
    assert reasons(hall) == ["kerberos_not_here"]


def test_whose_network_it_is_a_listed_proxy_says_and_nobody_else(
    fresh_database: str, riga_domain: Controller, riga_keytab: bytes, computer: Computer
):
    hall = Hall(fresh_database, options={"trusted_proxies": ("192.0.2.1/32",)})
    riga = connect(hall, riga_domain)
    for scope in (NATIONAL, RIGA):
        hall.rule(scope, methods=METHODS)
    add_network(hall, RIGA, "10.1.0.0/16")
    take_keys(riga, riga_keytab)
    riga.employs("anna")
    behind = hall.browser("192.0.2.1", **{"X-Forwarded-For": AT_WORK})
    answers(behind, computer.log_in("anna").answer())
    assert behind.is_signed_in
    for liar in (
        hall.browser(AT_HOME, **{"X-Forwarded-For": AT_WORK}),
        hall.browser("192.0.2.1", **{"X-Forwarded-For": f"{AT_WORK}, {AT_HOME}"}),
    ):
        liar.opens("/")
        assert not liar.page.has(BUTTON)
    hall.close()


@pytest.mark.parametrize("scope", [NATIONAL, RIGA])
def test_it_is_not_offered_where_the_rules_do_not_allow_it(at_work: Browser, riga: Connected, scope: str):
    riga.hall.rule(scope, methods=[*EVERY_METHOD, "directory"])
    riga.hall.clock.move(60)
    at_work.opens("/")
    assert not at_work.page.has(BUTTON)


def test_the_rules_are_looked_at_when_the_answer_comes(at_work: Browser, riga: Connected, computer: Computer):
    """attack 25"""
    riga.employs("anna")
    presses(at_work)
    riga.hall.rule(RIGA, methods=[*EVERY_METHOD, "directory"])
    at_work.opens(at_work.page.path, Authorization=f"Negotiate {computer.log_in('anna').answer()}")
    assert not at_work.is_signed_in
    assert reasons(riga.hall) == ["method_not_offered"]


def test_so_are_the_keys_and_whether_the_directory_is_in_use(
    at_work: Browser, riga: Connected, computer: Computer, riga_keytab: bytes
):
    riga.employs("anna")
    first, second = computer.log_in("anna").answers(2)
    presses(at_work)
    riga.put(enabled=False)
    at_work.opens(at_work.page.path, Authorization=f"Negotiate {first}")
    riga.put(enabled=True)
    presses(at_work)
    with riga.hall.world.database.begin() as work:
        keytabs.remove(work, riga.directory, by="test")
    at_work.opens(at_work.page.path, Authorization=f"Negotiate {second}")
    assert not at_work.is_signed_in
    assert reasons(riga.hall) == ["kerberos_other_realm"] * 2
    riga.hall.clock.move(60)
    at_work.opens("/")
    assert not at_work.page.has(BUTTON)


# Only there -----------------------------------------------------------------------------------------------


def test_the_header_counts_at_its_own_address_in_a_sign_in_that_was_led_there(
    hall: Hall, at_work: Browser, riga: Connected, computer: Computer
):
    """attack 24: nobody else's page, form or browser signs anybody in by the computer's account."""
    riga.employs("anna")
    token = computer.log_in("anna").answer()
    header = {"Authorization": f"Negotiate {token}"}
    at_work.opens("/", **header)
    path = at_work.page.path
    at_work.opens(path, **header)
    at_work.opens(f"{path}/negotiate", **header)
    assert at_work.page.path == path
    assert at_work.posts(f"{path}/negotiate", **header).status == 403
    at_work.opens(path)
    form = at_work.page.form().fields | {"token": token, "municipality": RIGA, "method": "kerberos"}
    at_work.posts(f"{path}?method=kerberos", form)
    assert not at_work.is_signed_in
    presses(at_work)
    assert hall.browser(AT_WORK).opens(at_work.page.path, **header).status == 410
    at_work.opens(at_work.page.path, Authorization="Basic YW5uYTphbm5h")
    assert at_work.page.status == 401
    assert not at_work.is_signed_in
    assert reasons(hall) == []


def test_nothing_of_it_is_logged(at_work: Browser, riga: Connected, computer: Computer, written: io.StringIO):
    riga.employs("anna")
    token = computer.log_in("anna").answer()
    answers(at_work, token)
    answers(riga.hall.browser(AT_WORK), token[:-8] + "AAAAAAAA")
    assert at_work.is_signed_in
    assert len(written.getvalue().splitlines()) > 8
    assert token[:40] not in written.getvalue()
    assert token[-60:-20] not in written.getvalue()


def test_the_ticket_of_somebody_else_ends_the_session_that_was_there(
    hall: Hall, at_work: Browser, riga: Connected, computer: Computer
):
    """As with any other way of signing in, the session is new and the other person's is over."""
    anna = riga.employs("anna")
    juris = hall.employee("juris.pats")
    at_work.signs_in(juris)
    before = at_work.session
    start = hall.provider.login.start(
        Requirements(fresh=True), return_to="/", browser=at_work.http.cookies["__Host-visvaris-browser"]
    )
    at_work.opens(f"/login/{start}")
    at_work.presses(BUTTON)
    at_work.opens(at_work.page.path, Authorization=f"Negotiate {computer.log_in('anna').answer()}")
    assert at_work.session not in {None, before}
    assert hall.provider.sessions.find(before) is None
    assert hall.events(juris)[-1] == "session.signed_out"
    assert hall.events(anna)[-1] == "sign_in.completed"


# By itself ------------------------------------------------------------------------------------------------


@pytest.fixture
def automatic(riga: Connected, riga_keytab: bytes) -> Connected:
    take_keys(riga, riga_keytab, automatic=True)
    return riga


def arrives(browser: Browser, hall: Hall, **wanted: object) -> None:
    """From an application."""
    browser.opens("/")
    transaction = hall.provider.login.start(
        Requirements(**wanted),  # type: ignore[arg-type]
        return_to="/account",
        browser=browser.http.cookies["__Host-visvaris-browser"],
        application_name="Lietvedība",
    )
    browser.opens(f"/login/{transaction}")


def test_who_comes_from_an_application_is_signed_in_without_a_click(
    hall: Hall, at_work: Browser, automatic: Connected, computer: Computer
):
    automatic.employs("anna")
    arrives(at_work, hall)
    assert at_work.page.status == 401
    at_work.opens(at_work.page.path, Authorization=f"Negotiate {computer.log_in('anna').answer()}")
    assert at_work.page.path == "/account"


def test_a_browser_without_a_ticket_is_led_on_and_asked_no_more(
    hall: Hall, at_work: Browser, automatic: Connected
):
    juris = hall.employee("juris.pats")
    arrives(at_work, hall)
    assert at_work.page.status == 401
    back = at_work.page.content.links["other-ways"]
    assert at_work.page.headers["refresh"] == f"0; url={back}"
    at_work.opens(back)
    assert at_work.page.status == 200
    assert at_work.page.has(BUTTON)
    assert FAILED not in at_work.page.content.text
    at_work.identifies(juris)
    assert at_work.is_signed_in


@pytest.mark.parametrize(
    "wanted",
    [
        {"login_hint": "anna"},
        {"fresh": True},
        {"expected_user": "somebody"},
        {"municipalities": (KEKAVA,)},
    ],
)
def test_somebody_who_may_be_meant_otherwise_is_asked(
    hall: Hall, at_work: Browser, automatic: Connected, wanted: dict[str, object]
):
    arrives(at_work, hall, **wanted)
    assert at_work.page.status == 200
    assert at_work.page.has(BUTTON)


def test_so_is_who_says_that_they_are_somebody_else_or_logged_out(
    hall: Hall, at_work: Browser, automatic: Connected, computer: Computer
):
    automatic.employs("anna", totp=True)
    arrives(at_work, hall)
    at_work.opens(at_work.page.path, Authorization=f"Negotiate {computer.log_in('anna').answer()}")
    assert at_work.page.has("code")
    at_work.opens(f"{at_work.page.path.partition('?')[0]}/anew")
    assert (at_work.page.status, at_work.page.has("username")) == (200, True)
    at_work.opens("/")
    assert (at_work.page.status, at_work.page.has("username")) == (200, True)


def test_a_shared_computer_asks_first(hall: Hall, automatic: Connected):
    add_network(hall, RIGA, "10.1.9.0/24", shared=True)
    hall.clock.move(60)
    reader = hall.browser("10.1.9.1")
    arrives(reader, hall)
    assert reader.page.status == 200
    assert reader.page.has(BUTTON)


# For who is known already ---------------------------------------------------------------------------------


def test_who_must_prove_one_thing_more_may_do_so_by_it_where_it_works(
    hall: Hall, at_work: Browser, riga: Connected, computer: Computer
):
    """The password of the network no longer counts, and the ticket is all that is left."""
    anna = riga.employs("anna")
    at_work.signs_in(anna)
    for scope in (NATIONAL, RIGA):
        hall.rule(scope, methods=["kerberos"])
    hall.clock.move(60)
    carried = hall.browser(AT_HOME)
    carried.http.cookies = httpx.Cookies(at_work.http.cookies)
    assert carried.opens("/account").status == 403
    at_work.opens("/account")
    before = at_work.session
    at_work.presses()
    at_work.opens(at_work.page.path, Authorization=f"Negotiate {computer.log_in('anna').answer()}")
    assert at_work.page.path == "/account"
    assert at_work.session != before


def test_a_sign_in_where_there_is_none_of_this_reads_nothing_of_it(
    hall: Hall, riga: Connected, monkeypatch: pytest.MonkeyPatch
):
    browser = hall.browser(AT_HOME)
    browser.opens("/")
    asked: list[object] = []
    real = Unit._execute

    def listening(unit: Unit, statement: Prepared, values: Mapping[str, Any]) -> Any:
        asked.append(statement)
        return real(unit, statement, values)

    monkeypatch.setattr(Unit, "_execute", listening)
    browser.opens(browser.page.path)
    assert asked
    assert not {_IN_USE, _OF, _OF_REALM} & set(asked)
