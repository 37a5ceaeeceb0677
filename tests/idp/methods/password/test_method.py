import hashlib
import statistics
import time

import bcrypt
import pytest

from idp.errors import Reason
from idp.methods.base import Enrolled, Rejected, Verified
from idp.methods.password.hashing import Argon2Parameters
from idp.methods.password.method import Password
from idp.models.people import Credential
from tests.idp.methods.conftest import World

CHEAP = Argon2Parameters(time_cost=1, memory_kib=64, parallelism=1)
RIGHT = "zirnis uz jumta"


@pytest.fixture
def password(world: World) -> Password:
    return Password(parameters=CHEAP, at_once=2, effects=world.effects)


def given(world: World, password: Password, text: str = RIGHT) -> Credential:
    credential = password.credential(world.subject().user, text)
    assert isinstance(credential, Credential)
    world.keeps(credential)
    return credential


def given_hash(world: World, stored: str) -> None:
    world.keeps(Credential(id="old", user_id="anna", method="password", secret=stored, created_at=0))


def stored(world: World) -> str:
    [credential] = world.subject().of("password")
    return credential.secret


def test_the_right_password_is_right_and_another_is_not(world: World, password: Password) -> None:
    credential = given(world, password)
    assert world.verify(password, {"password": RIGHT}) == Verified(credential.id)
    assert world.subject().credentials[0].last_used_at == world.now[0]
    for wrong in ("Zirnis uz jumta", RIGHT + " ", "", "\x00", "zirnis"):
        assert world.verify(password, {"password": wrong}) == Rejected(Reason.WRONG_PASSWORD)
    assert world.verify(password, {}) == Rejected(Reason.WRONG_PASSWORD)


def test_it_may_be_typed_in_any_normal_form(world: World, password: Password) -> None:
    """attack 45"""
    given(world, password, "gārņu pagalms vējā")
    assert isinstance(
        world.verify(password, {"password": "ga\u0304rn\u0327u\u00a0pagalms ve\u0304ja\u0304"}), Verified
    )


def test_a_huge_password_is_refused_before_it_is_hashed(world: World, password: Password) -> None:
    """attack 43"""
    given(world, password)
    started = time.process_time()
    assert world.verify(password, {"password": "x" * 10_000_000}) == Rejected(Reason.TOO_LONG)
    assert world.verify(password, {"password": "x" * 10_000_000}, nobody=True) == Rejected(Reason.TOO_LONG)
    assert time.process_time() - started < 0.1


def test_nobody_and_somebody_without_a_password_are_refused_in_the_same_public_words(
    world: World, password: Password
) -> None:
    """attack 28"""
    nobody = world.verify(password, {"password": RIGHT}, nobody=True)
    without = world.verify(password, {"password": RIGHT})
    assert (nobody, without) == (Rejected(Reason.UNKNOWN_USER), Rejected(Reason.NO_PASSWORD))
    publicly = {
        Reason.UNKNOWN_USER.public,
        Reason.NO_PASSWORD.public,
        Reason.WRONG_PASSWORD.public,
        Reason.TOO_LONG.public,
    }
    assert len(publicly) == 1


def test_unknown_and_known_take_the_same_time(world: World) -> None:
    """attack 28: timing, at the method; the journey measures it over HTTP."""
    dear = Password(
        parameters=Argon2Parameters(time_cost=2, memory_kib=4096, parallelism=1),
        at_once=1,
        effects=world.effects,
    )
    given(world, dear)
    subject = world.subject()

    def one(*, nobody: bool) -> float:
        started = time.perf_counter()
        world.verify(dear, {"password": "something else"}, subject=subject, nobody=nobody)
        return time.perf_counter() - started

    known, unknown = [], []
    for _ in range(30):
        known.append(one(nobody=False))
        unknown.append(one(nobody=True))
    assert abs(min(known) - min(unknown)) < 0.25 * min(known)


OLD_HASHES = {
    "bcrypt": bcrypt.hashpw(RIGHT.encode(), bcrypt.gensalt(4)).decode(),
    "salted SHA-256": "sha256$x$" + hashlib.sha256(b"x" + RIGHT.encode()).hexdigest(),
    "argon2id with less memory": "",
}


@pytest.mark.parametrize("form", OLD_HASHES)
def test_an_old_hash_is_checked_once_and_replaced(world: World, password: Password, form: str) -> None:
    cheaper = Password(
        parameters=Argon2Parameters(time_cost=1, memory_kib=32, parallelism=1),
        at_once=1,
        effects=world.effects,
    )
    if OLD_HASHES[form]:
        given_hash(world, OLD_HASHES[form])
    else:
        given(world, cheaper)
    old = stored(world)
    assert world.verify(password, {"password": "something else"}) == Rejected(Reason.WRONG_PASSWORD)
    assert stored(world) == old
    assert isinstance(world.verify(password, {"password": RIGHT}), Verified)
    assert stored(world).startswith("$argon2id$v=19$m=64,")
    assert isinstance(world.verify(password, {"password": RIGHT}), Verified)


def test_an_old_password_typed_as_it_was_then_still_fits(world: World, password: Password) -> None:
    """attack 45"""
    decomposed = "ga\u0304rn\u0327u pagalms"
    given_hash(world, "sha256$x$" + hashlib.sha256(b"x" + decomposed.encode()).hexdigest())
    assert isinstance(world.verify(password, {"password": decomposed}), Verified)
    assert isinstance(world.verify(password, {"password": "gārņu pagalms"}), Verified)


def test_replacing_an_old_hash_does_not_undo_a_change_made_meanwhile(
    world: World, password: Password
) -> None:
    given_hash(world, OLD_HASHES["bcrypt"])
    before = world.subject()
    with world.database.begin() as work:
        work.people.replace_secret("old", old=OLD_HASHES["bcrypt"], new="changed meanwhile")
    world.verify(password, {"password": RIGHT}, subject=before)
    assert stored(world) == "changed meanwhile"


def test_after_a_dear_old_hash_failed_all_failures_take_as_long(world: World, password: Password) -> None:
    """attack 28: who still has an old hash"""
    given_hash(world, bcrypt.hashpw(RIGHT.encode(), bcrypt.gensalt(9)).decode())
    subject = world.subject()

    def one(*, nobody: bool) -> float:
        started = time.perf_counter()
        world.verify(password, {"password": "something else"}, subject=subject, nobody=nobody)
        return time.perf_counter() - started

    one(nobody=False)
    old, unknown = zip(*((one(nobody=False), one(nobody=True)) for _ in range(15)), strict=True)
    assert statistics.median(unknown) > 0.8 * statistics.median(old)


def test_a_damaged_hash_fits_nothing_and_breaks_nothing(world: World, password: Password) -> None:
    given_hash(world, "$argon2id$v=19$damaged")
    assert world.verify(password, {"password": RIGHT}) == Rejected(Reason.WRONG_PASSWORD)


def chosen(new: str, again: str | None = None, **more: str) -> dict[str, str]:
    return {"new_password": new, "new_password_again": new if again is None else again, **more}


def test_a_first_password_is_set_without_an_old_one(world: World, password: Password) -> None:
    challenge = password.begin_enrolment(world.subject())
    assert challenge.page == {"needs_current": False}
    assert isinstance(world.enrol(password, challenge, chosen("tramvajs lietus maize")), Enrolled)
    assert isinstance(world.verify(password, {"password": "tramvajs lietus maize"}), Verified)


def test_a_change_needs_the_current_password_and_leaves_one(world: World, password: Password) -> None:
    """attack 33, attack 34"""
    given(world, password)
    challenge = password.begin_enrolment(world.subject())
    assert challenge.page == {"needs_current": True}
    new = chosen("tramvajs lietus maize")
    for current in (
        {},
        {"current_password": ""},
        {"current_password": "wrong"},
        {"current_password": "x" * 9999},
    ):
        assert world.enrol(password, challenge, new | current) == Rejected(Reason.WRONG_CURRENT_PASSWORD)
    assert isinstance(world.enrol(password, challenge, new | {"current_password": RIGHT}), Enrolled)
    assert len(world.subject().of("password")) == 1
    assert world.verify(password, {"password": RIGHT}) == Rejected(Reason.WRONG_PASSWORD)


@pytest.mark.parametrize(
    ("answer", "reason"),
    [
        (chosen("tramvajs lietus maize", "tramvajs lietus"), Reason.PASSWORDS_DIFFER),
        (chosen("īss"), Reason.PASSWORD_TOO_SHORT),
        ({}, Reason.PASSWORD_TOO_SHORT),
        (chosen("x7" * 5_000_000), Reason.PASSWORD_TOO_LONG),
        (chosen("Password1234!"), Reason.PASSWORD_COMMON),
        (chosen("mana-berzina-klēts"), Reason.PASSWORD_HAS_NAME),
    ],
)
def test_what_is_not_good_enough_is_refused_with_its_reason(
    world: World, password: Password, answer: dict[str, str], reason: Reason
) -> None:
    """attack 43"""
    assert world.enrol(password, password.begin_enrolment(world.subject()), answer) == Rejected(reason)
    assert not password.is_enrolled(world.subject())
