"""What goes back to a client: fields in the redirect or in a form, in the clear or as one signed JWT.

RFC 6749 section 4.1.2, RFC 9207 (`iss`, in errors too), JWT Secured Authorization Response Mode (JARM). Not
here: what the answer is (`authorize.py`), how a browser carries it (`web/oidc.py`), encrypted responses.
"""

from dataclasses import dataclass
from typing import Final

from idp.effects import Effects
from idp.models.clients import Client
from idp.oidc import fapi2, implicit, jose
from idp.oidc.authorization_request import Answer, AuthorizationRequest, ResponseMode, modes_for
from idp.oidc.keys import KeyRing
from idp.oidc.requests import Parameters
from idp.oidc.response_types import ResponseType, find_response_type

RESPONSE_SECONDS: Final = 300
"""JARM section 2.1 advises ten minutes at most."""

_SIGNED: Final = {
    ResponseMode.QUERY: ResponseMode.QUERY_JWT,
    ResponseMode.FORM_POST: ResponseMode.FORM_POST_JWT,
}

Fields = tuple[tuple[str, str], ...]


@dataclass(frozen=True, slots=True)
class Recipient:
    """A client and a redirect URI that is known to be its own."""

    client: Client
    redirect_uri: str
    mode: ResponseMode
    state: str | None


class Responses:
    def __init__(self, *, issuer: str, keys: KeyRing, effects: Effects) -> None:
        self._issuer = issuer
        self._keys = keys
        self._effects = effects

    def to(self, recipient: Recipient, fields: Fields) -> Answer:
        given = (("state", recipient.state),) if recipient.state is not None else ()
        whole = (*fields, *given, ("iss", self._issuer))
        if recipient.mode.is_signed:
            whole = (("response", self._sign(recipient.client, dict(whole))),)
        return Answer(recipient.redirect_uri, recipient.mode.carrier, whole)

    def _sign(self, client: Client, fields: dict[str, str]) -> str:
        """JARM section 2.1: `iss`, `aud` and `exp` beside what the response would have had."""
        claims = {
            **fields,
            "aud": client.client_id,
            "exp": int(self._effects.now()) + RESPONSE_SECONDS,
        }
        signer = self._keys.signer(signing_algorithm(client))
        return jose.sign(claims, key=signer.key, alg=signer.alg, kid=signer.kid, typ="JWT")


def signing_algorithm(client: Client) -> str:
    """JARM section 3."""
    return fapi2.algorithm_for(client, "authorization_signed_response_alg")


def must_be_signed(client: Client) -> bool:
    """FAPI 2.0 Message Signing section 5.4: who registered for signed responses gets no other kind."""
    return fapi2.holds_for(client) and "authorization_signed_response_alg" in client.registered


def recipient_of(request: AuthorizationRequest, client: Client) -> Recipient:
    return Recipient(client, request.redirect_uri, request.response_mode, request.state)


def recipient_of_refusal(parameters: Parameters, client: Client, *, offers_implicit: bool) -> Recipient:
    """Of a request of which nothing but the client and its redirect URI is known to be right."""
    modes = modes_for(_read_by(parameters, client, offers_implicit=offers_implicit))
    asked = parameters.find("response_mode")
    mode = ResponseMode(asked) if asked in modes else modes[0]
    if must_be_signed(client):
        mode = _SIGNED.get(mode, mode)
    state = parameters.find("state") if "state" not in parameters.duplicated() else None
    return Recipient(client, parameters.get("redirect_uri"), mode, state)


def _read_by(parameters: Parameters, client: Client, *, offers_implicit: bool) -> ResponseType:
    """By which response type the client reads its answer, also an error (Multiple Response Types section 5):
    by one of the implicit flow where that exists, or did when the client registered for it.
    """
    asked = find_response_type(parameters.find("response_type"))
    if (
        asked is None
        or fapi2.holds_for(client)
        or not (offers_implicit or implicit.has_registered(client, asked))
    ):
        return ResponseType.CODE
    return asked
