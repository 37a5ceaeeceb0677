"""Leave to set up one way of signing in, on paper: tickets that an administrator makes, by hash."""

from sqlalchemy import ForeignKey
from sqlalchemy.orm import Mapped, mapped_column

from idp.models.base import Base, Id, Moment


class EnrolmentTicket(Base):
    """`made_by`: a user's id, or `command-line`. `municipality`: that of its maker; None is an operator's.

    Used or revoked once; the code itself is on the letter and nowhere else.
    """

    __tablename__ = "enrolment_tickets"

    id: Mapped[Id] = mapped_column(primary_key=True)
    code_hash: Mapped[Id] = mapped_column(unique=True, repr=False)
    user_id: Mapped[Id] = mapped_column(ForeignKey("users.id", ondelete="CASCADE"), index=True)
    municipality: Mapped[Id | None]
    made_by: Mapped[Id]
    made_at: Mapped[Moment]
    expires_at: Mapped[Moment]
    used_at: Mapped[Moment | None] = mapped_column(default=None)
    revoked_at: Mapped[Moment | None] = mapped_column(default=None)
