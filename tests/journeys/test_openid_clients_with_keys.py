"""Clients that nobody here wrote, proving themselves by keys: idpyoidc with DPoP, Authlib with a signed assertion.

As far as they can: idpyoidc hashes the access token in a way of its own (`ath` in hex) and takes no 201 for a pushed
request, and Authlib knows neither, so those halves are shown by relying parties of our own alone.
"""

import base64
import hashlib
import json
from typing import Any
from urllib.parse import parse_qsl, urlsplit

from authlib.integrations.requests_client import OAuth2Session
from authlib.oauth2.rfc7523 import PrivateKeyJWT
from cryptojwt import KeyJar
from idpyoidc.client.defaults import DEFAULT_OIDC_SERVICES
from idpyoidc.client.rp_handler import RPHandler
from joserfc.jwk import RSAKey

from idp.effects import Effects
from idp.oidc.client_metadata import register
from tests.support.running_server import RunningServer

CALLBACK = "http://localhost:9000/callback"
SCOPE = "openid profile offline_access"
ADD_ONS = "idpyoidc.client.oauth2.add_on"


def added(server: RunningServer, **metadata: Any) -> tuple[str, str]:
    """A client as `visvaris client add` makes it: its id and its secret."""
    registration = register({"client_name": "Svešinieks", **metadata}, Effects())
    with server.database.begin() as work:
        work.clients.add(registration.client)
    return registration.client.client_id, registration.secret or ""


def claims_in(token: str) -> dict[str, Any]:
    part = token.split(".")[1]
    claims: dict[str, Any] = json.loads(base64.urlsafe_b64decode(part + "=="))
    return claims


def thumbprint(jwk: dict[str, Any]) -> str:
    """RFC 7638."""
    text = json.dumps({name: jwk[name] for name in ("crv", "kty", "x", "y")}, separators=(",", ":"))
    return base64.urlsafe_b64encode(hashlib.sha256(text.encode()).digest()).rstrip(b"=").decode()


def test_idpyoidc_binds_its_tokens_to_a_key_and_refreshes_them_with_it(server: RunningServer) -> None:
    client_id, secret = added(
        server,
        redirect_uris=[CALLBACK],
        grant_types=["authorization_code", "refresh_token"],
        scope=SCOPE,
        dpop_bound_access_tokens=True,
    )
    pkce = {"code_challenge_length": 64, "code_challenge_method": "S256"}
    dpop = {
        "dpop_signing_alg_values_supported": ["ES256"],
        "with_dpop_header": ["accesstoken", "refresh_token"],
    }
    handler = RPHandler(
        base_url="http://localhost:9000",
        keyjar=KeyJar(),
        client_configs={
            server.issuer: {
                "client_type": "oidc",
                "issuer": server.issuer,
                "client_id": client_id,
                "client_secret": secret,
                "redirect_uris": [CALLBACK],
                "response_types_supported": ["code"],
                "scopes_supported": SCOPE.split(),
                "client_authn_methods": ["client_secret_basic"],
                "token_endpoint_auth_methods_supported": ["client_secret_basic"],
                "services": DEFAULT_OIDC_SERVICES,
                "add_ons": {
                    "pkce": {"function": f"{ADD_ONS}.pkce.add_support", "kwargs": pkce},
                    "dpop": {"function": f"{ADD_ONS}.dpop.add_support", "kwargs": dpop},
                },
            }
        },
    )
    browser = server.browser()
    browser.signs_in(server.hire(), handler.begin(server.issuer))
    browser.presses("consent-allow")
    client = handler.issuer2rp[server.issuer]
    answer = client.finalize_auth(dict(parse_qsl(urlsplit(browser.left_for or "").query)))
    tokens = client.get_tokens(answer["state"])
    assert tokens["token_type"] == "DPoP"
    jkt = thumbprint(client.get_context().add_on["dpop"]["key"].serialize())
    assert claims_in(tokens["access_token"])["cnf"] == {"jkt": jkt}

    renewed = client.refresh_access_token(answer["state"])
    assert renewed["token_type"] == "DPoP"
    assert claims_in(renewed["access_token"])["cnf"] == {"jkt": jkt}
    assert renewed["refresh_token"] != tokens["refresh_token"]


def test_authlib_proves_itself_by_a_signed_assertion(server: RunningServer) -> None:
    key = RSAKey.generate_key(2048, {"kid": "authlib"})
    client_id, _ = added(
        server,
        grant_types=["client_credentials"],
        token_endpoint_auth_method="private_key_jwt",
        jwks={"keys": [{**key.as_dict(private=False), "use": "sig"}]},
        scope="fines.read",
    )
    token_endpoint = f"{server.issuer}/token"
    session = OAuth2Session(
        client_id,
        key.as_dict(private=True),
        token_endpoint_auth_method=PrivateKeyJWT(token_endpoint, headers={"kid": "authlib"}, alg="PS256"),
    )
    token = session.fetch_token(token_endpoint, grant_type="client_credentials", scope="fines.read")
    claims = claims_in(token["access_token"])
    assert (claims["sub"], claims["scope"]) == (client_id, "fines.read")
    again = session.fetch_token(token_endpoint, grant_type="client_credentials", scope="fines.read")
    assert again["access_token"] != token["access_token"]
