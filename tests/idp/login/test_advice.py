"""Which way to sign in suits somebody, by what they have: every answer there is."""

from itertools import chain, combinations

import pytest

from idp.login.advice import advised
from idp.methods.password.method import Password
from idp.methods.phone_approval import PhoneApproval
from idp.methods.recovery_code import RecoveryCode
from idp.methods.totp import Totp
from idp.methods.webauthn.passkey import Passkey
from idp.methods.webauthn.security_key import SecurityKey
from idp.models.methods import Device

METHODS = [each.facts for each in (Passkey, Password, SecurityKey, Totp, PhoneApproval, RecoveryCode)]
EVERY_ANSWER = list(chain.from_iterable(combinations(Device, size) for size in range(len(Device) + 1)))


@pytest.mark.parametrize("shared", [True, False])
@pytest.mark.parametrize("devices", EVERY_ANSWER)
def test_what_is_advised_works_with_what_is_there(devices: tuple[Device, ...], shared: bool) -> None:
    at_hand = set(devices) - ({Device.COMPUTER} if shared else set())
    facts = advised(METHODS, devices, shared=shared)
    assert all(each.needs & at_hand for each in facts)
    assert bool(facts) == bool(at_hand)
    assert not any(each.backup for each in facts)


@pytest.mark.parametrize("devices", [answer for answer in EVERY_ANSWER if answer])
def test_what_cannot_be_tricked_out_of_anybody_comes_first(
    devices: tuple[Device, ...],
) -> None:
    facts = advised(METHODS, devices, shared=False)
    safe = [each.phishing_resistant for each in facts]
    assert safe == sorted(safe, reverse=True)
    assert facts[0].id == "passkey"


def test_a_shared_computer_alone_is_nobodys() -> None:
    assert advised(METHODS, [Device.COMPUTER], shared=True) == ()


def test_what_leans_on_others_comes_last() -> None:
    facts = advised(METHODS, [Device.PHONE], shared=False)
    assert [each.id for each in facts] == ["passkey", "totp", "phone_approval"]
