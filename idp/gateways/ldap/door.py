"""Asks one directory: who is this, is this their password, which of these groups are they in.

Controllers are tried in their order. One that did not answer is left out for a while, each for itself; when
none is left, that is the answer at once. All that one step of a sign-in asks takes three seconds at the most,
together (`for_one_step`). Connections of our own account are kept and used again (`pool.py`); a person's
password goes over a new one each time.
"""

import secrets
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field, replace
from typing import Any, Final, Self, TypeVar
from uuid import UUID

from idp.gateways.ldap.account import enter
from idp.gateways.ldap.connection import close, connect, library, text_of, told
from idp.gateways.ldap.outcomes import Bind, Change, DirectoryError, Fault, bind_refused, change_refused
from idp.gateways.ldap.pool import Kept, Pool
from idp.gateways.ldap.route import Route
from idp.gateways.ldap.values import (
    CHARACTERS_AT_MOST,
    Controller,
    Entry,
    UnaskableError,
    entry_from,
    equals,
    escaped,
    guid_bytes,
    holds,
    quoted_password,
)

SECONDS_AT_MOST: Final = 3.0
CONNECT_SECONDS: Final = 1.0
"""For one controller while there is another; the last has all the time that is left."""
_LEAST_SECONDS: Final = 0.1
IN_CHAIN: Final = "1.2.840.113556.1.4.1941"
"""LDAP_MATCHING_RULE_IN_CHAIN: also by way of groups within groups ([MS-ADTS] 3.1.1.3.4.4.2)."""
_ALWAYS: Final = ("objectGUID", "userPrincipalName", "sAMAccountName", "userAccountControl", "accountExpires")

Answer = TypeVar("Answer")


@dataclass(frozen=True, slots=True)
class LockOut:
    """After how many wrong passwords within how long the directory locks an entry; 0: never."""

    threshold: int
    minutes: float


class _LostError(Exception):
    """The connection on which it was asked is gone."""


@dataclass(slots=True)
class Door:
    """One for each directory and process; threads share it. `clock` counts seconds and tells no time.

    `until`: when, by that clock, everything asked through it must be over; None: each question has its own
    time.
    """

    route: Route
    clock: Callable[[], float] = time.monotonic
    patience: float = field(default_factory=lambda: SECONDS_AT_MOST)
    pool: Pool = field(default_factory=Pool)
    until: float | None = None

    def for_one_step(self) -> Self:
        """The same door for a thread that asks several questions and waits no longer for all than for one."""
        return replace(self, until=self.clock() + self.patience)

    # Questions. Each raises DirectoryError where there is no answer. ----------------------------------

    def find_by_guid(self, guid: str) -> Entry | None:
        return self._find(equals("objectGUID", guid_bytes(guid)))

    def find_by_sid(self, sid: bytes) -> Entry | None:
        return self._find(equals("objectSid", sid))

    def find_by_upn(self, upn: str) -> Entry | None:
        return self._find_named("userPrincipalName", upn)

    def find_by_account_name(self, name: str) -> Entry | None:
        return self._find_named("sAMAccountName", name)

    def find(self, name: str) -> Entry | None:
        """By whatever an administrator calls an entry: GUID, UPN or account name."""
        try:
            guid = str(UUID(name))
        except ValueError:
            return self.find_by_upn(name) if "@" in name else self.find_by_account_name(name)
        return self.find_by_guid(guid)

    def is_only_one(self, entry: Entry, ours: str, value: str | tuple[str, ...]) -> bool:
        """Whether this entry, and no other that the filter finds, has that value there; or a value with
        these parts in it, for what people write in several ways.
        """
        attribute = self.route.attributes[ours]
        try:
            found = self._find(
                equals(attribute, value) if isinstance(value, str) else holds(attribute, value)
            )
        except UnaskableError:
            return False
        return found is not None and found.guid == entry.guid

    def bind(self, who: str, password: str, *, may_repeat: Callable[[], bool] = lambda: True) -> Bind:
        """Whether that is their password, and what the directory says of them.

        `may_repeat` is asked before another controller is, after one went away with the password: it may
        have counted that as an attempt.
        """
        if not password:
            return Bind.EMPTY_PASSWORD
        if len(password) > CHARACTERS_AT_MOST or not _is_text(password):
            return Bind.WRONG_PASSWORD
        lost: DirectoryError | None = None
        try:
            for controller, connection in self._connections(self._deadline()):
                if lost and not may_repeat():
                    close(connection)
                    break
                try:
                    outcome = self._bind_on(connection, controller, who, password)
                except DirectoryError as error:
                    if error.fault is Fault.BROKEN:
                        raise
                    self.pool.failed(controller, error, self.clock())
                    lost = error
                else:
                    self.pool.answered(controller)
                    return outcome
        except DirectoryError as error:
            raise lost or error from None  # that one heard the password says more than that another is gone
        raise lost or DirectoryError(Fault.UNREACHABLE, "no controller answers")

    def bind_nobody(self, password: str) -> None:
        """The same work for an entry that does not exist, and so is never locked."""
        self.find_by_guid("00000000-0000-0000-0000-000000000000")
        self.bind(f"{secrets.token_hex(8)}@{self.route.realm or 'invalid'}", password or "-")

    def change_password(self, entry: Entry, *, old: str, new: str) -> Change:
        """By its owner: whoever does not know the old one changes nothing, whatever our account may do."""
        if not (old and new and _is_text(old) and _is_text(new)):
            return Change.REFUSED
        ldap = library()
        wanted = [
            (ldap.MOD_DELETE, "unicodePwd", [quoted_password(old)]),
            (ldap.MOD_ADD, "unicodePwd", [quoted_password(new)]),
        ]
        held = self._open_service(self._deadline())
        try:
            held.connection.modify_s(entry.dn, wanted)
            return Change.CHANGED
        except ldap.CONSTRAINT_VIOLATION as error:
            return change_refused(text_of(error))
        except (ldap.SERVER_DOWN, ldap.TIMEOUT, ldap.BUSY, ldap.UNAVAILABLE) as error:
            raise DirectoryError(Fault.UNREACHABLE, told(error), sent=True) from None
        except ldap.LDAPError:
            return Change.REFUSED
        finally:
            close(held.connection)

    def in_group(self, entry: Entry, group_dn: str) -> bool:
        """Also as a member of a group within it."""
        ldap = library()
        condition = f"(memberOf:{IN_CHAIN}:={escaped(group_dn)})"
        return bool(self._ask(lambda held, left: _search(ldap, held, entry.dn, condition, left, base=True)))

    def lock_out(self) -> LockOut:
        ldap = library()

        def ask(held: Any, left: float) -> LockOut:
            root = held.read_rootdse_s(attrlist=["defaultNamingContext"])
            domain = root["defaultNamingContext"][0].decode()
            names = ["lockoutThreshold", "lockOutObservationWindow"]
            found = held.search_ext_s(domain, ldap.SCOPE_BASE, attrlist=names, timeout=left)
            cells = found[0][1]
            ticks = -int(cells.get("lockOutObservationWindow", [b"0"])[0])
            return LockOut(int(cells.get("lockoutThreshold", [b"0"])[0]), ticks / 10**7 / 60)

        return self._ask(ask)

    def greet(self) -> None:
        """Whether our account is let in."""
        self._ask(lambda held, left: held.search_ext_s("", 0, attrlist=["1.1"], timeout=left))

    def count_people(self, base_dn: str, *, at_most: int) -> int:
        """How many entries the filter finds under a base, as far as `at_most`."""
        ldap = library()

        def ask(held: Any, left: float) -> int:
            asked = held.search_ext(
                base_dn, ldap.SCOPE_SUBTREE, self.route.user_filter, ["1.1"], timeout=left, sizelimit=at_most
            )
            found = 0
            try:
                for _ in range(at_most + 1):
                    kind, entries = held.result(asked, all=0, timeout=left)
                    if kind == ldap.RES_SEARCH_RESULT:
                        break
                    found += sum(1 for dn, _ in entries if dn is not None)
            except ldap.SIZELIMIT_EXCEEDED:
                pass
            return found

        return self._ask(ask)

    def take_connection(self) -> tuple[Controller, Any]:
        """A new one of our account, for who has many questions; whoever takes it closes it."""
        held = self._open_service(self.clock() + self.patience)
        held.connection.timeout = self.patience
        return held.controller, held.connection

    def close(self) -> None:
        self.pool.close()

    # Inside -----------------------------------------------------------------------------------------

    def _find_named(self, attribute: str, value: str) -> Entry | None:
        try:
            return self._find(equals(attribute, value))
        except UnaskableError:
            return None

    def _find(self, condition: str) -> Entry | None:
        """None also for two: which of them would be a guess."""
        whole = f"(&{self.route.user_filter}{condition})"
        found = [each for base in self.route.base_dns for each in self._search(base, whole)]
        if len({dn.lower() for dn, _ in found}) != 1:
            return None
        dn, attributes = found[0]
        return entry_from(dn, attributes, wanted=self.route.attributes)

    def _search(self, base: str, condition: str) -> list[tuple[str, dict[str, list[bytes]]]]:
        ldap = library()
        wanted = [*_ALWAYS, *self.route.attributes.values()]
        return self._ask(lambda held, left: _search(ldap, held, base, condition, left, wanted=wanted))

    def _deadline(self) -> float:
        return self.clock() + self.patience if self.until is None else self.until

    def _ask(self, question: Callable[[Any, float], Answer]) -> Answer:
        """On a kept connection, or a new one when there is none or it was lost meanwhile."""
        deadline = self._deadline()
        if kept := self.pool.take(self.clock()):
            try:
                return self._ask_on(kept, question, deadline)
            except _LostError:
                self.pool.drop(kept.controller)
        held = self._open_service(deadline)
        try:
            return self._ask_on(held, question, deadline)
        except _LostError as error:
            lost = DirectoryError(Fault.UNREACHABLE, str(error))
            self.pool.failed(held.controller, lost, self.clock())
            raise lost from None

    def _ask_on(self, held: Kept, question: Callable[[Any, float], Answer], deadline: float) -> Answer:
        ldap = library()
        answered = False
        try:
            answer = question(held.connection, self._left(deadline))
            answered = True
        except (ldap.SERVER_DOWN, ldap.BUSY, ldap.UNAVAILABLE) as error:
            raise _LostError(f"{held.controller}: {told(error)}") from None
        except ldap.TIMEOUT:
            late = DirectoryError(Fault.UNREACHABLE, f"{held.controller}: no answer in time")
            self.pool.failed(held.controller, late, self.clock())
            raise late from None
        except (ldap.LDAPError, KeyError, IndexError, ValueError) as error:
            self.pool.answered(held.controller)
            raise DirectoryError(Fault.BROKEN, f"{held.controller}: {told(error)}") from None
        finally:
            if not answered:
                close(held.connection)
        self.pool.answered(held.controller)
        self.pool.give_back(held, self.clock())
        return answer

    def _bind_on(self, connection: Any, controller: Controller, who: str, password: str) -> Bind:
        ldap = library()
        try:
            connection.simple_bind_s(who, password)
            return Bind.PASSED
        except ldap.INVALID_CREDENTIALS as error:
            return bind_refused(text_of(error))
        except _refusals(ldap):
            return Bind.REFUSED
        except (ldap.TIMEOUT, ldap.SERVER_DOWN, ldap.BUSY, ldap.UNAVAILABLE, ldap.CONNECT_ERROR) as error:
            why = "no answer in time" if isinstance(error, ldap.TIMEOUT) else told(error)
            raise DirectoryError(Fault.UNREACHABLE, f"{controller}: {why}", sent=True) from None
        except ldap.LDAPError as error:
            raise DirectoryError(Fault.BROKEN, f"{controller}: {told(error)}", sent=True) from None
        finally:
            close(connection)

    def _open_service(self, deadline: float) -> Kept:
        lost: DirectoryError | None = None
        for controller, connection in self._connections(deadline):
            try:
                enter(self.route, controller, connection, self._left(deadline))
            except DirectoryError as error:
                if error.fault is Fault.ACCOUNT_REFUSED:
                    self.pool.answered(controller)
                    raise
                self.pool.failed(controller, error, self.clock())
                lost = error
            else:
                return Kept(connection, controller, self.clock())
        raise lost or DirectoryError(Fault.UNREACHABLE, "no controller answers")

    def _connections(self, deadline: float) -> Iterator[tuple[Controller, Any]]:
        """To one controller after the other, until one serves. Raises DirectoryError when none is there."""
        faults = []
        waiting = list(self.route.controllers)
        while waiting:
            controller = waiting.pop(0)
            if deadline <= self.clock():
                faults.append(DirectoryError(Fault.UNREACHABLE, "no time is left"))
                break
            if not self.pool.lets(controller, self.clock()):
                continue
            left = self._left(deadline)
            try:
                connection = connect(self.route, controller, min(CONNECT_SECONDS, left) if waiting else left)
            except DirectoryError as error:
                self.pool.failed(controller, error, self.clock())
                faults.append(error)
                continue
            connection.timeout = self._left(deadline)
            yield controller, connection
        for fault in (*faults, *(DirectoryError(out.fault, out.told) for out in self.pool.out.values())):
            if fault.fault is Fault.UNTRUSTED:
                raise fault
        if faults:
            raise faults[0]

    def _left(self, deadline: float) -> float:
        """python-ldap takes nothing for no end."""
        return max(_LEAST_SECONDS, deadline - self.clock())


def _search(
    ldap: Any,
    held: Any,
    where: str,
    condition: str,
    seconds: float,
    *,
    wanted: list[str] | None = None,
    base: bool = False,
) -> list[tuple[str, dict[str, list[bytes]]]]:
    """At most two; without continuations, which come without a DN."""
    scope = ldap.SCOPE_BASE if base else ldap.SCOPE_SUBTREE
    try:
        found = held.search_ext_s(where, scope, condition, wanted or ["1.1"], timeout=seconds, sizelimit=2)
    except ldap.SIZELIMIT_EXCEEDED:
        return [("more than one", {}), ("than can be told apart", {})]
    except ldap.NO_SUCH_OBJECT:
        return []
    return [(dn, attributes) for dn, attributes in found if dn is not None]


def _refusals(ldap: Any) -> tuple[type[Exception], ...]:
    """Answers to a bind that say no for another reason than the password."""
    return (
        ldap.INAPPROPRIATE_AUTH,
        ldap.INSUFFICIENT_ACCESS,
        ldap.UNWILLING_TO_PERFORM,
        ldap.CONSTRAINT_VIOLATION,
        ldap.INVALID_DN_SYNTAX,
        ldap.NO_SUCH_OBJECT,
    )


def _is_text(text: str) -> bool:
    try:
        text.encode()
    except UnicodeEncodeError:
        return False
    return "\x00" not in text
