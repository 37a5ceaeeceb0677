"""Requests that clients pushed, until the browser brings their reference (RFC 9126 section 2.2).

A reference is bound to its client and good for a minute and a half. It is used up by the first answer to the
request, not by the first look at it: browsers and mail filters open addresses nobody asked them to. `spend`
is one atomic act, and is remembered for longer than any sign-in begun from the reference. Not here: the
endpoint (`par.py`).
"""

from typing import Final

from idp.effects import Effects
from idp.models.clients import Client
from idp.oidc.authorize_checks import Asked, Channel
from idp.oidc.errors import ErrorCode, ProtocolError
from idp.oidc.pending import PENDING_SECONDS
from idp.oidc.requests import Parameters
from idp.storage.ephemeral import Shelf

PUSHED_SECONDS: Final = 90.0
PREFIX: Final = "urn:ietf:params:oauth:request_uri:"
_KIND: Final = "pushed-request"
_SPENT: Final = "pushed-request-spent"


class PushedRequests:
    def __init__(self, shelf: Shelf, effects: Effects) -> None:
        self._shelf = shelf
        self._effects = effects

    def keep(self, asked: Asked) -> str:
        """The request URI that stands for it from now on."""
        reference = self._effects.new_token()
        value = {
            "client_id": asked.client.client_id,
            "parameters": asked.parameters.pairs(),
            "channel": asked.channel.name,
        }
        self._shelf.put(_KIND, reference, value, expires_at=self._effects.now() + PUSHED_SECONDS)
        return PREFIX + reference

    def get(self, request_uri: str, client: Client) -> Asked:
        """Raises ProtocolError, alike for what never was, is over, was used, or is another client's."""
        reference = request_uri.removeprefix(PREFIX)
        value = self._shelf.find(_KIND, reference)
        if value is None or value["client_id"] != client.client_id:
            raise ProtocolError(
                ErrorCode.INVALID_REQUEST_URI,
                "The request URI is not valid.",
                detail="unknown, expired or used" if value is None else "pushed by another client",
            )
        parameters = Parameters((name, text) for name, text in value["parameters"])
        return Asked(parameters, client, Channel[value["channel"]], pushed=reference)

    def spend(self, reference: str) -> bool:
        """False when the request was answered before; of any number that try at once, one may answer."""
        until = self._effects.now() + PUSHED_SECONDS + PENDING_SECONDS
        if not self._shelf.add(_SPENT, reference, {}, expires_at=until):
            return False
        self._shelf.take(_KIND, reference)
        return True
