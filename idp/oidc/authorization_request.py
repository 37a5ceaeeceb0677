"""What an authorization request asked for, once it has been found in order, and the answer that ends it.

Plain values: reading and judging a request is `authorize_checks.py`, what follows from it `authorize.py`.
"""

from collections.abc import Mapping
from dataclasses import asdict, dataclass, field
from enum import StrEnum
from typing import Any
from urllib.parse import urlencode

from idp.effects import Instant


class Prompt(StrEnum):
    NONE = "none"
    LOGIN = "login"
    CONSENT = "consent"
    SELECT_ACCOUNT = "select_account"


class ResponseMode(StrEnum):
    QUERY = "query"
    FORM_POST = "form_post"


@dataclass(frozen=True, slots=True, kw_only=True)
class AuthorizationRequest:
    """`not_before` is fixed when the request comes, so that `max_age` and `prompt=login` hold however long
    it takes.
    """

    client_id: str
    redirect_uri: str
    response_mode: ResponseMode
    received_at: Instant
    scopes: tuple[str, ...]
    resources: tuple[str, ...] = ()
    state: str | None = None
    nonce: str | None = None
    code_challenge: str | None = None
    prompts: tuple[str, ...] = ()
    not_before: Instant | None = None
    required_level: int = 1
    """Of the client and of an essential `acr`."""
    essential_levels: tuple[int, ...] = ()
    """The levels an essential `acr` named, of which the one told must be one."""
    preferred_levels: tuple[int, ...] = ()
    """`acr_values`, best liked first: wishes, never a reason to refuse."""
    expected_user: str | None = None
    login_hint: str | None = None
    ui_locales: tuple[str, ...] = ()
    claims: Mapping[str, list[str]] = field(default_factory=dict)
    """Names of single claims asked for, by where they should be delivered."""
    consent_scopes: tuple[str, ...] = ()
    """What a person is asked to agree to: the scopes, and those that single claims belong to."""
    asked_person: bool = False
    """Whether the person has been through the sign-in pages for this very request."""
    shown_to: str | None = None
    """The user to whom the consent page was shown: a decision by anybody else on the same browser does not
    count.
    """

    def wants(self, prompt: Prompt) -> bool:
        return prompt.value in self.prompts

    def to_json(self) -> dict[str, Any]:
        return asdict(self)

    @classmethod
    def from_json(cls, value: Mapping[str, Any]) -> "AuthorizationRequest":
        tuples = {name: tuple(item) for name, item in value.items() if isinstance(item, list | tuple)}
        return cls(**{**value, **tuples, "response_mode": ResponseMode(value["response_mode"])})


@dataclass(frozen=True, slots=True)
class Answer:
    """What the browser carries back to the client."""

    redirect_uri: str
    response_mode: ResponseMode
    fields: tuple[tuple[str, str], ...] = field(repr=False)

    def location(self) -> str:
        """For `query`: RFC 6749 section 3.1.2 keeps the query of the redirect URI as it was registered."""
        return with_query(self.redirect_uri, self.fields)


def with_query(uri: str, fields: tuple[tuple[str, str], ...]) -> str:
    if not fields:
        return uri
    joint = "" if uri.endswith(("?", "&")) else "&" if "?" in uri else "?"
    return uri + joint + urlencode(fields)
