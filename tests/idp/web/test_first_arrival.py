"""Coming for the first time by the password of the municipality's network: linked by its rule, or waiting."""

from typing import Any

import pytest

from idp.events import EventType
from idp.languages import catalogue
from idp.models.arrivals import DirectoryArrival, personnel_source
from idp.models.directories import DirectoryLink
from idp.models.people import Identity, User
from idp.models.person_code import PersonCode
from idp.storage import arrivals
from tests.support.actors import Browser, Employee, Hall
from tests.support.builders import KEKAVA, RIGA
from tests.support.directories import PASSWORD, Connected, connect, person
from tests.support.samba import Controller

pytestmark = pytest.mark.allow_hosts(["127.0.0.0/8", "::1", "localhost"])
CODE, NUMBER = "division", "employeeNumber"
ATTRIBUTES = {"given_name": "givenName", "family_name": "sn", "person_code": CODE, "employee_number": NUMBER}
WAITS = catalogue("lv").gettext("Your account is not linked yet")
WRONG = catalogue("lv").gettext("Wrong username or password.")
_codes = iter(range(10001, 99999))


@pytest.fixture
def riga(hall: Hall, riga_domain: Controller) -> Connected:
    return connect(hall, riga_domain, attributes=ATTRIBUTES)


@pytest.fixture
def browser(hall: Hall) -> Browser:
    return hall.browser()


def new_code() -> str:
    return f"010180-{next(_codes)}"


def arrives(
    riga: Connected, name: str, *, browser: Browser | None = None, password: str = PASSWORD
) -> Browser:
    browser = browser or riga.hall.browser()
    browser.opens("/")
    browser.presses(username=riga.controller.upn(name), password=password)
    return browser


def coded(riga: Connected, code: str, **columns: Any) -> Employee:
    """An employee whose code is on file."""
    made = riga.hall.employee(f"ours{code[-5:]}", **columns)
    with riga.hall.world.database.begin() as work:
        work.people.set_person_code(made.user.id, PersonCode.parse(code), at=1.0)
    return made


def waiting(riga: Connected) -> list[DirectoryArrival]:
    with riga.hall.world.database.read() as work:
        return work.arrivals.list_of(RIGA)


def link_of(riga: Connected, name: str) -> DirectoryLink | None:
    guid = riga.controller.change()[name]["guid"]
    with riga.hall.world.database.read() as work:
        return work.directories.find_link_of_entry(riga.directory.id, guid)


def users(riga: Connected) -> list[User]:
    with riga.hall.world.database.read() as work:
        return work.people.list_users(limit=1000)


# Nobody's entry ------------------------------------------------------------------------------------------


def test_who_proves_an_entry_that_is_nobodys_waits_and_is_told_so(riga: Connected, browser: Browser):
    riga.controller.change(person("viesis", given_name="Viesis", family_name="Pirmais"))
    arrives(riga, "viesis", browser=browser)
    assert WAITS in browser.page.title
    assert browser.page.status == 403
    assert browser.page.has("arrival-waits")
    assert not browser.is_signed_in
    (waits,) = waiting(riga)
    assert waits.object_guid == riga.controller.change()["viesis"]["guid"]
    assert (waits.name, waits.account_name) == ("Viesis Pirmais", "viesis")


def test_who_does_not_know_its_password_cannot_tell_it_from_others(riga: Connected, browser: Browser):
    """attack 28"""
    riga.controller.change(person("klusais"))
    wrong = arrives(riga, "klusais", password="wrong").page
    nobody = arrives(riga, "nobody", password="wrong").page
    linked = riga.employs("anna")
    known = arrives(riga, "anna", password="wrong").page
    assert linked
    for page, name in ((wrong, "klusais"), (nobody, "nobody"), (known, "anna")):
        assert WRONG in page.content.text
        assert page.content.text.replace(name, "") == wrong.content.text.replace("klusais", "")
        assert page.status == wrong.status
    assert waiting(riga) == []


def test_it_waits_once_and_under_the_name_it_has_by_now(riga: Connected):
    riga.controller.change(person("vecais", given_name="Vecais"))
    arrives(riga, "vecais")
    riga.hall.clock.move(60)
    suffix = riga.controller.suffix
    riga.controller.change({"do": "rename", "name": "vecais", "to": "jaunais", "upn": f"jaunais@{suffix}"})
    arrives(riga, "jaunais")
    (waits,) = waiting(riga)
    assert (waits.account_name, waits.last_at - waits.first_at) == ("jaunais", 60)


def test_it_counts_as_no_failure_however_often_it_comes(riga: Connected, browser: Browser):
    riga.controller.change(person("biezais"))
    for _ in range(12):
        arrives(riga, "biezais", browser=browser)
        assert WAITS in browser.page.title


def test_so_many_wait_and_no_more(riga: Connected, monkeypatch: pytest.MonkeyPatch):
    """attack 43"""
    monkeypatch.setattr(arrivals, "WAITING_AT_MOST", 2)
    for number in range(3):
        riga.controller.change(person(f"rinda{number}"))
        arrives(riga, f"rinda{number}")
        riga.hall.clock.move(1)
    assert [each.account_name for each in waiting(riga)] == ["rinda2", "rinda1"]


def test_what_the_directory_calls_somebody_is_one_line(riga: Connected):
    """attack 42"""
    riga.controller.change(person("rindas", given_name="<b>A\u202eB</b>", family_name="x" * 60))
    arrives(riga, "rindas")
    (waits,) = waiting(riga)
    assert waits.name == f"<b>A B</b> {'x' * 60}"


def test_by_no_rule_nobody_is_linked_whatever_is_the_same(riga: Connected):
    """attack 39: a code on both sides, a name and an address."""
    code = new_code()
    upn = riga.controller.upn("vienads")
    coded(riga, code, email=upn, email_verified=True, given_name="Tas", family_name="Pats")
    riga.controller.change(
        person("vienads", given_name="Tas", family_name="Pats", attributes={CODE: code, "mail": upn})
    )
    arrives(riga, "vienads")
    assert link_of(riga, "vienads") is None
    assert len(waiting(riga)) == 1


# By a personal code --------------------------------------------------------------------------------------


@pytest.fixture
def by_code(riga: Connected) -> Connected:
    riga.put(arrival="person_code")
    return riga


@pytest.mark.parametrize("form", ["{0}", "PNOLV-{0}", "{1}", "pk:{0}"])
def test_whose_code_it_is_is_signed_in_and_told(by_code: Connected, browser: Browser, form: str):
    code = new_code()
    ours = coded(by_code, code)
    name = f"kods{code[-5:]}"
    by_code.controller.change(person(name, attributes={CODE: form.format(code, code.replace("-", ""))}))
    arrives(by_code, name, browser=browser)
    assert browser.is_signed_in
    link = link_of(by_code, name)
    assert link is not None
    assert (link.user_id, link.linked_by) == (ours.user.id, "person_code")
    assert EventType.METHOD_ENROLLED.value in by_code.hall.events(ours)
    assert waiting(by_code) == []
    again = arrives(by_code, name)
    assert again.is_signed_in


def test_who_waited_waits_no_longer_once_linked(riga: Connected):
    code = new_code()
    riga.controller.change(person("gaidija", attributes={CODE: code}))
    arrives(riga, "gaidija")
    assert len(waiting(riga)) == 1
    coded(riga, code)
    riga.put(arrival="person_code")
    assert arrives(riga, "gaidija").is_signed_in
    assert waiting(riga) == []


def test_a_wrong_password_links_nobody(by_code: Connected):
    """attack 39: the link is made only in the act that proves the entry."""
    code = new_code()
    coded(by_code, code)
    by_code.controller.change(person("nepareizs", attributes={CODE: code}))
    assert WRONG in arrives(by_code, "nepareizs", password="wrong").page.content.text
    assert link_of(by_code, "nepareizs") is None


def test_a_password_that_is_right_and_over_links_and_is_changed(by_code: Connected, browser: Browser):
    code = new_code()
    coded(by_code, code)
    by_code.controller.change(person("beigusies", state="must_change", attributes={CODE: code}))
    arrives(by_code, "beigusies", browser=browser)
    assert link_of(by_code, "beigusies") is not None
    assert not browser.is_signed_in
    new = "Pavisam-jauna-88"
    browser.presses(password=PASSWORD, new_password=new, new_password_again=new)
    assert browser.is_signed_in


@pytest.mark.parametrize("state", ["disabled", "account_expired"])
def test_who_may_not_come_in_there_is_not_linked(by_code: Connected, state: str):
    """attack 25"""
    code = new_code()
    coded(by_code, code)
    by_code.controller.change(person(f"st_{state[:8]}", state=state, attributes={CODE: code}))
    arrives(by_code, f"st_{state[:8]}")
    assert link_of(by_code, f"st_{state[:8]}") is None
    assert waiting(by_code) == []


def assert_waits(riga: Connected, name: str) -> None:
    window = arrives(riga, name)
    assert WAITS in window.page.title
    assert link_of(riga, name) is None
    assert not window.is_signed_in
    assert riga.controller.change()[name]["guid"] in {each.object_guid for each in waiting(riga)}


@pytest.mark.parametrize(
    "columns", [{"municipalities": (RIGA, KEKAVA)}, {"municipalities": (KEKAVA,)}, {"roles": ["operator"]}]
)
def test_whose_account_opens_more_is_an_administrators_to_link(by_code: Connected, columns: dict[str, Any]):
    """attack 41: whoever runs the network of one must not get into accounts that open more."""
    code = new_code()
    coded(by_code, code, **columns)
    by_code.controller.change(person(f"v{code[-5:]}", attributes={CODE: code}))
    assert_waits(by_code, f"v{code[-5:]}")


@pytest.mark.parametrize(
    ("role", "is_linked"), [("administrator", False), ("clerk", True), ("finance", False)]
)
def test_roles_that_the_directory_gives_itself_may_be_matched(by_code: Connected, role: str, is_linked: bool):
    """attack 41: also where a group there should make administrators."""
    by_code.put(roles={"CN=A,DC=x": "administrator", "CN=B,DC=x": "clerk"})
    code = new_code()
    ours = coded(by_code, code)
    with by_code.hall.world.database.begin() as work:
        work.connection().exec_driver_sql(
            "UPDATE employments SET roles = ? WHERE user_id = ?", (f'["{role}"]', ours.user.id)
        )
    by_code.controller.change(person(f"loma_{role[:8]}", attributes={CODE: code}))
    if is_linked:
        assert arrives(by_code, f"loma_{role[:8]}").is_signed_in
    else:
        assert_waits(by_code, f"loma_{role[:8]}")


def test_a_blocked_person_is_not_matched(by_code: Connected):
    """attack 25"""
    code = new_code()
    by_code.hall.block(coded(by_code, code))
    by_code.controller.change(person("bloketais", attributes={CODE: code}))
    assert_waits(by_code, "bloketais")


def test_two_entries_with_one_code_both_wait(by_code: Connected):
    """attack 39: also where they write it differently."""
    code = new_code()
    coded(by_code, code)
    by_code.controller.change(
        person("dvinis1", attributes={CODE: code}), person("dvinis2", attributes={CODE: f"PNOLV-{code}"})
    )
    assert_waits(by_code, "dvinis1")
    assert_waits(by_code, "dvinis2")


def test_an_account_that_is_linked_is_not_taken_over_by_another_entry(by_code: Connected):
    """attack 39: somebody deleted and made anew, or a code that moved to somebody else."""
    code = new_code()
    by_code.controller.change(person("pirmais", attributes={CODE: code}))
    ours = by_code.link(coded(by_code, code), "pirmais")
    by_code.controller.change({"do": "delete", "name": "pirmais"}, person("otrais", attributes={CODE: code}))
    assert_waits(by_code, "otrais")
    assert ours


@pytest.mark.parametrize("value", ["010180", "nav", "010180-1000", "LT/LV/01018010000"])
def test_what_is_no_code_of_anybody_here_matches_nobody(by_code: Connected, value: str):
    coded(by_code, "010180-10000")
    name = f"bez{next(_codes)}"
    by_code.controller.change(person(name, attributes={CODE: value}))
    assert_waits(by_code, name)


def test_of_several_values_none_counts(riga: Connected):
    """attack 39"""
    code = new_code()
    coded(riga, code)
    riga.put(arrival="person_code", attributes=ATTRIBUTES | {"person_code": "otherMailbox"})
    riga.controller.change(person("vairaki", attributes={"otherMailbox": [code, "cits"]}))
    assert_waits(riga, "vairaki")


# By an employee number -----------------------------------------------------------------------------------


def numbered(riga: Connected, number: str, municipality: str = RIGA) -> Employee:
    made = riga.hall.employee(f"nr{number}", municipalities=[RIGA])
    with riga.hall.world.database.begin() as work:
        work.people.add_identity(
            Identity(
                id=work.effects.new_id(),
                user_id=made.user.id,
                source=personnel_source(municipality),
                subject=number,
                created_at=1.0,
            )
        )
    return made


def test_whose_number_it_is_is_signed_in(riga: Connected):
    riga.put(arrival="employee_number")
    ours = numbered(riga, "R-100")
    riga.controller.change(person("numurs", attributes={NUMBER: "R-100"}))
    assert arrives(riga, "numurs").is_signed_in
    link = link_of(riga, "numurs")
    assert link is not None
    assert (link.user_id, link.linked_by) == (ours.user.id, "employee_number")


def test_the_number_of_another_municipality_is_nobodys(riga: Connected):
    """attack 40"""
    riga.put(arrival="employee_number")
    numbered(riga, "K-100", KEKAVA)
    riga.controller.change(person("cits_numurs", attributes={NUMBER: "K-100"}))
    assert_waits(riga, "cits_numurs")


# Accounts made just in time ------------------------------------------------------------------------------


@pytest.fixture
def creating(riga: Connected) -> Connected:
    riga.put(arrival="employee_number", creates_accounts=True)
    return riga


def test_who_is_new_gets_an_account_with_a_post_and_nothing_else(creating: Connected):
    creating.controller.change(
        person(
            "jauninais",
            given_name="Jaunais",
            family_name="Darbinieks",
            attributes={NUMBER: "J-1", "mail": "x@y.lv", CODE: new_code()},
        )
    )
    assert arrives(creating, "jauninais").is_signed_in
    (made,) = users(creating)
    assert made.username.startswith("jauninais-")
    assert (made.given_name, made.family_name, made.roles) == ("Jaunais", "Darbinieks", [])
    assert (made.email, made.person_code_index) == (None, None)
    with creating.hall.world.database.read() as work:
        (post,) = work.people.employments_of(made.id, now=creating.hall.clock())
    assert (post.municipality, post.roles) == (RIGA, [])
    assert {"user.added", "method.enrolled"} <= set(creating.hall.events(Employee(made, creating.hall.clock)))
    creating.hall.clock.move(1)
    assert arrives(creating, "jauninais").is_signed_in
    assert len(users(creating)) == 1


def test_one_whose_number_is_somebodys_is_not_made_anew(creating: Connected):
    numbered(creating, "J-2", RIGA)
    with creating.hall.world.database.begin() as work:
        work.connection().exec_driver_sql("UPDATE employments SET roles = '[\"administrator\"]'")
    creating.controller.change(person("vadosais", attributes={NUMBER: "J-2"}))
    assert_waits(creating, "vadosais")
    assert len(users(creating)) == 1


@pytest.mark.parametrize("attributes", [{}, {NUMBER: "x" * 65}])
def test_who_cannot_be_known_again_gets_no_account(creating: Connected, attributes: dict[str, str]):
    name = f"nezinams{len(attributes.get(NUMBER, ''))}"
    creating.controller.change(person(name, attributes=attributes))
    assert_waits(creating, name)
    assert users(creating) == []


@pytest.mark.parametrize("spelling", ["{0}@{1}", "{0}"])
def test_whoever_has_that_name_here_is_neither_linked_nor_doubled(creating: Connected, spelling: str):
    """attack 39: a name links nobody, and makes no second account of somebody who may be the same."""
    suffix = creating.controller.suffix
    name = f"varda{next(_codes)}"
    username = spelling.format(name, suffix)
    creating.hall.employee(username)
    creating.controller.change(person(name, attributes={NUMBER: name}))
    browser = creating.hall.browser()
    browser.opens("/")
    browser.presses(username=f"RIGA\\{name}", password=PASSWORD)
    assert WAITS in browser.page.title
    assert link_of(creating, name) is None
    assert [each.username for each in users(creating)] == [username]


def test_a_short_name_of_another_municipality_is_in_nobodys_way(creating: Connected):
    creating.hall.employee("tals", municipalities=[KEKAVA])
    creating.controller.change(person("tals", attributes={NUMBER: "T-1"}))
    assert arrives(creating, "tals").is_signed_in
    assert len(users(creating)) == 2


def test_the_new_name_is_never_one_that_leads_to_an_entry(creating: Connected):
    """attack 45: whoever gets that UPN later must be asked about as themselves."""
    upn = f"Ērmots.Vārds@{creating.controller.suffix}"
    creating.controller.change(person("ermots", upn=upn, attributes={NUMBER: "E-1"}))
    browser = creating.hall.browser()
    browser.opens("/")
    browser.presses(username=upn, password=PASSWORD)
    assert browser.is_signed_in
    (made,) = users(creating)
    assert "@" not in made.username
    assert "\\" not in made.username


def test_whoever_is_linked_by_a_rule_is_told_by_mail(by_code: Connected):
    """attack 39: also who did not do it."""
    code = new_code()
    ours = coded(by_code, code, email="anna@riga.example", email_verified=True)
    by_code.controller.change(person("pastots", attributes={CODE: code}))
    arrives(by_code, "pastots")
    with by_code.hall.world.database.read() as work:
        mails = work.mails.list_mails(None, now=by_code.hall.clock(), municipality=None, after=None, limit=9)
    assert ("method.enrolled", ours.user.id) in {(each.about, each.user_id) for each in mails}
