"""OpenID providers of municipalities that vouch for their employees, and what comes back from one.

Whom an upstream names is an identity (`people.py`) with the upstream's id as its source. Not here: the
protocol (`oidc/upstream.py`), whose account an arrival is (`login/upstreams.py`).
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, replace
from enum import StrEnum
from typing import Any

from sqlalchemy import ForeignKey, UniqueConstraint
from sqlalchemy.orm import Mapped, mapped_column

from idp.effects import Instant
from idp.models.arrivals import Match, acts_only_for
from idp.models.base import Base, Id, Moment
from idp.models.methods import Proof
from idp.models.people import Employment, User


class ClientAuth(StrEnum):
    """How we show an upstream that it is us."""

    CLIENT_SECRET = "client_secret"  # noqa: S105  the name of a way
    PRIVATE_KEY_JWT = "private_key_jwt"


class Upstream(Base):
    """`issuer` is compared to the letter. `tenant`: the `tid` that every token must have (Entra ID), whose
    people are then named by `oid`; elsewhere they are named by `sub`.
    """

    __tablename__ = "upstreams"
    __table_args__ = (UniqueConstraint("issuer", "client_id"),)

    id: Mapped[Id] = mapped_column(primary_key=True)
    municipality: Mapped[Id] = mapped_column(ForeignKey("municipalities.atvk"), index=True)
    name: Mapped[str]
    issuer: Mapped[str]
    client_id: Mapped[str]
    client_secret_sealed: Mapped[str] = mapped_column(repr=False)
    """Or the private key (PEM) of `certificate`, by `auth`."""
    created_at: Mapped[Moment]
    auth: Mapped[str] = mapped_column(default=ClientAuth.CLIENT_SECRET.value)
    certificate: Mapped[str] = mapped_column(default="")
    """PEM, of our key there; empty where there is a secret."""
    tenant: Mapped[str | None] = mapped_column(default=None)
    believes_mfa: Mapped[bool] = mapped_column(default=False)
    """Whether two factors there are two factors here."""
    mfa_acr: Mapped[str] = mapped_column(default="")
    """An `acr` that says so beside the values of `amr`; empty for none."""
    match_by: Mapped[str] = mapped_column(default=Match.NOTHING.value)
    match_claim: Mapped[str] = mapped_column(default="")
    enabled: Mapped[bool] = mapped_column(default=True)
    creates_accounts: Mapped[bool] = mapped_column(default=False)
    """For whom the rule could have found here, and did not."""


class UpstreamDomain(Base):
    """Of e-mail addresses, in lower case: whoever types one is led to that upstream."""

    __tablename__ = "upstream_domains"

    domain: Mapped[str] = mapped_column(primary_key=True)
    upstream_id: Mapped[Id] = mapped_column(ForeignKey("upstreams.id", ondelete="CASCADE"), index=True)


class UpstreamArrival(Base):
    """Somebody an upstream vouched for who has no account linked: waits for an administrator."""

    __tablename__ = "upstream_arrivals"
    __table_args__ = (UniqueConstraint("upstream_id", "subject"),)

    id: Mapped[Id] = mapped_column(primary_key=True)
    upstream_id: Mapped[Id] = mapped_column(ForeignKey("upstreams.id", ondelete="CASCADE"))
    subject: Mapped[str]
    name: Mapped[str]
    """As the upstream tells it, for the administrator to read; nothing is matched by it."""
    username: Mapped[str]
    first_at: Mapped[Moment]
    last_at: Mapped[Moment]


class UpstreamSession(Base):
    """By which names an upstream may end what it began: `sub` and its own session's `sid`."""

    __tablename__ = "upstream_sessions"
    __table_args__ = (UniqueConstraint("upstream_id", "sub", "sid"),)

    id: Mapped[Id] = mapped_column(primary_key=True)
    upstream_id: Mapped[Id] = mapped_column(ForeignKey("upstreams.id", ondelete="CASCADE"))
    sub: Mapped[str]
    sid: Mapped[str]
    """Empty where none was told."""
    user_id: Mapped[Id]
    credential_id: Mapped[Id] = mapped_column(ForeignKey("credentials.id", ondelete="CASCADE"), index=True)
    at: Mapped[Moment]


def may_vouch_for(upstream: Upstream, user: User, posts: Iterable[Employment]) -> bool:
    """Only for those who act for its own municipality and for nobody else. `posts` are the current ones."""
    return acts_only_for(user, posts, upstream.municipality)


def domain_of(typed: str) -> str | None:
    """Of an e-mail address, as it is compared (IDNA 2003, as in certificates); None for what is none."""
    name, at, domain = typed.strip().rpartition("@")
    try:
        ascii_domain = domain.removesuffix(".").encode("idna").decode().lower()
    except UnicodeError:
        return None
    return ascii_domain if name and at and "." in ascii_domain else None


@dataclass(frozen=True, slots=True, kw_only=True)
class Wanted:
    """What the upstream is asked for. `not_before`: it must have seen the person since (Unix seconds)."""

    login_hint: str = ""
    not_before: Instant | None = None
    anew: bool = False
    """Whatever session the person has there."""
    choose_account: bool = False
    language: str = ""


@dataclass(frozen=True, slots=True)
class Leaving:
    """`kept` holds secrets; only `address` is for the browser."""

    address: str = field(repr=False)
    state: str = field(repr=False)
    kept: Mapping[str, Any] = field(repr=False)


@dataclass(frozen=True, slots=True, kw_only=True)
class Assertion:
    """Whom an ID token names, checked in full. `matched` is the value of the upstream's `match_claim`."""

    subject: str
    sub: str
    sid: str
    at: Instant
    """When the person was seen there."""
    multi_factor: bool
    name: str = field(default="", repr=False)
    username: str = field(default="", repr=False)
    matched: str = field(default="", repr=False)
    given_name: str = field(default="", repr=False)
    family_name: str = field(default="", repr=False)


@dataclass(frozen=True, slots=True, kw_only=True)
class Words:
    """What others' words are worth now, by the credentials that stand on them, whenever they were given.

    `silenced`: nothing, for whoever gave it is switched off. `doubted`: one factor, whatever was said.
    """

    silenced: frozenset[str] = frozenset()
    doubted: frozenset[str] = frozenset()

    def worth(self, proof: Proof) -> Proof:
        doubts = proof.multi_factor and proof.credential_id in self.doubted
        return replace(proof, multi_factor=False) if doubts else proof


@dataclass(frozen=True, slots=True, kw_only=True)
class LogoutNotice:
    """From a logout token, checked in full: at least one of `sub` and `sid` is there."""

    upstream_id: str
    sub: str
    sid: str
    jti: str
