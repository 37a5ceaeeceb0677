"""What a resource server may learn about a token it was shown (RFC 7662).

A token is active for a caller it is meant for, or who was given it; for anybody else it does not exist, so
that one resource server cannot watch another's users (section 4). Not here: answers as signed JWTs
(`introspection_jwt.py`).
"""

from typing import Any, Final

from idp.crypto import token_hash
from idp.models.clients import Client
from idp.models.people import UserStatus
from idp.oidc.authorize_checks import is_public
from idp.oidc.core import Core
from idp.oidc.errors import ErrorCode, ProtocolError
from idp.oidc.introspection_jwt import SignedIntrospection, is_asked_for
from idp.oidc.jose import TokenError
from idp.oidc.requests import Request, Response, json_response
from idp.oidc.tokens import AccessToken, token_type

_INACTIVE: Final = {"active": False}


class Introspection:
    def __init__(self, core: Core) -> None:
        self._issuer = core.options.issuer
        self._database = core.database
        self._access_tokens = core.access_tokens
        self._signed = SignedIntrospection(issuer=core.options.issuer, keys=core.keys, effects=core.effects)
        self._subjects = core.subjects
        self._effects = core.effects

    def respond(self, request: Request, caller: Client) -> Response:
        if is_public(caller):
            # RFC 7662 section 2.1: the endpoint "MUST also require some form of authorization"
            raise ProtocolError(ErrorCode.INVALID_CLIENT, "Client authentication is required.", status=401)
        told = self._describe(request.form.get("token"), caller)
        return self._signed.respond(told, caller) if is_asked_for(request) else json_response(told)

    def _describe(self, token: str, caller: Client) -> dict[str, Any]:
        if "." not in token:
            return self._describe_refresh_token(token, caller)
        try:
            found = self._access_tokens.verify(token)
        except TokenError:
            return _INACTIVE
        if not is_for(found, caller) or not self._access_tokens.is_alive(found):
            return _INACTIVE
        return {"active": True, "token_type": token_type(found.bound_to), **found.claims}

    def _describe_refresh_token(self, token: str, caller: Client) -> dict[str, Any]:
        with self._database.read() as work:
            row = work.grants.find_refresh(token_hash(token))
        if row is None or row.client_id != caller.client_id:
            return _INACTIVE
        spent = row.used_at is not None or row.family_revoked_at is not None
        over = self._effects.now() >= min(row.expires_at, row.family_expires_at)
        if spent or over or row.user_status != UserStatus.ACTIVE.value:
            return _INACTIVE
        bound_to = {"cnf": row.confirmation} if row.confirmation else {}
        return {
            "active": True,
            **bound_to,
            "iss": self._issuer,
            "sub": self._subjects.subject_for(caller, row.user_id),
            "client_id": row.client_id,
            "scope": " ".join(row.scopes),
            "iat": int(row.issued_at),
            "exp": int(min(row.expires_at, row.family_expires_at)),
            **({"authorization_details": row.authorization_details} if row.authorization_details else {}),
        }


def is_for(token: AccessToken, caller: Client) -> bool:
    return token.client_id == caller.client_id or (
        caller.audience is not None and caller.audience in token.audiences
    )
