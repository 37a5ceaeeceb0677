"""What an upstream signed: ID tokens (OpenID Connect Core 3.1.3.7) and logout tokens (its Back-Channel
Logout 1.0, section 2.6).

Algorithms, issuer, audience and tenant are ours to say, never the token's. Nobody is known by an e-mail
address or a name, which their owners and administrators may change.
"""

import base64
import hashlib
import hmac
from collections.abc import Mapping
from typing import Any, Final

from idp.effects import Effects, Instant
from idp.errors import Reason
from idp.gateways.patience import Deadline
from idp.models.arrivals import Match
from idp.models.upstreams import Assertion, LogoutNotice, Upstream
from idp.oidc.client_keys import ClientKeys, KeysUnavailableError, choose_verifier
from idp.oidc.jose import TokenError, audiences, numeric_date, peek, verify
from idp.oidc.upstream_metadata import Metadata

_ALGORITHMS: Final = frozenset({"RS256", "PS256", "ES256"})
_ID_TOKEN_TYPES: Final = frozenset({"jwt", ""})
_LOGOUT_TYPES: Final = frozenset({"logout+jwt", "jwt", ""})
_LOGOUT_EVENT: Final = "http://schemas.openid.net/event/backchannel-logout"
_SKEW_SECONDS: Final = 60.0
_OLD_SECONDS: Final = 600.0
"""How old an ID token from the token endpoint, or a logout token, may be."""
_TEXT_AT_MOST: Final = 255
_SHOWN_AT_MOST: Final = 120
_MFA_VALUES: Final = frozenset({"mfa", "http://schemas.microsoft.com/claims/multipleauthn"})
"""RFC 8176, and as AD FS says it."""


_METHOD_CLAIMS: Final = ("amr", "http://schemas.microsoft.com/claims/authnmethodsreferences")
"""How somebody was seen: the second is how a rule of AD FS passes it on."""


class UpstreamTokenError(Exception):
    """The message is for the operator."""

    def __init__(self, why: str, reason: Reason = Reason.UPSTREAM_TOKEN) -> None:
        super().__init__(why)
        self.reason = reason


class UpstreamTokens:
    def __init__(self, keys: ClientKeys, effects: Effects) -> None:
        self._keys = keys
        self._effects = effects

    def read(
        self,
        upstream: Upstream,
        metadata: Metadata,
        token: str,
        *,
        nonce: str,
        access_token: str | None,
        not_before: Instant | None,
        deadline: Deadline,
    ) -> Assertion:
        """Raises UpstreamTokenError."""
        claims = self._verified(upstream, metadata, token, _ID_TOKEN_TYPES, deadline)
        now = self._effects.now()
        _hold_times(claims, now)
        told = claims.get("nonce")
        if not _is_same(told, nonce):
            raise UpstreamTokenError("the nonce is another one")
        _hold_access_token(claims, access_token)
        seen_at = _date(claims, "auth_time")
        if seen_at is None or seen_at > now + _SKEW_SECONDS:
            raise UpstreamTokenError("auth_time is missing, or in the future")
        if not_before is not None and seen_at + _SKEW_SECONDS < not_before:
            raise UpstreamTokenError("auth_time is too long ago", Reason.UPSTREAM_NOT_FRESH)
        return Assertion(
            subject=_text(claims, "oid" if upstream.tenant else "sub"),
            sub=_text(claims, "sub"),
            sid=_text(claims, "sid", required=False),
            at=max(seen_at, not_before or seen_at),
            multi_factor=_is_multi_factor(claims, upstream),
            name=_shown(claims, "name"),
            username=_shown(claims, "preferred_username") or _shown(claims, "upn"),
            matched=_matched(claims, upstream),
            given_name=_shown(claims, "given_name"),
            family_name=_shown(claims, "family_name"),
        )

    def read_logout(
        self, upstream: Upstream, metadata: Metadata, token: str, deadline: Deadline
    ) -> LogoutNotice:
        """Raises UpstreamTokenError."""
        claims = self._verified(upstream, metadata, token, _LOGOUT_TYPES, deadline)
        _hold_times(claims, self._effects.now())
        events = claims.get("events")
        if not isinstance(events, dict) or not isinstance(events.get(_LOGOUT_EVENT), dict):
            raise UpstreamTokenError("it is not about a logout")
        if "nonce" in claims:
            raise UpstreamTokenError("a logout token has no nonce")
        notice = LogoutNotice(
            upstream_id=upstream.id,
            sub=_text(claims, "sub", required=False),
            sid=_text(claims, "sid", required=False),
            jti=_text(claims, "jti"),
        )
        if not notice.sub and not notice.sid:
            raise UpstreamTokenError("it names nobody")
        return notice

    def _verified(
        self,
        upstream: Upstream,
        metadata: Metadata,
        token: str,
        types: frozenset[str],
        deadline: Deadline,
    ) -> dict[str, Any]:
        try:
            claims = verify(
                token,
                find_key=lambda kid, alg: self._keys.find_published(
                    metadata.jwks_uri, lambda keys: choose_verifier(keys, kid, alg), deadline
                ),
                algorithms=_ALGORITHMS,
                types=types,
            )
            named = audiences(claims)
        except KeysUnavailableError as error:
            raise UpstreamTokenError(str(error), Reason.UPSTREAM_UNREACHABLE) from None
        except TokenError as error:
            raise UpstreamTokenError(str(error)) from None
        if claims.get("iss") != upstream.issuer:
            raise UpstreamTokenError("the issuer is another one", Reason.UPSTREAM_OTHER_ISSUER)
        if named != (upstream.client_id,) or claims.get("azp", upstream.client_id) != upstream.client_id:
            raise UpstreamTokenError("it is for somebody else, or for others, too")
        if upstream.tenant is not None and claims.get("tid") != upstream.tenant:
            raise UpstreamTokenError("the tenant is another one", Reason.UPSTREAM_OTHER_TENANT)
        return claims


def issuer_and_audiences(token: str) -> tuple[str, tuple[str, ...]]:
    """Unverified: whose keys to look for. Raises UpstreamTokenError."""
    try:
        _, claims = peek(token)
        named = audiences(claims)
    except TokenError as error:
        raise UpstreamTokenError(str(error)) from None
    return _text(claims, "iss"), named


def _hold_times(claims: Mapping[str, Any], now: Instant) -> None:
    expires, begins, made = (_date(claims, name) for name in ("exp", "nbf", "iat"))
    if expires is None or now >= expires + _SKEW_SECONDS:
        raise UpstreamTokenError("it has expired")
    if begins is not None and now < begins - _SKEW_SECONDS:
        raise UpstreamTokenError("it is not good yet")
    if made is None or not now - _OLD_SECONDS <= made <= now + _SKEW_SECONDS:
        raise UpstreamTokenError("iat is missing, too long ago or in the future")


def _hold_access_token(claims: Mapping[str, Any], access_token: str | None) -> None:
    """Core 3.1.3.8. Every algorithm that is allowed has SHA-256."""
    told = claims.get("at_hash")
    if told is None:
        return
    digest = hashlib.sha256((access_token or "").encode(errors="replace")).digest()
    wanted = base64.urlsafe_b64encode(digest[:16]).rstrip(b"=").decode()
    if access_token is None or not _is_same(told, wanted):
        raise UpstreamTokenError("at_hash is of another access token")


def _is_same(told: object, wanted: str) -> bool:
    """`told` may be anything that JSON can say, half a character too."""
    return isinstance(told, str) and told.isascii() and hmac.compare_digest(told, wanted)


def _is_multi_factor(claims: Mapping[str, Any], upstream: Upstream) -> bool:
    """What it says; whether that is believed is the municipality's to say."""
    by_method = any(value in _MFA_VALUES for name in _METHOD_CLAIMS for value in _texts(claims.get(name)))
    return by_method or bool(upstream.mfa_acr and claims.get("acr") == upstream.mfa_acr)


def _texts(told: object) -> list[str]:
    """One or several, as AD FS sends either."""
    values = told if isinstance(told, list) else [told]
    return [value for value in values if isinstance(value, str)]


def _matched(claims: Mapping[str, Any], upstream: Upstream) -> str:
    if not Match(upstream.match_by).reads_a_value or not upstream.match_claim:
        return ""
    return _text(claims, upstream.match_claim, required=False)


def _date(claims: Mapping[str, Any], name: str) -> Instant | None:
    try:
        return numeric_date(claims, name)
    except TokenError as error:
        raise UpstreamTokenError(str(error)) from None


def _text(claims: Mapping[str, Any], name: str, *, required: bool = True) -> str:
    value = claims.get(name, "")
    if (
        not isinstance(value, str)
        or len(value) > _TEXT_AT_MOST
        or not value.isprintable()
        or (required and not value)
    ):
        raise UpstreamTokenError(f"{name} is missing or not a short text")
    return value


def _shown(claims: Mapping[str, Any], name: str) -> str:
    """For an administrator to read: whatever it is, it stands on one line."""
    value = claims.get(name)
    if not isinstance(value, str):
        return ""
    return " ".join("".join(mark if mark.isprintable() else " " for mark in value).split())[:_SHOWN_AT_MOST]
