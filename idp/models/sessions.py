"""Browsers that hold proofs, and which applications they reached."""

from typing import Any

from sqlalchemy import ForeignKey, Index, text
from sqlalchemy.orm import Mapped, mapped_column

from idp.models.base import Base, Id, Moment

_SHARED_AND_OPEN = text("shared AND ended_at IS NULL")


class BrowserSession(Base):
    """`id` is stable, applications know it as `sid`; the cookie's token rotates and is kept as a hash."""

    __tablename__ = "sessions"
    __table_args__ = (
        # The worker asks for these every minute, and they are few: no others are in it.
        Index(
            "ix_sessions_last_seen_at",
            "last_seen_at",
            sqlite_where=_SHARED_AND_OPEN,
            postgresql_where=_SHARED_AND_OPEN,
        ),
    )

    id: Mapped[Id] = mapped_column(primary_key=True)
    token_hash: Mapped[str] = mapped_column(unique=True)
    user_id: Mapped[Id] = mapped_column(ForeignKey("users.id", ondelete="CASCADE"), index=True)
    created_at: Mapped[Moment]
    last_seen_at: Mapped[Moment]
    expires_at: Mapped[Moment]
    """The absolute end; the idle limit is counted from `last_seen_at`."""
    proofs: Mapped[list[dict[str, Any]]]
    """`{"method", "at", …}` each; see `models/methods.py` Proof."""
    employment_id: Mapped[Id | None] = mapped_column(default=None)
    address: Mapped[str] = mapped_column(default="")
    user_agent: Mapped[str] = mapped_column(default="")
    ended_at: Mapped[Moment | None] = mapped_column(default=None)
    shared: Mapped[bool] = mapped_column(default=False)
    """On a computer that several people use."""


class SessionClient(Base):
    """An application that got tokens in a session."""

    __tablename__ = "session_clients"

    session_id: Mapped[Id] = mapped_column(ForeignKey("sessions.id", ondelete="CASCADE"), primary_key=True)
    client_id: Mapped[Id] = mapped_column(
        ForeignKey("clients.client_id", ondelete="CASCADE"), primary_key=True
    )
    first_at: Mapped[Moment]
