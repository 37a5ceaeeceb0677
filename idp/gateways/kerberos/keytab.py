"""Files of keys as ktpass, samba-tool and kadmin write them (keytab, version 0x502). Pure."""

import struct
from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import Final

BYTES_AT_MOST: Final = 64 * 1024
ENCTYPES: Final = {
    17: "aes128-cts-hmac-sha1-96",
    18: "aes256-cts-hmac-sha1-96",
    19: "aes128-cts-hmac-sha256-128",
    20: "aes256-cts-hmac-sha384-192",
}
"""The only ones with which a ticket is accepted: DES and RC4 keys can be found out from what they seal."""
_MAGIC: Final = b"\x05\x02"
_LONG_KVNO: Final = 4


@dataclass(frozen=True, slots=True, kw_only=True)
class Key:
    """`raw`: the entry as it stood in the file."""

    service: str
    host: str
    realm: str
    kvno: int
    enctype: int
    raw: bytes = field(repr=False)

    @property
    def principal(self) -> str:
        return f"{self.service}/{self.host}@{self.realm}" if self.host else f"{self.service}@{self.realm}"


def read_keytab(content: bytes) -> list[Key]:
    """Raises ValueError for what is no such file."""
    if not content.startswith(_MAGIC) or len(content) > BYTES_AT_MOST:
        raise ValueError("no keytab")
    keys, rest = [], content[len(_MAGIC) :]
    while len(rest) > _LONG_KVNO:
        (length,) = struct.unpack_from(">i", rest)
        entry, rest = rest[4 : 4 + abs(length)], rest[4 + abs(length) :]
        if length == 0:
            break  # the rest of the file was never written
        if len(entry) != abs(length):
            raise ValueError("an entry longer than the file")
        if length > 0:  # otherwise a hole, where a key was
            keys.append(_key(entry))
    return keys


def write_keytab(keys: Iterable[Key]) -> bytes:
    return _MAGIC + b"".join(struct.pack(">i", len(key.raw)) + key.raw for key in keys)


def _key(entry: bytes) -> Key:
    try:
        (components,) = struct.unpack_from(">H", entry)
        at, texts = 2, []
        for _ in range(components + 1):
            text, at = _counted(entry, at)
            texts.append(text.decode())
        _, _, short_kvno, enctype = struct.unpack_from(">IIBH", entry, at)
        value, at = _counted(entry, at + 11)
        kvno = short_kvno
        if len(entry) - at >= _LONG_KVNO:
            (kvno,) = struct.unpack_from(">I", entry, at)
    except (struct.error, UnicodeDecodeError):
        raise ValueError("an entry that cannot be read") from None
    if not value:
        raise ValueError("an entry without a key")
    realm, service, *host = texts
    return Key(
        service=service,
        host="/".join(host),
        realm=realm,
        kvno=kvno or short_kvno,
        enctype=enctype,
        raw=entry,
    )


def _counted(entry: bytes, at: int) -> tuple[bytes, int]:
    """Bytes that stand behind their number, and where they end."""
    (length,) = struct.unpack_from(">H", entry, at)
    end = at + 2 + length
    if end > len(entry):
        raise ValueError("a text longer than its entry")
    return entry[at + 2 : end], end
