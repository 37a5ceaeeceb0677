"""Reads and writes what FIDO's list says of authenticators.

Not here: what municipalities demand (`rules.py`).
"""

from collections.abc import Iterable
from typing import Final

from sqlalchemy import bindparam, delete, func, select, update

from idp.models.authenticators import NO_MODEL, AuthenticatorModel, MetadataBlob
from idp.models.people import Credential
from idp.storage.prepared import Prepared
from idp.storage.unit import Unit, record, records, table_of

MODELS_AT_MOST: Final = 10_000
_ONLY = "fido"

_models = table_of(AuthenticatorModel)
_blobs = table_of(MetadataBlob)
_credentials = table_of(Credential)

_BLOB = Prepared(select(_blobs).where(_blobs.c.id == _ONLY))
_NEWER_BLOB = Prepared(
    update(_blobs)
    .where(_blobs.c.id == _ONLY, _blobs.c.number < bindparam("new_number"))
    .values(
        number=bindparam("new_number"), next_update=bindparam("new_update"), loaded_at=bindparam("new_at")
    )
)
_MODEL = Prepared(select(_models).where(_models.c.aaguid == bindparam("model")))
_STATUSES = Prepared(select(_models.c.status_reports).where(_models.c.aaguid == bindparam("model")))
_NAME = Prepared(select(_models.c.description).where(_models.c.aaguid == bindparam("model")))
_MODELS = Prepared(select(_models).order_by(_models.c.aaguid).limit(MODELS_AT_MOST))
_REMOVE = Prepared(delete(_models).where(_models.c.aaguid == bindparam("model")))
_NAME_KEYS = Prepared(
    update(_credentials)
    .where(_credentials.c.aaguid.is_not(None))
    .values(
        kind=select(_models.c.description).where(_models.c.aaguid == _credentials.c.aaguid).scalar_subquery()
    )
)
_KEYS_OF = Prepared(
    select(func.count()).select_from(_credentials).where(_credentials.c.aaguid == bindparam("model"))
)


class AuthenticatorStore:
    def __init__(self, unit: Unit) -> None:
        self._unit = unit

    def find_blob(self) -> MetadataBlob | None:
        row = self._unit.first(_BLOB)
        return record(MetadataBlob, row) if row else None

    def accept_blob(self, *, number: int, next_update: float, at: float) -> bool:
        """False when this list or a later one was loaded before."""
        first = MetadataBlob(id=_ONLY, number=number, next_update=next_update, loaded_at=at)
        if self._unit.add_unless_there(first, "id"):
            return True
        values = {"new_number": number, "new_update": next_update, "new_at": at}
        return self._unit.changed(_NEWER_BLOB, values) == 1

    def find(self, aaguid: str) -> AuthenticatorModel | None:
        if aaguid == NO_MODEL:
            return None
        row = self._unit.first(_MODEL, {"model": aaguid})
        return record(AuthenticatorModel, row) if row else None

    def name_of(self, aaguid: str) -> str | None:
        row = None if aaguid == NO_MODEL else self._unit.first(_NAME, {"model": aaguid})
        return None if row is None else str(row[0])

    def statuses_of(self, aaguid: str) -> frozenset[str] | None:
        """None for a model that is not listed."""
        row = None if aaguid == NO_MODEL else self._unit.first(_STATUSES, {"model": aaguid})
        return None if row is None else frozenset(str(report["status"]) for report in row[0])

    def list_models(self) -> list[AuthenticatorModel]:
        return records(AuthenticatorModel, self._unit.rows(_MODELS))

    def put(self, models: Iterable[AuthenticatorModel]) -> None:
        for model in models:
            self._unit.put(model, "aaguid")

    def remove(self, aaguids: Iterable[str]) -> None:
        for aaguid in aaguids:
            self._unit.changed(_REMOVE, {"model": aaguid})

    def name_keys(self) -> None:
        """Every key is called what the list calls its model now."""
        self._unit.changed(_NAME_KEYS)

    def count_keys(self, aaguid: str) -> int:
        """How many keys of people say that they are of this model."""
        row = self._unit.first(_KEYS_OF, {"model": aaguid})
        return int(row[0]) if row else 0
