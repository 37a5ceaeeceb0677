"""A confirmation in progress: whose account, in which browser, for what; and what has been read so far.

Short-lived and sealed. Whether it may still go on is asked where it is used (`desk.py`).
"""

from dataclasses import asdict, dataclass, field
from enum import StrEnum
from typing import Any, Final

from idp.crypto import token_hash
from idp.effects import Effects, Instant
from idp.errors import Reason
from idp.login.turns import HalfWay
from idp.models.confirmations import Assurance, ConfirmedBy, IdentityRead
from idp.models.person_code import PersonCode
from idp.storage.ephemeral import Shelf
from idp.storage.sealed_shelf import SealedShelf
from idp.storage.vault import Vault

SITTING_SECONDS: Final = 15 * 60
READ_SECONDS: Final = 5 * 60
"""How long an identity that was read waits for the person to say that it is to be linked."""
_FAILURE: Final = "identity-failure"
_CURRENT: Final = "identity-current"


class Purpose(StrEnum):
    ACCOUNT = "account"
    """Of the session in `holder`."""
    SIGN_IN = "sign_in"
    """Of the sign-in in `holder`, in which a first factor was proved and nothing else can be."""
    RECOVERY = "recovery"
    """Of an account that was only named."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Sitting:
    """`browser` is a hash. `user_id` is empty where nobody has the name that was typed."""

    id: str
    browser: str = field(repr=False)
    purpose: Purpose
    user_id: str
    username: str
    holder: str = ""
    expires_at: Instant
    language: str = "lv"
    consent_version: str = ""
    """Of the text the person agreed to; empty until they did."""
    since: Instant = 0.0
    """When it began, or when the first of what was proved before it was proved."""
    agreed_at: Instant = 0.0
    shared: bool = False
    """On a computer that several people use."""

    @property
    def counted_as(self) -> str:
        """Whose sittings exclude one another. A stranger who names an account ends none of its owner."""
        own = self.browser if self.purpose is Purpose.RECOVERY else ""
        return f"{self.purpose.value}\x1f{self.user_id or self.username}\x1f{own}"

    @property
    def half_way(self) -> HalfWay:
        """Of nobody where an account was only named: how long it is kept tells of none."""
        user_id = "" if self.purpose is Purpose.RECOVERY else self.user_id
        return HalfWay(user_id=user_id, since=max(self.since, self.agreed_at), shared=self.shared)


class Sittings:
    def __init__(self, shelf: Shelf, vault: Vault, effects: Effects) -> None:
        self._shelf = shelf
        self._sittings = SealedShelf(shelf, vault, "identity-sitting")
        self._reads = SealedShelf(shelf, vault, "identity-read")
        self._effects = effects

    def begin(
        self,
        purpose: Purpose,
        *,
        browser: str,
        user_id: str,
        username: str,
        holder: str,
        language: str,
        since: Instant | None = None,
        shared: bool = False,
    ) -> Sitting:
        """In place of another that was open for the same account: one is pending at a time."""
        now = self._effects.now()
        sitting = Sitting(
            id=self._effects.new_id(),
            browser=token_hash(browser),
            purpose=purpose,
            user_id=user_id,
            username=username,
            holder=holder,
            language=language,
            expires_at=now + SITTING_SECONDS,
            since=now if since is None else since,
            shared=shared,
        )
        self.put(sitting)
        current = {"id": sitting.id}
        self._shelf.put(_CURRENT, sitting.counted_as, current, expires_at=sitting.expires_at)
        return sitting

    def put(self, sitting: Sitting) -> None:
        self._sittings.put(sitting.id, asdict(sitting), expires_at=sitting.expires_at)

    def find(self, sitting_id: str, *, browser: str) -> Sitting | None:
        """None when it is over, another's, or another was begun since."""
        sitting = self.find_anywhere(sitting_id)
        if sitting is None or sitting.browser != token_hash(browser):
            return None
        current = self._shelf.find(_CURRENT, sitting.counted_as)
        return sitting if current is not None and current["id"] == sitting.id else None

    def find_anywhere(self, sitting_id: str) -> Sitting | None:
        """Whosever browser asks: to write down what another tried, and for nothing else."""
        value = self._sittings.find(sitting_id)
        return Sitting(**{**value, "purpose": Purpose(value["purpose"])}) if value else None

    def end(self, sitting: Sitting) -> None:
        self._sittings.take(sitting.id)
        self._reads.take(sitting.id)

    # What was read -----------------------------------------------------------------------------------------

    def keep_read(self, sitting: Sitting, read: IdentityRead) -> None:
        value = {**asdict(read), "code": read.code.canonical}
        # One that waits stays: what is linked is what was shown.
        self._reads.add(sitting.id, value, expires_at=self._effects.now() + READ_SECONDS)
        self._shelf.take(_FAILURE, sitting.id)

    def find_read(self, sitting: Sitting) -> IdentityRead | None:
        return _as_read(self._reads.find(sitting.id))

    def take_read(self, sitting: Sitting) -> IdentityRead | None:
        """Of any number that try to link it, one gets it."""
        return _as_read(self._reads.take(sitting.id))

    # What went wrong ---------------------------------------------------------------------------------------

    def keep_failure(self, sitting: Sitting, reason: Reason) -> None:
        self._shelf.put(_FAILURE, sitting.id, {"reason": reason.name}, expires_at=sitting.expires_at)

    def find_failure(self, sitting: Sitting) -> Reason | None:
        value = self._shelf.find(_FAILURE, sitting.id)
        return Reason[value["reason"]] if value else None

    def forget_failure(self, sitting: Sitting) -> None:
        self._shelf.take(_FAILURE, sitting.id)


def _as_read(value: dict[str, Any] | None) -> IdentityRead | None:
    if value is None:
        return None
    return IdentityRead(
        **{
            **value,
            "code": PersonCode.parse(value["code"]),
            "confirmed_by": ConfirmedBy(value["confirmed_by"]),
            "assurance": Assurance(value["assurance"]),
        }
    )
