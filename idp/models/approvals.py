"""A sign-in at one computer that waits to be approved on another device: what is asked, and what was decided.

Plain values. Not here: where they wait (`storage/approval_requests.py`), who may decide
(`login/approvals.py`).
"""

from dataclasses import dataclass
from enum import StrEnum

from idp.effects import Instant


class Verdict(StrEnum):
    APPROVED = "approved"
    REFUSED = "refused"
    WRONG_NUMBER = "wrong_number"


@dataclass(frozen=True, slots=True, kw_only=True)
class Occasion:
    """The sign-in that asks. `browser` is a hash; `asker` is in whose name the asking is counted."""

    transaction_id: str
    browser: str
    asker: str
    application: str
    client_id: str | None
    municipality: str | None
    address: str
    user_agent: str


@dataclass(frozen=True, slots=True, kw_only=True)
class ApprovalRequest:
    """`id` is in a link and opens nothing by itself. `number` is shown where one signs in; the person picks
    it among `choices`. `slot`: which of the few places for requests to this person it takes.
    """

    id: str
    user_id: str
    occasion: Occasion
    number: int
    choices: tuple[int, ...]
    slot: int
    asked_at: Instant
    expires_at: Instant


@dataclass(frozen=True, slots=True)
class Approval:
    """By what it was approved: both must still be there when it is used."""

    credential_id: str
    session_id: str


@dataclass(frozen=True, slots=True)
class Decided:
    """For who goes back to the page. `in_time`: the sign-in was still open, so the decision settled it."""

    verdict: Verdict
    application: str
    in_time: bool = True
