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
    if isinstance(value, bool) or not isinstance(value, int) or value < 0:
        raise ValueError("must be a number of seconds")
    return value


def scopes(value: object) -> str:
    if not isinstance(value, str) or not _SCOPE.fullmatch(value):
        raise ValueError("must be scopes separated by single spaces")
    return " ".join(dict.fromkeys(value.split()))


def page(value: object) -> str:
    """A link people follow or a picture they see: nothing that could run (`javascript:`, `data:`)."""
    url = text(value)
    parts = urlsplit(url)
    local = parts.scheme == "http" and parts.hostname in {"localhost", "127.0.0.1", "::1"}
    if not (parts.scheme == "https" or local) or not parts.hostname or "@" in parts.netloc or "\\" in url:
        raise ValueError("must be an https URL")
    return url


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
