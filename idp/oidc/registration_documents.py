"""What an application may say about itself over HTTP, from the request's body to metadata found in order.

Whoever comes over HTTP is of another organisation until an operator says otherwise: what only an operator
grants is refused by name, never left out in silence. Not here: who may come at all (`registration.py`), what
metadata means (`client_metadata.py`).
"""

import json
import threading
from collections.abc import Mapping
from typing import Any, Final

from idp.effects import Effects
from idp.gateways.outbound import Outbound
from idp.oidc import implicit, software_statements
from idp.oidc.auth_methods import method_of, offered_methods
from idp.oidc.client_metadata import MEMBERS, NOTHING, OWN_MEMBER, Accepted, accept
from idp.oidc.errors import ErrorCode, ProtocolError
from idp.oidc.grant_types import IMPLICIT
from idp.oidc.options import Options
from idp.oidc.requests import Request
from idp.oidc.scopes import DEFAULT, Scope
from idp.oidc.software_statements import SoftwareStatements

SCOPES: Final = frozenset({*DEFAULT, Scope.OFFLINE_ACCESS.value})
FETCHES_AT_ONCE: Final = 4
"""In one process: a slow `sector_identifier_uri` must not keep all threads waiting."""
GRANT_TYPES: Final = frozenset({"authorization_code", "refresh_token"})
OPEN_MEMBERS: Final = frozenset(
    {
        *("redirect_uris", "post_logout_redirect_uris", "initiate_login_uri", "application_type"),
        *("token_endpoint_auth_method", "token_endpoint_auth_signing_alg", "grant_types", "response_types"),
        *("client_name", "client_uri", "logo_uri", "policy_uri", "tos_uri", "contacts", "scope"),
        *("jwks", "jwks_uri", "software_id", "software_version", "subject_type", "sector_identifier_uri"),
        *("id_token_signed_response_alg", "id_token_encrypted_response_alg"),
        *("id_token_encrypted_response_enc", "userinfo_signed_response_alg"),
        *("userinfo_encrypted_response_alg", "userinfo_encrypted_response_enc"),
        *("default_max_age", "require_auth_time", "default_acr_values"),
        *("request_uris", "request_object_signing_alg", "require_signed_request_object"),
        *("require_pushed_authorization_requests", "authorization_signed_response_alg"),
        *("introspection_signed_response_alg", "dpop_bound_access_tokens"),
        *("tls_client_certificate_bound_access_tokens", "tls_client_auth_subject_dn"),
        *("tls_client_auth_san_dns", "tls_client_auth_san_uri", "tls_client_auth_san_ip"),
        *("tls_client_auth_san_email", "backchannel_logout_uri", "backchannel_logout_session_required"),
    }
)
"""A member that is understood and not listed here is an operator's to give."""


class Intake:
    def __init__(self, options: Options, outbound: Outbound, effects: Effects) -> None:
        self._outbound = outbound
        self._offers_implicit = implicit.is_offered(options.registration)
        self._offered = offered_methods(options)
        self._certificates = options.client_certificates
        self._fetches = threading.BoundedSemaphore(FETCHES_AT_ONCE)
        self._statements = SoftwareStatements(options.software_statement_jwks, effects)

    def accept(self, document: Mapping[str, Any], own: Mapping[str, Any] = NOTHING) -> Accepted:
        """`own`: what an operator has said since. Raises ProtocolError (RFC 7591 section 3.2.2)."""
        statement = document.get(software_statements.MEMBER)
        if statement is not None:
            # Section 2.3: what the statement says "MUST take precedence"
            document = {**document, **self._statements.read(statement)}
        _refuse_what_operators_give(document)
        accepted = self._accept(document, own)
        _refuse_what_strangers_cannot_have(accepted.registered, offers_implicit=self._offers_implicit)
        self._refuse_what_is_not_offered(accepted.registered)
        if statement is None:
            return accepted
        # Section 3.2.1: "its value MUST be returned unmodified"
        return Accepted(
            {**accepted.registered, software_statements.MEMBER: statement}, sector=accepted.sector
        )

    def _accept(self, document: Mapping[str, Any], own: Mapping[str, Any]) -> Accepted:
        if document.get("sector_identifier_uri") is None:
            return accept(document, self._outbound, own, offers_implicit=self._offers_implicit)
        if not self._fetches.acquire(blocking=False):
            raise ProtocolError(
                ErrorCode.TOO_MANY,
                "Too many sector_identifier_uri are being fetched. Try again in a few seconds.",
                status=429,
                headers=(("Retry-After", "5"),),
            )
        try:
            return accept(document, self._outbound, own, offers_implicit=self._offers_implicit)
        finally:
            self._fetches.release()

    def _refuse_what_is_not_offered(self, registered: Mapping[str, Any]) -> None:
        """What discovery does not name could never succeed, and the client would not learn why."""
        method = method_of(registered)
        if method not in self._offered:
            raise _unfit(f"token_endpoint_auth_method: {method.value} is not offered here")
        if registered.get("tls_client_certificate_bound_access_tokens") and not self._certificates:
            raise _unfit("tls_client_certificate_bound_access_tokens is not offered here")


def read_document(request: Request) -> dict[str, Any]:
    """RFC 7591 section 3.1. Raises ProtocolError for what is not one JSON object of storable text."""
    if request.headers.get("content-type", "").partition(";")[0].strip().lower() != "application/json":
        raise _unfit("The body must be application/json.")
    try:
        document = json.loads(request.body, object_pairs_hook=_once_each, parse_constant=_no_constant)
        json.dumps(document, ensure_ascii=False).encode()  # half a surrogate pair is no text
    except (ValueError, RecursionError):
        raise _unfit("The body must be one JSON object in UTF-8.") from None
    if not isinstance(document, dict):
        raise _unfit("The body must be one JSON object in UTF-8.")
    if b"\\u0000" in request.body or b"\0" in request.body:
        raise _unfit("The body holds a character that is not allowed.")
    return document


def _refuse_what_operators_give(document: Mapping[str, Any]) -> None:
    given = {name for name in document if document[name] is not None}
    for_operators = sorted((given & (MEMBERS.keys() | {OWN_MEMBER})) - OPEN_MEMBERS)
    if for_operators:
        raise _unfit(f"{for_operators[0]} is granted by the operator alone")


def _refuse_what_strangers_cannot_have(registered: Mapping[str, Any], *, offers_implicit: bool) -> None:
    grant_types = GRANT_TYPES | ({IMPLICIT} if offers_implicit else set())
    if not grant_types.issuperset(registered["grant_types"]):
        raise _unfit(f"grant_types: must be among {', '.join(sorted(grant_types))}")
    beyond = sorted(set(registered["scope"].split()) - SCOPES)
    if beyond:
        raise _unfit(f"scope: {beyond[0]} is granted by the operator alone")
    if registered["application_type"] == "web" and any(
        uri.startswith("http:") for uri in registered.get("redirect_uris", ())
    ):
        # OpenID Connect Registration 2: web clients "MUST only register URLs using the https scheme"
        raise ProtocolError(ErrorCode.INVALID_REDIRECT_URI, "a web application must use https")
    if not registered.get("initiate_login_uri", "https:").startswith("https:"):
        # OpenID Connect Core 4: "MUST use the https scheme"; http on localhost is for operators' own trials
        raise _unfit("initiate_login_uri: must be an https URL")


def _once_each(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    value = dict(pairs)
    if len(value) != len(pairs):
        raise ValueError("a name comes twice")
    return value


def _no_constant(name: str) -> float:
    raise ValueError(name)


def _unfit(description: str) -> ProtocolError:
    return ProtocolError(ErrorCode.INVALID_CLIENT_METADATA, description)
