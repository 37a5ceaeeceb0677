"""Client assertions: a JWT that the client signed with its key or with its secret (RFC 7523, OpenID Connect
Core 9).

Which of the two, and which algorithms, is what the client is registered for; the assertion's header decides
nothing. An assertion is used up by being right. Not here: how it is found in a request (`client_auth.py`).
"""

from collections.abc import Callable, Mapping
from contextlib import suppress
from typing import Any, Final

from joserfc.jwk import Key, OctKey

from idp.effects import Effects, Instant
from idp.models.clients import Client, Profile
from idp.oidc import jose
from idp.oidc.client_keys import ClientKeys
from idp.oidc.client_secrets import SealedSecrets
from idp.oidc.jose import TokenError
from idp.oidc.options import Options
from idp.storage.ephemeral import Shelf

KEY_ALGORITHMS: Final = ("ES256", "PS256", "RS256", "EdDSA")
FAPI_ALGORITHMS: Final = ("ES256", "PS256", "EdDSA")
"""FAPI 2.0 Security Profile 5.4.1."""
SECRET_ALGORITHMS: Final = ("HS256", "HS384", "HS512")
ASSERTION_ALGORITHMS: Final = (*KEY_ALGORITHMS, *SECRET_ALGORITHMS)
LONGEST_SECONDS: Final = 3600.0
"""Libraries make assertions that live an hour; how often one works does not depend on it."""
SKEW_SECONDS: Final = 10.0

_TYPES: Final = frozenset({"", "jwt", "client-authentication+jwt"})
_SPENT: Final = "client-assertion"


class Assertions:
    def __init__(
        self, options: Options, *, keys: ClientKeys, secrets: SealedSecrets, shelf: Shelf, effects: Effects
    ) -> None:
        self._issuer = options.issuer
        self._audiences = _audiences(options)
        self._keys = keys
        self._secrets = secrets
        self._shelf = shelf
        self._effects = effects

    def is_by_key_of(self, client: Client, assertion: str) -> bool:
        """Raises KeysUnavailableError."""
        allowed = FAPI_ALGORITHMS if client.profile == Profile.FAPI2.value else KEY_ALGORITHMS

        def find_key(kid: str | None, alg: str) -> Key | None:
            return self._keys.find_verifier(client, kid, alg)

        try:
            claims = _verify(assertion, find_key, _algorithms_of(client, allowed))
            expires_at = self._require_claims(claims, client)
        except TokenError:
            return False
        return self._spend(client, claims, expires_at)

    def is_by_secret_of(self, client: Client | None, assertion: str) -> bool:
        """None is nobody, with whom it takes as long to find out."""
        algorithms = (
            frozenset(SECRET_ALGORITHMS) if client is None else _algorithms_of(client, SECRET_ALGORITHMS)
        )
        right: dict[str, Any] | None = None
        for secret in self._secrets.current(client):
            with suppress(TokenError):
                right = _verify(assertion, _always(OctKey.import_key(secret.encode())), algorithms)
        if client is None or right is None:
            return False
        try:
            expires_at = self._require_claims(right, client)
        except TokenError:
            return False
        return self._spend(client, right, expires_at)

    def _spend(self, client: Client, claims: Mapping[str, Any], expires_at: Instant) -> bool:
        """RFC 7523 section 3, item 7: whoever comes second with the same `jti` comes in vain."""
        key = f"{client.client_id}\x1f{claims['jti']}"
        return self._shelf.add(_SPENT, key, {}, expires_at=expires_at + SKEW_SECONDS)

    def _require_claims(self, claims: Mapping[str, Any], client: Client) -> Instant:
        """When it expires. Raises TokenError."""
        if claims.get("iss") != client.client_id or claims.get("sub") != client.client_id:
            raise TokenError("iss and sub must be the client")
        self._require_audience(claims, client)
        expires_at = self._require_times(claims)
        jti = claims.get("jti")
        if not isinstance(jti, str) or not 0 < len(jti) <= 255:
            raise TokenError("no usable jti")
        return expires_at

    def _require_audience(self, claims: Mapping[str, Any], client: Client) -> None:
        """FAPI 2.0 Security Profile 5.3.2.1: the issuer alone, as text; a list could name somebody else."""
        if client.profile == Profile.FAPI2.value:
            if claims.get("aud") != self._issuer:
                raise TokenError("aud must be the issuer, as text")
        elif self._audiences.isdisjoint(jose.audiences(claims)):
            raise TokenError("for another audience")

    def _require_times(self, claims: Mapping[str, Any]) -> Instant:
        now = self._effects.now()
        expires_at = jose.numeric_date(claims, "exp")
        if expires_at is None or not now - SKEW_SECONDS < expires_at <= now + LONGEST_SECONDS + SKEW_SECONDS:
            raise TokenError("expired, or lives too long")
        for name in ("nbf", "iat"):
            if (jose.numeric_date(claims, name) or 0.0) > now + SKEW_SECONDS:
                raise TokenError(f"{name} is in the future")
        return expires_at


def _audiences(options: Options) -> frozenset[str]:
    """RFC 9126 section 2: issuer, token endpoint and PAR endpoint; those two wherever they are served."""
    origins = {options.issuer, options.mtls_origin or options.issuer}
    return frozenset({options.issuer, *(origin + path for origin in origins for path in ("/token", "/par"))})


def _always(key: Key) -> Callable[[str | None, str], Key | None]:
    return lambda _kid, _alg: key


def _verify(
    assertion: str, find_key: Callable[[str | None, str], Key | None], algorithms: frozenset[str]
) -> dict[str, Any]:
    return jose.verify(assertion, find_key=find_key, algorithms=algorithms, types=_TYPES)


def _algorithms_of(client: Client, allowed: tuple[str, ...]) -> frozenset[str]:
    """The registered one, if the method and the profile let it be used."""
    registered = client.registered.get("token_endpoint_auth_signing_alg")
    return frozenset(allowed) & ({registered} if registered else frozenset(allowed))
