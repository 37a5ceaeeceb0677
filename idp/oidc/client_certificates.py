"""Clients that prove themselves with a TLS certificate (RFC 8705 section 2).

By an authority of ours and the name that was registered (`tls_client_auth`), or by the key alone
(`self_signed_tls_client_auth`). The handshake, which the proxy held, proved that the client has the key; who
issued the certificate is verified here and left to no proxy. Not here: how the certificate reaches us
(`web/client_certificate.py`), whether it was revoked.
"""

import base64
import binascii
import datetime as dt
from collections.abc import Sequence
from typing import Final

from cryptography import x509
from cryptography.exceptions import UnsupportedAlgorithm
from cryptography.hazmat.primitives.asymmetric import ec, ed448, ed25519, rsa
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat
from cryptography.x509 import verification
from joserfc.jwk import ECKey, Key, OKPKey, RSAKey

from idp.effects import Effects, Instant
from idp.models.clients import Client
from idp.oidc.certificate_names import EXPECTED_NAMES
from idp.oidc.client_keys import RSA_BITS_AT_LEAST, ClientKeys

_EC_BITS_AT_LEAST: Final = 256
_UNREADABLE: Final = (
    *(ValueError, UnsupportedAlgorithm, x509.InvalidVersion),
    *(x509.DuplicateExtension, x509.UnsupportedGeneralNameType),
)


class ClientCertificates:
    """Without authorities nobody is known by one."""

    def __init__(
        self, authorities: Sequence[x509.Certificate], *, keys: ClientKeys, effects: Effects
    ) -> None:
        self._store = verification.Store(list(authorities)) if authorities else None
        self._keys = keys
        self._effects = effects

    def is_issued_to(self, client: Client, der: bytes | None) -> bool:
        """RFC 8705 section 2.1: issued by an authority of ours, and names the client as registered."""
        certificate = _read(der)
        if certificate is None or self._store is None:
            return False
        registered = [name for name in EXPECTED_NAMES if name in client.registered]
        if len(registered) != 1 or not _is_issued(certificate, self._store, self._effects.now()):
            return False
        try:
            return EXPECTED_NAMES[registered[0]].is_in(client.registered[registered[0]], certificate)
        except _UNREADABLE:
            return False

    def is_self_signed_by(self, client: Client, der: bytes | None) -> bool:
        """RFC 8705 section 2.2: its key is among those the client registered. Raises KeysUnavailableError."""
        certificate = _read(der)
        if certificate is None or not _is_in_time(certificate, self._effects.now()):
            return False
        return self._keys.find(client, lambda keys: _choose(keys, certificate)) is not None


def _read(der: bytes | None) -> x509.Certificate | None:
    if der is None:
        return None
    try:
        certificate = x509.load_der_x509_certificate(der)
        return certificate if _has_strong_key(certificate) else None
    except _UNREADABLE:
        return None


def _has_strong_key(certificate: x509.Certificate) -> bool:
    match certificate.public_key():
        case rsa.RSAPublicKey() as key:
            return key.key_size >= RSA_BITS_AT_LEAST
        case ec.EllipticCurvePublicKey() as key:
            return key.key_size >= _EC_BITS_AT_LEAST
        case ed25519.Ed25519PublicKey() | ed448.Ed448PublicKey():
            return True
        case _:
            return False


def _is_in_time(certificate: x509.Certificate, now: Instant) -> bool:
    return certificate.not_valid_before_utc.timestamp() <= now <= certificate.not_valid_after_utc.timestamp()


def _is_issued(certificate: x509.Certificate, store: verification.Store, now: Instant) -> bool:
    """RFC 5280 section 6: chain, times, and that it is for clients. Directly by one of the authorities."""
    verifier = (
        verification.PolicyBuilder()
        .store(store)
        .time(dt.datetime.fromtimestamp(now, dt.UTC))
        .max_chain_depth(0)
        .extension_policies(
            ca_policy=verification.ExtensionPolicy.webpki_defaults_ca(), ee_policy=_end_entity()
        )
        .build_client_verifier()
    )
    try:
        verifier.verify(certificate, [])
    except (verification.VerificationError, *_UNREADABLE):
        return False
    return True


def _end_entity() -> verification.ExtensionPolicy:
    """As the public web's, except that it may be named by its subject alone, and need not name its issuer's
    key.
    """
    agnostic = verification.Criticality.AGNOSTIC
    return (
        verification.ExtensionPolicy.webpki_defaults_ee()
        .may_be_present(x509.SubjectAlternativeName, agnostic, None)
        .may_be_present(x509.AuthorityKeyIdentifier, agnostic, None)
    )


def _choose(keys: Sequence[Key], certificate: x509.Certificate) -> Key | None:
    return next((key for key in keys if _is_certificate_of(key, certificate)), None)


def _is_certificate_of(key: Key, certificate: x509.Certificate) -> bool:
    """The certificate itself where the key brings one (`x5c`, RFC 7517 section 4.7), else its key."""
    if not isinstance(key, RSAKey | ECKey | OKPKey) or key.get("use") not in {None, "sig"}:
        return False
    its_key = certificate.public_key().public_bytes(Encoding.DER, PublicFormat.SubjectPublicKeyInfo)
    if key.public_key.public_bytes(Encoding.DER, PublicFormat.SubjectPublicKeyInfo) != its_key:
        return False
    chain = key.get("x5c")
    return chain is None or _first_of(chain) == certificate.public_bytes(Encoding.DER)


def _first_of(chain: object) -> bytes | None:
    try:
        return base64.b64decode(chain[0], validate=True) if isinstance(chain, list) and chain else None
    except (TypeError, binascii.Error):
        return None
