"""What the grants share: the request as it reaches them, and the answer's shape (RFC 6749 section 5.1)."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Protocol

from idp.models.clients import Client
from idp.oidc.authorize_checks import is_public
from idp.oidc.errors import ErrorCode, ProtocolError
from idp.oidc.requests import Parameters
from idp.oidc.tokens import ACCESS_TOKEN_SECONDS, BEARER, Confirmation, token_type


@dataclass(frozen=True, slots=True)
class TokenRequest:
    """A request of an authenticated client for which this grant is registered."""

    client: Client
    form: Parameters
    remote: str
    bound_to: Confirmation = field(default_factory=lambda: BEARER)
    """The key whose possession this request proved, to which tokens are bound."""


class Grant(Protocol):
    grant_type: str

    def exchange(self, request: TokenRequest) -> dict[str, Any]:
        """The answer of RFC 6749 section 5.1. Raises ProtocolError."""
        ...


def refresh_bound_to(request: TokenRequest) -> Confirmation:
    """To what refresh tokens given now are bound (RFC 9449 section 5, RFC 8705 section 4).

    For a client that authenticates, to the client and nothing else: its keys may change.
    """
    return request.bound_to if is_public(request.client) else BEARER


def token_answer(
    access_token: str,
    *,
    scopes: Iterable[str],
    refresh_token: str | None = None,
    id_token: str | None = None,
    authorization_details: Sequence[Mapping[str, Any]] = (),
    bound_to: Confirmation = BEARER,
) -> dict[str, Any]:
    answer: dict[str, Any] = {
        "access_token": access_token,
        "token_type": token_type(bound_to),
        "expires_in": ACCESS_TOKEN_SECONDS,
        "scope": " ".join(scopes),
    }
    if refresh_token is not None:
        answer["refresh_token"] = refresh_token
    if id_token is not None:
        answer["id_token"] = id_token
    if authorization_details:
        # RFC 9396 section 7: as granted, and as narrowed for this token
        answer["authorization_details"] = authorization_details
    return answer


def choose_audience(form: Parameters, *, allowed: tuple[str, ...], default: str) -> str:
    """RFC 8707 section 2.2: one of those granted, so that a token is good at one resource only.

    Without a choice it is the first that was granted, or `default` where none was.
    """
    chosen = form.all("resource")
    if len(chosen) > 1:
        raise ProtocolError(ErrorCode.INVALID_TARGET, "An access token is for one resource; name one.")
    if not chosen:
        return allowed[0] if allowed else default
    if chosen[0] not in {*allowed, default}:
        raise ProtocolError(ErrorCode.INVALID_TARGET, "The resource is not among those granted.")
    return chosen[0]


def narrow_scopes(form: Parameters, granted: tuple[str, ...]) -> tuple[str, ...]:
    """RFC 6749 section 6: "MUST NOT include any scope not originally granted"."""
    text = form.find("scope")
    if text is None:
        return granted
    asked = tuple(dict.fromkeys(text.split()))
    if not asked or not set(asked) <= set(granted):
        raise ProtocolError(ErrorCode.INVALID_SCOPE, "A scope is asked for that was not granted.")
    return asked
