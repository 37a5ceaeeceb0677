"""Which directory to ask, and for whom: by the link of a known person, or by the name that was typed.

Keeps one door for each directory as long as the directory stays as it is. Not here: what the answer is worth
(`method.py`).
"""

import threading
from dataclasses import dataclass, field

from idp.effects import Effects
from idp.gateways.ldap.door import Door
from idp.gateways.ldap.route import route_to
from idp.gateways.ldap.values import Entry
from idp.models.directories import Directory
from idp.models.people import Credential, User
from idp.storage.database import Database
from idp.storage.work import Work


@dataclass(frozen=True, slots=True)
class Linked:
    """A person as a directory knows them. `is_employed`: by the municipality whose directory it is, now."""

    user: User
    credential: Credential
    object_guid: str
    is_employed: bool


@dataclass(frozen=True, slots=True)
class Blocked:
    """Somebody's, who may not sign in by it now."""


@dataclass(frozen=True, slots=True)
class Asked:
    """`name`: as it was typed, for who is not known yet; `linked` otherwise. `door`: for this step alone."""

    directory: Directory
    door: Door = field(repr=False)
    name: str = ""
    linked: Linked | None = None


@dataclass(frozen=True, slots=True)
class Keyed:
    """A directory whose tickets can be accepted."""

    directory: Directory
    door: Door = field(repr=False)
    keytab: bytes = field(repr=False)


class Doors:
    def __init__(self, database: Database, effects: Effects) -> None:
        self._database = database
        self._effects = effects
        self._open: dict[str, tuple[Directory, Door]] = {}
        self._lock = threading.Lock()

    def for_person(self, user: User, credentials: list[Credential]) -> Asked | None:
        """By the first of their links that is in use."""
        with self._database.read() as work:
            for credential in credentials:
                link = work.directories.find_link(credential.id)
                directory = work.directories.find(link.directory_id) if link else None
                if link and directory and directory.enabled and credential.blocked_at is None:
                    linked = self._linked(work, user, credential, link.object_guid, directory)
                    return Asked(directory, self._door(work, directory).for_one_step(), linked=linked)
        return None

    def for_name(self, name: str) -> Asked | None:
        """By UPN suffix or NetBIOS name."""
        with self._database.read() as work:
            directory = _named(work.directories.list_all(), name)
            if directory is None:
                return None
            return Asked(directory, self._door(work, directory).for_one_step(), name=name)

    def is_name(self, name: str) -> bool:
        """Reads nothing for a name that is none of a directory's."""
        if "@" not in name and "\\" not in name:
            return False
        with self._database.read() as work:
            return _named(work.directories.list_all(), name) is not None

    def serve(self, municipalities: frozenset[str]) -> bool:
        with self._database.read() as work:
            return any(
                each.enabled and each.municipality in municipalities for each in work.directories.list_all()
            )

    def whose(self, directory: Directory, entry: Entry) -> Linked | Blocked | None:
        """As one moment has it, for somebody else may be linking it. None: nobody's."""
        with self._database.read() as work:
            link = work.directories.find_link_of_entry(directory.id, entry.guid)
            if link is None:
                return None
            user = work.people.get_user(link.user_id)
            for credential in work.people.credentials_of(user.id):
                if credential.id == link.credential_id and credential.blocked_at is None:
                    return self._linked(work, user, credential, entry.guid, directory)
        return Blocked()

    def with_keys(self, municipality: str, realm: str) -> list[Keyed]:
        """Where tickets of that realm may be from, by the name of the directory."""
        found = []
        with self._database.read() as work:
            for directory in work.keytabs.list_of_realm(municipality, realm):
                keytab = work.keytabs.find(directory.id)
                if keytab is not None:
                    door = self._door(work, directory).for_one_step()
                    found.append(Keyed(directory, door, work.keytabs.open(keytab)))
        return found

    def _linked(
        self, work: Work, user: User, credential: Credential, guid: str, directory: Directory
    ) -> Linked:
        posts = work.people.employments_of(user.id, now=self._effects.now())
        is_employed = user.is_active and any(post.municipality == directory.municipality for post in posts)
        return Linked(user, credential, guid, is_employed)

    def _door(self, work: Work, directory: Directory) -> Door:
        with self._lock:
            known = self._open.get(directory.id)
            if known is not None and known[0].updated_at == directory.updated_at:
                return known[1]
            door = Door(route_to(directory, work.directories.password_of(directory)))
            self._open[directory.id] = (directory, door)
        if known is not None:
            known[1].close()
        return door


def find_in(asked: Asked) -> Entry | None:
    """Who it is there: by the immutable id of a known person, by name of anybody else."""
    if asked.linked is not None:
        return asked.door.find_by_guid(asked.linked.object_guid)
    _, backslash, account_name = asked.name.partition("\\")
    if backslash:
        return asked.door.find_by_account_name(account_name)
    return asked.door.find_by_upn(asked.name)


def _named(directories: list[Directory], name: str) -> Directory | None:
    netbios, backslash, _ = name.partition("\\")
    _, at, suffix = name.rpartition("@")
    for directory in directories:
        if not directory.enabled:
            continue
        if backslash and directory.netbios_name and netbios.upper() == directory.netbios_name:
            return directory
        if at and not backslash and suffix.casefold() in directory.upn_suffixes:
            return directory
    return None
