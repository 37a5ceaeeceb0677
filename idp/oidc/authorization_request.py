"""What an authorization request asked for, once it has been found in order, and the answer that ends it.

Plain values: reading and judging a request is `authorize_checks.py`, what follows from it `authorize.py`.
"""

from collections.abc import Mapping
from dataclasses import asdict, dataclass, field
from enum import StrEnum
from typing import Any, Final, Literal, TypeAlias
from urllib.parse import urlencode

from idp.effects import Instant
from idp.oidc.response_types import ResponseType


class Prompt(StrEnum):
    NONE = "none"
    LOGIN = "login"
    CONSENT = "consent"
    SELECT_ACCOUNT = "select_account"


class ResponseMode(StrEnum):
    """How the answer travels; those with `jwt` carry it in one signed JWT (JARM section 2.3)."""

    QUERY = "query"
    FRAGMENT = "fragment"
    FORM_POST = "form_post"
    JWT = "jwt"
    QUERY_JWT = "query.jwt"
    FORM_POST_JWT = "form_post.jwt"

    @property
    def is_signed(self) -> bool:
        return self not in {ResponseMode.QUERY, ResponseMode.FRAGMENT, ResponseMode.FORM_POST}

    @property
    def carrier(self) -> "Carrier":
        """JARM section 2.3.4: `jwt` alone is the default of the response type; for `code` the query."""
        if self is ResponseMode.FRAGMENT:
            return ResponseMode.FRAGMENT
        in_form = self in {ResponseMode.FORM_POST, ResponseMode.FORM_POST_JWT}
        return ResponseMode.FORM_POST if in_form else ResponseMode.QUERY


Carrier: TypeAlias = Literal[ResponseMode.QUERY, ResponseMode.FRAGMENT, ResponseMode.FORM_POST]

OF_CODES: Final = tuple(mode for mode in ResponseMode if mode is not ResponseMode.FRAGMENT)
OF_TOKENS: Final = (ResponseMode.FRAGMENT, ResponseMode.FORM_POST)
"""Multiple Response Types section 5: tokens are never in a query, which servers write down."""


def modes_for(response_type: ResponseType) -> tuple[ResponseMode, ...]:
    """Which there are, the default first."""
    return OF_TOKENS if response_type.is_implicit else OF_CODES


PARAMETERS: Final = frozenset(
    {
        *("response_type", "response_mode", "client_id", "redirect_uri", "scope", "state", "nonce"),
        *("code_challenge", "code_challenge_method", "prompt", "max_age", "acr_values", "claims"),
        *("id_token_hint", "login_hint", "display", "ui_locales", "claims_locales", "registration"),
        *("resource", "authorization_details", "dpop_jkt"),
    }
)
"""All that mean something here, wherever a request comes from. `request` and `request_uri` only say where."""


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
    response_type: ResponseType = ResponseType.CODE
    is_narrowed: bool = False
    """Whether `scopes` are not all that were asked for."""
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
    verified_claims: Mapping[str, Any] = field(default_factory=dict)
    """What is asked of a confirmed identity, by where it should be delivered (`verified_requests.py`)."""
    consent_scopes: tuple[str, ...] = ()
    """What a person is asked to agree to: the scopes, and those that single claims belong to."""
    authorization_details: tuple[Mapping[str, Any], ...] = ()
    """RFC 9396, in order; whether this person may have them is held against the municipality they act for."""
    dpop_jkt: str | None = None
    """RFC 9449 section 10: the key that must be shown when the code is redeemed."""
    pushed: str | None = None
    """The reference under which the client pushed it (RFC 9126); such a request is answered once."""
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
        enums = {
            "response_mode": ResponseMode(value["response_mode"]),
            "response_type": ResponseType(value.get("response_type", ResponseType.CODE)),
        }
        return cls(**{**value, **tuples, **enums})


@dataclass(frozen=True, slots=True)
class Answer:
    """What the browser carries back to the client."""

    redirect_uri: str
    response_mode: Carrier
    fields: tuple[tuple[str, str], ...] = field(repr=False)

    def location(self) -> str:
        """For `query` and `fragment`: RFC 6749 section 3.1.2 keeps the query of the redirect URI as it was
        registered, and a fragment it has none.
        """
        if self.response_mode is ResponseMode.FRAGMENT:
            return f"{self.redirect_uri}#{urlencode(self.fields)}"
        return with_query(self.redirect_uri, self.fields)


def with_query(uri: str, fields: tuple[tuple[str, str], ...]) -> str:
    if not fields:
        return uri
    joint = "" if uri.endswith(("?", "&")) else "&" if "?" in uri else "?"
    return uri + joint + urlencode(fields)
