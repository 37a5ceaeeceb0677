"""A document that was looked at face to face: what stood in it, who looked, who approved, the code given.

What stood in it is sealed, and gone as soon as the check is used or revoked. Not kept, by intent: the number
of the document, its picture, a birth date; the code itself, which is on paper and nowhere else.
"""

from dataclasses import dataclass, field
from enum import StrEnum

from sqlalchemy import ForeignKey
from sqlalchemy.orm import Mapped, mapped_column

from idp.models.base import Base, Id, Moment
from idp.models.person_code import PersonCode


class DocumentKind(StrEnum):
    PASSPORT = "passport"
    IDENTITY_CARD = "identity_card"
    RESIDENCE_PERMIT = "residence_permit"


class IdentityCheck(Base):
    """Two people of `municipality` stand behind it, or one of them and an operator: who made it and who
    approved it, by their users' ids. Before it is approved it has no code and waits until `expires_at`;
    afterwards its code is good until then.
    """

    __tablename__ = "identity_checks"

    id: Mapped[Id] = mapped_column(primary_key=True)
    user_id: Mapped[Id] = mapped_column(ForeignKey("users.id", ondelete="CASCADE"), index=True)
    municipality: Mapped[Id]
    document: Mapped[str]
    stated_sealed: Mapped[str] = mapped_column(repr=False)
    """Code and names; empty once nobody needs them any more."""
    made_by: Mapped[Id]
    made_at: Mapped[Moment]
    expires_at: Mapped[Moment]
    code_hash: Mapped[Id | None] = mapped_column(unique=True, repr=False, default=None)
    approved_by: Mapped[Id | None] = mapped_column(default=None)
    approved_at: Mapped[Moment | None] = mapped_column(default=None)
    used_at: Mapped[Moment | None] = mapped_column(default=None)
    revoked_by: Mapped[Id | None] = mapped_column(default=None)
    revoked_at: Mapped[Moment | None] = mapped_column(default=None)


@dataclass(frozen=True, slots=True, kw_only=True)
class Stated:
    """What stands in the document, as whoever looked at it wrote it down."""

    code: PersonCode
    given_name: str = field(repr=False)
    family_name: str = field(repr=False)
