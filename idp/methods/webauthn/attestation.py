"""Whether the maker of an authenticator vouches for a key (WebAuthn Level 3, sections 6.5 and 8).

What the library has checked before: that the statement belongs to the key, in the way of its format. It does
not know whose certificates those are, so here: the rules for the certificate, the model in it, and a path to
an authority that FIDO's list names for that very model. Self attestation and U2F vouch for nothing here: the
one is signed with the key itself, the other names no model.
Not here: whether the model is trusted, and whether anybody asked (`attestation_policy.py`).
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

from cryptography.x509 import (
    BasicConstraints,
    Certificate,
    ExtensionNotFound,
    ObjectIdentifier,
    UnrecognizedExtension,
    Version,
    load_der_x509_certificate,
)
from cryptography.x509.oid import NameOID
from webauthn.helpers import parse_attestation_object
from webauthn.helpers.structs import AttestationFormat

from idp.effects import Instant
from idp.methods.webauthn.certificate_path import CHAIN_AT_MOST, BrokenPathError, require_path

_MODEL: Final = ObjectIdentifier("1.3.6.1.4.1.45724.1.1.4")
"""id-fido-gen-ce-aaguid (section 8.2.1)."""
_SIXTEEN_BYTES: Final = b"\x04\x10"
"""How a DER OCTET STRING of that length begins."""
_VOUCHING: Final = frozenset(
    {
        AttestationFormat.PACKED.value,
        AttestationFormat.TPM.value,
        AttestationFormat.ANDROID_KEY.value,
        AttestationFormat.APPLE.value,
    }
)
_PACKED_UNIT: Final = "Authenticator Attestation"
"""Section 8.2.1: the subject's OU, literally."""


class ForgedError(Exception):
    """Says that a maker vouches for the key, and none does."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Makers:
    """Who may vouch for keys of the model that an answer names: nobody, when the list has no such model."""

    roots: tuple[Certificate, ...]
    now: Instant


def vouched_in(attestation_object: bytes, *, aaguid: bytes, makers: Makers) -> str | None:
    """The format in which a maker vouches, None when nobody does. Raises ForgedError for a false claim.

    A statement under certificates of a model that is not listed is neither: nobody here can tell.
    """
    parsed = parse_attestation_object(attestation_object)
    chain_given = parsed.att_stmt.x5c
    if parsed.fmt not in _VOUCHING or not chain_given:
        return None
    if len(chain_given) > CHAIN_AT_MOST:
        raise ForgedError("too many certificates")
    chain = [load_der_x509_certificate(der) for der in chain_given]
    _require_same_model(chain[0], aaguid)
    if parsed.fmt == AttestationFormat.PACKED:
        _require_attestation_certificate(chain[0])
    if not makers.roots:
        return None
    _require_maker(chain, makers.roots, makers.now)
    return str(parsed.fmt)


def _require_maker(chain: Sequence[Certificate], roots: Sequence[Certificate], now: Instant) -> None:
    try:
        require_path(chain, roots, now=now)
    except BrokenPathError as error:
        raise ForgedError(str(error)) from None


def _require_same_model(certificate: Certificate, aaguid: bytes) -> None:
    """A certificate that names a model vouches for that one alone."""
    try:
        extension = certificate.extensions.get_extension_for_oid(_MODEL)
    except ExtensionNotFound:
        return
    value = extension.value
    told = value.value if isinstance(value, UnrecognizedExtension) else b""
    if extension.critical or told != _SIXTEEN_BYTES + aaguid:
        raise ForgedError("the certificate is for another model")


def _require_attestation_certificate(certificate: Certificate) -> None:
    """Section 8.2.1."""
    subject = certificate.subject
    units = [name.value for name in subject.get_attributes_for_oid(NameOID.ORGANIZATIONAL_UNIT_NAME)]
    try:
        is_authority = certificate.extensions.get_extension_for_class(BasicConstraints).value.ca
    except ExtensionNotFound:
        raise ForgedError("the certificate does not say what it is for") from None
    if certificate.version is not Version.v3 or units != [_PACKED_UNIT] or is_authority:
        raise ForgedError("the certificate is not one for attestation")
