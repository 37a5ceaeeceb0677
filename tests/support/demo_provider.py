"""A stand-in for the provider, for tests of connectors alone: real HTTP on loopback, real keys, real tokens.

It signs in whoever `person` is without asking, checks what a client sends as the real one does, and can be
told to answer wrongly. What the real provider does is tested with the real provider, in the journeys.
"""

import base64
import hashlib
import secrets
from collections import Counter
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from threading import Thread
from typing import Any
from urllib.parse import urlencode

from flask import Flask, Response, jsonify, redirect, request
from joserfc import jwt
from joserfc.jwk import ECKey, Key, RSAKey, import_key
from werkzeug.serving import WSGIRequestHandler, make_server
from werkzeug.wrappers import Response as BaseResponse

CLIENT_ID = "agreements"
CLIENT_SECRET = "a-secret-of-the-stand-in"
ES_KEY = ECKey.generate_key("P-256", {"kid": "es-1", "use": "sig", "alg": "ES256"})
RS_KEY = RSAKey.generate_key(2048, {"kid": "rs-1", "use": "sig", "alg": "RS256"})


@dataclass
class StandIn:
    """`answers` replaces what an endpoint says; `in_response`, `in_id_token` change single values, None removes.

    `people` are those whose access token is good: taking one out signs them out here.
    """

    issuer: str
    now: Callable[[], float]
    person: dict[str, Any] = field(default_factory=dict)
    published: list[Key] = field(default_factory=lambda: [ES_KEY, RS_KEY])
    in_metadata: dict[str, Any] = field(default_factory=dict)
    in_response: dict[str, Any] = field(default_factory=dict)
    in_tokens: dict[str, Any] = field(default_factory=dict)
    in_id_token: dict[str, Any] = field(default_factory=dict)
    in_user_info: dict[str, Any] = field(default_factory=dict)
    id_token_header: dict[str, Any] = field(default_factory=dict)
    answers: dict[str, tuple[int, str]] = field(default_factory=dict)
    asked: Counter[str] = field(default_factory=Counter)
    codes: dict[str, dict[str, str]] = field(default_factory=dict)
    people: dict[str, dict[str, Any]] = field(default_factory=dict)
    logouts: list[dict[str, str]] = field(default_factory=list)

    def access_token(
        self, *, key: Key = ES_KEY, header: Mapping[str, Any] | None = None, **claims: Any
    ) -> str:
        whole = {
            "iss": self.issuer,
            "aud": "http://localhost/agreements",
            "sub": "person-1",
            "client_id": "a-program",
            "iat": int(self.now()),
            "exp": int(self.now()) + 300,
            "jti": secrets.token_urlsafe(16),
            "scope": "agreements.read",
            **claims,
        }
        return signed(whole, key, {"alg": "ES256", "typ": "at+jwt", "kid": key.kid, **(header or {})})

    def id_token(self, *, nonce: str | None, access_token: str) -> str:
        digest = hashlib.sha256(access_token.encode()).digest()[:16]
        whole = {
            "iss": self.issuer,
            "aud": CLIENT_ID,
            "iat": int(self.now()),
            "exp": int(self.now()) + 300,
            "nonce": nonce,
            "acr": "urn:visvaris:acr:1fa",
            "at_hash": base64.urlsafe_b64encode(digest).rstrip(b"=").decode(),
            **self.person,
            **self.in_id_token,
        }
        return signed(whole, RS_KEY, {"alg": "RS256", "kid": "rs-1", **self.id_token_header})


def signed(claims: Mapping[str, Any], key: Key, header: Mapping[str, Any]) -> str:
    """Also with an algorithm that the key is not for, as a forger would."""
    bare = import_key({name: value for name, value in key.as_dict(private=True).items() if name != "alg"})
    algorithms = [header["alg"]]
    return jwt.encode(
        _without_none(header), _without_none(claims), bare, algorithms=algorithms, default_type=None
    )


@contextmanager
def stand_in(now: Callable[[], float]) -> Iterator[StandIn]:
    provider = StandIn("", now)
    server = make_server("127.0.0.1", 0, _app(provider), threaded=True, request_handler=QuietHandler)
    provider.issuer = f"http://127.0.0.1:{server.server_port}"
    thread = Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01})
    thread.start()
    try:
        yield provider
    finally:
        server.shutdown()
        thread.join()
        server.server_close()


def _app(provider: StandIn) -> Flask:
    app = Flask(__name__)

    @app.before_request
    def _count() -> Response | None:
        provider.asked[request.path] += 1
        told = provider.answers.get(request.path)
        return Response(told[1], status=told[0], content_type="application/json") if told else None

    @app.get("/.well-known/openid-configuration")
    def metadata() -> Response:
        return jsonify(_without_none(_metadata(provider.issuer) | provider.in_metadata))

    @app.get("/jwks")
    def jwks() -> Response:
        return jsonify(keys=[key.as_dict(private=False) for key in provider.published])

    @app.get("/authorize")
    def authorize() -> BaseResponse:
        code = secrets.token_urlsafe(16)
        provider.codes[code] = request.args.to_dict()
        answer = {
            "code": code,
            "state": request.args["state"],
            "iss": provider.issuer,
            **provider.in_response,
        }
        return redirect(f"{request.args['redirect_uri']}?{urlencode(_without_none(answer), doseq=True)}", 303)

    @app.post("/token")
    def token() -> tuple[Response, int]:
        granted = provider.codes.pop(request.form["code"], None)
        if granted is None or not _is_rightly_redeemed(granted):
            return jsonify(error="invalid_grant"), 400
        access_token = secrets.token_urlsafe(32)
        id_token = provider.id_token(nonce=granted["nonce"], access_token=access_token)
        provider.people[access_token] = dict(provider.person)
        answer = {
            "access_token": access_token,
            "token_type": "Bearer",
            "expires_in": 300,
            "id_token": id_token,
        }
        return jsonify(_without_none(answer | provider.in_tokens)), 200

    @app.get("/userinfo")
    def userinfo() -> tuple[Response, int]:
        bearer = request.authorization
        person = provider.people.get(bearer.token or "") if bearer and bearer.type == "bearer" else None
        if person is None:
            return jsonify(error="invalid_token"), 401
        return jsonify(_without_none(person | provider.in_user_info)), 200

    @app.get("/logout")
    def logout() -> BaseResponse:
        provider.logouts.append(request.args.to_dict())
        return redirect(request.args["post_logout_redirect_uri"], 303)

    return app


def _is_rightly_redeemed(granted: Mapping[str, str]) -> bool:
    verifier = request.form.get("code_verifier", "")
    challenge = base64.urlsafe_b64encode(hashlib.sha256(verifier.encode()).digest()).rstrip(b"=").decode()
    who = request.authorization
    return (
        granted["code_challenge_method"] == "S256"
        and granted["code_challenge"] == challenge
        and granted["redirect_uri"] == request.form["redirect_uri"]
        and who is not None
        and (who.username, who.password) == (CLIENT_ID, CLIENT_SECRET)
    )


def _metadata(issuer: str) -> dict[str, Any]:
    return {
        "issuer": issuer,
        "authorization_endpoint": f"{issuer}/authorize",
        "token_endpoint": f"{issuer}/token",
        "userinfo_endpoint": f"{issuer}/userinfo",
        "jwks_uri": f"{issuer}/jwks",
        "end_session_endpoint": f"{issuer}/logout",
        "authorization_response_iss_parameter_supported": True,
    }


def _without_none(values: Mapping[str, Any]) -> dict[str, Any]:
    return {name: value for name, value in values.items() if value is not None}


class QuietHandler(WSGIRequestHandler):
    def log(self, type: str, message: str, *args: object) -> None:  # noqa: A002  werkzeug's name
        return
