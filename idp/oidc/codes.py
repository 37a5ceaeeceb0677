"""Authorization codes: what one stands for between the browser and the token endpoint.

The Shelf keeps the contents for a minute under a hash. What makes a code single-use is the unique `code_hash`
of the token family (`grants/authorization_code.py`), which outlives the minute, so that a replay is known for
one.
"""

from collections.abc import Mapping
from dataclasses import asdict, dataclass, field
from typing import Any, Final

from idp.effects import Effects, Instant
from idp.storage.ephemeral import Shelf

CODE_SECONDS: Final = 60.0
_KIND: Final = "authorization-code"


@dataclass(frozen=True, slots=True, kw_only=True)
class Granted:
    """What a person let a client have, and how they signed in, before there are tokens."""

    client_id: str
    user_id: str
    session_id: str
    scopes: tuple[str, ...]
    resources: tuple[str, ...]
    acr: str
    amr: tuple[str, ...]
    auth_time: Instant
    employment_id: str | None
    municipality: str | None
    nonce: str | None = None
    claims: Mapping[str, list[str]] = field(default_factory=dict)
    verified_claims: Mapping[str, Any] = field(default_factory=dict)
    authorization_details: tuple[Mapping[str, Any], ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class CodeContents(Granted):
    redirect_uri: str
    code_challenge: str | None
    dpop_jkt: str | None = None
    """RFC 9449 section 10: the key that must be shown when the code is redeemed."""


class Codes:
    def __init__(self, shelf: Shelf, effects: Effects) -> None:
        self._shelf = shelf
        self._effects = effects

    def issue(self, contents: CodeContents) -> str:
        code = self._effects.new_token()
        self._shelf.put(_KIND, code, asdict(contents), expires_at=self._effects.now() + CODE_SECONDS)
        return code

    def find(self, code: str) -> CodeContents | None:
        value = self._shelf.find(_KIND, code)
        return _contents(value) if value is not None else None

    def destroy(self, code: str) -> None:
        self._shelf.take(_KIND, code)


def _contents(value: Mapping[str, Any]) -> CodeContents:
    tuples = {name: tuple(item) for name, item in value.items() if isinstance(item, list | tuple)}
    return CodeContents(**{**value, **tuples})
