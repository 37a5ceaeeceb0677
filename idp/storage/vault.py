"""Seals what is secret at rest, and keeps the random keys that outlive master keys, one per purpose.

Not here: how sealing works (`crypto.py`), which columns are sealed (`storage/reseal.py`).
"""

from sqlalchemy import bindparam, select

from idp.crypto import LookupKey, Place, Sealer
from idp.effects import Effects
from idp.models.keys import SealedSecret
from idp.storage.prepared import Prepared
from idp.storage.unit import Unit, table_of

_KEY_BYTES = 32
_secrets = table_of(SealedSecret)
_FIND = Prepared(select(_secrets.c.secret_sealed).where(_secrets.c.purpose == bindparam("purpose")))


class Vault:
    def __init__(self, sealer: Sealer, effects: Effects) -> None:
        self.sealer = sealer
        self._effects = effects
        self._keys: dict[str, LookupKey] = {}

    def seal(self, plaintext: bytes, place: Place) -> str:
        return self.sealer.seal(plaintext, place)

    def open(self, sealed: str, place: Place) -> bytes:
        """Raises SealError."""
        return self.sealer.open(sealed, place)

    def lookup_key(self, unit: Unit, purpose: str) -> LookupKey:
        """The key for `purpose`, made on first use; processes that race agree. A reader cannot make one."""
        if not (key := self.find_key(unit, purpose)):
            self.make_key(unit, purpose)
            key = self._read(unit, purpose)
        if key is None:
            raise LookupError(f"no key for {purpose}")
        return key

    def find_key(self, unit: Unit, purpose: str) -> LookupKey | None:
        """None when nothing was ever indexed or chained with it."""
        if cached := self._keys.get(purpose):
            return cached
        return self._read(unit, purpose)

    def make_key(self, unit: Unit, purpose: str) -> bool:
        """Whether this call made it: False when it exists."""
        sealed = self.sealer.seal(self._effects.random(_KEY_BYTES), _place(purpose))
        return unit.add_unless_there(SealedSecret(purpose=purpose, secret_sealed=sealed), "purpose")

    def _read(self, unit: Unit, purpose: str) -> LookupKey | None:
        row = unit.first(_FIND, {"purpose": purpose})
        if row is None:
            return None
        key = LookupKey(self.sealer.open(row[0], _place(purpose)))
        unit.after_commit(lambda: self._keys.update({purpose: key}))
        return key


def _place(purpose: str) -> Place:
    return Place(table="sealed_secrets", column="secret_sealed", row=purpose)
