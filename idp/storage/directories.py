"""Reads and writes municipalities' directories, and which entry of one is which person.

Not here: asking a directory anything (`gateways/ldap/`).
"""

from dataclasses import dataclass

from sqlalchemy import bindparam, delete, select

from idp.crypto import Place
from idp.effects import Instant
from idp.errors import NotFoundError
from idp.models.directories import Directory, DirectoryLink
from idp.models.people import Credential, User
from idp.storage.prepared import Cells, Prepared
from idp.storage.unit import Unit, record, records, table_of
from idp.storage.vault import Vault

AT_MOST = 500
"""Of all municipalities together."""
_directories = table_of(Directory)
_links = table_of(DirectoryLink)
_users = table_of(User)
_credentials = table_of(Credential)
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
_OF_MUNICIPALITY = Prepared(
    select(_directories)
    .where(_directories.c.municipality == bindparam("atvk"))
    .order_by(_directories.c.name)
    .limit(AT_MOST)
)
_LINK_OF_PERSON = Prepared(
    select(_links).where(
        _links.c.directory_id == bindparam("directory"), _links.c.user_id == bindparam("person")
    )
)
_LINKS = (
    select(_links, _users.c.username, _credentials.c.created_at)
    .join(_users, _users.c.id == _links.c.user_id)
    .join(_credentials, _credentials.c.id == _links.c.credential_id)
    .order_by(_links.c.credential_id)
)
_LISTED = Prepared(_LINKS.where(_links.c.credential_id == bindparam("credential")))
_REMOVE = Prepared(delete(_directories).where(_directories.c.id == bindparam("directory")))


@dataclass(frozen=True, slots=True)
class ListedLink:
    link: DirectoryLink
    username: str
    linked_at: Instant


class DirectoryStore:
    def __init__(self, unit: Unit, vault: Vault) -> None:
        self._unit = unit
        self._vault = vault

    def list_all(self) -> list[Directory]:
        return records(Directory, self._unit.rows(_ALL))

    def list_of(self, municipality: str) -> list[Directory]:
        return records(Directory, self._unit.rows(_OF_MUNICIPALITY, {"atvk": municipality}))

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

    def remove(self, directory_id: str) -> bool:
        """With its links and whoever waits; the credentials of the links are not its own (`list_links`)."""
        return self._unit.changed(_REMOVE, {"directory": directory_id}) == 1

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

    def find_link_of_person(self, directory_id: str, user_id: str) -> DirectoryLink | None:
        row = self._unit.first(_LINK_OF_PERSON, {"directory": directory_id, "person": user_id})
        return record(DirectoryLink, row) if row else None

    def list_links(
        self, directory_id: str, *, after: str | None = None, limit: int = 100
    ) -> list[ListedLink]:
        """By the credential's id, from the one after `after`."""
        statement = _LINKS.where(_links.c.directory_id == directory_id).limit(limit)
        if after is not None:
            statement = statement.where(_links.c.credential_id > after)
        return [_listed(row) for row in self._unit.rows(Prepared(statement))]

    def find_listed(self, credential_id: str) -> ListedLink | None:
        row = self._unit.first(_LISTED, {"credential": credential_id})
        return _listed(row) if row else None


def _listed(row: Cells) -> ListedLink:
    return ListedLink(record(DirectoryLink, row[:-2]), row[-2], row[-1])


def _password_place(directory_id: str) -> Place:
    return Place(table="directories", column="password_sealed", row=directory_id)
