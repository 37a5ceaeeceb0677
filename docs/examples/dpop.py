"""Proof of a key with each request (RFC 9449), for httpx: `http.get(url, auth=Proof(key, access_token))`.

Whoever copies a token that is bound to the key can do nothing with it, so the key must not be kept beside it.
"""

import secrets
import time
from collections.abc import Generator

import httpx
from authlib.oauth2.rfc7636 import create_s256_code_challenge as s256
from joserfc import jwt
from joserfc.jwk import ECKey


def new_key() -> ECKey:
    return ECKey.generate_key("P-256")


class Proof(httpx.Auth):
    """At the token endpoint without an access token, at an API with the one it is shown."""

    nonces: dict[str, str] = {}  # noqa: RUF012  the last one of each server, shared by all proofs

    def __init__(self, key: ECKey, access_token: str | None = None) -> None:
        self.key, self.token = key, access_token

    def auth_flow(self, request: httpx.Request) -> Generator[httpx.Request, httpx.Response, None]:
        if self.token:
            request.headers["Authorization"] = f"DPoP {self.token}"
        for _ in range(2):
            request.headers["DPoP"] = self._made(request)
            response = yield request
            nonce = response.headers.get("DPoP-Nonce")
            if nonce:
                self.nonces[request.url.host] = nonce
            if not nonce or response.status_code not in {400, 401}:
                break

    def _made(self, request: httpx.Request) -> str:
        header = {"typ": "dpop+jwt", "alg": "ES256", "jwk": self.key.as_dict(private=False)}
        claims = {
            "jti": secrets.token_urlsafe(16),
            "htm": request.method,
            "htu": str(request.url.copy_with(query=None)),
            "iat": int(time.time()),
        }
        if self.token:
            claims["ath"] = s256(self.token)
        if request.url.host in self.nonces:
            claims["nonce"] = self.nonces[request.url.host]
        return jwt.encode(header, claims, self.key)
