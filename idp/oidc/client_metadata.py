"""Client metadata as an operator hands it over (RFC 7591 section 2, OpenID Connect Registration 2), and our
own.

Members we do not understand are ignored, as RFC 7591 asks; those that ask for something we would not do are
refused, because a client must not believe it has what it has not. What RFC 7591 does not know stands in one
member, `visvaris`. Not here: registration over HTTP.
"""

import hashlib
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Final

from idp.effects import Effects, Instant
from idp.models.clients import Client, ClientKind, Profile
from idp.oidc import metadata_values as values
from idp.oidc import scopes
from idp.oidc.client_auth import ASSERTION_ALGORITHMS, AuthMethod
from idp.oidc.discovery import GRANT_TYPES
from idp.oidc.errors import ErrorCode, ProtocolError
from idp.oidc.grant_types import DEVICE_CODE, TOKEN_EXCHANGE
from idp.oidc.keys import ALGORITHMS
from idp.oidc.redirect_uris import UnfitRedirectUriError, require_registrable

OWN_MEMBER: Final = "visvaris"

_OF_PEOPLE: Final = ("authorization_code", DEVICE_CODE)
"""Grant types by which somebody signs in."""
_CONFIDENTIAL: Final = ("client_credentials", TOKEN_EXCHANGE)
"""Grant types by which a client asks for itself, and so must be able to prove that it is itself."""

_NOT_DONE: Final = frozenset(
    {
        *(
            "jwks_uri",
            "sector_identifier_uri",
            "request_uris",
            "backchannel_logout_uri",
            "frontchannel_logout_uri",
        ),
        *(
            "userinfo_signed_response_alg",
            "userinfo_encrypted_response_alg",
            "id_token_encrypted_response_alg",
        ),
        *("introspection_signed_response_alg", "authorization_signed_response_alg"),
        *(
            "request_object_signing_alg",
            "require_signed_request_object",
            "require_pushed_authorization_requests",
        ),
        *("dpop_bound_access_tokens", "tls_client_certificate_bound_access_tokens"),
    }
)


@dataclass(frozen=True, slots=True)
class Registration:
    """A client as accepted; `secret` is told once and kept only as a hash."""

    client: Client
    secret: str | None = field(repr=False)


def register(document: Mapping[str, Any], effects: Effects) -> Registration:
    """Raises ProtocolError with what is wrong, naming the member."""
    asked_too_much = sorted(
        name for name in _NOT_DONE & set(document) if document[name] not in (None, False, [])
    )
    if asked_too_much:
        raise _unfit(f"{asked_too_much[0]} is not supported")
    accepted = {name: _read(name, document[name]) for name in _MEMBERS if document.get(name) is not None}
    registered = {**_defaults(accepted), **accepted}
    _require_consistent(registered)
    own = _read_own(document.get(OWN_MEMBER, {}))
    now, client_id = effects.now(), effects.new_id()
    secret = effects.new_token() if needs_secret(registered) else None
    client = Client(
        client_id=client_id,
        name=registered.get("client_name", client_id),
        created_at=now,
        registered=registered,
        secrets=[secret_record(secret, now)] if secret is not None else [],
        kind=_kind_of(registered).value,
        **own,
    )
    return Registration(client, secret)


def response(registration: Registration) -> dict[str, Any]:
    """RFC 7591 section 3.2.1: all registered metadata, and the credentials."""
    client = registration.client
    issued = {"client_id": client.client_id, "client_id_issued_at": int(client.created_at)}
    if registration.secret is not None:
        issued |= {"client_secret": registration.secret, "client_secret_expires_at": 0}
    return {**issued, **client.registered}


def secret_record(secret: str, now: Instant, *, expires_at: Instant | None = None) -> dict[str, Any]:
    """What is kept of a secret of 256 random bits."""
    return {"hash": hashlib.sha256(secret.encode()).hexdigest(), "created_at": now, "expires_at": expires_at}


def needs_secret(registered: Mapping[str, Any]) -> bool:
    return registered["token_endpoint_auth_method"] in {AuthMethod.BASIC, AuthMethod.POST}


def _defaults(accepted: Mapping[str, Any]) -> dict[str, Any]:
    grant_types = accepted.get("grant_types", ["authorization_code"])
    default_scopes = list(scopes.DEFAULT) if _signs_people_in(grant_types) else []
    if "refresh_token" in grant_types:
        default_scopes.append(scopes.Scope.OFFLINE_ACCESS.value)
    return {
        "token_endpoint_auth_method": AuthMethod.BASIC.value,
        "grant_types": ["authorization_code"],
        "response_types": ["code"] if "authorization_code" in grant_types else [],
        "application_type": "web",
        "scope": " ".join(default_scopes),
        "id_token_signed_response_alg": "RS256",
    }


def _require_consistent(registered: Mapping[str, Any]) -> None:
    grant_types, method = registered["grant_types"], registered["token_endpoint_auth_method"]
    uses_codes = "authorization_code" in grant_types
    if uses_codes and not registered.get("redirect_uris"):
        raise ProtocolError(ErrorCode.INVALID_REDIRECT_URI, "redirect_uris must hold at least one URI")
    if uses_codes != ("code" in registered["response_types"]):
        raise _unfit("response_types must be code exactly when grant_types has authorization_code")
    _require_grants_fit(grant_types, method)
    if method == AuthMethod.PRIVATE_KEY_JWT and not registered.get("jwks"):
        raise _unfit("private_key_jwt needs the keys in jwks")
    installed = registered["application_type"] == "native"
    for name in ("redirect_uris", "post_logout_redirect_uris"):
        for uri in registered.get(name, ()):
            _require_redirect_uri(uri, installed=installed)


def _require_grants_fit(grant_types: Sequence[str], method: str) -> None:
    if "refresh_token" in grant_types and not _signs_people_in(grant_types):
        raise _unfit(f"the grant type refresh_token needs {' or '.join(_OF_PEOPLE)}")
    for name in _CONFIDENTIAL:
        if name in grant_types and method == AuthMethod.NONE:
            raise _unfit(f"the grant type {name} is for clients that authenticate")


def _signs_people_in(grant_types: Sequence[str]) -> bool:
    return any(name in grant_types for name in _OF_PEOPLE)


def _require_redirect_uri(uri: str, *, installed: bool) -> None:
    try:
        require_registrable(uri, installed=installed)
    except UnfitRedirectUriError as error:
        raise ProtocolError(ErrorCode.INVALID_REDIRECT_URI, str(error)) from None


def _kind_of(registered: Mapping[str, Any]) -> ClientKind:
    if registered["application_type"] == "native":
        return ClientKind.INSTALLED
    return ClientKind.WEB if _signs_people_in(registered["grant_types"]) else ClientKind.SERVICE


_MEMBERS: Final[Mapping[str, Callable[[object], Any]]] = {
    "redirect_uris": values.list_of(values.uri),
    "post_logout_redirect_uris": values.list_of(values.uri),
    "token_endpoint_auth_method": values.one_of(*(method.value for method in AuthMethod)),
    "token_endpoint_auth_signing_alg": values.one_of(*ASSERTION_ALGORITHMS),
    "grant_types": values.list_of(values.one_of(*GRANT_TYPES)),
    "response_types": values.list_of(values.one_of("code")),
    "client_name": values.text,
    "client_uri": values.page,
    "logo_uri": values.page,
    "policy_uri": values.page,
    "tos_uri": values.page,
    "initiate_login_uri": values.page,
    "contacts": values.list_of(values.text),
    "scope": values.scopes,
    "jwks": values.jwks,
    "software_id": values.text,
    "software_version": values.text,
    "application_type": values.one_of("web", "native"),
    "subject_type": values.one_of("public"),
    "id_token_signed_response_alg": values.one_of(*ALGORITHMS),
    "default_max_age": values.seconds,
    "require_auth_time": values.flag,
    "default_acr_values": values.list_of(values.acr),
}

_OWN_MEMBERS: Final[Mapping[str, Callable[[object], Any]]] = {
    "profile": values.one_of(*(profile.value for profile in Profile)),
    "first_party": values.flag,
    "pkce_required": values.flag,
    "minimum_level": values.level,
    "needs_employment": values.flag,
    "municipalities": values.list_of(values.atvk),
    "roles": values.list_of(values.text),
    "resources": values.list_of(values.resource),
    "audience": values.resource,
    "service_municipality": values.atvk,
    "person_code_basis": values.text,
    "tile_group": values.text,
    "tile_text": values.text,
}


def _read(name: str, value: object) -> Any:
    try:
        return _MEMBERS[name](value)
    except ValueError as error:
        raise _unfit(f"{name}: {error}") from None


def _read_own(value: object) -> dict[str, Any]:
    """Whoever writes these is an operator, and a mistyped name must not pass for a setting."""
    if not isinstance(value, dict):
        raise _unfit(f"{OWN_MEMBER} must be an object")
    unknown = sorted(set(value) - set(_OWN_MEMBERS))
    if unknown:
        raise _unfit(f"{OWN_MEMBER} has no member {unknown[0][:50]}; it has {', '.join(_OWN_MEMBERS)}")
    accepted: dict[str, Any] = {}
    for name, item in value.items():
        try:
            accepted[name] = _OWN_MEMBERS[name](item)
        except ValueError as error:
            raise _unfit(f"{OWN_MEMBER}.{name}: {error}") from None
    return accepted


def _unfit(description: str) -> ProtocolError:
    return ProtocolError(ErrorCode.INVALID_CLIENT_METADATA, description)
