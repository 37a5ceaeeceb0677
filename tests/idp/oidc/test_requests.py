"""Parameters as RFC 6749 section 3.1 has them, whatever bytes come."""

from urllib.parse import parse_qsl, urlencode

import pytest
from hypothesis import given
from hypothesis import strategies as st

from idp.oidc.errors import ErrorCode, ProtocolError
from idp.oidc.requests import PARAMETERS_AT_MOST, Parameters, _pairs, error_response, refuse_duplicates

TEXT = st.text(st.characters(exclude_characters="\0", exclude_categories=["Cs"]), max_size=20)


@given(st.dictionaries(TEXT.filter(bool), TEXT, max_size=10))
def test_what_was_encoded_is_read_back_but_for_empty_values(values: dict[str, str]) -> None:
    read = Parameters.parse(urlencode(values))
    assert {name: read.find(name) for name in values} == {
        name: value or None for name, value in values.items()
    }


@given(st.text(max_size=200))
def test_any_text_is_read_or_refused(text: str) -> None:
    try:
        Parameters.parse(text)
    except ProtocolError as error:
        assert error.error is ErrorCode.INVALID_REQUEST  # noqa: PT017


@given(st.text(st.sampled_from("ab=&;? \nā%2B+"), max_size=30))
def test_what_is_not_encoded_is_read_as_the_library_does(text: str) -> None:
    try:
        expected = parse_qsl(text, errors="strict")
    except UnicodeDecodeError:
        return
    assert [pair for pair in _pairs(text) if pair[1]] == expected


@pytest.mark.parametrize(("fields", "allowed"), [(PARAMETERS_AT_MOST, True), (PARAMETERS_AT_MOST + 1, False)])
@pytest.mark.parametrize("field", ["a=1", "a=%31"])
def test_there_is_an_end_to_parameters(field: str, fields: int, allowed: bool) -> None:
    text = "&".join([field] * fields)
    if allowed:
        assert len(Parameters.parse(text).all("a")) == fields
    else:
        with pytest.raises(ProtocolError):
            Parameters.parse(text)


@given(st.lists(st.tuples(st.sampled_from("abc"), st.sampled_from(["", "1", "2"])), max_size=6))
def test_a_name_with_two_values_is_refused(pairs: list[tuple[str, str]]) -> None:
    """attack 3, attack 13"""
    names = [name for name, value in pairs if value]
    read = Parameters(pairs)
    if len(names) == len(set(names)):
        refuse_duplicates(read)
    else:
        with pytest.raises(ProtocolError):
            refuse_duplicates(read)


@pytest.mark.parametrize(
    "text", ["a=%00", "a=\0", "a=%ff", "a=%c3%28", "&".join(f"a{i}=1" for i in range(101))]
)
def test_what_no_database_would_take_is_refused(text: str) -> None:
    """attack 43"""
    with pytest.raises(ProtocolError):
        Parameters.parse(text)


def test_resource_may_come_again() -> None:
    refuse_duplicates(Parameters.parse("resource=a&resource=b"))


def test_parameters_do_not_show_their_values() -> None:
    """attack 44"""
    assert repr(Parameters.parse("client_secret=hush")) == "Parameters(client_secret)"


def test_an_error_tells_its_public_side_only() -> None:
    """attack 44"""
    error = ProtocolError(ErrorCode.INVALID_GRANT, "Not valid.", detail="used before")
    assert b"used before" not in error_response(error, reference="r").body
