"""When a person was last advised to set up something better: a row for each who ever was."""

from sqlalchemy import ForeignKey
from sqlalchemy.orm import Mapped, mapped_column

from idp.models.base import Base, Id, Moment


class Nudge(Base):
    __tablename__ = "nudges"

    user_id: Mapped[Id] = mapped_column(ForeignKey("users.id", ondelete="CASCADE"), primary_key=True)
    shown_at: Mapped[Moment]
