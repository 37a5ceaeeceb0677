"""What an operator tells a connector: environment variables with the prefix `CONNECTOR_`.

Each connector is one process with an environment of its own, so the prefix does not name it. What differs
by municipality is data and stands elsewhere.
"""

import base64
import binascii
import os
from pathlib import Path
from typing import Annotated, Self, TypeVar
from urllib.parse import urlsplit

from pydantic import AfterValidator, BeforeValidator, Field, SecretStr, ValidationError, model_validator
from pydantic_settings import BaseSettings, NoDecode, SettingsConfigDict

from connectors.kit.proxies import Network

PREFIX = "CONNECTOR_"
KEY_BYTES = 32


class SettingsError(Exception):
    """One sentence that names the setting; never its value."""


def _decode_key(text: str) -> bytes:
    return base64.b64decode(text + "=" * (-len(text) % 4), altchars=b"-_", validate=True)


def _is_key(text: str) -> bool:
    try:
        return len(_decode_key(text)) == KEY_BYTES
    except (binascii.Error, ValueError):
        return False


def _split(value: object) -> object:
    return [part for part in value.replace(" ", "").split(",") if part] if isinstance(value, str) else value


def _checked_keys(keys: tuple[SecretStr, ...]) -> tuple[SecretStr, ...]:
    if not keys or not all(_is_key(key.get_secret_value()) for key in keys):
        raise ValueError("must be keys of 32 bytes in base64url, newest first, separated by commas")
    return keys


def _checked_origin(url: str) -> str:
    """https, or http on this machine only; the text is kept as it is, since issuers are compared exactly."""
    parts = urlsplit(url)
    local = parts.hostname in {"localhost", "127.0.0.1", "::1"}
    if not parts.hostname or parts.scheme not in {"https", "http"} or parts.query or parts.fragment:
        raise ValueError("must be an http or https address without query and fragment")
    if parts.username is not None or (parts.scheme == "http" and not local):
        raise ValueError("must be https, without a user name, unless it is on localhost")
    return url


Address = Annotated[str, AfterValidator(_checked_origin)]
Keys = Annotated[tuple[SecretStr, ...], NoDecode, BeforeValidator(_split), AfterValidator(_checked_keys)]


Networks = Annotated[tuple[Network, ...], NoDecode, BeforeValidator(_split)]


class ConnectorSettings(BaseSettings):
    model_config = SettingsConfigDict(
        env_prefix=PREFIX, frozen=True, extra="forbid", hide_input_in_errors=True
    )

    issuer: Address = Field(description="Exact issuer of the provider whose tokens are trusted.")
    client_id: str = Field(min_length=1, description="This connector's client at the provider.")
    client_secret: SecretStr = Field(min_length=1, description="Secret of that client (client_secret_basic).")
    base_url: Address = Field(description="This connector's own address, without a final slash.")
    secret_keys: Keys = Field(description="Keys of 32 bytes, base64url, newest first; they seal sessions.")
    resource: str = Field(default="", description="Audience its API accepts; the own address unless set.")
    database_url: str = Field(
        default="sqlite:///var/connector.sqlite3", description="SQLAlchemy URL of the connector's own tables."
    )
    trusted_proxies: Networks = Field(
        default=(), description="Networks of proxies whose Client-Cert header (RFC 9440) counts."
    )
    ca_file: Path | None = Field(default=None, description="CA bundle for calls to the provider.")
    session_seconds: int = Field(
        default=900,
        ge=60,
        le=86_400,
        description="A session here ends after so long, or with its access token if that is sooner.",
    )

    @model_validator(mode="after")
    def _base_url_has_no_final_slash(self) -> Self:
        if self.base_url.endswith("/"):
            raise ValueError(f"{PREFIX}BASE_URL must not end with a slash")
        return self

    @property
    def audience(self) -> str:
        return self.resource or self.base_url

    @property
    def is_https(self) -> bool:
        return self.base_url.startswith("https:")

    def sealing_keys(self) -> tuple[bytes, ...]:
        return tuple(_decode_key(key.get_secret_value()) for key in self.secret_keys)


Settings = TypeVar("Settings", bound=ConnectorSettings)


def load_settings(kind: type[Settings]) -> Settings:
    """From the environment; SettingsError names what is missing, wrong or unknown."""
    known = {PREFIX + name.upper() for name in kind.model_fields}
    unknown = sorted(name for name in os.environ if name.startswith(PREFIX) and name not in known)
    if unknown:
        raise SettingsError(f"{unknown[0]} is not a setting of this connector.")
    try:
        return kind()
    except ValidationError as error:
        first = error.errors(include_input=False, include_url=False, include_context=False)[0]
        setting = PREFIX + "_".join(str(part) for part in first["loc"][:1]).upper() if first["loc"] else ""
        raise SettingsError(f"{setting} {first['msg'].removeprefix('Value error, ')}".strip() + ".") from None
