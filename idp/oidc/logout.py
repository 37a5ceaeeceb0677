"""RP-Initiated Logout 1.0: an application asks that the person be signed out.

Whoever shows an ID token of the session that is open here is obeyed at once; anybody else, and every bare
GET, makes us ask the person, so that no image or link can sign them out. A redirect happens only to a
registered URI, exactly as registered, of a client that is certain. `logout_hint` changes nothing: the browser
says better who is to be signed out. Not here: ending the session (`login/flow.py`), telling other
applications (`backchannel.py`).
"""

from dataclasses import dataclass
from typing import Final

from idp.crypto import token_hash
from idp.effects import Effects
from idp.login.sessions import SignedIn
from idp.models.clients import Client
from idp.oidc.authorization_request import with_query
from idp.oidc.clients import Clients
from idp.oidc.errors import ErrorCode, ProtocolError
from idp.oidc.id_tokens import Hint, IdTokens
from idp.oidc.jose import TokenError
from idp.oidc.requests import Parameters, refuse_duplicates
from idp.storage.ephemeral import Shelf

PENDING_SECONDS: Final = 30 * 60.0
_KIND: Final = "logout-request"


@dataclass(frozen=True, slots=True)
class LogoutRequest:
    """`leads_to` is where the browser goes after, state included; None is our own page."""

    client_id: str | None = None
    client_name: str | None = None
    leads_to: str | None = None


@dataclass(frozen=True, slots=True)
class AskFirst:
    """Show the confirmation page; its form posts to `/logout/<request_id>`."""

    request_id: str
    request: LogoutRequest


@dataclass(frozen=True, slots=True)
class EndNow:
    """End the session, if there is one, and go where the request leads."""

    request: LogoutRequest


class Logout:
    def __init__(self, *, clients: Clients, id_tokens: IdTokens, shelf: Shelf, effects: Effects) -> None:
        self._clients = clients
        self._id_tokens = id_tokens
        self._shelf = shelf
        self._effects = effects

    def begin(self, parameters: Parameters, signed_in: SignedIn | None, *, browser: str) -> AskFirst | EndNow:
        """Raises ProtocolError for what must be shown on an error page."""
        refuse_duplicates(parameters)
        hint = self._read_hint(parameters)
        request = self._read(parameters, hint)
        if signed_in is None or (hint is not None and _is_of(hint, signed_in)):
            return EndNow(request)
        request_id = self._effects.new_id()
        value = {
            "browser": token_hash(browser),
            "session": signed_in.session_id,
            "request": [request.client_id, request.client_name, request.leads_to],
        }
        self._shelf.put(_KIND, request_id, value, expires_at=self._effects.now() + PENDING_SECONDS)
        return AskFirst(request_id, request)

    def confirm(self, request_id: str, signed_in: SignedIn | None, *, browser: str) -> LogoutRequest | None:
        """The person pressed the button: None when it was for another session or browser, or too long ago."""
        value = self._shelf.take(_KIND, request_id)
        if value is None or value["browser"] != token_hash(browser):
            return None
        if signed_in is not None and value["session"] != signed_in.session_id:
            return None
        return LogoutRequest(*value["request"])

    def _read(self, parameters: Parameters, hint: Hint | None) -> LogoutRequest:
        client = self._find_client(parameters.find("client_id"), hint)
        uri = parameters.find("post_logout_redirect_uri")
        if uri is None:
            return LogoutRequest(*(_named(client)))
        if client is None or not _may_be_led_to(uri, client):
            # Section 3: "MUST NOT perform post-logout redirection" to what is not registered
            raise ProtocolError(ErrorCode.INVALID_REQUEST, "The address to go to after is not registered.")
        state = parameters.find("state")
        return LogoutRequest(
            *_named(client), with_query(uri, (("state", state),) if state is not None else ())
        )

    def _read_hint(self, parameters: Parameters) -> Hint | None:
        text = parameters.find("id_token_hint")
        if text is None:
            return None
        try:
            return self._id_tokens.read_hint(text)
        except TokenError as error:
            raise ProtocolError(
                ErrorCode.INVALID_REQUEST, "The ID token hint is not valid.", detail=str(error)
            ) from None

    def _find_client(self, client_id: str | None, hint: Hint | None) -> Client | None:
        """Section 2: when both are there, the OP "MUST verify that the Client Identifier matches"."""
        if hint is not None and client_id is not None and client_id not in hint.client_ids:
            raise ProtocolError(ErrorCode.INVALID_REQUEST, "The ID token hint was issued to another client.")
        client_id = client_id or (hint.client_ids[0] if hint is not None else None)
        return self._clients.get(client_id) if client_id is not None else None


def _may_be_led_to(uri: str, client: Client) -> bool:
    return not client.disabled and uri in client.registered.get("post_logout_redirect_uris", ())


def _is_of(hint: Hint, signed_in: SignedIn) -> bool:
    """A session is one person's for as long as it lasts, whatever its `sub` is to this client."""
    return hint.session_id == signed_in.session_id


def _named(client: Client | None) -> tuple[str | None, str | None]:
    return (client.client_id, client.name) if client is not None else (None, None)
