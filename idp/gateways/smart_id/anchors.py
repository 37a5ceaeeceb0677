"""Whom we let vouch for people: issuing authorities and roots, pinned, and of one scheme only (spec
section 7.1).

A live set takes the certificates listed here and no other, so neither a demo authority nor an
emulator's can be loaded where identities are real. A demo set takes none of the live ones. No system
store is ever looked at.
"""

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Final

from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.x509 import (
    BasicConstraints,
    Certificate,
    ExtensionNotFound,
    KeyUsage,
    load_pem_x509_certificates,
)

from idp.gateways.smart_id.words import Scheme

LIVE_ROOTS: Final = frozenset(
    {
        "a272de102a8038f7e100eacfb6db1c930d3cb9f51d76b218de3a4a433bcfd182",  # SK ID Solutions ROOT G1E
        "d012da1a62193928c5b4d89d2a72495b1f77ea5d54f23956bc1df2f75528fefb",  # SK ID Solutions ROOT G1R
        "3e84ba4342908516e77573c0992f0979ca084e4685681ff195ccba8a229b8a76",  # EE Certification Centre Root CA
    }
)
LIVE_QUALIFIED: Final = frozenset(
    {
        "95c4e7e2b5c2617e877442f4276146f8895cee8baa33340efa03e45a66d62d25",  # SK ID Solutions EID-Q 2024E
        "c66244d29cf8033b1d4a6f16d8b0f9db7b27cdabce5ad0c05eff70eda1257235",  # SK ID Solutions EID-Q 2024R
        "e73f1f19a4459a6067a45e84db585d6c1df8f12a739d733f5b28996546f1875a",  # EID-SK 2016
    }
)
LIVE_NOT_QUALIFIED: Final = frozenset(
    {
        "925cd662b3caf6c67e5481b34a7f89079ffc3587e74d2365342c1a67f30dd478",  # SK ID Solutions EID-NQ 2021E
        "90a1217aefd8b635caaf132dcc3d76a10d6d1001521b161a25266984e8af34eb",  # SK ID Solutions EID-NQ 2021R
        "b5cfe6b0b2aa861a0b367c0c05395a538ad493a9df011544a8efc4687fdb2cc8",  # NQ-SK 2016
    }
)
"""Never trusted, since only qualified certificates are asked for; named so that no demo set takes them."""
LIVE: Final = LIVE_ROOTS | LIVE_QUALIFIED | LIVE_NOT_QUALIFIED


class AnchorsError(ValueError):
    """The message is a clause that follows the name of what was read."""


def fingerprint(certificate: Certificate) -> str:
    return certificate.fingerprint(SHA256()).hex()


@dataclass(frozen=True, slots=True, kw_only=True)
class Anchors:
    """However a set is made, it is judged here. Raises AnchorsError."""

    scheme: Scheme
    issuers: tuple[Certificate, ...]
    roots: tuple[Certificate, ...]

    def __post_init__(self) -> None:
        prints = {fingerprint(certificate) for certificate in (*self.issuers, *self.roots)}
        match self.scheme:
            case Scheme.LIVE:
                if not prints <= LIVE_ROOTS | LIVE_QUALIFIED:
                    raise AnchorsError("holds a certificate that is not a live authority of Smart-ID")
            case Scheme.DEMO:
                if prints & LIVE:
                    raise AnchorsError("mixes live authorities of Smart-ID with demo ones")
        if not self.issuers or not self.roots:
            raise AnchorsError("must hold issuing authorities and their roots")
        if not all(may_issue(certificate) for certificate in (*self.issuers, *self.roots)):
            raise AnchorsError("holds a certificate that may not issue others")
        if not all(find_issuer(issuer, self.roots) for issuer in self.issuers):
            raise AnchorsError("holds an issuing authority without its root")


def read_anchors(pem: bytes, scheme: Scheme) -> Anchors:
    """What is issued by itself is a root, everything else an issuing authority. Raises AnchorsError."""
    try:
        certificates = load_pem_x509_certificates(pem)
        roots = tuple(each for each in certificates if each.issuer == each.subject)
        issuers = tuple(each for each in certificates if each.issuer != each.subject)
    except ValueError:
        raise AnchorsError("must be a PEM file of certificates") from None
    return Anchors(scheme=scheme, issuers=issuers, roots=roots)


def find_issuer(certificate: Certificate, among: Iterable[Certificate]) -> Certificate | None:
    """By name and by signature. A root's signature over itself is never looked at: it is pinned."""
    for candidate in among:
        if certificate.issuer == candidate.subject and is_signed_by(certificate, candidate):
            return candidate
    return None


def is_signed_by(certificate: Certificate, issuer: Certificate) -> bool:
    try:
        certificate.verify_directly_issued_by(issuer)
    except (InvalidSignature, ValueError, TypeError):
        return False
    return True


def may_issue(certificate: Certificate) -> bool:
    """RFC 5280 sections 4.2.1.3 and 4.2.1.9."""
    try:
        usage = certificate.extensions.get_extension_for_class(KeyUsage).value
        basic = certificate.extensions.get_extension_for_class(BasicConstraints).value
    except (ExtensionNotFound, ValueError):
        return False
    return basic.ca and usage.key_cert_sign
