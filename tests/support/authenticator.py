"""A software authenticator with a browser around it, for all that real ones and their browsers do not do wrong.

Made from the text of WebAuthn Level 3 (sections 5.8.1, 6.1, 6.5) and RFC 9052, not with the library that checks
it. Answers like a passkey that stays on one device and has made sure of its user, until told to lie: a `Lie`
changes one thing, and what is changed is signed as if it were true.
"""

import base64
import hashlib
import json
import os
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any, Protocol
from uuid import UUID

import cbor2
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec, ed25519, padding, rsa

YUBIKEY = UUID("2fc0579f-8113-47ea-b116-bb5a8db9202a")
NO_MAKER = UUID(int=0)
ES256, EDDSA, RS256, ES512 = -7, -8, -257, -36
UP, UV, BE, BS, AT, ED = 0x01, 0x04, 0x08, 0x10, 0x40, 0x80


@dataclass(frozen=True, kw_only=True)
class Lie:
    """One thing told otherwise; None tells the truth. `flags` maps bits to what they are set to."""

    type: str | None = None
    challenge: bytes | None = None
    origin: str | None = None
    cross_origin: bool | None = None
    top_origin: str | None = None
    rp_id: str | None = None
    flags: Mapping[int, bool] = field(default_factory=dict)
    count: int | None = None
    user_handle: bytes | None = None
    no_user_handle: bool = False
    key_id: bytes | None = None
    algorithm: int | None = None
    cose: Mapping[int, Any] | None = None
    format: str | None = None
    statement: Mapping[str, Any] | None = None
    after_signing: Callable[[bytes], bytes] = bytes
    attestation_bytes: Callable[[bytes], bytes] = bytes
    answer: Callable[[dict[str, Any]], Any] = dict


TRUTH = Lie()


class Maker(Protocol):
    def vouches(self, private: Any, data: bytes, client_data_hash: bytes) -> tuple[str, dict[str, Any]]:
        """The format and the statement, for a key that was just made."""
        ...


@dataclass
class Key:
    private: Any
    id: bytes
    rp_id: str
    user_handle: bytes
    algorithm: int
    count: int = 0


@dataclass
class Authenticator:
    """`origin` is where the browser thinks it is. A `synced` one tells no counter, as those do."""

    origin: str
    aaguid: UUID = YUBIKEY
    algorithm: int = ES256
    synced: bool = False
    verifies_user: bool = True
    counts: bool = True
    transports: list[str] | None = field(default_factory=lambda: ["usb", "nfc"])
    keys: list[Key] = field(default_factory=list)
    maker: Maker | None = None
    """Who vouches for it when that is asked for."""

    def creates(self, options: str | Mapping[str, Any], lie: Lie = TRUTH) -> str:
        """The JSON of `navigator.credentials.create()`."""
        asked = _read(options)
        excluded = {_bytes(each["id"]) for each in asked["excludeCredentials"]}
        if any(key.id in excluded for key in self.keys):
            raise InvalidStateError
        key = Key(
            private=_new_private(self.algorithm),
            id=lie.key_id or os.urandom(32),
            rp_id=asked["rp"]["id"],
            user_handle=_bytes(asked["user"]["id"]),
            algorithm=self.algorithm,
        )
        self.keys.append(key)
        cose = cbor2.dumps(_cose(key, lie.algorithm) if lie.cose is None else dict(lie.cose))
        attested = self.aaguid.bytes + len(key.id).to_bytes(2, "big") + key.id + cose
        data = self._data(key, lie, {AT: True}) + attested
        client_data = self._client_data("webauthn.create", asked, lie)
        statement = lie.statement or {}
        if lie.format == "packed" and lie.statement is None:
            statement = {"alg": self.algorithm, "sig": _signed(key, data + _sha256(client_data))}
        told = lie.format or "none"
        if self.maker is not None and lie.format is None and asked.get("attestation") == "direct":
            told, statement = self.maker.vouches(key.private, data, _sha256(client_data))
        attestation = cbor2.dumps({"fmt": told, "attStmt": dict(statement), "authData": data})
        response = {
            "clientDataJSON": text(client_data),
            "attestationObject": text(lie.attestation_bytes(attestation)),
        }
        if self.transports is not None:
            response["transports"] = self.transports  # type: ignore[assignment]
        return self._answer(key, response, lie)

    def gets(self, options: str | Mapping[str, Any], lie: Lie = TRUTH, *, key: Key | None = None) -> str:
        """The JSON of `navigator.credentials.get()`: of the first key that is asked for."""
        asked = _read(options)
        allowed = {_bytes(each["id"]) for each in asked["allowCredentials"]}
        key = key or next(each for each in self.keys if not allowed or each.id in allowed)
        if self.counts and not self.synced:
            key.count += 1
        data = self._data(key, lie, {})
        client_data = self._client_data("webauthn.get", asked, lie)
        response = {
            "clientDataJSON": text(client_data),
            "authenticatorData": text(data),
            "signature": text(lie.after_signing(_signed(key, data + _sha256(client_data)))),
        }
        if not lie.no_user_handle:
            response["userHandle"] = text(lie.user_handle or key.user_handle)
        return self._answer(key, response, lie)

    def _answer(self, key: Key, response: dict[str, Any], lie: Lie) -> str:
        key_id = text(lie.key_id or key.id)
        answer = {
            "id": key_id,
            "rawId": key_id,
            "type": "public-key",
            "response": response,
            "clientExtensionResults": {},
            "authenticatorAttachment": "cross-platform",
        }
        return json.dumps(lie.answer(answer))

    def _client_data(self, kind: str, asked: Mapping[str, Any], lie: Lie) -> bytes:
        challenge = text(lie.challenge) if lie.challenge is not None else asked["challenge"]
        data = {
            "type": lie.type or kind,
            "challenge": challenge,
            "origin": lie.origin or self.origin,
            "crossOrigin": bool(lie.cross_origin),
        }
        return json.dumps(data | ({"topOrigin": lie.top_origin} if lie.top_origin else {})).encode()

    def _data(self, key: Key, lie: Lie, more: Mapping[int, bool]) -> bytes:
        told = {UP: True, UV: self.verifies_user, BE: self.synced, BS: self.synced, **more, **lie.flags}
        flags = sum(bit for bit, is_set in told.items() if is_set)
        count = key.count if lie.count is None else lie.count
        return _sha256((lie.rp_id or key.rp_id).encode()) + bytes([flags]) + count.to_bytes(4, "big")


class InvalidStateError(Exception):
    """What browsers call it when the authenticator has a key that is excluded."""


def text(raw: bytes) -> str:
    return base64.urlsafe_b64encode(raw).rstrip(b"=").decode()


def _bytes(encoded: str) -> bytes:
    return base64.urlsafe_b64decode(encoded + "==")


def _read(options: str | Mapping[str, Any]) -> Mapping[str, Any]:
    read: Mapping[str, Any] = json.loads(options) if isinstance(options, str) else options
    return read


def _sha256(data: bytes) -> bytes:
    return hashlib.sha256(data).digest()


def _new_private(algorithm: int) -> Any:
    match algorithm:
        case -8:
            return ed25519.Ed25519PrivateKey.generate()
        case -257:
            return rsa.generate_private_key(65537, 2048)
        case _:
            return ec.generate_private_key(ec.SECP256R1())


def _cose(key: Key, algorithm: int | None) -> dict[int, Any]:
    told = algorithm or key.algorithm
    public = key.private.public_key()
    if isinstance(public, ed25519.Ed25519PublicKey):
        return {1: 1, 3: told, -1: 6, -2: public.public_bytes_raw()}
    numbers = public.public_numbers()
    if isinstance(public, rsa.RSAPublicKey):
        return {1: 3, 3: told, -1: numbers.n.to_bytes(256, "big"), -2: numbers.e.to_bytes(3, "big")}
    return {1: 2, 3: told, -1: 1, -2: numbers.x.to_bytes(32, "big"), -3: numbers.y.to_bytes(32, "big")}


def _signed(key: Key, data: bytes) -> bytes:
    signature: bytes
    match key.private:
        case ed25519.Ed25519PrivateKey():
            signature = key.private.sign(data)
        case rsa.RSAPrivateKey():
            signature = key.private.sign(data, padding.PKCS1v15(), hashes.SHA256())
        case _:
            signature = key.private.sign(data, ec.ECDSA(hashes.SHA256()))
    return signature
