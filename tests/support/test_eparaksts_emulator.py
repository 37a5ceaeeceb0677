"""The emulator keeps to the documentation of the service: who is known, what is refused, and that a code is good once."""

import base64
import hashlib
from collections.abc import Iterator
from typing import Any
from urllib.parse import parse_qs, urlencode

import httpx
import pytest

from tests.support.at_once import at_once
from tests.support.builders import Clock
from tests.support.eparaksts.people import ANDRIS, ANNA, PRELOADED
from tests.support.eparaksts.running import Emulator, Visitor, running_emulator
from tests.support.eparaksts.service import SCOPE, SECONDS_OF_A_CODE, SECONDS_OF_A_TOKEN

CALLBACK = "https://www.demoapp.lv/oauth/back"
OTHER = "https://www.demoapp.lv/oauth/other"
BASIC = "Basic cG9ydCVDNCU4MWxzOmRybyVDNSVBMSVDNCVBQmJh"
"""As printed in the documentation."""
SERVER = "/trustedx-authserver/oauth/lvrtc-eips-as"
USER = "/trustedx-resources/openid/v1/users/me"
VERIFIER = "v" * 43
CHALLENGE = base64.urlsafe_b64encode(hashlib.sha256(VERIFIER.encode()).digest()).decode().rstrip("=")


class Application:
    """What an application does, in the order it does it."""

    def __init__(self, emulator: Emulator, http: httpx.Client) -> None:
        self.emulator = emulator
        self.http = http
        self.visitor = Visitor(http)

    def address(self, **changes: str | None) -> str:
        asked: dict[str, str | None] = {
            "response_type": "code",
            "client_id": "portāls",
            "redirect_uri": CALLBACK,
            "scope": SCOPE,
            "state": "s-1",
            "prompt": "login",
            "acr_values": "urn:eparaksts:authentication:flow:sc_plugin",
            "ui_locales": "lv",
            "code_challenge": CHALLENGE,
        }
        kept = {name: value for name, value in {**asked, **changes}.items() if value is not None}
        return f"{self.emulator.origin}{SERVER}?{urlencode(kept)}"

    def code(self, **changes: str | None) -> str:
        return parse_qs(self.visitor.proves(ANDRIS, self.address(**changes)))["code"][0]

    def token(self, code: str, /, *, basic: str | None = BASIC, **changes: str) -> httpx.Response:
        form = {"grant_type": "authorization_code", "code": code, "redirect_uri": CALLBACK} | changes
        headers = {"Authorization": basic} if basic else {}
        return self.http.post(f"{self.emulator.origin}{SERVER}/token", data=form, headers=headers)

    def user(self, token: str) -> httpx.Response:
        return self.http.get(self.emulator.origin + USER, headers={"Authorization": f"Bearer {token}"})


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
def application(clock: Clock) -> Iterator[Application]:
    with (
        running_emulator(clock, redirect_uris=[CALLBACK, OTHER]) as emulator,
        httpx.Client(timeout=20) as http,
    ):
        yield Application(emulator, http)


def test_the_answers_have_the_documented_shapes(application: Application):
    answer = application.token(application.code())
    assert answer.headers["Content-Type"] == "application/json;charset=utf-8"
    token = answer.json()
    assert token | {"access_token": ""} == {
        "access_token": "",
        "token_type": "Bearer",
        "expires_in": SECONDS_OF_A_TOKEN,
        "scope": SCOPE,
    }
    claims = application.user(token["access_token"]).json()
    assert claims | {"sub": ""} == {
        "sub": "",
        "domain": "citizen",
        "acr": "urn:safelayer:tws:policies:authentication:level:high",
        "amr": ["urn:eparaksts:tws:policies:authentication:adaptive:methods:sc_plugin"],
        "given_name": "ANDRIS",
        "family_name": "PARAUDZIŠ",
        "name": "ANDRIS PARAUDZIŠ",
        "serial_number": "PNOLV-010180-15097",
        "eips": "",
    }


@pytest.mark.parametrize(
    ("flow", "method"),
    [
        ("mobileid", "mobileid"),
        ("mobileid:cross-device", "mobileid"),
        ("mobile-eid", "mobileid"),
        ("sc_plugin", "sc_plugin"),
    ],
)
def test_it_can_answer_as_the_service_was_seen_to(application: Application, flow: str, method: str):
    application.emulator.service.says_level = False
    asked = f"urn:eparaksts:authentication:flow:{flow}"
    token = application.token(application.code(acr_values=asked)).json()["access_token"]
    claims = application.user(token).json()
    assert claims["acr"] == asked
    assert claims["amr"] == [f"urn:safelayer:tws:policies:authentication:adaptive:methods:{method}"]


def test_everybody_can_be_picked_or_nobody(application: Application):
    page = application.visitor.opens(application.address())
    for person in PRELOADED:
        assert f'id="person-{person.serial_number}"' in page.text
    assert parse_qs(application.visitor.declines(application.address())) == {
        "error": ["access_denied"],
        "state": ["s-1"],
    }


@pytest.mark.parametrize(
    ("changes", "error"),
    [
        ({"response_type": "token"}, "unsupported_response_type"),
        ({"scope": "openid"}, "invalid_scope"),
        ({"acr_values": None}, "invalid_request"),
        ({"acr_values": "urn:eparaksts:authentication:flow:sms"}, "invalid_request"),
        ({"ui_locales": "de"}, "invalid_request"),
    ],
)
def test_a_request_that_is_not_in_order_goes_back_with_an_error(
    application: Application, changes: dict[str, str | None], error: str
):
    sent = application.visitor.opens(application.address(**changes))
    assert parse_qs(httpx.URL(sent.headers["Location"]).query.decode()) == {
        "error": [error],
        "state": ["s-1"],
    }


@pytest.mark.parametrize(
    "changes", [{"client_id": "cits"}, {"redirect_uri": "https://evil.example/"}, {"redirect_uri": None}]
)
def test_nobody_is_sent_to_an_address_that_is_not_registered(
    application: Application, changes: dict[str, Any]
):
    assert application.visitor.opens(application.address(**changes)).status_code == 400


def test_whoever_proved_it_before_is_not_asked_again_unless_told(application: Application):
    first = application.visitor.proves(ANDRIS, application.address())
    silent = application.visitor.proves(ANNA, application.address(prompt=None))
    asked = application.visitor.proves(ANNA, application.address())
    names = []
    for query in (first, silent, asked):
        token = application.token(parse_qs(query)["code"][0]).json()["access_token"]
        names.append(application.user(token).json()["given_name"])
    assert names == ["ANDRIS", "ANDRIS", "ANNA"]


def test_a_code_is_good_once_even_for_two_at_the_same_moment(application: Application):
    code = application.code()
    answers = at_once(8, lambda _: application.token(code).status_code)
    assert sorted(answers) == [200] + [400] * 7
    assert application.token(code).json() == {"error": "invalid_grant"}


@pytest.mark.parametrize(
    "basic",
    [
        None,
        "Bearer x",
        "Basic !",
        "Basic " + base64.b64encode(b"port%C4%81ls:cits").decode(),
        "Basic " + base64.b64encode(b"cits:dro%C5%A1%C4%ABba").decode(),
        "Basic " + base64.b64encode(b"cits").decode(),
    ],
)
def test_another_client_is_refused_and_uses_nobodys_code_up(application: Application, basic: str | None):
    code = application.code()
    refused = application.token(code, basic=basic)
    assert (refused.status_code, refused.json()) == (401, {"error": "invalid_client"})
    assert application.token(code).status_code == 200


@pytest.mark.parametrize(
    ("changes", "error"),
    [
        ({"redirect_uri": OTHER}, "invalid_grant"),
        ({"code": "0" * 32}, "invalid_grant"),
        ({"grant_type": "password"}, "unsupported_grant_type"),
    ],
)
def test_an_exchange_that_is_not_in_order_is_refused(
    application: Application, changes: dict[str, str], error: str
):
    refused = application.token(application.code(), **changes)
    assert (refused.status_code, refused.json()) == (400, {"error": error})


def test_codes_and_tokens_grow_old(application: Application, clock: Clock):
    code, other = application.code(), application.code()
    token = application.token(code).json()["access_token"]
    clock.move(SECONDS_OF_A_CODE + 1)
    assert application.token(other).json() == {"error": "invalid_grant"}
    assert application.user(token).status_code == 200
    clock.move(SECONDS_OF_A_TOKEN)
    assert application.user(token).status_code == 401
    assert application.user("0").json() == {"error": "invalid_token"}


def test_pkce_counts_when_it_is_switched_on(application: Application):
    assert application.token(application.code(), code_verifier="w" * 43).status_code == 200
    application.emulator.service.knows_pkce = True
    assert application.token(application.code(), code_verifier="w" * 43).json() == {"error": "invalid_grant"}
    assert application.token(application.code(), code_verifier=VERIFIER).status_code == 200


def test_a_fault_is_where_it_was_put(application: Application):
    faults = application.emulator.service.faults
    faults.at, faults.status = "user", 500
    token = application.token(application.code()).json()["access_token"]
    assert application.user(token).status_code == 500
    faults.status = None
    faults.changes = lambda claims: claims | {"acr": "x"}
    assert application.user(token).json()["acr"] == "x"
    faults.changes = lambda _: b"[" * 99
    assert application.user(token).text == "[" * 99
    faults.at, faults.changes, faults.dropped = "token", None, True
    with pytest.raises(httpx.TransportError):
        application.token("0")


def test_nothing_else_is_served(application: Application):
    for path in ("/", "/trustedx-authserver/oauth/other-as", SERVER + "/other", "/users/me"):
        assert application.http.get(application.emulator.origin + path).status_code == 404
    assert application.http.post(f"{application.emulator.origin}{SERVER}/choice").status_code == 400
