import base64

import pytest
from hypothesis import given
from hypothesis import strategies as st

from idp.crypto import (
    LookupKey,
    Place,
    Sealer,
    SealError,
    open_for_holder,
    seal_for_holder,
    token_hash,
)
from idp.effects import Effects

OLD, NEW = b"o" * 32, b"n" * 32
PLACE = Place("users", "person_code_sealed", "u1")


def sealer(*keys: bytes) -> Sealer:
    return Sealer(keys, Effects())


@given(st.binary(max_size=500))
def test_what_is_sealed_opens_in_its_place(plaintext: bytes):
    sealed = sealer(NEW).seal(plaintext, PLACE)
    assert sealer(NEW).open(sealed, PLACE) == plaintext


@pytest.mark.parametrize(
    "place",
    [
        Place("identities", "person_code_sealed", "u1"),
        Place("users", "other", "u1"),
        Place("users", "person_code_sealed", "u2"),
        Place("users", "person_code_sealedu", "1"),
    ],
)
def test_it_opens_nowhere_else(place: Place):
    sealed = sealer(NEW).seal(b"secret", PLACE)
    with pytest.raises(SealError):
        sealer(NEW).open(sealed, place)


@given(st.integers(0, 200), st.integers(1, 255))
def test_a_changed_value_does_not_open(position: int, change: int):
    sealed = sealer(NEW).seal(b"secret", PLACE)
    head, body = sealed.rsplit(".", 1)
    raw = bytearray(base64.urlsafe_b64decode(body))
    raw[position % len(raw)] ^= change
    with pytest.raises(SealError):
        sealer(NEW).open(f"{head}.{base64.urlsafe_b64encode(bytes(raw)).decode()}", PLACE)


@given(st.text(max_size=80))
def test_what_was_never_sealed_does_not_open_and_does_not_crash(text: str):
    with pytest.raises(SealError):
        sealer(NEW).open(text, PLACE)


def test_a_truncated_value_does_not_open():
    sealed = sealer(NEW).seal(b"secret", PLACE)
    for length in range(len(sealed)):
        with pytest.raises(SealError):
            sealer(NEW).open(sealed[:length], PLACE)


def test_two_seals_of_one_value_differ():
    assert sealer(NEW).seal(b"secret", PLACE) != sealer(NEW).seal(b"secret", PLACE)


def test_rotation_opens_the_old_and_seals_with_the_new():
    sealed = sealer(OLD).seal(b"secret", PLACE)
    both = sealer(NEW, OLD)
    assert both.open(sealed, PLACE) == b"secret"
    assert not both.is_current(sealed)
    assert both.is_current(both.seal(b"secret", PLACE))
    with pytest.raises(SealError, match="no longer lists"):
        sealer(NEW).open(sealed, PLACE)


@pytest.mark.parametrize("keys", [(), (b"short",), (NEW, b"short"), (NEW * 2,)])
def test_wrong_master_keys_are_refused(keys: tuple[bytes, ...]):
    with pytest.raises(ValueError, match="32 bytes"):
        sealer(*keys)


@given(st.text(max_size=50), st.text(max_size=50))
def test_a_look_up_finds_the_same_value_and_no_other(one: str, other: str):
    key = LookupKey(NEW)
    assert (key.index(one) == key.index(other)) == (one == other)
    assert key.index(one) != LookupKey(OLD).index(one)


def test_a_look_up_key_does_not_show_itself():
    assert repr(LookupKey(NEW)) == "LookupKey(…)"


def test_a_token_is_known_by_its_hash_alone():
    assert token_hash("token") == token_hash("token")
    assert token_hash("token") != token_hash("tokem")
    assert len(token_hash("token")) == 64


def test_only_the_holder_of_the_token_opens_its_answer():
    sealed = seal_for_holder("the token", b"answer", b"0" * 12)
    assert open_for_holder("the token", sealed) == b"answer"
    with pytest.raises(SealError):
        open_for_holder("another", sealed)
    for broken in ("", "AAAA", "ā", sealed[:21]):
        with pytest.raises(SealError):
            open_for_holder("the token", broken)
    assert "answer" not in sealed
