"""The closed vocabulary of RP API v3: flows, screens, levels, algorithms, and the two schemes."""

from enum import Enum
from typing import Final

from cryptography.hazmat.primitives import hashes

PROTOCOL: Final = "ACSP_V2"


class Scheme(Enum):
    """Goes into everything that is signed or authenticated, so that live and demo cannot be mistaken."""

    LIVE = "smart-id"
    DEMO = "smart-id-demo"


class Flow(Enum):
    QR = "QR"
    WEB2APP = "Web2App"
    APP2APP = "App2App"
    NOTIFICATION = "Notification"

    @property
    def same_device(self) -> bool:
        """Whether the app returns the person to the browser by the callback."""
        return self in {Flow.WEB2APP, Flow.APP2APP}


class Screen(Enum):
    """What the app shows before it asks for the PIN."""

    TEXT_AND_PIN = "displayTextAndPIN"
    CONFIRMATION = "confirmationMessage"
    CODE_CHOICE = "confirmationMessageAndVerificationCodeChoice"

    @property
    def text_member(self) -> str:
        return "displayText60" if self is Screen.TEXT_AND_PIN else "displayText200"

    @property
    def longest_text(self) -> int:
        return 60 if self is Screen.TEXT_AND_PIN else 200


class Level(Enum):
    ADVANCED = "ADVANCED"
    QUALIFIED = "QUALIFIED"

    def reaches(self, asked: "Level") -> bool:
        return self is Level.QUALIFIED or asked is Level.ADVANCED


class Hash(Enum):
    SHA_256 = "SHA-256"
    SHA_384 = "SHA-384"
    SHA_512 = "SHA-512"
    SHA3_256 = "SHA3-256"
    SHA3_384 = "SHA3-384"
    SHA3_512 = "SHA3-512"

    def make(self) -> hashes.HashAlgorithm:
        return _MADE[self]()


_MADE: Final[dict[Hash, type[hashes.HashAlgorithm]]] = {
    Hash.SHA_256: hashes.SHA256,
    Hash.SHA_384: hashes.SHA384,
    Hash.SHA_512: hashes.SHA512,
    Hash.SHA3_256: hashes.SHA3_256,
    Hash.SHA3_384: hashes.SHA3_384,
    Hash.SHA3_512: hashes.SHA3_512,
}


class Algorithm(Enum):
    """Only PSS is ever asked for; the others are deprecated and read in recordings."""

    PSS = "rsassa-pss"
    PKCS1_SHA_256 = "sha256WithRSAEncryption"
    PKCS1_SHA_384 = "sha384WithRSAEncryption"
    PKCS1_SHA_512 = "sha512WithRSAEncryption"

    @property
    def fixed_hash(self) -> Hash | None:
        """The hash that the name says; PSS says it in its parameters."""
        return _FIXED.get(self)


_FIXED: Final = {
    Algorithm.PKCS1_SHA_256: Hash.SHA_256,
    Algorithm.PKCS1_SHA_384: Hash.SHA_384,
    Algorithm.PKCS1_SHA_512: Hash.SHA_512,
}
