"""The gateway agrees with what was published and captured, and so does a stranger who shares no code with it."""

import copy
import json
from typing import Any

import pytest
from click.testing import CliRunner

from idp.cli import main
from idp.commands.smart_id_recordings import judge
from tests.support.checkout import ROOT
from tests.support.smart_id_stranger import believes

VECTORS = ROOT.parent / "shared/smart-id/vectors.json"
CAPTURED = 1_795_000_000.0
"""A moment at which all certificates in the vectors are valid: November 2026."""

pytestmark = pytest.mark.skipif(not VECTORS.exists(), reason=f"{VECTORS.name} is not beside the checkout")


@pytest.fixture
def vectors() -> dict[str, Any]:
    read: dict[str, Any] = json.loads(VECTORS.read_text())
    return read


def refusals(document: dict[str, Any], *, now: float = CAPTURED) -> dict[str, str]:
    return {each.entry: each.why for each in judge(document, now=now) if each.holds is False}


def test_every_vector_holds(vectors: dict[str, Any]):
    findings = list(judge(vectors, now=CAPTURED))
    assert [each for each in findings if not each.holds] == []
    assert {each.section for each in findings} == set(vectors) - {"_about", "negative_notes"}
    assert len(findings) == sum(
        len(each) for name, each in vectors.items() if isinstance(each, list) and name != "negative_notes"
    ) + sum(map(len, vectors["ca_certificates"].values()))


def test_the_command_verifies_the_vectors_without_settings_or_network(vectors: dict[str, Any]):
    told = CliRunner().invoke(main, ["smart-id", "check", "--at", "2026-11-20", str(VECTORS)])
    assert told.exit_code == 0, told.output
    assert "notification-pss-sha3-512" in told.output
    piped = CliRunner().invoke(
        main, ["smart-id", "check", "--json", "--at", "2026-11-20", "-"], input=json.dumps(vectors)
    )
    answer = json.loads(piped.stdout)
    assert (piped.exit_code, answer["ok"]) == (0, True)
    assert all(finding["holds"] for finding in answer["findings"])


def test_a_stranger_believes_the_same_sessions(vectors: dict[str, Any]):
    assert [believes(session) for session in vectors["acsp_v2_signed_sessions"]] == [True, True, True]


ALTERATIONS: list[tuple[str, Any, str]] = [
    ("schemeName", "smart-id", "smart_id_signature"),
    ("brokeredRpName", "Broker", "smart_id_signature"),
    ("request.relyingPartyName", "Demo", "smart_id_signature"),
    ("request.certificateLevel", "HIGH", "not in the form"),
    ("request.rpChallenge", "A" * 86 + "==", "smart_id_signature"),
    (
        "request.interactions",
        "W3sidHlwZSI6ImRpc3BsYXlUZXh0QW5kUElOIiwiZGlzcGxheVRleHQ2MCI6IngifV0=",
        "smart_id_signature",
    ),
    ("request.signatureAlgorithm", "sha512WithRSAEncryption", "smart_id_algorithm"),
    ("session.signature.serverRandom", "A" * 24, "smart_id_signature"),
    ("session.signature.userChallenge", "A" * 43, "smart_id_signature"),
    ("session.signature.flowType", "QR", "smart_id_signature"),
    ("session.signature.flowType", "Web2App", "smart_id_flow"),
    ("session.interactionTypeUsed", "confirmationMessage", "smart_id_interaction"),
    ("session.result.documentNumber", "PNOEE-40504040002-DEMO-Q", "smart_id_certificate_document"),
    ("session.result.endResult", "TIMEOUT", "not a session that was signed"),
    ("session.state", "RUNNING", "not a session that was signed"),
    ("session.signatureProtocol", "ACSP_V1", "smart_id_protocol"),
    ("session.cert.certificateLevel", "ADVANCED", "smart_id_level"),
    ("expected.identifier", "PNOEE-40504040002", "another identifier"),
    ("expected.surname", "TESTS", "another surname"),
    ("expected.signedPayload", "smart-id-demo|", "another signedPayload"),
]


@pytest.mark.parametrize("number", range(3))
@pytest.mark.parametrize(("path", "value", "why"), ALTERATIONS, ids=lambda value: str(value)[:40])
def test_a_recorded_session_that_was_altered_does_not_hold(
    vectors: dict[str, Any], number: int, path: str, value: Any, why: str
):
    """attack 37"""
    session = vectors["acsp_v2_signed_sessions"][number]
    if number == 2 and path == "request.signatureAlgorithm":
        value = "rsassa-pss"
        session["request"]["hashAlgorithm"] = "SHA-256"
    altered(session, path, value)
    refused = refusals(vectors)
    assert list(refused) == [session["id"]]
    assert refused[session["id"]].startswith(why)


def altered(document: dict[str, Any], path: str, value: Any) -> None:
    *way, last = path.split(".")
    for name in way:
        document = document[name]
    document[last] = value


@pytest.mark.parametrize(
    ("section", "member", "value"),
    [
        ("acsp_v2_digest_only", "initialCallbackUrl", "https://rp.example.com/callback-url"),
        ("acsp_v2_digest_only", "brokeredRpName", ""),
        ("verification_code", "vc", "7181"),
        ("auth_code", "elapsedSeconds", 23),
        ("auth_code", "lang", "lav"),
        ("auth_code", "relyingPartyName", "demo"),
        ("callback", "sessionSecretDigest", "U4CKK13H1XFiyBofev9asqrzIrY5_Gszi_nL_zDKkBd"),
        ("callback", "finalUrl", "https://rp.example.com/callback-url?value=other"),
        ("interactions_encoding", "json", "[]"),
        ("date_of_birth", "dob", "2005-12-14"),
        ("leaf_certificates", "level", "ADVANCED"),
        ("leaf_certificates", "subject", "C=EE"),
        ("leaf_certificates", "policies", []),
    ],
)
def test_any_other_entry_that_was_altered_does_not_hold(
    vectors: dict[str, Any], section: str, member: str, value: Any
):
    for entry in vectors[section]:
        entry[member] = value
    findings = [each for each in judge(vectors, now=CAPTURED) if each.section == section]
    assert findings
    assert not all(each.holds for each in findings)
    assert len(refusals(vectors)) == len({each.entry for each in findings if not each.holds})


def test_authorities_of_the_other_scheme_prove_nothing(vectors: dict[str, Any]):
    """attack 37: live and demo cannot be mixed"""
    kinds = vectors["ca_certificates"]
    kinds["live"], kinds["demo"] = kinds["demo"], kinds["live"]
    findings = list(judge(vectors, now=CAPTURED))
    mixed = {"acsp_v2_signed_sessions", "leaf_certificates", "ca_certificates"}
    assert not any(each.holds for each in findings if each.section in mixed)


def test_a_file_cannot_vouch_for_itself(vectors: dict[str, Any]):
    """attack 37: sessions count under authorities that are known, whatever the file brings"""
    vectors["ca_certificates"]["demo"] = []
    refused = refusals(vectors)
    assert set(refused) == {each["id"] for each in vectors["acsp_v2_signed_sessions"]} | {"1"}


def test_a_certificate_holds_at_its_time(vectors: dict[str, Any]):
    """attack 30"""
    only = {name: vectors[name] for name in ("acsp_v2_signed_sessions", "ca_certificates")}
    assert set(refusals(only, now=1_900_000_000.0).values()) == {"smart_id_certificate_expired"}
    assert set(refusals(only, now=1_700_000_000.0).values()) == {"smart_id_certificate_not_yet"}


@pytest.mark.parametrize("number", range(3))
def test_the_certificate_of_another_person_does_not_hold(vectors: dict[str, Any], number: int):
    """attack 37"""
    sessions = vectors["acsp_v2_signed_sessions"]
    other = sessions[1 if number == 0 else 0]["session"]
    altered_one = copy.deepcopy(sessions[number])
    altered_one["session"]["cert"] = other["cert"]
    vectors["acsp_v2_signed_sessions"] = [altered_one]
    assert refusals(vectors) == {altered_one["id"]: "smart_id_signature"}
