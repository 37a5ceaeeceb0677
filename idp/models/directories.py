"""Directories of municipalities (Active Directory), and which of their entries is which person here.

A person is bound to an entry by `objectGUID`, which the directory never gives twice; names and addresses
change hands. Not here: talking to a directory (`gateways/ldap/`), signing in by one (`methods/directory.py`).
"""

from enum import StrEnum
from typing import Any

from sqlalchemy import ForeignKey, String, UniqueConstraint
from sqlalchemy.orm import Mapped, mapped_column

from idp.models.arrivals import Match
from idp.models.base import Base, Id, Moment
from idp.models.directory_sync import SHARE_USUAL, WhenGone


class Encryption(StrEnum):
    LDAPS = "ldaps"
    STARTTLS = "starttls"


class Binding(StrEnum):
    """How our account is let in there: by a password, or by Kerberos with a keytab."""

    SIMPLE = "simple"
    GSSAPI = "gssapi"


class Fallback(StrEnum):
    """What a person's password here is worth while their directory does not answer."""

    NONE = "none"
    LOCAL = "local"


class Directory(Base):
    """How one directory of one municipality is reached, searched and believed.

    `controllers`: hosts, each perhaps with a port, in the order in which they are tried. `ca_certificates`:
    PEM, the only authorities that may vouch for them. `attributes`: our name for a value to the directory's.
    `roles`: DN of a group to the role that its members have, also those of groups within it. At most
    `attempts` wrong passwords of one entry reach the directory within `attempt_minutes`: fewer than it takes
    to lock the entry out. `change_url`: the municipality's own page for passwords that must be changed; None:
    they are changed here.
    """

    __tablename__ = "directories"
    __table_args__ = (UniqueConstraint("municipality", "name"),)

    id: Mapped[Id] = mapped_column(primary_key=True)
    municipality: Mapped[Id] = mapped_column(ForeignKey("municipalities.atvk", ondelete="CASCADE"))
    name: Mapped[str]
    controllers: Mapped[list[str]]
    encryption: Mapped[str]
    ca_certificates: Mapped[str]
    account: Mapped[str]
    password_sealed: Mapped[str] = mapped_column(repr=False)
    base_dns: Mapped[list[str]]
    user_filter: Mapped[str]
    attributes: Mapped[dict[str, Any]]
    upn_suffixes: Mapped[list[str]]
    netbios_name: Mapped[str]
    realm: Mapped[str]
    roles: Mapped[dict[str, Any]]
    attempts: Mapped[int]
    attempt_minutes: Mapped[int]
    created_at: Mapped[Moment]
    updated_at: Mapped[Moment]
    change_url: Mapped[str | None] = mapped_column(default=None)
    enabled: Mapped[bool] = mapped_column(default=True)
    arrival: Mapped[str] = mapped_column(default=Match.NOTHING.value)
    """By what somebody is known whose entry is nobody's yet (`Match`)."""
    creates_accounts: Mapped[bool] = mapped_column(default=False)
    """Whether who is known to nobody by that gets an account, with a post and no roles."""
    fallback: Mapped[str] = mapped_column(default=Fallback.NONE.value)
    """Whether people with a password of ours may use it while the directory does not answer."""
    bind: Mapped[str] = mapped_column(default=Binding.SIMPLE.value)
    """What `password_sealed` is: a password, or a keytab in base64."""
    sync_minutes: Mapped[int | None] = mapped_column(default=None)
    sync_share: Mapped[int] = mapped_column(default=SHARE_USUAL)
    when_gone: Mapped[str] = mapped_column(default=WhenGone.THIS_METHOD.value)


class DirectoryState(Base):
    """Whether a directory answered when it was asked last, and since when that is so.

    `fault`: why it gave no answer; empty: it answered. `silent`: controllers that did not answer when all
    were asked one by one, and why.
    """

    __tablename__ = "directory_states"

    directory_id: Mapped[Id] = mapped_column(
        ForeignKey("directories.id", ondelete="CASCADE"), primary_key=True
    )
    fault: Mapped[str]
    told: Mapped[str]
    since: Mapped[Moment]
    seen_at: Mapped[Moment]
    silent: Mapped[dict[str, Any]] = mapped_column(default_factory=dict)


class DirectoryLink(Base):
    """This entry of this directory is that person. Its credential says since when, and goes with it."""

    __tablename__ = "directory_links"
    __table_args__ = (
        UniqueConstraint("directory_id", "object_guid"),
        UniqueConstraint("directory_id", "user_id"),
    )

    credential_id: Mapped[Id] = mapped_column(
        ForeignKey("credentials.id", ondelete="CASCADE"), primary_key=True
    )
    user_id: Mapped[Id] = mapped_column(ForeignKey("users.id", ondelete="CASCADE"), index=True)
    directory_id: Mapped[Id] = mapped_column(ForeignKey("directories.id", ondelete="CASCADE"))
    object_guid: Mapped[str] = mapped_column(String(36))
    linked_by: Mapped[str]
    """The administrator's user id, `command-line`, or the rule by which it was found."""


class DirectoryKeytab(Base):
    """The keys by which tickets of one directory's realm are accepted, as a keytab file holds them.

    `automatic`: whoever comes from the municipality's networks is signed in without being asked, if their
    computer has a ticket; otherwise they press a button.
    """

    __tablename__ = "directory_keytabs"

    directory_id: Mapped[Id] = mapped_column(
        ForeignKey("directories.id", ondelete="CASCADE"), primary_key=True
    )
    keytab_sealed: Mapped[str] = mapped_column(repr=False)
    updated_at: Mapped[Moment]
    automatic: Mapped[bool] = mapped_column(default=False)
