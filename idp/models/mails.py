"""The outbox of mails to people: written with their cause, delivered by the worker."""

from enum import StrEnum

from sqlalchemy import BigInteger, Index, text
from sqlalchemy.orm import Mapped, mapped_column

from idp.models.base import Base, Id, Moment

_WAITING = text("delivered_at IS NULL AND given_up_at IS NULL")


class MailKind(StrEnum):
    """Which letter it is: `templates/email/<kind>`."""

    NOTICE = "notice"
    CONFIRM_CONTACT = "confirm_contact"


class Mail(Base):
    """One letter to one address. Says what it is about; the words are found when it is sent.

    `delivered_at` or `given_up_at` is set once; until then the worker tries at `next_at`. Whoever tries moves
    `next_at` on and counts one of `attempts` first: that is the claim, and it lapses by itself.
    """

    __tablename__ = "mails"
    __table_args__ = (
        Index("ix_mails_next_at", "next_at", sqlite_where=_WAITING, postgresql_where=_WAITING),
        Index("ix_mails_user_id_about_created_at", "user_id", "about", "created_at"),
    )

    id: Mapped[Id] = mapped_column(primary_key=True)
    user_id: Mapped[Id]
    kind: Mapped[str]
    about: Mapped[str]
    """A notice: the type of event it tells of. Otherwise the id of what it concerns."""
    address: Mapped[str]
    created_at: Mapped[Moment]
    next_at: Mapped[Moment]
    event_seq: Mapped[int | None] = mapped_column(BigInteger, default=None)
    summed: Mapped[int] = mapped_column(default=0)
    """How many events of its type it sums up, the one it names first; 0 for a letter about one alone."""
    attempts: Mapped[int] = mapped_column(default=0)
    last_error: Mapped[str | None] = mapped_column(default=None)
    delivered_at: Mapped[Moment | None] = mapped_column(default=None)
    given_up_at: Mapped[Moment | None] = mapped_column(default=None)
