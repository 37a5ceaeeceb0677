"""Confirming by the code that somebody got after their document was checked at the municipality.

The person types it themself, in a sitting that they agreed to: then it stands for what was written down about
them, and is used up only by linking that. Every guess is paid for before it is looked at; whatever is wrong
with a code is told in one sentence. Not here: who gives codes (`in_person.py`).
"""

from typing import Final

from idp.crypto import token_hash
from idp.effects import Effects
from idp.errors import Reason, Refused
from idp.login.limits import Wait, charge_all, network_of
from idp.login.sessions import Visitor
from idp.login.ticket_codes import canonical_ticket_code
from idp.models.confirmations import Assurance, ConfirmedBy, IdentityRead
from idp.models.in_person import IdentityCheck, Stated
from idp.people.identity.desk import IdentityDesk
from idp.people.identity.in_person import CODE_SECONDS, IdentityChecks
from idp.people.identity.sittings import Sitting
from idp.storage.database import Database
from idp.storage.ephemeral import Shelf
from idp.storage.throttle import Bucket, Throttle

GUESSES_OF_ACCOUNT: Final = Bucket(
    "in-person-account", free=5, base_seconds=5, cap_seconds=900, forget_seconds=24 * 3600
)
GUESSES_OF_ADDRESS: Final = Bucket(
    "in-person-address", free=20, base_seconds=2, cap_seconds=60, forget_seconds=900
)
"""An address may be a whole town hall's."""
GUESSES_WITH_CODE: Final = Bucket(
    "in-person-code", free=5, base_seconds=60, cap_seconds=3600, forget_seconds=CODE_SECONDS
)
"""Whoever found a code guesses at whose it is, from however many browsers."""
_OPEN: Final = "in-person"


class ByInPersonCode:
    def __init__(
        self,
        desk: IdentityDesk,
        checks: IdentityChecks,
        *,
        database: Database,
        shelf: Shelf,
        throttle: Throttle,
        effects: Effects,
    ) -> None:
        self._desk = desk
        self._checks = checks
        self._database = database
        self._shelf = shelf
        self._throttle = throttle
        self._effects = effects

    def begin(self, sitting: Sitting, visitor: Visitor) -> Wait | Reason | None:
        """None: the code may be typed now."""
        try:
            if wait := self._desk.start(sitting, ConfirmedBy.IN_PERSON, visitor):
                return wait
        except Refused as refusal:
            return refusal.reason
        self._shelf.put(_OPEN, sitting.id, {}, expires_at=sitting.expires_at)
        return None

    def is_open(self, sitting: Sitting) -> bool:
        return self._shelf.find(_OPEN, sitting.id) is not None

    def cancel(self, sitting: Sitting) -> None:
        self._shelf.take(_OPEN, sitting.id)

    def enter(self, sitting: Sitting, typed: str, visitor: Visitor) -> Wait | Reason | None:
        """None: the sitting's page tells how it goes on, as it does where no code was asked for."""
        if not self.is_open(sitting):
            return None
        code = canonical_ticket_code(typed)
        if code is None:
            return Reason.IN_PERSON_CODE_UNKNOWN
        code_hash = token_hash(code)
        price = (
            (GUESSES_OF_ADDRESS, network_of(visitor.address)),
            (GUESSES_OF_ACCOUNT, sitting.counted_as),
            (GUESSES_WITH_CODE, code_hash),
        )
        seconds = charge_all(self._throttle, price)
        if seconds > 0:
            return Wait(seconds)
        with self._database.read() as work:
            check = work.identity_checks.find_by_code(code_hash)
            refused = self._checks.why_not(work, check, sitting.user_id)
            stated = work.identity_checks.stated_in(check) if check and not refused else None
        if check is None or stated is None:
            return self._refuse(sitting, refused or Reason.IN_PERSON_CODE_USED, visitor)
        for bucket, key in price:
            self._throttle.refund(bucket, key)
        self.cancel(sitting)
        self._desk.hold(sitting, self._as_read(check, stated), visitor)
        return None

    def _refuse(self, sitting: Sitting, reason: Reason, visitor: Visitor) -> Reason:
        """A guess is paid for already. One that fits another account was found, or sent by somebody."""
        is_found = reason is Reason.IN_PERSON_CODE_OF_ANOTHER
        self._desk.fail(sitting, ConfirmedBy.IN_PERSON, reason, visitor, counts=False, alarm=is_found)
        return reason

    def _as_read(self, check: IdentityCheck, stated: Stated) -> IdentityRead:
        return IdentityRead(
            code=stated.code,
            given_name=stated.given_name,
            family_name=stated.family_name,
            confirmed_by=ConfirmedBy.IN_PERSON,
            assurance=Assurance.SUBSTANTIAL,
            read_at=self._effects.now(),
            flow=check.document,
            evidence=check.id,
        )
