"""Authorization requests that an application posted and that are too long for a URL.

A form of another site comes without our cookies, so the browser is sent on to ask the same by GET; what does
not fit there is kept for a minute and taken once. Whoever has the reference can do no more than whoever wrote
the form. Not here: requests that clients push themselves (`pushed_requests.py`).
"""

from typing import Final

from idp.effects import Effects
from idp.oidc.errors import ErrorCode, ProtocolError
from idp.oidc.requests import Parameters
from idp.storage.ephemeral import Shelf

POSTED_SECONDS: Final = 60.0
PREFIX: Final = "urn:visvaris:posted-request:"
_KIND: Final = "posted-request"


class PostedRequests:
    def __init__(self, shelf: Shelf, effects: Effects) -> None:
        self._shelf = shelf
        self._effects = effects

    def keep(self, parameters: Parameters) -> Parameters:
        """The few parameters that stand for all of them."""
        reference = self._effects.new_token()
        value = {"parameters": parameters.pairs()}
        self._shelf.put(_KIND, reference, value, expires_at=self._effects.now() + POSTED_SECONDS)
        return Parameters([("client_id", parameters.get("client_id")), ("request_uri", PREFIX + reference)])

    def expand(self, parameters: Parameters) -> Parameters:
        """As posted, where these stand for others. Raises ProtocolError when that was used or is over."""
        request_uri = parameters.find("request_uri") or ""
        if not request_uri.startswith(PREFIX):
            return parameters
        value = self._shelf.take(_KIND, request_uri.removeprefix(PREFIX))
        if value is None:
            raise ProtocolError(
                ErrorCode.INVALID_REQUEST_URI,
                "The request URI is not valid.",
                detail="posted, and used or over",
            )
        return Parameters((name, text) for name, text in value["parameters"])
