"""An application that registers itself, as a stranger would write it (RFC 7591, RFC 7592): it checks what it is told."""

from dataclasses import dataclass, field
from typing import Any

import httpx

from tests.support.relying_party import ProviderError, RelyingParty

CALLBACK = "https://app.example.lv/callback"
DOCUMENT: dict[str, Any] = {"client_name": "Lietotne", "redirect_uris": [CALLBACK]}
NOT_METADATA = {
    *("client_id", "client_secret", "client_id_issued_at", "client_secret_expires_at"),
    *("registration_access_token", "registration_client_uri"),
}


@dataclass
class Registered:
    """What came back, and the means to manage it."""

    http: httpx.Client
    told: dict[str, Any] = field(repr=False)

    @property
    def client_id(self) -> str:
        return str(self.told["client_id"])

    @property
    def uri(self) -> str:
        return str(self.told["registration_client_uri"])

    @property
    def token(self) -> str:
        return str(self.told["registration_access_token"])

    @property
    def metadata(self) -> dict[str, Any]:
        return {name: value for name, value in self.told.items() if name not in NOT_METADATA}

    def send(self, method: str, *, token: str | None = None, json: Any = None) -> httpx.Response:
        return self.http.request(method, self.uri, headers=bearer(token or self.token), json=json)

    def read(self) -> dict[str, Any]:
        reply = self.send("GET")
        assert reply.status_code == 200, reply.text
        told: dict[str, Any] = reply.json()
        assert told["registration_access_token"] == self.token
        return told

    def replace(self, **document: Any) -> "Registered":
        """All metadata anew; remembers the token that comes with the answer."""
        reply = self.send("PUT", json={"client_id": self.client_id, **document})
        told = answer_of(reply, 200)
        assert told["client_id"] == self.client_id
        assert told["registration_client_uri"] == self.uri
        assert told["registration_access_token"] != self.token
        kept = {"client_secret": self.told["client_secret"]} if "client_secret" in self.told else {}
        return Registered(self.http, {**kept, **told})

    def remove(self) -> httpx.Response:
        return self.send("DELETE")

    def party(self, **known: Any) -> RelyingParty:
        return RelyingParty(
            issuer=str(self.http.base_url).rstrip("/"),
            client_id=self.client_id,
            redirect_uri=self.told["redirect_uris"][0],
            http=self.http,
            secret=self.told.get("client_secret"),
            auth_method=self.told["token_endpoint_auth_method"],
            algorithm=self.told["id_token_signed_response_alg"],
            **known,
        )


def bearer(token: str | None) -> dict[str, str]:
    return {"Authorization": f"Bearer {token}"} if token is not None else {}


def register(http: httpx.Client, *, initial_token: str | None = None, **metadata: Any) -> Registered:
    """RFC 7591 section 3, at the address discovery names. Raises ProviderError."""
    discovered = http.get("/.well-known/openid-configuration").raise_for_status().json()
    document = {name: value for name, value in {**DOCUMENT, **metadata}.items() if value is not None}
    reply = http.post(discovered["registration_endpoint"], json=document, headers=bearer(initial_token))
    told = answer_of(reply, 201)
    assert told["client_secret_expires_at"] == 0 if "client_secret" in told else True
    assert told["registration_client_uri"].startswith(discovered["issuer"])
    for name in set(told) & set(document):
        assert told[name] == document[name], "what was asked for is what is had"
    return Registered(http, told)


def answer_of(reply: httpx.Response, status: int) -> dict[str, Any]:
    assert reply.headers["Content-Type"] == "application/json"
    assert reply.headers["Cache-Control"] == "no-store"
    body: dict[str, Any] = reply.json()
    if reply.status_code != status:
        raise ProviderError(body["error"], body.get("error_description", ""), status=reply.status_code)
    return body
