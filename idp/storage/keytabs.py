"""Reads and writes the keys by which tickets of directories are accepted. Not here: accepting one
(`gateways/kerberos/`).
"""

import base64
from dataclasses import dataclass

from sqlalchemy import bindparam, delete, select

from idp.crypto import Place
from idp.effects import Instant
from idp.models.directories import Directory, DirectoryKeytab
from idp.storage.prepared import Prepared
from idp.storage.unit import Unit, record, records, table_of
from idp.storage.vault import Vault

AT_MOST = 500
_keytabs = table_of(DirectoryKeytab)
_directories = table_of(Directory)
_joined = _keytabs.join(_directories, _directories.c.id == _keytabs.c.directory_id)
_OF = Prepared(select(_keytabs).where(_keytabs.c.directory_id == bindparam("directory")))
_REMOVE = Prepared(delete(_keytabs).where(_keytabs.c.directory_id == bindparam("directory")))
_IN_USE = Prepared(
    select(_directories.c.municipality, _keytabs.c.automatic)
    .select_from(_joined)
    .where(_directories.c.enabled.is_(True))
    .limit(AT_MOST)
)
_OF_REALM = Prepared(
    select(_directories)
    .select_from(_joined)
    .where(
        _directories.c.municipality == bindparam("atvk"),
        _directories.c.realm == bindparam("of_realm"),
        _directories.c.enabled.is_(True),
    )
    .order_by(_directories.c.name)
    .limit(AT_MOST)
)


@dataclass(frozen=True, slots=True)
class InUse:
    """A municipality has an enabled directory with keys."""

    municipality: str
    automatic: bool


class KeytabStore:
    def __init__(self, unit: Unit, vault: Vault) -> None:
        self._unit = unit
        self._vault = vault

    def find(self, directory_id: str) -> DirectoryKeytab | None:
        row = self._unit.first(_OF, {"directory": directory_id})
        return record(DirectoryKeytab, row) if row else None

    def put(self, directory_id: str, content: bytes, *, automatic: bool, at: Instant) -> None:
        """In place of the one there was."""
        sealed = self._vault.seal(base64.b64encode(content), _place(directory_id))
        row = DirectoryKeytab(
            directory_id=directory_id, keytab_sealed=sealed, updated_at=at, automatic=automatic
        )
        self._unit.put(row, "directory_id")

    def open(self, keytab: DirectoryKeytab) -> bytes:
        """Raises SealError."""
        return base64.b64decode(self._vault.open(keytab.keytab_sealed, _place(keytab.directory_id)))

    def remove(self, directory_id: str) -> bool:
        """False when there was none."""
        return self._unit.changed(_REMOVE, {"directory": directory_id}) == 1

    def list_in_use(self) -> list[InUse]:
        return [InUse(*row) for row in self._unit.rows(_IN_USE)]

    def list_of_realm(self, municipality: str, realm: str) -> list[Directory]:
        """Enabled directories of that municipality and realm that have keys."""
        return records(Directory, self._unit.rows(_OF_REALM, {"atvk": municipality, "of_realm": realm}))


def _place(directory_id: str) -> Place:
    return Place(table="directory_keytabs", column="keytab_sealed", row=directory_id)
