"""What of the settings changes the protocol. Not here: where settings come from (`settings.py`)."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Any

from cryptography.x509 import Certificate


class RegistrationMode(StrEnum):
    """Who may register clients over HTTP (RFC 7591 section 3)."""

    OFF = "off"
    TOKEN = "token"  # noqa: S105  the name of a mode
    OPEN = "open"


@dataclass(frozen=True, slots=True, kw_only=True)
class Options:
    issuer: str
    refresh_seconds: float
    """How long a family of refresh tokens lives."""
    registration: RegistrationMode = RegistrationMode.OFF
    software_statement_jwks: Mapping[str, Any] = field(default_factory=dict)
    """Whose software statements count (RFC 7591 section 2.3): a JWK set for each issuer."""
    client_certificates: bool = False
    """Whether a trusted proxy may tell us the client's certificate (RFC 9440)."""
    mtls_origin: str | None = None
    """The origin where the proxy asks for certificates, when it is not the issuer's (RFC 8705 section 5)."""
    client_authorities: tuple[Certificate, ...] = ()
    """Who may issue the certificates of `tls_client_auth` (RFC 8705 section 2.1)."""
