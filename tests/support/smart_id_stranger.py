"""A second opinion on signed Smart-ID sessions, written from the specification and RFC 8017 alone.

Neither the gateway nor the emulator is used, nor any signature code of a library: the power is taken with Python's
integers and the padding is taken apart by hand. Certificates are only opened to read their key.
"""

import base64
import hashlib
from typing import Any

from cryptography import x509

HASHES = {
    "SHA-256": "sha256",
    "SHA-384": "sha384",
    "SHA-512": "sha512",
    "SHA3-256": "sha3_256",
    "SHA3-384": "sha3_384",
    "SHA3-512": "sha3_512",
}
DIGEST_INFO = {
    "sha256WithRSAEncryption": ("sha256", "3031300d060960864801650304020105000420"),
    "sha384WithRSAEncryption": ("sha384", "3041300d060960864801650304020205000430"),
    "sha512WithRSAEncryption": ("sha512", "3051300d060960864801650304020305000440"),
}


def believes(recorded: dict[str, Any]) -> bool:
    """A session in the form of the published vectors: is it signed over just these inputs?"""
    session = recorded["session"]
    signature = session["signature"]
    key = (
        x509.load_der_x509_certificate(base64.b64decode(session["cert"]["value"]))
        .public_key()
        .public_numbers()
    )
    octets = (key.n.bit_length() + 7) // 8
    value = base64.b64decode(signature["value"])
    if len(value) != octets:
        return False
    opened = pow(int.from_bytes(value, "big"), key.e, key.n)
    message = payload(recorded)
    if signature["signatureAlgorithm"] in DIGEST_INFO:
        return opened.to_bytes(octets, "big") == _pkcs1(message, signature["signatureAlgorithm"], octets)
    name = HASHES[signature["signatureAlgorithmParameters"]["hashAlgorithm"]]
    return _is_pss(opened, message, name, key.n.bit_length() - 1)


def payload(recorded: dict[str, Any]) -> bytes:
    request, signature = recorded["request"], recorded["session"]["signature"]
    flow = signature["flowType"]
    hashed = hashlib.sha256(request["interactions"].encode("ascii")).digest()
    fields = [
        recorded["schemeName"],
        "ACSP_V2",
        signature["serverRandom"],
        request["rpChallenge"],
        signature["userChallenge"],
        base64.b64encode(request["relyingPartyName"].encode("utf-8")).decode("ascii"),
        base64.b64encode((recorded.get("brokeredRpName") or "").encode("utf-8")).decode("ascii"),
        base64.b64encode(hashed).decode("ascii"),
        recorded["session"]["interactionTypeUsed"],
        (recorded.get("initialCallbackUrl") or "") if flow not in ("QR", "Notification") else "",
        flow,
    ]
    return "|".join(fields).encode("utf-8")


def _pkcs1(message: bytes, algorithm: str, octets: int) -> bytes:
    """RFC 8017 section 9.2."""
    name, prefix = DIGEST_INFO[algorithm]
    tail = bytes.fromhex(prefix) + hashlib.new(name, message).digest()
    return b"\x00\x01" + b"\xff" * (octets - len(tail) - 3) + b"\x00" + tail


def _is_pss(opened: int, message: bytes, name: str, bits: int) -> bool:
    """RFC 8017 section 9.1.2, with a salt as long as the hash and MGF1 over the same hash."""
    length = hashlib.new(name).digest_size
    octets = (bits + 7) // 8
    if opened.bit_length() > 8 * octets:
        return False
    encoded = opened.to_bytes(octets, "big")
    masked, digest, trailer = encoded[: -length - 1], encoded[-length - 1 : -1], encoded[-1]
    spare = 8 * octets - bits
    if trailer != 0xBC or masked[0] >> (8 - spare):
        return False
    block = bytearray(
        one ^ other for one, other in zip(masked, _mgf1(digest, len(masked), name), strict=True)
    )
    block[0] &= 0xFF >> spare
    zeros, salt = block[: -length - 1], bytes(block[-length:])
    if any(zeros) or block[-length - 1] != 0x01:
        return False
    return hashlib.new(name, bytes(8) + hashlib.new(name, message).digest() + salt).digest() == digest


def _mgf1(seed: bytes, length: int, name: str) -> bytes:
    mask, counter = b"", 0
    while len(mask) < length:
        mask += hashlib.new(name, seed + counter.to_bytes(4, "big")).digest()
        counter += 1
    return mask[:length]
