"""The emulator of Smart-ID does what is documented of the service: what it refuses, how it waits, what its phone makes of links.

Here it is talked to by hand; the gateway, which was written apart from it, meets it in its own tests.
"""

import base64
import hashlib
import hmac
import json
import os
import ssl
import subprocess
import sys
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import httpx
import pytest

from tests.support.builders import Clock
from tests.support.certificates import Authority
from tests.support.checkout import ROOT
from tests.support.services import free_port, stop
from tests.support.smart_id.accounts import account, preloaded
from tests.support.smart_id.authority import SmartIdAuthority
from tests.support.smart_id.running import Emulator, running_emulator
from tests.support.smart_id_stranger import believes

START_SECONDS = 60.0
ANNA = "PNOLV-040404-10003-DEMO-Q"
CHALLENGE = base64.b64encode(bytes(range(64))).decode()
TEXT = {"type": "displayTextAndPIN", "displayText60": "Pārbaude"}
CALLBACK = "https://rp.example.lv/callback?value=RrKjjT4aggzu27YBddX1bQ"


def b64(value: object) -> str:
    return base64.b64encode(json.dumps(value).encode()).decode()


def request(**changes: Any) -> dict[str, Any]:
    """A good one for a device link, unless changed; None takes a member away."""
    made: dict[str, Any] = {
        "relyingPartyUUID": "00000000-0000-4000-8000-000000000000",
        "relyingPartyName": "DEMO",
        "certificateLevel": "QUALIFIED",
        "signatureProtocol": "ACSP_V2",
        "signatureProtocolParameters": parameters(),
        "interactions": b64([TEXT]),
    }
    return {name: value for name, value in {**made, **changes}.items() if value is not None}


def parameters(**changes: Any) -> dict[str, Any]:
    made = {
        "rpChallenge": CHALLENGE,
        "signatureAlgorithm": "rsassa-pss",
        "signatureAlgorithmParameters": {"hashAlgorithm": "SHA-512"},
    }
    return {name: value for name, value in {**made, **changes}.items() if value is not None}


class Caller:
    def __init__(self, emulator: Emulator, clock: Clock, http: httpx.Client) -> None:
        self.emulator, self.clock, self.http = emulator, clock, http
        self.service = emulator.service

    def create(self, path: str = "device-link/anonymous", **changes: Any) -> httpx.Response:
        return self.http.post(f"{self.emulator.base_url}/authentication/{path}", json=request(**changes))

    def session(self, session_id: str, timeout_ms: object = 1000) -> httpx.Response:
        return self.http.get(
            f"{self.emulator.base_url}/session/{session_id}", params={"timeoutMs": str(timeout_ms)}
        )

    def follow(self, link: str, who: str = ANNA, flow: str = "QR") -> dict[str, Any]:
        body = {"documentNumber": who, "deviceLink": link, "flowType": flow}
        answer = self.http.post(f"{self.service.origin}/mock/device-link", json=body)
        assert answer.status_code == 200
        told: dict[str, Any] = answer.json()
        return told

    def link(
        self,
        created: dict[str, str],
        *,
        kind: str = "QR",
        elapsed: int | None = 0,
        callback: str = "",
        **other: str,
    ) -> str:
        """By the rules of the specification, written out here once more."""
        seconds = "" if elapsed is None else f"&elapsedSeconds={elapsed}"
        named = {"type": "auth", "version": "1.0", "lang": "lav", "scheme": "smart-id-demo", **other}
        unprotected = (
            f"{created['deviceLinkBase']}?deviceLinkType={kind}{seconds}&sessionToken={created['sessionToken']}"
            f"&sessionType={named['type']}&version={named['version']}&lang={named['lang']}"
        )
        payload = f"{named['scheme']}|ACSP_V2|{CHALLENGE}|REVNTw==||{b64([TEXT])}|{callback}|{unprotected}"
        key = base64.b64decode(created["sessionSecret"])
        digest = hmac.new(key, payload.encode(), hashlib.sha256).digest()
        return f"{unprotected}&authCode={base64.urlsafe_b64encode(digest).decode().rstrip('=')}"


@pytest.fixture(scope="session")
def people() -> SmartIdAuthority:
    return SmartIdAuthority()


@pytest.fixture
def caller(people: SmartIdAuthority, authority: Authority, tmp_path: Path) -> Iterator[Caller]:
    clock = Clock()
    trust = ssl.create_default_context(cafile=authority.ca_file)
    with (
        running_emulator(authority.server(), people, clock, folder=tmp_path) as emulator,
        httpx.Client(verify=trust, timeout=30, headers={"Connection": "close"}) as http,
    ):
        yield Caller(emulator, clock, http)


# ----------------------------------------------------------------------------------------------------------- requests


def test_a_session_of_device_links_is_created_in_the_published_shape(caller: Caller):
    created = caller.create(initialCallbackUrl=CALLBACK).json()
    assert set(created) == {"sessionID", "sessionToken", "sessionSecret", "deviceLinkBase"}
    assert len(created["sessionToken"]) == 24
    assert len(base64.b64decode(created["sessionSecret"])) == 18
    assert created["deviceLinkBase"] == f"{caller.service.origin}/device-link"


def test_a_notification_answers_with_its_session_alone(caller: Caller):
    created = caller.create(f"notification/document/{ANNA}", vcType="numeric4").json()
    assert set(created) == {"sessionID"}


CHOICE = {"type": "confirmationMessageAndVerificationCodeChoice", "displayText200": "x"}
BAD: list[tuple[str, dict[str, Any]]] = [
    ("relyingPartyUUID", {"relyingPartyUUID": "x"}),
    ("relyingPartyUUID", {"relyingPartyUUID": None}),
    ("relyingPartyName", {"relyingPartyName": ""}),
    ("relyingPartyName", {"relyingPartyName": "x" * 33}),
    ("certificateLevel", {"certificateLevel": "QSCD"}),
    ("signatureProtocol", {"signatureProtocol": "RAW_DIGEST_SIGNATURE"}),
    ("signatureProtocolParameters", {"signatureProtocolParameters": None}),
    ("rpChallenge", {"signatureProtocolParameters": parameters(rpChallenge=None)}),
    ("rpChallenge", {"signatureProtocolParameters": parameters(rpChallenge="A" * 40)}),
    ("rpChallenge", {"signatureProtocolParameters": parameters(rpChallenge="A" * 92)}),
    ("rpChallenge", {"signatureProtocolParameters": parameters(rpChallenge=CHALLENGE.replace("+", "-").replace("/", "_").replace("=", "_"))}),
    ("signatureAlgorithm", {"signatureProtocolParameters": parameters(signatureAlgorithm="none")}),
    ("hashAlgorithm", {"signatureProtocolParameters": parameters(signatureAlgorithmParameters=None)}),
    ("hashAlgorithm", {"signatureProtocolParameters": parameters(signatureAlgorithmParameters={"hashAlgorithm": "SHA-1"})}),
    ("signatureAlgorithmParameters", {"signatureProtocolParameters": parameters(signatureAlgorithm="sha256WithRSAEncryption")}),
    ("interactions", {"interactions": None}),
    ("interactions", {"interactions": "!"}),
    ("interactions", {"interactions": b64([])}),
    ("interactions", {"interactions": b64([TEXT, TEXT])}),
    ("interactions", {"interactions": b64([CHOICE])}),
    ("interactions", {"interactions": b64([{"type": "displayTextAndPIN"}])}),
    ("interactions", {"interactions": b64([{**TEXT, "displayText200": "x"}])}),
    ("interactions", {"interactions": b64([{**TEXT, "displayText60": "x" * 61}])}),
    ("interactions", {"interactions": b64([{"type": "verificationCodeChoice", "displayText60": "x"}])}),
    ("initialCallbackUrl", {"initialCallbackUrl": "http://rp.example.lv/"}),
    ("initialCallbackUrl", {"initialCallbackUrl": "https://rp.example.lv/|"}),
    ("initialCallbackUrl", {"initialCallbackUrl": "https://rp.example.lv/#x"}),
    ("initialCallbackUrl", {"initialCallbackUrl": "https://rp.example.lv/" + "x" * 1800}),
    ("vcType", {"vcType": "numeric4"}),
    ("shareMdClientIpAddress", {"requestProperties": {"shareMdClientIpAddress": "yes"}}),
    ("capabilities", {"capabilities": [1]}),
    ("nonce", {"nonce": "x"}),
]  # fmt: skip


@pytest.mark.parametrize(("named", "changes"), BAD, ids=lambda value: str(value)[:60])
def test_a_bad_request_is_told_which_parameter_is_wrong(caller: Caller, named: str, changes: dict[str, Any]):
    answer = caller.create(**changes)
    assert answer.status_code == 400
    (error,) = answer.json()["errors"]
    assert (error["paramName"], error["pointer"].rsplit("/", 1)[1]) == (named, named)


@pytest.mark.parametrize(
    "changes", [{}, {"vcType": "numeric6"}, {"vcType": "numeric4", "initialCallbackUrl": CALLBACK}]
)
def test_a_bad_notification_is_refused(caller: Caller, changes: dict[str, Any]):
    assert caller.create(f"notification/document/{ANNA}", **changes).status_code == 400


def test_a_body_that_is_no_object_is_refused(caller: Caller):
    url = f"{caller.emulator.base_url}/authentication/device-link/anonymous"
    for body in (b"", b"[]", b"{"):
        assert caller.http.post(url, content=body).status_code == 400


def test_who_may_ask_for_what(caller: Caller):
    other = "11111111-0000-4000-8000-000000000000"
    assert caller.create(relyingPartyUUID=other).status_code == 401
    assert caller.create(relyingPartyName="demo").status_code == 200
    assert caller.create(certificateLevel="ADVANCED").status_code == 403
    assert caller.create(requestProperties={"shareMdClientIpAddress": True}).status_code == 403
    caller.service.may_ask_advanced = True
    assert caller.create(certificateLevel="ADVANCED").status_code == 200
    caller.service.faults.forbids_unknown_party = True
    assert caller.create(relyingPartyUUID=other).status_code == 403


def test_people_are_known_by_identifier_and_by_document(caller: Caller):
    pushed = {"vcType": "numeric4"}
    assert caller.create("notification/etsi/PNOLV-040404-10003", **pushed).status_code == 200
    assert caller.create("device-link/document/" + ANNA).status_code == 200
    assert caller.create("notification/etsi/PNOLV-999999-99999", **pushed).status_code == 404
    assert caller.create("device-link/document/PNOLV-040404-10003-DEM9-Q").status_code == 404
    basic = caller.create("notification/etsi/PNOLV-050404-19993", **pushed)
    assert (basic.status_code, basic.json()["errors"][0]["code"]) == (404, "NO_SUITABLE_ACCOUNT_FOUND")
    caller.service.faults.legacy = True
    assert caller.create("notification/etsi/PNOLV-050404-19993", **pushed).status_code == 471


def test_every_published_account_is_there():
    accounts = preloaded()
    assert len(accounts) == 11 + 28 + 7 * 4
    assert sum(each.level == "ADVANCED" for each in accounts.values()) == 6


# ----------------------------------------------------------------------------------------------------------- sessions


@pytest.mark.parametrize("timeout_ms", ["999", "120001", "-1", "x", "1e4"])
def test_a_wait_out_of_range_is_refused(caller: Caller, timeout_ms: str):
    created = caller.create().json()
    assert caller.session(created["sessionID"], timeout_ms).status_code == 400


def test_a_session_runs_completes_stays_the_same_and_is_gone(caller: Caller):
    caller.service.patience = 0
    created = caller.create().json()
    assert caller.session(created["sessionID"]).json() == {"state": "RUNNING"}
    assert caller.follow(caller.link(created))["ignored"] == ""
    first = caller.session(created["sessionID"]).json()
    assert (first["state"], first["result"]["endResult"]) == ("COMPLETE", "OK")
    caller.clock.move(299)
    assert caller.session(created["sessionID"]).json() == first
    caller.clock.move(2)
    assert caller.session(created["sessionID"]).status_code == 404
    assert caller.session("00000000-0000-4000-8000-000000000001").status_code == 404


def test_who_waits_is_answered_when_the_phone_is(caller: Caller):
    created = caller.create().json()
    with ThreadPoolExecutor() as pool:
        waiting = pool.submit(caller.session, created["sessionID"], 60_000)
        assert caller.service.sessions.await_poll()
        caller.follow(caller.link(created))
        assert waiting.result(timeout=20).json()["state"] == "COMPLETE"


def test_what_is_never_scanned_times_out_after_a_minute(caller: Caller):
    caller.service.patience = 0
    created = caller.create().json()
    caller.clock.move(59)
    assert caller.session(created["sessionID"]).json() == {"state": "RUNNING"}
    caller.clock.move(1)
    assert caller.session(created["sessionID"]).json()["result"] == {"endResult": "TIMEOUT"}


# -------------------------------------------------------------------------------------------------------------- phone


def ended(caller: Caller, created: dict[str, str]) -> str:
    caller.service.patience = 0
    answer = caller.session(created["sessionID"]).json()
    return str(answer["result"]["endResult"]) if answer["state"] == "COMPLETE" else "RUNNING"


@pytest.mark.parametrize(
    ("age", "told", "followed"), [(0, 0, True), (3, 0, True), (4, 0, False), (0, 1, True), (0, 2, False)]
)
def test_a_code_is_followed_for_three_seconds(caller: Caller, age: int, told: int, followed: bool):
    created = caller.create().json()
    caller.clock.move(age)
    assert (caller.follow(caller.link(created, elapsed=told))["ignored"] == "") is followed
    assert ended(caller, created) == ("OK" if followed else "RUNNING")


@pytest.mark.parametrize(
    "other", [{"scheme": "smart-id"}, {"callback": CALLBACK}], ids=["the live scheme", "a callback in a code"]
)
def test_a_wrong_code_of_a_link_ends_the_session(caller: Caller, other: dict[str, str]):
    created = caller.create(initialCallbackUrl=CALLBACK).json()
    assert caller.follow(caller.link(created, **other))["ignored"] == "wrong authCode"
    assert ended(caller, created) == "PROTOCOL_FAILURE"


@pytest.mark.parametrize("other", [{"type": "sign"}, {"version": "0.9"}, {"lang": "lv"}], ids=str)
def test_another_kind_of_link_is_passed_over(caller: Caller, other: dict[str, str]):
    created = caller.create().json()
    assert caller.follow(caller.link(created, **other))["ignored"] == "another kind of link"
    assert ended(caller, created) == "RUNNING"


def test_links_of_another_flow_session_order_or_account_are_passed_over(caller: Caller):
    created = caller.create().json()
    link = caller.link(created)
    assert caller.follow(link, flow="Web2App")["ignored"]
    assert caller.follow(link.replace(created["sessionToken"], "A" * 24))["ignored"] == "no such session"
    swapped = link.replace("deviceLinkType=QR&elapsedSeconds=0", "elapsedSeconds=0&deviceLinkType=QR")
    assert caller.follow(swapped, flow="QR")["ignored"] == "not a link of this service"
    assert caller.follow(link, who="PNOLV-999999-99999-MOCK-Q")["ignored"] == "no such account"
    assert ended(caller, created) == "RUNNING"


def test_a_session_for_one_person_is_not_for_another(caller: Caller):
    created = caller.create(f"device-link/document/{ANNA}").json()
    assert caller.follow(caller.link(created), who="PNOLV-050405-10009-DEM0-Q")["ignored"] == "somebody else"
    assert ended(caller, created) == "PROTOCOL_FAILURE"


def test_on_the_same_device_the_app_returns_with_proof(caller: Caller):
    created = caller.create(initialCallbackUrl=CALLBACK).json()
    link = caller.link(created, kind="Web2App", elapsed=None, callback=CALLBACK)
    callback = caller.follow(link, flow="Web2App")["callback"]
    digest = hashlib.sha256(base64.b64decode(created["sessionSecret"])).digest()
    begins = f"{CALLBACK}&sessionSecretDigest={base64.urlsafe_b64encode(digest).decode().rstrip('=')}"
    verifier = callback.removeprefix(f"{begins}&userChallengeVerifier=")
    assert len(verifier) == 43
    answer = caller.session(created["sessionID"]).json()
    challenge = base64.urlsafe_b64encode(hashlib.sha256(verifier.encode()).digest()).decode().rstrip("=")
    assert answer["signature"]["userChallenge"] == challenge
    assert answer["signature"]["flowType"] == "Web2App"


def test_an_account_that_refuses_returns_without_proof(caller: Caller):
    created = caller.create(initialCallbackUrl=CALLBACK).json()
    link = caller.link(created, kind="Web2App", elapsed=None, callback=CALLBACK)
    callback = caller.follow(link, who="PNOLV-030403-10016-MOCK-Q", flow="Web2App")["callback"]
    assert "sessionSecretDigest=" in callback
    assert "userChallengeVerifier" not in callback


def test_a_push_is_answered_with_the_code_that_was_chosen(caller: Caller):
    caller.service.pushes_answer_themselves = False
    digest = hashlib.sha256(base64.b64decode(CHALLENGE)).digest()
    right = f"{int.from_bytes(digest[-2:], 'big') % 10000:04d}"
    for code, ending in ((right, "OK"), (f"{(int(right) + 1) % 10000:04d}", "WRONG_VC")):
        created = caller.create(f"notification/document/{ANNA}", vcType="numeric4").json()
        assert ended(caller, created) == "RUNNING"
        body = {"documentNumber": ANNA, "code": code}
        assert caller.http.post(f"{caller.service.origin}/mock/push", json=body).json() == {"answered": 1}
        assert ended(caller, created) == ending


@pytest.mark.parametrize("hashed_by", ["SHA-256", "SHA-384", "SHA-512", "SHA3-256", "SHA3-384", "SHA3-512"])
def test_a_stranger_believes_its_signatures_and_none_that_was_altered(caller: Caller, hashed_by: str):
    chosen = parameters(signatureAlgorithmParameters={"hashAlgorithm": hashed_by})
    created = caller.create(signatureProtocolParameters=chosen).json()
    caller.follow(caller.link(created))
    recording = {
        "schemeName": "smart-id-demo",
        "request": {"relyingPartyName": "DEMO", "rpChallenge": CHALLENGE, "interactions": b64([TEXT])},
        "session": caller.session(created["sessionID"]).json(),
    }
    assert believes(recording)
    for part, member, value in (
        ("request", "rpChallenge", CHALLENGE[:-4] + "AA=="),
        ("request", "relyingPartyName", "Demo"),
        ("request", "interactions", b64([TEXT, TEXT])),
        ("session", "interactionTypeUsed", "confirmationMessage"),
    ):
        altered = json.loads(json.dumps(recording))
        altered[part][member] = value
        assert not believes(altered)
    for member, value in (
        ("serverRandom", "A" * 24),
        ("userChallenge", "A" * 43),
        ("flowType", "Notification"),
    ):
        altered = json.loads(json.dumps(recording))
        altered["session"]["signature"][member] = value
        assert not believes(altered)
    assert not believes({**recording, "schemeName": "smart-id"})
    assert not believes({**recording, "brokeredRpName": "Broker"})


# ------------------------------------------------------------------------------------------------------------- faults


@pytest.mark.parametrize("status", [480, 500, 503, 580])
def test_it_fails_as_told(caller: Caller, status: int):
    caller.service.faults.status = status
    assert caller.create().status_code == status


def test_it_drops_connections_and_adds_members_nobody_knows(caller: Caller):
    caller.service.faults.unknown_members = True
    assert "unknown" in caller.create().json()
    caller.service.faults.dropped = True
    with pytest.raises(httpx.TransportError):
        caller.create()


def test_its_accounts_take_every_form_of_certificate():
    assert account(ANNA).level == "QUALIFIED"
    assert account("PNOLV-050404-19993-DEMO-NQ").level == "ADVANCED"


def test_it_starts_by_itself_and_prints_how_to_reach_it(tmp_path: Path):
    port, log = free_port(), tmp_path / "out"
    command = [sys.executable, "-m", "tests.support.smart_id", "--port", str(port), "--key-bits", "2048"]
    with log.open("wb") as out:
        process = subprocess.Popen(
            command, cwd=ROOT, stdout=out, stderr=subprocess.DEVNULL, env=dict(os.environ)
        )
    try:
        deadline = time.monotonic() + START_SECONDS
        while "IDP_OUTBOUND_ALLOW" not in log.read_text():
            assert process.poll() is None, log.read_text()
            assert time.monotonic() < deadline, log.read_text()
            time.sleep(0.05)
        settings = dict(line.split("=", 1) for line in log.read_text().splitlines())
        trust = ssl.create_default_context(cafile=settings["IDP_SMART_ID_CA_FILE"])
        url = f"{settings['IDP_SMART_ID_BASE_URL']}/authentication/device-link/anonymous"
        assert httpx.post(url, json=request(), verify=trust).status_code == 200
    finally:
        stop(process)
