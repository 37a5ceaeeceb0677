"""Reads and writes signing keys, their private halves sealed. Not here: when they rotate (`oidc/keys.py`)."""

from sqlalchemy import delete, select, update

from idp.crypto import Place
from idp.effects import Instant
from idp.models.keys import KeyState, SigningKey
from idp.storage.prepared import Prepared
from idp.storage.unit import Unit, records, table_of
from idp.storage.vault import Vault

_keys = table_of(SigningKey)
_ALL = Prepared(select(_keys).order_by(_keys.c.created_at.desc(), _keys.c.kid).limit(200))


class KeyStore:
    def __init__(self, unit: Unit, vault: Vault) -> None:
        self._unit = unit
        self._vault = vault

    def signing_keys(self) -> list[SigningKey]:
        """Next, active and retired ones, the newest first."""
        return records(SigningKey, self._unit.rows(_ALL))

    def seal_private(self, kid: str, private: bytes) -> str:
        """What goes into `SigningKey.private_sealed`."""
        return self._vault.seal(private, _place(kid))

    def open_private(self, key: SigningKey) -> bytes:
        """Raises SealError."""
        return self._vault.open(key.private_sealed, _place(key.kid))

    def add(self, key: SigningKey) -> None:
        """Its `private_sealed` comes from `seal_private`. Raises AlreadyExistsError."""
        self._unit.add(key)

    def set_state(self, kid: str, state: KeyState, *, at: Instant) -> bool:
        retired_at = at if state is KeyState.RETIRED else None
        statement = update(_keys).where(_keys.c.kid == kid).values(state=state.value, retired_at=retired_at)
        return self._unit.changed(Prepared(statement)) == 1

    def remove_retired_before(self, at: Instant) -> int:
        statement = delete(_keys).where(_keys.c.state == KeyState.RETIRED.value, _keys.c.retired_at < at)
        return self._unit.changed(Prepared(statement))


def _place(kid: str) -> Place:
    return Place(table="signing_keys", column="private_sealed", row=kid)
