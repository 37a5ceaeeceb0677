"""Applications that trust us: RFC 7591 metadata as registered, and what the provider adds to it."""

from enum import StrEnum
from typing import Any

from sqlalchemy.orm import Mapped, mapped_column

from idp.models.base import Base, Id, Moment


class ClientKind(StrEnum):
    WEB = "web"
    INSTALLED = "installed"
    SERVICE = "service"


class Profile(StrEnum):
    """Which rules hold for an application, beside those that hold for all."""

    OIDC = "oidc"
    FAPI2 = "fapi2"
    """FAPI 2.0 Security Profile: whatever it asks is enforced, whatever it forbids refused."""


class Client(Base):
    """`registered` holds the RFC 7591 metadata members exactly as accepted; secrets are never among them."""

    __tablename__ = "clients"

    client_id: Mapped[Id] = mapped_column(primary_key=True)
    name: Mapped[str]
    created_at: Mapped[Moment]
    registered: Mapped[dict[str, Any]]
    secrets: Mapped[list[dict[str, Any]]] = mapped_column(default_factory=list, repr=False)
    """At most two of `{"hash", "created_at", "expires_at"}`; hash is hex SHA-256 of a 256-bit secret."""
    kind: Mapped[str] = mapped_column(default=ClientKind.WEB.value)
    first_party: Mapped[bool] = mapped_column(default=False)
    """Ours: no consent page."""
    disabled: Mapped[bool] = mapped_column(default=False)
    pkce_required: Mapped[bool] = mapped_column(default=True)
    minimum_level: Mapped[int] = mapped_column(default=1)
    needs_employment: Mapped[bool] = mapped_column(default=False)
    """The person must say for which municipality they act."""
    municipalities: Mapped[list[str]] = mapped_column(default_factory=list)
    """ATVK codes whose employees may open it; empty means all."""
    roles: Mapped[list[str]] = mapped_column(default_factory=list)
    """Roles of which a person needs at least one; empty means anybody."""
    resources: Mapped[list[str]] = mapped_column(default_factory=list)
    """Audiences (RFC 8707) it may ask access tokens for."""
    audience: Mapped[str | None] = mapped_column(default=None)
    """Its own identifier as a resource server, for introspection and RFC 9068 `aud`."""
    service_municipality: Mapped[str | None] = mapped_column(default=None)
    """ATVK code a service acts for with client credentials."""
    person_code_basis: Mapped[str | None] = mapped_column(default=None)
    """The legal basis on which it may receive `person_code`."""
    tile_group: Mapped[str | None] = mapped_column(default=None)
    tile_text: Mapped[str] = mapped_column(default="")
    demonstration: Mapped[bool] = mapped_column(default=False)
    profile: Mapped[str] = mapped_column(default=Profile.OIDC.value)
    sector: Mapped[str | None] = mapped_column(default=None)
    """The host whose applications share pairwise subjects (Core 8.1); None: public subjects."""
    registration_token_hash: Mapped[str | None] = mapped_column(default=None, repr=False)
    """RFC 7592: hash of the token with which it reads and changes its own registration."""
    dpop_nonce: Mapped[bool] = mapped_column(default=False)
    """Its DPoP proofs must hold a nonce of ours (RFC 9449 section 8)."""
    mac_secret_sealed: Mapped[str | None] = mapped_column(default=None, repr=False)
    """The secrets of a client that signs with them (`client_secret_jwt`), since verifying takes the secret
    itself: JSON of the same list as `secrets`, with `secret` in place of `hash`, sealed.
    """


class InitialAccessToken(Base):
    """Leave to register clients (RFC 7591 section 3), by hash; `uses_left` falls with each."""

    __tablename__ = "initial_access_tokens"

    token_hash: Mapped[Id] = mapped_column(primary_key=True)
    note: Mapped[str]
    created_at: Mapped[Moment]
    expires_at: Mapped[Moment]
    uses_left: Mapped[int]
