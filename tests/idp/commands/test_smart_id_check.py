"""`visvaris smart-id check` on what the emulator recorded, and on files that are no recordings."""

import hashlib
import json
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner, Result

from idp.cli import main
from idp.gateways.smart_id.words import Flow
from tests.support.smart_id.authority import SmartIdAuthority
from tests.support.smart_id.studio import Studio

AT = ("--at", "2025-10-09T12:00:00")


@pytest.fixture(scope="module")
def studio() -> Studio:
    return Studio(SmartIdAuthority())


def check(document: object, *options: str) -> Result:
    text = document if isinstance(document, str) else json.dumps(document)
    return CliRunner().invoke(main, ["smart-id", "check", *options, "-"], input=text)


@pytest.fixture
def anchors(studio: Studio, tmp_path: Path) -> tuple[str, str]:
    path = tmp_path / "anchors.pem"
    path.write_bytes(studio.authority.anchors_pem)
    return ("--anchors", str(path))


@pytest.mark.parametrize("flow", list(Flow))
def test_an_emulated_session_holds_under_authorities_that_are_named(
    studio: Studio, anchors: tuple[str, str], flow: Flow
):
    document = {"acsp_v2_signed_sessions": [studio.recording(studio.take(flow))]}
    told = check(document, *AT, *anchors)
    assert told.exit_code == 0, told.output
    assert "emulated" in told.stdout
    assert "040404" not in told.output


def test_without_their_name_they_prove_nothing(studio: Studio):
    """attack 37: a recording cannot bring its own authorities"""
    recording = studio.recording(studio.take())
    own = [{"pem": studio.authority.anchors_pem.decode()}]
    told = check({"acsp_v2_signed_sessions": [recording], "ca_certificates": {"demo": own}}, *AT, "--json")
    answer = json.loads(told.stdout)
    assert (told.exit_code, answer["ok"]) == (1, False)
    assert [finding["holds"] for finding in answer["findings"]] == [False, False]


def test_one_that_does_not_hold_is_enough_to_fail_and_all_are_told(studio: Studio, anchors: tuple[str, str]):
    good, bad = (studio.recording(studio.take()) for _ in range(2))
    bad["request"]["relyingPartyName"] = "Demo"
    told = check({"acsp_v2_signed_sessions": [good, bad]}, *AT, *anchors, "--json")
    answer = json.loads(told.stdout)
    assert [(each["holds"], each["why"]) for each in answer["findings"]] == [
        (True, ""),
        (False, "smart_id_signature"),
    ]
    assert (told.exit_code, answer["checked"]) == (1, 2)
    assert "1 of 2 do not hold" in told.stderr


@pytest.mark.parametrize(
    "document",
    [
        "",
        "x",
        "[" * 100_000,
        [],
        {},
        {"_about": {}},
        {"something_new": []},
        {"auth_code": {}},
        {"auth_code": [None]},
        {"auth_code": [{}]},
        {"acsp_v2_signed_sessions": [{"session": []}]},
        {"acsp_v2_signed_sessions": ["x"]},
        {"callback": [{"sessionSecret": 7}]},
        {"ca_certificates": []},
        {"ca_certificates": {"live": [{"pem": "x"}]}},
        {"ca_certificates": {"other": []}},
        {"leaf_certificates": [{"pem": ""}]},
        {"date_of_birth": [{"code": "PNOLV-131205-2234", "dob": None}]},
    ],
    ids=lambda value: str(value)[:40],
)
def test_what_is_no_recording_does_not_hold(document: Any):
    told = check(document)
    assert told.exit_code == 1
    assert told.stderr.startswith("Error: ")
    assert "program itself" not in told.stderr


def test_a_section_nobody_can_judge_is_named_and_fails_nothing():
    digest = hashlib.sha256(bytes(3)).digest()
    code = f"{int.from_bytes(digest[-2:], 'big') % 10000:04d}"
    entry = {"id": "zeros", "dataBase64": "AAAA", "vc": code}
    told = check({"verification_code": [entry], "later": []}, "--json")
    answer = json.loads(told.stdout)
    assert (told.exit_code, answer["ok"], answer["checked"]) == (0, True, 1)
    assert [(each["section"], each["holds"]) for each in answer["findings"]] == [
        ("verification_code", True),
        ("later", None),
    ]


def test_a_moment_that_is_none_and_a_file_that_is_not_there_are_wrong_usage():
    assert check({}, "--at", "yesterday").exit_code == 2
    assert CliRunner().invoke(main, ["smart-id", "check", "/nowhere.json"]).exit_code == 2
