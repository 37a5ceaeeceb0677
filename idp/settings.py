"""Every setting of the provider, one sentence each. Read only by `app`, `cli` and `worker`.

What differs by municipality is data, not a setting.
"""

import base64
import binascii
import os
import re
from collections.abc import Iterable
from ipaddress import IPv4Network, IPv6Network, ip_address, ip_network
from pathlib import Path
from typing import Annotated, Literal, TypeAlias
from urllib.parse import urlsplit

from cryptography.x509 import (
    BasicConstraints,
    Certificate,
    ExtensionNotFound,
    KeyUsage,
    load_pem_x509_certificates,
)
from pydantic import Field, SecretStr, ValidationError, ValidationInfo, field_validator
from pydantic_settings import BaseSettings, NoDecode, SettingsConfigDict

from idp.crypto import MASTER_KEY_BYTES

PREFIX = "IDP_"
Network: TypeAlias = IPv4Network | IPv6Network
_USUAL_PORTS = {"https": 443, "http": 80}
_LOCAL_HOSTS = {"localhost", "127.0.0.1", "::1"}
_HOST = re.compile(r"(?!-)[A-Za-z0-9-]{1,63}(?:\.(?!-)[A-Za-z0-9-]{1,63})*\.?", re.ASCII)
_SENDER = re.compile(
    r"[\w+-]+(?:\.[\w+-]+)*@(?:[a-z0-9](?:[a-z0-9-]*[a-z0-9])?\.)+[a-z][a-z0-9-]*[a-z0-9]", re.ASCII
)
_NO_SENDER = "visvaris@visvaris.example"
"""Stands in what is not sent."""


class SettingsError(Exception):
    """The settings cannot be used; the message is one sentence that names the setting."""


class Settings(BaseSettings):
    model_config = SettingsConfigDict(
        env_prefix=PREFIX, frozen=True, extra="forbid", validate_default=True, hide_input_in_errors=True
    )

    issuer: str = Field(
        "http://localhost:8000", description="Exact issuer URL; https is required except on localhost."
    )
    database_url: str = Field(
        "sqlite:///var/visvaris.sqlite3", repr=False, description="SQLAlchemy URL of the database."
    )
    redis_url: SecretStr | None = Field(
        None, description="Redis or Valkey for short-lived state, counters and the job queue."
    )
    master_keys: Annotated[tuple[SecretStr, ...], NoDecode] = Field(
        description="Key-encryption keys, newest first, separated by commas; 32 bytes each in base64url."
    )
    trusted_proxies: Annotated[tuple[Network, ...], NoDecode] = Field(
        (),
        description=(
            "Networks whose Forwarded, X-Forwarded-* and Client-Cert headers count, separated by commas."
        ),
    )
    mtls_origin: str | None = Field(
        None,
        description="Origin where the proxy asks for client certificates, when it is not that of the issuer.",
    )
    mtls_ca_file: Path | None = Field(
        None,
        description=(
            "PEM file of the authorities that issue certificates to clients; tls_client_auth needs it."
        ),
    )
    webauthn_rp_id: str | None = Field(
        None,
        description=(
            "Domain that passkeys are made for, with its sub-domains: a parent domain of the issuer's host; "
            "the host itself otherwise."
        ),
    )
    webauthn_origins: Annotated[tuple[str, ...], NoDecode] = Field(
        (),
        description=(
            "Further origins where the provider's pages and passkeys may be used, such as old host names, "
            "separated by commas."
        ),
    )
    outbound_ca_file: Path | None = Field(
        None, description="CA bundle for what the provider fetches or calls; the system's store otherwise."
    )
    outbound_allow: Annotated[tuple[Network, ...], NoDecode] = Field(
        (), description="Private networks that outgoing calls may reach; all others are refused."
    )
    registration: Literal["off", "token", "open"] = Field(
        "token", description="Who may register clients dynamically; open brings the implicit flow, too."
    )
    software_statement_jwks: Path | None = Field(
        None,
        description=("JSON file of JWK sets by issuer, whose software statements count at registration."),
    )
    mail_host: str | None = Field(
        None,
        description=(
            "Host name of the relay that takes mail; on localhost without one, mail is shown at /mail."
        ),
    )
    mail_port: int | None = Field(
        None, ge=1, le=65535, description="Port of the relay; 587 for starttls and 465 for tls otherwise."
    )
    mail_security: Literal["starttls", "tls"] = Field(
        "starttls", description="How the connection to the relay is encrypted, which it is in any case."
    )
    mail_username: str | None = Field(None, description="Username at the relay, where it asks for one.")
    mail_password: SecretStr | None = Field(None, description="Password at the relay.")
    mail_from: str | None = Field(
        None, description="Address that mail comes from; required with a relay, which must accept it."
    )
    smart_id_base_url: str | None = Field(
        None,
        description="Where RP API v3 of Smart-ID is, up to and with /v3; without it Smart-ID is not offered.",
    )
    smart_id_scheme_name: Literal["smart-id", "smart-id-demo"] = Field(
        "smart-id", description="Scheme of Smart-ID: the live one, or that of the demo service."
    )
    smart_id_rp_uuid: str | None = Field(
        None, repr=False, description="relyingPartyUUID from the contract with Smart-ID's provider."
    )
    smart_id_rp_name: str | None = Field(
        None, description="relyingPartyName as registered, to the letter; people see it in the app."
    )
    smart_id_anchors_file: Path | None = Field(
        None,
        description="PEM file of Smart-ID's issuing authorities and their roots; no others are trusted.",
    )
    smart_id_pins: Annotated[tuple[str, ...], NoDecode] = Field(
        (),
        description=(
            "Keys of the service's TLS certificates, now and next, as sha256//Base64, separated by commas."
        ),
    )
    smart_id_ca_file: Path | None = Field(
        None,
        description="CA bundle for the service's TLS certificate; that of IDP_OUTBOUND_CA_FILE otherwise.",
    )
    smart_id_revocation: Literal["required", "off"] | None = Field(
        None,
        description=(
            "Whether OCSP is asked about people's certificates: always when live, at the demo service only "
            "when told."
        ),
    )
    smart_id_countries: Annotated[tuple[str, ...], NoDecode] = Field(
        ("LV",), description="Countries whose national codes confirm an account, separated by commas."
    )
    eparaksts_environment: Literal["off", "demo", "live"] = Field(
        "off", description="Whether people may confirm with eParaksts, and at which of its services."
    )
    eparaksts_client_id: str | None = Field(
        None, description="Client_ID from the contract with LVRTC; the test service has one of its own."
    )
    eparaksts_client_secret: SecretStr | None = Field(None, description="Client_secret that belongs to it.")
    eparaksts_server: Literal["lvrtc-eips-as", "lvrtc-eipsign-as"] = Field(
        "lvrtc-eips-as", description="Authorization server that the contract names."
    )
    eparaksts_base_url: str | None = Field(
        None, description="Origin of an emulator in place of the test service; only in the demo environment."
    )
    log_level: Literal["debug", "info", "warning", "error"] = Field(
        "info", description="The least level that is logged."
    )
    argon2_time_cost: int = Field(2, ge=1, le=20, description="Passes of argon2id over its memory.")
    argon2_memory_kib: int = Field(19456, ge=8, le=1048576, description="Memory of one argon2id hash in KiB.")
    argon2_parallelism: int = Field(1, ge=1, le=8, description="Lanes of argon2id.")
    argon2_concurrency: int = Field(
        2, ge=1, le=64, description="Password hashes computed at once in one process."
    )
    session_idle_minutes: int = Field(60, ge=1, le=1440, description="A session unused for this long ends.")
    session_absolute_hours: int = Field(
        12, ge=1, le=168, description="A session ends after this long in any case."
    )
    refresh_days: int = Field(30, ge=1, le=365, description="How long a family of refresh tokens lives.")
    metrics_token: SecretStr | None = Field(
        None,
        description="Bearer token that opens /metrics; without it /metrics answers only on its own listener.",
    )
    metrics_listen: str | None = Field(None, description="host:port of a separate listener for /metrics.")
    support_contact: str = Field(
        "atbalsts@visvaris.lv", description="Where people and researchers can write to us."
    )
    secrets_dir: Path | None = Field(
        None, description="Directory of files named like these settings, one value each."
    )

    @field_validator("issuer")
    @classmethod
    def _issuer_is_an_origin(cls, value: str) -> str:
        parts = urlsplit(value)
        if (
            parts.scheme not in {"https", "http"}
            or not parts.hostname
            or parts.query
            or parts.fragment
            or parts.username
        ):
            raise ValueError("must be an http(s) URL without query, fragment or user")
        if parts.path not in {"", "/"} or value.endswith("/"):
            raise ValueError("must be an origin without a path or a trailing slash")
        if parts.scheme == "http" and parts.hostname not in _LOCAL_HOSTS:
            raise ValueError("must use https except on localhost")
        return value

    @field_validator("mtls_origin")
    @classmethod
    def _mtls_origin_is_an_origin(cls, value: str | None) -> str | None:
        return None if value is None else cls._issuer_is_an_origin(value)

    @field_validator("mtls_ca_file")
    @classmethod
    def _authorities_can_be_read(cls, value: Path | None) -> Path | None:
        if value is not None:
            read = _read_authorities(value)
            if not read or not all(_may_sign(certificate) for certificate in read):
                raise ValueError("must name a PEM file of certificates that may sign others")
        return value

    @field_validator("mail_host")
    @classmethod
    def _relay_is_a_host(cls, value: str | None) -> str | None:
        if value is not None and not _is_address(value) and not _HOST.fullmatch(value):
            raise ValueError("must be a host name, without a scheme or a port")
        return value

    @field_validator("mail_password")
    @classmethod
    def _login_is_whole(cls, value: SecretStr | None, info: ValidationInfo) -> SecretStr | None:
        if (value is None) != (info.data.get("mail_username") is None):
            raise ValueError("must come with IDP_MAIL_USERNAME, and that with it")
        return value

    @field_validator("mail_from")
    @classmethod
    def _mail_comes_from_somewhere(cls, value: str | None, info: ValidationInfo) -> str | None:
        if value is None and info.data.get("mail_host") is not None:
            raise ValueError("is required with IDP_MAIL_HOST")
        if value is not None and not _SENDER.fullmatch(value):
            raise ValueError("must be one plain e-mail address, its domain in lower case")
        return value

    @field_validator("webauthn_rp_id")
    @classmethod
    def _rp_id_is_the_issuers(cls, value: str | None, info: ValidationInfo) -> str | None:
        """No parent without a dot, since that is a top-level domain; longer suffixes browsers refuse."""
        host = urlsplit(info.data.get("issuer", "")).hostname or ""
        if value is None or value == host:
            return value
        if "." not in value or not host.endswith(f".{value}") or _is_address(host):
            raise ValueError("must be the host of IDP_ISSUER or a parent domain of it")
        return value

    @field_validator("master_keys", "webauthn_origins", "smart_id_pins", "smart_id_countries", mode="before")
    @classmethod
    def _split_list(cls, value: object) -> object:
        if isinstance(value, str):
            return tuple(part.strip() for part in value.split(",") if part.strip())
        return value

    @field_validator("webauthn_origins")
    @classmethod
    def _origins_are_origins(cls, value: tuple[str, ...]) -> tuple[str, ...]:
        for origin in value:
            if cls._issuer_is_an_origin(origin) != web_origin(origin):
                raise ValueError("must be origins as browsers write them, in lower case without a usual port")
        return value

    @field_validator("trusted_proxies", "outbound_allow", mode="before")
    @classmethod
    def _networks(cls, value: object) -> object:
        if isinstance(value, str):
            return tuple(ip_network(part.strip(), strict=False) for part in value.split(",") if part.strip())
        return value

    @field_validator("master_keys")
    @classmethod
    def _keys_are_32_bytes(cls, value: tuple[SecretStr, ...]) -> tuple[SecretStr, ...]:
        if not value:
            raise ValueError("must list at least one key")
        for key in value:
            if len(_decode_key(key)) != MASTER_KEY_BYTES:
                raise ValueError("must be 32 bytes each in base64url")
        return value

    @property
    def master_key_bytes(self) -> tuple[bytes, ...]:
        return tuple(_decode_key(key) for key in self.master_keys)

    @property
    def client_authorities(self) -> tuple[Certificate, ...]:
        return _read_authorities(self.mtls_ca_file) if self.mtls_ca_file is not None else ()

    @property
    def rp_id(self) -> str:
        """The WebAuthn relying party's identifier."""
        return self.webauthn_rp_id or urlsplit(self.issuer).hostname or ""

    @property
    def host(self) -> str:
        """Of the issuer."""
        return urlsplit(self.issuer).hostname or ""

    @property
    def keeps_mail(self) -> bool:
        """Whether mail is shown at `/mail` in place of being sent: where somebody tries things out."""
        return self.mail_host is None and self.host in _LOCAL_HOSTS

    @property
    def mail_sender(self) -> str:
        return self.mail_from or _NO_SENDER

    @property
    def own_origins(self) -> tuple[str, ...]:
        """Where our pages are, as browsers write it; the issuer's first."""
        return tuple(dict.fromkeys((web_origin(self.issuer), *self.webauthn_origins)))

    @property
    def secure(self) -> bool:
        """Whether people reach us over https, so that cookies can be `Secure` and `__Host-`."""
        return self.issuer.startswith("https://")


def web_origin(url: str) -> str:
    """The origin of a URL as browsers serialise it (RFC 6454 section 6.1): lower case, no usual port."""
    parts = urlsplit(url)
    host = f"[{parts.hostname}]" if ":" in (parts.hostname or "") else parts.hostname or ""
    port = "" if parts.port in {None, _USUAL_PORTS.get(parts.scheme)} else f":{parts.port}"
    return f"{parts.scheme}://{host}{port}"


def load() -> Settings:
    """Reads the environment and `IDP_SECRETS_DIR`. Raises SettingsError."""
    secrets_dir = os.environ.get(PREFIX + "SECRETS_DIR")
    if secrets_dir and not Path(secrets_dir).is_dir():
        raise SettingsError("IDP_SECRETS_DIR must name an existing directory.")
    _refuse_unknown(os.environ.keys())
    if secrets_dir:
        _refuse_unknown(path.name.upper() for path in Path(secrets_dir).iterdir() if path.is_file())
    try:
        return Settings(_secrets_dir=secrets_dir)
    except ValidationError as error:
        first = error.errors(include_url=False, include_input=False)[0]
        name = PREFIX + str(first["loc"][0]).upper()
        why = (
            "is required." if first["type"] == "missing" else first["msg"].removeprefix("Value error, ") + "."
        )
        raise SettingsError(f"{name} {why}") from None


def _refuse_unknown(names: Iterable[str]) -> None:
    known = {PREFIX + name.upper() for name in Settings.model_fields}
    for name in sorted(names):
        if name.startswith(PREFIX) and name not in known:
            raise SettingsError(f"{name} is not a setting; `visvaris settings` lists them all.")


def _read_authorities(path: Path) -> tuple[Certificate, ...]:
    """Empty when there are none to be read."""
    try:
        return tuple(load_pem_x509_certificates(path.read_bytes()))
    except (OSError, ValueError):
        return ()


def _may_sign(certificate: Certificate) -> bool:
    """RFC 5280 sections 4.2.1.3 and 4.2.1.9."""
    try:
        usage = certificate.extensions.get_extension_for_class(KeyUsage).value
        return (
            usage.key_cert_sign and certificate.extensions.get_extension_for_class(BasicConstraints).value.ca
        )
    except (ExtensionNotFound, ValueError):
        return False


def _is_address(host: str) -> bool:
    try:
        ip_address(host)
    except ValueError:
        return False
    return True


def _decode_key(key: SecretStr) -> bytes:
    text = key.get_secret_value()
    try:
        return base64.urlsafe_b64decode(text + "=" * (-len(text) % 4))
    except (ValueError, binascii.Error):
        return b""
