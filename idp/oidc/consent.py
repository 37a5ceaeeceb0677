"""What a person lets an application of another organisation have. Our own applications are not asked about.

Remembered for each person and client as a set of scopes; asked again when more is wanted, or when the client
says so (`prompt=consent`) or names authorization details (RFC 9396). Not here: the page.
"""

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Protocol

from idp.effects import Effects
from idp.events import Event, EventType
from idp.login.permissions import take_back
from idp.models.clients import Client
from idp.models.grants import Consent
from idp.oidc.authorization_details import Details
from idp.oidc.authorization_request import AuthorizationRequest, Prompt
from idp.oidc.scopes import TEXTS, Scope, ScopeText
from idp.storage.database import Database


@dataclass(frozen=True, slots=True)
class Decider:
    """Who decided, where: for the audit trail."""

    user_id: str
    session_id: str
    address: str


class Asking(Protocol):
    """A request as far as consent goes: one that came to the authorization endpoint, or a device's."""

    @property
    def client_id(self) -> str: ...

    @property
    def consent_scopes(self) -> tuple[str, ...]: ...

    @property
    def authorization_details(self) -> Details: ...


class Consents:
    def __init__(self, database: Database, effects: Effects) -> None:
        self._database = database
        self._effects = effects

    def is_needed(self, request: AuthorizationRequest, client: Client, user_id: str) -> bool:
        if client.first_party:
            return False
        if request.wants(Prompt.CONSENT) or request.authorization_details:
            # What details say differs each time, so an earlier yes says nothing about them.
            return True
        return not self.covers(request.consent_scopes, client, user_id)

    def covers(self, scopes: Iterable[str], client: Client, user_id: str) -> bool:
        """Whether the person lets the client have these now."""
        if client.first_party:
            return True
        with self._database.read() as work:
            given = work.grants.find_consent(user_id, client.client_id)
        return given is not None and set(scopes) <= set(given.scopes)

    def give(self, request: Asking, decider: Decider) -> None:
        now = self._effects.now()
        with self._database.begin() as work:
            before = work.grants.find_consent(decider.user_id, request.client_id)
            scopes = dict.fromkeys([*(before.scopes if before is not None else ()), *request.consent_scopes])
            work.grants.save_consent(
                Consent(
                    user_id=decider.user_id, client_id=request.client_id, scopes=list(scopes), granted_at=now
                )
            )
            work.audit.append(_event(EventType.CONSENT_GIVEN, request, decider))

    def refuse(self, request: Asking, decider: Decider) -> None:
        with self._database.begin() as work:
            work.audit.append(_event(EventType.CONSENT_REFUSED, request, decider))

    def withdraw(self, client_id: str, decider: Decider) -> bool:
        """Takes it back with every token that came of it, and says so to the application; False for none."""
        now = self._effects.now()
        with self._database.begin() as work:
            if not take_back(work, decider.user_id, client_id, now):
                return False
            work.audit.append(
                Event(
                    type=EventType.CONSENT_WITHDRAWN,
                    user_id=decider.user_id,
                    actor_id=decider.user_id,
                    client_id=client_id,
                    session_id=decider.session_id,
                    address=decider.address,
                )
            )
        return True


def texts_of(scopes: Iterable[str]) -> list[ScopeText]:
    """What the page lists; a scope of a resource server of ours is told by its name."""
    return [TEXTS[Scope(scope)] if scope in set(Scope) else ScopeText(scope) for scope in scopes]


def _types_of(request: Asking) -> str:
    return " ".join(dict.fromkeys(str(detail["type"]) for detail in request.authorization_details))


def _event(event_type: EventType, request: Asking, decider: Decider) -> Event:
    return Event(
        type=event_type,
        user_id=decider.user_id,
        actor_id=decider.user_id,
        client_id=request.client_id,
        session_id=decider.session_id,
        address=decider.address,
        detail={
            "scope": " ".join(request.consent_scopes),
            **({"details": _types_of(request)} if request.authorization_details else {}),
        },
    )
