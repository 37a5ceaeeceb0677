"""An OpenID provider that is not ours: real sockets, TLS and signatures, and faults that a test asks for.

What Entra ID sends (`tid`, `oid`, pairwise `sub`, `preferred_username`, `amr` of short names, the tenant in the issuer)
and what AD FS sends (`upn`, `unique_name`, `sid`, `amr` of URNs, `auth_time`). It checks PKCE, the redirect address and
the secret, and takes each code once, as those do.
"""

import base64
import hashlib
import hmac
import json
import secrets
import ssl
from collections.abc import Callable
from dataclasses import dataclass, field
from enum import Enum
from typing import Any
from urllib.parse import parse_qs, parse_qsl, urlencode, urlsplit

import httpx
from joserfc import jws, jwt
from joserfc.errors import JoseError
from joserfc.jwk import ECKey, KeySet, RSAKey

from tests.support.remote import Received, Remote, Reply

CLIENT_ID = "9f3a-visvaris"
SECRET = "upstream secret, with = and & in it"
TENANT = "7b1c0f7e-0d1a-4a55-9d60-3f6a5a1a2b3c"
OTHER_TENANT = "00000000-1111-2222-3333-444444444444"
LOGOUT_EVENT = "http://schemas.openid.net/event/backchannel-logout"


class Shape(Enum):
    ENTRA = "entra"
    ADFS = "adfs"


@dataclass(frozen=True)
class Colleague:
    """Somebody the upstream knows."""

    key: str
    name: str = "Anna Bērziņa"
    upn: str = "anna.berzina@riga.example"
    claims: dict[str, Any] = field(default_factory=dict)


@dataclass
class Code:
    asked: dict[str, str]
    who: Colleague


@dataclass
class Upstream:
    """`seen_at`: when the person logged in there; None is now, at each visit."""

    remote: Remote
    trust: ssl.SSLContext
    now: Callable[[], float]
    shape: Shape = Shape.ENTRA
    who: Colleague = field(default_factory=lambda: Colleague("k1"))
    strong: bool = False
    seen_at: float | None = None
    tells_issuer: bool = False
    changes: dict[str, Any] = field(default_factory=dict)
    """Claims that are other than they should be; None leaves one out."""
    answers_with: dict[str, str | None] = field(default_factory=dict)
    """Parameters of the way back that are other than they should be."""
    signs: Callable[["Upstream", dict[str, Any]], str] | None = None
    client_keys: Callable[[], dict[str, Any]] | None = None
    """By which the client shows who it is; None where it has a secret."""
    takes: list[str] = field(default_factory=lambda: ["RS256", "PS256"])
    assertions: dict[str, str] = field(default_factory=dict)
    asked: list[dict[str, str]] = field(default_factory=list)
    codes: dict[str, Code] = field(default_factory=dict)

    def __post_init__(self) -> None:
        self.keys = [RSAKey.generate_key(2048, {"kid": "k-1", "use": "sig"})]
        self.base = "/adfs" if self.shape is Shape.ADFS else f"/{TENANT}/v2.0"
        self.issuer = self.remote.url(self.base)
        self.remote.answers |= {
            f"{self.base}/.well-known/openid-configuration": lambda _: _json(self.metadata()),
            f"{self.base}/keys": lambda _: _json(self.key_set()),
            f"{self.base}/authorize": self._authorize,
            f"{self.base}/token": self._token,
        }

    def metadata(self) -> dict[str, Any]:
        told = {
            "issuer": self.issuer,
            "authorization_endpoint": f"{self.issuer}/authorize",
            "token_endpoint": f"{self.issuer}/token",
            "jwks_uri": f"{self.issuer}/keys",
            "token_endpoint_auth_methods_supported": ["client_secret_post", "private_key_jwt"],
            "id_token_signing_alg_values_supported": ["RS256"],
        }
        if self.shape is Shape.ADFS:
            told["token_endpoint_auth_methods_supported"] = [
                "client_secret_basic",
                "windows_client_authentication",
            ]
        if self.client_keys is not None:
            told["token_endpoint_auth_methods_supported"] = ["client_secret_post", "private_key_jwt"]
            told["token_endpoint_auth_signing_alg_values_supported"] = self.takes
        if self.tells_issuer:
            told["authorization_response_iss_parameter_supported"] = True
        return told

    def key_set(self) -> dict[str, Any]:
        return {"keys": [key.as_dict(private=False) for key in self.keys]}

    def rotate(self) -> None:
        self.keys = [
            RSAKey.generate_key(2048, {"kid": f"k-{len(self.keys) + 1}-{secrets.token_hex(3)}", "use": "sig"})
        ]

    def visit(self, address: str) -> str:
        """A browser goes there and is let in; the path at ours it is sent back to."""
        with httpx.Client(verify=self.trust) as http:
            reply = http.get(address)
        assert reply.status_code == 302, reply.text
        back = urlsplit(reply.headers["Location"])
        return f"{back.path}?{back.query}"

    # What it answers -----------------------------------------------------------------------------------

    def _authorize(self, received: Received) -> Reply:
        asked = {name: values[0] for name, values in parse_qs(urlsplit(received.path).query).items()}
        self.asked.append(asked)
        code = secrets.token_urlsafe(24)
        self.codes[code] = Code(asked, self.who)
        back = {"code": code, "state": asked["state"], "session_state": "a1b2"}
        if self.tells_issuer:
            back["iss"] = self.issuer
        back = {name: value for name, value in {**back, **self.answers_with}.items() if value is not None}
        return Reply(b"", 302, {"Location": f"{asked['redirect_uri']}?{urlencode(back)}"})

    def _token(self, received: Received) -> Reply:
        form = dict(parse_qsl(received.body.decode()))
        code = self.codes.pop(form.get("code", ""), None)
        if code is None:
            return _json({"error": "invalid_grant"}, 400)
        if not self._is_client(form, received.headers.get("Authorization", "")):
            return _json({"error": "invalid_client"}, 401)
        assert code.asked["code_challenge_method"] == "S256"
        hashed = hashlib.sha256(form["code_verifier"].encode()).digest()
        assert base64.urlsafe_b64encode(hashed).rstrip(b"=").decode() == code.asked["code_challenge"]
        assert form["redirect_uri"] == code.asked["redirect_uri"]
        access_token = secrets.token_urlsafe(32)
        id_token = self.sign(self.claims(code, access_token))
        return _json(
            {"token_type": "Bearer", "expires_in": 3599, "access_token": access_token, "id_token": id_token}
        )

    def _is_client(self, form: dict[str, str], header: str) -> bool:
        if self.client_keys is not None:
            return not header and "client_secret" not in form and self._holds_assertion(form)
        if self.shape is Shape.ENTRA:
            return (form.get("client_id"), form.get("client_secret")) == (CLIENT_ID, SECRET)
        name, _, secret = base64.b64decode(header.removeprefix("Basic ")).decode().partition(":")
        decoded = dict(parse_qsl(f"n={name}&s={secret}"))
        return (decoded["n"], decoded["s"]) == (CLIENT_ID, SECRET)

    def _holds_assertion(self, form: dict[str, str]) -> bool:
        """RFC 7523 section 3, with the keys that were fetched from the client or uploaded."""
        if form.get("client_assertion_type") != "urn:ietf:params:oauth:client-assertion-type:jwt-bearer":
            return False
        token = form["client_assertion"]
        keys = KeySet.import_key_set(self.client_keys() if self.client_keys else {"keys": []})
        try:
            told = jwt.decode(token, keys, algorithms=self.takes)
        except JoseError:
            return False
        claims = told.claims
        fresh = claims["nbf"] <= self.now() < claims["exp"] <= self.now() + 600
        is_first = claims["jti"] not in self.assertions
        self.assertions[claims["jti"]] = token
        named = (claims["iss"], claims["sub"], claims["aud"], form["client_id"])
        return fresh and is_first and named == (CLIENT_ID, CLIENT_ID, f"{self.issuer}/token", CLIENT_ID)

    def claims(self, code: Code, access_token: str) -> dict[str, Any]:
        now = int(self.now())
        half = hashlib.sha256(access_token.encode()).digest()[:16]
        claims: dict[str, Any] = {
            "iss": self.issuer,
            "aud": CLIENT_ID,
            "sub": self.sub_of(code.who),
            "iat": now,
            "exp": now + 3600,
            "nonce": code.asked["nonce"],
            "auth_time": int(now if self.seen_at is None else self.seen_at),
        }
        if self.shape is Shape.ENTRA:
            claims |= {
                "nbf": now,
                "tid": TENANT,
                "oid": f"oid-{code.who.key}",
                "preferred_username": code.who.upn,
                "name": code.who.name,
                "amr": ["pwd", "mfa"] if self.strong else ["pwd"],
                "ver": "2.0",
                "rh": "0.AX",
                "uti": secrets.token_hex(8),
            }
        else:
            urn = "urn:oasis:names:tc:SAML:2.0:ac:classes:PasswordProtectedTransport"
            claims |= {
                "upn": code.who.upn,
                "unique_name": f"RIGA\\{code.who.key}",
                "sid": f"S-1-5-21-1-2-3-{code.who.key}",
                "amr": [urn, "http://schemas.microsoft.com/claims/multipleauthn"] if self.strong else urn,
                "at_hash": base64.urlsafe_b64encode(half).rstrip(b"=").decode(),
                "appid": CLIENT_ID,
            }
        claims |= code.who.claims | self.changes
        return {name: value for name, value in claims.items() if value is not None}

    def sub_of(self, who: Colleague) -> str:
        return f"pairwise-{who.key}" if self.shape is Shape.ENTRA else f"sub-{who.key}"

    def sign(self, claims: dict[str, Any], *, typ: str = "JWT") -> str:
        return self.signs(self, claims) if self.signs else signed(claims, self.keys[0], typ=typ)

    def logout_token(self, who: Colleague | None = None, **changes: Any) -> str:
        now = int(self.now())
        claims = {
            "iss": self.issuer,
            "aud": CLIENT_ID,
            "iat": now,
            "exp": now + 120,
            "jti": secrets.token_hex(8),
            "events": {LOGOUT_EVENT: {}},
            "sub": self.sub_of(who or self.who),
            **({"tid": TENANT} if self.shape is Shape.ENTRA else {}),
            **changes,
        }
        told = {name: value for name, value in claims.items() if value is not None}
        return self.sign(told, typ="logout+jwt")


def signed(claims: dict[str, Any], key: RSAKey | ECKey, *, alg: str = "RS256", typ: str = "JWT") -> str:
    header = {"alg": alg, "typ": typ, "kid": key.kid, "x5t": "c2hhMQ"}
    return jws.serialize_compact(header, json.dumps(claims), key, algorithms=[alg])


def unsigned(claims: dict[str, Any]) -> str:
    parts = ({"alg": "none", "typ": "JWT"}, claims)
    encoded = (base64.urlsafe_b64encode(json.dumps(part).encode()).rstrip(b"=").decode() for part in parts)
    return ".".join([*encoded, ""])


def signed_with_public_key(op: Upstream, claims: dict[str, Any]) -> str:
    """HS256 under the PEM of the public key, for whoever takes the algorithm from the header."""
    header = {"alg": "HS256", "typ": "JWT", "kid": op.keys[0].kid}
    parts = (base64.urlsafe_b64encode(json.dumps(part).encode()).rstrip(b"=") for part in (header, claims))
    message = b".".join(parts)
    mac = hmac.digest(op.keys[0].as_pem(private=False), message, "sha256")
    return (message + b"." + base64.urlsafe_b64encode(mac).rstrip(b"=")).decode()


def _json(value: object, status: int = 200) -> Reply:
    return Reply(json.dumps(value).encode(), status, {"Content-Type": "application/json; charset=utf-8"})
