"""Computers on which a person passed a second factor and asked not to be asked for it for a while."""

from sqlalchemy import ForeignKey
from sqlalchemy.orm import Mapped, mapped_column

from idp.models.base import Base, Id, Moment


class RememberedComputer(Base):
    """A series and the token that is next in it, both as hashes; the browser holds both in one cookie.

    `rotated_at` is when the token before was taken, which a parallel page may still show for a moment.
    `browser_hash` is that of the browser's own long-lived id: the cookie alone is not enough.
    """

    __tablename__ = "remembered_computers"

    id: Mapped[Id] = mapped_column(primary_key=True)
    user_id: Mapped[Id] = mapped_column(ForeignKey("users.id", ondelete="CASCADE"), index=True)
    series_hash: Mapped[Id] = mapped_column(unique=True, repr=False)
    token_hash: Mapped[Id] = mapped_column(repr=False)
    browser_hash: Mapped[Id] = mapped_column(repr=False)
    method: Mapped[str]
    """By which the second factor was passed here: where that is no longer allowed, this is not either."""
    credential_id: Mapped[Id]
    """With what it was passed."""
    made_at: Mapped[Moment]
    """When the second factor was really passed here."""
    last_used_at: Mapped[Moment]
    rotated_at: Mapped[Moment]
    expires_at: Mapped[Moment]
    """By the rule of the day it was made; a shorter rule of today counts all the same."""
    user_agent: Mapped[str] = mapped_column(default="")
