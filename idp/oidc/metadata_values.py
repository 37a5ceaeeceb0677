"""Values in client metadata, one reader a kind; a ValueError says what the value must be.

Not here: which member is of which kind (`client_metadata.py`), redirect URIs (`redirect_uris.py`).
"""

import re
from collections.abc import Callable
from typing import Any, Final
from urllib.parse import urlsplit

from idp.gateways.outbound import OutboundError, require_fetchable
from idp.oidc.client_keys import import_keys
from idp.policy import Level

_SCOPE: Final = re.compile(r"[\x21\x23-\x5B\x5D-\x7E]+( [\x21\x23-\x5B\x5D-\x7E]+)*")
_URL: Final = re.compile(r"[A-Za-z0-9\-._~:/?#\[\]@!$&'()*+,;=%]+")
_SECONDS_AT_MOST: Final = 10**9
_SHA256: Final = re.compile(r"[A-Za-z0-9_-]{43}")
_REQUEST_URI_AT_MOST: Final = 512
"""RFC 9101 section 5.2: "SHOULD NOT exceed 512 ASCII characters"."""
_ATVK: Final = re.compile(r"[0-9]{7}")
_TEXT_AT_MOST: Final = 500
_LIST_AT_MOST: Final = 50


def text(value: object) -> str:
    if not isinstance(value, str) or not 0 < len(value) <= _TEXT_AT_MOST or not value.isprintable():
        raise ValueError("must be text of 1 to 500 characters")
    return value


def flag(value: object) -> bool:
    if not isinstance(value, bool):
        raise ValueError("must be true or false")  # noqa: TRY004  a wrong value of a document, not of a program
    return value


def seconds(value: object) -> int:
    if isinstance(value, bool) or not isinstance(value, int) or not 0 <= value < _SECONDS_AT_MOST:
        raise ValueError("must be a number of seconds")
    return value


def scopes(value: object) -> str:
    if not isinstance(value, str) or not _SCOPE.fullmatch(value):
        raise ValueError("must be scopes separated by single spaces")
    return " ".join(dict.fromkeys(value.split()))


def page(value: object) -> str:
    """A link people follow or an address we fetch: nothing that could run (`javascript:`, `data:`)."""
    url = text(value)
    if not _URL.fullmatch(url):
        raise ValueError("must be an https URL in the characters of RFC 3986")
    parts = urlsplit(url)
    local = parts.scheme == "http" and parts.hostname in {"localhost", "127.0.0.1", "::1"}
    if not (parts.scheme == "https" or local) or not parts.hostname or "@" in parts.netloc:
        raise ValueError("must be an https URL")
    return url


def request_uri(value: object) -> str:
    """Core 6.2: where a request object is; a fragment can only be the hash of what is there."""
    if not isinstance(value, str) or not _URL.fullmatch(value) or len(value) > _REQUEST_URI_AT_MOST:
        raise ValueError("must hold https URLs of at most 512 characters")
    address, mark, digest = value.partition("#")
    try:
        parts = urlsplit(address)
    except ValueError:
        raise ValueError("must hold https URLs") from None
    if parts.scheme != "https" or not parts.hostname or "@" in parts.netloc:
        raise ValueError("must hold https URLs")
    if mark and not _SHA256.fullmatch(digest):
        raise ValueError("may have the SHA-256 hash of the object as fragment, and nothing else")
    return value


def notified(url: object) -> str:
    """Back-Channel Logout 2.2: absolute, no fragment. Whether it may be reached is judged at each call."""
    try:
        require_fetchable(text(url))
    except OutboundError as error:
        raise ValueError(error.why) from None
    if "#" in text(url):
        raise ValueError("must not have a fragment")
    return text(url)


def jwks(value: object) -> dict[str, Any]:
    keys = import_keys(value)
    if not isinstance(value, dict) or not keys:
        raise ValueError("must hold at least one signing key")
    kids = [key.kid for key in keys if key.kid is not None]
    if len(set(kids)) != len(keys) and len(keys) > 1:
        raise ValueError("must give every key a kid of its own")
    return value


def atvk(value: object) -> str:
    code = text(value)
    if not _ATVK.fullmatch(code):
        raise ValueError("must be an ATVK code of seven digits")
    return code


def resource(value: object) -> str:
    """RFC 8707 section 2: an absolute URI without a fragment."""
    url = text(value)
    parts = urlsplit(url)
    if not parts.scheme or not (parts.netloc or parts.path) or "#" in url:
        raise ValueError("must be an absolute URI without a fragment")
    return url


def level(value: object) -> int:
    level = Level.from_acr(text(value))
    if level is None:
        raise ValueError(f"must be one of {', '.join(level.acr for level in Level if level)}")
    return int(level)


def acr(value: object) -> str:
    level(value)
    return text(value)


def one_of(*allowed: str) -> Callable[[object], str]:
    def read(value: object) -> str:
        if not isinstance(value, str) or value not in allowed:
            raise ValueError(f"must be one of {', '.join(allowed)}")
        return value

    return read


def list_of(item: Callable[[object], str]) -> Callable[[object], list[str]]:
    def read(value: object) -> list[str]:
        if not isinstance(value, list) or len(value) > _LIST_AT_MOST:
            raise ValueError("must be a list of at most 50")
        return list(dict.fromkeys(item(each) for each in value))

    return read


def uri(value: object) -> str:
    if not isinstance(value, str):
        raise ValueError("must hold URIs")  # noqa: TRY004  a wrong value of a document, not of a program
    return value
