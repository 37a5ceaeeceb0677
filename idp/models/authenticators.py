"""What the FIDO Alliance says of authenticators, and what municipalities demand of keys.

Not here: checking what the Alliance says (`methods/webauthn/metadata_blob.py`), what follows from a demand
(`attestation_policy.py`).
"""

from enum import StrEnum
from typing import Any, Final

from sqlalchemy import BigInteger
from sqlalchemy.orm import Mapped, mapped_column

from idp.effects import Instant
from idp.models.base import Base, Id, Moment

NO_MODEL: Final = "00000000-0000-0000-0000-000000000000"
"""The AAGUID of an authenticator that does not say what it is (WebAuthn Level 3, section 6.5.1)."""
_DAY: Final = 86400.0


class Attestation(StrEnum):
    """Whose word is needed for what a key is."""

    NONE = "none"
    MDS = "mds"
    """Its maker's: of a model that FIDO lists, with no status that says it is not to be trusted."""
    LIST = "list"
    """The same, of one of the models that are named."""


class Binding(StrEnum):
    """Whether a key may be synced between devices."""

    ANY = "any"
    BOUND_OR_ATTESTED = "device_bound_or_attested"
    BOUND = "device_bound"


class AttestationRule(Base):
    """One demand of a scope (`national`, `operator` or an ATVK code) on the keys of those in it.

    `role`: only of those who have it there; empty for everybody.
    """

    __tablename__ = "attestation_rules"

    scope: Mapped[Id] = mapped_column(primary_key=True)
    role: Mapped[Id] = mapped_column(primary_key=True, default="")
    attestation: Mapped[str] = mapped_column(default=Attestation.NONE.value)
    aaguids: Mapped[list[str]] = mapped_column(default_factory=list)
    binding: Mapped[str] = mapped_column(default=Binding.ANY.value)


class AuthenticatorModel(Base):
    """One entry of the FIDO Metadata Service for a FIDO2 authenticator."""

    __tablename__ = "authenticator_models"

    aaguid: Mapped[Id] = mapped_column(primary_key=True)
    description: Mapped[str] = mapped_column(default="")
    status_reports: Mapped[list[dict[str, Any]]] = mapped_column(default_factory=list)
    """`{"status", "effectiveDate"}` each, as listed."""
    attestation_types: Mapped[list[str]] = mapped_column(default_factory=list)
    roots: Mapped[list[str]] = mapped_column(default_factory=list, repr=False)
    """DER in base64: who may sign for a key of this model; also certificates that do so themselves."""

    @property
    def statuses(self) -> frozenset[str]:
        return frozenset(str(report["status"]) for report in self.status_reports)


class MetadataBlob(Base):
    """Which of FIDO's lists the models are from. One row, or none before the first was loaded."""

    __tablename__ = "authenticator_metadata"

    id: Mapped[Id] = mapped_column(primary_key=True)
    number: Mapped[int] = mapped_column(BigInteger)
    """`no`: each list has a higher one than those before it."""
    next_update: Mapped[Moment]
    """The beginning of the day by which there will be a newer list."""
    loaded_at: Mapped[Moment]

    def is_stale(self, now: Instant) -> bool:
        """Whether that day has passed."""
        return now >= self.next_update + _DAY
