"""Whether a certificate is one with which Smart-ID authenticates people, here and now (spec sections
5.4 and 5.5).

Not here: who it is about (`identity.py`), whether it was revoked (`ocsp.py`).
"""

import datetime as dt
from dataclasses import dataclass, field
from typing import Final

from cryptography.exceptions import UnsupportedAlgorithm
from cryptography.x509 import (
    BasicConstraints,
    Certificate,
    CertificatePolicies,
    DirectoryName,
    DuplicateExtension,
    ExtendedKeyUsage,
    ExtensionNotFound,
    Extensions,
    KeyUsage,
    NameOID,
    ObjectIdentifier,
    SubjectAlternativeName,
    UnsupportedGeneralNameType,
    load_der_x509_certificate,
)
from cryptography.x509.oid import ExtendedKeyUsageOID, ExtensionOID

from idp.effects import Instant
from idp.errors import Reason, Refused
from idp.gateways.smart_id.anchors import Anchors, find_issuer
from idp.gateways.smart_id.words import Level, Scheme

AUTHENTICATION: Final = ObjectIdentifier("1.3.6.1.4.1.62306.5.7.0")
_NCP_PLUS: Final = ObjectIdentifier("0.4.0.2042.1.2")
_NCP: Final = ObjectIdentifier("0.4.0.2042.1.1")
POLICIES: Final = {
    Level.QUALIFIED: frozenset({ObjectIdentifier("1.3.6.1.4.1.10015.17.2"), _NCP_PLUS}),
    Level.ADVANCED: frozenset({ObjectIdentifier("1.3.6.1.4.1.10015.17.1"), _NCP}),
}
"""All of them; signing certificates have one of the two."""
OLD_DEMO_POLICIES: Final = {
    Level.QUALIFIED: frozenset({ObjectIdentifier("1.3.6.1.4.1.10015.3.17.2"), _NCP_PLUS}),
    Level.ADVANCED: frozenset({ObjectIdentifier("1.3.6.1.4.1.10015.3.17.1"), _NCP}),
}
"""The arc of tests, on accounts that the older demo authority issued. Never looked at in a live
environment.
"""
_UNDERSTOOD: Final = frozenset(
    {
        ExtensionOID.BASIC_CONSTRAINTS,
        ExtensionOID.KEY_USAGE,
        ExtensionOID.EXTENDED_KEY_USAGE,
        ExtensionOID.CERTIFICATE_POLICIES,
        ExtensionOID.SUBJECT_ALTERNATIVE_NAME,
    }
)


@dataclass(frozen=True, slots=True)
class Chain:
    """A person's certificate, who issued it, and the root of that."""

    leaf: Certificate = field(repr=False)
    issuer: Certificate
    root: Certificate


def read_certificate(der: bytes) -> Certificate:
    """Readable to its last extension, and with no critical one that nobody here looks at. Raises Refused."""
    try:
        certificate = load_der_x509_certificate(der)
        critical = {extension.oid for extension in certificate.extensions if extension.critical}
        certificate.public_key()
        _ = certificate.subject, certificate.issuer, certificate.not_valid_after_utc
    except UnsupportedAlgorithm:
        raise Refused(Reason.SMART_ID_KEY) from None
    except (ValueError, TypeError, DuplicateExtension, UnsupportedGeneralNameType, OverflowError):
        raise Refused(Reason.SMART_ID_CERTIFICATE_BROKEN) from None
    if not critical <= _UNDERSTOOD:
        raise Refused(Reason.SMART_ID_CERTIFICATE_CRITICAL)
    return certificate


def check_chain(leaf: Certificate, anchors: Anchors, *, now: Instant) -> Chain:
    """Person, pinned issuing authority, pinned root: all signed, all valid now. Raises Refused."""
    if _is_authority(leaf.extensions):
        raise Refused(Reason.SMART_ID_CERTIFICATE_IS_AUTHORITY)
    if all(issuer.subject != leaf.issuer for issuer in anchors.issuers):
        raise Refused(Reason.SMART_ID_CERTIFICATE_ISSUER)
    issuer = find_issuer(leaf, anchors.issuers)
    root = find_issuer(issuer, anchors.roots) if issuer is not None else None
    if issuer is None or root is None:
        raise Refused(Reason.SMART_ID_CERTIFICATE_NOT_SIGNED)
    moment = dt.datetime.fromtimestamp(now, dt.UTC)
    if moment < leaf.not_valid_before_utc:
        raise Refused(Reason.SMART_ID_CERTIFICATE_NOT_YET)
    if moment > leaf.not_valid_after_utc:
        raise Refused(Reason.SMART_ID_CERTIFICATE_EXPIRED)
    if not all(_is_valid(authority, moment) for authority in (issuer, root)):
        raise Refused(Reason.SMART_ID_AUTHORITY_EXPIRED)
    return Chain(leaf, issuer, root)


def check_purpose(leaf: Certificate, *, level: Level, scheme: Scheme) -> None:
    """The policies make the level true that the service only states. Raises Refused."""
    held = {each.policy_identifier for each in _policies(leaf.extensions)}
    wanted = [POLICIES[level]] + ([OLD_DEMO_POLICIES[level]] if scheme is Scheme.DEMO else [])
    if not any(policies <= held for policies in wanted):
        raise Refused(Reason.SMART_ID_CERTIFICATE_POLICY)
    usage, purposes = _usage(leaf.extensions), _purposes(leaf.extensions)
    if usage is None or not usage.digital_signature:
        raise Refused(Reason.SMART_ID_CERTIFICATE_KEY_USAGE)
    if AUTHENTICATION in purposes:
        return
    if ExtendedKeyUsageOID.CLIENT_AUTH not in purposes:
        raise Refused(Reason.SMART_ID_CERTIFICATE_PURPOSE)
    if not (usage.key_encipherment and usage.data_encipherment):
        raise Refused(Reason.SMART_ID_CERTIFICATE_KEY_USAGE)


def document_number_of(leaf: Certificate) -> str:
    """The account, as the one common name of the one directory name beside the subject. Raises Refused."""
    try:
        names = leaf.extensions.get_extension_for_class(SubjectAlternativeName).value
    except ExtensionNotFound:
        raise Refused(Reason.SMART_ID_CERTIFICATE_DOCUMENT) from None
    numbers = [
        attribute.value
        for name in names.get_values_for_type(DirectoryName)
        for attribute in name.get_attributes_for_oid(NameOID.COMMON_NAME)
    ]
    if len(numbers) != 1 or not isinstance(numbers[0], str):
        raise Refused(Reason.SMART_ID_CERTIFICATE_DOCUMENT)
    return numbers[0]


def _is_valid(certificate: Certificate, moment: dt.datetime) -> bool:
    return certificate.not_valid_before_utc <= moment <= certificate.not_valid_after_utc


def _is_authority(extensions: Extensions) -> bool:
    try:
        return extensions.get_extension_for_class(BasicConstraints).value.ca
    except ExtensionNotFound:
        return False


def _policies(extensions: Extensions) -> CertificatePolicies:
    try:
        return extensions.get_extension_for_class(CertificatePolicies).value
    except ExtensionNotFound:
        raise Refused(Reason.SMART_ID_CERTIFICATE_POLICY) from None


def _usage(extensions: Extensions) -> KeyUsage | None:
    try:
        return extensions.get_extension_for_class(KeyUsage).value
    except ExtensionNotFound:
        return None


def _purposes(extensions: Extensions) -> frozenset[ObjectIdentifier]:
    try:
        return frozenset(extensions.get_extension_for_class(ExtendedKeyUsage).value)
    except ExtensionNotFound:
        return frozenset()
