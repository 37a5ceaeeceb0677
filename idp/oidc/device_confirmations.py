"""Confirmations that wait for a person: on the Shelf, each bound to the browser where a code was typed."""

from dataclasses import asdict, dataclass
from enum import StrEnum
from typing import Final

from idp.crypto import token_hash
from idp.effects import Effects
from idp.oidc.device_codes import DEVICE_CODE_SECONDS, DeviceRequest
from idp.storage.ephemeral import Shelf

_KIND: Final = "device-confirmation"


class Verdict(StrEnum):
    APPROVED = "approved"
    REFUSED = "refused"
    WRONG_NUMBER = "wrong_number"


@dataclass(frozen=True, slots=True, kw_only=True)
class Confirmation:
    """`browser` is a hash; `shown_to` is the user who saw the page; `verdict` is there once it is decided."""

    id: str
    browser: str
    request_id: str
    client_id: str
    shown_to: str | None = None
    verdict: Verdict | None = None


class Confirmations:
    def __init__(self, shelf: Shelf, effects: Effects) -> None:
        self._shelf = shelf
        self._effects = effects

    def begin(self, request: DeviceRequest, *, browser: str) -> Confirmation:
        begun = Confirmation(
            id=self._effects.new_id(),
            browser=token_hash(browser),
            request_id=request.id,
            client_id=request.client_id,
        )
        self.keep(begun)
        return begun

    def keep(self, confirmation: Confirmation) -> None:
        """As long as a code lives, counted anew: what can still be decided is said by the request itself."""
        until = self._effects.now() + DEVICE_CODE_SECONDS
        self._shelf.put(_KIND, confirmation.id, asdict(confirmation), expires_at=until)

    def find(self, confirmation_id: str, *, browser: str) -> Confirmation | None:
        value = self._shelf.find(_KIND, confirmation_id)
        if value is None or value["browser"] != token_hash(browser):
            return None
        verdict = value["verdict"]
        return Confirmation(**{**value, "verdict": Verdict(verdict) if verdict is not None else None})
