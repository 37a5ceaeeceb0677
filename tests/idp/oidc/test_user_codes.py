"""User codes (RFC 8628 section 6.1)."""

from collections import Counter

import pytest
from hypothesis import given
from hypothesis import strategies as st

from idp.effects import Effects
from idp.oidc.user_codes import ALPHABET, canonical_user_code, new_user_code, shown_user_code
from tests.support.builders import Dice

codes = st.text(ALPHABET, min_size=8, max_size=8)


def test_the_alphabet_has_no_vowels_and_nothing_that_looks_alike() -> None:
    assert not set(ALPHABET) & set("AEIOUY0123456789")
    for alike in ("0OQD", "1IL", "2Z", "5S", "6G", "8B", "UVW"):
        assert len(set(alike) & set(ALPHABET)) == 1


def test_codes_are_eight_letters_each_as_likely_as_any_other() -> None:
    effects = Effects(random=Dice())
    counted = Counter("".join(new_user_code(effects) for _ in range(4500)))
    assert set(counted) == set(ALPHABET)
    assert all(1750 < count < 2250 for count in counted.values()), counted


@given(codes)
def test_a_code_is_read_as_it_is_shown(code: str) -> None:
    assert canonical_user_code(shown_user_code(code)) == code
    assert shown_user_code(code) == f"{code[:4]}-{code[4:]}"


@given(codes, st.lists(st.sampled_from(" -\u2011\u2013\u00a0\t"), min_size=9, max_size=9))
def test_case_spaces_and_hyphens_do_not_matter(code: str, between: list[str]) -> None:
    """attack 45"""
    typed = "".join(gap + letter for gap, letter in zip(between, code, strict=False)) + between[-1]
    assert canonical_user_code(typed.lower()) == code


def test_what_looks_alike_is_read_alike() -> None:
    assert canonical_user_code("8cdf-6hj1") == canonical_user_code("BCDF-GHJL") == "BCDFGHJL"
    assert canonical_user_code("0QO2 5uIz") == "DDDZSVLZ"


@pytest.mark.parametrize(
    "typed", ["", "BCDF", "BCDF-GHJKL", "ABCD-EFGH", "BCDF-GHJ\u212a", "ＢＣＤＦＧＨＪＫ", " " * 100]
)
def test_what_cannot_be_a_code_is_none(typed: str) -> None:
    """attack 45: a Kelvin sign is no K."""
    assert canonical_user_code(typed) is None
