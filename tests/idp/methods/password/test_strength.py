import time

import pytest

from idp.errors import Reason
from idp.methods.password import strength

WELL_KNOWN = [
    "password1234",
    "Password1234!",
    "P@ssw0rd1234",
    "p4ssw0rd!!!!",
    "P@$$w0rd1234",
    "Passw0rd!123",
    "Pa$$word1234",
    "PASSWORDPASSWORD",
    "qwertyuiop12",
    "qwerty123456",
    "qwertyqwerty",
    "asdfghjkl123",
    "1qaz2wsx3edc",
    "1q2w3e4r5t6y",
    "zaq12wsxcde3",
    "!QAZ2wsx#EDC",
    "123456789012",
    "111111111111",
    "123123123123",
    "987654321098",
    "147258369147",
    "aaaaaaaaaaaa",
    "abcabcabcabc",
    "abcdefghijkl",
    "Parole123456",
    "Parole2024!!",
    "Latvija2025!",
    "Visvaris2025",
    "Ziema2024!!!!",
    "Daugavpils2024",
    "Liepāja123456",
    "Rīga2025!Rīga2025!",
    "administrator",
    "Administrator1",
    "letmein12345",
    "iloveyou1234",
    "welcome12345",
    "changeme1234",
    "trustno1trustno1",
    "unbelievable",
    "Monkey123456",
    "Summer2024!!",
    "adminadmin12",
    "secretpassword",
    "dinamoriga2024",
    "football1234",
    "international1",
]

GOOD = [
    "x7Gq!pL2vR9z",
    "correct-horse-battery",
    "purplemonkeydishwasher",
    "zirnis uz jumta 42",
    "tramvajs.lietus.maize",
    "PilnsPagalmsGārņu",
    "Trīs pelēkas vārnas",
    "🦆🦆 pīle un cālis 🐣",
]


@pytest.mark.parametrize("password", WELL_KNOWN)
def test_a_well_known_password_is_refused_however_it_is_trimmed(password: str) -> None:
    assert strength.fault(strength.normalise(password), ()) is Reason.PASSWORD_COMMON


@pytest.mark.parametrize("password", GOOD)
def test_a_password_of_ones_own_making_is_fine_whatever_characters_it_has(password: str) -> None:
    assert strength.fault(strength.normalise(password), ("anna.berzina", "Anna", "Bērziņa")) is None


@pytest.mark.parametrize(
    "password",
    ["zils-Bērziņa-kalns", "zils-BERZINA-kalns", "zils-b3rz1n4-kalns", "annemarija zīle", "zils_anne1990x"],
)
def test_ones_own_names_are_refused_without_regard_to_case_diacritics_and_digits_for_letters(
    password: str,
) -> None:
    """attack 45"""
    assert strength.fault(password, ("anne.berzina", "Annemarija", "Bērziņa")) is Reason.PASSWORD_HAS_NAME


def test_a_short_part_of_a_name_may_stand_in_a_password() -> None:
    assert strength.fault("lidosta Lielvārde", ("Lī", "Oss")) is None


def test_length_is_counted_in_characters_and_bounded_both_ways() -> None:
    """attack 43"""
    assert strength.fault("x7Gq!pL2vR9", ()) is Reason.PASSWORD_TOO_SHORT
    assert strength.fault("ķ7Gģ!pĻ2vŅ9z", ()) is None
    assert strength.fault("x7Gq!pL2vR9z" * 21 + "zils", ()) is not Reason.PASSWORD_TOO_LONG
    assert strength.fault("x7Gq!pL2vR9z" * 21 + "zils!", ()) is Reason.PASSWORD_TOO_LONG


def test_one_password_typed_on_two_keyboards_is_one_password() -> None:
    """attack 45"""
    assert strength.normalise("ga\u0304rn\u0327u pagalms") == strength.normalise("gārņu\u00a0pagalms")
    assert strength.normalise("Gārņu") != strength.normalise("gārņu")


def test_half_a_surrogate_pair_does_no_harm() -> None:
    strength.normalise("zils \ud800 kalns").encode()


@pytest.mark.parametrize(
    "password", ["ab" * 128, "1" * 256, "qwertyuiop" * 25, "!" * 256, "a1" * 100 + "Z" * 56]
)
def test_the_longest_password_is_judged_at_once(password: str) -> None:
    """attack 43"""
    strength.fault("x7Gq!pL2vR9z", ())  # reads the list
    started = time.process_time()
    strength.fault(password, ("anne.berzina", "Annemarija", "Bērziņa"))
    assert time.process_time() - started < 0.2
