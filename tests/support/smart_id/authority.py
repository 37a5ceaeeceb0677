"""An authority like that of Smart-ID: a root, issuers of qualified and of other certificates, and people's certificates.

Every choice of a person's certificate is a field of `Profile`, so that a variant is the usual one with a field replaced.
"""

import datetime as dt
from collections.abc import Callable, Collection, Iterator
from dataclasses import dataclass, field, replace
from enum import Enum, auto
from typing import Any

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec, rsa
from cryptography.x509.oid import AuthorityInformationAccessOID, ExtendedKeyUsageOID, NameOID

from tests.support.smart_id import asn1

POLICY_QUALIFIED, POLICY_ADVANCED = "1.3.6.1.4.1.10015.17.2", "1.3.6.1.4.1.10015.17.1"
NCP_PLUS, NCP, QCP_SIGNING = "0.4.0.2042.1.2", "0.4.0.2042.1.1", "0.4.0.194112.1.2"
SMART_ID_AUTHENTICATION = "1.3.6.1.4.1.62306.5.7.0"
CLIENT_AUTH = ExtendedKeyUsageOID.CLIENT_AUTH.dotted_string
FOUNDED = dt.datetime(2024, 1, 1, tzinfo=dt.UTC)
CLOSED = dt.datetime(2041, 1, 1, tzinfo=dt.UTC)


@dataclass(frozen=True)
class Person:
    identifier: str
    given_name: str = "OK"
    surname: str = "TESTNUMBER"
    born: dt.date | None = None


@dataclass(frozen=True)
class Issuer:
    certificate: x509.Certificate
    key: ec.EllipticCurvePrivateKey


@dataclass(frozen=True)
class Profile:
    """What stands in a person's certificate. `issuer` is a key of `Authority.issuers`."""

    issuer: str = "qualified"
    policies: tuple[str, ...] = (POLICY_QUALIFIED, NCP_PLUS)
    purposes: tuple[str, ...] = (SMART_ID_AUTHENTICATION,)
    usages: frozenset[str] = frozenset({"digital_signature"})
    is_authority: bool = False
    days_before: int = 30
    days_after: int = 3 * 365 - 30
    serial_numbers: int = 1
    tells_birth: bool = True
    birth: bytes | None = None
    """In place of the person's own, as it stands in the certificate."""
    document_numbers: tuple[str, ...] | None = None
    """In place of the account's own."""
    critical: str | None = None
    """Dotted name of an extension that nobody knows, marked critical."""
    key: Callable[[], rsa.RSAPrivateKey | ec.EllipticCurvePrivateKey] | None = None
    tells_responder: bool = True
    without: frozenset[str] = field(default_factory=frozenset)
    """Names of attributes of the subject to leave out."""


class Variant(Enum):
    USUAL = auto()
    OLD_PROFILE = auto()
    NOT_QUALIFIED = auto()
    EXPIRED = auto()
    NOT_YET_VALID = auto()
    WRONG_PURPOSE = auto()
    WRONG_POLICY = auto()
    SIGNING = auto()
    UNKNOWN_AUTHORITY = auto()
    REVOKED = auto()
    NO_DATE_OF_BIRTH = auto()
    TWO_SERIAL_NUMBERS = auto()


_USUAL = Profile()
PROFILES = {
    Variant.USUAL: _USUAL,
    Variant.OLD_PROFILE: replace(
        _USUAL,
        purposes=(CLIENT_AUTH,),
        usages=frozenset({"digital_signature", "key_encipherment", "data_encipherment"}),
    ),
    Variant.NOT_QUALIFIED: replace(
        _USUAL, issuer="not qualified", policies=(POLICY_ADVANCED, NCP), tells_birth=False
    ),
    Variant.EXPIRED: replace(_USUAL, days_before=1100, days_after=-5),
    Variant.NOT_YET_VALID: replace(_USUAL, days_before=-5),
    Variant.WRONG_PURPOSE: replace(_USUAL, purposes=(ExtendedKeyUsageOID.SERVER_AUTH.dotted_string,)),
    Variant.WRONG_POLICY: replace(_USUAL, policies=(POLICY_QUALIFIED, "1.2.3.4")),
    Variant.SIGNING: replace(
        _USUAL,
        policies=(POLICY_QUALIFIED, QCP_SIGNING),
        purposes=(),
        usages=frozenset({"content_commitment"}),
    ),
    Variant.UNKNOWN_AUTHORITY: replace(_USUAL, issuer="unknown"),
    Variant.REVOKED: _USUAL,
    Variant.NO_DATE_OF_BIRTH: replace(_USUAL, tells_birth=False),
    Variant.TWO_SERIAL_NUMBERS: replace(_USUAL, serial_numbers=2),
}
_USAGES = (
    *("digital_signature", "content_commitment", "key_encipherment", "data_encipherment", "key_agreement"),
    *("key_cert_sign", "crl_sign", "encipher_only", "decipher_only"),
)


class SmartIdAuthority:
    """Its keys live as long as the object; people's keys are made when they are first needed."""

    def __init__(self, name: str = "TEST of Emulated EID", *, key_bits: int = 2048) -> None:
        self.key_bits = key_bits
        self.responder_url: str | None = None
        """Where certificates say that revocation is told."""
        self.root = self._found(f"{name} ROOT", None)
        self.issuers = {
            "qualified": self._found(f"{name} EID-Q", self.root),
            "not qualified": self._found(f"{name} EID-NQ", self.root),
            "unknown": self._found("TEST of Somebody Else EID-Q", None),
        }
        self._keys: dict[str, rsa.RSAPrivateKey] = {}

    @property
    def anchors_pem(self) -> bytes:
        """What a relying party of the demo kind is told to trust."""
        trusted = [self.root, self.issuer("qualified"), self.issuer("not qualified")]
        return b"".join(each.certificate.public_bytes(serialization.Encoding.PEM) for each in trusted)

    def issuer(self, name: str) -> Issuer:
        return self.issuers[name]

    def tell_responder(self, url: str) -> None:
        """Issuers get new certificates that name it; their keys stay."""
        if url == self.responder_url:
            return
        self.responder_url = url
        for name in ("qualified", "not qualified"):
            old = self.issuers[name]
            common_name = old.certificate.subject.get_attributes_for_oid(NameOID.COMMON_NAME)[0].value
            self.issuers[name] = self._found(str(common_name), self.root, key=old.key)

    def key_of(self, name: str) -> rsa.RSAPrivateKey:
        if name not in self._keys:
            self._keys[name] = rsa.generate_private_key(65537, self.key_bits)
        return self._keys[name]

    def certify(
        self, person: Person, document_number: str, *, profile: Profile = _USUAL, at: float
    ) -> tuple[x509.Certificate, rsa.RSAPrivateKey | ec.EllipticCurvePrivateKey]:
        issuer = self.issuers[profile.issuer]
        key = profile.key() if profile.key is not None else self.key_of(document_number)
        moment = dt.datetime.fromtimestamp(int(at), dt.UTC)
        builder = (
            x509.CertificateBuilder()
            .subject_name(_subject(person, profile))
            .issuer_name(issuer.certificate.subject)
            .public_key(key.public_key())
            .serial_number(x509.random_serial_number())
            .not_valid_before(moment - dt.timedelta(days=profile.days_before))
            .not_valid_after(moment + dt.timedelta(days=profile.days_after))
        )
        for extension, critical in self._extensions(
            person, document_number, profile, issuer, key.public_key()
        ):
            builder = builder.add_extension(extension, critical)
        return builder.sign(issuer.key, hashes.SHA384()), key

    def certify_anybody(self) -> tuple[x509.Certificate, Any]:
        return self.certify(Person("PNOLV-010101-10001"), "PNOLV-010101-10001-MOCK-Q", at=FOUNDED.timestamp())

    def responder(
        self, issuer: Issuer, *, purposes: tuple[x509.ObjectIdentifier, ...], days_after: int, at: float
    ):
        """A certificate and key that answer for what this issuer issued."""
        key = self.key_of("responder")
        moment = dt.datetime.fromtimestamp(int(at), dt.UTC)
        builder = (
            x509.CertificateBuilder()
            .subject_name(_name("TEST of Emulated OCSP responder"))
            .issuer_name(issuer.certificate.subject)
            .public_key(key.public_key())
            .serial_number(x509.random_serial_number())
            .not_valid_before(moment - dt.timedelta(days=30))
            .not_valid_after(moment + dt.timedelta(days=days_after))
        )
        if purposes:
            builder = builder.add_extension(x509.ExtendedKeyUsage(purposes), critical=False)
        return builder.sign(issuer.key, hashes.SHA384()), key

    def _found(
        self, common_name: str, parent: Issuer | None, *, key: ec.EllipticCurvePrivateKey | None = None
    ) -> Issuer:
        key = key or ec.generate_private_key(ec.SECP384R1())
        subject = _name(common_name)
        builder = (
            x509.CertificateBuilder()
            .subject_name(subject)
            .issuer_name(parent.certificate.subject if parent else subject)
            .public_key(key.public_key())
            .serial_number(x509.random_serial_number())
            .not_valid_before(FOUNDED)
            .not_valid_after(CLOSED)
            .add_extension(x509.BasicConstraints(ca=True, path_length=0 if parent else None), critical=True)
            .add_extension(_usage({"key_cert_sign", "crl_sign"}), critical=True)
        )
        if parent and self.responder_url:
            builder = builder.add_extension(_access(self.responder_url), critical=False)
        signer = parent.key if parent else key
        return Issuer(builder.sign(signer, hashes.SHA384()), key)

    def _extensions(
        self, person: Person, document_number: str, profile: Profile, issuer: Issuer, public_key: Any
    ) -> Iterator[tuple[x509.ExtensionType, bool]]:
        yield x509.BasicConstraints(ca=profile.is_authority, path_length=None), False
        yield x509.AuthorityKeyIdentifier.from_issuer_public_key(issuer.key.public_key()), False
        yield x509.SubjectKeyIdentifier.from_public_key(public_key), False
        if profile.tells_responder and self.responder_url:
            yield _access(self.responder_url), False
        numbers = (document_number,) if profile.document_numbers is None else profile.document_numbers
        if numbers:
            names = [x509.DirectoryName(_name(number)) for number in numbers]
            yield x509.SubjectAlternativeName(names), False
        if profile.policies:
            oids = [x509.ObjectIdentifier(policy) for policy in profile.policies]
            yield x509.CertificatePolicies([x509.PolicyInformation(oid, None) for oid in oids]), False
        birth = profile.birth if profile.birth is not None else _birth(person.born)
        if profile.tells_birth and birth:
            yield x509.UnrecognizedExtension(x509.ObjectIdentifier("2.5.29.9"), birth), False
        if profile.purposes:
            purposes = [x509.ObjectIdentifier(purpose) for purpose in profile.purposes]
            yield x509.ExtendedKeyUsage(purposes), False
        if profile.usages:
            yield _usage(profile.usages), True
        if profile.critical:
            oid = x509.ObjectIdentifier(profile.critical)
            yield x509.UnrecognizedExtension(oid, b"\x05\x00"), True


def birth_attribute(written: bytes) -> bytes:
    """subjectDirectoryAttributes with dateOfBirth as a GeneralizedTime of these characters."""
    attribute = asn1.sequence(
        asn1.object_identifier("1.3.6.1.5.5.7.9.1") + asn1.wrap(0x31, asn1.wrap(0x18, written))
    )
    return asn1.sequence(attribute)


def _birth(born: dt.date | None) -> bytes | None:
    return birth_attribute(f"{born:%Y%m%d}120000Z".encode()) if born else None


def _subject(person: Person, profile: Profile) -> x509.Name:
    country = person.identifier[3:5]
    attributes = {
        "C": x509.NameAttribute(NameOID.COUNTRY_NAME, country),
        "CN": x509.NameAttribute(NameOID.COMMON_NAME, f"{person.surname},{person.given_name}"),
        "SN": x509.NameAttribute(NameOID.SURNAME, person.surname),
        "GN": x509.NameAttribute(NameOID.GIVEN_NAME, person.given_name),
    }
    kept = [attribute for name, attribute in attributes.items() if name not in profile.without]
    numbers = [person.identifier, "PNOLV-010101-10001"][: profile.serial_numbers]
    return x509.Name([*kept, *(x509.NameAttribute(NameOID.SERIAL_NUMBER, number) for number in numbers)])


def _name(common_name: str) -> x509.Name:
    return x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, common_name)])


def _usage(named: Collection[str]) -> x509.KeyUsage:
    return x509.KeyUsage(**{usage: usage in named for usage in _USAGES})


def _access(url: str) -> x509.AuthorityInformationAccess:
    return x509.AuthorityInformationAccess(
        [
            x509.AccessDescription(
                AuthorityInformationAccessOID.CA_ISSUERS, x509.UniformResourceIdentifier(f"{url}.crt")
            ),
            x509.AccessDescription(AuthorityInformationAccessOID.OCSP, x509.UniformResourceIdentifier(url)),
        ]
    )
