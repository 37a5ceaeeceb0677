"""Who comes for the first time on the word of a source outside: by what they are known, and who waits.

A source is whatever vouches for a municipality's people by an immutable id of its own: a directory, an OpenID
provider. Not here: whose account it is (`login/arrivals.py`), the sources themselves.
"""

from collections.abc import Iterable
from enum import StrEnum
from typing import Final

from sqlalchemy import ForeignKey, Index, String, UniqueConstraint
from sqlalchemy.orm import Mapped, mapped_column

from idp.models.base import Base, Id, Moment
from idp.models.people import Employment, User

NUMBER_AT_MOST: Final = 64


class Match(StrEnum):
    """By what a first arrival is known. Whoever is not, waits for an administrator."""

    NOTHING = "nothing"
    PERSON_CODE = "person_code"
    EMPLOYEE_NUMBER = "employee_number"
    """As an identity of the municipality's `personnel_source`."""
    INVITATION = "invitation"
    """By the code of one, and by nothing that the source says."""

    @property
    def reads_a_value(self) -> bool:
        """Something that the source says of its people, and that is held against what stands here."""
        return self in {Match.PERSON_CODE, Match.EMPLOYEE_NUMBER}


class DirectoryArrival(Base):
    """An entry of a directory that was proved while it was nobody's: waits for an administrator.

    The names are as the directory told them, to be read; nothing is ever found by them.
    """

    __tablename__ = "directory_arrivals"
    __table_args__ = (
        UniqueConstraint("directory_id", "object_guid"),
        Index("ix_directory_arrivals_last_at", "last_at"),
    )

    id: Mapped[Id] = mapped_column(primary_key=True)
    directory_id: Mapped[Id] = mapped_column(ForeignKey("directories.id", ondelete="CASCADE"))
    object_guid: Mapped[str] = mapped_column(String(36))
    name: Mapped[str]
    account_name: Mapped[str]
    first_at: Mapped[Moment]
    last_at: Mapped[Moment]


class Invitation(Base):
    """Leave for one person to say who they are in one source, by proving it. Used or revoked once.

    `source`: the id of a directory or an upstream. `made_by`: a user's id, or `command-line`.
    `maker_municipality`: that of the maker; None is an operator's. The code is told once and kept nowhere.
    """

    __tablename__ = "invitations"

    id: Mapped[Id] = mapped_column(primary_key=True)
    code_hash: Mapped[Id] = mapped_column(unique=True, repr=False)
    user_id: Mapped[Id] = mapped_column(ForeignKey("users.id", ondelete="CASCADE"), index=True)
    source: Mapped[Id] = mapped_column(index=True)
    maker_municipality: Mapped[Id | None]
    made_by: Mapped[Id]
    made_at: Mapped[Moment]
    expires_at: Mapped[Moment]
    used_at: Mapped[Moment | None] = mapped_column(default=None)
    revoked_at: Mapped[Moment | None] = mapped_column(default=None)


def personnel_source(municipality: str) -> str:
    """The source of identities that are employee numbers of this municipality."""
    return f"personnel:{municipality}"


def is_number(text: str) -> bool:
    """Whether it can be an employee number as it stands; nothing is trimmed to make it one."""
    return 0 < len(text) <= NUMBER_AT_MOST and text.isprintable() and text == text.strip()


def acts_only_for(user: User, posts: Iterable[Employment], municipality: str) -> bool:
    """Has posts there alone, and no role in the system as a whole. `posts` are the current ones."""
    return user.is_active and not user.roles and {post.municipality for post in posts} == {municipality}
