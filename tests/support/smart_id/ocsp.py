"""The responder: written out byte by byte, since the library cannot put an archive cutoff where RFC 6960 wants it."""

import datetime as dt
from dataclasses import dataclass

from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import padding
from cryptography.hazmat.primitives.serialization import Encoding
from cryptography.x509 import ocsp
from cryptography.x509.oid import ExtendedKeyUsageOID

from tests.support.smart_id import asn1
from tests.support.smart_id.authority import Issuer, SmartIdAuthority

GOOD, REVOKED, UNKNOWN = "good", "revoked", "unknown"
HASHES = {
    "sha1": (hashes.SHA1, "1.2.840.113549.1.1.5"),
    "sha256": (hashes.SHA256, "1.2.840.113549.1.1.11"),
    "sha384": (hashes.SHA384, "1.2.840.113549.1.1.12"),
    "sha512": (hashes.SHA512, "1.2.840.113549.1.1.13"),
}


@dataclass
class Mood:
    """How the responder misbehaves; as it stands, it does not."""

    status: str | None = None
    """In place of the true one."""
    response_status: int = 0
    updated_ago: int = 0
    """Seconds since thisUpdate."""
    produced_ago: int = 0
    next_in: int | None = 300
    """Seconds until nextUpdate; None leaves it out."""
    nonce: bytes | None = None
    """In place of the one asked with; empty leaves it out."""
    other_serial: bool = False
    other_issuer: bool = False
    answers: int = 1
    archive_cutoff: bool = True
    signed_with: str = "sha256"
    wrong_signature: bool = False
    responder_purposes: tuple[x509.ObjectIdentifier, ...] = (ExtendedKeyUsageOID.OCSP_SIGNING,)
    responder_days_after: int = 300
    responder_of: str | None = None
    """Issued by another issuer than the one of the certificate."""
    embeds_certificate: bool = True
    version: int | None = None
    http_status: int = 200
    garbage: bytes | None = None


@dataclass
class Responder:
    authority: SmartIdAuthority
    mood: Mood
    revoked: set[int]
    """Serial numbers."""

    def answer(self, asked: bytes, *, at: float) -> bytes:
        if self.mood.garbage is not None:
            return self.mood.garbage
        if self.mood.response_status:
            return asn1.sequence(asn1.wrap(0x0A, bytes([self.mood.response_status])))
        request = ocsp.load_der_ocsp_request(asked)
        issuer = self._issuer_of(request)
        moment = dt.datetime.fromtimestamp(int(at), dt.UTC)
        answering = self.authority.issuers[self.mood.responder_of] if self.mood.responder_of else issuer
        certificate, key = self.authority.responder(
            answering, purposes=self.mood.responder_purposes, days_after=self.mood.responder_days_after, at=at
        )
        data = self._data(request, certificate, moment)
        algorithm, oid = HASHES[self.mood.signed_with]
        signature = key.sign(
            data + (b"!" if self.mood.wrong_signature else b""), padding.PKCS1v15(), algorithm()
        )
        parts = [
            data,
            asn1.sequence(asn1.object_identifier(oid), asn1.NULL),
            asn1.wrap(0x03, b"\x00" + signature),
        ]
        if self.mood.embeds_certificate:
            parts.append(asn1.wrap(0xA0, asn1.sequence(certificate.public_bytes(Encoding.DER))))
        basic = asn1.sequence(
            asn1.object_identifier("1.3.6.1.5.5.7.48.1.1"), asn1.octets(asn1.sequence(*parts))
        )
        return asn1.sequence(asn1.wrap(0x0A, b"\x00"), asn1.wrap(0xA0, basic))

    def _issuer_of(self, request: ocsp.OCSPRequest) -> Issuer:
        """The one whose key the question names."""
        for issuer in (self.authority.root, *self.authority.issuers.values()):
            if _key_hash(issuer.certificate) == request.issuer_key_hash:
                return issuer
        return self.authority.root

    def _data(self, request: ocsp.OCSPRequest, certificate: x509.Certificate, moment: dt.datetime) -> bytes:
        mood = self.mood
        answers = b"".join([self._single(request, moment)] * mood.answers)
        asked_nonce = next(
            (each.value.nonce for each in request.extensions if isinstance(each.value, x509.OCSPNonce)), b""
        )
        nonce = asked_nonce if mood.nonce is None else mood.nonce
        parts = [
            asn1.wrap(0xA2, asn1.octets(_key_hash(certificate))),
            asn1.generalized_time(moment - dt.timedelta(seconds=mood.produced_ago)),
            asn1.sequence(answers),
        ]
        if mood.version is not None:
            parts.insert(0, asn1.wrap(0xA0, asn1.integer(mood.version)))
        if nonce:
            extension = asn1.sequence(
                asn1.object_identifier("1.3.6.1.5.5.7.48.1.2"), asn1.octets(asn1.octets(nonce))
            )
            parts.append(asn1.wrap(0xA1, asn1.sequence(extension)))
        return asn1.sequence(*parts)

    def _single(self, request: ocsp.OCSPRequest, moment: dt.datetime) -> bytes:
        mood = self.mood
        true = REVOKED if request.serial_number in self.revoked else GOOD
        status = {
            GOOD: b"\x80\x00",
            REVOKED: asn1.wrap(0xA1, asn1.generalized_time(moment - dt.timedelta(days=1))),
            UNKNOWN: b"\x82\x00",
        }[mood.status or true]
        certificate_id = asn1.sequence(
            asn1.sequence(asn1.object_identifier("1.3.14.3.2.26"), asn1.NULL),
            asn1.octets(request.issuer_name_hash),
            asn1.octets(bytes(20) if mood.other_issuer else request.issuer_key_hash),
            asn1.integer(request.serial_number + (1 if mood.other_serial else 0)),
        )
        parts = [
            certificate_id,
            status,
            asn1.generalized_time(moment - dt.timedelta(seconds=mood.updated_ago)),
        ]
        if mood.next_in is not None:
            until = moment + dt.timedelta(seconds=mood.next_in)
            parts.append(asn1.wrap(0xA0, asn1.generalized_time(until)))
        if mood.archive_cutoff:
            extension = asn1.sequence(
                asn1.object_identifier("1.3.6.1.5.5.7.48.1.6"),
                asn1.octets(asn1.generalized_time(moment - dt.timedelta(days=3650))),
            )
            parts.append(asn1.wrap(0xA1, asn1.sequence(extension)))
        return asn1.sequence(*parts)


def _key_hash(certificate: x509.Certificate) -> bytes:
    """SHA-1 of the bits of the key, without their wrapping (RFC 5280 section 4.2.1.2)."""
    return x509.SubjectKeyIdentifier.from_public_key(certificate.public_key()).digest
