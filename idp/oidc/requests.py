"""Requests and responses of the protocol as plain values. No server, no framework, no cookies.

Form and query parameters follow RFC 6749 section 3.1: one without a value counts as omitted, one that comes
twice is an error (`refuse_duplicates`), an unknown one is ignored.
"""

import json
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import parse_qsl

from idp.oidc.errors import ErrorCode, ProtocolError

PARAMETERS_AT_MOST = 100
REPEATABLE = frozenset({"resource"})
"""RFC 8707 section 2: the only parameter that may come more than once."""

NO_STORE = (("Cache-Control", "no-store"), ("Pragma", "no-cache"))
"""RFC 6749 section 5.1: answers that hold tokens or claims are not kept by anybody."""


class Parameters:
    """What was asked, by name. Values of a secret parameter never reach a repr."""

    __slots__ = ("_values",)

    def __init__(self, pairs: Iterable[tuple[str, str]] = ()) -> None:
        values: dict[str, list[str]] = {}
        for name, value in pairs:
            if value:
                values.setdefault(name, []).append(value)
        self._values = values

    @classmethod
    def parse(cls, text: str) -> "Parameters":
        """Reads application/x-www-form-urlencoded. Raises ProtocolError for what is not UTF-8, has NUL, or
        is endless.
        """
        if not text:
            return NO_PARAMETERS
        try:
            pairs = _pairs(text)
        except ValueError:
            raise ProtocolError(ErrorCode.INVALID_REQUEST, "The parameters cannot be read.") from None
        if "\0" in text or "%00" in text:
            raise ProtocolError(
                ErrorCode.INVALID_REQUEST, "A parameter holds a character that is not allowed."
            )
        return cls(pairs)

    def find(self, name: str) -> str | None:
        """The value; the first of several, seen only where duplicates are let pass."""
        values = self._values.get(name)
        return values[0] if values else None

    def get(self, name: str) -> str:
        """The value. Raises ProtocolError naming what is missing."""
        value = self.find(name)
        if value is None:
            raise ProtocolError(ErrorCode.INVALID_REQUEST, f"The parameter {name} is missing.")
        return value

    def all(self, name: str) -> tuple[str, ...]:
        return tuple(self._values.get(name, ()))

    def pairs(self) -> tuple[tuple[str, str], ...]:
        return tuple((name, value) for name, values in self._values.items() for value in values)

    def has(self, name: str) -> bool:
        return name in self._values

    def duplicated(self) -> list[str]:
        return [name for name, values in self._values.items() if len(values) > 1 and name not in REPEATABLE]

    def __bool__(self) -> bool:
        return bool(self._values)

    def __repr__(self) -> str:
        return f"Parameters({', '.join(self._values)})"


NO_PARAMETERS = Parameters()


def _pairs(text: str) -> Iterable[tuple[str, str]]:
    """As the library reads it; where nothing is encoded, taking it apart is all there is to do."""
    if "%" in text or "+" in text or text.count("&") >= PARAMETERS_AT_MOST:
        return parse_qsl(text, max_num_fields=PARAMETERS_AT_MOST, errors="strict")
    return [(name, value) for name, _, value in (part.partition("=") for part in text.split("&"))]


@dataclass(frozen=True, slots=True, kw_only=True)
class Request:
    """`headers` are found by lower-case name; `form` is empty unless the body was a form; `remote` is an
    address.
    """

    method: str
    path: str
    query: Parameters = NO_PARAMETERS
    form: Parameters = NO_PARAMETERS
    headers: Mapping[str, str] = field(default_factory=dict, repr=False)
    body: bytes = field(default=b"", repr=False)
    remote: str = ""
    certificate: bytes | None = field(default=None, repr=False)
    """The client's TLS certificate in DER, as a trusted proxy told it (RFC 9440)."""
    reference: str = ""
    """By which support finds this request in the log."""


@dataclass(frozen=True, slots=True)
class Response:
    status: int
    headers: tuple[tuple[str, str], ...] = ()
    body: bytes = field(default=b"", repr=False)


_encode = json.JSONEncoder(separators=(",", ":"), ensure_ascii=False).encode
_JSON_NO_STORE = (("Content-Type", "application/json"), *NO_STORE)


def json_response(
    value: Mapping[str, Any], *, status: int = 200, headers: tuple[tuple[str, str], ...] = ()
) -> Response:
    """An answer nobody may keep, which is what all but published documents are."""
    return Response(status, _JSON_NO_STORE + headers, _encode(value).encode())


def error_response(error: ProtocolError, *, reference: str) -> Response:
    """RFC 6749 section 5.2, with the reference by which support finds the private side in the log."""
    body = {"error": error.error.value}
    if error.description:
        body["error_description"] = error.description
    return json_response({**body, "reference": reference}, status=error.status, headers=error.headers)


def refuse_duplicates(parameters: Parameters) -> None:
    """RFC 6749 section 3.1: "parameters MUST NOT be included more than once"."""
    if parameters.duplicated():
        raise ProtocolError(
            ErrorCode.INVALID_REQUEST,
            "A parameter is included more than once.",
            detail=f"duplicated: {', '.join(sorted(parameters.duplicated()))[:200]}",
        )
