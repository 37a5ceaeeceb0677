"""Access tokens: RFC 9068 JWTs signed with ES256, made here and recognised again here.

A token of a person names its family in `jti` (`<family>.<random>`), so that whoever asks us about it learns
at once when the family is revoked. A token of a service stands alone; a revoked one is on the Shelf until it
would have expired. Not here: refresh tokens (`grants/refresh_token.py`), ID tokens (`id_tokens.py`).
"""

import hashlib
import math
from collections import OrderedDict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from types import MappingProxyType
from typing import Any, Final, TypeAlias

from joserfc.jwk import ECKey

from idp.effects import Effects, Instant
from idp.oidc import jose
from idp.oidc.clients import Clients
from idp.oidc.issued_tokens import AMONG_WORKERS, IssuedTokens
from idp.oidc.jose import OwnKey, TokenError
from idp.oidc.keys import KeyRing, KeySet
from idp.oidc.subjects import Subjects
from idp.storage.open import Storage

ACCESS_TOKEN_SECONDS: Final = 300

Confirmation: TypeAlias = Mapping[str, str]
"""RFC 7800 `cnf`: `jkt` (RFC 9449 section 6) or `x5t#S256` (RFC 8705 section 3.1), or neither."""
BEARER: Final[Confirmation] = MappingProxyType({})
"""Bound to no key: whoever holds such a token may use it."""

_ALG: Final = "ES256"
_ALGORITHMS: Final = frozenset({_ALG})
_TYPE: Final = "at+jwt"
_TYPES: Final = frozenset({_TYPE})
_CARRIED_OVER: Final = (*("sub", "sid", "auth_time", "acr", "amr", "municipality", "roles", "may_act"),)
_REMEMBERED_AT_MOST: Final = 2048
_REVOKED: Final = "revoked-access-token"


def token_type(bound_to: Confirmation) -> str:
    """RFC 9449 section 5. A token bound to a certificate alone is sent as a bearer token (RFC 8705)."""
    return "DPoP" if "jkt" in bound_to else "Bearer"


@dataclass(frozen=True, slots=True, kw_only=True)
class PersonGrant:
    """What the tokens of one family say about the person and how they signed in."""

    family_id: str
    user_id: str
    client_id: str
    session_id: str
    scopes: tuple[str, ...]
    acr: str
    amr: tuple[str, ...]
    auth_time: Instant
    municipality: str | None = None
    roles: tuple[str, ...] = ()
    authorization_details: tuple[Mapping[str, Any], ...] = ()
    """RFC 9396, as granted."""


@dataclass(frozen=True, slots=True)
class AccessToken:
    """A token of ours as verified; whether it is still alive is asked separately, each time."""

    claims: Mapping[str, Any] = field(repr=False)
    kid: str

    @property
    def id(self) -> str:
        return str(self.claims["jti"])

    @property
    def client_id(self) -> str:
        return str(self.claims["client_id"])

    @property
    def subject(self) -> str:
        return str(self.claims["sub"])

    @property
    def expires_at(self) -> Instant:
        return float(self.claims["exp"])

    @property
    def audiences(self) -> tuple[str, ...]:
        return jose.audiences(self.claims)

    @property
    def scopes(self) -> tuple[str, ...]:
        return tuple(str(self.claims.get("scope", "")).split())

    @property
    def bound_to(self) -> Confirmation:
        """RFC 7800 `cnf`."""
        bound_to: Confirmation = self.claims.get("cnf", BEARER)
        return bound_to

    @property
    def actor(self) -> Mapping[str, Any] | None:
        """RFC 8693 section 4.1 `act`: who acts for the subject, if somebody does."""
        actor: Mapping[str, Any] | None = self.claims.get("act")
        return actor

    @property
    def actors(self) -> tuple[str, ...]:
        """The chain of those who act, who acts now first."""
        chain, link = [], self.actor
        while link is not None:
            chain.append(str(link["sub"]))
            link = link.get("act")
        return tuple(chain)

    @property
    def family_id(self) -> str | None:
        family, dot, _ = self.id.partition(".")
        return family if dot else None


class AccessTokens:
    def __init__(
        self,
        *,
        issuer: str,
        keys: KeyRing,
        clients: Clients,
        subjects: Subjects,
        storage: Storage,
        effects: Effects,
        issued: IssuedTokens = AMONG_WORKERS,
    ) -> None:
        self.issuer = issuer
        self._issued = issued
        self._keys = keys
        self._clients = clients
        self._subjects = subjects
        self._database = storage.database
        self._shelf = storage.shelf
        self._effects = effects
        self._remembered: OrderedDict[bytes, AccessToken] = OrderedDict()
        self._own_keys: tuple[KeySet, Mapping[str, OwnKey]] | None = None

    def for_person(
        self,
        grant: PersonGrant,
        *,
        audience: str,
        scopes: Iterable[str],
        bound_to: Confirmation = BEARER,
    ) -> str:
        client = self._clients.get(grant.client_id)
        claims: dict[str, Any] = {
            "sub": self._subjects.subject_for(client, grant.user_id),
            "client_id": grant.client_id,
            "jti": f"{grant.family_id}.{self._effects.new_id()}",
            "scope": " ".join(scopes),
            "auth_time": int(grant.auth_time),
            "acr": grant.acr,
            "amr": grant.amr,
            "sid": self._subjects.session_for(client, grant.session_id),
        }
        if grant.municipality is not None:
            claims["municipality"] = grant.municipality
            claims["roles"] = grant.roles
        if grant.authorization_details:
            claims["authorization_details"] = grant.authorization_details
        if bound_to:
            claims["cnf"] = bound_to
        return self._sign(claims, audience, remember=True)

    def for_client(
        self,
        client_id: str,
        *,
        audience: str,
        scopes: Iterable[str],
        municipality: str | None,
        authorization_details: Sequence[Mapping[str, Any]] = (),
        bound_to: Confirmation = BEARER,
    ) -> str:
        claims: dict[str, Any] = {
            "sub": client_id,
            "client_id": client_id,
            "jti": self._effects.new_id(),
            "scope": " ".join(scopes),
        }
        if municipality is not None:
            claims["municipality"] = municipality
        if authorization_details:
            claims["authorization_details"] = authorization_details
        if bound_to:
            claims["cnf"] = bound_to
        return self._sign(claims, audience)

    def exchanged(
        self,
        subject: AccessToken,
        *,
        client_id: str,
        audience: str,
        scopes: Iterable[str],
        actor: Mapping[str, Any],
        authorization_details: Sequence[Mapping[str, Any]] = (),
        bound_to: Confirmation = BEARER,
    ) -> str:
        """For `client_id`, which acts for the subject: of the same family, and over no later.

        What it says of the person and of how they signed in is carried over as it is.
        """
        new_id = self._effects.new_id()
        claims: dict[str, Any] = {
            **{name: subject.claims[name] for name in _CARRIED_OVER if name in subject.claims},
            "client_id": client_id,
            "jti": f"{subject.family_id}.{new_id}" if subject.family_id is not None else new_id,
            "scope": " ".join(scopes),
            "act": actor,
        }
        if authorization_details:
            claims["authorization_details"] = authorization_details
        if bound_to:
            claims["cnf"] = bound_to
        return self._sign(claims, audience, not_after=subject.expires_at)

    def verify(self, token: str) -> AccessToken:
        """Signature, type, issuer, expiry, and that the key is still one of ours. Raises TokenError."""
        digest = hashlib.sha256(token.encode()).digest()
        found = self._remembered.get(digest)
        if found is None or not self._keys.publishes(found.kid):
            found = self._read(token, is_known=digest in self._issued)
            self._issued.add(digest)
            self._remember(digest, found)
        if self._effects.now() >= found.expires_at:
            raise TokenError("expired")
        return found

    def is_alive(self, token: AccessToken) -> bool:
        """Whether nothing it hangs on was taken away: every client it came through, and the family or the
        token itself.
        """
        family_id = token.family_id
        if family_id is None or token.actor is not None:
            services = {token.client_id, *token.actors} | ({token.subject} if family_id is None else set())
            if not all(self._is_enabled(client_id) for client_id in services):
                return False
            if self._shelf.find(_REVOKED, token.id) is not None:
                return False
        if family_id is None:
            return True
        with self._database.read() as work:  # the family's own client is looked at by the same statement
            return work.grants.family_is_alive(family_id, self._effects.now())

    def _is_enabled(self, client_id: str) -> bool:
        client = self._clients.find(client_id)
        return client is not None and not client.disabled

    def revoke_alone(self, token: AccessToken) -> None:
        """For a token without a family, or one that was exchanged, whose holder may not end the family."""
        self._shelf.put(_REVOKED, token.id, {}, expires_at=token.expires_at)

    def _sign(
        self,
        claims: dict[str, Any],
        audience: str,
        *,
        remember: bool = False,
        not_after: Instant = math.inf,
    ) -> str:
        """`remember`: the token will be asked about here, so what was just signed need not be verified."""
        now = int(self._effects.now())
        expires_at = int(min(now + ACCESS_TOKEN_SECONDS, not_after))
        times = {"iss": self.issuer, "aud": audience, "iat": now, "exp": expires_at}
        signer = self._keys.signer(_ALG)
        whole = {**claims, **times}
        token = jose.sign(whole, key=signer.key, alg=_ALG, kid=signer.kid, typ=_TYPE)
        digest = hashlib.sha256(token.encode()).digest()
        self._issued.add(digest)
        if remember:
            self._remember(digest, AccessToken(whole, signer.kid))
        return token

    def _remember(self, digest: bytes, token: AccessToken) -> None:
        self._remembered[digest] = token
        if len(self._remembered) > _REMEMBERED_AT_MOST:
            self._remembered.popitem(last=False)

    def _read(self, token: str, *, is_known: bool) -> AccessToken:
        """`is_known` is about the signature alone."""
        verified = jose.read_own(token, self._own_headers(), is_known=is_known) or jose.read(
            token, find_key=self._keys.find_verifier, algorithms=_ALGORITHMS, types=_TYPES
        )
        if verified.kid is None or verified.claims.get("iss") != self.issuer:
            raise TokenError("of another issuer")
        return AccessToken(verified.claims, verified.kid)

    def _own_headers(self) -> Mapping[str, OwnKey]:
        """Every header that an access token of ours can have, made anew whenever the keys were read anew."""
        keys = self._keys.current()
        known = self._own_keys
        if known is None or known[0] is not keys:
            known = self._own_keys = (
                keys,
                {
                    jose.own_header(kid=kid, typ=_TYPE): OwnKey(kid, key.public_key)
                    for kid, (_, key) in keys.verifiers.items()
                    if isinstance(key, ECKey)
                },
            )
        return known[1]
