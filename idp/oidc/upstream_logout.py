"""OpenID Connect Back-Channel Logout 1.0, from the other side: an upstream says that somebody is gone.

Every token counts once. Not here: whose sessions end (`login/upstreams.py`).
"""

from collections.abc import Callable
from typing import Final

import structlog

from idp.crypto import token_hash
from idp.effects import Effects
from idp.gateways.patience import Patience
from idp.models.upstreams import LogoutNotice, Upstream
from idp.oidc.upstream_metadata import MetadataError, Metadatas
from idp.oidc.upstream_tokens import UpstreamTokenError, UpstreamTokens, issuer_and_audiences
from idp.storage.database import Database
from idp.storage.ephemeral import Shelf

LOGOUT_PATH: Final = "/login/upstream/backchannel-logout"
_KIND: Final = "upstream-logout"
_REMEMBERED_SECONDS: Final = 3600.0
"""Longer than a token may be old."""

_log = structlog.get_logger("visvaris.upstream")


class UpstreamLogout:
    def __init__(
        self,
        *,
        database: Database,
        shelf: Shelf,
        metadatas: Metadatas,
        tokens: UpstreamTokens,
        effects: Effects,
        patience: Patience,
    ) -> None:
        self._database = database
        self._shelf = shelf
        self._metadatas = metadatas
        self._tokens = tokens
        self._effects = effects
        self._patience = patience

    def accept(self, token: str, end: Callable[[LogoutNotice], None]) -> bool:
        """False for one that does not hold, or came before. What `end` could not do may be asked again."""
        deadline = self._patience.begin()
        try:
            upstream = self._find_upstream(token)
            metadata = self._metadatas.get(upstream.issuer, deadline)
            notice = self._tokens.read_logout(upstream, metadata, token, deadline)
        except (UpstreamTokenError, MetadataError) as error:
            _log.warning("upstream logout refused", why=str(error))
            return False
        key = token_hash(f"{notice.upstream_id}\x1f{notice.jti}")
        until = self._effects.now() + _REMEMBERED_SECONDS
        if not self._shelf.add(_KIND, key, {}, expires_at=until):
            return False
        try:
            end(notice)
        except Exception:
            self._shelf.take(_KIND, key)
            raise
        return True

    def _find_upstream(self, token: str) -> Upstream:
        """Only whom we know is asked for keys. Raises UpstreamTokenError."""
        issuer, named = issuer_and_audiences(token)
        with self._database.read() as work:
            found = work.upstreams.list_of_issuer(issuer)
        for upstream in found:
            if upstream.client_id in named:
                return upstream
        raise UpstreamTokenError("it is of an issuer or for a client that is not known")
