"""Clients that register themselves (RFC 7591 section 3, OpenID Connect Registration 3): `/register`.

Who may is the operator's choice: nobody, whoever holds an initial access token, or anybody, slowed down by
address. What registers here is of another organisation: people are asked for consent, and nothing of what
only operators grant is had. Not here: what it may say (`registration_documents.py`), changing it afterwards
(`registration_management.py`).
"""

import math
from typing import Any, Final

from idp.crypto import token_hash
from idp.events import Event, EventType
from idp.login.limits import network_of
from idp.models.clients import Client, InitialAccessToken
from idp.oidc.client_metadata import Accepted, Registration, make, response
from idp.oidc.core import Core
from idp.oidc.errors import ErrorCode, ProtocolError
from idp.oidc.options import RegistrationMode
from idp.oidc.registration_documents import Intake, read_document
from idp.oidc.requests import Request, Response, json_response
from idp.storage.throttle import Bucket, Throttle

OPEN_REGISTRATIONS: Final = Bucket(
    "registration", free=60, base_seconds=2, cap_seconds=60, forget_seconds=600
)
_REALM: Final = 'Bearer realm="visvaris registration"'


class Registrations:
    def __init__(self, core: Core, intake: Intake, throttle: Throttle) -> None:
        self._core = core
        self._intake = intake
        self._throttle = throttle

    def register(self, request: Request) -> Response:
        """The token is looked at before anything else is done, and used up only by a client that is kept."""
        core, leave = self._core, self._leave_to_register(request)
        accepted = self._intake.accept(read_document(request))
        made = make(accepted, core.effects, core.vault, pkce_required=is_held_to_pkce(accepted))
        token = core.effects.new_token()
        made.client.registration_token_hash = token_hash(token)
        now = core.effects.now()
        with core.database.begin() as work:
            if leave is not None and not work.initial_tokens.use(leave.token_hash, now):
                raise refuse_token("used up, or over, meanwhile")
            work.clients.add(made.client)
            note = leave.note if leave is not None else ""
            work.audit.append(
                registration_event(EventType.CLIENT_REGISTERED, made.client, request, note=note)
            )
        return json_response(information(core.options.issuer, made, token), status=201)

    def _leave_to_register(self, request: Request) -> InitialAccessToken | None:
        """The initial access token, where one is needed. Raises ProtocolError."""
        if self._core.options.registration is RegistrationMode.OPEN:
            seconds = self._throttle.charge(OPEN_REGISTRATIONS, network_of(request.remote))
            if seconds > 0:
                raise _too_many(seconds)
            return None
        token = read_token(request)
        with self._core.database.read() as work:
            found = work.initial_tokens.find_usable(token_hash(token), self._core.effects.now())
        if found is None:
            raise refuse_token("no such initial access token, or used up, or over")
        return found


def is_held_to_pkce(accepted: Accepted) -> bool:
    """A plain OpenID Connect client that keeps a secret or a key may do without; others may not."""
    method = accepted.registered["token_endpoint_auth_method"]
    return bool(method == "none" or accepted.registered["application_type"] == "native")


def information(issuer: str, registration: Registration, token: str) -> dict[str, Any]:
    """RFC 7592 section 3: the registration, and how to manage it."""
    return {
        **response(registration),
        "registration_access_token": token,
        "registration_client_uri": f"{issuer}/register/{registration.client.client_id}",
    }


def read_token(request: Request) -> str:
    """RFC 6750 section 2.1, and no other way. Raises ProtocolError."""
    scheme, _, token = request.headers.get("authorization", "").partition(" ")
    if scheme.lower() != "bearer" or not token.strip():
        raise ProtocolError(
            ErrorCode.INVALID_TOKEN,
            "An access token for registration is needed.",
            status=401,
            headers=(("WWW-Authenticate", _REALM),),
        )
    return token.strip()


def refuse_token(detail: str) -> ProtocolError:
    challenge = f'{_REALM}, error="invalid_token"'
    return ProtocolError(
        ErrorCode.INVALID_TOKEN,
        "The access token is not valid.",
        detail=detail,
        status=401,
        headers=(("WWW-Authenticate", challenge),),
    )


def registration_event(event_type: EventType, client: Client, request: Request, *, note: str = "") -> Event:
    """`note`: of the initial access token that gave leave."""
    return Event(
        type=event_type,
        client_id=client.client_id,
        actor_id=client.client_id,
        address=request.remote,
        detail={"client_name": client.name[:100], **({"note": note[:200]} if note else {})},
    )


def _too_many(seconds: float) -> ProtocolError:
    return ProtocolError(
        ErrorCode.TOO_MANY,
        "Too many registrations from this address; try again later.",
        status=429,
        headers=(("Retry-After", str(math.ceil(seconds))),),
    )
