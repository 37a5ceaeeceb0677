"""Certificates for the servers and clients of tests, from an authority that exists for one test run."""

import datetime as dt
import ipaddress
from dataclasses import dataclass
from pathlib import Path

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import ExtendedKeyUsageOID, NameOID

_DAY = dt.timedelta(days=1)


@dataclass(frozen=True)
class Issued:
    """`certificate` and `key` are PEM files."""

    certificate: Path
    key: Path

    @property
    def der(self) -> bytes:
        loaded = x509.load_pem_x509_certificate(self.certificate.read_bytes())
        return loaded.public_bytes(serialization.Encoding.DER)


class Authority:
    def __init__(self, folder: Path, name: str = "Testu sertificētājs") -> None:
        folder.mkdir(parents=True, exist_ok=True)
        self.folder = folder
        self._name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, name)])
        self._key = ec.generate_private_key(ec.SECP256R1())
        builder = _builder(self._name, self._name, self._key.public_key()).add_extension(
            x509.BasicConstraints(ca=True, path_length=0), critical=True
        )
        self.ca_file = folder / "ca.pem"
        signed = builder.sign(self._key, hashes.SHA256())
        self.ca_file.write_bytes(signed.public_bytes(serialization.Encoding.PEM))

    def server(self, *hosts: str, name: str = "server") -> Issued:
        """For these DNS names or addresses; this computer if none are named."""
        hosts = hosts or ("localhost", "127.0.0.1", "::1")
        return self._issue(
            name, _alternatives(hosts), ExtendedKeyUsageOID.SERVER_AUTH, subject=_named(hosts[0])
        )

    def expired_server(self, *hosts: str, name: str = "expired") -> Issued:
        key = ec.generate_private_key(ec.SECP256R1())
        yesterday = dt.datetime.now(dt.UTC) - _DAY
        builder = (
            x509.CertificateBuilder(
                self._name, _named(hosts[0]), key.public_key(), x509.random_serial_number()
            )
            .not_valid_before(yesterday - 30 * _DAY)
            .not_valid_after(yesterday)
            .add_extension(x509.SubjectAlternativeName(_alternatives(hosts)), critical=False)
        )
        return self._write(name, key, builder.sign(self._key, hashes.SHA256()))

    def client(
        self, subject: x509.Name, *, name: str = "client", alternatives: tuple[x509.GeneralName, ...] = ()
    ) -> Issued:
        return self._issue(name, alternatives, ExtendedKeyUsageOID.CLIENT_AUTH, subject=subject)

    def self_signed(self, subject: x509.Name, *, name: str = "self-signed") -> Issued:
        key = ec.generate_private_key(ec.SECP256R1())
        return self._write(name, key, _builder(subject, subject, key.public_key()).sign(key, hashes.SHA256()))

    def _issue(
        self,
        name: str,
        alternatives: tuple[x509.GeneralName, ...],
        use: x509.ObjectIdentifier,
        *,
        subject: x509.Name,
    ) -> Issued:
        key = ec.generate_private_key(ec.SECP256R1())
        builder = _builder(subject, self._name, key.public_key()).add_extension(
            x509.ExtendedKeyUsage([use]), critical=False
        )
        if alternatives:
            builder = builder.add_extension(x509.SubjectAlternativeName(alternatives), critical=False)
        return self._write(name, key, builder.sign(self._key, hashes.SHA256()))

    def _write(self, name: str, key: ec.EllipticCurvePrivateKey, signed: x509.Certificate) -> Issued:
        issued = Issued(self.folder / f"{name}.pem", self.folder / f"{name}.key")
        issued.certificate.write_bytes(signed.public_bytes(serialization.Encoding.PEM))
        issued.key.write_bytes(
            key.private_bytes(
                serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
            )
        )
        return issued


def _named(common_name: str) -> x509.Name:
    return x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, common_name)])


def _builder(
    subject: x509.Name, issuer: x509.Name, key: ec.EllipticCurvePublicKey
) -> x509.CertificateBuilder:
    now = dt.datetime.now(dt.UTC)
    return (
        x509.CertificateBuilder()
        .subject_name(subject)
        .issuer_name(issuer)
        .public_key(key)
        .serial_number(x509.random_serial_number())
        .not_valid_before(now - _DAY)
        .not_valid_after(now + 30 * _DAY)
    )


def _alternatives(hosts: tuple[str, ...]) -> tuple[x509.GeneralName, ...]:
    return tuple(_alternative(host) for host in hosts)


def _alternative(host: str) -> x509.GeneralName:
    try:
        return x509.IPAddress(ipaddress.ip_address(host))
    except ValueError:
        return x509.DNSName(host)
