"""Authorization requests that wait for a person: kept on the Shelf, bound to one browser, answered once."""

from typing import Final

from idp.crypto import token_hash
from idp.effects import Effects
from idp.oidc.authorization_request import AuthorizationRequest
from idp.storage.ephemeral import Shelf

PENDING_SECONDS: Final = 30 * 60.0
_KIND: Final = "authorization-request"
_ANSWERED: Final = "authorization-request-answered"


class PendingRequests:
    def __init__(self, shelf: Shelf, effects: Effects) -> None:
        self._shelf = shelf
        self._effects = effects

    def keep(self, request_id: str | None, request: AuthorizationRequest, *, browser: str) -> str:
        """Its id, a new one unless it has one; how long it lives is counted from when it came."""
        request_id = request_id or self._effects.new_id()
        value = {"browser": token_hash(browser), "request": request.to_json()}
        self._shelf.put(_KIND, request_id, value, expires_at=request.received_at + PENDING_SECONDS)
        return request_id

    def find(self, request_id: str, *, browser: str) -> AuthorizationRequest | None:
        value = self._shelf.find(_KIND, request_id)
        if value is None or value["browser"] != token_hash(browser):
            return None
        return AuthorizationRequest.from_json(value["request"])

    def spend(self, request_id: str, request: AuthorizationRequest) -> bool:
        """False when it was answered before; of any number that try at once, one may answer.

        Kept as answered for as long as it could be kept: whoever read it before may put it back after.
        """
        until = request.received_at + PENDING_SECONDS
        if not self._shelf.add(_ANSWERED, request_id, {}, expires_at=until):
            return False
        return self._shelf.take(_KIND, request_id) is not None
