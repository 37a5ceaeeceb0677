"""Software statements (RFC 7591 section 2.3): what somebody we trust says about a program, signed.

Whom we trust is a list of issuers with their keys, and empty unless the operator fills it. What a statement
says takes precedence over what the client says beside it. Not here: what may be registered at all.
"""

from collections.abc import Mapping
from typing import Any, Final

from joserfc.jwk import Key

from idp.effects import Effects
from idp.oidc import jose
from idp.oidc.client_assertions import KEY_ALGORITHMS
from idp.oidc.client_keys import choose_verifier, import_keys
from idp.oidc.errors import ErrorCode, ProtocolError
from idp.oidc.jose import TokenError

MEMBER: Final = "software_statement"
_SKEW_SECONDS: Final = 10.0
_TYPES: Final = frozenset({"", "jwt"})
_ALGORITHMS: Final = frozenset(KEY_ALGORITHMS)
_ABOUT_ITSELF: Final = frozenset({"iss", "sub", "aud", "iat", "nbf", "exp", "jti"})


def read_trusted(document: object) -> dict[str, list[Key]]:
    """The keys of each issuer. Raises ValueError for what is no object of JWK sets by issuer."""
    if not isinstance(document, dict) or not all(isinstance(issuer, str) and issuer for issuer in document):
        raise ValueError("must hold one JSON object of JWK sets by issuer")
    return {issuer: import_keys(jwks) for issuer, jwks in document.items()}


class SoftwareStatements:
    def __init__(self, trusted: Mapping[str, Any], effects: Effects) -> None:
        """`trusted`: a JWK set for each issuer. Raises ValueError."""
        self._trusted = read_trusted(dict(trusted))
        self._effects = effects

    def read(self, statement: object) -> dict[str, Any]:
        """The metadata it conveys. Raises ProtocolError."""
        if not isinstance(statement, str):
            raise _invalid("it is not text")
        try:
            claims = jose.peek(statement)[1]
        except TokenError as error:
            raise _invalid(str(error)) from None
        keys = self._trusted.get(str(claims.get("iss")))
        if keys is None:
            raise ProtocolError(
                ErrorCode.UNAPPROVED_SOFTWARE_STATEMENT,
                "Software statements of this issuer are not accepted here.",
            )
        try:
            verified = jose.verify(
                statement,
                find_key=lambda kid, alg: choose_verifier(keys, kid, alg),
                algorithms=_ALGORITHMS,
                types=_TYPES,
            )
            self._require_current(verified)
        except TokenError as error:
            raise _invalid(str(error)) from None
        return {name: value for name, value in verified.items() if name not in _ABOUT_ITSELF}

    def _require_current(self, claims: Mapping[str, Any]) -> None:
        now = self._effects.now()
        expires_at = jose.numeric_date(claims, "exp")
        if expires_at is not None and now >= expires_at:
            raise TokenError("expired")
        for name in ("nbf", "iat"):
            if (jose.numeric_date(claims, name) or 0.0) > now + _SKEW_SECONDS:
                raise TokenError(f"{name} is in the future")


def _invalid(detail: str) -> ProtocolError:
    return ProtocolError(
        ErrorCode.INVALID_SOFTWARE_STATEMENT, "The software statement is not valid.", detail=detail
    )
