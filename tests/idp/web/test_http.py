"""Addresses and ways back, as pure functions."""

from ipaddress import ip_network

import pytest

from idp.web.http import client_address, local_path

TRUSTED = (ip_network("10.0.0.0/8"), ip_network("2001:db8:1::/48"))


@pytest.mark.parametrize(
    ("environ", "address"),
    [
        ({"REMOTE_ADDR": "192.0.2.1"}, "192.0.2.1"),
        ({"REMOTE_ADDR": "192.0.2.1", "HTTP_X_FORWARDED_FOR": "198.51.100.1"}, "192.0.2.1"),
        ({"REMOTE_ADDR": "10.0.0.1", "HTTP_X_FORWARDED_FOR": "198.51.100.1"}, "198.51.100.1"),
        ({"REMOTE_ADDR": "10.0.0.1", "HTTP_X_FORWARDED_FOR": "1.1.1.1, 198.51.100.1"}, "198.51.100.1"),
        ({"REMOTE_ADDR": "10.0.0.1", "HTTP_X_FORWARDED_FOR": "198.51.100.1, 10.0.0.2"}, "198.51.100.1"),
        (
            {"REMOTE_ADDR": "10.0.0.1", "HTTP_FORWARDED": 'for="[2001:db8::7]:4711";proto=https'},
            "2001:db8::7",
        ),
        ({"REMOTE_ADDR": "10.0.0.1", "HTTP_FORWARDED": "for=198.51.100.1:80"}, "198.51.100.1"),
        ({"REMOTE_ADDR": "2001:db8:1::1", "HTTP_X_FORWARDED_FOR": "198.51.100.1"}, "198.51.100.1"),
        ({"REMOTE_ADDR": "10.0.0.1", "HTTP_X_FORWARDED_FOR": "<script>"}, "unknown"),
        ({"REMOTE_ADDR": "10.0.0.1"}, "10.0.0.1"),
        ({}, "unknown"),
    ],
)
def test_only_listed_proxies_are_believed(environ: dict[str, object], address: str) -> None:
    """X-Forwarded-For (attack 27)."""
    assert client_address(environ, TRUSTED) == address


def test_a_header_the_proxy_passed_on_unread_counts_for_nothing() -> None:
    """Where both headers come and differ, one of them is the client's own invention (attack 27)."""
    environ: dict[str, object] = {
        "REMOTE_ADDR": "10.0.0.1",
        "HTTP_X_FORWARDED_FOR": "198.51.100.1",
        "HTTP_FORWARDED": "for=203.0.113.5",
    }
    assert client_address(environ, TRUSTED) == "10.0.0.1"


@pytest.mark.parametrize("path", ["/", "/account?x=1", "/authorize/abc", "/a//b"])
def test_ways_back_that_stay_here(path: str) -> None:
    assert local_path(path) == path


@pytest.mark.parametrize(
    "path",
    [
        *("", None, "account", "//evil.test", "https://evil.test/", "/\\evil.test", "\\\\evil.test"),
        *("/\t/evil.test", "/\n/evil.test", "javascript:alert(1)", "/ /evil.test", "///evil.test"),
    ],
)
def test_ways_back_that_could_lead_elsewhere_are_none(path: str | None) -> None:
    """Open redirect (attack 8)."""
    assert local_path(path) is None
