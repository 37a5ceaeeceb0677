"""What the `claims` parameter asks of a confirmed identity: found in order, and kept within the scopes.

OpenID Connect for Identity Assurance 1.0, sections 5.3 to 5.6: `verified_claims` is one request or a list of
them. The form is held strictly, since a restriction that is not understood must not be taken for none. Not
here: whether what is known meets a request (`verified_claims.py`).
"""

import math
from collections.abc import Collection, Mapping
from typing import Any, Final, TypeAlias

from idp.models.clients import Client
from idp.oidc.errors import ErrorCode, ProtocolError
from idp.oidc.scopes import Scope, may_have

VERIFIED_CLAIMS: Final = "verified_claims"

VerifiedRequest: TypeAlias = Mapping[str, Any]
Asked: TypeAlias = VerifiedRequest | list[VerifiedRequest]
"""As it came: who asks with a list is answered with one."""

SCOPE_OF_CLAIM: Final[Mapping[str, Scope]] = {
    "given_name": Scope.VERIFIED_IDENTITY,
    "family_name": Scope.VERIFIED_IDENTITY,
    "person_code": Scope.PERSON_CODE,
}
"""Which there are inside `verified_claims`, and what opens each there, beside the scope of the whole."""

OF_SCOPE: Final[VerifiedRequest] = {
    "verification": {"trust_framework": None, "assurance_level": None, "time": None},
    "claims": {"given_name": None, "family_name": None},
}
"""What the scope asks for where the parameter says nothing."""

LIMITS: Final = frozenset({"value", "values", "max_age"})

_REQUESTS_AT_MOST: Final = 5
_DEPTH_AT_MOST: Final = 12
"""The deepest restriction of the schema is less deep (`evidence_classification`)."""
_LISTS: Final = frozenset({"evidence", "check_details", "assurance_details", "evidence_ref", "attachments"})


def read_requests(value: Any) -> Asked:
    """Raises ProtocolError (section 5.7.6)."""
    requests = value if isinstance(value, list) else [value]
    if not 0 < len(requests) <= _REQUESTS_AT_MOST or not all(map(_is_request, requests)):
        raise ProtocolError(
            ErrorCode.INVALID_REQUEST, "The claim verified_claims is asked for in a way that cannot be read."
        )
    asked: Asked = value
    return asked


def scopes_of(asked: Asked) -> frozenset[Scope]:
    names = (name for request in _each(asked) for name in request["claims"])
    return frozenset(SCOPE_OF_CLAIM[name] for name in names if name in SCOPE_OF_CLAIM)


def limited_to(asked: Asked, scopes: Collection[str]) -> Asked:
    """With the claims that these scopes open, and no other."""
    if isinstance(asked, list):
        return [_limited(request, scopes) for request in asked]
    return _limited(asked, scopes)


def allowed_now(
    names: Collection[str], asked: Mapping[str, Asked], part: str, client: Client
) -> Asked | None:
    """What is asked for there, or by the scope alone, as far as the client may have it at this moment; None
    where `names` do not have it, which is nearly everywhere.
    """
    if VERIFIED_CLAIMS not in names:
        return None
    scopes = {scope for scope in SCOPE_OF_CLAIM.values() if may_have(scope, client)}
    return limited_to(asked.get(part, OF_SCOPE), scopes)


def asks_for(asked: Asked, claim: str) -> bool:
    return any(claim in request["claims"] for request in _each(asked))


def _each(asked: Asked) -> list[VerifiedRequest]:
    return asked if isinstance(asked, list) else [asked]


def _limited(request: VerifiedRequest, scopes: Collection[str]) -> VerifiedRequest:
    claims = {name: wish for name, wish in request["claims"].items() if SCOPE_OF_CLAIM.get(name) in scopes}
    return {"verification": request["verification"], "claims": claims}


# The form of a request -----------------------------------------------------------------------------------


def _is_request(value: object) -> bool:
    if not isinstance(value, dict):
        return False
    verification, claims = value.get("verification"), value.get("claims")
    return (
        isinstance(verification, dict)
        and isinstance(claims, dict)
        and "trust_framework" in verification
        and len(claims) > 0
        and _is_wish("verification", verification, depth=1)
        and _is_wish("claims", claims, depth=1)
        and _names_types(verification.get("evidence"))
    )


def _names_types(evidence: list[dict[str, Any]] | None) -> bool:
    """Section 5.4: each entry is about one type, named by `value` and never by `values`."""
    types = [entry.get("type") for entry in evidence or ()]
    return all(
        isinstance(wish, dict) and isinstance(wish.get("value"), str) and "values" not in wish
        for wish in types
    )


def _is_wish(name: str, wish: object, *, depth: int) -> bool:
    if depth > _DEPTH_AT_MOST:
        return False
    if wish is None:
        return True
    if name in _LISTS:
        return (
            isinstance(wish, list)
            and len(wish) > 0
            and all(isinstance(entry, dict) and _is_wish("", entry, depth=depth + 1) for entry in wish)
        )
    return isinstance(wish, dict) and all(
        key.isprintable() and _is_member(key, value, depth=depth + 1) for key, value in wish.items()
    )


def _is_member(name: str, value: object, *, depth: int) -> bool:
    match name:
        case "value" | "essential" | "purpose":
            return _is_scalar(value)
        case "values":
            return isinstance(value, list) and len(value) > 0 and all(map(_is_scalar, value))
        case "max_age":
            return not isinstance(value, bool) and isinstance(value, int | float) and 0 <= value < math.inf
        case _:
            return _is_wish(name, value, depth=depth)


def _is_scalar(value: object) -> bool:
    """What every storage can keep: no NUL, no half of a surrogate pair, no infinity."""
    match value:
        case str():
            return value.isprintable()
        case float():
            return math.isfinite(value)
        case _:
            return isinstance(value, int)
