"""Whether an answer that says OK is one to believe: every check of spec section 5 in its order, on
values alone.

Any failure is a refusal with a reason of its own and one public sentence. Not here: revocation, which has to
ask somebody; `door.py` does that last.
"""

import hashlib
import hmac
from dataclasses import dataclass, field
from typing import Final

from idp.effects import Instant
from idp.errors import Reason, Refused
from idp.gateways.identity import Identity
from idp.gateways.smart_id.anchors import Anchors, fingerprint
from idp.gateways.smart_id.answers import Signed
from idp.gateways.smart_id.callback import Returned, check_verifier
from idp.gateways.smart_id.certificates import (
    Chain,
    check_chain,
    check_purpose,
    document_number_of,
    read_certificate,
)
from idp.gateways.smart_id.identity import identity_of
from idp.gateways.smart_id.interactions import screens_in
from idp.gateways.smart_id.signature import SignedFields, check_signature
from idp.gateways.smart_id.words import Algorithm, Flow, Hash, Level, Scheme, Screen

_MASK: Final = "id-mgf1"
_TRAILER: Final = "0xbc"


@dataclass(frozen=True, slots=True, kw_only=True)
class Trust:
    """Between which two the answer is: the scheme with its authorities, and us by the name we sent."""

    anchors: Anchors
    relying_party_name: str
    brokered_name: str = ""

    @property
    def scheme(self) -> Scheme:
        return self.anchors.scheme


@dataclass(frozen=True, slots=True, kw_only=True)
class Asked:
    """What we sent, to be kept until the answer, and what we offered. Strings stand exactly as sent."""

    challenge: str = field(repr=False)
    interactions: str
    flows: frozenset[Flow]
    level: Level = Level.QUALIFIED
    algorithm: Algorithm = Algorithm.PSS
    hashed_by: Hash = Hash.SHA_512
    callback_url: str | None = field(default=None, repr=False)
    document_number: str | None = field(default=None, repr=False)


@dataclass(frozen=True, slots=True, kw_only=True)
class Verified:
    """True as far as it can be known without asking anybody. Revocation is still open."""

    identity: Identity
    chain: Chain
    document_number: str = field(repr=False)
    level: Level
    flow: Flow
    screen: Screen
    message_digest: str
    """SHA-256 of what was signed, in hexadecimal: points to the evidence without being it."""

    @property
    def certificate_fingerprint(self) -> str:
        return fingerprint(self.chain.leaf)


def verify(
    signed: Signed, asked: Asked, trust: Trust, *, returned: Returned | None, now: Instant
) -> Verified:
    """`returned`: the callback, checked, of the browser that started. Raises Refused."""
    if signed.flow.same_device:
        if returned is None:
            raise Refused(Reason.SMART_ID_CALLBACK_MISSING)
        check_verifier(returned, signed.user_challenge)
    return verify_without_callback(signed, asked, trust, now=now)


def verify_without_callback(signed: Signed, asked: Asked, trust: Trust, *, now: Instant) -> Verified:
    """For recordings. An answer of the same device may sign nobody in this way. Raises Refused."""
    check_offered(signed, asked)
    certificate = read_certificate(signed.certificate)
    message = signed_fields(signed, asked, trust).message()
    check_signature(
        signed.value,
        message=message,
        key=certificate.public_key(),
        algorithm=asked.algorithm,
        hashed_by=asked.hashed_by,
    )
    chain = check_chain(certificate, trust.anchors, now=now)
    check_purpose(certificate, level=signed.level, scheme=trust.scheme)
    _check_document(signed, asked, document_number_of(certificate))
    return Verified(
        identity=identity_of(certificate),
        chain=chain,
        document_number=signed.document_number,
        level=signed.level,
        flow=signed.flow,
        screen=signed.screen,
        message_digest=hashlib.sha256(message).hexdigest(),
    )


def check_offered(signed: Signed, asked: Asked) -> None:
    """Nothing we did not offer, and nothing weaker than we asked for (spec section 5.2). Raises Refused."""
    if signed.flow not in asked.flows:
        raise Refused(Reason.SMART_ID_FLOW)
    if signed.screen not in screens_in(asked.interactions):
        raise Refused(Reason.SMART_ID_INTERACTION)
    if signed.algorithm is not asked.algorithm:
        raise Refused(Reason.SMART_ID_ALGORITHM)
    if asked.algorithm is Algorithm.PSS:
        _check_parameters(signed, asked.hashed_by)
    if not signed.level.reaches(asked.level):
        raise Refused(Reason.SMART_ID_LEVEL)


def signed_fields(signed: Signed, asked: Asked, trust: Trust) -> SignedFields:
    return SignedFields(
        scheme=trust.scheme,
        server_random=signed.server_random,
        challenge=asked.challenge,
        user_challenge=signed.user_challenge,
        relying_party_name=trust.relying_party_name,
        brokered_name=trust.brokered_name,
        interactions=asked.interactions,
        screen=signed.screen,
        callback_url=asked.callback_url,
        flow=signed.flow,
    )


def _check_parameters(signed: Signed, hashed_by: Hash) -> None:
    stated = signed.parameters
    if stated is None or stated.hash != hashed_by.value:
        raise Refused(Reason.SMART_ID_HASH)
    if (stated.mask, stated.mask_hash) != (_MASK, hashed_by.value):
        raise Refused(Reason.SMART_ID_MASK)
    if stated.salt_length != hashed_by.make().digest_size:
        raise Refused(Reason.SMART_ID_SALT)
    if stated.trailer != _TRAILER:
        raise Refused(Reason.SMART_ID_TRAILER)


def _check_document(signed: Signed, asked: Asked, certified: str) -> None:
    """The service's own word for the account is not signed; the certificate's is."""
    if not _equal(signed.document_number, certified):
        raise Refused(Reason.SMART_ID_CERTIFICATE_DOCUMENT)
    if asked.document_number is not None and not _equal(asked.document_number, certified):
        raise Refused(Reason.SMART_ID_OTHER_DOCUMENT)


def _equal(one: str, other: str) -> bool:
    return hmac.compare_digest(one.encode(), other.encode())
