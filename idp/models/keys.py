"""Keys the provider keeps for itself, sealed."""

from enum import StrEnum
from typing import Any

from sqlalchemy.orm import Mapped, mapped_column

from idp.models.base import Base, Id, Moment


class KeyState(StrEnum):
    """Published before use (next), signing (active), published until its tokens are gone (retired)."""

    NEXT = "next"
    ACTIVE = "active"
    RETIRED = "retired"


class SigningKey(Base):
    __tablename__ = "signing_keys"

    kid: Mapped[Id] = mapped_column(primary_key=True)
    alg: Mapped[str]
    state: Mapped[str]
    public: Mapped[dict[str, Any]]
    """The public JWK (RFC 7517), with `kid`, `alg` and `use`."""
    private_sealed: Mapped[str] = mapped_column(repr=False)
    created_at: Mapped[Moment]
    retired_at: Mapped[Moment | None] = mapped_column(default=None)


class SealedSecret(Base):
    """A random 32-byte key for one purpose (look-up hashes, the audit chain) that outlives master keys."""

    __tablename__ = "sealed_secrets"

    purpose: Mapped[Id] = mapped_column(primary_key=True)
    secret_sealed: Mapped[str] = mapped_column(repr=False)
