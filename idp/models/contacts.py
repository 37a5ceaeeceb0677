"""Addresses at which people want to be told what happens to their account."""

from sqlalchemy import ForeignKey, UniqueConstraint
from sqlalchemy.orm import Mapped, mapped_column

from idp.models.base import Base, Id, Moment


class ContactAddress(Base):
    """An e-mail address of a person's own; nothing but the link that confirms it is sent there before that.

    Not the address the municipality recorded (`users.email`), and no claim of OpenID Connect.
    """

    __tablename__ = "contact_addresses"
    __table_args__ = (UniqueConstraint("user_id", "mailbox"),)

    id: Mapped[Id] = mapped_column(primary_key=True)
    user_id: Mapped[Id] = mapped_column(ForeignKey("users.id", ondelete="CASCADE"))
    address: Mapped[str]
    mailbox: Mapped[str]
    """By which the same address is found again, however it is written."""
    created_at: Mapped[Moment]
    confirmed_at: Mapped[Moment | None] = mapped_column(default=None)
    link_hash: Mapped[str | None] = mapped_column(default=None, unique=True, repr=False)
    """Of the link sent last; gone once it was used."""
    link_expires_at: Mapped[Moment | None] = mapped_column(default=None)
