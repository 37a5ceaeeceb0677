"""Which eParaksts is asked and who we are to it: one object, so that live and demo are never half mixed."""

import base64
import re
from dataclasses import dataclass, field
from enum import Enum
from typing import Final
from urllib.parse import quote_plus, urlsplit

_ORIGIN: Final = re.compile(
    r"https://[a-z0-9-]+(?:\.[a-z0-9-]+)*(?::\d{1,5})?|http://(?:localhost|127\.0\.0\.1|\[::1\])(?::\d{1,5})?",
    re.ASCII,
)
_LONGEST: Final = 256


class Stage(Enum):
    LIVE = "live"
    DEMO = "demo"

    @property
    def origin(self) -> str:
        return _ORIGINS[self]


_ORIGINS: Final = {Stage.LIVE: "https://eidas.eparaksts.lv", Stage.DEMO: "https://eidas-demo.eparaksts.lv"}


class Server(Enum):
    """The authorization server we are registered at, which is a segment of two paths."""

    IDENTIFICATION = "lvrtc-eips-as"
    IDENTIFICATION_AND_SIGNING = "lvrtc-eipsign-as"


class EnvironmentRefusedError(ValueError):
    """`what` is the name of a field, the message a clause that follows it."""

    def __init__(self, what: str, why: str) -> None:
        super().__init__(why)
        self.what = what


@dataclass(frozen=True, slots=True, kw_only=True)
class Environment:
    """`origin` may be an emulator's, and only of a demo. Raises EnvironmentRefusedError."""

    stage: Stage
    origin: str
    client_id: str
    client_secret: str = field(repr=False)
    server: Server

    def __post_init__(self) -> None:
        if not _ORIGIN.fullmatch(self.origin):
            raise EnvironmentRefusedError("base_url", "must be an https origin in lower case without a path")
        if self.stage is Stage.LIVE and self.origin != Stage.LIVE.origin:
            raise EnvironmentRefusedError("base_url", "must not be set in a live environment")
        if self.stage is Stage.DEMO and _host(self.origin) == _host(Stage.LIVE.origin):
            raise EnvironmentRefusedError("base_url", "must not be that of the live service in a demo")
        for what in ("client_id", "client_secret"):
            value = getattr(self, what)
            if not 1 <= len(value) <= _LONGEST or not value.isprintable() or value != value.strip():
                raise EnvironmentRefusedError(what, f"must have 1 to {_LONGEST} characters")

    @property
    def authorize_url(self) -> str:
        return f"{self.origin}/trustedx-authserver/oauth/{self.server.value}"

    @property
    def token_url(self) -> str:
        return f"{self.authorize_url}/token"

    @property
    def user_url(self) -> str:
        return f"{self.origin}/trustedx-resources/openid/v1/users/me"

    def authorization(self) -> str:
        """The header by which the token endpoint knows us; both halves are encoded first (RFC 6749 section
        2.3.1).
        """
        pair = f"{quote_plus(self.client_id)}:{quote_plus(self.client_secret)}"
        return "Basic " + base64.b64encode(pair.encode()).decode()


def _host(origin: str) -> str:
    return urlsplit(origin).hostname or ""
