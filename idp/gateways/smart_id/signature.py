"""What ACSP_V2 signs, and whether it is signed (spec section 5.3): eleven fields, RSASSA-PSS over
SHA-2 or SHA-3.
"""

import hashlib
from dataclasses import dataclass, field
from typing import Final

from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric import padding
from cryptography.hazmat.primitives.asymmetric.rsa import RSAPublicKey
from cryptography.hazmat.primitives.asymmetric.types import CertificatePublicKeyTypes

from idp.errors import Reason, Refused
from idp.gateways.smart_id.encodings import b64
from idp.gateways.smart_id.words import PROTOCOL, Algorithm, Flow, Hash, Scheme, Screen

_SHORTEST_KEY: Final = 2048


@dataclass(frozen=True, slots=True, kw_only=True)
class SignedFields:
    """Strings stand as they were sent or received, never decoded and encoded again."""

    scheme: Scheme
    server_random: str
    challenge: str = field(repr=False)
    user_challenge: str
    relying_party_name: str
    brokered_name: str
    interactions: str
    screen: Screen
    callback_url: str | None = field(repr=False)
    flow: Flow

    def message(self) -> bytes:
        """The callback is the one the session began with, and counts only where the flow has one."""
        return "|".join(
            (
                self.scheme.value,
                PROTOCOL,
                self.server_random,
                self.challenge,
                self.user_challenge,
                b64(self.relying_party_name.encode()),
                b64(self.brokered_name.encode()),
                b64(hashlib.sha256(self.interactions.encode()).digest()),
                self.screen.value,
                (self.callback_url or "") if self.flow.same_device else "",
                self.flow.value,
            )
        ).encode()


def check_signature(
    value: bytes, *, message: bytes, key: CertificatePublicKeyTypes, algorithm: Algorithm, hashed_by: Hash
) -> None:
    """Keys in use have 4095, 6143 or 6144 bits, so no exact size is asked for. Raises Refused."""
    if not isinstance(key, RSAPublicKey) or key.key_size < _SHORTEST_KEY:
        raise Refused(Reason.SMART_ID_KEY)
    made = hashed_by.make()
    padded = (
        padding.PSS(padding.MGF1(hashed_by.make()), made.digest_size)
        if algorithm is Algorithm.PSS
        else padding.PKCS1v15()
    )
    if len(value) != (key.key_size + 7) // 8:
        raise Refused(Reason.SMART_ID_SIGNATURE)
    try:
        key.verify(value, message, padded, made)
    except InvalidSignature:
        raise Refused(Reason.SMART_ID_SIGNATURE) from None
