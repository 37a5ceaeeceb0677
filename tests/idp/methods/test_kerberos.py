"""What a ticket of a computer at work is worth beside other proofs."""

import pytest

from idp.methods.directory.kerberos import METHOD, Kerberos
from idp.methods.directory.method import METHOD as PASSWORD_OF_THE_NETWORK
from idp.methods.directory.method import DirectoryPassword
from idp.methods.password.method import Password
from idp.methods.totp import Totp
from idp.methods.webauthn.security_key import SecurityKey
from idp.models.methods import Proof
from idp.policy import NATIONAL, REMEMBERED, Level, Rule, Situation, amr_of, decide, level_of

FACTS = (Kerberos.facts, DirectoryPassword.facts, Password.facts, Totp.facts, SecurityKey.facts)
IDS = frozenset(facts.id for facts in FACTS)


def proofs(*methods: str) -> tuple[Proof, ...]:
    return tuple(Proof(method, 1000.0, credential_id=method) for method in methods)


@pytest.mark.parametrize(
    ("passed", "level", "amr"),
    [
        ((METHOD,), Level.ONE_FACTOR, ("wia",)),
        ((METHOD, PASSWORD_OF_THE_NETWORK), Level.ONE_FACTOR, ("wia", "pwd")),
        ((METHOD, "password"), Level.ONE_FACTOR, ("wia", "pwd")),
        ((METHOD, "totp"), Level.MULTI_FACTOR, ("wia", "otp", "mfa")),
        ((METHOD, "security_key"), Level.PHISHING_RESISTANT, ("wia", "pop", "user", "mfa")),
    ],
)
def test_it_is_one_factor_and_two_with_something_one_has(
    passed: tuple[str, ...], level: Level, amr: tuple[str, ...]
):
    assert level_of(proofs(*passed), FACTS) is level
    assert amr_of(proofs(*passed), FACTS) == amr


def decided(*passed: str, not_before: float | None = None, demanded: Level = Level.ONE_FACTOR):
    return decide(
        Situation(
            methods=FACTS,
            enrolled=IDS,
            rules=(Rule(NATIONAL, IDS), Rule("0001000", IDS)),
            tenants=frozenset({"0001000"}),
            proofs=proofs(*passed),
            demanded=demanded,
            not_before=not_before,
            remembering=frozenset({"0001000"}),
            remembered_method="totp",
        )
    )


def test_beside_a_remembered_computer_it_is_the_same_computer_twice():
    """An unlocked computer that is remembered would else be two factors with nobody there."""
    assert decided(METHOD, REMEMBERED.id).reached is Level.ONE_FACTOR
    assert decided("password", REMEMBERED.id).reached is Level.MULTI_FACTOR
    assert decided(METHOD, "password", REMEMBERED.id).reached is Level.MULTI_FACTOR


def test_it_is_never_fresh_and_not_asked_for_where_that_is_wanted():
    anytime, now = decided(METHOD, "totp"), decided(METHOD, "totp", not_before=900.0)
    assert anytime.enough
    assert not now.enough
    assert {proof.method for proof in now.counted} == {"totp"}
    assert METHOD not in now.useful
    assert METHOD in decided().useful
