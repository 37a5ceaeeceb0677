"""Values as they stand in filters, names and attributes. Pure.

Everything that a person typed goes into a filter byte by byte in hexadecimal (RFC 4515 section 3), so that
no character means anything there.
"""

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any, Final
from uuid import UUID

CHARACTERS_AT_MOST: Final = 256
FILTER_DEPTH_AT_MOST: Final = 8
_ATTRIBUTE: Final = re.compile(r"[A-Za-z][A-Za-z0-9-]{0,63}")
_HOST: Final = re.compile(
    r"(?=.{1,253}$)(?:[a-z0-9](?:[a-z0-9-]{0,61}[a-z0-9])?\.)*[a-z0-9](?:[a-z0-9-]{0,61}[a-z0-9])?",
    re.IGNORECASE,
)
_DISABLED: Final = 2
_GUID_BYTES: Final = 16
_NEVER: Final = {0, (1 << 63) - 1}
_TICKS: Final = 10**7
_EPOCH_SECONDS: Final = 11_644_473_600
"""From 1601, where the directory begins to count, to 1970."""


class UnaskableError(ValueError):
    """Text that names nothing in any directory: it is not asked for."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Entry:
    """A person as the directory knows them. They bind as `upn`, or as `dn` when they have none: any other
    name may be taken for somebody else's.
    """

    dn: str
    guid: str
    upn: str
    account_name: str
    is_disabled: bool
    values: Mapping[str, str] = field(default_factory=dict, repr=False)
    """First values of the attributes that were asked for, by our names for them."""
    several: frozenset[str] = frozenset()
    """Our names of those that have more than one value: by none of them is anybody known."""
    ends_at: float | None = None
    """When the account expires (Unix seconds); None: never."""

    @property
    def binds_as(self) -> str:
        return self.upn or self.dn


@dataclass(frozen=True, slots=True)
class Controller:
    host: str
    port: int

    def __str__(self) -> str:
        host = f"[{self.host}]" if ":" in self.host else self.host
        return f"{host}:{self.port}"


def controller_from(text: str, *, usual_port: int) -> Controller:
    """`host`, `host:port`, `[::1]` or `[::1]:port`. Raises ValueError."""
    found = re.fullmatch(r"(?:\[([0-9a-fA-F:.]+)\]|([^:\[\]]+))(?::([0-9]{1,5}))?", text.strip())
    if found is None or (found[2] is not None and not is_host(found[2])):
        raise ValueError(f"{text} is no host, such as dc1.ad.riga.lv or dc1.ad.riga.lv:636")
    port = int(found[3] or usual_port)
    if not 0 < port < 1 << 16:
        raise ValueError(f"{text} has no port")
    return Controller(found[1] or found[2].lower(), port)


def escaped(value: str | bytes) -> str:
    """For a filter. Raises UnaskableError for what cannot be a value: NUL, half a character, no end."""
    if isinstance(value, bytes):
        return "".join(f"\\{byte:02x}" for byte in value)
    if not value or len(value) > CHARACTERS_AT_MOST or "\x00" in value:
        raise UnaskableError
    try:
        return escaped(value.encode())
    except UnicodeEncodeError:
        raise UnaskableError from None


def equals(attribute: str, value: str | bytes) -> str:
    if not is_attribute(attribute):
        raise ValueError(f"{attribute} is no attribute")
    return f"({attribute}={escaped(value)})"


def holds(attribute: str, parts: Iterable[str]) -> str:
    """Has these in it, in this order, whatever stands between, before and behind."""
    if not is_attribute(attribute):
        raise ValueError(f"{attribute} is no attribute")
    return f"({attribute}=*{''.join(f'{escaped(each)}*' for each in parts)})"


def is_attribute(text: str) -> bool:
    return _ATTRIBUTE.fullmatch(text) is not None


def is_host(text: str) -> bool:
    return _HOST.fullmatch(text) is not None


def filter_fault(text: str) -> str | None:
    """What is wrong with a filter that an administrator gave, as far as that can be seen without asking."""
    depth = deepest = 0
    for index, character in enumerate(text):
        if character == "(":
            depth += 1
        elif character == ")":
            depth -= 1
        if depth < 0 or (depth == 0 and index + 1 != len(text)):
            return "it must be one pair of brackets, with everything in it"
        deepest = max(deepest, depth)
    if depth or not deepest:
        return "its brackets do not match"
    if deepest > FILTER_DEPTH_AT_MOST:
        return f"it has more than {FILTER_DEPTH_AT_MOST} brackets in one another"
    return "it holds a NUL" if "\x00" in text else None


def guid_bytes(guid: str) -> bytes:
    return UUID(guid).bytes_le


def entry_from(dn: str, attributes: Mapping[str, list[bytes]], *, wanted: Mapping[str, str]) -> Entry | None:
    """None for what has no immutable id."""
    cells = {name.lower(): found for name, found in attributes.items()}
    raw_guid = _first(cells, "objectGUID")
    if len(raw_guid) != _GUID_BYTES:
        return None
    return Entry(
        dn=dn,
        guid=str(UUID(bytes_le=raw_guid)),
        upn=_text(cells, "userPrincipalName"),
        account_name=_text(cells, "sAMAccountName"),
        is_disabled=bool(_number(cells, "userAccountControl") & _DISABLED),
        values={ours: _text(cells, theirs) for ours, theirs in wanted.items()},
        several=frozenset(ours for ours, theirs in wanted.items() if len(cells.get(theirs.lower(), ())) > 1),
        ends_at=_moment(_number(cells, "accountExpires")),
    )


def quoted_password(password: str) -> bytes:
    """As `unicodePwd` takes it ([MS-ADTS] 3.1.1.3.1.5): in quotes, UTF-16."""
    return f'"{password}"'.encode("utf-16-le")


def _first(cells: Mapping[str, Any], name: str) -> bytes:
    values = cells.get(name.lower()) or [b""]
    return bytes(values[0])


def _text(cells: Mapping[str, Any], name: str) -> str:
    """Empty for what is not there, and for what is no text."""
    try:
        return _first(cells, name).decode()
    except UnicodeDecodeError:
        return ""


def _number(cells: Mapping[str, Any], name: str) -> int:
    text = _text(cells, name)
    return int(text) if text.isdecimal() else 0


def _moment(ticks: int) -> float | None:
    return None if ticks in _NEVER else ticks / _TICKS - _EPOCH_SECONDS
