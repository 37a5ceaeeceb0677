"""Whose account a ticket is of: the SID in what the directory signed (KERB_VALIDATION_INFO, [MS-PAC] 2.5).

The structure is written in NDR (C706 chapter 14): what pointers lead to stands behind it, in their order. Of
all that it says only who it is is read; groups and names are asked of the directory itself. Pure.
"""

import struct
from typing import Final

_NAMES_AT: Final = 68
"""Behind two headers, the pointer to the whole, and six times."""
_NAMES: Final = 6
_ACCOUNT_AT: Final = 120
"""Behind the names and two counts of log-ins: account, primary group, how many groups, pointer to them."""
_SERVER_AT: Final = 156
"""Behind flags and a session key: the names of server and domain, and the pointer to the domain's SID."""
_BEHIND_AT: Final = 236
"""Where the fixed part ends, and what the pointers lead to begins."""
_SID_REVISION: Final = 1
_SUBAUTHORITIES_AT_MOST: Final = 15


def sid_of(logon_info: bytes) -> bytes:
    """As the directory keeps it in `objectSid`. Raises ValueError."""
    try:
        return _sid(logon_info)
    except struct.error:
        raise ValueError("cut short") from None


def _sid(info: bytes) -> bytes:
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
    return _with_account(info, at, user_id)


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


def _with_account(info: bytes, at: int, user_id: int) -> bytes:
    count, revision, subauthorities = struct.unpack_from("<IBB", info, at)
    end = at + 4 + 8 + 4 * subauthorities
    if revision != _SID_REVISION or count != subauthorities or end > len(info):
        raise ValueError("no SID")
    if not 1 <= subauthorities < _SUBAUTHORITIES_AT_MOST:
        raise ValueError("no SID of a domain")
    domain = bytearray(info[at + 4 : end])
    domain[1] += 1
    return bytes(domain) + struct.pack("<I", user_id)


def _aligned(at: int) -> int:
    return (at + 3) & ~3
