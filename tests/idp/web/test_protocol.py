"""The machine endpoints as WSGI serves them: limits, methods, and errors that tell a code and a reference only."""

import io
import json
from typing import Any

import pytest

from idp.errors import StorageUnavailableError
from idp.oidc.requests import Request, Response
from idp.web.observed import REQUEST_ID
from idp.web.protocol import BODY_AT_MOST, ProtocolEndpoints


class Core:
    """Stands where the protocol core does, and remembers what it was asked."""

    issuer = "https://login.example.lv"

    def __init__(self, answer: Response | Exception) -> None:
        self.answer = answer
        self.asked: list[Request] = []

    def serves(self, path: str) -> bool:
        return path == "/token"

    def respond(self, request: Request) -> Response:
        self.asked.append(request)
        if isinstance(self.answer, Exception):
            raise self.answer
        return self.answer


def call(core: Core, **environ: Any) -> tuple[str, dict[str, str], bytes]:
    body = environ.pop("body", b"")
    told: list[Any] = []
    everything = {
        "REQUEST_METHOD": "POST",
        "PATH_INFO": "/token",
        "QUERY_STRING": "",
        "CONTENT_TYPE": "application/x-www-form-urlencoded",
        "CONTENT_LENGTH": str(len(body)),
        "REMOTE_ADDR": "192.0.2.7",
        "wsgi.input": io.BytesIO(body),
        REQUEST_ID: "ref",
        **environ,
    }

    def start(status: str, headers: list[tuple[str, str]], exc_info: object = None) -> None:
        told.extend([status, headers])

    served = ProtocolEndpoints(core, trusted_proxies=())  # type: ignore[arg-type]
    sent = b"".join(served(everything, start))  # type: ignore[arg-type]
    return told[0], dict(told[1]), sent


OK = Response(200, (("Content-Type", "application/json"),), b"{}")


def test_the_core_gets_plain_values() -> None:
    core = Core(OK)
    status, headers, sent = call(
        core, body=b"a=1&b=%C4%81", HTTP_AUTHORIZATION="Bearer x", QUERY_STRING="q=2"
    )
    assert (status, sent) == ("200 OK", b"{}")
    assert headers["Content-Length"] == "2"
    assert headers["Strict-Transport-Security"]
    request = core.asked[0]
    assert (request.form.find("b"), request.query.find("q"), request.remote) == ("ā", "2", "192.0.2.7")
    assert request.headers["authorization"] == "Bearer x"
    assert request.headers.get("dpop") is None
    assert list(request.headers) == ["authorization"]


def test_a_body_that_is_no_form_is_not_read_as_one() -> None:
    core = Core(OK)
    call(core, body=b'{"a": 1}', CONTENT_TYPE="application/json")
    assert not core.asked[0].form


@pytest.mark.parametrize("announced", [str(BODY_AT_MOST + 1), "9" * 30, "-1", "x"])
def test_a_body_that_is_too_large_is_not_read(announced: str) -> None:
    """attack 43"""
    core = Core(OK)
    status, _, sent = call(core, CONTENT_LENGTH=announced)
    assert status.startswith("413")
    assert json.loads(sent)["reference"] == "ref"
    assert not core.asked


@pytest.mark.parametrize("body", [b"a=%ff", b"\xff\xfe", b"a=%00"])
def test_a_form_that_cannot_be_read_is_an_error_of_the_client(body: bytes) -> None:
    status, _, sent = call(Core(OK), body=body)
    assert status.startswith("400")
    assert json.loads(sent)["error"] == "invalid_request"


@pytest.mark.parametrize(
    ("error", "status"),
    [(StorageUnavailableError("OperationalError"), "503"), (RuntimeError("secret"), "500")],
)
def test_what_goes_wrong_inside_stays_inside(error: Exception, status: str) -> None:
    """attack 44"""
    told, headers, sent = call(Core(error))
    assert told.startswith(status)
    assert ("Retry-After" in headers) == (status == "503")
    assert json.loads(sent)["reference"] == "ref"
    assert b"secret" not in sent
    assert b"Traceback" not in sent


def test_head_gets_no_body_and_the_right_length() -> None:
    _, headers, sent = call(Core(OK), REQUEST_METHOD="HEAD")
    assert (headers["Content-Length"], sent) == ("2", b"")
