"""A device without a browser that lets somebody sign in from their phone (RFC 8628).

python docs/examples/device_client.py --issuer http://localhost:8000 --client-id demo-device
"""

import argparse
import atexit
import sys
import time
from typing import Any

import httpx
import segno
from joserfc import jwt
from joserfc.jwk import KeySet

GRANT = "urn:ietf:params:oauth:grant-type:device_code"

arguments = argparse.ArgumentParser()
arguments.add_argument("--issuer", required=True)
arguments.add_argument("--client-id", required=True)
arguments.add_argument("--scope", default="openid profile employment")
options = arguments.parse_args()
http = httpx.Client(timeout=10)
atexit.register(http.close)
provider = http.get(f"{options.issuer}/.well-known/openid-configuration").raise_for_status().json()
assert provider["issuer"] == options.issuer
me = {"client_id": options.client_id}  # a device that anybody can open keeps no secret


def post(endpoint: str, **form: str) -> dict[str, Any]:
    answer: dict[str, Any] = http.post(provider[endpoint], data={**me, **form}).json()
    return answer


asked = post("device_authorization_endpoint", scope=options.scope)
if "error" in asked:
    sys.exit(f"Not allowed to ask: {asked['error']}")
segno.make_qr(asked["verification_uri_complete"]).terminal(compact=True)
print(f"Open {asked['verification_uri']} on your phone, or scan the square above.")
print(f"Code: {asked['user_code']}")
print(f"Number to pick there: {asked['visvaris_number']}", flush=True)

interval, until = asked.get("interval", 5), time.monotonic() + asked["expires_in"]
tokens: dict[str, Any] = {"error": "expired_token"}
while time.monotonic() < until:
    time.sleep(interval)
    tokens = post("token_endpoint", grant_type=GRANT, device_code=asked["device_code"])
    if tokens.get("error") == "slow_down":
        interval += 5  # from now on, not only this once
    elif tokens.get("error") != "authorization_pending":
        break
if "error" in tokens:
    sys.exit(f"Not signed in: {tokens['error']}")

keys = KeySet.import_key_set(http.get(provider["jwks_uri"]).raise_for_status().json())
claims = jwt.decode(tokens["id_token"], keys, algorithms=["RS256", "ES256"]).claims
jwt.JWTClaimsRegistry(leeway=5, exp={"essential": True}).validate(claims)
assert {"iss": options.issuer, "aud": options.client_id}.items() <= claims.items()
bearer = {"Authorization": f"Bearer {tokens['access_token']}"}
who = http.get(provider["userinfo_endpoint"], headers=bearer).raise_for_status().json()
assert who["sub"] == claims["sub"]
print(f"Signed in: {who.get('name')}, {who.get('municipality_name')}", flush=True)
