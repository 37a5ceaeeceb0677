"""What the driver gives becomes what was stored."""

import json

import pytest

from idp.storage.prepared import _read_json


@pytest.mark.parametrize("value", [[], {}, ["a"], {"a": {"b": [1, None]}}, "text", 5, True, None, "Rīga"])
def test_json_is_read_as_it_was_written(value: object):
    assert _read_json(json.dumps(value)) == value
    assert _read_json(f" {json.dumps(value)}\n") == value


def test_nothing_is_none():
    assert _read_json(None) is None


def test_empty_values_are_nobody_elses():
    """A column's value may be changed by who read it."""
    for text in ("[]", "{}"):
        assert _read_json(text) is not _read_json(text)


@pytest.mark.parametrize("text", ["", "[", "{} {}", '["a"]x', "[]]"])
def test_what_is_not_json_is_an_error(text: str):
    with pytest.raises(ValueError):
        _read_json(text)
