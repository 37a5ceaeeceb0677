"""Judges recorded Smart-ID sessions, codes, callbacks and certificates with the very code that judges
real ones.

The form is that of `../shared/smart-id/vectors.json`: sections by name, entries in each. A file may bring the
certificates of authorities, but only those count that are known here or that the operator names; a recording
must not vouch for itself. Not checked: revocation, which would need a network.
"""

import hmac
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from typing import Any, Final
from urllib.parse import urlsplit

from cryptography.hazmat.primitives.hashes import Hash as Hashing
from cryptography.hazmat.primitives.serialization import Encoding
from cryptography.x509 import (
    Certificate,
    CertificatePolicies,
    ExtendedKeyUsage,
    KeyUsage,
    Name,
    NameOID,
    load_pem_x509_certificate,
)

from idp.effects import Instant
from idp.errors import Refused
from idp.gateways.identity import born_by_code
from idp.gateways.smart_id.anchors import (
    LIVE,
    LIVE_QUALIFIED,
    LIVE_ROOTS,
    Anchors,
    find_issuer,
    fingerprint,
)
from idp.gateways.smart_id.answers import Signed, session_in
from idp.gateways.smart_id.callback import check_callback, check_verifier
from idp.gateways.smart_id.certificates import check_chain, check_purpose, read_certificate
from idp.gateways.smart_id.encodings import b64, decode_b64, sha256_b64url
from idp.gateways.smart_id.interactions import screens_in
from idp.gateways.smart_id.links import (
    LinkFacts,
    PageLanguage,
    SessionType,
    auth_code,
    unprotected_link,
    verification_code,
)
from idp.gateways.smart_id.signature import SignedFields
from idp.gateways.smart_id.verification import Asked, Trust, signed_fields, verify_without_callback
from idp.gateways.smart_id.words import Algorithm, Flow, Hash, Level, Scheme, Screen

# The authorities of the demo service, roots first.
KNOWN_DEMO: Final = frozenset(
    {
        "84242dd8e1a1878f76ff2b5ca0c8ef22c8a8863cf072e56a9f0dc28add96b143",  # TEST of … ROOT G1E
        "97290dfb07895a3501a5e5564a0dd4d89cd6a9fded5bae7ff6e0e747002e23c9",  # TEST of … ROOT G1R
        "8740698fa393e60179e94a18795ea7dba3d081fdc15479a78fc561b42da2c70d",  # TEST of EE CCRCA
        "063a4e908785a2b45fba27a22d45d9f2bbaa9a382e5b103e1d1036832cee6ac2",  # TEST of … EID-Q 2024E
        "913d3009b08e7ca3095f6732f38397b3132eb77f9905cf2c0de82c780ccb64df",  # TEST of … EID-Q 2024R
        "1edb56bf2b6314eb26d24744542795d17ce7874b3a70c80189e35741adc4faf2",  # TEST of … EID-NQ 2021E
        "ee3767dd291cee3f4ee91461a1bf14f414778599a01a5bbc6f9ec107e68a5a5a",  # TEST of … EID-NQ 2021R
        "4f7e0bfdbbf45e2d06a971f903b3c017fdcb53138ec5d46e26c81b973dceeade",  # TEST of EID-SK 2016
        "716462333ed0f116ac4d7a9edf461b9a21127edaa70345cc2214892ba32a6d33",  # TEST of EID-SK 2016
        "9e34d4e8a32e1947bf1da9d2cb7964fc9288b254cfb20ae6457a48ac17c09bc1",  # TEST of NQ-SK 2016
    }
)
_PROSE: Final = {"_about", "negative_notes"}


class _DoesNotHoldError(Exception):
    """The message says what does not."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Finding:
    """`holds` is None for a section that nothing here can judge."""

    section: str
    entry: str
    holds: bool | None
    why: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class _Known:
    """Whom the entries may be issued by, and when "now" is."""

    authorities: Mapping[Scheme, Sequence[Certificate]]
    now: Instant

    def anchors(self, scheme: Scheme) -> Anchors:
        given = self.authorities[scheme]
        return Anchors(
            scheme=scheme,
            issuers=tuple(each for each in given if each.issuer != each.subject),
            roots=tuple(each for each in given if each.issuer == each.subject),
        )


def judge(document: object, *, named: Sequence[Certificate] = (), now: Instant) -> Iterator[Finding]:
    """`named`: authorities of a demo scheme that the operator vouches for."""
    if not isinstance(document, dict):
        yield Finding(section="", entry="", holds=False, why="not an object of sections")
        return
    known = _Known(authorities=_authorities(document, named), now=now)
    for section, entries in document.items():
        if section == "ca_certificates":
            yield from _judge_authorities(section, entries)
        elif section in _JUDGES:
            yield from _judge_section(section, entries, known)
        elif section not in _PROSE:
            yield Finding(section=str(section), entry="", holds=None, why="not a section that can be judged")


def _judge_section(section: str, entries: object, known: _Known) -> Iterator[Finding]:
    if not isinstance(entries, list):
        yield Finding(section=section, entry="", holds=False, why="not a list")
        return
    for number, entry in enumerate(entries, 1):
        yield _judged(section, _name_of(entry, number), partial(_JUDGES[section], entry, known))


def _judged(section: str, entry: str, check: Callable[[], None]) -> Finding:
    try:
        check()
    except Refused as refused:
        return Finding(section=section, entry=entry, holds=False, why=refused.reason.code)
    except _DoesNotHoldError as error:
        return Finding(section=section, entry=entry, holds=False, why=str(error))
    except (KeyError, TypeError, ValueError, AttributeError) as error:
        return Finding(
            section=section, entry=entry, holds=False, why=f"not in the form of a recording: {error}"
        )
    return Finding(section=section, entry=entry, holds=True)


def _name_of(entry: object, number: int) -> str:
    named = entry if isinstance(entry, dict) else {}
    return str(next((named[key] for key in ("id", "cn", "code") if key in named), number))


def _require(holds: object, what: str) -> None:
    if not holds:
        raise _DoesNotHoldError(f"another {what}")


def _same(one: str, other: str, what: str) -> None:
    _require(hmac.compare_digest(one.encode(), other.encode()), what)


# ----------------------------------------------------------------------------------------------------------


def _session(entry: Mapping[str, Any], known: _Known) -> None:
    asked = _asked(entry)
    answer = session_in(entry["session"])
    if not isinstance(answer, Signed):
        raise _DoesNotHoldError("not a session that was signed")
    trust = Trust(
        anchors=known.anchors(Scheme(entry["schemeName"])),
        relying_party_name=entry["request"]["relyingPartyName"],
        brokered_name=entry.get("brokeredRpName") or "",
    )
    verified = verify_without_callback(answer, asked, trust, now=known.now)
    born = verified.identity.date_of_birth
    found = {
        "identifier": verified.identity.identifier,
        "country": verified.identity.country,
        "code": verified.identity.code,
        "givenName": verified.identity.given_name,
        "surname": verified.identity.surname,
        "dateOfBirth": born.isoformat() if born else None,
        "signedPayload": signed_fields(answer, asked, trust).message().decode(),
    }
    expected = entry.get("expected", {})
    for name in found.keys() & expected.keys():
        _require(found[name] == expected[name], name)


def _asked(entry: Mapping[str, Any]) -> Asked:
    """What else was offered is not recorded, so every flow that the session could have had is allowed."""
    request = entry["request"]
    algorithm = Algorithm(request["signatureAlgorithm"])
    flows = {Flow.QR, Flow.NOTIFICATION}
    if entry.get("initialCallbackUrl"):
        flows |= {Flow.WEB2APP, Flow.APP2APP}
    return Asked(
        challenge=request["rpChallenge"],
        interactions=request["interactions"],
        flows=frozenset(flows),
        level=Level(request["certificateLevel"]),
        algorithm=algorithm,
        hashed_by=algorithm.fixed_hash or Hash(request["hashAlgorithm"]),
        callback_url=entry.get("initialCallbackUrl"),
    )


def _digest(entry: Mapping[str, Any], _: _Known) -> None:
    fields = SignedFields(
        scheme=Scheme(entry["schemeName"]),
        server_random=entry["serverRandom"],
        challenge=entry["rpChallenge"],
        user_challenge=entry["userChallenge"],
        relying_party_name=entry["relyingPartyName"],
        brokered_name=entry.get("brokeredRpName") or "",
        interactions=entry["interactions"],
        screen=Screen(entry["interactionTypeUsed"]),
        callback_url=entry.get("initialCallbackUrl"),
        flow=Flow(entry["flowType"]),
    )
    hashing = Hashing(Hash(entry["hashAlgorithm"]).make())
    hashing.update(fields.message())
    _same(b64(hashing.finalize()), entry["expectedDigestBase64"], "digest")


def _verification_code(entry: Mapping[str, Any], _: _Known) -> None:
    _same(verification_code(decode_b64(entry["dataBase64"])), entry["vc"], "code")
    if "text" in entry:
        text_digest = Hashing(Hash.SHA_256.make())
        text_digest.update(entry["text"].encode())
        _same(b64(text_digest.finalize()), entry["dataBase64"], "hash of the text")


def _auth_code(entry: Mapping[str, Any], _: _Known) -> None:
    flow = Flow(entry["deviceLinkType"])
    link = unprotected_link(
        base=entry["deviceLinkBase"],
        flow=flow,
        elapsed_seconds=entry["elapsedSeconds"],
        session_token=entry["sessionToken"],
        session_type=SessionType(entry["sessionType"]),
        language=PageLanguage(entry["lang"]),
    )
    _require(entry["version"] == "1.0", "version")
    facts = LinkFacts(
        scheme=Scheme(entry["schemeName"]),
        protocol=entry["signatureProtocol"],
        challenge=entry["challengeOrDigest"],
        relying_party_name=entry["relyingPartyName"],
        brokered_name=entry.get("brokeredRpName") or "",
        interactions=entry["interactions"],
        callback_url=entry["initialCallbackUrl"],
    )
    _same(auth_code(link, flow, facts, session_secret=entry["sessionSecret"]), entry["authCode"], "code")


def _callback(entry: Mapping[str, Any], _: _Known) -> None:
    secret = entry["sessionSecret"]
    _same(sha256_b64url(decode_b64(secret)), entry["sessionSecretDigest"], "digest of the session secret")
    if "userChallengeVerifier" in entry or "userChallenge" in entry:
        verifier, challenge = entry["userChallengeVerifier"], entry["userChallenge"]
        _same(sha256_b64url(verifier.encode()), challenge, "user challenge")
    if "finalUrl" in entry:
        initial, final = entry["initialCallbackUrl"], entry["finalUrl"]
        _require(final.startswith(f"{initial}&"), "initial callback URL")
        value = urlsplit(initial).query.removeprefix("value=")
        returned = check_callback(urlsplit(final).query, expected_value=value, session_secret=secret)
        check_verifier(returned, entry["userChallenge"])


def _encoded_interactions(entry: Mapping[str, Any], _: _Known) -> None:
    _same(b64(entry["json"].encode()), entry["base64"], "encoding")
    _require(screens_in(entry["base64"]), "screen")


def _date_of_birth(entry: Mapping[str, Any], _: _Known) -> None:
    _require(_born(country=entry["code"][3:5], code=entry["code"][6:]) == entry["dob"], "date of birth")


def _born(*, country: str, code: str) -> str | None:
    try:
        born = born_by_code(country, code)
    except ValueError:
        return "ERROR"
    return born.isoformat() if born else None


def _leaf(entry: Mapping[str, Any], known: _Known) -> None:
    certificate = read_certificate(_from_pem(entry["pem"]).public_bytes(Encoding.DER))
    scheme = _scheme_of(certificate, known)
    check_chain(certificate, known.anchors(scheme), now=known.now)
    check_purpose(certificate, level=Level(entry["level"]), scheme=scheme)
    extensions = certificate.extensions
    policies = extensions.get_extension_for_class(CertificatePolicies).value
    purposes = extensions.get_extension_for_class(ExtendedKeyUsage).value
    usage = extensions.get_extension_for_class(KeyUsage).value
    _require(certificate.subject.rfc4514_string() == entry["subject"], "subject")
    _require({each.policy_identifier.dotted_string for each in policies} == set(entry["policies"]), "policy")
    _require({each.dotted_string for each in purposes} == set(entry["eku"]), "purpose")
    _require({name for name in _USAGES if getattr(usage, name)} == set(entry["keyUsage"]), "key usage")
    _require(certificate.not_valid_after_utc.isoformat() == entry["notAfter"], "end")


def _scheme_of(certificate: Certificate, known: _Known) -> Scheme:
    live = any(each.subject == certificate.issuer for each in known.authorities[Scheme.LIVE])
    return Scheme.LIVE if live else Scheme.DEMO


# ----------------------------------------------------------------------------------------------------------


def _authorities(
    document: Mapping[str, Any], named: Sequence[Certificate]
) -> Mapping[Scheme, tuple[Certificate, ...]]:
    """Of those in the file only the ones that are known to be what they say."""
    live = [each for each in _readable(document, "live") if fingerprint(each) in LIVE_ROOTS | LIVE_QUALIFIED]
    demo = [each for each in _readable(document, "demo") if fingerprint(each) in KNOWN_DEMO]
    return {Scheme.LIVE: tuple(live), Scheme.DEMO: (*demo, *named)}


def _readable(document: Mapping[str, Any], kind: str) -> Iterator[Certificate]:
    """What cannot be read is a finding of its own."""
    sections = document.get("ca_certificates")
    entries = sections.get(kind) if isinstance(sections, dict) else None
    for entry in entries if isinstance(entries, list) else ():
        try:
            yield _from_pem(entry["pem"])
        except (KeyError, TypeError, ValueError, AttributeError):
            continue


def _judge_authorities(section: str, kinds: object) -> Iterator[Finding]:
    if not isinstance(kinds, dict):
        yield Finding(section=section, entry="", holds=False, why="not an object of lists")
        return
    for kind, entries in kinds.items():
        listed = {"live": LIVE, "demo": KNOWN_DEMO}.get(kind)
        if listed is None or not isinstance(entries, list):
            yield Finding(section=section, entry=str(kind), holds=False, why="not a list of authorities")
            continue
        among = tuple(_readable({"ca_certificates": kinds}, kind))
        for number, entry in enumerate(entries, 1):
            yield _judged(
                section,
                f"{kind} {_name_of(entry, number)}",
                partial(_authority, entry, listed, among),
            )


def _authority(entry: Mapping[str, Any], listed: frozenset[str], among: Sequence[Certificate]) -> None:
    certificate = _from_pem(entry["pem"])
    _same(fingerprint(certificate), entry["sha256"], "fingerprint")
    if fingerprint(certificate) not in listed:
        raise _DoesNotHoldError("not an authority that is known here")
    _require(_common_name(certificate.subject) == entry["cn"], "name")
    _require(_common_name(certificate.issuer) == entry["issuerCn"], "issuer")
    _require(certificate.not_valid_after_utc.date().isoformat() == entry["notAfter"], "end")
    is_root = certificate.issuer == certificate.subject
    _require(is_root == (entry["role"] == "root"), "role")
    roots = [each for each in among if each.issuer == each.subject and fingerprint(each) in listed]
    _require(is_root or find_issuer(certificate, roots), "root")


def _common_name(name: Name) -> str | bytes:
    return name.get_attributes_for_oid(NameOID.COMMON_NAME)[0].value


def _from_pem(text: str) -> Certificate:
    return load_pem_x509_certificate(text.encode())


_USAGES: Final = (
    "digital_signature",
    "content_commitment",
    "key_encipherment",
    "data_encipherment",
    "key_agreement",
    "key_cert_sign",
    "crl_sign",
)
_JUDGES: Final[Mapping[str, Callable[[Any, _Known], None]]] = {
    "acsp_v2_signed_sessions": _session,
    "acsp_v2_digest_only": _digest,
    "verification_code": _verification_code,
    "auth_code": _auth_code,
    "callback": _callback,
    "interactions_encoding": _encoded_interactions,
    "date_of_birth": _date_of_birth,
    "leaf_certificates": _leaf,
}
