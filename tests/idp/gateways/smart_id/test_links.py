"""Links, codes and callbacks byte by byte, and the decoders that take nothing almost right (attacks 37 and 44)."""

import base64
import datetime as dt
import hashlib
import hmac
from contextlib import suppress

import pytest
from hypothesis import given
from hypothesis import strategies as st

from idp.errors import Reason, Refused
from idp.gateways import der
from idp.gateways.identity import born_by_code
from idp.gateways.smart_id.answers import LONGEST_BODY, read_created, read_notified, read_session
from idp.gateways.smart_id.callback import callback_url, check_callback, check_verifier, new_value
from idp.gateways.smart_id.encodings import b64, b64url, decode_b64
from idp.gateways.smart_id.interactions import Interaction, encode, screens_in
from idp.gateways.smart_id.links import (
    LinkFacts,
    PageLanguage,
    auth_code,
    protected_link,
    unprotected_link,
    verification_code,
)
from idp.gateways.smart_id.words import Flow, Scheme, Screen
from tests.support.smart_id.phone import verification_code as as_the_phone_shows_it

SECRET = "B98ODiVCebRedSwdTk51zFSaGYyHtY1H2A0ocAi3/Ps="
DIGEST = "U4CKK13H1XFiyBofev9asqrzIrY5_Gszi_nL_zDKkBc"
VERIFIER = "XtPfaGa8JnGtYrJjboooUf0KfY9sMEHrWFpSQrsUv9c"
USER_CHALLENGE = "GnsWXXEjTCKR89fj9uo5u5ReBZ9JR7_pezLAI5jMS00"
VALUE = "RrKjjT4aggzu27YBddX1bQ"
GOOD = f"value={VALUE}&sessionSecretDigest={DIGEST}&userChallengeVerifier={VERIFIER}"
SENTENCE = "Your identity could not be confirmed. Nothing was changed. Try again or choose another way."
FACTS = LinkFacts(
    scheme=Scheme.DEMO,
    protocol="ACSP_V2",
    challenge="Y2hhbGxlbmdl",
    relying_party_name="DEMO",
    interactions="W10=",
    callback_url="https://rp.example.lv/callback?value=x",
)


def link(flow: Flow, elapsed: int | None = None) -> str:
    return unprotected_link(
        base="https://sid.demo.sk.ee/device-link",
        flow=flow,
        elapsed_seconds=elapsed,
        session_token="wGIrqveE6AuGDATZKmR1mtAZ",
        language=PageLanguage.LATVIAN,
    )


def test_a_qr_link_is_these_characters():
    assert link(Flow.QR, 7) == (
        "https://sid.demo.sk.ee/device-link?deviceLinkType=QR&elapsedSeconds=7"
        "&sessionToken=wGIrqveE6AuGDATZKmR1mtAZ&sessionType=auth&version=1.0&lang=lav"
    )


def test_a_link_for_the_same_device_has_no_seconds():
    assert link(Flow.WEB2APP) == (
        "https://sid.demo.sk.ee/device-link?deviceLinkType=Web2App"
        "&sessionToken=wGIrqveE6AuGDATZKmR1mtAZ&sessionType=auth&version=1.0&lang=lav"
    )
    for flow, elapsed in ((Flow.QR, None), (Flow.WEB2APP, 1), (Flow.NOTIFICATION, None)):
        with pytest.raises(ValueError):
            link(flow, elapsed)


def test_the_callback_is_authenticated_on_the_same_device_and_never_in_a_qr_code():
    def expected(callback: str, made: str) -> str:
        text = f"smart-id-demo|ACSP_V2|Y2hhbGxlbmdl|REVNTw==||W10=|{callback}|{made}"
        digest = hmac.new(base64.b64decode(SECRET), text.encode(), hashlib.sha256).digest()
        return base64.urlsafe_b64encode(digest).decode().rstrip("=")

    qr, same = link(Flow.QR, 0), link(Flow.WEB2APP)
    assert auth_code(qr, Flow.QR, FACTS, session_secret=SECRET) == expected("", qr)
    assert auth_code(same, Flow.WEB2APP, FACTS, session_secret=SECRET) == expected(
        "https://rp.example.lv/callback?value=x", same
    )
    assert protected_link(qr, Flow.QR, FACTS, session_secret=SECRET) == f"{qr}&authCode={expected('', qr)}"


def test_facts_of_a_link_are_not_shown_whole():
    """attack 44"""
    assert "Y2hhbGxlbmdl" not in repr(FACTS)
    assert "value=x" not in repr(FACTS)


@given(st.binary(min_size=32, max_size=64))
def test_both_sides_show_the_same_four_digits(challenge: bytes):
    code = verification_code(challenge)
    assert len(code) == 4
    assert code.isdecimal()
    assert code == as_the_phone_shows_it(base64.b64encode(challenge).decode())


# --------------------------------------------------------------------------------------------------------- callbacks


def refusal(query: str) -> Reason:
    with pytest.raises(Refused) as caught:
        returned = check_callback(query, expected_value=VALUE, session_secret=SECRET)
        check_verifier(returned, USER_CHALLENGE)
    assert caught.value.reason.public == SENTENCE
    return caught.value.reason


def test_a_good_callback_is_good_whatever_else_stands_in_it():
    for query in (GOOD, f"{GOOD}&utm=x", "&".join(reversed(GOOD.split("&")))):
        returned = check_callback(query, expected_value=VALUE, session_secret=SECRET)
        check_verifier(returned, USER_CHALLENGE)


def test_a_callback_after_a_refusal_has_no_verifier():
    query = f"value={VALUE}&sessionSecretDigest={DIGEST}"
    assert check_callback(query, expected_value=VALUE, session_secret=SECRET).verifier is None
    assert refusal(query) is Reason.SMART_ID_CALLBACK_BROKEN


@pytest.mark.parametrize(
    ("query", "reason"),
    [
        (GOOD.replace(VALUE, VALUE[:-1] + "A"), Reason.SMART_ID_CALLBACK_VALUE),
        (GOOD.replace(VALUE, ""), Reason.SMART_ID_CALLBACK_VALUE),
        (GOOD.replace(VALUE, VALUE.lower()), Reason.SMART_ID_CALLBACK_VALUE),
        (GOOD.replace(DIGEST, "A" * 43), Reason.SMART_ID_CALLBACK_SECRET),
        (GOOD.replace(DIGEST, DIGEST + "="), Reason.SMART_ID_CALLBACK_SECRET),
        (GOOD.replace(DIGEST, "%C4%81"), Reason.SMART_ID_CALLBACK_SECRET),
        (GOOD.replace(VERIFIER, "A" * 43), Reason.SMART_ID_CALLBACK_VERIFIER),
        (GOOD.replace(VERIFIER, ""), Reason.SMART_ID_CALLBACK_BROKEN),
        (GOOD.replace(VERIFIER, "A" * 129), Reason.SMART_ID_CALLBACK_BROKEN),
        (f"{GOOD}&value={VALUE}", Reason.SMART_ID_CALLBACK_BROKEN),
        (f"{GOOD}&sessionSecretDigest={DIGEST}", Reason.SMART_ID_CALLBACK_BROKEN),
        (f"{GOOD}&userChallengeVerifier={VERIFIER}", Reason.SMART_ID_CALLBACK_BROKEN),
        (GOOD.replace("value=", "Value="), Reason.SMART_ID_CALLBACK_BROKEN),
        (GOOD.partition("&")[2], Reason.SMART_ID_CALLBACK_BROKEN),
        ("", Reason.SMART_ID_CALLBACK_BROKEN),
        ("value=%ff", Reason.SMART_ID_CALLBACK_BROKEN),
        ("value=\udc80", Reason.SMART_ID_CALLBACK_BROKEN),
        (f"{GOOD}&{'x=1&' * 30}", Reason.SMART_ID_CALLBACK_BROKEN),
        (f"{GOOD}&x={'y' * 2000}", Reason.SMART_ID_CALLBACK_BROKEN),
    ],
)
def test_a_callback_with_one_thing_altered_is_refused(query: str, reason: Reason):
    """attack 37"""
    assert refusal(query) is reason


def test_the_address_of_a_callback_is_one_string_for_good():
    assert (
        callback_url("https://visvaris.lv/smart-id", VALUE) == f"https://visvaris.lv/smart-id?value={VALUE}"
    )
    assert len(new_value(bytes(32))) == 43
    for address in (
        "http://visvaris.lv/x",
        "https://visvaris.lv/x?a=b",
        "https://visvaris.lv/a|b",
        "https://a/#b",
    ):
        with pytest.raises(ValueError):
            callback_url(address, VALUE)
    with pytest.raises(ValueError):
        callback_url(f"https://visvaris.lv/{'x' * 1800}", VALUE)


# ------------------------------------------------------------------------------------------------------ interactions


def test_interactions_are_minified_json_in_base64_in_their_order():
    shown = [
        Interaction(screen=Screen.CONFIRMATION, text="Pārbaude"),
        Interaction(screen=Screen.TEXT_AND_PIN, text="Pārbaude"),
    ]
    encoded = encode(shown, notification=False)
    assert base64.b64decode(encoded).decode() == (
        '[{"type":"confirmationMessage","displayText200":"Pārbaude"},'
        '{"type":"displayTextAndPIN","displayText60":"Pārbaude"}]'
    )
    assert screens_in(encoded) == {Screen.CONFIRMATION, Screen.TEXT_AND_PIN}


@pytest.mark.parametrize(
    ("shown", "notification"),
    [
        ([], False),
        ([(Screen.TEXT_AND_PIN, "")], False),
        ([(Screen.TEXT_AND_PIN, "x" * 61)], False),
        ([(Screen.TEXT_AND_PIN, "😀" * 31)], False),
        ([(Screen.CONFIRMATION, "x" * 201)], False),
        ([(Screen.CONFIRMATION, "x"), (Screen.CONFIRMATION, "y")], False),
        ([(Screen.CODE_CHOICE, "x")], False),
    ],
)
def test_what_the_service_would_refuse_is_not_sent(shown: list[tuple[Screen, str]], notification: bool):
    with pytest.raises(ValueError):
        encode([Interaction(screen=screen, text=text) for screen, text in shown], notification=notification)


def test_a_choice_of_codes_is_for_notifications():
    encoded = encode([Interaction(screen=Screen.CODE_CHOICE, text="😀" * 100)], notification=True)
    assert screens_in(encoded) == {Screen.CODE_CHOICE}


# ----------------------------------------------------------------------------------------------------------- decoders


@given(st.binary(max_size=200))
def test_base64_goes_there_and_back(raw: bytes):
    if raw:
        assert decode_b64(b64(raw)) == raw
    assert b64url(raw) == base64.urlsafe_b64encode(raw).decode().rstrip("=")


@given(st.text(max_size=40))
def test_base64_has_one_spelling(text: str):
    try:
        raw = decode_b64(text)
    except ValueError:
        return
    assert base64.b64encode(raw).decode() == text


@pytest.mark.parametrize("text", ["", "AA", "AB==", "AA==\n", " AAAA", "AA-_", "AAA=A", "ĀAAA", "===="])
def test_base64_that_is_almost_right_is_refused(text: str):
    with pytest.raises(ValueError):
        decode_b64(text)


@given(st.binary(max_size=200))
def test_der_is_read_or_refused(raw: bytes):
    try:
        elements = list(der.read(raw))
    except ValueError:
        return
    assert sum(len(element.content) for element in elements) <= len(raw)


@given(st.integers(0, 70_000))
def test_der_lengths_of_every_size_are_read(size: int):
    from tests.support.smart_id import asn1

    assert len(der.only(asn1.octets(bytes(size)), 0x04)) == size


@pytest.mark.parametrize(
    "raw", ["04", "0402aa", "048101aa", "04820001aa", "0480", "1f0100", "0400 0400", "0485ffffffffff"]
)
def test_der_that_is_not_distinguished_is_refused(raw: str):
    with pytest.raises(ValueError):
        der.only(bytes.fromhex(raw), 0x04)


@given(st.binary(max_size=300) | st.from_regex(rb'\{"state": ?"COMPLETE".{0,80}\}', fullmatch=True))
def test_whatever_the_service_answers_is_read_or_refused(body: bytes):
    for read in (read_created, read_notified, read_session):
        with suppress(Refused):
            read(body)


CREATED = (
    b'{"sessionID":"fa20fd1e-e320-4c68-8315-f6a507a0b4a9","sessionToken":"wGIrqveE6AuGDATZKmR1mtAZ",'
    b'"sessionSecret":"B98ODiVCebRedSwdTk51zFSaGYyHtY1H2A0ocAi3/Ps=","deviceLinkBase":"https://smart-id.com/device-link"}'
)


def test_a_created_session_is_read_and_hides_its_secrets():
    """attack 44"""
    created = read_created(CREATED)
    assert created.session_token == "wGIrqveE6AuGDATZKmR1mtAZ"
    for secret in (created.session_id, created.session_token, created.session_secret):
        assert secret not in repr(created)


@pytest.mark.parametrize(
    ("there", "instead"),
    [
        (b'"fa20fd1e-e320-4c68-8315-f6a507a0b4a9"', b'"../session"'),
        (b'"fa20fd1e-e320-4c68-8315-f6a507a0b4a9"', b"7"),
        (b"wGIrqveE6AuGDATZKmR1mtAZ", b"short"),
        (b"wGIrqveE6AuGDATZKmR1mtAZ", b"wGIrqveE6AuGDATZKmR1mtA&lang"),
        (b"B98ODiVCebRedSwdTk51zFSaGYyHtY1H2A0ocAi3/Ps=", b"B98ODiVCebRedSwdTk51"),
        (b"B98ODiVCebRedSwdTk51zFSaGYyHtY1H2A0ocAi3/Ps=", b"B98ODiVCebRedSwdTk51zFSaGYyHtY1H2A0ocAi3_Ps="),
        (b"https://smart-id.com/device-link", b"javascript:alert(1)"),
        (b"https://smart-id.com/device-link", b"http://smart-id.com/device-link"),
        (b"https://smart-id.com/device-link", b"https://smart-id.com/device-link?x=1"),
        (b"https://smart-id.com/device-link", b"https://smart-id.com/a b"),
        (b'"sessionToken":', b'"sessionToken":"wGIrqveE6AuGDATZKmR1mtAA","sessionToken":'),
        (b"{", b"[{"),
        (b"smart-id.com", b"smart-id.com\xff"),
    ],
)
def test_a_created_session_in_another_shape_is_refused(there: bytes, instead: bytes):
    with pytest.raises(Refused) as caught:
        read_created(CREATED.replace(there, instead, 1))
    assert caught.value.reason is Reason.SMART_ID_ANSWER_BROKEN


@pytest.mark.parametrize(
    "body", [b"[" * 50_000, b" " * LONGEST_BODY + CREATED, b'{"state":"COMPLETE","result":[]}']
)
def test_an_answer_that_is_too_deep_or_too_large_is_refused(body: bytes):
    with pytest.raises(Refused) as caught:
        read_session(body)
    assert caught.value.reason is Reason.SMART_ID_ANSWER_BROKEN


@given(st.text(alphabet="0123456789-", max_size=14), st.sampled_from(["LV", "EE", "LT", "BE"]))
def test_a_code_tells_a_day_or_none_or_is_refused(code: str, country: str):
    try:
        born = born_by_code(country, code)
    except ValueError:
        return
    assert born is None or dt.date(1800, 1, 1) <= born < dt.date(2100, 1, 1)


@pytest.mark.parametrize(
    ("country", "code", "born"),
    [
        ("LV", "010111-22341", dt.date(2011, 1, 1)),
        ("LV", "320000-00008", None),
        ("LV", "399999-99999", None),
        ("LV", "310199-19993", dt.date(1999, 1, 31)),
        ("EE", "61101019999", dt.date(2011, 1, 1)),
        ("BE", "04040400287", None),
    ],
)
def test_days_of_birth_in_codes(country: str, code: str, born: dt.date | None):
    assert born_by_code(country, code) == born
