"""What a person said was not them: the case it made, the events it is about, and who looks after it."""

from typing import Any

from sqlalchemy import BigInteger, ForeignKey, Index, text
from sqlalchemy.orm import Mapped, mapped_column

from idp.models.base import Base, Id, Moment

_UNFINISHED = text("finished_at IS NULL AND closed_at IS NULL")


class Case(Base):
    """`finished_at`: when the person was through; `closed_at`: when an administrator was. Each is set once.

    A person has one at a time that is neither: what they report meanwhile belongs to it.
    """

    __tablename__ = "cases"
    __table_args__ = (
        Index(
            "ix_cases_unfinished",
            "user_id",
            unique=True,
            sqlite_where=_UNFINISHED,
            postgresql_where=_UNFINISHED,
        ),
        Index("ix_cases_user_id", "user_id"),
    )

    id: Mapped[Id] = mapped_column(primary_key=True)
    user_id: Mapped[Id] = mapped_column(ForeignKey("users.id", ondelete="CASCADE"))
    opened_at: Mapped[Moment]
    steps: Mapped[list[dict[str, Any]]] = mapped_column(default_factory=list)
    """What the person did about it, in order: `{"step", "at", "about", "label"}`; see `people/cases.py`."""
    finished_at: Mapped[Moment | None] = mapped_column(default=None)
    closed_at: Mapped[Moment | None] = mapped_column(default=None)
    closed_by: Mapped[str | None] = mapped_column(default=None)


class CaseMunicipality(Base):
    """A municipality the person worked for when the case was opened: its administrators see the case."""

    __tablename__ = "case_municipalities"

    case_id: Mapped[Id] = mapped_column(ForeignKey("cases.id", ondelete="CASCADE"), primary_key=True)
    municipality: Mapped[Id] = mapped_column(primary_key=True, index=True)


class CaseReport(Base):
    """One event of the trail, reported once. `session_id`: what was frozen; None is all other sessions."""

    __tablename__ = "case_reports"

    event_seq: Mapped[int] = mapped_column(BigInteger, primary_key=True, autoincrement=False)
    case_id: Mapped[Id] = mapped_column(ForeignKey("cases.id", ondelete="CASCADE"), index=True)
    at: Mapped[Moment]
    session_id: Mapped[Id | None] = mapped_column(default=None)
