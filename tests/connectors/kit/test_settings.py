"""Wrong settings stop the start with one sentence that names the setting and not its value."""

import base64
from pathlib import Path

import pytest

from connectors.agreements.app import registration
from connectors.agreements.settings import AgreementsSettings
from connectors.kit.settings import SettingsError, load_settings
from tests.connectors.conftest import KEY

GOOD = {
    "CONNECTOR_ISSUER": "https://visvaris.example",
    "CONNECTOR_CLIENT_ID": "agreements",
    "CONNECTOR_CLIENT_SECRET": "s3cret-value",
    "CONNECTOR_BASE_URL": "https://agreements.visvaris.example",
    "CONNECTOR_SECRET_KEYS": KEY,
}
SECOND_KEY = base64.urlsafe_b64encode(b"n" * 32).rstrip(b"=").decode()


def load(monkeypatch: pytest.MonkeyPatch, **changes: str) -> AgreementsSettings:
    for name, value in (GOOD | changes).items():
        monkeypatch.setenv(name, value)
    return load_settings(AgreementsSettings)


def test_what_is_needed_is_enough(monkeypatch: pytest.MonkeyPatch) -> None:
    settings = load(monkeypatch)
    assert settings.audience == "https://agreements.visvaris.example"
    assert settings.sealing_keys() == (b"k" * 32,)
    known = registration(settings)
    assert known.redirect_uri == "https://agreements.visvaris.example/callback"
    assert known.post_logout_redirect_uri == "https://agreements.visvaris.example/start"


def test_keys_are_listed_newest_first(monkeypatch: pytest.MonkeyPatch) -> None:
    settings = load(monkeypatch, CONNECTOR_SECRET_KEYS=f"{SECOND_KEY}, {KEY}")
    assert settings.sealing_keys() == (b"n" * 32, b"k" * 32)


@pytest.mark.parametrize("name", GOOD)
def test_a_missing_setting_is_named(monkeypatch: pytest.MonkeyPatch, name: str) -> None:
    for other, value in GOOD.items():
        if other != name:
            monkeypatch.setenv(other, value)
    with pytest.raises(SettingsError, match=f"^{name} "):
        load_settings(AgreementsSettings)


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("CONNECTOR_ISSUER", "http://visvaris.example"),
        ("CONNECTOR_ISSUER", "visvaris.example"),
        ("CONNECTOR_ISSUER", "https://visvaris.example/?x=1"),
        ("CONNECTOR_BASE_URL", "https://agreements.visvaris.example/"),
        ("CONNECTOR_BASE_URL", "https://user@agreements.visvaris.example"),
        ("CONNECTOR_CLIENT_ID", ""),
        ("CONNECTOR_CLIENT_SECRET", ""),
        ("CONNECTOR_SECRET_KEYS", ""),
        ("CONNECTOR_SECRET_KEYS", "c2hvcnQ"),
        ("CONNECTOR_SECRET_KEYS", f"{KEY},%%%"),
        ("CONNECTOR_SESSION_SECONDS", "7"),
        ("CONNECTOR_LEVEL", "strong"),
    ],
)
def test_a_wrong_setting_is_named_and_its_value_is_not_told(
    monkeypatch: pytest.MonkeyPatch, name: str, value: str
) -> None:
    """attack 44: a refused secret is not printed."""
    with pytest.raises(SettingsError) as caught:
        load(monkeypatch, **{name: value})
    assert str(caught.value).startswith(f"{name} ")
    assert not value or value not in str(caught.value)
    assert caught.value.__cause__ is None


def test_a_setting_nobody_knows_stops_the_start(monkeypatch: pytest.MonkeyPatch) -> None:
    with pytest.raises(SettingsError, match="CONNECTOR_ISUER is not a setting"):
        load(monkeypatch, CONNECTOR_ISUER="https://visvaris.example")


def test_secrets_do_not_show(monkeypatch: pytest.MonkeyPatch) -> None:
    """attack 44"""
    settings = load(monkeypatch)
    for shown in (repr(settings), repr(registration(settings)), settings.model_dump_json()):
        assert "s3cret-value" not in shown
        assert KEY not in shown


def test_on_this_machine_http_will_do(monkeypatch: pytest.MonkeyPatch) -> None:
    assert not load(monkeypatch, CONNECTOR_BASE_URL="http://localhost:8000/connectors/agreements").is_https


def test_every_setting_is_documented() -> None:
    text = (Path(__file__).parents[3] / "docs" / "application-developers.md").read_text()
    for name, field in AgreementsSettings.model_fields.items():
        assert f"CONNECTOR_{name.upper()}" in text
        assert field.description
        assert field.description.endswith(".")
