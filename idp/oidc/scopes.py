"""Scopes: which there are, what a person is told of them, and which of those asked for a client may have.

Scopes of our own applications as resource servers (`agreements:read`) are not listed here: a client's
registration is what makes them exist.
"""

from collections.abc import Iterable
from dataclasses import dataclass
from enum import StrEnum
from functools import lru_cache
from typing import Final

from idp.models.clients import Client
from idp.oidc.errors import ErrorCode, ProtocolError
from idp.words import N_


class Scope(StrEnum):
    OPENID = "openid"
    PROFILE = "profile"
    EMAIL = "email"
    PHONE = "phone"
    ADDRESS = "address"
    OFFLINE_ACCESS = "offline_access"
    EMPLOYMENT = "employment"
    PERSON_CODE = "person_code"
    VERIFIED_IDENTITY = "verified_identity"


@dataclass(frozen=True, slots=True)
class ScopeText:
    """Messages to be translated where they are shown."""

    title: str
    description: str = ""


TEXTS: Final = {
    Scope.OPENID: ScopeText(
        N_("Who you are"), N_("An identifier by which the application recognises you again.")
    ),
    Scope.PROFILE: ScopeText(
        N_("Your name"), N_("Given name, family name, username and other profile data.")
    ),
    Scope.EMAIL: ScopeText(N_("Your e-mail address")),
    Scope.PHONE: ScopeText(N_("Your phone number")),
    Scope.ADDRESS: ScopeText(N_("Your address")),
    Scope.OFFLINE_ACCESS: ScopeText(
        N_("Access while you are away"), N_("The application keeps its access after you have logged out.")
    ),
    Scope.EMPLOYMENT: ScopeText(N_("Your post"), N_("Municipality, unit, position and roles.")),
    Scope.PERSON_CODE: ScopeText(N_("Your personal code")),
    Scope.VERIFIED_IDENTITY: ScopeText(
        N_("Your confirmed identity"),
        N_("Given name and family name as they were confirmed, and when and how that was done."),
    ),
}

STANDARD: Final = frozenset(scope.value for scope in Scope)
DEFAULT: Final = ("openid", "profile", "email", "phone", "address")
"""What a client that registers no scope may ask for (RFC 7591 section 2)."""


def registered_scopes(client: Client) -> frozenset[str]:
    return _words(str(client.registered.get("scope", "")))


@lru_cache(maxsize=1024)
def _words(text: str) -> frozenset[str]:
    return frozenset(text.split())


def grantable(requested: Iterable[str], client: Client) -> tuple[str, ...]:
    """What a person may be asked to grant, in the order requested.

    A scope nobody here understands is ignored (OpenID Connect Core 3.1.2.1); one that we know and the client
    is not registered for is an error, because leaving it out silently would surprise whoever wrote the
    client.
    """
    registered = registered_scopes(client)
    wanted = tuple(dict.fromkeys(requested))
    if any(scope in STANDARD and scope not in registered for scope in wanted):
        raise ProtocolError(ErrorCode.INVALID_SCOPE, "The client is not registered for a scope it asks for.")
    granted = tuple(scope for scope in wanted if may_have(scope, client))
    if not granted:
        raise ProtocolError(ErrorCode.INVALID_SCOPE, "No scope is asked for that could be granted.")
    return granted


def may_have(scope: str, client: Client) -> bool:
    if scope not in registered_scopes(client):
        return False
    match scope:
        case Scope.PERSON_CODE:
            return client.person_code_basis is not None
        case Scope.OFFLINE_ACCESS:
            # OpenID Connect Core 11: without a way to use it, it MUST be ignored.
            return "refresh_token" in client.registered.get("grant_types", ())
        case _:
            return True
