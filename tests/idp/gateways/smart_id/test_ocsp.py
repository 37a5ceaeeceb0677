"""Revocation (RFC 6960): one answer is good, and each way of being anything else is refused with a reason of its own."""

from dataclasses import dataclass, replace
from functools import cache

import pytest
from cryptography.x509 import ocsp as library
from cryptography.x509.oid import ExtendedKeyUsageOID
from hypothesis import given
from hypothesis import strategies as st

from idp.errors import Reason, Refused
from idp.gateways.smart_id.ocsp import Question, check_answer, question_about
from tests.support.builders import START
from tests.support.smart_id.authority import PROFILES, SmartIdAuthority, Variant
from tests.support.smart_id.ocsp import REVOKED, UNKNOWN, Mood, Responder
from tests.support.smart_id.studio import ANNA

NONCE = bytes(range(32))
MINUTE = 60


@dataclass
class Asking:
    question: Question
    authority: SmartIdAuthority

    def answer(self, *, at: float = START, revoked: frozenset[int] = frozenset(), **mood: object) -> bytes:
        responder = Responder(self.authority, Mood(**mood), set(revoked))
        return responder.answer(self.question.body(), at=at)

    def refusal(self, answer: bytes, *, now: float = START) -> Reason:
        with pytest.raises(Refused) as caught:
            check_answer(answer, self.question, now=now)
        return caught.value.reason


@pytest.fixture
def asking(people: SmartIdAuthority) -> Asking:
    people.tell_responder("http://ocsp.example.lv/smart-id")
    certificate, _ = people.certify(ANNA.person, ANNA.document_number, at=START)
    question = question_about(certificate, people.issuers["qualified"].certificate, nonce=NONCE)
    return Asking(question, people)


def test_the_address_is_in_the_certificate(asking: Asking):
    assert asking.question.address == "http://ocsp.example.lv/smart-id"


@pytest.mark.parametrize("mood", [{}, {"signed_with": "sha512"}, {"next_in": None}])
def test_a_good_answer_is_good(asking: Asking, mood: dict[str, object]):
    check_answer(asking.answer(**mood), asking.question, now=START)


def test_issuers_are_asked_about_as_people_are(people: SmartIdAuthority):
    people.tell_responder("http://ocsp.example.lv/smart-id")
    issuer, root = people.issuers["qualified"].certificate, people.root.certificate
    asking = Asking(question_about(issuer, root, nonce=NONCE), people)
    check_answer(asking.answer(), asking.question, now=START)
    revoked = asking.answer(revoked=frozenset({issuer.serial_number}))
    assert asking.refusal(revoked) is Reason.SMART_ID_REVOKED


def test_a_revoked_certificate_is_refused(asking: Asking):
    """attack 37"""
    serial = asking.question.certificate.serial_number
    assert asking.refusal(asking.answer(revoked=frozenset({serial}))) is Reason.SMART_ID_REVOKED


CASES: list[tuple[dict[str, object], Reason]] = [
    ({"status": REVOKED}, Reason.SMART_ID_REVOKED),
    ({"status": UNKNOWN}, Reason.SMART_ID_STATUS_UNKNOWN),
    ({"response_status": 1}, Reason.SMART_ID_STATUS_UNREACHABLE),
    ({"response_status": 6}, Reason.SMART_ID_STATUS_UNREACHABLE),
    ({"updated_ago": 15 * MINUTE + 1}, Reason.SMART_ID_STATUS_STALE),
    ({"updated_ago": -121}, Reason.SMART_ID_STATUS_STALE),
    ({"produced_ago": -121}, Reason.SMART_ID_STATUS_STALE),
    ({"next_in": -1}, Reason.SMART_ID_STATUS_STALE),
    ({"nonce": b""}, Reason.SMART_ID_STATUS_NONCE),
    ({"nonce": bytes(32)}, Reason.SMART_ID_STATUS_NONCE),
    ({"other_serial": True}, Reason.SMART_ID_STATUS_OTHER),
    ({"other_issuer": True}, Reason.SMART_ID_STATUS_OTHER),
    ({"answers": 2}, Reason.SMART_ID_STATUS_BROKEN),
    ({"answers": 0}, Reason.SMART_ID_STATUS_BROKEN),
    ({"version": 1}, Reason.SMART_ID_STATUS_BROKEN),
    ({"version": 0}, Reason.SMART_ID_STATUS_BROKEN),
    ({"archive_cutoff": False}, Reason.SMART_ID_STATUS_BROKEN),
    ({"garbage": b""}, Reason.SMART_ID_STATUS_BROKEN),
    ({"garbage": b"\x30\x03\x0a\x01\x00"}, Reason.SMART_ID_STATUS_BROKEN),
    ({"wrong_signature": True}, Reason.SMART_ID_STATUS_SIGNATURE),
    ({"signed_with": "sha1"}, Reason.SMART_ID_STATUS_SIGNATURE),
    ({"embeds_certificate": False}, Reason.SMART_ID_STATUS_SIGNATURE),
    ({"responder_purposes": ()}, Reason.SMART_ID_STATUS_RESPONDER),
    ({"responder_purposes": (ExtendedKeyUsageOID.CLIENT_AUTH,)}, Reason.SMART_ID_STATUS_RESPONDER),
    ({"responder_days_after": -1}, Reason.SMART_ID_STATUS_RESPONDER),
    ({"responder_of": "not qualified"}, Reason.SMART_ID_STATUS_RESPONDER),
    ({"responder_of": "unknown"}, Reason.SMART_ID_STATUS_RESPONDER),
]


@pytest.mark.parametrize(("mood", "reason"), CASES, ids=lambda value: str(value)[:50])
def test_an_answer_with_one_thing_wrong_is_refused(asking: Asking, mood: dict[str, object], reason: Reason):
    """attacks 30 and 37"""
    assert asking.refusal(asking.answer(**mood)) is reason


def test_an_answer_is_good_for_a_quarter_of_an_hour(asking: Asking):
    """attack 30"""
    answer = asking.answer(next_in=None)
    check_answer(answer, asking.question, now=START + 15 * MINUTE)
    assert asking.refusal(answer, now=START + 15 * MINUTE + 1) is Reason.SMART_ID_STATUS_STALE


def test_an_answer_to_an_earlier_question_is_refused(asking: Asking):
    """attack 37: replay"""
    earlier = asking.answer()
    asking.question = replace(asking.question, nonce=bytes(32))
    assert asking.refusal(earlier) is Reason.SMART_ID_STATUS_NONCE


def test_a_certificate_that_names_no_responder_is_refused(people: SmartIdAuthority):
    profile = replace(PROFILES[Variant.USUAL], tells_responder=False)
    certificate, _ = people.certify(ANNA.person, ANNA.document_number, profile=profile, at=START)
    with pytest.raises(Refused) as caught:
        question_about(certificate, people.issuers["qualified"].certificate, nonce=NONCE)
    assert caught.value.reason is Reason.SMART_ID_STATUS_NOWHERE


def test_every_byte_of_an_answer_counts(asking: Asking):
    """attack 37: whichever byte is changed up to the embedded certificate, whose signature is checked of itself"""
    good = asking.answer()
    embedded = good.index(library.load_der_ocsp_response(good).certificates[0].tbs_certificate_bytes)
    for at in range(0, embedded, 3):
        changed = bytes([*good[:at], good[at] ^ 0x01, *good[at + 1 :]])
        try:
            check_answer(changed, asking.question, now=START)
        except Refused:
            continue
        # The name of the algorithm outside what is signed may change only to one that verifies as well.
        assert library.load_der_ocsp_response(changed).tbs_response_bytes in good


@given(st.binary(max_size=300))
def test_whatever_comes_is_refused_and_never_falls_over(answer: bytes):
    with pytest.raises(Refused):
        check_answer(answer, _some_question(), now=START)


@cache
def _some_question() -> Question:
    people = SmartIdAuthority()
    people.tell_responder("http://ocsp.example.lv/")
    return question_about(people.issuers["qualified"].certificate, people.root.certificate, nonce=NONCE)
