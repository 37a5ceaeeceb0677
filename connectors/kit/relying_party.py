"""Signing a person in at the provider (OpenID Connect Core 1.0 section 3.1) and out again.

Authorization code with S256 (RFC 7636) and the issuer named in every response (RFC 9207), by Authlib's
client. Whether somebody has signed out at the provider since is asked of its userinfo endpoint (Core 5.3).
Knows no HTTP server: who holds the browser and where things wait is `browser.py`.
"""

import base64
import hashlib
import hmac
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from enum import Enum
from typing import Any
from urllib.parse import urlencode

import httpx
from authlib.oauth2 import OAuth2Client, OAuth2Error

from connectors.kit import jose
from connectors.kit.effects import Effects
from connectors.kit.jose import BadTokenError, Claims, Expected, Fault
from connectors.kit.levels import Level, find_level
from connectors.kit.provider import Provider, ProviderUnavailableError
from connectors.kit.step_up import NOTHING, Demand
from connectors.kit.tokens import find_municipality, find_roles

SCOPE = "openid profile employment"
USERINFO_SECONDS = 3.0

_EXPECTED = Expected(algorithms=frozenset({"RS256", "ES256"}), types=frozenset({"jwt", ""}))


class SignInFailure(Enum):
    DENIED = "access_denied"
    PROVIDER_REFUSED = "provider_refused"
    NOT_STARTED_HERE = "sign_in_not_started_here"
    WRONG_RESPONSE = "wrong_response"
    WRONG_CLAIMS = "wrong_claims"
    TOO_WEAK = "sign_in_too_weak"
    TOO_OLD = "sign_in_too_old"
    STILL_NOT_ENOUGH = "sign_in_still_not_enough"


class SignInError(Exception):
    """`failure` is for the person, the text for the log."""

    def __init__(self, failure: SignInFailure, private: str = "") -> None:
        super().__init__(private or failure.value)
        self.failure = failure


@dataclass(frozen=True, slots=True)
class Pending:
    """What must be known again when the browser comes back, and must never be in its hands."""

    nonce: str = field(repr=False)
    code_verifier: str = field(repr=False)
    return_to: str
    level: Level | None = None
    max_age: int | None = None
    """What was asked for with it (RFC 9470), and must have come of it."""

    @property
    def demand(self) -> Demand:
        return Demand(find_level(self.level), self.max_age)


@dataclass(frozen=True, slots=True)
class Beginning:
    url: str
    state: str = field(repr=False)
    pending: Pending


@dataclass(frozen=True, slots=True)
class SignedIn:
    subject: str
    display_name: str
    username: str
    municipality: str | None
    municipality_name: str
    roles: tuple[str, ...]
    level: Level | None
    id_token: str = field(repr=False)
    access_token: str = field(repr=False)
    access_ends_at: float
    session_id: str = ""
    """The provider's name of the sign-in it came from (`sid`)."""
    auth_time: float | None = None
    asked_level: Level | None = None
    asked_max_age: int | None = None
    """The demand that this sign-in was made to meet."""

    def meets(self, demand: Demand, *, now: float) -> bool:
        now -= jose.SKEW_SECONDS  # the way back from the provider takes a moment
        return demand.is_met(level=self.level, auth_time=self.auth_time, now=now)

    def has_answered(self, demand: Demand, *, now: float) -> bool:
        """Asking the same again would bring the same."""
        return demand == Demand(self.asked_level, self.asked_max_age) and self.meets(demand, now=now)


@dataclass(frozen=True, slots=True)
class _Tokens:
    id_token: str = field(repr=False)
    access_token: str = field(repr=False)
    access_ends_at: float


@dataclass(frozen=True, slots=True)
class Registration:
    """What the provider knows of this application (RFC 7591)."""

    client_id: str
    client_secret: str = field(repr=False)
    redirect_uri: str
    post_logout_redirect_uri: str


class RelyingParty:
    def __init__(
        self,
        registration: Registration,
        *,
        provider: Provider,
        http: httpx.Client,
        effects: Effects,
        level: Level = Level.ONE_FACTOR,
    ) -> None:
        self._registration = registration
        self._provider = provider
        self._http = http
        self._effects = effects
        self._level = level

    def begin(self, *, return_to: str, lang: str, demand: Demand = NOTHING) -> Beginning:
        """`demand`: what this sign-in must come to beyond what every one here must."""
        state = self._effects.new_token()
        pending = Pending(
            self._effects.new_token(), self._effects.new_token(), return_to, demand.level, demand.max_age
        )
        asked = {"nonce": pending.nonce, "ui_locales": lang}
        wanted = demand.with_level(self._level)
        if wanted.level is not None and wanted.level is not Level.ONE_FACTOR:
            asked["acr_values"] = wanted.level.value
        if wanted.max_age is not None:
            asked["max_age"] = str(wanted.max_age)
        url, _ = self._client().create_authorization_url(
            self._provider.metadata().authorization_endpoint,
            state=state,
            code_verifier=pending.code_verifier,
            **asked,
        )
        return Beginning(url, state, pending)

    def finish(self, response: Mapping[str, str], pending: Pending) -> SignedIn:
        """The state has been matched by whoever found `pending`; everything else is checked here."""
        if response.get("iss") != self._provider.issuer:
            raise SignInError(SignInFailure.WRONG_RESPONSE, "the response is of another issuer or names none")
        if "error" in response:
            denied = response["error"] == "access_denied"
            raise SignInError(
                SignInFailure.DENIED if denied else SignInFailure.PROVIDER_REFUSED, response["error"]
            )
        if not response.get("code"):
            raise SignInError(SignInFailure.WRONG_RESPONSE, "the response has no code")
        tokens = self._redeem(response["code"], pending)
        claims = self._id_token_claims(tokens, pending.nonce)
        level = find_level(claims.get("acr"))
        if self._level is not Level.ONE_FACTOR and (level is None or not level.meets(self._level)):
            raise SignInError(SignInFailure.TOO_WEAK)
        auth_time = _auth_time(claims)
        self._hold_demand(pending.demand, level, auth_time)
        user_info = self._find_user_info(tokens.access_token, subject=claims["sub"])
        if user_info is None:
            raise SignInError(SignInFailure.WRONG_CLAIMS, "userinfo is refused or of another subject")
        person = _signed_in({**user_info, **claims}, level, tokens)
        return replace(
            person,
            auth_time=auth_time,
            asked_level=pending.demand.level,
            asked_max_age=pending.max_age,
        )

    def _hold_demand(self, demand: Demand, level: Level | None, auth_time: float | None) -> None:
        """RFC 9470 section 5: what was asked for is checked, since `acr_values` are wishes (Core 3.1.2.1)."""
        now = self._effects.now()
        if not Demand(demand.level).is_met(level=level, auth_time=auth_time, now=now):
            raise SignInError(SignInFailure.TOO_WEAK, f"asked for {demand.level}, got {level}")
        if not demand.is_met(level=level, auth_time=auth_time, now=now - jose.SKEW_SECONDS):
            raise SignInError(SignInFailure.TOO_OLD, f"asked for at most {demand.max_age} seconds")

    def is_signed_in(self, person: SignedIn) -> bool:
        """As the provider says now. Raises ProviderUnavailableError when it says nothing."""
        return self._find_user_info(person.access_token, subject=person.subject) is not None

    def sign_out_url(self, id_token: str, *, lang: str) -> str:
        """OpenID Connect RP-Initiated Logout 1.0 section 2."""
        query = {
            "id_token_hint": id_token,
            "client_id": self._registration.client_id,
            "post_logout_redirect_uri": self._registration.post_logout_redirect_uri,
            "ui_locales": lang,
        }
        return f"{self._provider.metadata().end_session_endpoint}?{urlencode(query)}"

    def _client(self) -> OAuth2Client:
        return OAuth2Client(
            self._http,
            client_id=self._registration.client_id,
            redirect_uri=self._registration.redirect_uri,
            scope=SCOPE,
            code_challenge_method="S256",
        )

    def _redeem(self, code: str, pending: Pending) -> _Tokens:
        asked_at = self._effects.now()
        try:
            answer = self._client().fetch_token(
                self._provider.metadata().token_endpoint,
                grant_type="authorization_code",
                code=code,
                code_verifier=pending.code_verifier,
                auth=httpx.BasicAuth(self._registration.client_id, self._registration.client_secret),
            )
        except OAuth2Error as error:
            raise SignInError(SignInFailure.PROVIDER_REFUSED, str(error.error)) from None
        except (httpx.HTTPError, ValueError, TypeError) as error:
            raise ProviderUnavailableError(f"the token endpoint: {type(error).__name__}") from None
        return _read_tokens(answer, asked_at)

    def _id_token_claims(self, tokens: _Tokens, nonce: str) -> Claims:
        """Core 3.1.3.7, and 3.1.3.8: an access token hash that is there must be right."""
        try:
            claims = jose.read(
                tokens.id_token, provider=self._provider, expected=_EXPECTED, now=self._effects.now()
            )
            if not jose.is_only_audience(claims, self._registration.client_id):
                raise BadTokenError(Fault.AUDIENCE)
            jose.text(claims, "sub")
            if not hmac.compare_digest(jose.text(claims, "nonce").encode(), nonce.encode()):
                raise BadTokenError(Fault.CLAIMS)
            if claims.get("azp", self._registration.client_id) != self._registration.client_id:
                raise BadTokenError(Fault.AUDIENCE)
            if "at_hash" in claims and claims["at_hash"] != _half_hash(tokens.access_token):
                raise BadTokenError(Fault.CLAIMS)
        except BadTokenError as error:
            raise SignInError(SignInFailure.WRONG_CLAIMS, str(error)) from None
        return claims

    def _find_user_info(self, access_token: str, *, subject: str) -> Claims | None:
        """None when the token is good no more. Core 5.3.2: claims of another subject are not to be used."""
        url = self._provider.metadata().userinfo_endpoint
        bearer = {"Authorization": f"Bearer {access_token}"}
        try:
            answer = self._http.get(url, headers=bearer, timeout=USERINFO_SECONDS)
            if answer.status_code == httpx.codes.UNAUTHORIZED:
                return None
            claims = answer.raise_for_status().json()
        except (httpx.HTTPError, ValueError) as error:
            raise ProviderUnavailableError(f"the userinfo endpoint: {type(error).__name__}") from None
        if not isinstance(claims, dict):
            raise ProviderUnavailableError("the userinfo endpoint: not an object")
        return claims if claims.get("sub") == subject else None


def _read_tokens(answer: Mapping[str, Any], asked_at: float) -> _Tokens:
    """Core 3.1.3.3. How long the access token lives must be told: a session lasts no longer."""
    try:
        lifetime = jose.number(answer, "expires_in")
        if lifetime <= 0:
            raise BadTokenError(Fault.EXPIRED)
        return _Tokens(jose.text(answer, "id_token"), jose.text(answer, "access_token"), asked_at + lifetime)
    except BadTokenError as error:
        raise SignInError(SignInFailure.WRONG_CLAIMS, str(error)) from None


def _signed_in(claims: Claims, level: Level | None, tokens: _Tokens) -> SignedIn:
    try:
        municipality, roles = find_municipality(claims), find_roles(claims)
    except BadTokenError as error:
        raise SignInError(SignInFailure.WRONG_CLAIMS, str(error)) from None
    username = str(claims.get("preferred_username") or "")
    return SignedIn(
        subject=claims["sub"],
        display_name=str(claims.get("name") or username),
        username=username,
        municipality=municipality,
        municipality_name=str(claims.get("municipality_name") or ""),
        roles=tuple(sorted(roles)),
        level=level,
        id_token=tokens.id_token,
        access_token=tokens.access_token,
        access_ends_at=tokens.access_ends_at,
        session_id=str(claims.get("sid") or ""),
    )


def _auth_time(claims: Claims) -> float | None:
    try:
        return jose.number(claims, "auth_time") if "auth_time" in claims else None
    except BadTokenError as error:
        raise SignInError(SignInFailure.WRONG_CLAIMS, str(error)) from None


def _half_hash(access_token: str) -> str:
    digest = hashlib.sha256(access_token.encode()).digest()
    return base64.urlsafe_b64encode(digest[: len(digest) // 2]).rstrip(b"=").decode()
