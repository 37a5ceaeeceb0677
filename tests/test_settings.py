"""A wrong setting stops the start with one sentence that names it, and no setting that is a secret can be read off a repr."""

import base64
from pathlib import Path

import pytest
from cryptography.hazmat.primitives.serialization import Encoding

from idp import settings
from idp.settings import Settings, SettingsError
from tests.support.builders import START
from tests.support.client_certificates import ClientAuthority

KEY = base64.urlsafe_b64encode(b"k" * 32).decode()


@pytest.fixture(autouse=True)
def _one_master_key(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("IDP_MASTER_KEYS", KEY)


def refusal() -> str:
    with pytest.raises(SettingsError) as caught:
        settings.load()
    assert caught.value.__cause__ is None
    return str(caught.value)


def test_only_the_master_keys_are_required(monkeypatch: pytest.MonkeyPatch) -> None:
    assert settings.load().issuer == "http://localhost:8000"
    monkeypatch.delenv("IDP_MASTER_KEYS")
    assert refusal() == "IDP_MASTER_KEYS is required."


def test_an_unknown_name_stops_the_start(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("IDP_ISUER", "https://visvaris.lv")
    assert refusal() == "IDP_ISUER is not a setting; `visvaris settings` lists them all."


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("IDP_ISSUER", "http://visvaris.lv"),
        ("IDP_ISSUER", "http://localhost.evil.example"),
        ("IDP_ISSUER", "https://visvaris.lv/"),
        ("IDP_ISSUER", "https://visvaris.lv/idp"),
        ("IDP_ISSUER", "https://visvaris.lv?x=1"),
        ("IDP_ISSUER", "https://anna@visvaris.lv"),
        ("IDP_ISSUER", "visvaris.lv"),
        ("IDP_ISSUER", "ftp://localhost"),
        ("IDP_ISSUER", ""),
        ("IDP_MASTER_KEYS", ""),
        ("IDP_MASTER_KEYS", "short"),
        ("IDP_MASTER_KEYS", f"{KEY},short"),
        ("IDP_MASTER_KEYS", "ā" * 43),
        ("IDP_TRUSTED_PROXIES", "10.0.0.0/33"),
        ("IDP_OUTBOUND_ALLOW", "intranet"),
        ("IDP_MTLS_CA_FILE", "/nowhere/ca.pem"),
        ("IDP_MTLS_CA_FILE", __file__),
        ("IDP_REGISTRATION", "everybody"),
        ("IDP_LOG_LEVEL", "loud"),
        ("IDP_ARGON2_MEMORY_KIB", "much"),
        ("IDP_SESSION_IDLE_MINUTES", "0"),
        ("IDP_WEBAUTHN_RP_ID", "visvaris.lv"),
        ("IDP_WEBAUTHN_ORIGINS", "http://eriga.lv"),
        ("IDP_WEBAUTHN_ORIGINS", "https://eriga.lv/"),
        ("IDP_WEBAUTHN_ORIGINS", "https://eriga.lv, eriga.lv"),
        ("IDP_WEBAUTHN_ORIGINS", "https://eriga.lv:443"),
        ("IDP_WEBAUTHN_ORIGINS", "https://Eriga.lv"),
        ("IDP_MAIL_HOST", "smtp://relay.example.lv"),
        ("IDP_MAIL_HOST", "relay.example.lv:587"),
        ("IDP_MAIL_HOST", "relay example"),
        ("IDP_MAIL_HOST", "-relay.example.lv"),
        ("IDP_MAIL_PORT", "0"),
        ("IDP_MAIL_PORT", "65536"),
        ("IDP_MAIL_SECURITY", "none"),
        ("IDP_MAIL_PASSWORD", "without a username"),
        ("IDP_MAIL_FROM", "visvaris"),
        ("IDP_MAIL_FROM", "Visvaris <visvaris@visvaris.lv>"),
        ("IDP_MAIL_FROM", "a@visvaris.lv,b@visvaris.lv"),
        ("IDP_MAIL_FROM", "visvaris@Visvaris.lv"),
        ("IDP_MAIL_FROM", "visvaris@visvaris.lv\n"),
    ],
)
def test_a_wrong_value_is_refused_in_one_sentence_that_names_the_setting(
    monkeypatch: pytest.MonkeyPatch, name: str, value: str
) -> None:
    monkeypatch.setenv(name, value)
    sentence = refusal()
    assert sentence.startswith(f"{name} ")
    assert sentence.endswith(".")
    assert "\n" not in sentence


def test_a_refusal_does_not_repeat_the_secret(monkeypatch: pytest.MonkeyPatch) -> None:
    """attack 44: secrets in logs and error pages."""
    monkeypatch.setenv("IDP_MASTER_KEYS", "hunter2hunter2hunter2")
    assert "hunter2" not in refusal()


def test_a_relay_needs_an_address_that_mail_comes_from(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("IDP_MAIL_HOST", "relay.example.lv")
    assert refusal() == "IDP_MAIL_FROM is required with IDP_MAIL_HOST."
    monkeypatch.setenv("IDP_MAIL_FROM", "visvaris@visvaris.lv")
    loaded = settings.load()
    assert (loaded.mail_sender, loaded.mail_security, loaded.mail_port) == (
        *("visvaris@visvaris.lv", "starttls", None),
    )


def test_a_login_at_the_relay_is_whole(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("IDP_MAIL_USERNAME", "visvaris")
    assert refusal().startswith("IDP_MAIL_PASSWORD must come with")
    monkeypatch.setenv("IDP_MAIL_PASSWORD", "secret-word")
    assert "secret-word" not in repr(settings.load())


@pytest.mark.parametrize(
    ("issuer", "host", "keeps"),
    [
        ("http://localhost:8000", None, True),
        ("https://localhost", None, True),
        ("http://localhost:8000", "relay.example.lv", False),
        ("https://visvaris.lv", None, False),
        ("https://localhost.visvaris.lv", None, False),
    ],
)
def test_mail_is_kept_on_this_machine_alone_and_without_a_relay(
    monkeypatch: pytest.MonkeyPatch, issuer: str, host: str | None, *, keeps: bool
) -> None:
    monkeypatch.setenv("IDP_ISSUER", issuer)
    monkeypatch.setenv("IDP_MAIL_FROM", "visvaris@visvaris.lv")
    if host is not None:
        monkeypatch.setenv("IDP_MAIL_HOST", host)
    assert settings.load().keeps_mail is keeps


@pytest.mark.parametrize(
    "issuer", ["https://visvaris.lv", "http://localhost:9000", "http://127.0.0.1:9000", "http://[::1]:9000"]
)
def test_https_is_required_except_on_this_machine(monkeypatch: pytest.MonkeyPatch, issuer: str) -> None:
    monkeypatch.setenv("IDP_ISSUER", issuer)
    assert settings.load().issuer == issuer


@pytest.mark.parametrize(
    ("issuer", "rp_id"),
    [
        ("https://login.visvaris.lv", "visvaris.lv"),
        ("https://a.login.visvaris.lv", "login.visvaris.lv"),
        ("https://login.visvaris.lv:8443", "login.visvaris.lv"),
        ("http://localhost:9000", "localhost"),
    ],
)
def test_passkeys_may_be_made_for_the_host_or_a_parent_of_it(
    monkeypatch: pytest.MonkeyPatch, issuer: str, rp_id: str
) -> None:
    monkeypatch.setenv("IDP_ISSUER", issuer)
    monkeypatch.setenv("IDP_WEBAUTHN_RP_ID", rp_id)
    assert settings.load().rp_id == rp_id


@pytest.mark.parametrize(
    ("issuer", "rp_id"),
    [
        ("https://login.visvaris.lv", "lv"),
        ("https://login.visvaris.lv", "visvaris.lv."),
        ("https://login.visvaris.lv", "aris.lv"),
        ("https://badvisvaris.lv", "visvaris.lv"),
        ("https://visvaris.lv", "login.visvaris.lv"),
        ("https://login.visvaris.lv", "Visvaris.lv"),
        ("https://login.visvaris.lv", ""),
        ("http://127.0.0.1:9000", "0.0.1"),
    ],
)
def test_and_for_nobody_elses_domain(monkeypatch: pytest.MonkeyPatch, issuer: str, rp_id: str) -> None:
    """attack 32: RP ID"""
    monkeypatch.setenv("IDP_ISSUER", issuer)
    monkeypatch.setenv("IDP_WEBAUTHN_RP_ID", rp_id)
    assert refusal() == "IDP_WEBAUTHN_RP_ID must be the host of IDP_ISSUER or a parent domain of it."


def test_our_own_origins_are_written_as_browsers_write_them(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("IDP_ISSUER", "https://Login.visvaris.lv:443")
    monkeypatch.setenv(
        "IDP_WEBAUTHN_ORIGINS", "https://eriga.lv, https://login.visvaris.lv,https://x.lv:8443"
    )
    loaded = settings.load()
    assert loaded.own_origins == ("https://login.visvaris.lv", "https://eriga.lv", "https://x.lv:8443")
    assert loaded.rp_id == "login.visvaris.lv"


def test_lists_are_written_with_commas(monkeypatch: pytest.MonkeyPatch) -> None:
    newer = base64.urlsafe_b64encode(b"n" * 32).decode()
    monkeypatch.setenv("IDP_MASTER_KEYS", f"{newer}, {KEY}")
    monkeypatch.setenv("IDP_TRUSTED_PROXIES", "10.0.0.0/8, 2001:db8::/32")
    loaded = settings.load()
    assert loaded.master_key_bytes == (b"n" * 32, b"k" * 32)
    assert [str(network) for network in loaded.trusted_proxies] == ["10.0.0.0/8", "2001:db8::/32"]


def test_authorities_of_clients_are_those_that_may_sign_certificates(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    """Anything else in the file is a mistake that would keep every client out."""
    authority = ClientAuthority(START)
    first, second = tmp_path / "ca.pem", tmp_path / "mixed.pem"
    first.write_bytes(authority.certificate.public_bytes(Encoding.PEM))
    second.write_bytes(first.read_bytes() + authority.issue().certificate.public_bytes(Encoding.PEM))
    assert settings.load().client_authorities == ()
    monkeypatch.setenv("IDP_MTLS_CA_FILE", str(first))
    assert settings.load().client_authorities == (authority.certificate,)
    monkeypatch.setenv("IDP_MTLS_CA_FILE", str(second))
    assert refusal().startswith("IDP_MTLS_CA_FILE ")


def test_secrets_may_be_files(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.delenv("IDP_MASTER_KEYS")
    monkeypatch.setenv("IDP_SECRETS_DIR", str(tmp_path))
    (tmp_path / "idp_master_keys").write_text(KEY + "\n")
    assert settings.load().master_key_bytes == (b"k" * 32,)


def test_a_file_with_an_unknown_name_stops_the_start_too(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setenv("IDP_SECRETS_DIR", str(tmp_path))
    (tmp_path / "idp_master_key").write_text(KEY)
    assert refusal().startswith("IDP_MASTER_KEY ")


def test_a_secrets_directory_must_exist(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("IDP_SECRETS_DIR", str(tmp_path / "nowhere"))
    assert refusal() == "IDP_SECRETS_DIR must name an existing directory."


def test_no_secret_is_in_the_repr(monkeypatch: pytest.MonkeyPatch) -> None:
    """attack 44: secrets in logs and error pages."""
    monkeypatch.setenv("IDP_METRICS_TOKEN", "token-that-opens")
    monkeypatch.setenv("IDP_REDIS_URL", "redis://:secret-word@127.0.0.1/0")
    monkeypatch.setenv("IDP_DATABASE_URL", "postgresql+psycopg://visvaris:secret-word@127.0.0.1/visvaris")
    loaded: Settings = settings.load()
    for secret in (KEY, "token-that-opens", "secret-word"):
        assert secret not in repr(loaded)
        assert secret not in str(loaded)
