"""What applications give us to fetch is fetched from where they say and from nowhere else (attack 9)."""

import socket
import threading
import time
from contextlib import suppress
from ipaddress import ip_address, ip_network
from typing import NoReturn

import httpcore
import pytest

from idp.gateways import outbound as door
from idp.gateways.outbound import (
    Address,
    Outbound,
    OutboundError,
    RefusedAddressError,
    TookTooLongError,
    judge,
    require_fetchable,
    shown,
)
from tests.support.certificates import Authority
from tests.support.remote import Remote, Reply, remote_server

LOOPBACK = [ip_network("127.0.0.0/8"), ip_network("::1/128")]


def test_a_document_is_fetched(remote: Remote, outbound: Outbound):
    remote.answers["/keys"] = Reply(
        b'{"keys": []}', headers={"Content-Type": "Application/JSON; charset=utf-8"}
    )
    fetched = outbound.fetch(remote.url("/keys?v=1"))
    assert (fetched.status, fetched.content_type, fetched.body) == (200, "application/json", b'{"keys": []}')
    (asked,) = remote.received
    assert asked.path == "/keys?v=1"
    assert asked.headers["Host"] == remote.base_url.removeprefix("https://")
    assert asked.headers["Accept-Encoding"] == "identity"


def test_a_form_is_posted(remote: Remote, outbound: Outbound):
    remote.answers["/logout"] = Reply(status=204)
    assert outbound.post_form(remote.url("/logout"), {"logout_token": "a b&c"}).status == 204
    assert remote.received[0].body == b"logout_token=a+b%26c"


def test_private_addresses_are_refused_unless_listed(remote: Remote, authority: Authority):
    """attack 9"""
    with pytest.raises(OutboundError, match="may not be reached"):
        Outbound(ca_file=authority.ca_file).get(remote.url("/keys"))
    assert remote.received == []


def test_the_address_that_was_judged_is_the_one_connected_to(
    remote: Remote, outbound: Outbound, monkeypatch: pytest.MonkeyPatch
):
    """attack 9: a name server that answers differently the second time (DNS rebinding)"""
    answers = iter(["127.0.0.1", "192.0.2.1"])
    asked = []

    def rebinding(host: str, *_args: object, **_options: object) -> list[tuple[object, ...]]:
        asked.append(host)
        return [(socket.AF_INET, socket.SOCK_STREAM, 6, "", (next(answers), 0))]

    real = socket.getaddrinfo
    monkeypatch.setattr(
        door.socket,
        "getaddrinfo",
        lambda host, *a, **k: rebinding(host) if host == "localhost" else real(host, *a, **k),
    )
    remote.answers["/"] = Reply(b"{}")
    assert outbound.fetch(remote.url("/")).body == b"{}"
    assert asked == ["localhost"]


def test_a_redirect_is_not_followed(remote: Remote, outbound: Outbound):
    """attack 9"""
    remote.answers["/keys"] = Reply(status=302, headers={"Location": remote.url("/elsewhere")})
    with pytest.raises(OutboundError, match="answered with status 302"):
        outbound.fetch(remote.url("/keys"))
    assert remote.asked("/elsewhere") == []


def test_an_answer_that_is_too_long_is_dropped(remote: Remote, outbound: Outbound):
    remote.answers["/keys"] = Reply(b"x" * 5000)
    with pytest.raises(OutboundError, match="more than 4096 bytes"):
        outbound.fetch(remote.url("/keys"), limit=4096)


def test_an_answer_that_drips_is_dropped(remote: Remote, outbound: Outbound, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(door, "SECONDS_AT_MOST", 0.2)

    def slow(_received: object) -> Reply:
        time.sleep(0.4)
        return Reply(b"{}")

    remote.answers["/keys"] = slow
    with pytest.raises(OutboundError, match="took too long"):
        outbound.fetch(remote.url("/keys"))


def test_a_compressed_answer_is_refused(remote: Remote, outbound: Outbound):
    remote.answers["/keys"] = Reply(b"\x1f\x8b", headers={"Content-Encoding": "gzip"})
    with pytest.raises(OutboundError, match="encoding"):
        outbound.fetch(remote.url("/keys"))


def test_a_certificate_of_nobody_known_is_refused(remote: Remote):
    with pytest.raises(OutboundError, match="certificate"):
        Outbound(allowed=LOOPBACK).fetch(remote.url("/keys"))


def test_a_certificate_for_another_host_is_refused(authority: Authority, outbound: Outbound):
    with (
        remote_server(authority.server("other.example.lv", name="other")) as other,
        pytest.raises(OutboundError, match="certificate"),
    ):
        outbound.fetch(other.url("/keys"))


def test_nobody_there(outbound: Outbound):
    with pytest.raises(OutboundError, match="could not be reached"):
        outbound.fetch("https://localhost:1/keys")


def test_http_is_for_this_machine_alone(outbound: Outbound):
    with remote_server(None) as plain:
        plain.answers["/keys"] = Reply(b"{}")
        assert outbound.fetch(plain.url("/keys")).body == b"{}"
    with pytest.raises(OutboundError, match="https"):
        outbound.fetch("http://example.lv/keys")


@pytest.mark.parametrize(
    "url",
    [
        "ftp://example.lv/keys",
        "file:///etc/passwd",
        "https://user@example.lv/",
        "https://user:word@localhost/",
        "https:///keys",
        "https://example.lv:0/",
        "https://example.lv:99999/",
        "https://exa mple.lv/",
        "https://ēdnīca.lv/",
        "https://example.lv\\@evil.test/",
        "https://example.lv/\r\nX: y",
        "//example.lv/",
        "",
        f"https://example.lv/{'x' * 2000}",
    ],
)
def test_what_is_no_address_of_the_web_is_not_fetched(url: str):
    """attack 9"""
    with pytest.raises(OutboundError):
        require_fetchable(url)


@pytest.mark.parametrize(
    "address",
    [
        "10.0.0.1", "127.0.0.1", "169.254.169.254", "172.16.0.1", "192.168.1.1", "0.0.0.0", "100.64.0.1", "224.0.0.1",
        "255.255.255.255", "::1", "::", "fe80::1", "fc00::1", "ff02::1", "::ffff:10.0.0.1", "2002:7f00:1::", "64:ff9b::7f00:1",
        "2001:0:7f00:1::", "198.18.0.1", "192.0.0.8",
    ],
)  # fmt: skip
def test_an_address_that_is_not_public_is_refused(address: str):
    """attack 9: also where IPv6 carries an IPv4 address inside"""
    with pytest.raises(RefusedAddressError):
        judge([ip_address(address)], [])


def test_one_private_address_among_public_ones_is_enough():
    """attack 9"""
    with pytest.raises(RefusedAddressError):
        judge([ip_address("1.1.1.1"), ip_address("10.0.0.1")], [])
    assert judge([ip_address("1.1.1.1")], []) == ip_address("1.1.1.1")


def test_what_is_told_of_a_url_has_no_query():
    assert shown("https://example.lv/keys?token=secret#part") == "https://example.lv/keys"


def test_looking_up_and_connecting_have_no_more_time_than_the_whole(
    outbound: Outbound, monkeypatch: pytest.MonkeyPatch
):
    """attack 9"""
    given: list[float] = []

    def look_up(_: str, *, seconds: float) -> list[Address]:
        given.append(seconds)
        return [ip_address("127.0.0.1")]

    def connect(_: object, host: str, port: int, timeout: float, *__: object) -> NoReturn:
        given.append(timeout)
        raise httpcore.ConnectTimeout

    monkeypatch.setattr(door, "resolve", look_up)
    monkeypatch.setattr(httpcore.SyncBackend, "connect_tcp", connect)
    with pytest.raises(TookTooLongError):
        outbound.fetch("http://localhost:1/", seconds=0.5)
    assert [each <= 0.5 for each in given] == [True, True]


def test_where_no_time_is_left_nobody_is_asked(remote: Remote, outbound: Outbound):
    with pytest.raises(TookTooLongError):
        outbound.fetch(remote.url("/keys"), seconds=0.0)
    assert remote.received == []


def test_headers_that_come_a_letter_at_a_time_are_not_waited_for(
    outbound: Outbound, monkeypatch: pytest.MonkeyPatch
):
    """attack 9, attack 43: each wait is short, all of them together would be endless"""
    monkeypatch.setattr(door, "SECONDS_AT_MOST", 0.5)
    with socket.create_server(("127.0.0.1", 0)) as listening:

        def drip() -> None:
            connection, _ = listening.accept()
            with connection, suppress(OSError):
                connection.sendall(b"HTTP/1.1 200 OK\r\nX-Slow: ")
                for _ in range(60):
                    connection.sendall(b"x")
                    time.sleep(0.05)

        threading.Thread(target=drip, daemon=True).start()
        began = time.monotonic()
        with pytest.raises(OutboundError, match="took too long"):
            outbound.get(f"http://localhost:{listening.getsockname()[1]}/")
        assert time.monotonic() - began < 1.5
