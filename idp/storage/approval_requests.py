"""Requests to approve a sign-in on another device, on the Shelf: two minutes, one decision, one use.

Whoever takes a request from the Shelf decides it; whoever takes the approval uses it. A person has few places
for requests, and each place takes one: so many wait at most, however many ask at once. Not here: who may ask
and how often (`login/asking.py`), who may decide (`login/approvals.py`).
"""

from collections.abc import Mapping
from dataclasses import asdict
from typing import Any, Final

from idp.effects import Effects
from idp.models.approvals import Approval, ApprovalRequest, Decided, Occasion, Verdict
from idp.models.numbers import numbers, place
from idp.storage.ephemeral import Shelf

LIFETIME_SECONDS: Final = 120.0
WAITING_AT_MOST: Final = 3
_REMEMBERED_SECONDS: Final = 600.0
"""How long the page of a decided request says what was decided."""
_REQUEST: Final = "approval-request"
_SLOT: Final = "approval-slot"
_APPROVAL: Final = "approval"
_DECIDED: Final = "approval-decided"


class ApprovalRequests:
    def __init__(self, shelf: Shelf, effects: Effects) -> None:
        self._shelf = shelf
        self._effects = effects

    # Where one signs in --------------------------------------------------------------------------------

    def begin(self, user_id: str, occasion: Occasion) -> ApprovalRequest | float:
        """The seconds until there is room when as many wait as may."""
        now, request_id = self._effects.now(), self._effects.new_id()
        until = now + LIFETIME_SECONDS
        held = {"request": request_id, "until": until}
        taken = (
            slot
            for slot in range(WAITING_AT_MOST)
            if self._shelf.add(_SLOT, _slot(user_id, slot), held, expires_at=until)
        )
        slot = next(taken, None)
        if slot is None:
            return self._seconds_to_room(user_id, now)
        choices = numbers(self._effects)
        request = ApprovalRequest(
            id=request_id,
            user_id=user_id,
            occasion=occasion,
            number=choices[place(self._effects)],
            choices=choices,
            slot=slot,
            asked_at=now,
            expires_at=until,
        )
        self._shelf.put(_REQUEST, request.id, asdict(request), expires_at=until)
        return request

    def is_approved(self, request_id: str) -> bool:
        return self._shelf.find(_APPROVAL, request_id) is not None

    def take_approval(self, request_id: str) -> Approval | None:
        """Of any number who would use it at once, one does."""
        value = self._shelf.take(_APPROVAL, request_id)
        return Approval(**value) if value is not None else None

    # On the other device -------------------------------------------------------------------------------

    def waiting_for(self, user_id: str) -> list[ApprovalRequest]:
        """The longest waiting first."""
        held = (self._shelf.find(_SLOT, _slot(user_id, slot)) for slot in range(WAITING_AT_MOST))
        found = (self.find(each["request"]) for each in held if each is not None)
        return sorted(filter(None, found), key=lambda request: request.asked_at)

    def find(self, request_id: str) -> ApprovalRequest | None:
        """None when it was decided, or has expired."""
        value = self._shelf.find(_REQUEST, request_id)
        return _request(value) if value is not None else None

    def take(self, request: ApprovalRequest) -> bool:
        """Of any number who decide at once, one does."""
        if self._shelf.take(_REQUEST, request.id) is None:
            return False
        self._shelf.take(_SLOT, _slot(request.user_id, request.slot))
        return True

    def approve(self, request: ApprovalRequest, approval: Approval) -> None:
        """For who took it."""
        self._shelf.put(_APPROVAL, request.id, asdict(approval), expires_at=request.expires_at)

    def remember(self, request: ApprovalRequest, decided: Decided) -> None:
        value = {"user": request.user_id, **asdict(decided)}
        until = self._effects.now() + _REMEMBERED_SECONDS
        self._shelf.put(_DECIDED, request.id, value, expires_at=until)

    def find_decided(self, request_id: str, *, user_id: str) -> Decided | None:
        value = self._shelf.find(_DECIDED, request_id)
        if value is None or value["user"] != user_id:
            return None
        return Decided(Verdict(value["verdict"]), value["application"], value["in_time"])

    def _seconds_to_room(self, user_id: str, now: float) -> float:
        held = [self._shelf.find(_SLOT, _slot(user_id, slot)) for slot in range(WAITING_AT_MOST)]
        return max(1.0, min((each["until"] - now for each in held if each is not None), default=1.0))


def _slot(user_id: str, slot: int) -> str:
    return f"{user_id}\x1f{slot}"


def _request(value: Mapping[str, Any]) -> ApprovalRequest:
    parts = {"occasion": Occasion(**value["occasion"]), "choices": tuple(value["choices"])}
    return ApprovalRequest(**{**value, **parts})
