"""An application as a stranger would write it: believes nothing it has not checked (OpenID Connect Core 3.1.3.7).

It speaks HTTP to the provider over whatever transport its `http` has, and knows no code of the provider. Each response
is checked for state, issuer (RFC 9207), nonce, audience, times, `at_hash` and signature before anything of it is used.
"""

import base64
import hashlib
import secrets
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import parse_qsl, urlencode, urlsplit

import httpx
from joserfc import jws, jwt
from joserfc.jwk import Key, KeySet

FORM = {"Content-Type": "application/x-www-form-urlencoded"}


class ProviderError(Exception):
    """The provider refused, in the way the specifications prescribe."""

    def __init__(self, error: str, description: str = "", *, status: int = 0) -> None:
        super().__init__(f"{error}: {description}")
        self.error = error
        self.status = status


@dataclass(frozen=True)
class Question:
    """What must be remembered until the browser comes back."""

    url: str
    parameters: Mapping[str, str]
    state: str
    nonce: str
    verifier: str


@dataclass(frozen=True)
class Tokens:
    access_token: str
    scope: frozenset[str]
    refresh_token: str | None = None
    id_token: str | None = None
    claims: Mapping[str, Any] = field(default_factory=dict)


@dataclass
class RelyingParty:
    issuer: str
    client_id: str
    redirect_uri: str
    http: httpx.Client
    secret: str | None = None
    auth_method: str = "client_secret_basic"
    key: Key | None = None
    algorithm: str = "RS256"
    now: Callable[[], float] = time.time
    token_type: str = "Bearer"

    def metadata(self) -> dict[str, Any]:
        """Discovery 4.3: the issuer "MUST be identical to the Issuer URL"."""
        found: dict[str, Any] = (
            self.http.get(f"{self.issuer}/.well-known/openid-configuration").raise_for_status().json()
        )
        assert found["issuer"] == self.issuer
        return found

    def keys(self) -> KeySet:
        return KeySet.import_key_set(self.http.get(self.metadata()["jwks_uri"]).raise_for_status().json())

    # Asking --------------------------------------------------------------------------------------------

    def ask(self, *, scope: str = "openid", **parameters: str | None) -> Question:
        """The authorization request; a parameter that is None is left out, others are added or replaced."""
        state, nonce, verifier = (secrets.token_urlsafe(32) for _ in range(3))
        asked: dict[str, str | None] = {
            "response_type": "code",
            "client_id": self.client_id,
            "redirect_uri": self.redirect_uri,
            "scope": scope,
            "state": state,
            "nonce": nonce,
            "code_challenge": challenge_of(verifier),
            "code_challenge_method": "S256",
            **parameters,
        }
        sent = {name: value for name, value in asked.items() if value is not None}
        url = f"{self.issuer}/authorize?{urlencode(sent)}"
        return Question(url, sent, state, nonce, verifier)

    def read_answer(self, question: Question, location: str) -> dict[str, str]:
        """What the redirect carries, once it is certain that it answers this question and comes from this issuer."""
        redirect_uri = question.parameters["redirect_uri"]
        assert location.startswith(redirect_uri), location
        extra = location[len(redirect_uri) :]
        assert extra.startswith("&" if "?" in redirect_uri else "?"), extra
        return self.check_answer(question, parse_qsl(extra[1:], strict_parsing=True, keep_blank_values=True))

    def check_answer(self, question: Question, pairs: list[tuple[str, str]]) -> dict[str, str]:
        answer = dict(pairs)
        assert len(answer) == len(pairs), "a parameter comes twice"
        assert answer.get("iss") == self.issuer, "RFC 9207: the response must name the issuer"
        if "state" in question.parameters:
            assert answer.get("state") == question.parameters["state"], "the response is to another request"
        if "error" in answer:
            raise ProviderError(answer["error"], answer.get("error_description", ""))
        return answer

    # Tokens --------------------------------------------------------------------------------------------

    def redeem(self, question: Question, code: str, **changed: str | None) -> Tokens:
        form: dict[str, str | None] = {
            "grant_type": "authorization_code",
            "code": code,
            "redirect_uri": question.parameters["redirect_uri"],
            "code_verifier": question.verifier if "code_challenge" in question.parameters else None,
        }
        return self._tokens({**form, **changed}, nonce=question.parameters.get("nonce"))

    def refresh(self, refresh_token: str, **extra: str | None) -> Tokens:
        return self._tokens(
            {"grant_type": "refresh_token", "refresh_token": refresh_token, **extra}, nonce=None
        )

    def own_token(self, **extra: str | None) -> Tokens:
        return self._tokens({"grant_type": "client_credentials", **extra}, nonce=None)

    def userinfo(self, access_token: str) -> dict[str, Any]:
        reply = self.http.get(f"{self.issuer}/userinfo", headers={"Authorization": f"Bearer {access_token}"})
        return _answer_of(reply)

    def introspect(self, token: str) -> dict[str, Any]:
        return _answer_of(self.post("/introspect", {"token": token}))

    def revoke(self, token: str, **extra: str) -> httpx.Response:
        return self.post("/revoke", {"token": token, **extra})

    def post(self, path: str, form: Mapping[str, str | None]) -> httpx.Response:
        """A form posted with this client's authentication."""
        headers, extra = self.credentials()
        sent = {name: value for name, value in {**form, **extra}.items() if value is not None}
        return self.http.post(f"{self.issuer}{path}", content=urlencode(sent), headers={**FORM, **headers})

    def credentials(self) -> tuple[dict[str, str], dict[str, str]]:
        """Headers and form fields that prove who this is."""
        match self.auth_method:
            case "client_secret_basic":
                return {"Authorization": basic(self.client_id, self.secret or "")}, {}
            case "client_secret_post":
                return {}, {"client_id": self.client_id, "client_secret": self.secret or ""}
            case "private_key_jwt" | "client_secret_jwt":
                return {}, self.assertion_form(self.assertion())
            case _:
                return {}, {"client_id": self.client_id}

    def assertion_form(self, assertion: str) -> dict[str, str]:
        kind = "urn:ietf:params:oauth:client-assertion-type:jwt-bearer"
        return {"client_assertion_type": kind, "client_assertion": assertion}

    def assertion(self, *, alg: str | None = None, **changed: Any) -> str:
        assert self.key is not None
        alg = alg or ("HS256" if self.auth_method == "client_secret_jwt" else "ES256")
        now = int(self.now())
        claims = {
            "iss": self.client_id,
            "sub": self.client_id,
            "aud": self.issuer,
            "jti": secrets.token_urlsafe(16),
            "iat": now,
            "exp": now + 60,
            **changed,
        }
        kept = {name: value for name, value in claims.items() if value is not None}
        named = {"kid": self.key.kid} if self.key.kid is not None else {}
        return jwt.encode({"alg": alg, **named}, kept, self.key, algorithms=[alg])

    def _tokens(self, form: Mapping[str, str | None], *, nonce: str | None) -> Tokens:
        reply = self.post("/token", form)
        body = _answer_of(reply)
        assert body["token_type"] == self.token_type
        assert reply.headers["Cache-Control"] == "no-store"
        claims = (
            self.check_id_token(body["id_token"], body["access_token"], nonce) if "id_token" in body else {}
        )
        return Tokens(
            body["access_token"],
            frozenset(body["scope"].split()),
            body.get("refresh_token"),
            body.get("id_token"),
            claims,
        )

    def check_id_token(self, id_token: str, access_token: str | None, nonce: str | None) -> dict[str, Any]:
        """OpenID Connect Core 3.1.3.7, each of its points that concern the code flow, and 3.2.2.9 for the other."""
        header = jws.extract_compact(id_token.encode()).headers()
        assert header["alg"] == self.algorithm
        claims = dict(jwt.decode(id_token, self.keys(), algorithms=[self.algorithm]).claims)
        now = self.now()
        assert claims["iss"] == self.issuer
        assert claims["aud"] in (self.client_id, [self.client_id])
        assert claims.get("azp", self.client_id) == self.client_id
        assert now < claims["exp"]
        assert claims["iat"] <= now + 5
        assert claims.get("nonce") == nonce
        assert claims.get("at_hash") == (half_hash(access_token) if access_token is not None else None)
        return claims


def _answer_of(reply: httpx.Response) -> dict[str, Any]:
    body: dict[str, Any] = reply.json()
    if reply.status_code != 200:
        raise ProviderError(body["error"], body.get("error_description", ""), status=reply.status_code)
    return body


def challenge_of(verifier: str) -> str:
    return base64.urlsafe_b64encode(hashlib.sha256(verifier.encode()).digest()).rstrip(b"=").decode()


def half_hash(token: str) -> str:
    return base64.urlsafe_b64encode(hashlib.sha256(token.encode()).digest()[:16]).rstrip(b"=").decode()


def basic(client_id: str, secret: str) -> str:
    """RFC 6749 section 2.3.1: both parts form-urlencoded first."""
    pair = urlencode({client_id: secret}).replace("=", ":", 1)
    return f"Basic {base64.b64encode(pair.encode()).decode()}"


def query_of(url: str) -> str:
    return urlsplit(url).query
