"""What is an e-mail address here, and what it looks like to those who should not learn it."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from idp.models.email_address import canonical_email, masked, same_mailbox_key


@pytest.mark.parametrize(
    ("typed", "canonical"),
    [
        (" anna.berzina@Example.LV ", "anna.berzina@example.lv"),
        ("Anna+visvaris@example.lv", "Anna+visvaris@example.lv"),
        ("o'neil@sub.example.lv", "o'neil@sub.example.lv"),
        ("anna@ķekava.lv", "anna@xn--ekava-n5a.lv"),
    ],
)
def test_an_address_is_written_in_one_way(typed: str, canonical: str) -> None:
    """attack 45"""
    assert canonical_email(typed) == canonical
    assert canonical_email(canonical) == canonical


@pytest.mark.parametrize(
    "typed",
    [
        *("", "anna", "anna@", "@example.lv", "anna@localhost", "anna@127.0.0.1", "anna@[127.0.0.1]"),
        *("a b@example.lv", '"a b"@example.lv', "anna@example.lv,b@example.lv", "<anna@example.lv>"),
        *("anna@example.lv\nBcc: b@example.lv", "anna@exam\nple.lv", "anna@example..lv", ".a@example.lv"),
        *("āna@example.lv", "a@-example.lv", "a@example-.lv", "a@exa_mple.lv", "anna@example.lv>"),
        *(f"{'a' * 65}@example.lv", f"a@{'b' * 64}.lv", f"a@{'.'.join(['b' * 60] * 5)}.lv", "a@b@c.lv "),
        *("anna@example.lv\0", "anna@example.lv?bcc=x", "anna%0a@exam ple.lv", "\x00@example.lv"),
    ],
)
def test_whatever_else_stands_there_is_no_address(typed: str) -> None:
    with pytest.raises(ValueError):
        canonical_email(typed)


@given(st.text(max_size=40), st.text(max_size=40))
def test_an_address_never_holds_what_could_end_a_header_or_a_command(local: str, domain: str) -> None:
    """attack 42"""
    try:
        address = canonical_email(f"{local}@{domain}")
    except ValueError:
        return
    assert address.isascii()
    assert address.isprintable()
    assert not set(address) & set(' <>,;:()[]"\\')
    assert address.count("@") == 1


def test_one_mailbox_has_one_key() -> None:
    assert same_mailbox_key("Anna@example.lv") == same_mailbox_key("anna@example.lv")


@pytest.mark.parametrize(
    ("address", "shown"),
    [
        ("anna.berzina@example.lv", "an…@example.lv"),
        ("ab@example.lv", "a…@example.lv"),
        ("a@example.lv", "…@example.lv"),
    ],
)
def test_a_masked_address_never_shows_the_whole_name(address: str, shown: str) -> None:
    assert masked(address) == shown
