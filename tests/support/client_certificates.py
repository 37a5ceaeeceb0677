"""Certificates that applications prove themselves with, valid around a time the test chooses.

Beside `certificates.py`, whose certificates are for servers and for today.
"""

import base64
import datetime as dt
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, TypeAlias

from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec, rsa
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat
from cryptography.x509.oid import ExtendedKeyUsageOID
from joserfc.jwk import ECKey, Key, RSAKey

PrivateKey: TypeAlias = ec.EllipticCurvePrivateKey | rsa.RSAPrivateKey
DAY = 86400.0


def subject(written: str) -> x509.Name:
    """RFC 4514."""
    return x509.Name.from_rfc4514_string(written)


def ec_key() -> ec.EllipticCurvePrivateKey:
    return ec.generate_private_key(ec.SECP256R1())


@dataclass(frozen=True)
class ClientCertificate:
    certificate: x509.Certificate
    key: PrivateKey = field(repr=False)

    @property
    def der(self) -> bytes:
        return self.certificate.public_bytes(Encoding.DER)

    @property
    def header(self) -> str:
        """RFC 9440 section 2.1."""
        return f":{base64.b64encode(self.der).decode()}:"

    def signing_key(self, kid: str = "tls") -> Key:
        kind = RSAKey if isinstance(self.key, rsa.RSAPrivateKey) else ECKey
        pem = self.key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption())
        return kind.import_key(pem, {"kid": kid})

    def jwk(self, kid: str = "tls", *, with_certificate: bool = False) -> dict[str, Any]:
        jwk = {**self.signing_key(kid).as_dict(private=False), "kid": kid}
        return jwk | ({"x5c": [base64.b64encode(self.der).decode()]} if with_certificate else {})

    def written_to(self, folder: Path, name: str) -> tuple[str, str]:
        """PEM files of the certificate and of its key."""
        certificate, key = folder / f"{name}.pem", folder / f"{name}.key"
        certificate.write_bytes(self.certificate.public_bytes(Encoding.PEM))
        key.write_bytes(self.key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption()))
        return str(certificate), str(key)


class ClientAuthority:
    """Issues to whom the test says; `at` is about when everything it issues is valid."""

    def __init__(self, at: float, name: str = "CN=Lietotnu sertificetajs,C=LV") -> None:
        self.at = at
        self.key = ec_key()
        self._name = subject(name)
        usage = x509.KeyUsage(
            key_cert_sign=True,
            crl_sign=True,
            digital_signature=False,
            content_commitment=False,
            key_encipherment=False,
            data_encipherment=False,
            key_agreement=False,
            encipher_only=False,
            decipher_only=False,
        )
        builder = _builder(self._name, self._name, self.key, at - 100 * DAY, at + 1000 * DAY)
        self.certificate = (
            builder.add_extension(x509.BasicConstraints(ca=True, path_length=None), critical=True)
            .add_extension(usage, critical=True)
            .sign(self.key, hashes.SHA256())
        )

    def issue(
        self,
        written: str = "CN=client,O=Example,C=LV",
        *alternatives: x509.GeneralName,
        key: PrivateKey | None = None,
        begins: float | None = None,
        ends: float | None = None,
        use: x509.ObjectIdentifier | None = ExtendedKeyUsageOID.CLIENT_AUTH,
        as_authority: bool = False,
    ) -> ClientCertificate:
        key = key or ec_key()
        begins, ends = begins or self.at - DAY, ends or self.at + 30 * DAY
        builder = _builder(subject(written), self._name, key, begins, ends)
        if use is not None:
            builder = builder.add_extension(x509.ExtendedKeyUsage([use]), critical=False)
        if alternatives:
            builder = builder.add_extension(x509.SubjectAlternativeName(alternatives), critical=False)
        if as_authority:
            builder = builder.add_extension(x509.BasicConstraints(ca=True, path_length=None), critical=True)
        return ClientCertificate(builder.sign(self.key, hashes.SHA256()), key)


def self_signed(
    at: float,
    written: str = "CN=client",
    *,
    key: PrivateKey | None = None,
    begins: float | None = None,
    ends: float | None = None,
) -> ClientCertificate:
    key = key or ec_key()
    begins, ends = begins or at - DAY, ends or at + 30 * DAY
    name = subject(written)
    return ClientCertificate(_builder(name, name, key, begins, ends).sign(key, hashes.SHA256()), key)


def _builder(
    name: x509.Name, issuer: x509.Name, key: PrivateKey, begins: float, ends: float
) -> x509.CertificateBuilder:
    return (
        x509.CertificateBuilder()
        .subject_name(name)
        .issuer_name(issuer)
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(dt.datetime.fromtimestamp(begins, dt.UTC))
        .not_valid_after(dt.datetime.fromtimestamp(ends, dt.UTC))
    )
