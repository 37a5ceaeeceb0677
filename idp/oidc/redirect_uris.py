"""Which redirect URIs may be registered, and whether a requested one is a registered one.

Comparison is of exact strings (RFC 9700 section 2.1) with the one exception RFC 8252 section 7.3 makes for
installed applications: any port of a loopback IP literal. `localhost` is a name, so it is compared exactly
(RFC 8252 section 8.3). Nothing is parsed in order to be compared, so there is no parser to disagree with.
"""

import re
from collections.abc import Iterable
from ipaddress import ip_address
from urllib.parse import unquote, urlsplit

CHARACTERS_AT_MOST = 2000

_ALLOWED = re.compile(r"[A-Za-z0-9\-._~:/?\[\]@!$&'()*+,;=%]+")
_SCHEME = re.compile(r"[a-z][a-z0-9+.-]*")
_PRIVATE_USE_SCHEME = re.compile(r"[a-z][a-z0-9-]*(\.[a-z0-9][a-z0-9-]*)+")
_HOST = re.compile(r"[a-z0-9]([a-z0-9-]*[a-z0-9])?(\.[a-z0-9]([a-z0-9-]*[a-z0-9])?)*|\[::1\]")
_LOOPBACK = re.compile(r"http://(?P<host>127\.0\.0\.1|\[::1\])(?::(?P<port>[0-9]{1,5}))?(?P<rest>[/?].*)?")
_ODD_ADDRESS = re.compile(r"(.*\.)?([0-9]+|0x[0-9a-f]*)")
"""What ends in a number is an IPv4 address to a browser (WHATWG URL section 3.5)."""
_LOCAL_HOSTS = {"localhost", "127.0.0.1", "[::1]"}
_PORTS_AT_MOST = 65535


class UnfitRedirectUriError(ValueError):
    """May not be registered; the message says why, without repeating the URI."""


def matches(requested: str, registered: Iterable[str], *, any_loopback_port: bool) -> bool:
    """Whether `requested` is one of `registered`; `any_loopback_port` is for installed applications."""
    registered = tuple(registered)
    if requested in registered:
        return True
    return any_loopback_port and any(_differ_only_in_loopback_port(requested, uri) for uri in registered)


def _differ_only_in_loopback_port(requested: str, registered: str) -> bool:
    ours, theirs = _LOOPBACK.fullmatch(registered), _LOOPBACK.fullmatch(requested)
    if ours is None or theirs is None:
        return False
    if theirs["port"] is not None and not 1 <= int(theirs["port"]) <= _PORTS_AT_MOST:
        return False
    return ours["host"] == theirs["host"] and ours["rest"] == theirs["rest"]


def require_registrable(uri: str, *, installed: bool) -> None:
    """Raises UnfitRedirectUriError. Private-use schemes (RFC 8252 section 7.1): only where `installed`."""
    if not uri or len(uri) > CHARACTERS_AT_MOST:
        raise UnfitRedirectUriError("a redirect URI must have 1 to 2000 characters")
    if "#" in uri:
        raise UnfitRedirectUriError("a redirect URI must not have a fragment")
    if not _ALLOWED.fullmatch(uri):
        raise UnfitRedirectUriError("a redirect URI may only hold the characters of RFC 3986")
    scheme, colon, rest = uri.partition(":")
    if not colon or not _SCHEME.fullmatch(scheme):
        raise UnfitRedirectUriError("a redirect URI must be absolute, its scheme in lower case")
    if scheme in {"http", "https"}:
        _require_web_uri(uri, scheme)
    elif not installed or not _PRIVATE_USE_SCHEME.fullmatch(scheme):
        raise UnfitRedirectUriError(
            "a redirect URI must use https; an installed application may use its reversed domain as scheme"
        )
    elif not rest.startswith("/"):
        raise UnfitRedirectUriError("a private-use scheme must be followed by a path")
    _refuse_dot_segments(uri)


def _require_web_uri(uri: str, scheme: str) -> None:
    try:
        parts = urlsplit(uri)
        port = parts.port
    except ValueError:
        raise UnfitRedirectUriError("a redirect URI must have a host and a valid port") from None
    if "@" in parts.netloc:
        raise UnfitRedirectUriError("a redirect URI must not hold a user name")
    host = parts.netloc if port is None else parts.netloc.rpartition(":")[0]
    if not _HOST.fullmatch(host) or port == 0:
        raise UnfitRedirectUriError("a redirect URI must have a host in lower case and a valid port")
    if scheme == "http" and host not in _LOCAL_HOSTS:
        raise UnfitRedirectUriError("a redirect URI must use https except on this computer")


def _refuse_dot_segments(uri: str) -> None:
    """A browser removes dot segments before it goes there, so such a URI would not mean what it says."""
    path = unquote(uri.partition("?")[0]).replace("\\", "/")
    if any(segment.partition(";")[0] in {".", ".."} for segment in path.split("/")):
        raise UnfitRedirectUriError("a redirect URI must not have dot segments")


def is_of_this_computer(uri: str) -> bool:
    """By any name of it: `localhost` and what is below (RFC 6761 section 6.3), or an address, also one in a
    spelling that only browsers read as one (`127.1`).
    """
    host = urlsplit(uri).hostname or ""
    if host == "localhost" or host.endswith(".localhost"):
        return True
    try:
        address = ip_address(host)
    except ValueError:
        return _ODD_ADDRESS.fullmatch(host) is not None
    return address.is_loopback or address.is_unspecified


def form_action_source(uri: str) -> str:
    """The CSP source that lets a form lead to `uri`: its origin, or its scheme when that is a private one.

    Also its scheme when it names an IPv6 address: CSP (section 2.3.1) has no way to write one, and browsers
    drop a source that they cannot read.
    """
    parts = urlsplit(uri)
    is_origin = parts.scheme in {"http", "https"} and not parts.netloc.startswith("[")
    return f"{parts.scheme}://{parts.netloc}" if is_origin else f"{parts.scheme}:"
