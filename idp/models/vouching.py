"""Somebody who lost everything, and two colleagues who vouch that it is they: one row for each who asks."""

from enum import StrEnum

from sqlalchemy import ForeignKey, Index, text
from sqlalchemy.orm import Mapped, mapped_column

from idp.effects import Instant
from idp.models.base import Base, Id, Moment

_OPEN = text("stopped_at IS NULL AND finished_at IS NULL")


class VouchingState(StrEnum):
    WAITING = "waiting"
    """For colleagues to vouch."""
    COOLING = "cooling"
    """Two have; whoever owns the account has time to stop it."""
    READY = "ready"
    FINISHED = "finished"
    STOPPED = "stopped"
    EXPIRED = "expired"


class StoppedBy(StrEnum):
    """In the trail, as the reason."""

    OWNER = "owner"
    """In a session of theirs."""
    LINK = "link"
    """By what was mailed to them."""
    REPORT = "not_me"
    """By saying of something that it was not them."""
    ASKER = "asker"
    WRONG_NUMBER = "wrong_number"
    VOUCHER = "voucher"
    """Knew nothing of it, or took it back."""
    RULES = "rules"
    """What it depends on was no longer so when it was to be used."""
    EXPIRED = "expired"


class VouchingRequest(Base):
    """`user_id` is None where it leads nowhere: it looks the same to whoever asks.

    `number` names it among people, by word of mouth; `shown` is what they must pick among `choices`.
    `expires_at`: until when it can be vouched for, and once it was, until when it can be used.
    """

    __tablename__ = "vouching_requests"
    __table_args__ = (
        Index(
            "ix_vouching_requests_open",
            "browser",
            "named",
            unique=True,
            sqlite_where=_OPEN,
            postgresql_where=_OPEN,
        ),
    )

    id: Mapped[Id] = mapped_column(primary_key=True)
    number: Mapped[Id] = mapped_column(unique=True)
    user_id: Mapped[Id | None] = mapped_column(ForeignKey("users.id", ondelete="CASCADE"), index=True)
    municipality: Mapped[Id | None]
    named: Mapped[Id] = mapped_column(repr=False)
    """A hash of the canonical username: what strangers type is not kept."""
    browser: Mapped[Id] = mapped_column(repr=False)
    """A hash."""
    address: Mapped[str]
    user_agent: Mapped[str]
    shown: Mapped[int] = mapped_column(repr=False)
    choices: Mapped[list[int]]
    stop_hash: Mapped[Id] = mapped_column(index=True, repr=False)
    """Of what is mailed to its owner, to stop it with."""
    asked_at: Mapped[Moment]
    expires_at: Mapped[Moment]
    first_voucher: Mapped[Id | None] = mapped_column(default=None)
    first_at: Mapped[Moment | None] = mapped_column(default=None)
    second_voucher: Mapped[Id | None] = mapped_column(default=None)
    second_at: Mapped[Moment | None] = mapped_column(default=None)
    ready_at: Mapped[Moment | None] = mapped_column(default=None)
    finished_at: Mapped[Moment | None] = mapped_column(default=None)
    ticket_id: Mapped[Id | None] = mapped_column(default=None)
    """By which the way to sign in is set up, once it was used."""
    stopped_at: Mapped[Moment | None] = mapped_column(default=None)
    stopped_by: Mapped[str | None] = mapped_column(default=None)

    @property
    def vouchers(self) -> tuple[str, ...]:
        return tuple(each for each in (self.first_voucher, self.second_voucher) if each is not None)

    def state(self, now: Instant) -> VouchingState:
        if self.stopped_at is not None:
            return VouchingState.STOPPED
        if self.finished_at is not None:
            return VouchingState.FINISHED
        if now >= self.expires_at:
            return VouchingState.EXPIRED
        if self.ready_at is None:
            return VouchingState.WAITING
        return VouchingState.COOLING if now < self.ready_at else VouchingState.READY
