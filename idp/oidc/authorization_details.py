"""Rich authorization requests (RFC 9396): which types there are, what each must say, and how people read it.

A type is a row in `TYPES`: a JSON schema, and words. A client may use the types it is registered for
(section 10). Each type names the municipality whose data it is about, and nobody gets it for a municipality
they do not act for. Not here: the consent page, and where granted details are kept.
"""

import json
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from functools import cache
from typing import Any, Final, TypeAlias

from idp.models.clients import Client
from idp.oidc.errors import ErrorCode, ProtocolError
from idp.oidc.requests import Parameters
from idp.words import N_

CHARACTERS_AT_MOST: Final = 8000
IN_TOKEN_AT_MOST: Final = 4000
"""As they stand in an access token, where a letter with a mark takes six; longer tokens fit no header."""
DETAILS_AT_MOST: Final = 10
MUNICIPALITY: Final = "municipality"

Detail: TypeAlias = Mapping[str, Any]
Details: TypeAlias = tuple[Detail, ...]


def _text(longest: int) -> dict[str, Any]:
    return {"type": "string", "minLength": 1, "maxLength": longest}


_ATVK: Final = {"type": "string", "pattern": "^[0-9]{7}$"}


@dataclass(frozen=True, slots=True)
class DetailType:
    """`title` and the labels in `facts` are messages to be translated; `facts` in the order they are read."""

    name: str
    title: str
    facts: tuple[tuple[str, str], ...]
    members: Mapping[str, Any]

    @property
    def schema(self) -> dict[str, Any]:
        """Every member is required, and no other allowed: what we do not understand we cannot grant."""
        return {
            "type": "object",
            "properties": {"type": {"const": self.name}, **self.members},
            "required": ["type", *self.members],
            "additionalProperties": False,
        }


TYPES: Final[Mapping[str, DetailType]] = {
    each.name: each
    for each in (
        DetailType(
            "lv.visvaris.vehicle_lookup",
            N_("Look up a vehicle and its holder in the vehicle register"),
            (
                ("purpose", N_("Purpose")),
                ("case_number", N_("Case number")),
                ("legal_basis", N_("Legal basis")),
            ),
            {"purpose": _text(200), "case_number": _text(60), "legal_basis": _text(300), MUNICIPALITY: _ATVK},
        ),
        DetailType(
            "lv.visvaris.data_exchange",
            N_("Exchange data of the municipality under an agreement"),
            (
                ("programme", N_("Programme")),
                ("agreement", N_("Agreement")),
            ),
            {"programme": _text(100), "agreement": _text(100), MUNICIPALITY: _ATVK},
        ),
    )
}


@dataclass(frozen=True, slots=True)
class DetailText:
    """What the consent page says of one detail; the municipality by its ATVK code."""

    title: str
    facts: tuple[tuple[str, str], ...]
    municipality: str


def texts_of(details: Iterable[Detail]) -> list[DetailText]:
    return [_text_of(TYPES[detail["type"]], detail) for detail in details]


def _text_of(kind: DetailType, detail: Detail) -> DetailText:
    facts = tuple((label, detail[member]) for member, label in kind.facts)
    return DetailText(kind.title, facts, detail[MUNICIPALITY])


# What is asked for -------------------------------------------------------------------------------------


def read(parameters: Parameters, client: Client) -> Details:
    """What a request asks for, each once. Raises ProtocolError (section 5)."""
    text = parameters.find("authorization_details")
    if text is None:
        return ()
    details = parse(text)
    for detail in details:
        hold_type(detail, client)
    if len(municipalities_of(details)) > 1:
        raise _refusal("All authorization details must be about one municipality.")
    return details


def parse(text: str) -> Details:
    """Raises ProtocolError for what is not a list of objects that each have a type."""
    if len(text) > CHARACTERS_AT_MOST:
        raise _refusal("The parameter authorization_details is too long.")
    try:
        value = json.loads(text, object_pairs_hook=_once_each)
    except (ValueError, RecursionError):
        raise _refusal("The parameter authorization_details is not JSON.") from None
    if not isinstance(value, list) or not 0 < len(value) <= DETAILS_AT_MOST:
        raise _refusal(f"The parameter authorization_details must be a list of 1 to {DETAILS_AT_MOST}.")
    details: list[Detail] = []
    for each in value:
        if not isinstance(each, dict) or not isinstance(each.get("type"), str):
            raise _refusal("Each of the authorization details must be an object with a type.")
        if each not in details:
            details.append(each)
    if len(json.dumps(details)) > IN_TOKEN_AT_MOST:
        raise _refusal("The authorization details are too long for an access token.")
    return tuple(details)


def hold_type(detail: Detail, client: Client) -> None:
    """Section 5: an unknown type, or content that is not of its type, refuses the request."""
    kind = TYPES.get(detail["type"])
    if kind is None or kind.name not in types_of(client):
        raise _refusal("The client is not registered for a type of the authorization details.")
    problem = _problem_of(detail, kind)
    if problem is not None:
        raise _refusal(f"The authorization details of type {kind.name} are not as it asks: {problem}.")


def types_of(client: Client) -> frozenset[str]:
    """Section 10."""
    return frozenset(client.registered.get("authorization_details_types", ()))


def _problem_of(detail: Detail, kind: DetailType) -> str | None:
    """Names members of ours alone: what else the client wrote is not repeated."""
    from fastjsonschema import JsonSchemaValueException  # only who uses such details needs it

    try:
        _validator(kind.name)(detail)
    except JsonSchemaValueException as error:
        named = [str(part) for part in error.path[1:] if part in kind.members]
        return f"see {named[0]}" if named else f"it must have {', '.join(kind.members)} and no others"
    unclear = [name for name in kind.members if not _is_plain(detail[name])]
    return f"see {unclear[0]}" if unclear else None


def _is_plain(text: str) -> bool:
    """People read it on a page of ours: no line breaks, no marks that turn the direction of writing."""
    return text.isprintable() and text == text.strip()


@cache
def _validator(name: str) -> Callable[[Detail], object]:
    from fastjsonschema import compile as compiled

    validate: Callable[[Detail], object] = compiled(TYPES[name].schema, use_default=False)
    return validate


# For whom ----------------------------------------------------------------------------------------------


def municipalities_of(details: Iterable[Detail]) -> tuple[str, ...]:
    return tuple(dict.fromkeys(str(detail[MUNICIPALITY]) for detail in details))


def are_within(details: Sequence[Detail], municipality: str | None) -> bool:
    """Whether who acts for `municipality` may have them."""
    return all(detail[MUNICIPALITY] == municipality for detail in details)


def are_allowed(details: Iterable[Detail], client: Client) -> bool:
    """Whether the client is still registered for what it was granted."""
    return {str(detail["type"]) for detail in details} <= types_of(client)


def not_theirs() -> ProtocolError:
    return _refusal("The authorization details are about a municipality that is not acted for.")


# What of it a token has --------------------------------------------------------------------------------


def narrow(form: Parameters, granted: Sequence[Detail]) -> Details:
    """Section 6: a token request may name those it wants of what was granted. Raises ProtocolError."""
    text = form.find("authorization_details")
    if text is None:
        return tuple(granted)
    asked = parse(text)
    if any(detail not in granted for detail in asked):
        raise _refusal("The authorization details are not among those granted.")
    return asked


def for_service(form: Parameters, client: Client) -> Details:
    """What a client asks for itself, for the municipality it is registered to act for."""
    details = read(form, client)
    if not are_within(details, client.service_municipality):
        raise not_theirs()
    return details


def _refusal(description: str) -> ProtocolError:
    return ProtocolError(ErrorCode.INVALID_AUTHORIZATION_DETAILS, description)


def _once_each(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    """A name that comes twice would be one thing to us and another to the API."""
    value = dict(pairs)
    if len(value) != len(pairs):
        raise ValueError("a name comes twice")
    return value
