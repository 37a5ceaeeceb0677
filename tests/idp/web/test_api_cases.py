"""Cases in the API of administrators: who sees which, what they are told, who closes one."""

import fastjsonschema
import pytest

from idp.models.people import Employment
from idp.web.api_description import describe
from tests.support.actors import ISSUER, Browser, Employee, Hall
from tests.support.administrators import Api, administrator, program, service, token_of
from tests.support.builders import KEKAVA, RIGA
from tests.support.relying_party import RelyingParty
from tests.support.reporting import cases_of, reports, seq_of


@pytest.fixture
def console(hall: Hall) -> RelyingParty:
    return program(hall)


@pytest.fixture
def system(hall: Hall, console: RelyingParty) -> Api:
    return Api(hall, token_of(hall, console, hall.employee("operators", totp=True, roles=["operator"])))


def api_of(hall: Hall, console: RelyingParty, name: str, atvk: str) -> Api:
    return Api(hall, token_of(hall, console, administrator(hall, name, atvk)))


def case_of(hall: Hall, who: Employee, browser: Browser | None = None) -> str:
    """One that this person opens."""
    browser = browser or hall.browser()
    browser.signs_in(who)
    reports(browser, seq_of(hall, who, "sign_in.completed"))
    return next(case.id for case in cases_of(hall, who) if case.finished_at is None)


def conforms(value: object, schema: str) -> None:
    contract = describe(ISSUER)
    fastjsonschema.compile({"$ref": f"#/components/schemas/{schema}", **contract}, use_formats=True)(value)


def test_a_case_is_listed_shown_with_its_story_and_closed(hall: Hall, system: Api, anna: Employee) -> None:
    case_id = case_of(hall, anna)
    (listed,) = system.get("/cases", state="open").json()["cases"]
    assert (listed["id"], listed["user_id"], listed["municipalities"]) == (case_id, anna.user.id, [RIGA])
    shown = system.get(f"/cases/{case_id}").json()
    conforms(shown, "case_with_story")
    assert [line["type"] for line in shown["story"]] == ["sign_in.completed", "case.opened", "session.ended"]
    closed = system.ask("POST", f"/cases/{case_id}/close")
    assert closed.status_code == 200
    conforms(closed.json(), "case")
    assert closed.json()["state"] == "closed"
    assert hall.events(anna)[-1] == "case.closed"
    assert system.ask("POST", f"/cases/{case_id}/close").json()["code"] == "already_closed"
    assert system.get("/cases", state="open").json()["cases"] == []
    assert [each["id"] for each in system.get("/cases", state="closed").json()["cases"]] == [case_id]


def test_the_story_holds_what_belongs_to_the_case_alone(hall: Hall, system: Api, anna: Employee) -> None:
    """What else a person does is not the administrator's business."""
    case_id = case_of(hall, anna)
    hall.clock.move(31)
    hall.browser("198.51.100.9").signs_in(anna)
    assert "198.51.100.9" not in system.get(f"/cases/{case_id}").text


def test_a_municipality_sees_its_own_cases_and_no_others(
    hall: Hall, console: RelyingParty, system: Api, anna: Employee
) -> None:
    """attack 40"""
    hall.rule(KEKAVA)
    riga, kekava = api_of(hall, console, "rigas", RIGA), api_of(hall, console, "kekavas", KEKAVA)
    hers = case_of(hall, anna)
    theirs = case_of(hall, hall.employee("kaspars", municipalities=[KEKAVA]))
    both = case_of(hall, hall.employee("divi", municipalities=[RIGA, KEKAVA]))
    seen = {
        name: {each["id"] for each in api.get("/cases").json()["cases"]}
        for name, api in (("system", system), ("riga", riga), ("kekava", kekava))
    }
    assert seen == {"system": {hers, theirs, both}, "riga": {hers, both}, "kekava": {theirs, both}}
    nothing = kekava.get("/cases/nothing")
    for method, path in (("GET", f"/cases/{hers}"), ("POST", f"/cases/{hers}/close")):
        reply = kekava.ask(method, path)
        assert reply.status_code == 404
        assert reply.json()["detail"] == nothing.json()["detail"]
    assert "case.closed" not in hall.events(anna)
    assert kekava.ask("POST", f"/cases/{theirs}/close").status_code == 200


def test_a_case_stays_with_the_municipality_it_happened_in(
    hall: Hall, console: RelyingParty, anna: Employee
) -> None:
    hall.rule(KEKAVA)
    case_id = case_of(hall, anna)
    with hall.world.database.begin() as work:
        post = Employment(id="new", user_id=anna.user.id, municipality=KEKAVA)
        work.people.add_employment(post)
    kekava = api_of(hall, console, "kekavas", KEKAVA)
    assert kekava.get("/cases").json()["cases"] == []
    assert kekava.get(f"/cases/{case_id}").status_code == 404


def test_a_service_of_one_municipality_sees_no_other(hall: Hall, anna: Employee) -> None:
    case_id = case_of(hall, anna)
    for atvk, status in ((RIGA, 200), (KEKAVA, 404)):
        party = service(hall, own={"resources": [f"{ISSUER}/api/v1"], "service_municipality": atvk})
        token = party.own_token(resource=f"{ISSUER}/api/v1").access_token
        assert Api(hall, token).get(f"/cases/{case_id}").status_code == status


def test_nobody_closes_a_case_about_themself(hall: Hall, console: RelyingParty, system: Api) -> None:
    """attack 41: it may be the thief who asks"""
    who = administrator(hall, "rigas", RIGA)
    case_id = case_of(hall, who)
    hall.clock.move(31)
    own = Api(hall, token_of(hall, console, who))
    assert own.get(f"/cases/{case_id}").status_code == 200
    assert own.ask("POST", f"/cases/{case_id}/close").json()["code"] == "own_case"
    assert system.ask("POST", f"/cases/{case_id}/close").status_code == 200


def test_cases_are_read_page_by_page(hall: Hall, system: Api) -> None:
    made = {case_of(hall, hall.employee(f"darbinieks-{number}")) for number in range(3)}
    first = system.get("/cases", limit="2").json()
    conforms(first, "cases")
    second = system.get("/cases", limit="2", after=first["after"]).json()
    assert second["after"] is None
    assert {each["id"] for page in (first, second) for each in page["cases"]} == made


@pytest.mark.parametrize("query", ["state=finished", "state=open&state=closed", "limit=0", "after=%27"])
def test_a_parameter_that_means_nothing_is_refused(system: Api, query: str) -> None:
    assert system.ask("GET", f"/cases?{query}").json()["code"] == "invalid_request"
