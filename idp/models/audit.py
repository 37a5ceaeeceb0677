"""The append-only, hash-chained trail, and the one row that says where it ends."""

from sqlalchemy import BigInteger, Index
from sqlalchemy.orm import Mapped, mapped_column

from idp.models.base import Base, Moment


class AuditEvent(Base):
    """`mac` is keyed over this row's content and the previous row's `mac`."""

    __tablename__ = "audit_events"
    __table_args__ = (Index("ix_audit_events_user_id_seq", "user_id", "seq"),)

    seq: Mapped[int] = mapped_column(BigInteger, primary_key=True, autoincrement=False)
    at: Mapped[Moment]
    type: Mapped[str]
    user_id: Mapped[str | None]
    actor_id: Mapped[str | None]
    municipality: Mapped[str | None]
    client_id: Mapped[str | None]
    session_id: Mapped[str | None]
    method: Mapped[str | None]
    reason: Mapped[str | None]
    address: Mapped[str | None]
    detail: Mapped[str]
    """A JSON object with sorted keys, as text, because it is under the `mac`."""
    mac: Mapped[str]


class AuditHead(Base):
    """One row (id 1): the last sequence number and its `mac`, so that a cut tail shows."""

    __tablename__ = "audit_head"

    id: Mapped[int] = mapped_column(primary_key=True, autoincrement=False)
    seq: Mapped[int] = mapped_column(BigInteger)
    mac: Mapped[str]
