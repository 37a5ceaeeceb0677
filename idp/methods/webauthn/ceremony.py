"""The two ceremonies: what browsers are asked, and checking what they answer (WebAuthn Level 3, section 7).

The one file, beside `attestation.py`, that knows the library. Of what section 7 asks, that checks type,
challenge, origin, RP ID, presence, signature, backup flags and the attestation's own signature. Added here is
what it leaves to its caller and can be said without knowing the user: frames, sizes, and that algorithm and
key belong together.
Not here: whose key it is, its counter, whether the user must be verified (`keys.py`); who vouches for it
(`attestation.py`).
"""

import json
from base64 import urlsafe_b64decode, urlsafe_b64encode
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from typing import Any, Final, TypeVar
from uuid import UUID

from cryptography.hazmat.primitives.asymmetric.ec import SECP256R1, EllipticCurvePublicKey
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey
from cryptography.hazmat.primitives.asymmetric.rsa import RSAPublicKey
from cryptography.hazmat.primitives.serialization import Encoding
from webauthn import (
    generate_authentication_options,
    generate_registration_options,
    verify_authentication_response,
    verify_registration_response,
)
from webauthn.helpers import (
    decode_credential_public_key,
    decoded_public_key_to_cryptography,
    options_to_json_dict,
    parse_attestation_object,
    parse_authentication_credential_json,
)
from webauthn.helpers.cose import COSEAlgorithmIdentifier
from webauthn.helpers.structs import (
    AttestationConveyancePreference,
    AttestationFormat,
    AuthenticatorAttachment,
    AuthenticatorSelectionCriteria,
    AuthenticatorTransport,
    CredentialDeviceType,
    PublicKeyCredentialDescriptor,
    ResidentKeyRequirement,
    UserVerificationRequirement,
)
from webauthn.registration.verify_registration_response import VerifiedRegistration

from idp.methods.webauthn.attestation import Makers, vouched_in
from idp.models.people import Backup, Credential, User

CHALLENGE_BYTES: Final = 32
_ANSWER_AT_MOST: Final = 32 * 1024
_KEY_ID_BYTES: Final = range(16, 1024)
"""Section 4, "Credential ID": at least 16 bytes, at most 1023."""
_PUBLIC_KEY_AT_MOST: Final = 1024
_RSA_BITS: Final = range(2048, 4097)
_TIMEOUT_MS: Final = 5 * 60 * 1000
_ALGORITHMS: Final = [
    COSEAlgorithmIdentifier.ECDSA_SHA_256,
    COSEAlgorithmIdentifier.EDDSA,
    COSEAlgorithmIdentifier.RSASSA_PKCS1_v1_5_SHA_256,
]
_TRANSPORTS: Final = {transport.value: transport for transport in AuthenticatorTransport}


@dataclass(frozen=True, slots=True, kw_only=True)
class WebAuthnParty:
    """`id`: the domain keys are made for. `origins`: where pages may ask for them, each exact."""

    id: str
    name: str
    origins: tuple[str, ...]


class BrokenAnswerError(Exception):
    """Not what an honest browser answers to what was asked; the message is for nobody."""


@dataclass(frozen=True, slots=True)
class Sent:
    """The browser's answer as JSON, not yet believed; `key_id` is what it says of itself."""

    key_id: str
    whole: Mapping[str, Any]


@dataclass(frozen=True, slots=True, kw_only=True)
class Registration:
    key_id: str
    public_key: str
    algorithm: int
    sign_count: int
    aaguid: str
    attestation: str | None
    """The format in which the maker vouches for `aaguid`; None when nobody does, or nobody was asked."""
    backup: Backup
    user_verified: bool
    transports: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Assertion:
    """`user_handle` is None when the authenticator told none."""

    user_handle: str | None
    sign_count: int
    backup: Backup
    user_verified: bool


Checked = TypeVar("Checked", Registration, Assertion, str)


def creation_options(
    party: WebAuthnParty,
    user: User,
    *,
    challenge: str,
    user_handle: str,
    known: Iterable[Credential],
    discoverable: bool,
    carried: bool = False,
    attested: bool = False,
) -> str:
    """JSON for `PublicKeyCredential.parseCreationOptionsFromJSON`. A discoverable one is a passkey,
    a `carried` one does not stay in the computer.

    `attested`: ask what it is and who says so. Browsers then ask the person, too.
    """
    required, preferred = UserVerificationRequirement.REQUIRED, UserVerificationRequirement.PREFERRED
    options = generate_registration_options(
        rp_id=party.id,
        rp_name=party.name,
        user_id=from_base64url(user_handle),
        user_name=user.username,
        user_display_name=user.display_name,
        challenge=from_base64url(challenge),
        timeout=_TIMEOUT_MS,
        exclude_credentials=[_descriptor(credential) for credential in known],
        supported_pub_key_algs=_ALGORITHMS,
        attestation=AttestationConveyancePreference.DIRECT
        if attested
        else AttestationConveyancePreference.NONE,
        authenticator_selection=AuthenticatorSelectionCriteria(
            authenticator_attachment=AuthenticatorAttachment.CROSS_PLATFORM if carried else None,
            resident_key=(
                ResidentKeyRequirement.REQUIRED if discoverable else ResidentKeyRequirement.DISCOURAGED
            ),
            user_verification=required if discoverable else preferred,
        ),
    )
    return json.dumps(options_to_json_dict(options))


def request_options(
    party: WebAuthnParty, *, challenge: str, allowed: Iterable[Credential], verify_user: bool
) -> str:
    """JSON for `PublicKeyCredential.parseRequestOptionsFromJSON`. None allowed: any passkey will do."""
    required, preferred = UserVerificationRequirement.REQUIRED, UserVerificationRequirement.PREFERRED
    options = generate_authentication_options(
        rp_id=party.id,
        challenge=from_base64url(challenge),
        timeout=_TIMEOUT_MS,
        allow_credentials=[_descriptor(credential) for credential in allowed],
        user_verification=required if verify_user else preferred,
    )
    return json.dumps(options_to_json_dict(options))


def read_answer(text: str) -> Sent:
    """Raises BrokenAnswerError."""
    if len(text) > _ANSWER_AT_MOST:
        raise BrokenAnswerError
    try:
        whole = json.loads(text)
    except (ValueError, RecursionError):
        raise BrokenAnswerError from None
    match whole:
        case {"id": str(key_id)} if key_id.isascii():
            return Sent(key_id, whole)
        case _:
            raise BrokenAnswerError


def claimed_model(sent: Sent) -> str:
    """The AAGUID that an answer says its key is of; proves nothing. Raises BrokenAnswerError."""

    def read() -> str:
        raw = from_base64url(sent.whole["response"]["attestationObject"])
        attested = parse_attestation_object(raw).auth_data.attested_credential_data
        if attested is None:
            raise BrokenAnswerError
        return str(UUID(bytes=attested.aaguid))

    return _over_hostile_bytes(read)


def check_registration(
    party: WebAuthnParty, sent: Sent, *, challenge: str, makers: Makers | None = None
) -> Registration:
    """Section 7.1 but for the steps about the user. Raises BrokenAnswerError.

    `makers`: who could vouch for the key, where an attestation was asked for. Where none was, one that comes
    is held to its own signature and says nothing.
    """

    def check() -> Registration:
        verified = verify_registration_response(
            credential=dict(sent.whole),
            expected_challenge=from_base64url(challenge),
            expected_rp_id=party.id,
            expected_origin=list(party.origins),
            supported_pub_key_algs=_ALGORITHMS,
            pem_root_certs_bytes_by_fmt=_roots_for_library(makers),
        )
        _refuse_frames(sent)
        algorithm = _sound_algorithm(verified.credential_public_key)
        if len(verified.credential_id) not in _KEY_ID_BYTES:
            raise BrokenAnswerError
        return Registration(
            key_id=to_base64url(verified.credential_id),
            public_key=to_base64url(verified.credential_public_key),
            algorithm=algorithm,
            sign_count=verified.sign_count,
            aaguid=verified.aaguid,
            attestation=_vouched(verified, makers),
            backup=_backup(verified.credential_device_type, backed_up=verified.credential_backed_up),
            user_verified=verified.user_verified,
            transports=_transports_of(sent),
        )

    return _over_hostile_bytes(check)


def check_assertion(party: WebAuthnParty, sent: Sent, *, challenge: str, public_key: str) -> Assertion:
    """Section 7.2 but for the steps about the user and the counter. Raises BrokenAnswerError."""

    def check() -> Assertion:
        credential = parse_authentication_credential_json(dict(sent.whole))
        verified = verify_authentication_response(
            credential=credential,
            expected_challenge=from_base64url(challenge),
            expected_rp_id=party.id,
            expected_origin=list(party.origins),
            credential_public_key=from_base64url(public_key),
            # With nothing to compare with the library takes any count; one that falls is for the caller.
            credential_current_sign_count=0,
        )
        _refuse_frames(sent)
        handle = credential.response.user_handle
        return Assertion(
            user_handle=to_base64url(handle) if handle else None,
            sign_count=verified.new_sign_count,
            backup=_backup(verified.credential_device_type, backed_up=verified.credential_backed_up),
            user_verified=verified.user_verified,
        )

    return _over_hostile_bytes(check)


def _over_hostile_bytes(check: Callable[[], Checked]) -> Checked:
    """What the library and the parsers under it raise is no closed list; all of it is one refusal."""
    try:
        return check()
    except Exception:  # noqa: BLE001  see above
        raise BrokenAnswerError from None


def to_base64url(raw: bytes) -> str:
    return urlsafe_b64encode(raw).rstrip(b"=").decode()


def from_base64url(text: str) -> bytes:
    return urlsafe_b64decode(text + "=" * (-len(text) % 4))


def _descriptor(credential: Credential) -> PublicKeyCredentialDescriptor:
    named = [_TRANSPORTS[name] for name in credential.transports.split(",") if name in _TRANSPORTS]
    return PublicKeyCredentialDescriptor(id=from_base64url(credential.key_id or ""), transports=named or None)


def _transports_of(sent: Sent) -> str:
    """Those that are known; the browser tells them, so they are a hint and nothing more."""
    told = sent.whole["response"].get("transports")
    return ",".join(name for name in _TRANSPORTS if isinstance(told, list) and name in told)


def _backup(kind: CredentialDeviceType, *, backed_up: bool) -> Backup:
    if kind is CredentialDeviceType.SINGLE_DEVICE:
        return Backup.DEVICE_BOUND
    return Backup.SYNCED if backed_up else Backup.ELIGIBLE


def _refuse_frames(sent: Sent) -> None:
    """A page that stood inside one of another origin: none of ours may."""
    client_data = json.loads(from_base64url(sent.whole["response"]["clientDataJSON"]))
    if client_data.get("crossOrigin") or "topOrigin" in client_data:
        raise BrokenAnswerError


def _vouched(verified: VerifiedRegistration, makers: Makers | None) -> str | None:
    if makers is None:
        return None
    return vouched_in(verified.attestation_object, aaguid=UUID(verified.aaguid).bytes, makers=makers)


def _roots_for_library(makers: Makers | None) -> dict[AttestationFormat, list[bytes]]:
    """For the format of which the library insists on knowing the root; our own path is what counts."""
    if makers is None or not makers.roots:
        return {}
    return {AttestationFormat.ANDROID_KEY: [root.public_bytes(Encoding.PEM) for root in makers.roots]}


def _sound_algorithm(cose: bytes) -> int:
    """Refuses a key that is not what its algorithm is for, or so large that checking it were an attack."""
    if len(cose) > _PUBLIC_KEY_AT_MOST:
        raise BrokenAnswerError
    decoded = decode_credential_public_key(cose)
    match decoded_public_key_to_cryptography(decoded):
        case EllipticCurvePublicKey(curve=SECP256R1()):
            fitting = COSEAlgorithmIdentifier.ECDSA_SHA_256
        case Ed25519PublicKey():
            fitting = COSEAlgorithmIdentifier.EDDSA
        case RSAPublicKey(key_size=bits) if bits in _RSA_BITS:
            fitting = COSEAlgorithmIdentifier.RSASSA_PKCS1_v1_5_SHA_256
        case _:
            raise BrokenAnswerError
    if decoded.alg != fitting:
        raise BrokenAnswerError
    return int(fitting)
