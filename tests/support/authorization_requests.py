"""What an application needs for requests that are signed or pushed, and for answers that are signed.

RFC 9101, RFC 9126 and JARM from the application's side, on top of `relying_party.py`; knows no code of the provider.
"""

import base64
import json
from collections.abc import Mapping
from dataclasses import replace
from typing import Any
from urllib.parse import urlencode

from joserfc import jws, jwt
from joserfc.jwk import ECKey, Key, OKPKey, RSAKey

from tests.support.relying_party import ProviderError, Question, RelyingParty

KEYS: Mapping[str, Key] = {
    "ES256": ECKey.generate_key("P-256", {"kid": "ec"}),
    "RS256": RSAKey.generate_key(2048, {"kid": "rsa"}),
    "EdDSA": OKPKey.generate_key("Ed25519", {"kid": "ed"}),
}
"""An application's own; PS256 is made with the RSA key too."""
JWKS = {"keys": [{**key.as_dict(private=False), "kid": key.kid} for key in KEYS.values()]}
REQUEST_OBJECT_TYPE = "oauth-authz-req+jwt"


def key_for(alg: str) -> Key:
    return KEYS["RS256" if alg == "PS256" else alg]


def part(value: object) -> str:
    raw = value if isinstance(value, bytes) else json.dumps(value).encode()
    return base64.urlsafe_b64encode(raw).rstrip(b"=").decode()


def signed(claims: object, *, alg: str = "ES256", key: Key | None = None, **header: Any) -> str:
    """Any header and claims at all, with a signature that is right; a header member that is None is left out."""
    key = key or key_for(alg)
    whole = {"alg": alg, "kid": key.kid, "typ": REQUEST_OBJECT_TYPE, **header}
    message = f"{part({name: value for name, value in whole.items() if value is not None})}.{part(claims)}"
    algorithm = jws.JWSRegistry.algorithms[alg]
    return f"{message}.{part(algorithm.sign(message.encode(), key))}"


def claims_of(party: RelyingParty, question: Question, **changed: Any) -> dict[str, Any]:
    """The request as the content of an object: times and addressee as FAPI 2.0 Message Signing wants them."""
    now = int(party.now())
    claims = {
        **question.parameters,
        "iss": party.client_id,
        "aud": party.issuer,
        "nbf": now,
        "exp": now + 300,
        **changed,
    }
    return {name: value for name, value in claims.items() if value is not None}


def request_object(party: RelyingParty, question: Question, *, alg: str = "ES256", **changed: Any) -> str:
    return signed(claims_of(party, question, **changed), alg=alg)


def sent_as(question: Question, party: RelyingParty, **beside: str) -> Question:
    """The question, asked by these parameters beside the client's id."""
    return replace(
        question, url=f"{party.issuer}/authorize?{urlencode({'client_id': party.client_id, **beside})}"
    )


def push(party: RelyingParty, question: Question, **extra: str | None) -> Question:
    """RFC 9126: the question again, asked by the reference that the provider gave for it."""
    return push_form(party, question, {**question.parameters, **extra})


def push_signed(party: RelyingParty, question: Question, *, alg: str = "ES256", **changed: Any) -> Question:
    signed_request = request_object(party, question, alg=alg, **changed)
    return push_form(party, question, {"client_id": party.client_id, "request": signed_request})


def push_form(party: RelyingParty, question: Question, form: Mapping[str, str | None]) -> Question:
    reply = party.post("/par", form)
    body = reply.json()
    if reply.status_code != 201:
        raise ProviderError(body["error"], body.get("error_description", ""), status=reply.status_code)
    assert reply.headers["Cache-Control"] == "no-store"
    assert set(body) == {"request_uri", "expires_in"}
    prefix = "urn:ietf:params:oauth:request_uri:"
    assert body["request_uri"].startswith(prefix)
    assert len(body["request_uri"]) == len(prefix) + 43
    assert 60 <= body["expires_in"] <= 90
    return sent_as(question, party, request_uri=body["request_uri"])


def read_signed(
    party: RelyingParty, question: Question, fields: Mapping[str, str], *, alg: str = "RS256"
) -> dict[str, str]:
    """JARM section 2.4: signature, issuer, audience and time before anything else is believed."""
    assert set(fields) == {"response"}, fields
    header = jws.extract_compact(fields["response"].encode()).headers()
    assert header["alg"] == alg
    claims = dict(jwt.decode(fields["response"], party.keys(), algorithms=[alg]).claims)
    assert claims.pop("aud") == party.client_id
    assert party.now() < claims.pop("exp") <= party.now() + 600
    return party.check_answer(question, [(name, str(value)) for name, value in claims.items()])
