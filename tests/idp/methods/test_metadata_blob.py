"""FIDO's list is believed when FIDO signed it, and read as far as it says something of use."""

import base64
import datetime as dt
import json
from typing import Any

import pytest
from cryptography.hazmat.primitives.asymmetric import ec, rsa
from cryptography.x509.oid import ExtendedKeyUsageOID

from idp.methods.webauthn import metadata_blob
from idp.methods.webauthn.metadata_blob import Blob, UntrustedBlobError, read_blob
from tests.support.alliance import Alliance, entry
from tests.support.authenticator import NO_MAKER, YUBIKEY
from tests.support.makers import FAR_OFF, issue, make_name

NOW = 1_750_000_000.0
GONE = (dt.datetime(2020, 1, 1, tzinfo=dt.UTC), dt.datetime(2021, 1, 1, tzinfo=dt.UTC))
COMING = (dt.datetime(2030, 1, 1, tzinfo=dt.UTC), FAR_OFF)
ALLIANCE = Alliance()
STRANGERS = Alliance()
RSA_KEY = rsa.generate_private_key(65537, 2048)
BY_RSA = Alliance(root=ALLIANCE.root, key=RSA_KEY)


def read(raw: bytes, *, now: float = NOW) -> Blob:
    return read_blob(raw, root=ALLIANCE.root.certificate, now=now)


def without_signature(raw: bytes) -> bytes:
    return raw[: raw.rindex(b".") + 1]


def with_payload_of(raw: bytes, other: bytes) -> bytes:
    header, _, signature = raw.split(b".")
    return b".".join([header, other.split(b".")[1], signature])


@pytest.mark.parametrize("alliance", [ALLIANCE, BY_RSA], ids=["ES256", "RS256"])
def test_a_list_that_fido_signed_is_read(alliance: Alliance) -> None:
    told = entry(YUBIKEY, description="Sērija\u202e 5\n", roots=[ALLIANCE.root], statuses=["REVOKED"])
    blob = read(
        alliance.blob(42, [told, {"aaid": "1234#5678", "statusReports": []}], next_update="2025-07-01")
        + b"\n"
    )
    assert (blob.number, blob.skipped) == (42, 1)
    assert dt.datetime.fromtimestamp(blob.next_update, dt.UTC).isoformat() == "2025-07-01T00:00:00+00:00"
    (model,) = blob.models
    assert (model.aaguid, model.description) == (str(YUBIKEY), "Sērija 5")
    assert model.statuses == {"REVOKED"}
    assert model.roots == [base64.b64encode(ALLIANCE.root.der).decode()]


HOSTILE: dict[str, bytes] = {
    "signed by strangers": STRANGERS.blob(1),
    "strangers with FIDO's certificates": ALLIANCE.blob(1, key=STRANGERS.signer.key),
    "an authority that is FIDO's in name alone": Alliance(
        root=issue(ALLIANCE.root.certificate.subject, None, is_authority=True)
    ).blob(1),
    "another host of the same authority": Alliance(root=ALLIANCE.root, host="mds.evil.example").blob(1),
    "a host that ends alike": Alliance(root=ALLIANCE.root, host="evilmds.fidoalliance.org").blob(1),
    "an expired certificate": Alliance(root=ALLIANCE.root, validity=GONE).blob(1),
    "one that is not valid yet": Alliance(root=ALLIANCE.root, validity=COMING).blob(1),
    "a certificate for mail": Alliance(root=ALLIANCE.root, use=ExtendedKeyUsageOID.EMAIL_PROTECTION).blob(1),
    "no certificate in between": ALLIANCE.blob(1, chain=[ALLIANCE.signer]),
    "no certificates": ALLIANCE.blob(1, chain=[]),
    "certificates that are none": ALLIANCE.blob(1, header={"x5c": ["AAAA", "!"]}),
    "certificates that are no texts": ALLIANCE.blob(1, header={"x5c": [7]}),
    "too many certificates": ALLIANCE.blob(1, chain=[ALLIANCE.signer, *[ALLIANCE.between] * 6]),
    "certificates by address alone": ALLIANCE.blob(1, header={"x5c": None, "x5u": "https://evil.example/"}),
    "a key in the header": ALLIANCE.blob(1, header={"x5c": None, "jwk": {"kty": "EC"}}),
    "no algorithm": ALLIANCE.blob(1, header={"alg": "none"}),
    "no algorithm and no signature": without_signature(ALLIANCE.blob(1, header={"alg": "none"})),
    "a secret's algorithm": ALLIANCE.blob(1, header={"alg": "HS256"}),
    "another algorithm than the key's": ALLIANCE.blob(1, header={"alg": "RS256"}),
    "the other way around": BY_RSA.blob(1, header={"alg": "ES256"}),
    "an algorithm that is no text": ALLIANCE.blob(1, header={"alg": ["ES256"]}),
    "something that must be understood": ALLIANCE.blob(1, header={"crit": ["exp"], "exp": 1}),
    "no signature": without_signature(ALLIANCE.blob(1)),
    "another list under that signature": with_payload_of(ALLIANCE.blob(2), ALLIANCE.blob(1)),
    "a signature of another curve": Alliance(
        root=ALLIANCE.root, key=ec.generate_private_key(ec.SECP384R1())
    ).blob(1),
    "nothing": b"",
    "two parts": b"e30.e30",
    "four parts": ALLIANCE.blob(1) + b".e30",
    "no base64": b"\xff.\xff.\xff",
    "no JSON": b"AAAA.AAAA.AAAA",
    "a list for a header": b"W10.W10.AAAA",
    "depths without end": base64.urlsafe_b64encode(b"[" * 30_000) + b".e30.AAAA",
    "a header without end": base64.urlsafe_b64encode(b" " * 300_000) + b".e30.AAAA",
    "no number": ALLIANCE.blob(None),
    "a number that is true": ALLIANCE.blob(True),
    "a number below nothing": ALLIANCE.blob(-1),
    "a number without end": ALLIANCE.blob(2**60),
    "a number in words": ALLIANCE.blob("seven"),
    "no day of the next": ALLIANCE.blob(1, next_update=None),
    "a day that is none": ALLIANCE.blob(1, next_update="2025-02-30"),
    "no entries": ALLIANCE.blob(1, payload={"entries": None}),
    "an entry that is none": ALLIANCE.blob(1, ["what"]),
    "a model that is none": ALLIANCE.blob(1, [entry("yubikey")]),
    "a model twice": ALLIANCE.blob(1, [entry(YUBIKEY), entry(str(YUBIKEY).upper())]),
    "no reports": ALLIANCE.blob(1, [entry(statusReports=None)]),
    "a report without a status": ALLIANCE.blob(1, [entry(statusReports=[{}])]),
    "a report that is no text": ALLIANCE.blob(1, [entry(statusReports=[{"status": 7}])]),
    "reports without end": ALLIANCE.blob(1, [entry(statuses=["REVOKED"] * 201)]),
    "a statement that is none": ALLIANCE.blob(1, [entry(metadataStatement=[1])]),
    "a name that is none": ALLIANCE.blob(1, [entry(metadataStatement={"description": 7})]),
}  # fmt: skip


@pytest.mark.parametrize("raw", HOSTILE.values(), ids=HOSTILE.keys())
def test_what_fido_did_not_sign_or_cannot_be_read_is_refused_whole(raw: bytes) -> None:
    """attacks 16 and 43: alg none, confusion, embedded keys, crit; bombs"""
    with pytest.raises(UntrustedBlobError):
        read(raw)


def test_certificates_are_held_against_the_moment_of_loading() -> None:
    raw = ALLIANCE.blob(1)
    assert read(raw).number == 1
    with pytest.raises(UntrustedBlobError, match="not valid now"):
        read(raw, now=FAR_OFF.timestamp() + 1)


def test_a_list_that_is_too_large_is_not_even_looked_at(monkeypatch: pytest.MonkeyPatch) -> None:
    """attack 43"""
    monkeypatch.setattr(metadata_blob, "BYTES_AT_MOST", 1000)
    with pytest.raises(UntrustedBlobError, match="larger"):
        read(b"x" * 1001)


def test_a_root_that_cannot_be_read_does_not_spoil_the_rest() -> None:
    told: dict[str, Any] = entry(roots=[ALLIANCE.root])
    roots = told["metadataStatement"]["attestationRootCertificates"]
    wrapped = "\n ".join([roots[0][:64], roots[0][64:]])
    told["metadataStatement"]["attestationRootCertificates"] = ["AAAA", 7, wrapped]
    (model,) = read(ALLIANCE.blob(1, [told])).models
    assert model.roots == roots


def test_an_entry_for_no_model_is_no_entry() -> None:
    """attack 32: AAGUID zero"""
    blob = read(ALLIANCE.blob(1, [entry(NO_MAKER), entry(NO_MAKER.hex), entry(YUBIKEY)]))
    assert [model.aaguid for model in blob.models] == [str(YUBIKEY)]
    assert blob.skipped == 2


def test_the_header_is_signed_too() -> None:
    header, payload, signature = ALLIANCE.blob(1).split(b".")
    told = json.loads(base64.urlsafe_b64decode(header + b"=="))
    changed = base64.urlsafe_b64encode(json.dumps(told | {"typ": "jwt"}).encode()).rstrip(b"=")
    with pytest.raises(UntrustedBlobError, match="signature"):
        read(b".".join([changed, payload, signature]))


def test_another_name_for_the_authority_makes_no_other_authority() -> None:
    alliance = Alliance(root=issue(make_name("Cita sakne"), None, is_authority=True))
    assert read_blob(alliance.blob(1), root=alliance.root.certificate, now=NOW).number == 1
    with pytest.raises(UntrustedBlobError):
        read(alliance.blob(1))
