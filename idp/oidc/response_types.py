"""Response types: what an authorization request may ask to be answered with (RFC 6749 section 3.1.1).

Those that exist at all. Who may have one that is not `code`, and when, is `implicit.py`. Not here, and
nowhere: `token` alone, which tells nobody who signed in, and the hybrid types.
"""

from enum import StrEnum


class ResponseType(StrEnum):
    """OAuth 2.0 Multiple Response Types, sections 3 and 5."""

    CODE = "code"
    ID_TOKEN = "id_token"  # noqa: S105  the name of a response type
    ID_TOKEN_TOKEN = "id_token token"  # noqa: S105  the name of a response type

    @property
    def is_implicit(self) -> bool:
        """Whether tokens come from the authorization endpoint, through the browser."""
        return self is not ResponseType.CODE


def find_response_type(text: str | None) -> ResponseType | None:
    """RFC 6749 section 3.1.1: "the order of values does not matter"; each comes once."""
    words = sorted((text or "").split(" "))
    return next((known for known in ResponseType if sorted(known.split(" ")) == words), None)


def read_response_type(value: object) -> str:
    """One in client metadata, in the order we write it. Raises ValueError."""
    found = find_response_type(value) if isinstance(value, str) else None
    if found is None:
        raise ValueError(f"must be one of {', '.join(ResponseType)}")
    return found.value
