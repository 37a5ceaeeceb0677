"""Where Smart-ID is, whom it vouches for and who we are to it: one object, so that live and demo are
never half mixed.
"""

import base64
import binascii
import re
from dataclasses import dataclass, field
from enum import Enum
from pathlib import Path
from typing import Final
from urllib.parse import urlsplit
from uuid import UUID

from idp.gateways.smart_id.anchors import Anchors
from idp.gateways.smart_id.verification import Trust
from idp.gateways.smart_id.words import Scheme

LIVE_HOST: Final = "rp-api.smart-id.com"
_DEMO_RELYING_PARTY: Final = UUID("00000000-0000-4000-8000-000000000000")
_LONGEST_NAME: Final = 32
_BASE_URL: Final = re.compile(r"https://[A-Za-z0-9.:\[\]-]+(?:/[A-Za-z0-9._~-]+)*", re.ASCII)
_COUNTRY: Final = re.compile(r"[A-Z]{2}", re.ASCII)
_PIN: Final = "sha256//"


class Revocation(Enum):
    REQUIRED = "required"
    OFF = "off"
    """Only at the demo service, whose certificates its own responder does not know."""


class EnvironmentRefusedError(ValueError):
    """`what` is the name of a field, the message a clause that follows it."""

    def __init__(self, what: str, why: str) -> None:
        super().__init__(why)
        self.what = what


@dataclass(frozen=True, slots=True, kw_only=True)
class Environment:
    """`base_url` ends before the first path of spec section 2; `pins` are SHA-256 of TLS keys of the service,
    the current and the next; `ca_file` holds the authorities of its TLS certificates; `countries` are
    those whose national codes may be linked to an account. Raises EnvironmentRefusedError.
    """

    base_url: str
    relying_party_id: str = field(repr=False)
    relying_party_name: str
    anchors: Anchors = field(repr=False)
    pins: frozenset[bytes] = field(repr=False)
    revocation: Revocation
    countries: frozenset[str]
    ca_file: Path | None = None
    same_device: bool = True
    """Whether the app may send a browser back to us: our address has to be https for that."""

    def __post_init__(self) -> None:
        if not _BASE_URL.fullmatch(self.base_url):
            raise EnvironmentRefusedError(
                "base_url", "must be an https URL without a trailing slash or a query"
            )
        if not 1 <= len(self.relying_party_name.encode()) <= _LONGEST_NAME:
            raise EnvironmentRefusedError("rp_name", f"must have 1 to {_LONGEST_NAME} bytes")
        if not self.pins or any(len(pin) != 32 for pin in self.pins):
            raise EnvironmentRefusedError("pins", "must list at least one key of the service")
        if not self.countries or not all(_COUNTRY.fullmatch(country) for country in self.countries):
            raise EnvironmentRefusedError("countries", "must list countries by their two capital letters")
        self._check_scheme(_relying_party(self.relying_party_id))

    def _check_scheme(self, relying_party: UUID) -> None:
        live = self.scheme is Scheme.LIVE
        if (urlsplit(self.base_url).hostname == LIVE_HOST) != live:
            raise EnvironmentRefusedError(
                "base_url", f"must not mix the scheme {self.scheme.value} with another's host"
            )
        if live and relying_party == _DEMO_RELYING_PARTY:
            raise EnvironmentRefusedError(
                "rp_uuid", "must not be that of the demo service in a live environment"
            )
        if live and self.revocation is not Revocation.REQUIRED:
            raise EnvironmentRefusedError("revocation", "must be required in a live environment")

    @property
    def scheme(self) -> Scheme:
        return self.anchors.scheme

    @property
    def trust(self) -> Trust:
        return Trust(anchors=self.anchors, relying_party_name=self.relying_party_name)


def read_pin(text: str) -> bytes:
    """In the form `sha256//…` (Base64 of the SHA-256 of a SubjectPublicKeyInfo). Raises ValueError."""
    try:
        pin = base64.b64decode(text.removeprefix(_PIN), validate=True)
    except binascii.Error:
        pin = b""
    if not text.startswith(_PIN) or len(pin) != 32:
        raise EnvironmentRefusedError("pins", "must be in the form sha256//Base64")
    return pin


def _relying_party(text: str) -> UUID:
    try:
        read = UUID(text)
    except ValueError:
        read = None
    if read is None or str(read) != text.lower():
        raise EnvironmentRefusedError("rp_uuid", "must be a UUID")
    return read
