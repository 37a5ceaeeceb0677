"""An application that proves its key with each request (RFC 9449), and the proofs it makes.

It keeps the nonces it is handed and tries again when one is asked for, as section 8 has it. Its key and its
thumbprint are made with no code of the provider.
"""

import base64
import hashlib
import json
import secrets
from collections.abc import Mapping
from dataclasses import dataclass, field, fields
from typing import Any
from urllib.parse import urlencode

import httpx
from joserfc.jwk import ECKey, Key, OKPKey, RSAKey
from joserfc.jws import JWSRegistry

from tests.support.relying_party import FORM, RelyingParty, _answer_of

_REQUIRED = {"EC": ("crv", "kty", "x", "y"), "RSA": ("e", "kty", "n"), "OKP": ("crv", "kty", "x")}


def new_key(alg: str = "ES256") -> Key:
    match alg:
        case "ES256":
            return ECKey.generate_key("P-256")
        case "EdDSA":
            return OKPKey.generate_key("Ed25519")
        case _:
            return RSAKey.generate_key(2048)


def public(key: Key) -> dict[str, Any]:
    jwk: dict[str, Any] = key.as_dict(private=False)  # type: ignore[assignment]
    return {name: jwk[name] for name in _REQUIRED[jwk["kty"]]}


def thumbprint(key: Key) -> str:
    """RFC 7638 section 3: the required members, in lexicographic order, without spaces."""
    text = json.dumps(dict(sorted(public(key).items())), separators=(",", ":"))
    return _base64url(hashlib.sha256(text.encode()).digest())


def ath_of(access_token: str) -> str:
    return _base64url(hashlib.sha256(access_token.encode()).digest())


def proof(
    key: Key,
    *,
    method: str,
    url: str,
    now: float,
    alg: str = "ES256",
    header: Mapping[str, Any] | None = None,
    **claims: Any,
) -> str:
    """Signed by `key` with `alg`, whatever the header says. What is None is left out."""
    head = {"typ": "dpop+jwt", "alg": alg, "jwk": public(key), **(header or {})}
    body = {"jti": secrets.token_urlsafe(16), "htm": method, "htu": url, "iat": int(now), **claims}
    kept = ({name: value for name, value in part.items() if value is not None} for part in (head, body))
    signed = ".".join(_base64url(json.dumps(part).encode()) for part in kept)
    return f"{signed}.{_base64url(JWSRegistry.algorithms[alg].sign(signed.encode(), key))}"


@dataclass
class ProvingParty(RelyingParty):
    token_type: str = "DPoP"
    proof_key: Key = field(default_factory=new_key)
    proof_alg: str = "ES256"
    nonce: str | None = None
    """The last one it was handed."""

    @property
    def jkt(self) -> str:
        return thumbprint(self.proof_key)

    def prove(self, method: str, path: str, **changed: Any) -> str:
        claims = {"nonce": self.nonce, **changed}
        return proof(
            self.proof_key,
            method=method,
            url=f"{self.issuer}{path}",
            now=self.now(),
            alg=self.proof_alg,
            **claims,
        )

    def post(self, path: str, form: Mapping[str, str | None]) -> httpx.Response:
        reply = self.post_with(path, form, self.prove("POST", path))
        if reply.status_code == 400 and reply.json()["error"] == "use_dpop_nonce":
            reply = self.post_with(path, form, self.prove("POST", path))
        return reply

    def post_with(self, path: str, form: Mapping[str, str | None], *proofs: str) -> httpx.Response:
        headers, extra = self.credentials()
        sent = {name: value for name, value in {**form, **extra}.items() if value is not None}
        return self._learnt(
            self.http.post(
                f"{self.issuer}{path}",
                content=urlencode(sent),
                headers=[*FORM.items(), *headers.items(), *(("DPoP", each) for each in proofs)],
            )
        )

    def userinfo(self, access_token: str) -> dict[str, Any]:
        return _answer_of(self.show(access_token))

    def show(self, access_token: str, *, scheme: str = "DPoP", **changed: Any) -> httpx.Response:
        """The access token at the userinfo endpoint, with a proof whose claims are changed so."""
        shown = self.prove("GET", "/userinfo", **{"ath": ath_of(access_token), **changed})
        headers = {"Authorization": f"{scheme} {access_token}", "DPoP": shown}
        return self._learnt(self.http.get(f"{self.issuer}/userinfo", headers=headers))

    def _learnt(self, reply: httpx.Response) -> httpx.Response:
        self.nonce = reply.headers.get("DPoP-Nonce", self.nonce)
        return reply


def proving(party: RelyingParty, **changed: Any) -> ProvingParty:
    """The same application, with a key."""
    same = {each.name: getattr(party, each.name) for each in fields(party) if each.name != "token_type"}
    return ProvingParty(**{**same, **changed})


def _base64url(raw: bytes) -> str:
    return base64.urlsafe_b64encode(raw).rstrip(b"=").decode()
