"""Who owns an account, as it was confirmed once: the record that is kept, and what one confirmation read.

The national code itself is where every code is (`people.py`); here is how, when and how surely it was
confirmed. Not kept, by intent: birth dates, document numbers, secrets and challenges of the session in which
it was done, whole certificates.
"""

from dataclasses import dataclass, field
from enum import StrEnum

from sqlalchemy import ForeignKey
from sqlalchemy.orm import Mapped, mapped_column

from idp.effects import Instant
from idp.models.base import Base, Id, Moment
from idp.models.person_code import PersonCode


class ConfirmedBy(StrEnum):
    SMART_ID = "smart_id"
    EPARAKSTS = "eparaksts"
    IN_PERSON = "in_person"


class Assurance(StrEnum):
    """Levels of Implementing Regulation (EU) 2015/1502. A Smart-ID of a qualified certificate, the identity
    card and eParaksts mobile reach high; a document that was looked at by two people of the municipality,
    substantial.
    """

    SUBSTANTIAL = "substantial"
    HIGH = "high"


class Confirmation(Base):
    """One for each account. `person_index` is the keyed hash of the code, so that one person has one account;
    it counts only as long as it is also the hash of the code on file.
    """

    __tablename__ = "confirmations"

    user_id: Mapped[Id] = mapped_column(ForeignKey("users.id", ondelete="CASCADE"), primary_key=True)
    person_index: Mapped[str] = mapped_column(unique=True, repr=False)
    names_sealed: Mapped[str] = mapped_column(repr=False)
    """Given name and surname as they were read: to be told to applications as verified."""
    confirmed_by: Mapped[str]
    assurance: Mapped[str]
    country: Mapped[str]
    confirmed_at: Mapped[Moment]
    consent_version: Mapped[str]
    """Of the text to which the person agreed before."""
    consent_language: Mapped[str]
    flow: Mapped[str] = mapped_column(default="")
    """In which way of the same means: a code that was scanned, the same device, a card."""
    certificate_fingerprint: Mapped[str] = mapped_column(default="")
    """SHA-256 in hexadecimal; empty where there was no certificate."""
    evidence: Mapped[str] = mapped_column(default="")
    """Points to what happened without being it: SHA-256 of what was signed, the number of a case."""


@dataclass(frozen=True, slots=True, kw_only=True)
class IdentityRead:
    """What a confirmation read, checked in full, before anything is linked to it."""

    code: PersonCode
    given_name: str = field(repr=False)
    family_name: str = field(repr=False)
    confirmed_by: ConfirmedBy
    assurance: Assurance
    read_at: Instant
    flow: str = ""
    certificate_fingerprint: str = ""
    evidence: str = ""

    @property
    def display_name(self) -> str:
        return f"{self.given_name} {self.family_name}"


@dataclass(frozen=True, slots=True, kw_only=True)
class Confirmed:
    """A confirmation that holds now, with the names that were read then."""

    confirmation: Confirmation
    given_name: str = field(repr=False)
    family_name: str = field(repr=False)
