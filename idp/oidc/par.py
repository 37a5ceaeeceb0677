"""Pushed authorization requests (RFC 9126): the client hands its request over before the browser comes.

Judged here as it would be at `/authorize`, and once more there. Public clients may push too: what they push
is bound to nothing but their name. Not here: keeping it (`pushed_requests.py`), client authentication.
"""

from collections.abc import Callable
from dataclasses import replace
from typing import Final

from idp.models.clients import Client
from idp.oidc import authorize_checks as checks
from idp.oidc.authorization_request import PARAMETERS
from idp.oidc.authorize_checks import Asked, Channel
from idp.oidc.authorize_reading import RequestReader
from idp.oidc.errors import ErrorCode, ProtocolError
from idp.oidc.pushed_requests import PUSHED_SECONDS, PushedRequests
from idp.oidc.request_sources import Sources
from idp.oidc.requests import Parameters, Request, Response, json_response

ProvenKey = Callable[[Request], str | None]
"""The thumbprint of the key whose possession a request proved (RFC 9449 section 10.1), if it proved any."""

_SOURCES: Final = frozenset({"request", "request_uri"})


def no_key(_request: Request) -> None:
    """Proof of possession is not looked for."""


class PushedAuthorization:
    def __init__(
        self,
        *,
        reader: RequestReader,
        sources: Sources,
        pushed: PushedRequests,
        proven_key: ProvenKey = no_key,
    ) -> None:
        self._reader = reader
        self._sources = sources
        self._pushed = pushed
        self._proven_key = proven_key

    def respond(self, request: Request, client: Client) -> Response:
        """Raises ProtocolError."""
        posted = Asked(request_parameters(request.form, client), client, Channel.PUSHED)
        asked = self._sources.at_par(posted)
        asked = bind(asked, bound_key(asked.parameters.find("dpop_jkt"), self._proven_key(request)))
        checks.hold(checks.BEFORE_REDIRECT, asked)
        self._reader.read(asked)
        body = {"request_uri": self._pushed.keep(asked), "expires_in": int(PUSHED_SECONDS)}
        return json_response(body, status=201)


def request_parameters(form: Parameters, client: Client) -> Parameters:
    """What of the form is the authorization request; how the client proved itself is never kept."""
    kept = [(name, text) for name, text in form.pairs() if name in PARAMETERS | _SOURCES]
    return Parameters(kept if form.has("client_id") else [*kept, ("client_id", client.client_id)])


def bound_key(dpop_jkt: str | None, proven: str | None) -> str | None:
    """RFC 9449 section 10.1: the key named and the key proven, where both are there, are the same one."""
    if dpop_jkt is not None and proven is not None and dpop_jkt != proven:
        raise ProtocolError(
            ErrorCode.INVALID_DPOP_PROOF, "The DPoP proof is by another key than dpop_jkt names."
        )
    return dpop_jkt or proven


def bind(asked: Asked, jkt: str | None) -> Asked:
    if jkt is None or asked.parameters.find("dpop_jkt") == jkt:
        return asked
    return replace(asked, parameters=Parameters([*asked.parameters.pairs(), ("dpop_jkt", jkt)]))
