"""A service that exchanges a token it was shown (RFC 8693), as a stranger would write it."""

import base64
import json
from typing import Any

from tests.support.relying_party import ProviderError, RelyingParty

GRANT = "urn:ietf:params:oauth:grant-type:token-exchange"
ACCESS_TOKEN = "urn:ietf:params:oauth:token-type:access_token"
BARIS = "https://baris.example.lv"


def exchange_raw(party: RelyingParty, token: str | None, **changed: str | None) -> dict[str, Any]:
    """The answer of section 2.2.1; for the resource BARIS unless it is changed. Raises ProviderError."""
    form = {
        "grant_type": GRANT,
        "subject_token": token,
        "subject_token_type": ACCESS_TOKEN,
        "resource": BARIS,
        **changed,
    }
    reply = party.post("/token", form)
    body: dict[str, Any] = reply.json()
    if reply.status_code != 200:
        raise ProviderError(body["error"], body.get("error_description", ""), status=reply.status_code)
    return body


def exchange(party: RelyingParty, token: str, **changed: str | None) -> str:
    return str(exchange_raw(party, token, **changed)["access_token"])


def claims_of(token: str) -> dict[str, Any]:
    """As they stand there, unverified."""
    part = token.split(".")[1]
    claims: dict[str, Any] = json.loads(base64.urlsafe_b64decode(part + "=" * (-len(part) % 4)))
    return claims
