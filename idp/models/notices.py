"""The outbox of logout notices (OpenID Connect Back-Channel Logout 1.0).

Written with their cause, delivered by the worker.
"""

from sqlalchemy import Index, text
from sqlalchemy.orm import Mapped, mapped_column

from idp.models.base import Base, Id, Moment

_WAITING = text("delivered_at IS NULL AND given_up_at IS NULL")


class LogoutNotice(Base):
    """One application to be told that one session ended. The token is made at delivery, so none is kept here.

    `delivered_at` or `given_up_at` is set once; until then the worker tries at `next_at`. Whoever tries moves
    `next_at` on and counts one of `attempts` first: that is the claim, and it lapses by itself.
    """

    __tablename__ = "logout_notices"
    __table_args__ = (
        # Asked for every second, and most rows are done: only those that wait are in it.
        Index("ix_logout_notices_next_at", "next_at", sqlite_where=_WAITING, postgresql_where=_WAITING),
        Index("ix_logout_notices_session_id", "session_id"),
    )

    id: Mapped[Id] = mapped_column(primary_key=True)
    client_id: Mapped[Id]
    user_id: Mapped[Id]
    session_id: Mapped[Id]
    created_at: Mapped[Moment]
    next_at: Mapped[Moment]
    attempts: Mapped[int] = mapped_column(default=0)
    last_error: Mapped[str | None] = mapped_column(default=None)
    delivered_at: Mapped[Moment | None] = mapped_column(default=None)
    given_up_at: Mapped[Moment | None] = mapped_column(default=None)
