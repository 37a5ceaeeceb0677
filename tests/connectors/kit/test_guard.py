"""What a program is told that comes without the right token."""

import re
from collections.abc import Iterator
from http import HTTPStatus

import pytest
from flask import Blueprint, Flask
from flask.testing import FlaskClient
from werkzeug.test import TestResponse

from connectors.kit.effects import Effects
from connectors.kit.guard import guard, require
from connectors.kit.levels import Level
from connectors.kit.problem import answer_problems
from connectors.kit.provider import Provider
from connectors.kit.tokens import Caller, TokenVerifier
from tests.connectors.conftest import Clock
from tests.support.demo_provider import StandIn


@pytest.fixture
def client(provider: Provider, effects: Effects) -> Iterator[FlaskClient]:
    app = Flask(__name__)
    verifier = TokenVerifier(provider=provider, audience="http://localhost/agreements", effects=effects)
    guard(app, verifier, effects=effects)
    routes = Blueprint("api", __name__)
    answer_problems(routes)

    @routes.get("/plain/<name>")
    @require(scope="agreements.read")
    def plain(caller: Caller, name: str) -> dict[str, str]:
        return {"caller": caller.subject, "name": name}

    @routes.get("/sure")
    @require(scope="agreements.read", level=Level.MULTI_FACTOR)
    def sure(caller: Caller) -> dict[str, str]:
        return {"caller": caller.subject}

    @routes.get("/fresh")
    @require(scope="agreements.read", level=Level.ONE_FACTOR, max_age=300)
    def fresh(caller: Caller) -> dict[str, str]:
        return {"caller": caller.subject}

    @routes.get("/broken")
    def broken() -> dict[str, str]:
        raise RuntimeError("the password is hunter2")

    app.register_blueprint(routes)
    with app.test_client() as opened:
        yield opened


def call(client: FlaskClient, path: str, token: str) -> TestResponse:
    return client.get(path, headers={"Authorization": f"Bearer {token}"})


def challenge(response: TestResponse) -> dict[str, str]:
    header = response.headers["WWW-Authenticate"]
    assert header.startswith('Bearer realm="visvaris"')
    return dict(re.findall(r'(\w+)="([^"]*)"', header))


def test_a_caller_with_the_right_token_is_let_in(client: FlaskClient, issuer: StandIn) -> None:
    response = call(client, "/plain/x", issuer.access_token())
    assert response.json == {"caller": "person-1", "name": "x"}


def test_the_scheme_may_be_written_in_any_case(client: FlaskClient, issuer: StandIn) -> None:
    response = client.get("/plain/x", headers={"Authorization": f"bEARER {issuer.access_token()}"})
    assert response.status_code == HTTPStatus.OK


@pytest.mark.parametrize("header", [None, "", "Basic YTpi", "Digest abc"])
def test_without_a_token_one_learns_that_it_is_needed_and_no_more(
    client: FlaskClient, header: str | None
) -> None:
    response = client.get("/plain/x", headers={"Authorization": header} if header is not None else {})
    assert response.status_code == HTTPStatus.UNAUTHORIZED
    assert challenge(response) == {"realm": "visvaris"}


def test_a_token_in_the_address_or_a_form_does_not_count(client: FlaskClient, issuer: StandIn) -> None:
    """attack 44: what stands in a URL is logged."""
    response = client.get("/plain/x", query_string={"access_token": issuer.access_token()})
    assert challenge(response) == {"realm": "visvaris"}


@pytest.mark.parametrize("header", ["Bearer", "Bearer ", "Bearer a b"])
def test_a_header_that_is_not_one_token_is_a_bad_request(client: FlaskClient, header: str) -> None:
    response = client.get("/plain/x", headers={"Authorization": header})
    assert response.status_code == HTTPStatus.BAD_REQUEST
    assert challenge(response)["error"] == "invalid_request"


def test_a_bad_token_is_refused_with_a_problem(client: FlaskClient, issuer: StandIn) -> None:
    response = call(client, "/plain/x", issuer.access_token(aud="elsewhere"))
    assert response.status_code == HTTPStatus.UNAUTHORIZED
    assert response.content_type == "application/problem+json"
    assert challenge(response)["error"] == "invalid_token"
    assert response.json is not None
    assert response.json["reference"]
    assert {key: response.json[key] for key in ("type", "title", "status", "code", "detail")} == {
        "type": "about:blank",
        "title": "Unauthorized",
        "status": 401,
        "code": "invalid_token",
        "detail": "The access token is not valid here.",
    }


def test_an_expired_token_is_told_apart_so_that_the_client_refreshes(
    client: FlaskClient, issuer: StandIn, clock: Clock
) -> None:
    token = issuer.access_token()
    clock.at += 400
    assert challenge(call(client, "/plain/x", token))["error_description"] == "The access token has expired."


@pytest.mark.parametrize("scope", [None, "", "agreements", "agreements.read.all", "openid agreements.write"])
def test_a_token_without_the_scope_is_refused(
    client: FlaskClient, issuer: StandIn, scope: str | None
) -> None:
    response = call(client, "/plain/x", issuer.access_token(scope=scope))
    assert response.status_code == HTTPStatus.FORBIDDEN
    assert challenge(response) | {"error_description": ""} == {
        "realm": "visvaris",
        "error": "insufficient_scope",
        "error_description": "",
        "scope": "agreements.read",
    }


@pytest.mark.parametrize("acr", [None, "urn:visvaris:acr:1fa", "mfa", "urn:visvaris:acr:MFA"])
def test_too_weak_a_sign_in_is_told_what_would_do(
    client: FlaskClient, issuer: StandIn, acr: str | None
) -> None:
    response = call(client, "/sure", issuer.access_token(acr=acr))
    assert response.status_code == HTTPStatus.UNAUTHORIZED
    told = challenge(response)
    assert told["error"] == "insufficient_user_authentication"
    assert told["acr_values"] == "urn:visvaris:acr:mfa"
    assert "max_age" not in told


@pytest.mark.parametrize("acr", ["urn:visvaris:acr:mfa", "phr"])
def test_a_level_is_met_by_itself_and_by_higher_ones(client: FlaskClient, issuer: StandIn, acr: str) -> None:
    assert call(client, "/sure", issuer.access_token(acr=acr)).status_code == HTTPStatus.OK


def test_too_old_a_sign_in_is_told_how_recent_it_must_be(
    client: FlaskClient, issuer: StandIn, clock: Clock
) -> None:
    def token(signed_in_at: float | None) -> str:
        return issuer.access_token(acr="phr", auth_time=signed_in_at)

    assert call(client, "/fresh", token(clock.at - 299)).status_code == HTTPStatus.OK
    for auth_time in (clock.at - 301, None):
        told = challenge(call(client, "/fresh", token(auth_time)))
        assert (told["error"], told["max_age"]) == ("insufficient_user_authentication", "300")


def test_when_the_keys_cannot_be_read_nobody_is_let_in_and_told_when_to_come_back(
    client: FlaskClient, issuer: StandIn
) -> None:
    issuer.answers["/jwks"] = (500, "")
    response = call(client, "/plain/x", issuer.access_token())
    assert response.status_code == HTTPStatus.SERVICE_UNAVAILABLE
    assert response.headers["Retry-After"] == "30"


def test_a_fault_is_a_problem_that_says_nothing_of_itself(client: FlaskClient) -> None:
    """attack 44: an error page never shows what was inside."""
    response = client.get("/broken")
    assert response.status_code == HTTPStatus.INTERNAL_SERVER_ERROR
    assert response.content_type == "application/problem+json"
    assert "hunter2" not in response.text
