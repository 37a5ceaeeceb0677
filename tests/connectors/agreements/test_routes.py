"""The page and the API of the agreements connector, as people and programs meet them."""

import re
from typing import Any

import pytest
from flask import Flask
from flask.testing import FlaskClient
from werkzeug.middleware.dispatcher import DispatcherMiddleware
from werkzeug.test import Client, TestResponse

from connectors.agreements.service import read_municipalities
from tests.connectors.conftest import Person
from tests.support.demo_provider import StandIn


class Program:
    """An application that calls the API with a token for `municipality`."""

    def __init__(self, app: Flask, issuer: StandIn) -> None:
        self.client: FlaskClient = app.test_client()
        self.issuer = issuer

    def gets(self, path: str, **claims: Any) -> TestResponse:
        token = self.issuer.access_token(**{"municipality": "0028000", **claims})
        return self.client.get(f"/api/v1{path}", headers={"Authorization": f"Bearer {token}"})

    def list(self, path: str = "/municipalities", **claims: Any) -> dict[str, Any]:
        body = self.gets(path, **claims).json
        assert isinstance(body, dict)
        return body


@pytest.fixture
def program(app: Flask, issuer: StandIn) -> Program:
    return Program(app, issuer)


def cells(html: str) -> list[str]:
    return [
        re.sub(r"<[^>]+>", "", cell).strip()
        for cell in re.findall(r"<t[hd][^>]*data-label[^>]*>.*?</t[hd]>", html)
    ]


def test_the_page_shows_where_the_own_municipality_stands(anna: Person) -> None:
    anna.client.get("/start?lang=en", base_url="http://localhost/agreements/")
    anna.signs_in()
    page = anna.opens().text
    assert 'id="municipality-name">Dobeles novads<' in page
    assert "0028000" in page
    assert "Anna Ķirse" in page
    told = dict(zip(cells(page)[::3], cells(page)[1::3], strict=True))
    assert told == {
        "Fines: exchange with CSDD": "By hand",
        "Municipal police event log (ENŽ)": "In use",
        "Preschool queue (PII)": "Moves to the state",
        "Orphans&#39; court register (BARIS)": "Exchange is possible",
    }


def test_the_page_is_of_the_municipality_in_the_token_whatever_is_asked(anna: Person) -> None:
    """attack 40: no parameter names a municipality."""
    anna.signs_in()
    page = anna.opens("/?municipality=0001000&atvk=0001000").text
    assert "Rīgas" not in page
    assert "Dobeles novads" in page


@pytest.mark.parametrize("municipality", [None, "9999999"])
def test_somebody_without_a_known_municipality_is_told_so(
    anna: Person, issuer: StandIn, municipality: str | None
) -> None:
    issuer.person["municipality"] = municipality
    anna.signs_in()
    response = anna.opens()
    assert response.status_code == 403
    assert 'id="error-code">no_municipality<' in response.text
    assert 'id="connector-logout"' in response.text


def test_a_name_is_shown_as_text(anna: Person, issuer: StandIn) -> None:
    """attack 42: stored XSS in a display name."""
    issuer.person["name"] = "<script>alert(1)</script>"
    anna.signs_in()
    page = anna.opens().text
    assert "<script>alert" not in page
    assert "&lt;script&gt;alert" in page


def test_the_page_works_at_its_own_origin_and_under_a_prefix(app: Flask) -> None:
    alone = Client(app).get("/start")
    mounted = Client(DispatcherMiddleware(Flask("none"), {"/connectors/agreements": app}))
    under = mounted.get("/connectors/agreements/start")
    assert 'href="/static/' in alone.text
    assert 'href="/connectors/agreements/static/' in under.text
    assert 'id="login-link" href="/connectors/agreements/"' in under.text


def test_a_program_gets_the_municipality_of_its_token(program: Program) -> None:
    """attack 40"""
    body = program.list()
    assert [row["name"] for row in body["municipalities"]] == ["Dobeles novads"]
    assert body["after"] is None
    assert program.gets("/municipalities/0028000").json == body["municipalities"][0]


def test_an_operators_program_gets_all_in_latvian_order(program: Program) -> None:
    body = program.list(municipality=None, roles=["operator"])
    assert [row["atvk"] for row in body["municipalities"]] == [row.atvk for row in read_municipalities()]


def test_a_program_of_no_municipality_gets_none(program: Program) -> None:
    assert program.list(municipality=None) == {"municipalities": [], "after": None}
    assert program.gets("/municipalities/0028000", municipality=None).status_code == 404


@pytest.mark.parametrize("roles", [["administrator"], ["operator "], []])
def test_another_municipality_is_as_absent_as_an_invented_one(program: Program, roles: list[str]) -> None:
    """attack 40: same status, same words."""
    foreign = program.gets("/municipalities/0001000", roles=roles)
    invented = program.gets("/municipalities/9999999", roles=roles)
    assert foreign.status_code == invented.status_code == 404
    assert without_reference(foreign) == without_reference(invented)
    assert "0001000" not in foreign.text


def test_a_foreign_cursor_is_answered_as_an_invented_one(program: Program) -> None:
    """attack 40"""
    foreign = program.gets("/municipalities?after=0001000")
    invented = program.gets("/municipalities?after=9999999")
    assert foreign.status_code == invented.status_code == 400
    assert without_reference(foreign) == without_reference(invented)


def test_pages_are_bounded_and_lead_on(program: Program) -> None:
    """attack 43"""
    first = program.list("/municipalities?limit=40", municipality=None, roles=["operator"])
    second = program.list(
        f"/municipalities?limit=40&after={first['after']}", municipality=None, roles=["operator"]
    )
    assert (len(first["municipalities"]), len(second["municipalities"])) == (40, 2)
    assert second["after"] is None


@pytest.mark.parametrize("limit", ["0", "51", "-1", "x", "", "1e1", "٣", "9" * 5000])
def test_a_limit_that_is_none_is_refused(program: Program, limit: str) -> None:
    """attack 43"""
    response = program.gets(f"/municipalities?limit={limit}")
    assert (response.status_code, response.content_type) == (400, "application/problem+json")
    assert response.json
    assert response.json["code"] == "invalid_parameter"


@pytest.mark.parametrize("path", ["/municipalities", "/municipalities/0028000"])
def test_the_api_needs_its_scope_and_a_token_made_for_it(program: Program, path: str) -> None:
    assert program.gets(path, scope="openid").status_code == 403
    assert program.gets(path, aud="http://localhost/baris").status_code == 401
    assert program.client.get(f"/api/v1{path}").status_code == 401


def test_a_browser_that_signed_in_is_no_program(anna: Person) -> None:
    """attack 24: a cookie opens no API, so no other site can use it from somebody's browser."""
    anna.signs_in()
    assert anna.opens("/api/v1/municipalities").status_code == 401


def test_nothing_can_be_written(program: Program, issuer: StandIn) -> None:
    headers = {"Authorization": f"Bearer {issuer.access_token()}"}
    for method in ("POST", "PUT", "PATCH", "DELETE"):
        response = program.client.open("/api/v1/municipalities", method=method, headers=headers)
        assert (response.status_code, response.content_type) == (405, "application/problem+json")


def test_answers_are_what_the_contract_says(program: Program) -> None:
    contract = program.client.get("/api/v1/openapi.json").json
    assert contract
    assert contract["openapi"] == "3.1.0"
    assert set(contract["paths"]) == {"/municipalities", "/municipalities/{atvk}"}
    schemas = contract["components"]["schemas"]
    body = program.list(roles=["operator"])
    assert set(body) == set(schemas["page"]["required"])
    for row in body["municipalities"]:
        conforms(row, schemas["municipality"])
    conforms(program.gets("/municipalities/9999999").json, schemas["problem"])


def conforms(value: Any, schema: dict[str, Any]) -> None:
    """As much of JSON Schema as this contract uses."""
    assert set(value) == set(schema["required"]) == set(schema["properties"])
    kinds = {"string": str, "boolean": bool, "integer": int, "null": type(None)}
    for name, told in schema["properties"].items():
        if told.get("type") == "object":
            conforms(value[name], told)
        elif "enum" in told:
            assert value[name] in told["enum"]
        else:
            allowed = told["type"] if isinstance(told["type"], list) else [told["type"]]
            assert isinstance(value[name], tuple(kinds[kind] for kind in allowed))
            assert re.search(told.get("pattern", ""), str(value[name]))


def without_reference(response: TestResponse) -> dict[str, Any]:
    assert response.json
    return {key: value for key, value in response.json.items() if key != "reference"}
