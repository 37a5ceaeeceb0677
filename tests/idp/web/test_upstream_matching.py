"""Whose account a first arrival is: by the municipality's rule, or by an administrator's word; never more than once."""

import json
from collections.abc import Iterator

import fastjsonschema
import pytest

from idp.models.arrivals import Match, personnel_source
from idp.models.people import Identity
from idp.models.person_code import PersonCode
from idp.models.upstreams import UpstreamArrival
from idp.policy import NATIONAL
from idp.web.api_description import describe
from tests.support.actors import EVERY_METHOD, ISSUER, Employee
from tests.support.administrators import AUDIENCE, SCOPE, Api, administrator, program, service, token_of
from tests.support.at_once import at_once
from tests.support.builders import KEKAVA, RIGA
from tests.support.certificates import Authority
from tests.support.upstream.place import METHOD, Place, place_of
from tests.support.upstream.provider import Colleague

CODE, OTHER_CODE = "010180-12345", "020280-12345"


@pytest.fixture
def place(fresh_database: str, authority: Authority) -> Iterator[Place]:
    with place_of(fresh_database, authority) as made:
        yield made


def coded(place: Place, name: str, code: str) -> Employee:
    made = place.hall.employee(name)
    with place.hall.world.database.begin() as work:
        assert work.people.set_person_code(made.user.id, PersonCode.parse(code), at=place.hall.clock())
    return made


def test_a_personal_code_finds_whom_it_names_and_links_for_good(place: Place) -> None:
    place.add(match_by=Match.PERSON_CODE.value, match_claim="personas_kods")
    anna = coded(place, "anna", CODE)
    place.op.who = Colleague("k1", claims={"personas_kods": CODE})
    browser = place.hall.browser()
    place.signs_in(browser)
    assert browser.is_signed_in
    assert place.sessions(anna) == 1
    assert "method.enrolled" in place.hall.events(anna)
    place.op.who = Colleague("k1")  # the claim is for the first time alone
    again = place.hall.browser()
    place.signs_in(again)
    assert place.sessions(anna) == 2


def test_an_employee_number_finds_whom_it_names_in_that_municipality_alone(place: Place) -> None:
    place.add(match_by=Match.EMPLOYEE_NUMBER.value, match_claim="employeeid")
    anna, other = place.hall.employee("anna"), place.hall.employee("other", municipalities=[KEKAVA])
    with place.hall.world.database.begin() as work:
        for who, atvk in ((anna, RIGA), (other, KEKAVA)):
            work.people.add_identity(
                Identity(
                    id=f"i{atvk}",
                    user_id=who.user.id,
                    source=personnel_source(atvk),
                    subject="4711",
                    created_at=place.hall.clock(),
                )
            )
    place.op.who = Colleague("k1", claims={"employeeid": "4711"})
    browser = place.hall.browser()
    place.signs_in(browser)
    assert (place.sessions(anna), place.sessions(other)) == (1, 0)


@pytest.mark.parametrize(
    "claims", [{}, {"personas_kods": OTHER_CODE}, {"personas_kods": "nonsense"}, {"personas_kods": ""}]
)
def test_a_claim_that_is_missing_or_names_nobody_finds_nobody(place: Place, claims: dict[str, str]) -> None:
    place.add(match_by=Match.PERSON_CODE.value, match_claim="personas_kods")
    coded(place, "anna", CODE)
    place.op.who = Colleague("k1", claims=claims)
    browser = place.hall.browser()
    assert place.signs_in(browser).error_code == "upstream_not_linked"
    assert not browser.is_signed_in


@pytest.mark.parametrize("value", [7, ["010180-12345"], {"a": 1}])
def test_a_claim_that_is_no_text_is_refused(place: Place, value: object) -> None:
    place.add(match_by=Match.PERSON_CODE.value, match_claim="personas_kods")
    place.op.who = Colleague("k1", claims={"personas_kods": value})
    place.signs_in(place.hall.browser())
    assert place.reasons() == ["upstream_token"]


def test_a_code_of_somebody_of_another_municipality_opens_nothing(place: Place) -> None:
    """attack 40: whoever runs the upstream may write any code into a token"""
    place.add(match_by=Match.PERSON_CODE.value, match_claim="personas_kods")
    victim = coded(place, "victim", CODE)
    with place.hall.world.database.begin() as work:
        work.connection().exec_driver_sql(f"update employments set municipality = '{KEKAVA}'")
    place.op.who = Colleague("mallory", claims={"personas_kods": CODE})
    place.signs_in(place.hall.browser())
    assert place.reasons() == ["upstream_not_its_person"]
    assert place.sessions(victim) == 0


def test_who_looks_after_others_is_linked_by_an_administrator_alone(place: Place) -> None:
    """attack 40: a code that anybody there may write into a token is not enough for that"""
    place.add(match_by=Match.PERSON_CODE.value, match_claim="personas_kods")
    chief = coded(place, "chief", CODE)
    with place.hall.world.database.begin() as work:
        work.connection().exec_driver_sql("update employments set roles = '[\"administrator\"]'")
    place.op.who = Colleague("mallory", claims={"personas_kods": CODE})
    assert place.signs_in(place.hall.browser()).error_code == "upstream_not_linked"
    assert place.sessions(chief) == 0
    with place.hall.world.database.read() as work:
        assert [each.subject for each in work.upstreams.list_arrivals(RIGA)] == ["oid-mallory"]


@pytest.mark.parametrize("scope", [NATIONAL, RIGA])
def test_where_the_way_is_not_allowed_nobody_is_linked_by_coming(place: Place, scope: str) -> None:
    """The rules may have changed since the person left."""
    place.add(match_by=Match.PERSON_CODE.value, match_claim="code")
    anna = coded(place, "anna", CODE)
    place.op.who = Colleague("k1", claims={"code": CODE})
    browser = place.hall.browser()
    back = place.op.visit(place.leaves(browser))
    place.hall.rule(scope, methods=EVERY_METHOD)
    browser.opens(back)
    assert place.sessions(anna) == 0
    with place.hall.world.database.read() as work:
        assert not [each for each in work.people.credentials_of(anna.user.id) if each.method == METHOD]


def test_who_was_made_anew_there_under_another_id_waits_for_the_administrator(place: Place) -> None:
    """A re-created account must not inherit one that was linked."""
    place.add(match_by=Match.PERSON_CODE.value, match_claim="personas_kods")
    anna = coded(place, "anna", CODE)
    place.op.who = Colleague("k1", claims={"personas_kods": CODE})
    place.signs_in(place.hall.browser())
    place.op.who = Colleague("k1-anew", claims={"personas_kods": CODE})
    page = place.signs_in(place.hall.browser())
    assert page.error_code == "upstream_not_linked"
    assert place.sessions(anna) == 1


def test_of_two_who_claim_to_be_one_at_once_one_is_linked(place: Place) -> None:
    place.add(match_by=Match.PERSON_CODE.value, match_claim="personas_kods")
    anna = coded(place, "anna", CODE)
    backs = []
    for key in ("a", "b", "a", "b"):
        place.op.who = Colleague(key, claims={"personas_kods": CODE})
        browser = place.hall.browser()
        backs.append((browser, place.op.visit(place.leaves(browser))))
    at_once(4, lambda number: backs[number][0].opens(backs[number][1]))
    with place.hall.world.database.read() as work:
        held = [each for each in work.people.credentials_of(anna.user.id) if each.method == METHOD]
    assert len(held) == 1
    assert place.sessions(anna) == 2


# The administrator --------------------------------------------------------------------------------------


def waits(place: Place, key: str = "k1") -> UpstreamArrival:
    place.op.who = Colleague(key)
    place.signs_in(place.hall.browser())
    with place.hall.world.database.read() as work:
        return next(each for each in work.upstreams.list_arrivals(RIGA) if each.subject == f"oid-{key}")


@pytest.fixture
def api(place: Place) -> Api:
    return Api(
        place.hall, token_of(place.hall, program(place.hall), administrator(place.hall, "rigas", RIGA))
    )


def linking(arrival: UpstreamArrival, atvk: str = RIGA) -> str:
    return f"/municipalities/{atvk}/upstream-arrivals/{arrival.id}/link"


def conforms(value: object, schema: str) -> None:
    contract = describe(ISSUER)
    fastjsonschema.compile({"$ref": f"#/components/schemas/{schema}", **contract}, use_formats=True)(value)


def test_the_administrator_sees_who_waits_and_links_them(place: Place, api: Api) -> None:
    place.add()
    arrival, anna = waits(place), place.hall.employee("anna")
    listed = api.get(f"/municipalities/{RIGA}/upstream-arrivals").json()
    conforms(listed, "upstream_arrivals")
    (told,) = listed["upstream_arrivals"]
    assert (told["id"], told["subject"], told["username"]) == (
        arrival.id,
        "oid-k1",
        "anna.berzina@riga.example",
    )
    done = api.ask("POST", linking(arrival), json={"username": "Anna"})
    assert done.status_code == 200
    conforms(done.json(), "upstream_arrival")
    browser = place.hall.browser()
    place.signs_in(browser)
    assert place.sessions(anna) == 1
    assert api.ask("POST", linking(arrival), json={"username": "anna"}).status_code == 404


def test_a_person_is_told_by_mail_that_they_were_linked(place: Place, api: Api) -> None:
    place.add()
    arrival, anna = waits(place), place.hall.employee("anna", email="anna@example.lv", email_verified=True)
    api.ask("POST", linking(arrival), json={"username": "anna"})
    with place.hall.world.database.read() as work:
        (event,) = [each for each in work.audit.activity_of(anna.user.id) if each.type == "method.enrolled"]
    assert event.actor_id != anna.user.id
    assert json.loads(event.detail)["upstream"] == place.row.id


@pytest.mark.parametrize("who", ["operator", "elsewhere", "two posts", "nobody"])
def test_an_administrator_links_nobody_who_acts_for_somebody_else(place: Place, api: Api, who: str) -> None:
    """attack 41: to sign in as them"""
    place.add()
    arrival = waits(place)
    posts = {"operator": [RIGA], "elsewhere": [KEKAVA], "two posts": [RIGA, KEKAVA], "nobody": []}[who]
    roles = {"roles": ["operator"]} if who == "operator" else {}
    victim = place.hall.employee("victim", municipalities=posts, **roles)
    assert api.ask("POST", linking(arrival), json={"username": "victim"}).status_code in {404, 409}
    place.signs_in(place.hall.browser())
    assert place.sessions(victim) == 0


def test_an_administrator_of_another_municipality_sees_nothing(place: Place) -> None:
    place.add()
    arrival = waits(place)
    place.hall.employee("zane", municipalities=[KEKAVA])
    other = Api(
        place.hall, token_of(place.hall, program(place.hall), administrator(place.hall, "kekavas", KEKAVA))
    )
    assert other.get(f"/municipalities/{RIGA}/upstream-arrivals").status_code == 404
    assert other.get(f"/municipalities/{KEKAVA}/upstream-arrivals").json() == {"upstream_arrivals": []}
    for atvk in (RIGA, KEKAVA):
        assert other.ask("POST", linking(arrival, atvk), json={"username": "zane"}).status_code == 404


@pytest.mark.parametrize(
    ("body", "status"),
    [
        *(({}, 400), ([], 400), ({"username": "anna", "x": 1}, 400)),
        *(({"username": ""}, 400), ({"username": 7}, 400), ({"username": "nobody"}, 404)),
    ],
)
def test_what_is_asked_wrongly_is_told(place: Place, api: Api, body: object, status: int) -> None:
    place.add()
    arrival = waits(place)
    assert api.ask("POST", linking(arrival), json=body).status_code == status


def test_a_new_link_replaces_the_one_before(place: Place, api: Api) -> None:
    place.add()
    anna = place.hall.employee("anna")
    place.op.who = Colleague("k1")
    place.link(anna)
    place.signs_in(old := place.hall.browser())
    arrival = waits(place, "k2")
    assert api.ask("POST", linking(arrival), json={"username": "anna"}).status_code == 200
    assert not old.is_signed_in
    place.op.who = Colleague("k1")
    assert place.signs_in(place.hall.browser()).error_code == "upstream_not_linked"


def test_a_link_whose_credential_was_taken_away_opens_nothing_until_it_is_made_again(
    place: Place, api: Api
) -> None:
    place.add()
    anna = place.hall.employee("anna")
    place.link(anna)
    with place.hall.world.database.begin() as work:
        assert work.people.remove_credentials(anna.user.id, METHOD) == 1
    arrival = waits(place)
    assert place.sessions(anna) == 0
    assert api.ask("POST", linking(arrival), json={"username": "anna"}).status_code == 200
    place.signs_in(place.hall.browser())
    assert place.sessions(anna) == 1


def test_a_service_links_nobody(place: Place) -> None:
    place.add()
    arrival = waits(place)
    place.hall.employee("anna")
    party = service(place.hall, own={"service_municipality": RIGA})
    alone = Api(place.hall, party.own_token(scope=SCOPE, resource=AUDIENCE).access_token)
    assert alone.ask("POST", linking(arrival), json={"username": "anna"}).status_code == 403


def test_removing_one_forgets_who_waits_and_who_was_linked(place: Place) -> None:
    place.add()
    waits(place, "k9")
    anna = place.hall.employee("anna")
    place.op.who = Colleague("k1")
    place.link(anna)
    with place.hall.world.database.begin() as work:
        assert work.upstreams.remove(place.row.id)
        assert work.upstreams.list_arrivals() == []
        assert work.upstreams.find_identity(place.row.id, "oid-k1") is None
        assert {each.method for each in work.people.credentials_of(anna.user.id)} <= set(EVERY_METHOD)
        assert not work.upstreams.remove(place.row.id)
