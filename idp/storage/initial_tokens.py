"""Leave to register clients (RFC 7591 section 3), by hash. A use is one conditional statement."""

from sqlalchemy import bindparam, select, update

from idp.effects import Instant
from idp.models.clients import InitialAccessToken
from idp.storage.prepared import Prepared
from idp.storage.unit import Unit, record, table_of

_tokens = table_of(InitialAccessToken)
_is_usable = (
    _tokens.c.token_hash == bindparam("token"),
    _tokens.c.uses_left > 0,
    _tokens.c.expires_at > bindparam("now"),
)
_USABLE = Prepared(select(_tokens).where(*_is_usable))
_USE = Prepared(update(_tokens).where(*_is_usable).values(uses_left=_tokens.c.uses_left - 1))


class InitialTokenStore:
    def __init__(self, unit: Unit) -> None:
        self._unit = unit

    def add(self, token: InitialAccessToken) -> None:
        self._unit.add(token)

    def find_usable(self, token_hash: str, now: Instant) -> InitialAccessToken | None:
        row = self._unit.first(_USABLE, {"token": token_hash, "now": now})
        return record(InitialAccessToken, row) if row else None

    def use(self, token_hash: str, now: Instant) -> bool:
        """False when it is unknown, over, or used up. Of all who race for its last use, one gets it."""
        return self._unit.changed(_USE, {"token": token_hash, "now": now}) == 1
