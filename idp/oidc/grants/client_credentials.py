"""A service asks for itself (RFC 6749 section 4.4): no person, no refresh token, no ID token.

Writes nothing: a row for every token would make the busiest path wait for the disk, and would say no more
than the log does. A token lives five minutes, names its client, and can be revoked alone.
"""

from typing import Any

from idp.oidc import authorization_details
from idp.oidc.errors import ErrorCode, ProtocolError
from idp.oidc.grants.base import TokenRequest, choose_audience, token_answer
from idp.oidc.scopes import STANDARD, registered_scopes
from idp.oidc.tokens import AccessTokens


class ClientCredentials:
    grant_type = "client_credentials"

    def __init__(self, *, issuer: str, access_tokens: AccessTokens) -> None:
        self._issuer = issuer
        self._access_tokens = access_tokens

    def exchange(self, request: TokenRequest) -> dict[str, Any]:
        client = request.client
        if client.registered.get("token_endpoint_auth_method") == "none":
            # RFC 6749 section 4.4: "MUST only be used by confidential clients"
            raise ProtocolError(ErrorCode.UNAUTHORIZED_CLIENT, "A public client cannot ask for itself.")
        own = registered_scopes(client) - STANDARD
        text = request.form.find("scope")
        scopes = tuple(dict.fromkeys(text.split())) if text is not None else tuple(sorted(own))
        if not own.issuperset(scopes):
            raise ProtocolError(
                ErrorCode.INVALID_SCOPE, "The client is not registered for a scope it asks for."
            )
        details = authorization_details.for_service(request.form, client)
        token = self._access_tokens.for_client(
            client.client_id,
            audience=choose_audience(request.form, allowed=tuple(client.resources), default=self._issuer),
            scopes=scopes,
            municipality=client.service_municipality,
            authorization_details=details,
            bound_to=request.bound_to,
        )
        return token_answer(token, scopes=scopes, authorization_details=details, bound_to=request.bound_to)
