"""The names by which a certificate is expected to name its client (RFC 8705 section 2.1.2), and comparing.

A row for each: how the registered value is read, and what of a certificate equals it. Nothing is matched by
pattern, and a value is never searched for inside another.
"""

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from ipaddress import ip_address
from typing import Final

from cryptography import x509
from cryptography.x509.oid import NameOID

from idp.oidc.metadata_values import text

_HOST: Final = re.compile(
    r"(?=.{1,253}\Z)[a-z0-9]([a-z0-9-]{0,61}[a-z0-9])?(\.[a-z0-9]([a-z0-9-]{0,61}[a-z0-9])?)*"
)
_MAILBOX: Final = re.compile(r"[!-?A-~]+@[!-?A-~]+")
_URI: Final = re.compile(r"[A-Za-z][A-Za-z0-9+.-]*:[!-~]+")
_ATTRIBUTES: Final = {
    "serialNumber": NameOID.SERIAL_NUMBER,
    "organizationIdentifier": NameOID.ORGANIZATION_IDENTIFIER,
    "emailAddress": NameOID.EMAIL_ADDRESS,
    "GN": NameOID.GIVEN_NAME,
    "SN": NameOID.SURNAME,
}
"""As OpenSSL writes them, beside the names of RFC 4514 itself."""


@dataclass(frozen=True, slots=True)
class ExpectedName:
    read: Callable[[object], str]
    """Raises ValueError saying what the value must be."""
    is_in: Callable[[str, x509.Certificate], bool]


def _read_subject(value: object) -> str:
    written = text(value)
    try:
        if not _parse_subject(written).rdns:
            raise ValueError
    except ValueError:
        raise ValueError(
            "must be a distinguished name as in RFC 4514, such as CN=client,O=Example,C=LV"
        ) from None
    return written


def _parse_subject(written: str) -> x509.Name:
    """Raises ValueError."""
    return x509.Name.from_rfc4514_string(written, _ATTRIBUTES)


def _is_subject(written: str, certificate: x509.Certificate) -> bool:
    """The same attributes with the same values in the same order; how the text escapes them is no matter."""
    return _parse_subject(written) == certificate.subject


def _read_host(value: object) -> str:
    host = text(value).lower()
    if not _HOST.fullmatch(host):
        raise ValueError("must be a DNS name without a wildcard")
    return host


def _read_address(value: object) -> str:
    try:
        return str(ip_address(text(value)))
    except ValueError:
        raise ValueError("must be an IP address") from None


def _read_mailbox(value: object) -> str:
    if not _MAILBOX.fullmatch(text(value)):
        raise ValueError("must be an e-mail address")
    return text(value)


def _read_uri(value: object) -> str:
    if not _URI.fullmatch(text(value)):
        raise ValueError("must be an absolute URI")
    return text(value)


def _alternatives(certificate: x509.Certificate, kind: type[x509.GeneralName]) -> list[str]:
    try:
        names = certificate.extensions.get_extension_for_class(x509.SubjectAlternativeName).value
    except x509.ExtensionNotFound:
        return []
    return [str(name.value) for name in names if isinstance(name, kind)]


def _has_host(host: str, certificate: x509.Certificate) -> bool:
    """DNS names are the same in capitals (RFC 5280 section 7.2)."""
    return host in {name.lower() for name in _alternatives(certificate, x509.DNSName)}


def _has_address(address: str, certificate: x509.Certificate) -> bool:
    return address in _alternatives(certificate, x509.IPAddress)


def _has_mailbox(mailbox: str, certificate: x509.Certificate) -> bool:
    return mailbox in _alternatives(certificate, x509.RFC822Name)


def _has_uri(uri: str, certificate: x509.Certificate) -> bool:
    return uri in _alternatives(certificate, x509.UniformResourceIdentifier)


EXPECTED_NAMES: Final[Mapping[str, ExpectedName]] = {
    "tls_client_auth_subject_dn": ExpectedName(_read_subject, _is_subject),
    "tls_client_auth_san_dns": ExpectedName(_read_host, _has_host),
    "tls_client_auth_san_uri": ExpectedName(_read_uri, _has_uri),
    "tls_client_auth_san_ip": ExpectedName(_read_address, _has_address),
    "tls_client_auth_san_email": ExpectedName(_read_mailbox, _has_mailbox),
}
