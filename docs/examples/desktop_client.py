"""An installed application: system browser, loopback redirect, S256 (RFC 8252); tokens bound to a key.

python docs/examples/desktop_client.py --issuer http://localhost:8000 --client-id demo-desktop
"""

import argparse
import atexit
import secrets
import sys
import webbrowser
from http.server import BaseHTTPRequestHandler, HTTPServer
from urllib.parse import parse_qsl, urlencode, urlsplit

import httpx
from authlib.oauth2 import OAuth2Client
from dpop import Proof, new_key
from joserfc import jwt
from joserfc.jwk import KeySet

SCOPE = "openid profile employment offline_access"
answer: dict[str, str] = {}


class Callback(BaseHTTPRequestHandler):
    def do_GET(self) -> None:
        if urlsplit(self.path).path == "/callback":
            answer.update(parse_qsl(urlsplit(self.path).query))
        self.send_response(200)
        self.send_header("Content-Type", "text/plain; charset=utf-8")
        self.end_headers()
        self.wfile.write("Varat aizvērt šo logu un atgriezties lietotnē.\n".encode())

    def log_message(self, *_: object) -> None: ...  # the address holds the code, which belongs in no log


def open_in_browser(url: str) -> None:
    print(url, flush=True)
    if not options.no_browser:
        webbrowser.open(url)


arguments = argparse.ArgumentParser()
for name in ("--issuer", "--client-id"):
    arguments.add_argument(name, required=True)
arguments.add_argument("--no-browser", action="store_true", help="only print the addresses to open")
options = arguments.parse_args()
http = httpx.Client(timeout=10)
atexit.register(http.close)
provider = http.get(f"{options.issuer}/.well-known/openid-configuration").raise_for_status().json()
assert provider["issuer"] == options.issuer
with HTTPServer(("127.0.0.1", 0), Callback) as server:
    client = OAuth2Client(http, options.client_id, scope=SCOPE, code_challenge_method="S256")
    client.redirect_uri = f"http://127.0.0.1:{server.server_port}/callback"
    nonce, verifier = secrets.token_urlsafe(32), secrets.token_urlsafe(48)
    key, token = new_key(), provider["token_endpoint"]  # the key never leaves this process
    asked = {"code_verifier": verifier, "nonce": nonce, "dpop_jkt": key.thumbprint()}
    url, state = client.create_authorization_url(provider["authorization_endpoint"], **asked)
    open_in_browser(url)
    while not answer:
        server.handle_request()
if answer.get("state") != state or answer.get("iss") != options.issuer or "code" not in answer:
    sys.exit(f"Not signed in: {answer.get('error', 'the answer is to another request')}")

me = {"client_id": options.client_id, "auth": Proof(key)}  # an installed program can keep no secret
id_token = client.fetch_token(token, code=answer["code"], code_verifier=verifier, **me)["id_token"]
keys = KeySet.import_key_set(http.get(provider["jwks_uri"]).raise_for_status().json())
claims = jwt.decode(id_token, keys, algorithms=["RS256", "ES256"]).claims
jwt.JWTClaimsRegistry(leeway=5, exp={"essential": True}).validate(claims)
assert {"iss": options.issuer, "aud": options.client_id, "nonce": nonce}.items() <= claims.items()
tokens = client.refresh_token(token, **me)  # as one does when the access token has run out
reply = http.get(provider["userinfo_endpoint"], auth=Proof(key, tokens["access_token"]))
who = reply.raise_for_status().json()
assert who["sub"] == claims["sub"]
print(f"Signed in: {who.get('name')}, {who.get('municipality_name')}", flush=True)

input("Press Enter to sign out. ")
revoked = {"client_id": options.client_id, "token": tokens["refresh_token"]}
http.post(provider["revocation_endpoint"], data=revoked).raise_for_status()
open_in_browser(f"{provider['end_session_endpoint']}?{urlencode({'id_token_hint': id_token})}")
