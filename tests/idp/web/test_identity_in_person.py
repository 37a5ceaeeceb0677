"""Confirming in person: a document is looked at by one, approved by another, and the code typed by whom it is about.

Over the API of administrators and the pages, with all that must not work.
"""

from collections.abc import Callable, Iterator
from typing import Any

import fastjsonschema
import pytest

from idp.models.people import Employment
from idp.models.person_code import PersonCode
from idp.people.identity.in_person import CODE_SECONDS, WAITS_SECONDS
from idp.policy import NATIONAL, OPERATOR, Level
from idp.web.api_description import describe
from tests.support.actors import ISSUER, WITH_KEYS, Browser, Employee, Hall
from tests.support.administrators import AUDIENCE, SCOPE, Api, service
from tests.support.at_once import at_once
from tests.support.builders import KEKAVA, RIGA
from tests.support.identity import was_confirmed
from tests.support.in_person import (
    CODE,
    PAPER,
    TownHall,
    asks_for_field,
    confirms,
    recovers,
    town_hall,
    types,
)
from tests.support.pages import Parsed

WRONG = "Kods nav pareizs vai vairs nav derīgs."
NO_SUCH_CODE = "0000-0000-0000-0000-0000-0000-0000"


@pytest.fixture
def riga(fresh_database: str) -> Iterator[TownHall]:
    with town_hall(fresh_database) as made:
        yield made


@pytest.fixture
def hall(riga: TownHall) -> Hall:
    return riga.hall


@pytest.fixture
def anna(hall: Hall) -> Employee:
    return hall.employee("anna", totp=True)


@pytest.fixture
def browser(hall: Hall, anna: Employee) -> Browser:
    browser = hall.browser()
    browser.signs_in(anna)
    return browser


def write(hall: Hall, statement: str, *values: object) -> None:
    with hall.world.database.begin() as work:
        work.connection().exec_driver_sql(statement, values)


def hire(hall: Hall, who: Employee, atvk: str) -> None:
    post = Employment(id=hall.world.effects.new_id(), user_id=who.user.id, municipality=atvk)
    with hall.world.database.begin() as work:
        work.people.add_employment(post)


def leaves(hall: Hall, who: Employee) -> None:
    write(hall, "UPDATE employments SET ends_at = ? WHERE user_id = ?", hall.clock() - 1, who.user.id)


def loses_role(hall: Hall, who: Employee) -> None:
    write(hall, "UPDATE employments SET roles = '[]' WHERE user_id = ?", who.user.id)


def on_file(hall: Hall, who: Employee, code: str) -> None:
    with hall.world.database.begin() as work:
        work.people.set_person_code(who.user.id, PersonCode.parse(code), at=hall.clock())


# The whole way --------------------------------------------------------------------------------------------


def test_checked_by_one_approved_by_another_typed_shown_and_linked(
    riga: TownHall, anna: Employee, browser: Browser
) -> None:
    check = riga.check_of(anna)
    code = Parsed(riga.approves(check).text).ids["letter-code"]
    browser.opens("/account")
    browser.follows("confirm-identity")
    assert browser.presses("identity-in_person", consent="1").title == "Ievadiet kodu no pašvaldības"
    page = types(browser, code.lower().replace("-", " "))
    assert page.content.ids["identity-name"] == "Anna Bērziņa"
    assert page.content.ids["identity-account"] == "anna"
    assert riga.confirmed(anna) is None
    assert riga.state(check) == "approved", "looking uses nothing up"
    assert browser.presses("identity-link").path.startswith("/account")
    confirmed = riga.confirmed(anna)
    assert confirmed is not None
    row = confirmed.confirmation
    assert (row.confirmed_by, row.assurance, row.flow, row.evidence) == (
        "in_person",
        "substantial",
        "passport",
        check,
    )
    assert row.certificate_fingerprint == ""
    assert riga.state(check) == "used"
    kinds = [kind for kind, _ in riga.trail(anna)]
    assert [kind for kind in kinds if kind.startswith("identity")] == [
        "identity_check.made",
        "identity_check.approved",
        "identity.started",
        "identity_check.used",
        "identity.confirmed",
    ]
    assert "Klātienē pašvaldībā" in browser.opens("/account").words


def test_the_person_hears_by_mail_that_it_was_made_and_approved(riga: TownHall, hall: Hall) -> None:
    """attack 34"""
    who = hall.employee("dace", email="dace@example.lv", email_verified=True)
    riga.code_for(who)
    with hall.world.database.read() as work:
        mails = [mail for mail in work.mails.list_mails(now=hall.clock()) if mail.user_id == who.user.id]
    about = sorted(mail.about for mail in mails if mail.about.startswith("identity_check"))
    assert about == ["identity_check.approved", "identity_check.made"]
    assert {mail.address for mail in mails} == {"dace@example.lv"}


def test_the_second_sees_what_was_stated_and_not_the_whole_code(riga: TownHall, anna: Employee) -> None:
    """attack 42"""
    check = riga.check_of(anna)
    shown = riga["second"].get(f"/identity-checks/{check}")
    told = shown.json()
    assert (told["given_name"], told["family_name"], told["masked_code"]) == (
        "Anna",
        "Bērziņa",
        "******-**015",
    )
    assert (told["user"], told["account_name"], told["state"]) == ("anna", "Anna Bērziņa", "waiting")
    (listed,) = riga["second"].get("/identity-checks", user="anna").json()["identity_checks"]
    assert listed == {name: told[name] for name in told.keys() - {"user", "account_name"}}
    for secret in (CODE, CODE.replace("-", "")):
        assert secret not in shown.text


def test_the_code_is_told_once_and_to_the_second_alone(riga: TownHall, anna: Employee) -> None:
    """attack 40: a link that the delegated administrator can read afterwards"""
    check = riga.check_of(anna)
    given = riga.approves(check)
    code = Parsed(given.text).ids["letter-code"]
    assert given.headers["Location"] == f"/api/v1/identity-checks/{check}"
    assert given.headers["Cache-Control"] == "no-store"
    assert "Set-Cookie" not in given.headers
    for name in ("first", "second", "operator"):
        for path in (f"/identity-checks/{check}", "/identity-checks"):
            shown = riga[name].get(path).text
            assert code not in shown
            assert code.replace("-", "") not in shown
    assert riga.approves(check).status_code == 409


def test_neither_username_nor_document_is_on_the_letter(riga: TownHall, hall: Hall) -> None:
    who = hall.employee("zvirbulis")
    page = Parsed(riga.approves(riga.check_of(who), json={"language": "en"}).text)
    assert "zvirbulis" not in page.markup
    assert "32000" not in page.markup
    assert page.ids["page-title"] == "Confirm that the account is yours"
    assert page.ids["letter-to"] == "Anna Bērziņa"


def test_nothing_of_the_document_is_in_the_trail(riga: TownHall, anna: Employee, browser: Browser) -> None:
    """attack 44"""
    code = riga.code_for(anna, given_name="Annasvārds")
    confirms(browser, code)
    with riga.hall.world.database.read() as work:
        rows = work.audit.activity_of(anna.user.id)
    written = " ".join(f"{row.type} {row.reason} {row.detail}" for row in rows)
    for secret in ("Annasvārds", "32000000015", CODE, code.replace("-", "")):
        assert secret not in written


def test_answers_are_as_the_description_says(riga: TownHall, anna: Employee, browser: Browser) -> None:
    made = riga.states(anna)
    check = made.json()["id"]
    assert made.headers["Location"] == f"/api/v1/identity-checks/{check}"
    conforms(made.json(), "identity_check_with_account")
    code = Parsed(riga.approves(check, json={}).text).ids["letter-code"]
    conforms(riga["second"].get("/identity-checks").json(), "identity_checks")
    confirms(browser, code)
    told = riga["second"].get(f"/identity-checks/{check}").json()
    conforms(told, "identity_check_with_account")
    assert (told["state"], told["given_name"], told["masked_code"]) == ("used", None, None)


def conforms(value: object, schema: str) -> None:
    contract = describe(ISSUER)
    fastjsonschema.compile({"$ref": f"#/components/schemas/{schema}", **contract}, use_formats=True)(value)


def test_a_list_is_read_page_by_page(riga: TownHall, hall: Hall) -> None:
    made = {riga.check_of(hall.employee(f"kads{number}")) for number in range(3)}
    first = riga["second"].get("/identity-checks", limit="2").json()
    rest = riga["second"].get("/identity-checks", limit="2", after=first["after"]).json()
    assert rest["after"] is None
    assert {each["id"] for each in first["identity_checks"] + rest["identity_checks"]} == made


# Who makes one --------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("by", "status", "why"),
    [("operator", 403, "municipality_only"), ("kekava", 404, "not_found")],
)
def test_only_an_administrator_of_the_municipality_looks_at_documents(
    riga: TownHall, anna: Employee, by: str, status: int, why: str
) -> None:
    """attack 40"""
    reply = riga.states(anna, by)
    assert (reply.status_code, reply.json()["code"]) == (status, why)
    assert riga["operator"].get("/identity-checks").json()["identity_checks"] == []


def test_nobody_makes_one_for_themself(riga: TownHall) -> None:
    """attack 41"""
    reply = riga.states(riga.people["first"])
    assert (reply.status_code, reply.json()["code"]) == (403, "own_account")


def test_a_program_neither_makes_nor_approves_one(riga: TownHall, anna: Employee) -> None:
    """attack 41"""
    check = riga.check_of(anna)
    for own in ({"service_municipality": RIGA, "resources": [AUDIENCE]}, {"resources": [AUDIENCE]}):
        token = service(riga.hall, own=own).own_token(scope=SCOPE, resource=AUDIENCE).access_token
        api = Api(riga.hall, token)
        assert api.get(f"/identity-checks/{check}").status_code == 200
        assert api.ask("POST", f"/identity-checks/{check}/approval").status_code == 403
        body = {"user": "anna", **PAPER}
        assert api.ask("POST", "/identity-checks", json=body).status_code == 403
    assert riga.state(check) == "waiting"


def test_making_and_approving_take_a_sign_in_of_the_last_ten_minutes(
    riga: TownHall, anna: Employee, hall: Hall
) -> None:
    """attack 34; RFC 9470"""
    check = riga.check_of(anna)
    write(hall, "UPDATE token_families SET auth_time = auth_time - 601")
    for reply in (riga.states(anna), riga.approves(check)):
        assert (reply.status_code, reply.json()["code"]) == (401, "insufficient_user_authentication")
        assert 'max_age="600"' in reply.headers["WWW-Authenticate"]
    assert riga.state(check) == "waiting"


def test_who_is_blocked_is_not_checked(riga: TownHall, anna: Employee, hall: Hall) -> None:
    hall.block(anna)
    reply = riga.states(anna)
    assert (reply.status_code, reply.json()["code"]) == (409, "blocked_user")


@pytest.mark.parametrize(
    "changed",
    [
        {"personal_code": "32000-00015"},
        {"personal_code": None},
        {"personal_code": 32000000015},
        {"given_name": ""},
        {"given_name": " \n "},
        {"family_name": "x" * 101},
        {"family_name": "An\u202ena"},
        {"family_name": "A\x00"},
        {"given_name": ["Anna"]},
        {"document": "driving_licence"},
        {"document": None},
        {"document_number": "LV1234567"},
        {"user": 7},
        {"user": "\u0000"},
    ],
)
def test_what_cannot_stand_in_a_document_is_refused_and_a_number_is_not_taken(
    riga: TownHall, anna: Employee, changed: dict[str, Any]
) -> None:
    """attack 42"""
    reply = riga.states(anna, **changed)
    assert (reply.status_code, reply.json()["code"]) == (400, "invalid_request")


@pytest.mark.parametrize("body", [b"", b"[]", b"null", b"{", b"[" * 100_000])
def test_a_body_that_is_no_object_is_refused(riga: TownHall, anna: Employee, body: bytes) -> None:
    """attack 43"""
    check = riga.check_of(anna)
    headers = {"Content-Type": "application/json"}
    with_token = {**headers, "Authorization": f"Bearer {riga['second'].token}"}
    browser = riga.hall.browser()
    made = browser.http.post("/api/v1/identity-checks", content=body, headers=with_token)
    assert made.status_code in {400, 413}
    if body:
        path = f"/api/v1/identity-checks/{check}/approval"
        assert browser.http.post(path, content=body, headers=with_token).status_code in {400, 413}
    assert riga.state(check) == "waiting"


def test_another_look_replaces_the_one_before(riga: TownHall, anna: Employee, browser: Browser) -> None:
    code = riga.code_for(anna)
    (before,) = riga["first"].get("/identity-checks").json()["identity_checks"]
    riga.check_of(anna)
    assert riga.state(before["id"]) == "revoked"
    asks_for_field(browser)
    assert WRONG in types(browser, code).words
    assert ("identity_check.revoked", "replaced") in riga.trail(anna)


# Who approves ---------------------------------------------------------------------------------------------


def test_who_looked_does_not_approve(riga: TownHall, anna: Employee) -> None:
    """attack 41"""
    check = riga.check_of(anna)
    reply = riga.approves(check, "first")
    assert (reply.status_code, reply.json()["code"]) == (403, "same_person")
    assert riga.state(check) == "waiting"


def test_whom_it_is_about_does_not_approve(riga: TownHall) -> None:
    """attack 41: also where they are an administrator or an operator"""
    check = riga.check_of(riga.people["second"])
    reply = riga.approves(check, "second")
    assert (reply.status_code, reply.json()["code"]) == (403, "own_account")
    write(riga.hall, f"UPDATE users SET roles = '[\"{OPERATOR}\"]' WHERE username = 'otrais'")
    reply = riga.approves(check, "second")
    assert (reply.status_code, reply.json()["code"]) == (403, "own_account")
    assert riga.approves(check, "operator").status_code == 201


def test_another_municipality_sees_nothing_and_approves_nothing(
    riga: TownHall, anna: Employee, hall: Hall
) -> None:
    """attack 40: also where the person works there, too"""
    check = riga.check_of(anna)
    for _ in range(2):
        assert riga.approves(check, "kekava").status_code == 404
        assert riga["kekava"].get(f"/identity-checks/{check}").status_code == 404
        assert riga["kekava"].ask("DELETE", f"/identity-checks/{check}").status_code == 404
        assert riga["kekava"].get("/identity-checks").json()["identity_checks"] == []
        hire(hall, anna, KEKAVA)
    assert riga.state(check) == "waiting"


def test_an_operator_may_be_the_second(riga: TownHall, anna: Employee, browser: Browser) -> None:
    confirms(browser, riga.code_for(anna, approver="operator"))
    assert riga.confirmed(anna) is not None


@pytest.mark.parametrize("how", ["works elsewhere too", "is an operator"])
def test_of_whose_account_opens_more_only_an_operator_is_the_second(
    riga: TownHall, anna: Employee, hall: Hall, how: str
) -> None:
    """attack 40"""
    if how == "is an operator":
        write(hall, f"UPDATE users SET roles = '[\"{OPERATOR}\"]' WHERE username = 'anna'")
    else:
        hire(hall, anna, KEKAVA)
    check = riga.check_of(anna)
    reply = riga.approves(check)
    assert (reply.status_code, reply.json()["code"]) == (403, "operator_only")
    assert riga.approves(check, "operator").status_code == 201


@pytest.mark.parametrize("gone", [Hall.block, loses_role, leaves])
def test_nobody_approves_what_somebody_saw_who_is_gone(
    riga: TownHall, anna: Employee, gone: Callable[[Hall, Employee], None]
) -> None:
    check = riga.check_of(anna)
    gone(riga.hall, riga.people["first"])
    reply = riga.approves(check)
    assert (reply.status_code, reply.json()["code"]) == (409, "void")


def test_nobody_approves_for_who_is_blocked_or_has_left(riga: TownHall, anna: Employee, hall: Hall) -> None:
    check = riga.check_of(anna)
    leaves(hall, anna)
    assert riga.approves(check).status_code == 404
    assert riga.approves(check, "operator").json()["code"] == "void"
    hall.block(anna)
    assert riga.approves(check, "operator").json()["code"] == "blocked_user"


def test_a_check_waits_for_the_second_for_72_hours(riga: TownHall, anna: Employee, hall: Hall) -> None:
    """attack 30"""
    check = riga.check_of(anna)
    hall.clock.move(WAITS_SECONDS)
    late = riga.as_(riga.people["second"])
    reply = late.ask("POST", f"/identity-checks/{check}/approval")
    assert (reply.status_code, reply.json()["code"]) == (409, "not_waiting")


def test_the_second_refuses_and_nobody_approves_it_any_more(riga: TownHall, anna: Employee) -> None:
    check = riga.check_of(anna)
    assert riga["second"].ask("DELETE", f"/identity-checks/{check}").status_code == 204
    told = riga["first"].get(f"/identity-checks/{check}").json()
    assert (told["state"], told["given_name"], told["masked_code"]) == ("revoked", None, None)
    assert told["revoked_by"] == riga.people["second"].user.id
    assert riga.approves(check, "operator").json()["code"] == "not_waiting"
    assert riga["second"].ask("DELETE", f"/identity-checks/{check}").status_code == 409
    assert riga.trail(anna)[-1] == ("identity_check.revoked", "refused")


def test_who_looked_takes_it_back(riga: TownHall, anna: Employee) -> None:
    check = riga.check_of(anna)
    assert riga["first"].ask("DELETE", f"/identity-checks/{check}").status_code == 204
    assert riga.trail(anna)[-1] == ("identity_check.revoked", None)


# The code -------------------------------------------------------------------------------------------------


def _revoked(riga: TownHall, _: Employee) -> None:
    (check,) = riga["first"].get("/identity-checks").json()["identity_checks"]
    assert riga["first"].ask("DELETE", f"/identity-checks/{check['id']}").status_code == 204


def _expired(riga: TownHall, _: Employee) -> None:
    write(riga.hall, "UPDATE identity_checks SET expires_at = ?", riga.hall.clock())


def _hired_elsewhere(riga: TownHall, anna: Employee) -> None:
    hire(riga.hall, anna, KEKAVA)


def _moved(riga: TownHall, anna: Employee) -> None:
    leaves(riga.hall, anna)
    hire(riga.hall, anna, KEKAVA)


VOID: list[tuple[Callable[[TownHall, Employee], None], str]] = [
    (_revoked, "in_person_code_revoked"),
    (_expired, "in_person_code_expired"),
    (_moved, "in_person_other_posts"),
    (_hired_elsewhere, "in_person_approver_gone"),
    (lambda riga, _: riga.hall.block(riga.people["first"]), "in_person_maker_gone"),
    (lambda riga, _: loses_role(riga.hall, riga.people["first"]), "in_person_maker_gone"),
    (lambda riga, _: leaves(riga.hall, riga.people["first"]), "in_person_maker_gone"),
    (lambda riga, _: riga.hall.block(riga.people["second"]), "in_person_approver_gone"),
    (lambda riga, _: loses_role(riga.hall, riga.people["second"]), "in_person_approver_gone"),
    (lambda riga, _: leaves(riga.hall, riga.people["second"]), "in_person_approver_gone"),
]


@pytest.mark.parametrize(("happens", "reason"), VOID)
def test_a_code_is_void_once_anything_it_stands_on_is_gone(
    riga: TownHall,
    anna: Employee,
    browser: Browser,
    happens: Callable[[TownHall, Employee], None],
    reason: str,
) -> None:
    """attack 30, attack 34: said in one sentence, and precisely in the trail"""
    code = riga.code_for(anna)
    asks_for_field(browser)
    happens(riga, anna)
    page = types(browser, code)
    assert page.status == 422
    assert page.has("code-error")
    assert WRONG in page.words
    assert reason not in page.content.markup
    assert riga.trail(anna)[-1] == ("identity.refused", reason)
    assert riga.confirmed(anna) is None


@pytest.mark.parametrize(("happens", "reason"), VOID)
def test_also_between_the_code_and_the_last_button(
    riga: TownHall,
    anna: Employee,
    browser: Browser,
    happens: Callable[[TownHall, Employee], None],
    reason: str,
) -> None:
    code = riga.code_for(anna)
    asks_for_field(browser)
    types(browser, code)
    happens(riga, anna)
    browser.presses("identity-link")
    assert riga.confirmed(anna) is None
    assert riga.trail(anna)[-1] == ("identity.refused", reason)


def test_of_an_operator_who_is_none_any_more_nothing_counts(
    riga: TownHall, anna: Employee, browser: Browser
) -> None:
    code = riga.code_for(anna, approver="operator")
    write(riga.hall, "UPDATE users SET roles = '[]' WHERE username = 'operators'")
    asks_for_field(browser)
    types(browser, code)
    assert riga.trail(anna)[-1] == ("identity.refused", "in_person_approver_gone")


def test_a_code_is_good_for_72_hours_from_its_approval(riga: TownHall, anna: Employee, hall: Hall) -> None:
    """attack 30"""
    code = riga.code_for(anna)
    hall.clock.move(CODE_SECONDS - 1)
    browser = hall.browser()
    browser.signs_in(anna)
    asks_for_field(browser)
    assert types(browser, code).has("identity-link")
    hall.clock.move(1)
    browser.presses("identity-link")
    assert riga.trail(anna)[-1] == ("identity.refused", "in_person_code_expired")


def test_a_code_of_somebody_else_confirms_nothing_and_stays_theirs(
    riga: TownHall, anna: Employee, browser: Browser, hall: Hall
) -> None:
    """attack 39: found on a desk, or sent by somebody who wants their identity on this account"""
    other = hall.employee("berta", totp=True)
    code = riga.code_for(other)
    asks_for_field(browser)
    assert WRONG in types(browser, code).words
    assert [kind for kind, _ in riga.trail(anna)][-2:] == ["identity.refused", "identity.alarm"]
    assert riga.confirmed(anna) is None
    own = hall.browser("192.0.2.77")
    own.signs_in(other)
    confirms(own, code)
    assert riga.confirmed(other) is not None


@pytest.mark.parametrize("typed", ["", "x", NO_SUCH_CODE, "ā" * 28, "0" * 10_000, "\x00" * 28])
def test_a_wrong_code_is_told_in_the_same_sentence(
    riga: TownHall, anna: Employee, browser: Browser, typed: str
) -> None:
    riga.check_of(anna)  # waits, and has no code yet
    asks_for_field(browser)
    page = types(browser, typed)
    assert (page.status, page.has("code-error")) == (422, True)
    assert WRONG in page.words


def test_a_used_code_confirms_nothing_again(riga: TownHall, anna: Employee, browser: Browser) -> None:
    """attack 33"""
    code = riga.code_for(anna)
    confirms(browser, code)
    browser.opens("/account")
    browser.follows("identity-more")
    browser.presses("identity-remove")
    asks_for_field(browser)
    assert WRONG in types(browser, code).words
    assert riga.trail(anna)[-1] == ("identity.refused", "in_person_code_used")
    assert riga.confirmed(anna) is None


def test_of_twenty_last_buttons_at_once_one_links(riga: TownHall, anna: Employee, browser: Browser) -> None:
    """attack 33"""
    code = riga.code_for(anna)
    asks_for_field(browser)
    types(browser, code)
    path, form = browser.page.path, browser.page.form(button="identity-link")

    def press(_: int) -> bool:
        own = riga.hall.browser()
        own.http.cookies.update(browser.http.cookies)
        own.posts(path, {**form.fields, "answer": "link"})
        return own.trail[-1].startswith("/account")

    assert at_once(20, press).count(True) == 1
    assert [kind for kind, _ in riga.trail(anna)].count("identity_check.used") == 1


def test_a_code_typed_in_two_places_counts_in_one(riga: TownHall, anna: Employee, browser: Browser) -> None:
    """attack 33: in a session, and by the name alone elsewhere"""
    was_confirmed(riga.hall, anna)
    code = riga.code_for(anna)
    asks_for_field(browser, "/account/identity?again=1")
    assert types(browser, code).has("identity-link")
    elsewhere = riga.hall.browser("192.0.2.99")
    recovers(elsewhere, "anna")
    assert types(elsewhere, code).has("identity-link")
    browser.presses("identity-link")
    elsewhere.presses("identity-link")
    assert not elsewhere.page.path.startswith("/enrol")
    assert riga.trail(anna)[-1] == ("identity.refused", "in_person_code_used")


def test_who_says_that_it_is_not_them_uses_nothing_up(
    riga: TownHall, anna: Employee, browser: Browser
) -> None:
    code = riga.code_for(anna)
    asks_for_field(browser)
    types(browser, code)
    assert browser.presses("identity-decline").has("identity-in_person")
    assert riga.trail(anna)[-1] == ("identity.refused", "identity_declined")
    confirms(browser, code)
    assert riga.confirmed(anna) is not None


def test_another_code_on_file_stops_it_and_neither_is_told(
    riga: TownHall, anna: Employee, browser: Browser, hall: Hall
) -> None:
    """attack 37"""
    on_file(hall, anna, "320000-00023")
    asks_for_field(browser)
    page = types(browser, riga.code_for(anna))
    assert "cits personas kods" in page.words
    assert "023" not in page.words
    assert riga.trail(anna)[-1] == ("identity.refused", "identity_mismatch")
    assert riga.confirmed(anna) is None


def test_whose_identity_has_an_account_gets_no_second(
    riga: TownHall, anna: Employee, browser: Browser, hall: Hall
) -> None:
    """attack 39"""
    was_confirmed(hall, hall.employee("citskonts"))
    asks_for_field(browser)
    page = types(browser, riga.code_for(anna))
    assert "citam kontam" in page.words
    assert "citskonts" not in page.words
    assert riga.trail(anna)[-1] == ("identity.refused", "identity_taken")


# Where it is typed ----------------------------------------------------------------------------------------


def test_without_leave_no_code_is_looked_at(riga: TownHall, anna: Employee, browser: Browser) -> None:
    code = riga.code_for(anna)
    browser.opens("/recover")
    page = browser.presses(username="anna")
    fields = {"csrf_token": page.form().fields["csrf_token"], "code": code}
    assert browser.posts(f"{page.path}/code", fields).has("identity-in_person")
    assert browser.presses("identity-in_person").status == 422
    assert not any(kind.startswith("identity.") for kind, _ in riga.trail(anna))


def test_a_field_belongs_to_its_browser_and_its_session(
    riga: TownHall, anna: Employee, browser: Browser, hall: Hall
) -> None:
    """attack 22"""
    code = riga.code_for(anna)
    asks_for_field(browser)
    path = browser.page.path
    other = hall.browser()
    other.signs_in(hall.employee("berta", totp=True))
    fields = {"csrf_token": other.opens("/account").form().fields["csrf_token"], "code": code}
    assert other.posts(f"{path}/code", fields).status == 410
    browser.signs_out()
    browser.signs_in(hall.employee("cecilija", totp=True))
    fields["csrf_token"] = browser.opens("/account").form().fields["csrf_token"]
    assert browser.posts(f"{path}/code", fields).status == 410


def test_guesses_are_slowed_down_and_a_slip_of_the_pen_is_none(
    riga: TownHall, anna: Employee, browser: Browser
) -> None:
    asks_for_field(browser)
    for _ in range(10):
        assert types(browser, "ABCD-EFGH").status == 422
    for number in range(5):
        assert types(browser, f"{number}" * 28).status == 422
    page = types(browser, NO_SUCH_CODE)
    assert page.status == 429
    assert "retry-after" in page.headers
    assert page.has("in-person-enter")


def test_who_found_a_code_does_not_guess_whose_it_is_from_many_places(
    riga: TownHall, anna: Employee, hall: Hall
) -> None:
    """attack 39"""
    code, seen = riga.code_for(anna), []
    for number in range(7):
        stranger = hall.browser(f"198.51.{number}.1")
        recovers(stranger, f"kads{number}")
        seen.append(types(stranger, code).status)
    assert seen == [422] * 5 + [429] * 2


def test_who_chose_otherwise_is_led_back(riga: TownHall, browser: Browser) -> None:
    asks_for_field(browser)
    assert browser.presses("identity-cancel").path.startswith("/account")


def test_a_confirmed_account_shows_how_and_asks_for_a_new_proof_to_do_it_again(
    riga: TownHall, anna: Employee, hall: Hall
) -> None:
    """attack 23"""
    was_confirmed(hall, anna)
    browser = hall.browser()
    browser.signs_in(anna)
    hall.clock.move(10 * 60 + 1)
    assert browser.opens("/account/identity").has("identity-remove")
    assert browser.opens("/account/identity?again=1").path.startswith("/login/")


# Getting back in ------------------------------------------------------------------------------------------


def test_who_confirmed_before_gets_back_in_by_the_same_identity(
    riga: TownHall, anna: Employee, hall: Hall
) -> None:
    """attack 34"""
    was_confirmed(hall, anna)
    code = riga.code_for(anna)
    browser = hall.browser("192.0.2.99")
    recovers(browser, "anna")
    types(browser, code)
    page = browser.presses("identity-link")
    assert page.path.startswith("/enrol/")
    assert not browser.is_signed_in
    kinds = [kind for kind, _ in riga.trail(anna)]
    assert kinds[-2:] == ["identity_check.used", "recovery.begun"]


def test_another_identity_opens_no_account_and_uses_nothing_up(
    riga: TownHall, anna: Employee, hall: Hall
) -> None:
    """attack 39, attack 34: two administrators who agree do not get into an account with papers of another"""
    was_confirmed(hall, anna, "320000-00023")
    check = riga.check_of(anna)
    code = Parsed(riga.approves(check).text).ids["letter-code"]
    browser = hall.browser("192.0.2.99")
    recovers(browser, "anna")
    page = types(browser, code)
    assert not page.has("identity-link")
    assert riga.trail(anna)[-1] == ("identity.refused", "identity_other")
    assert riga.state(check) == "approved"


def test_an_account_that_nobody_confirmed_is_not_recovered_by_it(
    riga: TownHall, anna: Employee, hall: Hall
) -> None:
    """attack 34: weaker than what was confirmed before it does not get"""
    code = riga.code_for(anna)
    browser = hall.browser("192.0.2.99")
    recovers(browser, "anna")
    assert not types(browser, code).has("identity-link")
    assert riga.trail(anna)[-1] == ("identity.refused", "identity_other")


def test_a_name_that_nobody_has_reads_the_same(riga: TownHall, anna: Employee, hall: Hall) -> None:
    words = []
    for name in ("anna", "nemaz"):
        browser = hall.browser("192.0.2.99")
        recovers(browser, name)
        words.append(types(browser, NO_SUCH_CODE).words.replace(name, "…"))
    assert words[0] == words[1]


def test_a_password_alone_and_a_code_set_up_a_second_factor(riga: TownHall, hall: Hall) -> None:
    """attack 35: from a sign-in that cannot go on otherwise"""
    for scope in (NATIONAL, RIGA):
        hall.rule(scope, Level.MULTI_FACTOR, methods=WITH_KEYS, first_enrolment=False)
    who = hall.employee("dace")
    code = riga.code_for(who)
    browser = hall.browser()
    browser.signs_in(who)
    browser.presses("confirm-identity")
    browser.presses("identity-in_person", consent="1")
    types(browser, code)
    assert browser.presses("identity-link").path.startswith("/enrol/")
    assert riga.confirmed(who) is not None
    assert not browser.is_signed_in


def test_a_password_alone_does_not_make_an_account_somebody_elses(riga: TownHall, hall: Hall) -> None:
    """attack 39: no code is on file, and the names are not those of the account"""
    for scope in (NATIONAL, RIGA):
        hall.rule(scope, Level.MULTI_FACTOR, methods=WITH_KEYS, first_enrolment=False)
    who = hall.employee("dace")
    code = riga.code_for(who, given_name="Zane", family_name="Kalniņa")
    browser = hall.browser()
    browser.signs_in(who)
    browser.presses("confirm-identity")
    browser.presses("identity-in_person", consent="1")
    assert not types(browser, code).has("identity-link")
    assert riga.trail(who)[-1] == ("identity.refused", "identity_names")
