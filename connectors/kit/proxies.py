"""The client's TLS certificate as a proxy in front tells it (RFC 9440): believed of trusted proxies alone.

A proxy that is trusted must remove the header from what clients send it. None is trusted unless settings say.
"""

import base64
import binascii
import hashlib
from collections.abc import Mapping, Sequence
from ipaddress import IPv4Network, IPv6Network, ip_address
from typing import Any

HEADER_CHARACTERS = 16 * 1024

Network = IPv4Network | IPv6Network


def certificate_of(environ: Mapping[str, Any], trusted: Sequence[Network]) -> str:
    """The thumbprint of RFC 8705 section 3.1; "" when nobody trusted tells of exactly one certificate."""
    header = environ.get("HTTP_CLIENT_CERT")
    if not header or len(header) > HEADER_CHARACTERS or not _comes_from(environ, trusted):
        return ""
    value = header.strip()
    if len(value) < 3 or value[0] != ":" or value[-1] != ":":
        return ""
    try:
        certificate = base64.b64decode(value[1:-1], validate=True)
    except (ValueError, binascii.Error):
        return ""
    return base64.urlsafe_b64encode(hashlib.sha256(certificate).digest()).rstrip(b"=").decode()


def _comes_from(environ: Mapping[str, Any], trusted: Sequence[Network]) -> bool:
    try:
        peer = ip_address(environ.get("REMOTE_ADDR") or "")
    except ValueError:
        return False
    return any(peer in network for network in trusted)
