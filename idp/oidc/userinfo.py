"""The UserInfo endpoint (OpenID Connect Core 5.3): claims for whoever holds an access token of ours.

The token comes in the Authorization header or in a form that is posted, never in a URL (RFC 6750 section 2).
The answer is JSON unless the client registered for a JWT, signed or encrypted (Core 5.3.2).
"""

import json
from typing import Any, Final

from idp.effects import Effects
from idp.models.clients import Client
from idp.oidc import jose
from idp.oidc.claims import names_for, values_of
from idp.oidc.clients import Clients
from idp.oidc.encryption import Encryption, Sealed
from idp.oidc.errors import ErrorCode, ProtocolError
from idp.oidc.jose import TokenError
from idp.oidc.keys import KeyRing
from idp.oidc.people import read_person
from idp.oidc.requests import NO_STORE, Request, Response, json_response
from idp.oidc.scopes import Scope
from idp.oidc.subjects import Subjects
from idp.oidc.tokens import AccessToken, AccessTokens
from idp.storage.database import Database

_REALM: Final = 'Bearer realm="visvaris"'


class UserInfo:
    def __init__(
        self,
        *,
        database: Database,
        clients: Clients,
        access_tokens: AccessTokens,
        keys: KeyRing,
        subjects: Subjects,
        encryption: Encryption,
        effects: Effects,
    ) -> None:
        self._database = database
        self._clients = clients
        self._access_tokens = access_tokens
        self._keys = keys
        self._subjects = subjects
        self._encryption = encryption
        self._effects = effects

    def respond(self, request: Request) -> Response:
        token = self._verified(read_bearer(request))
        now = self._effects.now()
        with self._database.read() as work:
            found = work.grants.find_active_family_with_user(token.family_id or "", now)
            if found is None:
                raise _invalid("the family is not alive")
            client = self._clients.get(token.client_id)
            scopes = _still_lawful(token, client)
            asked_for = found.family.requested.get("userinfo", ())
            names = names_for(scopes, asked_for)
            person = read_person(
                work, found.user, employment_id=found.family.employment_id, names=names, now=now
            )
        subject = self._subjects.subject_for(client, found.user.id)
        return self._answer({**values_of(person, names), "sub": subject}, client)

    def _answer(self, claims: dict[str, Any], client: Client) -> Response:
        alg = client.registered.get("userinfo_signed_response_alg")
        recipient = self._encryption.find_recipient(client, Sealed.USERINFO)
        if alg is None and recipient is None:
            return json_response(claims)
        claims = {**claims, "iss": self._access_tokens.issuer, "aud": client.client_id}
        content = json.dumps(claims) if alg is None else self._signed(claims, alg)
        if recipient is not None:
            content = recipient.encrypt(content, nested=alg is not None)
        return Response(200, (("Content-Type", "application/jwt"), *NO_STORE), content.encode())

    def _signed(self, claims: dict[str, Any], alg: str) -> str:
        """Without `typ`, so that it can never pass for an ID token or an access token."""
        signer = self._keys.signer(alg)
        return jose.sign(claims, key=signer.key, alg=signer.alg, kid=signer.kid, typ="")

    def _verified(self, text: str) -> AccessToken:
        try:
            token = self._access_tokens.verify(text)
        except TokenError as error:
            raise _invalid(str(error)) from None
        if self._access_tokens.issuer not in token.audiences or token.family_id is None:
            raise _invalid("not meant for this endpoint")
        if Scope.OPENID not in token.scopes:
            raise _refusal(
                ErrorCode.INSUFFICIENT_SCOPE, "The access token needs the scope openid.", status=403
            )
        return token


def _still_lawful(token: AccessToken, client: Client) -> tuple[str, ...]:
    """The personal code goes out only while the client's legal basis is on record."""
    scopes = token.scopes
    if Scope.PERSON_CODE not in scopes or client.person_code_basis is not None:
        return scopes
    return tuple(scope for scope in scopes if scope != Scope.PERSON_CODE)


def read_bearer(request: Request) -> str:
    """RFC 6750 section 2: "MUST NOT use more than one method to transmit the token"."""
    header = request.headers.get("authorization")
    posted = request.form.find("access_token") if request.method == "POST" else None
    if request.query.has("access_token") or (header is not None and posted is not None):
        raise _refusal(
            ErrorCode.INVALID_REQUEST,
            "The access token must come in one way, and not in the URL.",
            status=400,
        )
    if posted is not None:
        return posted
    scheme, _, token = (header or "").partition(" ")
    if scheme.lower() != "bearer" or not token.strip():
        # RFC 6750 section 3.1: who shows no token learns that one is needed and nothing more.
        raise ProtocolError(
            ErrorCode.INVALID_TOKEN,
            "An access token is needed.",
            status=401,
            headers=(("WWW-Authenticate", _REALM),),
        )
    return token.strip()


def _invalid(detail: str) -> ProtocolError:
    return _refusal(ErrorCode.INVALID_TOKEN, "The access token is not valid.", status=401, detail=detail)


def _refusal(error: ErrorCode, description: str, *, status: int, detail: str = "") -> ProtocolError:
    challenge = f'{_REALM}, error="{error.value}", error_description="{description}"'
    if error is ErrorCode.INSUFFICIENT_SCOPE:
        challenge += f', scope="{Scope.OPENID.value}"'
    return ProtocolError(
        error, description, detail=detail, status=status, headers=(("WWW-Authenticate", challenge),)
    )
