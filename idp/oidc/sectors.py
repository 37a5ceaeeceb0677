"""Which applications know a person by the same pairwise subject: those of one sector (Core 8.1,
Registration 5).

The sector is the host of `sector_identifier_uri`, whose document must list every redirect URI, or else the
one host of all redirect URIs. Not here: the subject itself (`subjects.py`).
"""

import json
from collections.abc import Mapping, Sequence
from typing import Any, Final
from urllib.parse import urlsplit

from idp.gateways.outbound import Outbound, OutboundError, shown
from idp.oidc.errors import ErrorCode, ProtocolError

_THIS_COMPUTER: Final = frozenset({"localhost", "127.0.0.1", "::1"})


def sector_of(registered: Mapping[str, Any], outbound: Outbound) -> str | None:
    """None for public subjects. Raises ProtocolError naming the URI and what is wrong with it."""
    uri = registered.get("sector_identifier_uri")
    redirect_uris: Sequence[str] = registered.get("redirect_uris", ())
    if uri is not None:
        _require_listed(uri, redirect_uris, outbound)
    if registered.get("subject_type") != "pairwise":
        return None
    return str(urlsplit(uri).hostname) if uri is not None else _host_of(redirect_uris)


def _require_listed(uri: str, redirect_uris: Sequence[str], outbound: Outbound) -> None:
    """Whoever runs that host says so by listing the redirect URIs there."""
    try:
        listed = json.loads(outbound.fetch(uri).body)
    except OutboundError as error:
        raise _unfit(f"sector_identifier_uri {error.url} {error.why}") from None
    except (ValueError, RecursionError):
        raise _unfit(f"sector_identifier_uri {shown(uri)} does not hold JSON") from None
    if not isinstance(listed, list):
        raise _unfit(f"sector_identifier_uri {shown(uri)} does not hold an array of URIs")
    if not all(redirect_uri in listed for redirect_uri in redirect_uris):
        raise _unfit(f"sector_identifier_uri {shown(uri)} does not list every one of redirect_uris")


def _host_of(redirect_uris: Sequence[str]) -> str:
    hosts = {urlsplit(uri).hostname for uri in redirect_uris}
    if len(hosts) != 1:
        raise _unfit("subject_type: pairwise needs redirect_uris of one host, or a sector_identifier_uri")
    host = hosts.pop()
    if host is None or host in _THIS_COMPUTER or urlsplit(redirect_uris[0]).scheme != "https":
        raise _unfit("subject_type: pairwise needs an https host, or a sector_identifier_uri")
    return host


def _unfit(description: str) -> ProtocolError:
    return ProtocolError(ErrorCode.INVALID_CLIENT_METADATA, description)
