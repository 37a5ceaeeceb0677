"""Sealed values open only where they were sealed, and marks cannot be made without the key."""

import pytest

from connectors.kit.effects import Effects
from connectors.kit.sealing import Sealer

OLD, NEW = b"o" * 32, b"n" * 32


@pytest.fixture
def sealer() -> Sealer:
    return Sealer([NEW, OLD], effects=Effects())


def test_what_is_sealed_opens_in_its_place_only(sealer: Sealer) -> None:
    sealed = sealer.seal(b"secret", place="row-1")
    assert sealer.find_opened(sealed, place="row-1") == b"secret"
    assert sealer.find_opened(sealed, place="row-2") is None


def test_the_first_key_seals_and_every_key_opens(sealer: Sealer) -> None:
    before = Sealer([OLD], effects=Effects())
    assert sealer.find_opened(before.seal(b"x", place="p"), place="p") == b"x"
    assert before.find_opened(sealer.seal(b"x", place="p"), place="p") is None


def test_the_same_value_is_sealed_differently_each_time(sealer: Sealer) -> None:
    assert sealer.seal(b"x", place="p") != sealer.seal(b"x", place="p")


@pytest.mark.parametrize("sealed", [b"", b"x", b"x" * 12, b"x" * 100])
def test_what_was_never_sealed_does_not_open(sealer: Sealer, sealed: bytes) -> None:
    assert sealer.find_opened(sealed, place="p") is None


def test_a_mark_is_good_for_its_value_and_purpose(sealer: Sealer) -> None:
    mark = sealer.mark("session", purpose="csrf")
    assert sealer.is_mark(mark, value="session", purpose="csrf")
    assert not sealer.is_mark(mark, value="other", purpose="csrf")
    assert not sealer.is_mark(mark, value="session", purpose="other")
    assert not sealer.is_mark("", value="session", purpose="csrf")
    assert not sealer.is_mark("ā", value="session", purpose="csrf")


def test_a_mark_made_before_the_key_was_rotated_is_still_good(sealer: Sealer) -> None:
    before = Sealer([OLD], effects=Effects())
    assert sealer.is_mark(before.mark("v", purpose="p"), value="v", purpose="p")
