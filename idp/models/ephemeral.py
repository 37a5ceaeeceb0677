"""Short-lived things when there is no Redis: the Shelf and the throttle's counters."""

from sqlalchemy import Index
from sqlalchemy.orm import Mapped, mapped_column

from idp.models.base import Base, Id, Moment


class ShelfItem(Base):
    """`key` is a hash of what the holder presents; `value` is JSON text."""

    __tablename__ = "shelf"
    __table_args__ = (Index("ix_shelf_expires_at", "expires_at"),)

    kind: Mapped[Id] = mapped_column(primary_key=True)
    key: Mapped[Id] = mapped_column(primary_key=True)
    value: Mapped[str] = mapped_column(repr=False)
    expires_at: Mapped[Moment]


class ThrottleCount(Base):
    __tablename__ = "throttle"
    __table_args__ = (Index("ix_throttle_forget_at", "forget_at"),)

    bucket: Mapped[Id] = mapped_column(primary_key=True)
    key: Mapped[Id] = mapped_column(primary_key=True)
    attempts: Mapped[int]
    next_at: Mapped[Moment]
    forget_at: Mapped[Moment]
