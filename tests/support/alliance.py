"""The FIDO Alliance with an authority of its own: signs lists of authenticators as its Metadata Service does.

Made from the text of FIDO Metadata Service 3.1 (section 3) and RFC 7515. A member of `blob()` told otherwise is a
way to be wrong; what is wrong is signed as if it were right.
"""

import base64
import datetime as dt
import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any
from uuid import UUID

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec, padding, rsa
from cryptography.hazmat.primitives.asymmetric.utils import decode_dss_signature

from tests.support.authenticator import YUBIKEY
from tests.support.makers import FAR_OFF, LONG_AGO, Signer, issue, make_name

SIGNER = "mds.fidoalliance.org"


def make_root() -> Signer:
    return issue(make_name("FIDO sakne"), None, is_authority=True)


@dataclass
class Alliance:
    root: Signer = field(default_factory=make_root)
    host: str = SIGNER
    validity: tuple[dt.datetime, dt.datetime] = (LONG_AGO, FAR_OFF)
    key: Any = None
    use: x509.ObjectIdentifier = x509.ExtendedKeyUsageOID.SERVER_AUTH
    signer: Signer = field(init=False)
    between: Signer = field(init=False)

    def __post_init__(self) -> None:
        self.between = issue(make_name("FIDO starpnieks"), self.root, is_authority=True, path_length=0)
        self.signer = issue(
            make_name(self.host),
            self.between,
            key=self.key,
            validity=self.validity,
            extensions=(
                (x509.SubjectAlternativeName([x509.DNSName(self.host)]), False),
                (x509.ExtendedKeyUsage([self.use]), False),
            ),
        )

    def root_file(self, folder: Path) -> Path:
        file = folder / "root.pem"
        file.write_bytes(self.root.certificate.public_bytes(serialization.Encoding.PEM))
        return file

    def blob(
        self,
        number: Any = 1,
        entries: Sequence[Any] = (),
        *,
        next_update: Any = "2039-01-01",
        header: Mapping[str, Any] | None = None,
        payload: Mapping[str, Any] | None = None,
        chain: Sequence[Signer] | None = None,
        key: Any = None,
    ) -> bytes:
        key = key or self.signer.key
        chain = (self.signer, self.between) if chain is None else chain
        told = {
            "alg": "RS256" if isinstance(key, rsa.RSAPrivateKey) else "ES256",
            "typ": "JWT",
            "x5c": [base64.b64encode(each.der).decode() for each in chain],
            **(header or {}),
        }
        content = {
            "legalHeader": "https://fidoalliance.org/metadata/metadata-statement-legal-header/",
            "no": number,
            "nextUpdate": next_update,
            "entries": list(entries),
            **(payload or {}),
        }
        signed = _part(json.dumps(told).encode()) + b"." + _part(json.dumps(content).encode())
        return signed + b"." + _part(_signature(key, signed))


def entry(
    aaguid: UUID | str = YUBIKEY,
    *,
    description: str = "Atslēgu kalves sērija 5",
    roots: Sequence[Signer] = (),
    statuses: Sequence[str] = ("FIDO_CERTIFIED_L1",),
    types: Sequence[str] = ("basic_full",),
    **others: Any,
) -> dict[str, Any]:
    return {
        "aaguid": str(aaguid),
        "metadataStatement": {
            "description": description,
            "attestationTypes": list(types),
            "attestationRootCertificates": [base64.b64encode(root.der).decode() for root in roots],
        },
        "statusReports": [{"status": status, "effectiveDate": "2024-05-01"} for status in statuses],
        "timeOfLastStatusChange": "2024-05-01",
        **others,
    }


def _part(raw: bytes) -> bytes:
    return base64.urlsafe_b64encode(raw).rstrip(b"=")


def _signature(key: Any, signed: bytes) -> bytes:
    if isinstance(key, rsa.RSAPrivateKey):
        return key.sign(signed, padding.PKCS1v15(), hashes.SHA256())
    r, s = decode_dss_signature(key.sign(signed, ec.ECDSA(hashes.SHA256())))
    size = (key.curve.key_size + 7) // 8
    return r.to_bytes(size, "big") + s.to_bytes(size, "big")
