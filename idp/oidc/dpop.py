"""DPoP (RFC 9449): who asks proves with each request that they hold a key.

A proof counts once, and a storage that cannot say whether it was shown before lets none pass. A proof
without our nonce may be made ten seconds ago, or in ten, and then has to get here; with one, it is good as
long as the nonce is. Not here: how a
proof is read (`dpop_proofs.py`), when one is needed and what is bound to its key (`senders.py`).
"""

from dataclasses import dataclass
from typing import Final

from idp.effects import Effects, Instant
from idp.oidc import dpop_proofs as proofs
from idp.oidc.dpop_nonces import Nonces
from idp.oidc.dpop_proofs import Proof
from idp.oidc.errors import ErrorCode, ProtocolError
from idp.oidc.jose import TokenError
from idp.oidc.options import Options
from idp.oidc.requests import Request
from idp.storage.database import Database
from idp.storage.ephemeral import Shelf

PROOF_SECONDS: Final = 10.0
"""How far apart the clocks may be."""
WAY_SECONDS: Final = 5.0
"""For the way here, and because `iat` is in whole seconds: what says "ten seconds ago" is older than that."""
_SPENT: Final = "dpop-proof"
_ROUNDED: Final = 1.0


@dataclass(frozen=True, slots=True)
class Shown:
    """The key whose possession the request proved, and what to tell its sender for the next proof."""

    jkt: str
    headers: tuple[tuple[str, str], ...] = ()


class DPoP:
    def __init__(self, *, options: Options, database: Database, shelf: Shelf, effects: Effects) -> None:
        self._options = options
        self._nonces = Nonces(database, effects)
        self._shelf = shelf
        self._effects = effects

    def prove(self, request: Request, *, needs_nonce: bool, access_token: str | None = None) -> Shown:
        """Uses the proof up. Raises ProtocolError, also when the request brings none.

        `access_token`: the one it came with, at an endpoint that takes access tokens.
        """
        try:
            proof = proofs.read(request.headers.get("dpop", ""))
            proofs.hold_request(proof, method=request.method, urls=self._urls_of(request.path))
            if access_token is not None:
                proofs.hold_access_token(proof, access_token)
            ends_at = self._hold_time(proof, needs_nonce=needs_nonce)
        except TokenError as error:
            raise unproven(f"The DPoP proof is not accepted: {error}.") from None
        if not self._shelf.add(_SPENT, f"{proof.jkt}\x1f{proof.jti}", {}, expires_at=ends_at + _ROUNDED):
            raise unproven("The DPoP proof was used before.")
        return Shown(proof.jkt, self._fresh_nonce(proof))

    def _hold_time(self, proof: Proof, *, needs_nonce: bool) -> Instant:
        """Until when it could be shown. Section 8: a nonce that is not ours is refused wherever it comes."""
        if proof.nonce is not None:
            ends_at = self._nonces.find_end(proof.nonce)
            if ends_at is None:
                raise self._nonce_needed("The nonce in the DPoP proof is too old or not of this provider.")
            return ends_at
        if needs_nonce:
            raise self._nonce_needed("The DPoP proof must hold a nonce of this provider.")
        if not -PROOF_SECONDS <= self._effects.now() - proof.issued_at <= PROOF_SECONDS + WAY_SECONDS:
            raise TokenError("iat is not within ten seconds of now")
        return proof.issued_at + PROOF_SECONDS + WAY_SECONDS

    def _nonce_needed(self, description: str) -> ProtocolError:
        fresh = (("DPoP-Nonce", self._nonces.current()),)
        return ProtocolError(ErrorCode.USE_DPOP_NONCE, description, headers=fresh)

    def _fresh_nonce(self, proof: Proof) -> tuple[tuple[str, str], ...]:
        """Section 8.2: the next nonce comes with an answer, before the one in use ends."""
        if proof.nonce is None:
            return ()
        current = self._nonces.current()
        return (("DPoP-Nonce", current),) if current != proof.nonce else ()

    def _urls_of(self, path: str) -> frozenset[str]:
        """Where this endpoint is: made of the settings, never of what the request says of its host."""
        origins = [self._options.issuer, *filter(None, [self._options.mtls_origin])]
        return frozenset(proofs.normalised(f"{origin}{path}") for origin in origins)


def unproven(description: str) -> ProtocolError:
    return ProtocolError(ErrorCode.INVALID_DPOP_PROOF, description)
