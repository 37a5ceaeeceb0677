"""What somebody in between, or somebody who types, could do to a directory's door. Against a real controller."""

import contextlib
import socket
import ssl
import threading
from collections.abc import Iterator

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from idp.gateways.ldap.connection import library
from idp.gateways.ldap.door import Door
from idp.gateways.ldap.outcomes import Bind, DirectoryError, Fault
from idp.models.directories import Encryption
from tests.support.directories import PASSWORD, route_to
from tests.support.samba import Controller

pytestmark = pytest.mark.allow_hosts(["127.0.0.0/8", "::1", "localhost"])


@pytest.fixture
def door(riga_domain: Controller) -> Iterator[Door]:
    made = Door(route_to(riga_domain))
    yield made
    made.close()


def fault_of(door: Door) -> Fault:
    with pytest.raises(DirectoryError) as caught:
        door.find_by_account_name("anna")
    return caught.value.fault


# What is said in the clear --------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "answer",
    [
        b"\x30\x0c\x02\x01\x01\x78\x07\x0a\x01\x02\x04\x00\x04\x00",
        b"\x30\x0c\x02\x01\x01\x78\x07\x0a\x01\x35\x04\x00\x04\x00",
        b"\x30\x80",
        b"\x30\x84\x7f\xff\xff\xff",
        b"HTTP/1.1 200 OK\r\n\r\n",
        b"",
    ],
)
def test_who_takes_starttls_away_hears_nothing_but_the_wish_for_it(riga_domain: Controller, answer: bytes):
    """attack 38: no password follows in the clear."""
    heard = b""
    with socket.create_server(("127.0.0.1", 0)) as listener:

        def strips() -> None:
            nonlocal heard
            near, _ = listener.accept()
            with contextlib.suppress(OSError), near:
                heard += near.recv(4096)
                near.sendall(answer)
                near.shutdown(socket.SHUT_WR)
                while more := near.recv(4096):
                    heard += more

        thread = threading.Thread(target=strips)
        thread.start()
        address = f"127.0.0.1:{listener.getsockname()[1]}"
        door = Door(route_to(riga_domain, controllers=[address], encryption=Encryption.STARTTLS))
        with pytest.raises(DirectoryError) as caught:
            door.bind(riga_domain.upn("anna"), PASSWORD)
        thread.join()
    assert caught.value.fault is Fault.UNTRUSTED
    assert heard.endswith(b"1.3.6.1.4.1.1466.20037")
    assert len(heard) == 31


def test_what_is_slipped_in_behind_the_leave_for_tls_is_taken_for_tls(riga_domain: Controller):
    """attack 38: an answer put there in the clear is never taken for one of the directory's."""
    good = b"\x30\x0c\x02\x01\x01\x78\x07\x0a\x01\x00\x04\x00\x04\x00"
    passed = b"\x30\x0c\x02\x01\x01\x61\x07\x0a\x01\x00\x04\x00\x04\x00"
    with socket.create_server(("127.0.0.1", 0)) as listener:

        def slips_in() -> None:
            near, _ = listener.accept()
            with contextlib.suppress(OSError), near:
                near.recv(4096)
                near.sendall(good + passed)
                near.shutdown(socket.SHUT_WR)
                while near.recv(4096):
                    pass

        thread = threading.Thread(target=slips_in)
        thread.start()
        address = f"127.0.0.1:{listener.getsockname()[1]}"
        door = Door(route_to(riga_domain, controllers=[address], encryption=Encryption.STARTTLS))
        with pytest.raises(DirectoryError):
            door.bind(riga_domain.upn("anna"), "wrong")
        thread.join()


def test_a_controller_refuses_a_password_in_the_clear_and_we_know_no_way_to_send_one(riga_domain: Controller):
    """Plain ldap: there is no such `encryption`, and the port for StartTLS takes nothing without it."""
    assert {each.value for each in Encryption} == {"ldaps", "starttls"}
    ldap = library()
    plain = ldap.initialize(f"ldap://{riga_domain.address}")
    with pytest.raises(ldap.STRONG_AUTH_REQUIRED):
        plain.simple_bind_s(riga_domain.upn("anna"), PASSWORD)
    plain.unbind_s()


def test_a_certificate_that_has_expired_is_not_believed(riga_domain: Controller):
    expired = riga_domain.authority.expired_server("127.0.0.1")
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(expired.certificate, expired.key)
    with socket.create_server(("127.0.0.1", 0)) as listener:

        def shakes() -> None:
            near, _ = listener.accept()
            with contextlib.suppress(OSError), near, context.wrap_socket(near, server_side=True) as secured:
                assert secured.recv(10) == b""

        thread = threading.Thread(target=shakes)
        thread.start()
        door = Door(route_to(riga_domain, controllers=[f"127.0.0.1:{listener.getsockname()[1]}"]))
        assert fault_of(door) is Fault.UNTRUSTED
        thread.join()


# Every field that somebody may have written ---------------------------------------------------------------

_HOSTILE = st.one_of(st.text(max_size=40), st.text(alphabet='*()\\\x00|&=!~<>,+"#;:anCNDOU', max_size=20))


@settings(max_examples=40, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(_HOSTILE)
def test_no_group_that_is_written_makes_anybody_a_member(door: Door, written: str):
    """attack 38"""
    anna = door.find_by_account_name("anna")
    assert anna is not None
    try:
        assert not door.in_group(anna, written)
    except (ValueError, DirectoryError):
        return


@settings(max_examples=40, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(_HOSTILE, _HOSTILE)
def test_no_name_and_password_that_are_written_pass(door: Door, who: str, password: str):
    """attack 38: an empty name with a password is nobody, and nobody is never let in."""
    try:
        assert door.bind(who, password) is not Bind.PASSED
    except (ValueError, DirectoryError):
        return


@settings(max_examples=40, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(_HOSTILE)
def test_no_guid_that_is_written_finds_anybody(door: Door, written: str):
    try:
        assert door.find_by_guid(written) is None
    except ValueError:
        return
