"""How the client's certificate reaches the protocol: the header `Client-Cert` (RFC 9440), from a listed proxy alone."""

import base64
from ipaddress import ip_network

import pytest
from hypothesis import given
from hypothesis import strategies as st

from idp.oidc.errors import ProtocolError
from idp.web.client_certificate import CHARACTERS_AT_MOST, client_certificate
from tests.support.builders import START
from tests.support.client_certificates import self_signed

TRUSTED = [ip_network("10.0.0.0/24"), ip_network("2001:db8::/64")]
SHOWN = self_signed(START)
OF_VERSION_2 = SHOWN.der.replace(b"\xa0\x03\x02\x01\x02", b"\xa0\x03\x02\x01\x01")
WRONG = base64.b64encode(b"not a certificate").decode()


def told(header: str | None, *, by: str = "10.0.0.7", trusted: list[object] | None = None) -> bytes | None:
    environ = {"REMOTE_ADDR": by} | ({"HTTP_CLIENT_CERT": header} if header is not None else {})
    return client_certificate(environ, TRUSTED if trusted is None else trusted)


@pytest.mark.parametrize("proxy", ["10.0.0.7", "2001:db8::1"])
def test_a_listed_proxy_tells_of_a_certificate(proxy: str) -> None:
    assert told(SHOWN.header, by=proxy) == SHOWN.der


def test_space_around_it_is_no_matter() -> None:
    assert told(f"  {SHOWN.header} ") == SHOWN.der


@pytest.mark.parametrize(
    "stranger", ["10.0.1.7", "127.0.0.1", "::1", "::ffff:10.0.1.7", "", "10.0.0.7, 192.0.2.1", "unix:"]
)
@pytest.mark.parametrize("header", [SHOWN.header, "x", ":x:", "::" * 20000])
def test_nobody_else_is_heard_whatever_they_say(stranger: str, header: str) -> None:
    """attack 17, and no error either: an application may send what it likes"""
    assert told(header, by=stranger) is None


def test_where_no_proxy_is_listed_nobody_is_heard() -> None:
    assert told(SHOWN.header, trusted=[]) is None


def test_what_other_headers_say_of_the_way_does_not_make_a_proxy() -> None:
    """attack 27"""
    for name in ("HTTP_X_FORWARDED_FOR", "HTTP_FORWARDED", "HTTP_X_REAL_IP"):
        environ = {
            "REMOTE_ADDR": "192.0.2.1",
            name: "for=10.0.0.7, 10.0.0.7",
            "HTTP_CLIENT_CERT": SHOWN.header,
        }
        assert client_certificate(environ, TRUSTED) is None


@pytest.mark.parametrize("header", [None, ""])
def test_without_a_certificate_there_is_none(header: str | None) -> None:
    assert told(header) is None


@pytest.mark.parametrize(
    "header",
    [
        *("x", ":", "::", ": :", ":x:", ":====:", f":{WRONG}:", SHOWN.header[1:], SHOWN.header[:-1]),
        *(
            SHOWN.header[:-3] + ":",
            f"{SHOWN.header}, {SHOWN.header}",
            f"{SHOWN.header};a=1",
            f'"{SHOWN.header}"',
        ),
        *(
            f"{SHOWN.header}x",
            SHOWN.header.replace("A", "-", 1),
            SHOWN.header[:40] + "\n" + SHOWN.header[40:],
        ),
        "-----BEGIN CERTIFICATE-----",
        f":{base64.b64encode(SHOWN.der + b'x').decode()}:",
        f":{base64.b64encode(OF_VERSION_2).decode()}:",
        f":{'A' * CHARACTERS_AT_MOST}:",
    ],
)
def test_what_is_no_certificate_is_refused(header: str) -> None:
    """A proxy that says something else than RFC 9440 is set up wrongly, which must not pass unnoticed."""
    with pytest.raises(ProtocolError) as refused:
        told(header)
    assert (refused.value.error.value, refused.value.status) == ("invalid_request", 400)
    assert "Client-Cert" in refused.value.detail


@given(st.text(max_size=200) | st.binary(max_size=200).map(lambda raw: f":{base64.b64encode(raw).decode()}:"))
def test_nothing_else_ever_becomes_one(header: str) -> None:
    try:
        assert told(header) is None
        assert header == ""
    except ProtocolError:
        pass
