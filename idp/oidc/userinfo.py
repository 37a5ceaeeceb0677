"""The UserInfo endpoint (OpenID Connect Core 5.3): claims for whoever holds an access token of ours.

The token comes in the Authorization header or in a form that is posted, never in a URL (RFC 6750 section 2).
One that is bound to a key comes from who holds the key (`senders.py`). The answer is JSON unless the client
registered for a JWT, signed or encrypted (Core 5.3.2).
"""

import json
from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import Any, Final

from idp.models.clients import Client
from idp.oidc import fapi2, jose
from idp.oidc.claims import names_for, values_of
from idp.oidc.core import Core
from idp.oidc.encryption import Sealed
from idp.oidc.errors import ErrorCode, ProtocolError
from idp.oidc.jose import TokenError
from idp.oidc.people import read_person
from idp.oidc.requests import NO_STORE, Request, Response, json_response
from idp.oidc.scopes import Scope
from idp.oidc.senders import Headers, Scheme, challenges
from idp.oidc.tokens import AccessToken
from idp.oidc.verified_requests import VERIFIED_CLAIMS, allowed_now

_SCHEMES: Final = {scheme.value.lower(): scheme for scheme in Scheme}


@dataclass(frozen=True, slots=True)
class ShownToken:
    """An access token as it came, unverified."""

    text: str = field(repr=False)
    scheme: Scheme = Scheme.BEARER


class UserInfo:
    def __init__(self, core: Core) -> None:
        self._issuer = core.options.issuer
        self._database = core.database
        self._clients = core.clients
        self._access_tokens = core.access_tokens
        self._keys = core.keys
        self._subjects = core.subjects
        self._encryption = core.encryption
        self._senders = core.senders
        self._effects = core.effects

    def respond(self, request: Request) -> Response:
        shown = read_token(request)
        token = self._verified(shown)
        headers = self._senders.hold(request, token, text=shown.text, scheme=shown.scheme)
        now = self._effects.now()
        with self._database.read() as work:
            found = work.grants.find_active_family_with_user(token.family_id or "", now)
            if found is None:
                raise _invalid("the family is not alive", shown.scheme)
            client = self._clients.get(token.client_id)
            scopes = _still_lawful(token, client)
            requested = found.family.requested
            names = names_for(scopes, _lawful_names(requested.get("userinfo", ()), client))
            person = read_person(
                work,
                found.user,
                employment_id=found.family.employment_id,
                names=names,
                now=now,
                verified=allowed_now(names, requested.get(VERIFIED_CLAIMS, {}), "userinfo", client),
            )
        subject = self._subjects.subject_for(client, found.user.id)
        return self._answer({**values_of(person, names), "sub": subject}, client, headers)

    def _answer(self, claims: dict[str, Any], client: Client, headers: Headers) -> Response:
        alg = client.registered.get("userinfo_signed_response_alg")
        recipient = self._encryption.find_recipient(client, Sealed.USERINFO)
        if alg is None and recipient is None:
            return json_response(claims, headers=headers)
        claims = {**claims, "iss": self._issuer, "aud": client.client_id}
        content = json.dumps(claims) if alg is None else self._signed(claims, client)
        if recipient is not None:
            content = recipient.encrypt(content, nested=alg is not None)
        return Response(200, (("Content-Type", "application/jwt"), *NO_STORE, *headers), content.encode())

    def _signed(self, claims: dict[str, Any], client: Client) -> str:
        """Without `typ`, so that it can never pass for an ID token or an access token."""
        signer = self._keys.signer(fapi2.algorithm_for(client, "userinfo_signed_response_alg"))
        return jose.sign(claims, key=signer.key, alg=signer.alg, kid=signer.kid, typ="")

    def _verified(self, shown: ShownToken) -> AccessToken:
        try:
            token = self._access_tokens.verify(shown.text)
        except TokenError as error:
            raise _invalid(str(error), shown.scheme) from None
        if self._issuer not in token.audiences or token.family_id is None:
            raise _invalid("not meant for this endpoint", shown.scheme)
        if Scope.OPENID not in token.scopes:
            raise _refusal(
                ErrorCode.INSUFFICIENT_SCOPE,
                "The access token needs the scope openid.",
                status=403,
                scheme=shown.scheme,
            )
        return token


def _still_lawful(token: AccessToken, client: Client) -> tuple[str, ...]:
    """The personal code goes out only while the client's legal basis is on record."""
    scopes = token.scopes
    if Scope.PERSON_CODE not in scopes or client.person_code_basis is not None:
        return scopes
    return tuple(scope for scope in scopes if scope != Scope.PERSON_CODE)


def _lawful_names(names: Iterable[str], client: Client) -> Iterable[str]:
    """So it is where it was asked for as a single claim."""
    is_lawful = client.person_code_basis is not None
    return [name for name in names if is_lawful or name != "person_code"]


def read_token(request: Request) -> ShownToken:
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
        return ShownToken(posted)
    name, _, token = (header or "").partition(" ")
    scheme = _SCHEMES.get(name.lower())
    if scheme is None or not token.strip():
        # RFC 6750 section 3.1: who shows no token learns that one is needed and nothing more.
        raise ProtocolError(
            ErrorCode.INVALID_TOKEN, "An access token is needed.", status=401, headers=challenges()
        )
    return ShownToken(token.strip(), scheme)


def _invalid(detail: str, scheme: Scheme) -> ProtocolError:
    return _refusal(
        ErrorCode.INVALID_TOKEN, "The access token is not valid.", status=401, detail=detail, scheme=scheme
    )


def _refusal(
    error: ErrorCode, description: str, *, status: int, detail: str = "", scheme: Scheme = Scheme.BEARER
) -> ProtocolError:
    told = {"error": error.value, "error_description": description}
    if error is ErrorCode.INSUFFICIENT_SCOPE:
        told["scope"] = Scope.OPENID.value
    return ProtocolError(error, description, detail=detail, status=status, headers=challenges(scheme, **told))
