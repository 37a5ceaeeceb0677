"""The gateway and the emulator over TLS on loopback: each way, each refusal with its own reason and one sentence, each fault."""

import base64
import hashlib
import json
import logging
import threading
from collections.abc import Callable
from dataclasses import replace
from typing import Any
from urllib.parse import parse_qs, urlencode

import pytest

from idp.effects import Effects
from idp.errors import Reason, Refused
from idp.gateways.eparaksts import door
from idp.gateways.eparaksts.door import SECONDS_TO_RETURN, Begun, EParaksts, Verified
from idp.gateways.eparaksts.environment import Server
from idp.gateways.eparaksts.outcomes import RETURNED_ERRORS, TOKEN_ERRORS, handling_of
from idp.gateways.eparaksts.ways import Way
from idp.gateways.identity import Handling, IdentifierKind
from idp.gateways.outbound import Outbound
from tests.idp.gateways.eparaksts.conftest import CALLBACK, LOOPBACK, Rig
from tests.support.at_once import at_once
from tests.support.eparaksts.people import ANDRIS, ANNA, BY_PASSPORT, LITHUANIAN, WITHOUT_BIRTH
from tests.support.remote import Remote, Reply

SENTENCE = "Your identity could not be confirmed. Nothing was changed. Try again or choose another way."
OURS = [reason for reason in Reason if reason.name.startswith("EPARAKSTS_")]
HIGH = "urn:safelayer:tws:policies:authentication:level:high"
FLOW = "urn:eparaksts:authentication:flow:"
AMR = "urn:eparaksts:tws:policies:authentication:adaptive:methods:"


def refusal(call: Callable[[], Any]) -> Reason:
    with pytest.raises(Refused) as caught:
        call()
    assert caught.value.reason.public == SENTENCE
    assert caught.value.__cause__ is None
    return caught.value.reason


# --------------------------------------------------------------------------------------------------------------- going


def test_a_browser_is_sent_with_all_that_was_agreed(rig: Rig, eparaksts: EParaksts):
    begun = eparaksts.begin(Way.CARD_IN_READER, callback_url=CALLBACK, language="en")
    address, _, query = begun.address.partition("?")
    assert address == f"{rig.emulator.origin}/trustedx-authserver/oauth/lvrtc-eips-as"
    challenge = base64.urlsafe_b64encode(hashlib.sha256(begun.verifier.encode()).digest()).decode()
    assert parse_qs(query, strict_parsing=True) == {
        "response_type": ["code"],
        "client_id": ["portāls"],
        "redirect_uri": ["https://visvaris.lv/identity/eparaksts/callback"],
        "scope": ["urn:lvrtc:fpeil:aa"],
        "state": [begun.state],
        "prompt": ["login"],
        "acr_values": ["urn:eparaksts:authentication:flow:sc_plugin"],
        "ui_locales": ["en"],
        "code_challenge": [challenge.rstrip("=")],
        "code_challenge_method": ["S256"],
    }


def test_no_two_begin_alike(rig: Rig):
    begun = [rig.begin() for _ in range(8)]
    assert len({each.state for each in begun} | {each.verifier for each in begun}) == 16
    assert all(len(each.state) == len(each.verifier) == 43 for each in begun)


def test_what_was_begun_survives_being_kept(rig: Rig):
    begun = rig.begin(Way.MOBILE_ELSEWHERE)
    assert Begun.from_text(begun.to_text()) == begun


@pytest.mark.parametrize(
    ("callback_url", "language"),
    [("https://evil.example/", "lv"), (f"{CALLBACK}?x={door.CALLBACK_PATH}", "lv"), (CALLBACK, "ru")],
)
def test_nobody_begins_with_another_callback_or_language(
    eparaksts: EParaksts, callback_url: str, language: str
):
    with pytest.raises(ValueError, match="not"):
        eparaksts.begin(Way.MOBILE, callback_url=callback_url, language=language)


# -------------------------------------------------------------------------------------------------------------- coming


@pytest.mark.parametrize("says_level", [True, False])
@pytest.mark.parametrize("way", Way)
def test_whoever_proves_it_is_told_by_code_and_name(rig: Rig, way: Way, *, says_level: bool):
    rig.service.says_level = says_level
    begun = rig.begin(way)
    verified = rig.eparaksts().finish(begun, rig.returned(begun))
    assert (verified.way, verified.level, verified.at) == (way, "high", rig.clock())
    identity = verified.identity
    assert identity.identifier == "PNOLV-010180-15097"
    assert (identity.kind, identity.country) == (IdentifierKind.NATIONAL_CODE, "LV")
    assert (identity.given_name, identity.surname) == ("ANDRIS", "PARAUDZIŠ")
    assert str(identity.date_of_birth) == "1980-01-01"


def test_a_code_without_a_date_tells_none(rig: Rig):
    begun = rig.begin()
    identity = rig.eparaksts().finish(begun, rig.returned(begun, WITHOUT_BIRTH)).identity
    assert (identity.identifier, identity.date_of_birth) == ("PNOLV-329999-99901", None)


@pytest.mark.parametrize("server", Server)
def test_either_authorization_server_can_be_the_one_of_the_contract(rig: Rig, server: Server):
    eparaksts = rig.eparaksts(server=server)
    begun = eparaksts.begin(Way.MOBILE, callback_url=CALLBACK, language="lv")
    assert eparaksts.finish(begun, rig.returned(begun)).level == "high"
    assert {each.path.split("/")[3] for each in rig.service.received if "oauth" in each.path} == {
        server.value
    }


def test_the_code_is_exchanged_by_us_alone_and_once(rig: Rig):
    rig.service.knows_pkce = True
    begun = rig.begin()
    query = rig.returned(begun)
    before = len(rig.service.received)
    rig.eparaksts().finish(begun, query)
    token, user = rig.service.received[before:]
    assert token.headers["authorization"] == "Basic cG9ydCVDNCU4MWxzOmRybyVDNSVBMSVDNCVBQmJh"
    assert parse_qs(token.body.decode(), strict_parsing=True) == {
        "grant_type": ["authorization_code"],
        "code": parse_qs(query)["code"],
        "redirect_uri": [CALLBACK],
        "code_verifier": [begun.verifier],
    }
    assert user.headers["authorization"].startswith("Bearer ")
    assert refusal(lambda: rig.eparaksts().finish(begun, query)) is Reason.EPARAKSTS_CODE_REFUSED


def test_of_many_at_once_one_code_confirms_one(rig: Rig):
    """Which of them is decided by the service. (attack 37: replay)"""
    begun = rig.begin()
    query = rig.returned(begun)

    def finish(_: int) -> str:
        try:
            return rig.eparaksts().finish(begun, query).level
        except Refused as refused:
            return refused.reason.code

    assert sorted(at_once(6, finish)) == ["eparaksts_code_refused"] * 5 + ["high"]


def test_whoever_sat_here_before_is_not_who_comes_back(rig: Rig):
    first, second = rig.begin(), rig.begin()
    rig.eparaksts().finish(first, rig.returned(first, ANDRIS))
    verified = rig.eparaksts().finish(second, rig.returned(second, ANNA))
    assert verified.identity.given_name == "ANNA"


# ------------------------------------------------------------------------------------------------- returns that lie


def test_whoever_declines_is_told_apart_and_not_told(rig: Rig):
    begun = rig.begin()
    query = rig.visitor.declines(begun.address)
    assert refusal(lambda: rig.eparaksts().finish(begun, query)) is Reason.EPARAKSTS_DECLINED
    assert handling_of(Reason.EPARAKSTS_DECLINED) is Handling.PERSON


@pytest.mark.parametrize("error", [*RETURNED_ERRORS, "login_required", "", "Access_Denied"])
def test_every_error_that_comes_back_has_its_reason(rig: Rig, error: str):
    begun = rig.begin()
    query = urlencode({"error": error, "error_description": "PNOLV-010180-15097", "state": begun.state})
    expected = RETURNED_ERRORS.get(error, Reason.EPARAKSTS_UNKNOWN_ERROR)
    assert refusal(lambda: rig.eparaksts().finish(begun, query)) is expected
    assert rig.service.received == []


@pytest.mark.parametrize("with_what", ["code", "error"])
def test_a_return_of_another_journey_is_refused_before_anything_is_asked(rig: Rig, with_what: str):
    """Somebody else's code in this browser, or this browser's code in another. (attack 24: a missing `state`)"""
    mine, other = rig.begin(), rig.begin()
    query = rig.returned(other) if with_what == "code" else rig.visitor.declines(other.address)
    before = len(rig.service.received)
    assert refusal(lambda: rig.eparaksts().finish(mine, query)) is Reason.EPARAKSTS_STATE
    for state in ("", mine.state[:-1], mine.state + "A", mine.state.swapcase(), "ā"):
        changed = urlencode({"code": "0", "state": state})
        assert refusal(lambda query=changed: rig.eparaksts().finish(mine, query)) is Reason.EPARAKSTS_STATE
    assert len(rig.service.received) == before


def test_a_verifier_of_another_journey_does_not_exchange(rig: Rig):
    rig.service.knows_pkce = True
    begun = rig.begin()
    changed = replace(begun, verifier=rig.begin().verifier)
    query = rig.returned(begun)
    assert refusal(lambda: rig.eparaksts().finish(changed, query)) is Reason.EPARAKSTS_CODE_REFUSED


def test_another_address_than_the_one_gone_from_does_not_exchange(rig: Rig):
    begun = rig.begin()
    changed = replace(begun, callback_url=f"https://other.example{door.CALLBACK_PATH}")
    query = rig.returned(begun)
    assert refusal(lambda: rig.eparaksts().finish(changed, query)) is Reason.EPARAKSTS_CODE_REFUSED


@pytest.mark.parametrize(
    "query",
    [
        "",
        "code=0",
        "state={state}",
        "state={state}&state={state}&code=0",
        "state={state}&code=0&code=0",
        "state={state}&code=0&error=access_denied",
        "state={state}&error=access_denied&error=server_error",
        "state={state}&code=",
        "state={state}&code=a%20b",
        "state={state}&code=a%0D%0Ab",
        "state={state}&code=%C4%81",
        "state={state}&code=%FF",
        "state={state}&code=ā",
        "state={state}&code=" + "0" * 1025,
        "state={state}&code=0&x=" + "0" * 4000,
        "state={state}&code=0" + "&x=0" * 20,
    ],
)
def test_a_return_in_another_shape_is_refused_before_anything_is_asked(rig: Rig, query: str):
    begun = rig.begin()
    returned = query.replace("{state}", begun.state)
    assert refusal(lambda: rig.eparaksts().finish(begun, returned)) is Reason.EPARAKSTS_RETURN_BROKEN
    assert rig.service.received == []


def test_a_state_finds_what_was_begun_and_proves_nothing(rig: Rig):
    begun = rig.begin()
    assert door.state_of(rig.returned(begun)) == door.state_of(f"state={begun.state}&error=x") == begun.state
    assert refusal(lambda: door.state_of(f"state={begun.state}")) is Reason.EPARAKSTS_RETURN_BROKEN


def test_what_else_stands_in_a_return_is_passed_over(rig: Rig):
    begun = rig.begin()
    assert rig.eparaksts().finish(begun, rig.returned(begun) + "&iss=x&session_state=1").level == "high"


def test_who_takes_too_long_begins_anew(rig: Rig):
    begun, later = rig.begin(), rig.begin()
    rig.clock.move(SECONDS_TO_RETURN - 1)
    assert rig.eparaksts().finish(later, rig.returned(later)).level == "high"
    query = rig.returned(begun)
    rig.clock.move(1)
    before = len(rig.service.received)
    assert refusal(lambda: rig.eparaksts().finish(begun, query)) is Reason.EPARAKSTS_TOO_LATE
    assert len(rig.service.received) == before


# ------------------------------------------------------------------------------------------------- answers that lie


def finished(
    rig: Rig, *, at: str, changes: Callable[[dict[str, Any]], Any], way: Way = Way.MOBILE
) -> Verified:
    begun = rig.begin(way)
    query = rig.returned(begun)
    rig.service.faults.at, rig.service.faults.changes = at, changes
    return rig.eparaksts().finish(begun, query)


def without(name: str) -> Callable[[dict[str, Any]], Any]:
    return lambda answer: {each: value for each, value in answer.items() if each != name}


def having(**values: Any) -> Callable[[dict[str, Any]], Any]:
    return lambda answer: answer | values


@pytest.mark.parametrize(
    ("changes", "reason"),
    [
        (without("token_type"), Reason.EPARAKSTS_TOKEN_TYPE),
        (having(token_type="mac"), Reason.EPARAKSTS_TOKEN_TYPE),
        (having(token_type=["Bearer"]), Reason.EPARAKSTS_TOKEN_TYPE),
        (having(scope="openid"), Reason.EPARAKSTS_SCOPE),
        (having(scope=""), Reason.EPARAKSTS_SCOPE),
        (having(scope=None), Reason.EPARAKSTS_SCOPE),
        (without("access_token"), Reason.EPARAKSTS_ANSWER_BROKEN),
        (having(access_token=7), Reason.EPARAKSTS_ANSWER_BROKEN),
        (having(access_token=""), Reason.EPARAKSTS_ANSWER_BROKEN),
        (having(access_token="a\r\nHost: x"), Reason.EPARAKSTS_ANSWER_BROKEN),
        (having(access_token="a b"), Reason.EPARAKSTS_ANSWER_BROKEN),
        (having(access_token="a" * 4097), Reason.EPARAKSTS_ANSWER_BROKEN),
    ],
)
def test_a_token_that_is_not_what_was_agreed_is_refused(
    rig: Rig, changes: Callable[[dict[str, Any]], Any], reason: Reason
):
    assert refusal(lambda: finished(rig, at="token", changes=changes)) is reason
    assert not any(each.path.endswith("/users/me") for each in rig.service.received)


@pytest.mark.parametrize(
    "changes", [without("scope"), having(token_type="bearer"), having(unknown={"x": [1]})]
)
def test_a_token_that_says_less_or_more_is_good(rig: Rig, changes: Callable[[dict[str, Any]], Any]):
    assert finished(rig, at="token", changes=changes).level == "high"


@pytest.mark.parametrize("at", ["token", "user"])
@pytest.mark.parametrize(
    "body",
    [
        b"",
        b"[]",
        b"null",
        b'"x"',
        b"{",
        b"\xff{}",
        b"{}" + b" " * 16 * 1024,
        b'{"x": ' + b"[" * 6000 + b"]" * 6000 + b"}",
        b'{"token_type": "Bearer", "access_token": "a", "access_token": "b"}',
        b'{"serial_number": "PNOLV-010180-15097", "serial_number": "PNOLV-040404-10003"}',
    ],
    ids=lambda body: repr(body[:24]),
)
def test_a_body_in_another_shape_is_refused(rig: Rig, at: str, body: bytes):
    reason = refusal(lambda: finished(rig, at=at, changes=lambda _: body))
    assert reason is Reason.EPARAKSTS_ANSWER_BROKEN


@pytest.mark.parametrize("at", ["token", "user"])
def test_a_body_without_end_is_not_read_to_it(rig: Rig, at: str):
    reason = refusal(lambda: finished(rig, at=at, changes=lambda _: b" " * 2_000_000))
    assert reason is Reason.EPARAKSTS_ANSWER_BROKEN


@pytest.mark.parametrize("at", ["token", "user"])
@pytest.mark.parametrize("kind", ["text/html", "application/jwt", ""])
def test_an_answer_of_another_kind_is_refused(rig: Rig, at: str, kind: str):
    rig.service.faults.content_type = kind
    reason = refusal(lambda: finished(rig, at=at, changes=lambda answer: answer))
    assert reason is Reason.EPARAKSTS_ANSWER_BROKEN


@pytest.mark.parametrize(
    ("changes", "reason"),
    [
        (without("sub"), Reason.EPARAKSTS_SUBJECT),
        (having(sub=""), Reason.EPARAKSTS_SUBJECT),
        (having(sub=1), Reason.EPARAKSTS_SUBJECT),
        (without("domain"), Reason.EPARAKSTS_DOMAIN),
        (having(domain="employee"), Reason.EPARAKSTS_DOMAIN),
        (without("acr"), Reason.EPARAKSTS_ACR),
        (having(acr=HIGH.replace("high", "substantial")), Reason.EPARAKSTS_ACR),
        (having(acr=HIGH.replace("high", "low")), Reason.EPARAKSTS_ACR),
        (having(acr=FLOW + "sc_plugin"), Reason.EPARAKSTS_ACR),
        (having(acr=FLOW + "mobileid:cross-device"), Reason.EPARAKSTS_ACR),
        (having(acr=[FLOW + "mobileid"]), Reason.EPARAKSTS_ACR),
        (without("amr"), Reason.EPARAKSTS_AMR),
        (having(amr=[]), Reason.EPARAKSTS_AMR),
        (having(amr=AMR + "mobileid"), Reason.EPARAKSTS_AMR),
        (having(amr=[[AMR + "mobileid"]]), Reason.EPARAKSTS_AMR),
        (having(amr=[AMR + "sc_plugin"]), Reason.EPARAKSTS_AMR),
        (having(amr=[AMR + "password"]), Reason.EPARAKSTS_AMR),
        (having(amr=["urn:evil:methods:mobileid"]), Reason.EPARAKSTS_AMR),
        (without("given_name"), Reason.EPARAKSTS_NAMES),
        (without("family_name"), Reason.EPARAKSTS_NAMES),
        (without("name"), Reason.EPARAKSTS_NAMES),
        (having(given_name=""), Reason.EPARAKSTS_NAMES),
        (having(family_name="  "), Reason.EPARAKSTS_NAMES),
        (having(given_name=None), Reason.EPARAKSTS_NAMES),
        (having(given_name="ANNA\u202e"), Reason.EPARAKSTS_NAMES),
        (having(family_name="A" * 201), Reason.EPARAKSTS_NAMES),
        (without("serial_number"), Reason.EPARAKSTS_SERIAL_NUMBER),
        (having(serial_number=""), Reason.EPARAKSTS_SERIAL_NUMBER),
        (having(serial_number=1018015097), Reason.EPARAKSTS_SERIAL_NUMBER),
        (having(serial_number="010180-15097"), Reason.EPARAKSTS_SERIAL_NUMBER),
        (having(serial_number="pnolv-010180-15097"), Reason.EPARAKSTS_SERIAL_NUMBER),
        (having(serial_number="PNOLV-01018015097"), Reason.EPARAKSTS_SERIAL_NUMBER),
        (having(serial_number="PNOLV-010180-150970"), Reason.EPARAKSTS_SERIAL_NUMBER),
        (having(serial_number="PNOLV-010180-15097 "), Reason.EPARAKSTS_SERIAL_NUMBER),
        (
            having(serial_number="PNOLV-\u0660\u0661\u0660\u0661\u0668\u0660-15097"),
            Reason.EPARAKSTS_SERIAL_NUMBER,
        ),
        (having(serial_number="PNOLV-320000"), Reason.EPARAKSTS_SERIAL_NUMBER),
        (having(serial_number="PNOLV-310280-15097"), Reason.EPARAKSTS_SERIAL_NUMBER),
        (having(serial_number="PNOLV-010180-95097"), Reason.EPARAKSTS_SERIAL_NUMBER),
        (having(serial_number="NTRLV-40003011203"), Reason.EPARAKSTS_SERIAL_NUMBER),
        (having(serial_number="PASLV-LV1234567"), Reason.EPARAKSTS_IDENTIFIER_KIND),
        (having(serial_number="IDCLV-PA1234567"), Reason.EPARAKSTS_IDENTIFIER_KIND),
        (having(serial_number="PNOEE-38001085718"), Reason.EPARAKSTS_COUNTRY),
    ],
)
def test_each_claim_altered_alone_is_refused(
    rig: Rig, changes: Callable[[dict[str, Any]], Any], reason: Reason
):
    assert refusal(lambda: finished(rig, at="user", changes=changes)) is reason


@pytest.mark.parametrize(
    ("person", "reason"),
    [(BY_PASSPORT, Reason.EPARAKSTS_IDENTIFIER_KIND), (LITHUANIAN, Reason.EPARAKSTS_COUNTRY)],
)
def test_who_has_no_latvian_code_takes_another_way(rig: Rig, person: Any, reason: Reason):
    begun = rig.begin()
    query = rig.returned(begun, person)
    assert refusal(lambda: rig.eparaksts().finish(begun, query)) is reason
    assert handling_of(reason) is Handling.ACCOUNT


@pytest.mark.parametrize("asked", Way)
@pytest.mark.parametrize("done", Way)
def test_another_flow_than_was_asked_for_is_refused(rig: Rig, asked: Way, done: Way):
    """Also when the person changed it in the address on the way."""
    rig.service.says_level = False
    begun = rig.begin(asked)
    changed = begun.address.replace(urlencode({"acr_values": asked.acr}), urlencode({"acr_values": done.acr}))
    query = rig.visitor.proves(ANDRIS, changed)
    if asked is done:
        assert rig.eparaksts().finish(begun, query).way is asked
    else:
        assert refusal(lambda: rig.eparaksts().finish(begun, query)) is Reason.EPARAKSTS_ACR


# -------------------------------------------------------------------------------------------------------------- faults


@pytest.mark.parametrize(
    ("at", "status", "reason"),
    [
        ("token", 401, Reason.EPARAKSTS_CLIENT_REFUSED),
        ("token", 400, Reason.EPARAKSTS_UNKNOWN_STATUS),
        ("token", 302, Reason.EPARAKSTS_UNKNOWN_STATUS),
        ("token", 404, Reason.EPARAKSTS_UNKNOWN_STATUS),
        ("token", 429, Reason.EPARAKSTS_UNAVAILABLE),
        ("token", 500, Reason.EPARAKSTS_UNAVAILABLE),
        ("token", 503, Reason.EPARAKSTS_UNAVAILABLE),
        ("user", 401, Reason.EPARAKSTS_TOKEN_REFUSED),
        ("user", 403, Reason.EPARAKSTS_TOKEN_REFUSED),
        ("user", 404, Reason.EPARAKSTS_UNKNOWN_STATUS),
        ("user", 201, Reason.EPARAKSTS_UNKNOWN_STATUS),
        ("user", 500, Reason.EPARAKSTS_UNAVAILABLE),
    ],
)
def test_every_status_has_its_reason(rig: Rig, at: str, status: int, reason: Reason):
    rig.service.faults.at, rig.service.faults.status = at, status
    assert refusal(lambda: finished(rig, at=at, changes=lambda answer: answer)) is reason


@pytest.mark.parametrize("error", [*TOKEN_ERRORS, "slow_down"])
def test_every_error_of_an_exchange_has_its_reason(rig: Rig, remote: Remote, error: str):
    body = json.dumps({"error": error, "error_description": "PNOLV-010180-15097"}).encode()
    remote.answers["/trustedx-authserver/oauth/lvrtc-eips-as/token"] = Reply(body, 400)
    eparaksts = rig.eparaksts(origin=remote.base_url)
    begun = eparaksts.begin(Way.MOBILE, callback_url=CALLBACK, language="lv")
    query = urlencode({"code": "0", "state": begun.state})
    expected = TOKEN_ERRORS.get(error, Reason.EPARAKSTS_UNKNOWN_ERROR)
    assert refusal(lambda: eparaksts.finish(begun, query)) is expected


@pytest.mark.parametrize("changes", [{"client_secret": "cits"}, {"client_id": "cits"}])
def test_a_client_that_is_not_registered_is_for_the_operator(rig: Rig, changes: dict[str, str]):
    begun = rig.begin()
    query = rig.returned(begun)
    reason = refusal(lambda: rig.eparaksts(**changes).finish(begun, query))
    assert reason is Reason.EPARAKSTS_CLIENT_REFUSED
    assert handling_of(reason) is Handling.OPERATOR


@pytest.mark.parametrize("at", ["token", "user"])
def test_a_connection_that_drops_is_for_later(rig: Rig, at: str):
    rig.service.faults.at, rig.service.faults.dropped = at, True
    reason = refusal(lambda: finished(rig, at=at, changes=lambda answer: answer))
    assert reason is Reason.EPARAKSTS_UNREACHABLE
    assert handling_of(reason) is Handling.LATER


@pytest.mark.parametrize("at", ["token", "user"])
def test_a_service_that_never_answers_is_not_waited_for(rig: Rig, at: str, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(door, "_CALL_SECONDS", 0.3)
    begun = rig.begin()
    query = rig.returned(begun)
    rig.service.faults.at, rig.service.faults.slow = at, threading.Event()
    try:
        reason = refusal(lambda: rig.eparaksts().finish(begun, query))
    finally:
        rig.service.faults.slow.set()
    assert reason is Reason.EPARAKSTS_TOO_SLOW
    assert handling_of(reason) is Handling.LATER


def test_a_service_with_a_certificate_of_nobody_we_know_is_told_nothing(rig: Rig):
    begun = rig.begin()
    query = rig.returned(begun)
    before = len(rig.service.received)
    stranger = EParaksts(rig.environment, Effects(now=rig.clock), service=Outbound(allowed=LOOPBACK))
    assert refusal(lambda: stranger.finish(begun, query)) is Reason.EPARAKSTS_UNREACHABLE
    assert len(rig.service.received) == before


def test_nobody_is_followed_to_another_address(rig: Rig, remote: Remote):
    remote.answers["/trustedx-authserver/oauth/lvrtc-eips-as/token"] = Reply(
        b"", 307, {"Location": f"{rig.emulator.origin}/trustedx-authserver/oauth/lvrtc-eips-as/token"}
    )
    eparaksts = rig.eparaksts(origin=remote.base_url)
    begun = eparaksts.begin(Way.MOBILE, callback_url=CALLBACK, language="lv")
    query = urlencode({"code": "0", "state": begun.state})
    assert refusal(lambda: eparaksts.finish(begun, query)) is Reason.EPARAKSTS_UNKNOWN_STATUS
    assert rig.service.received == []


# ------------------------------------------------------------------------------------------------ what is kept silent


def test_every_reason_has_its_own_code_and_all_say_the_same(rig: Rig):
    assert len({reason.code for reason in OURS}) == len(OURS) > 20
    assert {reason.public for reason in OURS} == {SENTENCE}
    later = {reason for reason in OURS if handling_of(reason) is Handling.LATER}
    assert later == {Reason.EPARAKSTS_UNAVAILABLE, Reason.EPARAKSTS_UNREACHABLE, Reason.EPARAKSTS_TOO_SLOW}
    for reason in (Reason.EPARAKSTS_STATE, Reason.EPARAKSTS_CODE_REFUSED, Reason.EPARAKSTS_ACR):
        assert handling_of(reason) is Handling.ALARM


def test_nothing_of_a_person_or_a_secret_is_logged_or_shown(rig: Rig, caplog: pytest.LogCaptureFixture):
    """attack 44"""
    begun = rig.begin()
    query = rig.returned(begun)
    caplog.set_level(logging.DEBUG)
    caplog.clear()
    verified = rig.eparaksts().finish(begun, query)
    with pytest.raises(Refused) as refused:
        rig.eparaksts().finish(begun, query)
    shown = "".join(
        [repr(begun), repr(verified), repr(rig.environment), repr(refused.value), str(refused.value)]
        + [record.getMessage() for record in caplog.records]
    )
    hidden = {
        begun.state,
        begun.verifier,
        parse_qs(query)["code"][0],
        "drošība",
        "010180",
        "ANDRIS",
        "PARAUDZIŠ",
    }
    assert {each for each in hidden if each in shown} == set()
    assert "client_secret" not in begun.address
