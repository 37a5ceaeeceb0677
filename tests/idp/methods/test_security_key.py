"""Security keys at the method itself: what differs from passkeys. What is the same is in `test_passkey.py`."""

import json

import pytest

from idp.errors import Reason
from idp.methods.base import Challenge, Enrolled, Outcome, Rejected, Verified
from idp.methods.webauthn.passkey import Passkey
from idp.methods.webauthn.security_key import SecurityKey
from idp.models.methods import Proof
from idp.models.people import Credential
from idp.policy import Level, amr_of, level_of
from tests.idp.methods.conftest import World
from tests.idp.methods.test_passkey import ORIGIN, PARTY
from tests.support.authenticator import UV, Authenticator, InvalidStateError, Lie

TRUTH = Lie()


@pytest.fixture
def security_key(world: World) -> SecurityKey:
    return SecurityKey(party=PARTY, effects=world.effects)


@pytest.fixture
def passkey(world: World) -> Passkey:
    return Passkey(party=PARTY, effects=world.effects)


@pytest.fixture
def device() -> Authenticator:
    return Authenticator(ORIGIN, verifies_user=False)


@pytest.fixture
def enrolled(world: World, security_key: SecurityKey, device: Authenticator) -> Credential:
    challenge = security_key.begin_enrolment(world.subject())
    made = world.enrol(security_key, challenge, {"credential": device.creates(challenge.page["options"])})
    assert isinstance(made, Enrolled)
    return made.credential


def answers(
    world: World,
    security_key: SecurityKey,
    device: Authenticator,
    lie: Lie = TRUTH,
    challenge: Challenge | None = None,
) -> Outcome:
    subject = world.subject()
    asked = challenge or security_key.begin(subject)
    sent = {"credential": device.gets(asked.page["options"], lie)}
    with world.database.begin() as work:
        return security_key.verify(work, subject, asked, sent)


def test_what_the_browser_is_asked_for_is_a_key_to_carry(
    world: World, security_key: SecurityKey, enrolled: Credential
) -> None:
    made = json.loads(security_key.begin_enrolment(world.subject()).page["options"])
    assert made["authenticatorSelection"] == {
        "authenticatorAttachment": "cross-platform",
        "residentKey": "discouraged",
        "requireResidentKey": False,
        "userVerification": "preferred",
    }
    asked = json.loads(security_key.begin(world.subject()).page["options"])
    assert asked["userVerification"] == "preferred"
    assert asked["allowCredentials"] == [
        {"id": enrolled.key_id, "type": "public-key", "transports": ["usb", "nfc"]}
    ]


def test_a_touch_is_enough_and_says_that_it_was_one(
    world: World, security_key: SecurityKey, device: Authenticator, enrolled: Credential
) -> None:
    assert answers(world, security_key, device) == Verified(enrolled.id, user_verified=False)
    verified = answers(world, security_key, device, Lie(flags={UV: True}))
    assert verified == Verified(enrolled.id, user_verified=True)


def test_what_a_touch_is_worth_depends_on_what_stands_beside_it(security_key: SecurityKey) -> None:
    """A key alone in the hand of its finder is one factor."""
    facts = (security_key.facts,)
    touched, verified = Proof("security_key", 1.0), Proof("security_key", 1.0, user_verified=True)
    assert level_of([touched], facts) is Level.ONE_FACTOR
    assert level_of([verified], facts) is Level.PHISHING_RESISTANT
    assert amr_of([touched], facts) == ("pop", "user")
    assert amr_of([verified], facts) == ("pop", "user", "mfa")


def test_a_key_need_not_know_whose_it_is(
    world: World, security_key: SecurityKey, device: Authenticator, enrolled: Credential
) -> None:
    assert isinstance(answers(world, security_key, device, Lie(no_user_handle=True)), Verified)
    assert answers(world, security_key, device, Lie(user_handle=b"x" * 32)) == Rejected(Reason.KEY_OF_ANOTHER)


def test_one_authenticator_is_either_a_passkey_or_a_security_key(
    world: World, security_key: SecurityKey, passkey: Passkey, device: Authenticator, enrolled: Credential
) -> None:
    with pytest.raises(InvalidStateError):
        device.creates(passkey.begin_enrolment(world.subject()).page["options"])
    with world.database.read() as work:
        asked = passkey.begin_for_anybody(None)
        sent = {"credential": device.gets(asked.page["options"])}
        assert passkey.claimed_user(work, sent) is None, "and does not sign anybody in by itself"


def test_a_falling_counter_blocks_a_security_key(
    world: World, security_key: SecurityKey, device: Authenticator, enrolled: Credential
) -> None:
    """attack 32: signCount"""
    assert isinstance(answers(world, security_key, device), Verified)
    assert answers(world, security_key, device, Lie(count=1)) == Rejected(Reason.KEY_COPIED)
    assert world.subject().credentials[0].blocked_at is not None


def test_a_challenge_is_for_the_person_it_was_made_for(
    world: World, security_key: SecurityKey, device: Authenticator, enrolled: Credential
) -> None:
    """attack 32: bound to the user"""
    asked = security_key.begin(world.subject("juris"))
    assert answers(world, security_key, device, challenge=asked) == Rejected(Reason.KEY_OF_ANOTHER)
