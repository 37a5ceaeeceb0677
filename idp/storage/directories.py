"""Reads and writes municipalities' directories, and which entry of one is which person.

Not here: asking a directory anything (`gateways/ldap/`).
"""

from sqlalchemy import bindparam, select

from idp.crypto import Place
from idp.errors import NotFoundError
from idp.models.directories import Directory, DirectoryLink
from idp.storage.prepared import Prepared
from idp.storage.unit import Unit, record, records, table_of
from idp.storage.vault import Vault

AT_MOST = 500
"""Of all municipalities together."""
_directories = table_of(Directory)
_links = table_of(DirectoryLink)
_ALL = Prepared(
    select(_directories).order_by(_directories.c.municipality, _directories.c.name).limit(AT_MOST)
)
_BY_ID = Prepared(select(_directories).where(_directories.c.id == bindparam("directory")))
_BY_NAME = Prepared(
    select(_directories).where(
        _directories.c.municipality == bindparam("atvk"), _directories.c.name == bindparam("named")
    )
)
_LINK = Prepared(select(_links).where(_links.c.credential_id == bindparam("credential")))
_LINK_OF_ENTRY = Prepared(
    select(_links).where(
        _links.c.directory_id == bindparam("directory"), _links.c.object_guid == bindparam("guid")
    )
)


class DirectoryStore:
    def __init__(self, unit: Unit, vault: Vault) -> None:
        self._unit = unit
        self._vault = vault

    def list_all(self) -> list[Directory]:
        return records(Directory, self._unit.rows(_ALL))

    def find(self, directory_id: str) -> Directory | None:
        row = self._unit.first(_BY_ID, {"directory": directory_id})
        return record(Directory, row) if row else None

    def get(self, directory_id: str) -> Directory:
        if directory := self.find(directory_id):
            return directory
        raise NotFoundError("directory")

    def find_by_name(self, municipality: str, name: str) -> Directory | None:
        row = self._unit.first(_BY_NAME, {"atvk": municipality, "named": name})
        return record(Directory, row) if row else None

    def add(self, directory: Directory) -> None:
        """Raises AlreadyExistsError when that municipality has one of that name, or does not exist."""
        self._unit.add(directory)

    def put(self, directory: Directory) -> None:
        self._unit.put(directory, "id")

    def seal_password(self, directory_id: str, password: str) -> str:
        """For the column of that row only."""
        return self._vault.seal(password.encode(), _password_place(directory_id))

    def password_of(self, directory: Directory) -> str:
        """Of the account by which we search there. Raises SealError."""
        return self._vault.open(directory.password_sealed, _password_place(directory.id)).decode()

    def add_link(self, link: DirectoryLink) -> None:
        """Raises AlreadyExistsError when the entry is somebody's, or the person is another of that
        directory.
        """
        self._unit.add(link)

    def find_link(self, credential_id: str) -> DirectoryLink | None:
        row = self._unit.first(_LINK, {"credential": credential_id})
        return record(DirectoryLink, row) if row else None

    def find_link_of_entry(self, directory_id: str, object_guid: str) -> DirectoryLink | None:
        row = self._unit.first(_LINK_OF_ENTRY, {"directory": directory_id, "guid": object_guid})
        return record(DirectoryLink, row) if row else None


def _password_place(directory_id: str) -> Place:
    return Place(table="directories", column="password_sealed", row=directory_id)
