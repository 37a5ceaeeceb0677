"""The emulator's authorities in a folder, so that they are the same after a restart: of people, and of its TLS certificate.

They vouch for invented people, to relying parties of the demo scheme alone. Still nobody else may read the keys.
"""

import datetime as dt
from pathlib import Path

from cryptography import x509
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import AuthorityInformationAccessOID

from tests.support.certificates import Authority, Issued
from tests.support.smart_id.authority import Issuer, SmartIdAuthority

_ROOT = "root"
_LEFT = dt.timedelta(days=1)


def private_folder(folder: Path) -> Path:
    folder.mkdir(mode=0o700, parents=True, exist_ok=True)
    folder.chmod(0o700)
    return folder


def kept_people(folder: Path, *, key_bits: int) -> SmartIdAuthority:
    """Those of the folder, or new ones. `keep` writes them, once it is known where they answer."""
    authority = SmartIdAuthority(key_bits=key_bits)
    files = {name: folder / f"{_file_name(name)}.pem" for name in (_ROOT, *authority.issuers)}
    if all(file.is_file() for file in files.values()):
        read = {name: _read(file) for name, file in files.items()}
        authority.root = read.pop(_ROOT)
        authority.issuers = read
        authority.responder_url = _responder_of(authority.issuers["qualified"].certificate)
    return authority


def keep(authority: SmartIdAuthority, folder: Path) -> None:
    for name, issuer in {_ROOT: authority.root, **authority.issuers}.items():
        written = folder / f"{_file_name(name)}.pem"
        written.touch(mode=0o600)
        written.write_bytes(_key(issuer) + issuer.certificate.public_bytes(serialization.Encoding.PEM))


def kept_server(folder: Path) -> tuple[Path, Issued]:
    """The authority's file and the certificate, made anew when they are about to expire."""
    ca_file, issued = folder / "ca.pem", Issued(folder / "server.pem", folder / "server.key")
    if not all(file.is_file() for file in (ca_file, issued.certificate, issued.key)) or any(
        _expires_soon(file) for file in (ca_file, issued.certificate)
    ):
        issued.key.touch(mode=0o600)
        authority = Authority(folder, "Emulated Smart-ID of visvaris")
        return authority.ca_file, authority.server()
    return ca_file, issued


def _file_name(name: str) -> str:
    return f"people-{name.replace(' ', '-')}"


def _key(issuer: Issuer) -> bytes:
    return issuer.key.private_bytes(
        serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
    )


def _read(file: Path) -> Issuer:
    pem = file.read_bytes()
    key = serialization.load_pem_private_key(pem, None)
    assert isinstance(key, ec.EllipticCurvePrivateKey)
    return Issuer(x509.load_pem_x509_certificate(pem), key)


def _responder_of(certificate: x509.Certificate) -> str | None:
    access = certificate.extensions.get_extension_for_class(x509.AuthorityInformationAccess).value
    return next(
        (
            each.access_location.value
            for each in access
            if each.access_method == AuthorityInformationAccessOID.OCSP
        ),
        None,
    )


def _expires_soon(file: Path) -> bool:
    certificate = x509.load_pem_x509_certificate(file.read_bytes())
    return certificate.not_valid_after_utc < dt.datetime.now(dt.UTC) + _LEFT
