"""The code on a letter: enough of it, evenly drawn, and read as people type it."""

from collections import Counter

import pytest
from hypothesis import given
from hypothesis import strategies as st

from idp.effects import Effects
from idp.login.ticket_codes import (
    ALPHABET,
    LENGTH,
    canonical_ticket_code,
    new_ticket_code,
    shown_ticket_code,
)
from tests.support.builders import Dice

codes = st.text(ALPHABET, min_size=LENGTH, max_size=LENGTH)


def test_it_has_more_than_128_bits_and_nothing_that_looks_alike() -> None:
    assert len(ALPHABET) ** LENGTH > 2**128
    assert not set("ILOU") & set(ALPHABET)


def test_each_letter_is_as_likely_as_any_other() -> None:
    effects = Effects(random=Dice())
    counted = Counter("".join(new_ticket_code(effects) for _ in range(2000)))
    assert set(counted) == set(ALPHABET)
    assert all(1500 < count < 2000 for count in counted.values()), counted


@given(
    codes,
    st.lists(st.sampled_from(["", " ", "-", "\u2011", "\u2013", "\u00a0", "\t"]), min_size=29, max_size=29),
)
def test_case_spaces_and_hyphens_do_not_matter(code: str, between: list[str]) -> None:
    """attack 45"""
    typed = "".join(gap + letter for gap, letter in zip(between, code, strict=False)) + between[-1]
    assert canonical_ticket_code(typed.lower()) == code
    assert canonical_ticket_code(shown_ticket_code(code)) == code


def test_what_looks_like_another_letter_is_read_as_it() -> None:
    assert canonical_ticket_code("OIlU" + "0" * 24) == "011V" + "0" * 24


@pytest.mark.parametrize(
    "typed",
    ["", "0" * 27, "0" * 29, "0" * 27 + "!", "0" * 27 + "Ā", "٠" * 28, "0" * 28 + " " * 100, "\ud800" * 28],
)
def test_what_cannot_be_a_code_is_none(typed: str) -> None:
    """attack 43"""
    assert canonical_ticket_code(typed) is None
