"""DER, as much as the emulator has to write itself: extensions and answers that the certificate library cannot make."""

import datetime as dt


def wrap(tag: int, content: bytes) -> bytes:
    if len(content) < 0x80:
        return bytes([tag, len(content)]) + content
    octets = len(content).to_bytes((len(content).bit_length() + 7) // 8, "big")
    return bytes([tag, 0x80 | len(octets)]) + octets + content


def sequence(*parts: bytes) -> bytes:
    return wrap(0x30, b"".join(parts))


def octets(content: bytes) -> bytes:
    return wrap(0x04, content)


def integer(value: int) -> bytes:
    return wrap(0x02, value.to_bytes(value.bit_length() // 8 + 1, "big", signed=True))


def generalized_time(moment: dt.datetime) -> bytes:
    return wrap(0x18, f"{moment.astimezone(dt.UTC):%Y%m%d%H%M%SZ}".encode())


def object_identifier(dotted: str) -> bytes:
    first, second, *rest = map(int, dotted.split("."))
    encoded = bytes([40 * first + second])
    for number in rest:
        groups = [number & 0x7F]
        while number := number >> 7:
            groups.append(0x80 | (number & 0x7F))
        encoded += bytes(reversed(groups))
    return wrap(0x06, encoded)


NULL = b"\x05\x00"
