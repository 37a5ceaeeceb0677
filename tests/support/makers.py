"""Makers of authenticators: authorities of their own, and what they say of keys in each format of attestation.

Made from the text of WebAuthn Level 3 (section 8), of the TPM 2.0 Library (Structures) and of Android's schema for
key attestation, not with the library that checks it.
"""

import datetime as dt
import hashlib
from dataclasses import dataclass, field
from typing import Any
from uuid import UUID

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec, padding, rsa
from cryptography.x509.oid import NameOID

from tests.support.authenticator import YUBIKEY

LONG_AGO, FAR_OFF = dt.datetime(2020, 1, 1, tzinfo=dt.UTC), dt.datetime(2040, 1, 1, tzinfo=dt.UTC)
MODEL_OID = x509.ObjectIdentifier("1.3.6.1.4.1.45724.1.1.4")
ANDROID_OID = x509.ObjectIdentifier("1.3.6.1.4.1.11129.2.1.17")
AIK_OID = x509.ObjectIdentifier("2.23.133.8.3")
MANUFACTURER = "id:4D534654"
"""Of a TPM, as the TCG's registry of vendors writes them."""
ES256, RS256 = -7, -257


@dataclass(frozen=True)
class Signer:
    certificate: x509.Certificate
    key: Any

    @property
    def der(self) -> bytes:
        return self.certificate.public_bytes(serialization.Encoding.DER)


def make_name(common_name: str, unit: str = "") -> x509.Name:
    parts = [(NameOID.COUNTRY_NAME, "LV"), (NameOID.ORGANIZATION_NAME, "Atslēgu kalve")]
    parts += [(NameOID.ORGANIZATIONAL_UNIT_NAME, unit)] if unit else []
    return x509.Name([x509.NameAttribute(*part) for part in (*parts, (NameOID.COMMON_NAME, common_name))])


def issue(
    subject: x509.Name,
    issuer: Signer | None,
    *,
    extensions: tuple[tuple[x509.ExtensionType, bool], ...] = (),
    is_authority: bool = False,
    path_length: int | None = None,
    key: Any = None,
    validity: tuple[dt.datetime, dt.datetime] = (LONG_AGO, FAR_OFF),
    algorithm: hashes.HashAlgorithm | None = None,
) -> Signer:
    """A certificate by `issuer`, or by itself. `key`: its private key, made anew unless given."""
    key = key or ec.generate_private_key(ec.SECP256R1())
    signing = issuer.key if issuer else key
    builder = (
        x509.CertificateBuilder()
        .subject_name(subject)
        .issuer_name(issuer.certificate.subject if issuer else subject)
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(validity[0])
        .not_valid_after(validity[1])
        .add_extension(x509.BasicConstraints(ca=is_authority, path_length=path_length), critical=True)
        .add_extension(x509.SubjectKeyIdentifier.from_public_key(key.public_key()), critical=False)
        .add_extension(
            x509.AuthorityKeyIdentifier.from_issuer_public_key(signing.public_key()), critical=False
        )
    )
    if is_authority:
        usage = dict.fromkeys(
            (
                *("digital_signature", "content_commitment", "key_encipherment", "data_encipherment"),
                *("key_agreement", "encipher_only", "decipher_only"),
            ),
            False,
        )
        builder = builder.add_extension(
            x509.KeyUsage(key_cert_sign=True, crl_sign=True, **usage), critical=True
        )
    for extension, critical in extensions:
        builder = builder.add_extension(extension, critical=critical)
    return Signer(builder.sign(signing, algorithm or hashes.SHA256()), key)


def model_extension(aaguid: UUID) -> x509.UnrecognizedExtension:
    return x509.UnrecognizedExtension(MODEL_OID, b"\x04\x10" + aaguid.bytes)


@dataclass
class PackedMaker:
    """Vouches in the format `packed`, under its root, with an intermediate authority in between if there is one.

    Each member told otherwise than it is by itself is a way to be wrong.
    """

    aaguid: UUID | None = YUBIKEY
    """In the certificate; None leaves it out."""
    unit: str = "Authenticator Attestation"
    critical: bool = False
    is_authority: bool = False
    validity: tuple[dt.datetime, dt.datetime] = (LONG_AGO, FAR_OFF)
    root: Signer = field(default_factory=lambda: issue(make_name("Sakne"), None, is_authority=True))
    between: Signer | None = None
    algorithm: int = ES256
    signs: bytes = b""
    """Something else than it should."""
    hash: hashes.HashAlgorithm | None = None
    given: tuple[bytes, ...] | None = None
    """The certificates that come along; its own and those between otherwise."""

    def leaf(self) -> Signer:
        extensions: tuple[tuple[x509.ExtensionType, bool], ...] = ()
        if self.aaguid is not None:
            extensions = ((model_extension(self.aaguid), self.critical),)
        return issue(
            make_name("Sērija 5", self.unit),
            self.between or self.root,
            extensions=extensions,
            is_authority=self.is_authority,
            validity=self.validity,
            algorithm=self.hash,
        )

    def vouches(self, private: Any, data: bytes, client_data_hash: bytes) -> tuple[str, dict[str, Any]]:
        leaf = self.leaf()
        signature = leaf.key.sign(self.signs or data + client_data_hash, ec.ECDSA(hashes.SHA256()))
        chain = [leaf.der, *([self.between.der] if self.between else [])]
        return "packed", {
            "alg": self.algorithm,
            "sig": signature,
            "x5c": list(chain if self.given is None else self.given),
        }


@dataclass
class SelfMaker:
    """Nobody but the key itself: `packed` without certificates (section 6.5.4)."""

    def vouches(self, private: Any, data: bytes, client_data_hash: bytes) -> tuple[str, dict[str, Any]]:
        signature = private.sign(data + client_data_hash, ec.ECDSA(hashes.SHA256()))
        return "packed", {"alg": ES256, "sig": signature}


@dataclass
class AndroidMaker:
    """Section 8.4: the certificate is of the key itself, and quotes what the browser was asked."""

    root: Signer = field(default_factory=lambda: issue(make_name("Tālruņu sakne"), None, is_authority=True))
    challenge: bytes | None = None

    def vouches(self, private: Any, data: bytes, client_data_hash: bytes) -> tuple[str, dict[str, Any]]:
        purpose = _der(0xA1, _der(0x31, _der(0x02, b"\x02")))
        origin = b"\xbf\x85\x3e\x03" + _der(0x02, b"\x00")  # [702]: made in the phone
        description = _der(
            0x30,
            _der(0x02, b"\x03")
            + _der(0x0A, b"\x01")
            + _der(0x02, b"\x04")
            + _der(0x0A, b"\x01")
            + _der(0x04, self.challenge or client_data_hash)
            + _der(0x04, b"")
            + _der(0x30, b"")
            + _der(0x30, purpose + origin),
        )
        extension = x509.UnrecognizedExtension(ANDROID_OID, description)
        leaf = issue(make_name("Atslēga"), self.root, key=private, extensions=((extension, False),))
        signature = private.sign(data + client_data_hash, ec.ECDSA(hashes.SHA256()))
        return "android-key", {"alg": ES256, "sig": signature, "x5c": [leaf.der, self.root.der]}


@dataclass
class TpmMaker:
    """Section 8.3: a certificate for the TPM's attestation key, which signs what the TPM says of the new key."""

    root: Signer = field(default_factory=lambda: issue(make_name("Datoru sakne"), None, is_authority=True))
    aaguid: UUID | None = None

    def vouches(self, private: Any, data: bytes, client_data_hash: bytes) -> tuple[str, dict[str, Any]]:
        numbers = private.public_key().public_numbers()
        public_area = (
            _two(0x0023)  # TPM_ALG_ECC
            + _two(0x000B)  # named by SHA-256
            + (0x00060472).to_bytes(4, "big")
            + _two(0)
            + _two(0x0010)  # no symmetric algorithm
            + _two(0x0010)
            + _two(0x0003)  # TPM_ECC_NIST_P256
            + _two(0x0010)
            + _sized(numbers.x.to_bytes(32, "big"))
            + _sized(numbers.y.to_bytes(32, "big"))
        )
        named = _two(0x000B) + hashlib.sha256(public_area).digest()
        information = (
            b"\xffTCG"
            + _two(0x8017)  # TPM_ST_ATTEST_CERTIFY
            + _sized(b"signer")
            + _sized(hashlib.sha256(data + client_data_hash).digest())
            + bytes(17)
            + bytes(8)
            + _sized(named)
            + _sized(named)
        )
        attestation_key = rsa.generate_private_key(65537, 2048)
        alternative = x509.DirectoryName(
            x509.Name(
                [
                    x509.NameAttribute(x509.ObjectIdentifier(f"2.23.133.2.{part}"), value)
                    for part, value in ((1, MANUFACTURER), (2, "TPM"), (3, "id:13"))
                ]
            )
        )
        extensions: list[tuple[x509.ExtensionType, bool]] = [
            (x509.SubjectAlternativeName([alternative]), True),
            (x509.ExtendedKeyUsage([AIK_OID]), False),
        ]
        if self.aaguid is not None:
            extensions.append((model_extension(self.aaguid), False))
        leaf = issue(x509.Name([]), self.root, key=attestation_key, extensions=tuple(extensions))
        return "tpm", {
            "ver": "2.0",
            "alg": RS256,
            "x5c": [leaf.der],
            "sig": attestation_key.sign(information, padding.PKCS1v15(), hashes.SHA256()),
            "certInfo": information,
            "pubArea": public_area,
        }


def _der(tag: int, content: bytes) -> bytes:
    return bytes([tag, len(content)]) + content


def _two(number: int) -> bytes:
    return number.to_bytes(2, "big")


def _sized(content: bytes) -> bytes:
    return _two(len(content)) + content
