"""Which columns are sealed, in one place, and sealing them anew under the newest master key."""

from collections.abc import Callable
from dataclasses import dataclass

from sqlalchemy import Column, Table, bindparam, select, update

from idp.crypto import SEALED_PREFIX, Place
from idp.models.clients import Client
from idp.models.confirmations import Confirmation
from idp.models.directories import Directory, DirectoryKeytab
from idp.models.in_person import IdentityCheck
from idp.models.keys import SealedSecret, SigningKey
from idp.models.people import Credential, User
from idp.models.upstreams import Upstream
from idp.storage.prepared import Prepared
from idp.storage.unit import Unit, table_of
from idp.storage.vault import Vault

_BATCH = 200


@dataclass(frozen=True, slots=True)
class SealedColumn:
    """Its values are bound to `Place(table, column, the row's primary key)`."""

    table: Table
    column: Column[str]

    @property
    def key(self) -> Column[str]:
        (key,) = self.table.primary_key.columns
        return key

    def place(self, row: str) -> Place:
        return Place(table=self.table.name, column=self.column.name, row=row)


def _sealed(table: Table, column: str) -> SealedColumn:
    return SealedColumn(table, table.c[column])


SEALED_COLUMNS = (
    _sealed(table_of(User), "person_code_sealed"),
    _sealed(
        table_of(Credential), "secret"
    ),  # of the methods that must read their secret again; others keep hashes
    _sealed(table_of(Confirmation), "names_sealed"),
    _sealed(table_of(IdentityCheck), "stated_sealed"),
    _sealed(table_of(Upstream), "client_secret_sealed"),
    _sealed(table_of(Client), "mac_secret_sealed"),
    _sealed(table_of(SigningKey), "private_sealed"),
    _sealed(table_of(SealedSecret), "secret_sealed"),
    _sealed(table_of(Directory), "password_sealed"),
    _sealed(table_of(DirectoryKeytab), "keytab_sealed"),
)


def reseal_all(work: Unit, vault: Vault, progress: Callable[[int], None] | None = None) -> int:
    """Seals anew what an older master key sealed; how many values. `progress` gets the count so far.

    Reads a bounded batch at a time. Raises SealError, and nothing is changed, when a value does not open.
    """
    resealed = 0
    for column in SEALED_COLUMNS:
        after = ""
        while batch := work.rows(_next_batch(column), {"after": after}):
            for row, sealed in batch:
                resealed += _reseal(work, vault, column, row=row, sealed=sealed)
            after = batch[-1][0]
            if progress:
                progress(resealed)
    return resealed


def _reseal(work: Unit, vault: Vault, column: SealedColumn, *, row: str, sealed: str) -> int:
    """How many rows it changed: none when it is current, or became another value meanwhile."""
    if vault.sealer.is_current(sealed):
        return 0
    place = column.place(row)
    anew = vault.seal(vault.open(sealed, place), place)
    statement = update(column.table).where(column.key == row, column.column == sealed)
    return work.changed(Prepared(statement.values({column.column: anew})))


def _next_batch(column: SealedColumn) -> Prepared:
    statement = (
        select(column.key, column.column)
        .where(column.key > bindparam("after"), column.column.startswith(SEALED_PREFIX, autoescape=True))
        .order_by(column.key)
        .limit(_BATCH)
    )
    return Prepared(statement)
