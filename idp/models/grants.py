"""What users let applications have: consents, families of tokens, refresh tokens."""

from typing import Any

from sqlalchemy import ForeignKey, Index
from sqlalchemy.orm import Mapped, mapped_column

from idp.models.base import Base, Id, Moment


class Consent(Base):
    __tablename__ = "consents"

    user_id: Mapped[Id] = mapped_column(ForeignKey("users.id", ondelete="CASCADE"), primary_key=True)
    client_id: Mapped[Id] = mapped_column(
        ForeignKey("clients.client_id", ondelete="CASCADE"), primary_key=True
    )
    scopes: Mapped[list[str]]
    granted_at: Mapped[Moment]


class TokenFamily(Base):
    """All tokens that came from one code, of whichever grant; they live and die together.

    `code_hash` is unique: a code redeemed twice finds its family here. Where tokens came without one, it is
    of a code that nobody has.
    """

    __tablename__ = "token_families"
    __table_args__ = (
        Index("ix_token_families_user_id", "user_id"),
        Index("ix_token_families_session_id", "session_id"),
    )

    id: Mapped[Id] = mapped_column(primary_key=True)
    code_hash: Mapped[str] = mapped_column(unique=True)
    user_id: Mapped[Id] = mapped_column(ForeignKey("users.id", ondelete="CASCADE"))
    client_id: Mapped[Id] = mapped_column(ForeignKey("clients.client_id", ondelete="CASCADE"))
    session_id: Mapped[Id]
    scopes: Mapped[list[str]]
    audiences: Mapped[list[str]]
    acr: Mapped[str]
    amr: Mapped[list[str]]
    auth_time: Mapped[Moment]
    created_at: Mapped[Moment]
    expires_at: Mapped[Moment]
    employment_id: Mapped[Id | None] = mapped_column(default=None)
    municipality: Mapped[str | None] = mapped_column(default=None)
    requested: Mapped[dict[str, Any]] = mapped_column(default_factory=dict)
    """What else the request asked for and the tokens must honour (the `claims` parameter)."""
    revoked_at: Mapped[Moment | None] = mapped_column(default=None)
    confirmation: Mapped[dict[str, Any]] = mapped_column(default_factory=dict)
    """The key its refresh tokens are bound to (RFC 7800 `cnf`): `jkt` or `x5t#S256`; empty when to none."""
    authorization_details: Mapped[list[dict[str, Any]]] = mapped_column(default_factory=list)
    """RFC 9396, as granted."""


class RefreshToken(Base):
    """One link of a family's chain, by hash. `used_at` is set once, by the update that rotates it."""

    __tablename__ = "refresh_tokens"

    token_hash: Mapped[Id] = mapped_column(primary_key=True)
    family_id: Mapped[Id] = mapped_column(ForeignKey("token_families.id", ondelete="CASCADE"), index=True)
    issued_at: Mapped[Moment]
    expires_at: Mapped[Moment]
    used_at: Mapped[Moment | None] = mapped_column(default=None)
    successor_hash: Mapped[str | None] = mapped_column(default=None)
    answer: Mapped[str | None] = mapped_column(default=None, repr=False)
    """The answer given when it was used, sealed so that only the holder of this very token can open it."""
