"""Who vouches for a key: in every format, in every way to be wrong, and what is demanded of it."""

import datetime as dt
import json
from collections.abc import Sequence
from typing import Any
from uuid import UUID

import pytest
from cryptography.hazmat.primitives import hashes

from idp.attestation_policy import Demand
from idp.errors import Reason
from idp.methods.base import Challenge, Enrolled, Rejected, Subject, Verified
from idp.methods.registry import read_blob, take_over
from idp.methods.webauthn.passkey import Passkey
from idp.models.authenticators import Attestation, Binding
from idp.models.people import Credential
from tests.idp.methods.conftest import World
from tests.idp.methods.test_passkey import ORIGIN, PARTY, answers
from tests.support.alliance import Alliance, entry
from tests.support.authenticator import NO_MAKER, YUBIKEY, Authenticator, Lie, Maker
from tests.support.makers import (
    FAR_OFF,
    LONG_AGO,
    AndroidMaker,
    PackedMaker,
    SelfMaker,
    Signer,
    TpmMaker,
    issue,
    make_name,
)

OTHER = UUID("11111111-2222-4333-8444-555555555555")
MDS = Demand(scope="0001000", attestation=Attestation.MDS)
OPERATORS = Demand(scope="operator", binding=Binding.BOUND_OR_ATTESTED)
BOUND = Demand(scope="0001000", binding=Binding.BOUND)
GONE = (dt.datetime(2020, 1, 1, tzinfo=dt.UTC), dt.datetime(2021, 1, 1, tzinfo=dt.UTC))
TRUTH = Lie()
ALLIANCE = Alliance()


@pytest.fixture
def passkey(world: World) -> Passkey:
    return Passkey(party=PARTY, effects=world.effects)


@pytest.fixture
def maker() -> PackedMaker:
    return PackedMaker()


def lists(world: World, *entries: dict[str, Any], number: int = 1) -> None:
    root = ALLIANCE.root.certificate
    blob = read_blob(ALLIANCE.blob(number, entries), root=root, now=world.now[0])
    with world.database.begin() as work:
        assert take_over(work, blob, now=world.now[0]).is_new


def device_of(maker: Maker | None, *, aaguid: UUID = YUBIKEY, synced: bool = False) -> Authenticator:
    return Authenticator(ORIGIN, aaguid=aaguid, maker=maker, synced=synced)


def sets_up(
    world: World,
    passkey: Passkey,
    device: Authenticator,
    lie: Lie = TRUTH,
    *,
    demands: Sequence[Demand] = (MDS,),
) -> Enrolled | Rejected:
    subject = demanded(world, *demands)
    challenge = passkey.begin_enrolment(subject)
    return finishes(world, passkey, subject, challenge, device.creates(challenge.page["options"], lie))


def finishes(
    world: World, passkey: Passkey, subject: Subject, challenge: Challenge, sent: str
) -> Enrolled | Rejected:
    with world.database.begin() as work:
        return passkey.enrol(work, subject, challenge, {"credential": sent})


def demanded(world: World, *demands: Demand) -> Subject:
    known = world.subject()
    return Subject(known.user, known.credentials, demands)


def made(outcome: Enrolled | Rejected) -> Credential:
    assert isinstance(outcome, Enrolled), outcome
    return outcome.credential


# What is asked for -------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("demands", "asked"),
    [
        ((), "none"),
        ((BOUND,), "none"),
        ((MDS,), "direct"),
        ((OPERATORS,), "direct"),
        ((BOUND, MDS), "direct"),
        ((Demand(scope="national", attestation=Attestation.LIST, aaguids=frozenset({"x"})),), "direct"),
    ],
)
def test_browsers_are_asked_for_an_attestation_only_where_one_could_count(
    world: World, passkey: Passkey, demands: tuple[Demand, ...], asked: str
) -> None:
    challenge = passkey.begin_enrolment(demanded(world, *demands))
    assert json.loads(challenge.page["options"])["attestation"] == asked
    assert challenge.page["attested"] == (asked == "direct")


def test_what_nobody_asked_for_is_not_kept_as_if_somebody_had(
    world: World, passkey: Passkey, maker: PackedMaker
) -> None:
    lists(world, entry(roots=[maker.root]))
    challenge = passkey.begin_enrolment(demanded(world))
    asked = json.loads(challenge.page["options"]) | {"attestation": "direct"}
    stored = made(finishes(world, passkey, demanded(world), challenge, device_of(maker).creates(asked)))
    assert (stored.attestation, stored.kind) == (None, "Atslēgu kalves sērija 5")


# In each format ----------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("made_by", "format_"),
    [
        (PackedMaker(), "packed"),
        (PackedMaker(aaguid=None), "packed"),
        (TpmMaker(), "tpm"),
        (TpmMaker(aaguid=YUBIKEY), "tpm"),
        (AndroidMaker(), "android-key"),
    ],
    ids=["packed", "packed, no model named", "tpm", "tpm, with its model", "android-key"],
)
def test_a_maker_vouches_for_a_listed_model(
    world: World, passkey: Passkey, made_by: Any, format_: str
) -> None:
    lists(world, entry(roots=[made_by.root]))
    device = device_of(made_by)
    stored = made(sets_up(world, passkey, device))
    assert (stored.attestation, stored.aaguid, stored.algorithm) == (format_, str(YUBIKEY), -7)
    described = passkey.describe(stored)
    assert described.kind == "Atslēgu kalves sērija 5", "as the list has it, before the one that is shipped"
    assert described.notes == ("Stays on one device.", "Its maker confirms what it is.")
    assert answers(world, passkey, device) == Verified(stored.id, user_verified=True)


def test_by_way_of_an_authority_in_between(world: World, passkey: Passkey) -> None:
    root = issue(make_name("Sakne"), None, is_authority=True)
    between = issue(make_name("Starpnieks"), root, is_authority=True, path_length=0)
    lists(world, entry(roots=[root]))
    assert made(sets_up(world, passkey, device_of(PackedMaker(root=root, between=between)))).attestation


def test_the_list_may_name_an_authority_in_between_or_the_certificate_itself(
    world: World, passkey: Passkey
) -> None:
    """FIDO Metadata Statement 3.0: an anchor need not be a root."""
    root = issue(make_name("Sakne"), None, is_authority=True)
    between = issue(make_name("Starpnieks"), root, is_authority=True)
    lists(world, entry(roots=[between]))
    assert made(sets_up(world, passkey, device_of(PackedMaker(root=root, between=between)))).attestation

    class Same(PackedMaker):
        def leaf(self) -> Signer:
            return only

    only = PackedMaker(root=root).leaf()
    lists(world, entry(roots=[only]), number=2)
    assert made(sets_up(world, passkey, device_of(Same()))).attestation


# What is refused as hostile ----------------------------------------------------------------------------------

ROOT = issue(make_name("Sakne"), None, is_authority=True)
STRANGER = issue(make_name("Sakne"), None, is_authority=True)
NO_AUTHORITY = issue(make_name("Starpnieks"), ROOT)
NARROW = issue(make_name("Šaura sakne"), None, is_authority=True, path_length=0)
BELOW_NARROW = issue(make_name("Par dziļu"), NARROW, is_authority=True)
EXPIRED_ROOT = issue(make_name("Veca sakne"), None, is_authority=True, validity=GONE)
EXPIRED_BETWEEN = issue(make_name("Vecs starpnieks"), ROOT, is_authority=True, validity=GONE)
LEAF = PackedMaker(root=ROOT).leaf()

FORGED: dict[str, Maker] = {
    "another model in the certificate": PackedMaker(root=ROOT, aaguid=OTHER),
    "no model's model in the certificate": PackedMaker(root=ROOT, aaguid=NO_MAKER),
    "a critical extension": PackedMaker(root=ROOT, critical=True),
    "a certificate for something else": PackedMaker(root=ROOT, unit="Web Server"),
    "an authority's certificate": PackedMaker(root=ROOT, is_authority=True),
    "an expired certificate": PackedMaker(root=ROOT, validity=GONE),
    "one that is not valid yet": PackedMaker(root=ROOT, validity=(dt.datetime(2030, 1, 1, tzinfo=dt.UTC), FAR_OFF)),
    "another authority of the same name": PackedMaker(root=STRANGER),
    "an expired root": PackedMaker(root=EXPIRED_ROOT),
    "an expired authority in between": PackedMaker(root=ROOT, between=EXPIRED_BETWEEN),
    "in between somebody who is no authority": PackedMaker(root=ROOT, between=NO_AUTHORITY),
    "deeper than the root allows": PackedMaker(root=NARROW, between=BELOW_NARROW),
    "a missing link": PackedMaker(root=ROOT, between=issue(make_name("Starpnieks"), ROOT, is_authority=True), given=()),
    "somebody else's certificate": PackedMaker(root=ROOT, given=(LEAF.der,)),
    "no certificate at all but bytes": PackedMaker(root=ROOT, given=(b"\x30\x03what",)),
    "the root before the certificate": PackedMaker(root=ROOT, given=(ROOT.der, LEAF.der)),
    "a chain without end": PackedMaker(root=ROOT, given=(LEAF.der,) * 9),
    "a signature over something else": PackedMaker(root=ROOT, signs=b"something else"),
    "an algorithm nobody knows": PackedMaker(root=ROOT, algorithm=-4711),
    "another algorithm than the key's": PackedMaker(root=ROOT, algorithm=-8),
    "a certificate signed with an old hash": PackedMaker(root=ROOT, hash=hashes.SHA224()),
    "what another phone was asked": AndroidMaker(root=ROOT, challenge=b"x" * 32),
    "a phone of another root": AndroidMaker(root=STRANGER),
    "a TPM of another root": TpmMaker(root=STRANGER),
    "a TPM of another model": TpmMaker(root=ROOT, aaguid=OTHER),
}  # fmt: skip


@pytest.mark.parametrize("demand", [MDS, OPERATORS], ids=["MDS", "operators"])
@pytest.mark.parametrize("forger", FORGED.values(), ids=FORGED.keys())
def test_a_false_attestation_is_refused_in_one_sentence_and_leaves_nothing(
    world: World, passkey: Passkey, forger: Maker, demand: Demand
) -> None:
    """attack 32: a statement that says a maker vouches, and none does"""
    lists(world, entry(roots=[ROOT, EXPIRED_ROOT, NARROW]))
    assert sets_up(world, passkey, device_of(forger), demands=[demand]) == Rejected(Reason.KEY_ANSWER_BROKEN)
    assert world.subject().credentials == []


@pytest.mark.parametrize(
    "lie",
    [
        Lie(attestation_bytes=lambda raw: raw[:-9]),
        Lie(attestation_bytes=lambda _: b"\x81" * 20_000),
        Lie(algorithm=-36),
        Lie(format="packed", statement={"alg": -7}),
        Lie(format="packed", statement={"alg": -7, "sig": b"x", "x5c": "certificates"}),
        Lie(format="packed", statement={"alg": -7, "sig": b"x", "x5c": [7]}),
        Lie(format="tpm", statement={"ver": "2.0", "alg": -257, "sig": b"x", "x5c": [LEAF.der]}),
        Lie(format="apple", statement={"x5c": [LEAF.der, ROOT.der]}),
        Lie(format="fido-u2f", statement={"sig": b"x", "x5c": [LEAF.der]}),
        Lie(format="android-safetynet", statement={"ver": "1", "response": b"a.b.c"}),
        Lie(format="compound", statement={}),
        Lie(format="none", statement={"sig": b"x"}),
        Lie(flags={0x40: False}),
    ],
    ids=range(13),
)
def test_an_answer_that_is_broken_is_refused_where_attestation_is_asked_for_too(
    world: World, passkey: Passkey, lie: Lie
) -> None:
    """attack 32: bad CBOR, unknown algorithm, formats without what they consist of"""
    lists(world, entry(roots=[ROOT]))
    outcome = sets_up(world, passkey, device_of(PackedMaker(root=ROOT)), lie)
    assert outcome == Rejected(Reason.KEY_ANSWER_BROKEN)
    assert world.subject().credentials == []


# What is refused with words that help ------------------------------------------------------------------------


def test_no_attestation_where_one_is_asked_for_is_a_key_that_has_none(world: World, passkey: Passkey) -> None:
    """attack 32: attestation downgrade to `none`"""
    lists(world, entry(roots=[ROOT]))
    assert sets_up(world, passkey, device_of(PackedMaker(root=ROOT)), Lie(format="none")) == Rejected(
        Reason.KEY_NOT_ATTESTED
    )
    assert world.subject().credentials == []


def test_a_key_that_vouches_for_itself_is_not_attested(world: World, passkey: Passkey) -> None:
    """attack 32: downgrade to self attestation, also of a model whose list says that it does no better"""
    lists(world, entry(roots=[ROOT], types=["basic_surrogate"]))
    assert sets_up(world, passkey, device_of(SelfMaker())) == Rejected(Reason.KEY_NOT_ATTESTED)


def test_the_model_of_no_model_is_never_listed(world: World, passkey: Passkey) -> None:
    """attack 32: AAGUID zero, even where the list itself has it"""
    maker = PackedMaker(root=ROOT, aaguid=NO_MAKER)
    lists(world, entry(NO_MAKER, roots=[ROOT]), entry(roots=[ROOT]))
    assert sets_up(world, passkey, device_of(maker, aaguid=NO_MAKER)) == Rejected(Reason.KEY_NOT_ATTESTED)
    assert world.subject().credentials == []


@pytest.mark.parametrize("listed", [True, False], ids=["another model is listed", "no list was loaded"])
def test_a_model_that_is_not_listed_has_nobody_to_vouch_for_it(
    world: World, passkey: Passkey, maker: PackedMaker, listed: bool
) -> None:
    if listed:
        lists(world, entry(OTHER, roots=[maker.root]))
    assert sets_up(world, passkey, device_of(maker)) == Rejected(Reason.KEY_NOT_ATTESTED)


def test_a_model_with_no_roots_has_nobody_either(world: World, passkey: Passkey, maker: PackedMaker) -> None:
    lists(world, entry(roots=[]))
    assert sets_up(world, passkey, device_of(maker)) == Rejected(Reason.KEY_NOT_ATTESTED)
    assert made(sets_up(world, passkey, device_of(maker), demands=[OPERATORS])).attestation is None


@pytest.mark.parametrize(
    "status",
    [
        "REVOKED",
        "USER_KEY_PHYSICAL_COMPROMISE",
        "USER_KEY_REMOTE_COMPROMISE",
        "ATTESTATION_KEY_COMPROMISE",
        "USER_VERIFICATION_BYPASS",
    ],
)
def test_a_model_that_is_not_trusted_is_not_set_up(
    world: World, passkey: Passkey, maker: PackedMaker, status: str
) -> None:
    """attack 32; whatever was reported before or after"""
    lists(world, entry(roots=[maker.root], statuses=["FIDO_CERTIFIED", status, "UPDATE_AVAILABLE"]))
    assert sets_up(world, passkey, device_of(maker)) == Rejected(Reason.KEY_MODEL_UNTRUSTED)
    assert sets_up(world, passkey, device_of(maker), demands=[]).__class__ is Enrolled, "nobody demands it"


def test_of_the_listed_models_only_those_that_were_chosen(
    world: World, passkey: Passkey, maker: PackedMaker
) -> None:
    lists(world, entry(roots=[maker.root]))
    for models, expected in (({str(OTHER)}, Reason.KEY_NOT_CHOSEN), ({str(YUBIKEY), str(OTHER)}, None)):
        demand = Demand(scope="national", attestation=Attestation.LIST, aaguids=frozenset(models))
        outcome = sets_up(world, passkey, device_of(maker), demands=[demand])
        assert outcome == Rejected(expected) if expected else isinstance(outcome, Enrolled)


def test_saying_to_be_a_chosen_model_is_not_enough(world: World, passkey: Passkey) -> None:
    """attack 32: the AAGUID without an attestation is what anybody can say"""
    demand = Demand(scope="national", attestation=Attestation.LIST, aaguids=frozenset({str(YUBIKEY)}))
    lists(world, entry(roots=[ROOT]))
    assert sets_up(world, passkey, device_of(None), demands=[demand]) == Rejected(Reason.KEY_NOT_ATTESTED)


@pytest.mark.parametrize(
    ("device", "accepted"),
    [
        (device_of(None), True),
        (device_of(None, synced=True), False),
        (device_of(PackedMaker(root=ROOT), synced=True), True),
        (device_of(SelfMaker(), synced=True), False),
    ],
    ids=["bound", "synced", "synced and attested", "synced and self-attested"],
)
def test_operators_have_keys_that_stay_on_one_device_or_are_attested(
    world: World, passkey: Passkey, device: Authenticator, accepted: bool
) -> None:
    lists(world, entry(roots=[ROOT]))
    outcome = sets_up(world, passkey, device, demands=[OPERATORS])
    assert isinstance(outcome, Enrolled) if accepted else outcome == Rejected(Reason.KEY_NOT_DEVICE_BOUND)


def test_a_synced_key_is_not_one_that_stays_on_a_device_however_attested(
    world: World, passkey: Passkey
) -> None:
    lists(world, entry(roots=[ROOT]))
    device = device_of(PackedMaker(root=ROOT), synced=True)
    assert sets_up(world, passkey, device, demands=[MDS, BOUND]) == Rejected(Reason.KEY_NOT_DEVICE_BOUND)


def test_a_demand_that_came_while_the_page_was_open_holds(
    world: World, passkey: Passkey, maker: PackedMaker
) -> None:
    """The page asked for nothing, so nothing counts."""
    lists(world, entry(roots=[maker.root]))
    challenge = passkey.begin_enrolment(demanded(world))
    sent = device_of(maker).creates(challenge.page["options"])
    assert finishes(world, passkey, demanded(world, MDS), challenge, sent) == Rejected(
        Reason.KEY_NOT_ATTESTED
    )


def test_why_a_kind_of_key_is_not_accepted_is_not_told_apart() -> None:
    reasons = [each for each in Reason if each.public == Reason.KEY_NOT_ATTESTED.public]
    assert len(reasons) == 5
    assert Reason.KEY_ANSWER_BROKEN not in reasons


def test_validity_is_held_against_the_provider_s_clock(
    world: World, passkey: Passkey, maker: PackedMaker
) -> None:
    lists(world, entry(roots=[maker.root]))
    for moment, accepted in ((LONG_AGO, True), (FAR_OFF, False)):
        world.now[0] = moment.timestamp() + 1
        outcome = sets_up(world, passkey, device_of(maker))
        assert isinstance(outcome, Enrolled) is accepted
