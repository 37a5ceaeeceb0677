"""What is known of a municipality's directory since it was read last, and what each reading of it did here.

Of linked people only: whoever is in the directory and nobody here leaves no trace. Not here: reading
(`people/directory_sync_reading.py`), what follows from it (`people/directory_sync_plan.py`).
"""

from enum import StrEnum
from typing import Any, Final

from sqlalchemy import BigInteger, ForeignKey, Index, String
from sqlalchemy.orm import Mapped, mapped_column

from idp.models.base import Base, Id, Moment

SHARE_USUAL: Final = 10


class WhenGone(StrEnum):
    """What the municipality wants of people who are switched off in its directory, or no longer in it."""

    THIS_METHOD = "this_method"
    """They sign in by it no more; their other ways stay."""
    SUSPEND = "suspend"
    """They work there no more; who works nowhere else is blocked."""


class Presence(StrEnum):
    PRESENT = "present"
    DISABLED = "disabled"
    ABSENT = "absent"
    """Deleted, or outside the bases or the filter."""


class RunState(StrEnum):
    READING = "reading"
    """Under way, or left by a process that died."""
    INTERRUPTED = "interrupted"
    """The directory stopped answering; the next run goes on from there."""
    APPLIED = "applied"
    HELD = "held"
    """It would have shut out too many; everything else was done, and an administrator may confirm."""
    CONFIRMED = "confirmed"
    SUPERSEDED = "superseded"
    """It was held, and what it would have done is no longer what there is to do."""
    FAILED = "failed"


class DirectorySync(Base):
    """How far a directory is known. `usn`: all changes up to it, as that controller counts them.

    `source`: the controller and the incarnation of its database ([MS-ADTS] 3.1.1.1.9); another one counts
    anew. `described_at`: the description by which it was read. `lease`: who works on it, until when.
    """

    __tablename__ = "directory_syncs"

    directory_id: Mapped[Id] = mapped_column(
        ForeignKey("directories.id", ondelete="CASCADE"), primary_key=True
    )
    source: Mapped[str] = mapped_column(default="")
    usn: Mapped[int] = mapped_column(BigInteger, default=0)
    full_at: Mapped[Moment | None] = mapped_column(default=None)
    described_at: Mapped[Moment | None] = mapped_column(default=None)
    begun_at: Mapped[Moment | None] = mapped_column(default=None)
    lease: Mapped[str | None] = mapped_column(String(64), default=None, repr=False)
    lease_until: Mapped[Moment | None] = mapped_column(default=None)


class DirectorySyncRun(Base):
    """One reading, and what came of it. `base` and `position`: which base it reads, and from which change on.

    `counts` and `lines` are the report: how many of each kind of change, and the first of them by username.
    `fingerprint`: of whom it would shut out. `why`: one clause, of what failed or was held.
    """

    __tablename__ = "directory_sync_runs"
    __table_args__ = (Index("ix_directory_sync_runs_directory_id", "directory_id", "started_at"),)

    id: Mapped[Id] = mapped_column(primary_key=True)
    directory_id: Mapped[Id] = mapped_column(ForeignKey("directories.id", ondelete="CASCADE"))
    is_full: Mapped[bool]
    asked_by: Mapped[str]
    started_at: Mapped[Moment]
    described_at: Mapped[Moment]
    source: Mapped[str] = mapped_column(default="")
    usn: Mapped[int] = mapped_column(BigInteger, default=0)
    state: Mapped[str] = mapped_column(default=RunState.READING.value)
    base: Mapped[int] = mapped_column(default=0)
    position: Mapped[int] = mapped_column(BigInteger, default=0)
    entries: Mapped[int] = mapped_column(default=0)
    finished_at: Mapped[Moment | None] = mapped_column(default=None)
    counts: Mapped[dict[str, Any]] = mapped_column(default_factory=dict)
    lines: Mapped[list[dict[str, Any]]] = mapped_column(default_factory=list)
    fingerprint: Mapped[str] = mapped_column(default="")
    why: Mapped[str] = mapped_column(default="")
    confirmed_by: Mapped[str | None] = mapped_column(default=None)


class DirectorySyncEntry(Base):
    """A linked person's entry as a reading under way found it; gone with the reading."""

    __tablename__ = "directory_sync_entries"

    run_id: Mapped[Id] = mapped_column(
        ForeignKey("directory_sync_runs.id", ondelete="CASCADE"), primary_key=True
    )
    object_guid: Mapped[str] = mapped_column(String(36), primary_key=True)
    told: Mapped[dict[str, Any]] = mapped_column(default_factory=dict)
    """Empty: it changed, and what it is now was not read yet."""


class DirectoryLinkState(Base):
    """A linked person as the directory told of them last, and what followed from it here.

    `groups`: DNs of those that give roles. `rule`: the `WhenGone` that was applied, empty for who is there.
    `blocked_at`: what the credential says since then. `blocked_user_at`: likewise the account's `updated_at`.
    `ended_posts`: by id, when each would have ended and when it was ended; both to be undone only where
    nobody has said otherwise since.
    """

    __tablename__ = "directory_link_states"

    credential_id: Mapped[Id] = mapped_column(
        ForeignKey("credentials.id", ondelete="CASCADE"), primary_key=True
    )
    directory_id: Mapped[Id] = mapped_column(ForeignKey("directories.id", ondelete="CASCADE"), index=True)
    presence: Mapped[str] = mapped_column(default=Presence.PRESENT.value)
    expires_at: Mapped[Moment | None] = mapped_column(default=None)
    groups: Mapped[list[str]] = mapped_column(default_factory=list)
    rule: Mapped[str] = mapped_column(default="")
    blocked_at: Mapped[Moment | None] = mapped_column(default=None)
    blocked_user_at: Mapped[Moment | None] = mapped_column(default=None)
    ended_posts: Mapped[dict[str, Any]] = mapped_column(default_factory=dict)


class DirectoryRole(Base):
    """A role in a post that came of a group: what the directory gave, it may take. Others it may not."""

    __tablename__ = "directory_roles"

    directory_id: Mapped[Id] = mapped_column(
        ForeignKey("directories.id", ondelete="CASCADE"), primary_key=True
    )
    employment_id: Mapped[Id] = mapped_column(
        ForeignKey("employments.id", ondelete="CASCADE"), primary_key=True
    )
    role: Mapped[str] = mapped_column(primary_key=True)
