"""Live and demo cannot be half mixed, no emulator's authority is loaded where identities are real, and settings say so (attack 37)."""

import base64
import json
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from cryptography.hazmat.primitives.serialization import Encoding
from cryptography.x509 import Certificate, load_pem_x509_certificate

from idp import settings
from idp.doors import smart_id_of
from idp.effects import Effects
from idp.gateways.smart_id.anchors import (
    LIVE_NOT_QUALIFIED,
    LIVE_QUALIFIED,
    LIVE_ROOTS,
    Anchors,
    AnchorsError,
    fingerprint,
    read_anchors,
)
from idp.gateways.smart_id.door import SmartId
from idp.gateways.smart_id.environment import Environment, EnvironmentRefusedError, Revocation, read_pin
from idp.gateways.smart_id.words import Scheme
from idp.settings import SettingsError
from tests.support.checkout import ROOT
from tests.support.smart_id.authority import SmartIdAuthority

VECTORS = ROOT.parent / "shared/smart-id/vectors.json"
PIN = "sha256//" + base64.b64encode(bytes(range(32))).decode()
DEMO_PARTY = "00000000-0000-4000-8000-000000000000"
LIVE_PARTY = "6f3a1b1c-0000-4000-8000-00000000abcd"
published = pytest.mark.skipif(not VECTORS.exists(), reason=f"{VECTORS.name} is not beside the checkout")


def authorities(kind: str) -> list[Certificate]:
    listed = json.loads(VECTORS.read_text())["ca_certificates"][kind]
    return [load_pem_x509_certificate(each["pem"].encode()) for each in listed]


def pem(certificates: list[Certificate]) -> bytes:
    return b"".join(each.public_bytes(Encoding.PEM) for each in certificates)


def live_set() -> list[Certificate]:
    return [each for each in authorities("live") if fingerprint(each) in LIVE_QUALIFIED | LIVE_ROOTS]


def demo(people: SmartIdAuthority, **changes: Any) -> Environment:
    made: dict[str, Any] = {
        "base_url": "https://sid.demo.sk.ee/smart-id-rp/v3",
        "relying_party_id": DEMO_PARTY,
        "relying_party_name": "DEMO",
        "anchors": read_anchors(people.anchors_pem, Scheme.DEMO),
        "pins": frozenset({bytes(32)}),
        "revocation": Revocation.OFF,
        "countries": frozenset({"LV"}),
    }
    return Environment(**{**made, **changes})


def live(**changes: Any) -> Environment:
    made: dict[str, Any] = {
        "base_url": "https://rp-api.smart-id.com/v3",
        "relying_party_id": LIVE_PARTY,
        "relying_party_name": "visvaris.lv",
        "anchors": read_anchors(pem(live_set()), Scheme.LIVE),
        "pins": frozenset({bytes(32)}),
        "revocation": Revocation.REQUIRED,
        "countries": frozenset({"LV"}),
    }
    return Environment(**{**made, **changes})


def test_an_emulators_authorities_are_for_demo_environments_alone(people: SmartIdAuthority):
    assert demo(people).scheme is Scheme.DEMO
    with pytest.raises(AnchorsError, match="not a live authority"):
        read_anchors(people.anchors_pem, Scheme.LIVE)
    made = read_anchors(people.anchors_pem, Scheme.DEMO)
    with pytest.raises(AnchorsError, match="not a live authority"):
        replace(made, scheme=Scheme.LIVE)


@published
def test_one_emulated_authority_among_live_ones_is_one_too_many(people: SmartIdAuthority):
    mixed = pem(live_set()) + people.anchors_pem
    with pytest.raises(AnchorsError, match="not a live authority"):
        read_anchors(mixed, Scheme.LIVE)
    with pytest.raises(AnchorsError, match="mixes live"):
        read_anchors(mixed, Scheme.DEMO)


@published
def test_live_and_demo_authorities_are_disjoint():
    assert live().scheme is Scheme.LIVE
    assert read_anchors(pem(authorities("demo")), Scheme.DEMO).scheme is Scheme.DEMO
    with pytest.raises(AnchorsError, match="not a live authority"):
        read_anchors(pem(authorities("demo")), Scheme.LIVE)
    for certificate in authorities("live"):
        with pytest.raises(AnchorsError, match="mixes live"):
            read_anchors(pem([*authorities("demo"), certificate]), Scheme.DEMO)


@published
def test_issuers_of_certificates_that_are_not_qualified_are_no_live_anchors():
    lower = [each for each in authorities("live") if fingerprint(each) in LIVE_NOT_QUALIFIED]
    assert len(lower) == 3
    for certificate in lower:
        with pytest.raises(AnchorsError, match="not a live authority"):
            read_anchors(pem([*live_set(), certificate]), Scheme.LIVE)


@published
def test_the_pinned_fingerprints_are_the_published_ones():
    assert {
        fingerprint(each) for each in authorities("live")
    } == LIVE_ROOTS | LIVE_QUALIFIED | LIVE_NOT_QUALIFIED


def test_anchors_need_roots_issuers_and_the_right_to_issue(people: SmartIdAuthority):
    made = read_anchors(people.anchors_pem, Scheme.DEMO)
    leaf, _ = people.certify_anybody()
    for broken in (
        {"issuers": ()},
        {"roots": ()},
        {"roots": (people.issuers["unknown"].certificate,)},
        {"issuers": (*made.issuers, leaf)},
    ):
        with pytest.raises(AnchorsError):
            Anchors(**{"scheme": Scheme.DEMO, "issuers": made.issuers, "roots": made.roots, **broken})
    for text in (b"", b"-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----\n"):
        with pytest.raises(AnchorsError):
            read_anchors(text, Scheme.DEMO)


@pytest.mark.parametrize(
    ("changes", "what"),
    [
        ({"base_url": "https://rp-api.smart-id.com/v3"}, "base_url"),
        ({"base_url": "http://sid.demo.sk.ee/v3"}, "base_url"),
        ({"base_url": "https://sid.demo.sk.ee/v3/"}, "base_url"),
        ({"base_url": "https://sid.demo.sk.ee/v3?x=1"}, "base_url"),
        ({"relying_party_name": ""}, "rp_name"),
        ({"relying_party_name": "ā" * 17}, "rp_name"),
        ({"relying_party_id": "x"}, "rp_uuid"),
        ({"pins": frozenset()}, "pins"),
        ({"pins": frozenset({b"x"})}, "pins"),
        ({"countries": frozenset()}, "countries"),
        ({"countries": frozenset({"lv"})}, "countries"),
    ],
)
def test_a_demo_environment_that_is_not_whole_is_refused(
    people: SmartIdAuthority, changes: dict[str, Any], what: str
):
    with pytest.raises(EnvironmentRefusedError) as caught:
        demo(people, **changes)
    assert caught.value.what == what


@published
@pytest.mark.parametrize(
    ("changes", "what"),
    [
        ({"base_url": "https://sid.demo.sk.ee/smart-id-rp/v3"}, "base_url"),
        ({"base_url": "https://rp-api.smart-id.com.example/v3"}, "base_url"),
        ({"relying_party_id": DEMO_PARTY}, "rp_uuid"),
        ({"revocation": Revocation.OFF}, "revocation"),
    ],
)
def test_a_live_environment_takes_nothing_of_the_demo(changes: dict[str, Any], what: str):
    with pytest.raises(EnvironmentRefusedError) as caught:
        live(**changes)
    assert caught.value.what == what


@published
def test_a_live_environment_takes_no_demo_anchors():
    with pytest.raises(EnvironmentRefusedError):
        live(anchors=read_anchors(pem(authorities("demo")), Scheme.DEMO))


@pytest.mark.parametrize(
    "text", ["", "sha256//", "sha256//AAAA", "sha256//!", base64.b64encode(bytes(32)).decode()]
)
def test_a_pin_in_another_form_is_refused(text: str):
    assert read_pin(PIN) == bytes(range(32))
    with pytest.raises(EnvironmentRefusedError):
        read_pin(text)


# ------------------------------------------------------------------------------------------------------------ settings


@pytest.fixture
def set_up(
    people: SmartIdAuthority, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> Callable[..., SmartId | None]:
    anchors = tmp_path / "anchors.pem"
    anchors.write_bytes(people.anchors_pem)
    usual = {
        "BASE_URL": "https://sid.demo.sk.ee/smart-id-rp/v3",
        "SCHEME_NAME": "smart-id-demo",
        "RP_UUID": DEMO_PARTY,
        "RP_NAME": "DEMO",
        "ANCHORS_FILE": str(anchors),
        "PINS": f"{PIN}, {PIN}",
    }

    def load(**changes: str | None) -> SmartId | None:
        monkeypatch.setenv("IDP_MASTER_KEYS", base64.urlsafe_b64encode(b"k" * 32).decode())
        for name, value in {**usual, **changes}.items():
            if value is None:
                monkeypatch.delenv(f"IDP_SMART_ID_{name}", raising=False)
            else:
                monkeypatch.setenv(f"IDP_SMART_ID_{name}", value)
        return smart_id_of(settings.load(), Effects())

    return load


def test_without_settings_there_is_no_smart_id(set_up: Callable[..., SmartId | None]):
    nothing = dict.fromkeys(("BASE_URL", "SCHEME_NAME", "RP_UUID", "RP_NAME", "ANCHORS_FILE", "PINS"))
    assert set_up(**nothing) is None


def test_settings_make_one_environment(set_up: Callable[..., SmartId | None]):
    smart_id = set_up(COUNTRIES="LV, EE")
    assert smart_id
    environment = smart_id.environment
    assert (environment.scheme, environment.revocation) == (Scheme.DEMO, Revocation.OFF)
    assert environment.countries == {"LV", "EE"}
    assert DEMO_PARTY not in repr(environment)
    required = set_up(REVOCATION="required")
    assert required
    assert required.environment.revocation is Revocation.REQUIRED


@pytest.mark.parametrize(
    ("changes", "named"),
    [
        ({"BASE_URL": None}, "BASE_URL"),
        ({"BASE_URL": "https://rp-api.smart-id.com/v3"}, "BASE_URL"),
        ({"SCHEME_NAME": "smart-id"}, "ANCHORS_FILE"),
        ({"SCHEME_NAME": "smart-id-test"}, "SCHEME_NAME"),
        ({"RP_UUID": None}, "RP_UUID"),
        ({"RP_NAME": None}, "RP_NAME"),
        ({"ANCHORS_FILE": None}, "ANCHORS_FILE"),
        ({"ANCHORS_FILE": "/nowhere.pem"}, "ANCHORS_FILE"),
        ({"ANCHORS_FILE": __file__}, "ANCHORS_FILE"),
        ({"PINS": None}, "PINS"),
        ({"PINS": "sha256//AAAA"}, "PINS"),
        ({"CA_FILE": "/nowhere.pem"}, "CA_FILE"),
        ({"COUNTRIES": ""}, "COUNTRIES"),
        ({"REVOCATION": "maybe"}, "REVOCATION"),
    ],
)
def test_settings_that_cannot_be_right_are_named_in_a_sentence(
    set_up: Callable[..., SmartId | None], changes: dict[str, str | None], named: str
):
    with pytest.raises(SettingsError) as caught:
        set_up(**changes)
    assert str(caught.value).startswith(f"IDP_SMART_ID_{named} ")
    assert str(caught.value).endswith(".")


@pytest.mark.parametrize(
    ("issuer", "possible"),
    [("https://visvaris.lv", True), ("https://localhost:8000", True), ("http://localhost:8000", False)],
)
def test_a_phone_can_come_back_to_an_https_issuer_alone(
    set_up: Callable[..., SmartId | None], monkeypatch: pytest.MonkeyPatch, issuer: str, possible: bool
):
    monkeypatch.setenv("IDP_ISSUER", issuer)
    smart_id = set_up()
    assert smart_id
    assert smart_id.environment.same_device is possible
