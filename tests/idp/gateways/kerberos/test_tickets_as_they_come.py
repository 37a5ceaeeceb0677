"""What is taken apart before the library sees it: tokens, keytabs and the account in a ticket. No byte makes it fail
in another way than it says (attacks 37 and 44).
"""

import base64
import struct
from contextlib import suppress

import pytest
from hypothesis import given
from hypothesis import strategies as st

from idp.gateways import der
from idp.gateways.kerberos import acceptor
from idp.gateways.kerberos.keytab import read_keytab, write_keytab
from idp.gateways.kerberos.outcomes import Refusal, TicketError
from idp.gateways.kerberos.pac import account_of
from idp.gateways.kerberos.tokens import CHARACTERS_AT_MOST, KERBEROS, NTLM, SPNEGO, Ticket, read_token

pytestmark = pytest.mark.allow_hosts(["127.0.0.0/8", "::1", "localhost"])
OLD_KERBEROS = bytes.fromhex("2a864882f712010202")
NEGOEX = bytes.fromhex("2b06010401823702021e")


def element(tag: int, *parts: bytes) -> bytes:
    content = b"".join(parts)
    length = len(content)
    if length < 0x80:
        return bytes([tag, length]) + content
    octets = length.to_bytes(1 if length < 0x100 else 2)
    return bytes([tag, 0x80 | len(octets)]) + octets + content


def oid(name: bytes) -> bytes:
    return element(der.OBJECT_IDENTIFIER, name)


def sealed(enctype: int, cipher: bytes) -> bytes:
    return element(
        0x30,
        element(0xA0, element(0x02, bytes([enctype]))),
        element(0xA1, element(0x02, b"\x02")),
        element(0xA2, element(0x04, cipher)),
    )


def request(*, enctype: int = 18, once: bytes = b"once" * 40, realm: bytes = b"AD.RIGA.TEST") -> bytes:
    """Framed as RFC 4121 says; sealed is nothing."""
    ticket = element(
        0x61,
        element(
            0x30,
            element(0xA0, element(0x02, b"\x05")),
            element(0xA1, element(0x1B, realm)),
            element(0xA2, element(0x30)),
            element(0xA3, sealed(enctype, b"ticket" * 40)),
        ),
    )
    ap_req = element(
        0x6E,
        element(
            0x30,
            element(0xA0, element(0x02, b"\x05")),
            element(0xA1, element(0x02, b"\x0e")),
            element(0xA2, element(0x03, bytes(5))),
            element(0xA3, ticket),
            element(0xA4, sealed(18, once)),
        ),
    )
    return element(0x60, oid(KERBEROS), b"\x01\x00", ap_req)


def negotiation(*mechanisms: bytes, token: bytes | None = None) -> str:
    members = [element(0xA0, element(0x30, *map(oid, mechanisms)))]
    members += [element(0xA2, element(0x04, token))] if token is not None else []
    return base64.b64encode(element(0x60, oid(SPNEGO), element(0xA0, element(0x30, *members)))).decode()


def refusal(text: str) -> Refusal:
    with pytest.raises(TicketError) as refused:
        read_token(text)
    return refused.value.refusal


def test_a_ticket_comes_out_with_its_realm_and_nothing_around_it():
    for name in (KERBEROS, OLD_KERBEROS):
        ticket = read_token(negotiation(name, KERBEROS, NTLM, token=request()))
        assert (ticket.realm, ticket.token, ticket.mechanism) == ("AD.RIGA.TEST", request(), name)


def test_one_use_has_one_fingerprint_whatever_is_around_it():
    first = read_token(negotiation(KERBEROS, token=request()))
    again = read_token(negotiation(OLD_KERBEROS, KERBEROS, token=request()))
    another = read_token(negotiation(KERBEROS, token=request(once=b"else" * 40)))
    assert first.fingerprint == again.fingerprint != another.fingerprint


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        (negotiation(NTLM, KERBEROS, token=request()), Refusal.NTLM),
        (negotiation(NTLM), Refusal.NTLM),
        (negotiation(KERBEROS, token=b"NTLMSSP\x00\x01"), Refusal.NTLM),
        (negotiation(NEGOEX, KERBEROS, NTLM, token=b"NEGOEXTS"), Refusal.SEVERAL_LEGS),
        (negotiation(KERBEROS), Refusal.SEVERAL_LEGS),
        (negotiation(token=request()), Refusal.UNREADABLE),
        (negotiation(KERBEROS, token=request(enctype=23)), Refusal.WEAK),
        (negotiation(KERBEROS, token=request(enctype=3)), Refusal.WEAK),
        (negotiation(KERBEROS, token=request(realm="AD.RĪGA".encode())), Refusal.UNREADABLE),
        (base64.b64encode(request()).decode(), Refusal.UNREADABLE),
        (negotiation(KERBEROS, token=request()) + "\n", Refusal.UNREADABLE),
        ("A" * (CHARACTERS_AT_MOST + 1), Refusal.TOO_LONG),
    ],
)  # fmt: skip
def test_what_is_refused_before_the_library_sees_it(text: str, expected: Refusal):
    assert refusal(text) is expected


def test_a_member_that_stands_there_twice_is_refused():
    """Two readers might each take another one."""
    inner = element(0xA2, element(0x04, request()))
    body = element(0x30, element(0xA0, element(0x30, oid(KERBEROS))), inner, inner)
    token = base64.b64encode(element(0x60, oid(SPNEGO), element(0xA0, body))).decode()
    assert refusal(token) is Refusal.UNREADABLE


@given(st.binary(max_size=400))
def test_no_bytes_are_read_in_a_way_of_their_own(noise: bytes):
    with suppress(TicketError):
        read_token(base64.b64encode(noise).decode())


@given(st.integers(0, 700), st.binary(min_size=1, max_size=4))
def test_nor_is_a_ticket_that_was_damaged(at: int, noise: bytes):
    whole = base64.b64decode(negotiation(KERBEROS, NTLM, token=request()))
    with suppress(TicketError):
        read_token(base64.b64encode(whole[:at] + noise + whole[at + len(noise) :]).decode())


def test_the_library_takes_none_that_is_only_well_formed(riga_keytab: bytes):
    with pytest.raises(TicketError) as refused:
        acceptor.accept(Ticket("AD.RIGA.TEST", "", request()), riga_keytab)
    assert refused.value.refusal in {Refusal.REFUSED, Refusal.OTHER_KEY}


# Files of keys --------------------------------------------------------------------------------------------


def test_a_keytab_is_read_as_the_directory_wrote_it(riga_keytab: bytes):
    keys = read_keytab(riga_keytab)
    assert {(key.principal, key.enctype) for key in keys} == {
        ("HTTP/login.example.lv@AD.RIGA.TEST", 17),
        ("HTTP/login.example.lv@AD.RIGA.TEST", 18),
    }
    assert write_keytab(keys) == riga_keytab
    assert all(key.raw.hex() not in repr(key) for key in keys)


def test_holes_and_a_tail_that_was_never_written_hold_no_keys(riga_keytab: bytes):
    hole = struct.pack(">i", -6) + bytes(6)
    assert read_keytab(riga_keytab[:2] + hole + riga_keytab[2:] + bytes(20)) == read_keytab(riga_keytab)


@given(st.binary(max_size=200))
def test_no_file_is_read_in_a_way_of_its_own(noise: bytes):
    with suppress(ValueError):
        read_keytab(b"\x05\x02" + noise)


@given(st.binary(max_size=600), st.booleans())
def test_no_account_is_read_out_of_noise(noise: bytes, with_head: bool):
    with suppress(ValueError):
        account_of((b"\x01\x10" if with_head else b"") + noise)
