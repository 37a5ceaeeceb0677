"""ID tokens (OpenID Connect Core 2): what an application learns about a sign-in, and reads once.

They are never good for anything else here but as a hint of whom an application means (`id_token_hint`): the
type in the header keeps them apart from access tokens.
"""

import base64
import hashlib
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Final

from idp.effects import Effects
from idp.models.clients import Client
from idp.oidc import fapi2, jose
from idp.oidc.clients import Clients
from idp.oidc.encryption import Encryption, Sealed
from idp.oidc.jose import TokenError
from idp.oidc.keys import ALGORITHMS, KeyRing
from idp.oidc.subjects import Subjects
from idp.oidc.tokens import PersonGrant

ID_TOKEN_SECONDS: Final = 300
_TYPES: Final = frozenset({"jwt"})


@dataclass(frozen=True, slots=True)
class Hint:
    """An ID token of ours that an application shows again, however old."""

    user_id: str
    session_id: str
    client_ids: tuple[str, ...]


class IdTokens:
    def __init__(
        self,
        *,
        issuer: str,
        keys: KeyRing,
        clients: Clients,
        subjects: Subjects,
        encryption: Encryption,
        effects: Effects,
    ) -> None:
        self._issuer = issuer
        self._keys = keys
        self._clients = clients
        self._subjects = subjects
        self._encryption = encryption
        self._effects = effects

    def require_mintable(self, client: Client) -> None:
        """To be asked before anything is spent. Raises ProtocolError when it could not be encrypted."""
        self._encryption.find_recipient(client, Sealed.ID_TOKEN)

    def mint(
        self,
        grant: PersonGrant,
        client: Client,
        *,
        nonce: str | None,
        access_token: str | None,
        claims: Mapping[str, Any],
    ) -> str:
        """`access_token`: the one given with it, if one is. `claims`: those that belong here beside what each
        has. No `azp`: the one audience is the client itself.
        """
        now = int(self._effects.now())
        content: dict[str, Any] = {
            **claims,
            "iss": self._issuer,
            "sub": self._subjects.subject_for(client, grant.user_id),
            "aud": client.client_id,
            "iat": now,
            "exp": now + ID_TOKEN_SECONDS,
            "auth_time": int(grant.auth_time),
            "acr": grant.acr,
            "amr": grant.amr,
            "sid": self._subjects.session_for(client, grant.session_id),
        }
        if access_token is not None:
            content["at_hash"] = half_hash(access_token)
        if nonce is not None:
            content["nonce"] = nonce
        signer = self._keys.signer(fapi2.algorithm_for(client, "id_token_signed_response_alg"))
        token = jose.sign(content, key=signer.key, alg=signer.alg, kid=signer.kid, typ="JWT")
        recipient = self._encryption.find_recipient(client, Sealed.ID_TOKEN)
        return recipient.encrypt(token, nested=True) if recipient is not None else token

    def read_hint(self, token: str) -> Hint:
        """Core 3.1.2.1: an expired one is accepted, one of another issuer or type not. Raises TokenError.

        One that was encrypted comes decrypted, as that section asks of the client.
        """
        claims = jose.verify(
            token, find_key=self._keys.find_verifier, algorithms=frozenset(ALGORITHMS), types=_TYPES
        )
        if claims.get("iss") != self._issuer:
            raise TokenError("of another issuer")
        named = claims.get("sub"), claims.get("sid")
        if "auth_time" not in claims or not all(isinstance(value, str) for value in named):
            # A signed authorization response is by the same key and of the same type.
            raise TokenError("not an ID token")
        audiences = jose.audiences(claims)
        client = self._clients.find(audiences[0]) if audiences else None
        user_id = self._subjects.user_of(client, claims["sub"]) if client is not None else None
        session_id = self._subjects.session_of(client, claims["sid"]) if client is not None else None
        if user_id is None or session_id is None:
            raise TokenError("of a client or about a person that is not known")
        return Hint(user_id, session_id, audiences)


def half_hash(token: str) -> str:
    """Core 3.1.3.6: the left half of the hash that goes with RS256 and ES256 alike."""
    return base64.urlsafe_b64encode(hashlib.sha256(token.encode()).digest()[:16]).rstrip(b"=").decode()
