"""An application that takes its tokens from the browser, as a stranger would write it (OpenID Connect Core 3.2.2).

It believes nothing that did not come in the fragment, or in a form, and checks all that 3.2.2.8 to 3.2.2.11 ask before
anything is used. On top of `relying_party.py`; knows no code of the provider.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import parse_qsl

from tests.support.relying_party import Question, RelyingParty

ID_TOKEN = "id_token"
ID_TOKEN_TOKEN = "id_token token"
METADATA: Mapping[str, Any] = {
    "grant_types": ["implicit"],
    "response_types": [ID_TOKEN, ID_TOKEN_TOKEN],
    "token_endpoint_auth_method": "none",
}
"""What such an application registers."""


@dataclass(frozen=True)
class Came:
    claims: Mapping[str, Any]
    access_token: str | None = field(default=None, repr=False)
    scope: frozenset[str] | None = None
    """Told when it is not what was asked for."""


def ask(party: RelyingParty, *, response_type: str = ID_TOKEN_TOKEN, **parameters: str | None) -> Question:
    without = {"code_challenge": None, "code_challenge_method": None}
    return party.ask(**{"response_type": response_type, **without, **parameters})


def read_fragment(party: RelyingParty, question: Question, location: str) -> dict[str, str]:
    """What the redirect carries behind the redirect URI as it was registered. Raises ProviderError."""
    address, mark, fragment = location.partition("#")
    assert (address, mark) == (question.parameters["redirect_uri"], "#"), location
    pairs = parse_qsl(fragment, strict_parsing=True, keep_blank_values=True)
    return party.check_answer(question, pairs)


def read_tokens(party: RelyingParty, question: Question, fields: Mapping[str, str]) -> Came:
    """Core 3.2.2.5 and RFC 6749 section 4.2.2: what has come, and nothing beside it."""
    wants_access = "token" in question.parameters["response_type"].split()
    expected = {"id_token", "iss", "state"} | (
        {"access_token", "token_type", "expires_in"} if wants_access else set()
    )
    assert expected - {"state"} <= set(fields) <= expected | ({"scope"} if wants_access else set()), set(
        fields
    )
    access_token = fields.get("access_token")
    if wants_access:
        assert (fields["token_type"].lower(), fields["expires_in"]) == ("bearer", "300")
    claims = party.check_id_token(fields["id_token"], access_token, question.parameters["nonce"])
    scope = frozenset(fields["scope"].split()) if "scope" in fields else None
    return Came(claims, access_token, scope)
