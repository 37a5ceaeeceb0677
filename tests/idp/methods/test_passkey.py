"""Passkeys at the method itself, against an authenticator that lies in every way there is."""

import json
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from typing import Any

import cbor2
import pytest

from idp.errors import Reason
from idp.methods.base import Challenge, Enrolled, Outcome, Rejected, Subject, Verified
from idp.methods.webauthn.ceremony import WebAuthnParty
from idp.methods.webauthn.keys import KEYS_AT_MOST
from idp.methods.webauthn.passkey import Passkey
from idp.models.people import Backup, Credential
from tests.idp.methods.conftest import World
from tests.support.authenticator import (
    BE,
    BS,
    EDDSA,
    ES256,
    ES512,
    NO_MAKER,
    RS256,
    UP,
    UV,
    Authenticator,
    InvalidStateError,
    Key,
    Lie,
)

ORIGIN = "https://login.visvaris.lv"
OLD_ORIGIN = "https://eriga.example.lv"
PARTY = WebAuthnParty(id="visvaris.lv", name="visvaris.lv", origins=(ORIGIN, OLD_ORIGIN))
TRUTH = Lie()


@pytest.fixture
def passkey(world: World) -> Passkey:
    return Passkey(party=PARTY, effects=world.effects)


@pytest.fixture
def device() -> Authenticator:
    return Authenticator(ORIGIN)


@pytest.fixture
def enrolled(world: World, passkey: Passkey, device: Authenticator) -> Credential:
    """Of anna."""
    return enrol(world, passkey, device)


def sets_up(
    world: World, passkey: Passkey, device: Authenticator, lie: Lie = TRUTH, user: str = "anna", **answer: str
) -> Enrolled | Rejected:
    subject = world.subject(user)
    challenge = passkey.begin_enrolment(subject)
    sent = {"credential": device.creates(challenge.page["options"], lie), **answer}
    with world.database.begin() as work:
        return passkey.enrol(work, subject, challenge, sent)


def enrol(world: World, passkey: Passkey, device: Authenticator, **answer: str) -> Credential:
    made = sets_up(world, passkey, device, **answer)
    assert isinstance(made, Enrolled)
    return made.credential


def answers(
    world: World,
    passkey: Passkey,
    device: Authenticator,
    lie: Lie = TRUTH,
    *,
    subject: Subject | None = None,
    challenge: Challenge | None = None,
    key: Key | None = None,
) -> Outcome:
    """Without `subject`, as on the page that asks who it is: the answer says whose it is."""
    asked = challenge or (passkey.begin(subject) if subject else passkey.begin_for_anybody(None))
    sent = {"credential": device.gets(asked.page["options"], lie, key=key)}
    with world.database.begin() as work:
        claimed = passkey.claimed_user(work, sent)
    who = subject or (world.subject(claimed) if claimed else None)
    with world.database.begin() as work:
        return passkey.verify(work, who, asked, sent)


def stored(world: World, credential: Credential) -> Credential:
    return next(each for each in world.subject().credentials if each.id == credential.id)


# Setting up --------------------------------------------------------------------------------------------------


def test_a_passkey_is_set_up_and_says_whose_it_is(
    world: World, passkey: Passkey, device: Authenticator
) -> None:
    assert not passkey.is_enrolled(world.subject())
    made = enrol(world, passkey, device, label="  Darba\tdators ")
    assert passkey.is_enrolled(world.subject())
    assert made == stored(world, made)
    assert (made.label, made.backup, made.transports) == ("Darba dators", Backup.DEVICE_BOUND, "usb,nfc")
    assert passkey.describe(made).kind == "YubiKey 5 Series with NFC"
    assert answers(world, passkey, device) == Verified(made.id, user_verified=True)


def test_what_the_browser_is_asked_for_is_a_passkey(world: World, passkey: Passkey) -> None:
    asked = json.loads(passkey.begin_enrolment(world.subject()).page["options"])
    assert asked["rp"] == {"id": "visvaris.lv", "name": "visvaris.lv"}
    assert asked["user"]["name"] == "anna.user"
    assert asked["user"]["displayName"] == "Anna Bērziņa"
    assert asked["authenticatorSelection"] == {
        "residentKey": "required",
        "requireResidentKey": True,
        "userVerification": "required",
    }
    assert asked["attestation"] == "none"
    assert {each["alg"] for each in asked["pubKeyCredParams"]} == {ES256, EDDSA, RS256}


@pytest.mark.parametrize("algorithm", [ES256, EDDSA, RS256])
def test_the_algorithms_that_are_asked_for_work(world: World, passkey: Passkey, algorithm: int) -> None:
    device = Authenticator(ORIGIN, algorithm=algorithm)
    made = enrol(world, passkey, device)
    assert answers(world, passkey, device) == Verified(made.id, user_verified=True)


@pytest.mark.parametrize("transports", [None, [], ["internal", "hybrid"], ["internal", "from-the-future"]])
def test_whatever_way_the_browser_says_it_is_reached(
    world: World, passkey: Passkey, transports: list[str] | None
) -> None:
    """Safari tells internal and hybrid, or nothing; what nobody knows yet is left out."""
    device = Authenticator(ORIGIN, transports=transports)
    made = enrol(world, passkey, device)
    assert made.transports == ",".join(sorted({"internal", "hybrid"} & set(transports or ()), reverse=True))
    told = json.loads(passkey.begin(world.subject()).page["options"])["allowCredentials"][0]
    assert set(told.get("transports", ())) <= {"internal", "hybrid"}
    assert isinstance(answers(world, passkey, device, subject=world.subject()), Verified)


def test_one_handle_for_all_keys_of_a_person_and_nothing_of_the_person_in_it(
    world: World, passkey: Passkey
) -> None:
    devices = [Authenticator(ORIGIN), Authenticator(ORIGIN)]
    handles = {enrol(world, passkey, device).user_handle for device in devices}
    assert len(handles) == 1
    assert {device.keys[0].user_handle for device in devices} == {devices[0].keys[0].user_handle}
    assert len(devices[0].keys[0].user_handle) == 32
    other = sets_up(world, passkey, Authenticator(ORIGIN), user="juris")
    assert isinstance(other, Enrolled)
    assert other.credential.user_handle not in handles


def test_what_is_already_there_is_excluded(
    world: World, passkey: Passkey, device: Authenticator, enrolled: Credential
) -> None:
    with pytest.raises(InvalidStateError):
        sets_up(world, passkey, device)


def test_the_same_key_again_is_said_to_be_registered(
    world: World, passkey: Passkey, device: Authenticator, enrolled: Credential
) -> None:
    again = sets_up(world, passkey, Authenticator(ORIGIN), Lie(key_id=device.keys[0].id))
    assert again == Rejected(Reason.KEY_ALREADY_REGISTERED)
    assert len(world.subject().credentials) == 1


def test_a_key_of_another_person_is_refused_and_not_said_to_be_theirs(
    world: World, passkey: Passkey, device: Authenticator, enrolled: Credential
) -> None:
    """attack 32: cross-user credential id"""
    stolen = sets_up(world, passkey, Authenticator(ORIGIN), Lie(key_id=device.keys[0].id), user="juris")
    assert stolen == Rejected(Reason.KEY_OF_ANOTHER)
    assert Reason.KEY_OF_ANOTHER.public == Reason.KEY_ANSWER_BROKEN.public
    assert world.subject("juris").credentials == []
    assert isinstance(answers(world, passkey, device), Verified)


def test_of_many_that_register_one_key_at_once_one_does(world: World, passkey: Passkey) -> None:
    """attack 32: unique across all users, by the database"""
    key_id = b"the-same-key-for-everybody-here!"

    def tries(number: int) -> Enrolled | Rejected:
        user = "anna" if number % 2 else "juris"
        return sets_up(world, passkey, Authenticator(ORIGIN), Lie(key_id=key_id), user=user)

    with ThreadPoolExecutor(8) as threads:
        outcomes = list(threads.map(tries, range(16)))
    assert sum(isinstance(outcome, Enrolled) for outcome in outcomes) == 1


def test_a_passkey_without_a_verified_user_is_told_to_try_a_pin(
    world: World, passkey: Passkey, device: Authenticator
) -> None:
    """attack 32: UV where policy says so"""
    assert sets_up(world, passkey, device, Lie(flags={UV: False})) == Rejected(Reason.USER_NOT_VERIFIED)
    assert world.subject().credentials == []


def test_there_is_an_end_to_how_many(world: World, passkey: Passkey) -> None:
    """attack 43"""
    for _ in range(KEYS_AT_MOST):
        enrol(world, passkey, Authenticator(ORIGIN))
    assert sets_up(world, passkey, Authenticator(ORIGIN)) == Rejected(Reason.TOO_MANY_KEYS)


def test_an_authenticator_may_attest_for_itself_and_a_made_up_attestation_is_refused(
    world: World, passkey: Passkey
) -> None:
    """attack 32: browsers pass self-attestation on although none is asked for"""
    assert isinstance(sets_up(world, passkey, Authenticator(ORIGIN), Lie(format="packed")), Enrolled)
    forged = Lie(format="packed", statement={"alg": ES256, "sig": b"\0" * 70})
    assert sets_up(world, passkey, Authenticator(ORIGIN), forged) == Rejected(Reason.KEY_ANSWER_BROKEN)


def test_an_authenticator_of_no_known_maker_is_called_a_passkey(world: World, passkey: Passkey) -> None:
    """attack 32: AAGUID zero"""
    made = enrol(world, passkey, Authenticator(ORIGIN, aaguid=NO_MAKER))
    assert passkey.describe(made).kind == passkey.label


def _weak(bits: int) -> dict[int, Any]:
    return {1: 3, 3: RS256, -1: (1 << (bits - 1) | 1).to_bytes(bits // 8, "big"), -2: b"\x01\x00\x01"}


_P384 = {
    1: 2,
    3: ES256,
    -1: 2,
    -2: 0xAA87CA22BE8B05378EB1C71EF320AD746E1D3B628BA79B9859F741E082542A385502F25DBF55296C3A545E3872760AB7.to_bytes(
        48
    ),
    -3: 0x3617DE4A96262C6F5D9E98BF9292DC29F8F41DBD289A147CE9DA3113B5F0B8C00A60B1CE1D7E819D7A431D7C90EA0E5F.to_bytes(
        48
    ),
}

HOSTILE_REGISTRATIONS: dict[str, Lie] = {
    "another origin": Lie(origin="https://login.visvaris.lv.evil.example"),
    "an origin that ends alike": Lie(origin="https://badlogin.visvaris.lv"),
    "a sub-domain that is not listed": Lie(origin="https://x.visvaris.lv"),
    "the parent domain": Lie(origin="https://visvaris.lv"),
    "no TLS": Lie(origin="http://login.visvaris.lv"),
    "another port": Lie(origin="https://login.visvaris.lv:8443"),
    "another RP ID": Lie(rp_id="login.visvaris.lv"),
    "the top-level domain": Lie(rp_id="lv"),
    "another challenge": Lie(challenge=b"x" * 32),
    "no challenge": Lie(challenge=b""),
    "an assertion's type": Lie(type="webauthn.get"),
    "inside another page": Lie(cross_origin=True),
    "under another page": Lie(top_origin="https://evil.example"),
    "nobody present": Lie(flags={UP: False}),
    "backed up yet on one device": Lie(flags={BE: False, BS: True}),
    "an unknown algorithm": Lie(algorithm=ES512),
    "an algorithm nobody knows": Lie(algorithm=-4711),
    "an RSA algorithm over an EC key": Lie(algorithm=RS256),
    "Edwards over an EC key": Lie(algorithm=EDDSA),
    "the right algorithm on a wrong curve": Lie(cose=_P384),
    "a point on no curve": Lie(cose={1: 2, 3: ES256, -1: 1, -2: b"\1" * 32, -3: b"\2" * 32}),
    "a short RSA key": Lie(cose=_weak(1024)),
    "an endless RSA key": Lie(cose=_weak(160_000)),
    "no key": Lie(cose={}),
    "a short id": Lie(key_id=b"short"),
    "a long id": Lie(key_id=b"x" * 1100),
    "an attestation of no known kind": Lie(format="from-the-future"),
    "a statement where there is none": Lie(statement={"sig": b"x"}),
    "bad CBOR": Lie(attestation_bytes=lambda raw: raw[:-9]),
    "CBOR of something else": Lie(attestation_bytes=lambda _: cbor2.dumps(["what", 1])),
    "CBOR without end": Lie(attestation_bytes=lambda _: b"\x81" * 20_000),
    "not CBOR": Lie(attestation_bytes=lambda _: b"\xff" * 50),
    "nothing": Lie(attestation_bytes=lambda _: b""),
    "another type of credential": Lie(answer=lambda answer: answer | {"type": "password"}),
    "ids that differ": Lie(answer=lambda answer: answer | {"rawId": "eHh4eHh4eHh4eHh4eHh4eHh4"}),
    "no response": Lie(answer=lambda answer: answer | {"response": None}),
    "an id that is no text": Lie(answer=lambda answer: answer | {"id": 7}),
    "a list": Lie(answer=lambda answer: [answer]),
}


@pytest.mark.parametrize("lie", HOSTILE_REGISTRATIONS.values(), ids=HOSTILE_REGISTRATIONS.keys())
def test_a_hostile_registration_is_refused_in_one_sentence_and_leaves_nothing(
    world: World, passkey: Passkey, device: Authenticator, lie: Lie
) -> None:
    """attack 32: server-side registration checks"""
    assert sets_up(world, passkey, device, lie) == Rejected(Reason.KEY_ANSWER_BROKEN)
    assert world.subject().credentials == []


@pytest.mark.parametrize("text", ["{", "null", "[" * 40_000, "{" * 20, '{"id": "é"}', "x" * 70_000, '"id"'])
def test_what_is_no_answer_at_all_is_refused(world: World, passkey: Passkey, text: str) -> None:
    """attack 43"""
    subject = world.subject()
    with world.database.begin() as work:
        assert passkey.claimed_user(work, {"credential": text}) is None
        for outcome in (
            passkey.enrol(work, subject, passkey.begin_enrolment(subject), {"credential": text}),
            passkey.verify(work, subject, passkey.begin(subject), {"credential": text}),
            passkey.verify(work, None, passkey.begin_for_anybody(None), {"credential": text}),
        ):
            assert outcome == Rejected(Reason.KEY_ANSWER_BROKEN)


def test_an_empty_answer_says_that_scripts_are_needed(world: World, passkey: Passkey) -> None:
    subject = world.subject()
    with world.database.begin() as work:
        assert passkey.verify(work, subject, passkey.begin(subject), {}) == Rejected(
            Reason.KEY_ANSWER_MISSING
        )


def test_a_challenge_begun_for_one_person_enrols_nobody_else(
    world: World, passkey: Passkey, device: Authenticator
) -> None:
    """attack 33"""
    challenge = passkey.begin_enrolment(world.subject())
    sent = {"credential": device.creates(challenge.page["options"])}
    with world.database.begin() as work:
        outcome = passkey.enrol(work, world.subject("juris"), challenge, sent)
    assert outcome == Rejected(Reason.KEY_OF_ANOTHER)


# Signing in --------------------------------------------------------------------------------------------------


def test_the_page_for_strangers_names_no_key_and_the_page_for_somebody_theirs(
    world: World, passkey: Passkey, device: Authenticator, enrolled: Credential
) -> None:
    """attack 28: allowCredentials tells nothing of who exists"""
    for_anybody = json.loads(passkey.begin_for_anybody(None).page["options"])
    assert for_anybody["allowCredentials"] == []
    assert for_anybody["userVerification"] == "required"
    assert for_anybody["rpId"] == "visvaris.lv"
    known = json.loads(passkey.begin(world.subject()).page["options"])
    assert [each["id"] for each in known["allowCredentials"]] == [enrolled.key_id]


def test_every_challenge_is_another_and_stays_while_it_is_open(passkey: Passkey) -> None:
    """attack 32: challenge"""
    made = [passkey.begin_for_anybody(None) for _ in range(20)]
    challenges = {json.loads(each.page["options"])["challenge"] for each in made}
    assert len(challenges) == 20
    assert {len(each) for each in challenges} == {43}
    assert passkey.begin_for_anybody(made[0].state).page == made[0].page


def test_an_old_host_name_may_use_the_same_passkey(
    world: World, passkey: Passkey, device: Authenticator, enrolled: Credential
) -> None:
    assert isinstance(answers(world, passkey, device, Lie(origin=OLD_ORIGIN)), Verified)


HOSTILE_ASSERTIONS: dict[str, Lie] = {
    **{
        name: HOSTILE_REGISTRATIONS[name]
        for name in (
            *("another origin", "an origin that ends alike", "a sub-domain that is not listed", "no TLS"),
            *("the parent domain", "another port", "another RP ID", "the top-level domain"),
            *("another challenge", "no challenge", "inside another page", "under another page"),
            *("nobody present", "backed up yet on one device", "another type of credential"),
            *("ids that differ", "no response", "a list"),
        )
    },
    "a registration's type": Lie(type="webauthn.create"),
    "a signature by another": Lie(after_signing=lambda _: b"\x30\x06\x02\x01\x01\x02\x01\x01"),
    "no signature": Lie(after_signing=lambda _: b""),
    "a key that was on one device and can be synced now": Lie(flags={BE: True}),
    "data of extensions that are not there": Lie(flags={0x80: True}),
    "key data that is not there": Lie(flags={0x40: True}),
    "a handle that is no text": Lie(
        answer=lambda answer: answer | {"response": {**answer["response"], "userHandle": 7}}
    ),
}


@pytest.mark.parametrize("known", [True, False], ids=["for a person", "for anybody"])
@pytest.mark.parametrize("lie", HOSTILE_ASSERTIONS.values(), ids=HOSTILE_ASSERTIONS.keys())
def test_a_hostile_assertion_is_refused_in_one_sentence(
    world: World, passkey: Passkey, device: Authenticator, enrolled: Credential, lie: Lie, known: bool
) -> None:
    """attack 32: origin, RP ID, challenge, presence, signature, flags"""
    outcome = answers(world, passkey, device, lie, subject=world.subject() if known else None)
    assert isinstance(outcome, Rejected)
    assert outcome.reason in {Reason.KEY_ANSWER_BROKEN, Reason.KEY_UNKNOWN}
    assert outcome.reason.public == Reason.KEY_ANSWER_BROKEN.public
    assert isinstance(answers(world, passkey, device), Verified), "the key itself is as good as before"


def test_a_user_who_was_not_verified_is_told_to_try_a_pin(
    world: World, passkey: Passkey, device: Authenticator, enrolled: Credential
) -> None:
    """attack 32: UV"""
    assert answers(world, passkey, device, Lie(flags={UV: False})) == Rejected(Reason.USER_NOT_VERIFIED)


@pytest.mark.parametrize(
    "lie", [Lie(user_handle=b"j" * 32), Lie(no_user_handle=True)], ids=["forged", "missing"]
)
def test_a_passkey_must_come_with_the_handle_of_its_owner(
    world: World, passkey: Passkey, device: Authenticator, enrolled: Credential, lie: Lie
) -> None:
    """attack 32: userHandle, on the page where only the answer says who it is"""
    assert answers(world, passkey, device, lie) == Rejected(Reason.KEY_OF_ANOTHER)


def test_for_somebody_known_a_handle_may_be_missing_but_not_another_s(
    world: World, passkey: Passkey, device: Authenticator, enrolled: Credential
) -> None:
    """attack 32: userHandle; authenticators need not tell it when they were asked for the key by its id"""
    subject = world.subject()
    assert isinstance(answers(world, passkey, device, Lie(no_user_handle=True), subject=subject), Verified)
    forged = answers(world, passkey, device, Lie(user_handle=b"j" * 32), subject=world.subject())
    assert forged == Rejected(Reason.KEY_OF_ANOTHER)


def test_the_handle_of_another_person_does_not_make_the_key_theirs(
    world: World, passkey: Passkey, device: Authenticator, enrolled: Credential
) -> None:
    """attack 32: credential ownership. Juris signs with his own key and says he is anna, and the reverse."""
    his = Authenticator(ORIGIN)
    assert isinstance(sets_up(world, passkey, his, user="juris"), Enrolled)
    as_anna = answers(world, passkey, his, Lie(user_handle=device.keys[0].user_handle))
    assert as_anna == Rejected(Reason.KEY_OF_ANOTHER)
    with_her_id = answers(world, passkey, his, Lie(key_id=device.keys[0].id))
    assert with_her_id == Rejected(Reason.KEY_ANSWER_BROKEN)
    for_her = answers(world, passkey, his, subject=world.subject("anna"), key=his.keys[0])
    assert for_her == Rejected(Reason.KEY_UNKNOWN)


def test_a_challenge_begun_for_one_person_is_not_for_another(
    world: World, passkey: Passkey, device: Authenticator, enrolled: Credential
) -> None:
    """attack 32: challenge bound to the user"""
    for_juris = passkey.begin(world.subject("juris"))
    sent = {"credential": device.gets(for_juris.page["options"])}
    with world.database.begin() as work:
        outcome = passkey.verify(work, world.subject("anna"), for_juris, sent)
    assert outcome == Rejected(Reason.KEY_OF_ANOTHER)


def test_without_a_challenge_nothing_is_right(
    world: World, passkey: Passkey, device: Authenticator, enrolled: Credential
) -> None:
    """attack 32: what the sign-in has spent is handed in as no state at all"""
    asked = replace(passkey.begin_for_anybody(None), state={})
    assert answers(world, passkey, device, challenge=asked) == Rejected(Reason.CHALLENGE_USED)


def test_nobody_knows_a_key_that_was_never_set_up(
    world: World, passkey: Passkey, device: Authenticator
) -> None:
    stranger = Authenticator(ORIGIN)
    stranger.creates(passkey.begin_enrolment(world.subject()).page["options"])
    assert answers(world, passkey, stranger) == Rejected(Reason.KEY_UNKNOWN)
    assert Reason.KEY_UNKNOWN.public == Reason.KEY_ANSWER_BROKEN.public == Reason.KEY_OF_ANOTHER.public


# The counter -------------------------------------------------------------------------------------------------


def test_a_counter_that_falls_on_a_device_bound_key_blocks_it(
    world: World, passkey: Passkey, device: Authenticator, enrolled: Credential
) -> None:
    """attack 32: signCount"""
    for _ in range(3):
        assert isinstance(answers(world, passkey, device), Verified)
    assert stored(world, enrolled).sign_count == 3
    assert answers(world, passkey, device, Lie(count=2)) == Rejected(Reason.KEY_COPIED)
    assert stored(world, enrolled).blocked_at == world.now[0]
    device.keys[0].count = 100
    assert answers(world, passkey, device) == Rejected(Reason.KEY_UNKNOWN), "the right one is blocked as well"
    assert passkey.describe(stored(world, enrolled)).is_blocked
    assert passkey.is_enrolled(world.subject()), "and the account does not open with one factor less"
    assert json.loads(passkey.begin(world.subject()).page["options"])["allowCredentials"] == []


@pytest.mark.parametrize("count", [0, 1])
def test_a_counter_that_stands_still_or_returns_to_nothing_blocks_too(
    world: World, passkey: Passkey, device: Authenticator, enrolled: Credential, count: int
) -> None:
    """attack 32: signCount"""
    assert isinstance(answers(world, passkey, device), Verified)
    assert answers(world, passkey, device, Lie(count=count)) == Rejected(Reason.KEY_COPIED)


def test_a_key_that_never_counts_is_not_held_to_it(world: World, passkey: Passkey) -> None:
    device = Authenticator(ORIGIN, counts=False)
    enrol(world, passkey, device)
    for _ in range(3):
        assert isinstance(answers(world, passkey, device), Verified)


def test_on_a_synced_passkey_the_counter_means_nothing(world: World, passkey: Passkey) -> None:
    device = Authenticator(ORIGIN, synced=True)
    made = enrol(world, passkey, device)
    assert made.backup == Backup.SYNCED
    for count in (5, 3, 3, 0, 4_294_967_295):
        assert isinstance(answers(world, passkey, device, Lie(count=count)), Verified)
    assert stored(world, made).blocked_at is None
    assert stored(world, made).sign_count == 4_294_967_295


def test_what_may_be_synced_says_at_each_use_whether_it_is(world: World, passkey: Passkey) -> None:
    device = Authenticator(ORIGIN, synced=True)
    made = enrol(world, passkey, device)
    answers(world, passkey, device, Lie(flags={BS: False}))
    assert stored(world, made).backup == Backup.ELIGIBLE
    answers(world, passkey, device)
    assert stored(world, made).backup == Backup.SYNCED
    assert stored(world, made).last_used_at == world.now[0]


def test_a_synced_passkey_cannot_turn_into_a_device_bound_one(world: World, passkey: Passkey) -> None:
    device = Authenticator(ORIGIN, synced=True)
    enrol(world, passkey, device)
    outcome = answers(world, passkey, device, Lie(flags={BE: False, BS: False}))
    assert outcome == Rejected(Reason.KEY_ANSWER_BROKEN)


def test_of_one_answer_sent_a_hundred_times_at_once_one_is_taken(
    world: World, passkey: Passkey, device: Authenticator, enrolled: Credential
) -> None:
    """attack 32: the count is taken over by one conditional update"""
    asked = passkey.begin(world.subject())
    sent = {"credential": device.gets(asked.page["options"])}
    before = world.subject()

    def tries(_: int) -> Outcome:
        with world.database.begin() as work:
            return passkey.verify(work, before, asked, sent)

    with ThreadPoolExecutor(16) as threads:
        outcomes = list(threads.map(tries, range(100)))
    assert sum(isinstance(outcome, Verified) for outcome in outcomes) == 1


def test_nothing_that_is_printed_shows_keys(
    passkey: Passkey, enrolled: Credential, device: Authenticator
) -> None:
    """attack 44"""
    challenge = passkey.begin_for_anybody(None)
    assert challenge.state["challenge"] not in repr(challenge).replace(repr(challenge.page), "")
    assert str(enrolled.user_handle) not in repr(enrolled)


def test_the_same_lie_is_signed_as_if_it_were_true(
    world: World, passkey: Passkey, device: Authenticator, enrolled: Credential
) -> None:
    """So that the refusals above are for what is said and not for a signature that does not fit."""
    honest: list[Callable[[], Outcome]] = [
        lambda: answers(world, passkey, device, Lie(origin=ORIGIN)),
        lambda: answers(world, passkey, device, Lie(rp_id="visvaris.lv", type="webauthn.get")),
        lambda: answers(world, passkey, device, Lie(flags={UP: True, UV: True}, cross_origin=False)),
    ]
    assert all(isinstance(ask(), Verified) for ask in honest)
