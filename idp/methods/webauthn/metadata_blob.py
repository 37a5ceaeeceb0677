"""Reads FIDO's list of authenticators and checks that it is FIDO's (FIDO Metadata Service 3.1, section 3).

It comes as a JWS in compact form (RFC 7515) under a chain of TLS certificates for `mds.fidoalliance.org`. The
two algorithms it may be signed with are named here and verified with `cryptography`: this is no token of the
provider, and only the protocol knows a JOSE library.
Pure: no clock, no storage, nothing fetched. Not checked: whether a certificate of the chain was revoked,
since lists are loaded on machines without a network, too. Not here: whether the list is newer than the last
(`metadata.py`).
"""

import base64
import binascii
import json
import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime, time
from typing import Any, Final, TypeVar
from uuid import UUID

from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric import padding
from cryptography.hazmat.primitives.asymmetric.ec import ECDSA, SECP256R1, EllipticCurvePublicKey
from cryptography.hazmat.primitives.asymmetric.rsa import RSAPublicKey
from cryptography.hazmat.primitives.asymmetric.utils import encode_dss_signature
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.x509 import Certificate, DNSName, load_der_x509_certificate
from cryptography.x509.verification import PolicyBuilder, Store, VerificationError

from idp.effects import Instant
from idp.models.authenticators import NO_MODEL, AuthenticatorModel

BYTES_AT_MOST: Final = 16 * 1024 * 1024
SIGNER: Final = "mds.fidoalliance.org"
_HEADER_AT_MOST: Final = 64 * 1024
_CERTIFICATES_AT_MOST: Final = 6
_ENTRIES_AT_MOST: Final = 10_000
_REPORTS_AT_MOST: Final = 200
_ROOTS_AT_MOST: Final = 500
_TEXT_AT_MOST: Final = 200
_HIGHEST_NUMBER: Final = 2**53
_BASE64URL: Final = re.compile(rb"[A-Za-z0-9_-]+")
_ES256_BYTES: Final = 64

Read = TypeVar("Read")


class UntrustedBlobError(Exception):
    """Not FIDO's list, or one that cannot be read; the message is one clause for whoever loads it."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Blob:
    """`models` are FIDO2 authenticators; `skipped` counts entries of older kinds, which have no AAGUID."""

    number: int
    next_update: Instant
    models: tuple[AuthenticatorModel, ...]
    skipped: int


def read_blob(raw: bytes, *, root: Certificate, now: Instant) -> Blob:
    """Raises UntrustedBlobError."""
    if len(raw) > BYTES_AT_MOST:
        raise UntrustedBlobError(f"it is larger than {BYTES_AT_MOST} bytes")
    parts = raw.strip().split(b".")
    if len(parts) != 3:
        raise UntrustedBlobError("it is not a JWS in compact form")
    header_part, payload_part, signature_part = parts
    header = _header(header_part)
    signer = _signer(header, root=root, now=now)
    _verify(header["alg"], signer, _decoded(signature_part), header_part + b"." + payload_part)
    return _reading("its payload is not as FIDO's specification says", lambda: _payload(_json(payload_part)))


# Who signed it ---------------------------------------------------------------------------------------------


def _header(part: bytes) -> Mapping[str, Any]:
    if len(part) > _HEADER_AT_MOST:
        raise UntrustedBlobError("its header is too large")
    header = _json(part)
    if "crit" in header:
        raise UntrustedBlobError("its header demands something nobody knows here")
    algorithm = header.get("alg")
    if not isinstance(algorithm, str) or algorithm not in _ALGORITHMS:
        raise UntrustedBlobError("it is signed with an algorithm that is not accepted")
    return header


def _signer(header: Mapping[str, Any], *, root: Certificate, now: Instant) -> Certificate:
    """RFC 7515 section 4.1.6: the certificate of the key first. Only `x5c` is read, nothing is fetched."""
    given = header.get("x5c")
    if not isinstance(given, list) or not 0 < len(given) <= _CERTIFICATES_AT_MOST:
        raise UntrustedBlobError("it does not come with the certificates of its signer")
    chain = _reading(
        "a certificate of its signer cannot be read",
        lambda: [load_der_x509_certificate(base64.b64decode(each, validate=True)) for each in given],
    )
    verifier = (
        PolicyBuilder()
        .store(Store([root]))
        .time(datetime.fromtimestamp(now, UTC))
        .max_chain_depth(_CERTIFICATES_AT_MOST)
        .build_server_verifier(DNSName(SIGNER))
    )
    try:
        verifier.verify(chain[0], chain[1:])
    except (VerificationError, ValueError):
        raise UntrustedBlobError(
            f"its certificates do not lead from {SIGNER} to the pinned authority, or are not valid now"
        ) from None
    return chain[0]


def _verify(algorithm: str, signer: Certificate, signature: bytes, signed: bytes) -> None:
    try:
        _ALGORITHMS[algorithm](signer, signature, signed)
    except (InvalidSignature, ValueError):
        raise UntrustedBlobError("its signature is not that of its certificate") from None


def _verify_rs256(signer: Certificate, signature: bytes, signed: bytes) -> None:
    key = signer.public_key()
    if not isinstance(key, RSAPublicKey):
        raise InvalidSignature
    key.verify(signature, signed, padding.PKCS1v15(), SHA256())


def _verify_es256(signer: Certificate, signature: bytes, signed: bytes) -> None:
    """RFC 7518 section 3.4: r and s, 32 bytes each."""
    key = signer.public_key()
    is_p256 = isinstance(key, EllipticCurvePublicKey) and isinstance(key.curve, SECP256R1)
    if not isinstance(key, EllipticCurvePublicKey) or not is_p256 or len(signature) != _ES256_BYTES:
        raise InvalidSignature
    half = _ES256_BYTES // 2
    r, s = int.from_bytes(signature[:half], "big"), int.from_bytes(signature[half:], "big")
    key.verify(encode_dss_signature(r, s), signed, ECDSA(SHA256()))


_ALGORITHMS: Final[Mapping[str, Callable[[Certificate, bytes, bytes], None]]] = {
    "RS256": _verify_rs256,
    "ES256": _verify_es256,
}


# What it says ----------------------------------------------------------------------------------------------


def _payload(payload: Mapping[str, Any]) -> Blob:
    number, entries = payload["no"], payload["entries"]
    if type(number) is not int or not 0 <= number <= _HIGHEST_NUMBER:
        raise ValueError("no")
    if not isinstance(entries, list) or len(entries) > _ENTRIES_AT_MOST:
        raise ValueError("entries")
    found = [_model(entry) for entry in entries if entry.get("aaguid") is not None]
    models = tuple(model for model in found if model.aaguid != NO_MODEL)
    if len({model.aaguid for model in models}) != len(models):
        raise ValueError("a model stands there twice")
    return Blob(
        number=number,
        next_update=_day(payload["nextUpdate"]),
        models=models,
        skipped=len(entries) - len(models),
    )


def _model(entry: Mapping[str, Any]) -> AuthenticatorModel:
    statement = entry.get("metadataStatement") or {}
    return AuthenticatorModel(
        aaguid=str(UUID(entry["aaguid"])),
        description=_text(statement.get("description", "")),
        status_reports=[_report(report) for report in _listed(entry["statusReports"], _REPORTS_AT_MOST)],
        attestation_types=[_text(kind) for kind in _listed(statement.get("attestationTypes", []), 20)],
        roots=[
            root
            for given in _listed(statement.get("attestationRootCertificates", []), _ROOTS_AT_MOST)
            if (root := _root(given))
        ],
    )


def _report(report: Mapping[str, Any]) -> dict[str, Any]:
    effective = report.get("effectiveDate")
    return {
        "status": _text(report["status"]),
        "effectiveDate": None if effective is None else _text(effective),
    }


def _root(given: str) -> str | None:
    """In base64 on one line. One that cannot be read vouches for nobody, and need not spoil the rest."""
    try:
        der = base64.b64decode("".join(given.split()), validate=True)
        load_der_x509_certificate(der).public_key()
    except Exception:  # noqa: BLE001  what parsers of certificates raise is no closed list
        return None
    return base64.b64encode(der).decode()


def _listed(value: Any, at_most: int) -> Sequence[Any]:
    if not isinstance(value, list) or len(value) > at_most:
        raise ValueError("not a list, or too long")
    return value


def _text(value: Any) -> str:
    """On one line, fit for pages and terminals."""
    if not isinstance(value, str):
        raise ValueError("not a text")  # noqa: TRY004  all that is wrong with a payload is one error
    return " ".join("".join(mark if mark.isprintable() else " " for mark in value).split())[:_TEXT_AT_MOST]


def _day(value: str) -> Instant:
    return datetime.combine(date.fromisoformat(value), time(), UTC).timestamp()


def _json(part: bytes) -> Mapping[str, Any]:
    read = _reading("it holds something that is not JSON", lambda: json.loads(_decoded(part)))
    if not isinstance(read, dict):
        raise UntrustedBlobError("it holds something that is not a JSON object")
    return read


def _decoded(part: bytes) -> bytes:
    if not _BASE64URL.fullmatch(part):
        raise UntrustedBlobError("it is not a JWS in compact form")
    return _reading(
        "it is not a JWS in compact form", lambda: base64.urlsafe_b64decode(part + b"=" * (-len(part) % 4))
    )


def _reading(otherwise: str, read: Callable[[], Read]) -> Read:
    """Reads what somebody else wrote: whatever its parsers raise is one refusal."""
    try:
        return read()
    except (
        ValueError,
        TypeError,
        KeyError,
        AttributeError,
        RecursionError,
        OverflowError,
        binascii.Error,
    ):
        raise UntrustedBlobError(otherwise) from None
