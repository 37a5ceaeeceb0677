"""Computers at work: they log in at a real domain controller, and answer browsers' sign-ins by its tickets.

And what such an answer would be if its inside were another: only whoever has the service's key can make that, as the
directory does, so it stands for what a directory might have said. Sealing is the Kerberos library's own.
"""

import base64
import ctypes
import ctypes.util
import os
import subprocess
import sys
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from idp.gateways import der
from idp.gateways.kerberos.keytab import Key
from tests.support.directories import PASSWORD
from tests.support.samba import KDC, Controller

HOST = "login.example.lv"
_INITIATOR = Path(__file__).with_name("initiator.py")
_CONFIGURATION = """[libdefaults]
default_realm = {realm}
dns_lookup_realm = false
dns_lookup_kdc = false
dns_canonicalize_hostname = false
rdns = false
udp_preference_limit = 1
[realms]
{realm} = {{
    kdc = {address}:{port}
}}
[domain_realm]
{host} = {realm}
"""


def serve(controller: Controller, path: Path, *, name: str = "http-login", host: str = HOST) -> bytes:
    """An account for the provider in that domain; its keytab, as the domain's administrator would make it."""
    principal = f"HTTP/{host}"
    controller.change(
        {"do": "user", "name": name, "password": PASSWORD},
        {"do": "set", "name": name, "attribute": "servicePrincipalName", "value": principal},
        {"do": "set", "name": name, "attribute": "msDS-SupportedEncryptionTypes", "value": "24"},
    )
    return keytab_of(controller, path, host=host)


def keytab_of(controller: Controller, path: Path, *, host: str = HOST) -> bytes:
    controller.change({"do": "keys", "principal": f"HTTP/{host}", "path": str(path)})
    return path.read_bytes()


@dataclass
class Computer:
    """`directory` is its own; the tickets of whoever is logged in are there."""

    controller: Controller
    directory: Path
    host: str = HOST

    def __post_init__(self) -> None:
        self.directory.mkdir(exist_ok=True)
        (self.directory / "krb5.conf").write_text(
            _CONFIGURATION.format(
                realm=self.controller.realm, address=self.controller.address, port=KDC, host=self.host
            )
        )

    @property
    def environment(self) -> dict[str, str]:
        return {
            **os.environ,
            "KRB5_CONFIG": str(self.directory / "krb5.conf"),
            "KRB5CCNAME": f"FILE:{self.directory / 'tickets'}",
        }

    def log_in(self, name: str, password: str = PASSWORD) -> "Computer":
        self.run(["kinit", "-f", f"{name}@{self.controller.realm}"], password)
        return self

    def answers(self, how_many: int = 1, *, service: str = "", tickets: Path | None = None) -> list[str]:
        """What stands after `Negotiate`, each made anew from the ticket; `tickets`: others than its own."""
        command = [sys.executable, str(_INITIATOR), service or f"HTTP@{self.host}", str(how_many)]
        return self.run(command, **{"KRB5CCNAME": f"FILE:{tickets}"} if tickets else {}).split()

    def answer(self, *, service: str = "", tickets: Path | None = None) -> str:
        return self.answers(service=service, tickets=tickets)[0]

    def run(self, command: list[str], typed: str = "", **environment: str) -> str:
        done = subprocess.run(
            command,
            input=f"{typed}\n",
            env=self.environment | environment,
            capture_output=True,
            text=True,
            check=False,
        )
        if done.returncode != 0:
            raise RuntimeError(f"{command}: {done.stdout}{done.stderr}")
        return done.stdout


# What is inside of an answer ------------------------------------------------------------------------------

TICKET, AUTHENTICATOR = 2, 11
"""What keys are used for (RFC 4120 section 7.5.1)."""
ENDS, MADE = b"\xa7\x11\x18\x0f", b"\xa5\x11\x18\x0f"
"""Before the time at which a ticket ends, and before that of the one use."""
_SESSION_KEY = b"\xa0\x03\x02\x01\x12\xa1\x22\x04\x20"
_LOGON_INFO = b"\x01\x10\x08\x00\xcc\xcc\xcc\xcc"
_ACCOUNT_AT = 120


def with_ticket(answer: str, key: Key, change: Callable[[bytes], bytes]) -> str:
    """As if the directory had sealed that into the ticket; of the same length."""
    sealed, _ = _sealed_parts(answer)
    return _with(answer, sealed, secret_of(key), TICKET, change)


def with_use(answer: str, key: Key, change: Callable[[bytes], bytes]) -> str:
    """As if the computer had said that when it used the ticket."""
    sealed, once = _sealed_parts(answer)
    inside = unsealed(sealed, secret_of(key), TICKET)
    at = inside.index(_SESSION_KEY) + len(_SESSION_KEY)
    return _with(answer, once, inside[at : at + 32], AUTHENTICATOR, change)


def at_time(before: bytes, written: str) -> Callable[[bytes], bytes]:
    def change(inside: bytes) -> bytes:
        at = inside.index(before) + len(before)
        return inside[:at] + written.encode() + inside[at + 15 :]

    return change


def of_account(rid: int) -> Callable[[bytes], bytes]:
    """Another account than the one whose ticket the directory made, over the directory's old signature."""

    def change(inside: bytes) -> bytes:
        at = inside.index(_LOGON_INFO) + _ACCOUNT_AT
        return inside[:at] + rid.to_bytes(4, "little") + inside[at + 4 :]

    return change


def secret_of(key: Key) -> bytes:
    """An AES key of 256 bits is what stands before the long number at the end of its entry."""
    length = 32
    at = key.raw.rindex(length.to_bytes(2)) + 2
    return key.raw[at : at + length]


def _with(answer: str, sealed: bytes, secret: bytes, usage: int, change: Callable[[bytes], bytes]) -> str:
    anew = _seal(change(unsealed(sealed, secret, usage)), secret, usage)
    assert len(anew) == len(sealed)
    return base64.b64encode(base64.b64decode(answer).replace(sealed, anew)).decode()


def _sealed_parts(answer: str) -> tuple[bytes, bytes]:
    token = base64.b64decode(answer)
    request = token[token.index(b"\x6e\x82", 60) :]
    members = [each.content for each in der.read(der.only(der.only(request, 0x6E), der.SEQUENCE))]
    ticket = [each.content for each in der.read(der.only(der.only(members[3], 0x61), der.SEQUENCE))]
    return _cipher(ticket[3]), _cipher(members[4])


def _cipher(sealed: bytes) -> bytes:
    return der.only([each.content for each in der.read(der.only(sealed, der.SEQUENCE))][-1], 0x04)


class _Data(ctypes.Structure):
    _fields_ = [("magic", ctypes.c_int32), ("length", ctypes.c_uint), ("data", ctypes.c_char_p)]


class _Key(ctypes.Structure):
    _fields_ = [
        *[("magic", ctypes.c_int32), ("enctype", ctypes.c_int32)],
        *[("length", ctypes.c_uint), ("contents", ctypes.c_char_p)],
    ]


class _Sealed(ctypes.Structure):
    _fields_ = [
        *[("magic", ctypes.c_int32), ("enctype", ctypes.c_int32)],
        *[("kvno", ctypes.c_uint), ("ciphertext", _Data)],
    ]


_AES256 = 18
_OVERHEAD = 28
"""Sixteen bytes of chance before, twelve of a checksum behind."""


def unsealed(sealed: bytes, secret: bytes, usage: int) -> bytes:
    room = ctypes.create_string_buffer(len(sealed))
    plain = _Data(0, len(sealed), ctypes.cast(room, ctypes.c_char_p))
    given = _Sealed(0, _AES256, 0, _Data(0, len(sealed), sealed))
    _call("krb5_c_decrypt", secret, usage, given, plain)
    return room.raw[: plain.length]


def _seal(plain: bytes, secret: bytes, usage: int) -> bytes:
    room = ctypes.create_string_buffer(len(plain) + _OVERHEAD)
    sealed = _Sealed(0, _AES256, 0, _Data(0, len(room), ctypes.cast(room, ctypes.c_char_p)))
    _call("krb5_c_encrypt", secret, usage, _Data(0, len(plain), plain), sealed)
    return room.raw


def _call(name: str, secret: bytes, usage: int, given: Any, made: Any) -> None:
    library = ctypes.CDLL("libk5crypto.so.3")
    key = _Key(0, _AES256, len(secret), secret)
    code = getattr(library, name)(
        None, ctypes.byref(key), ctypes.c_int32(usage), None, ctypes.byref(given), ctypes.byref(made)
    )
    assert code == 0, code
