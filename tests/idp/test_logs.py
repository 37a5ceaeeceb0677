"""Every line is one JSON object, carries the id of its request, and holds no secret, whoever wrote it."""

import io
import json
import logging
from datetime import datetime
from typing import Any

import pytest
import structlog

from idp import logs

SECRETS = {
    "password": "zirnis uz jumta",
    "new_password": "zirnis uz jumta",
    "client_secret": "Zm9v" * 8,
    "code": "123456",
    "totp_secret": "JBSWY3DPEHPK3PXP",
    "authorization": "Basic dXNlcjpwYXNz",
    "cookie": "visvaris-session=abc",
    "csrf_token": "abc",
    "person_code": "320000-00015",
    "database_url": "postgresql://u:p@h/d",
    "IDP_MASTER_KEYS": "a" * 43,
    "code_verifier": "x" * 50,
    "id_token_hint": "eyJhbGciOiJSUzI1NiJ9.e30.c2ln",
    "recovery_codes": ["AAAAA-BBBBB"],
}


def lines(stream: io.StringIO) -> list[dict[str, Any]]:
    return [json.loads(line) for line in stream.getvalue().splitlines()]


def test_a_line_is_json_with_time_level_and_request(written: io.StringIO) -> None:
    logs.begin_request("request-1")
    structlog.get_logger().info("something happened", user_id="u1", count=3, nothing=None, ok=True)
    [line] = lines(written)
    assert line.pop("timestamp").endswith("Z")
    assert line == {
        "event": "something happened",
        "level": "info",
        "request_id": "request-1",
        "user_id": "u1",
        "count": 3,
        "nothing": None,
        "ok": True,
    }


def test_the_next_request_forgets_the_one_before(written: io.StringIO) -> None:
    logs.begin_request("request-1")
    structlog.contextvars.bind_contextvars(user_id="u1")
    logs.begin_request("request-2")
    structlog.get_logger().info("something happened")
    [line] = lines(written)
    assert line["request_id"] == "request-2"
    assert "user_id" not in line


@pytest.mark.parametrize("path", ["/token", "/login/abcdefghijklmnopqrstuv", f"/x/{'V' * 43}", '/Rīga"1'])
def test_the_line_of_a_request_is_as_any_other(written: io.StringIO, path: str) -> None:
    """attack 44: without a logger it is the same, hiding included"""
    logs.begin_request("request-1")
    structlog.contextvars.bind_contextvars(user_id="u1", code="123456")
    told = {"method": "POST", "path": path, "status": 200, "milliseconds": 0.25}
    logs.tell_request(**told)
    structlog.get_logger().info("request", **told)
    one, other = lines(written)
    assert datetime.fromisoformat(one.pop("timestamp")) <= datetime.fromisoformat(other.pop("timestamp"))
    assert one == other
    assert list(one) == list(other)
    assert one["code"] == logs.HIDDEN


def test_the_line_of_a_request_has_a_level(written: io.StringIO) -> None:
    logs.configure("warning", written)
    logs.tell_request(method="GET", path="/", status=200, milliseconds=0.1)
    assert not lines(written)


def test_a_second_has_all_its_microseconds(written: io.StringIO, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(logs.time, "time_ns", lambda: 1_700_000_000_000_042_999)
    structlog.get_logger().info("something happened")
    assert lines(written)[0]["timestamp"] == "2023-11-14T22:13:20.000042Z"


@pytest.mark.parametrize("name", SECRETS)
def test_what_is_called_a_secret_is_hidden(written: io.StringIO, name: str) -> None:
    """attack 44"""
    structlog.get_logger().info("something happened", **{name: SECRETS[name]}, form={name: SECRETS[name]})
    [line] = lines(written)
    assert line[name] == logs.HIDDEN
    assert str(SECRETS[name]).strip("[]'") not in written.getvalue()


@pytest.mark.parametrize(
    "secret",
    [
        "eyJhbGciOiJSUzI1NiJ9.eyJzdWIiOiJhbm5hIn0.c2lnbmF0dXJl",
        "s1.0a1b2c3d.c2VhbGVk",
        "$argon2id$v=19$m=64,t=1,p=1$c2FsdA$aGFzaA",
        "$2b$12$" + "a" * 53,
        "Bearer abcdef123456",
        "Basic dXNlcjpwYXNz",
        "V" * 43,
        "320000-00015",
        "PNOLV-32000000015",
        "postgresql://visvaris:jumta-zirnis@db/visvaris",
        "/callback?code=abcdef&state=ghijkl",
        "https://visvaris.lv/logout#id_token_hint=abcdef",
    ],
)
def test_what_looks_like_a_secret_is_hidden_wherever_it_stands(written: io.StringIO, secret: str) -> None:
    """attack 44"""
    structlog.get_logger().warning(f"could not use {secret}", detail=[{"deep": f"({secret})"}])
    logging.getLogger("some.library").warning("could not use %s", secret)
    assert len(lines(written)) == 2
    for part in (
        "abcdef",
        "ghijkl",
        "jumta-zirnis",
        "00015",
        "V" * 43,
        "c2ln",
        "aGFzaA",
        "dXNlcj",
        "c2VhbGVk",
        "a" * 53,
    ):
        assert part not in written.getvalue()


def test_ordinary_values_stay_readable(written: io.StringIO) -> None:
    structlog.get_logger().info(
        "request",
        method="GET",
        path="/login/abcdefghijklmnopqrstuv",
        status=200,
        address="192.0.2.1",
        kid="2026-a",
    )
    [line] = lines(written)
    assert (line["path"], line["status"], line["address"]) == (
        "/login/abcdefghijklmnopqrstuv",
        200,
        "192.0.2.1",
    )
    assert line["kid"] == "2026-a"


def test_a_traceback_tells_where_but_not_what_the_variables_held(written: io.StringIO) -> None:
    """attack 44"""
    password = "zirnis uz jumta"
    try:
        raise ValueError(len(password))
    except ValueError:
        structlog.get_logger().exception("failed")
    [line] = lines(written)
    assert line["exception"][0]["exc_type"] == "ValueError"
    assert line["exception"][0]["frames"][0]["filename"].endswith("test_logs.py")
    assert "zirnis" not in written.getvalue()


def test_below_the_level_nothing_is_written(written: io.StringIO) -> None:
    logs.configure("warning", written)
    structlog.get_logger().info("quiet")
    logging.getLogger("some.library").info("quiet")
    logging.getLogger("sqlalchemy.engine").info("SELECT secret")
    assert written.getvalue() == ""
