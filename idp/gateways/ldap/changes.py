"""Reads many entries of one directory, page by page: everybody, what changed since, members of groups.

One connection to one controller for the whole reading, since changes are counted by each controller for
itself ([MS-ADTS] 3.1.1.1.9). Pages come in the order of those changes (RFC 2696, RFC 2891), so whoever was
interrupted goes on from the last one. No page may take longer than any other question. Nothing is written.
Not here: what follows from it (`people/directory_sync*.py`).
"""

from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from functools import partial
from types import TracebackType
from typing import Any, Final, Self
from uuid import UUID

from idp.gateways.ldap.connection import close, library, told
from idp.gateways.ldap.door import IN_CHAIN, Door
from idp.gateways.ldap.outcomes import DirectoryError, Fault
from idp.gateways.ldap.values import Entry, entry_from, equals, escaped, guid_bytes

PAGE: Final = 500
GROUPS_AT_MOST: Final = 2000
"""Within one that gives a role."""
_GUIDS_AT_ONCE: Final = 50
_SHOW_DELETED: Final = "1.2.840.113556.1.4.417"
_GUID_BYTES: Final = 16
_NEVER: Final = frozenset({0, 0x7FFFFFFFFFFFFFFF})
"""`accountExpires` of who stays ([MS-ADA1] 2.4)."""
_TICKS: Final = 10**7
_FROM_1601_TO_1970: Final = 11_644_473_600
_READ: Final = ("objectGUID", "uSNChanged", "userAccountControl", "accountExpires")

Cells = dict[str, list[bytes]]
Row = tuple[str, Cells]


@dataclass(frozen=True, slots=True)
class Source:
    """`name`: this controller, and the incarnation of its database; `usn`: its last change; `root`: the DN
    of its domain.
    """

    name: str
    usn: int
    root: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Found:
    """`expires_at`: Unix seconds; None: never."""

    entry: Entry
    expires_at: float | None


@dataclass(frozen=True, slots=True)
class Page:
    """`position`: of the last change in it."""

    found: tuple[Found, ...]
    position: int


@dataclass(frozen=True, slots=True)
class Changed:
    """Whom something changed about, wherever they are by now; `position`: of the last change."""

    guids: tuple[str, ...]
    position: int


@dataclass(frozen=True, slots=True)
class _Question:
    base: str
    condition: str
    names: list[str]
    controls: list[Any]


class Changes:
    """To be used in `with`. Every question raises DirectoryError where there is no answer."""

    def __init__(self, door: Door, wanted: Iterable[str], *, page_size: int = PAGE) -> None:
        """`wanted`: those of our names for attributes that are to be read."""
        self._route = door.route
        self._seconds = door.patience
        self._size = page_size
        self._wanted = {
            name: self._route.attributes[name] for name in wanted if name in self._route.attributes
        }
        self._controller, self._connection = door.take_connection()
        try:
            self.source = self._ask(self._read_source)
        except DirectoryError:
            close(self._connection)
            raise

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        close(self._connection)

    # Questions ----------------------------------------------------------------------------------------

    def people(self, base: str, *, since: int) -> Iterator[Page]:
        """Everybody under a base who passes the filter and whose last change is `since` or later."""
        condition = f"(&{self._route.user_filter}(uSNChanged>={since}))"
        for rows, position in self._in_order(base, condition, self._attributes, since):
            yield Page(tuple(self._found(rows)), position)

    def changed(self, *, since: int) -> Iterator[Changed]:
        """Who changed since, in the whole domain and whatever they are by now: also moved away, and deleted
        where our account may see that.
        """
        condition = f"(&(objectClass=user)(uSNChanged>={since}))"
        names = ["objectGUID", "uSNChanged"]
        for rows, position in self._in_order(self.source.root, condition, names, since, deleted=True):
            yield Changed(tuple(guid for _, cells in rows if (guid := _guid(cells))), position)

    def by_guid(self, guids: Iterable[str]) -> Iterator[tuple[Found, ...]]:
        """Those of them that are under the bases and pass the filter, some at a time."""
        asked = list(guids)
        for start in range(0, len(asked), _GUIDS_AT_ONCE):
            some = asked[start : start + _GUIDS_AT_ONCE]
            each = "".join(equals("objectGUID", guid_bytes(guid)) for guid in some)
            for base in self._route.base_dns:
                condition = f"(&{self._route.user_filter}(|{each}))"
                for rows in self._pages(base, condition, self._attributes):
                    yield tuple(self._found(rows))

    def finds_anybody(self) -> bool:
        """Whether the filter finds somebody under the bases, or our account sees nobody at all."""
        return any(any(self._pages(base, self._route.user_filter, ["1.1"])) for base in self._route.base_dns)

    def has_changed_groups(self, *, since: int) -> bool:
        """Also one that is gone, where our account may see that; who is in which may differ then."""
        condition = f"(&(objectClass=group)(uSNChanged>={since}))"
        pages = self._pages(self.source.root, condition, ["objectGUID"], deleted=True)
        return any(pages)

    def groups_within(self, group_dn: str) -> list[str] | None:
        """DNs of it and of all groups in it; None where it is not there.

        These are found by the in-chain rule, and their members one group after the other: asked of people,
        that rule costs the directory a walk for each of them.
        """
        if not self._is_there(group_dn):
            return None
        condition = f"(&(objectClass=group)(memberOf:{IN_CHAIN}:={escaped_dn(group_dn)}))"
        found = [dn for rows in self._pages(self.source.root, condition, ["1.1"]) for dn, _ in rows]
        if len(found) > GROUPS_AT_MOST:
            raise DirectoryError(Fault.BROKEN, f"more than {GROUPS_AT_MOST} groups are in {group_dn}")
        return [group_dn, *found]

    def members_of(self, group_dn: str) -> frozenset[str]:
        """GUIDs of those in this very group who are under the bases and pass the filter."""
        condition = f"(&{self._route.user_filter}(memberOf={escaped_dn(group_dn)}))"
        pages = (
            rows for base in self._route.base_dns for rows in self._pages(base, condition, ["objectGUID"])
        )
        return frozenset(guid for rows in pages for _, cells in rows if (guid := _guid(cells)))

    # Inside -------------------------------------------------------------------------------------------

    @property
    def _attributes(self) -> list[str]:
        return [*_READ, *self._wanted.values()]

    def _found(self, rows: Iterable[Row]) -> Iterator[Found]:
        for dn, cells in rows:
            entry = entry_from(dn, cells, wanted=self._wanted)
            if entry is None:
                continue
            if not any(name.lower() == "useraccountcontrol" for name in cells):
                # Whoever may not read it would take everybody for enabled.
                raise DirectoryError(Fault.BROKEN, "our account may not read userAccountControl")
            yield Found(entry=entry, expires_at=instant_of(_number(cells, "accountExpires")))

    def _in_order(
        self, base: str, condition: str, names: Sequence[str], since: int, *, deleted: bool = False
    ) -> Iterator[tuple[list[Row], int]]:
        position = since
        for rows in self._pages(base, condition, names, deleted=deleted, in_order=True):
            for _, cells in rows:
                usn = _number(cells, "uSNChanged")
                if usn < position:
                    raise DirectoryError(Fault.BROKEN, f"{self._controller}: changes came out of order")
                position = usn
            yield rows, position

    def _pages(
        self,
        base: str,
        condition: str,
        names: Sequence[str],
        *,
        deleted: bool = False,
        in_order: bool = False,
    ) -> Iterator[list[Row]]:
        ldap, paging, sorting = library(), _paging(), _sorting()
        cookie = b""
        while True:
            controls = [paging(criticality=True, size=self._size, cookie=cookie)]
            if in_order:
                controls.append(sorting(criticality=True, ordering_rules=["uSNChanged"]))
            if deleted:
                controls.append(ldap.controls.RequestControl(_SHOW_DELETED, criticality=True))
            question = _Question(base, condition, list(names), controls)
            rows, cookie = self._ask(partial(_one_page, self._connection, question, self._seconds))
            if entries := [row for row in rows if row[0] is not None]:  # without continuations
                yield entries
            if not cookie:
                return

    def _is_there(self, dn: str) -> bool:
        ldap = library()

        def ask() -> bool:
            try:
                self._connection.search_ext_s(dn, ldap.SCOPE_BASE, attrlist=["1.1"], timeout=self._seconds)
            except (ldap.NO_SUCH_OBJECT, ldap.INVALID_DN_SYNTAX):
                return False
            return True

        return bool(self._ask(ask))

    def _read_source(self) -> Source:
        ldap, held = library(), self._connection
        names = ["dsServiceName", "highestCommittedUSN", "defaultNamingContext"]
        root = held.read_rootdse_s(attrlist=names)
        service = root["dsServiceName"][0].decode()
        found = held.search_ext_s(service, ldap.SCOPE_BASE, attrlist=["invocationId"], timeout=self._seconds)
        incarnation = UUID(bytes_le=found[0][1]["invocationId"][0])
        usn = int(root["highestCommittedUSN"][0])
        return Source(f"{service} {incarnation}", usn, root["defaultNamingContext"][0].decode())

    def _ask(self, question: Callable[[], Any]) -> Any:
        ldap = library()
        try:
            return question()
        except (ldap.SERVER_DOWN, ldap.BUSY, ldap.UNAVAILABLE, ldap.CONNECT_ERROR) as error:
            raise DirectoryError(Fault.UNREACHABLE, f"{self._controller}: {told(error)}") from None
        except ldap.TIMEOUT:
            raise DirectoryError(Fault.UNREACHABLE, f"{self._controller}: no answer in time") from None
        except (ldap.LDAPError, KeyError, IndexError, ValueError) as error:
            raise DirectoryError(Fault.BROKEN, f"{self._controller}: {told(error)}") from None


def instant_of(ticks: int) -> float | None:
    """Of `accountExpires`, which counts tenths of a microsecond since 1601; None: never."""
    return None if ticks in _NEVER else ticks / _TICKS - _FROM_1601_TO_1970


def escaped_dn(dn: str) -> str:
    """For a filter; longer than what a person types may be."""
    return escaped(dn.encode())


def _one_page(held: Any, question: _Question, seconds: float) -> tuple[list[Row], bytes]:
    asked = held.search_ext(
        question.base,
        library().SCOPE_SUBTREE,
        question.condition,
        question.names,
        serverctrls=question.controls,
        timeout=seconds,
    )
    _, rows, _, answered = held.result3(asked, timeout=seconds)
    cookies = [bytes(each.cookie or b"") for each in answered if each.controlType == _paging().controlType]
    if not cookies:
        raise ValueError("the directory does not page")
    return rows, cookies[0]


def _paging() -> Any:
    from ldap.controls import SimplePagedResultsControl  # of the extra `ad`

    return SimplePagedResultsControl


def _sorting() -> Any:
    from ldap.controls.sss import SSSRequestControl  # of the extra `ad`

    return SSSRequestControl


def _guid(cells: Cells) -> str:
    """Empty for what has none."""
    raw = next((values[0] for name, values in cells.items() if name.lower() == "objectguid"), b"")
    return str(UUID(bytes_le=raw)) if len(raw) == _GUID_BYTES else ""


def _number(cells: Cells, name: str) -> int:
    raw = next((values[0] for each, values in cells.items() if each.lower() == name.lower()), b"")
    return int(raw) if raw.isdigit() else 0
