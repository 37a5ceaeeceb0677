"""Municipalities, their rules, and people: users, posts, outside identities, enrolled credentials."""

from enum import StrEnum
from typing import Any

from sqlalchemy import BigInteger, ForeignKey, Index, UniqueConstraint
from sqlalchemy.orm import Mapped, mapped_column

from idp.effects import Instant
from idp.models.base import Base, Id, Moment


class Stage(StrEnum):
    """How far a municipality is on its way out of passwords."""

    INVENTORY = "inventory"
    ENROLMENT = "enrolment"
    MULTI_FACTOR = "multi_factor"


class UserStatus(StrEnum):
    ACTIVE = "active"
    BLOCKED = "blocked"


class Backup(StrEnum):
    """What the authenticator says of its key: stays on one device, may be synced, or is synced by now."""

    DEVICE_BOUND = "device_bound"
    ELIGIBLE = "eligible"
    SYNCED = "synced"


class Municipality(Base):
    """The tenant. `atvk` is the seven-digit territory code."""

    __tablename__ = "municipalities"

    atvk: Mapped[Id] = mapped_column(primary_key=True)
    iso_3166_2: Mapped[str]
    name: Mapped[str]
    short_name: Mapped[str]
    authority: Mapped[str]
    """The legal name, „… pašvaldība”."""
    type: Mapped[str]
    stage: Mapped[str] = mapped_column(default=Stage.INVENTORY.value)
    hue: Mapped[int] = mapped_column(default=210)


class PolicyRule(Base):
    """One row of what is allowed. `scope`: `national`, `operator` or an ATVK code."""

    __tablename__ = "policy_rules"

    id: Mapped[Id] = mapped_column(primary_key=True)
    scope: Mapped[str] = mapped_column(index=True)
    methods: Mapped[list[str]]
    minimum_level: Mapped[int]
    first_enrolment: Mapped[bool] = mapped_column(default=False)
    """Whether a person with no second factor may enrol one after a single factor."""


class User(Base):
    """A person. `username` is canonical (NFKC, case-folded); names are as written."""

    __tablename__ = "users"

    id: Mapped[Id] = mapped_column(primary_key=True)
    username: Mapped[str] = mapped_column(unique=True)
    created_at: Mapped[Moment]
    updated_at: Mapped[Moment]
    given_name: Mapped[str] = mapped_column(default="")
    family_name: Mapped[str] = mapped_column(default="")
    email: Mapped[str | None] = mapped_column(default=None)
    email_verified: Mapped[bool] = mapped_column(default=False)
    phone_number: Mapped[str | None] = mapped_column(default=None)
    phone_number_verified: Mapped[bool] = mapped_column(default=False)
    address: Mapped[dict[str, Any]] = mapped_column(default_factory=dict)
    """The OpenID Connect Core 5.1.1 address members."""
    profile: Mapped[dict[str, Any]] = mapped_column(default_factory=dict)
    """The remaining OpenID Connect Core 5.1 profile claims, by claim name."""
    roles: Mapped[list[str]] = mapped_column(default_factory=list)
    """Roles in the system as a whole (`operator`), not in a municipality."""
    status: Mapped[str] = mapped_column(default=UserStatus.ACTIVE.value)
    person_code_sealed: Mapped[str | None] = mapped_column(default=None)
    person_code_index: Mapped[str | None] = mapped_column(default=None, unique=True)
    demonstration: Mapped[bool] = mapped_column(default=False)
    language: Mapped[str | None] = mapped_column(default=None)
    """In which pages and letters speak to the person; None as long as they have not said."""
    proofs_not_before: Mapped[Moment | None] = mapped_column(default=None)
    """When all sessions were ended last: what was proved earlier, in a sign-in left half-way, begins none."""

    @property
    def display_name(self) -> str:
        return f"{self.given_name} {self.family_name}".strip() or self.username

    @property
    def is_active(self) -> bool:
        return self.status == UserStatus.ACTIVE.value


class Employment(Base):
    """A person's post in one municipality."""

    __tablename__ = "employments"
    __table_args__ = (Index("ix_employments_user_id", "user_id"),)

    id: Mapped[Id] = mapped_column(primary_key=True)
    user_id: Mapped[Id] = mapped_column(ForeignKey("users.id", ondelete="CASCADE"))
    municipality: Mapped[Id] = mapped_column(ForeignKey("municipalities.atvk"))
    unit: Mapped[str] = mapped_column(default="")
    position: Mapped[str] = mapped_column(default="")
    roles: Mapped[list[str]] = mapped_column(default_factory=list)
    starts_at: Mapped[Moment | None] = mapped_column(default=None)
    ends_at: Mapped[Moment | None] = mapped_column(default=None)

    def is_current(self, now: Instant) -> bool:
        started = self.starts_at is None or self.starts_at <= now
        return started and (self.ends_at is None or now < self.ends_at)


class Identity(Base):
    """How an outside source names a user."""

    __tablename__ = "identities"
    __table_args__ = (UniqueConstraint("source", "subject"),)

    id: Mapped[Id] = mapped_column(primary_key=True)
    user_id: Mapped[Id] = mapped_column(ForeignKey("users.id", ondelete="CASCADE"), index=True)
    source: Mapped[str]
    subject: Mapped[str]
    created_at: Mapped[Moment]


class Credential(Base):
    """A secret or key a user enrolled.

    `secret` is a password hash, a sealed value or a hash of a one-time code, as its method says; never plain.
    """

    __tablename__ = "credentials"
    __table_args__ = (Index("ix_credentials_user_id_method", "user_id", "method"),)

    id: Mapped[Id] = mapped_column(primary_key=True)
    user_id: Mapped[Id] = mapped_column(ForeignKey("users.id", ondelete="CASCADE"))
    method: Mapped[str]
    secret: Mapped[str] = mapped_column(repr=False)
    created_at: Mapped[Moment]
    label: Mapped[str] = mapped_column(default="")
    last_used_at: Mapped[Moment | None] = mapped_column(default=None)
    last_step: Mapped[int] = mapped_column(default=0)
    """The last accepted time step (RFC 6238 T); smaller or equal ones are spent."""
    spent_at: Mapped[Moment | None] = mapped_column(default=None)
    """When a single-use credential was used up."""
    key_id: Mapped[str | None] = mapped_column(default=None, unique=True)
    """The credential id of a passkey or security key (WebAuthn), base64url; names one key of one person."""
    public_key: Mapped[str | None] = mapped_column(default=None, repr=False)
    """COSE (RFC 9052), base64url."""
    user_handle: Mapped[str | None] = mapped_column(default=None, repr=False)
    """32 random bytes, base64url, by which the authenticator knows whose key it is."""
    sign_count: Mapped[int] = mapped_column(BigInteger, default=0)
    aaguid: Mapped[str | None] = mapped_column(default=None)
    transports: Mapped[str] = mapped_column(default="")
    """How the browser reaches the authenticator, separated by commas."""
    backup: Mapped[str | None] = mapped_column(default=None)
    blocked_at: Mapped[Moment | None] = mapped_column(default=None)
    """When its counter fell, so that there seem to be two of it; it opens nothing since."""
    algorithm: Mapped[int | None] = mapped_column(default=None)
    """Of the public key, as COSE numbers them; None for keys from before it was kept."""
    attestation: Mapped[str | None] = mapped_column(default=None)
    """In which format the maker's word for `aaguid` was given and checked; None where it was not."""
    kind: Mapped[str | None] = mapped_column(default=None)
    """What FIDO's list calls its model; follows the list (`storage/authenticators.py`)."""
    vouched_by: Mapped[Id | None] = mapped_column(default=None)
    """The municipality (ATVK) on whose word alone it stands: it counts only where its owner acts for that."""
