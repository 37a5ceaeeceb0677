"""Whether a chain of certificates leads to a trusted one (RFC 5280 section 6, as far as attestation has it).

Anchors are certificates that FIDO's list names for a model: authorities, intermediate ones, or those that
sign for keys themselves. What the library would do knows only self-signed anchors and this machine's clock,
so the little that is needed stands here. Not here: names of hosts, policies, name constraints and revocation,
which attestation certificates do not have; what FIDO revokes stands in its list.
"""

from collections.abc import Iterable, Sequence
from datetime import UTC, datetime
from typing import Final

from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric.ec import EllipticCurvePublicKey
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey
from cryptography.hazmat.primitives.asymmetric.rsa import RSAPublicKey
from cryptography.hazmat.primitives.hashes import SHA256, SHA384, SHA512
from cryptography.hazmat.primitives.serialization import Encoding
from cryptography.x509 import BasicConstraints, Certificate, ExtensionNotFound, KeyUsage

from idp.effects import Instant

CHAIN_AT_MOST: Final = 8
_HASHES: Final = (SHA256, SHA384, SHA512)
_RSA_BITS: Final = range(2048, 8193)
_EC_BITS: Final = range(256, 522)


class BrokenPathError(Exception):
    """The chain leads to nobody who is trusted; the message says what is wrong."""


def require_path(chain: Sequence[Certificate], anchors: Iterable[Certificate], *, now: Instant) -> None:
    """`chain`: the certificate in question, then each one's issuer. Raises BrokenPathError.

    Whatever comes in `chain` after an anchor was reached is not looked at.
    """
    if not 0 < len(chain) <= CHAIN_AT_MOST:
        raise BrokenPathError("no certificate, or too many")
    trusted = list(anchors)
    exact = {_der(anchor) for anchor in trusted}
    for depth, certificate in enumerate(chain):
        _require_valid(certificate, now)
        if _der(certificate) in exact:
            return
        if any(_issued(anchor, certificate, depth, now) for anchor in trusted):
            return
        following = chain[depth + 1 : depth + 2]
        if not following or not _issued(following[0], certificate, depth, now):
            raise BrokenPathError("it leads to nobody who is trusted")
    raise BrokenPathError("it leads to nobody who is trusted")


def _require_valid(certificate: Certificate, now: Instant) -> None:
    moment = datetime.fromtimestamp(now, UTC)
    if not certificate.not_valid_before_utc <= moment <= certificate.not_valid_after_utc:
        raise BrokenPathError("a certificate is not valid now")


def _issued(issuer: Certificate, certificate: Certificate, below: int, now: Instant) -> bool:
    """`below`: how many authorities stand between the issuer and the end of the chain."""
    if issuer.subject != certificate.issuer or not isinstance(certificate.signature_hash_algorithm, _HASHES):
        return False
    if not _has_sound_key(issuer) or not _may_issue(issuer, below):
        return False
    try:
        _require_valid(issuer, now)
        certificate.verify_directly_issued_by(issuer)
    except (BrokenPathError, InvalidSignature, ValueError, TypeError):
        return False
    return True


def _has_sound_key(certificate: Certificate) -> bool:
    match certificate.public_key():
        case RSAPublicKey(key_size=bits):
            return bits in _RSA_BITS
        case EllipticCurvePublicKey(key_size=bits):
            return bits in _EC_BITS
        case Ed25519PublicKey():
            return True
        case _:
            return False


def _may_issue(certificate: Certificate, below: int) -> bool:
    """RFC 5280 sections 4.2.1.9 and 4.2.1.3."""
    try:
        limits = certificate.extensions.get_extension_for_class(BasicConstraints).value
    except ExtensionNotFound:
        return False
    if not limits.ca or (limits.path_length is not None and below > limits.path_length):
        return False
    try:
        return certificate.extensions.get_extension_for_class(KeyUsage).value.key_cert_sign
    except ExtensionNotFound:
        return True


def _der(certificate: Certificate) -> bytes:
    return certificate.public_bytes(Encoding.DER)
