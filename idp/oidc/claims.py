"""Claims about a person: which scope opens which, what the `claims` parameter asks, and their values.

OpenID Connect Core 5.1, 5.4 and 5.5. Claims go to the UserInfo response; into an ID token only what the
`claims` parameter asks for there, unless no access token comes with it (`grants/implicit.py`). Not here: the
claims every ID token has (`id_tokens.py`), aggregated and distributed claims.
"""

import json
from collections.abc import Callable, Collection, Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any, Final

from idp.models.people import Employment, Municipality, User
from idp.oidc import verified_requests
from idp.oidc.errors import ErrorCode, ProtocolError
from idp.oidc.scopes import Scope
from idp.oidc.verified_requests import VERIFIED_CLAIMS, Asked
from idp.policy import Level

CHARACTERS_AT_MOST = 8000

PROFILE_EXTRAS: Final = (
    "middle_name",
    "nickname",
    "profile",
    "picture",
    "website",
    "gender",
    "birthdate",
    "zoneinfo",
    "locale",
)

BY_SCOPE: Final[Mapping[str, tuple[str, ...]]] = {
    Scope.PROFILE: ("name", "given_name", "family_name", "preferred_username", "updated_at", *PROFILE_EXTRAS),
    Scope.EMAIL: ("email", "email_verified"),
    Scope.PHONE: ("phone_number", "phone_number_verified"),
    Scope.ADDRESS: ("address",),
    Scope.EMPLOYMENT: ("municipality", "municipality_name", "unit", "position", "roles"),
    Scope.PERSON_CODE: ("person_code",),
    Scope.VERIFIED_IDENTITY: (VERIFIED_CLAIMS,),
}

_EMPTY: Final[tuple[Any, ...]] = ("", {})

SCOPE_OF: Final = {name: scope for scope, names in BY_SCOPE.items() for name in names}


@dataclass(frozen=True, slots=True)
class Wish:
    """One claim as asked for: Core 5.5.1. `values` empty means any."""

    essential: bool = False
    values: tuple[Any, ...] = ()


@dataclass(frozen=True, slots=True)
class ClaimsRequest:
    id_token: Mapping[str, Wish] = field(default_factory=dict)
    userinfo: Mapping[str, Wish] = field(default_factory=dict)
    verified: Mapping[str, Asked] = field(default_factory=dict)
    """What is asked of a confirmed identity, by where it should be delivered."""

    def required_subjects(self) -> frozenset[str]:
        """Core 5.5.1: a `sub` asked for by value means "this person or nobody".

        Raises ProtocolError for a value that can be nobody's.
        """
        wishes = (wish for part in (self.id_token, self.userinfo) if (wish := part.get("sub")) is not None)
        named = [value for wish in wishes for value in wish.values]
        if not all(isinstance(value, str) and value.isascii() for value in named):
            raise ProtocolError(
                ErrorCode.INVALID_REQUEST, "The claim sub is asked for in a way that cannot be."
            )
        return frozenset(named)

    def acr(self) -> Wish | None:
        return self.id_token.get("acr")

    def scopes(self) -> frozenset[str]:
        """The scopes that would have opened the claims asked for one by one."""
        single = {SCOPE_OF[name] for name in (*self.id_token, *self.userinfo) if name in SCOPE_OF}
        return frozenset(single.union(*map(verified_requests.scopes_of, self.verified.values())))

    def limited_to(self, scopes: Iterable[str]) -> dict[str, list[str]]:
        """What is kept with the grant: names only, and only those a scope the client may have would open."""
        allowed = frozenset(scopes)
        return {
            part: names
            for part, wishes in (("id_token", self.id_token), ("userinfo", self.userinfo))
            if (names := [name for name in wishes if SCOPE_OF.get(name) in allowed])
        }

    def verified_within(self, scopes: Collection[str]) -> dict[str, Asked]:
        """What is kept with the grant of what is asked of a confirmed identity."""
        if Scope.VERIFIED_IDENTITY not in scopes:
            return {}
        return {part: verified_requests.limited_to(asked, scopes) for part, asked in self.verified.items()}


def parse_claims_request(text: str | None) -> ClaimsRequest:
    """Raises ProtocolError for what is not JSON of the form in Core 5.5."""
    if text is None:
        return ClaimsRequest()
    if len(text) > CHARACTERS_AT_MOST:
        raise ProtocolError(ErrorCode.INVALID_REQUEST, "The parameter claims is too long.")
    try:
        value = json.loads(text)
    except (ValueError, RecursionError):
        raise ProtocolError(ErrorCode.INVALID_REQUEST, "The parameter claims is not JSON.") from None
    if not isinstance(value, dict):
        raise ProtocolError(ErrorCode.INVALID_REQUEST, "The parameter claims is not a JSON object.")
    id_token, userinfo = value.get("id_token"), value.get("userinfo")
    return ClaimsRequest(_wishes(id_token), _wishes(userinfo), _verified(id_token, userinfo))


def _wishes(value: object) -> dict[str, Wish]:
    if value is None:
        return {}
    if not isinstance(value, dict):
        raise ProtocolError(ErrorCode.INVALID_REQUEST, "A member of the parameter claims is not an object.")
    return {name: Wish() if name == VERIFIED_CLAIMS else _wish(wish) for name, wish in value.items()}


def _verified(id_token: Any, userinfo: Any) -> dict[str, Asked]:
    return {
        part: verified_requests.read_requests(wishes[VERIFIED_CLAIMS])
        for part, wishes in (("id_token", id_token), ("userinfo", userinfo))
        if wishes and VERIFIED_CLAIMS in wishes
    }


def _wish(value: object) -> Wish:
    """Members that are not understood are ignored (Core 5.5.1)."""
    if value is None:
        return Wish()
    if not isinstance(value, dict):
        raise ProtocolError(ErrorCode.INVALID_REQUEST, "A claim is asked for in a way that cannot be read.")
    values = value.get("values", ())
    if not isinstance(values, list | tuple):
        raise ProtocolError(ErrorCode.INVALID_REQUEST, "A claim is asked for in a way that cannot be read.")
    if "value" in value:
        values = (value["value"],)
    return Wish(essential=value.get("essential") is True, values=tuple(values))


def voluntary_levels(wish: Wish | None) -> tuple[str, ...]:
    """Core 5.5.1.1: an `acr` with values that is not essential says the same as `acr_values`."""
    if wish is None or wish.essential:
        return ()
    return tuple(value for value in wish.values if isinstance(value, str))


def essential_levels(wish: Wish | None) -> tuple[int, ...]:
    """The levels an essential `acr` accepts. Raises ProtocolError when we know none of its values."""
    if wish is None or not wish.essential or not wish.values:
        return ()
    known = tuple(int(level) for value in wish.values if (level := Level.from_acr(str(value))) is not None)
    if not known:
        raise ProtocolError(
            ErrorCode.UNMET_AUTHENTICATION_REQUIREMENTS,
            "No authentication context that is required is known.",
        )
    return known


@dataclass(frozen=True, slots=True, kw_only=True)
class Person:
    """Whom the claims are about, and for which municipality they act."""

    user: User
    employment: Employment | None = None
    municipality: Municipality | None = None
    person_code: str | None = field(default=None, repr=False)
    verified_claims: Any = field(default=None, repr=False)
    """As asked for; what they are made of is in `verified_claims.py`."""


def names_for(scopes: Iterable[str], asked_for: Iterable[str] = ()) -> list[str]:
    names = [name for scope in scopes for name in BY_SCOPE.get(scope, ())]
    return [*names, *asked_for]


def values_of(person: Person, names: Iterable[str]) -> dict[str, Any]:
    """Core 5.3.2: a claim without a value is left out, never null or empty."""
    found: dict[str, Any] = {}
    extras = person.user.profile
    for name in names:
        read = _VALUES.get(name)
        value = read(person) if read is not None else extras.get(name) if name in PROFILE_EXTRAS else None
        if value is not None and value not in _EMPTY:
            found[name] = value
    return found


def _of_employment(read: Callable[[Employment], Any]) -> Callable[[Person], Any]:
    return lambda person: read(person.employment) if person.employment is not None else None


_VALUES: Final[Mapping[str, Callable[[Person], Any]]] = {
    "name": lambda person: person.user.display_name,
    "given_name": lambda person: person.user.given_name,
    "family_name": lambda person: person.user.family_name,
    "preferred_username": lambda person: person.user.username,
    "updated_at": lambda person: int(person.user.updated_at),
    "email": lambda person: person.user.email,
    "email_verified": lambda person: person.user.email_verified if person.user.email else None,
    "phone_number": lambda person: person.user.phone_number,
    "phone_number_verified": lambda person: (
        person.user.phone_number_verified if person.user.phone_number else None
    ),
    "address": lambda person: person.user.address,
    "municipality": _of_employment(lambda employment: employment.municipality),
    "municipality_name": lambda person: person.municipality.name if person.municipality else None,
    "unit": _of_employment(lambda employment: employment.unit),
    "position": _of_employment(lambda employment: employment.position),
    "roles": _of_employment(lambda employment: list(employment.roles)),
    "person_code": lambda person: person.person_code,
    VERIFIED_CLAIMS: lambda person: person.verified_claims,
}
"""All but `PROFILE_EXTRAS`, which a user's profile holds by name."""
