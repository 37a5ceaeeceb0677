"""An answer that says OK is believed only whole: whatever is altered alone is refused, with a reason of its own for the
operator and one sentence for the person (attack 37).
"""

import base64
import datetime as dt
from collections.abc import Callable
from dataclasses import replace
from typing import Any

import pytest
from cryptography.hazmat.primitives.asymmetric import ec, rsa
from cryptography.hazmat.primitives.serialization import Encoding

from idp.errors import Reason, Refused
from idp.gateways.identity import Handling, IdentifierKind, Identity
from idp.gateways.smart_id.anchors import Anchors
from idp.gateways.smart_id.answers import Signed, session_in
from idp.gateways.smart_id.callback import Returned
from idp.gateways.smart_id.certificates import read_certificate
from idp.gateways.smart_id.identity import require_national_code
from idp.gateways.smart_id.outcomes import handling_of
from idp.gateways.smart_id.signature import check_signature
from idp.gateways.smart_id.verification import signed_fields
from idp.gateways.smart_id.words import Flow, Hash, Level, Scheme
from tests.support.smart_id.accounts import account
from tests.support.smart_id.authority import (
    CLIENT_AUTH,
    NCP_PLUS,
    POLICY_ADVANCED,
    POLICY_QUALIFIED,
    PROFILES,
    Profile,
    Variant,
    birth_attribute,
)
from tests.support.smart_id.studio import ANNA, CALLBACK, Studio, Take
from tests.support.smart_id_stranger import believes

SENTENCE = "Your identity could not be confirmed. Nothing was changed. Try again or choose another way."
FLOWS = list(Flow)
DAY = 86400.0


def refusal(take: Take, *, now: float) -> Reason:
    with pytest.raises(Refused) as caught:
        take.judged(now=now)
    assert caught.value.reason.public == SENTENCE
    assert handling_of(caught.value.reason) is Handling.ALARM
    return caught.value.reason


# ----------------------------------------------------------------------------------------------------- what is good


@pytest.mark.parametrize("flow", FLOWS)
def test_a_good_answer_tells_who_it_is(studio: Studio, flow: Flow):
    verified = studio.take(flow).judged(now=studio.clock())
    assert (verified.identity.identifier, verified.identity.country) == ("PNOLV-040404-10003", "LV")
    assert (verified.identity.given_name, verified.identity.surname) == ("ANNA", "TESTBĒRZIŅA")
    assert verified.identity.date_of_birth == dt.date(1999, 1, 1)
    assert (verified.flow, verified.level) == (flow, Level.QUALIFIED)


@pytest.mark.parametrize("hashed_by", [each.value for each in Hash])
@pytest.mark.parametrize("flow", FLOWS)
def test_every_hash_is_verified_and_a_stranger_agrees(studio: Studio, flow: Flow, hashed_by: str):
    take = studio.take(flow, hashed_by=hashed_by)
    assert take.judged(now=studio.clock())
    assert believes(studio.recording(take))


@pytest.mark.parametrize("size", [256, 384, 512])
def test_recordings_with_the_deprecated_padding_are_read(studio: Studio, size: int):
    take = studio.take(algorithm=f"sha{size}WithRSAEncryption")
    assert take.judged(now=studio.clock())
    assert believes(studio.recording(take))


@pytest.mark.parametrize("variant", [Variant.OLD_PROFILE, Variant.NO_DATE_OF_BIRTH])
def test_certificates_of_before_2025_and_without_a_birthday_are_good(studio: Studio, variant: Variant):
    verified = studio.take(who=ANNA.with_variant(variant)).judged(now=studio.clock())
    assert verified.identity.code == "040404-10003"
    if variant is Variant.NO_DATE_OF_BIRTH:
        assert verified.identity.date_of_birth == dt.date(1904, 4, 4)


def test_keys_of_an_odd_size_are_good(studio: Studio):
    profile = replace(PROFILES[Variant.USUAL], key=lambda: rsa.generate_private_key(65537, 2055))
    take = studio.take(who=replace(ANNA, profile=profile))
    assert take.judged(now=studio.clock())
    assert believes(studio.recording(take))


def test_an_advanced_certificate_is_good_where_that_was_asked_for(studio: Studio):
    who = account("PNOLV-050404-19993-DEMO-NQ")
    verified = studio.take(who=who, level=Level.ADVANCED).judged(now=studio.clock())
    assert verified.level is Level.ADVANCED


def test_nothing_of_a_person_is_in_a_repr(studio: Studio):
    """attack 44"""
    take = studio.take(Flow.WEB2APP)
    shown = repr((take.judged(now=studio.clock()), take.asked, take.returned, session_in(take.answer)))
    for secret in (
        "040404",
        "ANNA",
        "TESTB",
        CALLBACK,
        take.asked.challenge,
        take.answer["cert"]["value"][:40],
    ):
        assert secret not in shown
    assert take.returned
    assert str(take.returned.verifier) not in shown


# --------------------------------------------------------------------------------------------- the eleven signed fields

FIELDS = (
    *("schemeName", "signatureProtocol", "serverRandom", "rpChallenge", "userChallenge", "relyingPartyName"),
    *("brokeredRpName", "interactions", "interactionTypeUsed", "initialCallbackUrl", "flowType"),
)


@pytest.mark.parametrize("field", range(11), ids=FIELDS)
@pytest.mark.parametrize("flow", [Flow.QR, Flow.WEB2APP])
def test_each_of_the_eleven_fields_is_signed(studio: Studio, flow: Flow, field: int):
    take = studio.take(flow)
    signed = session_in(take.answer)
    assert isinstance(signed, Signed)
    fields = signed_fields(signed, take.asked, take.trust).message().split(b"|")
    assert len(fields) == 11
    key = read_certificate(signed.certificate).public_key()

    def check(message: bytes) -> None:
        check_signature(
            signed.value,
            message=message,
            key=key,
            algorithm=take.asked.algorithm,
            hashed_by=take.asked.hashed_by,
        )

    check(b"|".join(fields))
    for other in (
        fields[field] + b"x",
        fields[field][:-1] if fields[field] else b"|",
        b"" if fields[field] else b"y",
    ):
        with pytest.raises(Refused) as caught:
            check(b"|".join([*fields[:field], other, *fields[field + 1 :]]))
        assert caught.value.reason is Reason.SMART_ID_SIGNATURE


def _answer(path: str, value: Any) -> Callable[[Take], None]:
    def change(take: Take) -> None:
        *way, last = path.split(".")
        holder = take.answer
        for name in way:
            holder = holder[name]
        assert holder[last] != value
        holder[last] = value

    return change


def _asked(**changes: Any) -> Callable[[Take], None]:
    return lambda take: take.asked_otherwise(**changes)


def _trust(**changes: Any) -> Callable[[Take], None]:
    def change(take: Take) -> None:
        take.trust = replace(take.trust, **changes)

    return change


def _without(path: str) -> Callable[[Take], None]:
    def change(take: Take) -> None:
        *way, last = path.split(".")
        holder = take.answer
        for name in way:
            holder = holder[name]
        del holder[last]

    return change


PSS = "signature.signatureAlgorithmParameters"
OTHER_CHALLENGE = base64.b64encode(bytes(64)).decode()
# What is altered alone, and the reason it is refused with.
ALTERED: list[tuple[str, Callable[[Take], None], Reason]] = [
    ("serverRandom", _answer("signature.serverRandom", "A" * 24), Reason.SMART_ID_SIGNATURE),
    ("userChallenge", _answer("signature.userChallenge", "A" * 43), Reason.SMART_ID_SIGNATURE),
    ("rpChallenge", _asked(challenge=OTHER_CHALLENGE), Reason.SMART_ID_SIGNATURE),
    ("our name in other capitals", _trust(relying_party_name="Demo"), Reason.SMART_ID_SIGNATURE),
    ("a broker", _trust(brokered_name="DEMO"), Reason.SMART_ID_SIGNATURE),
    (
        "interactions written anew",
        lambda take: take.asked_otherwise(
            interactions=base64.b64encode(base64.b64decode(take.asked.interactions) + b" ").decode()
        ),
        Reason.SMART_ID_SIGNATURE,
    ),
    ("another screen", _answer("interactionTypeUsed", "displayTextAndPIN"), Reason.SMART_ID_SIGNATURE),
    (
        "a screen not offered",
        _answer("interactionTypeUsed", "confirmationMessageAndVerificationCodeChoice"),
        Reason.SMART_ID_INTERACTION,
    ),
    ("a screen nobody knows", _answer("interactionTypeUsed", "none"), Reason.SMART_ID_INTERACTION),
    ("a flow not offered", _answer("signature.flowType", "Notification"), Reason.SMART_ID_FLOW),
    ("a flow nobody knows", _answer("signature.flowType", "NFC"), Reason.SMART_ID_FLOW),
    ("another protocol", _answer("signatureProtocol", "RAW_DIGEST_SIGNATURE"), Reason.SMART_ID_PROTOCOL),
    ("PKCS1", _answer("signature.signatureAlgorithm", "sha512WithRSAEncryption"), Reason.SMART_ID_ALGORITHM),
    ("an algorithm nobody knows", _answer("signature.signatureAlgorithm", "none"), Reason.SMART_ID_ALGORITHM),
    ("another hash", _answer(f"{PSS}.hashAlgorithm", "SHA-256"), Reason.SMART_ID_HASH),
    ("another mask", _answer(f"{PSS}.maskGenAlgorithm.algorithm", "id-mgf2"), Reason.SMART_ID_MASK),
    (
        "another hash in the mask",
        _answer(f"{PSS}.maskGenAlgorithm.parameters.hashAlgorithm", "SHA-256"),
        Reason.SMART_ID_MASK,
    ),
    ("a shorter salt", _answer(f"{PSS}.saltLength", 32), Reason.SMART_ID_SALT),
    ("a salt that is true", _answer(f"{PSS}.saltLength", True), Reason.SMART_ID_ANSWER_BROKEN),
    ("another trailer", _answer(f"{PSS}.trailerField", "0xcc"), Reason.SMART_ID_TRAILER),
    ("a lower level", _answer("cert.certificateLevel", "ADVANCED"), Reason.SMART_ID_LEVEL),
    ("a level nobody knows", _answer("cert.certificateLevel", "QSCD"), Reason.SMART_ID_LEVEL),
    (
        "another document",
        _answer("result.documentNumber", "PNOLV-1-A-Q"),
        Reason.SMART_ID_CERTIFICATE_DOCUMENT,
    ),
    ("no signature", _without("signature"), Reason.SMART_ID_ANSWER_BROKEN),
    ("no certificate", _without("cert"), Reason.SMART_ID_ANSWER_BROKEN),
    ("no document", _without("result.documentNumber"), Reason.SMART_ID_ANSWER_BROKEN),
    ("no parameters", _without(PSS), Reason.SMART_ID_ANSWER_BROKEN),
    ("a short random", _answer("signature.serverRandom", "A" * 23), Reason.SMART_ID_ANSWER_BROKEN),
    ("a long challenge", _answer("signature.userChallenge", "A" * 44), Reason.SMART_ID_ANSWER_BROKEN),
    (
        "a challenge with a bar",
        _answer("signature.userChallenge", "A" * 42 + "|"),
        Reason.SMART_ID_ANSWER_BROKEN,
    ),
    ("a value that is no Base64", _answer("signature.value", "A-A_"), Reason.SMART_ID_ANSWER_BROKEN),
    ("a value of another length", _answer("signature.value", "AAAA"), Reason.SMART_ID_SIGNATURE),
    ("a certificate that is none", _answer("cert.value", "AAAA"), Reason.SMART_ID_CERTIFICATE_BROKEN),
    ("another state", _answer("state", "DONE"), Reason.SMART_ID_ANSWER_BROKEN),
]


@pytest.mark.parametrize(
    ("change", "reason"), [each[1:] for each in ALTERED], ids=[each[0] for each in ALTERED]
)
def test_what_is_altered_alone_is_refused(studio: Studio, change: Callable[[Take], None], reason: Reason):
    take = studio.take()
    change(take)
    assert refusal(take, now=studio.clock()) is reason


def test_an_answer_signed_for_the_live_scheme_is_not_one_for_the_demo(studio: Studio):
    studio.service.phone.scheme = Scheme.LIVE.value
    assert refusal(studio.take(), now=studio.clock()) is Reason.SMART_ID_SIGNATURE


def test_the_answer_of_another_session_is_refused(studio: Studio):
    """attack 37: replay of an old confirmation"""
    earlier, later = studio.take(), studio.take()
    later.asked_otherwise(challenge=OTHER_CHALLENGE)
    later.answer = earlier.answer
    assert refusal(later, now=studio.clock()) is Reason.SMART_ID_SIGNATURE


def test_a_qr_answer_in_a_session_that_also_had_a_callback_has_none_in_it(studio: Studio):
    take = studio.take(Flow.QR)
    take.asked_otherwise(callback_url=CALLBACK, flows=frozenset({Flow.QR, Flow.WEB2APP}))
    assert take.judged(now=studio.clock()).flow is Flow.QR


def test_the_callback_of_a_same_device_answer_is_signed(studio: Studio):
    take = studio.take(Flow.WEB2APP)
    take.asked_otherwise(callback_url=CALLBACK + "x")
    assert refusal(take, now=studio.clock()) is Reason.SMART_ID_SIGNATURE


def test_a_same_device_answer_without_its_callback_confirms_nobody(studio: Studio):
    """attack 37: somebody sent the link to a victim and collects by polling"""
    take = studio.take(Flow.WEB2APP)
    take.returned = None
    assert refusal(take, now=studio.clock()) is Reason.SMART_ID_CALLBACK_MISSING


@pytest.mark.parametrize(
    ("verifier", "reason"),
    [
        (None, Reason.SMART_ID_CALLBACK_BROKEN),
        ("", Reason.SMART_ID_CALLBACK_BROKEN),
        ("ā" * 43, Reason.SMART_ID_CALLBACK_BROKEN),
        ("A" * 43, Reason.SMART_ID_CALLBACK_VERIFIER),
    ],
)
def test_the_callback_of_another_session_confirms_nobody(
    studio: Studio, verifier: str | None, reason: Reason
):
    take = studio.take(Flow.WEB2APP)
    take.returned = Returned(verifier=verifier)
    assert refusal(take, now=studio.clock()) is reason


def test_another_account_than_the_one_asked_is_refused(studio: Studio):
    """attack 37: another person's confirmation"""
    take = studio.take(Flow.NOTIFICATION)
    take.asked_otherwise(document_number="PNOLV-040404-10003-DEM1-Q")
    assert refusal(take, now=studio.clock()) is Reason.SMART_ID_OTHER_DOCUMENT


# ------------------------------------------------------------------------------------------------------ certificates

USUAL = PROFILES[Variant.USUAL]
CERTIFICATES: list[tuple[str, Profile, Reason]] = [
    ("expired", PROFILES[Variant.EXPIRED], Reason.SMART_ID_CERTIFICATE_EXPIRED),
    ("not yet valid", PROFILES[Variant.NOT_YET_VALID], Reason.SMART_ID_CERTIFICATE_NOT_YET),
    ("wrong purpose", PROFILES[Variant.WRONG_PURPOSE], Reason.SMART_ID_CERTIFICATE_PURPOSE),
    ("no purpose", replace(USUAL, purposes=()), Reason.SMART_ID_CERTIFICATE_PURPOSE),
    (
        "old purpose without encipherment",
        replace(USUAL, purposes=(CLIENT_AUTH,)),
        Reason.SMART_ID_CERTIFICATE_KEY_USAGE,
    ),
    ("wrong key usage", replace(USUAL, usages=frozenset({"content_commitment"})), Reason.SMART_ID_CERTIFICATE_KEY_USAGE),
    ("no key usage", replace(USUAL, usages=frozenset()), Reason.SMART_ID_CERTIFICATE_KEY_USAGE),
    ("wrong policy", PROFILES[Variant.WRONG_POLICY], Reason.SMART_ID_CERTIFICATE_POLICY),
    ("only Smart-ID's policy", replace(USUAL, policies=(POLICY_QUALIFIED,)), Reason.SMART_ID_CERTIFICATE_POLICY),
    ("only the general policy", replace(USUAL, policies=(NCP_PLUS,)), Reason.SMART_ID_CERTIFICATE_POLICY),
    ("mixed policies", replace(USUAL, policies=(POLICY_ADVANCED, NCP_PLUS)), Reason.SMART_ID_CERTIFICATE_POLICY),
    ("no policies", replace(USUAL, policies=()), Reason.SMART_ID_CERTIFICATE_POLICY),
    ("for signing", PROFILES[Variant.SIGNING], Reason.SMART_ID_CERTIFICATE_POLICY),
    ("of an unknown authority", PROFILES[Variant.UNKNOWN_AUTHORITY], Reason.SMART_ID_CERTIFICATE_ISSUER),
    ("an authority itself", replace(USUAL, is_authority=True), Reason.SMART_ID_CERTIFICATE_IS_AUTHORITY),
    ("two serial numbers", PROFILES[Variant.TWO_SERIAL_NUMBERS], Reason.SMART_ID_CERTIFICATE_SUBJECT),
    ("no serial number", replace(USUAL, serial_numbers=0), Reason.SMART_ID_CERTIFICATE_SUBJECT),
    ("no country", replace(USUAL, without=frozenset({"C"})), Reason.SMART_ID_CERTIFICATE_SUBJECT),
    ("no common name", replace(USUAL, without=frozenset({"CN"})), Reason.SMART_ID_CERTIFICATE_SUBJECT),
    ("no surname", replace(USUAL, without=frozenset({"SN"})), Reason.SMART_ID_CERTIFICATE_SUBJECT),
    ("no given name", replace(USUAL, without=frozenset({"GN"})), Reason.SMART_ID_CERTIFICATE_SUBJECT),
    ("another document", replace(USUAL, document_numbers=("PNOLV-A-Q",)), Reason.SMART_ID_CERTIFICATE_DOCUMENT),
    ("no document", replace(USUAL, document_numbers=()), Reason.SMART_ID_CERTIFICATE_DOCUMENT),
    (
        "two documents",
        replace(USUAL, document_numbers=(ANNA.document_number, ANNA.document_number)),
        Reason.SMART_ID_CERTIFICATE_DOCUMENT,
    ),
    ("a birthday that never was", replace(USUAL, birth=birth_attribute(b"19990230120000Z")), Reason.SMART_ID_CERTIFICATE_BIRTH),
    ("a birthday with a zone", replace(USUAL, birth=birth_attribute(b"19990101120000+0200")), Reason.SMART_ID_CERTIFICATE_BIRTH),
    ("a birthday that is no DER", replace(USUAL, birth=b"\x30\x05\x00"), Reason.SMART_ID_CERTIFICATE_BIRTH),
    ("critical and unknown", replace(USUAL, critical="1.2.3.4"), Reason.SMART_ID_CERTIFICATE_CRITICAL),
]  # fmt: skip


@pytest.mark.parametrize(("profile", "reason"), [each[1:] for each in CERTIFICATES], ids=[each[0] for each in CERTIFICATES])  # fmt: skip
def test_a_certificate_with_one_thing_wrong_is_refused(studio: Studio, profile: Profile, reason: Reason):
    """attack 37"""
    assert refusal(studio.take(who=replace(ANNA, profile=profile)), now=studio.clock()) is reason


@pytest.mark.parametrize(
    "key",
    [
        lambda: rsa.generate_private_key(65537, 1024),  # noqa: S505  that it is breakable is the point
        lambda: ec.generate_private_key(ec.SECP256R1()),
    ],
    ids=["short", "of another kind"],
)
def test_a_key_that_is_short_or_of_another_kind_is_refused(studio: Studio, key: Callable[[], Any]):
    take = studio.take()
    certificate, _ = studio.authority.certify(
        ANNA.person, ANNA.document_number, profile=replace(USUAL, key=key), at=studio.clock()
    )
    take.answer["cert"]["value"] = base64.b64encode(certificate.public_bytes(Encoding.DER)).decode()
    assert refusal(take, now=studio.clock()) is Reason.SMART_ID_KEY


def test_a_certificate_with_the_name_but_not_the_signature_of_an_authority_is_refused(studio: Studio):
    """attack 37"""
    real = studio.authority.issuers["qualified"]
    forger = replace(real, key=ec.generate_private_key(ec.SECP384R1()))
    studio.authority.issuers["forged"] = forger
    take = studio.take(who=replace(ANNA, profile=replace(USUAL, issuer="forged")))
    assert refusal(take, now=studio.clock()) is Reason.SMART_ID_CERTIFICATE_NOT_SIGNED


def test_a_certificate_that_is_not_qualified_is_not_made_so_by_being_called_it(studio: Studio):
    who = replace(account("PNOLV-050404-19993-DEMO-NQ"), states_level="QUALIFIED")
    assert refusal(studio.take(who=who), now=studio.clock()) is Reason.SMART_ID_CERTIFICATE_POLICY


def test_a_certificate_counts_to_its_last_second_and_no_longer(studio: Studio):
    """attack 30: checked at use"""
    take = studio.take()
    end = studio.clock() + USUAL.days_after * DAY
    assert take.judged(now=end)
    assert refusal(take, now=end + 1) is Reason.SMART_ID_CERTIFICATE_EXPIRED


def test_authorities_expire_too(studio: Studio):
    """attack 30"""
    profile = replace(USUAL, days_after=40 * 365)
    take = studio.take(who=replace(ANNA, profile=profile))
    later = dt.datetime(2042, 1, 1, tzinfo=dt.UTC).timestamp()
    assert refusal(take, now=later) is Reason.SMART_ID_AUTHORITY_EXPIRED


def test_an_issuer_that_is_not_pinned_is_unknown_though_its_root_is(studio: Studio):
    """attack 37: nothing but pinned authorities, no chain is built further"""
    take = studio.take()
    issuers = tuple(
        each for each in take.trust.anchors.issuers if each.subject != studio.authority.issuers["qualified"].certificate.subject
    )  # fmt: skip
    take.trust = replace(
        take.trust, anchors=Anchors(scheme=Scheme.DEMO, issuers=issuers, roots=take.trust.anchors.roots)
    )
    assert refusal(take, now=studio.clock()) is Reason.SMART_ID_CERTIFICATE_ISSUER


def test_every_bit_of_a_certificate_is_signed(studio: Studio):
    """attack 37: whichever byte of it is changed"""
    take = studio.take()
    good = base64.b64decode(take.answer["cert"]["value"])
    for at in range(0, len(good), 7):
        changed = bytes([*good[:at], good[at] ^ 0x01, *good[at + 1 :]])
        take.answer["cert"]["value"] = base64.b64encode(changed).decode()
        refusal(take, now=studio.clock())


@pytest.mark.parametrize(
    ("kind", "country", "reason"),
    [
        (IdentifierKind.PASSPORT, "LV", Reason.SMART_ID_IDENTIFIER_KIND),
        (IdentifierKind.IDENTITY_CARD, "LV", Reason.SMART_ID_IDENTIFIER_KIND),
        (IdentifierKind.NATIONAL_CODE, "EE", Reason.SMART_ID_COUNTRY),
    ],
)
def test_only_national_codes_of_listed_countries_are_linked(
    kind: IdentifierKind, country: str, reason: Reason
):
    identity = Identity(kind=kind, country=country, code="x", given_name="A", surname="B", date_of_birth=None)
    with pytest.raises(Refused) as caught:
        require_national_code(identity, countries=frozenset({"LV"}))
    assert caught.value.reason is reason
    require_national_code(
        replace(identity, kind=IdentifierKind.NATIONAL_CODE), countries=frozenset({country})
    )


def test_codes_are_split_at_the_first_hyphen_alone(studio: Studio):
    identity = studio.take(who=account("PNOLV-320000-00008-DEMO-Q")).judged(now=studio.clock()).identity
    assert (identity.country, identity.code) == ("LV", "320000-00008")
    passport = studio.take(who=account("PASKZ-987654321012-MOCK-Q")).judged(now=studio.clock()).identity
    assert (passport.kind, passport.country, passport.code) == (IdentifierKind.PASSPORT, "KZ", "987654321012")
