"""The gateway and the emulator over a TLS connection on loopback: each flow, each ending, each status, each fault."""

import base64
import json
import logging
import threading
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import pytest

from idp.effects import Effects
from idp.errors import Reason, Refused
from idp.gateways.identity import Handling
from idp.gateways.outbound import Outbound
from idp.gateways.smart_id.answers import Ended, Running, Signed
from idp.gateways.smart_id.callback import Returned, callback_url, check_callback
from idp.gateways.smart_id.door import LinkedSession, SmartId, code_of, open_smart_id
from idp.gateways.smart_id.environment import Revocation
from idp.gateways.smart_id.interactions import Interaction
from idp.gateways.smart_id.links import PageLanguage
from idp.gateways.smart_id.outcomes import END_RESULTS, handling_of
from idp.gateways.smart_id.verification import Verified
from idp.gateways.smart_id.words import Flow, Screen
from tests.idp.gateways.smart_id.conftest import LOOPBACK, Rig
from tests.support.certificates import Authority
from tests.support.remote import Reply, remote_server
from tests.support.smart_id.accounts import Account, Behaviour, account, preloaded
from tests.support.smart_id.authority import PROFILES, Variant

ANNA = "PNOLV-040404-10003-DEMO-Q"
SHOWN = (
    Interaction(screen=Screen.CONFIRMATION, text="Identitātes pārbaude lietotāja kontam “anna”"),
    Interaction(screen=Screen.TEXT_AND_PIN, text="Identitātes pārbaude: anna"),
)
PUSHED = (Interaction(screen=Screen.CODE_CHOICE, text="Identitātes pārbaude"), SHOWN[1])
VALUE = "RrKjjT4aggzu27YBddX1bQ"
CALLBACK = callback_url("https://visvaris.lv/smart-id", VALUE)
LATVIAN = PageLanguage.LATVIAN


def scan(rig: Rig, smart_id: SmartId, session: LinkedSession, who: str = ANNA) -> str:
    """What the phone made of the code; empty when it was followed."""
    return rig.service.phone.follow(smart_id.qr_link(session, language=LATVIAN), who).ignored


def answer_of(smart_id: SmartId, session_id: str) -> Signed:
    answer = smart_id.poll(session_id, wait_milliseconds=1000)
    assert isinstance(answer, Signed)
    return answer


def confirmed(rig: Rig, smart_id: SmartId, who: str = ANNA) -> Verified:
    session = smart_id.begin_with_link(SHOWN, callback_url=None)
    assert scan(rig, smart_id, session, who) == ""
    return smart_id.confirm(answer_of(smart_id, session.created.session_id), session.asked, returned=None)


def refusal(call: Any) -> Reason:
    with pytest.raises(Refused) as caught:
        call()
    return caught.value.reason


# -------------------------------------------------------------------------------------------------------------- flows


def test_a_qr_code_confirms_whoever_scans_it(rig: Rig, smart_id: SmartId):
    verified = confirmed(rig, smart_id)
    assert verified.identity.identifier == "PNOLV-040404-10003"
    assert (verified.flow, verified.screen) == (Flow.QR, Screen.CONFIRMATION)
    assert len(verified.certificate_fingerprint) == len(verified.message_digest) == 64
    asked = [each.path for each in rig.service.asked]
    assert asked.count("/ocsp") == 2
    assert asked[0] == "/smart-id-rp/v3/authentication/device-link/anonymous"


def test_a_new_code_each_second_is_followed_and_an_old_one_is_not(rig: Rig, smart_id: SmartId):
    session = smart_id.begin_with_link(SHOWN, callback_url=None)
    links = []
    for _ in range(6):
        links.append(smart_id.qr_link(session, language=LATVIAN))
        rig.clock.move(1)
    assert len(set(links)) == 6
    for old in links[:2]:
        assert rig.service.phone.follow(old, ANNA).ignored == "too old or ahead of time"
    assert scan(rig, smart_id, session) == ""


def test_a_clock_that_was_set_back_gives_no_negative_seconds(rig: Rig, smart_id: SmartId):
    session = smart_id.begin_with_link(SHOWN, callback_url=None)
    rig.clock.move(-5)
    assert "&elapsedSeconds=0&" in smart_id.qr_link(session, language=LATVIAN)


def test_on_one_device_the_callback_brings_the_person_back(rig: Rig, smart_id: SmartId):
    session = smart_id.begin_with_link(SHOWN, callback_url=CALLBACK)
    followed = rig.service.phone.follow(smart_id.same_device_link(session, language=LATVIAN), ANNA)
    assert followed.callback
    assert followed.callback.startswith(f"{CALLBACK}&sessionSecretDigest=")
    returned = check_callback(
        urlsplit(followed.callback).query,
        expected_value=VALUE,
        session_secret=session.created.session_secret,
    )
    signed = answer_of(smart_id, session.created.session_id)
    assert smart_id.confirm(signed, session.asked, returned=returned).flow is Flow.WEB2APP


def test_polling_alone_confirms_nobody_on_the_same_device(rig: Rig, smart_id: SmartId):
    """attack 37"""
    session = smart_id.begin_with_link(SHOWN, callback_url=CALLBACK)
    rig.service.phone.follow(smart_id.same_device_link(session, language=LATVIAN), ANNA)
    signed = answer_of(smart_id, session.created.session_id)
    assert (
        refusal(lambda: smart_id.confirm(signed, session.asked, returned=None))
        is Reason.SMART_ID_CALLBACK_MISSING
    )
    foreign = Returned(verifier="A" * 43)
    refused = refusal(lambda: smart_id.confirm(signed, session.asked, returned=foreign))
    assert refused is Reason.SMART_ID_CALLBACK_VERIFIER


def test_a_session_with_a_callback_shows_a_code_too(rig: Rig, smart_id: SmartId):
    session = smart_id.begin_with_link(SHOWN, callback_url=CALLBACK)
    assert scan(rig, smart_id, session) == ""
    signed = answer_of(smart_id, session.created.session_id)
    assert smart_id.confirm(signed, session.asked, returned=None).flow is Flow.QR


def test_a_session_without_a_callback_has_no_link_for_the_same_device(smart_id: SmartId):
    session = smart_id.begin_with_link(SHOWN, callback_url=None)
    with pytest.raises(ValueError):
        smart_id.same_device_link(session, language=LATVIAN)


def test_a_notification_goes_to_one_account_after_its_code_is_known(rig: Rig, smart_id: SmartId):
    document = "PNOLV-050405-10009-DEM0-Q"
    asked = smart_id.prepare_notification(PUSHED, document_number=document)
    code = code_of(asked)
    assert rig.service.asked == []
    rig.service.pushes_answer_themselves = False
    session = smart_id.notify(asked)
    assert rig.service.asked[0].path.endswith(f"/authentication/notification/document/{document}")
    (waiting,) = rig.service.sessions.all()
    rig.service.phone.answer_push(waiting, rig.service.accounts[document], chosen_code=code)
    verified = smart_id.confirm(answer_of(smart_id, session.session_id), session.asked, returned=None)
    assert (verified.flow, verified.screen, verified.document_number) == (
        Flow.NOTIFICATION,
        Screen.CODE_CHOICE,
        document,
    )


@pytest.mark.parametrize(
    "number", ["", "PNOLV-1", "../session/x", "PNOLV-040404-10003-DEMO-Q/x", "PNOLV-0 4-DEMO-Q"]
)
def test_what_is_no_document_number_goes_into_no_address(smart_id: SmartId, number: str):
    with pytest.raises(ValueError):
        smart_id.prepare_notification(PUSHED, document_number=number)


def test_who_waits_is_answered_as_soon_as_the_phone_is(rig: Rig, smart_id: SmartId):
    session = smart_id.begin_with_link(SHOWN, callback_url=None)
    with ThreadPoolExecutor() as pool:
        waiting = pool.submit(smart_id.poll, session.created.session_id, wait_milliseconds=60_000)
        assert rig.service.sessions.await_poll()
        assert scan(rig, smart_id, session) == ""
        assert isinstance(waiting.result(timeout=20), Signed)


def test_who_waits_in_vain_learns_that_it_runs_and_the_same_answer_comes_each_time(
    rig: Rig, smart_id: SmartId
):
    rig.service.patience = 0
    session = smart_id.begin_with_link(SHOWN, callback_url=None)
    for _ in range(3):
        assert smart_id.poll(session.created.session_id, wait_milliseconds=1000) == Running()
    scan(rig, smart_id, session)
    first, second = (answer_of(smart_id, session.created.session_id) for _ in range(2))
    assert first == second
    rig.clock.move(301)
    gone = refusal(lambda: smart_id.poll(session.created.session_id, wait_milliseconds=1000))
    assert gone is Reason.SMART_ID_SESSION_UNKNOWN


def test_long_polls_are_held_within_bounds(rig: Rig, smart_id: SmartId):
    rig.service.patience = 0
    session = smart_id.begin_with_link(SHOWN, callback_url=None)
    for wait in (-1, 0, 10**9):
        assert smart_id.poll(session.created.session_id, wait_milliseconds=wait) == Running()


def test_unknown_members_are_passed_over_everywhere(rig: Rig, smart_id: SmartId):
    rig.service.faults.unknown_members = True
    assert confirmed(rig, smart_id).identity.country == "LV"


def test_every_request_has_a_challenge_of_its_own(rig: Rig, smart_id: SmartId):
    """attack 37"""
    for _ in range(3):
        smart_id.begin_with_link(SHOWN, callback_url=None)
    challenges = {
        json.loads(each.body)["signatureProtocolParameters"]["rpChallenge"] for each in rig.service.asked
    }
    assert len(challenges) == 3
    assert {len(base64.b64decode(challenge)) for challenge in challenges} == {64}


# ------------------------------------------------------------------------------------------------------------ endings

ENDING = sorted(
    (each for each in preloaded().values() if each.behaviour.end_result != "OK"),
    key=lambda each: each.document_number,
)


@pytest.mark.parametrize(
    "who", [each for each in ENDING if each.identifier.startswith("PNOLV")], ids=lambda each: each.identifier
)
def test_accounts_that_do_not_confirm_end_as_they_are_published(rig: Rig, smart_id: SmartId, who: Account):
    session = smart_id.begin_with_link(SHOWN, callback_url=None)
    scan(rig, smart_id, session, who.document_number)
    rig.clock.move(130)
    ended = smart_id.poll(session.created.session_id, wait_milliseconds=1000)
    assert ended == Ended(reason=END_RESULTS[who.behaviour.end_result], screen=who.behaviour.screen or "")


@pytest.mark.parametrize("end_result", [*END_RESULTS, "SOMETHING_NEW", "ok", "OK "])
def test_every_ending_has_its_reason_and_what_is_new_fails(rig: Rig, smart_id: SmartId, end_result: str):
    rig.service.add(account("PNOLV-010203-10001-MOCK-Q", behaviour=Behaviour(end_result)))
    session = smart_id.begin_with_link(SHOWN, callback_url=None)
    scan(rig, smart_id, session, "PNOLV-010203-10001-MOCK-Q")
    rig.clock.move(130)
    ended = smart_id.poll(session.created.session_id, wait_milliseconds=1000)
    assert ended == Ended(reason=END_RESULTS.get(end_result, Reason.SMART_ID_UNKNOWN_RESULT))


def test_endings_that_may_be_an_attack_are_alarms():
    alarms = {reason for reason in END_RESULTS.values() if handling_of(reason) is Handling.ALARM}
    assert alarms == {
        Reason.SMART_ID_WRONG_CODE,
        Reason.SMART_ID_PROTOCOL_FAILURE,
        Reason.SMART_ID_LINKED_SESSION,
    }


def test_a_wrong_code_on_the_phone_ends_the_session(rig: Rig, smart_id: SmartId):
    rig.service.pushes_answer_themselves = False
    asked = smart_id.prepare_notification(PUSHED, document_number=ANNA)
    session = smart_id.notify(asked)
    wrong = f"{(int(code_of(asked)) + 1) % 10000:04d}"
    (waiting,) = rig.service.sessions.all()
    rig.service.phone.answer_push(waiting, rig.service.accounts[ANNA], chosen_code=wrong)
    ended = smart_id.poll(session.session_id, wait_milliseconds=1000)
    assert ended == Ended(reason=Reason.SMART_ID_WRONG_CODE)


def test_a_link_that_was_altered_ends_the_session(rig: Rig, smart_id: SmartId):
    session = smart_id.begin_with_link(SHOWN, callback_url=None)
    link = smart_id.qr_link(session, language=LATVIAN).replace("elapsedSeconds=0", "elapsedSeconds=1")
    assert rig.service.phone.follow(link, ANNA).ignored == "wrong authCode"
    ended = smart_id.poll(session.created.session_id, wait_milliseconds=1000)
    assert ended == Ended(reason=Reason.SMART_ID_PROTOCOL_FAILURE)


def test_an_account_nobody_has_leaves_the_session_to_its_end(rig: Rig, smart_id: SmartId):
    session = smart_id.begin_with_link(SHOWN, callback_url=None)
    assert scan(rig, smart_id, session, "PNOLV-999999-99999-MOCK-Q") == "no such account"
    rig.clock.move(61)
    ended = smart_id.poll(session.created.session_id, wait_milliseconds=1000)
    assert ended == Ended(reason=Reason.SMART_ID_TIMEOUT)


def test_an_app_that_can_show_nothing_of_it_is_too_old(rig: Rig, smart_id: SmartId):
    old = Behaviour(supports=frozenset({"confirmationMessageAndVerificationCodeChoice"}))
    rig.service.add(account("PNOLV-010203-10001-MOCK-Q", behaviour=old))
    session = smart_id.begin_with_link(SHOWN, callback_url=None)
    scan(rig, smart_id, session, "PNOLV-010203-10001-MOCK-Q")
    ended = smart_id.poll(session.created.session_id, wait_milliseconds=1000)
    assert ended == Ended(reason=Reason.SMART_ID_OLD_APP)


# -------------------------------------------------------------------------------------------------- people and trust


@pytest.mark.parametrize(
    ("variant", "reason"),
    [
        (Variant.NOT_QUALIFIED, Reason.SMART_ID_LEVEL),
        (Variant.EXPIRED, Reason.SMART_ID_CERTIFICATE_EXPIRED),
        (Variant.NOT_YET_VALID, Reason.SMART_ID_CERTIFICATE_NOT_YET),
        (Variant.WRONG_PURPOSE, Reason.SMART_ID_CERTIFICATE_PURPOSE),
        (Variant.WRONG_POLICY, Reason.SMART_ID_CERTIFICATE_POLICY),
        (Variant.SIGNING, Reason.SMART_ID_CERTIFICATE_POLICY),
        (Variant.UNKNOWN_AUTHORITY, Reason.SMART_ID_CERTIFICATE_ISSUER),
        (Variant.TWO_SERIAL_NUMBERS, Reason.SMART_ID_CERTIFICATE_SUBJECT),
        (Variant.REVOKED, Reason.SMART_ID_REVOKED),
    ],
)
def test_certificates_that_are_not_to_be_believed(
    rig: Rig, smart_id: SmartId, variant: Variant, reason: Reason
):
    """attacks 30 and 37"""
    number = "PNOLV-050404-19993-DEMO-NQ" if variant is Variant.NOT_QUALIFIED else ANNA
    rig.service.add(account(number, variant=variant))
    assert refusal(lambda: confirmed(rig, smart_id, number)) is reason


@pytest.mark.parametrize("variant", [Variant.USUAL, Variant.OLD_PROFILE, Variant.NO_DATE_OF_BIRTH])
def test_certificates_that_are_to_be_believed(rig: Rig, smart_id: SmartId, variant: Variant):
    rig.service.add(account(ANNA, variant=variant))
    assert confirmed(rig, smart_id).document_number == ANNA


@pytest.mark.parametrize(
    ("number", "reason"),
    [
        ("PNOEE-40404040009-MOCK-Q", Reason.SMART_ID_COUNTRY),
        ("PASLV-LV1234567-MOCK-Q", Reason.SMART_ID_IDENTIFIER_KIND),
    ],
)
def test_identities_that_cannot_be_linked(rig: Rig, smart_id: SmartId, number: str, reason: Reason):
    rig.service.add(account(number))
    assert refusal(lambda: confirmed(rig, smart_id, number)) is reason


def test_another_persons_answer_to_a_notification_is_refused(rig: Rig, smart_id: SmartId):
    """attack 37"""
    rig.service.pushes_answer_themselves = False
    session = smart_id.notify(smart_id.prepare_notification(PUSHED, document_number=ANNA))
    (waiting,) = rig.service.sessions.all()
    rig.service.phone.answer_push(waiting, rig.service.accounts["PNOLV-050405-10009-DEM0-Q"])
    signed = answer_of(smart_id, session.session_id)
    refused = refusal(lambda: smart_id.confirm(signed, session.asked, returned=None))
    assert refused is Reason.SMART_ID_OTHER_DOCUMENT


def test_an_old_answer_does_not_confirm_a_new_session(rig: Rig, smart_id: SmartId):
    """attack 37: replay of an old confirmation"""
    earlier = smart_id.begin_with_link(SHOWN, callback_url=None)
    scan(rig, smart_id, earlier)
    signed = answer_of(smart_id, earlier.created.session_id)
    later = smart_id.begin_with_link(SHOWN, callback_url=None)
    refused = refusal(lambda: smart_id.confirm(signed, later.asked, returned=None))
    assert refused is Reason.SMART_ID_SIGNATURE


def test_a_service_that_changes_an_answer_is_found_out(rig: Rig, smart_id: SmartId):
    def another_document(answer: dict[str, Any]) -> dict[str, Any]:
        if answer.get("state") == "COMPLETE":
            answer["result"]["documentNumber"] = "PNOLV-050405-10009-DEM0-Q"
        return answer

    rig.service.faults.changes = another_document
    assert refusal(lambda: confirmed(rig, smart_id)) is Reason.SMART_ID_CERTIFICATE_DOCUMENT


def test_an_expired_certificate_is_refused_when_it_is_used_and_not_when_it_was_made(
    rig: Rig, smart_id: SmartId
):
    """attack 30"""
    rig.service.add(
        replace(rig.service.accounts[ANNA], profile=replace(PROFILES[Variant.USUAL], days_after=1))
    )
    session = smart_id.begin_with_link(SHOWN, callback_url=None)
    scan(rig, smart_id, session)
    signed = answer_of(smart_id, session.created.session_id)
    assert smart_id.confirm(signed, session.asked, returned=None)
    rig.clock.move(86_401)
    refused = refusal(lambda: smart_id.confirm(signed, session.asked, returned=None))
    assert refused is Reason.SMART_ID_CERTIFICATE_EXPIRED


# --------------------------------------------------------------------------------------------------------- revocation


def test_without_an_answer_about_revocation_nobody_is_confirmed(rig: Rig, smart_id: SmartId):
    rig.service.mood.http_status = 503
    assert refusal(lambda: confirmed(rig, smart_id)) is Reason.SMART_ID_STATUS_UNREACHABLE
    rig.service.mood.http_status = 200
    rig.service.mood.status = "unknown"
    assert refusal(lambda: confirmed(rig, smart_id)) is Reason.SMART_ID_STATUS_UNKNOWN
    rig.service.mood.status = None
    rig.service.mood.updated_ago = 3600
    assert refusal(lambda: confirmed(rig, smart_id)) is Reason.SMART_ID_STATUS_STALE


def test_a_revoked_issuer_takes_its_people_with_it(rig: Rig, smart_id: SmartId):
    """attack 37"""
    issuer = rig.service.authority.issuers["qualified"].certificate
    rig.service.phone.revoked.add(issuer.serial_number)
    assert refusal(lambda: confirmed(rig, smart_id)) is Reason.SMART_ID_REVOKED


def test_at_the_demo_service_nobody_is_asked(rig: Rig):
    smart_id = rig.smart_id(revocation=Revocation.OFF)
    rig.service.add(account(ANNA, variant=Variant.REVOKED))
    assert confirmed(rig, smart_id)
    assert "/ocsp" not in {each.path for each in rig.service.asked}


# ------------------------------------------------------------------------------------------------- statuses and faults


@pytest.mark.parametrize(
    ("status", "created", "polled"),
    [
        (400, Reason.SMART_ID_BAD_REQUEST, Reason.SMART_ID_BAD_REQUEST),
        (401, Reason.SMART_ID_NOT_ACCEPTED, Reason.SMART_ID_NOT_ACCEPTED),
        (403, Reason.SMART_ID_NOT_PERMITTED, Reason.SMART_ID_NOT_PERMITTED),
        (404, Reason.SMART_ID_NO_ACCOUNT, Reason.SMART_ID_SESSION_UNKNOWN),
        (471, Reason.SMART_ID_NO_SUITABLE_ACCOUNT, Reason.SMART_ID_NO_SUITABLE_ACCOUNT),
        (472, Reason.SMART_ID_ACCOUNT_PROBLEM, Reason.SMART_ID_ACCOUNT_PROBLEM),
        (480, Reason.SMART_ID_API_TOO_OLD, Reason.SMART_ID_API_TOO_OLD),
        (500, Reason.SMART_ID_UNAVAILABLE, Reason.SMART_ID_UNAVAILABLE),
        (503, Reason.SMART_ID_UNAVAILABLE, Reason.SMART_ID_UNAVAILABLE),
        (599, Reason.SMART_ID_UNAVAILABLE, Reason.SMART_ID_UNAVAILABLE),
        (580, Reason.SMART_ID_MAINTENANCE, Reason.SMART_ID_MAINTENANCE),
        (301, Reason.SMART_ID_UNKNOWN_STATUS, Reason.SMART_ID_UNKNOWN_STATUS),
        (418, Reason.SMART_ID_UNKNOWN_STATUS, Reason.SMART_ID_UNKNOWN_STATUS),
        (201, Reason.SMART_ID_UNKNOWN_STATUS, Reason.SMART_ID_UNKNOWN_STATUS),
    ],
)
def test_every_status_has_its_reason(
    rig: Rig, smart_id: SmartId, status: int, created: Reason, polled: Reason
):
    session = smart_id.begin_with_link(SHOWN, callback_url=None)
    rig.service.faults.status = status
    assert refusal(lambda: smart_id.begin_with_link(SHOWN, callback_url=None)) is created
    assert refusal(lambda: smart_id.poll(session.created.session_id, wait_milliseconds=1000)) is polled


def test_an_account_nobody_has_and_one_that_does_not_suit(rig: Rig, smart_id: SmartId):
    def pushed(number: str) -> Reason:
        asked = smart_id.prepare_notification(PUSHED, document_number=number)
        return refusal(lambda: smart_id.notify(asked))

    assert pushed("PNOLV-999999-99999-MOCK-Q") is Reason.SMART_ID_NO_ACCOUNT
    assert pushed("PNOLV-050404-19993-DEMO-NQ") is Reason.SMART_ID_NO_SUITABLE_ACCOUNT
    rig.service.faults.legacy = True
    assert pushed("PNOLV-050404-19993-DEMO-NQ") is Reason.SMART_ID_NO_SUITABLE_ACCOUNT
    rig.service.add(account("PNOLV-010203-10001-MOCK-Q", behaviour=Behaviour("DOCUMENT_UNUSABLE")))
    assert pushed("PNOLV-010203-10001-MOCK-Q") is Reason.SMART_ID_ACCOUNT_PROBLEM


def test_a_relying_party_that_is_not_registered_is_told_so(rig: Rig):
    stranger = rig.smart_id(relying_party_id="11111111-0000-4000-8000-000000000000")
    assert refusal(lambda: stranger.begin_with_link(SHOWN, callback_url=None)) is Reason.SMART_ID_NOT_ACCEPTED
    rig.service.faults.forbids_unknown_party = True
    assert (
        refusal(lambda: stranger.begin_with_link(SHOWN, callback_url=None)) is Reason.SMART_ID_NOT_PERMITTED
    )


def test_a_connection_that_drops_is_unreachable(rig: Rig, smart_id: SmartId):
    rig.service.faults.dropped = True
    assert refusal(lambda: smart_id.begin_with_link(SHOWN, callback_url=None)) is Reason.SMART_ID_UNREACHABLE


def test_a_service_that_is_slow_is_not_waited_for(
    rig: Rig, smart_id: SmartId, monkeypatch: pytest.MonkeyPatch
):
    monkeypatch.setattr("idp.gateways.smart_id.door._CREATE_SECONDS", 0.3)
    rig.service.faults.slow = threading.Event()
    try:
        assert refusal(lambda: smart_id.begin_with_link(SHOWN, callback_url=None)) is Reason.SMART_ID_TOO_SLOW
    finally:
        rig.service.faults.slow.set()


def test_a_poll_that_is_never_answered_ends_by_itself(
    rig: Rig, smart_id: SmartId, monkeypatch: pytest.MonkeyPatch
):
    session = smart_id.begin_with_link(SHOWN, callback_url=None)
    monkeypatch.setattr("idp.gateways.smart_id.door._GRACE_SECONDS", -0.7)
    rig.service.faults.slow = threading.Event()
    try:
        slow = refusal(lambda: smart_id.poll(session.created.session_id, wait_milliseconds=1000))
    finally:
        rig.service.faults.slow.set()
    assert slow is Reason.SMART_ID_TOO_SLOW


@pytest.mark.parametrize("body", [b"", b"<html>", b"[]", b'{"sessionID": 1}', b"x" * 70_000])
def test_an_answer_in_another_shape_is_refused(rig: Rig, smart_id: SmartId, body: bytes):
    rig.service.faults.changes = lambda _: body
    refused = refusal(lambda: smart_id.begin_with_link(SHOWN, callback_url=None))
    assert refused in {Reason.SMART_ID_ANSWER_BROKEN, Reason.SMART_ID_UNREACHABLE}


# ----------------------------------------------------------------------------------------------------------- transport


def test_a_server_with_another_key_is_told_nothing(rig: Rig):
    """attack 44: the authority vouches for it, the pin does not, and no byte of the request arrives"""
    other = rig.smart_id(pins=frozenset({bytes(32)}))
    refused = refusal(lambda: other.begin_with_link(SHOWN, callback_url=None))
    assert refused is Reason.SMART_ID_WRONG_SERVER_KEY
    assert rig.service.asked == []


def test_the_next_key_is_as_good_as_the_current_one(rig: Rig):
    both = rig.smart_id(pins=rig.environment.pins | {bytes(32)})
    assert both.begin_with_link(SHOWN, callback_url=None)


def test_a_pinned_key_alone_is_not_enough(rig: Rig, tmp_path: Path):
    """The chain of the TLS certificate has to hold as well"""
    stranger = Authority(tmp_path / "stranger")
    outbound = Outbound(ca_file=stranger.ca_file, allowed=LOOPBACK)
    smart_id = open_smart_id(rig.environment, Effects(now=rig.clock), responders=outbound)
    assert refusal(lambda: smart_id.begin_with_link(SHOWN, callback_url=None)) is Reason.SMART_ID_UNREACHABLE
    assert rig.service.asked == []


def test_private_networks_are_within_reach_only_when_listed(rig: Rig):
    """attack 9"""
    outbound = Outbound(ca_file=rig.authority.ca_file)
    smart_id = open_smart_id(rig.environment, Effects(now=rig.clock), responders=outbound)
    assert refusal(lambda: smart_id.begin_with_link(SHOWN, callback_url=None)) is Reason.SMART_ID_UNREACHABLE
    assert rig.service.asked == []


def test_pins_are_of_no_use_over_http_and_so_http_is_refused():
    outbound = Outbound(allowed=LOOPBACK, pins=frozenset({bytes(32)}))
    with pytest.raises(Exception, match="must be an https URL"):
        outbound.ask("GET", "http://localhost:1/", headers={}, limit=10, seconds=1)


def test_responders_are_asked_over_http_and_nobody_else_is():
    with remote_server(None) as remote:
        remote.answers["/ocsp"] = Reply(b"answer")
        outbound = Outbound(allowed=LOOPBACK)
        fetched = outbound.ask_responder(
            remote.url("/ocsp"), b"asked", kind="application/ocsp-request", limit=100
        )
        assert (fetched.body, remote.received[0].headers["Content-Type"]) == (
            b"answer",
            "application/ocsp-request",
        )


# --------------------------------------------------------------------------------------------------------------- logs


@contextmanager
def everything_logged() -> Iterator[list[str]]:
    lines: list[str] = []

    class Keep(logging.Handler):
        def emit(self, record: logging.LogRecord) -> None:
            lines.append(record.getMessage() + str(record.exc_info or ""))

    root, handler = logging.getLogger(), Keep()
    level = root.level
    root.addHandler(handler)
    root.setLevel(logging.DEBUG)
    try:
        yield lines
    finally:
        root.removeHandler(handler)
        root.setLevel(level)


def test_no_code_secret_or_challenge_is_logged_whatever_happens(rig: Rig, smart_id: SmartId):
    """attack 44"""
    with everything_logged() as lines:
        logging.getLogger("test").debug("the log is kept")
        confirmed(rig, smart_id)
        session = smart_id.begin_with_link(SHOWN, callback_url=CALLBACK)
        rig.service.phone.follow(smart_id.same_device_link(session, language=LATVIAN), ANNA)
        asked = smart_id.prepare_notification(PUSHED, document_number=ANNA)
        smart_id.notify(asked)
        rig.service.faults.dropped = True
        errors = [
            refusal_text(lambda: smart_id.notify(asked)),
            refusal_text(lambda: smart_id.poll(session.created.session_id, wait_milliseconds=1000)),
        ]
    told = "\n".join([*lines, *errors])
    assert "the log is kept" in told
    secrets = [ANNA, "040404", VALUE, asked.challenge, session.asked.challenge]
    secrets += [session.created.session_id, session.created.session_token, session.created.session_secret]
    assert [secret for secret in secrets if secret in told] == []


def refusal_text(call: Any) -> str:
    with pytest.raises(Refused) as caught:
        call()
    assert caught.value.__cause__ is None
    assert caught.value.__suppress_context__
    return repr(caught.value) + str(caught.value)
