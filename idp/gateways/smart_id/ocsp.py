"""Whether a certificate was revoked (RFC 6960; spec section 7.2): the question, and all that an answer
must be.

Not here: asking (`door.py`). A list of revoked certificates in place of an answer is not taken: see
decision 78.
"""

import datetime as dt
import hmac
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Final

from cryptography.exceptions import InvalidSignature, UnsupportedAlgorithm
from cryptography.hazmat.primitives.asymmetric.padding import PKCS1v15
from cryptography.hazmat.primitives.asymmetric.rsa import RSAPublicKey
from cryptography.hazmat.primitives.hashes import SHA1, SHA256, SHA512
from cryptography.hazmat.primitives.serialization import Encoding
from cryptography.x509 import (
    AuthorityInformationAccess,
    Certificate,
    DuplicateExtension,
    ExtendedKeyUsage,
    ExtensionNotFound,
    ObjectIdentifier,
    OCSPNonce,
    UniformResourceIdentifier,
)
from cryptography.x509.ocsp import (
    OCSPCertStatus,
    OCSPRequestBuilder,
    OCSPResponse,
    OCSPResponseStatus,
    load_der_ocsp_request,
    load_der_ocsp_response,
)
from cryptography.x509.oid import AuthorityInformationAccessOID, ExtendedKeyUsageOID

from idp.effects import Instant
from idp.errors import Reason, Refused
from idp.gateways import der
from idp.gateways.smart_id.anchors import is_signed_by

REQUEST_TYPE: Final = "application/ocsp-request"
LONGEST_ANSWER: Final = 64 * 1024
NONCE_BYTES: Final = 32
_OLDEST: Final = dt.timedelta(minutes=15)
_SKEW: Final = dt.timedelta(seconds=120)
_SHORTEST_KEY: Final = 2048
_ARCHIVE_CUTOFF: Final = ObjectIdentifier("1.3.6.1.5.5.7.48.1.6")


@dataclass(frozen=True, slots=True, kw_only=True)
class Question:
    """About one certificate; the nonce makes the answer one to this question and to no earlier one."""

    address: str
    certificate: Certificate = field(repr=False)
    issuer: Certificate
    nonce: bytes = field(repr=False)

    def body(self) -> bytes:
        builder = OCSPRequestBuilder().add_certificate(
            self.certificate,
            self.issuer,
            SHA1(),  # noqa: S303  names the certificate for responders that know no other; protects nothing
        )
        request = builder.add_extension(OCSPNonce(self.nonce), critical=False).build()
        return request.public_bytes(Encoding.DER)


def question_about(certificate: Certificate, issuer: Certificate, *, nonce: bytes) -> Question:
    """At the address in the certificate, which has to be verified already. Raises Refused."""
    try:
        access = certificate.extensions.get_extension_for_class(AuthorityInformationAccess).value
    except (ExtensionNotFound, ValueError, DuplicateExtension):
        raise Refused(Reason.SMART_ID_STATUS_NOWHERE) from None
    for description in access:
        location = description.access_location
        if description.access_method == AuthorityInformationAccessOID.OCSP and isinstance(
            location, UniformResourceIdentifier
        ):
            return Question(address=location.value, certificate=certificate, issuer=issuer, nonce=nonce)
    raise Refused(Reason.SMART_ID_STATUS_NOWHERE)


def check_answer(answer: bytes, question: Question, *, now: Instant) -> None:
    """Returns only when the certificate is good. Raises Refused."""
    response = _read(answer)
    moment = dt.datetime.fromtimestamp(now, dt.UTC)
    try:
        _check_responder(response, question.issuer, moment)
        _check_subject(response, question)
        _check_times(response, moment)
        status = response.certificate_status
    except (ValueError, TypeError, DuplicateExtension, UnsupportedAlgorithm, OverflowError):
        raise Refused(Reason.SMART_ID_STATUS_BROKEN) from None
    match status:
        case OCSPCertStatus.GOOD:
            return
        case OCSPCertStatus.REVOKED:
            raise Refused(Reason.SMART_ID_REVOKED)
        case OCSPCertStatus.UNKNOWN:
            raise Refused(Reason.SMART_ID_STATUS_UNKNOWN)


def _read(answer: bytes) -> OCSPResponse:
    try:
        response = load_der_ocsp_response(answer)
        if response.response_status is not OCSPResponseStatus.SUCCESSFUL:
            raise Refused(Reason.SMART_ID_STATUS_UNREACHABLE)
        if len(list(response.responses)) != 1 or not _is_version_1(response.tbs_response_bytes):
            raise Refused(Reason.SMART_ID_STATUS_BROKEN)
    except (ValueError, TypeError, OverflowError):
        raise Refused(Reason.SMART_ID_STATUS_BROKEN) from None
    return response


def _is_version_1(signed: bytes) -> bool:
    """The default, which DER leaves out."""
    return next(der.read(der.only(signed, der.SEQUENCE))).tag != der.EXPLICIT_0


def _check_responder(response: OCSPResponse, issuer: Certificate, moment: dt.datetime) -> None:
    """Authorised by the very authority that issued the certificate (RFC 6960 section 4.2.2.2)."""
    hashed_by = response.signature_hash_algorithm
    for certificate in response.certificates:
        key = certificate.public_key()
        if not isinstance(key, RSAPublicKey) or not isinstance(hashed_by, (SHA256, SHA512)):
            continue
        try:
            key.verify(response.signature, response.tbs_response_bytes, PKCS1v15(), hashed_by)
        except InvalidSignature:
            continue
        if key.key_size < _SHORTEST_KEY or not _may_answer_for(certificate, issuer, moment):
            raise Refused(Reason.SMART_ID_STATUS_RESPONDER)
        return
    raise Refused(Reason.SMART_ID_STATUS_SIGNATURE)


def _may_answer_for(responder: Certificate, issuer: Certificate, moment: dt.datetime) -> bool:
    try:
        purposes = responder.extensions.get_extension_for_class(ExtendedKeyUsage).value
    except ExtensionNotFound:
        return False
    return (
        ExtendedKeyUsageOID.OCSP_SIGNING in purposes
        and responder.not_valid_before_utc <= moment <= responder.not_valid_after_utc
        and responder.issuer == issuer.subject
        and is_signed_by(responder, issuer)
    )


def _check_subject(response: OCSPResponse, question: Question) -> None:
    """About the certificate that was asked about, and in answer to this very question."""
    asked = load_der_ocsp_request(question.body())
    if not isinstance(response.hash_algorithm, SHA1) or (
        response.serial_number,
        response.issuer_name_hash,
        response.issuer_key_hash,
    ) != (asked.serial_number, asked.issuer_name_hash, asked.issuer_key_hash):
        raise Refused(Reason.SMART_ID_STATUS_OTHER)
    nonces = [each.value.nonce for each in response.extensions if isinstance(each.value, OCSPNonce)]
    if len(nonces) != 1 or not hmac.compare_digest(nonces[0], question.nonce):
        raise Refused(Reason.SMART_ID_STATUS_NONCE)


def _check_times(response: OCSPResponse, moment: dt.datetime) -> None:
    """Fresh, and from a responder that knows how far back it remembers."""
    updated, until = response.this_update_utc, response.next_update_utc
    if not moment - _OLDEST <= updated <= moment + _SKEW or response.produced_at_utc > moment + _SKEW:
        raise Refused(Reason.SMART_ID_STATUS_STALE)
    if until is not None and until < moment:
        raise Refused(Reason.SMART_ID_STATUS_STALE)
    if _ARCHIVE_CUTOFF not in set(_oids(response)):
        raise Refused(Reason.SMART_ID_STATUS_BROKEN)


def _oids(response: OCSPResponse) -> Iterator[ObjectIdentifier]:
    for extension in (*response.single_extensions, *response.extensions):
        yield extension.oid
