"""The one door to addresses that applications gave us: `jwks_uri`, `request_uri`, logout notices.

A name is resolved once, and the connection goes to the very address that was judged, so a second answer of
the name server changes nothing (DNS rebinding). Private addresses are refused unless `IDP_OUTBOUND_ALLOW`
lists them. No redirect is followed, no proxy of the environment used, nothing compressed accepted; size and
time are bounded.
"""

import hashlib
import hmac
import socket
import ssl
import threading
import time
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from ipaddress import IPv4Address, IPv4Network, IPv6Address, IPv6Network, ip_address
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final, TypeAlias
from urllib.parse import urlencode, urlsplit

from cryptography.exceptions import UnsupportedAlgorithm
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat
from cryptography.x509 import load_der_x509_certificate

if TYPE_CHECKING:
    import httpcore

Network: TypeAlias = IPv4Network | IPv6Network
Address: TypeAlias = IPv4Address | IPv6Address

SECONDS_AT_MOST: Final = 5.0
BYTES_AT_MOST: Final = 256 * 1024
_CONNECT_SECONDS: Final = 2.0
_CHARACTERS_AT_MOST: Final = 2000
_PROTOCOL_ASSIGNMENTS: Final = IPv4Network("192.0.0.0/24")
"""RFC 6890; some versions of Python take half of it for public."""
_PORTS: Final = {"https": 443, "http": 80}


class OutboundError(Exception):
    """Nothing usable came back. `url` is without its query, `why` one clause; the client may be told both."""

    def __init__(self, url: str, why: str) -> None:
        super().__init__(f"{url}: {why}")
        self.url = url
        self.why = why


class TookTooLongError(OutboundError):
    """The deadline passed first."""


class TooMuchError(OutboundError):
    """The answer is longer than whoever asked will read."""


class WrongServerKeyError(OutboundError):
    """The server's key is none of those that were pinned; nothing was sent to it."""


@dataclass(frozen=True, slots=True)
class Fetched:
    """`content_type` in lower case, without parameters."""

    status: int
    content_type: str
    body: bytes = field(repr=False)


class Outbound:
    """Opens nothing until it is asked for something. One for each process; threads share it."""

    def __init__(
        self,
        *,
        ca_file: Path | None = None,
        allowed: Sequence[Network] = (),
        pins: Collection[bytes] = (),
    ) -> None:
        """`ca_file`: in place of the system's authorities; `allowed`: private networks within reach; `pins`:
        SHA-256 of the public keys (SubjectPublicKeyInfo), one of which a server has to have, if there
        are any.
        """
        self._ca_file = ca_file
        self._allowed = tuple(allowed)
        self._pins = frozenset(pins)
        self._lock = threading.Lock()
        self._trust: ssl.SSLContext | None = None

    def pinned(self, pins: Collection[bytes], *, ca_file: Path | None) -> "Outbound":
        """Under the same rules, to servers that have one of these keys."""
        return Outbound(ca_file=ca_file or self._ca_file, allowed=self._allowed, pins=pins)

    def get(self, url: str, *, accept: str = "application/json", limit: int = BYTES_AT_MOST) -> Fetched:
        """Whatever status came. Raises OutboundError."""
        return self._ask("GET", url, {"Accept": accept}, b"", limit)

    def fetch(
        self,
        url: str,
        *,
        accept: str = "application/json",
        limit: int = BYTES_AT_MOST,
        seconds: float | None = None,
    ) -> Fetched:
        """As `get`, when nothing but 200 will do. `seconds`: more, when nobody waits for a page meanwhile."""
        fetched = self._ask("GET", url, {"Accept": accept}, b"", limit, seconds=seconds)
        if fetched.status != 200:
            raise OutboundError(shown(url), f"answered with status {fetched.status}")
        return fetched

    def post_form(self, url: str, form: Mapping[str, str], *, limit: int = 16 * 1024) -> Fetched:
        """Raises OutboundError."""
        headers = {"Content-Type": "application/x-www-form-urlencoded", "Accept": "*/*"}
        return self._ask("POST", url, headers, urlencode(form).encode(), limit)

    def ask(
        self,
        method: str,
        url: str,
        *,
        headers: Mapping[str, str],
        body: bytes = b"",
        limit: int,
        seconds: float,
    ) -> Fetched:
        """Whatever status came, within so many seconds in all. For gateways that speak a protocol of
        their own.

        Raises OutboundError.
        """
        return self._ask(method, url, headers, body, limit, seconds=seconds, silence=seconds)

    def ask_responder(self, url: str, body: bytes, *, kind: str, limit: int) -> Fetched:
        """POSTs to an address whose answer carries a signature of its own, so that plain http will do, too.

        Raises OutboundError.
        """
        headers = {"Content-Type": kind, "Accept": "*/*"}
        return self._ask("POST", url, headers, body, limit, plain=True)

    def _ask(
        self,
        method: str,
        url: str,
        headers: Mapping[str, str],
        body: bytes,
        limit: int,
        *,
        seconds: float | None = None,
        silence: float = _CONNECT_SECONDS,
        plain: bool = False,
    ) -> Fetched:
        import httpcore  # heavy, and most processes never call anybody

        require_fetchable(url, plain=plain)
        if self._pins and not url.startswith("https://"):
            raise OutboundError(shown(url), "must be an https URL")
        seconds = SECONDS_AT_MOST if seconds is None else seconds
        if seconds <= 0:
            raise TookTooLongError(shown(url), "was not asked, for no time was left")
        deadline = time.monotonic() + seconds
        sent = {**headers, "Accept-Encoding": "identity", "User-Agent": "visvaris", "Connection": "close"}
        if body:
            sent["Content-Length"] = str(len(body))
        timeout = dict.fromkeys(("connect", "write", "pool"), _CONNECT_SECONDS) | {"read": silence}
        try:
            with (
                httpcore.ConnectionPool(
                    ssl_context=self._ssl(),
                    network_backend=_guarded(self._allowed, deadline, self._pins),
                ) as pool,
                pool.stream(
                    method, url, headers=_host_first(url, sent), content=body, extensions={"timeout": timeout}
                ) as answer,
            ):
                return _read(answer, url, limit=limit, deadline=deadline)
        except RefusedAddressError as error:
            raise OutboundError(shown(url), str(error)) from None
        except _UnpinnedError:
            raise WrongServerKeyError(shown(url), "has a key that is not pinned") from None
        except (httpcore.TimeoutException, TimeoutError):
            raise TookTooLongError(shown(url), "took too long") from None
        except (httpcore.NetworkError, httpcore.ProtocolError, OSError) as error:
            raise OutboundError(shown(url), _reason_of(error)) from None

    def _ssl(self) -> ssl.SSLContext:
        with self._lock:
            if self._trust is None:
                self._trust = ssl.create_default_context(cafile=self._ca_file)
                self._trust.minimum_version = ssl.TLSVersion.TLSv1_2
            return self._trust


class RefusedAddressError(Exception):
    """The name stands for an address that outgoing calls may not reach, or for none."""


class _UnpinnedError(Exception):
    """Seen after the handshake, before a byte of the request is sent."""


def require_fetchable(url: str, *, plain: bool = False) -> None:
    """https, or http to this machine alone (which `allowed` must list too) unless `plain`. Raises
    OutboundError.
    """
    if not url.isascii() or not url.isprintable() or " " in url or len(url) > _CHARACTERS_AT_MOST:
        raise OutboundError(shown(url), "is not a URL that can be fetched")
    try:
        parts = urlsplit(url)
        port = parts.port
    except ValueError:
        raise OutboundError("", "is not a URL that can be fetched") from None
    if parts.scheme not in _PORTS or not parts.hostname or "@" in parts.netloc or "\\" in url or port == 0:
        raise OutboundError(shown(url), "must be an https URL without a user name")
    if parts.scheme == "http" and not plain and not _is_this_machine(parts.hostname):
        raise OutboundError(shown(url), "must be an https URL")


def shown(url: str) -> str:
    """Fit for logs and error descriptions: without query and fragment, which may hold secrets."""
    return "".join(mark for mark in url.partition("?")[0].partition("#")[0][:200] if mark.isprintable())


def judge(addresses: Iterable[Address], allowed: Sequence[Network]) -> Address:
    """The first address, when every one of them may be reached. Raises RefusedAddressError."""
    found = list(addresses)
    if not found:
        raise RefusedAddressError("the host has no address")
    for address in found:
        if not any(address in network for network in allowed) and not _is_public(address):
            raise RefusedAddressError("the host has an address that may not be reached")
    return found[0]


def _is_public(address: Address) -> bool:
    """Also of what an IPv6 address carries inside: mapped, 6to4, Teredo, NAT64."""
    if address.is_multicast or not address.is_global or address in _PROTOCOL_ASSIGNMENTS:
        return False
    if isinstance(address, IPv4Address):
        return True
    inner = [address.ipv4_mapped, address.sixtofour, *(address.teredo or ())]
    if address in IPv6Network("64:ff9b::/96"):
        inner.append(IPv4Address(int(address) & 0xFFFFFFFF))
    return all(_is_public(each) for each in inner if each is not None)


def _is_this_machine(host: str) -> bool:
    if host == "localhost":
        return True
    try:
        return ip_address(host).is_loopback
    except ValueError:
        return False


def resolve(host: str, *, seconds: float) -> list[Address]:
    """Raises RefusedAddressError. The system's resolver has no time limit of its own, so it gets a thread."""
    found: list[Address] = []

    def look_up() -> None:
        try:
            for *_, place in socket.getaddrinfo(host, None, type=socket.SOCK_STREAM):
                found.append(ip_address(str(place[0]).partition("%")[0]))
        except (OSError, ValueError, UnicodeError):
            found.clear()

    thread = threading.Thread(target=look_up, daemon=True)
    thread.start()
    thread.join(seconds)
    if thread.is_alive():
        raise RefusedAddressError("the name of the host could not be looked up in time")
    return list(found)


def _guarded(allowed: Sequence[Network], deadline: float, pins: frozenset[bytes]) -> Any:
    """A network backend that connects only to an address it has judged."""
    import httpcore

    class Guarded(httpcore.SyncBackend):
        def connect_tcp(
            self,
            host: str,
            port: int,
            timeout: float | None = None,
            local_address: str | None = None,
            socket_options: Any = None,
        ) -> "httpcore.NetworkStream":
            address = judge(resolve(host, seconds=_left(deadline, _CONNECT_SECONDS)), allowed)
            most = _left(deadline, timeout)
            return _bounded(
                super().connect_tcp(str(address), port, most, local_address, socket_options),
                deadline,
                pins,
            )

    return Guarded()


def _left(deadline: float, timeout: float | None) -> float:
    """No more than `timeout`. Raises TimeoutError."""
    remaining = deadline - time.monotonic()
    if remaining <= 0:
        raise TimeoutError
    return remaining if timeout is None else min(timeout, remaining)


def _bounded(
    stream: "httpcore.NetworkStream", deadline: float, pins: frozenset[bytes]
) -> "httpcore.NetworkStream":
    """No wait goes beyond the deadline, also not for headers that come a letter at a time."""
    import httpcore

    class Bounded(httpcore.NetworkStream):
        def read(self, max_bytes: int, timeout: float | None = None) -> bytes:
            return stream.read(max_bytes, _left(deadline, timeout))

        def write(self, buffer: bytes, timeout: float | None = None) -> None:
            stream.write(buffer, _left(deadline, timeout))

        def close(self) -> None:
            stream.close()

        def start_tls(
            self,
            ssl_context: ssl.SSLContext,
            server_hostname: str | None = None,
            timeout: float | None = None,
        ) -> httpcore.NetworkStream:
            protected = stream.start_tls(ssl_context, server_hostname, _left(deadline, timeout))
            if pins and not _has_pinned_key(protected.get_extra_info("ssl_object"), pins):
                protected.close()
                raise _UnpinnedError
            return _bounded(protected, deadline, pins)

        def get_extra_info(self, info: str) -> Any:
            return stream.get_extra_info(info)

    return Bounded()


def _has_pinned_key(tls: Any, pins: frozenset[bytes]) -> bool:
    """Also a key that OpenSSL reads and we do not is none of them."""
    try:
        key = load_der_x509_certificate(tls.getpeercert(True)).public_key()
    except (ValueError, UnsupportedAlgorithm):
        return False
    seen = hashlib.sha256(key.public_bytes(Encoding.DER, PublicFormat.SubjectPublicKeyInfo)).digest()
    return any(hmac.compare_digest(seen, pin) for pin in pins)


def _host_first(url: str, headers: Mapping[str, str]) -> list[tuple[bytes, bytes]]:
    pairs = [("Host", urlsplit(url).netloc), *headers.items()]
    return [(name.encode(), value.encode()) for name, value in pairs]


def _read(answer: "httpcore.Response", url: str, *, limit: int, deadline: float) -> Fetched:
    headers = {name.decode("latin-1").lower(): value.decode("latin-1") for name, value in answer.headers}
    if headers.get("content-encoding", "identity") != "identity":
        raise OutboundError(shown(url), "answered in an encoding that was not asked for")
    body = bytearray()
    for chunk in answer.iter_stream():
        body += chunk
        if len(body) > limit:
            raise TooMuchError(shown(url), f"answered with more than {limit} bytes")
        if time.monotonic() > deadline:
            raise TookTooLongError(shown(url), "took too long")
    kind = headers.get("content-type", "").partition(";")[0].strip().lower()
    return Fetched(answer.status, kind, bytes(body))


def _reason_of(error: Exception) -> str:
    text = str(error).lower()
    if "certificate" in text or "ssl" in text or "tls" in text:
        return "its TLS certificate or handshake was not accepted"
    return "could not be reached"
