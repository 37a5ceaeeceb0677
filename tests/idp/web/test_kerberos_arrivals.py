"""Coming for the first time by the ticket of a computer at work: linked by the directory's rule, when somebody pressed
the button; waiting for an administrator otherwise; and never kept from another way.
"""

from pathlib import Path

import pytest

from idp.events import EventType
from idp.languages import catalogue
from idp.models.arrivals import personnel_source
from idp.models.people import Identity
from idp.policy import NATIONAL
from idp.storage import arrivals
from tests.idp.web.test_first_arrival import (
    ATTRIBUTES,
    CODE,
    NUMBER,
    coded,
    link_of,
    new_code,
    users,
    waiting,
)
from tests.idp.web.test_kerberos import (
    AT_WORK,
    BUTTON,
    FAILED,
    LONG_AGO,
    answers,
    arrives,
    automatic,
    presses,
    reasons,
    riga,
    trail,
)
from tests.support.actors import EVERY_METHOD, Browser, Employee, Hall
from tests.support.builders import KEKAVA, RIGA
from tests.support.directories import Connected, person
from tests.support.samba import Controller
from tests.support.servers import serve_portal
from tests.support.tickets import Computer

pytestmark = pytest.mark.allow_hosts(["127.0.0.0/8", "::1", "localhost"])
__all__ = ["automatic", "riga"]
WAITS = catalogue("lv").gettext("Your account is not linked yet")
BY_COMPUTER = catalogue("lv").gettext(
    "The account with which you are logged in to this computer is not linked to an account here yet."
)
_names = iter(f"atnacejs{number}" for number in range(1000))


@pytest.fixture
def at_work(hall: Hall) -> Browser:
    return hall.browser(AT_WORK)


@pytest.fixture
def computer(riga_domain: Controller, tmp_path: Path) -> Computer:
    return Computer(riga_domain, tmp_path / "computer")


@pytest.fixture
def by_code(riga: Connected) -> Connected:
    riga.put(attributes=ATTRIBUTES, arrival="person_code")
    return riga


def comes(riga: Connected, computer: Computer, **attributes: str) -> tuple[str, str]:
    """Somebody new there, at their computer: what they are called, and what it answers."""
    name = next(_names)
    riga.controller.change(person(name, given_name="Jauns", family_name="Nācējs", attributes=attributes))
    return name, computer.log_in(name).answer()


def by_itself(browser: Browser, hall: Hall, token: str) -> Browser:
    """From an application, at a computer that answers without being asked for."""
    arrives(browser, hall)
    assert browser.page.status == 401
    browser.opens(browser.page.path, Authorization=f"Negotiate {token}")
    return browser


def assert_is_not_kept(browser: Browser, riga: Connected) -> None:
    """From the usual ways, and from the application that they came from."""
    assert (browser.page.status, browser.page.has("username")) == (200, True)
    assert FAILED not in browser.page.content.text
    browser.identifies(riga.hall.employee("juris.pats"))
    assert browser.is_signed_in


# Who pressed the button -----------------------------------------------------------------------------------


def test_whose_code_it_is_is_linked_signed_in_and_told(
    at_work: Browser, by_code: Connected, computer: Computer
):
    code = new_code()
    ours = coded(by_code, code)
    name, token = comes(by_code, computer, **{CODE: code})
    answers(at_work, token)
    assert at_work.is_signed_in
    link = link_of(by_code, name)
    assert link is not None
    assert (link.user_id, link.linked_by) == (ours.user.id, "person_code")
    assert EventType.METHOD_ENROLLED.value in by_code.hall.events(ours)
    assert waiting(by_code) == []
    answers(by_code.hall.browser(AT_WORK), computer.answer())
    passed = [(each.method, each.user_id) for each in trail(by_code.hall) if each.type == "method.passed"]
    assert passed == [("kerberos", ours.user.id)] * 2


def test_the_provider_proves_itself_to_them_as_to_everybody(
    at_work: Browser, by_code: Connected, computer: Computer
):
    code = new_code()
    coded(by_code, code)
    _, token = comes(by_code, computer, **{CODE: code})
    presses(at_work)
    told = at_work.http.get(at_work.page.path, headers={"Authorization": f"Negotiate {token}"})
    assert (told.status_code, told.headers["WWW-Authenticate"][:11]) == (303, "Negotiate o")


def test_whose_number_it_is_is_linked(at_work: Browser, by_code: Connected, computer: Computer):
    by_code.put(arrival="employee_number")
    ours = by_code.hall.employee("ar.numuru")
    with by_code.hall.world.database.begin() as work:
        work.people.add_identity(
            Identity(
                id=work.effects.new_id(),
                user_id=ours.user.id,
                source=personnel_source(RIGA),
                subject="T-100",
                created_at=1.0,
            )
        )
    _, token = comes(by_code, computer, **{NUMBER: "T-100"})
    answers(at_work, token)
    assert at_work.is_signed_in
    assert by_code.hall.events(ours)[-1] == "sign_in.completed"


def test_who_is_new_gets_an_account_where_that_is_allowed(
    at_work: Browser, by_code: Connected, computer: Computer
):
    by_code.put(arrival="employee_number", creates_accounts=True)
    name, token = comes(by_code, computer, **{NUMBER: "T-200"})
    answers(at_work, token)
    assert at_work.is_signed_in
    (made,) = users(by_code)
    assert made.username.startswith(f"{name}-")
    assert {"user.added", "method.enrolled"} <= set(by_code.hall.events(Employee(made, by_code.hall.clock)))


def test_whom_nothing_links_waits_once_is_told_so_and_may_come_in_otherwise(
    at_work: Browser, riga: Connected, computer: Computer
):
    riga.put(attributes=ATTRIBUTES)
    name, token = comes(riga, computer)
    answers(at_work, token)
    assert (at_work.page.status, at_work.page.has("arrival-waits")) == (403, True)
    assert WAITS in at_work.page.title
    assert BY_COMPUTER in at_work.page.content.text
    assert not at_work.is_signed_in
    riga.hall.clock.move(60)
    answers(at_work, computer.answer())
    (waits,) = waiting(riga)
    assert (waits.name, waits.account_name) == ("Jauns Nācējs", name)
    assert [each.type for each in trail(riga.hall)].count("arrival.queued") == 1
    assert reasons(riga.hall) == ["arrival_waits"] * 2
    at_work.opens(at_work.page.content.links["login-restart"])
    assert_is_not_kept(at_work, riga)


@pytest.mark.parametrize("columns", [{"municipalities": (RIGA, KEKAVA)}, {"roles": ["operator"]}])
def test_whose_account_opens_more_waits_also_with_a_ticket(
    at_work: Browser, by_code: Connected, computer: Computer, columns: dict[str, object]
):
    """attack 41"""
    code = new_code()
    coded(by_code, code, **columns)
    name, token = comes(by_code, computer, **{CODE: code})
    answers(at_work, token)
    assert not at_work.is_signed_in
    assert link_of(by_code, name) is None
    assert [each.account_name for each in waiting(by_code)] == [name]


@pytest.mark.parametrize("scope", [NATIONAL, RIGA])
def test_where_tickets_are_not_allowed_nobody_is_linked_or_waits(
    at_work: Browser, by_code: Connected, computer: Computer, scope: str
):
    """Though the password of the network is, and though it was when the button was shown."""
    code = new_code()
    coded(by_code, code)
    name, token = comes(by_code, computer, **{CODE: code})
    presses(at_work)
    by_code.hall.rule(scope, methods=[*EVERY_METHOD, "directory"])
    at_work.opens(at_work.page.path, Authorization=f"Negotiate {token}")
    assert not at_work.is_signed_in
    assert (link_of(by_code, name), waiting(by_code)) == (None, [])
    assert reasons(by_code.hall) == ["method_not_offered"]


@pytest.mark.parametrize(
    "change",
    [{"do": "disable"}, {"do": "set", "attribute": "accountExpires", "value": LONG_AGO}, {"do": "delete"}],
)
def test_whom_the_network_would_not_let_in_is_not_linked_and_does_not_wait(
    at_work: Browser, by_code: Connected, computer: Computer, change: dict[str, str]
):
    """attack 25: the ticket is older than that."""
    code = new_code()
    ours = coded(by_code, code)
    name, token = comes(by_code, computer, **{CODE: code})
    by_code.controller.change(change | {"name": name})
    answers(at_work, token)
    assert not at_work.is_signed_in
    assert waiting(by_code) == []
    assert EventType.METHOD_ENROLLED.value not in by_code.hall.events(ours)


def test_a_link_that_was_blocked_makes_nobodys_entry_of_it(
    at_work: Browser, by_code: Connected, computer: Computer
):
    """attack 25: or whoever was shut out would come back as somebody new."""
    by_code.put(arrival="employee_number", creates_accounts=True)
    name, token = comes(by_code, computer, **{NUMBER: "T-300"})
    by_code.employs(name)
    with by_code.hall.world.database.begin() as work:
        work.connection().exec_driver_sql("UPDATE credentials SET blocked_at = 1 WHERE method = 'directory'")
    answers(at_work, token)
    assert not at_work.is_signed_in
    assert (len(users(by_code)), waiting(by_code)) == (1, [])
    assert reasons(by_code.hall) == ["kerberos_unlinked"]


def test_what_a_server_got_in_somebodys_name_links_nobody(
    at_work: Browser, by_code: Connected, computer: Computer, tmp_path: Path
):
    """attack 39"""
    code = new_code()
    coded(by_code, code)
    name, _ = comes(by_code, computer, **{CODE: code})
    portal = serve_portal(by_code.controller, tmp_path / "portal", "http-cits")
    answers(at_work, portal.handed_on(computer, "allowed"))
    assert (link_of(by_code, name), waiting(by_code)) == (None, [])
    assert reasons(by_code.hall) == ["kerberos_delegated"]


# What nobody asked for ------------------------------------------------------------------------------------


def test_by_itself_a_computer_links_nobody_whom_one_press_would(
    hall: Hall, at_work: Browser, automatic: Connected, computer: Computer
):
    """attack 24: any page can send a browser to an application's sign-in."""
    automatic.put(attributes=ATTRIBUTES, arrival="person_code")
    code = new_code()
    ours = coded(automatic, code)
    name, token = comes(automatic, computer, **{CODE: code})
    by_itself(at_work, hall, token)
    assert (link_of(automatic, name), waiting(automatic)) == (None, [])
    assert reasons(hall) == ["arrival_unasked"]
    assert (at_work.page.status, at_work.page.has(BUTTON)) == (200, True)
    assert FAILED not in at_work.page.content.text
    at_work.presses(BUTTON)
    at_work.opens(at_work.page.path, Authorization=f"Negotiate {computer.answer()}")
    assert at_work.page.path == "/account"
    assert hall.events(ours)[-1] == "sign_in.completed"


def test_by_itself_it_makes_no_account(
    hall: Hall, at_work: Browser, automatic: Connected, computer: Computer
):
    """attack 24"""
    automatic.put(attributes=ATTRIBUTES, arrival="employee_number", creates_accounts=True)
    _, token = comes(automatic, computer, **{NUMBER: "T-400"})
    by_itself(at_work, hall, token)
    assert (users(automatic), waiting(automatic)) == ([], [])
    assert_is_not_kept(at_work, automatic)


def test_whom_nothing_links_waits_and_goes_on_as_if_nothing_were(
    hall: Hall, at_work: Browser, automatic: Connected, computer: Computer
):
    name, token = comes(automatic, computer)
    by_itself(at_work, hall, token)
    (first,) = waiting(automatic)
    hall.clock.move(60)
    by_itself(at_work, hall, computer.answer())
    (waits,) = waiting(automatic)
    assert (waits.account_name, waits.last_at) == (name, first.last_at)
    assert [each.type for each in trail(hall)].count("arrival.queued") == 1
    assert_is_not_kept(at_work, automatic)
    assert at_work.page.path == "/account"


def test_whoever_is_linked_meanwhile_is_signed_in_by_itself_from_then_on(
    hall: Hall, at_work: Browser, automatic: Connected, computer: Computer
):
    name, token = comes(automatic, computer)
    by_itself(at_work, hall, token)
    automatic.employs(name)
    assert waiting(automatic) == []
    by_itself(at_work, hall, computer.answer())
    assert at_work.is_signed_in


def test_what_nobody_asked_for_takes_no_place_of_who_did(
    hall: Hall,
    at_work: Browser,
    automatic: Connected,
    computer: Computer,
    monkeypatch: pytest.MonkeyPatch,
):
    """attack 43: one page could send a whole town hall into the queue."""
    monkeypatch.setattr(arrivals, "WAITING_AT_MOST", 1)
    asked, token = comes(automatic, computer)
    answers(at_work, token)
    hall.clock.move(60)
    later, token = comes(automatic, computer)
    by_itself(hall.browser(AT_WORK), hall, token)
    assert [each.account_name for each in waiting(automatic)] == [asked]
    answers(hall.browser(AT_WORK), computer.answer())
    assert [each.account_name for each in waiting(automatic)] == [later]


def test_the_button_of_another_browser_is_no_press_of_this_one(
    hall: Hall, at_work: Browser, automatic: Connected, computer: Computer
):
    """attack 24: whose sign-in it is says the cookie, and the form has its own secret."""
    automatic.put(attributes=ATTRIBUTES, arrival="person_code")
    code = new_code()
    coded(automatic, code)
    name, token = comes(automatic, computer, **{CODE: code})
    stranger = hall.browser(AT_WORK)
    presses(stranger)
    at_work.opens(stranger.page.path, Authorization=f"Negotiate {token}")
    arrives(at_work, hall)
    forged = at_work.http.post(at_work.page.path)
    assert forged.status_code in {400, 403}
    at_work.opens(at_work.page.path, Authorization=f"Negotiate {computer.answer()}")
    assert link_of(automatic, name) is None
