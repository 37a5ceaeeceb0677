"""What a municipality decides about its own people beyond methods (`PolicyRule`): a row for each that did."""

from dataclasses import dataclass
from typing import Final

from sqlalchemy import ForeignKey
from sqlalchemy.orm import Mapped, mapped_column

from idp.models.base import Base, Id

REMEMBER_DAYS_AT_MOST: Final = 30
SHARED_IDLE_MINUTES: Final = 10
"""Where nobody decided."""
SHARED_IDLE_MINUTES_AT_MOST: Final = 60
VOUCHING_HOURS_AT_MOST: Final = 7 * 24
VOUCHING_HOURS_USUAL: Final = 24


class MunicipalityRuleRow(Base):
    __tablename__ = "municipality_rules"

    atvk: Mapped[Id] = mapped_column(ForeignKey("municipalities.atvk", ondelete="CASCADE"), primary_key=True)
    remember_days: Mapped[int] = mapped_column(default=0)
    shared_idle_minutes: Mapped[int] = mapped_column(default=SHARED_IDLE_MINUTES)
    vouching_hours: Mapped[int] = mapped_column(default=0)


@dataclass(frozen=True, slots=True, kw_only=True)
class MunicipalityRules:
    """`remember_days`: for so long a computer may be remembered; 0 means that none may.

    `shared_idle_minutes`: after so long without use a session on a shared computer ends. `vouching_hours`: so
    long whoever owns an account may stop that colleagues vouch somebody into it, before it opens; never at
    once: 0 means that nobody can be vouched for. Raises ValueError.
    """

    remember_days: int = 0
    shared_idle_minutes: int = SHARED_IDLE_MINUTES
    vouching_hours: int = 0

    def __post_init__(self) -> None:
        if not 0 <= self.remember_days <= REMEMBER_DAYS_AT_MOST:
            raise ValueError(f"remember_days must be a number from 0 to {REMEMBER_DAYS_AT_MOST}")
        if not 1 <= self.shared_idle_minutes <= SHARED_IDLE_MINUTES_AT_MOST:
            raise ValueError(f"shared_idle_minutes must be a number from 1 to {SHARED_IDLE_MINUTES_AT_MOST}")
        if not 0 <= self.vouching_hours <= VOUCHING_HOURS_AT_MOST:
            raise ValueError(f"vouching_hours must be a number from 0 to {VOUCHING_HOURS_AT_MOST}")
