"""Who is which entry, in the API of administrators: links, who waits, and invitations."""

import json
from typing import Any
from urllib.parse import quote

import httpx
import pytest

from idp.languages import catalogue
from idp.people.invitations import INVITATION_SECONDS
from idp.web import api_calls
from tests.idp.web.test_api import assert_refused, conforms
from tests.support.actors import Browser, Employee, Hall
from tests.support.administrators import AUDIENCE, SCOPE, Api, administrator, program, service, token_of
from tests.support.at_once import at_once
from tests.support.builders import KEKAVA, RIGA
from tests.support.directories import PASSWORD, Connected, connect, person
from tests.support.samba import Controller

pytestmark = pytest.mark.allow_hosts(["127.0.0.0/8", "::1", "localhost"])
ONE = f"/municipalities/{RIGA}/directories/{quote('Rīgas domēns')}"
LINKS, INVITATIONS = f"{ONE}/links", f"{ONE}/invitations"
ARRIVALS = f"/municipalities/{RIGA}/arrivals"


def said(english: str) -> str:
    return catalogue("lv").gettext(english)


WRONG = said("Wrong username or password.")
NO_INVITATION = said("The username or the code of the invitation is wrong, or it is no longer valid.")
TAKEN = said("This account of the network is linked already. Ask your administrator.")


@pytest.fixture
def ours(hall: Hall) -> Api:
    return Api(hall, token_of(hall, program(hall), administrator(hall, "rigas", RIGA)))


@pytest.fixture
def riga(hall: Hall, riga_domain: Controller) -> Connected:
    return connect(hall, riga_domain, arrival="invitation")


def arrives(riga: Connected, name: str) -> Browser:
    browser = riga.hall.browser()
    browser.opens("/")
    browser.presses(username=riga.controller.upn(name), password=PASSWORD)
    return browser


def waits(riga: Connected, api: Api, name: str) -> dict[str, Any]:
    """Somebody new in the directory, who came and waits."""
    riga.controller.change(person(name, given_name=name.title()))
    arrives(riga, name)
    return next(each for each in api.get(ARRIVALS).json()["arrivals"] if each["account_name"] == name)


# Who waits ------------------------------------------------------------------------------------------------


def test_who_waits_is_linked_to_whom_the_administrator_says(hall: Hall, ours: Api, riga: Connected):
    anna = hall.employee("anna.ours")
    waiting = waits(riga, ours, "gaida1")
    conforms({"arrivals": [waiting]}, "arrivals")
    assert (waiting["name"], waiting["directory"]) == ("Gaida1", "Rīgas domēns")
    reply = ours.ask("POST", f"{ARRIVALS}/{waiting['id']}/link", json={"username": "Anna.Ours"})
    assert reply.status_code == 201
    conforms(reply.json(), "directory_link")
    linked = reply.json()
    assert (linked["user_id"], linked["entry"]) == (anna.user.id, waiting["entry"])
    listed = ours.get(LINKS).json()
    conforms(listed, "directory_links")
    assert listed == {"links": [linked], "after": None}
    assert ours.get(ARRIVALS).json() == {"arrivals": []}
    assert hall.events(anna)[-1] == "method.enrolled"
    assert arrives(riga, "gaida1").is_signed_in


def test_who_is_dismissed_waits_no_longer_until_they_come_again(ours: Api, riga: Connected):
    waiting = waits(riga, ours, "gaida2")
    assert ours.ask("DELETE", f"{ARRIVALS}/{waiting['id']}").status_code == 204
    assert ours.get(ARRIVALS).json() == {"arrivals": []}
    assert_refused(ours.ask("DELETE", f"{ARRIVALS}/{waiting['id']}"), 404, "not_found")
    arrives(riga, "gaida2")
    assert len(ours.get(ARRIVALS).json()["arrivals"]) == 1


def test_a_renaming_between_the_proof_and_the_link_changes_nothing(hall: Hall, ours: Api, riga: Connected):
    """attack 39: the entry that was proved is linked, not who has its name by now."""
    hall.employee("anna.ours")
    waiting = waits(riga, ours, "gaida3")
    suffix = riga.controller.suffix
    riga.controller.change(
        {"do": "rename", "name": "gaida3", "to": "cits3", "upn": f"cits3@{suffix}"},
        person("gaida3x"),
        {"do": "rename", "name": "gaida3x", "to": "gaida3", "upn": f"gaida3@{suffix}"},
    )
    ours.ask("POST", f"{ARRIVALS}/{waiting['id']}/link", json={"username": "anna.ours"})
    assert not arrives(riga, "gaida3").is_signed_in
    assert arrives(riga, "cits3").is_signed_in


def test_an_administrator_sees_and_links_nobody_elses(hall: Hall, ours: Api, riga: Connected):
    """attack 40"""
    waiting = waits(riga, ours, "gaida4")
    kekava = Api(hall, token_of(hall, program(hall), administrator(hall, "kekavas", KEKAVA)))
    hall.employee("tur", municipalities=[KEKAVA])
    hall.employee("seit")
    assert_refused(kekava.get(ARRIVALS), 404, "not_found")
    for at in (ARRIVALS, f"/municipalities/{KEKAVA}/arrivals"):
        path = f"{at}/{waiting['id']}"
        assert_refused(kekava.ask("POST", f"{path}/link", json={"username": "tur"}), 404, "not_found")
        assert_refused(kekava.ask("DELETE", path), 404, "not_found")
    assert kekava.get(f"/municipalities/{KEKAVA}/arrivals").json() == {"arrivals": []}
    for name in ("tur", "nobody", "", None):
        reply = ours.ask("POST", f"{ARRIVALS}/{waiting['id']}/link", json={"username": name})
        assert reply.status_code in {400, 404}
    assert ours.get(LINKS).json()["links"] == []


@pytest.mark.parametrize(
    ("columns", "code"),
    [
        ({"municipalities": (RIGA, KEKAVA)}, "operator_only"),
        ({"roles": ["operator"]}, "operator_only"),
    ],
)
def test_whose_account_opens_more_is_an_operators_to_link(
    hall: Hall, ours: Api, riga: Connected, columns: dict[str, Any], code: str
):
    """attack 41: an entry that an administrator has the password of must open no operator's account."""
    riga.hall.employee("vairak", **columns)
    for path, body in (
        (LINKS, {"username": "vairak", "entry": "juris"}),
        (INVITATIONS, {"username": "vairak"}),
    ):
        assert_refused(ours.ask("POST", path, json=body), 403, code)
    assert ours.get(LINKS).json()["links"] == []


def test_nobody_links_their_own_account(ours: Api, riga: Connected):
    for path, body in (
        (LINKS, {"username": "rigas", "entry": "juris"}),
        (INVITATIONS, {"username": "rigas"}),
    ):
        assert_refused(ours.ask("POST", path, json=body), 403, "own_account")


# Links ----------------------------------------------------------------------------------------------------


def test_a_link_by_name_is_kept_by_id_and_ended_with_its_sessions(hall: Hall, ours: Api, riga: Connected):
    anna = hall.employee("anna.ours")
    reply = ours.ask("POST", LINKS, json={"username": "anna.ours", "entry": "anna"})
    assert reply.json()["entry"] == riga.controller.change()["anna"]["guid"]
    window = arrives(riga, "anna")
    assert window.is_signed_in
    path = f"{LINKS}/{reply.json()['id']}"
    assert ours.ask("DELETE", path).status_code == 204
    assert not window.is_signed_in
    assert hall.events(anna)[-2:] == ["session.ended", "method.removed"]
    assert_refused(ours.ask("DELETE", path), 404, "not_found")
    hall.clock.move(1)
    assert not arrives(riga, "anna").is_signed_in


def test_another_entry_takes_the_place_of_the_first_only_where_it_is_said(
    hall: Hall, ours: Api, riga: Connected
):
    """attack 39: somebody deleted in the directory and made anew."""
    riga.controller.change(person("mija"))
    riga.employs("mija")
    old = ours.get(LINKS).json()["links"][0]
    riga.controller.change({"do": "delete", "name": "mija"}, person("mija"))
    body = {"username": "mija.ours", "entry": "mija"}
    assert_refused(ours.ask("POST", LINKS, json=body), 409, "already_linked")
    reply = ours.ask("POST", LINKS, json=body | {"replace": True})
    assert reply.status_code == 201
    assert reply.json()["entry"] == riga.controller.change()["mija"]["guid"] != old["entry"]
    assert ours.get(LINKS).json()["links"] == [reply.json()]
    again = ours.ask("POST", LINKS, json=body | {"replace": True})
    assert_refused(again, 409, "already_linked")


def test_what_cannot_be_linked_is_refused(hall: Hall, ours: Api, riga: Connected):
    anna = riga.employs("anna")
    hall.employee("cita")
    blocked = hall.employee("slegta")
    hall.block(blocked)
    for body, status, code in (
        ({"username": "cita", "entry": "anna"}, 409, "entry_taken"),
        ({"username": "cita", "entry": "nobody"}, 409, "no_such_entry"),
        ({"username": "cita", "entry": "*"}, 409, "no_such_entry"),
        ({"username": "slegta", "entry": "juris"}, 409, "blocked_user"),
        ({"username": "cita"}, 400, "invalid_request"),
        ({"username": "cita", "entry": "juris", "replace": 1}, 400, "invalid_request"),
        ({"username": "cita", "entry": "juris", "by": "x"}, 400, "invalid_request"),
    ):
        assert_refused(ours.ask("POST", LINKS, json=body), status, code)
    riga.put(controllers=["127.0.0.1:1"])
    down = ours.ask("POST", LINKS, json={"username": "cita", "entry": "juris"})
    assert_refused(down, 503, "directory_unavailable")
    assert [each["user_id"] for each in ours.get(LINKS).json()["links"]] == [anna.user.id]


def test_one_waiting_is_linked_once_however_many_say_so(hall: Hall, ours: Api, riga: Connected):
    """attack 39"""
    waiting = waits(riga, ours, "gaida5")
    for number in range(8):
        hall.employee(f"sacensis{number}")
    path = f"{ARRIVALS}/{waiting['id']}/link"
    replies = at_once(8, lambda n: ours.ask("POST", path, json={"username": f"sacensis{n}"}))
    assert sum(reply.status_code == 201 for reply in replies) == 1
    assert {reply.status_code for reply in replies} <= {201, 404, 409}
    assert len(ours.get(LINKS).json()["links"]) == 1


# Invitations ----------------------------------------------------------------------------------------------


def invited(api: Api, username: str) -> dict[str, Any]:
    reply = api.ask("POST", INVITATIONS, json={"username": username})
    assert reply.status_code == 201, reply.text
    told: dict[str, Any] = reply.json()
    return told


def accepts(riga: Connected, name: str, *, browser: Browser | None = None, **fields: str) -> Browser:
    browser = browser or riga.hall.browser()
    browser.opens("/invited")
    asked = {
        "network_name": riga.controller.upn(name),
        "password": PASSWORD,
        "username": "anna.ours",
        **fields,
    }
    browser.presses(**asked)
    return browser


def test_an_invitation_links_the_entry_that_is_proved_with_it(hall: Hall, ours: Api, riga: Connected):
    anna = hall.employee("anna.ours")
    told = invited(ours, "anna.ours")
    conforms(told, "invitation_with_code")
    assert told["address"].endswith(f"/invited#{told['code'].replace('-', '')}")
    window = accepts(riga, "anna", code=told["code"].lower())
    assert window.page.path == "/invited/done"
    assert not window.is_signed_in
    (link,) = ours.get(LINKS).json()["links"]
    assert (link["user_id"], link["linked_by"]) == (anna.user.id, "invitation")
    assert hall.events(anna)[-3:] == ["invitation.made", "method.enrolled", "invitation.used"]
    assert arrives(riga, "anna").is_signed_in
    listed = ours.get(INVITATIONS)
    conforms(listed.json(), "invitations")
    assert [each["state"] for each in listed.json()["invitations"]] == ["used"]
    assert told["code"].replace("-", "") not in listed.text.replace("-", "")


def test_it_works_once_and_for_whom_it_was_made(hall: Hall, ours: Api, riga: Connected):
    """attack 33, attack 40"""
    hall.employee("anna.ours")
    hall.employee("cita")
    code = invited(ours, "anna.ours")["code"]
    assert NO_INVITATION in accepts(riga, "anna", code=code, username="cita").page.content.text
    assert NO_INVITATION in accepts(riga, "anna", code="0" * 28).page.content.text
    assert NO_INVITATION in accepts(riga, "anna", code="x").page.content.text
    assert WRONG in accepts(riga, "anna", code=code, password="wrong").page.content.text
    assert accepts(riga, "anna", code=code).page.path == "/invited/done"
    assert NO_INVITATION in accepts(riga, "juris", code=code).page.content.text
    assert len(ours.get(LINKS).json()["links"]) == 1


def test_an_entry_that_is_somebodys_is_nobody_elses(hall: Hall, ours: Api, riga: Connected):
    """attack 39: and whoever is told so knows its password."""
    riga.employs("juris")
    hall.employee("anna.ours")
    code = invited(ours, "anna.ours")["code"]
    assert WRONG in accepts(riga, "juris", code=code, password="wrong").page.content.text
    assert TAKEN in accepts(riga, "juris", code=code).page.content.text
    assert len(ours.get(LINKS).json()["links"]) == 1


def test_a_name_of_no_directory_is_told_by_its_field(hall: Hall, ours: Api, riga: Connected):
    hall.employee("anna.ours")
    code = invited(ours, "anna.ours")["code"]
    for name in ("anna", "anna@gmail.com", "", "\x00@ad.riga.test"):
        page = accepts(riga, "anna", code=code, network_name=name).page
        assert page.status in {400, 422}
    assert ours.get(LINKS).json()["links"] == []


@pytest.mark.parametrize(
    "what", ["expired", "revoked", "made anew", "rule", "blocked", "left", "off", "maker"]
)
def test_what_it_depends_on_is_looked_at_when_it_is_used(hall: Hall, ours: Api, riga: Connected, what: str):
    """attack 25, attack 30"""
    anna = hall.employee("anna.ours")
    told = invited(ours, "anna.ours")
    match what:
        case "expired":
            hall.clock.move(INVITATION_SECONDS)
        case "revoked":
            assert ours.ask("DELETE", f"{INVITATIONS}/{told['id']}").status_code == 204
            assert_refused(ours.ask("DELETE", f"{INVITATIONS}/{told['id']}"), 404, "not_found")
        case "made anew":
            invited(ours, "anna.ours")
        case "rule":
            riga.put(arrival="nothing")
        case "blocked":
            hall.block(anna)
        case "left":
            _write(hall, "UPDATE employments SET ends_at = 1 WHERE user_id = ?", anna.user.id)
        case "off":
            riga.put(enabled=False)
        case "maker":
            _write(hall, "UPDATE users SET status = 'blocked' WHERE username = ?", "rigas")
    assert NO_INVITATION in accepts(riga, "anna", code=told["code"]).page.content.text
    with hall.world.database.read() as work:
        assert work.directories.list_links(riga.directory.id) == []


def _write(hall: Hall, statement: str, value: str) -> None:
    with hall.world.database.begin() as work:
        work.connection().exec_driver_sql(statement, (value,))


def test_none_is_made_where_the_rule_is_another(hall: Hall, ours: Api, riga: Connected):
    hall.employee("anna.ours")
    riga.put(arrival="nothing")
    reply = ours.ask("POST", INVITATIONS, json={"username": "anna.ours"})
    assert_refused(reply, 409, "not_by_invitation")


def test_whoever_found_one_guesses_at_few_names(hall: Hall, ours: Api, riga: Connected):
    """attack 29"""
    hall.employee("anna.ours")
    code = invited(ours, "anna.ours")["code"]
    for number in range(5):
        accepts(riga, "anna", code=code, username=f"name{number}")
    page = accepts(riga, "anna", code=code).page
    assert page.status == 429
    hall.clock.move(60)
    assert accepts(riga, "anna", code=code).page.path == "/invited/done"


def test_a_race_for_one_invitation_links_one_entry(hall: Hall, ours: Api, riga: Connected):
    """attack 33"""
    hall.employee("anna.ours")
    code = invited(ours, "anna.ours")["code"]
    names = [f"sac{number}" for number in range(4)]
    riga.controller.change(*(person(name) for name in names))
    windows = at_once(4, lambda n: accepts(riga, names[n], code=code))
    assert sum(window.page.path == "/invited/done" for window in windows) == 1
    assert len(ours.get(LINKS).json()["links"]) == 1


def test_the_page_of_an_invitation_signs_nobody_in_and_needs_its_token(hall: Hall, riga: Connected):
    """attack 24"""
    with httpx.Client(transport=httpx.WSGITransport(app=hall.app), base_url=hall.issuer) as http:
        reply = http.post("/invited", data={"code": "x", "username": "x"})
    assert reply.status_code in {400, 403}


# Who may --------------------------------------------------------------------------------------------------


def test_links_are_made_by_people_who_signed_in_just_now(
    hall: Hall, ours: Api, riga: Connected, monkeypatch: pytest.MonkeyPatch
):
    anna = riga.employs("anna")
    waiting = waits(riga, ours, "gaida6")
    (link,) = ours.get(LINKS).json()["links"]
    asked: list[tuple[str, str, dict[str, Any]]] = [
        ("POST", LINKS, {"username": "anna.ours", "entry": "juris"}),
        ("DELETE", f"{LINKS}/{link['id']}", {}),
        ("POST", f"{ARRIVALS}/{waiting['id']}/link", {"username": "anna.ours"}),
        ("DELETE", f"{ARRIVALS}/{waiting['id']}", {}),
        ("POST", INVITATIONS, {"username": "anna.ours"}),
        ("DELETE", f"{INVITATIONS}/x", {}),
    ]
    program_alone = Api(
        hall,
        service(hall, own={"service_municipality": RIGA})
        .own_token(scope=SCOPE, resource=AUDIENCE)
        .access_token,
    )
    for method, path, body in asked:
        assert_refused(program_alone.ask(method, path, json=body), 403, "access_denied")
    monkeypatch.setattr(api_calls, "FRESH_SECONDS", 60)
    hall.clock.move(61)
    for method, path, body in asked:
        assert_refused(ours.ask(method, path, json=body), 401, "insufficient_user_authentication")
    assert [each["user_id"] for each in ours.get(LINKS).json()["links"]] == [anna.user.id]


def test_links_come_in_pages(hall: Hall, ours: Api, riga: Connected):
    for name in ("anna", "juris", "disabled"):
        riga.employs(name)
    first = ours.get(LINKS, limit="2").json()
    rest = ours.get(LINKS, limit="2", after=first["after"]).json()
    assert (len(first["links"]), len(rest["links"]), rest["after"]) == (2, 1, None)


def test_the_trail_says_who_linked_whom(hall: Hall, ours: Api, riga: Connected):
    anna: Employee = hall.employee("anna.ours")
    ours.ask("POST", LINKS, json={"username": "anna.ours", "entry": "anna"})
    with hall.world.database.read() as work:
        event = work.audit.activity_of(anna.user.id)[0]
        admin = work.people.find_user_by_username("rigas")
    assert admin is not None
    assert (event.type, event.actor_id) == ("method.enrolled", admin.id)
    assert json.loads(event.detail)["entry"] == riga.controller.change()["anna"]["guid"]
