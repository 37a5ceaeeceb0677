import random

import pytest
from hypothesis import given
from hypothesis import strategies as st

from idp.models.latvian import sort_key


@pytest.mark.parametrize(
    "in_order",
    [
        ["Augšdaugavas", "Ādažu", "Balvu"],
        ["Cēsu", "Česlava", "Daugavpils"],
        ["Kuldīgas", "Kz", "Ķekavas", "Limbažu"],
        ["Lz", "Ļaudonas", "Madonas"],
        ["nz", "ņ", "o"],
        ["sz", "šā", "t"],
        ["ez", "ē", "f"],
        ["gz", "ģ", "h"],
        ["iz", "ī", "j"],
        ["uz", "ū", "v", "z", "ž"],
        ["Ventspils", "Ventspils novads", "Ventspils valstspilsēta", "Ventspilsa"],
        ["2", "A"],
        ["anna", "Anna B"],
    ],
)
def test_latvian_order(in_order: list[str]):
    shuffled = random.sample(in_order, len(in_order))
    assert sorted(shuffled, key=sort_key) == in_order


def test_a_composed_and_a_decomposed_letter_stand_together():
    assert sort_key("A\u0304da")[0] == sort_key("Āda")[0]


@given(st.text(max_size=10), st.text(max_size=10))
def test_any_two_texts_have_an_order_and_only_the_same_text_the_same_place(one: str, other: str):
    assert (sort_key(one) == sort_key(other)) == (one == other)
    assert (sort_key(one) < sort_key(other)) != (sort_key(one) >= sort_key(other))
