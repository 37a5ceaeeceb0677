"""Has the library (MIT Kerberos) check a ticket with the keys of one municipality, and say whose it is.

The keys are in a file that has no name and is gone afterwards; so is what the library remembers against
replay, one for the process. Of the machine's own Kerberos nothing counts: no krb5.conf, no default keytab, no
tickets of its own. The caller keeps a record of what was used that holds for all processes.
"""

import os
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any, Final

import structlog

from idp.gateways.kerberos.outcomes import Refusal, TicketError
from idp.gateways.kerberos.pac import Account, account_of
from idp.gateways.kerberos.tokens import Ticket

SKEW_SECONDS: Final = 300
"""As krb5.conf has it."""
_LOGON_INFO: Final = b"urn:mspac:logon-info"
_DELEGATION_INFO: Final = b"urn:mspac:delegation-info"
"""Through whose hands it went ([MS-PAC] 2.9); only there when it did."""
_HANDED_ON: Final = 0x20000000 | 0x08000000
"""Flags FORWARDED and PROXY (RFC 4120 sections 2.5 and 2.6), as the library counts bits."""
_CONFIGURATION: Final = Path(__file__).with_name("krb5.conf")
_CODES: Final = {
    31: Refusal.OTHER_KEY,
    32: Refusal.EXPIRED,
    33: Refusal.CLOCKS,  # not valid yet
    34: Refusal.REPLAYED,
    35: Refusal.OTHER_KEY,
    37: Refusal.CLOCKS,
    44: Refusal.OTHER_KEY,  # of another number
    45: Refusal.OTHER_KEY,
    144: Refusal.OTHER_KEY,  # KRB5KRB_AP_WRONG_PRINC
    181: Refusal.OTHER_KEY,  # KRB5_KT_NOTFOUND
    230: Refusal.OTHER_KEY,  # KRB5_KT_KVNONOTFOUND
}
"""The protocol's numbers of errors (RFC 4120 section 7.5.9), and a few of the library's own."""
_FIRST_CODE: Final = (-1765328384) & 0xFFFFFFFF
_log = structlog.get_logger("visvaris.kerberos")
_lock = threading.Lock()


@dataclass(frozen=True, slots=True)
class Accepted:
    """`realm`: of the account; `sid`: as the directory keeps it."""

    realm: str
    sid: bytes
    reply: bytes
    """For who asked us to prove in turn who we are; empty otherwise."""


@dataclass(frozen=True, slots=True)
class _Library:
    """`replays`: where this process remembers what was accepted."""

    gssapi: Any
    replays: str


def accept(ticket: Ticket, keytab: bytes) -> Accepted:
    """Raises TicketError."""
    library = _library()
    with _file_of(keytab) as path:
        try:
            return _accept(library, ticket, path)
        except library.gssapi.exceptions.GSSError as error:
            refusal = _CODES.get((error.min_code - _FIRST_CODE) & 0xFFFFFFFF, Refusal.REFUSED)
            _log.info("a ticket was refused", why=refusal.value, minor=error.min_code)
            raise TicketError(refusal) from None
        except UnicodeError:
            raise TicketError(Refusal.REFUSED) from None
        except OSError:
            raise TicketError(Refusal.UNAVAILABLE) from None


def is_available() -> bool:
    """Whether the library is installed here."""
    try:
        _library()
    except TicketError:
        return False
    return True


def _accept(library: _Library, ticket: Ticket, path: str) -> Accepted:
    gssapi = library.gssapi
    kerberos = [gssapi.MechType.kerberos]
    store = {"keytab": path, "rcache": library.replays}
    credentials = gssapi.Credentials(usage="accept", mechs=kerberos, store=store)
    context = gssapi.SecurityContext(creds=credentials, usage="accept")
    # Otherwise errors are raised by whatever touches the context next.
    context.__DEFER_STEP_ERRORS__ = False
    reply = context.step(ticket.token)
    if not context.complete:
        raise TicketError(Refusal.SEVERAL_LEGS)
    who = context.initiator_name
    account = _account(gssapi, who)
    if account.is_asserted or _is_handed_on(gssapi, context, who):
        raise TicketError(Refusal.DELEGATED)
    return Accepted(str(who).rpartition("@")[2], account.sid, reply or b"")


def _is_handed_on(gssapi: Any, context: Any, who: Any) -> bool:
    """Whether some server got it in the account's name: allowed to (S4U2Proxy), or with a ticket of theirs
    that was given to it.
    """
    told = gssapi.raw.inquire_name(who).attrs or ()
    return _DELEGATION_INFO in told or bool(gssapi.raw.krb5_get_tkt_flags(context) & _HANDED_ON)


def _account(gssapi: Any, who: Any) -> Account:
    """Only from what the library found to be signed for the key that opened the ticket."""
    try:
        told = gssapi.raw.get_name_attribute(who, _LOGON_INFO)
    except gssapi.exceptions.GSSError:
        raise TicketError(Refusal.NO_SID) from None
    if not told.authenticated or len(told.values) != 1:
        raise TicketError(Refusal.NO_SID)
    try:
        return account_of(told.values[0])
    except ValueError:
        raise TicketError(Refusal.NO_SID) from None


@contextmanager
def _file_of(content: bytes) -> Iterator[str]:
    number = os.memfd_create("keytab")
    try:
        os.write(number, content)
        yield f"FILE:/proc/self/fd/{number}"
    finally:
        os.close(number)


def _library() -> _Library:
    """gssapi, which is an extra, told to look at our own configuration alone."""
    with _lock:
        return _load()


@cache
def _load() -> _Library:
    os.environ["KRB5_CONFIG"] = str(_CONFIGURATION)
    try:
        import gssapi
    except (ImportError, OSError):
        raise TicketError(Refusal.UNAVAILABLE) from None
    return _Library(gssapi, f"file2:/proc/self/fd/{os.memfd_create('replays')}")
