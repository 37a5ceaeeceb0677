import pytest
from hypothesis import given
from hypothesis import strategies as st

from idp.models.usernames import MAXIMUM_LENGTH, canonical_username


@pytest.mark.parametrize(
    ("written", "canonical"),
    [
        ("Anna", "anna"),
        (" anna.berzina ", "anna.berzina"),
        ("ANNA.BĒRZIŅA", "anna.bērziņa"),
        ("anna.be\u0304rzin\u0327a", "anna.bērziņa"),
        ("Ａｎｎａ", "anna"),
        ("ﬁnance", "finance"),
        ("STRASSE", "strasse"),
        ("Straße", "strasse"),
        ("\u212bsa", "åsa"),
    ],
)
def test_every_way_of_writing_it_is_one_username(written: str, canonical: str):
    """attack 45"""
    assert canonical_username(written) == canonical


@pytest.mark.parametrize(
    "text",
    [
        "",
        "   ",
        "a\x00b",
        "a\nb",
        "a\u200bb",
        "a\u202eb",
        "a\u2028b",
        "\ud800",
        "a" * (MAXIMUM_LENGTH + 1),
        "ﷺ" * 100,
        "a" * 10**6,
    ],
)
def test_what_cannot_be_a_username_is_refused(text: str):
    """attack 43"""
    with pytest.raises(ValueError, match="username"):
        canonical_username(text)


@given(st.text(max_size=150))
def test_the_canonical_form_is_its_own(text: str):
    try:
        canonical = canonical_username(text)
    except ValueError:
        return
    assert canonical_username(canonical) == canonical
    assert 1 <= len(canonical) <= MAXIMUM_LENGTH
