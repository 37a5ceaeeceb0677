import pytest
from hypothesis import given
from hypothesis import strategies as st

from idp.models.person_code import PersonCode

FORMS = [
    "010203-12345",
    "01020312345",
    " 010203-12345 ",
    "010203 - 12345",
    "010203 12345",
    "010203\u00a012345",
    "010203\u201312345",
    "010203\u201412345",
    "010203\u201112345",
    "010203\u221212345",
    "PNOLV-010203-12345",
    "PNOLV-01020312345",
    "pnolv-010203-12345",
    "PK:01020312345",
    "pk:010203-12345",
    "LV/LT/010203-12345",
    "lv/ee/01020312345",
]
DIGITS = st.text("0123456789", min_size=11, max_size=11)


@pytest.mark.parametrize("written", FORMS)
def test_every_written_form_is_one_code(written: str):
    """attack 45"""
    code = PersonCode.parse(written)
    assert code == PersonCode.parse("01020312345")
    assert (code.canonical, code.written) == ("PNOLV-01020312345", "010203-12345")


@given(DIGITS)
def test_no_checksum_and_no_date_stands_in_the_way(digits: str):
    code = PersonCode.parse(digits)
    assert code.canonical == f"PNOLV-{digits}"
    for form in (
        code.canonical,
        code.written,
        f"PK:{digits}",
        f"LV/LT/{code.written}",
        code.canonical.lower(),
    ):
        assert PersonCode.parse(form) == code


@given(DIGITS, DIGITS)
def test_different_codes_stay_different(one: str, other: str):
    assert (PersonCode.parse(one) == PersonCode.parse(other)) == (one == other)


@pytest.mark.parametrize("new_type", ["320000-00000", "399999-99999", "329999-99901"])
def test_codes_issued_since_2017_are_accepted(new_type: str):
    assert PersonCode.parse(new_type).written == new_type


@pytest.mark.parametrize("written", ["LT/LV/38001085718", "PNOLT-38001085718", "lt/lv/38001085718"])
def test_a_neighbours_code_is_never_a_latvians_with_the_same_digits(written: str):
    """attack 39"""
    code = PersonCode.parse(written)
    assert code.canonical == "PNOLT-38001085718"
    assert code != PersonCode.parse("38001085718")
    assert code.written == "38001085718"


@pytest.mark.parametrize(
    "text",
    [
        "",
        "-",
        "0102031234",
        "010203123456",
        "0102-0312345",
        "01020-312345",
        "010203--12345",
        "a10203-12345",
        "٠١٠٢٠٣-١٢٣٤٥",
        "０１０２０３１２３４５",
        "PNOLV-",
        "PNOLV010203-12345",
        "PNOLV-030303-10012-MOCK-Q",
        "PNO-010203-12345",
        "PASLV-010203-12345",
        "LV/010203-12345",
        "LT/LV/",
        "LT/LV/'; --",
        "PK:",
        "PK:PK:01020312345",
        "010203-12345\x00",
        "1" * 65,
    ],
)
def test_what_is_no_personal_code_is_refused_without_being_repeated(text: str):
    with pytest.raises(ValueError, match="personal code") as raised:
        PersonCode.parse(text)
    assert "12345" not in str(raised.value)


@given(st.text(max_size=80))
def test_any_text_is_a_code_or_a_value_error(text: str):
    try:
        code = PersonCode.parse(text)
    except ValueError:
        return
    assert PersonCode.parse(code.canonical) == code


def test_what_is_shown_by_accident_is_masked():
    code = PersonCode.parse("010203-12345")
    assert code.masked == "******-**345"
    for shown in (repr(code), str(code), f"{code}"):
        assert "010203" not in shown
        assert "12345" not in shown
    assert "38001085" not in repr(PersonCode.parse("PNOLT-38001085718"))
    assert "1234567" not in repr(PersonCode.parse("PNOEE-1234567"))
