"""Signing in with the password of a municipality's network, against a real domain controller."""

import io

import pytest
from sqlalchemy import select

from idp.errors import Reason
from idp.events import EventType
from idp.languages import catalogue
from idp.models.audit import AuditEvent
from idp.policy import Level
from idp.storage.prepared import Prepared
from idp.storage.unit import records, table_of
from tests.support.actors import EVERY_METHOD, Browser, Employee, Hall
from tests.support.actors import PASSWORD as OUR_PASSWORD
from tests.support.builders import KEKAVA, RIGA
from tests.support.certificates import Authority
from tests.support.directories import ACCOUNT_PASSWORD, LOCKS_AFTER, PASSWORD, Connected, connect, person
from tests.support.samba import Controller

pytestmark = pytest.mark.allow_hosts(["127.0.0.0/8", "::1", "localhost"])
NEW = "Pavisam-jauna-88"


def said(english: str) -> str:
    return catalogue("lv").gettext(english)


WRONG = said(Reason.UNKNOWN_USER.public)
UNCHECKED = said(Reason.DIRECTORY_UNREACHABLE.public)
POLICY = said(Reason.DIRECTORY_AGAINST_POLICY.public)
WRONG_OLD = said(Reason.DIRECTORY_WRONG_OLD_PASSWORD.public)
WAITS = said("Your account is not linked yet")
DENIED = said(Reason.METHOD_NOT_OFFERED.public)
_TRAIL = Prepared(select(table_of(AuditEvent)).order_by(table_of(AuditEvent).c.seq))


@pytest.fixture
def riga(hall: Hall, riga_domain: Controller) -> Connected:
    return connect(hall, riga_domain)


@pytest.fixture
def browser(hall: Hall) -> Browser:
    return hall.browser()


def reasons(hall: Hall) -> list[str]:
    """Of everything in the trail that has one."""
    with hall.world.database.read() as work:
        return [each.reason for each in records(AuditEvent, work.rows(_TRAIL)) if each.reason]


def types(hall: Hall) -> set[str]:
    with hall.world.database.read() as work:
        return {each.type for each in records(AuditEvent, work.rows(_TRAIL))}


def tries(browser: Browser, name: str, password: str) -> str:
    """What the page says then."""
    browser.opens("/")
    browser.presses(username=name, password=password)
    return browser.page.content.text


# Who is let in --------------------------------------------------------------------------------------------


def test_the_password_of_the_network_lets_in_on_the_same_page(browser: Browser, riga: Connected):
    browser.signs_in(riga.employs("anna"))
    assert browser.is_signed_in
    browser.opens("/account")
    assert said("Password of the municipality's network") in browser.page.content.text


@pytest.mark.parametrize("written", ["anna@AD.riga.test", "RIGA\\anna", "riga\\ANNA"])
def test_so_do_the_names_by_which_the_network_knows_somebody(browser: Browser, riga: Connected, written: str):
    anna = riga.employs("anna")
    tries(browser, written, PASSWORD)
    assert browser.is_signed_in
    assert EventType.METHOD_PASSED.value in riga.hall.events(anna)


def test_our_own_password_opens_nothing_for_whom_a_directory_vouches(browser: Browser, riga: Connected):
    anna = riga.employs("anna")
    assert WRONG in tries(browser, anna.username, OUR_PASSWORD)
    assert reasons(riga.hall) == ["directory_wrong_password"]


def test_who_has_no_link_signs_in_as_before_and_asks_no_directory(browser: Browser, riga: Connected):
    riga.put(controllers=["127.0.0.1:1"])
    browser.signs_in(riga.hall.employee("juris"))
    assert browser.is_signed_in


def test_one_factor_it_is_and_with_a_code_two(browser: Browser, riga: Connected):
    riga.hall.rule(RIGA, Level.MULTI_FACTOR, methods=[*EVERY_METHOD, "directory"])
    anna = riga.employs("anna", totp=True)
    browser.opens("/")
    browser.identifies(anna)
    assert browser.page.has("code")
    assert not browser.is_signed_in
    browser.presses(code=anna.code())
    assert browser.is_signed_in


# Who is it ------------------------------------------------------------------------------------------------


def test_who_is_renamed_there_stays_who_they_are_here(browser: Browser, riga: Connected):
    riga.controller.change(person("ilze"))
    ilze = riga.employs("ilze")
    upn = riga.controller.upn("ilze.liepa")
    riga.controller.change({"do": "rename", "name": "ilze", "to": "ilze.liepa", "upn": upn})
    browser.signs_in(ilze)
    assert browser.is_signed_in


def test_somebody_new_of_the_same_name_does_not_inherit_the_account(browser: Browser, riga: Connected):
    """attack 39"""
    riga.controller.change(person("marta"))
    marta = riga.employs("marta")
    riga.controller.change({"do": "delete", "name": "marta"}, person("marta"))
    assert WRONG in tries(browser, marta.username, PASSWORD)
    assert WAITS in tries(browser, riga.controller.upn("marta"), PASSWORD)
    assert reasons(riga.hall) == ["directory_unknown_entry", "arrival_waits"]
    assert not browser.is_signed_in


def test_a_name_or_address_alone_links_nobody(browser: Browser, riga: Connected):
    """attack 39: the entry `juris` is nobody here, whatever else is the same."""
    upn = riga.controller.upn("juris")
    riga.hall.employee("juris", email=upn, email_verified=True)
    assert WAITS in tries(browser, upn, PASSWORD)
    assert WRONG in tries(browser, "juris", PASSWORD)
    assert reasons(riga.hall) == ["arrival_waits", "wrong_password"]
    assert not browser.is_signed_in


def test_who_no_longer_works_there_is_refused(browser: Browser, riga: Connected):
    anna = riga.employs("anna")
    riga.hall.clock.move(10)
    with riga.hall.world.database.begin() as work:
        work.connection().exec_driver_sql("UPDATE employments SET municipality = '0031000'")
    assert WRONG in tries(browser, riga.controller.upn("anna"), PASSWORD)
    assert WRONG in tries(browser, anna.username, PASSWORD)
    assert "directory_not_employed" in reasons(riga.hall)


def test_who_is_blocked_here_is_refused(browser: Browser, riga: Connected):
    """attack 25"""
    anna = riga.employs("anna")
    riga.hall.block(anna)
    for name in (anna.username, riga.controller.upn("anna")):
        assert WRONG in tries(browser, name, PASSWORD)
    assert not browser.is_signed_in


def test_a_directory_that_is_switched_off_lets_nobody_in(browser: Browser, riga: Connected):
    anna = riga.employs("anna")
    riga.put(enabled=False)
    for name in (anna.username, riga.controller.upn("anna")):
        assert WRONG in tries(browser, name, PASSWORD)


def test_the_word_of_one_municipality_is_worth_nothing_in_another(browser: Browser, riga: Connected):
    """attack 25: who runs one network could otherwise act for the other."""
    anna = riga.employs("anna", municipalities=(RIGA, KEKAVA))
    assert DENIED in tries(browser, riga.controller.upn("anna"), PASSWORD)
    browser.signs_in(Employee(anna.user, anna.clock, password=OUR_PASSWORD))
    assert browser.is_signed_in


def test_where_the_rules_do_not_allow_it_no_directory_is_asked(browser: Browser, riga: Connected):
    anna = riga.employs("anna")
    riga.hall.rule(RIGA, methods=EVERY_METHOD)
    assert WRONG in tries(browser, anna.username, PASSWORD)
    assert reasons(riga.hall) == ["wrong_password"]
    assert DENIED in tries(browser, riga.controller.upn("anna"), PASSWORD)
    assert not browser.is_signed_in


# What is said ---------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("name", "reason"),
    [
        ("disabled", Reason.DIRECTORY_DISABLED),
        ("disabled_must_change", Reason.DIRECTORY_DISABLED),
        ("account_expired", Reason.DIRECTORY_ACCOUNT_EXPIRED),
    ],
)
def test_who_knows_the_password_is_told_what_is_wrong_and_nobody_else(
    browser: Browser, riga: Connected, name: str, reason: Reason
):
    somebody = riga.employs(name)
    assert WRONG in tries(browser, somebody.username, "wrong")
    assert said(reason.public) in tries(browser, somebody.username, PASSWORD)
    assert reasons(riga.hall) == ["directory_wrong_password", reason.code]
    assert not browser.is_signed_in


@pytest.mark.parametrize("name", ["nobody@ad.riga.test", "RIGA\\nobody", "anna@ad.riga.test", "anna.ours"])
def test_a_wrong_password_reads_alike_for_everybody(browser: Browser, riga: Connected, name: str):
    riga.employs("anna")
    assert tries(browser, name, "wrong").replace(name, "") == tries(browser, "nobody", "wrong").replace(
        "nobody", ""
    )


def test_an_empty_password_reaches_no_directory(browser: Browser, riga: Connected):
    """attack 38"""
    anna = riga.employs("anna")
    assert WRONG in tries(browser, anna.username, "")
    assert reasons(riga.hall) == ["directory_empty_password"]
    assert not browser.is_signed_in


@pytest.mark.parametrize("name", ["*@ad.riga.test", "RIGA\\*", "RIGA\\anna)(cn=*", "a*)(@ad.riga.test"])
def test_no_name_means_anything_in_a_filter(browser: Browser, riga: Connected, name: str):
    """attack 38"""
    riga.employs("anna")
    assert WRONG in tries(browser, name, PASSWORD)
    assert reasons(riga.hall) == ["directory_unknown_entry"]


# When it does not answer ----------------------------------------------------------------------------------


def test_an_unreachable_directory_says_so_and_counts_no_attempt(browser: Browser, riga: Connected):
    anna = riga.employs("anna")
    riga.put(controllers=["127.0.0.1:1"])
    for _ in range(12):
        for name in (anna.username, riga.controller.upn("nobody")):
            assert UNCHECKED in tries(browser, name, PASSWORD)
    assert set(reasons(riga.hall)) == {"directory_unreachable"}
    assert EventType.DIRECTORY_UNAVAILABLE.value in types(riga.hall)
    assert EventType.METHOD_FAILED.value not in types(riga.hall)
    riga.put(controllers=[riga.controller.address])
    browser.signs_in(anna)
    assert browser.is_signed_in


def test_a_controller_that_is_not_trusted_is_told_apart_in_the_trail(
    browser: Browser, riga: Connected, authority: Authority
):
    anna = riga.employs("anna")
    riga.put(ca_certificates=authority.ca_file.read_text())
    assert UNCHECKED in tries(browser, anna.username, PASSWORD)
    assert reasons(riga.hall) == ["directory_untrusted"]


def test_no_password_is_in_any_log(browser: Browser, riga: Connected, written: io.StringIO):
    """attack 38"""
    secrets = {PASSWORD, ACCOUNT_PASSWORD, "Slepens-minejums-1"}
    anna = riga.employs("anna")
    tries(browser, anna.username, "Slepens-minejums-1")
    tries(browser, riga.controller.upn("anna"), PASSWORD)
    riga.put(controllers=["127.0.0.1:1"])
    tries(riga.hall.browser(), anna.username, PASSWORD)
    logged = written.getvalue()
    assert "no answer from a directory" in logged
    assert not any(secret in logged for secret in secrets)


# How often ------------------------------------------------------------------------------------------------


def test_we_stop_before_the_directory_locks_somebody_out_however_they_are_named(
    browser: Browser, riga: Connected
):
    riga.controller.change(person("oskars"))
    oskars = riga.employs("oskars")
    names = [oskars.username, riga.controller.upn("oskars"), "RIGA\\oskars"]
    for number in range(2 * LOCKS_AFTER):
        riga.hall.clock.move(100)
        assert WRONG in tries(browser, names[number % 3], f"wrong {number}")
    spent = [reason for reason in reasons(riga.hall) if reason == "directory_attempts_spent"]
    assert len(spent) == 2 * LOCKS_AFTER - riga.directory.attempts
    assert WRONG in tries(browser, oskars.username, PASSWORD)
    riga.hall.clock.move(riga.directory.attempt_minutes * 60)
    browser.signs_in(oskars)
    assert browser.is_signed_in


def test_a_right_password_makes_earlier_ones_forgotten(browser: Browser, riga: Connected):
    riga.controller.change(person("elina"))
    elina = riga.employs("elina")
    for _ in range(3):
        for _ in range(riga.directory.attempts - 1):
            riga.hall.clock.move(100)
            tries(browser, elina.username, "wrong")
        fresh = riga.hall.browser()
        fresh.signs_in(elina)
        assert fresh.is_signed_in


# A password that is over ----------------------------------------------------------------------------------


@pytest.mark.parametrize("state", ["must_change", "password_expired"])
def test_a_password_that_is_over_is_changed_there_and_then(browser: Browser, riga: Connected, state: str):
    name = f"web_{state}"
    riga.controller.change(person(name, state=state))
    somebody = riga.employs(name)
    tries(browser, somebody.username, PASSWORD)
    assert not browser.is_signed_in
    assert browser.page.title == said("Set a new password")
    browser.presses(password=PASSWORD, new_password=NEW, new_password_again="other")
    assert said("The passwords do not match.") in browser.page.content.text
    browser.presses(password="wrong", new_password=NEW, new_password_again=NEW)
    assert WRONG_OLD in browser.page.content.text
    browser.presses(password=PASSWORD, new_password="short", new_password_again="short")
    assert POLICY in browser.page.content.text
    browser.presses(password=PASSWORD, new_password=NEW, new_password_again=NEW)
    assert browser.is_signed_in
    assert EventType.DIRECTORY_PASSWORD_CHANGED.value in riga.hall.events(somebody)


def test_a_municipality_may_have_its_own_page_for_that(browser: Browser, riga: Connected):
    riga.controller.change(person("own_page", state="must_change"))
    somebody = riga.employs("own_page")
    riga.put(change_url="https://parole.riga.example/")
    tries(browser, somebody.username, PASSWORD)
    assert browser.page.content.links["renewal-elsewhere"] == "https://parole.riga.example/"
    action = browser.page.path
    browser.opens(action)
    form = browser.page.form("username", "password")
    browser.posts(
        form.action.replace("password", "directory"),
        {
            **form.fields,
            "username": somebody.username,
            "password": PASSWORD,
            "new_password": NEW,
            "new_password_again": NEW,
        },
    )
    assert browser.page.has("renewal-elsewhere")
    assert not browser.is_signed_in


@pytest.mark.parametrize("name", ["nobody", "juris.ours", "nobody@ad.riga.test", "anna@ad.riga.test"])
def test_the_form_for_a_new_password_tells_strangers_nothing(browser: Browser, riga: Connected, name: str):
    riga.employs("anna")
    browser.opens("/")
    form = browser.page.form("username", "password")
    data = {
        **form.fields,
        "username": name,
        "password": "wrong",
        "new_password": "x",
        "new_password_again": "x",
    }
    browser.posts(form.action.replace("password", "directory"), data)
    assert WRONG_OLD in browser.page.content.text
    assert POLICY not in browser.page.content.text


def test_nobody_sets_up_or_removes_it_on_the_account_page(browser: Browser, riga: Connected):
    anna = riga.employs("anna", totp=True)
    browser.signs_in(anna)
    for path in ("/account/methods/directory", "/account/methods/directory/remove"):
        assert browser.opens(path).status in {302, 303, 403, 404, 405}
    browser.opens("/account")
    assert not any("methods/directory" in link for link in browser.page.content.links.values())
    assert not any("methods/directory" in form.action for form in browser.page.content.forms)
