"""Access tokens that only their rightful sender can use: bound to a DPoP key (RFC 9449 section 7) or to a TLS
certificate (RFC 8705 section 3).

A proof counts once; when the shelf cannot say whether it did before, it does not count. Not here: how a
proof is read (`proofs.py`), how the certificate reaches us (`proxies.py`).
"""

import hmac
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Any

from connectors.kit import proofs
from connectors.kit.effects import Effects
from connectors.kit.jose import BadTokenError, Fault
from connectors.kit.proofs import BadProofError
from connectors.kit.shelf import Shelf

JKT, X5T = "jkt", "x5t#S256"
_ROUNDED_SECONDS = 1.0


class Scheme(StrEnum):
    BEARER = "Bearer"
    DPOP = "DPoP"


@dataclass(frozen=True, slots=True, kw_only=True)
class Shown:
    """How an access token came: `path` as this application knows it, `certificate` as its thumbprint."""

    scheme: Scheme = Scheme.BEARER
    method: str = ""
    path: str = ""
    proof: str = field(default="", repr=False)
    certificate: str = ""


AS_BEARER = Shown()


class Senders:
    """`base_url` is this application's own address, which proofs must name whatever a request says."""

    def __init__(self, *, base_url: str, shelf: Shelf, effects: Effects) -> None:
        scheme, host, port, path = proofs.address_of(base_url)
        self._origin = (scheme, host, port)
        self._prefix = path.rstrip("/")
        self._shelf = shelf
        self._effects = effects

    def hold(self, confirmation: object, token: str, shown: Shown) -> None:
        """`confirmation` is the token's `cnf`. Uses the proof up. Raises BadTokenError, ShelfAwayError."""
        bound_to = _read(confirmation)
        if (JKT in bound_to) is not (shown.scheme is Scheme.DPOP):
            raise BadTokenError(Fault.BOUND)
        if X5T in bound_to and not _equal(bound_to[X5T], shown.certificate):
            raise BadTokenError(Fault.BOUND)
        if JKT in bound_to:
            self._hold_proof(bound_to[JKT], token, shown)

    def _hold_proof(self, jkt: str, token: str, shown: Shown) -> None:
        try:
            proof = proofs.read(shown.proof)
            address = (*self._origin, f"{self._prefix}{shown.path}")
            now = self._effects.now()
            proofs.hold(proof, token=token, method=shown.method, address=address, now=now)
        except BadProofError as error:
            raise BadTokenError(Fault.PROOF) from error
        if not _equal(jkt, proof.jkt):
            raise BadTokenError(Fault.BOUND)
        ends_at = proof.issued_at + proofs.PROOF_SECONDS + proofs.WAY_SECONDS + _ROUNDED_SECONDS
        if not self._shelf.add("dpop-proof", f"{proof.jkt}.{proof.jti}", expires_at=ends_at):
            raise BadTokenError(Fault.PROOF)


def _read(confirmation: Any) -> dict[str, str]:
    """A way of binding that is not known here is one that cannot be held to."""
    if confirmation is None:
        return {}
    if not isinstance(confirmation, dict) or not confirmation or not confirmation.keys() <= {JKT, X5T}:
        raise BadTokenError(Fault.BOUND)
    if not all(isinstance(value, str) and value for value in confirmation.values()):
        raise BadTokenError(Fault.BOUND)
    return confirmation


def _equal(wanted: str, shown: str) -> bool:
    return hmac.compare_digest(wanted.encode(), shown.encode())
