"""Answers about tokens as signed JWTs, which a resource server can keep as proof (RFC 9701).

Given to whoever asks for that media type. They have a type of their own and no `sub` or `exp` at the top, so
that nobody takes one for an access token (section 8.1). Not here: what is told (`introspection.py`),
encryption.
"""

from collections.abc import Mapping
from typing import Any, Final

from idp.effects import Effects
from idp.models.clients import Client
from idp.oidc import fapi2, jose
from idp.oidc.keys import KeyRing
from idp.oidc.requests import NO_STORE, Request, Response

MEDIA_TYPE: Final = "application/token-introspection+jwt"
_TYPE: Final = "token-introspection+jwt"


class SignedIntrospection:
    def __init__(self, *, issuer: str, keys: KeyRing, effects: Effects) -> None:
        self._issuer = issuer
        self._keys = keys
        self._effects = effects

    def respond(self, told: Mapping[str, Any], caller: Client) -> Response:
        """Section 5."""
        signer = self._keys.signer(fapi2.algorithm_for(caller, "introspection_signed_response_alg"))
        claims = {
            "iss": self._issuer,
            "aud": caller.client_id,
            "iat": int(self._effects.now()),
            "token_introspection": told,
        }
        token = jose.sign(claims, key=signer.key, alg=signer.alg, kid=signer.kid, typ=_TYPE)
        return Response(200, (("Content-Type", MEDIA_TYPE), *NO_STORE), token.encode())


def is_asked_for(request: Request) -> bool:
    """Section 4. Of several types that are accepted this is taken, unless it is said to be unwelcome."""
    accepted = request.headers.get("accept", "").lower()
    return MEDIA_TYPE in accepted and any(_names_it(part) for part in accepted.split(","))


def _names_it(accepted: str) -> bool:
    kind, *parameters = (part.strip() for part in accepted.split(";"))
    unwelcome = any(part.startswith("q=") and part[2:].strip("0.") == "" for part in parameters)
    return kind == MEDIA_TYPE and not unwelcome
