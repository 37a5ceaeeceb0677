"""How we show an upstream by a key that it is us: private_key_jwt (OpenID Connect Core 9, RFC 7523).

Each upstream gets a key of its own, which signs nothing else, so that what one is shown is good nowhere else.
It fetches the public part from an address of ours (AD FS), or is given the certificate (Entra ID), which
nobody but the upstream looks at: it vouches for nothing.
"""

import base64
import hashlib
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Any, Final

from cryptography import x509
from cryptography.hazmat.primitives.asymmetric import rsa
from cryptography.hazmat.primitives.hashes import SHA1, SHA256
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat, PublicFormat
from cryptography.x509.oid import NameOID
from joserfc.jwk import RSAKey

from idp.effects import Effects
from idp.models.upstreams import Upstream
from idp.oidc import jose

KEYS_PATH: Final = "/login/upstream/keys"
"""Followed by the id of the upstream."""
ASSERTION_TYPE: Final = "urn:ietf:params:oauth:client-assertion-type:jwt-bearer"
_BITS: Final = 2048
_DAYS: Final = 730
"""As long as Entra ID keeps one at most where its administrators limit it."""
_SECONDS: Final = 120


@dataclass(frozen=True, slots=True)
class NewKey:
    private: str = field(repr=False)
    """PEM."""
    certificate: str


def make_key(upstream_id: str, effects: Effects) -> NewKey:
    key = rsa.generate_private_key(public_exponent=65537, key_size=_BITS)
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, f"visvaris {upstream_id}")])
    begins = datetime.fromtimestamp(effects.now(), UTC) - timedelta(minutes=5)
    certificate = (
        x509.CertificateBuilder()
        .subject_name(name)
        .issuer_name(name)
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(begins)
        .not_valid_after(begins + timedelta(days=_DAYS))
        .sign(key, SHA256())
    )
    private = key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption())
    return NewKey(private.decode(), certificate.public_bytes(Encoding.PEM).decode())


def assertion(upstream: Upstream, private: str, *, audience: str, alg: str, effects: Effects) -> str:
    """`audience`: the very address that it is sent to, so that whoever gets it can use it nowhere else."""
    now = int(effects.now())
    claims = {
        "iss": upstream.client_id,
        "sub": upstream.client_id,
        "aud": audience,
        "jti": effects.new_token(),
        "iat": now,
        "nbf": now,
        "exp": now + _SECONDS,
    }
    key = RSAKey.import_key(private)
    certificate = _certificate_of(upstream)
    thumbprints = (
        ("x5t", _encoded(certificate.fingerprint(SHA1()))),  # noqa: S303  a name (RFC 7515 section 4.1.7)
        ("x5t#S256", _encoded(certificate.fingerprint(SHA256()))),
    )
    return jose.sign(claims, key=key, alg=alg, kid=_kid_of(upstream), typ="JWT", more=thumbprints)


def published(upstream: Upstream) -> dict[str, Any]:
    """A JWK set (RFC 7517); empty where there is a secret."""
    if not upstream.certificate:
        return {"keys": []}
    certificate = _certificate_of(upstream)
    key = RSAKey.import_key(_public_pem(certificate))
    told = {
        "kid": _kid_of(upstream),
        "use": "sig",
        "x5c": [base64.b64encode(certificate.public_bytes(Encoding.DER)).decode()],
        "x5t#S256": _encoded(certificate.fingerprint(SHA256())),
    }
    return {"keys": [key.as_dict(private=False) | told]}


def _certificate_of(upstream: Upstream) -> x509.Certificate:
    return x509.load_pem_x509_certificate(upstream.certificate.encode())


def _kid_of(upstream: Upstream) -> str:
    return _encoded(hashlib.sha256(upstream.certificate.encode()).digest())


def _public_pem(certificate: x509.Certificate) -> bytes:
    return certificate.public_key().public_bytes(Encoding.PEM, PublicFormat.SubjectPublicKeyInfo)


def _encoded(value: bytes) -> str:
    return base64.urlsafe_b64encode(value).rstrip(b"=").decode()
