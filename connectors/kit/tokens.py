"""Access tokens as a resource server judges them (RFC 9068 section 4, RFC 8707).

Knows no HTTP: `guard.py` puts this before views. It does not ask the provider about a single token, so a
revoked one lives to its end, five minutes at most.
"""

import re
from dataclasses import dataclass, field

from connectors.kit import jose
from connectors.kit.effects import Effects
from connectors.kit.jose import BadTokenError, Claims, Expected, Fault
from connectors.kit.levels import Level, find_level
from connectors.kit.provider import Provider
from connectors.kit.senders import AS_BEARER, Scheme, Senders, Shown

_EXPECTED = Expected(algorithms=frozenset({"ES256"}), types=frozenset({"at+jwt"}))
_ATVK = re.compile(r"[0-9]{7}")


@dataclass(frozen=True, slots=True)
class Caller:
    """Who calls and for whom. `municipality` is the ATVK code the token speaks for, None if for none."""

    subject: str
    client_id: str
    municipality: str | None = None
    roles: frozenset[str] = field(default_factory=frozenset)
    scope: frozenset[str] = field(default_factory=frozenset)
    acr: Level | None = None
    auth_time: float | None = None


class TokenVerifier:
    """Without `senders` it takes no token that is bound to a key or a certificate."""

    def __init__(
        self, *, provider: Provider, audience: str, effects: Effects, senders: Senders | None = None
    ) -> None:
        self._provider = provider
        self._senders = senders
        self._audience = audience
        self._effects = effects

    def verify(self, token: str, shown: Shown = AS_BEARER) -> Caller:
        """Raises BadTokenError, or ProviderUnavailableError when no keys are to be had, or ShelfAwayError."""
        claims = jose.read(token, provider=self._provider, expected=_EXPECTED, now=self._effects.now())
        if not jose.is_only_audience(claims, self._audience):
            raise BadTokenError(Fault.AUDIENCE)
        jose.text(claims, "jti")
        caller = Caller(
            subject=jose.text(claims, "sub"),
            client_id=jose.text(claims, "client_id"),
            municipality=find_municipality(claims),
            roles=find_roles(claims),
            scope=frozenset(_optional_text(claims, "scope").split()),
            acr=find_level(claims.get("acr")),
            auth_time=jose.number(claims, "auth_time") if "auth_time" in claims else None,
        )
        self._hold_sender(claims, token, shown)
        return caller

    def _hold_sender(self, claims: Claims, token: str, shown: Shown) -> None:
        """Last of all, for a proof is used up by it. As a bearer token a bound one proves nothing."""
        if self._senders is not None:
            self._senders.hold(claims.get("cnf"), token, shown)
        elif "cnf" in claims or shown.scheme is not Scheme.BEARER:
            raise BadTokenError(Fault.BOUND)


def find_municipality(claims: Claims) -> str | None:
    if claims.get("municipality") is None:
        return None
    code = jose.text(claims, "municipality")
    if not _ATVK.fullmatch(code):
        raise BadTokenError(Fault.CLAIMS)
    return code


def find_roles(claims: Claims) -> frozenset[str]:
    roles = claims.get("roles") or []
    if not isinstance(roles, list) or not all(isinstance(role, str) for role in roles):
        raise BadTokenError(Fault.CLAIMS)
    return frozenset(roles)


def _optional_text(claims: Claims, name: str) -> str:
    return jose.text(claims, name) if claims.get(name) else ""
