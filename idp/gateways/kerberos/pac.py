"""Whose account a ticket is of: the SID in what the directory signed (KERB_VALIDATION_INFO, [MS-PAC] 2.5).

The structure is written in NDR (C706 chapter 14): what pointers lead to stands behind it, in their order. Of
all that it says only who it is is read, and on whose word; groups and names are asked of the directory
itself. Pure.
"""

import struct
from dataclasses import dataclass
from typing import Final

_NAMES_AT: Final = 68
"""Behind two headers, the pointer to the whole, and six times."""
_NAMES: Final = 6
_ACCOUNT_AT: Final = 120
"""Behind the names and two counts of log-ins: account, primary group, how many groups, pointer to them."""
_SERVER_AT: Final = 156
"""Behind flags and a session key: the names of server and domain, and the pointer to the domain's SID."""
_EXTRA_AT: Final = 216
"""Behind the state of the account and its last log-ins: how many SIDs there are besides, pointer to them."""
_BEHIND_AT: Final = 236
"""Where the fixed part ends, and what the pointers lead to begins."""
_ON_A_SERVICE_S_WORD: Final = bytes.fromhex("010100000000001202000000")
"""S-1-18-2, SERVICE_ASSERTED_IDENTITY ([MS-SFU] 3.2.5.1.2)."""
_SID_REVISION: Final = 1
_SUBAUTHORITIES_AT_MOST: Final = 15


@dataclass(frozen=True, slots=True)
class Account:
    """`sid`: as the directory keeps it in `objectSid`. `is_asserted`: the account itself proved nothing, a
    service said that it was there (protocol transition).
    """

    sid: bytes
    is_asserted: bool


def account_of(logon_info: bytes) -> Account:
    """Raises ValueError."""
    try:
        return _account(logon_info)
    except struct.error:
        raise ValueError("cut short") from None


def _account(info: bytes) -> Account:
    if info[:2] != b"\x01\x10":
        raise ValueError("not in this encoding")
    names = [_pointer_to_name(info, _NAMES_AT + 8 * index) for index in range(_NAMES)]
    user_id, _, groups, pointer_to_groups = struct.unpack_from("<IIII", info, _ACCOUNT_AT)
    names_behind = [_pointer_to_name(info, _SERVER_AT), _pointer_to_name(info, _SERVER_AT + 8)]
    (pointer_to_domain,) = struct.unpack_from("<I", info, _SERVER_AT + 16)
    if not user_id or not pointer_to_domain:
        raise ValueError("no account of a domain")
    at = _BEHIND_AT
    for pointer in names:
        at = _after_name(info, at) if pointer else at
    if pointer_to_groups:
        at = _after_groups(info, at, groups)
    for pointer in names_behind:
        at = _after_name(info, at) if pointer else at
    domain, at = _sid(info, at)
    extra, pointer_to_extra = struct.unpack_from("<II", info, _EXTRA_AT)
    besides = _sids(info, at, extra) if pointer_to_extra else []
    return Account(_of_domain(domain, user_id), _ON_A_SERVICE_S_WORD in besides)


def _pointer_to_name(info: bytes, at: int) -> int:
    pointer: int = struct.unpack_from("<HHI", info, at)[2]
    return pointer


def _after_name(info: bytes, at: int) -> int:
    """UTF-16, behind three numbers; what follows begins at a multiple of four."""
    most, offset, length = struct.unpack_from("<III", info, at)
    if offset or length > most:
        raise ValueError("a name that cannot be")
    return _aligned(at + 12 + 2 * int(length))


def _after_groups(info: bytes, at: int, expected: int) -> int:
    (count,) = struct.unpack_from("<I", info, at)
    if count != expected:
        raise ValueError("another number of groups than it says")
    return at + 4 + 8 * int(count)


def _sids(info: bytes, at: int, expected: int) -> list[bytes]:
    """Behind all the pointers, each of which has its own flags beside it."""
    (count,) = struct.unpack_from("<I", info, at)
    if count != expected:
        raise ValueError("another number of SIDs than it says")
    pointers = [struct.unpack_from("<I", info, at + 4 + 8 * index)[0] for index in range(count)]
    at += 4 + 8 * int(count)
    found = []
    for pointer in pointers:
        if pointer:
            sid, at = _sid(info, at)
            found.append(sid)
    return found


def _sid(info: bytes, at: int) -> tuple[bytes, int]:
    """And where it ends."""
    count, revision, subauthorities = struct.unpack_from("<IBB", info, at)
    end = at + 4 + 8 + 4 * subauthorities
    if revision != _SID_REVISION or count != subauthorities or end > len(info):
        raise ValueError("no SID")
    return info[at + 4 : end], end


def _of_domain(domain: bytes, user_id: int) -> bytes:
    if not 1 <= domain[1] < _SUBAUTHORITIES_AT_MOST:
        raise ValueError("no SID of a domain")
    return bytes([domain[0], domain[1] + 1]) + domain[2:] + struct.pack("<I", user_id)


def _aligned(at: int) -> int:
    return (at + 3) & ~3
