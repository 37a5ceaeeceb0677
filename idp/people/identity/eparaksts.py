"""Confirming by eParaksts: the browser is sent there and comes back once, to the sitting it left.

What was begun is found by the state that comes back, since the address that is come back to is the same for
everybody.
"""

from typing import Final

from idp.crypto import token_hash
from idp.effects import Effects
from idp.errors import Reason, Refused
from idp.gateways.eparaksts.door import (
    SECONDS_TO_RETURN,
    Begun,
    EParaksts,
    Verified,
    callback_address,
    state_of,
)
from idp.gateways.eparaksts.outcomes import handling_of
from idp.gateways.eparaksts.ways import Way
from idp.gateways.identity import Handling
from idp.login.limits import Wait
from idp.login.sessions import SignedIn, Visitor
from idp.models.confirmations import Assurance, ConfirmedBy, IdentityRead
from idp.models.person_code import PersonCode
from idp.people.identity.desk import IdentityDesk
from idp.people.identity.sittings import Sitting
from idp.storage.ephemeral import Shelf
from idp.storage.sealed_shelf import SealedShelf
from idp.storage.vault import Vault

_KIND: Final = "eparaksts-begun"


class ByEParaksts:
    def __init__(
        self,
        door: EParaksts,
        desk: IdentityDesk,
        *,
        shelf: Shelf,
        vault: Vault,
        effects: Effects,
        issuer: str,
    ) -> None:
        self.origin = door.environment.origin
        """Where browsers are sent."""
        self._door = door
        self._desk = desk
        self._begun = SealedShelf(shelf, vault, _KIND)
        self._effects = effects
        self._callback = callback_address(issuer)

    def begin(self, sitting: Sitting, way: Way, visitor: Visitor) -> str | Wait | Reason:
        """The address to send the browser to."""
        try:
            if wait := self._desk.start(sitting, ConfirmedBy.EPARAKSTS, visitor):
                return wait
        except Refused as refusal:
            return refusal.reason
        begun = self._door.begin(way, callback_url=self._callback, language=sitting.language)
        kept = {"sitting": sitting.id, "begun": begun.to_text()}
        until = self._effects.now() + SECONDS_TO_RETURN
        self._begun.put(token_hash(begun.state), kept, expires_at=until)
        return begun.address

    def came_back(self, query: str, visitor: Visitor, signed_in: SignedIn | None) -> Sitting | None:
        """The sitting that goes on; None in another browser, which uses nothing up, and for what is over."""
        try:
            key = token_hash(state_of(query))
        except Refused:
            return None
        kept = self._begun.find(key)
        if kept is None:
            return None
        sitting = self._desk.find(kept["sitting"], visitor=visitor, signed_in=signed_in)
        if sitting is None:
            self._note_stranger(kept["sitting"], visitor)
            return None
        taken = self._begun.take(key)
        if taken is not None:
            self._finish(sitting, Begun.from_text(taken["begun"]), query, visitor)
        return sitting

    # Inside ------------------------------------------------------------------------------------------------

    def _finish(self, sitting: Sitting, begun: Begun, query: str, visitor: Visitor) -> None:
        try:
            read = self._as_read(self._door.finish(begun, query))
        except Refused as refusal:
            handling = handling_of(refusal.reason)
            self._desk.fail(
                sitting,
                ConfirmedBy.EPARAKSTS,
                refusal.reason,
                visitor,
                counts=handling in {Handling.PERSON, Handling.ALARM},
                alarm=handling is Handling.ALARM,
            )
            return
        self._desk.hold(sitting, read, visitor)

    def _note_stranger(self, sitting_id: str, visitor: Visitor) -> None:
        sitting = self._desk.sittings.find_anywhere(sitting_id)
        if sitting is not None:
            self._desk.note_alarm(sitting, ConfirmedBy.EPARAKSTS, Reason.EPARAKSTS_OTHER_BROWSER, visitor)

    def _as_read(self, verified: Verified) -> IdentityRead:
        """Raises Refused."""
        try:
            code = PersonCode.parse(verified.identity.identifier)
        except ValueError:
            raise Refused(Reason.EPARAKSTS_IDENTIFIER_KIND) from None
        return IdentityRead(
            code=code,
            given_name=verified.identity.given_name,
            family_name=verified.identity.surname,
            confirmed_by=ConfirmedBy.EPARAKSTS,
            assurance=Assurance(verified.level),
            read_at=verified.at,
            flow=verified.way.value,
        )
