"""Client metadata as it is handed over (RFC 7591 section 2, OpenID Connect Registration 2), and our own.

Members we do not understand are ignored, as RFC 7591 asks; those that ask for something we would not do are
refused, because a client must not believe it has what it has not. What RFC 7591 does not know stands in one
member, `visvaris`. Not here: what of it is for operators alone, and registration over HTTP
(`registration.py`).
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from types import MappingProxyType
from typing import Any, Final

from idp.effects import Effects
from idp.gateways.outbound import Outbound
from idp.models.clients import Client, ClientKind, Profile
from idp.oidc import (
    authorization_details,
    client_auth_metadata,
    client_secrets,
    encryption,
    fapi2,
    implicit,
    request_objects,
    scopes,
)
from idp.oidc import metadata_values as values
from idp.oidc.auth_methods import AuthMethod
from idp.oidc.client_keys import import_keys
from idp.oidc.discovery import GRANT_TYPES, SUBJECT_TYPES
from idp.oidc.errors import ErrorCode, ProtocolError
from idp.oidc.grant_types import DEVICE_CODE, IMPLICIT, TOKEN_EXCHANGE
from idp.oidc.keys import ALGORITHMS
from idp.oidc.redirect_uris import UnfitRedirectUriError, require_registrable
from idp.oidc.response_types import read_response_type
from idp.oidc.sectors import sector_of
from idp.storage.vault import Vault

OWN_MEMBER: Final = "visvaris"
NOTHING: Final[Mapping[str, Any]] = MappingProxyType({})

_RENEWABLE: Final = ("authorization_code", DEVICE_CODE)
"""Grant types by which somebody signs in for longer than a few minutes."""
_OF_PEOPLE: Final = (*_RENEWABLE, IMPLICIT)
"""Grant types by which somebody signs in."""
_CONFIDENTIAL: Final = ("client_credentials", TOKEN_EXCHANGE)
"""Grant types by which a client asks for itself, and so must be able to prove that it is itself."""

_NOT_DONE: Final = frozenset(
    {
        *("frontchannel_logout_uri",),
        *("introspection_encrypted_response_alg", "introspection_encrypted_response_enc"),
        *("authorization_encrypted_response_alg", "request_object_encryption_alg"),
    }
)


@dataclass(frozen=True, slots=True)
class Accepted:
    """Metadata found in order, complete with defaults, and what follows from it."""

    registered: dict[str, Any]
    sector: str | None

    @property
    def kind(self) -> ClientKind:
        if self.registered["application_type"] == "native":
            return ClientKind.INSTALLED
        return ClientKind.WEB if _signs_people_in(self.registered["grant_types"]) else ClientKind.SERVICE

    def name_of(self, client_id: str) -> str:
        return str(self.registered.get("client_name", client_id))


@dataclass(frozen=True, slots=True)
class Registration:
    """A client as accepted; `secret` is told once and kept only as a hash."""

    client: Client
    secret: str | None = field(repr=False)


def accept(
    document: Mapping[str, Any],
    outbound: Outbound,
    own: Mapping[str, Any] = NOTHING,
    *,
    offers_implicit: bool = False,
) -> Accepted:
    """`own`: what an operator says beside it. Raises ProtocolError that names the member which is wrong."""
    asked_too_much = sorted(
        name for name in _NOT_DONE & set(document) if document[name] not in (None, False, [])
    )
    if asked_too_much:
        raise _unfit(f"{asked_too_much[0]} is not supported")
    accepted = {name: _read(name, document[name]) for name in MEMBERS if document.get(name) is not None}
    registered = {**_defaults(accepted), **fapi2.defaults(own), **accepted}
    _require_consistent(registered, own)
    if unfit := implicit.broken_rule(registered, own, offered=offers_implicit):
        raise _unfit(unfit)
    return Accepted(registered, sector_of(registered, outbound))


def register(
    document: Mapping[str, Any],
    effects: Effects,
    *,
    vault: Vault | None = None,
    outbound: Outbound | None = None,
    offers_implicit: bool = False,
) -> Registration:
    """As an operator does. Without `outbound`, nothing private is fetched. Raises ProtocolError.

    `vault` keeps the secret of a client that signs with it (`client_secret_jwt`); without one it is refused.
    """
    own = _read_own(document.get(OWN_MEMBER, {}))
    accepted = accept(document, outbound or Outbound(), own, offers_implicit=offers_implicit)
    return make(accepted, effects, vault, **own)


def make(accepted: Accepted, effects: Effects, vault: Vault | None, **own: Any) -> Registration:
    """A client not yet stored; `own` are columns that RFC 7591 knows nothing of. Raises ProtocolError."""
    now, client_id, registered = effects.now(), effects.new_id(), accepted.registered
    client = Client(
        client_id=client_id,
        name=accepted.name_of(client_id),
        created_at=now,
        registered=registered,
        kind=accepted.kind.value,
        sector=accepted.sector,
        **own,
    )
    if not client_secrets.needs_secret(registered):
        return Registration(client, None)
    if vault is None and client_secrets.signs_with_secret(registered):
        raise _unfit("token_endpoint_auth_method: client_secret_jwt is not supported here")
    secret = client_secrets.make_secret(registered, effects)
    kept = client_secrets.keep_first(client, secret, now=now, vault=vault)
    client.secrets, client.mac_secret_sealed = kept.secrets, kept.mac_secret_sealed
    return Registration(client, secret)


def response(registration: Registration) -> dict[str, Any]:
    """RFC 7591 section 3.2.1: all registered metadata, and the credentials."""
    client = registration.client
    issued = {"client_id": client.client_id, "client_id_issued_at": int(client.created_at)}
    if registration.secret is not None:
        issued |= {"client_secret": registration.secret, "client_secret_expires_at": 0}
    return {**issued, **client.registered}


def _defaults(accepted: Mapping[str, Any]) -> dict[str, Any]:
    grant_types = accepted.get("grant_types", ["authorization_code"])
    default_scopes = list(scopes.DEFAULT) if _signs_people_in(grant_types) else []
    if "refresh_token" in grant_types:
        default_scopes.append(scopes.Scope.OFFLINE_ACCESS.value)
    content = {
        what.enc_member: encryption.DEFAULT_CONTENT_ALGORITHM
        for what in encryption.Sealed
        if what.alg_member in accepted
    }
    return {
        "token_endpoint_auth_method": AuthMethod.BASIC.value,
        "grant_types": ["authorization_code"],
        "response_types": ["code"] if "authorization_code" in grant_types else [],
        "application_type": "web",
        "scope": " ".join(default_scopes),
        "id_token_signed_response_alg": "RS256",
        **content,
    }


def _require_consistent(registered: Mapping[str, Any], own: Mapping[str, Any]) -> None:
    grant_types, method = registered["grant_types"], registered["token_endpoint_auth_method"]
    uses_codes = "authorization_code" in grant_types
    if (uses_codes or IMPLICIT in grant_types) and not registered.get("redirect_uris"):
        raise ProtocolError(ErrorCode.INVALID_REDIRECT_URI, "redirect_uris must hold at least one URI")
    if uses_codes != ("code" in registered["response_types"]):
        raise _unfit("response_types must be code exactly when grant_types has authorization_code")
    _require_grants_fit(grant_types, method)
    if unfit := client_auth_metadata.broken_rule(registered) or fapi2.broken_rule(registered, own):
        raise _unfit(unfit)
    if registered.get("require_signed_request_object") and {"jwks", "jwks_uri"}.isdisjoint(registered):
        raise _unfit("require_signed_request_object needs the keys in jwks or at jwks_uri")
    if "backchannel_logout_uri" in registered and not _signs_people_in(grant_types):
        raise _unfit(f"backchannel_logout_uri needs the grant type {' or '.join(_OF_PEOPLE)}")
    _require_encryption_keys(registered)
    installed = registered["application_type"] == "native"
    for name in ("redirect_uris", "post_logout_redirect_uris"):
        for uri in registered.get(name, ()):
            _require_redirect_uri(uri, installed=installed)


def _require_grants_fit(grant_types: Sequence[str], method: str) -> None:
    if "refresh_token" in grant_types and not any(name in grant_types for name in _RENEWABLE):
        raise _unfit(f"the grant type refresh_token needs {' or '.join(_RENEWABLE)}")
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


def _require_encryption_keys(registered: Mapping[str, Any]) -> None:
    jwks = registered.get("jwks")
    keys = import_keys(jwks) if jwks is not None else []
    try:
        encryption.require_consistent(registered, None if "jwks_uri" in registered else keys)
    except ValueError as error:
        raise _unfit(str(error)) from None


MEMBERS: Final[Mapping[str, Callable[[object], Any]]] = {
    "redirect_uris": values.list_of(values.uri),
    "post_logout_redirect_uris": values.list_of(values.uri),
    "backchannel_logout_uri": values.notified,
    "backchannel_logout_session_required": values.flag,
    **client_auth_metadata.MEMBERS,
    "grant_types": values.list_of(values.one_of(*GRANT_TYPES, IMPLICIT)),
    "response_types": values.list_of(read_response_type),
    "client_name": values.text,
    "client_uri": values.page,
    "logo_uri": values.page,
    "policy_uri": values.page,
    "tos_uri": values.page,
    "initiate_login_uri": values.page,
    "contacts": values.list_of(values.text),
    "scope": values.scopes,
    "sector_identifier_uri": values.page,
    "software_id": values.text,
    "software_version": values.text,
    "application_type": values.one_of("web", "native"),
    "subject_type": values.one_of(*SUBJECT_TYPES),
    "id_token_signed_response_alg": values.one_of(*ALGORITHMS),
    "introspection_signed_response_alg": values.one_of(*ALGORITHMS),
    "userinfo_signed_response_alg": values.one_of(*ALGORITHMS),
    **{what.alg_member: values.one_of(*encryption.KEY_ALGORITHMS) for what in encryption.Sealed},
    **{what.enc_member: values.one_of(*encryption.CONTENT_ALGORITHMS) for what in encryption.Sealed},
    "request_uris": values.list_of(values.request_uri),
    "request_object_signing_alg": values.one_of(*request_objects.ALGORITHMS),
    "require_signed_request_object": values.flag,
    "require_pushed_authorization_requests": values.flag,
    "authorization_signed_response_alg": values.one_of(*ALGORITHMS),
    "authorization_details_types": values.list_of(values.one_of(*authorization_details.TYPES)),
    "default_max_age": values.seconds,
    "require_auth_time": values.flag,
    "default_acr_values": values.list_of(values.acr),
    "dpop_bound_access_tokens": values.flag,
    "tls_client_certificate_bound_access_tokens": values.flag,
}

_OWN_MEMBERS: Final[Mapping[str, Callable[[object], Any]]] = {
    "profile": values.one_of(*(profile.value for profile in Profile)),
    "first_party": values.flag,
    "pkce_required": values.flag,
    "dpop_nonce": values.flag,
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
        return MEMBERS[name](value)
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
