"""Which attempts share a counter."""

import pytest

from idp.login.limits import network_of


@pytest.mark.parametrize(
    ("address", "network"),
    [
        ("192.0.2.1", "192.0.2.1"),
        ("2001:db8:1:2:3:4:5:6", "2001:db8:1:2::/64"),
        ("2001:db8:1:2:ffff::", "2001:db8:1:2::/64"),
        ("::ffff:192.0.2.1", "192.0.2.1"),
        ("unknown", "unknown"),
        ("", "unknown"),
    ],
)
def test_an_ipv6_customer_is_one_network(address: str, network: str) -> None:
    """Address variants (attack 29)."""
    assert network_of(address) == network
