"""A client reads, replaces and removes its own registration (RFC 7592): `/register/<client_id>`.

It shows the registration access token it was given, which is another one after each change. Clients that an
operator added have none. A client that is disabled is told what one that never was is told: no token brings
it back. Not here: registering (`registration.py`).
"""

import hmac
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Final

from idp.crypto import token_hash
from idp.events import EventType
from idp.models.clients import Client
from idp.oidc import client_secrets
from idp.oidc.client_metadata import Accepted, Registration
from idp.oidc.core import Core
from idp.oidc.errors import ErrorCode, ProtocolError
from idp.oidc.registration import (
    information,
    is_held_to_pkce,
    read_token,
    refuse_token,
    registration_event,
)
from idp.oidc.registration_documents import Intake, read_document
from idp.oidc.requests import NO_STORE, Request, Response, json_response

ADDRESSES: Final = "/register/"
"""Below it, each client registered over HTTP has its own."""
_NOBODYS: Final = token_hash("nobody has this token")
_NOT_ITS_TO_SAY: Final = (
    *("registration_access_token", "registration_client_uri"),
    *("client_secret_expires_at", "client_id_issued_at"),
)


@dataclass(frozen=True, slots=True)
class Owner:
    """A client that has shown its registration access token."""

    client: Client
    token: str = field(repr=False)


class ClientConfiguration:
    def __init__(self, core: Core, intake: Intake) -> None:
        self._core = core
        self._intake = intake

    def read(self, request: Request) -> Response:
        """Section 2.1. The secret was told once and is not known here any more."""
        owner = self._owner(request)
        return json_response(
            information(self._core.options.issuer, Registration(owner.client, None), owner.token)
        )

    def replace(self, request: Request) -> Response:
        """Section 2.2: what is left out is gone, as if it had never been registered."""
        owner, core = self._owner(request), self._core
        document = read_document(request)
        require_own_names(document, owner.client, now=core.effects.now())
        accepted = self._intake.accept(document, _own(owner.client))
        token, now = core.effects.new_token(), core.effects.now()
        secret, renewed = self._secrets_of(owner.client, accepted)
        changes: dict[str, Any] = {
            "registered": accepted.registered,
            "name": accepted.name_of(owner.client.client_id),
            "kind": accepted.kind.value,
            "sector": accepted.sector,
            "pkce_required": owner.client.pkce_required or is_held_to_pkce(accepted),
            "registration_token_hash": token_hash(token),
            **renewed,
        }
        client_id = owner.client.client_id
        with core.database.begin() as work:
            if not work.clients.reregister(client_id, token_hash(owner.token), changes):
                raise refuse_token("changed, disabled or removed meanwhile")
            if accepted.sector != owner.client.sector:
                # From now on people have other names for this client; what used the old ones ends.
                work.grants.revoke_families_of_client(client_id, now)
            work.audit.append(registration_event(EventType.CLIENT_CHANGED, owner.client, request))
        changed = Client(
            client_id=client_id,
            name=str(changes["name"]),
            created_at=owner.client.created_at,
            registered=accepted.registered,
        )
        return json_response(information(core.options.issuer, Registration(changed, secret), token))

    def remove(self, request: Request) -> Response:
        """Section 2.3: with every grant and token that came of it."""
        owner = self._owner(request)
        with self._core.database.begin() as work:
            if not work.clients.remove(owner.client.client_id, token_hash(owner.token)):
                raise refuse_token("changed, disabled or removed meanwhile")
            work.audit.append(registration_event(EventType.CLIENT_REMOVED, owner.client, request))
        return Response(204, NO_STORE)

    def _owner(self, request: Request) -> Owner:
        """Unknown, disabled, an operator's, or a wrong token: all read the same and take as long."""
        token = read_token(request)
        client = self._core.clients.find(request.path.removeprefix(ADDRESSES))
        usable = client is not None and not client.disabled
        known = client.registration_token_hash if client is not None and usable else None
        right = hmac.compare_digest(token_hash(token), known or _NOBODYS)
        if client is None or known is None or not right:
            raise refuse_token("no such registration, or another token")
        return Owner(client, token)

    def _secrets_of(self, client: Client, accepted: Accepted) -> tuple[str | None, dict[str, Any]]:
        """A new secret for who needs one and has none, and the columns to change; who has one keeps it,
        unread, so that one an operator has just ended does not come back.
        """
        wanted, core = accepted.registered, self._core
        if not client_secrets.needs_secret(wanted):
            return None, {"secrets": [], "mac_secret_sealed": None}
        signs = client_secrets.signs_with_secret(wanted)
        if client.secrets and (client.mac_secret_sealed is not None or not signs):
            return None, {} if signs else {"mac_secret_sealed": None}
        secret, now = client_secrets.make_secret(wanted, core.effects), core.effects.now()
        anew = Client(client_id=client.client_id, name=client.name, created_at=now, registered=wanted)
        kept = client_secrets.keep_first(anew, secret, now=now, vault=core.vault)
        return secret, {"secrets": kept.secrets, "mac_secret_sealed": kept.mac_secret_sealed}


def _own(client: Client) -> dict[str, Any]:
    """What an operator may have tightened since, and no registration loosens."""
    return {"profile": client.profile, "pkce_required": client.pkce_required}


def require_own_names(document: Mapping[str, Any], client: Client, *, now: float) -> None:
    """Section 2.2: who it is must be said and be right; what is ours to say must not be said."""
    if document.get("client_id") != client.client_id:
        raise _unfit("client_id must be that of the registration")
    for name in _NOT_ITS_TO_SAY:
        if name in document:
            raise _unfit(f"{name} must not be included")
    secret = document.get("client_secret")
    if secret is not None and not client_secrets.secret_is_right(client, str(secret), now):
        raise _unfit("client_secret must be the one that was issued")


def _unfit(description: str) -> ProtocolError:
    return ProtocolError(ErrorCode.INVALID_CLIENT_METADATA, description)
