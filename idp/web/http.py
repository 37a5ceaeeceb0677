"""The edges of one request: which browser, from which address, with which cookies, and where it goes next.

The `Host` header is never read. Forwarding headers count only from proxies that are listed.
"""

import re
from collections.abc import Mapping, Sequence
from functools import lru_cache
from ipaddress import IPv4Address, IPv6Address, ip_address
from typing import Final, TypeAlias
from urllib.parse import urlsplit

from flask import Response, g, redirect, request
from werkzeug.wrappers import Response as AnyResponse

from idp.login.sessions import Visitor
from idp.web.site import Network, site

SESSION: Final = "visvaris-session"
BROWSER: Final = "visvaris-browser"
LANGUAGE: Final = "visvaris-lang"
APPROVER: Final = "visvaris-approver"
COMPUTER: Final = "visvaris-computer"
SHARED: Final = "visvaris-shared"
Address: TypeAlias = IPv4Address | IPv6Address
_MARKED: Final = "1"
_YEAR_SECONDS: Final = 365 * 24 * 3600
_TOKEN = re.compile(r"[A-Za-z0-9_-]{43}")
_UNSAFE_IN_PATHS = re.compile(r"[\x00-\x20\x7f\\]")


def cookie_name(name: str) -> str:
    """With the prefix that ties it to this host alone, wherever the browser can hold to that (https)."""
    return f"__Host-{name}" if site().secure else name


def read_cookie(name: str) -> str | None:
    return request.cookies.get(cookie_name(name))


def write_cookie(response: AnyResponse, name: str, value: str, *, max_age: int | None = None) -> None:
    """Without `max_age` it ends with the browser."""
    response.set_cookie(
        cookie_name(name),
        value,
        max_age=max_age,
        path="/",
        secure=site().secure,
        httponly=True,
        samesite="Lax",
    )


def clear_cookie(response: AnyResponse, name: str) -> None:
    response.delete_cookie(cookie_name(name), path="/", secure=site().secure, httponly=True, samesite="Lax")


def browser_id() -> str:
    """This browser's long-lived random id; a browser without one gets it with this response."""
    if "browser_id" not in g:
        sent = read_cookie(BROWSER) or ""
        g.browser_is_new = _TOKEN.fullmatch(sent) is None
        g.browser_id = site().effects.new_token() if g.browser_is_new else sent
    return str(g.browser_id)


def keep_browser_id(response: Response) -> Response:
    """After each request: hands a new browser its id."""
    if g.get("browser_is_new"):
        write_cookie(response, BROWSER, g.browser_id, max_age=_YEAR_SECONDS)
    return response


def renew_browser_id(response: AnyResponse) -> None:
    """From now on this is another browser: sign-ins that were begun in the old one are out of reach."""
    g.browser_id = site().effects.new_token()
    g.browser_is_new = False
    write_cookie(response, BROWSER, g.browser_id, max_age=_YEAR_SECONDS)


def is_marked_shared() -> bool:
    return read_cookie(SHARED) == _MARKED


def mark_shared(response: AnyResponse, *, on: bool) -> None:
    if on:
        write_cookie(response, SHARED, _MARKED, max_age=_YEAR_SECONDS)
    else:
        clear_cookie(response, SHARED)


def session_token() -> str | None:
    return read_cookie(SESSION)


def write_session(response: AnyResponse, token: str) -> None:
    write_cookie(response, SESSION, token)


def clear_session(response: AnyResponse) -> None:
    clear_cookie(response, SESSION)


def approver_token() -> str:
    """What this browser keeps since it was allowed to approve sign-ins elsewhere; empty when it was not."""
    sent = read_cookie(APPROVER) or ""
    return sent if _TOKEN.fullmatch(sent) else ""


def write_approver(response: AnyResponse, token: str) -> None:
    write_cookie(response, APPROVER, token, max_age=_YEAR_SECONDS)


def visitor() -> Visitor:
    address = client_address(request.environ, site().trusted_proxies)
    return Visitor(
        browser=browser_id(),
        address=address,
        user_agent=request.headers.get("User-Agent", ""),
        session_token=session_token(),
        computer=read_cookie(COMPUTER),
        shared=is_marked_shared() or site().places.is_shared(address),
    )


def client_address(environ: Mapping[str, object], trusted: Sequence[Network]) -> str:
    """The nearest address that is not a trusted proxy; what stands further left in the header is hearsay."""
    remote = str(environ.get("REMOTE_ADDR") or "")
    if not trusted:
        return _canonical(remote)
    address = _parsed(remote)
    hops = _forwarded_for(environ)
    while hops and _is_trusted(address, trusted):
        address = _parsed(hops.pop())
    return str(address or "unknown")


def see_other(path: str) -> AnyResponse:
    """303 to a path of ours; raises ValueError for anything else."""
    if local_path(path) is None:
        raise ValueError("not a local path")
    return redirect(path, 303)


def local_path(text: str | None) -> str | None:
    """`text` if a browser that follows it certainly stays with us, else None."""
    if not text or not text.startswith("/") or text.startswith("//") or _UNSAFE_IN_PATHS.search(text):
        return None
    parts = urlsplit(text)
    return text if not parts.scheme and not parts.netloc else None


def is_from_trusted_proxy(environ: Mapping[str, object], trusted: Sequence[Network]) -> bool:
    """Whether the connection itself is a listed proxy's."""
    return bool(trusted) and _is_trusted(_parsed(str(environ.get("REMOTE_ADDR") or "")), trusted)


def _forwarded_for(environ: Mapping[str, object]) -> list[str]:
    """Addresses of `Forwarded` (RFC 7239) or `X-Forwarded-For`, nearest last.

    A proxy sets one and may pass the other on as the client sent it, so where they differ neither counts.
    """
    forwarded = str(environ.get("HTTP_FORWARDED") or "")
    pairs = (pair.strip() for element in forwarded.split(",") for pair in element.split(";"))
    standard = [_bare(pair[4:]) for pair in pairs if pair.lower().startswith("for=")]
    customary = [
        _bare(hop) for hop in str(environ.get("HTTP_X_FORWARDED_FOR") or "").split(",") if hop.strip()
    ]
    if forwarded and customary and standard != customary:
        return []
    return standard or customary


def _bare(node: str) -> str:
    """`"[2001:db8::1]:4711"` and `192.0.2.1:80` without quotes, brackets and port."""
    node = node.strip().strip('"')
    if node.startswith("["):
        return node[1:].partition("]")[0]
    return node.partition(":")[0] if node.count(":") == 1 else node


@lru_cache(maxsize=1024)
def _parsed(text: str) -> Address | None:
    try:
        return ip_address(text)
    except ValueError:
        return None


@lru_cache(maxsize=1024)
def _canonical(text: str) -> str:
    return str(_parsed(text) or "unknown")


def _is_trusted(address: Address | None, trusted: Sequence[Network]) -> bool:
    return address is not None and any(address in network for network in trusted)
