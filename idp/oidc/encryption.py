"""Answers that only the application can read: JWE to a key of its own (RFC 7516, Core 10.2).

What is signed is signed first and then encrypted (a nested JWT, RFC 7519 section 5.2). Algorithms are listed
here and chosen at registration; RSA1_5 and compression are not among them. Nothing is ever decrypted here.
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from enum import Enum
from typing import Any, Final

from joserfc import jwe
from joserfc.errors import JoseError
from joserfc.jwk import ECKey, Key, OKPKey, RSAKey

from idp.models.clients import Client
from idp.oidc.client_keys import ClientKeys, KeysUnavailableError
from idp.oidc.errors import ErrorCode, ProtocolError

KEY_ALGORITHMS: Final = ("RSA-OAEP-256", "ECDH-ES", "ECDH-ES+A256KW")
CONTENT_ALGORITHMS: Final = ("A128CBC-HS256", "A128GCM", "A256GCM")
DEFAULT_CONTENT_ALGORITHM: Final = "A128CBC-HS256"
"""OpenID Connect Registration 2, for who names only the other."""

_KEY_TYPES: Final[Mapping[str, tuple[type[Key], ...]]] = {
    "RSA-OAEP-256": (RSAKey,),
    "ECDH-ES": (ECKey, OKPKey),
    "ECDH-ES+A256KW": (ECKey, OKPKey),
}
_NOT_FOR_AGREEMENT: Final = "Ed25519"


class Sealed(Enum):
    """What can be encrypted; the value begins the names of the members that ask for it."""

    ID_TOKEN = "id_token"  # noqa: S105  the name of a member
    USERINFO = "userinfo"

    @property
    def alg_member(self) -> str:
        return f"{self.value}_encrypted_response_alg"

    @property
    def enc_member(self) -> str:
        return f"{self.value}_encrypted_response_enc"


@dataclass(frozen=True, slots=True)
class Recipient:
    """To whom, and how."""

    key: Key = field(repr=False)
    alg: str
    enc: str

    def encrypt(self, content: str, *, nested: bool) -> str:
        """Compact JWE; `nested`: the content is itself a JWT. Raises ProtocolError for a key that refuses."""
        header = {"alg": self.alg, "enc": self.enc, **({"cty": "JWT"} if nested else {})}
        if self.key.kid is not None:
            header["kid"] = self.key.kid
        try:
            return jwe.encrypt_compact(header, content, self.key, algorithms=[self.alg, self.enc])
        except JoseError as error:
            raise _impossible(f"its key is not for {self.alg}", detail=type(error).__name__) from None


class Encryption:
    def __init__(self, keys: ClientKeys) -> None:
        self._keys = keys

    def find_recipient(self, client: Client, what: Sealed) -> Recipient | None:
        """None when the client did not register for it. Raises ProtocolError when it has no key to be had."""
        alg = client.registered.get(what.alg_member)
        if alg is None:
            return None
        try:
            key = self._keys.find(client, lambda keys: choose_key(keys, alg))
        except KeysUnavailableError as error:
            raise _impossible(str(error)) from None
        if key is None:
            raise _impossible(f"it has no key for {alg}")
        return Recipient(key, alg, client.registered.get(what.enc_member, DEFAULT_CONTENT_ALGORITHM))


def choose_key(keys: Iterable[Key], alg: str) -> Key | None:
    """One marked for encryption rather than one for anything."""
    fitting = [key for key in keys if _fits(key, alg)]
    return min(fitting, key=lambda key: key.get("use") != "enc", default=None)


def _fits(key: Key, alg: str) -> bool:
    if not isinstance(key, _KEY_TYPES[alg]) or key.get("use") == "sig":
        return False
    if isinstance(key, OKPKey) and key.curve_name == _NOT_FOR_AGREEMENT:
        return False
    return key.get("alg") in {None, alg}


def require_consistent(registered: Mapping[str, Any], keys: Iterable[Key] | None) -> None:
    """`keys` is None when they are published elsewhere. Raises ValueError naming the member."""
    keys = list(keys) if keys is not None else None
    for what in Sealed:
        alg = registered.get(what.alg_member)
        if alg is None:
            if what.enc_member in registered:
                raise ValueError(f"{what.enc_member} needs {what.alg_member}")
        elif keys is not None and choose_key(keys, alg) is None:
            raise ValueError(f"{what.alg_member} needs a key for {alg} in jwks or jwks_uri")


def _impossible(why: str, *, detail: str = "") -> ProtocolError:
    return ProtocolError(
        ErrorCode.INVALID_REQUEST, f"Nothing can be encrypted for the client: {why}.", detail=detail
    )
