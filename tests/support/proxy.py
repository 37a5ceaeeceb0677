"""A trusted proxy in front of the protocol endpoints, which tells of certificates by `Client-Cert` (RFC 9440)."""

from ipaddress import ip_network

import httpx

from idp.oidc.server import OpenIDProvider
from idp.web.protocol import ProtocolEndpoints
from tests.support.client_certificates import ClientCertificate

PROXY, STRANGER = "10.0.0.7", "192.0.2.7"
TRUSTED = (ip_network("10.0.0.0/24"),)


def through_proxy(
    openid: OpenIDProvider, *, came_from: str = PROXY, shown: ClientCertificate | None = None
) -> httpx.Client:
    """What a client sends arrives from `came_from`, with the certificate it showed."""
    endpoints = ProtocolEndpoints(openid, trusted_proxies=TRUSTED)
    transport = httpx.WSGITransport(app=endpoints, remote_addr=came_from)
    headers = {"Client-Cert": shown.header} if shown is not None else {}
    return httpx.Client(transport=transport, base_url=openid.issuer, headers=headers)
