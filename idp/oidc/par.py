"""Pushed authorization requests (RFC 9126): the client hands its request over before the browser comes.

Judged here as it would be at `/authorize`, and once more there. Public clients may push too: what they push
is bound to nothing but their name. Not here: keeping it (`pushed_requests.py`), client authentication.
"""

from dataclasses import replace
from typing import Final

from idp.models.clients import Client
from idp.oidc import authorize_checks as checks
from idp.oidc.authorization_request import PARAMETERS
from idp.oidc.authorize_checks import Asked, Channel
from idp.oidc.authorize_reading import RequestReader
from idp.oidc.pushed_requests import PUSHED_SECONDS, PushedRequests
from idp.oidc.request_sources import Sources
from idp.oidc.requests import Parameters, Request, Response, json_response
from idp.oidc.senders import Senders

_SOURCES: Final = frozenset({"request", "request_uri"})


class PushedAuthorization:
    def __init__(
        self,
        *,
        reader: RequestReader,
        sources: Sources,
        pushed: PushedRequests,
        senders: Senders,
    ) -> None:
        self._reader = reader
        self._sources = sources
        self._pushed = pushed
        self._senders = senders

    def respond(self, request: Request, client: Client) -> Response:
        """Raises ProtocolError."""
        posted = Asked(request_parameters(request.form, client), client, Channel.PUSHED)
        asked = self._sources.at_par(posted)
        named = asked.parameters.find("dpop_jkt")
        asked = bind(asked, self._senders.key_of_code(request, client, asked=named))
        checks.hold(checks.BEFORE_REDIRECT, asked)
        self._reader.read(asked)
        body = {"request_uri": self._pushed.keep(asked), "expires_in": int(PUSHED_SECONDS)}
        return json_response(body, status=201)


def request_parameters(form: Parameters, client: Client) -> Parameters:
    """What of the form is the authorization request; how the client proved itself is never kept."""
    kept = [(name, text) for name, text in form.pairs() if name in PARAMETERS | _SOURCES]
    return Parameters(kept if form.has("client_id") else [*kept, ("client_id", client.client_id)])


def bind(asked: Asked, jkt: str | None) -> Asked:
    """To the key that was named or proven (RFC 9449 section 10.1)."""
    if jkt is None or asked.parameters.find("dpop_jkt") == jkt:
        return asked
    return replace(asked, parameters=Parameters([*asked.parameters.pairs(), ("dpop_jkt", jkt)]))
